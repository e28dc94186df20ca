/* SPDX-License-Identifier: Apache-2.0 */
/**
 * DOC: Flows, their readers and writers
 *
 * A flow is a ring buffer whose index is time (see <mxl/time.h>). Discrete flows (video, data)
 * hold grains: pictures, fields, packets of ancillary data; a grain is made of slices, such as
 * the lines of a picture, and can be committed and read slice by slice. Continuous flows (audio)
 * hold samples of one or more channels.
 *
 * One process writes a flow, any number read it. Nothing is copied: both get pointers into the
 * ring. A reader's pointers stay mapped until the reader is released, but the writer comes around
 * and overwrites what they point to once the ring has turned. Whoever must be certain that he
 * used unchanged data asks for the same index again afterwards: an answer other than
 * MXL_ERR_OUT_OF_RANGE_TOO_LATE says that it was not overwritten in between.
 *
 * A file of a flow that is truncated while it is mapped ends the flow, and nobody with it: what is
 * missing reads as zeros, and every call says MXL_ERR_FLOW_INVALID from then on. For that the
 * library handles SIGBUS; faults that are none of its own go to the handler that was there when
 * the last flow was opened. (While a writer holds a flow with the kernel module, its files cannot
 * be truncated.)
 *
 * Handles: two requests of one instance for the same flow give the same reader (or writer),
 * counted; it lives until it has been released as often. The functions for handles know what
 * kind of flow a handle belongs to and refuse those of the other kind with
 * MXL_ERR_INVALID_FLOW_READER or MXL_ERR_INVALID_FLOW_WRITER.
 *
 * Threads: readers may be shared between threads. A writer, and a synchronisation group, is for
 * one thread at a time. No handle may be in use while it is released for the last time.
 *
 * Time-outs are nanoseconds from now and count on CLOCK_MONOTONIC, so that setting the clock
 * does not disturb them. 0 looks once; UINT64_MAX waits without end.
 */
#ifndef MXL_FLOW_H
#define MXL_FLOW_H

#ifdef __cplusplus
#include <cstddef>
#include <cstdint>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

#include <mxl/flowinfo.h>
#include <mxl/mxl.h>
#include <mxl/platform.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Flag of a grain without meaningful payload: its source failed, or the writer skipped it. Such
 * a grain counts as complete, however few slices are valid; readers repeat the previous picture
 * or do what else suits them.
 */
#define MXL_GRAIN_FLAG_INVALID 0x00000001

/* For minValidSlices: any state of the grain will do, even one without slices. */
#define MXL_GRAIN_VALID_SLICES_ANY ((uint16_t)0)

/* For minValidSlices: the whole grain. */
#define MXL_GRAIN_VALID_SLICES_ALL ((uint16_t)UINT16_MAX)

/**
 * struct mxlBufferSlice_t - memory to read from
 * @pointer: first byte; what it points to when @size is 0 is not to be used
 * @size: bytes
 */
typedef struct mxlBufferSlice_t {
	void const *pointer;
	size_t size;
} mxlBufferSlice;

/**
 * struct mxlMutableBufferSlice_t - memory to write to
 * @pointer: first byte; what it points to when @size is 0 is not to be used
 * @size: bytes
 */
typedef struct mxlMutableBufferSlice_t {
	void *pointer;
	size_t size;
} mxlMutableBufferSlice;

/**
 * struct mxlWrappedBufferSlice_t - memory to read from that may go around the end of a ring
 * @fragments: [0] up to the end of the ring, [1] the rest from its start on, of size 0 if there
 *	is none
 */
typedef struct mxlWrappedBufferSlice_t {
	mxlBufferSlice fragments[2];
} mxlWrappedBufferSlice;

/**
 * struct mxlMutableWrappedBufferSlice_t - memory to write to that may go around the end of a ring
 * @fragments: [0] up to the end of the ring, [1] the rest from its start on, of size 0 if there
 *	is none
 */
typedef struct mxlMutableWrappedBufferSlice_t {
	mxlMutableBufferSlice fragments[2];
} mxlMutableWrappedBufferSlice;

/**
 * struct mxlWrappedMultiBufferSlice_t - the same range of several channels, to read from
 * @base: the range in channel 0
 * @stride: bytes from a place in one channel to the same place in the next
 * @count: channels
 */
typedef struct mxlWrappedMultiBufferSlice_t {
	mxlWrappedBufferSlice base;
	size_t stride;
	size_t count;
} mxlWrappedMultiBufferSlice;

/**
 * struct mxlMutableWrappedMultiBufferSlice_t - the same range of several channels, to write to
 * @base: the range in channel 0
 * @stride: bytes from a place in one channel to the same place in the next
 * @count: channels
 */
typedef struct mxlMutableWrappedMultiBufferSlice_t {
	mxlMutableWrappedBufferSlice base;
	size_t stride;
	size_t count;
} mxlMutableWrappedMultiBufferSlice;

/**
 * struct mxlGrainInfo_t - the header of a grain
 * @version: version of this struct: 1
 * @size: bytes of this struct: 4096
 * @index: which grain this is
 * @flags: MXL_GRAIN_FLAG_INVALID or 0
 * @grainSize: bytes of payload
 * @totalSlices: slices of a complete grain, at least 1
 * @validSlices: slices that are there, from the first on, at most @totalSlices
 * @reserved: what the library neither reads nor writes
 *
 * It stands as such in shared memory before the payload; sizes and offsets are ABI. The library
 * copies the members before @reserved and leaves the caller's @reserved as it is, so that a
 * header on the stack costs 28 bytes per call, not 4096.
 */
typedef struct mxlGrainInfo_t {
	uint32_t version;
	uint32_t size;
	uint64_t index;
	uint32_t flags;
	uint32_t grainSize;
	uint16_t totalSlices;
	uint16_t validSlices;
	uint8_t reserved[4068];
} mxlGrainInfo;

/* A reader of a flow; from mxlCreateFlowReader() to mxlReleaseFlowReader(). */
typedef struct mxlFlowReader_t *mxlFlowReader;

/* A writer of a flow; from mxlCreateFlowWriter() to mxlReleaseFlowWriter(). */
typedef struct mxlFlowWriter_t *mxlFlowWriter;

/* Readers to wait for together; from mxlCreateFlowSynchronizationGroup() on. */
typedef struct mxlFlowSynchronizationGroup_t *mxlFlowSynchronizationGroup;

/**
 * mxlCreateFlowWriter() - create a flow, or open one that exists, for writing
 * @instance: the instance whose domain has, or gets, the flow
 * @flowDef: the definition: a flow resource of NMOS IS-04 in JSON, as text. It has to have id,
 *	label, format, media_type, a grain_rate or sample_rate, what belongs to the format, and
 *	the tag urn:x-nmos:tag:grouphint/v1.0; it is stored byte for byte
 * @options: NULL, "" or a JSON object with any of maxCommitBatchSizeHint (at least 1) and
 *	maxSyncBatchSizeHint (a multiple of the former); see struct mxlCommonFlowConfigInfo_t
 * @writer: where to put the writer
 * @configInfo: where to put the configuration of the flow, may be NULL
 * @created: where to put whether the flow is new (true) or existed (false), may be NULL
 *
 * If several processes create one flow at the same time, one of them does and the others open
 * what it made. The geometry of a flow that exists must be the one that @flowDef asks for.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG if @instance, @flowDef or @writer is NULL;
 * MXL_ERR_UNKNOWN if @flowDef or @options is refused (the log says why) or the flow cannot be
 * stored, for example because the file system is full; MXL_ERR_CONFLICT if the flow exists with
 * another geometry; MXL_ERR_PERMISSION_DENIED if the domain or the flow cannot be written
 */
MXL_EXPORT
mxlStatus mxlCreateFlowWriter(mxlInstance instance, char const *flowDef, char const *options,
			      mxlFlowWriter *writer, mxlFlowConfigInfo *configInfo, bool *created);

/**
 * mxlReleaseFlowWriter() - give a writer back
 * @instance: the instance it was made from
 * @writer: the writer
 *
 * What is open and not committed is forgotten. When this was the last writer of the flow on the
 * host, the flow is deleted; readers keep what they have mapped and are told
 * MXL_ERR_FLOW_INVALID when they wait for more.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG if @instance is NULL; MXL_ERR_INVALID_FLOW_WRITER
 * if @writer is NULL or not of @instance
 */
MXL_EXPORT
mxlStatus mxlReleaseFlowWriter(mxlInstance instance, mxlFlowWriter writer);

/**
 * mxlCreateFlowReader() - open a flow for reading
 * @instance: the instance whose domain has the flow
 * @flowId: the UUID of the flow as text, in upper or lower case, with or without braces
 * @options: NULL, "" or a JSON object; no option is defined
 * @reader: where to put the reader
 *
 * Reading needs no right to write anything: a read-only domain will do.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG if @instance, @flowId or @reader is NULL or @flowId
 * is no UUID; MXL_ERR_FLOW_NOT_FOUND; MXL_ERR_PERMISSION_DENIED if the files of the flow cannot
 * be read; MXL_ERR_FLOW_INVALID or MXL_ERR_UNKNOWN if they are damaged
 */
MXL_EXPORT
mxlStatus mxlCreateFlowReader(mxlInstance instance, char const *flowId, char const *options,
			      mxlFlowReader *reader);

/**
 * mxlReleaseFlowReader() - give a reader back
 * @instance: the instance it was made from
 * @reader: the reader; its pointers into the ring end with it
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG if @instance is NULL; MXL_ERR_INVALID_FLOW_READER
 * if @reader is NULL or not of @instance
 */
MXL_EXPORT
mxlStatus mxlReleaseFlowReader(mxlInstance instance, mxlFlowReader reader);

/**
 * mxlIsFlowActive() - does a flow have a writer?
 * @instance: the instance whose domain has the flow
 * @flowId: the UUID of the flow as text
 * @isActive: where to put the answer, which may be outdated at once
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG if an argument is NULL or @flowId is no UUID;
 * MXL_ERR_FLOW_NOT_FOUND
 */
MXL_EXPORT
mxlStatus mxlIsFlowActive(mxlInstance instance, char const *flowId, bool *isActive);

/**
 * mxlGetFlowDef() - the definition a flow was created with
 * @instance: the instance whose domain has the flow
 * @flowId: the UUID of the flow as text
 * @buffer: where to put the zero-terminated definition; NULL just asks for the size
 * @bufferSize: in: bytes of @buffer; out: bytes needed, or written, with the terminating zero
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG if @buffer is NULL or too small (@bufferSize says
 * what is needed), if another argument is NULL or if @flowId is no UUID; MXL_ERR_FLOW_NOT_FOUND
 */
MXL_EXPORT
mxlStatus mxlGetFlowDef(mxlInstance instance, char const *flowId, char *buffer, size_t *bufferSize);

/**
 * mxlFlowReaderGetInfo() - configuration and state of a flow
 * @reader: a reader of any kind
 * @info: where to put a copy
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_READER; MXL_ERR_INVALID_ARG if @info is NULL;
 * MXL_ERR_FLOW_INVALID if the flow was truncated
 */
MXL_EXPORT
mxlStatus mxlFlowReaderGetInfo(mxlFlowReader reader, mxlFlowInfo *info);

/**
 * mxlFlowReaderGetConfigInfo() - configuration of a flow
 * @reader: a reader of any kind
 * @info: where to put a copy
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_READER; MXL_ERR_INVALID_ARG if @info is NULL;
 * MXL_ERR_FLOW_INVALID if the flow was truncated
 */
MXL_EXPORT
mxlStatus mxlFlowReaderGetConfigInfo(mxlFlowReader reader, mxlFlowConfigInfo *info);

/**
 * mxlFlowReaderGetRuntimeInfo() - state of a flow
 * @reader: a reader of any kind
 * @info: where to put a copy
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_READER; MXL_ERR_INVALID_ARG if @info is NULL;
 * MXL_ERR_FLOW_INVALID if the flow was truncated
 */
MXL_EXPORT
mxlStatus mxlFlowReaderGetRuntimeInfo(mxlFlowReader reader, mxlFlowRuntimeInfo *info);

/**
 * mxlFlowReaderGetGrain() - get a whole grain, wait for it if need be
 * @reader: a reader of a discrete flow
 * @index: which grain
 * @timeoutNs: how long to wait at most
 * @grain: where to put its header (28 bytes, see struct mxlGrainInfo_t)
 * @payload: where to put the address of its payload, of grainSize bytes, to be read only
 *
 * A grain marked MXL_GRAIN_FLAG_INVALID is handed out as well: look at its flags. A wait also
 * ends when the writer goes on to later grains without completing this one.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_OUT_OF_RANGE_TOO_EARLY if it was not there in time;
 * MXL_ERR_OUT_OF_RANGE_TOO_LATE if it is no longer there; MXL_ERR_FLOW_INVALID if it will not
 * come because the flow is deleted or replaced; MXL_ERR_INVALID_FLOW_READER;
 * MXL_ERR_INVALID_ARG if @grain or @payload is NULL
 */
MXL_EXPORT
mxlStatus mxlFlowReaderGetGrain(mxlFlowReader reader, uint64_t index, uint64_t timeoutNs,
				mxlGrainInfo *grain, uint8_t **payload);

/**
 * mxlFlowReaderGetGrainSlice() - get the first slices of a grain, wait for them if need be
 * @reader: a reader of a discrete flow
 * @index: which grain
 * @minValidSlices: slices that have to be there; more than the grain has means all of them
 * @timeoutNs: how long to wait at most
 * @grain: where to put its header; validSlices says what is there
 * @payload: where to put the address of its payload, to be read only
 *
 * Return: as mxlFlowReaderGetGrain()
 */
MXL_EXPORT
mxlStatus mxlFlowReaderGetGrainSlice(mxlFlowReader reader, uint64_t index, uint16_t minValidSlices,
				     uint64_t timeoutNs, mxlGrainInfo *grain, uint8_t **payload);

/**
 * mxlFlowReaderGetGrainNonBlocking() - get a whole grain if it is there
 * @reader: a reader of a discrete flow
 * @index: which grain
 * @grain: where to put its header
 * @payload: where to put the address of its payload, to be read only
 *
 * Return: as mxlFlowReaderGetGrain()
 */
MXL_EXPORT
mxlStatus mxlFlowReaderGetGrainNonBlocking(mxlFlowReader reader, uint64_t index,
					   mxlGrainInfo *grain, uint8_t **payload);

/**
 * mxlFlowReaderGetGrainSliceNonBlocking() - get the first slices of a grain if they are there
 * @reader: a reader of a discrete flow
 * @index: which grain
 * @minValidSlices: slices that have to be there; more than the grain has means all of them
 * @grain: where to put its header; validSlices says what is there
 * @payload: where to put the address of its payload, to be read only
 *
 * Return: as mxlFlowReaderGetGrain()
 */
MXL_EXPORT
mxlStatus mxlFlowReaderGetGrainSliceNonBlocking(mxlFlowReader reader, uint64_t index,
						uint16_t minValidSlices, mxlGrainInfo *grain,
						uint8_t **payload);

/**
 * mxlFlowWriterGetGrainInfo() - look at the header of a grain of the ring
 * @writer: a writer of a discrete flow
 * @index: which grain; the header answered is the one of its place in the ring, and has another
 *	index if that place holds another grain
 * @grainInfo: where to put the header
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_WRITER; MXL_ERR_INVALID_ARG if @grainInfo is NULL
 */
MXL_EXPORT
mxlStatus mxlFlowWriterGetGrainInfo(mxlFlowWriter writer, uint64_t index, mxlGrainInfo *grainInfo);

/**
 * mxlFlowWriterOpenGrain() - begin to write a grain, or go on
 * @writer: a writer of a discrete flow
 * @index: which grain: above the last one that this writer completed
 * @grainInfo: where to put its header, to be filled in and given to mxlFlowWriterCommitGrain()
 * @payload: where to put the address of its payload, of grainSize bytes
 *
 * A grain opened for the first time has no valid slices; one that was committed in part is
 * opened as it was. Opening another grain forgets the one that was open. Indices between the
 * last commit and this one are skipped: readers get them marked MXL_GRAIN_FLAG_INVALID. A grain
 * that was committed with that flag, and without all its slices, can be opened again. The first
 * grain of a writer may be at or below the head: it restarts the flow there, and ends the waits of
 * readers that had seen more.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_WRITER; MXL_ERR_INVALID_ARG if an output is NULL or
 * @index is not allowed; MXL_ERR_CONFLICT while another process holds the right to write
 */
MXL_EXPORT
mxlStatus mxlFlowWriterOpenGrain(mxlFlowWriter writer, uint64_t index, mxlGrainInfo *grainInfo,
				 uint8_t **payload);

/**
 * mxlFlowWriterCancelGrain() - forget the grain that is open
 * @writer: a writer of a discrete flow
 *
 * What was committed of it stays. To cancel when nothing is open is fine.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_WRITER
 */
MXL_EXPORT
mxlStatus mxlFlowWriterCancelGrain(mxlFlowWriter writer);

/**
 * mxlFlowWriterCommitGrain() - publish the slices written so far
 * @writer: a writer of a discrete flow
 * @grain: the header mxlFlowWriterOpenGrain() gave, with validSlices and flags as they are now
 *
 * The grain stays open for further slices until validSlices equals totalSlices or it is flagged
 * MXL_GRAIN_FLAG_INVALID, which completes it. Readers that wait for what is now there wake up.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_WRITER; MXL_ERR_INVALID_ARG if @grain is NULL, if
 * nothing or another index is open, if validSlices is above totalSlices or, without that flag,
 * below what was committed before, or if another writer has gone past the grain
 */
MXL_EXPORT
mxlStatus mxlFlowWriterCommitGrain(mxlFlowWriter writer, mxlGrainInfo const *grain);

/**
 * mxlFlowReaderGetMaxReadLengthSamples() - how many samples can be read at once
 * @reader: a reader of a continuous flow
 * @maxReadLength: where to put the number: half the ring
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_READER; MXL_ERR_INVALID_ARG if @maxReadLength is
 * NULL
 */
MXL_EXPORT
mxlStatus mxlFlowReaderGetMaxReadLengthSamples(mxlFlowReader reader, size_t *maxReadLength);

/**
 * mxlFlowReaderGetSamples() - get samples of all channels, wait for them if need be
 * @reader: a reader of a continuous flow
 * @index: the index after the last sample wanted
 * @count: how many samples before @index: the range is [@index - @count, @index)
 * @timeoutNs: how long to wait at most
 * @payloadBuffersSlices: where to put the places of the samples, to be read only
 *
 * Return: MXL_STATUS_OK; MXL_ERR_OUT_OF_RANGE_TOO_EARLY if they were not there in time;
 * MXL_ERR_OUT_OF_RANGE_TOO_LATE if one of them is no longer there, or @count is more than ever can
 * be; MXL_ERR_FLOW_INVALID if they will not come because the flow is deleted or replaced;
 * MXL_ERR_INVALID_FLOW_READER; MXL_ERR_INVALID_ARG if @payloadBuffersSlices is NULL or @count is 0
 */
MXL_EXPORT
mxlStatus mxlFlowReaderGetSamples(mxlFlowReader reader, uint64_t index, size_t count,
				  uint64_t timeoutNs,
				  mxlWrappedMultiBufferSlice *payloadBuffersSlices);

/**
 * mxlFlowReaderGetSamplesNonBlocking() - get samples of all channels if they are there
 * @reader: a reader of a continuous flow
 * @index: the index after the last sample wanted
 * @count: how many samples before @index
 * @payloadBuffersSlices: where to put the places of the samples, to be read only
 *
 * Return: as mxlFlowReaderGetSamples()
 */
MXL_EXPORT
mxlStatus mxlFlowReaderGetSamplesNonBlocking(mxlFlowReader reader, uint64_t index, size_t count,
					     mxlWrappedMultiBufferSlice *payloadBuffersSlices);

/**
 * mxlFlowWriterGetMaxWriteLengthSamples() - how many samples can be written at once
 * @writer: a writer of a continuous flow
 * @maxWriteLength: where to put the number: half the ring
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_WRITER; MXL_ERR_INVALID_ARG if @maxWriteLength is
 * NULL
 */
MXL_EXPORT
mxlStatus mxlFlowWriterGetMaxWriteLengthSamples(mxlFlowWriter writer, size_t *maxWriteLength);

/**
 * mxlFlowWriterOpenSamples() - begin to write samples of all channels
 * @writer: a writer of a continuous flow
 * @index: the index after the last sample to write
 * @count: how many samples before @index: the range is [@index - @count, @index)
 * @payloadBuffersSlices: where to put the places for the samples
 *
 * Samples between the last commit and this range are skipped: readers get silence.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_WRITER; MXL_ERR_INVALID_ARG if
 * @payloadBuffersSlices is NULL, @count is 0 or more than can be written, the range begins below
 * index 0, or @index is not above what this writer committed;
 * MXL_ERR_CONFLICT while another process holds the right to write
 */
MXL_EXPORT
mxlStatus mxlFlowWriterOpenSamples(mxlFlowWriter writer, uint64_t index, size_t count,
				   mxlMutableWrappedMultiBufferSlice *payloadBuffersSlices);

/**
 * mxlFlowWriterCancelSamples() - forget the samples that are open
 * @writer: a writer of a continuous flow
 *
 * To cancel when nothing is open is fine.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_WRITER
 */
MXL_EXPORT
mxlStatus mxlFlowWriterCancelSamples(mxlFlowWriter writer);

/**
 * mxlFlowWriterCommitSamples() - publish the samples that are open
 * @writer: a writer of a continuous flow
 *
 * Waiting readers are signalled once per maxSyncBatchSizeHint samples, not for every commit.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_WRITER; MXL_ERR_INVALID_ARG if nothing is open
 */
MXL_EXPORT
mxlStatus mxlFlowWriterCommitSamples(mxlFlowWriter writer);

/**
 * mxlCreateFlowSynchronizationGroup() - make an empty group of readers
 * @instance: the instance that owns it
 * @group: where to put the group
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG if an argument is NULL; MXL_ERR_UNKNOWN if memory is
 * short
 */
MXL_EXPORT
mxlStatus mxlCreateFlowSynchronizationGroup(mxlInstance instance,
					    mxlFlowSynchronizationGroup *group);

/**
 * mxlReleaseFlowSynchronizationGroup() - give a group back
 * @instance: the instance it was made from
 * @group: the group; its readers are not released
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG if an argument is NULL or @group is not of @instance
 */
MXL_EXPORT
mxlStatus mxlReleaseFlowSynchronizationGroup(mxlInstance instance,
					     mxlFlowSynchronizationGroup group);

/**
 * mxlFlowSynchronizationGroupAddReader() - add a reader to a group
 * @group: the group
 * @reader: a reader of any kind; it has to live until it is removed or the group is released
 *
 * A discrete reader is waited for with the whole grain. Adding a reader again only changes what
 * is waited for.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG if @group is NULL; MXL_ERR_INVALID_FLOW_READER;
 * MXL_ERR_UNKNOWN if memory is short
 */
MXL_EXPORT
mxlStatus mxlFlowSynchronizationGroupAddReader(mxlFlowSynchronizationGroup group,
					       mxlFlowReader reader);

/**
 * mxlFlowSynchronizationGroupAddPartialGrainReader() - add a reader that needs some slices only
 * @group: the group
 * @reader: a reader of a discrete flow; it has to live until it is removed or the group is
 *	released
 * @minValidSlices: slices to wait for; more than the grain has means all of them
 *
 * Adding a reader again only changes what is waited for.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG if @group is NULL; MXL_ERR_INVALID_FLOW_READER, also
 * for a reader of a continuous flow; MXL_ERR_UNKNOWN if memory is short
 */
MXL_EXPORT
mxlStatus mxlFlowSynchronizationGroupAddPartialGrainReader(mxlFlowSynchronizationGroup group,
							   mxlFlowReader reader,
							   uint16_t minValidSlices);

/**
 * mxlFlowSynchronizationGroupRemoveReader() - take a reader out of a group
 * @group: the group
 * @reader: the reader
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG if @group is NULL or @reader is not in it;
 * MXL_ERR_INVALID_FLOW_READER if @reader is NULL
 */
MXL_EXPORT
mxlStatus mxlFlowSynchronizationGroupRemoveReader(mxlFlowSynchronizationGroup group,
						  mxlFlowReader reader);

/**
 * mxlFlowSynchronizationGroupWaitForDataAt() - wait until all members have data of a moment
 * @group: the group
 * @timestamp: the moment, in nanoseconds of TAI since 1970
 * @timeoutNs: how long to wait at most, for all members together
 *
 * The moment is converted to an index of each member's rate. A discrete member is waited for
 * until it has the grain of that index, or the slices asked for; a continuous one until it has
 * the samples up to that index. A group without members is ready at once.
 *
 * Return: MXL_STATUS_OK; otherwise the first failure, as mxlFlowReaderGetGrainSlice() and
 * mxlFlowReaderGetSamples() name them; MXL_ERR_INVALID_ARG if @group is NULL
 */
MXL_EXPORT
mxlStatus mxlFlowSynchronizationGroupWaitForDataAt(mxlFlowSynchronizationGroup group,
						   uint64_t timestamp, uint64_t timeoutNs);

#ifdef __cplusplus
}
#endif

#endif /* MXL_FLOW_H */

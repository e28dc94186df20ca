/* SPDX-License-Identifier: Apache-2.0 */
/**
 * DOC: How flows are
 *
 * Beyond the functions that all implementations of MXL share, this library can tell which flows
 * there are, how each is doing, and whether what a reader looked at was overwritten meanwhile; and
 * a writer that stands by can sleep until it is its turn. All of it works with the kernel module
 * (kernel mode) and without (posix mode); what only the module knows is 0 without.
 *
 * Programs that are to run with other implementations, too, must not use it. In the shared library
 * these functions carry a version of their own, MXL_LINUX_1.2.
 */
#ifndef MXL_STATE_H
#define MXL_STATE_H

#ifdef __cplusplus
#include <cstddef>
#include <cstdint>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

#include <mxl/flow.h>
#include <mxl/mxl.h>
#include <mxl/platform.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Text of a flow id: a UUID in lower case, with the terminating zero. */
#define MXL_FLOW_ID_SIZE 37

/* A flow id as the functions that ask for a flowId take it. */
typedef char mxlFlowId[MXL_FLOW_ID_SIZE];

/**
 * enum mxlFlowBackend - how a process uses a flow
 * @MXL_FLOW_BACKEND_POSIX: by its files and a futex
 * @MXL_FLOW_BACKEND_KERNEL: by the kernel module
 */
typedef enum mxlFlowBackend {
	MXL_FLOW_BACKEND_POSIX = 0,
	MXL_FLOW_BACKEND_KERNEL = 1
} mxlFlowBackend;

/* mxlFlowState.flags: some process has the flow open for writing, be it standing by */
#define MXL_FLOW_STATE_WRITER 0x00000001

/* mxlFlowState.flags: a writer holds the lock of the kernel module; no other process can write */
#define MXL_FLOW_STATE_LOCKED 0x00000002

/* mxlFlowState.flags: (kernel) it cannot be excluded that the flow is used without the module */
#define MXL_FLOW_STATE_OUTSIDERS 0x00000004

/**
 * struct mxlFlowState_t - how a flow is
 * @size: bytes of this struct; to be set by the caller
 * @flags: MXL_FLOW_STATE_*
 * @backend: enum mxlFlowBackend, how this process uses the flow
 * @writerPid: a process that writes; 0 if there is none, or it is not visible to the caller, as in
 *	another pid namespace
 * @headIndex: as in mxlFlowRuntimeInfo
 * @lastWriteTime: as in mxlFlowRuntimeInfo
 * @lastReadTime: as in mxlFlowRuntimeInfo; in kernel mode kept for samples, too
 * @generation: (kernel) how often a writer restarted at a lower index, from 1 on
 * @epoch: (kernel) how often a writer took the lock
 * @commits: signals to readers: in posix mode since the flow was created, modulo 2^32; in kernel
 *	mode since the module knows the flow
 * @commitCalls: (kernel) commits that needed a system call
 * @wakes: (kernel) readers woken by commits
 * @overruns: (kernel) waits that ended too late
 * @waiters: (kernel) readers that wait, armed descriptors included
 * @attachments: (kernel) users of the flow through the module, readers and writers, the one that
 *	this was found out through included
 *
 * The members are looked at one after another while the flow goes on; each is right by itself. The
 * struct will grow; who was compiled with a shorter one gets as much of it as fits.
 */
typedef struct mxlFlowState_t {
	uint32_t size;
	uint32_t flags;
	uint32_t backend;
	int32_t writerPid;
	uint64_t headIndex;
	uint64_t lastWriteTime;
	uint64_t lastReadTime;
	uint64_t generation;
	uint64_t epoch;
	uint64_t commits;
	uint64_t commitCalls;
	uint64_t wakes;
	uint64_t overruns;
	uint32_t waiters;
	uint32_t attachments;
} mxlFlowState;

/**
 * mxlGetFlowState() - how is this flow?
 * @instance: an instance
 * @flowId: id of the flow
 * @state: where to put it, @state->size set to sizeof(mxlFlowState)
 *
 * Opens the flow as a reader does, unless the instance has a reader of it. In kernel mode the
 * writer is the holder of the lock if there is one. Without, it is whoever has the file `data`
 * locked as writers do, standbys included.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_FLOW_NOT_FOUND; MXL_ERR_INVALID_ARG also for a size below that of
 * the first version; MXL_ERR_PERMISSION_DENIED; MXL_ERR_UNKNOWN if its files are damaged
 */
MXL_EXPORT
mxlStatus mxlGetFlowState(mxlInstance instance, char const *flowId, mxlFlowState *state);

/**
 * mxlListFlows() - which flows are there?
 * @instance: an instance
 * @flowIds: where to put their ids, may be NULL
 * @count: how many ids fit; takes the number of flows
 *
 * With NULL only counts. Flows may come and go between two calls, so a caller asks again if more
 * are there than it has room for. The order has no meaning.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG if @flowIds has not enough room, @count then says how
 * much is needed and no id was stored; MXL_ERR_UNKNOWN or MXL_ERR_PERMISSION_DENIED if the domain
 * cannot be listed
 */
MXL_EXPORT
mxlStatus mxlListFlows(mxlInstance instance, mxlFlowId *flowIds, size_t *count);

/**
 * mxlFlowReaderIsGrainIntact() - is the grain I read still the one I asked for?
 * @reader: a reader of grains
 * @index: the grain
 * @isIntact: where to put the answer
 *
 * To be called after the payload was used, or copied: true says that all that was read of it up to
 * this call was of grain @index. A writer that falls back to a lower index and comes to @index once
 * more writes a new grain @index; that is not told from the first.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_READER; MXL_ERR_INVALID_ARG
 */
MXL_EXPORT
mxlStatus mxlFlowReaderIsGrainIntact(mxlFlowReader reader, uint64_t index, bool *isIntact);

/**
 * mxlFlowReaderAreSamplesIntact() - are the samples I read still those I asked for?
 * @reader: a reader of samples
 * @index: the sample after the last one
 * @count: samples
 * @isIntact: where to put the answer
 *
 * To be called after the samples were used, or copied: true says that the writer had not come around
 * to them before this call. It goes by the head, so what a writer that jumps ahead by more than half
 * a buffer overwrites is found out when that commit is made.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_READER; MXL_ERR_INVALID_ARG
 */
MXL_EXPORT
mxlStatus mxlFlowReaderAreSamplesIntact(mxlFlowReader reader, uint64_t index, size_t count,
					bool *isIntact);

/**
 * mxlFlowReaderGetBackend() - how does this reader use its flow?
 * @reader: a reader
 * @name: where to put "kernel" or "posix", the words of MXL_BACKEND; belongs to the library
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_READER; MXL_ERR_INVALID_ARG
 */
MXL_EXPORT
mxlStatus mxlFlowReaderGetBackend(mxlFlowReader reader, char const **name);

/**
 * mxlFlowWriterWaitForLock() - sleep until the flow is this writer's to write
 * @writer: a writer
 * @timeoutNs: how long; 0 tries once, UINT64_MAX waits without end
 *
 * For a writer that stands by: one that was opened while another process holds the flow, and is
 * answered with MXL_ERR_CONFLICT when it wants to write. Once this returns MXL_STATUS_OK the flow
 * is its own until it is released. A writer that can write already returns at once.
 *
 * In kernel mode the writers that wait are served in the order they came, the moment the one
 * before them ends, however it ends. In posix mode only a writer with the module can keep others
 * out, and nothing announces its end: the call looks every two milliseconds.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_TIMEOUT; MXL_ERR_INVALID_FLOW_WRITER; MXL_ERR_FLOW_INVALID if the
 * flow was deleted or replaced; MXL_ERR_PERMISSION_DENIED
 */
MXL_EXPORT
mxlStatus mxlFlowWriterWaitForLock(mxlFlowWriter writer, uint64_t timeoutNs);

#ifdef __cplusplus
}
#endif

#endif /* MXL_STATE_H */

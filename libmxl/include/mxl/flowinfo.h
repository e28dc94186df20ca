/* SPDX-License-Identifier: Apache-2.0 */
/**
 * DOC: What is known about a flow
 *
 * mxlFlowInfo is not only what the API answers: it is the head of the file "data" of a flow,
 * mapped by every process that uses the flow, whatever library it uses. Sizes and offsets are
 * therefore ABI and can never change; what is to come goes into the reserved bytes. Those are
 * zero today, and whoever reads a copy ignores them.
 */
#ifndef MXL_FLOWINFO_H
#define MXL_FLOWINFO_H

#ifdef __cplusplus
#include <cstdint>
#else
#include <stdint.h>
#endif

#include <mxl/dataformat.h>
#include <mxl/platform.h>
#include <mxl/rational.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Most planes a grain can have, e.g. fill and key of v210a are two. */
#define MXL_MAX_PLANES_PER_GRAIN 4

/**
 * enum mxlPayloadLocation - which memory the payload of a flow lies in
 * @MXL_PAYLOAD_LOCATION_HOST_MEMORY: memory of the host, which the processor reads and writes
 * @MXL_PAYLOAD_LOCATION_DEVICE_MEMORY: memory of a device; no flow of this library has it
 */
typedef enum mxlPayloadLocation {
	MXL_PAYLOAD_LOCATION_HOST_MEMORY = 0,
	MXL_PAYLOAD_LOCATION_DEVICE_MEMORY = 1
} mxlPayloadLocation;

/**
 * struct mxlCommonFlowConfigInfo_t - configuration that every flow has
 * @id: the flow's UUID, its 16 bytes in the order in which the text form writes them
 * @format: one of enum mxlDataFormat
 * @flags: none are defined; 0
 * @grainRate: grains per second, or samples per second for audio, in lowest terms. Interlaced
 *	video counts fields: 1080i at 25 frames per second has 50/1
 * @maxCommitBatchSizeHint: slices (discrete) or samples (continuous) the writer at most means
 *	to commit at once; at least 1
 * @maxSyncBatchSizeHint: slices or samples after which waiting readers are signalled; a multiple
 *	of @maxCommitBatchSizeHint
 * @payloadLocation: one of enum mxlPayloadLocation
 * @deviceIndex: which device the payload lies on; -1 in host memory
 * @reserved: zero
 *
 * Nothing of this changes during the life of a flow. The hints are a promise of the writer for
 * readers that want to choose how often to look; by default they are all slices of a grain, or
 * 10 ms of samples.
 */
typedef struct mxlCommonFlowConfigInfo_t {
	uint8_t id[16];
	uint32_t format;
	uint32_t flags;
	mxlRational grainRate;
	uint32_t maxCommitBatchSizeHint;
	uint32_t maxSyncBatchSizeHint;
	uint32_t payloadLocation;
	int32_t deviceIndex;
	uint8_t reserved[72];
} mxlCommonFlowConfigInfo;

/**
 * struct mxlDiscreteFlowConfigInfo_t - configuration of a flow made of grains
 * @sliceSizes: bytes of one slice in each plane, 0 for planes that do not exist. A slice is a
 *	line of video, or a byte of ancillary data
 * @grainCount: grains of the ring, at least 2. The newest @grainCount - 1 can be read, the
 *	oldest one belongs to the writer
 * @reserved: zero
 */
typedef struct mxlDiscreteFlowConfigInfo_t {
	uint32_t sliceSizes[MXL_MAX_PLANES_PER_GRAIN];
	uint32_t grainCount;
	uint8_t reserved[44];
} mxlDiscreteFlowConfigInfo;

/**
 * struct mxlContinuousFlowConfigInfo_t - configuration of a flow made of samples
 * @channelCount: channels, at least 1; each has a ring of its own, and all advance together
 * @bufferLength: samples of each ring. The newest half can be read, the other half belongs to
 *	the writer
 * @reserved: zero
 */
typedef struct mxlContinuousFlowConfigInfo_t {
	uint32_t channelCount;
	uint32_t bufferLength;
	uint8_t reserved[56];
} mxlContinuousFlowConfigInfo;

/**
 * struct mxlFlowConfigInfo_t - the whole configuration of a flow
 * @common: what every flow has; @common.format says which of the following two holds
 * @discrete: for video and data, see mxlIsDiscreteDataFormat()
 * @continuous: for audio, see mxlIsContinuousDataFormat()
 */
typedef struct mxlFlowConfigInfo_t {
	mxlCommonFlowConfigInfo common;
	MXL_EXTENSION union {
		mxlDiscreteFlowConfigInfo discrete;
		mxlContinuousFlowConfigInfo continuous;
	};
} mxlFlowConfigInfo;

/**
 * struct mxlFlowRuntimeInfo_t - where a flow is now
 * @headIndex: index of the newest grain, or of the sample after the newest one. It is 0 on a
 *	fresh flow, which has nothing to read
 * @lastWriteTime: when the last commit was made, in nanoseconds of TAI since 1970
 * @lastReadTime: when some reader last took a grain, in nanoseconds of TAI since 1970. It may
 *	be late by some milliseconds, and is not kept for continuous flows
 * @reserved: zero
 *
 * The members are read one after another while the writer goes on; each is right by itself.
 */
typedef struct mxlFlowRuntimeInfo_t {
	uint64_t headIndex;
	uint64_t lastWriteTime;
	uint64_t lastReadTime;
	uint8_t reserved[40];
} mxlFlowRuntimeInfo;

/**
 * struct mxlFlowInfo_t - all about a flow
 * @version: version of this struct: 1
 * @size: bytes of this struct: 2048
 * @config: what never changes
 * @runtime: what always changes
 * @reserved: zero
 */
typedef struct mxlFlowInfo_t {
	uint32_t version;
	uint32_t size;
	mxlFlowConfigInfo config;
	mxlFlowRuntimeInfo runtime;
	uint8_t reserved[1784];
} mxlFlowInfo;

#ifdef __cplusplus
}
#endif

#endif /* MXL_FLOWINFO_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The binary interface in numbers (x86-64 and every other LP64 machine). Whatever is here can
 * never change again; the table is independent of the headers on purpose.
 *
 *	STRUCT(type, size, alignment)
 *	MEMBER(type, member, offset, size)
 *	ENUM(type, size)
 *	VALUE(name, value)
 */

STRUCT(mxlRational, 16, 8)
MEMBER(mxlRational, numerator, 0, 8)
MEMBER(mxlRational, denominator, 8, 8)

STRUCT(mxlVersionType, 16, 8)
MEMBER(mxlVersionType, major, 0, 2)
MEMBER(mxlVersionType, minor, 2, 2)
MEMBER(mxlVersionType, bugfix, 4, 2)
MEMBER(mxlVersionType, build, 6, 2)
MEMBER(mxlVersionType, full, 8, 8)

STRUCT(mxlCommonFlowConfigInfo, 128, 8)
MEMBER(mxlCommonFlowConfigInfo, id, 0, 16)
MEMBER(mxlCommonFlowConfigInfo, format, 16, 4)
MEMBER(mxlCommonFlowConfigInfo, flags, 20, 4)
MEMBER(mxlCommonFlowConfigInfo, grainRate, 24, 16)
MEMBER(mxlCommonFlowConfigInfo, maxCommitBatchSizeHint, 40, 4)
MEMBER(mxlCommonFlowConfigInfo, maxSyncBatchSizeHint, 44, 4)
MEMBER(mxlCommonFlowConfigInfo, payloadLocation, 48, 4)
MEMBER(mxlCommonFlowConfigInfo, deviceIndex, 52, 4)
MEMBER(mxlCommonFlowConfigInfo, reserved, 56, 72)

STRUCT(mxlDiscreteFlowConfigInfo, 64, 4)
MEMBER(mxlDiscreteFlowConfigInfo, sliceSizes, 0, 16)
MEMBER(mxlDiscreteFlowConfigInfo, grainCount, 16, 4)
MEMBER(mxlDiscreteFlowConfigInfo, reserved, 20, 44)

STRUCT(mxlContinuousFlowConfigInfo, 64, 4)
MEMBER(mxlContinuousFlowConfigInfo, channelCount, 0, 4)
MEMBER(mxlContinuousFlowConfigInfo, bufferLength, 4, 4)
MEMBER(mxlContinuousFlowConfigInfo, reserved, 8, 56)

STRUCT(mxlFlowConfigInfo, 192, 8)
MEMBER(mxlFlowConfigInfo, common, 0, 128)
MEMBER(mxlFlowConfigInfo, discrete, 128, 64)
MEMBER(mxlFlowConfigInfo, continuous, 128, 64)

STRUCT(mxlFlowRuntimeInfo, 64, 8)
MEMBER(mxlFlowRuntimeInfo, headIndex, 0, 8)
MEMBER(mxlFlowRuntimeInfo, lastWriteTime, 8, 8)
MEMBER(mxlFlowRuntimeInfo, lastReadTime, 16, 8)
MEMBER(mxlFlowRuntimeInfo, reserved, 24, 40)

STRUCT(mxlFlowInfo, 2048, 8)
MEMBER(mxlFlowInfo, version, 0, 4)
MEMBER(mxlFlowInfo, size, 4, 4)
MEMBER(mxlFlowInfo, config, 8, 192)
MEMBER(mxlFlowInfo, runtime, 200, 64)
MEMBER(mxlFlowInfo, reserved, 264, 1784)

STRUCT(mxlGrainInfo, 4096, 8)
MEMBER(mxlGrainInfo, version, 0, 4)
MEMBER(mxlGrainInfo, size, 4, 4)
MEMBER(mxlGrainInfo, index, 8, 8)
MEMBER(mxlGrainInfo, flags, 16, 4)
MEMBER(mxlGrainInfo, grainSize, 20, 4)
MEMBER(mxlGrainInfo, totalSlices, 24, 2)
MEMBER(mxlGrainInfo, validSlices, 26, 2)
MEMBER(mxlGrainInfo, reserved, 28, 4068)

STRUCT(mxlBufferSlice, 16, 8)
MEMBER(mxlBufferSlice, pointer, 0, 8)
MEMBER(mxlBufferSlice, size, 8, 8)

STRUCT(mxlMutableBufferSlice, 16, 8)
MEMBER(mxlMutableBufferSlice, pointer, 0, 8)
MEMBER(mxlMutableBufferSlice, size, 8, 8)

STRUCT(mxlWrappedBufferSlice, 32, 8)
MEMBER(mxlWrappedBufferSlice, fragments, 0, 32)

STRUCT(mxlMutableWrappedBufferSlice, 32, 8)
MEMBER(mxlMutableWrappedBufferSlice, fragments, 0, 32)

STRUCT(mxlWrappedMultiBufferSlice, 48, 8)
MEMBER(mxlWrappedMultiBufferSlice, base, 0, 32)
MEMBER(mxlWrappedMultiBufferSlice, stride, 32, 8)
MEMBER(mxlWrappedMultiBufferSlice, count, 40, 8)

STRUCT(mxlMutableWrappedMultiBufferSlice, 48, 8)
MEMBER(mxlMutableWrappedMultiBufferSlice, base, 0, 32)
MEMBER(mxlMutableWrappedMultiBufferSlice, stride, 32, 8)
MEMBER(mxlMutableWrappedMultiBufferSlice, count, 40, 8)

STRUCT(mxlInstance, 8, 8)

STRUCT(mxlFlowReader, 8, 8)

STRUCT(mxlFlowWriter, 8, 8)

STRUCT(mxlFlowSynchronizationGroup, 8, 8)

ENUM(mxlStatus, 4)
VALUE(MXL_STATUS_OK, 0)
VALUE(MXL_ERR_UNKNOWN, 1)
VALUE(MXL_ERR_FLOW_NOT_FOUND, 2)
VALUE(MXL_ERR_OUT_OF_RANGE_TOO_LATE, 3)
VALUE(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, 4)
VALUE(MXL_ERR_INVALID_FLOW_READER, 5)
VALUE(MXL_ERR_INVALID_FLOW_WRITER, 6)
VALUE(MXL_ERR_TIMEOUT, 7)
VALUE(MXL_ERR_INVALID_ARG, 8)
VALUE(MXL_ERR_CONFLICT, 9)
VALUE(MXL_ERR_PERMISSION_DENIED, 10)
VALUE(MXL_ERR_FLOW_INVALID, 11)
VALUE(MXL_ERR_STRLEN, 1024)
VALUE(MXL_ERR_INTERRUPTED, 1025)
VALUE(MXL_ERR_NO_FABRIC, 1026)
VALUE(MXL_ERR_INVALID_STATE, 1027)
VALUE(MXL_ERR_INTERNAL, 1028)
VALUE(MXL_ERR_NOT_READY, 1029)
VALUE(MXL_ERR_NOT_FOUND, 1030)
VALUE(MXL_ERR_EXISTS, 1031)
VALUE(MXL_ERR_UNSUPPORTED_OPERATION, 1032)

ENUM(mxlDataFormat, 4)
VALUE(MXL_DATA_FORMAT_UNSPECIFIED, 0)
VALUE(MXL_DATA_FORMAT_VIDEO, 1)
VALUE(MXL_DATA_FORMAT_AUDIO, 2)
VALUE(MXL_DATA_FORMAT_DATA, 3)

ENUM(mxlPayloadLocation, 4)
VALUE(MXL_PAYLOAD_LOCATION_HOST_MEMORY, 0)
VALUE(MXL_PAYLOAD_LOCATION_DEVICE_MEMORY, 1)

VALUE(MXL_DATA_FORMAT_GRAIN_SIZE, 4096)
VALUE(MXL_MAX_PLANES_PER_GRAIN, 4)
VALUE(MXL_GRAIN_FLAG_INVALID, 0x1)
VALUE(MXL_GRAIN_VALID_SLICES_ANY, 0x0)
VALUE(MXL_GRAIN_VALID_SLICES_ALL, 0xffff)
VALUE(MXL_UNDEFINED_INDEX, 0xffffffffffffffff)

/* Beyond the common API: <mxl/event.h> and <mxl/state.h>. */

STRUCT(mxlFlowId, 37, 1)

STRUCT(mxlDomainEvent, 64, 4)
MEMBER(mxlDomainEvent, type, 0, 4)
MEMBER(mxlDomainEvent, flowId, 4, 37)
MEMBER(mxlDomainEvent, reserved, 41, 23)

STRUCT(mxlFlowState, 96, 8)
MEMBER(mxlFlowState, size, 0, 4)
MEMBER(mxlFlowState, flags, 4, 4)
MEMBER(mxlFlowState, backend, 8, 4)
MEMBER(mxlFlowState, writerPid, 12, 4)
MEMBER(mxlFlowState, headIndex, 16, 8)
MEMBER(mxlFlowState, lastWriteTime, 24, 8)
MEMBER(mxlFlowState, lastReadTime, 32, 8)
MEMBER(mxlFlowState, generation, 40, 8)
MEMBER(mxlFlowState, epoch, 48, 8)
MEMBER(mxlFlowState, commits, 56, 8)
MEMBER(mxlFlowState, commitCalls, 64, 8)
MEMBER(mxlFlowState, wakes, 72, 8)
MEMBER(mxlFlowState, overruns, 80, 8)
MEMBER(mxlFlowState, waiters, 88, 4)
MEMBER(mxlFlowState, attachments, 92, 4)

STRUCT(mxlDomainEvents, 8, 8)

ENUM(mxlDomainEventType, 4)
VALUE(MXL_DOMAIN_EVENT_FLOW_ADDED, 1)
VALUE(MXL_DOMAIN_EVENT_FLOW_REMOVED, 2)
VALUE(MXL_DOMAIN_EVENT_WRITER_CAME, 3)
VALUE(MXL_DOMAIN_EVENT_WRITER_GONE, 4)

ENUM(mxlFlowBackend, 4)
VALUE(MXL_FLOW_BACKEND_POSIX, 0)
VALUE(MXL_FLOW_BACKEND_KERNEL, 1)

VALUE(MXL_FLOW_ID_SIZE, 37)
VALUE(MXL_FLOW_STATE_WRITER, 0x1)
VALUE(MXL_FLOW_STATE_LOCKED, 0x2)
VALUE(MXL_FLOW_STATE_OUTSIDERS, 0x4)

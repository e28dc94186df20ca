// SPDX-License-Identifier: Apache-2.0
/* The C API of readers and synchronisation groups. */
#include <mxl/flow.h>

#include "api.h"
#include "api_handles.h"

MXL_API mxlStatus mxlFlowReaderGetInfo(mxlFlowReader reader, mxlFlowInfo *info)
{
	if (!mxl_is_reader(reader))
		return MXL_ERR_INVALID_FLOW_READER;
	if (!info)
		return MXL_ERR_INVALID_ARG;
	return mxl_status(mxl_flow_get_info(reader->flow, info));
}

MXL_API mxlStatus mxlFlowReaderGetConfigInfo(mxlFlowReader reader, mxlFlowConfigInfo *info)
{
	if (!mxl_is_reader(reader))
		return MXL_ERR_INVALID_FLOW_READER;
	if (!info)
		return MXL_ERR_INVALID_ARG;
	return mxl_status(mxl_flow_get_config(reader->flow, info));
}

MXL_API mxlStatus mxlFlowReaderGetRuntimeInfo(mxlFlowReader reader, mxlFlowRuntimeInfo *info)
{
	if (!mxl_is_reader(reader))
		return MXL_ERR_INVALID_FLOW_READER;
	if (!info)
		return MXL_ERR_INVALID_ARG;
	return mxl_status(mxl_flow_get_runtime(reader->flow, info));
}

MXL_API mxlStatus mxlFlowReaderGetGrainSlice(mxlFlowReader reader, uint64_t index,
					     uint16_t min_valid_slices, uint64_t timeout_ns,
					     mxlGrainInfo *grain, uint8_t **payload)
{
	if (!mxl_is_grain_reader(reader))
		return MXL_ERR_INVALID_FLOW_READER;
	if (!grain || !payload)
		return MXL_ERR_INVALID_ARG;
	return mxl_status(
		mxl_reader_wait_grain(reader, index, min_valid_slices, timeout_ns, grain, payload));
}

MXL_API mxlStatus mxlFlowReaderGetGrain(mxlFlowReader reader, uint64_t index, uint64_t timeout_ns,
					mxlGrainInfo *grain, uint8_t **payload)
{
	return mxlFlowReaderGetGrainSlice(reader, index, MXL_GRAIN_VALID_SLICES_ALL, timeout_ns,
					  grain, payload);
}

MXL_API mxlStatus mxlFlowReaderGetGrainNonBlocking(mxlFlowReader reader, uint64_t index,
						   mxlGrainInfo *grain, uint8_t **payload)
{
	return mxlFlowReaderGetGrainSlice(reader, index, MXL_GRAIN_VALID_SLICES_ALL, 0, grain,
					  payload);
}

MXL_API mxlStatus mxlFlowReaderGetGrainSliceNonBlocking(mxlFlowReader reader, uint64_t index,
							uint16_t min_valid_slices,
							mxlGrainInfo *grain, uint8_t **payload)
{
	return mxlFlowReaderGetGrainSlice(reader, index, min_valid_slices, 0, grain, payload);
}

MXL_API mxlStatus mxlFlowReaderGetMaxReadLengthSamples(mxlFlowReader reader, size_t *max_length)
{
	if (!mxl_is_sample_reader(reader))
		return MXL_ERR_INVALID_FLOW_READER;
	if (!max_length)
		return MXL_ERR_INVALID_ARG;
	*max_length = mxl_samples_max(reader->flow);
	return MXL_STATUS_OK;
}

MXL_API mxlStatus mxlFlowReaderGetSamples(mxlFlowReader reader, uint64_t index, size_t count,
					  uint64_t timeout_ns, mxlWrappedMultiBufferSlice *slices)
{
	if (!mxl_is_sample_reader(reader))
		return MXL_ERR_INVALID_FLOW_READER;
	if (!slices || count == 0)
		return MXL_ERR_INVALID_ARG;
	return mxl_status(mxl_reader_wait_samples(reader, index, count, timeout_ns, slices));
}

MXL_API mxlStatus mxlFlowReaderGetSamplesNonBlocking(mxlFlowReader reader, uint64_t index,
						     size_t count,
						     mxlWrappedMultiBufferSlice *slices)
{
	return mxlFlowReaderGetSamples(reader, index, count, 0, slices);
}

MXL_API mxlStatus mxlFlowSynchronizationGroupAddReader(mxlFlowSynchronizationGroup group,
						       mxlFlowReader reader)
{
	if (!mxl_is_group(group))
		return MXL_ERR_INVALID_ARG;
	if (!mxl_is_reader(reader))
		return MXL_ERR_INVALID_FLOW_READER;
	return mxl_status(mxl_group_add(group, reader, MXL_GRAIN_VALID_SLICES_ALL));
}

MXL_API mxlStatus mxlFlowSynchronizationGroupAddPartialGrainReader(
	mxlFlowSynchronizationGroup group, mxlFlowReader reader, uint16_t min_valid_slices)
{
	if (!mxl_is_group(group))
		return MXL_ERR_INVALID_ARG;
	if (!mxl_is_grain_reader(reader))
		return MXL_ERR_INVALID_FLOW_READER;
	return mxl_status(mxl_group_add(group, reader, min_valid_slices));
}

MXL_API mxlStatus mxlFlowSynchronizationGroupRemoveReader(mxlFlowSynchronizationGroup group,
							  mxlFlowReader reader)
{
	if (!mxl_is_group(group))
		return MXL_ERR_INVALID_ARG;
	if (!mxl_is_reader(reader))
		return MXL_ERR_INVALID_FLOW_READER;
	mxl_group_remove(group, reader);
	return MXL_STATUS_OK;
}

MXL_API mxlStatus mxlFlowSynchronizationGroupWaitForDataAt(mxlFlowSynchronizationGroup group,
							   uint64_t timestamp, uint64_t timeout_ns)
{
	if (!mxl_is_group(group))
		return MXL_ERR_INVALID_ARG;
	return mxl_status(mxl_group_wait(group, timestamp, timeout_ns));
}

// SPDX-License-Identifier: Apache-2.0
/* The C API of writers. */
#include <mxl/flow.h>

#include "api.h"
#include "api_handles.h"

MXL_API mxlStatus mxlFlowWriterGetGrainInfo(mxlFlowWriter writer, uint64_t index,
					    mxlGrainInfo *grain_info)
{
	if (!mxl_is_grain_writer(writer))
		return MXL_ERR_INVALID_FLOW_WRITER;
	if (!grain_info)
		return MXL_ERR_INVALID_ARG;
	return mxl_status(mxl_grains_peek(writer->flow, index, grain_info));
}

MXL_API mxlStatus mxlFlowWriterOpenGrain(mxlFlowWriter writer, uint64_t index,
					 mxlGrainInfo *grain_info, uint8_t **payload)
{
	if (!mxl_is_grain_writer(writer))
		return MXL_ERR_INVALID_FLOW_WRITER;
	if (!grain_info || !payload)
		return MXL_ERR_INVALID_ARG;
	return mxl_status(mxl_writer_open_grain(writer, index, grain_info, payload));
}

MXL_API mxlStatus mxlFlowWriterCancelGrain(mxlFlowWriter writer)
{
	if (!mxl_is_grain_writer(writer))
		return MXL_ERR_INVALID_FLOW_WRITER;
	mxl_writer_cancel_grain(writer);
	return MXL_STATUS_OK;
}

MXL_API mxlStatus mxlFlowWriterCommitGrain(mxlFlowWriter writer, const mxlGrainInfo *grain)
{
	if (!mxl_is_grain_writer(writer))
		return MXL_ERR_INVALID_FLOW_WRITER;
	if (!grain)
		return MXL_ERR_INVALID_ARG;
	return mxl_status(mxl_writer_commit_grain(writer, grain));
}

MXL_API mxlStatus mxlFlowWriterGetMaxWriteLengthSamples(mxlFlowWriter writer, size_t *max_length)
{
	if (!mxl_is_sample_writer(writer))
		return MXL_ERR_INVALID_FLOW_WRITER;
	if (!max_length)
		return MXL_ERR_INVALID_ARG;
	*max_length = mxl_samples_max(writer->flow);
	return MXL_STATUS_OK;
}

MXL_API mxlStatus mxlFlowWriterOpenSamples(mxlFlowWriter writer, uint64_t index, size_t count,
					   mxlMutableWrappedMultiBufferSlice *slices)
{
	if (!mxl_is_sample_writer(writer))
		return MXL_ERR_INVALID_FLOW_WRITER;
	if (!slices)
		return MXL_ERR_INVALID_ARG;
	return mxl_status(mxl_writer_open_samples(writer, index, count, slices));
}

MXL_API mxlStatus mxlFlowWriterCancelSamples(mxlFlowWriter writer)
{
	if (!mxl_is_sample_writer(writer))
		return MXL_ERR_INVALID_FLOW_WRITER;
	mxl_writer_cancel_samples(writer);
	return MXL_STATUS_OK;
}

MXL_API mxlStatus mxlFlowWriterCommitSamples(mxlFlowWriter writer)
{
	if (!mxl_is_sample_writer(writer))
		return MXL_ERR_INVALID_FLOW_WRITER;
	return mxl_status(mxl_writer_commit_samples(writer));
}

// SPDX-License-Identifier: Apache-2.0
#include "writer.h"

#include "util.h"

int mxl_writer_new(struct mxl_flow *flow, struct mxlFlowWriter_t **ret)
{
	struct mxlFlowWriter_t *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return -ENOMEM;
	writer->users = 1;
	writer->flow = flow;
	if (mxl_flow_is_discrete(flow)) {
		writer->kind = MXL_HANDLE_GRAIN_WRITER;
		mxl_grain_writer_init(&writer->grains);
	} else {
		writer->kind = MXL_HANDLE_SAMPLE_WRITER;
		mxl_sample_writer_init(&writer->samples);
	}
	*ret = writer;
	return 0;
}

void mxl_writer_free(struct mxlFlowWriter_t *writer)
{
	writer->kind = MXL_HANDLE_FREED;
	free(writer);
}

/* The fast path of the lock: a flow that is mapped for writing stays so. */
static int become_writer(struct mxl_flow *flow)
{
	return atomic_load_explicit(&flow->writable, memory_order_relaxed)
		       ? 0
		       : flow->backend->lock(flow, 0);
}

/* What was done to memory that is not the flow's any more was done for nobody. */
static int unless_lost(const struct mxl_flow *flow, int r)
{
	return r < 0 ? r : mxl_flow_check(flow);
}

int mxl_writer_open_grain(struct mxlFlowWriter_t *writer, uint64_t index, mxlGrainInfo *ret_info,
			  uint8_t **ret_payload)
{
	int r = become_writer(writer->flow);

	if (r < 0)
		return r;
	r = mxl_grains_open(writer->flow, &writer->grains, index, ret_info, ret_payload);
	return unless_lost(writer->flow, r);
}

int mxl_writer_commit_grain(struct mxlFlowWriter_t *writer, const mxlGrainInfo *info)
{
	return unless_lost(writer->flow, mxl_grains_commit(writer->flow, &writer->grains, info));
}

void mxl_writer_cancel_grain(struct mxlFlowWriter_t *writer)
{
	writer->grains.open_index = MXL_UNDEFINED_INDEX;
}

int mxl_writer_open_samples(struct mxlFlowWriter_t *writer, uint64_t index, size_t count,
			    mxlMutableWrappedMultiBufferSlice *ret)
{
	int r = become_writer(writer->flow);

	if (r < 0)
		return r;
	r = mxl_samples_open(writer->flow, &writer->samples, index, count, ret);
	return unless_lost(writer->flow, r);
}

int mxl_writer_commit_samples(struct mxlFlowWriter_t *writer)
{
	return unless_lost(writer->flow, mxl_samples_commit(writer->flow, &writer->samples));
}

void mxl_writer_cancel_samples(struct mxlFlowWriter_t *writer)
{
	writer->samples.open_index = MXL_UNDEFINED_INDEX;
}

int mxl_writer_wait_for_lock(struct mxlFlowWriter_t *writer, uint64_t deadline)
{
	struct mxl_flow *flow = writer->flow;
	int r = flow->backend->lock(flow, deadline);

	/* Files that are not there any more are those of a flow that is not. */
	return r == -ENOENT ? -ESTALE : r;
}

// SPDX-License-Identifier: Apache-2.0
#include "reader.h"

#include "clock.h"
#include "grains.h"
#include "samples.h"
#include "util.h"

int mxl_reader_new(struct mxl_flow *flow, struct mxlFlowReader_t **ret)
{
	struct mxlFlowReader_t *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return -ENOMEM;
	reader->kind = mxl_flow_is_discrete(flow) ? MXL_HANDLE_GRAIN_READER
						  : MXL_HANDLE_SAMPLE_READER;
	reader->users = 1;
	atomic_init(&reader->references, 1);
	atomic_init(&reader->notifier, NULL);
	reader->flow = flow;
	mxl_access_mark_open(&reader->access, flow);
	*ret = reader;
	return 0;
}

void mxl_reader_get(struct mxlFlowReader_t *reader)
{
	atomic_fetch_add_explicit(&reader->references, 1, memory_order_relaxed);
}

void mxl_reader_put(struct mxlFlowReader_t *reader)
{
	/* Release what this thread did with the reader, acquire what the others did. */
	if (atomic_fetch_sub_explicit(&reader->references, 1, memory_order_acq_rel) != 1)
		return;
	reader->kind = MXL_HANDLE_FREED;
	mxl_notifier_free(atomic_load(&reader->notifier));
	mxl_access_mark_close(&reader->access);
	mxl_flow_close(reader->flow);
	free(reader);
}

/*
 * Sleeps until the data may be there. "Too early" is the last word only if the flow still exists.
 */
static int wait_for(struct mxlFlowReader_t *reader, const struct mxl_condition *condition,
		    uint64_t timeout_ns, int result)
{
	const struct mxl_flow *flow = reader->flow;

	if (result == -EAGAIN && timeout_ns > 0)
		result = flow->backend->wait(flow, condition, mxl_deadline_in(timeout_ns));
	if ((result == -EAGAIN || result == -ENODATA) && !mxl_flow_is_current(flow))
		return -ESTALE;
	return result;
}

int mxl_reader_wait_grain(struct mxlFlowReader_t *reader, uint64_t index, uint16_t slices,
			  uint64_t timeout_ns, mxlGrainInfo *ret_info, uint8_t **ret_payload)
{
	struct mxl_condition condition = { .index = index, .slices = slices };
	int r = mxl_grains_get(reader->flow, index, slices, ret_info, ret_payload);

	if (r < 0) {
		r = wait_for(reader, &condition, timeout_ns, r);
		if (r == 0)
			r = mxl_grains_get(reader->flow, index, slices, ret_info, ret_payload);
	}
	if (r == 0)
		mxl_access_mark_touch(&reader->access);
	return r;
}

int mxl_reader_wait_samples(struct mxlFlowReader_t *reader, uint64_t index, size_t count,
			    uint64_t timeout_ns, mxlWrappedMultiBufferSlice *ret)
{
	struct mxl_condition condition = { .index = index };
	int r = mxl_samples_get(reader->flow, index, count, ret);

	if (r < 0) {
		r = wait_for(reader, &condition, timeout_ns, r);
		if (r == 0)
			r = mxl_samples_get(reader->flow, index, count, ret);
	}
	return r;
}

int mxl_reader_get_notifier(struct mxlFlowReader_t *reader, struct mxl_notifier **ret)
{
	struct mxl_notifier *found = atomic_load_explicit(&reader->notifier, memory_order_acquire);
	struct mxl_notifier *made;
	int r;

	if (!found) {
		r = mxl_notifier_new(reader->flow, &made);
		if (r < 0)
			return r;
		/* Of several threads that make one, the first gives it to all. */
		if (atomic_compare_exchange_strong(&reader->notifier, &found, made))
			found = made;
		else
			mxl_notifier_free(made);
	}
	*ret = found;
	return 0;
}

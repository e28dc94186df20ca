// SPDX-License-Identifier: Apache-2.0
#include "flow_state.h"

#include <errno.h>

#include "backend_kernel.h"
#include "device.h"
#include "presence.h"
#include "shm.h"
#include "util.h"

/* What only the kernel knows. */
static void add_kernel_state(const struct mxl_state *state, mxlFlowState *ret)
{
	if (state->flags & MXL_STATE_LOCKED) {
		ret->flags |= MXL_FLOW_STATE_WRITER | MXL_FLOW_STATE_LOCKED;
		ret->writerPid = state->writer_pid;
	}
	if (state->flags & MXL_STATE_OUTSIDERS)
		ret->flags |= MXL_FLOW_STATE_OUTSIDERS;
	if (state->last_read_ns > ret->lastReadTime)
		ret->lastReadTime = state->last_read_ns;
	ret->generation = state->generation;
	ret->epoch = state->epoch;
	ret->commits = state->commits;
	ret->commitCalls = state->commit_calls;
	ret->wakes = state->wakes;
	ret->overruns = state->overruns;
	ret->waiters = state->waiters;
	ret->attachments = state->attachments;
}

static int add_lock_state(const struct mxl_flow *flow, mxlFlowState *ret)
{
	bool is_written;
	pid_t pid;
	int r = mxl_presence_probe(flow->data_fd, &is_written, &pid);

	if (r == 0 && is_written) {
		ret->flags |= MXL_FLOW_STATE_WRITER;
		ret->writerPid = pid;
	}
	return r;
}

int mxl_flow_state_get(const struct mxl_flow *flow, mxlFlowState *ret)
{
	mxlFlowState result = { .commits = mxl_load(&flow->header->sync_counter) };
	mxlFlowRuntimeInfo runtime;
	struct mxl_state state;
	int r = mxl_flow_get_runtime(flow, &runtime);

	if (r < 0)
		return r;
	result.headIndex = runtime.headIndex;
	result.lastWriteTime = runtime.lastWriteTime;
	result.lastReadTime = runtime.lastReadTime;
	if (flow->kernel) {
		result.backend = MXL_FLOW_BACKEND_KERNEL;
		r = mxl_device_state(mxl_kernel_fd(flow), &state);
		if (r == 0)
			add_kernel_state(&state, &result);
	}
	if (r == 0 && !(result.flags & MXL_FLOW_STATE_LOCKED))
		r = add_lock_state(flow, &result);
	if (r < 0)
		return r;
	result.size = ret->size;
	*ret = result;
	return 0;
}

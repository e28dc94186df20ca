// SPDX-License-Identifier: Apache-2.0
/* The C API of states. */
#include <errno.h>
#include <string.h>

#include <mxl/state.h>

#include "api.h"
#include "api_handles.h"
#include "clock.h"
#include "flow_state.h"
#include "store_list.h"
#include "util.h"

_Static_assert(MXL_FLOW_ID_SIZE == MXL_UUID_TEXT_SIZE, "a flow id is a UUID");

/* The first version; what was added later is not stored where it has no room. */
#define STATE_SIZE_MIN 96

static int get_state(mxlInstance instance, const uuid_t id, mxlFlowState *ret)
{
	struct mxlFlowReader_t *reader;
	int r = mxl_instance_get_reader(instance, id, &reader);

	if (r < 0)
		return r;
	r = mxl_flow_state_get(reader->flow, ret);
	mxl_instance_put_reader(instance, reader);
	return r;
}

MXL_API mxlStatus mxlGetFlowState(mxlInstance instance, const char *flow_id, mxlFlowState *state)
{
	mxlFlowState result;
	uuid_t id;
	int r;

	if (!mxl_is_instance(instance) || !flow_id || !state || state->size < STATE_SIZE_MIN ||
	    mxl_uuid_parse(flow_id, id) < 0)
		return MXL_ERR_INVALID_ARG;
	result.size = state->size;
	r = get_state(instance, id, &result);
	if (r < 0)
		return mxl_status(r);
	/* A caller of a later version finds 0 in what is not known here. */
	if (state->size > sizeof(result))
		memset(state + 1, 0, state->size - sizeof(result));
	memcpy(state, &result, mxl_min((size_t)state->size, sizeof(result)));
	return MXL_STATUS_OK;
}

MXL_API mxlStatus mxlListFlows(mxlInstance instance, mxlFlowId *flow_ids, size_t *count)
{
	MXL_CLEANUP(mxl_freep) uuid_t *ids = NULL;
	size_t room, found;
	int r;

	if (!mxl_is_instance(instance) || !count)
		return MXL_ERR_INVALID_ARG;
	r = mxl_store_list(&instance->store, &ids, &found);
	if (r < 0)
		return r == -ENOENT ? MXL_ERR_UNKNOWN : mxl_status(r);
	room = *count;
	*count = found;
	if (!flow_ids)
		return MXL_STATUS_OK;
	if (room < found)
		return MXL_ERR_INVALID_ARG;
	for (size_t i = 0; i < found; i++)
		uuid_unparse_lower(ids[i], flow_ids[i]);
	return MXL_STATUS_OK;
}

MXL_API mxlStatus mxlFlowReaderIsGrainIntact(mxlFlowReader reader, uint64_t index, bool *is_intact)
{
	if (!mxl_is_grain_reader(reader))
		return MXL_ERR_INVALID_FLOW_READER;
	if (!is_intact)
		return MXL_ERR_INVALID_ARG;
	*is_intact = mxl_grains_intact(reader->flow, index);
	return MXL_STATUS_OK;
}

MXL_API mxlStatus mxlFlowReaderAreSamplesIntact(mxlFlowReader reader, uint64_t index, size_t count,
						bool *is_intact)
{
	if (!mxl_is_sample_reader(reader))
		return MXL_ERR_INVALID_FLOW_READER;
	if (!is_intact || count == 0)
		return MXL_ERR_INVALID_ARG;
	*is_intact = mxl_samples_intact(reader->flow, index, count);
	return MXL_STATUS_OK;
}

MXL_API mxlStatus mxlFlowReaderGetBackend(mxlFlowReader reader, const char **name)
{
	if (!mxl_is_reader(reader))
		return MXL_ERR_INVALID_FLOW_READER;
	if (!name)
		return MXL_ERR_INVALID_ARG;
	*name = reader->flow->backend->name;
	return MXL_STATUS_OK;
}

MXL_API mxlStatus mxlFlowWriterWaitForLock(mxlFlowWriter writer, uint64_t timeout_ns)
{
	int r;

	if (!mxl_is_writer(writer))
		return MXL_ERR_INVALID_FLOW_WRITER;
	r = mxl_writer_wait_for_lock(writer, mxl_deadline_in(timeout_ns));
	return mxl_status(r == -EBUSY ? -ETIMEDOUT : r);
}

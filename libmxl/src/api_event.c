// SPDX-License-Identifier: Apache-2.0
/* The C API of events. */
#include <errno.h>

#include <mxl/event.h>

#include "api.h"
#include "api_handles.h"
#include "appear.h"
#include "clock.h"

MXL_API mxlStatus mxlFlowReaderGetEventFd(mxlFlowReader reader, int *fd)
{
	struct mxl_notifier *notifier;
	int r;

	if (!mxl_is_reader(reader))
		return MXL_ERR_INVALID_FLOW_READER;
	if (!fd)
		return MXL_ERR_INVALID_ARG;
	r = mxl_reader_get_notifier(reader, &notifier);
	if (r == 0)
		*fd = mxl_notifier_fd(notifier);
	return mxl_status(r);
}

static mxlStatus arm(mxlFlowReader reader, const struct mxl_condition *condition)
{
	struct mxl_notifier *notifier;
	int r = mxl_reader_get_notifier(reader, &notifier);

	if (r == 0)
		r = mxl_notifier_arm(notifier, condition);
	return r == -EAGAIN ? MXL_ERR_UNKNOWN : mxl_status(r);
}

MXL_API mxlStatus mxlFlowReaderArm(mxlFlowReader reader, uint64_t index, uint16_t min_valid_slices)
{
	struct mxl_condition condition = { .index = index, .slices = min_valid_slices };

	if (!mxl_is_reader(reader))
		return MXL_ERR_INVALID_FLOW_READER;
	return arm(reader, &condition);
}

MXL_API mxlStatus mxlFlowReaderDisarm(mxlFlowReader reader)
{
	if (!mxl_is_reader(reader))
		return MXL_ERR_INVALID_FLOW_READER;
	return arm(reader, NULL);
}

MXL_API mxlStatus mxlWaitForFlow(mxlInstance instance, const char *flow_id, uint64_t timeout_ns)
{
	uuid_t id;

	if (!mxl_is_instance(instance) || !flow_id || mxl_uuid_parse(flow_id, id) < 0)
		return MXL_ERR_INVALID_ARG;
	return mxl_status(mxl_appear_wait(&instance->store, id, mxl_deadline_in(timeout_ns)));
}

MXL_API mxlStatus mxlCreateDomainEvents(mxlInstance instance, mxlDomainEvents *events)
{
	int r;

	if (!mxl_is_instance(instance) || !events)
		return MXL_ERR_INVALID_ARG;
	r = mxl_instance_new_events(instance, events);
	/* The domain is there, or there would be no instance; "no such flow" would be no answer. */
	return r == -ENOENT || r == -EAGAIN ? MXL_ERR_UNKNOWN : mxl_status(r);
}

MXL_API mxlStatus mxlReleaseDomainEvents(mxlInstance instance, mxlDomainEvents events)
{
	if (!mxl_is_instance(instance) || !events)
		return MXL_ERR_INVALID_ARG;
	return mxl_status(mxl_instance_free_events(instance, events));
}

MXL_API mxlStatus mxlDomainEventsGetFd(mxlDomainEvents events, int *fd)
{
	if (!mxl_is_domain_events(events) || !fd)
		return MXL_ERR_INVALID_ARG;
	*fd = events->ready_fd;
	return MXL_STATUS_OK;
}

MXL_API mxlStatus mxlDomainEventsRead(mxlDomainEvents events, mxlDomainEvent *event)
{
	if (!mxl_is_domain_events(events) || !event)
		return MXL_ERR_INVALID_ARG;
	return mxl_domain_events_read(events, event) < 0 ? MXL_ERR_NOT_READY : MXL_STATUS_OK;
}

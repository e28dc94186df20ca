// SPDX-License-Identifier: Apache-2.0
#include "group.h"

#include <string.h>

#include "clock.h"
#include "util.h"

/* Groups up to this size wait without an allocation. */
#define SMALL_GROUP 16

int mxl_group_new(struct mxlFlowSynchronizationGroup_t **ret)
{
	struct mxlFlowSynchronizationGroup_t *group = calloc(1, sizeof(*group));

	if (!group)
		return -ENOMEM;
	group->kind = MXL_HANDLE_GROUP;
	pthread_mutex_init(&group->lock, NULL);
	*ret = group;
	return 0;
}

void mxl_group_free(struct mxlFlowSynchronizationGroup_t *group)
{
	group->kind = MXL_HANDLE_FREED;
	pthread_mutex_destroy(&group->lock);
	free(group->members);
	free(group);
}

static struct mxl_group_member *find_member(struct mxlFlowSynchronizationGroup_t *group,
					    const struct mxlFlowReader_t *reader)
{
	for (size_t i = 0; i < group->count; i++) {
		if (group->members[i].reader == reader)
			return &group->members[i];
	}
	return NULL;
}

int mxl_group_add(struct mxlFlowSynchronizationGroup_t *group, struct mxlFlowReader_t *reader,
		  uint16_t slices)
{
	struct mxl_group_member *member, *members;
	int r = 0;

	pthread_mutex_lock(&group->lock);
	member = find_member(group, reader);
	if (member) {
		member->slices = slices;
	} else {
		members = reallocarray(group->members, group->count + 1, sizeof(*members));
		if (members) {
			members[group->count++] =
				(struct mxl_group_member){ .reader = reader, .slices = slices };
			group->members = members;
		} else {
			r = -ENOMEM;
		}
	}
	pthread_mutex_unlock(&group->lock);
	return r;
}

bool mxl_group_remove(struct mxlFlowSynchronizationGroup_t *group,
		      const struct mxlFlowReader_t *reader)
{
	struct mxl_group_member *member;

	pthread_mutex_lock(&group->lock);
	member = find_member(group, reader);
	if (member)
		*member = group->members[--group->count];
	pthread_mutex_unlock(&group->lock);
	return member;
}

static void drop_members(const struct mxl_group_member *members, size_t count)
{
	for (size_t i = 0; i < count; i++)
		mxl_reader_put(members[i].reader);
}

/*
 * Copies the members, with a reference on each reader, so that the wait needs no lock.
 * Return: @room, a larger allocation, or NULL.
 */
static struct mxl_group_member *copy_members(struct mxlFlowSynchronizationGroup_t *group,
					     struct mxl_group_member *room, size_t *ret_count)
{
	struct mxl_group_member *copy = room;

	pthread_mutex_lock(&group->lock);
	if (group->count > SMALL_GROUP)
		copy = calloc(group->count, sizeof(*copy));
	if (copy) {
		*ret_count = group->count;
		for (size_t i = 0; i < group->count; i++) {
			copy[i] = group->members[i];
			mxl_reader_get(copy[i].reader);
		}
	}
	pthread_mutex_unlock(&group->lock);
	return copy;
}

static void set_waiters(struct mxl_waiter *waiters, const struct mxl_group_member *members,
			size_t count, uint64_t timestamp)
{
	for (size_t i = 0; i < count; i++) {
		const struct mxl_flow *flow = members[i].reader->flow;
		const struct mxl_layout_rational *rate = &flow->geometry.rate;

		waiters[i].flow = flow;
		waiters[i].condition.index =
			mxl_index_from_time(timestamp, rate->numerator, rate->denominator);
		waiters[i].condition.slices = mxl_flow_is_discrete(flow) ? members[i].slices : 0;
	}
}

/* Members may have different backends; each can wait for a group that is not all its own. */
static int wait_members(const struct mxl_group_member *members, struct mxl_waiter *waiters,
			size_t count, uint64_t timestamp, uint64_t timeout_ns)
{
	const struct mxl_backend *backend = members[0].reader->flow->backend;
	uint64_t deadline = mxl_deadline_in(timeout_ns);
	int r;

	set_waiters(waiters, members, count, timestamp);
	r = backend->wait_many(waiters, count, deadline);
	if (r != -EAGAIN && r != -ENODATA)
		return r;
	for (size_t i = 0; i < count; i++) {
		if (!mxl_flow_is_current(waiters[i].flow))
			return -ESTALE;
	}
	return r;
}

int mxl_group_wait(struct mxlFlowSynchronizationGroup_t *group, uint64_t timestamp,
		   uint64_t timeout_ns)
{
	struct mxl_group_member small_members[SMALL_GROUP];
	struct mxl_waiter small_waiters[SMALL_GROUP];
	struct mxl_waiter *waiters = small_waiters;
	struct mxl_group_member *members;
	size_t count = 0;
	int r = 0;

	members = copy_members(group, small_members, &count);
	if (!members)
		return -ENOMEM;
	if (count > SMALL_GROUP)
		waiters = calloc(count, sizeof(*waiters));
	if (!waiters)
		r = -ENOMEM;
	else if (count > 0)
		r = wait_members(members, waiters, count, timestamp, timeout_ns);

	drop_members(members, count);
	if (waiters != small_waiters)
		free(waiters);
	if (members != small_members)
		free(members);
	return r;
}

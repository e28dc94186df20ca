/* SPDX-License-Identifier: Apache-2.0 */
/* Synchronisation groups: what an mxlFlowSynchronizationGroup points to. */
#ifndef MXL_GROUP_H
#define MXL_GROUP_H

#include <pthread.h>

#include "reader.h"

/* One member: a reader, and the slices its grain must have. */
struct mxl_group_member {
	struct mxlFlowReader_t *reader;
	uint16_t slices;
};

/**
 * struct mxlFlowSynchronizationGroup_t - a group
 * @kind: MXL_HANDLE_GROUP
 * @lock: protects @members and @count; never held while waiting, so that members can leave
 * @members: the members; the instance keeps their readers alive, and removes them before it lets go
 * @count: number of members
 * @next: list of the instance; protected by its lock
 */
struct mxlFlowSynchronizationGroup_t {
	enum mxl_handle_kind kind;
	pthread_mutex_t lock;
	struct mxl_group_member *members;
	size_t count;
	struct mxlFlowSynchronizationGroup_t *next;
};

int mxl_group_new(struct mxlFlowSynchronizationGroup_t **ret);
void mxl_group_free(struct mxlFlowSynchronizationGroup_t *group);

/* Adds a reader; one that is a member only gets the new number of slices. Return: 0, -ENOMEM. */
int mxl_group_add(struct mxlFlowSynchronizationGroup_t *group, struct mxlFlowReader_t *reader,
		  uint16_t slices);

/* Return: whether it was a member. */
bool mxl_group_remove(struct mxlFlowSynchronizationGroup_t *group,
		      const struct mxlFlowReader_t *reader);

/**
 * mxl_group_wait - wait until every member has what belongs to a time
 * @group: the group
 * @timestamp: TAI ns
 * @timeout_ns: for all members together; 0 not at all, UINT64_MAX without end
 *
 * Return: 0, at once for a group without members; else the first failure, as a reader's wait.
 */
int mxl_group_wait(struct mxlFlowSynchronizationGroup_t *group, uint64_t timestamp,
		   uint64_t timeout_ns);

#endif /* MXL_GROUP_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instances: who holds which reader, writer and group of a domain. One reader and one writer exist
 * per flow and instance; asking again gives the same handle out once more.
 */
#ifndef MXL_INSTANCE_H
#define MXL_INSTANCE_H

#include <pthread.h>

#include "access.h"
#include "domain_events.h"
#include "group.h"
#include "reader.h"
#include "store.h"
#include "writer.h"

/**
 * struct mxlInstance_t - an instance
 * @kind: MXL_HANDLE_INSTANCE
 * @domain: path of the domain; @store points to it
 * @store: where its flows are; invariant
 * @lock: protects the lists, the counts of users in what they hold, and @watcher. Held while flows
 *	are opened and deleted, so that two requests for one flow meet; taken before a group's lock
 * @readers: all readers
 * @writers: all writers
 * @groups: all groups
 * @events: all event streams
 * @watcher: keeps lastReadTime; made with the first writer of grains
 */
struct mxlInstance_t {
	enum mxl_handle_kind kind;
	char *domain;
	struct mxl_store store;
	pthread_mutex_t lock;
	struct mxlFlowReader_t *readers;
	struct mxlFlowWriter_t *writers;
	struct mxlFlowSynchronizationGroup_t *groups;
	struct mxlDomainEvents_t *events;
	struct mxl_access_watcher *watcher;
};

/**
 * mxl_instance_new - open a domain
 * @domain: path of an existing directory
 * @options: options text, may be NULL
 * @ret: the instance; mxl_instance_free() it
 *
 * Return: 0 or -errno.
 */
int mxl_instance_new(const char *domain, const char *options, struct mxlInstance_t **ret);

/* Releases all that was not released; flows whose last writer this was are deleted. */
void mxl_instance_free(struct mxlInstance_t *instance);

/* The readers and writers of flows. Results as those of the store. */
int mxl_instance_get_reader(struct mxlInstance_t *instance, const uuid_t id,
			    struct mxlFlowReader_t **ret);
int mxl_instance_get_writer(struct mxlInstance_t *instance, const char *def_text,
			    const char *options_text, struct mxlFlowWriter_t **ret,
			    bool *ret_created);

/* Give a handle back. Return: 0, or -EINVAL when it is none of this instance. */
int mxl_instance_put_reader(struct mxlInstance_t *instance, struct mxlFlowReader_t *reader);
int mxl_instance_put_writer(struct mxlInstance_t *instance, struct mxlFlowWriter_t *writer);

int mxl_instance_new_group(struct mxlInstance_t *instance,
			   struct mxlFlowSynchronizationGroup_t **ret);
int mxl_instance_free_group(struct mxlInstance_t *instance,
			    struct mxlFlowSynchronizationGroup_t *group);

int mxl_instance_new_events(struct mxlInstance_t *instance, struct mxlDomainEvents_t **ret);
int mxl_instance_free_events(struct mxlInstance_t *instance, struct mxlDomainEvents_t *events);

#endif /* MXL_INSTANCE_H */

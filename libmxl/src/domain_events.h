/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event streams: what an mxlDomainEvents points to. Which flows and writers come and go;
 * domain_events.c says how that is found out.
 */
#ifndef MXL_DOMAIN_EVENTS_H
#define MXL_DOMAIN_EVENTS_H

#include <pthread.h>
#include <sys/queue.h>

#include <mxl/event.h>

#include "reader.h"
#include "store.h"

/**
 * struct mxl_sighting - what is known, or was told, of a flow
 * @is_there: it exists
 * @is_written: it has a writer
 * @flow: changes when a flow appears, so that one that was replaced is told from one that stayed
 * @writer: the same for writers
 */
struct mxl_sighting {
	bool is_there;
	bool is_written;
	uint64_t flow;
	uint64_t writer;
};

/**
 * struct mxl_watched_flow - a folder of the domain that has the name of a flow
 * @entry: list of all
 * @pending_entry: list of those with something to tell
 * @is_pending: it is on that list
 * @id: the flow
 * @watch: inotify watch of the folder, or -1
 * @inode: of `data` as seen last
 * @data_fd: `data`, to look for locks; -1 while there is no flow
 * @flow: the flow, where the kernel tells of its writer; owns @data_fd then. Else NULL
 * @epoch: of the writer that holds the lock of the kernel, 0 if none does
 * @doubtful: a lock on `data` may be that of the writer which just left the kernel's
 * @look_at: when to look for a writer again, CLOCK_MONOTONIC ns; 0 for not
 * @looks: looks since something happened
 * @first_writer: @now.writer when the flow appeared; earlier ones were another flow's
 * @now: how it is
 * @told: how it is according to the events that were read
 */
struct mxl_watched_flow {
	TAILQ_ENTRY(mxl_watched_flow) entry;
	TAILQ_ENTRY(mxl_watched_flow) pending_entry;
	bool is_pending;
	uuid_t id;
	int watch;
	ino_t inode;
	int data_fd;
	struct mxl_flow *flow;
	uint64_t epoch;
	bool doubtful;
	uint64_t look_at;
	unsigned int looks;
	uint64_t first_writer;
	struct mxl_sighting now;
	struct mxl_sighting told;
};

TAILQ_HEAD(mxl_watched_flows, mxl_watched_flow);

/**
 * struct mxlDomainEvents_t - an event stream
 * @kind: MXL_HANDLE_DOMAIN_EVENTS
 * @store: the flows; belongs to the instance
 * @ready_fd: eventfd, readable while @pending is not empty
 * @stop_fd: eventfd that ends the thread
 * @inotify_fd: the folders of the domain and its flows
 * @epoll_fd: what the thread sleeps on
 * @thread: the thread
 * @lock: protects what follows, and all flows
 * @domain_watch: inotify watch of the domain
 * @flows: all
 * @flow_count: how many
 * @pending: those with something to tell, the longest waiting first
 * @warned: it was said that there are too few inotify watches
 * @next: list of the instance; protected by its lock
 */
struct mxlDomainEvents_t {
	enum mxl_handle_kind kind;
	const struct mxl_store *store;
	int ready_fd;
	int stop_fd;
	int inotify_fd;
	int epoll_fd;
	pthread_t thread;
	pthread_mutex_t lock;
	int domain_watch;
	struct mxl_watched_flows flows;
	size_t flow_count;
	struct mxl_watched_flows pending;
	bool warned;
	struct mxlDomainEvents_t *next;
};

/**
 * mxl_domain_events_new - watch the flows of a store
 * @store: the store, which must outlive the stream
 * @ret: the stream, with what is there already to be told; mxl_domain_events_free() it
 *
 * Return: 0 or -errno.
 */
int mxl_domain_events_new(const struct mxl_store *store, struct mxlDomainEvents_t **ret);

/* Ends the thread. */
void mxl_domain_events_free(struct mxlDomainEvents_t *events);

/* Takes the next event. Return: 0, or -EAGAIN if there is none. */
int mxl_domain_events_read(struct mxlDomainEvents_t *events, mxlDomainEvent *ret);

#endif /* MXL_DOMAIN_EVENTS_H */

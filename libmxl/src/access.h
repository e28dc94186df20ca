/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lastReadTime. A reader cannot write to the flow, so it refreshes the times of the file `access`,
 * and the writer's process, which watches that file, stores the time into the header. Both ends do
 * so at most once per MXL_ACCESS_PERIOD_NS: a reader of 1000 grains per second does not owe 1000
 * system calls, and a writer's process is not woken by each of its readers.
 */
#ifndef MXL_ACCESS_H
#define MXL_ACCESS_H

#include <stdatomic.h>
#include <stdint.h>

#include "clock.h"
#include "flow.h"

#define MXL_ACCESS_PERIOD_NS 10000000ULL

/**
 * struct mxl_access_mark - the reader's end
 * @fd: the file `access`, or -1 where it cannot be written, as in a read-only domain
 * @activity: where the module wants to know it too, or NULL
 * @last_ns: when it was refreshed last, CLOCK_MONOTONIC_COARSE; any thread
 */
struct mxl_access_mark {
	int fd;
	uint64_t *activity;
	_Atomic uint64_t last_ns;
};

void mxl_access_mark_open(struct mxl_access_mark *mark, const struct mxl_flow *flow);
void mxl_access_mark_close(struct mxl_access_mark *mark);

/* The rare part of mxl_access_mark_touch(): refreshes the file, once per period and reader. */
void mxl_access_mark_refresh(struct mxl_access_mark *mark, uint64_t now);

/* Notes that a grain was read. The coarse clock costs a few ns, and is exact to its tick. */
static inline void mxl_access_mark_touch(struct mxl_access_mark *mark)
{
	uint64_t now = mxl_clock_ns(CLOCK_MONOTONIC_COARSE);

	if (now - atomic_load_explicit(&mark->last_ns, memory_order_relaxed) >=
	    MXL_ACCESS_PERIOD_NS)
		mxl_access_mark_refresh(mark, now);
}

struct mxl_access_watcher;

/**
 * mxl_access_watcher_new - the writers' end: one thread per instance that has writers of grains
 * @ret: the watcher; mxl_access_watcher_free() it
 *
 * Return: 0 or -errno.
 */
int mxl_access_watcher_new(struct mxl_access_watcher **ret);

/* Stops the thread. All flows must have been removed. NULL is fine. */
void mxl_access_watcher_free(struct mxl_access_watcher *watcher);

/**
 * mxl_access_watcher_add - keep lastReadTime of a flow up to date
 * @watcher: the watcher
 * @flow: discrete and writable; must stay open until it is removed
 *
 * Return: 0 or -errno; the flow works without, its lastReadTime just stays.
 */
int mxl_access_watcher_add(struct mxl_access_watcher *watcher, struct mxl_flow *flow);

/* After this the thread does not touch the flow any more. Unknown flows are fine. */
void mxl_access_watcher_remove(struct mxl_access_watcher *watcher, const struct mxl_flow *flow);

#endif /* MXL_ACCESS_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Synchronisation backends: how a process maps the files of a flow, becomes its writer, waits for
 * data and wakes those who wait. What is published, and in which order, is the same for all of them
 * (grains.c, samples.c), so that processes with different backends share a flow.
 */
#ifndef MXL_BACKEND_H
#define MXL_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mxl_flow;

/**
 * struct mxl_condition - what a reader waits for
 * @index: a grain is there, or all samples before this index are
 * @slices: valid slices it must have at least (discrete)
 *
 * mxl_condition_check() evaluates it.
 */
struct mxl_condition {
	uint64_t index;
	uint16_t slices;
};

/**
 * mxl_condition_check - look whether the data of a condition is there
 * @flow: the flow
 * @condition: the condition
 *
 * Return: 0 if it is; -EAGAIN if it may still come; -ENODATA if it will not, the head having gone
 * past an incomplete grain; -ERANGE if it is too late.
 */
int mxl_condition_check(const struct mxl_flow *flow, const struct mxl_condition *condition);

/**
 * struct mxl_waiter - one member of a wait for several flows
 * @flow: the flow
 * @condition: what of it
 */
struct mxl_waiter {
	const struct mxl_flow *flow;
	struct mxl_condition condition;
};

/**
 * struct mxl_backend - operations of a backend
 * @name: as in MXL_BACKEND
 * @map: map a file of a flow from its start; @size bytes are known to be there
 * @unmap: undo @map
 * @lock: become the writer of @flow; -EBUSY while another is, where that is enforced
 * @unlock: undo @lock
 * @wait: sleep until the condition holds or cannot hold any more, or until a CLOCK_MONOTONIC
 *	deadline (MXL_NO_DEADLINE for none); looks once more after the deadline. Results as
 *	mxl_condition_check(), and -ESTALE when the flow was deleted or replaced
 * @wait_many: the same for all of several flows with one deadline: 0, or the first failure
 * @signal: announce a commit that was published before: @bits are the buckets of the thresholds
 *	it crossed, MXL_WAKE_ANY to wake everyone
 *
 * All are thread-safe, @lock, @unlock and @signal for different flows.
 */
struct mxl_backend {
	const char *name;
	int (*map)(int fd, size_t size, bool writable, void **ret);
	void (*unmap)(void *mapping, size_t size);
	int (*lock)(struct mxl_flow *flow);
	void (*unlock)(struct mxl_flow *flow);
	int (*wait)(const struct mxl_flow *flow, const struct mxl_condition *condition,
		    uint64_t deadline);
	int (*wait_many)(const struct mxl_waiter *waiters, size_t count, uint64_t deadline);
	void (*signal)(struct mxl_flow *flow, uint32_t bits);
};

/* Plain mappings and futexes; works everywhere and together with programs of the C++ SDK. */
extern const struct mxl_backend mxl_backend_posix;

/**
 * mxl_backend_choose - the backend of a new instance
 * @ret: the one that MXL_BACKEND in the environment asks for (auto | posix | kernel)
 *
 * Return: 0; -EINVAL for another word; -ENODEV where the one forced is not to be had; both are logged.
 */
int mxl_backend_choose(const struct mxl_backend **ret);

#endif /* MXL_BACKEND_H */

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
 * past an incomplete grain; -ERANGE if it is too late; -ESTALE if the flow is lost.
 */
int mxl_condition_check(const struct mxl_flow *flow, const struct mxl_condition *condition);

/**
 * mxl_condition_check_waiting - the same for a waiter, who also has to learn of what is not data
 * @flow: the flow
 * @condition: the condition
 * @head_seen: the head this waiter saw last; 0 at first
 *
 * Return: as mxl_condition_check(); also -ENODATA when the writer restarted below what the waiter
 * saw, and -ESTALE when the flow was deleted by somebody who says so.
 */
int mxl_condition_check_waiting(const struct mxl_flow *flow, const struct mxl_condition *condition,
				uint64_t *head_seen);

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
 * struct mxl_signal - what a commit published, for those who wait for it
 * @index: the head
 * @slices: valid slices; UINT16_MAX if the grain is ended by the INVALID flag (discrete)
 * @bits: buckets of the thresholds it crossed, MXL_WAKE_ANY to wake everyone, 0 for none
 * @restart: it began a new generation
 */
struct mxl_signal {
	uint64_t index;
	uint16_t slices;
	uint32_t bits;
	bool restart;
};

/* No sleep is longer before the path is looked at: not everybody announces what he deletes. */
#define MXL_STALE_CHECK_NS 500000000ULL

/**
 * struct mxl_backend - operations of a backend
 * @name: as in MXL_BACKEND
 * @open_flags: O_RDONLY or O_RDWR, how a writer opens the files; a reader opens them O_RDONLY
 * @attach: begin with a flow whose `data` is open and checked
 * @add_payloads: take a run of its open and checked payload files; after the last all is mapped,
 *	and @lock or what the descriptors allow decides whether for writing
 * @detach: undo @attach, after everything was unmapped; gives up the lock
 * @lock: become the writer, with writable mappings. -EBUSY while another is and until @deadline on
 *	CLOCK_MONOTONIC (0: not to wait); at once if it is the writer already
 * @wait: sleep until the condition holds or cannot hold any more, or until a CLOCK_MONOTONIC
 *	deadline (MXL_NO_DEADLINE for none); looks once more after the deadline. Results as
 *	mxl_condition_check_waiting()
 * @wait_many: the same for all of several flows with one deadline: 0, or the first failure
 * @signal: announce a commit that was published before; the writer's thread only
 *
 * Except where said, all are thread-safe for different flows, and the waits for one flow, too.
 */
struct mxl_backend {
	const char *name;
	int open_flags;
	int (*attach)(struct mxl_flow *flow);
	int (*add_payloads)(struct mxl_flow *flow, uint32_t first, const int *fds, uint32_t count);
	void (*detach)(struct mxl_flow *flow);
	int (*lock)(struct mxl_flow *flow, uint64_t deadline);
	int (*wait)(const struct mxl_flow *flow, const struct mxl_condition *condition,
		    uint64_t deadline);
	int (*wait_many)(const struct mxl_waiter *waiters, size_t count, uint64_t deadline);
	void (*signal)(struct mxl_flow *flow, const struct mxl_signal *signal);
};

/* Plain mappings and futexes; works everywhere and together with programs of the C++ SDK. */
extern const struct mxl_backend mxl_backend_posix;

/* The same files through /dev/mxl: one writer, exact wakes. */
extern const struct mxl_backend mxl_backend_kernel;

/**
 * mxl_wait_each - a @wait_many that works for flows of any backend
 * @waiters: the members
 * @count: their number
 * @deadline: CLOCK_MONOTONIC ns
 *
 * Return: as @wait_many.
 */
int mxl_wait_each(const struct mxl_waiter *waiters, size_t count, uint64_t deadline);

/**
 * struct mxl_backend_choice - what an instance works with
 * @backend: the first choice for each flow
 * @fallback: what to use for a flow that @backend refuses; NULL if MXL_BACKEND forces one
 * @default_history_ns: history of a domain that does not say
 */
struct mxl_backend_choice {
	const struct mxl_backend *backend;
	const struct mxl_backend *fallback;
	uint64_t default_history_ns;
};

/**
 * mxl_backend_choose - the backend of a new instance
 * @ret: as MXL_BACKEND in the environment asks for (auto | posix | kernel; auto if unset)
 *
 * Return: 0; -EINVAL for another word; the errno of /dev/mxl where it is forced and not to be had;
 * both are logged.
 */
int mxl_backend_choose(struct mxl_backend_choice *ret);

/**
 * mxl_backend_fall_back - whether to try a flow once more, with another backend
 * @choice: of the instance
 * @r: what came of trying it; -EOPNOTSUPP is a refusal
 * @backend: what it was tried with; what to try it with now, if so
 *
 * Return: whether there is something left to try.
 */
bool mxl_backend_fall_back(const struct mxl_backend_choice *choice, int r,
			   const struct mxl_backend **backend);

#endif /* MXL_BACKEND_H */

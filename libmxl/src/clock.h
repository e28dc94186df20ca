/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks. Media time is TAI; waiting is done on the monotonic clock, which nobody can step.
 */
#ifndef MXL_CLOCK_H
#define MXL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <linux/mxl_layout.h>

#ifndef CLOCK_TAI
#define CLOCK_TAI 11
#endif

#define MXL_NO_DEADLINE UINT64_MAX

static inline uint64_t mxl_timespec_to_ns(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * MXL_LAYOUT_NSEC_PER_SEC + (uint64_t)ts->tv_nsec;
}

static inline struct timespec mxl_ns_to_timespec(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / MXL_LAYOUT_NSEC_PER_SEC),
		.tv_nsec = (long)(ns % MXL_LAYOUT_NSEC_PER_SEC),
	};
}

static inline uint64_t mxl_clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return mxl_timespec_to_ns(&ts);
}

/**
 * mxl_deadline_in - a relative time-out as a point on CLOCK_MONOTONIC
 * @timeout_ns: ns from now; one that would overflow waits without end
 *
 * Return: CLOCK_MONOTONIC ns, or MXL_NO_DEADLINE.
 */
static inline uint64_t mxl_deadline_in(uint64_t timeout_ns)
{
	uint64_t deadline;

	if (__builtin_add_overflow(mxl_clock_ns(CLOCK_MONOTONIC), timeout_ns, &deadline) ||
	    deadline > (uint64_t)INT64_MAX)
		return MXL_NO_DEADLINE;
	return deadline;
}

/* Says once per process in the log when the kernel does not know how far TAI is from UTC. */
void mxl_clock_check_tai(void);

#endif /* MXL_CLOCK_H */

/* SPDX-License-Identifier: Apache-2.0 */
/* The futex calls of MXL: shared between processes, with wake masks (linux/mxl_layout.h). */
#ifndef MXL_FUTEX_H
#define MXL_FUTEX_H

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"

/**
 * mxl_futex_wait - sleep while a word has a value
 * @word: the word, in shared memory
 * @expected: the value
 * @bits: sleep as a waiter of these buckets
 * @deadline: CLOCK_MONOTONIC ns
 *
 * Return: 0 when woken; -EAGAIN, -EINTR, -ETIMEDOUT; -EFAULT if the page is gone.
 */
static inline int mxl_futex_wait(const uint32_t *word, uint32_t expected, uint32_t bits,
				 uint64_t deadline)
{
	struct timespec until = mxl_ns_to_timespec(deadline);

	if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, &until, NULL, bits) < 0)
		return -errno;
	return 0;
}

/* Wakes all that sleep on the word in one of these buckets; does not touch the word. */
static inline void mxl_futex_wake(const uint32_t *word, uint32_t bits)
{
	syscall(SYS_futex, word, FUTEX_WAKE_BITSET, INT_MAX, NULL, NULL, bits);
}

#endif /* MXL_FUTEX_H */

// SPDX-License-Identifier: Apache-2.0
/*
 * The posix backend: plain shared mappings, and a futex on sync_counter.
 *
 * Waiting must not sleep through data that is there. The pairing is that of every futex:
 *
 *	reader				writer
 *	A: load-acquire sync_counter	1: publish (grains.c, samples.c)
 *	B: check the condition		2: add-release sync_counter
 *	C: FUTEX_WAIT on the value of A	3: FUTEX_WAKE
 *
 * If B misses the data of 1, then A came before 2: either 2 comes before C and C returns at once,
 * or it comes after and 3 finds the reader asleep. The wake is masked: mxl_wake_bits() includes the
 * bucket of every threshold that the commit reached.
 *
 * Nobody announces a deletion by a C++ program or by hand, nor the death of a writer, so no sleep
 * lasts longer than STALE_CHECK_NS before the path is looked at.
 */
#include <errno.h>
#include <sys/mman.h>

#include "backend.h"
#include "clock.h"
#include "flow.h"
#include "futex.h"
#include "shm.h"
#include "util.h"

#define STALE_CHECK_NS (500 * MXL_NSEC_PER_MSEC)

static int posix_map(int fd, size_t size, bool writable, void **ret)
{
	int prot = writable ? PROT_READ | PROT_WRITE : PROT_READ;
	void *mapping = mmap(NULL, size, prot, MAP_SHARED, fd, 0);

	if (mapping == MAP_FAILED)
		return -errno;
	*ret = mapping;
	return 0;
}

static void posix_unmap(void *mapping, size_t size)
{
	munmap(mapping, size);
}

/* Among posix writers the single writer is a convention. */
static int posix_lock(struct mxl_flow *flow)
{
	(void)flow;
	return 0;
}

static void posix_unlock(struct mxl_flow *flow)
{
	(void)flow;
}

static uint32_t wait_bits(const struct mxl_flow *flow, const struct mxl_condition *condition)
{
	if (!mxl_flow_is_discrete(flow))
		return MXL_WAKE_ANY;
	return 1U << mxl_wake_bucket(condition->slices, flow->geometry.total_slices);
}

/* What a reader that was woken, or is about to sleep, finds besides the condition not holding. */
static int check_restart(const struct mxl_flow *flow, uint64_t *head_seen)
{
	uint64_t head = mxl_load_acquire(&flow->header->head_index);

	if (mxl_load(&flow->header->inode) != flow->inode)
		return -ESTALE;
	if (head < *head_seen)
		return -ENODATA;
	*head_seen = head;
	return -EAGAIN;
}

static int posix_wait(const struct mxl_flow *flow, const struct mxl_condition *condition,
		      uint64_t deadline)
{
	const uint32_t *counter = &flow->header->sync_counter;
	uint32_t bits = wait_bits(flow, condition);
	uint64_t head_seen = 0;
	bool expired = false;

	for (;;) {
		/* Steps A to C of the pairing above. */
		uint32_t seen = mxl_load_acquire(counter);
		uint64_t now, until;
		int r = mxl_condition_check(flow, condition);

		if (r == -EAGAIN)
			r = check_restart(flow, &head_seen);
		if (r != -EAGAIN || expired)
			return r;

		now = mxl_clock_ns(CLOCK_MONOTONIC);
		until = mxl_min(deadline, now + STALE_CHECK_NS);
		r = mxl_futex_wait(counter, seen, bits, until);
		if (r == -ETIMEDOUT) {
			expired = until == deadline;
			if (!expired && !mxl_flow_is_current(flow))
				return -ESTALE;
		} else if (r == -EFAULT) {
			/* Somebody truncated the file under the mapping. */
			return -ESTALE;
		}
	}
}

/*
 * One after another, with one deadline: a later member costs nothing if its data came while an
 * earlier one was waited for. Data can also grow too old meanwhile, so all are looked at again; what
 * is there then is there at the same time.
 */
static int posix_wait_many(const struct mxl_waiter *waiters, size_t count, uint64_t deadline)
{
	for (size_t i = 0; i < count; i++) {
		int r = posix_wait(waiters[i].flow, &waiters[i].condition, deadline);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < count; i++) {
		int r = mxl_condition_check(waiters[i].flow, &waiters[i].condition);

		if (r < 0)
			return r;
	}
	return 0;
}

static void posix_signal(struct mxl_flow *flow, uint32_t bits)
{
	mxl_add_release(&flow->header->sync_counter, 1);
	if (bits)
		mxl_futex_wake(&flow->header->sync_counter, bits);
}

const struct mxl_backend mxl_backend_posix = {
	.name = "posix",
	.map = posix_map,
	.unmap = posix_unmap,
	.lock = posix_lock,
	.unlock = posix_unlock,
	.wait = posix_wait,
	.wait_many = posix_wait_many,
	.signal = posix_signal,
};

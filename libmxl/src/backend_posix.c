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
 * Among posix writers the single writer is a convention. A flow that is sealed, because its writer
 * has it from the kernel, cannot be opened for writing; its files are mapped for reading then, and
 * lock() tries again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>

#include "backend_posix.h"
#include "clock.h"
#include "file.h"
#include "flow.h"
#include "futex.h"
#include "shm.h"
#include "util.h"

/* Nothing tells a process without the device that a seal was lifted. */
#define SEAL_RETRY_NS (2 * MXL_NSEC_PER_MSEC)

/* Maps a whole region of the flow; in place of the mapping that is there already, if there is one. */
static int map_region(struct mxl_flow *flow, uint32_t region, int fd, bool writable)
{
	void *at = mxl_flow_region(flow, region);
	void *mapping = mmap(at, mxl_flow_region_size(flow, region),
			     writable ? PROT_READ | PROT_WRITE : PROT_READ,
			     at ? MAP_SHARED | MAP_FIXED : MAP_SHARED, fd, 0);

	if (mapping == MAP_FAILED)
		return -errno;
	mxl_flow_set_region(flow, region, mapping);
	return 0;
}

static bool is_open_for_writing(int fd)
{
	return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
}

static int posix_attach(struct mxl_flow *flow)
{
	flow->writable = is_open_for_writing(flow->data_fd);
	return map_region(flow, MXL_REGION_DATA, flow->data_fd, flow->writable);
}

/*
 * The lock that means something is the one on `data`; the format asks a writer to hold the others
 * too. A lock belongs to the open file, which the mapping keeps, so the descriptor can be closed.
 */
static int map_payload(struct mxl_flow *flow, uint32_t number, int fd)
{
	bool writable = is_open_for_writing(fd);
	int r = map_region(flow, MXL_REGION_PAYLOAD(number), fd, writable);

	if (r == 0 && writable)
		flock(fd, LOCK_SH | LOCK_NB);
	return r;
}

static int posix_add_payloads(struct mxl_flow *flow, uint32_t first, const int *fds, uint32_t count)
{
	int r = 0;

	for (uint32_t i = 0; i < count && r == 0; i++)
		r = map_payload(flow, first + i, fds[i]);
	return r;
}

static void posix_detach(struct mxl_flow *flow)
{
	(void)flow;
}

static int open_same_size(int dir, const char *name, size_t size)
{
	MXL_CLEANUP(mxl_closep) int fd = -1;
	off_t found;

	fd = mxl_file_open(dir, name, O_RDWR, &found);
	if (fd < 0)
		return fd;
	return (size_t)found == size ? mxl_take_fd(&fd) : -EBADMSG;
}

/* Replaces the read-only mappings of a flow that was sealed when it was opened. */
static int map_for_writing(struct mxl_flow *flow)
{
	MXL_CLEANUP(mxl_closep) int dir = mxl_flow_open_dir(flow);
	MXL_CLEANUP(mxl_closep) int payload_dir = -1;
	MXL_CLEANUP(mxl_closep) int data = -1;
	int r;

	if (dir < 0)
		return dir;
	data = open_same_size(dir, MXL_FLOW_DATA_FILE, MXL_FLOW_HEADER_SIZE);
	if (data < 0)
		return data;
	if (!mxl_file_is_inode(dir, MXL_FLOW_DATA_FILE, flow->inode))
		return -ESTALE;

	payload_dir = mxl_flow_open_payload_dir(flow, dir);
	if (payload_dir < 0)
		return payload_dir;
	r = map_region(flow, MXL_REGION_DATA, data, true);
	for (uint32_t i = 0; r == 0 && i < mxl_flow_payload_count(flow); i++) {
		MXL_CLEANUP(mxl_closep) int fd = -1;
		char name[MXL_FLOW_PAYLOAD_NAME_SIZE];

		mxl_flow_payload_name(flow, i, name);
		fd = open_same_size(payload_dir, name, mxl_flow_payload_size(flow));
		r = fd < 0 ? fd : map_payload(flow, i, fd);
	}
	if (r == 0)
		flow->writable = true;
	return r;
}

static int posix_lock(struct mxl_flow *flow, uint64_t deadline)
{
	for (;;) {
		struct timespec pause = { .tv_nsec = SEAL_RETRY_NS };
		int r = flow->writable ? 0 : map_for_writing(flow);

		if (r != -ETXTBSY)
			return r;
		if (mxl_clock_ns(CLOCK_MONOTONIC) >= deadline)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
}

static uint32_t wait_bits(const struct mxl_flow *flow, const struct mxl_condition *condition)
{
	if (!mxl_flow_is_discrete(flow))
		return MXL_WAKE_ANY;
	return 1U << mxl_wake_bucket(condition->slices, flow->geometry.total_slices);
}

int mxl_posix_sleep(const struct mxl_flow *flow, const struct mxl_condition *condition,
		    uint32_t seen, uint64_t deadline)
{
	uint64_t until = mxl_min(deadline, mxl_clock_ns(CLOCK_MONOTONIC) + MXL_STALE_CHECK_NS);
	int r = mxl_futex_wait(&flow->header->sync_counter, seen, wait_bits(flow, condition),
			       until);

	if (r == -EFAULT) {
		/* Somebody truncated the file under the mapping. */
		return -ESTALE;
	}
	if (r != -ETIMEDOUT)
		return 0;
	if (until == deadline)
		return -ETIMEDOUT;
	return mxl_flow_is_current(flow) ? 0 : -ESTALE;
}

static int posix_wait(const struct mxl_flow *flow, const struct mxl_condition *condition,
		      uint64_t deadline)
{
	uint64_t head_seen = 0;
	bool expired = false;

	for (;;) {
		/* Steps A to C of the pairing above. */
		uint32_t seen = mxl_load_acquire(&flow->header->sync_counter);
		int r = mxl_condition_check_waiting(flow, condition, &head_seen);

		if (r != -EAGAIN || expired)
			return r;
		r = mxl_posix_sleep(flow, condition, seen, deadline);
		if (r == -ESTALE)
			return r;
		expired = r == -ETIMEDOUT;
	}
}

static void posix_signal(struct mxl_flow *flow, const struct mxl_signal *signal)
{
	mxl_add_release(&flow->header->sync_counter, 1);
	if (signal->bits)
		mxl_futex_wake(&flow->header->sync_counter, signal->bits);
}

const struct mxl_backend mxl_backend_posix = {
	.name = "posix",
	.open_flags = O_RDWR,
	.attach = posix_attach,
	.add_payloads = posix_add_payloads,
	.detach = posix_detach,
	.lock = posix_lock,
	.wait = posix_wait,
	.wait_many = mxl_wait_each,
	.signal = posix_signal,
};

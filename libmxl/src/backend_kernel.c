// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel backend: the same files, mapped through /dev/mxl.
 *
 * A commit makes a call only if somebody must be woken. The control page says so, and the pairing
 * is that of <linux/mxl.h>:
 *
 *	writer				kernel, for a waiter
 *	1: publish, add sync_counter	A: lower `wake`
 *	2: fence-seq-cst		B: full barrier
 *	3: load `wake`, `outsiders`	C: look at what is published
 *
 * Either 3 sees A and the writer calls, or C sees 1 and the waiter does not sleep.
 *
 * A reader sleeps in the kernel while the lock is held. While it is not, the writer, if there is
 * one, is a process without the module, and the reader sleeps on the futex as a posix reader does.
 * So that nobody stays there when a writer takes the lock, the writer bumps sync_counter and wakes
 * everyone after the kernel has published the lock, and a reader loads the counter before it looks
 * at the lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend_kernel.h"
#include "backend_posix.h"
#include "clock.h"
#include "device.h"
#include "flow.h"
#include "futex.h"
#include "log.h"
#include "shm.h"
#include "util.h"

/* Where the kernel has no room for one more waiter, waiting is polling. */
#define CROWDED_SLEEP_NS MXL_NSEC_PER_MSEC

/* A fork elsewhere can hold a descriptor open for writing for a moment; see design of the seal. */
#define TEXT_BUSY_RETRY_NS MXL_NSEC_PER_MSEC

/* Groups up to this size are waited for in one call. */
#define MANY_MAX 64

/**
 * struct mxl_kernel - the kernel's side of an open flow
 * @fd: the attachment
 * @control: the control page; shared memory, use shm.h
 * @activity: the activity page; shared memory, use shm.h
 */
struct mxl_kernel {
	int fd;
	const struct mxl_control *control;
	struct mxl_activity *activity;
};

static uint64_t region_offset(uint32_t region)
{
	return region == MXL_REGION_DATA ? MXL_OFFSET_DATA
					 : MXL_OFFSET_PAYLOAD(region - MXL_REGION_PAYLOAD(0));
}

static int map_page(int fd, uint64_t offset, int prot, void **ret)
{
	void *page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), prot, MAP_SHARED, fd, (off_t)offset);

	if (page == MAP_FAILED)
		return -errno;
	*ret = page;
	return 0;
}

static void unmap_page(const volatile void *page)
{
	if (page)
		munmap((void *)(uintptr_t)page, (size_t)sysconf(_SC_PAGESIZE));
}

/* Maps all regions, in place of the mappings that are there already, if there are. */
static int map_regions(struct mxl_flow *flow, bool writable)
{
	const struct mxl_kernel *kernel = flow->kernel;
	uint32_t regions = 1 + mxl_flow_payload_count(flow);
	int flags = MAP_SHARED | (mxl_load(&kernel->control->prefault) ? MAP_POPULATE : 0);

	for (uint32_t region = 0; region < regions; region++) {
		void *at = mxl_flow_region(flow, region);
		void *mapping = mmap(at, mxl_flow_region_size(flow, region),
				     writable ? PROT_READ | PROT_WRITE : PROT_READ,
				     at ? flags | MAP_FIXED : flags, kernel->fd,
				     (off_t)region_offset(region));

		if (mapping == MAP_FAILED)
			return -errno;
		mxl_flow_set_region(flow, region, mapping);
	}
	return 0;
}

static int map_all(struct mxl_flow *flow)
{
	struct mxl_kernel *kernel = flow->kernel;
	void *control = NULL;
	void *activity = NULL;
	int r = map_page(kernel->fd, MXL_OFFSET_CONTROL, PROT_READ, &control);

	if (r < 0)
		return r;
	kernel->control = control;
	r = map_page(kernel->fd, MXL_OFFSET_ACTIVITY, PROT_READ | PROT_WRITE, &activity);
	if (r < 0)
		return r;
	kernel->activity = activity;
	return map_regions(flow, false);
}

/* A refusal is no failure of the flow: it can be used without the kernel. */
static int refused(const struct mxl_flow *flow, int result)
{
	mxl_info("%s: " MXL_DEVICE " refuses it: %s", flow->dir_name, strerror(-result));
	return -EOPNOTSUPP;
}

static int kernel_attach(struct mxl_flow *flow)
{
	int fd = mxl_device_open();

	if (fd < 0)
		return refused(flow, fd);
	flow->kernel = calloc(1, sizeof(*flow->kernel));
	if (!flow->kernel) {
		close(fd);
		return -ENOMEM;
	}
	flow->kernel->fd = fd;
	return 0;
}

static int kernel_add_payloads(struct mxl_flow *flow, uint32_t first, const int *fds,
			       uint32_t count)
{
	uint32_t missing;
	int r = mxl_device_attach(flow->kernel->fd, flow->data_fd, first, fds, count, &missing);

	if (r == 0 && missing == 0)
		r = map_all(flow);
	/* Deleted or replaced meanwhile: that is no refusal, there is just no such flow any more. */
	if (r == -ENOENT || r == -ENODEV || r == -ESTALE)
		return -ESTALE;
	return r < 0 ? refused(flow, r) : 0;
}

static void kernel_detach(struct mxl_flow *flow)
{
	struct mxl_kernel *kernel = flow->kernel;

	if (!kernel)
		return;
	unmap_page(kernel->control);
	unmap_page(kernel->activity);
	if (flow->writable)
		mxl_device_unlock(kernel->fd);
	close(kernel->fd);
	free(kernel);
	flow->kernel = NULL;
}

static uint64_t time_left(uint64_t deadline)
{
	uint64_t now;

	if (deadline == MXL_NO_DEADLINE)
		return MXL_TIMEOUT_NONE;
	now = mxl_clock_ns(CLOCK_MONOTONIC);
	return deadline > now ? deadline - now : 0;
}

/* Those who sleep on the futex, because nobody held the lock, are to look where to sleep now. */
static void announce_lock(struct mxl_flow *flow)
{
	atomic_thread_fence(memory_order_seq_cst);
	mxl_add_release(&flow->header->sync_counter, 1);
	mxl_futex_wake(&flow->header->sync_counter, MXL_WAKE_ANY);
}

static int kernel_lock(struct mxl_flow *flow, uint64_t deadline)
{
	int fd = flow->kernel->fd;
	int r;

	if (flow->writable)
		return 0;
	r = mxl_device_lock(fd, time_left(deadline));
	if (r == -ETXTBSY || r == -ETIMEDOUT || r == -EALREADY)
		return -EBUSY;
	if (r == -ENODEV)
		return -ESTALE;
	if (r < 0)
		return r;

	r = map_regions(flow, true);
	if (r < 0) {
		/* Whatever was made writable must be dropped before the lock can be given up. */
		if (map_regions(flow, false) == 0)
			mxl_device_unlock(fd);
		return r;
	}
	flow->writable = true;
	announce_lock(flow);
	return 0;
}

/*
 * One sleep in the kernel. Return: 0 to check again; -ETIMEDOUT; -ESTALE; what cannot be met any
 * more as mxl_condition_check() says it.
 */
static int sleep_result(const struct mxl_flow *flow, int r)
{
	switch (r) {
	case -ENODEV:
		return -ESTALE;
	case -ESTALE: /* another generation */
		return -ENODATA;
	case -EOWNERDEAD:
		return 0;
	case -EDQUOT:
	case -ENOSPC:
	case -ENOMEM:
		mxl_futex_wait(&flow->header->sync_counter, mxl_load(&flow->header->sync_counter),
			       MXL_WAKE_ANY, mxl_clock_ns(CLOCK_MONOTONIC) + CROWDED_SLEEP_NS);
		return 0;
	default:
		return r;
	}
}

static bool is_held(const struct mxl_flow *flow)
{
	return flow->kernel && mxl_load_acquire(&flow->kernel->control->writer) == MXL_WRITER_HELD;
}

static int kernel_wait(const struct mxl_flow *flow, const struct mxl_condition *condition,
		       uint64_t deadline)
{
	uint64_t head_seen = 0;
	bool expired = false;

	for (;;) {
		/* The counter before the condition, and before the lock. */
		uint32_t seen = mxl_load_acquire(&flow->header->sync_counter);
		int r = mxl_condition_check_waiting(flow, condition, &head_seen);

		if (r != -EAGAIN || expired)
			return r;
		if (is_held(flow))
			r = sleep_result(flow, mxl_device_wait(flow->kernel->fd, condition,
							       time_left(deadline)));
		else
			r = mxl_posix_sleep(flow, condition, seen, deadline);
		if (r < 0 && r != -ETIMEDOUT)
			return r;
		expired = r == -ETIMEDOUT || time_left(deadline) == 0;
	}
}

/* All members in one call, if the kernel can wait for each of them. */
static int sleep_many(const struct mxl_waiter *waiters, size_t count, uint64_t deadline)
{
	struct mxl_wait_item items[MANY_MAX];

	for (size_t i = 0; i < count; i++) {
		items[i] = (struct mxl_wait_item){
			.fd = waiters[i].flow->kernel->fd,
			.slices = waiters[i].condition.slices,
			.index = waiters[i].condition.index,
			.generation = MXL_GENERATION_ANY,
		};
	}
	return mxl_device_wait_many(items[0].fd, items, (uint32_t)count, time_left(deadline));
}

static bool all_held(const struct mxl_waiter *waiters, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!is_held(waiters[i].flow))
			return false;
	}
	return count <= MANY_MAX;
}

/* What the call ends with other than success is looked into one by one, which also says why. */
static int kernel_wait_many(const struct mxl_waiter *waiters, size_t count, uint64_t deadline)
{
	if (all_held(waiters, count))
		sleep_many(waiters, count, deadline);
	return mxl_wait_each(waiters, count, deadline);
}

static void kernel_signal(struct mxl_flow *flow, const struct mxl_signal *signal)
{
	const struct mxl_control *control = flow->kernel->control;
	uint32_t kind = mxl_flow_is_discrete(flow) ? MXL_KIND_DISCRETE : MXL_KIND_CONTINUOUS;
	uint64_t position = mxl_wake_position(kind, signal->index, signal->slices);

	mxl_add_release(&flow->header->sync_counter, 1);
	atomic_thread_fence(memory_order_seq_cst); /* steps 1 to 3 of the pairing above */
	if (signal->restart || mxl_load(&control->wake) <= position)
		mxl_device_commit(flow->kernel->fd, signal->restart);
	if (signal->bits && mxl_load(&control->outsiders))
		mxl_futex_wake(&flow->header->sync_counter, signal->bits);
}

uint64_t *mxl_kernel_last_read(const struct mxl_flow *flow)
{
	return flow->kernel ? (uint64_t *)&flow->kernel->activity->last_read_ns : NULL;
}

bool mxl_kernel_is_held(const struct mxl_flow *flow, uint64_t *ret_epoch)
{
	/* The epoch first: if the writer changes in between it is the old one, which is told. */
	if (flow->kernel)
		*ret_epoch = mxl_load_acquire(&flow->kernel->control->epoch);
	return is_held(flow);
}

int mxl_kernel_fd(const struct mxl_flow *flow)
{
	return flow->kernel ? flow->kernel->fd : -1;
}

const struct mxl_backend mxl_backend_kernel = {
	.name = "kernel",
	.open_flags = O_RDONLY,
	.attach = kernel_attach,
	.add_payloads = kernel_add_payloads,
	.detach = kernel_detach,
	.lock = kernel_lock,
	.wait = kernel_wait,
	.wait_many = kernel_wait_many,
	.signal = kernel_signal,
};

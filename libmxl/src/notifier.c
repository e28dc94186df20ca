// SPDX-License-Identifier: Apache-2.0
/*
 * Two things can make the descriptor readable.
 *
 * An attachment to /dev/mxl is armed itself, and the commit of the writer fires it. That needs a
 * writer who makes commits known to the kernel, so it is also armed for that writer's end.
 *
 * All else is up to a thread, the waiter, made when it is needed for the first time. It sleeps on
 * the futex as any reader does, with its bucket, and writes to an eventfd. When a writer takes the
 * lock of the kernel, which wakes all who sleep on the futex, the waiter arms the attachment and
 * is done.
 *
 * What is handed out is the eventfd, or an epoll descriptor over that and the attachment.
 *
 * A waiter on the futex cannot be called back by a word of its own: it is asleep on sync_counter,
 * and to be exact for one bucket (futex_waitv() knows none). So whoever arms anew wakes the futex
 * until the waiter has seen that its order is out of date. The loop is for the moment between the
 * waiter's look at the order and its sleep; the wake reaches others, too, who sleep on.
 */
#include "notifier.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "backend_kernel.h"
#include "backend_posix.h"
#include "clock.h"
#include "device.h"
#include "flow.h"
#include "futex.h"
#include "shm.h"
#include "thread.h"
#include "util.h"

/* After this a waiter that was called back is called again. */
#define CALL_BACK_NS (MXL_NSEC_PER_MSEC / 4)

/* Where the kernel has no room for one more armed descriptor, arming is polling. */
#define CROWDED_SLEEP_NS MXL_NSEC_PER_MSEC

/**
 * struct mxl_notifier - see notifier.h
 * @flow: the flow; invariant
 * @event_fd: eventfd of the waiter; invariant
 * @poll_fd: what is handed out: @event_fd, or an epoll descriptor over it; invariant
 * @arming: held while it is armed anew, so that whoever calls the waiter back finds it idle then;
 *	taken before @lock
 * @lock: protects what follows, except that the waiter reads @order without
 * @changed: @wanted or @stop was set
 * @idle: @busy was cleared
 * @thread: the waiter
 * @has_thread: it was started
 * @stop: it shall end
 * @wanted: there is a condition that it has not taken so far
 * @busy: it waits for what it took
 * @condition: what it shall wait for
 * @head: the head when that was armed
 * @order: changes when what the waiter took is not wanted any more
 */
struct mxl_notifier {
	const struct mxl_flow *flow;
	int event_fd;
	int poll_fd;
	pthread_mutex_t arming;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_cond_t idle;
	pthread_t thread;
	bool has_thread;
	bool stop;
	bool wanted;
	bool busy;
	struct mxl_condition condition;
	uint64_t head;
	atomic_uint order;
};

static void fire(struct mxl_notifier *notifier)
{
	eventfd_write(notifier->event_fd, 1);
}

/*
 * Arms the attachment. Return: 0; -EOWNERDEAD if it would not fire, for the writer, if there is
 * one, makes no calls; -errno where the kernel has no room.
 */
static int arm_attachment(struct mxl_notifier *notifier, const struct mxl_condition *condition)
{
	int fd = mxl_kernel_fd(notifier->flow);
	uint64_t epoch;

	if (fd < 0 || !mxl_kernel_is_held(notifier->flow, &epoch))
		return -EOWNERDEAD;
	return mxl_device_arm(fd, MXL_EVENT_DATA | MXL_EVENT_GENERATION | MXL_EVENT_WRITER_GONE,
			      condition, epoch);
}

static void disarm_attachment(struct mxl_notifier *notifier)
{
	int fd = mxl_kernel_fd(notifier->flow);

	if (fd >= 0)
		mxl_device_arm(fd, 0, NULL, MXL_EPOCH_ANY);
}

/*
 * Sleeps on the futex until the condition needs no more waiting. Return: -ECANCELED if it was called
 * back, -EOWNERDEAD if a writer took the lock of the kernel, else that is over.
 */
static int wait_on_futex(struct mxl_notifier *notifier, const struct mxl_condition *condition,
			 unsigned int order, uint64_t head)
{
	const struct mxl_flow *flow = notifier->flow;
	uint64_t epoch;

	for (;;) {
		/* The counter before the condition, and before the lock: see backend_kernel.c. */
		uint32_t seen = mxl_load_acquire(&flow->header->sync_counter);
		int r = mxl_condition_check_waiting(flow, condition, &head);

		if (r != -EAGAIN)
			return r;
		if (atomic_load(&notifier->order) != order)
			return -ECANCELED;
		if (mxl_kernel_is_held(flow, &epoch))
			return -EOWNERDEAD;
		r = mxl_posix_sleep(flow, condition, seen, MXL_NO_DEADLINE);
		if (r == -ESTALE)
			return r;
	}
}

static void wait_at_most(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t ns)
{
	struct timespec until = mxl_ns_to_timespec(mxl_clock_ns(CLOCK_MONOTONIC) + ns);

	pthread_cond_timedwait(condition, lock, &until);
}

/* The kernel has the flow's writer and shall do the rest, if it can; with the lock held. */
static void hand_to_kernel(struct mxl_notifier *notifier, const struct mxl_condition *condition,
			   unsigned int order)
{
	if (arm_attachment(notifier, condition) == 0)
		return;
	wait_at_most(&notifier->changed, &notifier->lock, CROWDED_SLEEP_NS);
	if (atomic_load(&notifier->order) == order)
		notifier->wanted = true;
}

/* One order of the waiter, with the lock held before and after. */
static void serve_one(struct mxl_notifier *notifier)
{
	struct mxl_condition condition = notifier->condition;
	unsigned int order = atomic_load(&notifier->order);
	uint64_t head = notifier->head;
	int r;

	notifier->wanted = false;
	notifier->busy = true;
	pthread_mutex_unlock(&notifier->lock);
	r = wait_on_futex(notifier, &condition, order, head);
	pthread_mutex_lock(&notifier->lock);
	notifier->busy = false;
	pthread_cond_signal(&notifier->idle);

	if (r == -ECANCELED || atomic_load(&notifier->order) != order)
		return;
	if (r == -EOWNERDEAD)
		hand_to_kernel(notifier, &condition, order);
	else
		fire(notifier);
}

static void *serve(void *argument)
{
	struct mxl_notifier *notifier = argument;

	pthread_mutex_lock(&notifier->lock);
	while (!notifier->stop) {
		if (notifier->wanted)
			serve_one(notifier);
		else
			pthread_cond_wait(&notifier->changed, &notifier->lock);
	}
	pthread_mutex_unlock(&notifier->lock);
	return NULL;
}

/* Makes the waiter give up what it waits for; with the lock held. */
static void call_back(struct mxl_notifier *notifier)
{
	atomic_fetch_add(&notifier->order, 1);
	notifier->wanted = false;
	while (notifier->busy) {
		mxl_futex_wake(&notifier->flow->header->sync_counter, MXL_WAKE_ANY);
		wait_at_most(&notifier->idle, &notifier->lock, CALL_BACK_NS);
	}
}

static int hand_to_waiter(struct mxl_notifier *notifier, const struct mxl_condition *condition)
{
	if (!notifier->has_thread) {
		int r = mxl_thread_start(&notifier->thread, serve, notifier);

		if (r < 0)
			return r;
		notifier->has_thread = true;
	}
	notifier->condition = *condition;
	notifier->head = mxl_load_acquire(&notifier->flow->header->head_index);
	notifier->wanted = true;
	pthread_cond_signal(&notifier->changed);
	return 0;
}

/* The waiter looks at the path now and then; what is known to be over already shall be told now. */
static bool is_over(const struct mxl_flow *flow, const struct mxl_condition *condition)
{
	return mxl_condition_check(flow, condition) != -EAGAIN || !mxl_flow_is_current(flow);
}

static int arm_locked(struct mxl_notifier *notifier, const struct mxl_condition *condition)
{
	eventfd_t happened;
	int r;

	call_back(notifier);
	eventfd_read(notifier->event_fd, &happened);
	if (condition) {
		r = arm_attachment(notifier, condition);
		if (r == 0)
			return 0;
	}
	/* What fired it before must not keep it readable. */
	disarm_attachment(notifier);
	if (!condition)
		return 0;
	if (is_over(notifier->flow, condition)) {
		fire(notifier);
		return 0;
	}
	return hand_to_waiter(notifier, condition);
}

int mxl_notifier_arm(struct mxl_notifier *notifier, const struct mxl_condition *condition)
{
	int r;

	pthread_mutex_lock(&notifier->arming);
	pthread_mutex_lock(&notifier->lock);
	r = arm_locked(notifier, condition);
	pthread_mutex_unlock(&notifier->lock);
	pthread_mutex_unlock(&notifier->arming);
	return r;
}

int mxl_notifier_fd(const struct mxl_notifier *notifier)
{
	return notifier->poll_fd;
}

static int poll_both(int event_fd, int attachment)
{
	MXL_CLEANUP(mxl_closep) int fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN };

	if (fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, event_fd, &event) < 0 ||
	    epoll_ctl(fd, EPOLL_CTL_ADD, attachment, &event) < 0)
		return -errno;
	return mxl_take_fd(&fd);
}

static void init_locks(struct mxl_notifier *notifier)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&notifier->arming, NULL);
	pthread_mutex_init(&notifier->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&notifier->changed, &attributes);
	pthread_cond_init(&notifier->idle, &attributes);
	pthread_condattr_destroy(&attributes);
}

int mxl_notifier_new(const struct mxl_flow *flow, struct mxl_notifier **ret)
{
	MXL_CLEANUP(mxl_freep) struct mxl_notifier *notifier = calloc(1, sizeof(*notifier));
	MXL_CLEANUP(mxl_closep) int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (!notifier)
		return -ENOMEM;
	if (event_fd < 0)
		return -errno;
	notifier->flow = flow;
	notifier->event_fd = event_fd;
	notifier->poll_fd = mxl_kernel_fd(flow) < 0 ? event_fd
						    : poll_both(event_fd, mxl_kernel_fd(flow));
	if (notifier->poll_fd < 0)
		return notifier->poll_fd;
	atomic_init(&notifier->order, 0);
	init_locks(notifier);
	mxl_take_fd(&event_fd);
	*ret = mxl_take_ptr(notifier);
	return 0;
}

static void end_thread(struct mxl_notifier *notifier)
{
	pthread_mutex_lock(&notifier->lock);
	notifier->stop = true;
	call_back(notifier);
	pthread_cond_signal(&notifier->changed);
	pthread_mutex_unlock(&notifier->lock);
	pthread_join(notifier->thread, NULL);
}

void mxl_notifier_free(struct mxl_notifier *notifier)
{
	if (!notifier)
		return;
	if (notifier->has_thread)
		end_thread(notifier);
	if (notifier->poll_fd != notifier->event_fd)
		close(notifier->poll_fd);
	close(notifier->event_fd);
	pthread_cond_destroy(&notifier->changed);
	pthread_cond_destroy(&notifier->idle);
	pthread_mutex_destroy(&notifier->lock);
	pthread_mutex_destroy(&notifier->arming);
	free(notifier);
}

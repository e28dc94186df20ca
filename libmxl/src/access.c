// SPDX-License-Identifier: Apache-2.0
#include "access.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "backend_kernel.h"
#include "file.h"
#include "log.h"
#include "shm.h"
#include "thread.h"
#include "util.h"

/* Readers of this library set both times of the file, those of the C++ SDK only that of access. */
#define WATCHED (IN_ATTRIB | IN_ACCESS)

#define PERIOD_MS ((int)(MXL_ACCESS_PERIOD_NS / MXL_NSEC_PER_MSEC))

static int access_path(const struct mxl_flow *flow, char path[PATH_MAX])
{
	int length = snprintf(path, PATH_MAX, "%s/%s/" MXL_FLOW_ACCESS_FILE, flow->domain,
			      flow->dir_name);

	return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

void mxl_access_mark_open(struct mxl_access_mark *mark, const struct mxl_flow *flow)
{
	char path[PATH_MAX];

	mark->fd = -1;
	mark->activity = mxl_kernel_last_read(flow);
	atomic_init(&mark->last_ns, 0);
	if (mxl_flow_is_discrete(flow) && access_path(flow, path) == 0)
		mark->fd = mxl_file_open(AT_FDCWD, path, O_RDWR, NULL);
}

void mxl_access_mark_close(struct mxl_access_mark *mark)
{
	mxl_closep(&mark->fd);
	mark->fd = -1;
}

void mxl_access_mark_refresh(struct mxl_access_mark *mark, uint64_t now)
{
	uint64_t last = atomic_load_explicit(&mark->last_ns, memory_order_relaxed);

	/* Of several threads that read through one handle, one refreshes. */
	if (!atomic_compare_exchange_strong_explicit(&mark->last_ns, &last, now,
						     memory_order_relaxed, memory_order_relaxed))
		return;
	if (mark->activity)
		mxl_store(mark->activity, mxl_clock_ns(CLOCK_TAI));
	/* Both times "now" is what a user who is not the owner of the file may set. */
	if (mark->fd >= 0)
		futimens(mark->fd, NULL);
}

/**
 * struct watched - a flow whose `access` is watched
 * @flow: the flow
 * @descriptor: inotify watch
 * @next: list of the watcher
 */
struct watched {
	struct mxl_flow *flow;
	int descriptor;
	struct watched *next;
};

/**
 * struct mxl_access_watcher - see access.h
 * @inotify_fd: events of all watched files
 * @stop_fd: eventfd that ends the thread
 * @thread: the thread
 * @lock: protects @flows, and the header of each flow in it from being unmapped
 * @flows: what is watched
 */
struct mxl_access_watcher {
	int inotify_fd;
	int stop_fd;
	pthread_t thread;
	pthread_mutex_t lock;
	struct watched *flows;
};

static void note_read(struct mxl_access_watcher *watcher, int descriptor)
{
	uint64_t now = mxl_clock_ns(CLOCK_TAI);

	pthread_mutex_lock(&watcher->lock);
	for (struct watched *w = watcher->flows; w; w = w->next) {
		/* A standby has nothing to write to; it is told for as long as it is one. */
		if (w->descriptor == descriptor && atomic_load(&w->flow->writable))
			mxl_store(&w->flow->header->last_read_time, now);
	}
	pthread_mutex_unlock(&watcher->lock);
}

/*
 * Handles what is queued without blocking. Return: whether there was anything. Events of watched
 * files carry no name, so a buffer with room for one more was the end of the queue.
 */
static bool drain_events(struct mxl_access_watcher *watcher)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool any = false;

	for (;;) {
		ssize_t size = read(watcher->inotify_fd, buffer, sizeof(buffer));
		const struct inotify_event *event;

		if (size <= 0)
			return any;
		any = true;
		for (char *p = buffer; p < buffer + size; p += sizeof(*event) + event->len) {
			event = (const struct inotify_event *)p;
			if (event->mask & WATCHED)
				note_read(watcher, event->wd);
		}
		if ((size_t)size + sizeof(*event) <= sizeof(buffer))
			return any;
	}
}

/*
 * Sleeps until somebody reads. Reads further apart than a period cost one wake-up each; while they
 * come closer, the events are left in the queue and looked at once per period. Without readers the
 * process is never woken.
 */
static void *watch(void *argument)
{
	struct mxl_access_watcher *watcher = argument;
	struct pollfd fds[] = {
		{ .fd = watcher->stop_fd, .events = POLLIN },
		{ .fd = watcher->inotify_fd, .events = POLLIN },
	};
	uint64_t last = 0;
	bool dense = false;

	for (;;) {
		uint64_t elapsed;

		/* Until the period is over only the stop matters. */
		if (poll(fds, dense ? 1 : 2, dense ? PERIOD_MS : -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[0].revents)
			return NULL;
		elapsed = mxl_clock_ns(CLOCK_MONOTONIC) - last;
		if (!dense && elapsed < MXL_ACCESS_PERIOD_NS) {
			dense = true;
			continue;
		}
		last += elapsed;
		dense = drain_events(watcher) && elapsed < MXL_ACCESS_PERIOD_NS * 3 / 2;
	}
}

int mxl_access_watcher_new(struct mxl_access_watcher **ret)
{
	MXL_CLEANUP(mxl_closep) int inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	MXL_CLEANUP(mxl_closep) int stop_fd = eventfd(0, EFD_CLOEXEC);
	MXL_CLEANUP(mxl_freep) struct mxl_access_watcher *watcher = calloc(1, sizeof(*watcher));
	int r;

	if (!watcher)
		return -ENOMEM;
	if (inotify_fd < 0 || stop_fd < 0)
		return -errno;
	watcher->inotify_fd = inotify_fd;
	watcher->stop_fd = stop_fd;
	pthread_mutex_init(&watcher->lock, NULL);
	r = mxl_thread_start(&watcher->thread, watch, watcher);
	if (r < 0) {
		pthread_mutex_destroy(&watcher->lock);
		return r;
	}
	mxl_take_fd(&inotify_fd);
	mxl_take_fd(&stop_fd);
	*ret = mxl_take_ptr(watcher);
	return 0;
}

void mxl_access_watcher_free(struct mxl_access_watcher *watcher)
{
	if (!watcher)
		return;
	eventfd_write(watcher->stop_fd, 1);
	pthread_join(watcher->thread, NULL);
	close(watcher->stop_fd);
	close(watcher->inotify_fd);
	pthread_mutex_destroy(&watcher->lock);
	free(watcher);
}

int mxl_access_watcher_add(struct mxl_access_watcher *watcher, struct mxl_flow *flow)
{
	MXL_CLEANUP(mxl_freep) struct watched *w = calloc(1, sizeof(*w));
	char path[PATH_MAX];
	int r = access_path(flow, path);

	if (r < 0)
		return r;
	if (!w)
		return -ENOMEM;

	pthread_mutex_lock(&watcher->lock);
	w->flow = flow;
	w->descriptor = inotify_add_watch(watcher->inotify_fd, path, WATCHED | IN_DONT_FOLLOW);
	r = w->descriptor < 0 ? -errno : 0;
	if (r == 0) {
		w->next = watcher->flows;
		watcher->flows = mxl_take_ptr(w);
	}
	pthread_mutex_unlock(&watcher->lock);
	return r;
}

void mxl_access_watcher_remove(struct mxl_access_watcher *watcher, const struct mxl_flow *flow)
{
	struct watched *found = NULL;

	pthread_mutex_lock(&watcher->lock);
	for (struct watched **w = &watcher->flows; *w && !found; w = found ? w : &(*w)->next) {
		if ((*w)->flow == flow) {
			found = *w;
			*w = found->next;
		}
	}
	if (found)
		inotify_rm_watch(watcher->inotify_fd, found->descriptor);
	pthread_mutex_unlock(&watcher->lock);
	free(found);
}

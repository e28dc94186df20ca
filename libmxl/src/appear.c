// SPDX-License-Identifier: Apache-2.0
#include "appear.h"

#include <poll.h>
#include <sys/inotify.h>

#include "clock.h"
#include "store_list.h"
#include "util.h"

#define DOMAIN_EVENTS (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define FOLDER_EVENTS (IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_DONT_FOLLOW)

/* Takes all events. Return: -ENOENT if one says that the domain is gone. */
static int drain(int fd, int domain_watch)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *event;
	ssize_t size;
	int r = 0;

	while ((size = read(fd, buffer, sizeof(buffer))) > 0) {
		for (char *p = buffer; p < buffer + size; p += sizeof(*event) + event->len) {
			event = (const struct inotify_event *)p;
			if (event->wd == domain_watch &&
			    event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
				r = -ENOENT;
		}
	}
	return r;
}

static int sleep_until(int fd, uint64_t deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	uint64_t now = mxl_clock_ns(CLOCK_MONOTONIC);
	struct timespec left;

	if (deadline <= now)
		return -ETIMEDOUT;
	left = mxl_ns_to_timespec(mxl_min(deadline - now, (uint64_t)INT64_MAX));
	if (ppoll(&poll_fd, 1, deadline == MXL_NO_DEADLINE ? NULL : &left, NULL) < 0 &&
	    errno != EINTR)
		return -errno;
	return 0;
}

/* Flows appear in one rename; a folder that is filled in place is watched for its `data`. */
static int watch_folder(const struct mxl_store *store, const uuid_t id, int fd)
{
	char path[PATH_MAX];

	if (mxl_store_flow_path(store, id, path) < 0)
		return -1;
	return inotify_add_watch(fd, path, FOLDER_EVENTS);
}

int mxl_appear_wait(const struct mxl_store *store, const uuid_t id, uint64_t deadline)
{
	MXL_CLEANUP(mxl_closep) int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	int domain_watch, folder_watch = -1;
	ino_t inode;
	int r;

	if (fd < 0)
		return -errno;
	domain_watch = inotify_add_watch(fd, store->domain, DOMAIN_EVENTS);
	if (domain_watch < 0)
		return -errno;
	for (;;) {
		int watch;

		r = mxl_store_find(store, id, &inode);
		if (r != -ENOENT)
			return r;
		watch = watch_folder(store, id, fd);
		if (watch >= 0 && watch != folder_watch) {
			/* What came before the watch is not told. */
			folder_watch = watch;
			continue;
		}
		r = sleep_until(fd, deadline);
		if (r == 0)
			r = drain(fd, domain_watch);
		if (r < 0)
			return r;
	}
}

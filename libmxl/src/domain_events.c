// SPDX-License-Identifier: Apache-2.0
/*
 * A thread per stream keeps, for each flow, how it is; readers of the stream keep how it is according
 * to what they read. The next event is the next step from the one to the other, so nothing is queued,
 * nothing overflows, and who reads slowly is told less of the past but never a wrong present.
 *
 * Flows are folders of the domain with a `data` in them: inotify. When it lost events all is looked
 * at again.
 *
 * Writers hold the lock of the kernel, whose attachment then tells of them, or just flock() on
 * `data`. Nothing tells of a flock; but whoever takes one opened the file before, and whoever gives
 * it up closes it. Both are seen in the flow's folder a moment before the lock is there, or gone, so
 * a few looks follow, at growing distances. To look needs no open(), hence causes no such event.
 */
#include "domain_events.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "backend_kernel.h"
#include "clock.h"
#include "device.h"
#include "log.h"
#include "presence.h"
#include "store_list.h"
#include "thread.h"
#include "util.h"

#define DOMAIN_EVENTS                                                                          \
	(IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | \
	 IN_ONLYDIR)
#define FOLDER_EVENTS                                                                            \
	(IN_OPEN | IN_CLOSE | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR | \
	 IN_DONT_FOLLOW)

/* Looks for a writer: after 2, 8, 32, 128 and 512 ms, for a process may be stopped in between. */
#define FIRST_LOOK_NS (2 * MXL_NSEC_PER_MSEC)
#define LOOK_FACTOR_BITS 2
#define MAX_LOOKS 5

/* Beyond this many flows those that come and go before anyone was told of them are forgotten. */
#define MANY_FLOWS 4096

/* === What to tell ========================================================================== */

/* The next step from what was told to what is, or 0. */
static uint32_t next_event(const struct mxl_watched_flow *flow)
{
	const struct mxl_sighting *now = &flow->now;
	const struct mxl_sighting *told = &flow->told;
	bool same_flow = now->flow == told->flow;

	if (!told->is_there)
		return same_flow ? 0 : MXL_DOMAIN_EVENT_FLOW_ADDED;
	if (told->is_written &&
	    !(same_flow && now->is_there && now->is_written && now->writer == told->writer))
		return MXL_DOMAIN_EVENT_WRITER_GONE;
	if (!same_flow || !now->is_there)
		return MXL_DOMAIN_EVENT_FLOW_REMOVED;
	if (!told->is_written && now->writer != told->writer)
		return MXL_DOMAIN_EVENT_WRITER_CAME;
	return 0;
}

static void take_event(struct mxl_watched_flow *flow, uint32_t event)
{
	switch (event) {
	case MXL_DOMAIN_EVENT_FLOW_ADDED:
		flow->told.is_there = true;
		flow->told.flow = flow->now.flow;
		flow->told.writer = flow->first_writer;
		break;
	case MXL_DOMAIN_EVENT_FLOW_REMOVED:
		flow->told.is_there = false;
		break;
	case MXL_DOMAIN_EVENT_WRITER_CAME:
		flow->told.is_written = true;
		flow->told.writer = flow->now.writer;
		break;
	case MXL_DOMAIN_EVENT_WRITER_GONE:
		flow->told.is_written = false;
		break;
	}
}

static void set_ready(struct mxlDomainEvents_t *events)
{
	eventfd_t ignored;

	if (TAILQ_EMPTY(&events->pending))
		eventfd_read(events->ready_fd, &ignored);
	else
		eventfd_write(events->ready_fd, 1);
}

/* Keeps the list of those with something to tell, and the descriptor, as they must be. */
static void update_pending(struct mxlDomainEvents_t *events, struct mxl_watched_flow *flow)
{
	bool is_pending = next_event(flow) != 0;
	bool was_empty = TAILQ_EMPTY(&events->pending);

	if (is_pending && !flow->is_pending)
		TAILQ_INSERT_TAIL(&events->pending, flow, pending_entry);
	else if (!is_pending && flow->is_pending)
		TAILQ_REMOVE(&events->pending, flow, pending_entry);
	flow->is_pending = is_pending;
	if (was_empty != TAILQ_EMPTY(&events->pending))
		set_ready(events);
}

/* === The flows ============================================================================= */

static struct mxl_watched_flow *find_by_id(struct mxlDomainEvents_t *events, const uuid_t id)
{
	struct mxl_watched_flow *flow;

	TAILQ_FOREACH(flow, &events->flows, entry) {
		if (uuid_compare(flow->id, id) == 0)
			return flow;
	}
	return NULL;
}

static struct mxl_watched_flow *find_by_watch(struct mxlDomainEvents_t *events, int watch)
{
	struct mxl_watched_flow *flow;

	TAILQ_FOREACH(flow, &events->flows, entry) {
		if (flow->watch == watch)
			return flow;
	}
	return NULL;
}

static struct mxl_watched_flow *add_flow(struct mxlDomainEvents_t *events, const uuid_t id)
{
	struct mxl_watched_flow *flow = calloc(1, sizeof(*flow));

	if (!flow) {
		mxl_error("no memory to watch a flow");
		return NULL;
	}
	uuid_copy(flow->id, id);
	flow->watch = -1;
	flow->data_fd = -1;
	TAILQ_INSERT_TAIL(&events->flows, flow, entry);
	events->flow_count++;
	return flow;
}

/* Frees a flow that is not there, and of which there is nothing to tell any more. */
static void forget_flow(struct mxlDomainEvents_t *events, struct mxl_watched_flow *flow)
{
	bool unseen = !flow->told.is_there && events->flow_count > MANY_FLOWS;

	if (flow->now.is_there || flow->watch >= 0 || (flow->is_pending && !unseen))
		return;
	flow->told = flow->now;
	update_pending(events, flow);
	TAILQ_REMOVE(&events->flows, flow, entry);
	events->flow_count--;
	free(flow);
}

/* === Writers =============================================================================== */

static void look_soon(struct mxl_watched_flow *flow)
{
	uint64_t at = mxl_clock_ns(CLOCK_MONOTONIC) + FIRST_LOOK_NS;

	/* Never later than planned: one event after another must not put it off for ever. */
	if (flow->look_at == 0 || flow->look_at > at)
		flow->look_at = at;
	flow->looks = 0;
}

static void plan_next_look(struct mxl_watched_flow *flow)
{
	flow->looks++;
	if (flow->looks < MAX_LOOKS)
		flow->look_at = mxl_clock_ns(CLOCK_MONOTONIC) +
				(FIRST_LOOK_NS << (LOOK_FACTOR_BITS * flow->looks));
	else
		flow->look_at = 0;
}

static void set_written(struct mxl_watched_flow *flow, bool is_written)
{
	if (is_written && !flow->now.is_written)
		flow->now.writer++;
	flow->now.is_written = is_written;
}

/*
 * Asks the kernel who has the lock, and to be told when that changes. If it changes in between, the
 * attachment is readable at once.
 */
static uint64_t ask_kernel(struct mxl_watched_flow *flow)
{
	int fd = mxl_kernel_fd(flow->flow);
	struct mxl_state state;

	if (mxl_device_state(fd, &state) < 0)
		return 0;
	if (state.flags & MXL_STATE_LOCKED) {
		mxl_device_arm(fd, MXL_EVENT_WRITER_GONE, NULL, state.epoch);
		return state.epoch;
	}
	mxl_device_arm(fd, MXL_EVENT_WRITER_CAME, NULL, MXL_EPOCH_ANY);
	return 0;
}

/* Brings what is known of the writer up to date. */
static void look_for_writer(struct mxl_watched_flow *flow)
{
	uint64_t epoch = flow->flow ? ask_kernel(flow) : 0;
	bool is_written = epoch != 0;

	if (flow->epoch != 0 && flow->epoch != epoch) {
		/* The flock of who is gone can live longer than the lock, so it may be that. */
		set_written(flow, false);
		flow->doubtful = true;
		look_soon(flow);
	}
	flow->epoch = epoch;
	if (!is_written && mxl_presence_probe(flow->data_fd, &is_written, NULL) < 0)
		return;
	/* Who has the lock, or is still there after the last look, is another. */
	if (!is_written || epoch != 0 || flow->look_at == 0)
		flow->doubtful = false;
	if (!flow->doubtful)
		set_written(flow, is_written);
}

/* === Flows that come and go ================================================================ */

/* An attachment tells of the writer, and its descriptor of `data` is known to the module. */
static void attach(struct mxlDomainEvents_t *events, struct mxl_watched_flow *flow)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = flow };
	struct mxl_flow *opened;

	if (events->store->choice.backend != &mxl_backend_kernel ||
	    mxl_store_open_reader(events->store, flow->id, &opened) < 0)
		return;
	if (mxl_kernel_fd(opened) < 0 ||
	    epoll_ctl(events->epoll_fd, EPOLL_CTL_ADD, mxl_kernel_fd(opened), &event) < 0) {
		mxl_flow_close(opened);
		return;
	}
	flow->flow = opened;
	flow->data_fd = opened->data_fd;
}

static void lose_flow(struct mxlDomainEvents_t *events, struct mxl_watched_flow *flow)
{
	if (flow->flow) {
		epoll_ctl(events->epoll_fd, EPOLL_CTL_DEL, mxl_kernel_fd(flow->flow), NULL);
		mxl_flow_close(flow->flow);
	} else {
		mxl_closep(&flow->data_fd);
	}
	flow->flow = NULL;
	flow->data_fd = -1;
	flow->epoch = 0;
	flow->doubtful = false;
	flow->look_at = 0;
	flow->now.is_there = false;
	flow->now.is_written = false;
}

static void gain_flow(struct mxlDomainEvents_t *events, struct mxl_watched_flow *flow)
{
	struct stat st;

	attach(events, flow);
	if (!flow->flow)
		flow->data_fd = mxl_store_open_flow_data(events->store, flow->id);
	flow->now.is_there = true;
	flow->now.flow++;
	flow->first_writer = flow->now.writer;
	if (flow->data_fd < 0) {
		mxl_info("a flow whose writers cannot be seen: %s", strerror(-flow->data_fd));
		flow->data_fd = -1;
		return;
	}
	if (fstat(flow->data_fd, &st) == 0)
		flow->inode = st.st_ino;
	look_for_writer(flow);
	look_soon(flow);
}

/* The folder can be another one than before. */
static void watch_folder(struct mxlDomainEvents_t *events, struct mxl_watched_flow *flow)
{
	char path[PATH_MAX];
	int watch = -1;

	if (mxl_store_flow_path(events->store, flow->id, path) == 0)
		watch = inotify_add_watch(events->inotify_fd, path, FOLDER_EVENTS);
	if (watch < 0 && errno == ENOSPC && !events->warned) {
		events->warned = true;
		mxl_warn("too few inotify watches to see all writers come and go, see "
			 "/proc/sys/fs/inotify/max_user_watches");
	}
	if (flow->watch >= 0 && flow->watch != watch)
		inotify_rm_watch(events->inotify_fd, flow->watch);
	flow->watch = watch;
}

/* Brings what is known of a flow up to date with its folder, and may free it. */
static void examine(struct mxlDomainEvents_t *events, struct mxl_watched_flow *flow)
{
	ino_t inode;
	bool is_there;

	/* First the watch, then the look: nothing can happen between them unseen. */
	watch_folder(events, flow);
	is_there = mxl_store_find(events->store, flow->id, &inode) == 0;
	if (flow->now.is_there && (!is_there || inode != flow->inode))
		lose_flow(events, flow);
	if (is_there && !flow->now.is_there) {
		flow->inode = inode;
		gain_flow(events, flow);
	}
	update_pending(events, flow);
	forget_flow(events, flow);
}

static void examine_id(struct mxlDomainEvents_t *events, const uuid_t id)
{
	struct mxl_watched_flow *flow = find_by_id(events, id);

	if (!flow)
		flow = add_flow(events, id);
	if (flow)
		examine(events, flow);
}

static void examine_all(struct mxlDomainEvents_t *events)
{
	struct mxl_watched_flow *next;
	uuid_t *ids = NULL;
	size_t count = 0;

	for (struct mxl_watched_flow *flow = TAILQ_FIRST(&events->flows); flow; flow = next) {
		next = TAILQ_NEXT(flow, entry);
		examine(events, flow);
	}
	if (mxl_store_list(events->store, &ids, &count) < 0)
		return;
	for (size_t i = 0; i < count; i++)
		examine_id(events, ids[i]);
	free(ids);
}

/* === The thread ============================================================================ */

static void handle_domain_event(struct mxlDomainEvents_t *events, const struct inotify_event *event)
{
	uuid_t id;

	if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT))
		examine_all(events);
	else if (event->len > 0 && mxl_store_parse_dir_name(event->name, id) == 0)
		examine_id(events, id);
}

static void handle_folder_event(struct mxlDomainEvents_t *events, const struct inotify_event *event)
{
	struct mxl_watched_flow *flow = find_by_watch(events, event->wd);

	if (!flow)
		return;
	if (event->mask & IN_IGNORED) {
		flow->watch = -1;
		examine(events, flow);
	} else if (event->len == 0 || strcmp(event->name, MXL_FLOW_DATA_FILE) != 0) {
		return;
	} else if (event->mask & (IN_OPEN | IN_CLOSE)) {
		if (flow->now.is_there && flow->data_fd >= 0)
			look_soon(flow);
	} else {
		examine(events, flow);
	}
}

static void handle_inotify(struct mxlDomainEvents_t *events)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *event;
	ssize_t size;

	while ((size = read(events->inotify_fd, buffer, sizeof(buffer))) > 0) {
		for (char *p = buffer; p < buffer + size; p += sizeof(*event) + event->len) {
			event = (const struct inotify_event *)p;
			if (event->mask & IN_Q_OVERFLOW)
				examine_all(events);
			else if (event->wd == events->domain_watch)
				handle_domain_event(events, event);
			else
				handle_folder_event(events, event);
		}
	}
}

static void handle_attachment(struct mxlDomainEvents_t *events, struct mxl_watched_flow *flow,
			      uint32_t what)
{
	/* A dead flow says so without end; its folder tells the rest. */
	if (what & (EPOLLHUP | EPOLLERR))
		epoll_ctl(events->epoll_fd, EPOLL_CTL_DEL, mxl_kernel_fd(flow->flow), NULL);
	look_for_writer(flow);
	update_pending(events, flow);
}

static void make_due_looks(struct mxlDomainEvents_t *events)
{
	uint64_t now = mxl_clock_ns(CLOCK_MONOTONIC);
	struct mxl_watched_flow *flow;

	TAILQ_FOREACH(flow, &events->flows, entry) {
		if (flow->look_at == 0 || flow->look_at > now)
			continue;
		plan_next_look(flow);
		look_for_writer(flow);
		update_pending(events, flow);
	}
}

/* Milliseconds to the next look, -1 if none is planned; rounded up, not to come too early. */
static int time_to_look(struct mxlDomainEvents_t *events)
{
	uint64_t next = MXL_NO_DEADLINE;
	uint64_t now;
	struct mxl_watched_flow *flow;

	TAILQ_FOREACH(flow, &events->flows, entry) {
		if (flow->look_at != 0)
			next = mxl_min(next, flow->look_at);
	}
	if (next == MXL_NO_DEADLINE)
		return -1;
	now = mxl_clock_ns(CLOCK_MONOTONIC);
	return next <= now ? 0 : (int)((next - now) / MXL_NSEC_PER_MSEC) + 1;
}

/*
 * One at a time: what one event leads to can free the flow that another, already fetched, is about.
 */
static void *run(void *argument)
{
	struct mxlDomainEvents_t *events = argument;
	int timeout;

	pthread_mutex_lock(&events->lock);
	for (;;) {
		struct epoll_event event = { 0 };
		int n;

		timeout = time_to_look(events);
		pthread_mutex_unlock(&events->lock);
		n = epoll_wait(events->epoll_fd, &event, 1, timeout);
		pthread_mutex_lock(&events->lock);

		if (n > 0 && event.data.ptr == &events->stop_fd)
			break;
		if (n > 0 && event.data.ptr == &events->inotify_fd)
			handle_inotify(events);
		else if (n > 0)
			handle_attachment(events, event.data.ptr, event.events);
		make_due_looks(events);
	}
	pthread_mutex_unlock(&events->lock);
	return NULL;
}

/* === The stream ============================================================================ */

/* Before the thread runs: the caller finds what is there already told. */
static int begin(struct mxlDomainEvents_t *events)
{
	struct epoll_event inotify = { .events = EPOLLIN, .data.ptr = &events->inotify_fd };
	struct epoll_event stop = { .events = EPOLLIN, .data.ptr = &events->stop_fd };

	if (epoll_ctl(events->epoll_fd, EPOLL_CTL_ADD, events->inotify_fd, &inotify) < 0 ||
	    epoll_ctl(events->epoll_fd, EPOLL_CTL_ADD, events->stop_fd, &stop) < 0)
		return -errno;
	events->domain_watch =
		inotify_add_watch(events->inotify_fd, events->store->domain, DOMAIN_EVENTS);
	if (events->domain_watch < 0)
		return -errno;
	examine_all(events);
	return mxl_thread_start(&events->thread, run, events);
}

static void free_stream(struct mxlDomainEvents_t *events)
{
	struct mxl_watched_flow *flow;

	while ((flow = TAILQ_FIRST(&events->flows))) {
		TAILQ_REMOVE(&events->flows, flow, entry);
		lose_flow(events, flow);
		free(flow);
	}
	mxl_closep(&events->ready_fd);
	mxl_closep(&events->stop_fd);
	mxl_closep(&events->inotify_fd);
	mxl_closep(&events->epoll_fd);
	pthread_mutex_destroy(&events->lock);
	events->kind = MXL_HANDLE_FREED;
	free(events);
}

int mxl_domain_events_new(const struct mxl_store *store, struct mxlDomainEvents_t **ret)
{
	struct mxlDomainEvents_t *events = calloc(1, sizeof(*events));
	int r = 0;

	if (!events)
		return -ENOMEM;
	events->kind = MXL_HANDLE_DOMAIN_EVENTS;
	events->store = store;
	TAILQ_INIT(&events->flows);
	TAILQ_INIT(&events->pending);
	pthread_mutex_init(&events->lock, NULL);
	events->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	events->stop_fd = eventfd(0, EFD_CLOEXEC);
	events->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	events->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (events->ready_fd < 0 || events->stop_fd < 0 || events->inotify_fd < 0 ||
	    events->epoll_fd < 0)
		r = -errno;
	if (r == 0)
		r = begin(events);
	if (r < 0) {
		free_stream(events);
		return r;
	}
	*ret = events;
	return 0;
}

void mxl_domain_events_free(struct mxlDomainEvents_t *events)
{
	eventfd_write(events->stop_fd, 1);
	pthread_join(events->thread, NULL);
	free_stream(events);
}

int mxl_domain_events_read(struct mxlDomainEvents_t *events, mxlDomainEvent *ret)
{
	struct mxl_watched_flow *flow;
	int r = -EAGAIN;

	pthread_mutex_lock(&events->lock);
	flow = TAILQ_FIRST(&events->pending);
	if (flow) {
		uint32_t type = next_event(flow);

		memset(ret, 0, sizeof(*ret));
		ret->type = type;
		uuid_unparse_lower(flow->id, ret->flowId);
		take_event(flow, type);
		update_pending(events, flow);
		forget_flow(events, flow);
		r = 0;
	}
	pthread_mutex_unlock(&events->lock);
	return r;
}

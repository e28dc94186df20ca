// SPDX-License-Identifier: Apache-2.0
/*
 * Follows the first eight flows that appear in a domain from one epoll loop, whatever they carry,
 * and says once a second how they do. Needs no thread of its own, and no time-outs. Ends on Ctrl-C.
 * Usage: epoll DOMAIN-DIRECTORY
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <mxl/dataformat.h>
#include <mxl/event.h>
#include <mxl/flow.h>
#include <mxl/mxl.h>
#include <mxl/state.h>

enum {
	FLOWS = 8,
	EVENTS = 8,
	TIMER = FLOWS + 1,
	SIGNALS = FLOWS + 2
};

static struct served {
	mxlFlowId id;
	mxlFlowReader reader; /* NULL: this place is free */
	int is_discrete;
	uint64_t step; /* what is read at once: a grain, or some samples */
	uint64_t next; /* what is waited for */
	uint64_t received;
	uint64_t missed;
} flows[FLOWS];

static mxlInstance instance;
static mxlDomainEvents domain_events;
static int epoll_fd;

static int watch(int fd, uint32_t place)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = place };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void arm(const struct served *flow)
{
	mxlFlowReaderArm(flow->reader, flow->next, MXL_GRAIN_VALID_SLICES_ALL);
}

static void drop(struct served *flow)
{
	printf("%s: gone\n", flow->id);
	/* Takes the descriptor out of the epoll set by closing it. */
	mxlReleaseFlowReader(instance, flow->reader);
	flow->reader = NULL;
}

/* The next of a flow whose head is known; a writer that fell back is followed. */
static void go_on_behind_head(struct served *flow)
{
	mxlFlowRuntimeInfo runtime;

	mxlFlowReaderGetRuntimeInfo(flow->reader, &runtime);
	flow->next = runtime.headIndex + flow->step;
}

/* One grain, or the samples before flow->next. */
static mxlStatus receive(struct served *flow)
{
	mxlWrappedMultiBufferSlice samples;
	mxlGrainInfo grain;
	uint8_t *payload;

	if (flow->is_discrete)
		return mxlFlowReaderGetGrainNonBlocking(flow->reader, flow->next, &grain, &payload);
	return mxlFlowReaderGetSamplesNonBlocking(flow->reader, flow->next, (size_t)flow->step,
						  &samples);
}

/* Called when the descriptor of a reader is readable: takes what is there, then arms it again. */
static void serve(struct served *flow)
{
	mxlFlowRuntimeInfo runtime;

	for (;;) {
		switch (receive(flow)) {
		case MXL_STATUS_OK:
			flow->received++;
			flow->next += flow->step;
			break;
		case MXL_ERR_OUT_OF_RANGE_TOO_EARLY:
			/* Not there, and above the head: it is still to come. */
			mxlFlowReaderGetRuntimeInfo(flow->reader, &runtime);
			if (runtime.headIndex < flow->next &&
			    flow->next - runtime.headIndex <= flow->step) {
				arm(flow);
				return;
			}
			/* The writer left it unfinished, or fell back. */
			flow->missed++;
			go_on_behind_head(flow);
			break;
		case MXL_ERR_OUT_OF_RANGE_TOO_LATE:
			flow->missed++;
			go_on_behind_head(flow);
			break;
		default:
			drop(flow);
			return;
		}
	}
}

static struct served *find(const char *id)
{
	for (int i = 0; i < FLOWS; i++) {
		if (flows[i].reader && strcmp(flows[i].id, id) == 0)
			return &flows[i];
	}
	return NULL;
}

static void begin(const char *id)
{
	mxlFlowConfigInfo config;
	struct served *flow;
	uint32_t place = 0;
	int fd;

	while (place < FLOWS && flows[place].reader)
		place++;
	if (place == FLOWS)
		return;
	flow = &flows[place];
	memset(flow, 0, sizeof(*flow));
	memcpy(flow->id, id, sizeof(flow->id));
	if (mxlCreateFlowReader(instance, id, NULL, &flow->reader))
		return; /* gone already, or not for us */
	mxlFlowReaderGetConfigInfo(flow->reader, &config);
	flow->is_discrete = mxlIsDiscreteDataFormat((int)config.common.format);
	flow->step = flow->is_discrete ? 1 : config.common.maxCommitBatchSizeHint;
	if (mxlFlowReaderGetEventFd(flow->reader, &fd) || watch(fd, place) < 0) {
		drop(flow);
		return;
	}
	printf("%s: follow it\n", id);
	go_on_behind_head(flow);
	arm(flow);
}

static void handle_domain(void)
{
	mxlDomainEvent event;
	struct served *flow;

	while (mxlDomainEventsRead(domain_events, &event) == MXL_STATUS_OK) {
		flow = find(event.flowId);
		switch (event.type) {
		case MXL_DOMAIN_EVENT_FLOW_ADDED:
			if (!flow)
				begin(event.flowId);
			break;
		case MXL_DOMAIN_EVENT_FLOW_REMOVED:
			if (flow)
				drop(flow);
			break;
		case MXL_DOMAIN_EVENT_WRITER_CAME:
			printf("%s: has a writer\n", event.flowId);
			break;
		case MXL_DOMAIN_EVENT_WRITER_GONE:
			printf("%s: has no writer\n", event.flowId);
			break;
		}
	}
}

static void report(int timer)
{
	uint64_t ticks;

	if (read(timer, &ticks, sizeof(ticks)) < 0)
		return;
	for (int i = 0; i < FLOWS; i++) {
		if (flows[i].reader)
			printf("%s: at %llu, received %llu, missed %llu\n", flows[i].id,
			       (unsigned long long)flows[i].next,
			       (unsigned long long)flows[i].received,
			       (unsigned long long)flows[i].missed);
	}
	fflush(stdout);
}

static int open_timer(void)
{
	struct itimerspec second = { .it_interval.tv_sec = 1, .it_value.tv_sec = 1 };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	timerfd_settime(fd, 0, &second, NULL);
	return fd;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	int timer = open_timer();
	int signals = open_signals();
	int running = 1;
	int domain_fd;

	instance = mxlCreateInstance(argc > 1 ? argv[1] : "/dev/shm/mxl", NULL);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!instance || mxlCreateDomainEvents(instance, &domain_events) ||
	    mxlDomainEventsGetFd(domain_events, &domain_fd) || watch(domain_fd, FLOWS) < 0 ||
	    watch(timer, TIMER) < 0 || watch(signals, SIGNALS) < 0) {
		fprintf(stderr, "cannot watch: is the domain an existing directory?\n");
		return 1;
	}
	while (running) {
		int count = epoll_wait(epoll_fd, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			uint32_t place = events[i].data.u32;

			if (place < FLOWS && flows[place].reader)
				serve(&flows[place]);
			else if (place == FLOWS)
				handle_domain();
			else if (place == TIMER)
				report(timer);
			else if (place == SIGNALS)
				running = 0;
		}
	}
	mxlDestroyInstance(instance); /* and all that was made from it */
	close(epoll_fd);
	close(timer);
	close(signals);
	return 0;
}

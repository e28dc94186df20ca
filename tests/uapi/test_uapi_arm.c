// SPDX-License-Identifier: Apache-2.0
/* MXL_IOC_ARM with poll, epoll and select */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/wait.h>
#include "flow.h"

static struct flow flow;

static uint32_t arm(int fd, uint32_t events, uint64_t index, uint32_t slices)
{
	struct mxl_arm arg = make_arm(events, index, slices);

	must(ioctl(fd, MXL_IOC_ARM, &arg));
	check_eq(arg.events, events);
	return arg.fired;
}

static short polled(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLRDNORM | POLLPRI | POLLOUT };

	must(poll(&p, 1, 0));
	return p.revents;
}

#define READABLE (POLLIN | POLLRDNORM)

/* Polls until something is there, in a process */
struct poller {
	pid_t pid;
	int fd;
	short revents;
	bool returned;
};

static int poller_process(void *arg)
{
	struct poller *p = arg;
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };

	must(poll(&pfd, 1, -1));
	p->revents = pfd.revents;
	__atomic_store_n(&p->returned, true, __ATOMIC_RELEASE);
	return 0;
}

static struct poller *poller_start(int fd)
{
	struct poller *p = shared(sizeof(*p));

	p->fd = fd;
	p->pid = spawn(poller_process, p);
	eventually(is_in_state(p->pid, "S"));
	return p;
}

/* ---- data -------------------------------------------------------------------------------- */

static void is_readable_when_data_is_there(void)
{
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	check_eq(polled(fd), 0);
	check_eq(arm(fd, MXL_EVENT_DATA, 10, 4), 0);
	check_eq(get_state(fd).waiters, 1);
	check_eq(polled(fd), 0);
	publish(&w, 10, 3, 0);
	check_eq(commit(&w), 0);
	check_eq(polled(fd), 0);
	publish(&w, 10, 4, 0);
	check_eq(polled(fd), 0);
	check_eq(commit(&w), 1);
	check_eq(polled(fd), READABLE);
	check_eq(get_state(fd).events, MXL_EVENT_DATA);
	check_eq(get_state(fd).waiters, 0);
	check_eq(get_state(fd).wakes, 1);
}

static void stays_so_until_armed_again(void)
{
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	arm(fd, MXL_EVENT_DATA, 10, 1);
	publish(&w, 10, 8, 0);
	commit(&w);
	check_eq(polled(fd), READABLE);
	check_eq(polled(fd), READABLE);
	/* whatever comes meanwhile */
	publish(&w, 100, 8, 0);
	commit(&w);
	check_eq(polled(fd), READABLE);
	check_eq(arm(fd, MXL_EVENT_DATA, 101, 1), 0);
	check_eq(polled(fd), 0);
	check_eq(get_state(fd).events, 0);
}

static void is_readable_at_once(void)
{
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	publish(&w, 10, 4, 0);
	check_eq(arm(fd, MXL_EVENT_DATA, 10, 4), MXL_EVENT_DATA);
	check_eq(polled(fd), READABLE);
	check_eq(get_state(fd).waiters, 0);
	check_eq(arm(fd, MXL_EVENT_DATA, 10, 5), 0);
	check_eq(polled(fd), 0);
}

static void last_one_wins(void)
{
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	arm(fd, MXL_EVENT_DATA, 10, 1);
	arm(fd, MXL_EVENT_DATA, 20, 1);
	arm(fd, MXL_EVENT_DATA, 15, 1);
	check_eq(get_state(fd).waiters, 1);
	publish(&w, 10, 8, 0);
	check_eq(commit(&w), 0);
	check_eq(polled(fd), 0);
	publish(&w, 15, 8, 0);
	check_eq(commit(&w), 1);
	check_eq(polled(fd), READABLE);
}

static void nothing_disarms(void)
{
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	arm(fd, MXL_EVENT_DATA | MXL_EVENT_WRITER_GONE, 10, 1);
	check_eq(arm(fd, 0, 0, 0), 0);
	check_eq(get_state(fd).waiters, 0);
	publish(&w, 10, 8, 0);
	check_eq(commit(&w), 0);
	writer_close(&w);
	check_eq(polled(fd), 0);
}

static void never_to_come_is_told_as_well(void)
{
	struct writer w;
	int late, passed, old;

	flow_make(&flow, "flow", &discrete);
	late = attach(&flow);
	passed = attach(&flow);
	old = attach(&flow);
	writer_open(&w, &flow);
	arm(late, MXL_EVENT_DATA, 11, 8);
	arm(passed, MXL_EVENT_DATA, 99, 8);
	publish(&w, 99, 4, 0);
	publish(&w, 100, 1, 0);
	check_eq(commit(&w), 2);
	check_eq(polled(late), READABLE);
	check_eq(polled(passed), READABLE);
	check_eq(arm(old, MXL_EVENT_DATA, 50, 1), MXL_EVENT_DATA);
	arm(old, MXL_EVENT_DATA, 101, 1);
	check_eq(polled(old), 0);
	check_eq(new_generation(&w), 1);
	check_eq(polled(old), READABLE);
	check_eq(get_state(old).events, MXL_EVENT_DATA);
}

static void may_be_armed_before_there_is_a_writer(void)
{
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	check_eq(arm(fd, MXL_EVENT_DATA, 10, 1), 0);
	check_eq(polled(fd), 0);
	writer_open(&w, &flow);
	publish(&w, 9, 8, 0);
	commit(&w);
	writer_close(&w);
	/* no writer is no data, but no failure either */
	check_eq(polled(fd), 0);
	writer_open(&w, &flow);
	publish(&w, 10, 8, 0);
	check_eq(commit(&w), 1);
	check_eq(polled(fd), READABLE);
}

static void only_the_satisfied_are_woken(void)
{
	struct poller *p[4];
	struct writer w;
	int fds[4], i;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	for (i = 0; i < 4; i++) {
		fds[i] = attach(&flow);
		arm(fds[i], MXL_EVENT_DATA, 10, 2 * (uint32_t)(i + 1));
		p[i] = poller_start(fds[i]);
	}
	publish(&w, 10, 5, 0);
	check_eq(commit(&w), 2);
	reap_ok(p[0]->pid);
	reap_ok(p[1]->pid);
	check_eq(p[0]->revents, POLLIN);
	for (i = 2; i < 4; i++)
		check(!p[i]->returned && is_in_state(p[i]->pid, "S"));
	check_eq(polled(fds[2]), 0);
	publish(&w, 10, 8, 0);
	check_eq(commit(&w), 2);
	reap_ok(p[2]->pid);
	reap_ok(p[3]->pid);
}

static void data_of_samples(void)
{
	struct mxl_arm arg = make_arm(MXL_EVENT_DATA, 480, 1);
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &continuous);
	fd = attach(&flow);
	writer_open(&w, &flow);
	refused(fd, MXL_IOC_ARM, &arg, EINVAL);
	check_eq(arm(fd, MXL_EVENT_DATA, 480, 0), 0);
	publish_samples(&w, 479);
	check_eq(commit(&w), 0);
	publish_samples(&w, 480);
	check_eq(commit(&w), 1);
	check_eq(polled(fd), READABLE);
}

static void bad_counts_leave_what_was_armed(void)
{
	struct mxl_arm arg = make_arm(MXL_EVENT_DATA, 10, MXL_SLICES_ALL + 1);
	struct mxl_arm dead = make_arm(MXL_EVENT_DEAD, 10, 1);
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	arm(fd, MXL_EVENT_DATA, 10, 1);
	refused(fd, MXL_IOC_ARM, &arg, EINVAL);
	refused(fd, MXL_IOC_ARM, &dead, EOPNOTSUPP);
	publish(&w, 10, 1, 0);
	check_eq(commit(&w), 1);
	check_eq(polled(fd), READABLE);
}

/* ---- writer and generation --------------------------------------------------------------- */

static void writer_comes(void)
{
	struct mxl_arm arg = make_arm(MXL_EVENT_WRITER_CAME, 0, 0);
	int fd, other;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	other = attach(&flow);
	check_eq(arm(fd, MXL_EVENT_WRITER_CAME, 0, 0), 0);
	check_eq(polled(fd), 0);
	check_eq(get_state(fd).waiters, 0);
	lock(other);
	check_eq(polled(fd), READABLE);
	check_eq(get_state(fd).events, MXL_EVENT_WRITER_CAME);
	/* somebody is there already, whoever that is */
	check_eq(arm(fd, MXL_EVENT_WRITER_CAME, 0, 0), MXL_EVENT_WRITER_CAME);
	/* but nobody else than the one that is known */
	arg.epoch = 1;
	must(ioctl(fd, MXL_IOC_ARM, &arg));
	check_eq(arg.fired, 0);
	unlock(other);
	check_eq(polled(fd), 0);
	lock(other);
	check_eq(polled(fd), READABLE);
	/* a writer that came and went before the call was made */
	unlock(other);
	must(ioctl(fd, MXL_IOC_ARM, &arg));
	check_eq(arg.fired, 0);
}

static void writer_goes(void)
{
	struct mxl_arm arg = make_arm(MXL_EVENT_WRITER_GONE, 0, 0);
	int fd, other;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	other = attach(&flow);
	check_eq(arm(fd, MXL_EVENT_WRITER_GONE, 0, 0), MXL_EVENT_WRITER_GONE);
	lock(other);
	check_eq(arm(fd, MXL_EVENT_WRITER_GONE, 0, 0), 0);
	unlock(other);
	check_eq(polled(fd), READABLE);
	check_eq(get_state(fd).events, MXL_EVENT_WRITER_GONE);
	/* gone, and another is there already */
	lock(other);
	arg.epoch = 1;
	must(ioctl(fd, MXL_IOC_ARM, &arg));
	check_eq(arg.fired, MXL_EVENT_WRITER_GONE);
	arg.epoch = 2;
	must(ioctl(fd, MXL_IOC_ARM, &arg));
	check_eq(arg.fired, 0);
}

static int hold_lock(void *arg)
{
	struct writer w;

	(void)arg;
	writer_open(&w, &flow);
	return pause();
}

static void death_of_the_writer_wakes(void)
{
	struct poller *p;
	pid_t pid;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	pid = spawn(hold_lock, NULL);
	eventually(get_state(fd).flags & MXL_STATE_LOCKED);
	check_eq(arm(fd, MXL_EVENT_WRITER_GONE | MXL_EVENT_DATA, 10, 1), 0);
	p = poller_start(fd);
	kill_and_reap(pid);
	reap_ok(p->pid);
	check_eq(p->revents, POLLIN);
	check_eq(get_state(fd).events, MXL_EVENT_WRITER_GONE);
}

static void hand_over_is_gone_and_came(void)
{
	struct mxl_arm arg = make_arm(MXL_EVENT_WRITER_GONE | MXL_EVENT_WRITER_CAME, 0, 0);
	struct locker *l;
	int fd, a, b;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	a = attach(&flow);
	b = attach(&flow);
	lock(a);
	arg.epoch = 1;
	must(ioctl(fd, MXL_IOC_ARM, &arg));
	check_eq(arg.fired, 0);
	l = locker_start(b, LONG_NS);
	wait_for_lockers(fd, 1);
	unlock(a);
	check_eq(locker_result(l), 0);
	check_eq(polled(fd), READABLE);
	check_eq(get_state(fd).events, MXL_EVENT_WRITER_GONE | MXL_EVENT_WRITER_CAME);
	locker_leave(l);
}

static void generation_changes(void)
{
	struct mxl_arm arg = make_arm(MXL_EVENT_GENERATION, 0, 0);
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	check_eq(arm(fd, MXL_EVENT_GENERATION, 0, 0), 0);
	publish(&w, 5, 8, 0);
	commit(&w);
	check_eq(polled(fd), 0);
	new_generation(&w);
	check_eq(polled(fd), READABLE);
	check_eq(get_state(fd).events, MXL_EVENT_GENERATION);
	arg.generation = 1;
	must(ioctl(fd, MXL_IOC_ARM, &arg));
	check_eq(arg.fired, MXL_EVENT_GENERATION);
	arg.generation = 2;
	must(ioctl(fd, MXL_IOC_ARM, &arg));
	check_eq(arg.fired, 0);
}

static void events_add_up(void)
{
	const uint32_t all = MXL_EVENT_DATA | MXL_EVENT_WRITER_CAME | MXL_EVENT_WRITER_GONE |
			     MXL_EVENT_GENERATION;
	struct mxl_arm arg = make_arm(all, 10, 1);
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	arg.epoch = 1;
	must(ioctl(fd, MXL_IOC_ARM, &arg));
	check_eq(arg.fired, 0);
	publish(&w, 10, 1, 0);
	check_eq(commit(&w), 1);
	check_eq(get_state(fd).events, MXL_EVENT_DATA);
	new_generation(&w);
	check_eq(get_state(fd).events, MXL_EVENT_DATA | MXL_EVENT_GENERATION);
	writer_close(&w);
	check_eq(get_state(fd).events,
		 MXL_EVENT_DATA | MXL_EVENT_GENERATION | MXL_EVENT_WRITER_GONE);
	writer_open(&w, &flow);
	check_eq(get_state(fd).events, all);
	check_eq(polled(fd), READABLE);
}

/* ---- death ------------------------------------------------------------------------------- */

static void hangs_up_for_the_dead_only(void)
{
	struct poller *p;
	struct writer w;
	int armed, unarmed;

	flow_make(&flow, "flow", &discrete);
	armed = attach(&flow);
	unarmed = attach(&flow);
	writer_open(&w, &flow);
	arm(armed, MXL_EVENT_DATA, 10, 1);
	p = poller_start(unarmed);
	writer_close(&w);
	check_eq(polled(unarmed), 0);
	flow_delete(&flow);
	reap_ok(p->pid);
	check_eq(p->revents, POLLHUP);
	check_eq(polled(unarmed), POLLHUP);
	check_eq(polled(armed) & POLLHUP, POLLHUP);
	check_eq(get_state(armed).events & MXL_EVENT_DEAD, MXL_EVENT_DEAD);
	check_eq(get_state(unarmed).events, MXL_EVENT_DEAD);
	/* for ever, whatever is armed */
	check_eq(arm(unarmed, 0, 0, 0) & MXL_EVENT_DEAD, MXL_EVENT_DEAD);
	check_eq(polled(unarmed), POLLHUP);
	check_eq(arm(unarmed, MXL_EVENT_DATA, 10, 1) & MXL_EVENT_DEAD, MXL_EVENT_DEAD);
	check_eq(polled(unarmed) & POLLHUP, POLLHUP);
}

/* ---- epoll and select -------------------------------------------------------------------- */

static int add_to_epoll(int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };
	int ep = must(epoll_create1(EPOLL_CLOEXEC));

	must(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	return ep;
}

static uint32_t epolled(int ep)
{
	struct epoll_event ev;

	return must(epoll_wait(ep, &ev, 1, 0)) ? ev.events : 0;
}

static void level_triggered(void)
{
	struct writer w;
	int fd, ep;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	ep = add_to_epoll(fd, EPOLLIN);
	arm(fd, MXL_EVENT_DATA, 10, 1);
	check_eq(epolled(ep), 0);
	publish(&w, 10, 1, 0);
	commit(&w);
	check_eq(epolled(ep), EPOLLIN);
	check_eq(epolled(ep), EPOLLIN);
	arm(fd, MXL_EVENT_DATA, 11, 1);
	check_eq(epolled(ep), 0);
}

static void edge_triggered(void)
{
	struct writer w;
	int fd, ep, i;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	ep = add_to_epoll(fd, EPOLLIN | EPOLLET);
	for (i = 10; i < 13; i++) {
		arm(fd, MXL_EVENT_DATA, (uint64_t)i, 1);
		check_eq(epolled(ep), 0);
		publish(&w, (uint64_t)i, 1, 0);
		commit(&w);
		check_eq(epolled(ep), EPOLLIN);
		check_eq(epolled(ep), 0);
	}
	/* one that is true already is an edge as well, each time */
	check_eq(arm(fd, MXL_EVENT_DATA, 12, 1), MXL_EVENT_DATA);
	check_eq(epolled(ep), EPOLLIN);
	check_eq(epolled(ep), 0);
	check_eq(arm(fd, MXL_EVENT_DATA, 12, 1), MXL_EVENT_DATA);
	check_eq(epolled(ep), EPOLLIN);
	flow_delete(&flow);
	eventually(epolled(ep) & EPOLLHUP);
}

static void epoll_sleeps_and_is_woken(void)
{
	struct epoll_event ev = { 0 };
	struct writer w;
	pid_t pid;
	int fd, ep;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	arm(fd, MXL_EVENT_DATA, 10, 1);
	ep = add_to_epoll(fd, EPOLLIN | EPOLLONESHOT);
	pid = must(fork());
	if (!pid) {
		check_eq(epoll_wait(ep, &ev, 1, -1), 1);
		_exit(ev.events == EPOLLIN && ev.data.fd == fd ? 0 : 1);
	}
	eventually(is_in_state(pid, "S"));
	publish(&w, 10, 1, 0);
	check_eq(commit(&w), 1);
	reap_ok(pid);
}

static void many_flows_in_one_epoll(void)
{
	struct epoll_event ev[8];
	struct flow f[8];
	struct writer w[8];
	int fd[8], ep = must(epoll_create1(0)), i;
	char name[16];

	for (i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "flow%d", i);
		flow_make(&f[i], name, &discrete);
		fd[i] = attach(&f[i]);
		writer_open(&w[i], &f[i]);
		ev[0] = (struct epoll_event){ .events = EPOLLIN, .data.u32 = (uint32_t)i };
		must(epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], &ev[0]));
		arm(fd[i], MXL_EVENT_DATA, 10, 1);
	}
	publish(&w[5], 10, 1, 0);
	commit(&w[5]);
	check_eq(epoll_wait(ep, ev, 8, 0), 1);
	check_eq(ev[0].data.u32, 5);
	publish(&w[2], 10, 1, 0);
	commit(&w[2]);
	check_eq(epoll_wait(ep, ev, 8, 0), 2);
}

static void select_sees_it(void)
{
	struct timeval now = { 0, 0 };
	struct writer w;
	fd_set set;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	arm(fd, MXL_EVENT_DATA, 10, 1);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	check_eq(select(fd + 1, &set, NULL, NULL, &now), 0);
	publish(&w, 10, 1, 0);
	commit(&w);
	FD_SET(fd, &set);
	check_eq(select(fd + 1, &set, NULL, NULL, &now), 1);
	check(FD_ISSET(fd, &set));
}

static void closing_disarms(void)
{
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	arm(fd, MXL_EVENT_DATA, 10, 1);
	check_eq(get_state(w.fd).waiters, 1);
	must(close(fd));
	eventually(get_state(w.fd).waiters == 0);
	publish(&w, 10, 1, 0);
	check_eq(commit(&w), 0);
}

static const struct test tests[] = {
	TEST(is_readable_when_data_is_there),
	TEST(stays_so_until_armed_again),
	TEST(is_readable_at_once),
	TEST(last_one_wins),
	TEST(nothing_disarms),
	TEST(never_to_come_is_told_as_well),
	TEST(may_be_armed_before_there_is_a_writer),
	TEST(only_the_satisfied_are_woken),
	TEST(data_of_samples),
	TEST(bad_counts_leave_what_was_armed),
	TEST(writer_comes),
	TEST(writer_goes),
	TEST(death_of_the_writer_wakes),
	TEST(hand_over_is_gone_and_came),
	TEST(generation_changes),
	TEST(events_add_up),
	TEST(hangs_up_for_the_dead_only),
	TEST(level_triggered),
	TEST(edge_triggered),
	TEST(epoll_sleeps_and_is_woken),
	TEST(many_flows_in_one_epoll),
	TEST(select_sees_it),
	TEST(closing_disarms),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

// SPDX-License-Identifier: Apache-2.0
/*
 * The machine sleeps, with all its processors but one taken away and every process frozen where
 * it is: who waits goes on waiting when it wakes, and what was sealed is sealed.
 */
#include <string.h>
#include <sys/epoll.h>
#include "flow.h"

#define WAKE_ALARM "/sys/class/rtc/rtc0/wakealarm"
#define WAKEUP_COUNT "/sys/power/wakeup_count"

/* The alarm has to come when the machine sleeps, which takes some time to reach under emulation */
#define NAP "+8\n"

static struct flow flow;
static struct writer w;

static void needs_sleep(void)
{
	char modes[64];

	if (!read_text("/sys/power/mem_sleep", modes, sizeof(modes)) || !strstr(modes, "deep") ||
	    access(WAKE_ALARM, W_OK))
		skip("needs a machine that can sleep, and a clock that wakes it");
	check(write_text("/sys/power/mem_sleep", "deep"));
}

/* Returns when the machine is awake again */
static void nap(void)
{
	char count[32];

	write_text(WAKE_ALARM, "0\n");
	/* Should the alarm come too early, this makes the attempt fail rather than last for ever */
	check(read_text(WAKEUP_COUNT, count, sizeof(count)));
	check(write_text(WAKEUP_COUNT, count));
	check(write_text(WAKE_ALARM, NAP));
	check(write_text("/sys/power/state", "mem\n"));
}

static void waits_go_on_when_the_machine_wakes(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct mxl_arm arm = make_arm(MXL_EVENT_DATA, 5, 1);
	struct mxl_wait soon = make_wait(6, 1, 0);
	struct sleeper *endless, *timed, *late;
	struct locker *l;
	int fd, ep;

	needs_sleep();
	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	must(ioctl(fd, MXL_IOC_ARM, &arm));
	ep = must(epoll_create1(0));
	must(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	endless = sleeper_start(fd, make_wait(5, 1, MXL_TIMEOUT_NONE), 2);
	timed = sleeper_start(fd, make_wait(5, 1, LONG_NS), 3);
	l = locker_start(attach(&flow), MXL_TIMEOUT_NONE);
	wait_for_lockers(fd, 1);
	soon.timeout_ns = now_ns(CLOCK_TAI) + 3 * NSEC_PER_SEC;
	soon.flags = MXL_TIME_TAI;
	late = sleeper_start(fd, soon, 4);

	nap();

	/* The time of day went on, durations did not */
	check_eq(sleeper_result(late), ETIMEDOUT);
	check(!__atomic_load_n(&endless->returned, __ATOMIC_ACQUIRE));
	check(!__atomic_load_n(&timed->returned, __ATOMIC_ACQUIRE));
	check_eq(get_state(fd).waiters, 3);
	check_eq(get_state(fd).lockers, 1);
	check_eq(epoll_wait(ep, &ev, 1, 0), 0);
	must_fail(flow_open(&flow, DATA, O_RDWR), ETXTBSY);

	publish(&w, 5, 8, 0);
	check_eq(commit(&w), 3);
	check_eq(sleeper_result(endless), 0);
	check_eq(sleeper_result(timed), 0);
	check_eq(epoll_wait(ep, &ev, 1, 0), 1);
	eventually(!(get_state(fd).flags & MXL_STATE_OUTSIDERS));
	writer_unmap(&w);
	unlock(w.fd);
	check_eq(locker_result(l), 0);
	locker_leave(l);
}

static const struct test tests[] = {
	TEST(waits_go_on_when_the_machine_wakes),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

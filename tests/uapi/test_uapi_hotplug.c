// SPDX-License-Identifier: Apache-2.0
/*
 * Processors that are taken away: whoever slept on one is woken all the same, and nothing that was
 * to happen there later is forgotten.
 */
#include <sched.h>
#include "flow.h"

#define CPU1_ONLINE "/sys/devices/system/cpu/cpu1/online"

static struct flow flow;
static struct writer w;

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(sched_setaffinity(0, sizeof(set), &set));
}

static void unpin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CPU_SET(1, &set);
	must(sched_setaffinity(0, sizeof(set), &set));
}

/* Another test's failure can have left it away */
static void needs_second_processor(void)
{
	if (access(CPU1_ONLINE, W_OK))
		skip("needs a second processor that can be taken away");
	write_text(CPU1_ONLINE, "1");
	pin(0);
}

static void take_processor_away(void)
{
	check(write_text(CPU1_ONLINE, "0"));
}

static void give_processor_back(void)
{
	check(write_text(CPU1_ONLINE, "1"));
}

/* Started on the processor that goes */
static struct sleeper *sleeper_on_1(int fd, struct mxl_wait arg, uint32_t queued)
{
	struct sleeper *s;

	pin(1);
	s = sleeper_start(fd, arg, queued);
	pin(0);
	return s;
}

static void sleepers_of_a_processor_that_goes_are_woken(void)
{
	struct sleeper *s;
	int fd;

	needs_second_processor();
	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	s = sleeper_on_1(fd, make_wait(5, 1, MXL_TIMEOUT_NONE), 1);
	take_processor_away();
	check_eq(get_state(fd).waiters, 1);
	publish(&w, 5, 8, 0);
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(s), 0);
	give_processor_back();
}

static void timeouts_of_a_processor_that_goes_are_kept(void)
{
	struct sleeper *relative, *absolute;
	struct mxl_wait tai;
	uint64_t begin;
	int fd;

	needs_second_processor();
	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	begin = now_ns(CLOCK_MONOTONIC);
	relative = sleeper_on_1(fd, make_wait(5, 1, NSEC_PER_SEC), 0);
	tai = make_wait(5, 1, now_ns(CLOCK_TAI) + NSEC_PER_SEC);
	tai.flags = MXL_TIME_TAI;
	absolute = sleeper_on_1(fd, tai, 0);
	take_processor_away();
	check_eq(sleeper_result(relative), ETIMEDOUT);
	check_eq(sleeper_result(absolute), ETIMEDOUT);
	check(relative->at_ns - begin >= NSEC_PER_SEC);
	give_processor_back();
}

struct holder {
	bool holds;
	bool let_go;
};

static int hold_for_writing(void *arg)
{
	struct holder *h = arg;
	int fd = must(flow_open(&flow, 2, O_RDWR));

	__atomic_store_n(&h->holds, true, __ATOMIC_RELEASE);
	eventually(__atomic_load_n(&h->let_go, __ATOMIC_ACQUIRE));
	return close(fd);
}

/* What is looked at again later was to be on that processor */
static void later_work_of_a_processor_that_goes_is_done(void)
{
	struct holder *h = shared(sizeof(*h));
	struct locker *l;
	pid_t pid;
	int fd;

	needs_second_processor();
	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	pid = spawn(hold_for_writing, h);
	eventually(__atomic_load_n(&h->holds, __ATOMIC_ACQUIRE));
	pin(1);
	l = locker_start(fd, LONG_NS);
	wait_for_lockers(fd, 1);
	pin(0);
	take_processor_away();
	__atomic_store_n(&h->let_go, true, __ATOMIC_RELEASE);
	reap_ok(pid);
	check_eq(locker_result(l), 0);
	/* and so is the look for outsiders, of whom there is none */
	eventually(!(get_state(fd).flags & MXL_STATE_OUTSIDERS));
	locker_leave(l);
	give_processor_back();
}

struct churn {
	bool stop;
	uint64_t waits;
};

static int wait_again_and_again(void *arg)
{
	struct churn *c = arg;
	int fd = attach(&flow);

	unpin();
	while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE)) {
		struct mxl_wait wait_arg = make_wait(get_state(fd).head + 1, 1, NSEC_PER_SEC);

		if (ioctl(fd, MXL_IOC_WAIT, &wait_arg))
			check(errno == ERANGE || errno == ENODATA || errno == ETIMEDOUT);
		__atomic_add_fetch(&c->waits, 1, __ATOMIC_RELEASE);
	}
	return 0;
}

static void readers_go_on_while_processors_come_and_go(void)
{
	struct churn *c[4];
	pid_t pid[4];
	uint64_t index = 0, before;
	size_t i;
	int round;

	needs_second_processor();
	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		c[i] = shared(sizeof(*c[i]));
		pid[i] = spawn(wait_again_and_again, c[i]);
	}
	for (round = 0; round < 6; round++) {
		write_text(CPU1_ONLINE, round % 2 ? "1" : "0");
		for (i = 0; i < ARRAY_SIZE(c); i++) {
			before = __atomic_load_n(&c[i]->waits, __ATOMIC_ACQUIRE);
			while (__atomic_load_n(&c[i]->waits, __ATOMIC_ACQUIRE) < before + 3) {
				publish(&w, ++index, 8, 0);
				commit(&w);
				sched_yield();
			}
		}
	}
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		__atomic_store_n(&c[i]->stop, true, __ATOMIC_RELEASE);
		publish(&w, ++index, 8, 0);
		commit(&w);
		reap_ok(pid[i]);
	}
	give_processor_back();
}

static const struct test tests[] = {
	TEST(sleepers_of_a_processor_that_goes_are_woken),
	TEST(timeouts_of_a_processor_that_goes_are_kept),
	TEST(later_work_of_a_processor_that_goes_is_done),
	TEST(readers_go_on_while_processors_come_and_go),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

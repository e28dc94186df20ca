// SPDX-License-Identifier: Apache-2.0
/* MXL_IOC_WAIT: every way in which it ends, and who is woken by what */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "flow.h"

static struct flow flow;

/* Ends at once, or after its time, with @error; what it reports all the same */
static struct mxl_wait ends_at(int line, int fd, struct mxl_wait arg, int error)
{
	int ret = ioctl(fd, MXL_IOC_WAIT, &arg), err = ret ? errno : 0;

	if (err != error)
		fail_at(__FILE__, line, "%s, not %s", strerror(err), strerror(error));
	check_eq(arg.size, sizeof(arg));
	check_eq(arg.flags & ~MXL_TIME_TAI, 0);
	return arg;
}
#define ends(fd, arg, error) ends_at(__LINE__, fd, arg, error)

static void reported(const struct mxl_wait *arg, int fd, uint64_t head, uint32_t valid)
{
	struct mxl_state s = get_state(fd);

	check_eq(arg->head, head);
	check_eq(arg->valid_slices, valid);
	check_eq(arg->generation, s.generation);
	check_eq(arg->epoch, s.epoch);
}

/* ---- at once ----------------------------------------------------------------------------- */

static void finds_what_is_there(void)
{
	struct mxl_wait arg;
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	publish(&w, 100, 8, 0);
	publish(&w, 101, 8, 0);
	publish(&w, 102, 5, 0);
	arg = ends(fd, make_wait(100, MXL_SLICES_ALL, 0), 0);
	reported(&arg, fd, 102, 8);
	arg = ends(fd, make_wait(101, 8, 0), 0);
	reported(&arg, fd, 102, 8);
	arg = ends(fd, make_wait(102, 5, LONG_NS), 0);
	reported(&arg, fd, 102, 5);
	check(arg.timeout_ns <= LONG_NS && arg.timeout_ns > LONG_NS / 2);
	arg = ends(fd, make_wait(102, 0, MXL_TIMEOUT_NONE), 0);
	check_eq(arg.timeout_ns, MXL_TIMEOUT_NONE);
	check_eq(get_state(fd).waiters, 0);
}

static void whole_grain_is_what_it_has(void)
{
	struct writer w;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	publish(&w, 7, 8, 0);
	ends(w.fd, make_wait(7, 8, 0), 0);
	ends(w.fd, make_wait(7, 9, 0), 0);
	ends(w.fd, make_wait(7, MXL_SLICES_ALL - 1, 0), 0);
	ends(w.fd, make_wait(7, MXL_SLICES_ALL, 0), 0);
	publish(&w, 8, 7, 0);
	ends(w.fd, make_wait(8, 8, 0), ETIMEDOUT);
	ends(w.fd, make_wait(8, 9, 0), ETIMEDOUT);
	ends(w.fd, make_wait(8, MXL_SLICES_ALL, 0), ETIMEDOUT);
}

static void invalid_grain_is_complete(void)
{
	struct mxl_wait arg;
	struct writer w;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	publish(&w, 7, 2, MXL_LAYOUT_GRAIN_INVALID);
	arg = ends(w.fd, make_wait(7, MXL_SLICES_ALL, 0), 0);
	reported(&arg, w.fd, 7, 2);
	publish(&w, 8, 0, MXL_LAYOUT_GRAIN_INVALID);
	ends(w.fd, make_wait(8, 1, 0), 0);
}

static void fresh_flow_has_no_grain(void)
{
	struct mxl_wait arg;
	struct writer w;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	arg = ends(w.fd, make_wait(0, 0, 0), ETIMEDOUT);
	reported(&arg, w.fd, 0, 0);
	ends(w.fd, make_wait(0, 1, 0), ETIMEDOUT);
	publish(&w, 0, 1, 0);
	ends(w.fd, make_wait(0, 0, 0), 0);
	ends(w.fd, make_wait(0, 1, 0), 0);
	ends(w.fd, make_wait(0, 2, 0), ETIMEDOUT);
}

static void fresh_flow_can_have_an_invalid_grain(void)
{
	struct writer w;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	publish(&w, 0, 0, MXL_LAYOUT_GRAIN_INVALID);
	ends(w.fd, make_wait(0, MXL_SLICES_ALL, 0), 0);
}

static void samples_are_counted_by_the_head(void)
{
	struct mxl_wait arg;
	struct writer w;

	flow_make(&flow, "flow", &continuous);
	writer_open(&w, &flow);
	ends(w.fd, make_wait(1, 0, 0), ETIMEDOUT);
	publish_samples(&w, 10000);
	arg = ends(w.fd, make_wait(10000, 0, 0), 0);
	reported(&arg, w.fd, 10000, 0);
	ends(w.fd, make_wait(9000, 0, 0), 0);
	ends(w.fd, make_wait(10001, 0, 0), ETIMEDOUT);
	/* half of the ring can be read */
	ends(w.fd, make_wait(10000 - 2047, 0, 0), 0);
	ends(w.fd, make_wait(10000 - 2048, 0, 0), ERANGE);
	ends(w.fd, make_wait(0, 0, 0), ERANGE);
}

static void counts_of_slices_have_bounds(void)
{
	struct mxl_wait arg = make_wait(0, MXL_SLICES_ALL + 1, 0);
	struct flow other;
	int fd;

	flow_make(&flow, "flow", &discrete);
	flow_make(&other, "samples", &continuous);
	fd = attach(&flow);
	refused(fd, MXL_IOC_WAIT, &arg, EINVAL);
	arg.slices = UINT32_MAX;
	refused(fd, MXL_IOC_WAIT, &arg, EINVAL);
	/* samples have none */
	fd = attach(&other);
	arg.slices = 1;
	refused(fd, MXL_IOC_WAIT, &arg, EINVAL);
}

static void too_late_for_what_was_overwritten(void)
{
	struct mxl_wait arg;
	struct writer w;
	uint64_t i;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	for (i = 50; i < 60; i++)
		publish(&w, i, 8, 0);
	/* five slots, of which the oldest is the writer's */
	ends(w.fd, make_wait(56, 8, 0), 0);
	arg = ends(w.fd, make_wait(55, 8, 0), ERANGE);
	check_eq(arg.head, 59);
	ends(w.fd, make_wait(54, 8, LONG_NS), ERANGE);
	ends(w.fd, make_wait(0, 0, MXL_TIMEOUT_NONE), ERANGE);
	check_eq(get_state(w.fd).overruns, 3);
}

static void incomplete_grain_was_passed(void)
{
	struct mxl_wait arg;
	struct writer w;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	publish(&w, 20, 5, 0);
	publish(&w, 21, 1, 0);
	ends(w.fd, make_wait(20, 5, 0), 0);
	arg = ends(w.fd, make_wait(20, 6, LONG_NS), ENODATA);
	reported(&arg, w.fd, 21, 5);
	ends(w.fd, make_wait(20, MXL_SLICES_ALL, LONG_NS), ENODATA);
}

static void index_that_was_left_out_was_passed(void)
{
	struct writer w;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	publish(&w, 20, 8, 0);
	publish(&w, 22, 8, 0);
	/* its slot holds something older, or nothing */
	ends(w.fd, make_wait(21, 0, LONG_NS), ENODATA);
	publish(&w, 23, 8, 0);
	ends(w.fd, make_wait(21, 0, LONG_NS), ENODATA);
}

static void nobody_writes(void)
{
	struct mxl_wait arg;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	arg = ends(fd, make_wait(3, 1, MXL_TIMEOUT_NONE), EOWNERDEAD);
	reported(&arg, fd, 0, 0);
	ends(fd, make_wait(3, 1, LONG_NS), EOWNERDEAD);
	ends(fd, make_wait(3, 1, 0), EOWNERDEAD);
}

static void data_beats_no_writer(void)
{
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	publish(&w, 3, 4, 0);
	writer_close(&w);
	ends(fd, make_wait(3, 4, LONG_NS), 0);
	ends(fd, make_wait(3, 5, LONG_NS), EOWNERDEAD);
	flow_delete(&flow);
	eventually(get_state(fd).flags & MXL_STATE_DEAD);
	ends(fd, make_wait(3, 4, LONG_NS), 0);
	ends(fd, make_wait(3, 5, LONG_NS), ENODEV);
}

static void other_generation_beats_data(void)
{
	struct mxl_wait arg = make_wait(9, 8, LONG_NS);
	struct writer w;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	publish(&w, 9, 8, 0);
	arg.generation = 1;
	ends(w.fd, arg, 0);
	arg.generation = 2;
	arg = ends(w.fd, arg, ESTALE);
	check_eq(arg.generation, 1);
	check_eq(new_generation(&w), 0);
	arg.generation = 1;
	arg = ends(w.fd, arg, ESTALE);
	reported(&arg, w.fd, 9, 8);
	check_eq(arg.generation, 2);
	arg.generation = MXL_GENERATION_ANY;
	arg = ends(w.fd, arg, 0);
	check_eq(arg.generation, 2);
}

/* ---- by time ----------------------------------------------------------------------------- */

static void times_out(void)
{
	struct mxl_wait arg;
	struct writer w;
	uint64_t begin;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	publish(&w, 5, 3, 0);
	begin = now_ns(CLOCK_MONOTONIC);
	arg = ends(w.fd, make_wait(5, 4, SHORT_NS), ETIMEDOUT);
	check(now_ns(CLOCK_MONOTONIC) - begin >= SHORT_NS);
	check_eq(arg.timeout_ns, 0);
	reported(&arg, w.fd, 5, 3);
	ends(w.fd, make_wait(5, 4, 1), ETIMEDOUT);
	check_eq(get_state(w.fd).waiters, 0);
}

static void absolute_time_is_tai(void)
{
	struct mxl_wait arg = make_wait(5, 4, 0);
	struct writer w;
	uint64_t end;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	arg.flags = MXL_TIME_TAI;
	end = now_ns(CLOCK_TAI) + SHORT_NS;
	arg.timeout_ns = end;
	arg = ends(w.fd, arg, ETIMEDOUT);
	check(now_ns(CLOCK_TAI) >= end);
	/* not a remainder: it would end at the same time if it was made again */
	check_eq(arg.timeout_ns, end);
	arg = ends(w.fd, arg, ETIMEDOUT);
	arg.timeout_ns = 0;
	ends(w.fd, arg, ETIMEDOUT);
	arg.timeout_ns = 1;
	arg = ends(w.fd, arg, ETIMEDOUT);
	check_eq(arg.timeout_ns, 1);
}

static void far_away_is_not_the_past(void)
{
	static const uint64_t far[] = { (uint64_t)INT64_MAX - 1, INT64_MAX, (uint64_t)INT64_MAX + 1,
					UINT64_MAX - 1, UINT64_MAX };
	struct sleeper *s[2 * ARRAY_SIZE(far)];
	struct mxl_wait arg;
	struct writer w;
	size_t i;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	for (i = 0; i < ARRAY_SIZE(s); i++) {
		arg = make_wait(5, 4, far[i / 2]);
		arg.flags = i % 2 ? MXL_TIME_TAI : 0;
		s[i] = sleeper_start(fd, arg, (uint32_t)i + 1);
	}
	publish(&w, 5, 8, 0);
	check_eq(commit(&w), ARRAY_SIZE(s));
	for (i = 0; i < ARRAY_SIZE(s); i++)
		check_eq(sleeper_result(s[i]), 0);
}

static void writes_back_what_remains(void)
{
	struct sleeper *s;
	struct writer w;
	uint64_t begin, slept;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	begin = now_ns(CLOCK_MONOTONIC);
	s = sleeper_start(fd, make_wait(5, 1, LONG_NS), 1);
	publish(&w, 5, 1, 0);
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(s), 0);
	slept = now_ns(CLOCK_MONOTONIC) - begin;
	check(s->arg.timeout_ns < LONG_NS);
	check(s->arg.timeout_ns >= LONG_NS - slept);
}

static void looks_again_before_it_times_out(void)
{
	struct sleeper *s;
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	s = sleeper_start(fd, make_wait(5, 1, 40 * SHORT_NS), 0);
	eventually(get_state(fd).waiters == 1 || s->returned);
	/* published, and never signalled */
	publish(&w, 5, 1, 0);
	check_eq(sleeper_result(s), 0);
}

/* ---- by a commit ------------------------------------------------------------------------- */

static void wakes_who_is_satisfied(void)
{
	struct sleeper *s[9];
	struct writer w;
	int fd, i, n;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	/* not in the order in which they will be woken */
	for (i = 1, n = 0; n < 8; i = (i + 2) % 8 + 1, n++)
		s[i] = sleeper_start(fd, make_wait(5, (uint32_t)i, LONG_NS), (uint32_t)n + 1);
	publish(&w, 5, 3, 0);
	check_eq(commit(&w), 3);
	for (i = 1; i <= 3; i++) {
		check_eq(sleeper_result(s[i]), 0);
		check(s[i]->arg.valid_slices == 3);
	}
	check_eq(get_state(fd).waiters, 5);
	check_eq(commit(&w), 0);
	publish(&w, 5, 4, 0);
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(s[4]), 0);
	for (i = 5; i <= 8; i++)
		check(!s[i]->returned && is_in_state(s[i]->pid, "S"));
	publish(&w, 5, 8, 0);
	check_eq(commit(&w), 4);
	for (i = 5; i <= 8; i++)
		check_eq(sleeper_result(s[i]), 0);
	check_eq(get_state(fd).wakes, 8);
}

static void wakes_by_index_then_by_slices(void)
{
	static const struct {
		uint64_t index;
		uint32_t slices;
		int result;
	} waits[] = {
		/* passed when 12 is the head, with six slices */
		{ 10, 2, 0 },
		{ 10, 7, ENODATA },
		{ 10, MXL_SLICES_ALL, ENODATA },
		/* complete */
		{ 11, 1, 0 },
		{ 11, 8, 0 },
		/* the head */
		{ 12, 0, 0 },
		{ 12, 6, 0 },
		{ 12, 7, -1 },
		/* to come */
		{ 13, 0, -1 },
		{ 1000, 8, -1 },
	};
	struct sleeper *s[ARRAY_SIZE(waits)];
	uint32_t woken = 0;
	struct writer w;
	size_t i;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	for (i = ARRAY_SIZE(waits); i-- > 0;) {
		s[i] = sleeper_start(fd, make_wait(waits[i].index, waits[i].slices, LONG_NS),
				     (uint32_t)(ARRAY_SIZE(waits) - i));
		woken += waits[i].result >= 0;
	}
	publish(&w, 10, 6, 0);
	publish(&w, 11, 8, 0);
	publish(&w, 12, 6, 0);
	check_eq(commit(&w), woken);
	for (i = 0; i < ARRAY_SIZE(waits); i++) {
		if (waits[i].result >= 0)
			check_eq(sleeper_result(s[i]), waits[i].result);
		else
			check(!s[i]->returned);
	}
	check_eq(get_state(fd).waiters, ARRAY_SIZE(waits) - woken);
}

static void jump_ends_what_was_left_out(void)
{
	struct sleeper *late, *out, *hit, *later;
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	publish(&w, 10, 8, 0);
	late = sleeper_start(fd, make_wait(11, 8, LONG_NS), 1);
	out = sleeper_start(fd, make_wait(99, 8, LONG_NS), 2);
	hit = sleeper_start(fd, make_wait(100, 8, LONG_NS), 3);
	later = sleeper_start(fd, make_wait(101, 8, LONG_NS), 4);
	publish(&w, 100, 8, 0);
	check_eq(commit(&w), 3);
	check_eq(sleeper_result(late), ERANGE);
	check_eq(sleeper_result(out), ENODATA);
	check_eq(sleeper_result(hit), 0);
	check(!later->returned);
	check_eq(get_state(fd).overruns, 1);
}

static void invalid_grain_wakes_everybody_on_it(void)
{
	struct sleeper *one, *all;
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	one = sleeper_start(fd, make_wait(10, 4, LONG_NS), 1);
	all = sleeper_start(fd, make_wait(10, MXL_SLICES_ALL, LONG_NS), 2);
	publish(&w, 10, 2, 0);
	check_eq(commit(&w), 0);
	publish(&w, 10, 2, MXL_LAYOUT_GRAIN_INVALID);
	check_eq(commit(&w), 2);
	check_eq(sleeper_result(one), 0);
	check_eq(sleeper_result(all), 0);
}

static void samples_wake_in_order(void)
{
	struct sleeper *s[4];
	struct writer w;
	int fd, i;

	flow_make(&flow, "flow", &continuous);
	fd = attach(&flow);
	writer_open(&w, &flow);
	publish_samples(&w, 480);
	for (i = 3; i >= 0; i--)
		s[i] = sleeper_start(fd, make_wait(480 + 100 * (uint64_t)(i + 1), 0, LONG_NS),
				     (uint32_t)(4 - i));
	publish_samples(&w, 679);
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(s[0]), 0);
	check_eq(s[0]->arg.head, 679);
	publish_samples(&w, 780);
	check_eq(commit(&w), 2);
	check_eq(sleeper_result(s[1]), 0);
	check_eq(sleeper_result(s[2]), 0);
	/* so far that the place is overwritten */
	publish_samples(&w, 880 + 2048);
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(s[3]), ERANGE);
}

static void other_flows_sleep_on(void)
{
	struct sleeper *a, *b;
	struct writer v, w;
	struct flow other;
	int fd, of;

	flow_make(&flow, "flow", &discrete);
	flow_make(&other, "other", &discrete);
	fd = attach(&flow);
	of = attach(&other);
	writer_open(&v, &flow);
	writer_open(&w, &other);
	a = sleeper_start(fd, make_wait(5, 8, LONG_NS), 1);
	b = sleeper_start(of, make_wait(5, 8, LONG_NS), 1);
	publish(&v, 5, 8, 0);
	check_eq(commit(&v), 1);
	check_eq(sleeper_result(a), 0);
	check(!b->returned);
	check_eq(get_state(of).waiters, 1);
}

/* ---- by what happens to the flow --------------------------------------------------------- */

static void new_generation_ends_all(void)
{
	struct sleeper *a, *b, *c;
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	publish(&w, 100, 8, 0);
	a = sleeper_start(fd, make_wait(101, 1, LONG_NS), 1);
	b = sleeper_start(fd, make_wait(5000, 8, MXL_TIMEOUT_NONE), 2);
	c = sleeper_start(fd, make_wait(102, 1, LONG_NS), 3);
	/* it restarts at an index somebody seems to wait for */
	publish(&w, 102, 8, 0);
	check_eq(new_generation(&w), 3);
	check_eq(sleeper_result(a), ESTALE);
	check_eq(sleeper_result(b), ESTALE);
	check_eq(sleeper_result(c), ESTALE);
	check_eq(a->arg.generation, 2);
	check_eq(get_state(fd).generation, 2);
	/* and is the one to wait in from now on */
	a = sleeper_start(fd, make_wait(103, 1, LONG_NS), 1);
	publish(&w, 103, 8, 0);
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(a), 0);
}

static int write_some_and_wait(void *arg)
{
	struct writer w;

	writer_open(&w, &flow);
	publish(&w, 10, 8, 0);
	publish(&w, 11, 4, 0);
	__atomic_store_n((bool *)arg, true, __ATOMIC_RELEASE);
	/* then something that it does not live to signal */
	eventually(get_state(w.fd).waiters == 3);
	publish(&w, 12, 4, 0);
	__atomic_store_n((bool *)arg + 1, true, __ATOMIC_RELEASE);
	return pause();
}

static void death_of_the_writer_ends_all(void)
{
	struct sleeper *there, *part, *more;
	bool *ready = shared(2);
	pid_t pid;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	pid = spawn(write_some_and_wait, ready);
	eventually(__atomic_load_n(&ready[0], __ATOMIC_ACQUIRE));
	there = sleeper_start(fd, make_wait(12, 4, LONG_NS), 1);
	part = sleeper_start(fd, make_wait(12, 5, MXL_TIMEOUT_NONE), 2);
	more = sleeper_start(fd, make_wait(13, 0, LONG_NS), 0);
	eventually(__atomic_load_n(&ready[1], __ATOMIC_ACQUIRE));
	check_eq(get_state(fd).waiters, 3);
	kill_and_reap(pid);
	/* data that is there beats the news */
	check_eq(sleeper_result(there), 0);
	check_eq(sleeper_result(part), EOWNERDEAD);
	check_eq(part->arg.valid_slices, 4);
	check_eq(sleeper_result(more), EOWNERDEAD);
	check_eq(more->arg.head, 12);
}

static void hand_over_ends_none(void)
{
	struct sleeper *s;
	struct locker *l;
	struct writer w;
	int fd, next;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	next = attach(&flow);
	writer_open(&w, &flow);
	s = sleeper_start(fd, make_wait(10, 1, LONG_NS), 1);
	l = locker_start(next, LONG_NS);
	wait_for_lockers(fd, 1);
	writer_close(&w);
	check_eq(locker_result(l), 0);
	/* whoever waits for data gets it from the next writer */
	check(!s->returned);
	check_eq(get_state(fd).waiters, 1);
	locker_leave(l);
	check_eq(sleeper_result(s), EOWNERDEAD);
}

static void deletion_ends_all(void)
{
	struct sleeper *a, *b;
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	a = sleeper_start(fd, make_wait(10, 1, LONG_NS), 1);
	b = sleeper_start(fd, make_wait(11, 1, MXL_TIMEOUT_NONE), 2);
	publish(&w, 10, 1, 0);
	flow_delete(&flow);
	check_eq(sleeper_result(a), 0);
	check_eq(sleeper_result(b), ENODEV);
	check_eq(get_state(fd).flags & MXL_STATE_DEAD, MXL_STATE_DEAD);
	ends(fd, make_wait(11, 1, LONG_NS), ENODEV);
}

static void replacement_ends_all(void)
{
	char from[128], to[128];
	struct flow other;
	struct sleeper *s;
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	flow_make(&other, "other", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	s = sleeper_start(fd, make_wait(10, 1, LONG_NS), 1);
	flow_path(&other, DATA, from);
	flow_path(&flow, DATA, to);
	must(rename(from, to));
	check_eq(sleeper_result(s), ENODEV);
}

static void moving_the_flow_ends_none(void)
{
	struct sleeper *s;
	struct writer w;
	char to[128];
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	s = sleeper_start(fd, make_wait(10, 1, LONG_NS), 1);
	snprintf(to, sizeof(to), "%s/moved", test_dir());
	must(rename(flow.dir, to));
	publish(&w, 10, 1, 0);
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(s), 0);
	check(!(get_state(fd).flags & MXL_STATE_DEAD));
}

/* ---- signals ----------------------------------------------------------------------------- */

static void ignore(int sig)
{
	(void)sig;
}

/* Sleeps with a handler whose flags are where the result will be */
static int sleep_with_handler(void *arg)
{
	struct sleeper *s = arg;
	struct sigaction sa = { .sa_handler = ignore, .sa_flags = s->result };

	sigaction(SIGUSR1, &sa, NULL);
	__atomic_store_n(&s->at_ns, now_ns(CLOCK_MONOTONIC), __ATOMIC_RELEASE);
	s->result = ioctl(s->fd, MXL_IOC_WAIT, &s->arg) ? errno : 0;
	s->at_ns = now_ns(CLOCK_MONOTONIC);
	__atomic_store_n(&s->returned, true, __ATOMIC_RELEASE);
	return 0;
}

/* The handler is there; the call may be on its way, or over if its time was short */
static struct sleeper *start_signalled(int fd, struct mxl_wait arg, int sa_flags)
{
	struct sleeper *s = shared(sizeof(*s));

	s->fd = fd;
	s->arg = arg;
	s->result = sa_flags;
	s->pid = spawn(sleep_with_handler, s);
	eventually(__atomic_load_n(&s->at_ns, __ATOMIC_ACQUIRE));
	return s;
}

static struct sleeper *start_with_handler(int fd, struct mxl_wait arg, int sa_flags)
{
	struct sleeper *s = start_signalled(fd, arg, sa_flags);

	wait_for_waiters(fd, 1);
	eventually(is_in_state(s->pid, "S"));
	return s;
}

static void is_interrupted(void)
{
	struct sleeper *s;
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	s = start_with_handler(fd, make_wait(10, 1, LONG_NS), 0);
	must(kill(s->pid, SIGUSR1));
	check_eq(sleeper_result(s), EINTR);
	check(s->arg.timeout_ns < LONG_NS && s->arg.timeout_ns > 0);
	check_eq(s->arg.generation, 1);
	check_eq(s->arg.index, 10);
	check_eq(get_state(fd).waiters, 0);
}

static void is_restarted(void)
{
	struct sleeper *s;
	struct writer w;
	int fd, i;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	s = start_with_handler(fd, make_wait(10, 1, LONG_NS), SA_RESTART);
	for (i = 0; i < 5; i++) {
		must(kill(s->pid, SIGUSR1));
		wait_for_waiters(fd, 1);
		eventually(is_in_state(s->pid, "S"));
	}
	check(!s->returned);
	wait_for_waiters(fd, 1);
	publish(&w, 10, 1, 0);
	eventually(commit(&w) == 1 || s->returned);
	check_eq(sleeper_result(s), 0);
	check(s->arg.timeout_ns < LONG_NS);
}

static void restarts_do_not_prolong_it(void)
{
	struct timespec pause_ts = { 0, SHORT_NS };
	struct sleeper *s;
	struct writer w;
	uint64_t begin;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	begin = now_ns(CLOCK_MONOTONIC);
	s = start_signalled(fd, make_wait(10, 1, 10 * SHORT_NS), SA_RESTART);
	/* more often than it could ever end if each began anew */
	while (!__atomic_load_n(&s->returned, __ATOMIC_ACQUIRE)) {
		if (now_ns(CLOCK_MONOTONIC) - begin > LONG_NS / 2)
			fail("it never ended");
		kill(s->pid, SIGUSR1);
		nanosleep(&pause_ts, NULL);
	}
	check_eq(sleeper_result(s), ETIMEDOUT);
	check(s->at_ns - begin >= 10 * SHORT_NS);
}

static void restarted_in_another_generation(void)
{
	struct sleeper *s;
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	s = sleeper_start(fd, make_wait(10, 1, LONG_NS), 1);
	must(kill(s->pid, SIGSTOP));
	eventually(is_in_state(s->pid, "T"));
	/* a stopped process is out of the queue, and comes back with SIGCONT */
	wait_for_waiters(fd, 0);
	publish(&w, 10, 8, 0);
	check_eq(new_generation(&w), 0);
	must(kill(s->pid, SIGCONT));
	check_eq(sleeper_result(s), ESTALE);
}

static void goes_on_after_a_stop(void)
{
	struct sleeper *s;
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	s = sleeper_start(fd, make_wait(10, 1, LONG_NS), 1);
	must(kill(s->pid, SIGSTOP));
	eventually(is_in_state(s->pid, "T"));
	must(kill(s->pid, SIGCONT));
	wait_for_waiters(fd, 1);
	eventually(is_in_state(s->pid, "S"));
	publish(&w, 10, 8, 0);
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(s), 0);
}

static void killed_ones_leave_the_queue(void)
{
	struct sleeper *s[3];
	struct writer w;
	int fd, i;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	for (i = 0; i < 3; i++)
		s[i] = sleeper_start(fd, make_wait(10, 1 + (uint32_t)i, MXL_TIMEOUT_NONE),
				     (uint32_t)i + 1);
	kill_and_reap(s[1]->pid);
	check_eq(get_state(fd).waiters, 2);
	publish(&w, 10, 8, 0);
	check_eq(commit(&w), 2);
	check_eq(sleeper_result(s[0]), 0);
	check_eq(sleeper_result(s[2]), 0);
}

static void descriptor_may_be_closed_meanwhile(void)
{
	struct sleeper *s;
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	s = sleeper_start(fd, make_wait(10, 1, LONG_NS), 1);
	must(close(fd));
	publish(&w, 10, 8, 0);
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(s), 0);
	eventually(get_state(w.fd).attachments == 1);
}

static const struct test tests[] = {
	TEST(finds_what_is_there),
	TEST(whole_grain_is_what_it_has),
	TEST(invalid_grain_is_complete),
	TEST(fresh_flow_has_no_grain),
	TEST(fresh_flow_can_have_an_invalid_grain),
	TEST(samples_are_counted_by_the_head),
	TEST(counts_of_slices_have_bounds),
	TEST(too_late_for_what_was_overwritten),
	TEST(incomplete_grain_was_passed),
	TEST(index_that_was_left_out_was_passed),
	TEST(nobody_writes),
	TEST(data_beats_no_writer),
	TEST(other_generation_beats_data),
	TEST(times_out),
	TEST(absolute_time_is_tai),
	TEST(far_away_is_not_the_past),
	TEST(writes_back_what_remains),
	TEST(looks_again_before_it_times_out),
	TEST(wakes_who_is_satisfied),
	TEST(wakes_by_index_then_by_slices),
	TEST(jump_ends_what_was_left_out),
	TEST(invalid_grain_wakes_everybody_on_it),
	TEST(samples_wake_in_order),
	TEST(other_flows_sleep_on),
	TEST(new_generation_ends_all),
	TEST(death_of_the_writer_ends_all),
	TEST(hand_over_ends_none),
	TEST(deletion_ends_all),
	TEST(replacement_ends_all),
	TEST(moving_the_flow_ends_none),
	TEST(is_interrupted),
	TEST(is_restarted),
	TEST(restarts_do_not_prolong_it),
	TEST(restarted_in_another_generation),
	TEST(goes_on_after_a_stop),
	TEST(killed_ones_leave_the_queue),
	TEST(descriptor_may_be_closed_meanwhile),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

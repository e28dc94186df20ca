// SPDX-License-Identifier: Apache-2.0
/* MXL_IOC_COMMIT, and the word on the control page that says when it is owed */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include "flow.h"

static struct flow flow;

/* The word, as a writer reads it */
static uint64_t wake_word(const struct writer *w)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&w->control->wake, __ATOMIC_RELAXED);
}

static uint64_t position(uint64_t index, uint32_t slices)
{
	return mxl_wake_position(MXL_KIND_DISCRETE, index, slices);
}

/* ---- who may ----------------------------------------------------------------------------- */

static void is_the_holders(void)
{
	struct mxl_commit arg = make_commit(0);
	struct mxl_commit again = make_commit(MXL_COMMIT_NEW_GENERATION);
	int a, b;

	flow_make(&flow, "flow", &discrete);
	a = attach(&flow);
	b = attach(&flow);
	refused(a, MXL_IOC_COMMIT, &arg, EPERM);
	lock(b);
	refused(a, MXL_IOC_COMMIT, &arg, EPERM);
	refused(a, MXL_IOC_COMMIT, &again, EPERM);
	unlock(b);
	refused(b, MXL_IOC_COMMIT, &arg, EPERM);
}

static void is_not_for_dead_flows(void)
{
	struct mxl_commit arg = make_commit(0);
	struct writer w;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	flow_delete(&flow);
	eventually(get_state(w.fd).flags & MXL_STATE_DEAD);
	refused(w.fd, MXL_IOC_COMMIT, &arg, ENODEV);
	arg = make_commit(MXL_COMMIT_NEW_GENERATION);
	refused(w.fd, MXL_IOC_COMMIT, &arg, ENODEV);
}

static void tells_generation_and_count(void)
{
	struct mxl_commit arg = make_commit(0);
	struct writer w;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	must(ioctl(w.fd, MXL_IOC_COMMIT, &arg));
	check_eq(arg.woken, 0);
	check_eq(arg.generation, 1);
	check_eq(arg.pad, 0);
	arg = make_commit(MXL_COMMIT_NEW_GENERATION);
	must(ioctl(w.fd, MXL_IOC_COMMIT, &arg));
	check_eq(arg.woken, 0);
	check_eq(arg.generation, 2);
	check_eq(w.control->generation, 2);
	check_eq(get_state(w.fd).generation, 2);
	check_eq(get_state(w.fd).commit_calls, 2);
}

static void generations_outlive_their_writer(void)
{
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	new_generation(&w);
	new_generation(&w);
	writer_close(&w);
	writer_open(&w, &flow);
	check_eq(get_state(fd).generation, 3);
	check_eq(get_state(fd).epoch, 2);
}

/* ---- the word ---------------------------------------------------------------------------- */

static void word_is_the_lowest_that_waits(void)
{
	struct sleeper *s[4];
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	check_eq(wake_word(&w), MXL_WAKE_NONE);
	s[0] = sleeper_start(fd, make_wait(100, 5, LONG_NS), 1);
	check_eq(wake_word(&w), position(100, 5));
	s[1] = sleeper_start(fd, make_wait(101, 1, LONG_NS), 2);
	check_eq(wake_word(&w), position(100, 5));
	s[2] = sleeper_start(fd, make_wait(100, 2, LONG_NS), 3);
	check_eq(wake_word(&w), position(100, 2));
	/* the whole grain is at the number of its slices */
	s[3] = sleeper_start(fd, make_wait(99, MXL_SLICES_ALL, LONG_NS), 4);
	check_eq(wake_word(&w), position(99, 8));
	kill_and_reap(s[3]->pid);
	eventually(wake_word(&w) == position(100, 2));
	kill_and_reap(s[2]->pid);
	eventually(wake_word(&w) == position(100, 5));
	kill_and_reap(s[1]->pid);
	check_eq(wake_word(&w), position(100, 5));
	kill_and_reap(s[0]->pid);
	eventually(wake_word(&w) == MXL_WAKE_NONE);
}

static void word_follows_commits(void)
{
	struct sleeper *s[3];
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	s[0] = sleeper_start(fd, make_wait(10, 2, LONG_NS), 1);
	s[1] = sleeper_start(fd, make_wait(10, 6, LONG_NS), 2);
	s[2] = sleeper_start(fd, make_wait(12, 1, LONG_NS), 3);
	publish(&w, 10, 4, 0);
	check_eq(commit(&w), 1);
	check_eq(wake_word(&w), position(10, 6));
	publish(&w, 10, 8, 0);
	check_eq(commit(&w), 1);
	check_eq(wake_word(&w), position(12, 1));
	publish(&w, 13, 8, 0);
	check_eq(commit(&w), 1);
	check_eq(wake_word(&w), MXL_WAKE_NONE);
	check_eq(sleeper_result(s[0]), 0);
	check_eq(sleeper_result(s[1]), 0);
	check_eq(sleeper_result(s[2]), ENODATA);
}

static void below_the_word_nobody_is_owed_a_call(void)
{
	struct sleeper *s;
	struct writer w;
	uint32_t slices;
	uint64_t index;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	s = sleeper_start(fd, make_wait(20, 5, LONG_NS), 1);
	for (index = 15; index <= 20; index++) {
		for (slices = 1; slices <= 8; slices++) {
			publish(&w, index, slices, 0);
			if (wake_word(&w) <= position(index, slices)) {
				check_eq(index, 20);
				check_eq(slices, 5);
				check_eq(commit(&w), 1);
				check_eq(sleeper_result(s), 0);
				check_eq(get_state(fd).commit_calls, 1);
				return;
			}
			/* nothing is lost by not calling: a call would wake nobody */
			check_eq(get_state(fd).waiters, 1);
		}
	}
	fail("the word was never reached");
}

static void word_of_samples_is_the_index(void)
{
	struct sleeper *s;
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &continuous);
	fd = attach(&flow);
	writer_open(&w, &flow);
	s = sleeper_start(fd, make_wait(1ULL << 60, 0, LONG_NS), 1);
	check_eq(wake_word(&w), 1ULL << 60);
	publish_samples(&w, (1ULL << 60) - 1);
	check(wake_word(&w) > w.hdr->head_index);
	publish_samples(&w, 1ULL << 60);
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(s), 0);
}

static void word_of_what_cannot_be_packed_says_call(void)
{
	struct sleeper *narrow, *wide;
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	narrow = sleeper_start(fd, make_wait(1000, 1, LONG_NS), 1);
	wide = sleeper_start(fd, make_wait((1ULL << 48) + 5, 3, LONG_NS), 2);
	check_eq(wake_word(&w), 0);
	publish(&w, 1000, 1, 0);
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(narrow), 0);
	check_eq(wake_word(&w), 0);
	publish(&w, (1ULL << 48) + 5, 2, 0);
	check_eq(commit(&w), 0);
	check_eq(wake_word(&w), 0);
	publish(&w, (1ULL << 48) + 5, 3, 0);
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(wide), 0);
	check_eq(wake_word(&w), MXL_WAKE_NONE);
	/* what is published there is always at or beyond the word */
	check(position(1ULL << 48, 0) >= position((1ULL << 48) - 1, MXL_SLICES_ALL));
}

static void word_of_the_last_sample_says_call(void)
{
	struct sleeper *s;
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &continuous);
	fd = attach(&flow);
	writer_open(&w, &flow);
	s = sleeper_start(fd, make_wait(UINT64_MAX, 0, LONG_NS), 1);
	check_eq(wake_word(&w), 0);
	publish_samples(&w, UINT64_MAX);
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(s), 0);
	check_eq(wake_word(&w), MXL_WAKE_NONE);
}

static void word_knows_armed_descriptors(void)
{
	struct mxl_arm arg = make_arm(MXL_EVENT_DATA, 50, 3);
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	must(ioctl(fd, MXL_IOC_ARM, &arg));
	check_eq(wake_word(&w), position(50, 3));
	arg = make_arm(MXL_EVENT_DATA, 51, 0);
	must(ioctl(fd, MXL_IOC_ARM, &arg));
	check_eq(wake_word(&w), position(51, 0));
	/* events other than data are told without the writer's help */
	arg = make_arm(MXL_EVENT_WRITER_GONE | MXL_EVENT_GENERATION, 0, 0);
	must(ioctl(fd, MXL_IOC_ARM, &arg));
	check_eq(wake_word(&w), MXL_WAKE_NONE);
	arg = make_arm(MXL_EVENT_DATA, 52, 8);
	must(ioctl(fd, MXL_IOC_ARM, &arg));
	must(close(fd));
	eventually(wake_word(&w) == MXL_WAKE_NONE);
}

static void word_is_none_after_a_time_out(void)
{
	struct writer w;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	must_fail(wait_index(w.fd, 3, 1, SHORT_NS), ETIMEDOUT);
	check_eq(wake_word(&w), MXL_WAKE_NONE);
	must_fail(wait_index(w.fd, 3, 1, 0), ETIMEDOUT);
	check_eq(wake_word(&w), MXL_WAKE_NONE);
}

/* ---- counters ---------------------------------------------------------------------------- */

static void counts_commits_calls_and_wakes(void)
{
	struct sleeper *s;
	struct mxl_state st;
	struct writer w;
	uint64_t i;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	for (i = 1; i <= 100; i++)
		publish(&w, i, 8, 0);
	st = get_state(fd);
	check_eq(st.commits, 100);
	check_eq(st.commit_calls, 0);
	check_eq(st.wakes, 0);
	s = sleeper_start(fd, make_wait(101, 1, LONG_NS), 1);
	publish(&w, 101, 8, 0);
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(s), 0);
	st = get_state(fd);
	check_eq(st.commits, 101);
	check_eq(st.commit_calls, 1);
	check_eq(st.wakes, 1);
	/* the counter of the file wraps, the count does not */
	w.hdr->sync_counter = UINT32_MAX - 1;
	get_state(fd);
	i = get_state(fd).commits;
	publish(&w, 102, 8, 0);
	publish(&w, 103, 8, 0);
	publish(&w, 104, 8, 0);
	check_eq(get_state(fd).commits, i + 3);
}

/* ---- no wake-up is lost ------------------------------------------------------------------ */

#define ROUNDS 3000

struct race {
	int fd;
	uint64_t done;
};

static int follow(void *arg)
{
	struct race *r = arg;
	uint64_t i;

	for (i = 1; i <= ROUNDS; i++) {
		must(wait_index(r->fd, i, 4, LONG_NS));
		__atomic_store_n(&r->done, i, __ATOMIC_RELEASE);
	}
	return 0;
}

/* Lets the readers run; false when they have had their time */
static bool catch_up(uint64_t *since)
{
	if (!*since)
		*since = now_ns(CLOCK_MONOTONIC);
	sched_yield();
	return now_ns(CLOCK_MONOTONIC) - *since < LONG_NS / 2;
}

/* Readers that wait and a writer that calls only if the word says so, in lock step */
static void no_wake_is_lost(void)
{
	struct race *r[3];
	struct writer w;
	pid_t pids[3];
	uint64_t i;
	size_t k;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	for (k = 0; k < ARRAY_SIZE(r); k++) {
		r[k] = shared(sizeof(*r[k]));
		r[k]->fd = attach(&flow);
		pids[k] = spawn(follow, r[k]);
	}
	for (i = 1; i <= ROUNDS; i++) {
		uint64_t since = 0;

		publish(&w, i, 2, 0);
		if (wake_word(&w) <= position(i, 2))
			commit(&w);
		publish(&w, i, 8, 0);
		if (wake_word(&w) <= position(i, 8))
			commit(&w);
		for (k = 0; k < ARRAY_SIZE(r); k++)
			while (__atomic_load_n(&r[k]->done, __ATOMIC_ACQUIRE) < i)
				if (!catch_up(&since))
					fail("reader %zu did not see %llu", k,
					     (unsigned long long)i);
	}
	for (k = 0; k < ARRAY_SIZE(r); k++)
		reap_ok(pids[k]);
	printf("# %llu commits, %llu calls\n", (unsigned long long)get_state(w.fd).commits,
	       (unsigned long long)get_state(w.fd).commit_calls);
	check(get_state(w.fd).commit_calls <= 2 * ROUNDS);
}

static const struct test tests[] = {
	TEST(is_the_holders),
	TEST(is_not_for_dead_flows),
	TEST(tells_generation_and_count),
	TEST(generations_outlive_their_writer),
	TEST(word_is_the_lowest_that_waits),
	TEST(word_follows_commits),
	TEST(below_the_word_nobody_is_owed_a_call),
	TEST(word_of_samples_is_the_index),
	TEST(word_of_what_cannot_be_packed_says_call),
	TEST(word_of_the_last_sample_says_call),
	TEST(word_knows_armed_descriptors),
	TEST(word_is_none_after_a_time_out),
	TEST(counts_commits_calls_and_wakes),
	TEST(no_wake_is_lost),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

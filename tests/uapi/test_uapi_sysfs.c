// SPDX-License-Identifier: Apache-2.0
/* A directory for each flow, and tracepoints */
#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include "sysfs.h"

static struct flow flow;

static const char *const attrs[] = {
	"kind",	      "rate",	       "payloads",   "payload_size",  "total_slices",
	"channels",   "buffer_length", "word_size",  "head",	      "latency_ns",
	"generation", "epoch",	       "writer_pid", "attachments",   "waiters",
	"lockers",    "outsiders",     "dead",	     "last_write_ns", "last_read_ns",
	"commits",    "commit_calls",  "wakes",	     "wakes_avoided", "overruns",
};

static bool is_shown(const char *dir)
{
	return access(dir, F_OK) == 0;
}

static void check_text(const char *name, const char *expected)
{
	char text[256];

	flow_attr(&flow, name, text);
	if (strcmp(text, expected))
		fail("%s is '%s', not '%s'", name, text, expected);
}

static void comes_and_goes_with_the_flow(void)
{
	char dir[128];
	int a, b;

	flow_make(&flow, "flow", &discrete);
	flow_sysfs(&flow, dir);
	check(!is_shown(dir));
	a = attach(&flow);
	check(is_shown(dir));
	b = attach(&flow);
	must(close(a));
	eventually(get_state(b).attachments == 1);
	check(is_shown(dir));
	must(close(b));
	eventually(!is_shown(dir));
	/* and comes again */
	a = attach(&flow);
	check(is_shown(dir));
}

static void shows_grains(void)
{
	flow_make(&flow, "flow", &discrete);
	attach(&flow);
	check_text("kind", "discrete");
	check_text("rate", "50/1");
	check_text("payloads", "5");
	check_text("payload_size", "16384");
	check_text("total_slices", "8");
	check_text("channels", "0");
	check_text("buffer_length", "0");
	check_text("word_size", "0");
}

static void shows_samples(void)
{
	flow_make(&flow, "flow", &continuous);
	attach(&flow);
	check_text("kind", "continuous");
	check_text("rate", "48000/1");
	check_text("payloads", "1");
	check_text("payload_size", "32768");
	check_text("total_slices", "0");
	check_text("channels", "2");
	check_text("buffer_length", "4096");
	check_text("word_size", "4");
}

static void says_what_state_says(void)
{
	struct mxl_activity *activity;
	struct sleeper *s;
	struct mxl_state st;
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	publish(&w, 10, 8, 0);
	publish(&w, 11, 8, 0);
	commit(&w);
	new_generation(&w);
	activity = must(map_region(fd, MXL_OFFSET_ACTIVITY, 4096, PROT_READ | PROT_WRITE));
	activity->last_read_ns = 4711;
	s = sleeper_start(fd, make_wait(12, 1, LONG_NS), 1);
	must_fail(wait_index(fd, 1, 1, 0), ERANGE);
	st = get_state(fd);
	check_eq(flow_number(&flow, "head"), 11);
	check_eq(flow_number(&flow, "generation"), st.generation);
	check_eq(flow_number(&flow, "epoch"), st.epoch);
	check_eq(flow_number(&flow, "writer_pid"), getpid());
	check_eq(flow_number(&flow, "attachments"), 2);
	check_eq(flow_number(&flow, "waiters"), 1);
	check_eq(flow_number(&flow, "lockers"), 0);
	check_eq(flow_number(&flow, "dead"), 0);
	check_eq(flow_number(&flow, "last_write_ns"), st.last_write_ns);
	check_eq(flow_number(&flow, "last_read_ns"), 4711);
	check_eq(flow_number(&flow, "commits"), 2);
	check_eq(flow_number(&flow, "commit_calls"), 2);
	check_eq(flow_number(&flow, "wakes"), 0);
	check_eq(flow_number(&flow, "wakes_avoided"), 0);
	check_eq(flow_number(&flow, "overruns"), st.overruns);
	publish(&w, 12, 1, 0);
	commit(&w);
	check_eq(sleeper_result(s), 0);
	check_eq(flow_number(&flow, "wakes"), 1);
	check_eq(flow_number(&flow, "waiters"), 0);
	publish(&w, 13, 8, 0);
	publish(&w, 14, 8, 0);
	check_eq(flow_number(&flow, "commits"), 5);
	check_eq(flow_number(&flow, "wakes_avoided"), 2);
	eventually(flow_number(&flow, "outsiders") == 0);
}

static void latency_is_against_tai(void)
{
	long long latency;
	struct writer w;
	uint64_t now;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	now = now_ns(CLOCK_TAI);
	publish(&w, mxl_index_from_time(now, 50, 1), 8, 0);
	latency = flow_number(&flow, "latency_ns");
	/* within half a grain of the time of publication, and what it took to look */
	check(latency >= -(long long)(NSEC_PER_SEC / 100));
	check(latency <= (long long)(NSEC_PER_SEC / 100 + (now_ns(CLOCK_TAI) - now)));
	publish(&w, mxl_index_from_time(now + 10 * NSEC_PER_SEC, 50, 1), 8, 0);
	check(flow_number(&flow, "latency_ns") < 0);
}

static int read_all_as_user(void *arg)
{
	char path[192], text[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		snprintf(path, sizeof(path), "%s/%s", (char *)arg, attrs[i]);
		check(read_text(path, text, sizeof(text)));
		must_fail(open(path, O_WRONLY), EACCES);
	}
	return 0;
}

static void is_everybodys_to_read(void)
{
	char dir[128];

	flow_make(&flow, "flow", &discrete);
	attach(&flow);
	flow_sysfs(&flow, dir);
	check_eq(as_user(SOME_UID, read_all_as_user, dir), 0);
}

static void has_nothing_else(void)
{
	struct dirent *entry;
	char path[128];
	size_t n = 0, i;
	DIR *dir;

	flow_make(&flow, "flow", &discrete);
	attach(&flow);
	flow_sysfs(&flow, path);
	dir = opendir(path);
	check(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		for (i = 0; i < ARRAY_SIZE(attrs); i++)
			if (!strcmp(attrs[i], entry->d_name))
				break;
		if (i == ARRAY_SIZE(attrs))
			fail("%s is not documented here", entry->d_name);
		n++;
	}
	closedir(dir);
	check_eq(n, ARRAY_SIZE(attrs));
}

static void is_gone_for_those_who_hold_it_open(void)
{
	char dir[128], path[192], text[64];
	int fd, attr;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	flow_sysfs(&flow, dir);
	snprintf(path, sizeof(path), "%s/head", dir);
	attr = must(open(path, O_RDONLY));
	check_eq(pread(attr, text, sizeof(text), 0), 2);
	must(close(fd));
	eventually(!is_shown(dir));
	must_fail(pread(attr, text, sizeof(text), 0), ENODEV);
}

static void dead_flow_says_so(void)
{
	char dir[128], path[192], text[64];
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	flow_sysfs(&flow, dir);
	flow_delete(&flow);
	eventually(get_state(fd).flags & MXL_STATE_DEAD);
	snprintf(path, sizeof(path), "%s/dead", dir);
	check(read_text(path, text, sizeof(text)));
	check(!strcmp(text, "1\n"));
}

struct churn {
	bool stop;
};

static int attach_and_detach(void *arg)
{
	struct churn *c = arg;

	while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE))
		must(close(attach(&flow)));
	return 0;
}

static void can_be_read_while_it_comes_and_goes(void)
{
	struct churn *c = shared(sizeof(*c));
	char dir[128], path[192], text[256];
	uint64_t end = now_ns(CLOCK_MONOTONIC) + NSEC_PER_SEC;
	unsigned int found = 0, i = 0;
	pid_t pid;

	flow_make(&flow, "flow", &discrete);
	flow_sysfs(&flow, dir);
	pid = spawn(attach_and_detach, c);
	while (now_ns(CLOCK_MONOTONIC) < end || !found) {
		snprintf(path, sizeof(path), "%s/%s", dir, attrs[i++ % ARRAY_SIZE(attrs)]);
		if (read_text(path, text, sizeof(text)))
			found++;
		else
			check(errno == ENOENT || errno == ENODEV);
		check(now_ns(CLOCK_MONOTONIC) < end + LONG_NS / 2);
	}
	__atomic_store_n(&c->stop, true, __ATOMIC_RELEASE);
	reap_ok(pid);
	eventually(!is_shown(dir));
}

/* ---- tracepoints ------------------------------------------------------------------------- */

#define TRACING "/sys/kernel/tracing"

static void traces_what_happens(void)
{
	static const char *const events[] = { "mxl_attach",  "mxl_detach", "mxl_lock",
					      "mxl_unlock",  "mxl_commit", "mxl_wait_begin",
					      "mxl_wait_end" };
	static char text[1 << 17];
	struct sleeper *s;
	struct writer w;
	size_t i;
	int fd;

	if (access(TRACING "/events/mxl/enable", F_OK))
		skip("this kernel has no tracepoints");
	check(write_text(TRACING "/trace", "\n"));
	check(write_text(TRACING "/events/mxl/enable", "1\n"));
	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	s = sleeper_start(fd, make_wait(10, 1, LONG_NS), 1);
	publish(&w, 10, 1, 0);
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(s), 0);
	writer_close(&w);
	must(close(fd));
	check(write_text(TRACING "/events/mxl/enable", "0\n"));
	fd = must(open(TRACING "/trace", O_RDONLY));
	for (i = 0; i < sizeof(text) - 1;) {
		ssize_t n = read(fd, text + i, sizeof(text) - 1 - i);

		if (n <= 0)
			break;
		i += (size_t)n;
	}
	for (i = 0; i < ARRAY_SIZE(events); i++)
		if (!strstr(text, events[i]))
			fail("%s is not in the trace", events[i]);
}

static const struct test tests[] = {
	TEST(comes_and_goes_with_the_flow),
	TEST(shows_grains),
	TEST(shows_samples),
	TEST(says_what_state_says),
	TEST(latency_is_against_tai),
	TEST(is_everybodys_to_read),
	TEST(has_nothing_else),
	TEST(is_gone_for_those_who_hold_it_open),
	TEST(dead_flow_says_so),
	TEST(can_be_read_while_it_comes_and_goes),
	TEST(traces_what_happens),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

// SPDX-License-Identifier: Apache-2.0
/*
 * What the module costs, as ratios of two things measured in turn in one run, which mean
 * something in an emulated machine as well; and as counts, which are true everywhere. Wants a
 * machine of one processor: several measure the host's scheduler.
 */
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "sysfs.h"

#define ROUNDS 2000

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median(uint64_t *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return values[n / 2];
}

/* Says what was measured, and holds it against what is allowed */
static void judge(const char *what, const char *than, uint64_t a, uint64_t b, double limit)
{
	double ratio = (double)a / (double)b;

	printf("# %s: %llu ns; %s: %llu ns; ratio %.3f, at most %.2f\n", what,
	       (unsigned long long)a, than, (unsigned long long)b, ratio, limit);
	if (ratio > limit)
		fail("the ratio is %.3f", ratio);
}

static uint64_t wake_word(const struct writer *w)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&w->control->wake, __ATOMIC_RELAXED);
}

/* ---- a reader that follows --------------------------------------------------------------- */

struct follower {
	int fd;
	uint64_t woken_ns;
};

static int follow(void *arg)
{
	struct follower *f = arg;
	uint64_t index;

	for (index = 1;; index++) {
		if (wait_index(f->fd, index, 1, MXL_TIMEOUT_NONE))
			return errno == EOWNERDEAD ? 0 : 1;
		__atomic_store_n(&f->woken_ns, now_ns(CLOCK_MONOTONIC), __ATOMIC_RELEASE);
	}
}

static struct follower *follower_start(const struct flow *f, pid_t *ret_pid)
{
	struct follower *follower = shared(sizeof(*follower));

	follower->fd = attach(f);
	*ret_pid = spawn(follow, follower);
	return follower;
}

/* Publishes an index for which somebody sleeps and signals it; the time before the call */
static uint64_t wake_one(struct writer *w, uint64_t index)
{
	uint64_t begin;

	while (wake_word(w) != mxl_wake_position(MXL_KIND_DISCRETE, index, 1))
		sched_yield();
	publish(w, index, 8, 0);
	begin = now_ns(CLOCK_MONOTONIC);
	check_eq(commit(w), 1);
	return begin;
}

static void end_of(struct writer *w, const pid_t *pids, int n)
{
	writer_close(w);
	while (n-- > 0)
		check(waitpid(pids[n], NULL, 0) == pids[n]);
}

static void waking_one_of_many(void)
{
	static uint64_t alone[ROUNDS], among[ROUNDS];
	struct writer few, many;
	struct flow f, g;
	pid_t reader[2];
	uint64_t i, begin;

	flow_make(&f, "few", &discrete);
	flow_make(&g, "many", &discrete);
	writer_open(&few, &f);
	writer_open(&many, &g);
	/* what 63 others wait for does not come */
	for (i = 0; i < 63; i++)
		sleeper_start(attach(&g), make_wait(1000000 + i, 1, MXL_TIMEOUT_NONE),
			      (uint32_t)i + 1);
	follower_start(&f, &reader[0]);
	follower_start(&g, &reader[1]);
	for (i = 0; i < ROUNDS; i++) {
		begin = wake_one(&few, i + 1);
		alone[i] = now_ns(CLOCK_MONOTONIC) - begin;
		begin = wake_one(&many, i + 1);
		among[i] = now_ns(CLOCK_MONOTONIC) - begin;
	}
	judge("COMMIT that wakes 1 of 64", "1 of 1", median(among, ROUNDS), median(alone, ROUNDS),
	      1.5);
	end_of(&few, &reader[0], 1);
	end_of(&many, &reader[1], 1);
}

/* ---- attaching ---------------------------------------------------------------------------- */

/* Whoever attaches must not keep the others waiting, so many as there may be */
#define CROWD 10000

static uint64_t attach_ns(const struct flow *f)
{
	struct mxl_attach arg;
	int fd = open_device(), data, payload[2];
	uint64_t begin, end;

	data = must(flow_open(f, DATA, O_RDONLY));
	payload[0] = must(flow_open(f, 0, O_RDONLY));
	payload[1] = must(flow_open(f, 1, O_RDONLY));
	arg = make_attach(data, 0, payload, 2);
	begin = now_ns(CLOCK_MONOTONIC);
	must(ioctl(fd, MXL_IOC_ATTACH, &arg));
	end = now_ns(CLOCK_MONOTONIC);
	close(data);
	close(payload[0]);
	close(payload[1]);
	close(fd);
	return end - begin;
}

static void attaching_to_a_crowd(void)
{
	static uint64_t alone[ROUNDS], among[ROUNDS];
	struct rlimit files = { 2 * CROWD, 2 * CROWD };
	struct flow_spec spec = discrete;
	struct flow few, many;
	int i;

	must(setrlimit(RLIMIT_NOFILE, &files));
	spec.grains = 2;
	flow_make(&few, "few", &spec);
	flow_make(&many, "many", &spec);
	attach(&few);
	for (i = 0; i < CROWD; i++)
		attach(&many);
	for (i = 0; i < ROUNDS; i++) {
		alone[i] = attach_ns(&few);
		among[i] = attach_ns(&many);
	}
	judge("ATTACH among 10000", "ATTACH among 1", median(among, ROUNDS), median(alone, ROUNDS),
	      1.5);
}

/* ---- latency ----------------------------------------------------------------------------- */

struct futex_follower {
	uint32_t *word;
	uint64_t woken_ns;
};

static long futex(uint32_t *word, int op, uint32_t value)
{
	return syscall(SYS_futex, word, op, value, NULL, NULL, FUTEX_BITSET_MATCH_ANY);
}

static int follow_futex(void *arg)
{
	struct futex_follower *f = arg;
	uint32_t seen = 0;

	for (;;) {
		while (__atomic_load_n(f->word, __ATOMIC_ACQUIRE) == seen)
			futex(f->word, FUTEX_WAIT, seen);
		__atomic_store_n(&f->woken_ns, now_ns(CLOCK_MONOTONIC), __ATOMIC_RELEASE);
		seen = __atomic_load_n(f->word, __ATOMIC_ACQUIRE);
		if (seen == UINT32_MAX)
			return 0;
	}
}

static uint64_t time_of(uint64_t *woken_ns, uint64_t since)
{
	uint64_t at;

	while ((at = __atomic_load_n(woken_ns, __ATOMIC_ACQUIRE)) < since)
		sched_yield();
	return at - since;
}

/* Lets the other process go to sleep: the only one that can run, when this one does not */
static void let_sleep(void)
{
	const struct timespec pause_ts = { 0, 200000 };

	nanosleep(&pause_ts, NULL);
}

static void latency_of_wait(void)
{
	static uint64_t by_module[ROUNDS], by_futex[ROUNDS];
	struct futex_follower *ff = shared(sizeof(*ff));
	struct follower *mf;
	struct writer w;
	struct flow f;
	pid_t reader[2];
	uint64_t begin, i;
	int file;

	flow_make(&f, "flow", &discrete);
	writer_open(&w, &f);
	mf = follower_start(&f, &reader[0]);
	/* the same kind of memory as the futex of a flow has */
	file = must(open("/dev/shm/bench-futex", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
	must(unlink("/dev/shm/bench-futex"));
	must(ftruncate(file, 4096));
	ff->word = must(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
	reader[1] = spawn(follow_futex, ff);
	for (i = 0; i < ROUNDS; i++) {
		let_sleep();
		begin = wake_one(&w, i + 1);
		by_module[i] = time_of(&mf->woken_ns, begin);

		let_sleep();
		__atomic_add_fetch(ff->word, 1, __ATOMIC_SEQ_CST);
		begin = now_ns(CLOCK_MONOTONIC);
		futex(ff->word, FUTEX_WAKE, INT_MAX);
		by_futex[i] = time_of(&ff->woken_ns, begin);
	}
	__atomic_store_n(ff->word, UINT32_MAX, __ATOMIC_SEQ_CST);
	futex(ff->word, FUTEX_WAKE, INT_MAX);
	reap_ok(reader[1]);
	judge("COMMIT to the return of WAIT", "FUTEX_WAKE to the return of FUTEX_WAIT",
	      median(by_module, ROUNDS), median(by_futex, ROUNDS), 1.1);
	end_of(&w, &reader[0], 1);
}

/* ---- system calls ------------------------------------------------------------------------ */

/* A commit as a writer makes it: calls only if it owes one */
static void commit_by_protocol(struct writer *w, uint64_t index)
{
	publish(w, index, 8, 0);
	if (wake_word(w) <= mxl_wake_position(MXL_KIND_DISCRETE, index, 8))
		commit(w);
	if (__atomic_load_n(&w->control->outsiders, __ATOMIC_RELAXED))
		futex(&w->hdr->sync_counter, FUTEX_WAKE, INT_MAX);
}

#define COMMITS 10000

static int traced_writer(void *arg)
{
	struct writer w;
	uint64_t i;

	writer_open(&w, arg);
	eventually(!__atomic_load_n(&w.control->outsiders, __ATOMIC_SEQ_CST));
	must(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	raise(SIGSTOP);
	getppid();
	for (i = 1; i <= COMMITS; i++)
		commit_by_protocol(&w, i);
	getppid();
	return get_state(w.fd).commits == COMMITS ? 0 : 1;
}

/* Stops at each entry to and exit from a system call; the number of the next one, -1 at the end */
static long next_call(pid_t pid)
{
	struct __ptrace_syscall_info info = { .op = PTRACE_SYSCALL_INFO_NONE };
	int status;

	while (info.op != PTRACE_SYSCALL_INFO_ENTRY) {
		must(ptrace(PTRACE_SYSCALL, pid, NULL, NULL));
		must(waitpid(pid, &status, 0));
		if (WIFEXITED(status)) {
			check_eq(WEXITSTATUS(status), 0);
			return -1;
		}
		must(ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info));
	}
	return (long)info.entry.nr;
}

static long calls_of_commits(struct flow *f)
{
	pid_t pid = spawn(traced_writer, f);
	long calls = 0;
	int status;

	must(waitpid(pid, &status, WUNTRACED));
	check(WIFSTOPPED(status));
	must(ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD));
	while (next_call(pid) != SYS_getppid)
		;
	while (next_call(pid) != SYS_getppid)
		calls++;
	while (next_call(pid) != -1)
		;
	return calls;
}

static void system_calls_of_commits(void)
{
	struct mxl_arm arm = make_arm(MXL_EVENT_DATA, 1000000, 8);
	struct flow f;
	long calls;
	int fd;

	flow_make(&f, "flow", &discrete);
	fd = attach(&f);
	calls = calls_of_commits(&f);
	printf("# %d commits, nobody waiting: %ld system calls\n", COMMITS, calls);
	check_eq(calls, 0);
	flow_delete(&f);
	must(close(fd));
	flow_make(&f, "flow", &discrete);
	fd = attach(&f);
	must(ioctl(fd, MXL_IOC_ARM, &arm));
	calls = calls_of_commits(&f);
	printf("# %d commits, somebody waiting for a later one: %ld system calls\n", COMMITS,
	       calls);
	check_eq(calls, 0);
}

/* ---- memory ------------------------------------------------------------------------------ */

#define MANY_FLOWS 1000
#define MANY_ATTACHMENTS 10000

static long long read_free_bytes(void)
{
	char text[4096], *at;

	/* neither what could be given back, nor what each processor counts for itself */
	check(write_text("/proc/sys/vm/drop_caches", "3\n"));
	check(write_text("/proc/sys/vm/stat_refresh", "1\n"));
	check(read_text("/proc/meminfo", text, sizeof(text)));
	at = strstr(text, "MemFree:");
	check(at);
	return strtoll(at + strlen("MemFree:"), NULL, 10) * 1024;
}

/* What was freed some time ago may become free only now: once nothing moves any more */
static long long free_bytes(void)
{
	long long before = 0, now = read_free_bytes();
	int same = 0;

	while (same < 5) {
		let_sleep();
		before = now;
		now = read_free_bytes();
		same = llabs(now - before) < 16384 ? same + 1 : 0;
	}
	return now;
}

static void memory_of_many(void)
{
	struct rlimit files = { 3 * MANY_ATTACHMENTS, 3 * MANY_ATTACHMENTS };
	struct flow_spec spec = discrete;
	struct flow *flows = calloc(MANY_FLOWS, sizeof(*flows));
	long long start, adopted, joined, attachment;
	char name[16];
	int i, fd = -1;

	check(flows);
	must(setrlimit(RLIMIT_NOFILE, &files));
	spec.grains = 2;
	spec.slice_bytes = 1;
	for (i = 0; i < MANY_FLOWS; i++) {
		snprintf(name, sizeof(name), "%d", i);
		flow_make(&flows[i], name, &spec);
	}
	/* what is made once, and the table of descriptors, are no flow's */
	must(close(must(dup2(attach(&flows[0]), 2 * MANY_ATTACHMENTS))));
	start = free_bytes();
	for (i = 0; i < MANY_FLOWS; i++)
		fd = attach(&flows[i]);
	adopted = free_bytes();
	for (; i < MANY_ATTACHMENTS; i++)
		attach(&flows[i % MANY_FLOWS]);
	joined = free_bytes();
	check(in_use("flows") == MANY_FLOWS);
	check(in_use("attachments") >= MANY_ATTACHMENTS);
	check(get_state(fd).attachments >= MANY_ATTACHMENTS / MANY_FLOWS);
	attachment = (adopted - joined) / (MANY_ATTACHMENTS - MANY_FLOWS);
	printf("# %d flows, %d attachments: %lld bytes for each attachment, "
	       "%lld more for each flow of %u payload files\n",
	       MANY_FLOWS, MANY_ATTACHMENTS, attachment,
	       (start - adopted) / MANY_FLOWS - attachment, spec.grains);
	check(attachment < 8192);
	check((start - adopted) / MANY_FLOWS < 32768);
}

static const struct test tests[] = {
	TEST(waking_one_of_many),      TEST(attaching_to_a_crowd), TEST(latency_of_wait),
	TEST(system_calls_of_commits), TEST(memory_of_many),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

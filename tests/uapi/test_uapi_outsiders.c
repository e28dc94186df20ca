// SPDX-License-Identifier: Apache-2.0
/*
 * The word on the control page that tells the writer whether somebody may sleep on the futex who
 * is not attached. It may be set for no reason, but never be clear while somebody is there.
 */
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "flow.h"

static struct flow flow;
static struct writer w;

static bool is_set(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&w.control->outsiders, __ATOMIC_RELAXED);
}

/* Nobody is there, and after a while the word says so by itself */
#define clears() eventually(!is_set())

/* Somebody is there: no evaluation of the matter finds otherwise */
static void stays_set_at(int line)
{
	struct timespec pause_ts = { 0, 2000000 };
	int i;

	for (i = 0; i < 25; i++) {
		if (!is_set())
			fail_at(__FILE__, line, "clear, though somebody is there");
		commit(&w);
		if (!is_set())
			fail_at(__FILE__, line, "cleared by a commit, though somebody is there");
		nanosleep(&pause_ts, NULL);
	}
}
#define stays_set() stays_set_at(__LINE__)

static void start(void)
{
	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	clears();
}

static int open_data(int flags)
{
	return must(flow_open(&flow, DATA, flags));
}

static void *map_data(int fd)
{
	return must(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
}

/* ---- who is no outsider ------------------------------------------------------------------ */

static void is_set_until_proved(void)
{
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	check(get_state(fd).flags & MXL_STATE_OUTSIDERS);
	writer_open(&w, &flow);
	clears();
	check(!(get_state(fd).flags & MXL_STATE_OUTSIDERS));
	/* with the writer goes whoever could wake by the futex */
	writer_unmap(&w);
	unlock(w.fd);
	check(is_set());
	lock(w.fd);
	clears();
}

static void attachments_are_known(void)
{
	int fds[10], i;

	start();
	for (i = 0; i < 10; i++)
		fds[i] = attach(&flow);
	clears();
	for (i = 0; i < 10; i++)
		must(map_region(fds[i], MXL_OFFSET_DATA, 4096, PROT_READ));
	clears();
	for (i = 0; i < 10; i++)
		must(close(fds[i]));
	clears();
}

static void their_descriptors_are_known(void)
{
	struct mxl_attach arg;
	int data, payload[MAX_PAYLOADS], fd = open_device();
	uint32_t i;

	start();
	data = open_data(O_RDONLY);
	for (i = 0; i < flow.nr_payloads; i++)
		payload[i] = must(flow_open(&flow, (int)i, O_RDONLY));
	stays_set();
	arg = make_attach(data, 0, payload, flow.nr_payloads);
	must(ioctl(fd, MXL_IOC_ATTACH, &arg));
	/* the open file is the attachment's now, though it is open here as well */
	clears();
	/* and is not any more when the attachment ends */
	must(close(fd));
	eventually(get_state(w.fd).attachments == 1);
	eventually(is_set());
	stays_set();
	must(close(data));
	clears();
}

static void payloads_do_not_matter(void)
{
	int fd;

	start();
	fd = must(flow_open(&flow, 0, O_RDONLY));
	check(!is_set());
	must(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
	check(!is_set());
}

static void looking_at_names_does_not_matter(void)
{
	struct stat st;
	char path[128];
	int i;

	start();
	flow_path(&flow, DATA, path);
	for (i = 0; i < 100; i++) {
		must(stat(path, &st));
		must(access(path, R_OK));
	}
	clears();
}

static void samples_too(void)
{
	int fd;

	flow_make(&flow, "flow", &continuous);
	writer_open(&w, &flow);
	clears();
	fd = open_data(O_RDONLY);
	check(is_set());
	stays_set();
	must(close(fd));
	clears();
}

/* ---- who is ------------------------------------------------------------------------------ */

static void open_file_is_one(void)
{
	int fd;

	start();
	fd = open_data(O_RDONLY);
	/* when open() returns, not later */
	check(is_set());
	stays_set();
	must(close(fd));
	clears();
}

static void mapping_is_one(void)
{
	void *map;
	int fd;

	start();
	fd = open_data(O_RDONLY);
	map = map_data(fd);
	must(close(fd));
	stays_set();
	must(munmap(map, 4096));
	clears();
}

static void one_there_before_is_one(void)
{
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = open_data(O_RDONLY);
	writer_open(&w, &flow);
	stays_set();
	must(close(fd));
	clears();
}

static void several_are_as_one(void)
{
	int fds[5], i;

	start();
	for (i = 0; i < 5; i++)
		fds[i] = open_data(O_RDONLY);
	for (i = 0; i < 5; i++) {
		stays_set();
		must(close(fds[i]));
	}
	clears();
}

static void copy_of_a_descriptor_is_one(void)
{
	int fd, copy;

	start();
	fd = open_data(O_RDONLY);
	copy = must(dup(fd));
	must(close(fd));
	stays_set();
	must(close(copy));
	clears();
}

static int just_wait(void *arg)
{
	(void)arg;
	return pause();
}

static void child_is_one(void)
{
	pid_t pid;
	int fd;
	void *map;

	start();
	fd = open_data(O_RDONLY);
	pid = spawn(just_wait, NULL);
	must(close(fd));
	stays_set();
	kill_and_reap(pid);
	clears();
	/* with a mapping as with a descriptor */
	fd = open_data(O_RDONLY);
	map = map_data(fd);
	must(close(fd));
	pid = spawn(just_wait, NULL);
	must(munmap(map, 4096));
	stays_set();
	kill_and_reap(pid);
	clears();
}

static int exec_with_data(void *arg)
{
	(void)arg;
	/* as standard input, which stays open */
	must(dup2(open_data(O_RDONLY), 0));
	execl("/bin/busybox", "sleep", "1000", (char *)NULL);
	return 1;
}

static void executed_program_is_one(void)
{
	pid_t pid;

	start();
	pid = spawn(exec_with_data, NULL);
	eventually(is_set());
	stays_set();
	kill_and_reap(pid);
	clears();
}

static void descriptor_on_its_way_is_one(void)
{
	int fd, sock[2];

	start();
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	fd = open_data(O_RDONLY);
	send_fd(sock[0], fd);
	must(close(fd));
	stays_set();
	fd = receive_fd(sock[1]);
	stays_set();
	must(close(fd));
	clears();
}

static void one_that_cannot_read_is_told_when_it_can(void)
{
	char path[64];
	int fd, again;

	start();
	/* good for nothing, but for being opened again without the name being looked up */
	fd = open_data(O_PATH);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = must(open(path, O_RDONLY));
	check(is_set());
	stays_set();
	must(close(again));
	must(close(fd));
	clears();
}

static void one_through_another_mount_is_one(void)
{
	char to[128], path[160];
	int fd;

	start();
	must(unshare(CLONE_NEWNS));
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	snprintf(to, sizeof(to), "%s/mount", test_dir());
	must(mkdir(to, 0755));
	must(mount(flow.dir, to, NULL, MS_BIND, NULL));
	snprintf(path, sizeof(path), "%s/data", to);
	fd = must(open(path, O_RDONLY));
	check(is_set());
	stays_set();
	must(close(fd));
	clears();
	must(umount(to));
}

static void one_by_another_name_is_one(void)
{
	char path[128], second[128];
	int fd;

	start();
	flow_path(&flow, DATA, path);
	snprintf(second, sizeof(second), "%s/second", test_dir());
	must(link(path, second));
	check(is_set());
	stays_set();
	fd = must(open(second, O_RDONLY));
	stays_set();
	/* the name goes, the file behind it does not */
	must(unlink(second));
	stays_set();
	must(close(fd));
	clears();
	/* again, and the original name is the one that goes */
	must(link(path, second));
	must(unlink(path));
	check(is_set());
	check(!(get_state(w.fd).flags & MXL_STATE_DEAD));
	fd = must(open(second, O_RDONLY));
	check(is_set());
	stays_set();
}

static void moved_file_is_watched_on(void)
{
	char path[128], to[128];
	int fd;

	start();
	flow_path(&flow, DATA, path);
	snprintf(to, sizeof(to), "%s/moved", test_dir());
	must(rename(path, to));
	fd = must(open(to, O_RDONLY));
	check(is_set());
	stays_set();
	must(close(fd));
	clears();
}

struct user_hold {
	bool ready;
	bool leave;
};

static int hold_as_user(void *arg)
{
	struct user_hold *h = arg;

	become(SOME_UID);
	map_data(open_data(O_RDONLY));
	__atomic_store_n(&h->ready, true, __ATOMIC_RELEASE);
	return pause();
}

static void dead_process_is_none(void)
{
	struct user_hold *h = shared(sizeof(*h));
	pid_t pid;

	start();
	pid = spawn(hold_as_user, h);
	eventually(__atomic_load_n(&h->ready, __ATOMIC_ACQUIRE));
	check(is_set());
	must(kill(pid, SIGSTOP));
	stays_set();
	kill_and_reap(pid);
	clears();
}

/* ---- whatever happens, in any order ------------------------------------------------------ */

/* One thing that keeps an open file of data; a child keeps those of the others as well */
struct holder {
	int fd;
	void *map;
	pid_t pid;
};

static void hold_somehow(struct holder *h, unsigned int how)
{
	*h = (struct holder){ .fd = open_data(O_RDONLY) };
	check(is_set());
	switch (how % 3) {
	case 0:
		break;
	case 1:
		h->map = map_data(h->fd);
		must(close(h->fd));
		h->fd = -1;
		break;
	case 2:
		h->pid = spawn(just_wait, NULL);
		must(close(h->fd));
		h->fd = -1;
		break;
	}
}

static void let_go(struct holder *h)
{
	if (h->pid)
		kill_and_reap(h->pid);
	else if (h->map)
		must(munmap(h->map, 4096));
	else
		must(close(h->fd));
}

static void random_order(void)
{
	unsigned int seed = 12345, step, i, n = 0;
	struct holder holders[4];

	start();
	for (step = 0; step < 120; step++) {
		if (n < ARRAY_SIZE(holders) && (!n || rand_r(&seed) % 2)) {
			hold_somehow(&holders[n++], (unsigned int)rand_r(&seed));
		} else {
			i = (unsigned int)rand_r(&seed) % n;
			let_go(&holders[i]);
			holders[i] = holders[--n];
		}
		if (n) {
			check(is_set());
			commit(&w);
			check(is_set());
		} else {
			clears();
		}
	}
	while (n)
		let_go(&holders[--n]);
	clears();
}

struct prover {
	const struct mxl_control *control;
	uint64_t rounds;
	bool stop;
};

/* From the return of open() to the last close the word is never seen clear */
static int open_and_look(void *arg)
{
	struct prover *p = arg;
	void *map;
	int fd, i;

	while (!__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE)) {
		fd = open_data(O_RDONLY);
		for (i = 0; i < 20; i++)
			if (!__atomic_load_n(&p->control->outsiders, __ATOMIC_SEQ_CST))
				fail("clear with an open file");
		map = map_data(fd);
		close(fd);
		for (i = 0; i < 20; i++)
			if (!__atomic_load_n(&p->control->outsiders, __ATOMIC_SEQ_CST))
				fail("clear with a mapping");
		munmap(map, 4096);
		__atomic_add_fetch(&p->rounds, 1, __ATOMIC_RELAXED);
	}
	return 0;
}

static void never_clear_while_somebody_is_there(void)
{
	uint64_t cleared = 0, end, want = is_slow_kernel() ? 100 : 1000;
	struct prover *p = shared(sizeof(*p));
	pid_t pids[3];
	size_t i;

	start();
	p->control = w.control;
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = spawn(open_and_look, p);
	end = now_ns(CLOCK_MONOTONIC) + LONG_NS / 2;
	while (__atomic_load_n(&p->rounds, __ATOMIC_RELAXED) < want) {
		/* looks again each time */
		commit(&w);
		cleared += !is_set();
		check(now_ns(CLOCK_MONOTONIC) < end);
	}
	__atomic_store_n(&p->stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		reap_ok(pids[i]);
	printf("# seen clear %llu times in between\n", (unsigned long long)cleared);
	clears();
}

static long futex(uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op, value, timeout, NULL, FUTEX_BITSET_MATCH_ANY);
}

/* A reader that knows nothing of the module: comes, waits for a grain by the futex, goes */
static int read_by_futex(void *arg)
{
	const struct timespec timeout = { 30, 0 };
	uint64_t *seen = arg, head;
	struct mxl_flow_header *h;
	uint32_t count;
	int fd, i;

	for (i = 0; i < 200; i++) {
		fd = open_data(O_RDONLY);
		h = map_data(fd);
		close(fd);
		head = __atomic_load_n(&h->head_index, __ATOMIC_ACQUIRE);
		for (;;) {
			count = __atomic_load_n(&h->sync_counter, __ATOMIC_ACQUIRE);
			if (__atomic_load_n(&h->head_index, __ATOMIC_ACQUIRE) != head)
				break;
			if (futex(&h->sync_counter, FUTEX_WAIT, count, &timeout))
				check(errno != ETIMEDOUT);
		}
		munmap(h, 4096);
		__atomic_add_fetch(seen, 1, __ATOMIC_RELEASE);
	}
	return 0;
}

static void futex_sleepers_are_found(void)
{
	uint64_t *seen = shared(sizeof(*seen)), index = 1, calls = 0, last, end;
	pid_t pid;

	start();
	pid = spawn(read_by_futex, seen);
	end = now_ns(CLOCK_MONOTONIC) + LONG_NS;
	while (__atomic_load_n(seen, __ATOMIC_ACQUIRE) < 200) {
		last = __atomic_load_n(seen, __ATOMIC_ACQUIRE);
		publish(&w, index++, 8, 0);
		if (is_set()) {
			calls++;
			must(futex(&w.hdr->sync_counter, FUTEX_WAKE, INT_MAX, NULL));
		}
		/* A sleeper that the word hides would sleep until its time is over, and fail */
		while (is_set() && __atomic_load_n(seen, __ATOMIC_ACQUIRE) == last &&
		       !is_in_state(pid, "S") && now_ns(CLOCK_MONOTONIC) < end)
			sched_yield();
		check(now_ns(CLOCK_MONOTONIC) < end);
	}
	reap_ok(pid);
	check_eq(*seen, 200);
	printf("# %llu commits, %llu futex calls\n", (unsigned long long)index - 1,
	       (unsigned long long)calls);
}

static const struct test tests[] = {
	TEST(is_set_until_proved),
	TEST(attachments_are_known),
	TEST(their_descriptors_are_known),
	TEST(payloads_do_not_matter),
	TEST(looking_at_names_does_not_matter),
	TEST(samples_too),
	TEST(open_file_is_one),
	TEST(mapping_is_one),
	TEST(one_there_before_is_one),
	TEST(several_are_as_one),
	TEST(copy_of_a_descriptor_is_one),
	TEST(child_is_one),
	TEST(executed_program_is_one),
	TEST(descriptor_on_its_way_is_one),
	TEST(one_that_cannot_read_is_told_when_it_can),
	TEST(one_through_another_mount_is_one),
	TEST(one_by_another_name_is_one),
	TEST(moved_file_is_watched_on),
	TEST(dead_process_is_none),
	TEST(random_order),
	TEST(never_clear_while_somebody_is_there),
	TEST(futex_sleepers_are_found),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

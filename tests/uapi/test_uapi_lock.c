// SPDX-License-Identifier: Apache-2.0
/* MXL_IOC_LOCK and UNLOCK: who gets it, what it seals, and when it ends */
#include <linux/falloc.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "flow.h"

static struct flow flow;

/* Every way to write a file that does not need one opened before */
static void is_sealed_at(int line, const struct flow *f, int file)
{
	static const int flags[] = { O_RDWR, O_WRONLY, O_RDWR | O_APPEND, O_WRONLY | O_TRUNC,
				     O_RDONLY | O_TRUNC };
	char path[128], magic[64];
	int fd;
	size_t i;

	flow_path(f, file, path);
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (flow_open(f, file, flags[i]) != -1 || errno != ETXTBSY)
			fail_at(__FILE__, line, "%s, open with %#x: %m", path, flags[i]);
	if (truncate(path, 0) != -1 || errno != ETXTBSY)
		fail_at(__FILE__, line, "%s, truncate: %m", path);
	/* by way of a descriptor that is good for reading */
	fd = must(flow_open(f, file, O_RDONLY));
	snprintf(magic, sizeof(magic), "/proc/self/fd/%d", fd);
	if (open(magic, O_RDWR) != -1 || errno != ETXTBSY)
		fail_at(__FILE__, line, "%s, open again: %m", path);
	must(close(fd));
}

static void is_open_to_all_at(int line, const struct flow *f)
{
	int file, fd;

	for (file = DATA; file < (int)f->nr_payloads; file++) {
		fd = flow_open(f, file, O_RDWR);
		if (fd < 0)
			fail_at(__FILE__, line, "file %d: %m", file);
		close(fd);
	}
}
#define is_sealed(f, file) is_sealed_at(__LINE__, f, file)
#define is_open_to_all(f) is_open_to_all_at(__LINE__, f)

static bool is_locked(int fd)
{
	return get_state(fd).flags & MXL_STATE_LOCKED;
}

/* ---- the seal ---------------------------------------------------------------------------- */

static void seals_every_file(void)
{
	int fd, file;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	is_open_to_all(&flow);
	lock(fd);
	for (file = DATA; file < (int)flow.nr_payloads; file++)
		is_sealed(&flow, file);
	unlock(fd);
	is_open_to_all(&flow);
}

static void seals_samples(void)
{
	int fd;

	flow_make(&flow, "flow", &continuous);
	fd = attach(&flow);
	lock(fd);
	is_sealed(&flow, DATA);
	is_sealed(&flow, 0);
	unlock(fd);
	is_open_to_all(&flow);
}

static int user_meets_seal(void *arg)
{
	is_sealed(arg, DATA);
	is_sealed(arg, 4);
	return 0;
}

static void seals_against_users_and_owners(void)
{
	int fd;

	flow_make(&flow, "flow", &discrete);
	flow_chmod(&flow, 0666);
	flow_chown(&flow, OTHER_UID);
	fd = attach(&flow);
	lock(fd);
	check_eq(as_user(SOME_UID, user_meets_seal, &flow), 0);
	check_eq(as_user(OTHER_UID, user_meets_seal, &flow), 0);
}

static void leaves_other_files_alone(void)
{
	char path[128];
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	lock(fd);
	snprintf(path, sizeof(path), "%s/access", flow.dir);
	must(close(must(open(path, O_RDWR | O_CREAT, 0666))));
	snprintf(path, sizeof(path), "%s/flow_def.json", flow.dir);
	must(close(must(open(path, O_RDWR | O_CREAT, 0666))));
	unlock(fd);
}

static void readers_go_on(void)
{
	struct mxl_flow_header h;
	void *map;
	int fd, data;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	lock(fd);
	data = must(flow_open(&flow, DATA, O_RDONLY));
	check_eq(read(data, &h, sizeof(h)), sizeof(h));
	map = must(mmap(NULL, 4096, PROT_READ, MAP_SHARED, data, 0));
	check(memcmp(map, &h, sizeof(h)) == 0);
	must_fail(mprotect(map, 4096, PROT_READ | PROT_WRITE), EACCES);
	must_fail(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, data, 0), EACCES);
	/* a copy of one's own is no business of the seal's */
	must(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, data, 0));
}

static void seals_through_every_mount(void)
{
	struct flow there;
	char to[128];
	int fd;

	flow_make(&flow, "flow", &discrete);
	must(unshare(CLONE_NEWNS));
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	snprintf(to, sizeof(to), "%s/mount", test_dir());
	must(mkdir(to, 0755));
	must(mount(flow.dir, to, NULL, MS_BIND, NULL));
	there = flow;
	snprintf(there.dir, sizeof(there.dir), "%.95s", to);
	fd = attach(&flow);
	lock(fd);
	is_sealed(&there, DATA);
	is_sealed(&there, 2);
	unlock(fd);
	is_open_to_all(&there);
	must(umount(to));
}

/* ---- who gets it ------------------------------------------------------------------------- */

static void tells_epoch_generation_and_head(void)
{
	struct mxl_lock arg = make_lock(0);
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	check_eq(get_state(w.fd).epoch, 1);
	publish(&w, 41, 8, 0);
	new_generation(&w);
	writer_close(&w);

	fd = attach(&flow);
	must(ioctl(fd, MXL_IOC_LOCK, &arg));
	/* the flow was forgotten with its last attachment */
	check_eq(arg.epoch, 1);
	check_eq(arg.generation, 1);
	check_eq(arg.head, 41);
	check_eq(arg.timeout_ns, 0);
	unlock(fd);
	must(ioctl(fd, MXL_IOC_LOCK, &arg));
	check_eq(arg.epoch, 2);
	check_eq(get_state(fd).epoch, 2);
}

static void one_at_a_time(void)
{
	struct mxl_lock arg = make_lock(0);
	int a, b;

	flow_make(&flow, "flow", &discrete);
	a = attach(&flow);
	b = attach(&flow);
	lock(a);
	refused(b, MXL_IOC_LOCK, &arg, EBUSY);
	is_sealed(&flow, DATA);
	unlock(a);
	must(try_lock(b, 0));
	refused(a, MXL_IOC_LOCK, &arg, EBUSY);
}

static void not_twice(void)
{
	struct mxl_lock arg = make_lock(0), patient = make_lock(LONG_NS);
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	lock(fd);
	refused(fd, MXL_IOC_LOCK, &arg, EALREADY);
	refused(fd, MXL_IOC_LOCK, &patient, EALREADY);
	check(is_locked(fd));
	/* once taken, once given back */
	unlock(fd);
	is_open_to_all(&flow);
}

static void two_threads_of_one_attachment(void)
{
	struct mxl_lock arg = make_lock(0);
	struct locker *l;
	int a, b;

	flow_make(&flow, "flow", &discrete);
	a = attach(&flow);
	b = attach(&flow);
	lock(a);
	l = locker_start(b, LONG_NS);
	wait_for_lockers(a, 1);
	refused(b, MXL_IOC_LOCK, &arg, EALREADY);
	unlock(a);
	check_eq(locker_result(l), 0);
	locker_leave(l);
}

static void unlock_is_the_holders(void)
{
	struct mxl_unlock arg = make_unlock();
	int a, b;

	flow_make(&flow, "flow", &discrete);
	a = attach(&flow);
	b = attach(&flow);
	refused(a, MXL_IOC_UNLOCK, &arg, EPERM);
	lock(a);
	refused(b, MXL_IOC_UNLOCK, &arg, EPERM);
	unlock(a);
	refused(a, MXL_IOC_UNLOCK, &arg, EPERM);
}

static void open_for_writing_is_text_busy(void)
{
	struct mxl_lock arg = make_lock(0);
	int fd, file, open_file, other;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	for (file = DATA; file < (int)flow.nr_payloads; file++) {
		open_file = must(flow_open(&flow, file, O_WRONLY));
		refused(fd, MXL_IOC_LOCK, &arg, ETXTBSY);
		/* what was sealed before the refusal is not sealed any more */
		is_open_to_all(&flow);
		must(close(open_file));
	}
	/* the mapping of one who closed the descriptor */
	open_file = must(flow_open(&flow, 3, O_RDWR));
	must(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open_file, 0));
	must(close(open_file));
	refused(fd, MXL_IOC_LOCK, &arg, ETXTBSY);
	is_open_to_all(&flow);
	/* somebody else's lock is not told from that by the one who would also meet it */
	other = attach(&flow);
	refused(other, MXL_IOC_LOCK, &arg, ETXTBSY);
}

static int lock_as_user(void *arg)
{
	int *fd = arg;

	return try_lock(*fd, 0) ? errno : 0;
}

static int attach_and_lock_as_user(void *arg)
{
	int fd = open_device();

	if (try_attach(fd, arg, NULL))
		return 100;
	return try_lock(fd, 0) ? errno : 0;
}

static void wants_to_write_every_file(void)
{
	char path[128];
	int fd, file;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	check_eq(as_user(SOME_UID, attach_and_lock_as_user, &flow), EACCES);
	check_eq(as_user(SOME_UID, lock_as_user, &fd), EACCES);
	flow_chmod(&flow, 0666);
	check_eq(as_user(SOME_UID, attach_and_lock_as_user, &flow), 0);
	eventually(!is_locked(fd));
	for (file = DATA; file < (int)flow.nr_payloads; file++) {
		flow_path(&flow, file, path);
		must(chmod(path, 0644));
		check_eq(as_user(SOME_UID, attach_and_lock_as_user, &flow), EACCES);
		must(chmod(path, 0666));
	}
	check(!is_locked(fd));
	is_open_to_all(&flow);
}

static void read_only_mount_does_not_lock(void)
{
	struct mxl_lock arg = make_lock(0);
	struct flow there;
	char to[128];
	int a, b;

	flow_make(&flow, "flow", &discrete);
	must(unshare(CLONE_NEWNS));
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	snprintf(to, sizeof(to), "%s/mount", test_dir());
	must(mkdir(to, 0755));
	must(mount(flow.dir, to, NULL, MS_BIND, NULL));
	must(mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	there = flow;
	snprintf(there.dir, sizeof(there.dir), "%.95s", to);
	a = attach(&flow);
	b = attach(&there);
	refused(b, MXL_IOC_LOCK, &arg, EROFS);
	must(try_lock(a, 0));
	must(close(b));
	must(umount(to));
}

static void dead_flow_is_not_locked(void)
{
	struct mxl_lock arg = make_lock(0), patient = make_lock(LONG_NS);
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	flow_delete(&flow);
	eventually(get_state(fd).flags & MXL_STATE_DEAD);
	refused(fd, MXL_IOC_LOCK, &arg, ENODEV);
	refused(fd, MXL_IOC_LOCK, &patient, ENODEV);
}

/* ---- what happened while nobody had it --------------------------------------------------- */

static void truncated_file_is_refused(void)
{
	struct mxl_lock arg = make_lock(0);
	char path[128];
	int fd, file;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	for (file = DATA; file < (int)flow.nr_payloads; file++) {
		uint64_t size = file == DATA ? MXL_FLOW_HEADER_SIZE : flow.payload_size;

		flow_path(&flow, file, path);
		must(truncate(path, (off_t)size - 1));
		refused(fd, MXL_IOC_LOCK, &arg, EBADMSG);
		is_open_to_all(&flow);
		must(truncate(path, (off_t)size + 1));
		refused(fd, MXL_IOC_LOCK, &arg, EBADMSG);
		must(truncate(path, (off_t)size));
	}
	must(try_lock(fd, 0));
}

/* Takes the first page away, by itself or with all others, and puts back what was on it */
static void replace_page(int file, bool punch)
{
	uint64_t size = file == DATA ? MXL_FLOW_HEADER_SIZE : flow.payload_size;
	size_t n = size < 4096 ? (size_t)size : 4096;
	unsigned char header[4096];
	int fd = must(flow_open(&flow, file, O_RDWR));

	check_eq(pread(fd, header, n, 0), n);
	if (punch) {
		must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	} else {
		must(ftruncate(fd, 0));
		must(ftruncate(fd, (off_t)size));
	}
	check_eq(pwrite(fd, header, n, 0), n);
	must(close(fd));
}

/* A page that was taken away and came back is another page */
static void follows_pages_that_were_replaced(void)
{
	struct writer w;
	uint64_t index = 7;
	int fd, file, punch;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	for (punch = 0; punch < 2; punch++) {
		for (file = DATA; file < (int)flow.nr_payloads; file++)
			replace_page(file, punch);
		writer_open(&w, &flow);
		publish(&w, index, 8, 0);
		check_eq(get_state(fd).head, index);
		must(wait_index(fd, index, MXL_SLICES_ALL, 0));
		publish(&w, ++index, 3, 0);
		must(wait_index(fd, index, 3, 0));
		must_fail(wait_index(fd, index, 4, 0), ETIMEDOUT);
		index++;
		writer_close(&w);
	}
}

/* ---- waiting for it ---------------------------------------------------------------------- */

static void times_out(void)
{
	struct mxl_lock arg = make_lock(SHORT_NS), tai = make_lock(0);
	uint64_t begin;
	int a, b;

	flow_make(&flow, "flow", &discrete);
	a = attach(&flow);
	b = attach(&flow);
	lock(a);
	begin = now_ns(CLOCK_MONOTONIC);
	refused(b, MXL_IOC_LOCK, &arg, ETIMEDOUT);
	check(now_ns(CLOCK_MONOTONIC) - begin >= SHORT_NS);

	tai.flags = MXL_TIME_TAI;
	tai.timeout_ns = now_ns(CLOCK_TAI) + SHORT_NS;
	begin = now_ns(CLOCK_MONOTONIC);
	refused(b, MXL_IOC_LOCK, &tai, ETIMEDOUT);
	check(now_ns(CLOCK_TAI) >= tai.timeout_ns);
	/* in the past */
	tai.timeout_ns = 1;
	refused(b, MXL_IOC_LOCK, &tai, ETIMEDOUT);
	check_eq(get_state(a).lockers, 0);
	check(is_locked(a));
}

static void times_out_waiting_for_an_outsider(void)
{
	struct mxl_lock arg = make_lock(SHORT_NS);
	int fd, open_file;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	open_file = must(flow_open(&flow, 2, O_RDWR));
	refused(fd, MXL_IOC_LOCK, &arg, ETIMEDOUT);
	is_open_to_all(&flow);
	must(close(open_file));
	must(try_lock(fd, 0));
}

static void waits_for_the_holder(void)
{
	struct locker *l;
	int a, b;

	flow_make(&flow, "flow", &discrete);
	a = attach(&flow);
	b = attach(&flow);
	lock(a);
	l = locker_start(b, MXL_TIMEOUT_NONE);
	wait_for_lockers(a, 1);
	check(!l->returned);
	unlock(a);
	check_eq(locker_result(l), 0);
	check_eq(l->arg.epoch, 2);
	check_eq(l->arg.timeout_ns, MXL_TIMEOUT_NONE);
	check(is_locked(a));
	locker_leave(l);
	check(!is_locked(a));
}

static void writes_back_what_remains(void)
{
	struct locker *l;
	int a, b;

	flow_make(&flow, "flow", &discrete);
	a = attach(&flow);
	b = attach(&flow);
	lock(a);
	l = locker_start(b, LONG_NS);
	wait_for_lockers(a, 1);
	unlock(a);
	check_eq(locker_result(l), 0);
	check(l->arg.timeout_ns < LONG_NS && l->arg.timeout_ns > 0);
	locker_leave(l);
}

static int hold_file_open(void *arg)
{
	struct locker *l = arg;
	int fd = must(flow_open(&flow, l->fd, O_RDWR));

	__atomic_store_n(&l->returned, true, __ATOMIC_RELEASE);
	eventually(__atomic_load_n(&l->leave, __ATOMIC_ACQUIRE));
	must(close(fd));
	return 0;
}

static void gets_it_when_an_outsider_leaves(void)
{
	static const int files[] = { DATA, 0, 4 };
	struct locker *l, *outsider;
	size_t i;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		outsider = shared(sizeof(*outsider));
		outsider->fd = files[i];
		outsider->pid = spawn(hold_file_open, outsider);
		eventually(__atomic_load_n(&outsider->returned, __ATOMIC_ACQUIRE));
		l = locker_start(fd, LONG_NS);
		wait_for_lockers(fd, 1);
		check(!l->returned);
		locker_leave(outsider);
		check_eq(locker_result(l), 0);
		locker_leave(l);
	}
}

static void is_served_in_order(void)
{
	struct locker *l[4];
	int holder, fds[4], i, j;

	flow_make(&flow, "flow", &discrete);
	holder = attach(&flow);
	lock(holder);
	for (i = 0; i < 4; i++) {
		fds[i] = attach(&flow);
		l[i] = locker_start(fds[i], LONG_NS);
		wait_for_lockers(holder, (uint32_t)i + 1);
	}
	unlock(holder);
	for (i = 0; i < 4; i++) {
		check_eq(locker_result(l[i]), 0);
		for (j = i + 1; j < 4; j++)
			check(!l[j]->returned);
		check_eq(l[i]->arg.epoch, i + 2);
		locker_leave(l[i]);
	}
	check(!is_locked(holder));
}

struct hammer {
	const struct flow *flow;
	uint64_t tried;
	bool stop;
};

/* Looks for a moment in which a file can be written */
static int hammer_process(void *arg)
{
	struct hammer *h = arg;
	int file = 0, fd;

	while (!__atomic_load_n(&h->stop, __ATOMIC_ACQUIRE)) {
		fd = flow_open(h->flow, file - 1, O_RDWR);
		if (fd >= 0)
			fail("file %d was not sealed for a moment", file - 1);
		check_eq(errno, ETXTBSY);
		file = (file + 1) % 6;
		__atomic_add_fetch(&h->tried, 1, __ATOMIC_RELEASE);
	}
	return 0;
}

static void hands_over_without_a_gap(void)
{
	struct hammer *h = shared(sizeof(*h));
	struct locker *holder, *next;
	uint64_t tried;
	pid_t pid;
	int fds[2], i;

	flow_make(&flow, "flow", &discrete);
	h->flow = &flow;
	fds[0] = attach(&flow);
	fds[1] = attach(&flow);
	holder = locker_start(fds[0], LONG_NS);
	check_eq(locker_result(holder), 0);
	pid = spawn(hammer_process, h);
	for (i = 1; i <= 20; i++) {
		next = locker_start(fds[i % 2], LONG_NS);
		wait_for_lockers(fds[0], 1);
		tried = __atomic_load_n(&h->tried, __ATOMIC_ACQUIRE);
		locker_leave(holder);
		check_eq(locker_result(next), 0);
		eventually(__atomic_load_n(&h->tried, __ATOMIC_ACQUIRE) > tried + 6);
		holder = next;
	}
	__atomic_store_n(&h->stop, true, __ATOMIC_RELEASE);
	reap_ok(pid);
	locker_leave(holder);
	is_open_to_all(&flow);
}

static void ends_with_the_flow(void)
{
	struct locker *l;
	int a, b;

	flow_make(&flow, "flow", &discrete);
	a = attach(&flow);
	b = attach(&flow);
	lock(a);
	l = locker_start(b, LONG_NS);
	wait_for_lockers(a, 1);
	flow_delete(&flow);
	check_eq(locker_result(l), ENODEV);
	check_eq(l->arg.epoch, POISON64);
	locker_leave(l);
	/* the holder keeps what it has and can give it back */
	unlock(a);
}

static void ignore(int sig)
{
	(void)sig;
}

static int lock_with_signals(void *arg)
{
	struct locker *l = arg;
	struct sigaction sa = { .sa_handler = ignore, .sa_flags = l->leave ? SA_RESTART : 0 };

	sigaction(SIGUSR1, &sa, NULL);
	__atomic_store_n(&l->leave, true, __ATOMIC_RELEASE);
	l->result = ioctl(l->fd, MXL_IOC_LOCK, &l->arg) ? errno : 0;
	__atomic_store_n(&l->returned, true, __ATOMIC_RELEASE);
	return 0;
}

static void is_interrupted(void)
{
	struct locker *l = shared(sizeof(*l));
	int a, b;

	flow_make(&flow, "flow", &discrete);
	a = attach(&flow);
	b = attach(&flow);
	lock(a);
	l->fd = b;
	l->arg = make_lock(LONG_NS);
	l->pid = spawn(lock_with_signals, l);
	wait_for_lockers(a, 1);
	must(kill(l->pid, SIGUSR1));
	reap_ok(l->pid);
	check_eq(l->result, EINTR);
	check_eq(get_state(a).lockers, 0);
	unlock(a);
	is_open_to_all(&flow);
}

static void is_restarted(void)
{
	struct locker *l = shared(sizeof(*l));
	int a, b, i;

	flow_make(&flow, "flow", &discrete);
	a = attach(&flow);
	b = attach(&flow);
	lock(a);
	l->fd = b;
	l->arg = make_lock(LONG_NS);
	l->leave = true;
	l->pid = spawn(lock_with_signals, l);
	for (i = 0; i < 5; i++) {
		wait_for_lockers(a, 1);
		eventually(is_in_state(l->pid, "S"));
		must(kill(l->pid, SIGUSR1));
	}
	wait_for_lockers(a, 1);
	check(!l->returned);
	unlock(a);
	reap_ok(l->pid);
	check_eq(l->result, 0);
	check(l->arg.timeout_ns < LONG_NS);
}

static void leaves_the_queue_when_killed(void)
{
	struct locker *l;
	int a, b;

	flow_make(&flow, "flow", &discrete);
	a = attach(&flow);
	b = attach(&flow);
	lock(a);
	l = locker_start(b, LONG_NS);
	wait_for_lockers(a, 1);
	kill_and_reap(l->pid);
	check_eq(get_state(a).lockers, 0);
	unlock(a);
	is_open_to_all(&flow);
	check(!is_locked(b));
}

/* ---- life -------------------------------------------------------------------------------- */

static void ends_with_the_descriptor(void)
{
	int a, b;

	flow_make(&flow, "flow", &discrete);
	a = attach(&flow);
	b = attach(&flow);
	lock(a);
	must(close(a));
	eventually(!is_locked(b));
	is_open_to_all(&flow);
	must(try_lock(b, 0));
}

static int just_wait(void *arg)
{
	(void)arg;
	return pause();
}

static void child_does_not_keep_it(void)
{
	pid_t child;
	int a, b;

	flow_make(&flow, "flow", &discrete);
	a = attach(&flow);
	b = attach(&flow);
	lock(a);
	child = spawn(just_wait, NULL);
	must(close(a));
	eventually(!is_locked(b));
	check_eq(get_state(b).attachments, 2);
	is_open_to_all(&flow);
	must(try_lock(b, 0));
	kill_and_reap(child);
	eventually(get_state(b).attachments == 1);
	check(is_locked(b));
}

static int close_and_end(void *arg)
{
	close(*(int *)arg);
	return 0;
}

static void child_does_not_end_it(void)
{
	int a, b;

	flow_make(&flow, "flow", &discrete);
	a = attach(&flow);
	b = attach(&flow);
	lock(a);
	reap_ok(spawn(close_and_end, &a));
	kill_and_reap(spawn(just_wait, NULL));
	check(is_locked(b));
	is_sealed(&flow, DATA);
}

static void writable_mapping_keeps_it(void)
{
	struct mxl_lock arg = make_lock(0);
	struct writer w;
	int b;

	flow_make(&flow, "flow", &discrete);
	b = attach(&flow);
	writer_open(&w, &flow);
	must(close(w.fd));
	check(is_locked(b));
	is_sealed(&flow, DATA);
	refused(b, MXL_IOC_LOCK, &arg, EBUSY);
	publish(&w, 3, 8, 0);
	check_eq(get_state(b).head, 3);
	/* to the last of them */
	must(munmap(w.hdr, MXL_FLOW_HEADER_SIZE));
	check(is_locked(b));
	must(munmap(w.payload[0], flow.payload_size));
	must(munmap(w.payload[1], flow.payload_size));
	must(munmap(w.payload[2], flow.payload_size));
	must(munmap(w.payload[3], flow.payload_size));
	check(is_locked(b));
	/* and to the last page of it */
	must(munmap(w.payload[4], flow.payload_size - 4096));
	check(is_locked(b));
	is_sealed(&flow, 4);
	must(munmap(w.payload[4] + flow.payload_size - 4096, 4096));
	check(!is_locked(b));
	is_open_to_all(&flow);
}

static void read_only_mapping_does_not_keep_it(void)
{
	void *map;
	int a, b;

	flow_make(&flow, "flow", &discrete);
	a = attach(&flow);
	b = attach(&flow);
	lock(a);
	map = must(map_region(a, MXL_OFFSET_DATA, 4096, PROT_READ));
	must(close(a));
	eventually(!is_locked(b));
	check_eq(get_state(b).attachments, 2);
	must(munmap(map, 4096));
	eventually(get_state(b).attachments == 1);
}

static void unlock_wants_mappings_gone(void)
{
	struct mxl_unlock arg = make_unlock();
	struct writer w;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	refused(w.fd, MXL_IOC_UNLOCK, &arg, EBUSY);
	writer_unmap(&w);
	must(ioctl(w.fd, MXL_IOC_UNLOCK, &arg));
	is_open_to_all(&flow);
	/* and again from the start */
	lock(w.fd);
	writer_map(&w);
	refused(w.fd, MXL_IOC_UNLOCK, &arg, EBUSY);
}

static void making_it_read_only_is_not_enough(void)
{
	struct mxl_unlock arg = make_unlock();
	struct writer w;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	writer_unmap(&w);
	w.hdr = must(map_region(w.fd, MXL_OFFSET_DATA, 4096, PROT_READ | PROT_WRITE));
	must(mprotect(w.hdr, 4096, PROT_READ));
	/* it can be made writable again */
	refused(w.fd, MXL_IOC_UNLOCK, &arg, EBUSY);
	must(mprotect(w.hdr, 4096, PROT_READ | PROT_WRITE));
	w.hdr->last_write_time = 1;
	must(munmap(w.hdr, 4096));
	unlock(w.fd);
}

static int write_and_wait(void *arg)
{
	struct writer w;

	writer_open(&w, &flow);
	publish(&w, 9, 8, 0);
	__atomic_store_n((bool *)arg, true, __ATOMIC_RELEASE);
	return pause();
}

static void ends_with_the_process(void)
{
	bool *ready = shared(sizeof(*ready));
	pid_t pid;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	pid = spawn(write_and_wait, ready);
	eventually(__atomic_load_n(ready, __ATOMIC_ACQUIRE));
	check(is_locked(fd));
	check_eq(get_state(fd).writer_pid, pid);
	check(!(get_state(fd).flags & MXL_STATE_MINE));
	kill_and_reap(pid);
	eventually(!is_locked(fd));
	check_eq(get_state(fd).writer_pid, 0);
	check_eq(get_state(fd).head, 9);
	is_open_to_all(&flow);
	must(try_lock(fd, 0));
	check(get_state(fd).flags & MXL_STATE_MINE);
	check_eq(get_state(fd).writer_pid, getpid());
}

static void goes_to_the_next_when_the_process_dies(void)
{
	bool *ready = shared(sizeof(*ready));
	struct locker *l;
	pid_t pid;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	pid = spawn(write_and_wait, ready);
	eventually(__atomic_load_n(ready, __ATOMIC_ACQUIRE));
	l = locker_start(fd, LONG_NS);
	wait_for_lockers(fd, 1);
	kill_and_reap(pid);
	check_eq(locker_result(l), 0);
	check_eq(l->arg.head, 9);
	check_eq(get_state(fd).writer_pid, l->pid);
	locker_leave(l);
}

static void stopped_holder_keeps_it(void)
{
	bool *ready = shared(sizeof(*ready));
	pid_t pid;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	pid = spawn(write_and_wait, ready);
	eventually(__atomic_load_n(ready, __ATOMIC_ACQUIRE));
	must(kill(pid, SIGSTOP));
	eventually(is_in_state(pid, "T"));
	check(is_locked(fd));
	must_fail(try_lock(fd, SHORT_NS), ETIMEDOUT);
	is_sealed(&flow, DATA);
	kill_and_reap(pid);
	eventually(!is_locked(fd));
}

static int lock_and_exec(void *arg)
{
	struct writer w;

	(void)arg;
	writer_open(&w, &flow);
	execl("/bin/busybox", "sleep", "1000", (char *)NULL);
	return 1;
}

static void ends_with_exec(void)
{
	pid_t pid;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	pid = spawn(lock_and_exec, NULL);
	eventually(get_state(fd).epoch == 1);
	eventually(!is_locked(fd));
	is_open_to_all(&flow);
	eventually(get_state(fd).attachments == 1);
	kill_and_reap(pid);
}

static int receive_and_try(void *arg)
{
	int fd = receive_fd(*(int *)arg), ret;

	must_fail(map_region(fd, MXL_OFFSET_DATA, 4096, PROT_READ | PROT_WRITE), EPERM);
	check(get_state(fd).flags & MXL_STATE_MINE);
	ret = try_lock(fd, 0) ? errno : 0;
	close(fd);
	return ret == EALREADY ? 0 : 1;
}

static void passing_the_descriptor_passes_no_right(void)
{
	int fd, sock[2];
	pid_t pid;

	flow_make(&flow, "flow", &discrete);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pid = spawn(receive_and_try, &sock[1]);
	fd = attach(&flow);
	lock(fd);
	send_fd(sock[0], fd);
	reap_ok(pid);
	check(is_locked(fd));
	is_sealed(&flow, 1);
}

static void in_flight_descriptor_does_not_keep_it(void)
{
	int a, b, sock[2];

	flow_make(&flow, "flow", &discrete);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	a = attach(&flow);
	b = attach(&flow);
	lock(a);
	send_fd(sock[0], a);
	must(close(a));
	eventually(!is_locked(b));
	check_eq(get_state(b).attachments, 2);
	must(close(sock[0]));
	must(close(sock[1]));
	eventually(get_state(b).attachments == 1);
}

struct hidden {
	int fd;
	int pid;
};

static int look_at_pid(void *arg)
{
	struct hidden *h = arg;

	h->pid = get_state(h->fd).writer_pid;
	return 0;
}

static int look_from_namespace(void *arg)
{
	must(unshare(CLONE_NEWPID));
	reap_ok(spawn(look_at_pid, arg));
	return 0;
}

static void writer_pid_is_the_readers_view(void)
{
	struct hidden *h = shared(sizeof(*h));

	flow_make(&flow, "flow", &discrete);
	h->fd = attach(&flow);
	lock(h->fd);
	h->pid = -1;
	reap_ok(spawn(look_at_pid, h));
	check_eq(h->pid, getpid());
	h->pid = -1;
	reap_ok(spawn(look_from_namespace, h));
	check_eq(h->pid, 0);
}

static const struct test tests[] = {
	TEST(seals_every_file),
	TEST(seals_samples),
	TEST(seals_against_users_and_owners),
	TEST(leaves_other_files_alone),
	TEST(readers_go_on),
	TEST(seals_through_every_mount),
	TEST(tells_epoch_generation_and_head),
	TEST(one_at_a_time),
	TEST(not_twice),
	TEST(two_threads_of_one_attachment),
	TEST(unlock_is_the_holders),
	TEST(open_for_writing_is_text_busy),
	TEST(wants_to_write_every_file),
	TEST(read_only_mount_does_not_lock),
	TEST(dead_flow_is_not_locked),
	TEST(truncated_file_is_refused),
	TEST(follows_pages_that_were_replaced),
	TEST(times_out),
	TEST(times_out_waiting_for_an_outsider),
	TEST(waits_for_the_holder),
	TEST(writes_back_what_remains),
	TEST(gets_it_when_an_outsider_leaves),
	TEST(is_served_in_order),
	TEST(hands_over_without_a_gap),
	TEST(ends_with_the_flow),
	TEST(is_interrupted),
	TEST(is_restarted),
	TEST(leaves_the_queue_when_killed),
	TEST(ends_with_the_descriptor),
	TEST(child_does_not_keep_it),
	TEST(child_does_not_end_it),
	TEST(writable_mapping_keeps_it),
	TEST(read_only_mapping_does_not_keep_it),
	TEST(unlock_wants_mappings_gone),
	TEST(making_it_read_only_is_not_enough),
	TEST(ends_with_the_process),
	TEST(goes_to_the_next_when_the_process_dies),
	TEST(stopped_holder_keeps_it),
	TEST(ends_with_exec),
	TEST(passing_the_descriptor_passes_no_right),
	TEST(in_flight_descriptor_does_not_keep_it),
	TEST(writer_pid_is_the_readers_view),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

// SPDX-License-Identifier: Apache-2.0
/*
 * 32-bit programs on a 64-bit kernel. The structures are the same for both, so what is to be seen
 * is that the calls come through at all. This program enters the kernel by the old gate, which is
 * that of 32-bit programs whoever uses it.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include "flow.h"

#if defined(__x86_64__)

#define NR32_GETPID 20
#define NR32_IOCTL 54

static long gate32(long nr, unsigned long a, unsigned long b, unsigned long c)
{
	long ret;

	/* The kernel clears these on the way back */
	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c)
			 : "r8", "r9", "r10", "r11", "memory");
	return ret;
}

static int knocks(void *arg)
{
	(void)arg;
	return gate32(NR32_GETPID, 0, 0, 0) == getpid() ? 0 : 1;
}

/* Where there is no gate the processor has an exception for who tries */
static void needs_gate(void)
{
	int status = reap(spawn(knocks, NULL));

	if (!WIFEXITED(status) || WEXITSTATUS(status))
		skip("the kernel runs no 32-bit programs");
}

#else

static long gate32(long nr, unsigned long a, unsigned long b, unsigned long c)
{
	(void)nr, (void)a, (void)b, (void)c;
	return -ENOSYS;
}

#define NR32_IOCTL 0

static void needs_gate(void)
{
	skip("the gate of 32-bit programs is known for x86 only");
}

#endif

static int ioctl32(int fd, unsigned long cmd, void *arg)
{
	long ret = gate32(NR32_IOCTL, (unsigned long)fd, cmd, (unsigned long)arg);

	if (ret >= 0)
		return (int)ret;
	errno = (int)-ret;
	return -1;
}

/* Memory that 32 bits can name */
static void *low(size_t size)
{
#ifdef MAP_32BIT
	return must(mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0));
#else
	return must(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
#endif
}

static struct flow flow;
static struct writer w;

static void info_is_the_same(void)
{
	struct mxl_info *arg = low(sizeof(*arg)), info = make_info();
	int fd = open_device();

	needs_gate();
	must(ioctl(fd, MXL_IOC_INFO, &info));
	*arg = make_info();
	must(ioctl32(fd, MXL_IOC_INFO, arg));
	check(memcmp(arg, &info, sizeof(info)) == 0);
}

struct low_attach {
	struct mxl_attach arg;
	int fds[MAX_PAYLOADS];
};

static int attach32(const struct flow *f)
{
	struct low_attach *l = low(sizeof(*l));
	int data, fd = open_device();
	uint32_t i;

	data = must(flow_open(f, DATA, O_RDONLY));
	for (i = 0; i < f->nr_payloads; i++)
		l->fds[i] = must(flow_open(f, (int)i, O_RDONLY));
	l->arg = make_attach(data, 0, l->fds, f->nr_payloads);
	must(ioctl32(fd, MXL_IOC_ATTACH, &l->arg));
	check_eq(l->arg.missing, 0);
	check_eq(l->arg.payload_size, f->payload_size);
	return fd;
}

static void every_call_comes_through(void)
{
	struct mxl_wait_item *items = low(2 * sizeof(*items));
	struct mxl_wait_many *many = low(sizeof(*many));
	struct mxl_commit *commit_arg = low(sizeof(*commit_arg));
	struct mxl_unlock *unlock_arg = low(sizeof(*unlock_arg));
	struct mxl_state *state = low(sizeof(*state));
	struct mxl_wait *wait_arg = low(sizeof(*wait_arg));
	struct mxl_lock *lock_arg = low(sizeof(*lock_arg));
	struct mxl_arm *arm = low(sizeof(*arm));

	needs_gate();
	flow_make(&flow, "flow", &discrete);
	w.flow = &flow;
	w.fd = attach32(&flow);
	*lock_arg = make_lock(LONG_NS);
	must(ioctl32(w.fd, MXL_IOC_LOCK, lock_arg));
	check_eq(lock_arg->epoch, 1);
	writer_map(&w);

	/* An index is 64 bits wide */
	*wait_arg = make_wait(0x100000007ULL, 1, NSEC_PER_MSEC);
	must_fail(ioctl32(w.fd, MXL_IOC_WAIT, wait_arg), ETIMEDOUT);
	*arm = make_arm(MXL_EVENT_DATA, 0x100000007ULL, 1);
	must(ioctl32(w.fd, MXL_IOC_ARM, arm));
	check_eq(arm->fired, 0);
	publish(&w, 0x100000007ULL, 8, 0);
	*commit_arg = make_commit(0);
	must(ioctl32(w.fd, MXL_IOC_COMMIT, commit_arg));
	check_eq(commit_arg->woken, 1);
	must(ioctl32(w.fd, MXL_IOC_WAIT, wait_arg));
	check_eq(wait_arg->head, 0x100000007ULL);

	items[0] = make_item(w.fd, 0x100000007ULL, 1);
	items[1] = make_item(w.fd, 0x100000008ULL, 1);
	*many = make_many(items, 2, 0);
	must_fail(ioctl32(w.fd, MXL_IOC_WAIT_MANY, many), ETIMEDOUT);
	check_eq(items[0].result, 0);
	check_eq(items[1].result, EINPROGRESS);
	*state = make_state();
	must(ioctl32(w.fd, MXL_IOC_STATE, state));
	check_eq(state->head, 0x100000007ULL);
	check_eq(state->writer_pid, getpid());

	writer_unmap(&w);
	*unlock_arg = make_unlock();
	must(ioctl32(w.fd, MXL_IOC_UNLOCK, unlock_arg));
}

static void refusals_are_the_same(void)
{
	struct mxl_wait *wait_arg = low(sizeof(*wait_arg));
	int fd;

	needs_gate();
	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	must_fail(ioctl32(fd, MXL_IOC_STATE, NULL), EFAULT);
	must_fail(ioctl32(fd, MXL_IOC_STATE + 1, wait_arg), ENOTTY);
	*wait_arg = make_wait(1, 1, 0);
	wait_arg->size = 8;
	must_fail(ioctl32(fd, MXL_IOC_WAIT, wait_arg), EINVAL);
	*wait_arg = make_wait(1, 1, 0);
	wait_arg->flags = 1U << 31;
	must_fail(ioctl32(fd, MXL_IOC_WAIT, wait_arg), EOPNOTSUPP);
}

/* The kernel makes the call again by the same gate */
static void is_restarted(void)
{
	struct mxl_wait *arg = low(sizeof(*arg));
	struct sigaction action = { .sa_handler = SIG_IGN };
	pid_t pid;

	needs_gate();
	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	*arg = make_wait(5, 1, LONG_NS);
	pid = must(fork());
	if (!pid) {
		must(sigaction(SIGCONT, &action, NULL));
		must(ioctl32(w.fd, MXL_IOC_WAIT, arg));
		_exit(0);
	}
	wait_for_waiters(w.fd, 1);
	must(kill(pid, SIGSTOP));
	eventually(is_in_state(pid, "T"));
	must(kill(pid, SIGCONT));
	eventually(is_in_state(pid, "S"));
	wait_for_waiters(w.fd, 1);
	publish(&w, 5, 8, 0);
	check_eq(commit(&w), 1);
	reap_ok(pid);
}

static const struct test tests[] = {
	TEST(info_is_the_same),
	TEST(every_call_comes_through),
	TEST(refusals_are_the_same),
	TEST(is_restarted),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

// SPDX-License-Identifier: Apache-2.0
/* Processes, gates between them, clocks and the counting of system calls. */
#include <errno.h>
#include <linux/futex.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

/* No kernel has it: fails with ENOSYS, and nobody else calls it. */
#define MARK_SYSCALL 0x6d786cL
#define GATE_PATIENCE_S 60

void bench_fail(const char *fmt, ...)
{
	va_list args;

	fputs("bench: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(1);
}

static long futex(_Atomic uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

void bench_gate_pass(struct bench_gate *gate, uint32_t processes)
{
	const struct timespec patience = { .tv_sec = GATE_PATIENCE_S };
	uint32_t mine = atomic_fetch_add(&gate->arrived, 1) + 1;
	uint32_t target = (mine + processes - 1) / processes * processes;
	uint32_t seen;

	if (mine == target) {
		futex(&gate->arrived, FUTEX_WAKE, INT32_MAX, NULL);
		return;
	}
	while ((seen = atomic_load(&gate->arrived)) < target) {
		if (futex(&gate->arrived, FUTEX_WAIT, seen, &patience) < 0 && errno == ETIMEDOUT)
			bench_fail("a process of the measurement is missing");
	}
}

void *bench_shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bench_fail("no memory for %zu shared bytes", size);
	return p;
}

pid_t bench_role(void (*role)(void *arg), void *arg)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid < 0)
		bench_fail("cannot fork: %s", strerror(errno));
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	role(arg);
	_exit(0);
}

void bench_join(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			bench_fail("cannot wait for a process: %s", strerror(errno));
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		bench_fail("a process of the measurement failed");
}

uint64_t bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

double bench_cpu_seconds(int who)
{
	struct rusage use;

	getrusage(who, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts @values. */
double bench_percentile(double *values, size_t count, unsigned int percent)
{
	if (!count)
		return NAN;
	qsort(values, count, sizeof(*values), compare_double);
	return values[(count - 1) * percent / 100];
}

/* Tells the tracing process that counting begins or ends. */
void bench_mark(void)
{
	syscall(MARK_SYSCALL);
}

/* Counts system calls entered between the first and the second mark. */
static bool trace(pid_t pid, uint64_t *ret_count)
{
	struct __ptrace_syscall_info info;
	uint64_t count = 0;
	int marks = 0, status, signal = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)signal) < 0 ||
		    waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
			break;
		signal = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
		if (signal ||
		    ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <= 0 ||
		    info.op != PTRACE_SYSCALL_INFO_ENTRY)
			continue;
		if ((long)info.entry.nr == MARK_SYSCALL)
			marks++;
		else if (marks == 1)
			count++;
	}
	*ret_count = count;
	return marks == 2 && WIFEXITED(status) && !WEXITSTATUS(status);
}

/**
 * bench_count_syscalls() - count what one thread asks of the kernel
 * @body: runs in a process of its own, and calls bench_mark() before and after what counts
 * @arg: for @body
 * @ret_count: the number of system calls
 *
 * Return: false if it could not be counted; some containers forbid ptrace.
 */
bool bench_count_syscalls(void (*body)(void *arg), void *arg, uint64_t *ret_count)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return false;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(1);
		raise(SIGSTOP);
		body(arg);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
		return false;
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL,
		   (void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return false;
	}
	return trace(pid, ret_count);
}

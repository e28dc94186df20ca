// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <regex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "uapi.h"

/* What a test may take before it counts as hung, and a condition before it counts as false */
#define TEST_SECONDS 200
#define PATIENCE_NS (30 * NSEC_PER_SEC)

#define EXIT_SKIP 77

/*
 * What no clean run leaves in the kernel's log. Data races are left to the one who looks at the
 * whole of it: the kernel has some of its own.
 */
#define ALARM                                                                           \
	"BUG: |WARNING: |Oops|KASAN: |UBSAN: |ODEBUG: |possible .* detected|"           \
	"unreferenced object|general protection|sleeping function called|refcount_t: |" \
	"INFO: task .* blocked|rcu.*stall|lock held when returning|held lock freed"

static struct {
	char dir[64];
	char reason[200];
} * current;

static int kmsg_in = -1, kmsg_out = -1;
static regex_t alarm_re;

/* ---- what a test says -------------------------------------------------------------------- */

void fail_at(const char *file, int line, const char *format, ...)
{
	const char *name = strrchr(file, '/');
	char text[500];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	printf("# %s:%d: %s\n", name ? name + 1 : file, line, text);
	fflush(stdout);
	_exit(1);
}

void skip(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(current->reason, sizeof(current->reason), format, ap);
	va_end(ap);
	_exit(EXIT_SKIP);
}

const char *test_dir(void)
{
	return current->dir;
}

/* ---- waiting for something to become true ------------------------------------------------ */

uint64_t now_ns(int clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

bool patience(uint64_t *since)
{
	struct timespec pause = { 0, 500000 };
	uint64_t now = now_ns(CLOCK_MONOTONIC);

	if (!*since)
		*since = now;
	if (now - *since > PATIENCE_NS)
		return false;
	nanosleep(&pause, NULL);
	return true;
}

/* ---- processes --------------------------------------------------------------------------- */

void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	check(p != MAP_FAILED);
	return p;
}

pid_t spawn(int (*fn)(void *arg), void *arg)
{
	pid_t pid;

	fflush(stdout);
	pid = must(fork());
	if (!pid) {
		int ret = fn(arg);

		fflush(stdout);
		_exit(ret);
	}
	return pid;
}

int reap(pid_t pid)
{
	int status;
	pid_t got = 0;

	eventually((got = waitpid(pid, &status, WNOHANG)) != 0);
	check_eq(got, pid);
	return status;
}

void kill_and_reap(pid_t pid)
{
	check(kill(pid, SIGKILL) == 0);
	check_eq(reap(pid), SIGKILL);
}

bool is_in_state(pid_t pid, const char *states)
{
	char path[64], text[512], *state;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (!read_text(path, text, sizeof(text)))
		return false;
	state = strrchr(text, ')');
	return state && state[1] && state[2] && strchr(states, state[2]);
}

void become(uid_t uid)
{
	must(setgroups(0, NULL));
	must(setresgid(uid, uid, uid));
	must(setresuid(uid, uid, uid));
	/* Forgotten with the user; failures of this process are still worth a look */
	must(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

struct user_call {
	uid_t uid;
	int (*fn)(void *arg);
	void *arg;
};

static int user_process(void *arg)
{
	struct user_call *call = arg;

	become(call->uid);
	return call->fn(call->arg);
}

int as_user(uid_t uid, int (*fn)(void *arg), void *arg)
{
	struct user_call call = { uid, fn, arg };
	int status = reap(spawn(user_process, &call));

	check(WIFEXITED(status));
	return WEXITSTATUS(status);
}

union fd_message {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

void send_fd(int sock, int fd)
{
	union fd_message control = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	check_eq(sendmsg(sock, &msg, 0), 1);
}

int receive_fd(int sock)
{
	union fd_message control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	check_eq(recvmsg(sock, &msg, 0), 1);
	check_eq(control.header.cmsg_type, SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

/* ---- files ------------------------------------------------------------------------------- */

bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	if (n < 0)
		return false;
	text[n] = '\0';
	return true;
}

bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text);
}

bool is_slow_kernel(void)
{
	return !access("/sys/kernel/debug/kmemleak", F_OK) ||
	       !access("/sys/kernel/debug/failslab", F_OK) ||
	       !access("/sys/kernel/debug/kcsan", F_OK);
}

/* ---- runner ------------------------------------------------------------------------------ */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

/* From the mark of this test on */
static void open_log(const char *name)
{
	dprintf(kmsg_out, "uapi: %s\n", name);
	if (kmsg_in >= 0)
		lseek(kmsg_in, 0, SEEK_END);
}

static bool is_log_clean(void)
{
	char record[8192];
	bool clean = true;
	ssize_t n;

	if (kmsg_in < 0)
		return true;
	for (;;) {
		n = read(kmsg_in, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			return clean;
		record[n] = '\0';
		if (!strstr(record, "KCSAN") && regexec(&alarm_re, record, 0, NULL, 0) == 0) {
			printf("# kernel log: %s", record);
			clean = false;
		}
	}
}

static bool is_module_unused(void)
{
	char text[32];

	return read_text("/sys/module/mxl/refcnt", text, sizeof(text)) && atoi(text) == 0;
}

/* Waits for the test and ends it when it hangs; false if it did not pass */
static bool wait_for_test(pid_t pid, bool *ret_skipped)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + TEST_SECONDS * NSEC_PER_SEC;
	struct timespec pause = { 0, 1000000 };
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ns(CLOCK_MONOTONIC) > end) {
			printf("# hung\n");
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			return false;
		}
		nanosleep(&pause, NULL);
	}
	if (WIFSIGNALED(status))
		printf("# killed by signal %d\n", WTERMSIG(status));
	*ret_skipped = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP;
	return *ret_skipped || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Ends what the test has left behind; orphans are this process's children */
static bool clean_up(pid_t group)
{
	uint64_t since = 0;
	bool clean = true;

	kill(-group, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	/* The last reference to an open file may be dropped a moment after its process is gone */
	while (clean && !is_module_unused())
		clean = patience(&since);
	if (!clean)
		printf("# the module is still in use\n");
	nftw(current->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return clean;
}

static bool run_test(const struct test *test, bool *ret_skipped)
{
	bool passed;
	pid_t pid;

	*ret_skipped = false;
	strcpy(current->dir, "/dev/shm/uapi-XXXXXX");
	if (!mkdtemp(current->dir) || chmod(current->dir, 0755)) {
		printf("# %s: %m\n", current->dir);
		return false;
	}
	open_log(test->name);
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return false;
	if (!pid) {
		setpgid(0, 0);
		test->run();
		fflush(stdout);
		_exit(0);
	}
	setpgid(pid, pid);
	passed = wait_for_test(pid, ret_skipped);
	passed &= clean_up(pid);
	passed &= is_log_clean();
	return passed;
}

static bool set_up(void)
{
	current = shared(sizeof(*current));
	if (access("/dev/mxl", F_OK)) {
		printf("1..0 # SKIP there is no /dev/mxl\n");
		return false;
	}
	if (geteuid() != 0) {
		printf("1..0 # SKIP root only\n");
		return false;
	}
	/* What users may do is to depend on the flow's files, not on the device */
	chmod("/dev/mxl", 0666);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	kmsg_in = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	kmsg_out = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	return regcomp(&alarm_re, ALARM, REG_EXTENDED | REG_NOSUB) == 0;
}

int run_tests(const struct test *tests, size_t n)
{
	size_t i, failed = 0;
	bool passed, skipped;

	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	if (!set_up())
		return 0;
	printf("1..%zu\n", n);
	for (i = 0; i < n; i++) {
		passed = run_test(&tests[i], &skipped);
		printf("%sok %zu - %s", passed ? "" : "not ", i + 1, tests[i].name);
		if (passed && skipped)
			printf(" # SKIP %s", current->reason);
		printf("\n");
		failed += !passed;
	}
	return failed != 0;
}

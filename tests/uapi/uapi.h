/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Harness of the tests that call /dev/mxl directly. They run as root in a guest that has nothing
 * but the module; the library is not involved.
 *
 * Each test is a process of its own in a process group of its own. When it has ended, whatever it
 * started is killed, the module must be without users again, and the kernel's log must not have
 * gained a complaint: otherwise the test has failed, whatever it said.
 */
#ifndef UAPI_H
#define UAPI_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <linux/mxl.h>
#include <linux/mxl_layout.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_SEC 1000000000ULL

/* Longer than anything takes, even in an emulated machine full of detectors */
#define LONG_NS (60 * NSEC_PER_SEC)
/* Longer than a process needs that only has to be scheduled there */
#define SHORT_NS (20 * NSEC_PER_MSEC)

struct test {
	const char *name;
	void (*run)(void);
};

#define TEST(fn)        \
	{               \
#fn, fn \
	}

/* Runs the tests one after the other and prints TAP; the exit status is for main() to return */
int run_tests(const struct test *tests, size_t n);

/* The directory on tmpfs that the current test has for itself; removed after it */
const char *test_dir(void);

/* ---- what a test says -------------------------------------------------------------------- */

void fail_at(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
void skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#define fail(...) fail_at(__FILE__, __LINE__, __VA_ARGS__)

#define check(condition)                                            \
	do {                                                        \
		if (!(condition))                                   \
			fail("not so: %s (errno: %m)", #condition); \
	} while (0)

#define check_eq(a, b)                                                                     \
	do {                                                                               \
		long long check_a = (long long)(a), check_b = (long long)(b);              \
		if (check_a != check_b)                                                    \
			fail("%s is %lld (%#llx), not %s, %lld", #a, check_a, check_a, #b, \
			     check_b);                                                     \
	} while (0)

/* A system call that has to succeed; its result */
#define must(call)                             \
	({                                     \
		__auto_type must_ret = (call); \
		if ((long)must_ret == -1)      \
			fail("%s: %m", #call); \
		must_ret;                      \
	})

/* A system call that has to fail with one errno */
#define must_fail(call, error)                                       \
	do {                                                         \
		if ((long)(call) != -1)                              \
			fail("%s succeeded, not %s", #call, #error); \
		if (errno != (error))                                \
			fail("%s: %m, not %s", #call, #error);       \
	} while (0)

/* ---- waiting for something to become true ------------------------------------------------ */

uint64_t now_ns(int clock);

/* Sleeps a little; false when the time that began with *since (0: now) is over */
bool patience(uint64_t *since);

#define eventually(condition)                                            \
	do {                                                             \
		uint64_t eventually_since = 0;                           \
		while (!(condition))                                     \
			if (!patience(&eventually_since))                \
				fail("never came true: %s", #condition); \
	} while (0)

/* ---- processes --------------------------------------------------------------------------- */

/* Memory that is shared with the processes forked later; zeroed, never freed */
void *shared(size_t size);

/* A process that ends with what @fn returns; failures in it make it end with 1 */
pid_t spawn(int (*fn)(void *arg), void *arg);

/* Waits for its end: status as of waitpid() */
int reap(pid_t pid);

/* ... which is to be: exit status 0 */
#define reap_ok(pid) check_eq(reap(pid), 0)

void kill_and_reap(pid_t pid);

/* The process is asleep or stopped, as /proc says */
bool is_in_state(pid_t pid, const char *states);

/* Becomes an ordinary user for good */
#define SOME_UID 1000
#define OTHER_UID 1001
void become(uid_t uid);

/* Runs @fn as such a user and returns what it returned, which fits in 7 bits */
int as_user(uid_t uid, int (*fn)(void *arg), void *arg);

void send_fd(int sock, int fd);
int receive_fd(int sock);

/* ---- files ------------------------------------------------------------------------------- */

bool read_text(const char *path, char *text, size_t size);
bool write_text(const char *path, const char *text);

/* Is there a detector in this kernel that makes everything slow? */
bool is_slow_kernel(void);

#endif

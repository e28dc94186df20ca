/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the public API share: a runner that leaves nothing behind, throw-away domains,
 * flow definitions, children and sleeping readers, and the raw files of a flow.
 *
 * The tests use the public headers only, so they run on any libmxl.so.1. What they know about files
 * comes from <linux/mxl_layout.h>.
 */
#ifndef MXL_TEST_HELPERS_H
#define MXL_TEST_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/mxl_layout.h>
#include <mxl/flow.h>
#include <mxl/flowinfo.h>
#include <mxl/mxl.h>
#include <mxl/time.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define MSEC 1000000ULL
#define SEC 1000000000ULL
/* Longer than anything that works takes, even on a loaded machine under a sanitizer. */
#define PLENTY (15 * SEC)
#define FOREVER UINT64_MAX

#define ID_A "5fbec3b1-1b0f-417d-9059-8b94a47197ed"
#define ID_B "b3bb5be7-9fe9-4324-a5bb-4c70e1084449"
#define ID_C "db3bd465-2772-484f-8fac-830b0471258b"
#define ID_NONE "00000000-1111-2222-3333-444444444444"

/* === The runner ============================================================================ */

/**
 * struct test_role - something a test program does when it runs itself as another process
 * @name: first argument after "--role"
 * @run: gets the arguments after the name; what it returns is the exit status
 */
struct test_role {
	const char *name;
	int (*run)(int argc, char **argv);
};

#define TEST(fn) static void fn(void **state __attribute__((unused)))

/**
 * test_main - run a group in a supervised child process
 * @argc: of main()
 * @argv: of main()
 * @tests: the group; the runner gives every test a fresh domain, and fails it when it leaves a
 *	descriptor, a mapping or a thread behind
 * @ntests: number of @tests
 * @roles: see child_exec(), may be NULL
 * @nroles: number of @roles
 *
 * Return: exit status for main().
 */
int test_main(int argc, char **argv, const struct CMUnitTest *tests, size_t ntests,
	      const struct test_role *roles, size_t nroles);

/* Ends the test as skipped; the reason becomes part of its line in the report. */
void skip_because(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Skips unless the program runs as root. */
void need_root(void);

/* Skips where a kernel module may keep a second writer out, which posix mode lets in. */
void need_posix_mode(void);

/* Gives the current test more, or less, than the default 20 seconds. */
void set_time_limit(unsigned int seconds);

/* Multiplies the time limits of slow surroundings: sanitizers, emulated machines. */
unsigned int slowness(void);

/* printf() into memory that lives until the end of the test. */
const char *text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* === Status ================================================================================ */

const char *status_name(mxlStatus status);
void assert_status_at(mxlStatus want, mxlStatus got, const char *what, const char *file, int line);

/* Ends the test, or the role, with a message that becomes a line of the report. */
void test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), noreturn));
#define fail_because(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)

#define assert_status(want, call) assert_status_at(want, call, #call, __FILE__, __LINE__)
#define assert_ok(call) assert_status(MXL_STATUS_OK, call)

/* Any error will do, but it must be one. */
#define assert_refused(call) assert_int_not_equal(MXL_STATUS_OK, call)

/**
 * wait_until - poll a condition, with a bound
 * @cond: expression
 *
 * Fails the test when @cond does not become true in PLENTY.
 */
#define wait_until(cond)                                                      \
	do {                                                                  \
		uint64_t wait_end_ = now_ns() + PLENTY * slowness();          \
                                                                              \
		while (!(cond)) {                                             \
			if (now_ns() > wait_end_)                             \
				fail_because("never became true: %s", #cond); \
			doze();                                               \
		}                                                             \
	} while (0)

/* CLOCK_MONOTONIC */
uint64_t now_ns(void);
/* One step of polling. */
void doze(void);

/* === Domains and files ===================================================================== */

/* The fresh domain of the current test. */
const char *domain(void);

/* A further fresh directory, removed with the test; @parent is NULL for /dev/shm. */
const char *new_directory(const char *parent);

/* Where a file of a flow is; @file NULL is the directory of the flow. */
const char *flow_path(const char *id, const char *file);
const char *grain_path(const char *id, unsigned int slot);

void write_file(const char *path, const char *content);
/* Zero-terminated, lives until the end of the test; @ret_size may be NULL. */
const char *read_file(const char *path, size_t *ret_size);
bool exists(const char *path);
mode_t mode_of(const char *path);
off_t size_of(const char *path);
/* Entries of a directory whose names contain @part. */
unsigned int count_entries(const char *dir, const char *part);
void remove_tree(const char *path);
/* One of the flow definitions in tests/api/data. */
const char *data_file(const char *name);

/*
 * Whether the writer of a live flow keeps everybody else from opening this file for writing, which
 * only the kernel can do for it.
 */
bool is_sealed(const char *path);
/* Skips a test that has to write into a file of a live flow. */
void need_unsealed(const char *path);

/* Maps a whole file until the end of the test: for reading, and, unless it is sealed, writing. */
void *map_file(const char *path, size_t *ret_size);
struct mxl_flow_header *map_header(const char *id);
struct mxl_grain_header *map_grain(const char *id, unsigned int slot);

/* === Instances and flows =================================================================== */

/* The instance of the current test's domain, made at first use, destroyed with the test. */
mxlInstance instance(void);
/* Another instance, destroyed with the test unless close_instance() does it earlier. */
mxlInstance open_instance(const char *dir);
void close_instance(mxlInstance inst);

/* Flow definitions. Lines of video are 128 bytes per 48 pixels. */
const char *video_def(const char *id, int width, int height, int num, int den);
const char *video_key_def(const char *id, int width, int height, int num, int den);
const char *interlaced_def(const char *id, int width, int height, int num, int den);
const char *anc_def(const char *id, int num, int den);
const char *audio_def(const char *id, int rate, int channels);
/* 96 pixels by 8 lines at 50 Hz: 10 grains of 8 slices of 256 bytes. */
const char *small_def(const char *id);
#define SMALL_GRAINS 10
#define SMALL_SLICES 8
#define SMALL_SIZE 2048
/* 48 kHz, two channels: 19456 samples per channel, half of them readable. */
const char *sound_def(const char *id);
#define SOUND_LENGTH 19456
#define SOUND_HALF (SOUND_LENGTH / 2)

/* Change the history of a domain, before an instance is made. */
void set_history(const char *dir, const char *nanoseconds);

mxlFlowWriter open_writer(mxlInstance inst, const char *def);
mxlFlowWriter open_writer_with(mxlInstance inst, const char *def, const char *options);
mxlFlowReader open_reader(mxlInstance inst, const char *id);
uint64_t head_of(mxlFlowReader reader);

/* The payload a grain of this index has in these tests. */
void fill_payload(uint8_t *payload, size_t size, uint64_t index);
bool payload_is(const uint8_t *payload, size_t size, uint64_t index);

/* Open, fill, and commit up to @slices; all of them with write_grain(). */
void write_slices(mxlFlowWriter writer, uint64_t index, uint16_t slices);
void write_grain(mxlFlowWriter writer, uint64_t index);
void write_invalid(mxlFlowWriter writer, uint64_t index);
/* Non-blocking read of a whole grain, checked against fill_payload(). */
void expect_grain(mxlFlowReader reader, uint64_t index);
void expect_invalid(mxlFlowReader reader, uint64_t index);
void expect_status(mxlFlowReader reader, uint64_t index, mxlStatus want);

/* Sample @index of @channel as these tests write it; never 0. */
float sample_value(uint64_t index, unsigned int channel);
/* The @count samples before @index. */
void write_samples(mxlFlowWriter writer, uint64_t index, size_t count);
void expect_samples(mxlFlowReader reader, uint64_t index, size_t count);
/* Whether all @count samples before @index of all channels are zero. */
bool is_silence(mxlFlowReader reader, uint64_t index, size_t count);

/* === The log =============================================================================== */

/* From here on what the library says on standard error is kept. */
void log_start(void);
/* Ends it; valid until the end of the test. */
const char *log_end(void);
#define assert_logged(log, part) assert_logged_at(log, part, __FILE__, __LINE__)
void assert_logged_at(const char *log, const char *part, const char *file, int line);
unsigned int count_lines_with(const char *log, const char *part);

/* === Sleeping readers ====================================================================== */

/**
 * struct waiter - a thread inside one blocking call
 * @status: what the call returned, once waiter_end() was called
 * @info: grain header it got
 * @payload: grain payload it got
 * @slice: samples it got
 * @took_ns: how long the call took
 * @ended_ns: when it ended
 */
struct waiter {
	mxlStatus status;
	mxlGrainInfo info;
	uint8_t *payload;
	mxlWrappedMultiBufferSlice slice;
	uint64_t took_ns;
	uint64_t ended_ns;
};

struct waiter *wait_for_grain(mxlFlowReader reader, uint64_t index, uint16_t slices,
			      uint64_t timeout);
struct waiter *wait_for_samples(mxlFlowReader reader, uint64_t index, size_t count,
				uint64_t timeout);
struct waiter *wait_for_group(mxlFlowSynchronizationGroup group, uint64_t timestamp,
			      uint64_t timeout);
/* Returns once the thread sleeps in the kernel inside its call. */
void waiter_asleep(struct waiter *w);
/* The same for any thread of this process. */
bool thread_asleep(int tid);
bool waiter_done(struct waiter *w);
/* How often it was put to sleep so far. */
unsigned long waiter_sleeps(struct waiter *w);
/* Waits, with a bound, for the call to return. */
mxlStatus waiter_end(struct waiter *w);

/* === Children ============================================================================== */

struct child;

/* Runs this program again in the given role, connected by pipes to its standard input and output. */
struct child *child_exec(const char *role, ...) __attribute__((sentinel));
pid_t child_pid(struct child *c);
/* Whether its main thread sleeps in a blocking call of the library. */
bool child_asleep(struct child *c);
bool process_asleep(pid_t pid);
void child_say(struct child *c, const char *line);
/* The next line without its end, "" at the end of output; bounded. */
const char *child_line(struct child *c);
/* The same line again. */
const char *child_last(struct child *c);
void child_expect(struct child *c, const char *line);
void child_kill(struct child *c);
/* Waits for the end; the exit status, or 128 + the signal. */
int child_end(struct child *c);

/* In the child: like an assertion, which must not be used outside of a test. */
#define role_check(cond)                                                                          \
	do {                                                                                      \
		if (!(cond)) {                                                                    \
			fprintf(stderr, "# %s:%d: role failed: %s\n", __FILE__, __LINE__, #cond); \
			_exit(100);                                                               \
		}                                                                                 \
	} while (0)
void role_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Waits for a line from the parent; ends the process when there is no parent any more. */
const char *role_hear(void);

/* A child that opens a writer, says "created" or "opened", and holds it until it is killed. */
struct child *start_holder(const char *dir, const char *def);
/* A flow whose writer was killed: its files are there, nobody holds it. */
void orphan_flow(const char *dir, const char *def);

#endif

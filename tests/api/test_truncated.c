// SPDX-License-Identifier: Apache-2.0
/*
 * Files that are truncated while they are mapped. Whoever touches them goes on, and learns from the
 * next answer that the flow is lost; other flows, and faults of the program's own, are not concerned.
 */
#include "helpers.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#define PAGE 4096

static mxlGrainInfo info;
static uint8_t *payload;
static mxlFlowRuntimeInfo runtime;

/* A second flow in the same domain, which stays what it is. */
static mxlFlowReader neighbour;

static void open_neighbour(void)
{
	write_grain(open_writer(instance(), small_def(ID_C)), 5);
	neighbour = open_reader(instance(), ID_C);
}

static mxlFlowReader reader_of_grain(uint64_t index)
{
	mxlFlowReader reader;

	open_neighbour();
	write_grain(open_writer(instance(), small_def(ID_A)), index);
	need_unsealed(grain_path(ID_A, 0));
	reader = open_reader(instance(), ID_A);
	assert_ok(mxlFlowReaderGetGrainNonBlocking(reader, index, &info, &payload));
	/*
	 * The writer's side has noted the read, and does not come back to the header after the test,
	 * when cmocka's handler is in charge.
	 */
	wait_until(mxlFlowReaderGetRuntimeInfo(reader, &runtime) == MXL_STATUS_OK &&
		   runtime.lastReadTime > runtime.lastWriteTime);
	return reader;
}

static bool is_zero(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (((const volatile uint8_t *)data)[i] != 0)
			return false;
	}
	return true;
}

/* Every question about the flow has one answer. */
static void lost_for_readers(mxlFlowReader reader)
{
	mxlFlowInfo all;
	mxlFlowConfigInfo config;
	uint64_t index;

	for (index = 0; index < 12; index++)
		expect_status(reader, index, MXL_ERR_FLOW_INVALID);
	assert_status(MXL_ERR_FLOW_INVALID,
		      mxlFlowReaderGetGrain(reader, 9, FOREVER, &info, &payload));
	assert_status(MXL_ERR_FLOW_INVALID, mxlFlowReaderGetRuntimeInfo(reader, &runtime));
	assert_status(MXL_ERR_FLOW_INVALID, mxlFlowReaderGetConfigInfo(reader, &config));
	assert_status(MXL_ERR_FLOW_INVALID, mxlFlowReaderGetInfo(reader, &all));
	expect_grain(neighbour, 5);
}

TEST(reader_of_a_truncated_grain)
{
	mxlFlowReader reader = reader_of_grain(5);
	const char *log;

	assert_int_equal(truncate(grain_path(ID_A, 5), 0), 0);
	log_start();
	assert_true(is_zero(payload, info.grainSize));
	log = log_end();
	assert_logged(log, ID_A);
	assert_int_equal(count_lines_with(log, "truncated"), 1);
	lost_for_readers(reader);
}

/* The header is in a page that is still there. */
TEST(reader_of_half_a_grain)
{
	mxlFlowReader reader;

	open_neighbour();
	write_grain(open_writer(instance(), video_def(ID_A, 480, 270, 50, 1)), 5);
	need_unsealed(grain_path(ID_A, 5));
	reader = open_reader(instance(), ID_A);
	assert_ok(mxlFlowReaderGetGrainNonBlocking(reader, 5, &info, &payload));
	assert_int_equal(truncate(grain_path(ID_A, 5), MXL_GRAIN_PAYLOAD_OFFSET + 2 * PAGE), 0);
	assert_true(payload_is(payload, PAGE, 5));
	log_start();
	assert_true(is_zero(payload + 2 * PAGE, info.grainSize - 2 * PAGE));
	log_end();
	/* what was there is still there, under the same pointer */
	assert_true(payload_is(payload, PAGE, 5));
	lost_for_readers(reader);
}

TEST(reader_that_only_asks)
{
	mxlFlowReader reader = reader_of_grain(5);

	assert_int_equal(truncate(grain_path(ID_A, 5), 0), 0);
	log_start();
	expect_status(reader, 5, MXL_ERR_FLOW_INVALID);
	log_end();
	lost_for_readers(reader);
}

TEST(reader_of_a_truncated_header)
{
	mxlFlowReader reader = reader_of_grain(5);

	assert_int_equal(truncate(flow_path(ID_A, "data"), 0), 0);
	log_start();
	assert_status(MXL_ERR_FLOW_INVALID, mxlFlowReaderGetRuntimeInfo(reader, &runtime));
	log_end();
	lost_for_readers(reader);
}

TEST(reader_that_sleeps)
{
	mxlFlowReader reader = reader_of_grain(5);
	struct waiter *w = wait_for_grain(reader, 6, SMALL_SLICES, FOREVER);

	waiter_asleep(w);
	log_start();
	assert_int_equal(truncate(flow_path(ID_A, "data"), 0), 0);
	assert_status(MXL_ERR_FLOW_INVALID, waiter_end(w));
	log_end();
}

/* Also where a kernel module maps the files: without a writer nothing keeps anybody from this. */
TEST(reader_of_a_flow_without_writer)
{
	struct mxl_grain_header *grain;
	mxlFlowReader reader;

	open_neighbour();
	orphan_flow(domain(), small_def(ID_A));
	reader = open_reader(instance(), ID_A);
	grain = map_grain(ID_A, 5);
	grain->index = 5;
	grain->valid_slices = SMALL_SLICES;
	map_header(ID_A)->head_index = 5;
	assert_ok(mxlFlowReaderGetGrainNonBlocking(reader, 5, &info, &payload));
	assert_int_equal(truncate(grain_path(ID_A, 5), 0), 0);
	log_start();
	assert_true(is_zero(payload, info.grainSize));
	log_end();
	lost_for_readers(reader);
}

TEST(reader_of_truncated_samples)
{
	mxlWrappedMultiBufferSlice slice;
	mxlFlowReader reader;

	open_neighbour();
	write_samples(open_writer(instance(), sound_def(ID_B)), 4000, 4000);
	need_unsealed(flow_path(ID_B, "channels"));
	reader = open_reader(instance(), ID_B);
	expect_samples(reader, 4000, 4000);
	assert_int_equal(truncate(flow_path(ID_B, "channels"), 0), 0);
	log_start();
	assert_true(is_silence(reader, 4000, 4000));
	log_end();
	assert_status(MXL_ERR_FLOW_INVALID,
		      mxlFlowReaderGetSamplesNonBlocking(reader, 4000, 4000, &slice));
	assert_status(MXL_ERR_FLOW_INVALID,
		      mxlFlowReaderGetSamples(reader, 9000, 480, FOREVER, &slice));
	expect_grain(neighbour, 5);
}

TEST(writer_into_a_truncated_grain)
{
	mxlFlowWriter writer;

	open_neighbour();
	writer = open_writer(instance(), small_def(ID_A));
	write_grain(writer, 5);
	need_unsealed(grain_path(ID_A, 6));
	assert_ok(mxlFlowWriterOpenGrain(writer, 6, &info, &payload));
	assert_int_equal(truncate(grain_path(ID_A, 6), 0), 0);
	log_start();
	fill_payload(payload, info.grainSize, 6);
	log_end();
	info.validSlices = info.totalSlices;
	assert_status(MXL_ERR_FLOW_INVALID, mxlFlowWriterCommitGrain(writer, &info));
	assert_status(MXL_ERR_FLOW_INVALID, mxlFlowWriterOpenGrain(writer, 7, &info, &payload));
	expect_grain(neighbour, 5);
}

TEST(writer_of_a_truncated_header)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));

	write_grain(writer, 5);
	need_unsealed(flow_path(ID_A, "data"));
	assert_ok(mxlFlowWriterOpenGrain(writer, 6, &info, &payload));
	assert_int_equal(truncate(flow_path(ID_A, "data"), 0), 0);
	info.validSlices = info.totalSlices;
	log_start();
	assert_status(MXL_ERR_FLOW_INVALID, mxlFlowWriterCommitGrain(writer, &info));
	log_end();
	assert_status(MXL_ERR_FLOW_INVALID, mxlFlowWriterOpenGrain(writer, 7, &info, &payload));
}

TEST(writer_into_truncated_samples)
{
	mxlMutableWrappedMultiBufferSlice slice;
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_B));

	write_samples(writer, 480, 480);
	need_unsealed(flow_path(ID_B, "channels"));
	assert_ok(mxlFlowWriterOpenSamples(writer, 960, 480, &slice));
	assert_int_equal(truncate(flow_path(ID_B, "channels"), 0), 0);
	log_start();
	memset(slice.base.fragments[0].pointer, 0x11, slice.base.fragments[0].size);
	log_end();
	assert_status(MXL_ERR_FLOW_INVALID, mxlFlowWriterCommitSamples(writer));
	assert_status(MXL_ERR_FLOW_INVALID, mxlFlowWriterOpenSamples(writer, 1440, 480, &slice));
}

static bool is_mapped(const char *path)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[PATH_MAX + 128];
	bool found = false;

	assert_non_null(maps);
	while (!found && fgets(line, sizeof(line), maps))
		found = strstr(line, path);
	fclose(maps);
	return found;
}

/* A thread of the library notes for the writer that somebody read. */
TEST(thread_behind_a_writer)
{
	const char *path = flow_path(ID_A, "data");

	open_neighbour();
	open_writer(instance(), small_def(ID_A));
	need_unsealed(path);
	assert_true(is_mapped(path));
	assert_int_equal(truncate(path, 0), 0);
	log_start();
	assert_int_equal(utimensat(AT_FDCWD, flow_path(ID_A, "access"), NULL, 0), 0);
	wait_until(!is_mapped(path));
	log_end();
	expect_grain(neighbour, 5);
}

/* Who releases the lost flow and asks again is told what is wrong with it, and nothing else is. */
TEST(lost_flow_can_be_released)
{
	mxlInstance inst = open_instance(domain());
	mxlFlowReader reader, again = NULL;
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));

	write_grain(writer, 5);
	need_unsealed(grain_path(ID_A, 5));
	reader = open_reader(inst, ID_A);
	assert_int_equal(truncate(grain_path(ID_A, 5), 0), 0);
	log_start();
	expect_status(reader, 5, MXL_ERR_FLOW_INVALID);
	assert_refused(mxlCreateFlowReader(inst, ID_A, NULL, &again));
	assert_logged(log_end(), "data.5");
	assert_ok(mxlReleaseFlowReader(inst, reader));
	close_instance(inst);
}

#define THREADS 4

static void *look_at_payload(void *arg)
{
	return is_zero(arg, SMALL_SIZE) ? arg : NULL;
}

TEST(threads_that_fault_at_once)
{
	mxlFlowReader reader = reader_of_grain(5);
	pthread_t threads[THREADS];
	void *result;
	int i;

	assert_int_equal(truncate(grain_path(ID_A, 5), 0), 0);
	log_start();
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look_at_payload, payload), 0);
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_non_null(result);
	}
	assert_int_equal(count_lines_with(log_end(), "truncated"), 1);
	lost_for_readers(reader);
}

/* === Faults that are no flow's ============================================================= */

#define HANDLED 42

static void on_signal(int signal)
{
	_exit(signal == SIGBUS ? HANDLED : 1);
}

static uint8_t *own_page;

static void on_fault(int signal, siginfo_t *fault, void *context)
{
	(void)context;
	_exit(signal == SIGBUS && fault->si_addr == own_page ? HANDLED : 1);
}

static void touch_own_truncated_page(void)
{
	int fd = (int)memfd_create("own", MFD_CLOEXEC);

	role_check(ftruncate(fd, PAGE) == 0);
	own_page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	role_check(own_page != MAP_FAILED);
	role_check(ftruncate(fd, 0) == 0);
	(void)*(volatile uint8_t *)own_page;
}

static struct sigaction found;

static void call_found(int signal, siginfo_t *fault, void *context)
{
	found.sa_sigaction(signal, fault, context);
}

/* A handler over the library's, that calls it, and a further flow, which puts the library's on top. */
static void chain(mxlInstance inst)
{
	struct sigaction action = { .sa_sigaction = call_found, .sa_flags = SA_SIGINFO };
	mxlFlowReader reader;

	role_check(sigaction(SIGBUS, &action, &found) == 0);
	role_check(found.sa_flags & SA_SIGINFO);
	role_check(mxlCreateFlowReader(inst, ID_C, NULL, &reader) == MXL_STATUS_OK);
}

/* The library's handler taken away and put back by somebody who knows no flags. */
static void restore(mxlInstance inst)
{
	mxlFlowReader reader;

	signal(SIGBUS, signal(SIGBUS, SIG_DFL));
	role_check(mxlCreateFlowReader(inst, ID_C, NULL, &reader) == MXL_STATUS_OK);
}

#define SIGNALS 5000
#define SIGNAL_PERIOD_NS 50000

static timer_t timer;
static volatile sig_atomic_t signals;

/* Ends by itself: a slow machine may get to nothing else. */
static void count_signal(int signal)
{
	struct itimerspec never = { { 0, 0 }, { 0, 0 } };

	(void)signal;
	if (++signals == SIGNALS)
		timer_settime(timer, 0, &never, NULL);
}

/* busy DOMAIN: opens flows while SIGBUS is sent to it, in whatever it does */
static int busy_role(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = count_signal };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGBUS };
	struct itimerspec period = { { 0, SIGNAL_PERIOD_NS }, { 0, SIGNAL_PERIOD_NS } };
	mxlFlowReader reader;
	mxlInstance inst;

	role_check(argc == 1);
	role_check(sigaction(SIGBUS, &action, NULL) == 0);
	inst = mxlCreateInstance(argv[0], NULL);
	role_check(inst && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	role_check(timer_settime(timer, 0, &period, NULL) == 0);
	while (signals < SIGNALS) {
		role_check(mxlCreateFlowReader(inst, ID_A, NULL, &reader) == MXL_STATUS_OK);
		role_check(mxlReleaseFlowReader(inst, reader) == MXL_STATUS_OK);
	}
	timer_delete(timer);
	mxlDestroyInstance(inst);
	return 0;
}

/* bus DOMAIN ACTION CAUSE: what the program wants of SIGBUS, then a flow, then the signal */
static int bus_role(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	struct rlimit no_core = { 0 };
	mxlFlowReader reader;
	mxlInstance inst;

	role_check(argc == 3);
	setrlimit(RLIMIT_CORE, &no_core);
	if (strcmp(argv[1], "ignore") == 0) {
		action.sa_handler = SIG_IGN;
	} else if (strcmp(argv[1], "handler") == 0) {
		action.sa_handler = on_signal;
	} else if (strcmp(argv[1], "siginfo") == 0 || strcmp(argv[1], "chain") == 0) {
		action.sa_sigaction = on_fault;
		action.sa_flags = SA_SIGINFO;
	}
	role_check(sigaction(SIGBUS, &action, NULL) == 0);
	inst = mxlCreateInstance(argv[0], NULL);
	role_check(inst && mxlCreateFlowReader(inst, ID_A, NULL, &reader) == MXL_STATUS_OK);
	if (strcmp(argv[1], "chain") == 0)
		chain(inst);
	else if (strcmp(argv[1], "restore") == 0)
		restore(inst);
	if (strcmp(argv[2], "sent") == 0)
		kill(getpid(), SIGBUS);
	else
		touch_own_truncated_page();
	mxlDestroyInstance(inst);
	return 0;
}

TEST(other_faults_go_where_they_went)
{
	static const struct {
		const char *action;
		const char *cause;
		int status;
	} cases[] = {
		{ "default", "fault", 128 + SIGBUS }, { "ignore", "fault", 128 + SIGBUS },
		{ "handler", "fault", HANDLED },      { "siginfo", "fault", HANDLED },
		{ "default", "sent", 128 + SIGBUS },  { "ignore", "sent", 0 },
		{ "handler", "sent", HANDLED },	      { "chain", "fault", HANDLED },
		{ "restore", "fault", 128 + SIGBUS },
	};
	size_t i;

	open_writer(instance(), small_def(ID_A));
	open_writer(instance(), small_def(ID_C));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct child *c =
			child_exec("bus", domain(), cases[i].action, cases[i].cause, NULL);
		int status = child_end(c);

		if (status != cases[i].status)
			fail_because("%s, %s: ended with %d instead of %d", cases[i].action,
				     cases[i].cause, status, cases[i].status);
	}
}

/* Whatever the library is at, a signal that somebody sends reaches the program. */
TEST(signals_come_while_flows_are_opened)
{
	open_writer(instance(), small_def(ID_A));
	assert_int_equal(child_end(child_exec("busy", domain(), NULL)), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(reader_of_a_truncated_grain),
	cmocka_unit_test(reader_of_half_a_grain),
	cmocka_unit_test(reader_that_only_asks),
	cmocka_unit_test(reader_of_a_truncated_header),
	cmocka_unit_test(reader_that_sleeps),
	cmocka_unit_test(reader_of_a_flow_without_writer),
	cmocka_unit_test(reader_of_truncated_samples),
	cmocka_unit_test(writer_into_a_truncated_grain),
	cmocka_unit_test(writer_of_a_truncated_header),
	cmocka_unit_test(writer_into_truncated_samples),
	cmocka_unit_test(thread_behind_a_writer),
	cmocka_unit_test(lost_flow_can_be_released),
	cmocka_unit_test(threads_that_fault_at_once),
	cmocka_unit_test(other_faults_go_where_they_went),
	cmocka_unit_test(signals_come_while_flows_are_opened),
};

static const struct test_role roles[] = {
	{ "bus", bus_role },
	{ "busy", busy_role },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests), roles, ARRAY_SIZE(roles));
}

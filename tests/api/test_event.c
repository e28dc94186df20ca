// SPDX-License-Identifier: Apache-2.0
/* Descriptors to poll: of readers, and of what happens in a domain. Waiting for a flow. */
#include "helpers.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <mxl/event.h>

/* What must not happen is given this time to happen. */
#define MOMENT_MS 30

static bool is_readable_within(int fd, int ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, ms) == 1;
}

static bool is_readable(int fd)
{
	return is_readable_within(fd, 0);
}

static bool becomes_readable(int fd)
{
	return is_readable_within(fd, (int)(PLENTY / MSEC * slowness()));
}

static bool stays_unreadable(int fd)
{
	return !is_readable_within(fd, MOMENT_MS);
}

static int event_fd(mxlFlowReader reader)
{
	int fd = -1;

	assert_ok(mxlFlowReaderGetEventFd(reader, &fd));
	assert_true(fd >= 0);
	return fd;
}

static int arm(mxlFlowReader reader, uint64_t index, uint16_t slices)
{
	assert_ok(mxlFlowReaderArm(reader, index, slices));
	return event_fd(reader);
}

static int arm_grain(mxlFlowReader reader, uint64_t index)
{
	return arm(reader, index, MXL_GRAIN_VALID_SLICES_ALL);
}

static bool is_kernel_mode(mxlFlowReader reader)
{
	const char *name;

	assert_ok(mxlFlowReaderGetBackend(reader, &name));
	return strcmp(name, "kernel") == 0;
}

/* === Descriptors of readers ================================================================ */

TEST(a_reader_has_one_descriptor)
{
	mxlFlowReader reader;
	int fd;

	open_writer(instance(), small_def(ID_A));
	reader = open_reader(instance(), ID_A);
	fd = event_fd(reader);
	assert_int_equal(fd, event_fd(reader));
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_false(is_readable(fd));
	assert_ok(mxlFlowReaderDisarm(reader));
	assert_false(is_readable(fd));
}

TEST(what_is_there_makes_it_readable_at_once)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	write_grain(writer, 1);
	assert_true(is_readable(arm_grain(reader, 1)));
	write_slices(writer, 2, 3);
	assert_true(is_readable(arm(reader, 2, 3)));
	assert_false(is_readable(arm(reader, 2, 4)));
	assert_true(is_readable(arm(reader, 2, MXL_GRAIN_VALID_SLICES_ANY)));
}

TEST(a_commit_makes_it_readable)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t index;

	for (index = 1; index <= 30; index++) {
		int fd = arm_grain(reader, index);

		assert_false(is_readable(fd));
		write_grain(writer, index);
		assert_true(becomes_readable(fd));
		expect_grain(reader, index);
	}
}

TEST(on_a_fresh_flow_grain_zero_is_not_there)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	int fd = arm(reader, 0, MXL_GRAIN_VALID_SLICES_ANY);

	assert_true(stays_unreadable(fd));
	write_slices(writer, 0, 1);
	assert_true(becomes_readable(fd));
}

TEST(it_stays_readable_until_it_is_armed_anew)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	int fd = arm_grain(reader, 1);

	write_grain(writer, 1);
	assert_true(becomes_readable(fd));
	assert_true(is_readable(fd));
	write_grain(writer, 2);
	expect_grain(reader, 1);
	assert_true(is_readable(fd));
	arm_grain(reader, 3);
	assert_false(is_readable(fd));
	write_grain(writer, 3);
	assert_true(becomes_readable(fd));
}

TEST(disarmed_it_does_not_become_readable)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	int fd = arm_grain(reader, 1);

	assert_ok(mxlFlowReaderDisarm(reader));
	write_grain(writer, 1);
	assert_true(stays_unreadable(fd));
	arm_grain(reader, 1);
	assert_true(is_readable(fd));
	assert_ok(mxlFlowReaderDisarm(reader));
	assert_false(is_readable(fd));
}

TEST(the_last_arming_wins)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	int fd = arm_grain(reader, 20);

	arm_grain(reader, 1);
	write_grain(writer, 1);
	assert_true(becomes_readable(fd));

	arm_grain(reader, 2);
	arm_grain(reader, 4);
	write_grain(writer, 2);
	write_grain(writer, 3);
	assert_true(stays_unreadable(fd));
	write_grain(writer, 4);
	assert_true(becomes_readable(fd));
}

TEST(slices_decide)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	int fd = arm(reader, 1, 5);

	write_slices(writer, 1, 4);
	assert_true(stays_unreadable(fd));
	write_slices(writer, 1, 5);
	assert_true(becomes_readable(fd));
	arm_grain(reader, 1);
	write_slices(writer, 1, SMALL_SLICES - 1);
	assert_true(stays_unreadable(fd));
	write_slices(writer, 1, SMALL_SLICES);
	assert_true(becomes_readable(fd));
}

TEST(what_never_comes_makes_it_readable)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t i;
	int fd;

	for (i = 1; i <= 20; i++)
		write_grain(writer, i);
	fd = arm_grain(reader, 5); /* too late */
	assert_true(is_readable(fd));

	write_slices(writer, 21, 3);
	arm_grain(reader, 21);
	assert_true(stays_unreadable(fd));
	write_grain(writer, 22); /* and 21 stays as it is */
	assert_true(becomes_readable(fd));
	expect_status(reader, 21, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);

	arm_grain(reader, 23);
	write_grain(writer, 60); /* far beyond */
	assert_true(becomes_readable(fd));
	expect_status(reader, 23, MXL_ERR_OUT_OF_RANGE_TOO_LATE);

	arm_grain(reader, 61);
	write_invalid(writer, 61);
	assert_true(becomes_readable(fd));
	expect_invalid(reader, 61);
}

TEST(a_writer_that_falls_back_makes_it_readable)
{
	mxlInstance other = open_instance(domain());
	mxlFlowWriter first = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	mxlFlowWriter second;
	int fd;

	write_grain(first, 1000);
	second = open_writer(other, small_def(ID_A));
	assert_ok(mxlReleaseFlowWriter(instance(), first));
	fd = arm_grain(reader, 1001);
	assert_false(is_readable(fd));
	write_grain(second, 5);
	assert_true(becomes_readable(fd));
	assert_int_equal(head_of(reader), 5);
	arm_grain(reader, 6);
	write_grain(second, 6);
	assert_true(becomes_readable(fd));
	expect_grain(reader, 6);
}

TEST(deletion_makes_it_readable)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	int fd = arm_grain(reader, 1);

	assert_false(is_readable(fd));
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	assert_true(becomes_readable(fd));
	expect_status(reader, 1, MXL_ERR_FLOW_INVALID);
	arm_grain(reader, 1);
	assert_true(becomes_readable(fd));
}

TEST(deletion_that_nobody_announces_makes_it_readable)
{
	mxlFlowReader reader;
	int fd;

	open_writer(instance(), small_def(ID_A));
	reader = open_reader(instance(), ID_A);
	fd = arm_grain(reader, 1);
	assert_false(is_readable(fd));
	remove_tree(flow_path(ID_A, NULL));
	assert_true(becomes_readable(fd));
	expect_status(reader, 1, MXL_ERR_FLOW_INVALID);
}

TEST(samples_make_it_readable)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t index = 4800;
	int fd;

	for (; index < 48000; index += 480) {
		fd = arm(reader, index, 7);
		assert_false(is_readable(fd));
		write_samples(writer, index, 480);
		assert_true(becomes_readable(fd));
		expect_samples(reader, index, 480);
	}
	arm(reader, 100, 0);
	assert_true(is_readable(fd));
}

TEST(many_flows_in_one_epoll)
{
	static const char *const ids[] = { ID_A, ID_B, ID_C };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	mxlFlowReader readers[ARRAY_SIZE(ids)];
	mxlFlowWriter writers[ARRAY_SIZE(ids)];
	struct epoll_event event;
	uint64_t round;
	uint32_t i;

	assert_true(epoll >= 0);
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		writers[i] = open_writer(instance(), small_def(ids[i]));
		readers[i] = open_reader(instance(), ids[i]);
		event = (struct epoll_event){ .events = EPOLLIN, .data.u32 = i };
		assert_int_equal(0,
				 epoll_ctl(epoll, EPOLL_CTL_ADD, arm_grain(readers[i], 1), &event));
	}
	for (round = 0; round < 30; round++) {
		uint32_t which = (uint32_t)(round % ARRAY_SIZE(ids));
		uint64_t index = 1 + round / ARRAY_SIZE(ids);

		assert_int_equal(0, epoll_wait(epoll, &event, 1, 0));
		write_grain(writers[which], index);
		assert_int_equal(1, epoll_wait(epoll, &event, 1, 15000));
		assert_int_equal(which, event.data.u32);
		expect_grain(readers[which], index);
		arm_grain(readers[which], index + 1);
	}
	close(epoll);
}

TEST(edges_are_told_once_each)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	uint64_t i;

	assert_true(epoll >= 0);
	assert_int_equal(0, epoll_ctl(epoll, EPOLL_CTL_ADD, event_fd(reader), &event));
	for (i = 1; i <= 10; i++) {
		arm_grain(reader, i);
		write_grain(writer, i);
		assert_int_equal(1, epoll_wait(epoll, &event, 1, 15000));
	}
	close(epoll);
}

/* With the kernel on both sides there is no thread; without, one per reader, when it must wait. */
TEST(a_thread_is_made_when_it_is_needed)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	unsigned int before = count_entries("/proc/self/task", "");
	unsigned int more = is_kernel_mode(reader) ? 0 : 1;

	event_fd(reader);
	write_grain(writer, 1);
	arm_grain(reader, 1);
	assert_int_equal(before, count_entries("/proc/self/task", ""));
	arm_grain(reader, 2);
	arm_grain(reader, 3);
	assert_int_equal(before + more, count_entries("/proc/self/task", ""));
	assert_ok(mxlReleaseFlowReader(instance(), reader));
	wait_until(count_entries("/proc/self/task", "") == before);
}

static int role_write(int argc, char **argv)
{
	mxlInstance inst;
	mxlFlowWriter writer;

	role_check(argc == 3);
	if (argv[2][0])
		setenv("MXL_BACKEND", argv[2], 1);
	inst = mxlCreateInstance(argv[0], NULL);
	role_check(inst);
	role_check(mxlCreateFlowWriter(inst, argv[1], NULL, &writer, NULL, NULL) == 0);
	role_say("ready");
	for (;;) {
		const char *line = role_hear();

		if (!strcmp(line, "end"))
			break;
		write_grain(writer, strtoull(line, NULL, 10));
		role_say("written");
	}
	role_check(mxlReleaseFlowWriter(inst, writer) == 0);
	role_check(mxlDestroyInstance(inst) == 0);
	return 0;
}

static struct child *start_writer(const char *backend)
{
	struct child *c = child_exec("write", domain(), small_def(ID_A), backend, NULL);

	child_expect(c, "ready");
	return c;
}

static void let_write(struct child *c, uint64_t index)
{
	child_say(c, text("%llu", (unsigned long long)index));
	child_expect(c, "written");
}

TEST(another_process_makes_it_readable)
{
	struct child *writer = start_writer("");
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t i;

	for (i = 1; i <= 10; i++) {
		int fd = arm_grain(reader, i);

		assert_false(is_readable(fd));
		let_write(writer, i);
		assert_true(becomes_readable(fd));
		expect_grain(reader, i);
	}
	child_say(writer, "end");
	assert_int_equal(0, child_end(writer));
}

/* In kernel mode: no commit of such a writer enters the kernel. */
TEST(a_writer_without_the_module_makes_it_readable)
{
	struct child *writer = start_writer("posix");
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t i;

	for (i = 1; i <= 10; i++) {
		int fd = arm_grain(reader, i);

		assert_false(is_readable(fd));
		let_write(writer, i);
		assert_true(becomes_readable(fd));
		expect_grain(reader, i);
	}
	child_say(writer, "end");
	assert_int_equal(0, child_end(writer));
}

/* Armed under one writer, fired by the next, each of another kind where there are kinds. */
TEST(writers_of_all_kinds_follow_each_other)
{
	static const char *const kinds[] = { "posix", "", "", "posix", "posix", "" };
	struct child *writer = start_writer("");
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t index = 1;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		fd = arm_grain(reader, index);
		assert_false(is_readable(fd));
		child_kill(writer);
		writer = start_writer(kinds[i]);
		/* In kernel mode the end of a writer is told; then one asks, and arms again. */
		if (is_readable(fd)) {
			assert_true(is_kernel_mode(reader));
			expect_status(reader, index, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
			arm_grain(reader, index);
		}
		let_write(writer, index);
		assert_true(becomes_readable(fd));
		expect_grain(reader, index);
		index++;
	}
	child_kill(writer);
}

TEST(the_end_of_a_writer_is_told_where_the_kernel_tells)
{
	struct child *writer = start_writer("");
	mxlFlowReader reader = open_reader(instance(), ID_A);
	int fd = arm_grain(reader, 1);

	assert_false(is_readable(fd));
	child_kill(writer);
	if (is_kernel_mode(reader))
		assert_true(becomes_readable(fd));
	else
		assert_true(stays_unreadable(fd));
	expect_status(reader, 1, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
	/* Nobody writes now, and that makes nothing readable. */
	arm_grain(reader, 1);
	assert_true(stays_unreadable(fd));
}

/* An instance that does without the module where there is one; elsewhere one like the others. */
static mxlInstance open_posix_instance(void)
{
	const char *value = getenv("MXL_BACKEND");
	const char *saved = value ? text("%s", value) : NULL;
	mxlInstance inst;

	setenv("MXL_BACKEND", "posix", 1);
	inst = open_instance(domain());
	if (saved)
		setenv("MXL_BACKEND", saved, 1);
	else
		unsetenv("MXL_BACKEND");
	return inst;
}

TEST(a_reader_without_the_module_is_told_too)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader other = open_reader(instance(), ID_A);
	mxlFlowReader reader = open_reader(open_posix_instance(), ID_A);
	uint64_t i;

	assert_false(is_kernel_mode(reader));
	for (i = 1; i <= 20; i++) {
		int fd = arm(reader, i, SMALL_SLICES / 2);
		int other_fd = arm_grain(other, i);

		write_slices(writer, i, SMALL_SLICES / 2);
		assert_true(becomes_readable(fd));
		assert_false(is_readable(other_fd));
		write_grain(writer, i);
		assert_true(becomes_readable(other_fd));
	}
}

#define MAX_WAITERS "/sys/class/misc/mxl/tunables/max_waiters"

static void get_max_waiters(char *value, size_t size)
{
	FILE *file = fopen(MAX_WAITERS, "re");

	if (!file || !fgets(value, (int)size, file))
		value[0] = '\0';
	if (file)
		fclose(file);
}

static bool set_max_waiters(const char *value)
{
	int fd = open(MAX_WAITERS, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, value, strlen(value));

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(value);
}

/* Then there is polling, which nobody else notices. */
TEST(where_the_kernel_has_no_room_it_works_too)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	mxlFlowReader other = open_reader(open_instance(domain()), ID_A);
	bool before, after, last, now_or_later;
	char saved[32];
	int fd, other_fd;

	if (!is_kernel_mode(reader))
		skip_because("without the module there is no limit");
	get_max_waiters(saved, sizeof(saved));
	other_fd = arm_grain(other, 2);
	if (!set_max_waiters("0"))
		skip_because("the tunables of the module cannot be written");
	fd = arm_grain(reader, 1);
	before = is_readable(fd);
	write_grain(writer, 1);
	after = becomes_readable(fd);
	arm_grain(reader, 2);
	last = is_readable(fd);
	write_grain(writer, 2);
	now_or_later = becomes_readable(fd) && becomes_readable(other_fd);
	assert_true(set_max_waiters(saved));
	assert_false(before);
	assert_true(after);
	assert_false(last);
	assert_true(now_or_later);
}

static _Atomic uint64_t written;

static void *write_on(void *argument)
{
	for (uint64_t index = 1; index <= 300; index++) {
		write_grain(argument, index);
		atomic_store(&written, index);
	}
	return NULL;
}

/* Whatever the moment of arming, before, during or after the commit: it must not be missed. */
TEST(no_commit_is_missed)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t index = 1;
	pthread_t thread;

	atomic_store(&written, 0);
	assert_int_equal(0, pthread_create(&thread, NULL, write_on, writer));
	while (index <= 300) {
		int fd = arm_grain(reader, index);

		assert_true(becomes_readable(fd));
		index = atomic_load(&written) + 1;
	}
	pthread_join(thread, NULL);
}

static void *arm_on(void *argument)
{
	for (uint64_t i = 0; i < 100; i++)
		mxlFlowReaderArm(argument, 1000 + i, MXL_GRAIN_VALID_SLICES_ALL);
	return NULL;
}

TEST(threads_may_share_a_reader)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	pthread_t threads[3];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, arm_on, reader));
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_false(is_readable(event_fd(reader)));
	write_grain(writer, 1099);
	assert_true(becomes_readable(event_fd(reader)));
}

TEST(releasing_an_armed_reader_is_quick)
{
	mxlFlowReader reader;
	int i;

	open_writer(instance(), small_def(ID_A));
	for (i = 0; i < 50; i++) {
		reader = open_reader(instance(), ID_A);
		arm_grain(reader, 1);
		assert_ok(mxlReleaseFlowReader(instance(), reader));
	}
}

/* === Waiting for a flow ==================================================================== */

static struct {
	_Atomic int tid;
	mxlStatus status;
	uint64_t timeout;
	mxlInstance inst;
} appear;

static void *wait_for_flow(void *argument)
{
	atomic_store(&appear.tid, gettid());
	appear.status = mxlWaitForFlow(appear.inst, argument, appear.timeout);
	return NULL;
}

static pthread_t start_waiting(const char *id, uint64_t timeout)
{
	pthread_t thread;

	appear.inst = instance();
	appear.timeout = timeout;
	atomic_store(&appear.tid, 0);
	assert_int_equal(0, pthread_create(&thread, NULL, wait_for_flow, (void *)(uintptr_t)id));
	wait_until(thread_asleep(atomic_load(&appear.tid)));
	return thread;
}

TEST(a_flow_that_is_there_needs_no_waiting)
{
	open_writer(instance(), small_def(ID_A));
	assert_ok(mxlWaitForFlow(instance(), ID_A, 0));
	assert_ok(mxlWaitForFlow(instance(), ID_A, FOREVER));
	assert_ok(mxlWaitForFlow(instance(), "{5FBEC3B1-1B0F-417D-9059-8B94A47197ED}", 0));
}

TEST(waiting_for_a_flow_ends_in_time)
{
	uint64_t begin = now_ns();

	open_writer(instance(), small_def(ID_B));
	assert_status(MXL_ERR_TIMEOUT, mxlWaitForFlow(instance(), ID_A, 0));
	assert_status(MXL_ERR_TIMEOUT, mxlWaitForFlow(instance(), ID_A, 20 * MSEC));
	assert_true(now_ns() - begin >= 20 * MSEC);
}

TEST(a_flow_that_appears_ends_the_waiting)
{
	pthread_t thread = start_waiting(ID_A, FOREVER);

	open_writer(instance(), small_def(ID_B));
	wait_until(thread_asleep(atomic_load(&appear.tid)));
	open_writer(instance(), small_def(ID_A));
	pthread_join(thread, NULL);
	assert_status(MXL_STATUS_OK, appear.status);
}

TEST(a_flow_that_is_made_in_its_place_ends_the_waiting)
{
	pthread_t thread = start_waiting(ID_A, PLENTY);

	assert_int_equal(0, mkdir(flow_path(ID_A, NULL), 0755));
	wait_until(thread_asleep(atomic_load(&appear.tid)));
	write_file(flow_path(ID_A, "data"), "");
	pthread_join(thread, NULL);
	assert_status(MXL_STATUS_OK, appear.status);
}

TEST(a_domain_that_is_removed_ends_the_waiting)
{
	const char *dir = new_directory(NULL);
	mxlInstance inst = open_instance(dir);
	pthread_t thread;

	appear.inst = inst;
	appear.timeout = FOREVER;
	atomic_store(&appear.tid, 0);
	assert_int_equal(0, pthread_create(&thread, NULL, wait_for_flow, (void *)(uintptr_t)ID_A));
	wait_until(thread_asleep(atomic_load(&appear.tid)));
	remove_tree(dir);
	pthread_join(thread, NULL);
	assert_status(MXL_ERR_FLOW_NOT_FOUND, appear.status);
	assert_int_equal(0, mkdir(dir, 0755));
}

/* === Events of a domain ==================================================================== */

static mxlDomainEvents open_events(void)
{
	mxlDomainEvents events = NULL;

	assert_ok(mxlCreateDomainEvents(instance(), &events));
	assert_non_null(events);
	return events;
}

static int ready_fd(mxlDomainEvents events)
{
	int fd = -1;

	assert_ok(mxlDomainEventsGetFd(events, &fd));
	return fd;
}

static void expect_event(mxlDomainEvents events, uint32_t type, const char *id)
{
	mxlDomainEvent event;

	if (!becomes_readable(ready_fd(events)))
		fail_because("event %u of %s does not come", type, id);
	assert_ok(mxlDomainEventsRead(events, &event));
	assert_string_equal(id, event.flowId);
	assert_int_equal(type, event.type);
}

static void expect_no_event(mxlDomainEvents events)
{
	mxlDomainEvent event;

	assert_true(stays_unreadable(ready_fd(events)));
	assert_status(MXL_ERR_NOT_READY, mxlDomainEventsRead(events, &event));
}

TEST(an_empty_domain_has_no_events)
{
	mxlDomainEvents events = open_events();

	assert_int_equal(ready_fd(events), ready_fd(events));
	expect_no_event(events);
	write_file(text("%s/something", domain()), "else");
	assert_int_equal(0, mkdir(text("%s/other", domain()), 0755));
	expect_no_event(events);
	assert_ok(mxlReleaseDomainEvents(instance(), events));
}

TEST(what_is_there_is_told_first)
{
	mxlDomainEvents events;

	open_writer(instance(), small_def(ID_A));
	events = open_events();
	assert_true(is_readable(ready_fd(events)));
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);
	assert_true(is_readable(ready_fd(events)));
	expect_event(events, MXL_DOMAIN_EVENT_WRITER_CAME, ID_A);
	expect_no_event(events);
}

TEST(a_flow_without_a_writer_is_just_added)
{
	mxlDomainEvents events;

	orphan_flow(domain(), small_def(ID_A));
	events = open_events();
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);
	expect_no_event(events);
}

TEST(flows_come_and_go)
{
	mxlDomainEvents events = open_events();
	mxlFlowWriter writer;
	int i;

	for (i = 0; i < 5; i++) {
		writer = open_writer(instance(), small_def(ID_A));
		expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);
		expect_event(events, MXL_DOMAIN_EVENT_WRITER_CAME, ID_A);
		assert_ok(mxlReleaseFlowWriter(instance(), writer));
		expect_event(events, MXL_DOMAIN_EVENT_WRITER_GONE, ID_A);
		expect_event(events, MXL_DOMAIN_EVENT_FLOW_REMOVED, ID_A);
	}
	expect_no_event(events);
}

TEST(writers_come_and_go)
{
	mxlDomainEvents events = open_events();
	int i;

	for (i = 0; i < 5; i++) {
		struct child *c = start_holder(domain(), small_def(ID_A));

		child_expect(c, i ? "opened" : "created");
		if (i == 0)
			expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);
		expect_event(events, MXL_DOMAIN_EVENT_WRITER_CAME, ID_A);
		expect_no_event(events);
		child_kill(c);
		expect_event(events, MXL_DOMAIN_EVENT_WRITER_GONE, ID_A);
		expect_no_event(events);
	}
	assert_ok(mxlGarbageCollectFlows(instance()));
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_REMOVED, ID_A);
}

TEST(readers_are_no_event)
{
	mxlDomainEvents events = open_events();
	struct child *c;
	bool active;
	int i;

	open_writer(instance(), small_def(ID_A));
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);
	expect_event(events, MXL_DOMAIN_EVENT_WRITER_CAME, ID_A);
	c = start_holder(domain(), small_def(ID_B));
	child_expect(c, "created");
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_B);
	expect_event(events, MXL_DOMAIN_EVENT_WRITER_CAME, ID_B);
	child_kill(c);
	expect_event(events, MXL_DOMAIN_EVENT_WRITER_GONE, ID_B);
	for (i = 0; i < 20; i++) {
		mxlFlowReader reader = open_reader(instance(), i % 2 ? ID_A : ID_B);

		assert_ok(mxlIsFlowActive(instance(), ID_A, &active));
		assert_true(active);
		assert_ok(mxlIsFlowActive(instance(), ID_B, &active));
		assert_ok(mxlReleaseFlowReader(instance(), reader));
	}
	expect_no_event(events);
}

/* Both look for writers by trying locks, and must not take each other for one. */
TEST(streams_do_not_disturb_each_other)
{
	mxlDomainEvents events[4];
	mxlFlowWriter writer;
	size_t i;
	int round;

	for (i = 0; i < ARRAY_SIZE(events); i++)
		events[i] = open_events();
	orphan_flow(domain(), small_def(ID_A));
	for (round = 0; round < 3; round++) {
		writer = open_writer(instance(), small_def(ID_B));
		assert_ok(mxlReleaseFlowWriter(instance(), writer));
	}
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		mxlDomainEvent event;
		int there[2] = { 0, 0 }, came[2] = { 0, 0 };

		/* How much is told of what passed depends on when it is read, its end does not. */
		while (is_readable_within(ready_fd(events[i]), MOMENT_MS)) {
			bool b;

			assert_ok(mxlDomainEventsRead(events[i], &event));
			b = !strcmp(event.flowId, ID_B);
			there[b] += event.type == MXL_DOMAIN_EVENT_FLOW_ADDED;
			there[b] -= event.type == MXL_DOMAIN_EVENT_FLOW_REMOVED;
			came[b] += event.type == MXL_DOMAIN_EVENT_WRITER_CAME;
			came[b] -= event.type == MXL_DOMAIN_EVENT_WRITER_GONE;
			assert_in_range(there[b], 0, 1);
			assert_in_range(came[b], 0, 1);
		}
		assert_int_equal(1, there[0]);
		assert_int_equal(0, came[0]);
		assert_int_equal(0, there[1]);
		assert_int_equal(0, came[1]);
		assert_ok(mxlReleaseDomainEvents(instance(), events[i]));
	}
}

TEST(a_flow_that_is_replaced_is_removed_and_added)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlDomainEvents events = open_events();

	expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);
	expect_event(events, MXL_DOMAIN_EVENT_WRITER_CAME, ID_A);
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	writer = open_writer(instance(), small_def(ID_A));
	expect_event(events, MXL_DOMAIN_EVENT_WRITER_GONE, ID_A);
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_REMOVED, ID_A);
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);
	expect_event(events, MXL_DOMAIN_EVENT_WRITER_CAME, ID_A);
	expect_no_event(events);
}

TEST(who_does_not_read_is_told_in_short)
{
	mxlDomainEvents events = open_events();
	unsigned int count = 0;
	mxlDomainEvent event;
	int i;

	for (i = 0; i < 50; i++) {
		mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));

		assert_ok(mxlReleaseFlowWriter(instance(), writer));
	}
	/* The last flow has another id, so that what is told of it is known to be the end. */
	open_writer(instance(), small_def(ID_B));
	do {
		assert_true(becomes_readable(ready_fd(events)));
		assert_ok(mxlDomainEventsRead(events, &event));
		if (!strcmp(event.flowId, ID_A))
			count++;
	} while (strcmp(event.flowId, ID_B) || event.type != MXL_DOMAIN_EVENT_WRITER_CAME);
	/* It may have been caught there once while all this was read. */
	assert_true(count <= 8);
	expect_no_event(events);
}

TEST(a_flow_removed_by_hand_is_removed)
{
	mxlDomainEvents events;

	open_writer(instance(), small_def(ID_A));
	events = open_events();
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);
	expect_event(events, MXL_DOMAIN_EVENT_WRITER_CAME, ID_A);
	remove_tree(flow_path(ID_A, NULL));
	expect_event(events, MXL_DOMAIN_EVENT_WRITER_GONE, ID_A);
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_REMOVED, ID_A);
	expect_no_event(events);
}

TEST(a_standby_follows)
{
	mxlDomainEvents events = open_events();
	struct child *first = start_writer("");
	struct child *second;
	mxlFlowReader reader = open_reader(instance(), ID_A);

	expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);
	expect_event(events, MXL_DOMAIN_EVENT_WRITER_CAME, ID_A);
	let_write(first, 1);
	second = start_writer("");
	expect_no_event(events);
	child_kill(first);
	if (is_kernel_mode(reader)) {
		expect_event(events, MXL_DOMAIN_EVENT_WRITER_GONE, ID_A);
		expect_event(events, MXL_DOMAIN_EVENT_WRITER_CAME, ID_A);
	}
	let_write(second, 2);
	expect_grain(reader, 2);
	expect_no_event(events);
	child_kill(second);
	expect_event(events, MXL_DOMAIN_EVENT_WRITER_GONE, ID_A);
	expect_no_event(events);
}

static void see_come_and_go(mxlDomainEvents events, const char *backend)
{
	struct child *c = start_writer(backend);

	expect_event(events, MXL_DOMAIN_EVENT_WRITER_CAME, ID_A);
	let_write(c, 1);
	expect_no_event(events);
	child_kill(c);
	expect_event(events, MXL_DOMAIN_EVENT_WRITER_GONE, ID_A);
	expect_no_event(events);
}

TEST(streams_of_all_kinds_see_writers_of_all_kinds)
{
	static const char *const kinds[] = { "", "posix", "posix", "", "" };
	mxlInstance insts[] = { instance(), open_posix_instance() };
	mxlDomainEvents events;
	size_t i, kind;

	set_time_limit(60);
	orphan_flow(domain(), small_def(ID_A));
	for (i = 0; i < ARRAY_SIZE(insts); i++) {
		assert_ok(mxlCreateDomainEvents(insts[i], &events));
		expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);
		for (kind = 0; kind < ARRAY_SIZE(kinds); kind++)
			see_come_and_go(events, kinds[kind]);
		assert_ok(mxlReleaseDomainEvents(insts[i], events));
	}
}

TEST(many_flows_are_told_of)
{
	enum {
		MANY = 60
	};
	mxlDomainEvents events = open_events();
	unsigned int came = 0;
	int i;

	set_time_limit(60);
	for (i = 0; i < MANY; i++)
		open_writer(instance(),
			    small_def(text("00000000-0000-4000-8000-%012x", (unsigned int)i)));
	while (came < MANY) {
		mxlDomainEvent event;

		assert_true(becomes_readable(ready_fd(events)));
		assert_ok(mxlDomainEventsRead(events, &event));
		came += event.type == MXL_DOMAIN_EVENT_WRITER_CAME;
	}
	expect_no_event(events);
}

/* === Arguments ============================================================================= */

TEST(what_is_no_argument_is_refused)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	mxlDomainEvents events = open_events();
	mxlFlowReader no_reader = (mxlFlowReader)writer;
	mxlDomainEvent event;
	int fd;

	assert_status(MXL_ERR_INVALID_FLOW_READER, mxlFlowReaderGetEventFd(NULL, &fd));
	assert_status(MXL_ERR_INVALID_FLOW_READER, mxlFlowReaderGetEventFd(no_reader, &fd));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowReaderGetEventFd(reader, NULL));
	assert_status(MXL_ERR_INVALID_FLOW_READER, mxlFlowReaderArm(NULL, 0, 0));
	assert_status(MXL_ERR_INVALID_FLOW_READER, mxlFlowReaderArm(no_reader, 0, 0));
	assert_status(MXL_ERR_INVALID_FLOW_READER, mxlFlowReaderDisarm(NULL));
	assert_status(MXL_ERR_INVALID_FLOW_READER, mxlFlowReaderDisarm(no_reader));
	assert_status(MXL_ERR_INVALID_ARG, mxlWaitForFlow(NULL, ID_A, 0));
	assert_status(MXL_ERR_INVALID_ARG, mxlWaitForFlow(instance(), NULL, 0));
	assert_status(MXL_ERR_INVALID_ARG, mxlWaitForFlow(instance(), "no uuid", 0));
	assert_status(MXL_ERR_INVALID_ARG, mxlCreateDomainEvents(NULL, &events));
	assert_status(MXL_ERR_INVALID_ARG, mxlCreateDomainEvents(instance(), NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlDomainEventsGetFd(NULL, &fd));
	assert_status(MXL_ERR_INVALID_ARG, mxlDomainEventsGetFd(events, NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlDomainEventsGetFd((mxlDomainEvents)reader, &fd));
	assert_status(MXL_ERR_INVALID_ARG, mxlDomainEventsRead(NULL, &event));
	assert_status(MXL_ERR_INVALID_ARG, mxlDomainEventsRead(events, NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlReleaseDomainEvents(NULL, events));
	assert_status(MXL_ERR_INVALID_ARG, mxlReleaseDomainEvents(instance(), NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlReleaseDomainEvents(open_instance(domain()), events));
	assert_ok(mxlReleaseDomainEvents(instance(), events));
}

TEST(destroying_an_instance_ends_all_of_it)
{
	mxlInstance inst = open_instance(domain());
	mxlDomainEvents events;
	mxlFlowReader reader;

	open_writer(inst, small_def(ID_A));
	reader = open_reader(inst, ID_A);
	arm_grain(reader, 1);
	assert_ok(mxlCreateDomainEvents(inst, &events));
	close_instance(inst);
}

int main(int argc, char **argv)
{
	static const struct test_role roles[] = { { "write", role_write } };
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_has_one_descriptor),
		cmocka_unit_test(what_is_there_makes_it_readable_at_once),
		cmocka_unit_test(a_commit_makes_it_readable),
		cmocka_unit_test(on_a_fresh_flow_grain_zero_is_not_there),
		cmocka_unit_test(it_stays_readable_until_it_is_armed_anew),
		cmocka_unit_test(disarmed_it_does_not_become_readable),
		cmocka_unit_test(the_last_arming_wins),
		cmocka_unit_test(slices_decide),
		cmocka_unit_test(what_never_comes_makes_it_readable),
		cmocka_unit_test(a_writer_that_falls_back_makes_it_readable),
		cmocka_unit_test(deletion_makes_it_readable),
		cmocka_unit_test(deletion_that_nobody_announces_makes_it_readable),
		cmocka_unit_test(samples_make_it_readable),
		cmocka_unit_test(many_flows_in_one_epoll),
		cmocka_unit_test(edges_are_told_once_each),
		cmocka_unit_test(a_thread_is_made_when_it_is_needed),
		cmocka_unit_test(another_process_makes_it_readable),
		cmocka_unit_test(a_writer_without_the_module_makes_it_readable),
		cmocka_unit_test(writers_of_all_kinds_follow_each_other),
		cmocka_unit_test(the_end_of_a_writer_is_told_where_the_kernel_tells),
		cmocka_unit_test(a_reader_without_the_module_is_told_too),
		cmocka_unit_test(where_the_kernel_has_no_room_it_works_too),
		cmocka_unit_test(no_commit_is_missed),
		cmocka_unit_test(threads_may_share_a_reader),
		cmocka_unit_test(releasing_an_armed_reader_is_quick),
		cmocka_unit_test(a_flow_that_is_there_needs_no_waiting),
		cmocka_unit_test(waiting_for_a_flow_ends_in_time),
		cmocka_unit_test(a_flow_that_appears_ends_the_waiting),
		cmocka_unit_test(a_flow_that_is_made_in_its_place_ends_the_waiting),
		cmocka_unit_test(a_domain_that_is_removed_ends_the_waiting),
		cmocka_unit_test(an_empty_domain_has_no_events),
		cmocka_unit_test(what_is_there_is_told_first),
		cmocka_unit_test(a_flow_without_a_writer_is_just_added),
		cmocka_unit_test(flows_come_and_go),
		cmocka_unit_test(writers_come_and_go),
		cmocka_unit_test(readers_are_no_event),
		cmocka_unit_test(streams_do_not_disturb_each_other),
		cmocka_unit_test(a_flow_that_is_replaced_is_removed_and_added),
		cmocka_unit_test(who_does_not_read_is_told_in_short),
		cmocka_unit_test(a_flow_removed_by_hand_is_removed),
		cmocka_unit_test(a_standby_follows),
		cmocka_unit_test(streams_of_all_kinds_see_writers_of_all_kinds),
		cmocka_unit_test(many_flows_are_told_of),
		cmocka_unit_test(what_is_no_argument_is_refused),
		cmocka_unit_test(destroying_an_instance_ends_all_of_it),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), roles, ARRAY_SIZE(roles));
}

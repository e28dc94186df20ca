// SPDX-License-Identifier: Apache-2.0
/* Writers and readers in processes of their own: exchange, death, succession. */
#include "helpers.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static mxlGrainInfo info;
static uint8_t *payload;

/* === Roles ================================================================================= */

/*
 * Obeys commands on standard input and answers each with a line:
 *	grain I		write all of grain I
 *	slices I N	write up to slice N of grain I
 *	samples I N	write the N samples before I
 *	release		give the writer back
 */
static int role_writer(int argc, char **argv)
{
	unsigned long long index;
	mxlFlowWriter writer;
	mxlInstance inst;
	unsigned int n;
	bool created;

	role_check(argc == 2);
	inst = mxlCreateInstance(argv[0], NULL);
	role_check(inst);
	role_check(mxlCreateFlowWriter(inst, argv[1], NULL, &writer, NULL, &created) ==
		   MXL_STATUS_OK);
	role_say(created ? "created" : "opened");
	for (;;) {
		const char *line = role_hear();

		if (sscanf(line, "grain %llu", &index) == 1)
			write_grain(writer, index);
		else if (sscanf(line, "slices %llu %u", &index, &n) == 2)
			write_slices(writer, index, n);
		else if (sscanf(line, "samples %llu %u", &index, &n) == 2)
			write_samples(writer, index, n);
		else
			break;
		role_say("written");
	}
	role_check(mxlReleaseFlowWriter(inst, writer) == MXL_STATUS_OK);
	role_check(mxlDestroyInstance(inst) == MXL_STATUS_OK);
	role_say("released");
	return 0;
}

/*
 * Reads what it is told to, waiting without end, and answers with the status and whether the
 * content is right:
 *	grain I, slices I N, samples I N
 */
static void on_signal(int sig __attribute__((unused)))
{
}

static int role_reader(int argc, char **argv)
{
	/* without SA_RESTART, so that it interrupts what can be interrupted */
	const struct sigaction action = { .sa_handler = on_signal };
	mxlWrappedMultiBufferSlice slice;
	unsigned long long index;
	mxlFlowReader reader;
	mxlInstance inst;
	unsigned int n;

	role_check(argc == 2);
	inst = mxlCreateInstance(argv[0], NULL);
	role_check(inst);
	role_check(mxlCreateFlowReader(inst, argv[1], NULL, &reader) == MXL_STATUS_OK);
	role_check(sigaction(SIGUSR1, &action, NULL) == 0);
	role_say("ready");
	for (;;) {
		const char *line = role_hear();
		mxlStatus status;
		bool right = true;

		if (sscanf(line, "grain %llu", &index) == 1) {
			status = mxlFlowReaderGetGrain(reader, index, FOREVER, &info, &payload);
			if (status == MXL_STATUS_OK)
				right = info.index == index &&
					info.validSlices == info.totalSlices &&
					payload_is(payload, info.grainSize, index);
		} else if (sscanf(line, "slices %llu %u", &index, &n) == 2) {
			status = mxlFlowReaderGetGrainSlice(reader, index, n, FOREVER, &info,
							    &payload);
			if (status == MXL_STATUS_OK)
				right = info.index == index && info.validSlices >= n &&
					payload_is(payload, info.grainSize, index);
		} else if (sscanf(line, "samples %llu %u", &index, &n) == 2) {
			status = mxlFlowReaderGetSamples(reader, index, n, FOREVER, &slice);
			if (status == MXL_STATUS_OK)
				expect_samples(reader, index, n);
		} else {
			break;
		}
		role_say("%s%s", status_name(status), right ? "" : " but wrong");
	}
	role_check(mxlDestroyInstance(inst) == MXL_STATUS_OK);
	return 0;
}

static struct child *start_writer(const char *def, const char *answer)
{
	struct child *c = child_exec("writer", domain(), def, NULL);

	child_expect(c, answer);
	return c;
}

static struct child *start_reader(const char *id)
{
	struct child *c = child_exec("reader", domain(), id, NULL);

	child_expect(c, "ready");
	return c;
}

/* The reader sleeps before the writer writes. */
static void cross(struct child *writer, struct child *reader, const char *command)
{
	child_say(reader, command);
	wait_until(child_asleep(reader));
	child_say(writer, command);
	child_expect(writer, "written");
	child_expect(reader, "MXL_STATUS_OK");
}

/* === Tests ================================================================================= */

static void exchange_grains(const char *def, const char *id)
{
	struct child *writer = start_writer(def, "created");
	struct child *reader = start_reader(id);
	uint64_t index;

	for (index = 1000; index < 1030; index++)
		cross(writer, reader, text("grain %llu", (unsigned long long)index));
	child_say(writer, "release");
	child_expect(writer, "released");
	assert_int_equal(child_end(writer), 0);
	child_say(reader, "grain 1030");
	child_expect(reader, "MXL_ERR_FLOW_INVALID");
	assert_int_equal(child_end(reader), 3);
	assert_int_equal(count_entries(domain(), ""), 0);
}

TEST(video_crosses_processes)
{
	exchange_grains(small_def(ID_A), ID_A);
}

TEST(video_with_key_crosses_processes)
{
	exchange_grains(video_key_def(ID_A, 480, 270, 50, 1), ID_A);
}

TEST(ancillary_data_crosses_processes)
{
	exchange_grains(anc_def(ID_A, 30000, 1001), ID_A);
}

TEST(full_hd_video_crosses_processes)
{
	exchange_grains(data_file("video-1080i25-v210.json"),
			"8a3f2c10-5b1d-4e6f-9c47-1f2e3d4c5b02");
}

TEST(samples_cross_processes)
{
	struct child *writer = start_writer(sound_def(ID_A), "created");
	struct child *reader = start_reader(ID_A);
	uint64_t head;

	/* past the end of the ring, more than twice */
	for (head = 480; head < 45000; head += 480)
		cross(writer, reader, text("samples %llu 480", (unsigned long long)head));
	child_say(writer, "release");
	child_expect(writer, "released");
}

TEST(slices_cross_processes)
{
	struct child *writer = start_writer(small_def(ID_A), "created");
	struct child *reader = start_reader(ID_A);
	unsigned int slices;
	uint64_t index;

	for (index = 5; index < 15; index++)
		for (slices = 1; slices <= SMALL_SLICES; slices++)
			cross(writer, reader,
			      text("slices %llu %u", (unsigned long long)index, slices));
}

TEST(reader_waits_for_a_flow_that_is_created_later)
{
	mxlFlowReader reader = NULL;
	struct child *writer;

	assert_status(MXL_ERR_FLOW_NOT_FOUND, mxlCreateFlowReader(instance(), ID_A, NULL, &reader));
	writer = start_writer(small_def(ID_A), "created");
	reader = open_reader(instance(), ID_A);
	child_say(writer, "grain 4");
	child_expect(writer, "written");
	expect_grain(reader, 4);
}

TEST(killed_writer_leaves_its_flow_to_a_successor)
{
	struct child *writer = start_writer(small_def(ID_A), "created");
	mxlFlowReader reader = open_reader(instance(), ID_A);
	bool active = true;
	struct waiter *w;

	child_say(writer, "grain 20");
	child_expect(writer, "written");
	child_say(writer, "slices 21 3");
	child_expect(writer, "written");
	w = wait_for_grain(reader, 21, MXL_GRAIN_VALID_SLICES_ALL, FOREVER);
	waiter_asleep(w);
	child_kill(writer);

	/* what was there still is, what was not does not come by itself */
	expect_grain(reader, 20);
	assert_ok(mxlFlowReaderGetGrainSliceNonBlocking(reader, 21, 3, &info, &payload));
	expect_status(reader, 21, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
	assert_ok(mxlIsFlowActive(instance(), ID_A, &active));
	assert_false(active);

	writer = start_writer(small_def(ID_A), "opened");
	child_say(writer, "grain 22");
	child_expect(writer, "written");
	/* its successor moved on: the grain is not complete and never will be */
	if (waiter_end(w) == MXL_STATUS_OK)
		assert_true(w->info.flags & MXL_GRAIN_FLAG_INVALID);
	else
		assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, w->status);
	expect_grain(reader, 22);
	assert_ok(mxlIsFlowActive(instance(), ID_A, &active));
	assert_true(active);
	child_say(writer, "release");
	child_expect(writer, "released");
	assert_int_equal(count_entries(domain(), ""), 0);
}

TEST(successor_may_complete_the_grain_of_a_killed_writer)
{
	struct child *writer = start_writer(small_def(ID_A), "created");
	mxlFlowReader reader = open_reader(instance(), ID_A);

	child_say(writer, "slices 21 3");
	child_expect(writer, "written");
	child_kill(writer);
	writer = start_writer(small_def(ID_A), "opened");
	child_say(writer, "grain 21");
	child_expect(writer, "written");
	expect_grain(reader, 21);
}

/* Killed at any moment, thousands of commits per second: nothing torn is ever handed out. */
static int role_write_until_killed(int argc, char **argv)
{
	mxlFlowWriter writer;
	mxlInstance inst;
	uint64_t index;

	role_check(argc == 2);
	inst = mxlCreateInstance(argv[0], NULL);
	role_check(inst);
	role_check(mxlCreateFlowWriter(inst, small_def(ID_A), NULL, &writer, NULL, NULL) ==
		   MXL_STATUS_OK);
	role_say("writing");
	for (index = strtoull(argv[1], NULL, 10);; index++) {
		uint16_t slices;

		role_check(mxlFlowWriterOpenGrain(writer, index, &info, &payload) == MXL_STATUS_OK);
		memset(payload, 0, info.grainSize);
		fill_payload(payload, info.grainSize, index);
		for (slices = 1; slices <= info.totalSlices; slices++) {
			info.validSlices = slices;
			role_check(mxlFlowWriterCommitGrain(writer, &info) == MXL_STATUS_OK);
		}
	}
	return 0;
}

TEST(writers_killed_at_any_moment_leave_nothing_torn)
{
	uint64_t next = 100;
	int round;

	for (round = 0; round < 12; round++) {
		struct child *writer = child_exec("write_until_killed", domain(),
						  text("%llu", (unsigned long long)next), NULL);
		mxlFlowReader reader;
		uint64_t head, i, start;

		child_expect(writer, "writing");
		reader = open_reader(instance(), ID_A);
		wait_until(head_of(reader) > next + 50 + round * 7);
		child_kill(writer);
		start = next;
		head = head_of(reader);
		for (i = head - SMALL_GRAINS + 2; i <= head; i++) {
			if (mxlFlowReaderGetGrainNonBlocking(reader, i, &info, &payload) !=
			    MXL_STATUS_OK) {
				/* only the one it died in may be missing */
				assert_true(i == head);
				continue;
			}
			assert_int_equal(info.index, i);
			assert_int_equal(info.validSlices, SMALL_SLICES);
			assert_true(payload_is(payload, info.grainSize, i));
		}
		assert_true(head > start);
		next = head + 1;
		assert_ok(mxlReleaseFlowReader(instance(), reader));
	}
}

TEST(collection_after_a_kill_ends_the_waits)
{
	struct child *writer = start_writer(small_def(ID_A), "created");
	struct child *reader = start_reader(ID_A);

	child_say(reader, "grain 9");
	wait_until(child_asleep(reader));
	child_kill(writer);
	assert_ok(mxlGarbageCollectFlows(instance()));
	child_expect(reader, "MXL_ERR_FLOW_INVALID");
	assert_int_equal(count_entries(domain(), ""), 0);
}

TEST(killed_reader_disturbs_nobody)
{
	struct child *writer = start_writer(small_def(ID_A), "created");
	struct child *one = start_reader(ID_A);
	struct child *two = start_reader(ID_A);

	child_say(one, "grain 3");
	child_say(two, "grain 3");
	wait_until(child_asleep(one) && child_asleep(two));
	child_kill(one);
	child_say(writer, "grain 3");
	child_expect(writer, "written");
	child_expect(two, "MXL_STATUS_OK");
	cross(writer, two, "grain 4");
}

TEST(signals_do_not_end_a_wait)
{
	struct child *video = start_writer(small_def(ID_A), "created");
	struct child *sound = start_writer(sound_def(ID_B), "created");
	struct child *viewer = start_reader(ID_A);
	struct child *listener = start_reader(ID_B);
	int i;

	child_say(viewer, "grain 3");
	child_say(listener, "samples 480 480");
	for (i = 0; i < 20; i++) {
		wait_until(child_asleep(viewer) && child_asleep(listener));
		assert_int_equal(kill(child_pid(viewer), SIGUSR1), 0);
		assert_int_equal(kill(child_pid(listener), SIGUSR1), 0);
	}
	wait_until(child_asleep(viewer) && child_asleep(listener));
	child_say(video, "grain 3");
	child_expect(video, "written");
	child_expect(viewer, "MXL_STATUS_OK");
	child_say(sound, "samples 480 480");
	child_expect(sound, "written");
	child_expect(listener, "MXL_STATUS_OK");
}

TEST(stopped_reader_goes_on_where_it_was)
{
	struct child *writer = start_writer(small_def(ID_A), "created");
	struct child *reader = start_reader(ID_A);

	child_say(reader, "grain 3");
	wait_until(child_asleep(reader));
	assert_int_equal(kill(child_pid(reader), SIGSTOP), 0);
	child_say(writer, "grain 3");
	child_expect(writer, "written");
	assert_int_equal(kill(child_pid(reader), SIGCONT), 0);
	child_expect(reader, "MXL_STATUS_OK");
	cross(writer, reader, "grain 4");
}

TEST(writer_that_exits_without_release_leaves_an_orphan)
{
	struct child *writer = start_writer(small_def(ID_A), "created");
	bool active = true;

	/* the role ends when it hears nothing any more */
	assert_int_equal(child_end(writer), 3);
	assert_true(exists(flow_path(ID_A, "data")));
	assert_ok(mxlIsFlowActive(instance(), ID_A, &active));
	assert_false(active);
	assert_ok(mxlGarbageCollectFlows(instance()));
	assert_int_equal(count_entries(domain(), ""), 0);
}

/* Two processes hold the flow; it goes with the second. */
TEST(flow_goes_with_the_last_writing_process)
{
	struct child *one = start_writer(small_def(ID_A), "created");
	struct child *two = start_writer(small_def(ID_A), "opened");

	child_say(one, "release");
	child_expect(one, "released");
	assert_true(exists(flow_path(ID_A, "data")));
	child_say(two, "grain 5");
	child_expect(two, "written");
	expect_grain(open_reader(instance(), ID_A), 5);
	child_say(two, "release");
	child_expect(two, "released");
	assert_int_equal(count_entries(domain(), ""), 0);
}

TEST(forked_child_that_exits_takes_nothing_away)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	bool active = false;
	int status;
	pid_t pid;

	write_grain(writer, 1);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_ok(mxlIsFlowActive(open_instance(domain()), ID_A, &active));
	assert_true(active);
	write_grain(writer, 2);
	expect_grain(reader, 2);
}

TEST(forked_child_does_not_keep_the_flow_alive)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	int hold[2], status;
	pid_t pid;
	char c;

	assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(hold[1]);
		_exit(read(hold[0], &c, 1) != 0);
	}
	close(hold[0]);
	write_grain(writer, 2);
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	assert_int_equal(count_entries(domain(), ""), 0);
	close(hold[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int role_look(int argc, char **argv)
{
	bool active;
	mxlInstance inst;

	role_check(argc == 1);
	inst = mxlCreateInstance(argv[0], NULL);
	role_check(inst);
	role_check(mxlIsFlowActive(inst, ID_A, &active) == MXL_STATUS_OK);
	role_say(active ? "active" : "idle");
	role_check(mxlDestroyInstance(inst) == MXL_STATUS_OK);
	return 0;
}

TEST(program_started_by_a_writer_inherits_nothing)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	struct child *other = start_holder(domain(), small_def(ID_B));
	struct child *look;

	/* it was started while the flow was open, and goes on running */
	child_expect(other, "created");
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	assert_false(exists(flow_path(ID_A, NULL)));

	orphan_flow(domain(), small_def(ID_A));
	look = child_exec("look", domain(), NULL);
	child_expect(look, "idle");
}

TEST(last_read_time_crosses_processes)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	struct mxl_flow_header *header = map_header(ID_A);
	struct child *reader = start_reader(ID_A);
	uint64_t before = mxlGetTime();

	write_grain(writer, 1);
	while (__atomic_load_n(&header->last_read_time, __ATOMIC_ACQUIRE) < before) {
		child_say(reader, "grain 1");
		child_expect(reader, "MXL_STATUS_OK");
		doze();
	}
}

int main(int argc, char **argv)
{
	static const struct test_role roles[] = {
		{ "writer", role_writer },
		{ "reader", role_reader },
		{ "write_until_killed", role_write_until_killed },
		{ "look", role_look },
	};
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(video_crosses_processes),
		cmocka_unit_test(video_with_key_crosses_processes),
		cmocka_unit_test(ancillary_data_crosses_processes),
		cmocka_unit_test(full_hd_video_crosses_processes),
		cmocka_unit_test(samples_cross_processes),
		cmocka_unit_test(slices_cross_processes),
		cmocka_unit_test(reader_waits_for_a_flow_that_is_created_later),
		cmocka_unit_test(killed_writer_leaves_its_flow_to_a_successor),
		cmocka_unit_test(successor_may_complete_the_grain_of_a_killed_writer),
		cmocka_unit_test(writers_killed_at_any_moment_leave_nothing_torn),
		cmocka_unit_test(collection_after_a_kill_ends_the_waits),
		cmocka_unit_test(killed_reader_disturbs_nobody),
		cmocka_unit_test(signals_do_not_end_a_wait),
		cmocka_unit_test(stopped_reader_goes_on_where_it_was),
		cmocka_unit_test(writer_that_exits_without_release_leaves_an_orphan),
		cmocka_unit_test(flow_goes_with_the_last_writing_process),
		cmocka_unit_test(forked_child_that_exits_takes_nothing_away),
		cmocka_unit_test(forked_child_does_not_keep_the_flow_alive),
		cmocka_unit_test(program_started_by_a_writer_inherits_nothing),
		cmocka_unit_test(last_read_time_crosses_processes),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), roles, ARRAY_SIZE(roles));
}

// SPDX-License-Identifier: Apache-2.0
/* How flows are, which there are, what is still intact, and whose turn it is to write. */
#include "helpers.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <mxl/state.h>

static mxlFlowState state_of(const char *id)
{
	mxlFlowState now = { .size = sizeof(now) };

	assert_ok(mxlGetFlowState(instance(), id, &now));
	assert_int_equal(sizeof(now), now.size);
	return now;
}

static bool is_kernel_mode(mxlFlowReader reader)
{
	const char *name;

	assert_ok(mxlFlowReaderGetBackend(reader, &name));
	if (strcmp(name, "kernel"))
		assert_string_equal("posix", name);
	return strcmp(name, "kernel") == 0;
}

/* === State ================================================================================= */

TEST(a_flow_of_this_process)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	mxlFlowRuntimeInfo runtime;
	mxlFlowState before, now;

	write_grain(writer, 7);
	before = state_of(ID_A);
	write_grain(writer, 8);
	expect_grain(reader, 8);
	now = state_of(ID_A);
	assert_ok(mxlFlowReaderGetRuntimeInfo(reader, &runtime));

	assert_true(now.flags & MXL_FLOW_STATE_WRITER);
	assert_int_equal(getpid(), now.writerPid);
	assert_int_equal(8, now.headIndex);
	assert_int_equal(runtime.lastWriteTime, now.lastWriteTime);
	assert_true(now.lastWriteTime > before.lastWriteTime);
	assert_int_equal(before.commits + 1, now.commits);
	assert_int_equal(is_kernel_mode(reader) ? MXL_FLOW_BACKEND_KERNEL : MXL_FLOW_BACKEND_POSIX,
			 now.backend);
	if (is_kernel_mode(reader)) {
		assert_true(now.flags & MXL_FLOW_STATE_LOCKED);
		assert_int_equal(1, now.generation);
		assert_int_equal(1, now.epoch);
		assert_int_equal(2, now.attachments);
		assert_int_equal(0, now.waiters);
	} else {
		assert_false(now.flags & ~(uint32_t)MXL_FLOW_STATE_WRITER);
		assert_int_equal(0, now.generation);
		assert_int_equal(0, now.epoch);
		assert_int_equal(0, now.attachments);
	}
}

TEST(a_flow_of_another_process)
{
	struct child *c = start_holder(domain(), small_def(ID_A));
	mxlFlowState now;

	child_expect(c, "created");
	now = state_of(ID_A);
	assert_true(now.flags & MXL_FLOW_STATE_WRITER);
	assert_int_equal(child_pid(c), now.writerPid);
	child_kill(c);
	now = state_of(ID_A);
	assert_false(now.flags & (MXL_FLOW_STATE_WRITER | MXL_FLOW_STATE_LOCKED));
	assert_int_equal(0, now.writerPid);
	assert_int_equal(0, now.headIndex);
}

TEST(who_only_looks_is_no_writer)
{
	mxlFlowState now;
	int fd;

	orphan_flow(domain(), small_def(ID_A));
	fd = open(flow_path(ID_A, "data"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	now = state_of(ID_A);
	assert_false(now.flags & MXL_FLOW_STATE_WRITER);
	/* A lock as that of a writer is a writer, whatever program holds it. */
	assert_int_equal(0, flock(fd, LOCK_SH | LOCK_NB));
	now = state_of(ID_A);
	assert_true(now.flags & MXL_FLOW_STATE_WRITER);
	assert_int_equal(getpid(), now.writerPid);
	close(fd);
}

TEST(waiters_and_wakes_are_counted_where_the_kernel_counts)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	bool kernel = is_kernel_mode(reader);
	struct waiter *w = wait_for_grain(reader, 1, 1, PLENTY);
	mxlFlowState now;

	waiter_asleep(w);
	now = state_of(ID_A);
	assert_int_equal(kernel ? 1 : 0, now.waiters);
	assert_int_equal(0, now.wakes);
	write_grain(writer, 1);
	assert_status(MXL_STATUS_OK, waiter_end(w));
	now = state_of(ID_A);
	assert_int_equal(0, now.waiters);
	assert_int_equal(kernel ? 1 : 0, now.wakes);
}

TEST(the_state_can_grow)
{
	struct {
		mxlFlowState state;
		uint8_t more[64];
		uint8_t beyond;
	} later = { .state.size = sizeof(mxlFlowState) + 64, .beyond = 0xaa };
	mxlFlowState now = { .size = sizeof(now) - 1, .headIndex = 99 };
	size_t i;

	write_grain(open_writer(instance(), small_def(ID_A)), 5);
	memset(later.more, 0xaa, sizeof(later.more));
	assert_ok(mxlGetFlowState(instance(), ID_A, &later.state));
	assert_int_equal(5, later.state.headIndex);
	assert_int_equal(sizeof(mxlFlowState) + 64, later.state.size);
	for (i = 0; i < sizeof(later.more); i++)
		assert_int_equal(0, later.more[i]);
	assert_int_equal(0xaa, later.beyond);

	assert_status(MXL_ERR_INVALID_ARG, mxlGetFlowState(instance(), ID_A, &now));
	assert_int_equal(99, now.headIndex);
}

TEST(states_that_cannot_be_had)
{
	mxlFlowState now = { .size = sizeof(now) };

	open_writer(instance(), small_def(ID_A));
	assert_status(MXL_ERR_FLOW_NOT_FOUND, mxlGetFlowState(instance(), ID_B, &now));
	assert_status(MXL_ERR_INVALID_ARG, mxlGetFlowState(instance(), "no uuid", &now));
	assert_status(MXL_ERR_INVALID_ARG, mxlGetFlowState(instance(), NULL, &now));
	assert_status(MXL_ERR_INVALID_ARG, mxlGetFlowState(instance(), ID_A, NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlGetFlowState(NULL, ID_A, &now));
}

/* === Lists ================================================================================= */

static bool has_id(mxlFlowId *ids, size_t count, const char *id)
{
	unsigned int found = 0;

	while (count > 0)
		found += !strcmp(ids[--count], id);
	return found == 1;
}

TEST(flows_are_listed)
{
	mxlFlowId ids[4];
	size_t count = 99;

	assert_ok(mxlListFlows(instance(), NULL, &count));
	assert_int_equal(0, count);
	open_writer(instance(), small_def(ID_A));
	orphan_flow(domain(), small_def(ID_B));
	open_writer(instance(), sound_def(ID_C));
	write_file(text("%s/file", domain()), "");
	/* Names that are nearly those of flows, and a folder that holds none. */
	assert_int_equal(0, mkdir(text("%s/%s", domain(), ID_NONE), 0755));
	assert_int_equal(0, mkdir(flow_path(ID_NONE, NULL), 0755));
	assert_int_equal(
		0, mkdir(text("%s/5FBEC3B1-1B0F-417D-9059-8B94A47197EE.mxl-flow", domain()), 0755));

	assert_ok(mxlListFlows(instance(), NULL, &count));
	assert_int_equal(3, count);
	count = ARRAY_SIZE(ids);
	assert_ok(mxlListFlows(instance(), ids, &count));
	assert_int_equal(3, count);
	assert_true(has_id(ids, count, ID_A));
	assert_true(has_id(ids, count, ID_B));
	assert_true(has_id(ids, count, ID_C));
	open_reader(instance(), ids[0]);
}

TEST(a_list_that_does_not_fit_is_not_given)
{
	mxlFlowId ids[2] = { "untouched" };
	size_t count = 1;

	open_writer(instance(), small_def(ID_A));
	open_writer(instance(), small_def(ID_B));
	assert_status(MXL_ERR_INVALID_ARG, mxlListFlows(instance(), ids, &count));
	assert_int_equal(2, count);
	assert_string_equal("untouched", ids[0]);
	assert_ok(mxlListFlows(instance(), ids, &count));
	assert_int_equal(2, count);

	assert_status(MXL_ERR_INVALID_ARG, mxlListFlows(instance(), ids, NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlListFlows(NULL, ids, &count));
}

TEST(a_domain_that_is_gone_cannot_be_listed)
{
	const char *dir = new_directory(NULL);
	mxlInstance inst = open_instance(dir);
	size_t count = 7;

	remove_tree(dir);
	assert_status(MXL_ERR_UNKNOWN, mxlListFlows(inst, NULL, &count));
	assert_int_equal(7, count);
	assert_int_equal(0, mkdir(dir, 0755));
}

/* === Intact? =============================================================================== */

static bool is_intact(mxlFlowReader reader, uint64_t index)
{
	bool result;

	assert_ok(mxlFlowReaderIsGrainIntact(reader, index, &result));
	return result;
}

TEST(grains_are_intact_while_they_can_be_read)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t head, i;

	assert_false(is_intact(reader, 5));
	for (head = 1; head <= 40; head++) {
		write_grain(writer, head);
		for (i = 1; i <= head; i++)
			assert_int_equal(head - i < SMALL_GRAINS - 1, is_intact(reader, i));
		assert_false(is_intact(reader, head + 1));
		assert_false(is_intact(reader, UINT64_MAX));
	}
}

TEST(a_grain_is_intact_until_its_slot_is_taken)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	mxlGrainInfo info;
	uint8_t *payload;

	write_grain(writer, 1);
	write_slices(writer, 2, 3);
	assert_true(is_intact(reader, 2));
	/* A jump takes the slot of grain 1, and the head says nothing of it so far. */
	assert_ok(mxlFlowWriterOpenGrain(writer, 1 + 3 * SMALL_GRAINS, &info, &payload));
	assert_false(is_intact(reader, 1));
	assert_true(is_intact(reader, 2));
	assert_ok(mxlFlowWriterCancelGrain(writer));
	assert_false(is_intact(reader, 1));
}

TEST(samples_are_intact_while_they_can_be_read)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	bool result;

	write_samples(writer, 1000, 1000);
	assert_ok(mxlFlowReaderAreSamplesIntact(reader, 1000, 1000, &result));
	assert_true(result);
	assert_ok(mxlFlowReaderAreSamplesIntact(reader, 1001, 1, &result));
	assert_false(result);
	write_samples(writer, 1000 + SOUND_HALF - 1000, SOUND_HALF - 1000);
	assert_ok(mxlFlowReaderAreSamplesIntact(reader, 1000, 1000, &result));
	assert_true(result);
	write_samples(writer, SOUND_HALF + 1, 1);
	assert_ok(mxlFlowReaderAreSamplesIntact(reader, 1000, 1000, &result));
	assert_false(result);
	assert_ok(mxlFlowReaderAreSamplesIntact(reader, 1000, 999, &result));
	assert_true(result);
}

TEST(intact_is_asked_of_the_right_reader)
{
	mxlFlowReader grains, samples;
	const char *name;
	bool result;

	open_writer(instance(), small_def(ID_A));
	open_writer(instance(), sound_def(ID_B));
	grains = open_reader(instance(), ID_A);
	samples = open_reader(instance(), ID_B);
	assert_status(MXL_ERR_INVALID_FLOW_READER, mxlFlowReaderIsGrainIntact(NULL, 1, &result));
	assert_status(MXL_ERR_INVALID_FLOW_READER, mxlFlowReaderIsGrainIntact(samples, 1, &result));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowReaderIsGrainIntact(grains, 1, NULL));
	assert_status(MXL_ERR_INVALID_FLOW_READER,
		      mxlFlowReaderAreSamplesIntact(grains, 1, 1, &result));
	assert_status(MXL_ERR_INVALID_FLOW_READER,
		      mxlFlowReaderAreSamplesIntact(NULL, 1, 1, &result));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowReaderAreSamplesIntact(samples, 1, 1, NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowReaderAreSamplesIntact(samples, 1, 0, &result));
	assert_status(MXL_ERR_INVALID_FLOW_READER, mxlFlowReaderGetBackend(NULL, &name));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowReaderGetBackend(grains, NULL));
}

/* === Whose turn ============================================================================ */

TEST(a_writer_that_can_write_does_not_wait)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));

	assert_ok(mxlFlowWriterWaitForLock(writer, 0));
	assert_ok(mxlFlowWriterWaitForLock(writer, FOREVER));
	write_grain(writer, 1);
	assert_ok(mxlFlowWriterWaitForLock(open_writer(instance(), sound_def(ID_B)), 0));
}

TEST(a_standby_waits_for_its_turn)
{
	struct child *c = start_holder(domain(), small_def(ID_A));
	mxlFlowWriter writer;
	mxlFlowReader reader;
	mxlGrainInfo info;
	uint8_t *payload;

	child_expect(c, "created");
	writer = open_writer(instance(), small_def(ID_A));
	reader = open_reader(instance(), ID_A);
	if (is_kernel_mode(reader)) {
		assert_status(MXL_ERR_CONFLICT, mxlFlowWriterOpenGrain(writer, 1, &info, &payload));
		assert_status(MXL_ERR_TIMEOUT, mxlFlowWriterWaitForLock(writer, 0));
		assert_status(MXL_ERR_TIMEOUT, mxlFlowWriterWaitForLock(writer, 20 * MSEC));
	} else {
		assert_ok(mxlFlowWriterWaitForLock(writer, 0));
	}
	child_kill(c);
	assert_ok(mxlFlowWriterWaitForLock(writer, FOREVER));
	write_grain(writer, 1);
	expect_grain(reader, 1);
	assert_int_equal(getpid(), state_of(ID_A).writerPid);
}

TEST(turns_are_asked_of_writers)
{
	mxlFlowReader reader;

	open_writer(instance(), small_def(ID_A));
	reader = open_reader(instance(), ID_A);
	assert_status(MXL_ERR_INVALID_FLOW_WRITER, mxlFlowWriterWaitForLock(NULL, 0));
	assert_status(MXL_ERR_INVALID_FLOW_WRITER,
		      mxlFlowWriterWaitForLock((mxlFlowWriter)reader, 0));
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_of_this_process),
		cmocka_unit_test(a_flow_of_another_process),
		cmocka_unit_test(who_only_looks_is_no_writer),
		cmocka_unit_test(waiters_and_wakes_are_counted_where_the_kernel_counts),
		cmocka_unit_test(the_state_can_grow),
		cmocka_unit_test(states_that_cannot_be_had),
		cmocka_unit_test(flows_are_listed),
		cmocka_unit_test(a_list_that_does_not_fit_is_not_given),
		cmocka_unit_test(a_domain_that_is_gone_cannot_be_listed),
		cmocka_unit_test(grains_are_intact_while_they_can_be_read),
		cmocka_unit_test(a_grain_is_intact_until_its_slot_is_taken),
		cmocka_unit_test(samples_are_intact_while_they_can_be_read),
		cmocka_unit_test(intact_is_asked_of_the_right_reader),
		cmocka_unit_test(a_writer_that_can_write_does_not_wait),
		cmocka_unit_test(a_standby_waits_for_its_turn),
		cmocka_unit_test(turns_are_asked_of_writers),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), NULL, 0);
}

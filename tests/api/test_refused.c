// SPDX-License-Identifier: Apache-2.0
/*
 * What is refused and never acted on: one test for each thing the specification lists, in its
 * order. Some are looked at more closely elsewhere.
 */
#include "helpers.h"

#include <stdlib.h>
#include <string.h>

static mxlGrainInfo info;
static uint8_t *payload;
static mxlWrappedMultiBufferSlice slice;
static mxlMutableWrappedMultiBufferSlice mutable_slice;

TEST(rate_of_zero)
{
	mxlFlowWriter writer = NULL;

	assert_status(MXL_ERR_UNKNOWN, mxlCreateFlowWriter(instance(), video_def(ID_A, 96, 8, 0, 1),
							   NULL, &writer, NULL, NULL));
	assert_status(MXL_ERR_UNKNOWN, mxlCreateFlowWriter(instance(), audio_def(ID_A, 0, 1), NULL,
							   &writer, NULL, NULL));
	assert_int_equal(count_entries(domain(), ""), 0);
}

TEST(rate_with_denominator_zero)
{
	mxlFlowWriter writer = NULL;

	assert_status(MXL_ERR_UNKNOWN,
		      mxlCreateFlowWriter(instance(), video_def(ID_A, 96, 8, 50, 0), NULL, &writer,
					  NULL, NULL));
	assert_status(MXL_ERR_UNKNOWN, mxlCreateFlowWriter(instance(), anc_def(ID_A, 0, 0), NULL,
							   &writer, NULL, NULL));
	assert_int_equal(count_entries(domain(), ""), 0);
}

TEST(history_giving_no_grain)
{
	mxlFlowWriter writer = NULL;

	set_history(domain(), "19999999");
	assert_status(MXL_ERR_UNKNOWN,
		      mxlCreateFlowWriter(instance(), small_def(ID_A), NULL, &writer, NULL, NULL));
	assert_int_equal(count_entries(domain(), ".mxl"), 0);
}

TEST(history_giving_one_grain)
{
	mxlFlowWriter writer = NULL;

	set_history(domain(), "20000000");
	assert_status(MXL_ERR_UNKNOWN,
		      mxlCreateFlowWriter(instance(), small_def(ID_A), NULL, &writer, NULL, NULL));
	assert_int_equal(count_entries(domain(), ".mxl"), 0);
}

TEST(instance_without_a_domain)
{
	assert_null(mxlCreateInstance(NULL, NULL));
}

TEST(null_for_an_output)
{
	mxlFlowReader reader;

	assert_status(MXL_ERR_INVALID_ARG,
		      mxlCreateFlowWriter(instance(), small_def(ID_A), NULL, NULL, NULL, NULL));
	assert_false(exists(flow_path(ID_A, NULL)));
	write_grain(open_writer(instance(), small_def(ID_A)), 1);
	reader = open_reader(instance(), ID_A);
	assert_status(MXL_ERR_INVALID_ARG, mxlCreateFlowReader(instance(), ID_A, NULL, NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowReaderGetGrain(reader, 1, 0, NULL, NULL));
}

TEST(commit_grain_with_nothing_open)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	memset(&info, 0, sizeof(info));
	info.version = 1;
	info.size = 4096;
	info.totalSlices = SMALL_SLICES;
	info.validSlices = SMALL_SLICES;
	info.grainSize = SMALL_SIZE;
	info.index = UINT64_MAX;
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitGrain(writer, &info));
	info.index = 0;
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitGrain(writer, &info));
	info.index = 5;
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitGrain(writer, &info));
	assert_int_equal(head_of(reader), 0);
}

TEST(commit_samples_with_nothing_open)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitSamples(writer));
	assert_int_equal(head_of(reader), 0);
	write_samples(writer, 480, 480);
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitSamples(writer));
	assert_int_equal(head_of(reader), 480);
}

TEST(samples_that_end_at_the_undefined_index)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));

	assert_refused(mxlFlowWriterOpenSamples(writer, UINT64_MAX, 480, &mutable_slice));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitSamples(writer));
}

TEST(zero_samples)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	write_samples(writer, 480, 480);
	assert_status(MXL_ERR_INVALID_ARG,
		      mxlFlowWriterOpenSamples(writer, 960, 0, &mutable_slice));
	assert_status(MXL_ERR_INVALID_ARG,
		      mxlFlowReaderGetSamplesNonBlocking(reader, 480, 0, &slice));
	assert_status(MXL_ERR_INVALID_ARG,
		      mxlFlowReaderGetSamples(reader, 960, 0, FOREVER, &slice));
}

TEST(commit_of_an_index_older_than_the_last_complete_grain_of_the_head)
{
	mxlFlowWriter slow, fast;
	mxlFlowReader reader;
	mxlGrainInfo old;

	need_posix_mode();
	slow = open_writer(instance(), small_def(ID_A));
	fast = open_writer(open_instance(domain()), small_def(ID_A));
	reader = open_reader(instance(), ID_A);
	write_grain(slow, 3);
	assert_ok(mxlFlowWriterOpenGrain(slow, 4, &old, &payload));
	write_grain(fast, 9);
	old.validSlices = old.totalSlices;
	assert_refused(mxlFlowWriterCommitGrain(slow, &old));
	assert_int_equal(head_of(reader), 9);
	expect_grain(reader, 9);
}

TEST(more_valid_slices_than_there_are)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	assert_ok(mxlFlowWriterOpenGrain(writer, 3, &info, &payload));
	info.validSlices = SMALL_SLICES + 1;
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitGrain(writer, &info));
	assert_int_equal(head_of(reader), 0);
}

TEST(second_writer_leaves_no_temporary_directory)
{
	int i;

	open_writer(instance(), small_def(ID_A));
	for (i = 0; i < 3; i++) {
		open_writer(instance(), small_def(ID_A));
		open_writer(open_instance(domain()), small_def(ID_A));
		assert_int_equal(count_entries(domain(), ""), 1);
	}
}

TEST(refused_writer_leaves_no_temporary_directory)
{
	mxlFlowWriter writer = NULL;

	open_writer(instance(), small_def(ID_A));
	assert_status(MXL_ERR_CONFLICT,
		      mxlCreateFlowWriter(instance(), sound_def(ID_A), NULL, &writer, NULL, NULL));
	assert_status(MXL_ERR_UNKNOWN,
		      mxlCreateFlowWriter(instance(), "{}", NULL, &writer, NULL, NULL));
	assert_int_equal(count_entries(domain(), ""), 1);
}

static mxlFlowSynchronizationGroup group_of(mxlFlowReader a, mxlFlowReader b)
{
	mxlFlowSynchronizationGroup group;

	assert_ok(mxlCreateFlowSynchronizationGroup(instance(), &group));
	assert_ok(mxlFlowSynchronizationGroupAddReader(group, a));
	assert_ok(mxlFlowSynchronizationGroupAddReader(group, b));
	return group;
}

TEST(group_that_forgets_members)
{
	mxlFlowWriter one = open_writer(instance(), small_def(ID_A));
	mxlFlowWriter two = open_writer(instance(), small_def(ID_B));
	mxlFlowSynchronizationGroup group =
		group_of(open_reader(instance(), ID_A), open_reader(instance(), ID_B));

	write_grain(one, 50);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY,
		      mxlFlowSynchronizationGroupWaitForDataAt(group, SEC, 0));
	write_grain(one, 100);
	write_grain(two, 50);
	write_grain(two, 51);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY,
		      mxlFlowSynchronizationGroupWaitForDataAt(group, 2 * SEC, MSEC));
	write_grain(two, 100);
	assert_ok(mxlFlowSynchronizationGroupWaitForDataAt(group, 2 * SEC, 0));
}

TEST(group_that_takes_a_part_of_the_head_grain_for_the_whole)
{
	mxlFlowWriter one = open_writer(instance(), small_def(ID_A));
	mxlFlowWriter two = open_writer(instance(), small_def(ID_B));
	mxlFlowSynchronizationGroup group =
		group_of(open_reader(instance(), ID_A), open_reader(instance(), ID_B));

	write_grain(one, 50);
	write_slices(two, 50, SMALL_SLICES - 1);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY,
		      mxlFlowSynchronizationGroupWaitForDataAt(group, SEC, MSEC));
	write_slices(two, 50, SMALL_SLICES);
	assert_ok(mxlFlowSynchronizationGroupWaitForDataAt(group, SEC, 0));
}

TEST(ok_before_the_last_slice_is_committed)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	struct waiter *w = wait_for_grain(reader, 3, MXL_GRAIN_VALID_SLICES_ALL, PLENTY);
	uint16_t slices;

	for (slices = 1; slices < SMALL_SLICES; slices++) {
		waiter_asleep(w);
		write_slices(writer, 3, slices);
		expect_status(reader, 3, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
		assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY,
			      mxlFlowReaderGetGrain(reader, 3, MSEC, &info, &payload));
	}
	assert_false(waiter_done(w));
	write_slices(writer, 3, SMALL_SLICES);
	assert_status(MXL_STATUS_OK, waiter_end(w));
	assert_int_equal(w->info.validSlices, SMALL_SLICES);
}

/* A slot that is being refilled has another index, whatever the head says. */
TEST(header_whose_index_is_not_the_one_asked_for)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	struct mxl_grain_header *grain;
	uint64_t i;

	for (i = 1; i <= 20; i++)
		write_grain(writer, i);
	need_unsealed(grain_path(ID_A, 8));
	grain = map_grain(ID_A, 8);
	assert_int_equal(grain->index, 18);
	__atomic_store_n(&grain->index, 28, __ATOMIC_RELEASE);
	assert_refused(mxlFlowReaderGetGrainNonBlocking(reader, 18, &info, &payload));
	assert_refused(mxlFlowReaderGetGrainSliceNonBlocking(reader, 18, 0, &info, &payload));
	assert_refused(mxlFlowReaderGetGrain(reader, 18, MSEC, &info, &payload));
	__atomic_store_n(&grain->index, 8, __ATOMIC_RELEASE);
	assert_refused(mxlFlowReaderGetGrainNonBlocking(reader, 18, &info, &payload));
	expect_grain(reader, 19);
}

TEST(fresh_flow_with_something_to_read)
{
	mxlFlowReader reader;
	uint64_t i;

	open_writer(instance(), small_def(ID_A));
	reader = open_reader(instance(), ID_A);
	for (i = 0; i < 2 * SMALL_GRAINS; i++) {
		expect_status(reader, i, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
		assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY,
			      mxlFlowReaderGetGrainSliceNonBlocking(reader, i, 0, &info, &payload));
	}
}

static int role_die_in_a_grain(int argc, char **argv)
{
	mxlFlowWriter writer;
	mxlInstance inst;

	role_check(argc == 1);
	inst = mxlCreateInstance(argv[0], NULL);
	role_check(inst);
	writer = open_writer(inst, small_def(ID_A));
	write_grain(writer, 20);
	write_slices(writer, 21, 3);
	role_say("writing");
	role_hear();
	return 0;
}

TEST(grain_of_a_killed_writer_handed_out_as_complete_after_its_successor_moved_on)
{
	struct child *c = child_exec("die_in_a_grain", domain(), NULL);
	mxlFlowReader reader;
	mxlFlowWriter writer;

	child_expect(c, "writing");
	reader = open_reader(instance(), ID_A);
	child_kill(c);
	writer = open_writer(instance(), small_def(ID_A));
	write_grain(writer, 22);
	expect_grain(reader, 20);
	expect_grain(reader, 22);
	if (mxlFlowReaderGetGrainNonBlocking(reader, 21, &info, &payload) == MXL_STATUS_OK)
		assert_true(info.flags & MXL_GRAIN_FLAG_INVALID);
	write_grain(writer, 23);
	if (mxlFlowReaderGetGrainNonBlocking(reader, 21, &info, &payload) == MXL_STATUS_OK)
		assert_true(info.flags & MXL_GRAIN_FLAG_INVALID);
}

TEST(collection_of_a_flow_that_a_writer_has_opened)
{
	mxlInstance collector = open_instance(domain());
	mxlFlowWriter writer;
	bool created = true;

	orphan_flow(domain(), small_def(ID_A));
	assert_ok(mxlCreateFlowWriter(instance(), small_def(ID_A), NULL, &writer, NULL, &created));
	assert_false(created);
	assert_ok(mxlGarbageCollectFlows(collector));
	assert_ok(mxlGarbageCollectFlows(instance()));
	assert_true(exists(flow_path(ID_A, "data")));
	write_grain(writer, 9);
	expect_grain(open_reader(collector, ID_A), 9);
}

TEST(too_early_at_the_deadline_although_the_data_is_there)
{
	struct mxl_flow_header *header;
	struct waiter *w;

	open_writer(instance(), sound_def(ID_A));
	need_unsealed(flow_path(ID_A, "data"));
	header = map_header(ID_A);
	w = wait_for_samples(open_reader(instance(), ID_A), 480, 480, 200 * MSEC * slowness());
	waiter_asleep(w);
	__atomic_store_n(&header->head_index, 480, __ATOMIC_RELEASE);
	assert_status(MXL_STATUS_OK, waiter_end(w));
}

TEST(timeout_that_would_overflow)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	struct waiter *endless = wait_for_grain(reader, 3, 1, UINT64_MAX);
	struct waiter *longer = wait_for_grain(reader, 3, 1, UINT64_MAX - now_ns() + 1);

	waiter_asleep(endless);
	waiter_asleep(longer);
	write_grain(writer, 3);
	assert_status(MXL_STATUS_OK, waiter_end(endless));
	assert_status(MXL_STATUS_OK, waiter_end(longer));
}

int main(int argc, char **argv)
{
	static const struct test_role roles[] = { { "die_in_a_grain", role_die_in_a_grain } };
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_of_zero),
		cmocka_unit_test(rate_with_denominator_zero),
		cmocka_unit_test(history_giving_no_grain),
		cmocka_unit_test(history_giving_one_grain),
		cmocka_unit_test(instance_without_a_domain),
		cmocka_unit_test(null_for_an_output),
		cmocka_unit_test(commit_grain_with_nothing_open),
		cmocka_unit_test(commit_samples_with_nothing_open),
		cmocka_unit_test(samples_that_end_at_the_undefined_index),
		cmocka_unit_test(zero_samples),
		cmocka_unit_test(commit_of_an_index_older_than_the_last_complete_grain_of_the_head),
		cmocka_unit_test(more_valid_slices_than_there_are),
		cmocka_unit_test(second_writer_leaves_no_temporary_directory),
		cmocka_unit_test(refused_writer_leaves_no_temporary_directory),
		cmocka_unit_test(group_that_forgets_members),
		cmocka_unit_test(group_that_takes_a_part_of_the_head_grain_for_the_whole),
		cmocka_unit_test(ok_before_the_last_slice_is_committed),
		cmocka_unit_test(header_whose_index_is_not_the_one_asked_for),
		cmocka_unit_test(fresh_flow_with_something_to_read),
		cmocka_unit_test(
			grain_of_a_killed_writer_handed_out_as_complete_after_its_successor_moved_on),
		cmocka_unit_test(collection_of_a_flow_that_a_writer_has_opened),
		cmocka_unit_test(too_early_at_the_deadline_although_the_data_is_there),
		cmocka_unit_test(timeout_that_would_overflow),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), roles, ARRAY_SIZE(roles));
}

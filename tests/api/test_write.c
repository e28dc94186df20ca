// SPDX-License-Identifier: Apache-2.0
/* Writing grains, jumping ahead, restarting lower, opening flows that exist, signalling. */
#include "helpers.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static mxlGrainInfo info;
static uint8_t *payload;

static void open_grain(mxlFlowWriter writer, uint64_t index)
{
	assert_ok(mxlFlowWriterOpenGrain(writer, index, &info, &payload));
	assert_int_equal(info.index, index);
}

static mxlStatus try_open(mxlFlowWriter writer, uint64_t index)
{
	return mxlFlowWriterOpenGrain(writer, index, &info, &payload);
}

TEST(index_at_or_below_the_last_complete_one_is_refused)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t index;

	write_grain(writer, 40);
	for (index = 0; index <= 40; index++)
		assert_status(MXL_ERR_INVALID_ARG, try_open(writer, index));
	expect_grain(reader, 40);
	assert_int_equal(head_of(reader), 40);
	write_grain(writer, 41);
	expect_grain(reader, 41);
}

TEST(invalid_flag_ends_the_grain)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	open_grain(writer, 40);
	info.validSlices = 2;
	info.flags = MXL_GRAIN_FLAG_INVALID;
	assert_ok(mxlFlowWriterCommitGrain(writer, &info));
	expect_invalid(reader, 40);
	info.validSlices = SMALL_SLICES;
	info.flags = 0;
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitGrain(writer, &info));
	expect_invalid(reader, 40);
}

/* Programs say "nothing yet" with an INVALID grain and fill it in when they can. */
TEST(invalid_grain_can_be_written_after_all)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	write_invalid(writer, 40);
	open_grain(writer, 40);
	assert_int_equal(info.validSlices, 0);
	fill_payload(payload, SMALL_SIZE, 40);
	info.flags = 0;
	info.validSlices = info.totalSlices;
	assert_ok(mxlFlowWriterCommitGrain(writer, &info));
	expect_grain(reader, 40);
	assert_status(MXL_ERR_INVALID_ARG, try_open(writer, 40));
}

TEST(new_index_starts_with_no_slices_and_not_invalid)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));

	write_invalid(writer, 5);
	open_grain(writer, 15);
	assert_int_equal(info.validSlices, 0);
	assert_int_equal(info.flags, 0);
	assert_int_equal(info.totalSlices, SMALL_SLICES);
	assert_int_equal(info.grainSize, SMALL_SIZE);
	assert_int_equal(info.version, 1);
	assert_int_equal(info.size, 4096);
	info.validSlices = info.totalSlices;
	assert_ok(mxlFlowWriterCommitGrain(writer, &info));
	open_grain(writer, 25);
	assert_int_equal(info.validSlices, 0);
}

TEST(reopening_the_incomplete_grain_keeps_its_slices)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	write_slices(writer, 5, 3);
	open_grain(writer, 5);
	assert_int_equal(info.validSlices, 3);
	assert_true(payload_is(payload, SMALL_SIZE, 5));
	/* readers see them meanwhile */
	assert_ok(mxlFlowReaderGetGrainSliceNonBlocking(reader, 5, 3, &info, &payload));
	assert_int_equal(info.validSlices, 3);
	assert_ok(mxlFlowWriterCancelGrain(writer));
	open_grain(writer, 5);
	assert_int_equal(info.validSlices, 3);
}

TEST(committing_another_index_than_the_open_one_is_refused)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	mxlGrainInfo other;

	write_grain(writer, 5);
	open_grain(writer, 6);
	other = info;
	other.validSlices = other.totalSlices;
	other.index = 7;
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitGrain(writer, &other));
	other.index = 5;
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitGrain(writer, &other));
	other.index = 16;
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitGrain(writer, &other));
	other.index = UINT64_MAX;
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitGrain(writer, &other));
	assert_int_equal(head_of(reader), 5);
	/* the grain stayed open */
	fill_payload(payload, SMALL_SIZE, 6);
	info.validSlices = info.totalSlices;
	assert_ok(mxlFlowWriterCommitGrain(writer, &info));
	expect_grain(reader, 6);
}

TEST(commit_sets_head_and_time)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t index, before;
	mxlFlowRuntimeInfo runtime;

	for (index = 7; index < 10; index++) {
		open_grain(writer, index);
		assert_int_equal(head_of(reader), index == 7 ? 0 : index - 1);
		before = mxlGetTime();
		info.validSlices = 1;
		assert_ok(mxlFlowWriterCommitGrain(writer, &info));
		assert_ok(mxlFlowReaderGetRuntimeInfo(reader, &runtime));
		assert_int_equal(runtime.headIndex, index);
		assert_in_range(runtime.lastWriteTime, before, mxlGetTime());
	}
}

TEST(grain_stays_open_until_it_is_complete)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint16_t slices;

	open_grain(writer, 5);
	fill_payload(payload, SMALL_SIZE, 5);
	for (slices = 0; slices <= SMALL_SLICES; slices++) {
		info.validSlices = slices;
		assert_ok(mxlFlowWriterCommitGrain(writer, &info));
	}
	expect_grain(reader, 5);
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitGrain(writer, &info));
}

TEST(cancel_forgets_the_open_index)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	assert_ok(mxlFlowWriterCancelGrain(writer));
	write_grain(writer, 5);
	open_grain(writer, 6);
	assert_ok(mxlFlowWriterCancelGrain(writer));
	info.validSlices = info.totalSlices;
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitGrain(writer, &info));
	assert_int_equal(head_of(reader), 5);
	expect_status(reader, 6, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
	assert_ok(mxlFlowWriterCancelGrain(writer));
	write_grain(writer, 6);
	expect_grain(reader, 6);
}

TEST(cancelled_jump_does_not_count)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	write_grain(writer, 5);
	open_grain(writer, 9);
	assert_ok(mxlFlowWriterCancelGrain(writer));
	write_grain(writer, 6);
	expect_grain(reader, 5);
	expect_grain(reader, 6);
	assert_int_equal(head_of(reader), 6);
	expect_status(reader, 9, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
	/* the slot of 9 has to start anew */
	write_grain(writer, 8);
	open_grain(writer, 9);
	assert_int_equal(info.validSlices, 0);
}

TEST(opening_another_grain_replaces_the_open_one)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	mxlGrainInfo first;

	open_grain(writer, 5);
	first = info;
	first.validSlices = first.totalSlices;
	open_grain(writer, 6);
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitGrain(writer, &first));
	fill_payload(payload, SMALL_SIZE, 6);
	info.validSlices = info.totalSlices;
	assert_ok(mxlFlowWriterCommitGrain(writer, &info));
	expect_grain(reader, 6);
}

TEST(more_slices_than_there_are_is_refused)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	open_grain(writer, 5);
	info.validSlices = SMALL_SLICES + 1;
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitGrain(writer, &info));
	info.validSlices = UINT16_MAX;
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitGrain(writer, &info));
	/* what else is in the caller's header does not matter */
	info.validSlices = SMALL_SLICES + 1;
	info.totalSlices = SMALL_SLICES + 1;
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitGrain(writer, &info));
	assert_int_equal(head_of(reader), 0);
	expect_status(reader, 5, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
}

TEST(geometry_in_the_callers_header_is_not_published)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	open_grain(writer, 5);
	info.validSlices = 4;
	info.totalSlices = 4;
	info.grainSize = 1u << 30;
	/* refused or not: a reader never gets a header that leads out of the mapping */
	(void)mxlFlowWriterCommitGrain(writer, &info);
	if (mxlFlowReaderGetGrainSliceNonBlocking(reader, 5, 1, &info, &payload) == MXL_STATUS_OK) {
		assert_int_equal(info.grainSize, SMALL_SIZE);
		assert_int_equal(info.totalSlices, SMALL_SLICES);
	}
	expect_status(reader, 5, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
}

TEST(last_index_is_refused)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	assert_refused(try_open(writer, UINT64_MAX));
	assert_int_equal(head_of(reader), 0);
	write_grain(writer, UINT64_MAX - 1);
	expect_grain(reader, UINT64_MAX - 1);
	expect_status(reader, UINT64_MAX - SMALL_GRAINS, MXL_ERR_OUT_OF_RANGE_TOO_LATE);
}

TEST(grain_info_of_a_writer_is_that_of_the_slot)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));

	write_grain(writer, 25);
	assert_ok(mxlFlowWriterGetGrainInfo(writer, 25, &info));
	assert_int_equal(info.index, 25);
	assert_int_equal(info.validSlices, SMALL_SLICES);
	assert_ok(mxlFlowWriterGetGrainInfo(writer, 35, &info));
	assert_int_equal(info.index, 25);
	assert_ok(mxlFlowWriterGetGrainInfo(writer, UINT64_MAX, &info));
	assert_int_equal(info.grainSize, SMALL_SIZE);
}

TEST(skipped_grains_become_invalid_ones)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t i;

	for (i = 1; i <= 20; i++)
		write_grain(writer, i);
	write_grain(writer, 25);
	for (i = 21; i <= 24; i++) {
		expect_invalid(reader, i);
		assert_ok(mxlFlowReaderGetGrainNonBlocking(reader, i, &info, &payload));
		assert_int_equal(info.validSlices, 0);
		assert_int_equal(info.totalSlices, SMALL_SLICES);
		assert_int_equal(info.grainSize, SMALL_SIZE);
	}
	for (i = 17; i <= 20; i++)
		expect_grain(reader, i);
	expect_grain(reader, 25);
	expect_status(reader, 16, MXL_ERR_OUT_OF_RANGE_TOO_LATE);
}

TEST(skipped_grains_are_invalid_before_the_head_shows_them)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	write_grain(writer, 20);
	open_grain(writer, 23);
	expect_grain(reader, 20);
	/* nothing is committed yet */
	assert_int_equal(head_of(reader), 20);
	expect_status(reader, 21, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
	info.validSlices = 1;
	assert_ok(mxlFlowWriterCommitGrain(writer, &info));
	expect_invalid(reader, 21);
	expect_invalid(reader, 22);
}

TEST(jump_beyond_the_ring_makes_all_of_it_invalid)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t i;

	for (i = 1; i <= 20; i++)
		write_grain(writer, i);
	write_grain(writer, 1234);
	for (i = 1234 - SMALL_GRAINS + 2; i < 1234; i++)
		expect_invalid(reader, i);
	expect_grain(reader, 1234);
	expect_status(reader, 1234 - SMALL_GRAINS + 1, MXL_ERR_OUT_OF_RANGE_TOO_LATE);
	expect_status(reader, 20, MXL_ERR_OUT_OF_RANGE_TOO_LATE);
}

TEST(incomplete_grain_before_a_jump_stays_incomplete)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	write_slices(writer, 20, 3);
	write_grain(writer, 22);
	expect_status(reader, 20, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
	assert_ok(mxlFlowReaderGetGrainSliceNonBlocking(reader, 20, 3, &info, &payload));
	expect_invalid(reader, 21);
}

TEST(first_grain_far_ahead_shows_nothing_stale)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t i;

	write_grain(writer, 1000000);
	expect_grain(reader, 1000000);
	for (i = 1000000 - SMALL_GRAINS; i < 1000000; i++) {
		if (mxlFlowReaderGetGrainNonBlocking(reader, i, &info, &payload) != MXL_STATUS_OK)
			continue;
		assert_int_equal(info.index, i);
		assert_true(info.flags & MXL_GRAIN_FLAG_INVALID);
	}
}

/* Everything readable is what it says it is: complete and right, or invalid. */
static void expect_nothing_stale(mxlFlowReader reader, uint64_t from, uint64_t to)
{
	uint64_t i;

	for (i = from; i <= to; i++) {
		if (mxlFlowReaderGetGrainNonBlocking(reader, i, &info, &payload) != MXL_STATUS_OK)
			continue;
		assert_int_equal(info.index, i);
		if (!(info.flags & MXL_GRAIN_FLAG_INVALID))
			assert_true(payload_is(payload, SMALL_SIZE, i));
	}
}

TEST(new_writer_may_restart_lower)
{
	mxlFlowReader reader;
	mxlFlowWriter writer;
	uint64_t i;

	orphan_flow(domain(), small_def(ID_A));
	writer = open_writer(instance(), small_def(ID_A));
	reader = open_reader(open_instance(domain()), ID_A);
	for (i = 100; i <= 120; i++)
		write_grain(writer, i);
	need_posix_mode();
	writer = open_writer(open_instance(domain()), small_def(ID_A));
	write_grain(writer, 50);
	assert_int_equal(head_of(reader), 50);
	expect_grain(reader, 50);
	expect_status(reader, 51, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
	expect_status(reader, 120, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
	expect_nothing_stale(reader, 30, 130);
	for (i = 51; i <= 75; i++) {
		write_grain(writer, i);
		expect_grain(reader, i);
		expect_nothing_stale(reader, 30, 130);
	}
}

TEST(only_the_first_grain_of_a_writer_may_be_lower)
{
	mxlFlowWriter writer;

	need_posix_mode();
	write_grain(open_writer(open_instance(domain()), small_def(ID_A)), 100);
	writer = open_writer(instance(), small_def(ID_A));
	write_grain(writer, 50);
	assert_status(MXL_ERR_INVALID_ARG, try_open(writer, 49));
	write_grain(writer, 51);
}

TEST(restart_lower_ends_the_waits_for_what_will_not_come)
{
	mxlFlowWriter writer;
	struct waiter *w;

	need_posix_mode();
	writer = open_writer(open_instance(domain()), small_def(ID_A));
	write_grain(writer, 100);
	w = wait_for_grain(open_reader(instance(), ID_A), 101, MXL_GRAIN_VALID_SLICES_ALL, FOREVER);
	waiter_asleep(w);
	writer = open_writer(open_instance(domain()), small_def(ID_A));
	write_grain(writer, 50);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, waiter_end(w));
}

TEST(restart_at_the_same_index_overwrites_it)
{
	mxlFlowReader reader;
	mxlFlowWriter writer;

	need_posix_mode();
	write_slices(open_writer(open_instance(domain()), small_def(ID_A)), 100, 3);
	reader = open_reader(instance(), ID_A);
	writer = open_writer(instance(), small_def(ID_A));
	write_grain(writer, 100);
	expect_grain(reader, 100);
}

TEST(flow_that_exists_is_opened)
{
	mxlFlowConfigInfo one, two;
	mxlFlowWriter writer;
	bool created = true;
	const char *def = small_def(ID_A);

	assert_ok(mxlCreateFlowWriter(instance(), def, "{\"maxSyncBatchSizeHint\":4}", &writer,
				      &one, NULL));
	/* another label, other hints: the flow stays what it is */
	assert_ok(
		mxlCreateFlowWriter(open_instance(domain()),
				    text("%.*s,\"description\":\"x\"}", (int)strlen(def) - 1, def),
				    NULL, &writer, &two, &created));
	assert_false(created);
	assert_memory_equal(&one, &two, sizeof(one));
	assert_string_equal(read_file(flow_path(ID_A, "flow_def.json"), NULL), def);
	assert_int_equal(count_entries(domain(), ""), 1);
}

TEST(opening_with_another_geometry_is_a_conflict)
{
	const char *defs[] = {
		video_def(ID_A, 144, 8, 50, 1),	   video_def(ID_A, 96, 9, 50, 1),
		video_def(ID_A, 96, 8, 25, 1),	   video_def(ID_A, 96, 8, 60000, 1001),
		video_key_def(ID_A, 96, 8, 50, 1), anc_def(ID_A, 50, 1),
		audio_def(ID_A, 48000, 2),
	};
	mxlInstance other = open_instance(domain());
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	size_t i;

	write_grain(writer, 3);
	for (i = 0; i < ARRAY_SIZE(defs); i++) {
		mxlFlowWriter second = NULL;

		assert_status(MXL_ERR_CONFLICT,
			      mxlCreateFlowWriter(other, defs[i], NULL, &second, NULL, NULL));
		assert_status(MXL_ERR_CONFLICT,
			      mxlCreateFlowWriter(instance(), defs[i], NULL, &second, NULL, NULL));
		assert_null(second);
		assert_int_equal(count_entries(domain(), ""), 1);
	}
	expect_grain(open_reader(instance(), ID_A), 3);
}

TEST(opening_audio_with_another_geometry_is_a_conflict)
{
	const char *defs[] = {
		audio_def(ID_A, 48000, 1),
		audio_def(ID_A, 96000, 2),
		small_def(ID_A),
	};
	mxlInstance other = open_instance(domain());
	size_t i;

	open_writer(instance(), sound_def(ID_A));
	for (i = 0; i < ARRAY_SIZE(defs); i++) {
		mxlFlowWriter second = NULL;

		assert_status(MXL_ERR_CONFLICT,
			      mxlCreateFlowWriter(other, defs[i], NULL, &second, NULL, NULL));
		assert_null(second);
	}
}

TEST(two_writers_take_turns)
{
	mxlFlowWriter one, two;
	mxlFlowReader reader;

	need_posix_mode();
	one = open_writer(instance(), small_def(ID_A));
	two = open_writer(open_instance(domain()), small_def(ID_A));
	reader = open_reader(instance(), ID_A);
	write_grain(one, 1);
	write_grain(two, 2);
	write_grain(one, 3);
	write_grain(two, 4);
	expect_grain(reader, 1);
	expect_grain(reader, 2);
	expect_grain(reader, 3);
	expect_grain(reader, 4);
}

TEST(flow_goes_with_its_last_writer)
{
	mxlInstance other = open_instance(domain());
	mxlFlowWriter one = open_writer(instance(), small_def(ID_A));
	mxlFlowWriter two = open_writer(other, small_def(ID_A));

	assert_ok(mxlReleaseFlowWriter(instance(), one));
	assert_true(exists(flow_path(ID_A, "data")));
	assert_ok(mxlReleaseFlowWriter(other, two));
	assert_int_equal(count_entries(domain(), ""), 0);
}

TEST(flow_goes_with_whatever_lies_in_its_directory)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));

	write_file(flow_path(ID_A, "note"), "x");
	assert_int_equal(mkdir(flow_path(ID_A, "more"), 0755), 0);
	write_file(flow_path(ID_A, "more/note"), "x");
	write_file(flow_path(ID_A, "grains/data.10"), "x");
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	assert_int_equal(count_entries(domain(), ""), 0);
}

TEST(deletion_does_not_follow_symbolic_links)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	const char *outside = new_directory(NULL);

	write_file(text("%s/precious", outside), "x");
	assert_int_equal(symlink(outside, flow_path(ID_A, "link")), 0);
	assert_int_equal(symlink(text("%s/precious", outside), flow_path(ID_A, "grains/link")), 0);
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	assert_int_equal(count_entries(domain(), ""), 0);
	assert_true(exists(text("%s/precious", outside)));
}

TEST(flow_can_be_created_again_and_again)
{
	int i;

	for (i = 0; i < 50; i++) {
		mxlFlowWriter writer;
		bool created = false;

		assert_ok(mxlCreateFlowWriter(instance(), i & 1 ? sound_def(ID_A) : small_def(ID_A),
					      NULL, &writer, NULL, &created));
		assert_true(created);
		assert_ok(mxlReleaseFlowWriter(instance(), writer));
	}
	assert_int_equal(count_entries(domain(), ""), 0);
}

/* === Signalling ============================================================================ */

static uint32_t counter_of(struct mxl_flow_header *header)
{
	return __atomic_load_n(&header->sync_counter, __ATOMIC_ACQUIRE);
}

TEST(every_commit_is_signalled)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	struct mxl_flow_header *header = map_header(ID_A);
	uint32_t count = counter_of(header);
	uint16_t slices;

	for (slices = 1; slices <= SMALL_SLICES; slices++) {
		write_slices(writer, 3, slices);
		assert_int_equal(counter_of(header), ++count);
	}
	write_invalid(writer, 4);
	assert_int_equal(counter_of(header), ++count);
}

TEST(every_commit_is_signalled_with_a_hint_of_the_whole_grain)
{
	mxlFlowWriter writer =
		open_writer_with(instance(), small_def(ID_A), "{\"maxSyncBatchSizeHint\":8}");
	struct mxl_flow_header *header = map_header(ID_A);
	uint32_t count = counter_of(header);
	uint16_t slices;

	for (slices = 1; slices <= SMALL_SLICES; slices++) {
		write_slices(writer, 3, slices);
		assert_int_equal(counter_of(header), ++count);
	}
}

TEST(smaller_sync_hint_signals_at_its_multiples_and_at_the_last_slice)
{
	/* 10 slices: multiples of 4, and the end */
	mxlFlowWriter writer = open_writer_with(instance(), video_def(ID_A, 96, 10, 50, 1),
						"{\"maxSyncBatchSizeHint\":4}");
	struct mxl_flow_header *header = map_header(ID_A);
	uint64_t index;
	uint16_t slices;

	write_grain(writer, 2);
	for (index = 3; index < 6; index++) {
		uint32_t count;

		/* opening an index with its first slices may be signalled in any case */
		write_slices(writer, index, 1);
		count = counter_of(header);
		for (slices = 2; slices <= 10; slices++) {
			write_slices(writer, index, slices);
			count += slices == 4 || slices == 8 || slices == 10;
			assert_int_equal(counter_of(header), count);
		}
	}
}

TEST(sync_multiples_that_are_jumped_over_are_signalled)
{
	mxlFlowWriter writer = open_writer_with(instance(), video_def(ID_A, 96, 16, 50, 1),
						"{\"maxSyncBatchSizeHint\":4}");
	struct mxl_flow_header *header = map_header(ID_A);
	uint32_t count;

	write_slices(writer, 3, 3);
	count = counter_of(header);
	write_slices(writer, 3, 5);
	assert_int_equal(counter_of(header), ++count);
	write_slices(writer, 3, 7);
	assert_int_equal(counter_of(header), count);
	write_slices(writer, 3, 15);
	assert_int_equal(counter_of(header), ++count);
}

TEST(waits_end_with_the_signal_that_covers_them)
{
	mxlFlowWriter writer = open_writer_with(instance(), video_def(ID_A, 96, 16, 50, 1),
						"{\"maxSyncBatchSizeHint\":4}");
	mxlFlowReader reader = open_reader(instance(), ID_A);
	struct waiter *w[17];
	unsigned int slices;

	for (slices = 1; slices <= 16; slices++) {
		w[slices] = wait_for_grain(reader, 3, slices, PLENTY);
		waiter_asleep(w[slices]);
	}
	for (slices = 1; slices <= 16; slices++)
		write_slices(writer, 3, slices);
	for (slices = 1; slices <= 16; slices++)
		assert_status(MXL_STATUS_OK, waiter_end(w[slices]));
}

struct raw_sleeper {
	uint32_t *word;
	uint32_t value;
	int tid;
	long result;
};

/* The way programs of the C++ SDK sleep: no mask, so that any wake is theirs. */
static void *sleep_on_word(void *arg)
{
	struct raw_sleeper *s = arg;
	struct timespec timeout = { .tv_sec = PLENTY * slowness() / SEC };

	__atomic_store_n(&s->tid, gettid(), __ATOMIC_RELEASE);
	s->result = syscall(SYS_futex, s->word, FUTEX_WAIT, s->value, &timeout, NULL, 0);
	return NULL;
}

TEST(sleepers_without_a_mask_are_woken_by_every_slice)
{
	mxlFlowWriter writer = open_writer(instance(), video_def(ID_A, 96, 70, 50, 1));
	struct mxl_flow_header *header = map_header(ID_A);
	uint16_t slices;

	for (slices = 1; slices <= 70; slices++) {
		struct raw_sleeper s = { .word = &header->sync_counter,
					 .value = counter_of(header) };
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, sleep_on_word, &s), 0);
		wait_until(thread_asleep(__atomic_load_n(&s.tid, __ATOMIC_ACQUIRE)));
		write_slices(writer, 9, slices);
		assert_int_equal(pthread_join(thread, NULL), 0);
		/* 0 is a wake; a timeout or a value found changed is not */
		assert_int_equal(s.result, 0);
	}
}

TEST(reader_of_whole_frames_sleeps_at_most_three_times_per_frame)
{
	mxlFlowWriter writer = open_writer(instance(), video_def(ID_A, 2, 1080, 50, 1));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t index;

	for (index = 1; index <= 3; index++) {
		struct waiter *w =
			wait_for_grain(reader, index, MXL_GRAIN_VALID_SLICES_ALL, PLENTY);
		unsigned long before, woken = 0;
		uint16_t slices;

		waiter_asleep(w);
		before = waiter_sleeps(w);
		for (slices = 1; slices <= 1079; slices++)
			write_slices(writer, index, slices);
		waiter_asleep(w);
		woken = waiter_sleeps(w) - before;
		if (woken > 3)
			fail_because("woken %lu times before the last slice", woken);
		write_slices(writer, index, 1080);
		assert_status(MXL_STATUS_OK, waiter_end(w));
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(index_at_or_below_the_last_complete_one_is_refused),
		cmocka_unit_test(invalid_flag_ends_the_grain),
		cmocka_unit_test(invalid_grain_can_be_written_after_all),
		cmocka_unit_test(new_index_starts_with_no_slices_and_not_invalid),
		cmocka_unit_test(reopening_the_incomplete_grain_keeps_its_slices),
		cmocka_unit_test(committing_another_index_than_the_open_one_is_refused),
		cmocka_unit_test(commit_sets_head_and_time),
		cmocka_unit_test(grain_stays_open_until_it_is_complete),
		cmocka_unit_test(cancel_forgets_the_open_index),
		cmocka_unit_test(cancelled_jump_does_not_count),
		cmocka_unit_test(opening_another_grain_replaces_the_open_one),
		cmocka_unit_test(more_slices_than_there_are_is_refused),
		cmocka_unit_test(geometry_in_the_callers_header_is_not_published),
		cmocka_unit_test(last_index_is_refused),
		cmocka_unit_test(grain_info_of_a_writer_is_that_of_the_slot),
		cmocka_unit_test(skipped_grains_become_invalid_ones),
		cmocka_unit_test(skipped_grains_are_invalid_before_the_head_shows_them),
		cmocka_unit_test(jump_beyond_the_ring_makes_all_of_it_invalid),
		cmocka_unit_test(incomplete_grain_before_a_jump_stays_incomplete),
		cmocka_unit_test(first_grain_far_ahead_shows_nothing_stale),
		cmocka_unit_test(new_writer_may_restart_lower),
		cmocka_unit_test(only_the_first_grain_of_a_writer_may_be_lower),
		cmocka_unit_test(restart_lower_ends_the_waits_for_what_will_not_come),
		cmocka_unit_test(restart_at_the_same_index_overwrites_it),
		cmocka_unit_test(flow_that_exists_is_opened),
		cmocka_unit_test(opening_with_another_geometry_is_a_conflict),
		cmocka_unit_test(opening_audio_with_another_geometry_is_a_conflict),
		cmocka_unit_test(two_writers_take_turns),
		cmocka_unit_test(flow_goes_with_its_last_writer),
		cmocka_unit_test(flow_goes_with_whatever_lies_in_its_directory),
		cmocka_unit_test(deletion_does_not_follow_symbolic_links),
		cmocka_unit_test(flow_can_be_created_again_and_again),
		cmocka_unit_test(every_commit_is_signalled),
		cmocka_unit_test(every_commit_is_signalled_with_a_hint_of_the_whole_grain),
		cmocka_unit_test(smaller_sync_hint_signals_at_its_multiples_and_at_the_last_slice),
		cmocka_unit_test(sync_multiples_that_are_jumped_over_are_signalled),
		cmocka_unit_test(waits_end_with_the_signal_that_covers_them),
		cmocka_unit_test(sleepers_without_a_mask_are_woken_by_every_slice),
		cmocka_unit_test(reader_of_whole_frames_sleeps_at_most_three_times_per_frame),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), NULL, 0);
}

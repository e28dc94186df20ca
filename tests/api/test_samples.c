// SPDX-License-Identifier: Apache-2.0
/*
 * Reading and writing samples. The sound flow has two channels of 19456 samples at 48 kHz, of which
 * 9728 can be read; its batches are 480.
 */
#include "helpers.h"

#include <stdlib.h>
#include <string.h>

static mxlWrappedMultiBufferSlice slice;
static mxlMutableWrappedMultiBufferSlice mutable_slice;

static mxlStatus get(mxlFlowReader reader, uint64_t index, size_t count)
{
	return mxlFlowReaderGetSamplesNonBlocking(reader, index, count, &slice);
}

static mxlStatus try_open(mxlFlowWriter writer, uint64_t index, size_t count)
{
	return mxlFlowWriterOpenSamples(writer, index, count, &mutable_slice);
}

TEST(on_a_fresh_flow_no_samples_are_readable)
{
	mxlFlowReader reader;

	open_writer(instance(), sound_def(ID_A));
	reader = open_reader(instance(), ID_A);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, get(reader, 1, 1));
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, get(reader, 480, 480));
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, get(reader, 1000000, 480));
	assert_refused(get(reader, 0, 1));
	assert_refused(get(reader, 0, 0));
}

TEST(range_is_half_open_and_ends_before_the_index)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	write_samples(writer, 480, 480);
	assert_int_equal(head_of(reader), 480);
	expect_samples(reader, 480, 480);
	expect_samples(reader, 480, 1);
	expect_samples(reader, 1, 1);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, get(reader, 481, 1));
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, get(reader, 481, 480));
}

TEST(readable_is_the_newest_half_of_the_ring)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t head;

	for (head = 480; head <= 5 * SOUND_LENGTH; head += 480)
		write_samples(writer, head, 480);
	head -= 480;
	expect_samples(reader, head, SOUND_HALF);
	expect_samples(reader, head - SOUND_HALF + 1, 1);
	expect_samples(reader, head - 100, SOUND_HALF - 100);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_LATE, get(reader, head - SOUND_HALF, 1));
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_LATE, get(reader, head - 100, SOUND_HALF - 99));
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_LATE, get(reader, 480, 480));
	assert_refused(get(reader, head, SOUND_HALF + 1));
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, get(reader, head + 1, 1));
}

TEST(every_position_in_the_ring_is_read_as_written)
{
	/* steps that do not divide the ring, so that they wrap at every place */
	static const size_t steps[] = { 1, 48, 480, 997, SOUND_HALF };
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t head = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		uint64_t end = head + (steps[i] == 1 ? 2000 : 3 * SOUND_LENGTH);

		while (head < end) {
			head += steps[i];
			write_samples(writer, head, steps[i]);
			expect_samples(reader, head, steps[i]);
		}
		expect_samples(reader, head, head < SOUND_HALF ? head : SOUND_HALF);
	}
}

TEST(fragments_without_a_wrap)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));

	assert_ok(try_open(writer, 1000, 480));
	assert_int_equal(mutable_slice.base.fragments[0].size, 480 * 4);
	assert_int_equal(mutable_slice.base.fragments[1].size, 0);
	assert_int_equal(mutable_slice.stride, SOUND_LENGTH * 4);
	assert_int_equal(mutable_slice.count, 2);
	assert_ok(mxlFlowWriterCommitSamples(writer));
	assert_ok(get(open_reader(instance(), ID_A), 1000, 480));
	assert_int_equal(slice.base.fragments[0].size, 480 * 4);
	assert_int_equal(slice.base.fragments[1].size, 0);
	assert_int_equal(slice.stride, SOUND_LENGTH * 4);
	assert_int_equal(slice.count, 2);
}

TEST(fragments_around_the_end_of_the_ring)
{
	static const struct {
		uint64_t index;
		size_t count, first, second;
	} cases[] = {
		{ SOUND_LENGTH, 480, 480, 0 },
		{ SOUND_LENGTH + 1, 480, 479, 1 },
		{ SOUND_LENGTH + 479, 480, 1, 479 },
		{ SOUND_LENGTH + 480, 480, 480, 0 },
		{ SOUND_LENGTH + 500, 480, 480, 0 },
		{ SOUND_LENGTH + 501, 1, 1, 0 },
		{ 2 * SOUND_LENGTH + 4000, SOUND_HALF, SOUND_HALF - 4000, 4000 },
	};
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t start = (cases[i].index - cases[i].count) % SOUND_LENGTH;
		uint8_t *first;

		assert_ok(try_open(writer, cases[i].index, cases[i].count));
		assert_int_equal(mutable_slice.base.fragments[0].size, cases[i].first * 4);
		assert_int_equal(mutable_slice.base.fragments[1].size, cases[i].second * 4);
		first = mutable_slice.base.fragments[0].pointer;
		if (cases[i].second)
			assert_ptr_equal(mutable_slice.base.fragments[1].pointer,
					 first - start * 4);
		assert_ok(mxlFlowWriterCommitSamples(writer));
		assert_ok(get(reader, cases[i].index, cases[i].count));
		assert_int_equal(slice.base.fragments[0].size, cases[i].first * 4);
		assert_int_equal(slice.base.fragments[1].size, cases[i].second * 4);
		if (cases[i].second)
			assert_ptr_equal(slice.base.fragments[1].pointer,
					 (const uint8_t *)slice.base.fragments[0].pointer -
						 start * 4);
	}
}

TEST(words_of_64_bits)
{
	const char *def = sound_def(ID_A);
	mxlFlowWriter writer;

	memcpy(strstr(def, "32,\"channel"), "64", 2);
	writer = open_writer(instance(), def);
	assert_ok(try_open(writer, 1000, 480));
	assert_int_equal(mutable_slice.base.fragments[0].size, 480 * 8);
	assert_int_equal(mutable_slice.stride, SOUND_LENGTH * 8);
	memset(mutable_slice.base.fragments[0].pointer, 0x11, 480 * 8);
	assert_ok(mxlFlowWriterCommitSamples(writer));
	assert_ok(get(open_reader(instance(), ID_A), 1000, 480));
	assert_int_equal(*((const uint64_t *)slice.base.fragments[0].pointer + 479),
			 0x1111111111111111);
}

TEST(greatest_lengths_are_half_the_ring)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	size_t length = 0;

	assert_ok(mxlFlowReaderGetMaxReadLengthSamples(reader, &length));
	assert_int_equal(length, SOUND_HALF);
	length = 0;
	assert_ok(mxlFlowWriterGetMaxWriteLengthSamples(writer, &length));
	assert_int_equal(length, SOUND_HALF);
	write_samples(writer, 100000, SOUND_HALF);
	expect_samples(reader, 100000, SOUND_HALF);
}

TEST(writing_more_than_half_the_ring_is_refused)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));

	assert_status(MXL_ERR_INVALID_ARG, try_open(writer, 100000, SOUND_HALF + 1));
	assert_status(MXL_ERR_INVALID_ARG, try_open(writer, 100000, SOUND_LENGTH));
	assert_status(MXL_ERR_INVALID_ARG, try_open(writer, 100000, SIZE_MAX));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitSamples(writer));
}

TEST(no_samples_at_all_are_refused)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	write_samples(writer, 480, 480);
	assert_status(MXL_ERR_INVALID_ARG, try_open(writer, 960, 0));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitSamples(writer));
	assert_status(MXL_ERR_INVALID_ARG, get(reader, 480, 0));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowReaderGetSamples(reader, 480, 0, 0, &slice));
	assert_int_equal(head_of(reader), 480);
}

TEST(lengths_and_indices_that_overflow_are_refused)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	write_samples(writer, 480, 480);
	assert_refused(get(reader, 480, SIZE_MAX));
	assert_refused(get(reader, 480, 481));
	assert_refused(get(reader, 10, 480));
	assert_refused(get(reader, UINT64_MAX, 480));
	assert_refused(get(reader, UINT64_MAX, SIZE_MAX));
	assert_refused(mxlFlowReaderGetSamples(reader, UINT64_MAX, 480, MSEC, &slice));
	expect_samples(reader, 480, 480);
}

TEST(commit_sets_head_and_time)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	mxlFlowRuntimeInfo runtime;
	uint64_t before;

	assert_ok(try_open(writer, 4800, 480));
	assert_int_equal(head_of(reader), 0);
	before = mxlGetTime();
	assert_ok(mxlFlowWriterCommitSamples(writer));
	assert_ok(mxlFlowReaderGetRuntimeInfo(reader, &runtime));
	assert_int_equal(runtime.headIndex, 4800);
	assert_in_range(runtime.lastWriteTime, before, mxlGetTime());
}

TEST(commit_with_nothing_open_is_refused)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitSamples(writer));
	write_samples(writer, 480, 480);
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitSamples(writer));
	assert_int_equal(head_of(reader), 480);
}

TEST(cancel_forgets_the_open_samples)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	assert_ok(mxlFlowWriterCancelSamples(writer));
	write_samples(writer, 480, 480);
	assert_ok(try_open(writer, 960, 480));
	assert_ok(mxlFlowWriterCancelSamples(writer));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitSamples(writer));
	assert_int_equal(head_of(reader), 480);
	write_samples(writer, 960, 480);
	expect_samples(reader, 960, 960);
}

TEST(skipped_samples_are_silence)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t head;

	for (head = 480; head <= 3 * SOUND_LENGTH; head += 480)
		write_samples(writer, head, 480);
	head -= 480;
	write_samples(writer, head + 2000, 480);
	expect_samples(reader, head + 2000, 480);
	assert_true(is_silence(reader, head + 2000 - 480, 2000 - 480));
	expect_samples(reader, head, 480);
}

TEST(skipping_around_the_end_of_the_ring_is_silence)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t head;

	for (head = 480; head < 4 * SOUND_LENGTH - 480; head += 480)
		write_samples(writer, head, 480);
	head -= 480;
	write_samples(writer, head + 4000, 100);
	assert_true(is_silence(reader, head + 4000 - 100, 3900));
	expect_samples(reader, head + 4000, 100);
	expect_samples(reader, head, 4000);
}

TEST(skipping_more_than_the_ring_is_silence)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t head;

	for (head = 480; head <= 2 * SOUND_LENGTH; head += 480)
		write_samples(writer, head, 480);
	head = 1000000007;
	write_samples(writer, head, 480);
	expect_samples(reader, head, 480);
	assert_true(is_silence(reader, head - 480, SOUND_HALF - 480));
}

TEST(first_samples_far_ahead_follow_silence)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	write_samples(writer, 80000000000ULL, 480);
	expect_samples(reader, 80000000000ULL, 480);
	assert_true(is_silence(reader, 80000000000ULL - 480, SOUND_HALF - 480));
}

TEST(opening_does_not_touch_readable_samples)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t head;
	size_t f, c;

	for (head = 480; head <= 3 * SOUND_LENGTH; head += 480)
		write_samples(writer, head, 480);
	head -= 480;
	assert_ok(try_open(writer, head + SOUND_HALF, SOUND_HALF));
	for (f = 0; f < 2; f++)
		for (c = 0; c < 2; c++)
			memset((uint8_t *)mutable_slice.base.fragments[f].pointer +
				       c * mutable_slice.stride,
			       0xee, mutable_slice.base.fragments[f].size);
	expect_samples(reader, head, SOUND_HALF);
}

TEST(new_writer_may_restart_lower)
{
	mxlFlowWriter writer;
	mxlFlowReader reader;
	struct waiter *w;

	need_posix_mode();
	writer = open_writer(open_instance(domain()), sound_def(ID_A));
	reader = open_reader(instance(), ID_A);
	write_samples(writer, 480000, 480);
	w = wait_for_samples(reader, 480480, 480, FOREVER);
	waiter_asleep(w);
	writer = open_writer(open_instance(domain()), sound_def(ID_A));
	write_samples(writer, 48000, 480);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, waiter_end(w));
	assert_int_equal(head_of(reader), 48000);
	expect_samples(reader, 48000, 480);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, get(reader, 480000, 480));
	write_samples(writer, 48480, 480);
	expect_samples(reader, 48480, 960);
}

TEST(restart_lower_leaves_nothing_stale)
{
	mxlFlowWriter writer;
	mxlFlowReader reader;
	uint64_t head;

	need_posix_mode();
	writer = open_writer(open_instance(domain()), sound_def(ID_A));
	reader = open_reader(instance(), ID_A);
	for (head = 480000; head < 480000 + 2 * SOUND_LENGTH; head += 480)
		write_samples(writer, head, 480);
	writer = open_writer(open_instance(domain()), sound_def(ID_A));
	write_samples(writer, 48000, 480);
	expect_samples(reader, 48000, 480);
	assert_true(is_silence(reader, 48000 - 480, SOUND_HALF - 480));
}

TEST(only_the_first_samples_of_a_writer_may_be_lower)
{
	mxlFlowWriter one, two;
	mxlFlowReader reader;

	need_posix_mode();
	one = open_writer(open_instance(domain()), sound_def(ID_A));
	two = open_writer(open_instance(domain()), sound_def(ID_A));
	reader = open_reader(instance(), ID_A);
	write_samples(one, 4800, 480);
	assert_ok(try_open(one, 5280, 480));
	write_samples(two, 96000, 480);
	/* the other one has gone on: this is not taken back */
	assert_refused(mxlFlowWriterCommitSamples(one));
	assert_int_equal(head_of(reader), 96000);
	expect_samples(reader, 96000, 480);
}

TEST(blocking_read_wakes_up_with_the_samples)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t head;

	for (head = 480; head <= 4800; head += 480) {
		struct waiter *w = wait_for_samples(reader, head, 480, PLENTY);

		waiter_asleep(w);
		write_samples(writer, head, 480);
		assert_status(MXL_STATUS_OK, waiter_end(w));
		assert_int_equal(w->slice.base.fragments[0].size + w->slice.base.fragments[1].size,
				 480 * 4);
	}
}

TEST(timeouts_are_too_early_and_never_a_timeout)
{
	static const uint64_t timeouts[] = { 0, 1, MSEC, 20 * MSEC };
	mxlFlowReader reader;
	size_t i;

	open_writer(instance(), sound_def(ID_A));
	reader = open_reader(instance(), ID_A);
	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		uint64_t start = now_ns();

		assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY,
			      mxlFlowReaderGetSamples(reader, 480, 480, timeouts[i], &slice));
		assert_true(now_ns() - start >= timeouts[i]);
	}
}

TEST(endless_and_overflowing_timeouts_wait)
{
	static const uint64_t timeouts[] = { UINT64_MAX, UINT64_MAX - 1, INT64_MAX, 1ULL << 63 };
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t head = 480;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(timeouts); i++, head += 480) {
		struct waiter *w = wait_for_samples(reader, head, 480, timeouts[i]);

		waiter_asleep(w);
		write_samples(writer, head, 480);
		assert_status(MXL_STATUS_OK, waiter_end(w));
	}
}

TEST(too_late_does_not_wait)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));

	write_samples(writer, 1000000, 480);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_LATE,
		      mxlFlowReaderGetSamples(open_reader(instance(), ID_A), 480, 480, FOREVER,
					      &slice));
}

/* Samples appear without a wake: those of a batch that is not full, or of a killed writer. */
TEST(at_the_deadline_a_read_looks_once_more)
{
	struct mxl_flow_header *header;
	struct waiter *w;

	open_writer(instance(), sound_def(ID_A));
	need_unsealed(flow_path(ID_A, "data"));
	header = map_header(ID_A);
	w = wait_for_samples(open_reader(instance(), ID_A), 480, 480, 300 * MSEC * slowness());
	waiter_asleep(w);
	__atomic_store_n(&header->head_index, 480, __ATOMIC_RELEASE);
	assert_status(MXL_STATUS_OK, waiter_end(w));
}

TEST(deletion_ends_every_wait)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	struct waiter *w;

	write_samples(writer, 480, 480);
	w = wait_for_samples(reader, 960, 480, FOREVER);
	waiter_asleep(w);
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	assert_status(MXL_ERR_FLOW_INVALID, waiter_end(w));
	assert_status(MXL_ERR_FLOW_INVALID, get(reader, 960, 480));
	expect_samples(reader, 480, 480);
}

/* === Batches =============================================================================== */

struct batches {
	const char *options;
	uint64_t commit;
	uint64_t sync;
	uint64_t start;
	uint64_t step;
};

/*
 * Each boundary of a batch has a signal no later than at the last commit that does not overshoot
 * it, and there are not many more signals than batches.
 */
static void expect_batches(const struct batches *b)
{
	mxlFlowWriter writer = open_writer_with(instance(), sound_def(ID_A), b->options);
	struct mxl_flow_header *header = map_header(ID_A);
	uint64_t head, boundary, covered = 0;
	unsigned int signals = 0, batches = 0;
	uint32_t count = 0;

	write_samples(writer, b->start + b->step, b->step);
	head = b->start + b->step;
	count = header->sync_counter;
	/* whatever the first commit did, from the next boundary on the rule holds */
	boundary = (head / b->sync + 1) * b->sync;
	for (head += b->step; batches < 12; head += b->step) {
		write_samples(writer, head, b->step);
		if (header->sync_counter != count) {
			assert_int_equal(header->sync_counter, count + 1);
			count++;
			signals++;
			covered = head;
		}
		/* the next commit may go beyond the boundary: what is before it is signalled */
		if (head + b->commit > boundary) {
			if (covered + b->commit <= boundary)
				fail_because("%s from %u by %u: at %u the batch up to %u is not "
					     "signalled",
					     b->options, (unsigned int)b->start,
					     (unsigned int)b->step, (unsigned int)head,
					     (unsigned int)boundary);
			boundary += b->sync;
			batches++;
		}
	}
	if (signals > batches + 1)
		fail_because("%s from %u by %u: %u signals for %u batches", b->options,
			     (unsigned int)b->start, (unsigned int)b->step, signals, batches);
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
}

TEST(commits_signal_at_multiples_of_the_sync_batch)
{
	static const struct batches cases[] = {
		{ "{\"maxCommitBatchSizeHint\":48,\"maxSyncBatchSizeHint\":480}", 48, 480, 0, 48 },
		{ "{\"maxCommitBatchSizeHint\":48,\"maxSyncBatchSizeHint\":480}", 48, 480, 20, 48 },
		{ "{\"maxCommitBatchSizeHint\":48,\"maxSyncBatchSizeHint\":480}", 48, 480, 479,
		  48 },
		{ "{\"maxCommitBatchSizeHint\":48,\"maxSyncBatchSizeHint\":480}", 48, 480, 7, 13 },
		{ "{\"maxCommitBatchSizeHint\":48,\"maxSyncBatchSizeHint\":480}", 48, 480, 0, 1 },
		{ "{\"maxCommitBatchSizeHint\":1,\"maxSyncBatchSizeHint\":480}", 1, 480, 0, 1 },
		{ "{\"maxCommitBatchSizeHint\":64,\"maxSyncBatchSizeHint\":64}", 64, 64, 5, 64 },
		{ "{}", 480, 480, 0, 480 },
		{ "{}", 480, 480, 100, 480 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		expect_batches(&cases[i]);
}

TEST(aligned_commits_signal_exactly_once_per_batch)
{
	mxlFlowWriter writer =
		open_writer_with(instance(), sound_def(ID_A),
				 "{\"maxCommitBatchSizeHint\":48,\"maxSyncBatchSizeHint\":480}");
	struct mxl_flow_header *header = map_header(ID_A);
	uint64_t head;

	write_samples(writer, 48000, 480);
	for (head = 48048; head <= 48000 + 10 * 480; head += 48) {
		uint32_t count = header->sync_counter;

		write_samples(writer, head, 48);
		assert_int_equal(header->sync_counter, count + (head % 480 == 0));
	}
}

TEST(reader_within_a_batch_is_woken_by_its_end)
{
	mxlFlowWriter writer =
		open_writer_with(instance(), sound_def(ID_A),
				 "{\"maxCommitBatchSizeHint\":48,\"maxSyncBatchSizeHint\":480}");
	mxlFlowReader reader = open_reader(instance(), ID_A);
	struct waiter *w;
	uint64_t head;

	write_samples(writer, 48000, 480);
	w = wait_for_samples(reader, 48100, 100, PLENTY);
	waiter_asleep(w);
	for (head = 48048; head <= 48480; head += 48)
		write_samples(writer, head, 48);
	assert_status(MXL_STATUS_OK, waiter_end(w));
}

TEST(commit_beyond_a_whole_batch_is_signalled)
{
	mxlFlowWriter writer =
		open_writer_with(instance(), sound_def(ID_A),
				 "{\"maxCommitBatchSizeHint\":48,\"maxSyncBatchSizeHint\":480}");
	struct waiter *w;

	write_samples(writer, 48000, 480);
	w = wait_for_samples(open_reader(instance(), ID_A), 50000, 480, PLENTY);
	waiter_asleep(w);
	write_samples(writer, 50100, 2100);
	assert_status(MXL_STATUS_OK, waiter_end(w));
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_a_fresh_flow_no_samples_are_readable),
		cmocka_unit_test(range_is_half_open_and_ends_before_the_index),
		cmocka_unit_test(readable_is_the_newest_half_of_the_ring),
		cmocka_unit_test(every_position_in_the_ring_is_read_as_written),
		cmocka_unit_test(fragments_without_a_wrap),
		cmocka_unit_test(fragments_around_the_end_of_the_ring),
		cmocka_unit_test(words_of_64_bits),
		cmocka_unit_test(greatest_lengths_are_half_the_ring),
		cmocka_unit_test(writing_more_than_half_the_ring_is_refused),
		cmocka_unit_test(no_samples_at_all_are_refused),
		cmocka_unit_test(lengths_and_indices_that_overflow_are_refused),
		cmocka_unit_test(commit_sets_head_and_time),
		cmocka_unit_test(commit_with_nothing_open_is_refused),
		cmocka_unit_test(cancel_forgets_the_open_samples),
		cmocka_unit_test(skipped_samples_are_silence),
		cmocka_unit_test(skipping_around_the_end_of_the_ring_is_silence),
		cmocka_unit_test(skipping_more_than_the_ring_is_silence),
		cmocka_unit_test(first_samples_far_ahead_follow_silence),
		cmocka_unit_test(opening_does_not_touch_readable_samples),
		cmocka_unit_test(new_writer_may_restart_lower),
		cmocka_unit_test(restart_lower_leaves_nothing_stale),
		cmocka_unit_test(only_the_first_samples_of_a_writer_may_be_lower),
		cmocka_unit_test(blocking_read_wakes_up_with_the_samples),
		cmocka_unit_test(timeouts_are_too_early_and_never_a_timeout),
		cmocka_unit_test(endless_and_overflowing_timeouts_wait),
		cmocka_unit_test(too_late_does_not_wait),
		cmocka_unit_test(at_the_deadline_a_read_looks_once_more),
		cmocka_unit_test(deletion_ends_every_wait),
		cmocka_unit_test(commits_signal_at_multiples_of_the_sync_batch),
		cmocka_unit_test(aligned_commits_signal_exactly_once_per_batch),
		cmocka_unit_test(reader_within_a_batch_is_woken_by_its_end),
		cmocka_unit_test(commit_beyond_a_whole_batch_is_signalled),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), NULL, 0);
}

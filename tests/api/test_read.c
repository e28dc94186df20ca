// SPDX-License-Identifier: Apache-2.0
/* Reading grains. The small flow has 10 grains of 8 slices; 9 of them are readable. */
#include "helpers.h"

#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define READABLE (SMALL_GRAINS - 1)

static mxlGrainInfo info;
static uint8_t *payload;

static mxlStatus get_slices(mxlFlowReader reader, uint64_t index, uint16_t slices)
{
	return mxlFlowReaderGetGrainSliceNonBlocking(reader, index, slices, &info, &payload);
}

TEST(on_a_fresh_flow_nothing_is_readable)
{
	static const uint64_t indices[] = { 0, 1, 9, 10, 11, 1000000 };
	mxlFlowReader reader;
	size_t i;

	open_writer(instance(), small_def(ID_A));
	reader = open_reader(instance(), ID_A);
	for (i = 0; i < ARRAY_SIZE(indices); i++) {
		expect_status(reader, indices[i], MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
		assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY,
			      get_slices(reader, indices[i], MXL_GRAIN_VALID_SLICES_ANY));
		assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, get_slices(reader, indices[i], 1));
		assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY,
			      mxlFlowReaderGetGrain(reader, indices[i], MSEC, &info, &payload));
	}
}

TEST(grain_zero_is_readable_once_it_has_a_slice)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	write_slices(writer, 0, 0);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, get_slices(reader, 0, 0));
	write_slices(writer, 0, 1);
	assert_ok(get_slices(reader, 0, 0));
	assert_ok(get_slices(reader, 0, 1));
	assert_int_equal(info.index, 0);
	assert_int_equal(info.validSlices, 1);
	expect_status(reader, 0, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
	write_grain(writer, 0);
	expect_grain(reader, 0);
	expect_status(reader, 1, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
}

TEST(grain_zero_is_readable_when_it_is_invalid)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	write_invalid(writer, 0);
	expect_invalid(reader, 0);
}

TEST(readable_are_the_newest_but_one_per_slot)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t index, i;

	for (index = 1; index <= 45; index++) {
		write_grain(writer, index);
		assert_int_equal(head_of(reader), index);
		for (i = index > READABLE ? index - READABLE + 1 : 1; i <= index; i++)
			expect_grain(reader, i);
		if (index >= READABLE) {
			expect_status(reader, index - READABLE, MXL_ERR_OUT_OF_RANGE_TOO_LATE);
			expect_status(reader, 0, MXL_ERR_OUT_OF_RANGE_TOO_LATE);
		}
		expect_status(reader, index + 1, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
		expect_status(reader, index + SMALL_GRAINS, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
		expect_status(reader, UINT64_MAX, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
	}
}

TEST(opening_the_next_grain_does_not_touch_a_readable_one)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t i;

	for (i = 1; i <= 20; i++)
		write_grain(writer, i);
	assert_ok(mxlFlowWriterOpenGrain(writer, 21, &info, &payload));
	memset(payload, 0xee, info.grainSize);
	for (i = 12; i <= 20; i++)
		expect_grain(reader, i);
}

TEST(too_late_does_not_wait)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t i;

	for (i = 1; i <= 20; i++)
		write_grain(writer, i);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_LATE,
		      mxlFlowReaderGetGrain(reader, 11, FOREVER, &info, &payload));
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_LATE,
		      mxlFlowReaderGetGrainSlice(reader, 0, 1, FOREVER, &info, &payload));
}

TEST(enough_is_the_number_of_slices_or_all_there_are)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint16_t have, want;

	for (have = 0; have <= SMALL_SLICES; have++) {
		write_slices(writer, 77, have);
		for (want = 0; want <= SMALL_SLICES + 2; want++) {
			uint16_t need = want < SMALL_SLICES ? want : SMALL_SLICES;

			assert_status(have >= need ? MXL_STATUS_OK : MXL_ERR_OUT_OF_RANGE_TOO_EARLY,
				      get_slices(reader, 77, want));
			if (have >= need) {
				assert_int_equal(info.validSlices, have);
				assert_int_equal(info.totalSlices, SMALL_SLICES);
			}
		}
		assert_status(have == SMALL_SLICES ? MXL_STATUS_OK : MXL_ERR_OUT_OF_RANGE_TOO_EARLY,
			      get_slices(reader, 77, MXL_GRAIN_VALID_SLICES_ALL));
		assert_ok(get_slices(reader, 77, MXL_GRAIN_VALID_SLICES_ANY));
	}
}

TEST(invalid_counts_as_enough)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	write_invalid(writer, 8);
	expect_invalid(reader, 8);
	assert_ok(get_slices(reader, 8, 3));
	assert_ok(mxlFlowReaderGetGrain(reader, 8, FOREVER, &info, &payload));
	assert_int_equal(info.validSlices, 0);
}

TEST(incomplete_grain_the_head_went_past_is_too_early_and_does_not_wait)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	write_slices(writer, 5, 3);
	write_grain(writer, 6);
	expect_status(reader, 5, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY,
		      mxlFlowReaderGetGrain(reader, 5, FOREVER, &info, &payload));
	assert_ok(get_slices(reader, 5, 3));
	assert_int_equal(info.validSlices, 3);
	assert_int_equal(info.index, 5);
}

TEST(header_and_payload_are_those_of_the_index)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	write_grain(writer, 31);
	memset(&info, 0xcc, sizeof(info));
	assert_ok(mxlFlowReaderGetGrain(reader, 31, 0, &info, &payload));
	assert_int_equal(info.version, 1);
	assert_int_equal(info.size, 4096);
	assert_int_equal(info.index, 31);
	assert_int_equal(info.flags, 0);
	assert_int_equal(info.grainSize, SMALL_SIZE);
	assert_int_equal(info.totalSlices, SMALL_SLICES);
	assert_int_equal(info.validSlices, SMALL_SLICES);
	assert_true(payload_is(payload, SMALL_SIZE, 31));
}

TEST(reserved_bytes_of_the_caller_are_left_alone)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	mxlGrainInfo before;

	memset(&info, 0xcc, sizeof(info));
	before = info;
	assert_ok(mxlFlowWriterOpenGrain(writer, 1, &info, &payload));
	assert_memory_equal(info.reserved, before.reserved, sizeof(info.reserved));
	info.validSlices = info.totalSlices;
	assert_ok(mxlFlowWriterCommitGrain(writer, &info));
	memset(&info, 0xcc, sizeof(info));
	assert_ok(mxlFlowReaderGetGrain(reader, 1, 0, &info, &payload));
	assert_memory_equal(info.reserved, before.reserved, sizeof(info.reserved));
}

TEST(data_and_key_flows_are_read_alike)
{
	mxlFlowWriter anc = open_writer(instance(), anc_def(ID_A, 50, 1));
	mxlFlowWriter key = open_writer(instance(), video_key_def(ID_B, 96, 8, 50, 1));

	write_grain(anc, 4);
	expect_grain(open_reader(instance(), ID_A), 4);
	write_slices(anc, 5, 4095);
	expect_status(open_reader(instance(), ID_A), 5, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
	write_grain(key, 4);
	expect_grain(open_reader(instance(), ID_B), 4);
}

TEST(info_of_a_reader)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	mxlFlowRuntimeInfo runtime;
	mxlFlowConfigInfo config;
	mxlFlowInfo all;

	write_grain(writer, 17);
	assert_ok(mxlFlowReaderGetInfo(reader, &all));
	assert_int_equal(all.version, 1);
	assert_int_equal(all.size, 2048);
	assert_int_equal(all.runtime.headIndex, 17);
	assert_int_equal(all.config.common.format, MXL_DATA_FORMAT_VIDEO);
	assert_ok(mxlFlowReaderGetConfigInfo(reader, &config));
	assert_memory_equal(&config, &all.config, sizeof(config));
	assert_ok(mxlFlowReaderGetRuntimeInfo(reader, &runtime));
	assert_int_equal(runtime.headIndex, 17);
	assert_true(runtime.lastWriteTime == all.runtime.lastWriteTime);
}

TEST(blocking_read_wakes_up_with_the_grain)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	uint64_t i;

	for (i = 1; i <= 20; i++) {
		struct waiter *w = wait_for_grain(reader, i, MXL_GRAIN_VALID_SLICES_ALL, PLENTY);

		waiter_asleep(w);
		write_grain(writer, i);
		assert_status(MXL_STATUS_OK, waiter_end(w));
		assert_int_equal(w->info.index, i);
		assert_true(payload_is(w->payload, SMALL_SIZE, i));
	}
}

TEST(blocking_read_wakes_up_with_the_slices_it_waits_for)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	struct waiter *w[SMALL_SLICES + 1];
	unsigned int have, want;

	for (want = 1; want <= SMALL_SLICES; want++) {
		w[want] = wait_for_grain(reader, 9, want, PLENTY);
		waiter_asleep(w[want]);
	}
	for (have = 1; have <= SMALL_SLICES; have++) {
		write_slices(writer, 9, have);
		assert_status(MXL_STATUS_OK, waiter_end(w[have]));
		assert_true(w[have]->info.validSlices >= have);
		for (want = have + 1; want <= SMALL_SLICES; want++)
			assert_false(waiter_done(w[want]));
	}
}

TEST(blocking_read_wakes_up_with_an_invalid_grain)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	struct waiter *whole, *part;

	whole = wait_for_grain(open_reader(instance(), ID_A), 3, MXL_GRAIN_VALID_SLICES_ALL,
			       PLENTY);
	part = wait_for_grain(open_reader(instance(), ID_A), 3, 2, PLENTY);
	waiter_asleep(whole);
	waiter_asleep(part);
	write_invalid(writer, 3);
	assert_status(MXL_STATUS_OK, waiter_end(whole));
	assert_status(MXL_STATUS_OK, waiter_end(part));
	assert_true(whole->info.flags & MXL_GRAIN_FLAG_INVALID);
}

TEST(blocking_read_of_an_incomplete_grain_ends_when_the_head_goes_past)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	struct waiter *w;

	write_slices(writer, 3, 2);
	w = wait_for_grain(reader, 3, MXL_GRAIN_VALID_SLICES_ALL, FOREVER);
	waiter_asleep(w);
	write_slices(writer, 4, 1);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, waiter_end(w));
}

TEST(blocking_read_of_a_skipped_grain_ends_with_an_invalid_one)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	struct waiter *w;

	write_grain(writer, 3);
	w = wait_for_grain(reader, 5, MXL_GRAIN_VALID_SLICES_ALL, FOREVER);
	waiter_asleep(w);
	write_slices(writer, 7, 1);
	assert_status(MXL_STATUS_OK, waiter_end(w));
	assert_int_equal(w->info.index, 5);
	assert_true(w->info.flags & MXL_GRAIN_FLAG_INVALID);
}

TEST(blocking_read_ends_too_late_when_the_head_jumps_beyond_the_ring)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	struct waiter *w = wait_for_grain(open_reader(instance(), ID_A), 5,
					  MXL_GRAIN_VALID_SLICES_ALL, FOREVER);

	waiter_asleep(w);
	write_grain(writer, 500);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_LATE, waiter_end(w));
}

TEST(timeout_of_zero_looks_once)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY,
		      mxlFlowReaderGetGrain(reader, 2, 0, &info, &payload));
	write_grain(writer, 2);
	assert_ok(mxlFlowReaderGetGrain(reader, 2, 0, &info, &payload));
}

TEST(timeout_is_waited_out_and_is_too_early)
{
	static const uint64_t timeouts[] = { 1, 1000, MSEC, 30 * MSEC };
	mxlFlowReader reader;
	size_t i;

	open_writer(instance(), small_def(ID_A));
	reader = open_reader(instance(), ID_A);
	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		uint64_t start = now_ns();

		assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY,
			      mxlFlowReaderGetGrain(reader, 2, timeouts[i], &info, &payload));
		assert_true(now_ns() - start >= timeouts[i]);
	}
}

TEST(wakes_for_other_data_do_not_prolong_a_timeout)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	struct waiter *w = wait_for_grain(reader, 1000000, 1, 50 * MSEC);
	uint64_t i;

	for (i = 1; !waiter_done(w); i++)
		write_grain(writer, i);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, waiter_end(w));
	assert_true(w->took_ns >= 50 * MSEC);
}

TEST(endless_and_overflowing_timeouts_wait)
{
	static const uint64_t timeouts[] = { UINT64_MAX,	 UINT64_MAX - 1, UINT64_MAX - 1000,
					     UINT64_MAX / 2 + 1, INT64_MAX,	 INT64_MAX - 1,
					     1ULL << 62 };
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		struct waiter *w =
			wait_for_grain(reader, i + 1, MXL_GRAIN_VALID_SLICES_ALL, timeouts[i]);

		waiter_asleep(w);
		write_grain(writer, i + 1);
		assert_status(MXL_STATUS_OK, waiter_end(w));
	}
}

/* Data appears without a wake, as from a writer that was killed in between. */
TEST(at_the_deadline_a_read_looks_once_more)
{
	struct mxl_flow_header *header;
	struct mxl_grain_header *grain;
	mxlFlowReader reader;
	struct waiter *w;

	open_writer(instance(), small_def(ID_A));
	need_unsealed(flow_path(ID_A, "data"));
	reader = open_reader(instance(), ID_A);
	header = map_header(ID_A);
	grain = map_grain(ID_A, 6);
	w = wait_for_grain(reader, 6, MXL_GRAIN_VALID_SLICES_ALL, 300 * MSEC * slowness());
	waiter_asleep(w);
	__atomic_store_n(&grain->index, 6, __ATOMIC_RELEASE);
	__atomic_store_n(&grain->flags, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&grain->valid_slices, SMALL_SLICES, __ATOMIC_RELEASE);
	__atomic_store_n(&header->head_index, 6, __ATOMIC_RELEASE);
	assert_status(MXL_STATUS_OK, waiter_end(w));
	assert_int_equal(w->info.index, 6);
}

TEST(deleted_flow_is_invalid_for_what_is_not_there)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	write_grain(writer, 20);
	write_slices(writer, 21, 2);
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	expect_grain(reader, 20);
	expect_status(reader, 21, MXL_ERR_FLOW_INVALID);
	expect_status(reader, 22, MXL_ERR_FLOW_INVALID);
	assert_status(MXL_ERR_FLOW_INVALID,
		      mxlFlowReaderGetGrain(reader, 22, MSEC, &info, &payload));
	assert_status(MXL_ERR_FLOW_INVALID,
		      mxlFlowReaderGetGrain(reader, 22, FOREVER, &info, &payload));
	expect_status(reader, 5, MXL_ERR_OUT_OF_RANGE_TOO_LATE);
	assert_ok(mxlReleaseFlowReader(instance(), reader));
}

TEST(deletion_ends_every_wait)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	struct waiter *whole, *part;

	whole = wait_for_grain(reader, 1, MXL_GRAIN_VALID_SLICES_ALL, FOREVER);
	part = wait_for_grain(reader, 2, 3, FOREVER);
	waiter_asleep(whole);
	waiter_asleep(part);
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	assert_status(MXL_ERR_FLOW_INVALID, waiter_end(whole));
	assert_status(MXL_ERR_FLOW_INVALID, waiter_end(part));
}

TEST(replaced_flow_is_invalid_until_it_is_opened_again)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlInstance other = open_instance(domain());
	mxlFlowReader reader = open_reader(other, ID_A);

	write_grain(writer, 3);
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	writer = open_writer(instance(), small_def(ID_A));
	write_grain(writer, 9);
	expect_status(reader, 9, MXL_ERR_FLOW_INVALID);
	assert_status(MXL_ERR_FLOW_INVALID,
		      mxlFlowReaderGetGrain(reader, 9, FOREVER, &info, &payload));
	assert_ok(mxlReleaseFlowReader(other, reader));
	expect_grain(open_reader(other, ID_A), 9);
}

/* How often a flow's access file is touched is how often a read costs a system call. */
static unsigned int pending_events(int fd)
{
	struct inotify_event event[64];
	unsigned int events = 0;
	ssize_t n;

	while ((n = read(fd, event, sizeof(event))) > 0)
		events += n / sizeof(event[0]);
	return events;
}

TEST(last_read_time_rises_after_every_kind_of_read)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(open_instance(domain()), ID_A);
	struct mxl_flow_header *header = map_header(ID_A);
	int kind;

	write_grain(writer, 1);
	for (kind = 0; kind < 4; kind++) {
		uint64_t before = mxlGetTime();
		mxlStatus status = MXL_ERR_UNKNOWN;

		while (__atomic_load_n(&header->last_read_time, __ATOMIC_ACQUIRE) < before) {
			switch (kind) {
			case 0:
				status = mxlFlowReaderGetGrain(reader, 1, MSEC, &info, &payload);
				break;
			case 1:
				status = mxlFlowReaderGetGrainNonBlocking(reader, 1, &info,
									  &payload);
				break;
			case 2:
				status = mxlFlowReaderGetGrainSlice(reader, 1, 2, MSEC, &info,
								    &payload);
				break;
			case 3:
				status = mxlFlowReaderGetGrainSliceNonBlocking(reader, 1, 2, &info,
									       &payload);
				break;
			}
			assert_status(MXL_STATUS_OK, status);
			doze();
		}
	}
}

/* Readers of the C++ SDK refresh the time of access and leave that of modification. */
TEST(reads_through_the_other_sdk_raise_last_read_time)
{
	const struct timespec only_access[] = { { .tv_nsec = UTIME_NOW },
						{ .tv_nsec = UTIME_OMIT } };
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	struct mxl_flow_header *header = map_header(ID_A);
	uint64_t before;
	int fd;

	write_grain(writer, 1);
	fd = open(flow_path(ID_A, "access"), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	before = mxlGetTime();
	assert_int_equal(futimens(fd, only_access), 0);
	wait_until(__atomic_load_n(&header->last_read_time, __ATOMIC_ACQUIRE) >= before);
	close(fd);
}

TEST(reads_touch_the_access_file_at_most_every_10_ms)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	uint64_t start, took;
	unsigned int events;

	assert_true(fd >= 0);
	assert_true(inotify_add_watch(fd, flow_path(ID_A, "access"), IN_ACCESS | IN_ATTRIB) >= 0);
	write_grain(writer, 1);
	start = now_ns();
	while (now_ns() - start < 60 * MSEC)
		expect_grain(reader, 1);
	took = now_ns() - start;
	events = pending_events(fd);
	close(fd);
	assert_true(events >= 1);
	if (events > took / (10 * MSEC) + 1)
		fail_because("%u touches in %u ms", events, (unsigned int)(took / MSEC));
}

TEST(reads_that_fail_do_not_touch_the_access_file)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	uint64_t start = now_ns();

	assert_true(inotify_add_watch(fd, flow_path(ID_A, "access"), IN_ACCESS | IN_ATTRIB) >= 0);
	write_slices(writer, 1, 3);
	while (now_ns() - start < 30 * MSEC) {
		expect_status(reader, 1, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
		assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY,
			      mxlFlowReaderGetGrain(reader, 2, MSEC, &info, &payload));
	}
	assert_int_equal(pending_events(fd), 0);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_a_fresh_flow_nothing_is_readable),
		cmocka_unit_test(grain_zero_is_readable_once_it_has_a_slice),
		cmocka_unit_test(grain_zero_is_readable_when_it_is_invalid),
		cmocka_unit_test(readable_are_the_newest_but_one_per_slot),
		cmocka_unit_test(opening_the_next_grain_does_not_touch_a_readable_one),
		cmocka_unit_test(too_late_does_not_wait),
		cmocka_unit_test(enough_is_the_number_of_slices_or_all_there_are),
		cmocka_unit_test(invalid_counts_as_enough),
		cmocka_unit_test(
			incomplete_grain_the_head_went_past_is_too_early_and_does_not_wait),
		cmocka_unit_test(header_and_payload_are_those_of_the_index),
		cmocka_unit_test(reserved_bytes_of_the_caller_are_left_alone),
		cmocka_unit_test(data_and_key_flows_are_read_alike),
		cmocka_unit_test(info_of_a_reader),
		cmocka_unit_test(blocking_read_wakes_up_with_the_grain),
		cmocka_unit_test(blocking_read_wakes_up_with_the_slices_it_waits_for),
		cmocka_unit_test(blocking_read_wakes_up_with_an_invalid_grain),
		cmocka_unit_test(blocking_read_of_an_incomplete_grain_ends_when_the_head_goes_past),
		cmocka_unit_test(blocking_read_of_a_skipped_grain_ends_with_an_invalid_one),
		cmocka_unit_test(blocking_read_ends_too_late_when_the_head_jumps_beyond_the_ring),
		cmocka_unit_test(timeout_of_zero_looks_once),
		cmocka_unit_test(timeout_is_waited_out_and_is_too_early),
		cmocka_unit_test(wakes_for_other_data_do_not_prolong_a_timeout),
		cmocka_unit_test(endless_and_overflowing_timeouts_wait),
		cmocka_unit_test(at_the_deadline_a_read_looks_once_more),
		cmocka_unit_test(deleted_flow_is_invalid_for_what_is_not_there),
		cmocka_unit_test(deletion_ends_every_wait),
		cmocka_unit_test(replaced_flow_is_invalid_until_it_is_opened_again),
		cmocka_unit_test(last_read_time_rises_after_every_kind_of_read),
		cmocka_unit_test(reads_through_the_other_sdk_raise_last_read_time),
		cmocka_unit_test(reads_touch_the_access_file_at_most_every_10_ms),
		cmocka_unit_test(reads_that_fail_do_not_touch_the_access_file),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), NULL, 0);
}

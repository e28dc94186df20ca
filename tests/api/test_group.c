// SPDX-License-Identifier: Apache-2.0
/* Synchronisation groups: one moment, several flows, every order of arrival. */
#include "helpers.h"

#include <stdlib.h>

/* A moment both kinds of rate meet exactly: 20 ms are a picture and 960 samples. */
#define MOMENT (1000 * 20 * MSEC)
#define PICTURE 1000ULL
#define SAMPLES 960000ULL

static mxlFlowSynchronizationGroup new_group(void)
{
	mxlFlowSynchronizationGroup group = NULL;

	assert_ok(mxlCreateFlowSynchronizationGroup(instance(), &group));
	assert_non_null(group);
	return group;
}

static mxlStatus wait_now(mxlFlowSynchronizationGroup group, uint64_t timestamp)
{
	return mxlFlowSynchronizationGroupWaitForDataAt(group, timestamp, 0);
}

TEST(empty_group_is_ready)
{
	mxlFlowSynchronizationGroup group = new_group();

	assert_ok(wait_now(group, MOMENT));
	assert_ok(mxlFlowSynchronizationGroupWaitForDataAt(group, UINT64_MAX, FOREVER));
	assert_ok(mxlReleaseFlowSynchronizationGroup(instance(), group));
}

TEST(moment_is_converted_to_the_index_of_each_member)
{
	mxlFlowWriter video = open_writer(instance(), small_def(ID_A));
	mxlFlowWriter sound = open_writer(instance(), sound_def(ID_B));
	mxlFlowWriter film = open_writer(instance(), anc_def(ID_C, 30000, 1001));
	mxlFlowSynchronizationGroup group = new_group();
	mxlRational rate = { 30000, 1001 };
	uint64_t index = mxlTimestampToIndex(&rate, MOMENT);

	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_A)));
	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_B)));
	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_C)));
	write_grain(video, PICTURE);
	write_samples(sound, SAMPLES, 960);
	write_grain(film, index - 1);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, wait_now(group, MOMENT));
	write_grain(film, index);
	assert_ok(wait_now(group, MOMENT));
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, wait_now(group, MOMENT + 20 * MSEC));
}

TEST(samples_are_needed_up_to_the_index)
{
	mxlFlowWriter sound = open_writer(instance(), sound_def(ID_A));
	mxlFlowSynchronizationGroup group = new_group();

	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_A)));
	write_samples(sound, SAMPLES - 1, 959);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, wait_now(group, MOMENT));
	write_samples(sound, SAMPLES, 1);
	assert_ok(wait_now(group, MOMENT));
}

/* The head is at the index, yet the grain is not whole. */
TEST(part_of_the_head_grain_is_not_the_whole)
{
	mxlFlowWriter video = open_writer(instance(), small_def(ID_A));
	mxlFlowSynchronizationGroup group = new_group();
	uint16_t slices;

	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_A)));
	for (slices = 1; slices < SMALL_SLICES; slices++) {
		write_slices(video, PICTURE, slices);
		assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, wait_now(group, MOMENT));
	}
	write_slices(video, PICTURE, SMALL_SLICES);
	assert_ok(wait_now(group, MOMENT));
}

TEST(partial_member_needs_the_slices_given)
{
	mxlFlowWriter video = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	mxlFlowSynchronizationGroup group = new_group();

	assert_ok(mxlFlowSynchronizationGroupAddPartialGrainReader(group, reader, 3));
	write_slices(video, PICTURE, 2);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, wait_now(group, MOMENT));
	write_slices(video, PICTURE, 3);
	assert_ok(wait_now(group, MOMENT));
}

TEST(more_slices_than_there_are_mean_all_of_them)
{
	mxlFlowWriter video = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	mxlFlowSynchronizationGroup group = new_group();

	assert_ok(mxlFlowSynchronizationGroupAddPartialGrainReader(group, reader, 5000));
	write_slices(video, PICTURE, SMALL_SLICES - 1);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, wait_now(group, MOMENT));
	write_slices(video, PICTURE, SMALL_SLICES);
	assert_ok(wait_now(group, MOMENT));
}

TEST(adding_again_only_changes_the_slices)
{
	mxlFlowWriter video = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	mxlFlowSynchronizationGroup group = new_group();

	write_slices(video, PICTURE, 3);
	assert_ok(mxlFlowSynchronizationGroupAddReader(group, reader));
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, wait_now(group, MOMENT));
	assert_ok(mxlFlowSynchronizationGroupAddPartialGrainReader(group, reader, 3));
	assert_ok(wait_now(group, MOMENT));
	assert_ok(mxlFlowSynchronizationGroupAddPartialGrainReader(group, reader, 4));
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, wait_now(group, MOMENT));
	assert_ok(mxlFlowSynchronizationGroupAddPartialGrainReader(group, reader, 2));
	assert_ok(wait_now(group, MOMENT));
	assert_ok(mxlFlowSynchronizationGroupAddReader(group, reader));
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, wait_now(group, MOMENT));
	/* it is in there once */
	assert_ok(mxlFlowSynchronizationGroupRemoveReader(group, reader));
	assert_ok(wait_now(group, MOMENT));
}

TEST(adding_audio_again_is_fine)
{
	mxlFlowWriter sound = open_writer(instance(), sound_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	mxlFlowSynchronizationGroup group = new_group();

	assert_ok(mxlFlowSynchronizationGroupAddReader(group, reader));
	assert_ok(mxlFlowSynchronizationGroupAddReader(group, reader));
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, wait_now(group, MOMENT));
	write_samples(sound, SAMPLES, 960);
	assert_ok(wait_now(group, MOMENT));
	assert_ok(mxlFlowSynchronizationGroupRemoveReader(group, reader));
	assert_ok(wait_now(group, MOMENT * 2));
}

TEST(removed_member_is_not_waited_for)
{
	mxlFlowSynchronizationGroup group = new_group();
	mxlFlowReader a, b;

	write_grain(open_writer(instance(), small_def(ID_A)), PICTURE);
	open_writer(instance(), small_def(ID_B));
	a = open_reader(instance(), ID_A);
	b = open_reader(instance(), ID_B);
	assert_ok(mxlFlowSynchronizationGroupAddReader(group, b));
	assert_ok(mxlFlowSynchronizationGroupAddReader(group, a));
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, wait_now(group, MOMENT));
	assert_ok(mxlFlowSynchronizationGroupRemoveReader(group, b));
	assert_ok(wait_now(group, MOMENT));
	/* and the other one still is */
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, wait_now(group, MOMENT + SEC));
	assert_ok(mxlFlowSynchronizationGroupRemoveReader(group, a));
	assert_ok(wait_now(group, MOMENT + SEC));
}

/* Ten members; each of them in turn is the one that has nothing. */
TEST(no_member_is_forgotten)
{
	enum {
		MEMBERS = 10
	};
	static const uint64_t moments[MEMBERS] = { 0 };
	const char *ids[MEMBERS];
	mxlFlowWriter writers[MEMBERS];
	mxlFlowSynchronizationGroup group = new_group();
	uint64_t index = PICTURE;
	size_t i, late;

	for (i = 0; i < ARRAY_SIZE(moments); i++) {
		ids[i] = text("5fbec3b1-1b0f-417d-9059-8b94a47197%02zx", i);
		writers[i] = open_writer(instance(), small_def(ids[i]));
		assert_ok(mxlFlowSynchronizationGroupAddReader(group,
							       open_reader(instance(), ids[i])));
	}
	for (late = 0; late < MEMBERS; late++, index++) {
		uint64_t moment = index * 20 * MSEC;

		for (i = 0; i < MEMBERS; i++)
			if (i != late)
				write_grain(writers[i], index);
		assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, wait_now(group, moment));
		write_grain(writers[late], index);
		assert_ok(wait_now(group, moment));
	}
}

TEST(too_late_member_fails_the_group)
{
	mxlFlowSynchronizationGroup group = new_group();

	write_grain(open_writer(instance(), small_def(ID_A)), PICTURE + 100);
	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_A)));
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_LATE,
		      mxlFlowSynchronizationGroupWaitForDataAt(group, MOMENT, FOREVER));
}

TEST(deleted_member_fails_the_group)
{
	mxlFlowWriter video = open_writer(instance(), small_def(ID_A));
	mxlFlowWriter sound = open_writer(instance(), sound_def(ID_B));
	mxlFlowSynchronizationGroup group = new_group();
	struct waiter *w;

	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_A)));
	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_B)));
	w = wait_for_group(group, MOMENT, FOREVER);
	waiter_asleep(w);
	write_grain(video, PICTURE);
	assert_ok(mxlReleaseFlowWriter(instance(), sound));
	assert_status(MXL_ERR_FLOW_INVALID, waiter_end(w));
}

TEST(invalid_grain_is_there)
{
	mxlFlowWriter video = open_writer(instance(), small_def(ID_A));
	mxlFlowSynchronizationGroup group = new_group();

	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_A)));
	write_invalid(video, PICTURE);
	assert_ok(wait_now(group, MOMENT));
}

TEST(incomplete_member_the_head_went_past_fails_the_group)
{
	mxlFlowWriter video = open_writer(instance(), small_def(ID_A));
	mxlFlowSynchronizationGroup group = new_group();
	struct waiter *w;

	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_A)));
	write_slices(video, PICTURE, 3);
	w = wait_for_group(group, MOMENT, FOREVER);
	waiter_asleep(w);
	write_grain(video, PICTURE + 1);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, waiter_end(w));
}

static void deliver(char what, mxlFlowWriter *writers)
{
	switch (what) {
	case 'w': /* the whole picture */
		write_slices(writers[0], PICTURE, SMALL_SLICES - 1);
		write_slices(writers[0], PICTURE, SMALL_SLICES);
		break;
	case 'p': /* a part of a picture */
		write_slices(writers[1], PICTURE, 1);
		write_slices(writers[1], PICTURE, 3);
		break;
	default: /* sound */
		write_samples(writers[2], SAMPLES - 480, 480);
		write_samples(writers[2], SAMPLES, 480);
		break;
	}
}

TEST(every_order_of_arrival)
{
	static const char *const orders[] = { "wps", "wsp", "pws", "psw", "swp", "spw" };
	static const char *const joins[] = { "wps", "spw", "psw" };
	size_t join, order, i;

	for (join = 0; join < ARRAY_SIZE(joins); join++) {
		for (order = 0; order < ARRAY_SIZE(orders); order++) {
			mxlInstance inst = open_instance(domain());
			mxlFlowWriter writers[3] = {
				open_writer(inst, small_def(ID_A)),
				open_writer(inst, small_def(ID_B)),
				open_writer(inst, sound_def(ID_C)),
			};
			mxlFlowSynchronizationGroup group;
			struct waiter *w;

			assert_ok(mxlCreateFlowSynchronizationGroup(inst, &group));
			for (i = 0; i < 3; i++) {
				if (joins[join][i] == 'w')
					assert_ok(mxlFlowSynchronizationGroupAddReader(
						group, open_reader(inst, ID_A)));
				else if (joins[join][i] == 'p')
					assert_ok(mxlFlowSynchronizationGroupAddPartialGrainReader(
						group, open_reader(inst, ID_B), 3));
				else
					assert_ok(mxlFlowSynchronizationGroupAddReader(
						group, open_reader(inst, ID_C)));
			}
			w = wait_for_group(group, MOMENT, PLENTY);
			for (i = 0; i < 3; i++) {
				waiter_asleep(w);
				deliver(orders[order][i], writers);
			}
			assert_status(MXL_STATUS_OK, waiter_end(w));
			close_instance(inst);
		}
	}
}

TEST(data_of_another_moment_does_not_end_the_wait)
{
	mxlFlowWriter video = open_writer(instance(), small_def(ID_A));
	mxlFlowSynchronizationGroup group = new_group();
	struct waiter *w;
	uint64_t index;

	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_A)));
	w = wait_for_group(group, MOMENT, PLENTY);
	for (index = PICTURE - 5; index < PICTURE; index++) {
		waiter_asleep(w);
		write_grain(video, index);
		assert_false(waiter_done(w));
	}
	waiter_asleep(w);
	write_grain(video, PICTURE);
	assert_status(MXL_STATUS_OK, waiter_end(w));
}

/* What one member had when it was looked at is gone by the time the last one has it. */
TEST(member_that_went_on_meanwhile_fails_the_group)
{
	mxlFlowWriter early = open_writer(instance(), small_def(ID_A));
	mxlFlowWriter late = open_writer(instance(), small_def(ID_B));
	mxlFlowSynchronizationGroup group = new_group();
	struct waiter *w;
	uint64_t index;

	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_A)));
	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_B)));
	write_grain(early, PICTURE);
	w = wait_for_group(group, MOMENT, PLENTY);
	waiter_asleep(w);
	for (index = PICTURE + 1; index < PICTURE + 30; index++)
		write_grain(early, index);
	waiter_asleep(w);
	write_grain(late, PICTURE);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_LATE, waiter_end(w));
}

TEST(one_deadline_for_all_members)
{
	mxlFlowWriter video = open_writer(instance(), small_def(ID_A));
	mxlFlowSynchronizationGroup group = new_group();
	uint64_t timeout = SEC * slowness();
	uint64_t start = now_ns();
	struct waiter *w;

	open_writer(instance(), sound_def(ID_B));
	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_A)));
	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_B)));
	w = wait_for_group(group, MOMENT, timeout);
	/* with a deadline of its own the second one would end far later */
	wait_until(now_ns() - start > timeout * 8 / 10);
	write_grain(video, PICTURE);
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, waiter_end(w));
	assert_true(w->took_ns >= timeout);
	assert_true(w->took_ns < timeout * 16 / 10);
}

TEST(timeouts_of_a_group)
{
	static const uint64_t endless[] = { UINT64_MAX, UINT64_MAX - 1, INT64_MAX };
	mxlFlowWriter video = open_writer(instance(), small_def(ID_A));
	mxlFlowSynchronizationGroup group = new_group();
	uint64_t start = now_ns();
	size_t i;

	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_A)));
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY,
		      mxlFlowSynchronizationGroupWaitForDataAt(group, MOMENT, 20 * MSEC));
	assert_true(now_ns() - start >= 20 * MSEC);
	for (i = 0; i < ARRAY_SIZE(endless); i++) {
		struct waiter *w = wait_for_group(group, MOMENT + i * 20 * MSEC, endless[i]);

		waiter_asleep(w);
		write_grain(video, PICTURE + i);
		assert_status(MXL_STATUS_OK, waiter_end(w));
	}
}

TEST(sound_in_batches_ends_the_wait_with_its_batch)
{
	mxlFlowWriter sound =
		open_writer_with(instance(), sound_def(ID_A),
				 "{\"maxCommitBatchSizeHint\":48,\"maxSyncBatchSizeHint\":480}");
	mxlFlowSynchronizationGroup group = new_group();
	struct waiter *w;
	uint64_t head;

	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_A)));
	write_samples(sound, SAMPLES - 480, 480);
	/* the index lies within the batch */
	w = wait_for_group(group, MOMENT - 5 * MSEC, PLENTY);
	waiter_asleep(w);
	for (head = SAMPLES - 480 + 48; head <= SAMPLES; head += 48)
		write_samples(sound, head, 48);
	assert_status(MXL_STATUS_OK, waiter_end(w));
}

TEST(several_groups_and_readers_at_once)
{
	mxlFlowWriter video = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);
	struct waiter *w[8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(w); i++) {
		mxlFlowSynchronizationGroup group = new_group();

		assert_ok(mxlFlowSynchronizationGroupAddPartialGrainReader(group, reader, i + 1));
		w[i] = wait_for_group(group, MOMENT, PLENTY);
		waiter_asleep(w[i]);
	}
	for (i = 0; i < ARRAY_SIZE(w); i++) {
		write_slices(video, PICTURE, i + 1);
		assert_status(MXL_STATUS_OK, waiter_end(w[i]));
	}
}

TEST(groups_go_with_their_instance)
{
	mxlInstance inst = open_instance(domain());
	mxlFlowSynchronizationGroup group;
	int i;

	for (i = 0; i < 10; i++)
		assert_ok(mxlCreateFlowSynchronizationGroup(inst, &group));
	close_instance(inst);
}

TEST(group_of_another_instance_is_not_released)
{
	mxlFlowSynchronizationGroup group = new_group();
	mxlInstance other = open_instance(domain());

	assert_refused(mxlReleaseFlowSynchronizationGroup(other, group));
	assert_ok(wait_now(group, MOMENT));
	assert_ok(mxlReleaseFlowSynchronizationGroup(instance(), group));
}

TEST(moments_at_the_ends_of_time)
{
	mxlFlowSynchronizationGroup group = new_group();

	open_writer(instance(), small_def(ID_A));
	open_writer(instance(), sound_def(ID_B));
	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_A)));
	assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), ID_B)));
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, wait_now(group, UINT64_MAX));
	/* nothing was written: index 0 is not there either */
	assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY, wait_now(group, 0));
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_group_is_ready),
		cmocka_unit_test(moment_is_converted_to_the_index_of_each_member),
		cmocka_unit_test(samples_are_needed_up_to_the_index),
		cmocka_unit_test(part_of_the_head_grain_is_not_the_whole),
		cmocka_unit_test(partial_member_needs_the_slices_given),
		cmocka_unit_test(more_slices_than_there_are_mean_all_of_them),
		cmocka_unit_test(adding_again_only_changes_the_slices),
		cmocka_unit_test(adding_audio_again_is_fine),
		cmocka_unit_test(removed_member_is_not_waited_for),
		cmocka_unit_test(no_member_is_forgotten),
		cmocka_unit_test(too_late_member_fails_the_group),
		cmocka_unit_test(deleted_member_fails_the_group),
		cmocka_unit_test(invalid_grain_is_there),
		cmocka_unit_test(incomplete_member_the_head_went_past_fails_the_group),
		cmocka_unit_test(every_order_of_arrival),
		cmocka_unit_test(data_of_another_moment_does_not_end_the_wait),
		cmocka_unit_test(member_that_went_on_meanwhile_fails_the_group),
		cmocka_unit_test(one_deadline_for_all_members),
		cmocka_unit_test(timeouts_of_a_group),
		cmocka_unit_test(sound_in_batches_ends_the_wait_with_its_batch),
		cmocka_unit_test(several_groups_and_readers_at_once),
		cmocka_unit_test(groups_go_with_their_instance),
		cmocka_unit_test(group_of_another_instance_is_not_released),
		cmocka_unit_test(moments_at_the_ends_of_time),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), NULL, 0);
}

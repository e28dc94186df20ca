// SPDX-License-Identifier: Apache-2.0
/*
 * Writers that stand by: they open a flow that has a writer, are told that it is not their turn,
 * and take over by themselves when the other is released or killed, whichever of the modes either
 * is in. Readers go on with the handles they have.
 */
#include "roles.h"

#define START 1000

/* What is sealed is kept from a second writer; two in posix mode have nobody to keep them apart. */
static const struct {
	enum kind first;
	enum kind second;
} pairs[] = {
	{ KERNEL, KERNEL },
	{ KERNEL, POSIX },
	{ POSIX, KERNEL },
};

enum end {
	RELEASED,
	KILLED
};

static void end_writer(struct peer *writer, enum end how)
{
	if (how == RELEASED)
		release_peer(writer);
	else
		kill_peer(writer);
}

static void each_reads(struct peer *const readers[2], const char *command)
{
	for (int i = 0; i < 2; i++)
		order(readers[i], MXL_STATUS_OK, "%s -1", command);
}

static void start_both_readers(struct peer *readers[2], const char *id)
{
	readers[KERNEL] = start_reader(KERNEL, domain(), id);
	readers[POSIX] = start_reader(POSIX, domain(), id);
}

static void release_all(struct peer *const readers[2], struct peer *writer)
{
	release_peer(readers[KERNEL]);
	release_peer(readers[POSIX]);
	release_peer(writer);
	assert_int_equal(count_entries(domain(), ""), 0);
}

/* Tells it to write until it is its turn. */
static void take_over(struct peer *writer, const char *command)
{
	uint64_t end = now_ns() + PLENTY * slowness();

	for (;;) {
		tell(writer, "%s", command);
		hear(writer);
		if (writer->status != MXL_ERR_CONFLICT || now_ns() > end)
			break;
		doze();
	}
	assert_status(MXL_STATUS_OK, writer->status);
}

static void stand_by_for_grains(enum kind one, enum kind two, enum end how)
{
	struct peer *readers[2], *first, *second;

	first = start_writer(one, domain(), small_def(ID_A), true);
	start_both_readers(readers, ID_A);
	order(first, MXL_STATUS_OK, "grain %d", START);
	second = start_writer(two, domain(), small_def(ID_A), false);
	for (int i = 1; i < 5; i++) {
		order(second, MXL_ERR_CONFLICT, "grain %d", START + i);
		order(first, MXL_STATUS_OK, "grain %d", START + i);
		each_reads(readers, text("grain %d", START + i));
	}
	/* in the middle of a grain, which is left to the other */
	order(first, MXL_STATUS_OK, "slices %d 3", START + 5);
	end_writer(first, how);
	take_over(second, text("grain %d", START + 5));
	each_reads(readers, text("grain %d", START + 5));
	order(second, MXL_STATUS_OK, "grain %d", START + 6);
	each_reads(readers, text("grain %d", START + 6));
	each_reads(readers, text("grain %d", START + 4));
	release_all(readers, second);
}

static void stand_by_for_samples(enum kind one, enum kind two, enum end how)
{
	struct peer *readers[2], *first, *second;

	first = start_writer(one, domain(), sound_def(ID_B), true);
	start_both_readers(readers, ID_B);
	order(first, MXL_STATUS_OK, "samples 4800 480");
	second = start_writer(two, domain(), sound_def(ID_B), false);
	order(second, MXL_ERR_CONFLICT, "samples 5280 480");
	order(first, MXL_STATUS_OK, "samples 5280 480");
	end_writer(first, how);
	take_over(second, "samples 5760 480");
	each_reads(readers, "samples 5760 1440");
	release_all(readers, second);
}

static void stand_by(enum end how)
{
	need_module();
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		print_message("# %s stands by for %s\n", kind_name(pairs[i].second),
			      kind_name(pairs[i].first));
		stand_by_for_grains(pairs[i].first, pairs[i].second, how);
		stand_by_for_samples(pairs[i].first, pairs[i].second, how);
	}
}

TEST(standby_takes_over_after_a_release)
{
	set_time_limit(60);
	stand_by(RELEASED);
}

TEST(standby_takes_over_after_a_kill)
{
	set_time_limit(60);
	stand_by(KILLED);
}

/* Only one of several gets it, and the others go on standing by. */
TEST(one_standby_of_three_takes_over)
{
	struct peer *first, *standby[3], *next = NULL;
	unsigned int holders = 0;

	need_module();
	first = start_writer(KERNEL, domain(), small_def(ID_A), true);
	for (size_t i = 0; i < ARRAY_SIZE(standby); i++)
		standby[i] = start_writer(KERNEL, domain(), small_def(ID_A), false);
	kill_peer(first);
	take_over(standby[1], text("grain %d", START));
	for (size_t i = 0; i < ARRAY_SIZE(standby); i++) {
		tell(standby[i], "grain %d", START + 1);
		hear(standby[i]);
		if (standby[i]->status == MXL_STATUS_OK) {
			holders++;
			next = standby[i];
		} else {
			assert_status(MXL_ERR_CONFLICT, standby[i]->status);
		}
	}
	assert_int_equal(holders, 1);
	assert_ptr_equal(next, standby[1]);
	/* a standby that goes leaves the flow to those who stay */
	release_peer(standby[0]);
	assert_true(exists(flow_path(ID_A, "data")));
	release_peer(standby[1]);
	assert_true(exists(flow_path(ID_A, "data")));
	take_over(standby[2], text("grain %d", START + 2));
	release_peer(standby[2]);
	assert_int_equal(count_entries(domain(), ""), 0);
}

/* One that has nothing to write sleeps until it is its turn. */
static void wait_for_lock(enum kind one, enum kind two, enum end how)
{
	struct peer *first, *second;
	uint64_t start;

	first = start_writer(one, domain(), small_def(ID_A), true);
	order(first, MXL_STATUS_OK, "grain %d", START);
	second = start_writer(two, domain(), small_def(ID_A), false);
	start = now_ns();
	tell(second, "lock 150");
	hear(second);
	assert_true(second->status != MXL_STATUS_OK);
	assert_true(second->at - start >= 150 * MSEC);
	tell(second, "lock -1");
	if (two == KERNEL)
		asleep(second);
	end_writer(first, how);
	hear_ok(second);
	order(second, MXL_STATUS_OK, "grain %d", START + 1);
	release_peer(second);
}

TEST(standby_sleeps_until_it_has_the_lock)
{
	need_module();
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		wait_for_lock(pairs[i].first, pairs[i].second, RELEASED);
		wait_for_lock(pairs[i].first, pairs[i].second, KILLED);
	}
}

/* What is waited for will not come for a long time: the waits end, and the handles go on. */
static void restart_lower(enum kind one, enum kind two)
{
	struct peer *readers[2], *first, *second;

	first = start_writer(one, domain(), small_def(ID_A), true);
	start_both_readers(readers, ID_A);
	order(first, MXL_STATUS_OK, "grain %d", START);
	second = start_writer(two, domain(), small_def(ID_A), false);
	for (int i = 0; i < 2; i++) {
		tell(readers[i], "grain %d -1", START + 1);
		asleep(readers[i]);
	}
	kill_peer(first);
	take_over(second, "grain 20");
	for (int i = 0; i < 2; i++)
		hear_status(readers[i], MXL_ERR_OUT_OF_RANGE_TOO_EARLY, __FILE__, __LINE__);
	each_reads(readers, "grain 20");
	/* the grains of the first generation are gone */
	for (int i = 0; i < 2; i++) {
		tell(readers[i], "get %d", START);
		hear(readers[i]);
		assert_true(readers[i]->status != MXL_STATUS_OK);
	}
	for (int i = 0; i < 2; i++) {
		tell(readers[i], "grain 21 -1");
		asleep(readers[i]);
	}
	order(second, MXL_STATUS_OK, "grain 21");
	for (int i = 0; i < 2; i++)
		hear_ok(readers[i]);
	release_all(readers, second);
}

TEST(restart_lower_ends_the_waits)
{
	need_module();
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		restart_lower(pairs[i].first, pairs[i].second);
}

/* Without a standby, and one that comes from elsewhere later, the same holds. */
TEST(successor_that_starts_lower_ends_the_waits)
{
	need_module();
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct peer *readers[2], *writer;

		writer = start_writer(pairs[i].first, domain(), small_def(ID_A), true);
		order(writer, MXL_STATUS_OK, "grain %d", START);
		start_both_readers(readers, ID_A);
		kill_peer(writer);
		for (int k = 0; k < 2; k++) {
			tell(readers[k], "grain %d -1", START + 1);
			asleep(readers[k]);
		}
		writer = start_writer(pairs[i].second, domain(), small_def(ID_A), false);
		order(writer, MXL_STATUS_OK, "grain 20");
		for (int k = 0; k < 2; k++)
			hear_status(readers[k], MXL_ERR_OUT_OF_RANGE_TOO_EARLY, __FILE__, __LINE__);
		each_reads(readers, "grain 20");
		release_all(readers, writer);
	}
}

/*
 * The pause a reader sees at 60 frames per second when the writer is killed, and a standby that
 * tries once per frame takes over. It is measured; the bound is only there to be able to fail.
 */
static void gap(enum kind one, enum kind two)
{
	struct peer *readers[2], *first, *second, *witness;
	uint64_t killed;

	first = start_writer(one, domain(), video_def(ID_A, 96, SMALL_SLICES, 60, 1), true);
	start_both_readers(readers, ID_A);
	second = start_writer(two, domain(), video_def(ID_A, 96, SMALL_SLICES, 60, 1), false);
	tell(first, "pace 1000000");
	/* until it paces */
	for (int i = 0; i < 2; i++)
		order(readers[i], MXL_STATUS_OK, "follow 3");
	tell(second, "pace 60");
	for (int i = 0; i < 2; i++)
		tell(readers[i], "follow 60");
	/* in the middle of what they follow, by a third reader */
	witness = start_reader(KERNEL, domain(), ID_A);
	order(witness, MXL_STATUS_OK, "follow 20");
	release_peer(witness);
	killed = now_ns();
	kill_peer(first);
	hear_ok(second);
	hear_ok(readers[POSIX]);
	hear_ok(readers[KERNEL]);
	print_message("# %s writer killed at 60/s, %s standby: it writes %.1f ms later; longest "
		      "pause of a kernel reader %.1f ms, of a posix reader %.1f ms\n",
		      kind_name(one), kind_name(two), (double)(second->value - killed) / MSEC,
		      (double)readers[KERNEL]->value / MSEC, (double)readers[POSIX]->value / MSEC);
	for (int i = 0; i < 2; i++)
		assert_in_range(readers[i]->value, 0, 5 * SEC * slowness());
	release_all(readers, second);
}

TEST(gap_at_sixty_frames_per_second)
{
	need_module();
	set_time_limit(60);
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		gap(pairs[i].first, pairs[i].second);
}

int main(int argc, char **argv)
{
	static const struct test_role roles[] = { PEER_ROLES };
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(standby_takes_over_after_a_release),
		cmocka_unit_test(standby_takes_over_after_a_kill),
		cmocka_unit_test(one_standby_of_three_takes_over),
		cmocka_unit_test(standby_sleeps_until_it_has_the_lock),
		cmocka_unit_test(restart_lower_ends_the_waits),
		cmocka_unit_test(successor_that_starts_lower_ends_the_waits),
		cmocka_unit_test(gap_at_sixty_frames_per_second),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), roles, ARRAY_SIZE(roles));
}

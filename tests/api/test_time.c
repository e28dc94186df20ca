// SPDX-License-Identifier: Apache-2.0
/* Time and index: tables, and properties against a reference in 128 bits. */
#include "helpers.h"

#include <time.h>

typedef unsigned __int128 wide;

static const mxlRational rates[] = {
	{ 1, 1 },	{ 24, 1 },	  { 24000, 1001 }, { 25, 1 },	  { 30000, 1001 },
	{ 50, 1 },	{ 60000, 1001 },  { 60, 1 },	   { 120, 1 },	  { 44100, 1 },
	{ 48000, 1 },	{ 48000, 1001 },  { 96000, 1 },	   { 192000, 1 }, { 1, 1001 },
	{ 1000000, 1 }, { 999999937, 1 }, { 1, 3 },	   { 7, 13 },
};

static wide index_at(mxlRational rate, uint64_t ts)
{
	return ((wide)ts * rate.numerator + (wide)500000000 * rate.denominator) /
	       ((wide)1000000000 * rate.denominator);
}

static wide time_of(mxlRational rate, uint64_t index)
{
	return ((wide)index * rate.denominator * 1000000000 + rate.numerator / 2) / rate.numerator;
}

static uint64_t tai(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_TAI, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

/* Reproducible, and of every magnitude. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t x;

	*state += 0x9e3779b97f4a7c15ULL;
	x = *state;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	x ^= x >> 31;
	return x >> (x & 63 ? *state % 64 : 0);
}

TEST(time_is_tai)
{
	uint64_t before = tai();
	uint64_t got = mxlGetTime();

	assert_in_range(got, before, tai());
}

TEST(index_zero_starts_at_the_epoch)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		assert_true(mxlTimestampToIndex(&rates[i], 0) == 0);
		assert_true(mxlIndexToTimestamp(&rates[i], 0) == 0);
	}
}

TEST(known_values)
{
	static const struct {
		mxlRational rate;
		uint64_t index;
		uint64_t ts;
	} table[] = {
		{ { 50, 1 }, 1, 20000000 },
		{ { 50, 1 }, 50, 1000000000 },
		{ { 50, 1 }, 90000000000, 1800000000000000000 },
		{ { 25, 1 }, 3, 120000000 },
		{ { 60000, 1001 }, 1, 16683333 },
		{ { 60000, 1001 }, 2, 33366667 },
		{ { 60000, 1001 }, 3, 50050000 },
		{ { 60000, 1001 }, 60000, 1001000000000 },
		{ { 30000, 1001 }, 1, 33366667 },
		{ { 48000, 1 }, 1, 20833 },
		{ { 48000, 1 }, 2, 41667 },
		{ { 48000, 1 }, 3, 62500 },
		{ { 48000, 1 }, 48000, 1000000000 },
		{ { 44100, 1 }, 1, 22676 },
		{ { 1, 1001 }, 1, 1001000000000 },
		{ { 100, 2 }, 1, 20000000 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		assert_true(mxlIndexToTimestamp(&table[i].rate, table[i].index) == table[i].ts);
		assert_true(mxlTimestampToIndex(&table[i].rate, table[i].ts) == table[i].index);
	}
}

TEST(timestamps_belong_to_the_nearest_index)
{
	static const struct {
		mxlRational rate;
		uint64_t ts;
		uint64_t index;
	} table[] = {
		{ { 50, 1 }, 9999999, 0 },  { { 50, 1 }, 10000000, 1 }, { { 50, 1 }, 29999999, 1 },
		{ { 50, 1 }, 30000000, 2 }, { { 1, 1 }, 499999999, 0 }, { { 1, 1 }, 500000000, 1 },
		{ { 48000, 1 }, 10416, 0 }, { { 48000, 1 }, 10417, 1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		assert_true(mxlTimestampToIndex(&table[i].rate, table[i].ts) == table[i].index);
}

TEST(index_to_timestamp_to_index_is_the_identity)
{
	uint64_t seed = 1;
	size_t i;
	int n;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		for (n = 0; n < 20000; n++) {
			uint64_t index = n < 1000 ? (uint64_t)n : next_random(&seed);

			if (time_of(rates[i], index) >> 64)
				continue;
			assert_true(mxlTimestampToIndex(&rates[i],
							mxlIndexToTimestamp(&rates[i], index)) ==
				    index);
		}
	}
}

TEST(conversions_agree_with_wide_arithmetic)
{
	uint64_t seed = 2;
	size_t i;
	int n;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		for (n = 0; n < 20000; n++) {
			uint64_t x = next_random(&seed);

			if (!(index_at(rates[i], x) >> 64))
				assert_true(mxlTimestampToIndex(&rates[i], x) ==
					    (uint64_t)index_at(rates[i], x));
			if (!(time_of(rates[i], x) >> 64))
				assert_true(mxlIndexToTimestamp(&rates[i], x) ==
					    (uint64_t)time_of(rates[i], x));
		}
	}
}

/* Numerators and denominators of any size, as far as the reference itself has room. */
TEST(odd_rates_agree_with_wide_arithmetic)
{
	uint64_t seed = 3;
	int n;

	for (n = 0; n < 100000; n++) {
		mxlRational rate = { (int64_t)(next_random(&seed) >> 1) + 1,
				     (int64_t)(next_random(&seed) >> 1) + 1 };
		uint64_t x = next_random(&seed);
		wide scratch;

		if (rate.numerator <= 0 || rate.denominator <= 0)
			continue;
		if (!__builtin_mul_overflow((wide)x, (wide)rate.numerator, &scratch) &&
		    !__builtin_add_overflow(scratch, (wide)rate.denominator * 500000000,
					    &scratch) &&
		    !(index_at(rate, x) >> 64))
			assert_true(mxlTimestampToIndex(&rate, x) == (uint64_t)index_at(rate, x));
		if (!__builtin_mul_overflow((wide)x * (wide)rate.denominator, (wide)1000000000,
					    &scratch) &&
		    !__builtin_add_overflow(scratch, (wide)rate.numerator, &scratch) &&
		    !(time_of(rate, x) >> 64))
			assert_true(mxlIndexToTimestamp(&rate, x) == (uint64_t)time_of(rate, x));
	}
}

TEST(the_whole_range_of_arguments)
{
	static const uint64_t ends[] = { UINT64_MAX, UINT64_MAX - 1, 1ULL << 63, (1ULL << 63) - 1 };
	size_t i, e;

	for (i = 0; i < ARRAY_SIZE(rates); i++)
		for (e = 0; e < ARRAY_SIZE(ends); e++)
			if (!(index_at(rates[i], ends[e]) >> 64))
				assert_true(mxlTimestampToIndex(&rates[i], ends[e]) ==
					    (uint64_t)index_at(rates[i], ends[e]));
}

/* What no 64 bits hold must not come back as some small number. */
TEST(results_that_do_not_fit_are_undefined)
{
	mxlRational second = { 1, 1 };
	mxlRational fast = { INT64_MAX, 1 };
	mxlRational slow = { 1, INT64_MAX };

	assert_true(mxlIndexToTimestamp(&second, UINT64_MAX) == MXL_UNDEFINED_INDEX);
	assert_true(mxlIndexToTimestamp(&second, UINT64_MAX / SEC + 1) == MXL_UNDEFINED_INDEX);
	assert_true(mxlTimestampToIndex(&fast, UINT64_MAX) == MXL_UNDEFINED_INDEX);
	assert_true(mxlIndexToTimestamp(&slow, UINT64_MAX) == MXL_UNDEFINED_INDEX);
	assert_true(mxlTimestampToIndex(&slow, UINT64_MAX) == 0);
	assert_true(mxlIndexToTimestamp(&fast, UINT64_MAX) == 2000000000);
}

TEST(bad_rates_are_undefined)
{
	static const mxlRational bad[] = {
		{ 0, 1 },   { 0, 0 },  { 1, 0 },	 { -1, 1 },	   { 1, -1 },
		{ -1, -1 }, { 50, 0 }, { INT64_MIN, 1 }, { 1, INT64_MIN },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_true(mxlGetCurrentIndex(&bad[i]) == MXL_UNDEFINED_INDEX);
		assert_true(mxlGetNsUntilIndex(5, &bad[i]) == MXL_UNDEFINED_INDEX);
		assert_true(mxlTimestampToIndex(&bad[i], 5) == MXL_UNDEFINED_INDEX);
		assert_true(mxlIndexToTimestamp(&bad[i], 5) == MXL_UNDEFINED_INDEX);
		assert_true(mxlIndexToTimestamp(&bad[i], 0) == MXL_UNDEFINED_INDEX);
	}
}

TEST(current_index_is_that_of_now)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		uint64_t before = (uint64_t)index_at(rates[i], tai());
		uint64_t got = mxlGetCurrentIndex(&rates[i]);

		assert_in_range(got, before, (uint64_t)index_at(rates[i], tai()));
	}
}

TEST(no_time_is_left_until_a_past_index)
{
	mxlRational rate = { 50, 1 };

	assert_true(mxlGetNsUntilIndex(0, &rate) == 0);
	assert_true(mxlGetNsUntilIndex(1000, &rate) == 0);
	assert_true(mxlGetNsUntilIndex(mxlGetCurrentIndex(&rate) - 1, &rate) == 0);
}

TEST(time_until_a_future_index)
{
	mxlRational rate = { 60000, 1001 };
	uint64_t index = mxlGetCurrentIndex(&rate) + 1000;
	uint64_t at = mxlIndexToTimestamp(&rate, index);
	uint64_t before = tai();
	uint64_t left = mxlGetNsUntilIndex(index, &rate);

	assert_in_range(left, at - tai(), at - before);
}

TEST(sleeping_takes_as_long_as_it_says)
{
	uint64_t start = now_ns();

	mxlSleepForNs(0);
	mxlSleepForNs(20 * MSEC);
	assert_true(now_ns() - start >= 20 * MSEC);
}

TEST(sleeping_until_a_time)
{
	uint64_t until = mxlGetTime() + 20 * MSEC;

	mxlSleepUntil(until);
	assert_true(mxlGetTime() >= until);
	/* what is past is not waited for */
	mxlSleepUntil(0);
	mxlSleepUntil(until);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_is_tai),
		cmocka_unit_test(index_zero_starts_at_the_epoch),
		cmocka_unit_test(known_values),
		cmocka_unit_test(timestamps_belong_to_the_nearest_index),
		cmocka_unit_test(index_to_timestamp_to_index_is_the_identity),
		cmocka_unit_test(conversions_agree_with_wide_arithmetic),
		cmocka_unit_test(odd_rates_agree_with_wide_arithmetic),
		cmocka_unit_test(the_whole_range_of_arguments),
		cmocka_unit_test(results_that_do_not_fit_are_undefined),
		cmocka_unit_test(bad_rates_are_undefined),
		cmocka_unit_test(current_index_is_that_of_now),
		cmocka_unit_test(no_time_is_left_until_a_past_index),
		cmocka_unit_test(time_until_a_future_index),
		cmocka_unit_test(sleeping_takes_as_long_as_it_says),
		cmocka_unit_test(sleeping_until_a_time),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), NULL, 0);
}

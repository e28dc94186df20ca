// SPDX-License-Identifier: Apache-2.0
/* <linux/mxl_layout.h>: index arithmetic against 128 bits, wake bits against their definition. */
#include "unit.h"

#include <linux/mxl_layout.h>

typedef unsigned __int128 wide;

#define NONE MXL_LAYOUT_UNDEFINED_INDEX

TEST(wide_division_agrees_with_the_compilers)
{
	uint64_t seed = 1;
	int n;

	for (n = 0; n < 20000; n++) {
		wide dividend = (wide)next_random(&seed) << 64 | next_random(&seed);
		wide divisor = (wide)(next_random(&seed) >> 1) << 64 | next_random(&seed);
		wide want;

		if (n & 1)
			divisor = next_random(&seed);
		if (n & 2)
			dividend >>= 64 + n % 64;
		if (divisor == 0)
			continue;
		want = dividend / divisor;
		assert_true(mxl_u128_div(dividend, divisor) ==
			    (want >> 64 ? NONE : (uint64_t)want));
	}
}

TEST(wide_division_at_its_ends)
{
	assert_true(mxl_u128_div(0, 1) == 0);
	assert_true(mxl_u128_div(~(wide)0, 1) == NONE);
	assert_true(mxl_u128_div(UINT64_MAX, 1) == UINT64_MAX);
	assert_true(mxl_u128_div((wide)1 << 64, 1) == NONE);
	assert_true(mxl_u128_div((wide)1 << 127, (wide)1 << 126) == 2);
	assert_true(mxl_u128_div(~(wide)0, ((wide)1 << 127) - 1) == 2);
}

/* The formula itself, where 128 bits hold it. */
static bool index_of(uint64_t ts, int64_t num, int64_t den, uint64_t *ret)
{
	wide n, q;

	if (__builtin_mul_overflow((wide)ts, (wide)num, &n) ||
	    __builtin_add_overflow(n, (wide)den * 500000000, &n))
		return false;
	q = n / ((wide)den * 1000000000);
	*ret = q >> 64 ? NONE : (uint64_t)q;
	return true;
}

static bool time_of(uint64_t index, int64_t num, int64_t den, uint64_t *ret)
{
	wide n, q;

	if (__builtin_mul_overflow((wide)index * (wide)den, (wide)1000000000, &n) ||
	    __builtin_add_overflow(n, (wide)(num / 2), &n))
		return false;
	q = n / (wide)num;
	*ret = q >> 64 ? NONE : (uint64_t)q;
	return true;
}

static const struct {
	int64_t num, den;
} rates[] = {
	{ 1, 1 },
	{ 24000, 1001 },
	{ 25, 1 },
	{ 30000, 1001 },
	{ 50, 1 },
	{ 60000, 1001 },
	{ 48000, 1 },
	{ 44100, 1 },
	{ 96000, 1 },
	{ 192000, 1 },
	{ 1, 1001 },
	{ 1000000, 1 },
	{ 1000000000, 1 },
	{ INT64_MAX, 1 },
	{ 1, INT64_MAX },
	{ INT64_MAX, INT64_MAX },
	{ INT64_MAX - 1, INT64_MAX },
	{ 1LL << 40, 3 },
};

TEST(index_from_time_is_the_formula)
{
	uint64_t seed = 2, want;
	size_t i;
	int n;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		for (n = 0; n < 5000; n++) {
			uint64_t ts = n < 3 ? UINT64_MAX - n : next_random(&seed);

			assert_true(index_of(ts, rates[i].num, rates[i].den, &want));
			assert_true(mxl_index_from_time(ts, rates[i].num, rates[i].den) == want);
		}
	}
}

TEST(time_from_index_is_the_formula)
{
	uint64_t seed = 3, want;
	size_t i;
	int n;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		for (n = 0; n < 5000; n++) {
			uint64_t index = n < 3 ? UINT64_MAX - n : next_random(&seed);
			uint64_t got = mxl_time_from_index(index, rates[i].num, rates[i].den);

			if (time_of(index, rates[i].num, rates[i].den, &want))
				assert_true(got == want);
			else
				assert_true(got == NONE);
		}
	}
}

TEST(rates_of_every_size_follow_the_formula)
{
	uint64_t seed = 4, want;
	int n;

	for (n = 0; n < 200000; n++) {
		int64_t num = (int64_t)(next_random(&seed) >> 1);
		int64_t den = (int64_t)(next_random(&seed) >> 1);
		uint64_t x = next_random(&seed);

		if (num == 0 || den == 0) {
			assert_true(mxl_index_from_time(x, num, den) == NONE);
			assert_true(mxl_time_from_index(x, num, den) == NONE);
			continue;
		}
		if (index_of(x, num, den, &want))
			assert_true(mxl_index_from_time(x, num, den) == want);
		if (time_of(x, num, den, &want))
			assert_true(mxl_time_from_index(x, num, den) == want);
		else
			assert_true(mxl_time_from_index(x, num, den) == NONE);
	}
}

TEST(index_to_time_to_index_is_the_identity)
{
	uint64_t seed = 5;
	size_t i;
	int n;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		/* indices closer than a nanosecond cannot be told apart */
		if (rates[i].num / rates[i].den >= 1000000000)
			continue;
		for (n = 0; n < 5000; n++) {
			uint64_t index = next_random(&seed);
			uint64_t ts = mxl_time_from_index(index, rates[i].num, rates[i].den);

			if (ts != NONE)
				assert_true(mxl_index_from_time(ts, rates[i].num, rates[i].den) ==
					    index);
		}
	}
}

TEST(rates_that_are_not_positive_have_no_index)
{
	static const int64_t bad[] = { 0, -1, INT64_MIN };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_true(mxl_index_from_time(5, bad[i], 1) == NONE);
		assert_true(mxl_index_from_time(5, 1, bad[i]) == NONE);
		assert_true(mxl_time_from_index(5, bad[i], 1) == NONE);
		assert_true(mxl_time_from_index(0, 1, bad[i]) == NONE);
	}
}

/* === Wake bits ============================================================================= */

/*
 * The contract: a commit that goes from @from to @to slices wakes every reader whose threshold it
 * reached. Checked for every pair and every threshold.
 */
static void no_wake_is_lost(uint32_t total)
{
	uint32_t from, to, want;

	for (from = 0; from < total; from++) {
		for (to = from + 1; to <= total; to++) {
			uint32_t bits = mxl_wake_bits(from, to, total);

			assert_int_not_equal(bits, 0);
			for (want = from + 1; want <= to; want++)
				if (!(bits >> mxl_wake_bucket(want, total) & 1))
					fail_msg("%u slices: %u to %u does not wake %u", total,
						 from, to, want);
		}
	}
}

TEST(small_grains_lose_no_wake)
{
	uint32_t total;

	for (total = 1; total <= 130; total++)
		no_wake_is_lost(total);
}

/* Every step and every jump from the start, for grains of any size there is. */
TEST(large_grains_lose_no_wake)
{
	static const uint32_t totals[] = { 540, 720, 1080, 2160, 4096, 4320, 65534, 65535 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(totals); i++) {
		uint32_t total = totals[i];
		uint32_t to, k;

		for (to = 1; to <= total; to++) {
			uint32_t bucket = mxl_wake_bucket(to, total);

			/* the step that reaches it, and commits of other sizes that cross it */
			assert_true(mxl_wake_bits(to - 1, to, total) >> bucket & 1);
			assert_true(mxl_wake_bits(0, to, total) >> bucket & 1);
			assert_true(mxl_wake_bits(0, total, total) >> bucket & 1);
			assert_true(mxl_wake_bits(to - 1, total, total) >> bucket & 1);
			for (k = 1; k <= 64; k *= 2) {
				uint32_t from = to > k ? to - k : 0;
				uint32_t end = to + k < total ? to + k : total;

				assert_true(mxl_wake_bits(from, end, total) >> bucket & 1);
			}
		}
	}
}

TEST(buckets_rise_with_the_threshold)
{
	static const uint32_t totals[] = { 1, 2, 8, 31, 32, 33, 540, 1080, 4096, 65535 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(totals); i++) {
		uint32_t before = 0, slices;

		for (slices = 0; slices <= 65535; slices++) {
			uint32_t bucket = mxl_wake_bucket(slices, totals[i]);

			assert_true(bucket >= before && bucket <= MXL_WAKE_COMPLETE);
			/* those who want all of it are told apart from those who do not */
			assert_int_equal(bucket == MXL_WAKE_COMPLETE,
					 slices >= totals[i] || totals[i] == 1);
			before = bucket;
		}
	}
}

TEST(any_number_of_slices_wakes_with_the_first)
{
	uint32_t total;

	for (total = 1; total <= 65535; total += total < 100 ? 1 : 997)
		assert_true(mxl_wake_bits(0, 1, total) >> mxl_wake_bucket(0, total) & 1);
}

/* What the bits are for: readers of whole grains sleep until there is a whole grain. */
TEST(readers_of_whole_grains_are_left_alone_until_the_last_slice)
{
	static const uint32_t totals[] = { 2, 8, 540, 1080, 4096, 65535 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(totals); i++) {
		uint32_t to;

		for (to = 1; to < totals[i]; to++) {
			assert_false(mxl_wake_bits(to - 1, to, totals[i]) >> MXL_WAKE_COMPLETE);
			assert_false(mxl_wake_bits(0, to, totals[i]) >> MXL_WAKE_COMPLETE);
		}
		assert_true(mxl_wake_bits(totals[i] - 1, totals[i], totals[i]) >>
			    MXL_WAKE_COMPLETE);
	}
}

TEST(commits_that_add_nothing_wake_nobody)
{
	assert_int_equal(mxl_wake_bits(0, 0, 8), 0);
	assert_int_equal(mxl_wake_bits(5, 5, 8), 0);
	assert_int_equal(mxl_wake_bits(8, 5, 8), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(wide_division_agrees_with_the_compilers),
		cmocka_unit_test(wide_division_at_its_ends),
		cmocka_unit_test(index_from_time_is_the_formula),
		cmocka_unit_test(time_from_index_is_the_formula),
		cmocka_unit_test(rates_of_every_size_follow_the_formula),
		cmocka_unit_test(index_to_time_to_index_is_the_identity),
		cmocka_unit_test(rates_that_are_not_positive_have_no_index),
		cmocka_unit_test(small_grains_lose_no_wake),
		cmocka_unit_test(large_grains_lose_no_wake),
		cmocka_unit_test(buckets_rise_with_the_threshold),
		cmocka_unit_test(any_number_of_slices_wakes_with_the_first),
		cmocka_unit_test(readers_of_whole_grains_are_left_alone_until_the_last_slice),
		cmocka_unit_test(commits_that_add_nothing_wake_nobody),
	};

	return unit_main(tests, ARRAY_SIZE(tests));
}

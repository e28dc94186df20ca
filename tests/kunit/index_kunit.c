// SPDX-License-Identifier: GPL-2.0-only
/*
 * Index arithmetic of the layout header, and the two ways to pack what is waited for.
 */

#include <kunit/test.h>
#include <linux/module.h>
#include <linux/prandom.h>

#include "mxl_priv.h"

/* ---- tables ------------------------------------------------------------------------------ */

struct index_case {
	u64 value;
	s64 num;
	s64 den;
	u64 index; /* of the time @value */
	u64 time; /* of the index @value */
};

/* Made with integers of any length */
static const struct index_case index_cases[] = {
	{ 0, 50, 1, 0, 0 },
	{ 1, 50, 1, 0, 20000000 },
	{ 499999999, 50, 1, 25, 9999999980000000 },
	{ 1700000000123456789, 50, 1, 85000000006, U64_MAX },
	{ U64_MAX, 50, 1, 922337203685, U64_MAX },
	{ 1, 60000, 1001, 0, 16683333 },
	{ 499999999, 60000, 1001, 30, 8341666649983333 },
	{ 500000000, 60000, 1001, 30, 8341666666666667 },
	{ 1700000000123456789, 60000, 1001, 101898101906, U64_MAX },
	{ 1ULL << 63, 60000, 1001, 552849472739, U64_MAX },
	{ 1, 30000, 1001, 0, 33366667 },
	{ 1700000000123456789, 30000, 1001, 50949050953, U64_MAX },
	{ 1, 24000, 1001, 0, 41708333 },
	{ 499999999, 25, 1, 12, 19999999960000000 },
	{ 500000000, 25, 1, 13, 20000000000000000 },
	{ 1, 48000, 1, 0, 20833 },
	{ 1700000000123456789, 48000, 1, 81600000005926, U64_MAX },
	{ U64_MAX, 48000, 1, 885443715538058, U64_MAX },
	{ 499999999, 96000, 1, 48000, 5208333322917 },
	{ 499999999, 1, 1, 0, 499999999000000000 },
	{ 500000000, 1, 1, 1, 500000000000000000 },
	{ U64_MAX, 1, 1, 18446744074, U64_MAX },
	{ 1, S64_MAX, 1, 9223372037, 0 },
	{ 500000000, S64_MAX, 1, 4611686018427387904, 0 },
	{ 1ULL << 63, S64_MAX, 1, U64_MAX, 1000000000 },
	{ U64_MAX, S64_MAX, 1, U64_MAX, 2000000000 },
	{ 0, 1, S64_MAX, 0, 0 },
	{ 1, 1, S64_MAX, 0, U64_MAX },
	{ U64_MAX, 1, S64_MAX, 0, U64_MAX },
	{ 1700000000123456789, S64_MAX, S64_MAX, 1700000000, U64_MAX },
	{ 500000000, S64_MAX, S64_MAX, 1, 500000000000000000 },
	{ 1700000000123456789, 1000000007, 998244353, 1702989861, U64_MAX },
	{ 500000000, 1000000007, 998244353, 1, 499122173006144789 },
};

static void index_case_name(const struct index_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%llu at %lld/%lld", c->value, c->num, c->den);
}

KUNIT_ARRAY_PARAM(index, index_cases, index_case_name);

static void index_table(struct kunit *test)
{
	const struct index_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, mxl_index_from_time(c->value, c->num, c->den), c->index);
	KUNIT_EXPECT_EQ(test, mxl_time_from_index(c->value, c->num, c->den), c->time);
}

static void index_of_no_rate(struct kunit *test)
{
	static const s64 bad[] = { 0, -1, S64_MIN };
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ(test, mxl_index_from_time(1, bad[i], 1),
				MXL_LAYOUT_UNDEFINED_INDEX);
		KUNIT_EXPECT_EQ(test, mxl_index_from_time(1, 1, bad[i]),
				MXL_LAYOUT_UNDEFINED_INDEX);
		KUNIT_EXPECT_EQ(test, mxl_time_from_index(1, bad[i], 1),
				MXL_LAYOUT_UNDEFINED_INDEX);
		KUNIT_EXPECT_EQ(test, mxl_time_from_index(1, 1, bad[i]),
				MXL_LAYOUT_UNDEFINED_INDEX);
	}
}

/* ---- properties -------------------------------------------------------------------------- */

/*
 * The quotient q of n by d is right if q * d <= n < (q + 1) * d. Multiplying is the only thing
 * this needs, so it shares nothing with the division that is tested.
 */
struct wide {
	u64 word[4]; /* lowest first */
};

static struct wide wide_mul(struct wide a, u64 by)
{
	struct wide r = {};
	u64 carry = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(r.word); i++) {
		mxl_u128 product = (mxl_u128)a.word[i] * by + carry;

		r.word[i] = product;
		carry = product >> 64;
	}
	return r;
}

static struct wide wide_add(struct wide a, struct wide b)
{
	struct wide r = {};
	u64 carry = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(r.word); i++) {
		mxl_u128 sum = (mxl_u128)a.word[i] + b.word[i] + carry;

		r.word[i] = sum;
		carry = sum >> 64;
	}
	return r;
}

static bool wide_less(struct wide a, struct wide b)
{
	int i;

	for (i = ARRAY_SIZE(a.word) - 1; i > 0 && a.word[i] == b.word[i]; i--)
		;
	return a.word[i] < b.word[i];
}

static struct wide wide(u64 value)
{
	return (struct wide){ { value } };
}

static bool is_quotient(struct wide n, struct wide d, u64 q)
{
	struct wide low = wide_mul(d, q);

	if (q == MXL_LAYOUT_UNDEFINED_INDEX)
		return !wide_less(n, low);
	return !wide_less(n, low) && wide_less(n, wide_add(low, d));
}

static bool index_is_right(u64 ts, u64 num, u64 den)
{
	struct wide n = wide_add(wide_mul(wide(ts), num), wide_mul(wide(500000000), den));

	return is_quotient(n, wide_mul(wide(den), NSEC_PER_SEC), mxl_index_from_time(ts, num, den));
}

static bool time_is_right(u64 index, u64 num, u64 den)
{
	struct wide n = wide_mul(wide_mul(wide(index), den), NSEC_PER_SEC);

	return is_quotient(wide_add(n, wide(num / 2)), wide(num),
			   mxl_time_from_index(index, num, den));
}

/* Of any size, and near the places where something overflows */
static u64 some_u64(struct rnd_state *rnd)
{
	u64 value = (u64)prandom_u32_state(rnd) << 32 | prandom_u32_state(rnd);

	switch (prandom_u32_state(rnd) % 4) {
	case 0:
		return value;
	case 1:
		return value >> prandom_u32_state(rnd) % 64;
	case 2:
		return (1ULL << prandom_u32_state(rnd) % 64) + (value & 3) - 2;
	default:
		return U64_MAX - (value & 0xff);
	}
}

static u64 some_s63(struct rnd_state *rnd)
{
	return max(some_u64(rnd) & S64_MAX, 1ULL);
}

static void index_properties(struct kunit *test)
{
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, 3927);
	for (i = 0; i < 20000; i++) {
		u64 value = some_u64(&rnd), num = some_s63(&rnd), den = some_s63(&rnd);

		if (!index_is_right(value, num, den))
			KUNIT_FAIL(test, "index of %llu at %llu/%llu: %llu", value, num, den,
				   mxl_index_from_time(value, num, den));
		if (!time_is_right(value, num, den))
			KUNIT_FAIL(test, "time of %llu at %llu/%llu: %llu", value, num, den,
				   mxl_time_from_index(value, num, den));
	}
}

static const struct mxl_layout_rational usual_rates[] = {
	{ 24000, 1001 }, { 24, 1 },	  { 25, 1 },	{ 30000, 1001 },  { 30, 1 },
	{ 50, 1 },	 { 60000, 1001 }, { 60, 1 },	{ 120000, 1001 }, { 120, 1 },
	{ 1000, 1 },	 { 44100, 1 },	  { 48000, 1 }, { 96000, 1 },	  { 192000, 1 },
};

static void index_there_and_back(struct kunit *test)
{
	/* as long as a rate has less than one index per nanosecond, nothing is lost on the way */
	const u64 now = 1700000000ULL * NSEC_PER_SEC;
	int i, k;

	for (i = 0; i < ARRAY_SIZE(usual_rates); i++) {
		s64 num = usual_rates[i].numerator, den = usual_rates[i].denominator;
		u64 first = mxl_index_from_time(now, num, den);

		for (k = 0; k < 2000; k++) {
			u64 time = mxl_time_from_index(first + k, num, den);

			KUNIT_EXPECT_EQ(test, mxl_index_from_time(time, num, den), first + k);
			KUNIT_EXPECT_LT(test, time, mxl_time_from_index(first + k + 1, num, den));
		}
	}
}

static void index_is_monotone(struct kunit *test)
{
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, 1);
	for (i = 0; i < 5000; i++) {
		u64 value = min(some_u64(&rnd), U64_MAX - 1);
		u64 num = some_s63(&rnd), den = some_s63(&rnd);

		KUNIT_EXPECT_LE(test, mxl_index_from_time(value, num, den),
				mxl_index_from_time(value + 1, num, den));
		KUNIT_EXPECT_LE(test, mxl_time_from_index(value, num, den),
				mxl_time_from_index(value + 1, num, den));
	}
}

static void index_division(struct kunit *test)
{
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, 2);
	for (i = 0; i < 5000; i++) {
		mxl_u128 n = (mxl_u128)some_u64(&rnd) << 64 | some_u64(&rnd);
		mxl_u128 d = (mxl_u128)(some_s63(&rnd) >> prandom_u32_state(&rnd) % 63) << 64 |
			     some_u64(&rnd);
		struct wide wn = { { (u64)n, (u64)(n >> 64) } };
		struct wide wd = { { (u64)d, (u64)(d >> 64) } };

		if (!d)
			continue;
		KUNIT_EXPECT_TRUE(test, is_quotient(wn, wd, mxl_u128_div(n, d)));
	}
}

/* ---- what is waited for ------------------------------------------------------------------ */

static void index_wake_buckets(struct kunit *test)
{
	u32 total, slices;

	for (total = 1; total <= 300; total++) {
		KUNIT_EXPECT_EQ(test, mxl_wake_bucket(0, total), mxl_wake_bucket(1, total));
		for (slices = 1; slices < total; slices++) {
			KUNIT_EXPECT_LT(test, mxl_wake_bucket(slices, total), MXL_WAKE_COMPLETE);
			KUNIT_EXPECT_LE(test, mxl_wake_bucket(slices, total),
					mxl_wake_bucket(slices + 1, total));
		}
		KUNIT_EXPECT_EQ(test, mxl_wake_bucket(total, total), MXL_WAKE_COMPLETE);
		KUNIT_EXPECT_EQ(test, mxl_wake_bucket(U16_MAX, total), MXL_WAKE_COMPLETE);
	}
	/* the largest grain there can be */
	KUNIT_EXPECT_EQ(test, mxl_wake_bucket(U16_MAX, U16_MAX), MXL_WAKE_COMPLETE);
	KUNIT_EXPECT_EQ(test, mxl_wake_bucket(U16_MAX - 1, U16_MAX), MXL_WAKE_COMPLETE - 1);
}

/* Every threshold that was crossed has its bit; there is none without need */
static void index_wake_bits(struct kunit *test)
{
	u32 total, from, to, slices;

	for (total = 1; total <= 70; total++) {
		for (from = 0; from <= total; from++) {
			for (to = 0; to <= total; to++) {
				u32 bits = mxl_wake_bits(from, to, total), owed = 0;

				for (slices = from + 1; slices <= to; slices++)
					owed |= 1U << mxl_wake_bucket(slices, total);
				if ((bits & owed) != owed)
					KUNIT_FAIL(test, "%u to %u of %u: %#x, owed %#x", from, to,
						   total, bits, owed);
				if (to <= from)
					KUNIT_EXPECT_EQ(test, bits, 0);
				if (to < total)
					KUNIT_EXPECT_FALSE(test, bits & 1U << MXL_WAKE_COMPLETE);
			}
		}
	}
}

static void index_wake_position(struct kunit *test)
{
	const u64 limit = 1ULL << 48;
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, 3);
	for (i = 0; i < 5000; i++) {
		u64 a = some_u64(&rnd), b = some_u64(&rnd);
		u32 sa = prandom_u32_state(&rnd) & 0xffff, sb = prandom_u32_state(&rnd) & 0xffff;
		u64 pa = mxl_wake_position(MXL_KIND_DISCRETE, a, sa);
		u64 pb = mxl_wake_position(MXL_KIND_DISCRETE, b, sb);

		/* the order of positions is that of index, then slices */
		if (a < b || (a == b && sa <= sb))
			KUNIT_EXPECT_LE(test, pa, pb);
		if (a >= limit)
			KUNIT_EXPECT_EQ(test, pa, MXL_WAKE_NONE);
		KUNIT_EXPECT_EQ(test, mxl_wake_position(MXL_KIND_CONTINUOUS, a, sa), a);
	}
	KUNIT_EXPECT_LT(test, mxl_wake_position(MXL_KIND_DISCRETE, limit - 1, 0xfffe),
			MXL_WAKE_NONE);
}

static struct kunit_case index_test_cases[] = {
	KUNIT_CASE_PARAM(index_table, index_gen_params),
	KUNIT_CASE(index_of_no_rate),
	KUNIT_CASE(index_properties),
	KUNIT_CASE(index_there_and_back),
	KUNIT_CASE(index_is_monotone),
	KUNIT_CASE(index_division),
	KUNIT_CASE(index_wake_buckets),
	KUNIT_CASE(index_wake_bits),
	KUNIT_CASE(index_wake_position),
	{}
};

static struct kunit_suite index_suite = {
	.name = "mxl_index",
	.test_cases = index_test_cases,
};

kunit_test_suite(index_suite);

MODULE_DESCRIPTION("KUnit tests of the Media eXchange Layer");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");

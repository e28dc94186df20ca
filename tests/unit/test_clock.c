// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "clock.h"

TEST(deadlines_are_on_the_monotonic_clock)
{
	uint64_t before = mxl_clock_ns(CLOCK_MONOTONIC);
	uint64_t deadline = mxl_deadline_in(5000000000);
	uint64_t after = mxl_clock_ns(CLOCK_MONOTONIC);

	assert_true(deadline >= before + 5000000000 && deadline <= after + 5000000000);
	before = mxl_clock_ns(CLOCK_MONOTONIC);
	assert_true(mxl_deadline_in(0) >= before);
}

TEST(deadlines_that_overflow_never_come)
{
	static const uint64_t timeouts[] = { UINT64_MAX, UINT64_MAX - 1, (uint64_t)INT64_MAX,
					     (uint64_t)INT64_MAX + 1, UINT64_MAX - 1000000000 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(timeouts); i++)
		assert_true(mxl_deadline_in(timeouts[i]) == MXL_NO_DEADLINE);
	/* a century is a deadline like others */
	assert_true(mxl_deadline_in(100ULL * 365 * 86400 * 1000000000) != MXL_NO_DEADLINE);
}

TEST(nanoseconds_to_timespec_and_back)
{
	uint64_t seed = 1;
	int n;

	for (n = 0; n < 10000; n++) {
		uint64_t ns = next_random(&seed) >> 1;
		struct timespec ts = mxl_ns_to_timespec(ns);

		assert_in_range(ts.tv_nsec, 0, 999999999);
		assert_true(ts.tv_sec >= 0);
		assert_true(mxl_timespec_to_ns(&ts) == ns);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(deadlines_are_on_the_monotonic_clock),
		cmocka_unit_test(deadlines_that_overflow_never_come),
		cmocka_unit_test(nanoseconds_to_timespec_and_back),
	};

	return unit_main(tests, ARRAY_SIZE(tests));
}

// SPDX-License-Identifier: Apache-2.0
#include "clock.h"

#include <errno.h>
#include <pthread.h>
#include <sys/timex.h>

#include <mxl/time.h>

#include "api.h"
#include "log.h"

static void check_tai(void)
{
	struct timex state = { 0 };

	if (adjtimex(&state) >= 0 && state.tai == 0)
		mxl_warn(
			"the kernel's TAI offset is 0: indices differ by the leap seconds (37 s since "
			"2017) from hosts that set it; let chrony, ntpd or ptp4l/phc2sys set it");
}

void mxl_clock_check_tai(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, check_tai);
}

MXL_API uint64_t mxlGetTime(void)
{
	return mxl_clock_ns(CLOCK_TAI);
}

MXL_API uint64_t mxlTimestampToIndex(const mxlRational *rate, uint64_t timestamp)
{
	if (!rate)
		return MXL_UNDEFINED_INDEX;
	return mxl_index_from_time(timestamp, rate->numerator, rate->denominator);
}

MXL_API uint64_t mxlIndexToTimestamp(const mxlRational *rate, uint64_t index)
{
	if (!rate)
		return MXL_UNDEFINED_INDEX;
	return mxl_time_from_index(index, rate->numerator, rate->denominator);
}

MXL_API uint64_t mxlGetCurrentIndex(const mxlRational *rate)
{
	return mxlTimestampToIndex(rate, mxl_clock_ns(CLOCK_TAI));
}

MXL_API uint64_t mxlGetNsUntilIndex(uint64_t index, const mxlRational *rate)
{
	uint64_t target = mxlIndexToTimestamp(rate, index);
	uint64_t now;

	if (target == MXL_UNDEFINED_INDEX)
		return MXL_UNDEFINED_INDEX;
	now = mxl_clock_ns(CLOCK_TAI);
	return target > now ? target - now : 0;
}

/* clock_nanosleep() refuses what does not fit its time_t; nobody waits 292 years for the rest. */
static void sleep_until(clockid_t clock, uint64_t ns)
{
	struct timespec until = mxl_ns_to_timespec(ns < INT64_MAX ? ns : INT64_MAX);

	while (clock_nanosleep(clock, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

MXL_API void mxlSleepForNs(uint64_t ns)
{
	sleep_until(CLOCK_MONOTONIC, mxl_deadline_in(ns));
}

MXL_API void mxlSleepUntil(uint64_t timestamp)
{
	sleep_until(CLOCK_TAI, timestamp);
}

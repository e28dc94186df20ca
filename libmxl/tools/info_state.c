/* SPDX-License-Identifier: Apache-2.0 */
#include "info_state.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>

/* Nobody sees it stand for less; flows of less than one grain a second are given three. */
#define STANDS_SECONDS 1.0
#define STANDS_UNITS 3

/* TAI is 37 s ahead of UTC since 2017, which is how far clocks are apart of which one knows it. */
#define TAI_UTC_SECONDS 37
#define TAI_UTC_TOLERANCE 1.5

static double unit_seconds(const struct info_flow *flow)
{
	const mxlRational *rate = &flow->info.config.common.grainRate;

	return rate->numerator > 0 && rate->denominator > 0
		       ? (double)rate->denominator / (double)rate->numerator
		       : 0;
}

/* The writer, seen by the lock on `data` or by the kernel, does not write. */
static bool stands(const struct info_flow *flow, char *text, size_t size)
{
	double patience = STANDS_UNITS * unit_seconds(flow);
	double idle = ((double)flow->now - (double)flow->info.runtime.lastWriteTime) / 1e9;
	bool fresh = flow->info.runtime.headIndex == 0;

	if (idle < STANDS_SECONDS || idle < patience)
		return false;
	if (info_state_is_kernel(flow) && !(flow->state.flags & MXL_FLOW_STATE_LOCKED))
		snprintf(text, size, "there is a writer, but it only stands by");
	else if (fresh)
		snprintf(text, size, "the writer has written nothing so far");
	else
		snprintf(text, size, "the writer has written nothing for %.1f s", idle);
	return true;
}

/* What is written is not what readers who go by the clock ask for. */
static bool is_out_of_time(const struct info_flow *flow, char *text, size_t size)
{
	struct info_latency latency;
	struct timex clock = { 0 };
	const char *hint = "";
	double seconds;

	if (!info_flow_latency(flow, &latency) ||
	    (latency.units >= -(int64_t)latency.keeps && latency.units <= (int64_t)latency.keeps))
		return false;
	seconds = latency.max_ms / 1e3;
	if (fabs(fabs(seconds) - TAI_UTC_SECONDS) < TAI_UTC_TOLERANCE)
		hint = adjtimex(&clock) >= 0 && clock.tai == 0
			       ? ": the TAI offset of this host is 0"
			       : ": the writer takes UTC for TAI";
	if (seconds < 0)
		snprintf(text, size, "the head is %.1f s in the future, more than the flow keeps%s",
			 -seconds, hint);
	else
		snprintf(text, size, "what is written is %.1f s old, more than the flow keeps%s",
			 seconds, hint);
	return true;
}

bool info_state_find_cause(const struct info_flow *flow, char *text, size_t size)
{
	if (!flow->has_info)
		return false;
	if (!flow->active) {
		snprintf(text, size, "there is no writer");
		return true;
	}
	return stands(flow, text, size) || is_out_of_time(flow, text, size);
}

bool info_state_is_kernel(const struct info_flow *flow)
{
	return flow->has_state && flow->state.backend == MXL_FLOW_BACKEND_KERNEL;
}

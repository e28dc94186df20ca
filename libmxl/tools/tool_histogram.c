/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_histogram.h"

#include <stddef.h>

#define LINEAR (UINT64_C(1) << TOOL_HISTOGRAM_DIGITS)

/*
 * The first two octaves of buckets are one wide, each further octave has LINEAR/2 buckets twice
 * as wide as the one before; only the upper half of an octave's codes is ever used.
 */
static size_t bucket_of(uint64_t value)
{
	unsigned int shift = 0;

	while (value >> shift >= LINEAR)
		shift++;
	return ((size_t)shift << TOOL_HISTOGRAM_DIGITS) + (size_t)(value >> shift);
}

static int64_t middle_of(size_t bucket)
{
	unsigned int shift = (unsigned int)(bucket >> TOOL_HISTOGRAM_DIGITS);
	uint64_t low = (uint64_t)(bucket & (LINEAR - 1)) << shift;
	uint64_t middle = low + ((UINT64_C(1) << shift) - 1) / 2;

	return middle < INT64_MAX ? (int64_t)middle : INT64_MAX;
}

void tool_histogram_add(struct tool_histogram *histogram, int64_t value)
{
	if (histogram->count == 0 || value < histogram->min)
		histogram->min = value;
	if (histogram->count == 0 || value > histogram->max)
		histogram->max = value;
	histogram->count++;
	if (value >= 0)
		histogram->above[bucket_of((uint64_t)value)]++;
	else
		histogram->below[bucket_of(-(uint64_t)value)]++;
}

/* Buckets know values only roughly, the extremes are known exactly. */
static int64_t clamp(const struct tool_histogram *histogram, int64_t value)
{
	if (value < histogram->min)
		return histogram->min;
	return value > histogram->max ? histogram->max : value;
}

int64_t tool_histogram_percentile(const struct tool_histogram *histogram, double percent)
{
	double wanted = (double)histogram->count * percent / 100.0;
	uint64_t seen = 0;
	size_t i;

	for (i = TOOL_HISTOGRAM_BUCKETS; i-- > 0;) {
		seen += histogram->below[i];
		if (histogram->below[i] != 0 && (double)seen >= wanted)
			return clamp(histogram, -middle_of(i));
	}
	for (i = 0; i < TOOL_HISTOGRAM_BUCKETS; i++) {
		seen += histogram->above[i];
		if (histogram->above[i] != 0 && (double)seen >= wanted)
			return clamp(histogram, middle_of(i));
	}
	return histogram->max;
}

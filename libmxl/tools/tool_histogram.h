/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Distribution of times, for percentiles over a run of any length in constant memory.
 */
#ifndef MXL_TOOL_HISTOGRAM_H
#define MXL_TOOL_HISTOGRAM_H

#include <stdint.h>

/* Values are kept to 7 binary digits: percentiles are right within 0.8 %. */
#define TOOL_HISTOGRAM_DIGITS 7
#define TOOL_HISTOGRAM_BUCKETS ((64 - TOOL_HISTOGRAM_DIGITS + 1) << TOOL_HISTOGRAM_DIGITS)

/**
 * struct tool_histogram - a distribution; all zero is the empty one
 * @count: values added
 * @min: smallest value, exact
 * @max: largest value, exact
 * @above: number of values from 0 on, by bucket
 * @below: number of negative values, by bucket of their magnitude
 */
struct tool_histogram {
	uint64_t count;
	int64_t min;
	int64_t max;
	uint64_t above[TOOL_HISTOGRAM_BUCKETS];
	uint64_t below[TOOL_HISTOGRAM_BUCKETS];
};

/**
 * tool_histogram_add() - add a value
 * @histogram: the distribution
 * @value: nanoseconds, negative for too early
 */
void tool_histogram_add(struct tool_histogram *histogram, int64_t value);

/**
 * tool_histogram_percentile() - the value that @percent of all values do not exceed
 * @histogram: the distribution, not empty
 * @percent: 0 to 100
 */
int64_t tool_histogram_percentile(const struct tool_histogram *histogram, double percent);

#endif /* MXL_TOOL_HISTOGRAM_H */

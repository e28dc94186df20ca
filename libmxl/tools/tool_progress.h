/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line on stderr that tells every second how far long work has come.
 */
#ifndef MXL_TOOL_PROGRESS_H
#define MXL_TOOL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * enum tool_progress_mode - whether to show progress
 * @TOOL_PROGRESS_AUTO: if stderr is a terminal
 * @TOOL_PROGRESS_ALWAYS: yes, as lines of their own if stderr is no terminal
 * @TOOL_PROGRESS_NEVER: no
 */
enum tool_progress_mode {
	TOOL_PROGRESS_AUTO,
	TOOL_PROGRESS_ALWAYS,
	TOOL_PROGRESS_NEVER,
};

/**
 * struct tool_progress - state of the line
 * @on: it is shown
 * @live: it is redrawn in place
 * @start: when work began, CLOCK_MONOTONIC ns
 * @last: when the line was shown last
 * @last_count: units at that time
 * @last_bytes: bytes at that time
 */
struct tool_progress {
	bool on;
	bool live;
	uint64_t start;
	uint64_t last;
	uint64_t last_count;
	uint64_t last_bytes;
};

/**
 * tool_progress_start() - begin to count time
 * @progress: state
 * @mode: whether to show anything
 */
void tool_progress_start(struct tool_progress *progress, enum tool_progress_mode mode);

/**
 * tool_progress_due() - whether a second has gone by since the line was shown
 * @progress: state
 */
bool tool_progress_due(const struct tool_progress *progress);

/**
 * tool_progress_show() - show the line
 * @progress: state
 * @count: grains or samples so far
 * @unit: what is counted, in the plural
 * @bytes: bytes so far
 * @total_bytes: bytes there will be, 0 when unknown
 * @detail: what else there is to say, NULL for nothing
 */
void tool_progress_show(struct tool_progress *progress, uint64_t count, const char *unit,
			uint64_t bytes, uint64_t total_bytes, const char *detail);

/** tool_progress_end() - leave the line in place and go on below it */
void tool_progress_end(struct tool_progress *progress);

/** tool_monotonic() - nanoseconds of CLOCK_MONOTONIC, for measuring durations */
uint64_t tool_monotonic(void);

#endif /* MXL_TOOL_PROGRESS_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mxl-write and mxl-read say at the end: how much, how well, how late, and the digest.
 */
#ifndef MXL_TOOL_REPORT_H
#define MXL_TOOL_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tool_digest.h"
#include "tool_histogram.h"

/**
 * enum tool_stats_mode - whether to print statistics
 * @TOOL_STATS_NONE: no
 * @TOOL_STATS_TEXT: as lines to read
 * @TOOL_STATS_JSON: as one JSON object in one line
 */
enum tool_stats_mode {
	TOOL_STATS_NONE,
	TOOL_STATS_TEXT,
	TOOL_STATS_JSON,
};

/**
 * struct tool_report - the figures of a run
 * @verb: "wrote" or "read"
 * @unit: what is counted, "grains" or "samples"
 * @flow: id
 * @count: units moved
 * @bytes: bytes moved
 * @first: index of the first unit, valid if @count is not 0
 * @last: index of the last unit, valid if @count is not 0
 * @elapsed: duration in ns
 * @late: units committed after their time (writing)
 * @skipped: indices left out because the input was late (writing), no media is missing
 * @lost: units that were overwritten before they were read, or never written (reading)
 * @invalid: grains the writer marked as invalid (reading)
 * @incomplete: grains whose writer went on before they were whole (reading)
 * @restarts: times the flow was made anew or its writer started lower (reading)
 * @dropped_bytes: end of the input that was no whole grain (writing)
 * @tai: distribution of the latency against TAI, ns
 * @commit: distribution of the time from commit to reader, ns (reading)
 */
struct tool_report {
	const char *verb;
	const char *unit;
	const char *flow;
	uint64_t count;
	uint64_t bytes;
	uint64_t first;
	uint64_t last;
	uint64_t elapsed;
	uint64_t late;
	uint64_t skipped;
	uint64_t lost;
	uint64_t invalid;
	uint64_t incomplete;
	uint64_t restarts;
	uint64_t dropped_bytes;
	struct tool_histogram tai;
	struct tool_histogram commit;
};

/**
 * tool_report_count() - count units that were moved
 * @report: figures
 * @first: index of the first of them
 * @units: how many
 * @bytes: how many bytes they have
 */
void tool_report_count(struct tool_report *report, uint64_t first, uint64_t units, uint64_t bytes);

/**
 * tool_report_summary() - say in one note on stderr what was done
 * @report: figures
 */
void tool_report_summary(const struct tool_report *report);

/**
 * tool_report_print() - print statistics and digest where the user asked for them
 * @report: figures
 * @mode: form of the statistics
 * @digest: NULL when none was asked for
 * @stream: where to; not where the media goes
 */
void tool_report_print(const struct tool_report *report, enum tool_stats_mode mode,
		       const struct tool_digest *digest, FILE *stream);

#endif /* MXL_TOOL_REPORT_H */

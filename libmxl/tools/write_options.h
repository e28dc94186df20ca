/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of mxl-write.
 */
#ifndef MXL_WRITE_OPTIONS_H
#define MXL_WRITE_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "tool_args.h"
#include "tool_flowdef.h"
#include "tool_shared_args.h"
#include "tool_spec.h"

/**
 * enum pace - what decides when a grain is committed
 * @PACE_TAI: its index
 * @PACE_READER: that the one before was read
 * @PACE_NONE: nothing, it is committed at once
 */
enum pace {
	PACE_TAI,
	PACE_READER,
	PACE_NONE,
};

/**
 * enum partial - what becomes of an end of the input that is no whole grain
 * @PARTIAL_DROP: it is left out
 * @PARTIAL_PAD: zeros complete it
 */
enum partial {
	PARTIAL_DROP,
	PARTIAL_PAD,
};

/**
 * struct write_options - the command line
 * @target: domain and id
 * @shared: file and reports
 * @input: file, NULL for standard input
 * @flow_def: file with a flow definition, or NULL
 * @spec: media format, if there is no @flow_def
 * @identity: label and group of the flow
 * @pace: when to commit
 * @has_start: @start was given
 * @start: index of the first grain, or of the first sample
 * @start_delay: ns between making the flow and writing
 * @linger: ns between the end of the input and releasing the flow
 * @max_lag: indices behind TAI that are caught up with; UINT64_MAX stands for the default
 * @slices: slices per commit, 0 for whole grains
 * @batch: samples per commit, 0 for the flow's hint
 * @sync_batch: slices or samples between two signals to readers, 0 for the default
 * @count: grains or samples to write, 0 for no limit
 * @loop: start over at the end of the file
 * @partial: what to do with an end that is no whole grain
 * @force: write although there is a writer
 */
struct write_options {
	struct tool_target target;
	struct tool_shared_options shared;
	const char *input;
	const char *flow_def;
	struct tool_spec spec;
	struct tool_identity identity;
	enum pace pace;
	bool has_start;
	uint64_t start;
	uint64_t start_delay;
	uint64_t linger;
	uint64_t max_lag;
	uint32_t slices;
	uint32_t batch;
	uint32_t sync_batch;
	uint64_t count;
	bool loop;
	enum partial partial;
	bool force;
};

/**
 * write_options_argp - parser of the command line; its input is a struct write_options that holds
 * the defaults
 */
extern const struct argp write_options_argp;

/**
 * write_options_conflict() - find options that do not go with a format or with each other
 * @options: the command line
 * @format: enum mxlDataFormat, from the command line or from the flow's definition
 *
 * Return: what is wrong, NULL if nothing is.
 */
const char *write_options_conflict(const struct write_options *options, int format);

#endif /* MXL_WRITE_OPTIONS_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of mxl-read.
 */
#ifndef MXL_READ_OPTIONS_H
#define MXL_READ_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "tool_args.h"
#include "tool_shared_args.h"

/**
 * enum read_from - where to begin
 * @FROM_OLDEST: with the oldest that the flow still keeps
 * @FROM_HEAD: with the newest grain, or the newest batch
 * @FROM_NEXT: with what is committed next
 * @FROM_INDEX: with an index
 */
enum read_from {
	FROM_OLDEST,
	FROM_HEAD,
	FROM_NEXT,
	FROM_INDEX,
};

/**
 * struct read_options - the command line
 * @target: domain and flow
 * @shared: file and reports
 * @output: file, NULL for standard output
 * @from: where to begin
 * @index: for FROM_INDEX
 * @count: grains or samples to read, 0 for no limit
 * @timeout: ns without data that end the run, UINT64_MAX for none
 * @wait: ns to wait for the flow to appear, 0 for not at all, UINT64_MAX for ever
 * @follow: when the flow ends, wait for it to come back
 * @until_end: the end of the flow is a success even before @count
 * @slices: slices per read, 0 for whole grains
 * @batch: samples per read, 0 for the flow's hint
 * @buffer: bytes between the flow and the output
 */
struct read_options {
	struct tool_target target;
	struct tool_shared_options shared;
	const char *output;
	enum read_from from;
	uint64_t index;
	uint64_t count;
	uint64_t timeout;
	uint64_t wait;
	bool follow;
	bool until_end;
	uint32_t slices;
	uint32_t batch;
	uint64_t buffer;
};

/**
 * read_options_argp - parser of the command line; its input is a struct read_options that holds
 * the defaults
 */
extern const struct argp read_options_argp;

/**
 * read_options_conflict() - find options that do not go with a format
 * @options: the command line
 * @format: enum mxlDataFormat of the flow
 *
 * Return: what is wrong, NULL if nothing is.
 */
const char *read_options_conflict(const struct read_options *options, int format);

#endif /* MXL_READ_OPTIONS_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of mxl-info.
 */
#ifndef MXL_INFO_OPTIONS_H
#define MXL_INFO_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "tool_args.h"

/**
 * struct info_options - the command line
 * @target: domain and flows
 * @list: list flows although some are named
 * @collect: collect garbage first
 * @json: print JSON
 * @watch: go on showing
 * @interval: ns between two views
 * @count: views to show, 0 for no limit
 */
struct info_options {
	struct tool_target target;
	bool list;
	bool collect;
	bool json;
	bool watch;
	uint64_t interval;
	uint64_t count;
};

/**
 * info_options_argp - parser of the command line; its input is a struct info_options that holds
 * the defaults
 */
extern const struct argp info_options_argp;

#endif /* MXL_INFO_OPTIONS_H */

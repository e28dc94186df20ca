/* SPDX-License-Identifier: Apache-2.0 */
#include "read_options.h"

#include <string.h>

#include <mxl/dataformat.h>

#define MEGABYTE (UINT64_C(1) << 20)
#define BUFFER_MAX (UINT64_C(64) << 10)

enum option_key {
	KEY_FROM = 0x100,
	KEY_TIMEOUT,
	KEY_WAIT,
	KEY_FOLLOW,
	KEY_UNTIL_END,
	KEY_SLICES,
	KEY_BATCH,
	KEY_BUFFER,
};

static const struct argp_option option_list[] = {
	{ NULL, 0, NULL, 0, "What to read:", 2 },
	{ "from", KEY_FROM, "WHERE", 0,
	  "Begin with the oldest grain there is (default), the head, the next one after the head, "
	  "or an INDEX",
	  2 },
	{ "count", 'n', "N", 0, "End after N grains, or N samples of audio", 2 },
	{ "slices", KEY_SLICES, "N", 0, "Take N slices at a time as they arrive", 2 },
	{ "batch", KEY_BATCH, "N", 0, "Take N samples at a time (default 10 ms)", 2 },
	{ NULL, 0, NULL, 0, "Beginning and end:", 3 },
	{ "wait", KEY_WAIT, "SECONDS", OPTION_ARG_OPTIONAL,
	  "Wait for the flow to appear, for ever without SECONDS", 3 },
	{ "timeout", KEY_TIMEOUT, "SECONDS", 0, "Fail when nothing comes for so long", 3 },
	{ "follow", KEY_FOLLOW, NULL, 0, "When the flow ends, wait for it to come back", 3 },
	{ "until-end", KEY_UNTIL_END, NULL, 0,
	  "The end of the flow is a success even if --count is not reached", 3 },
	{ "buffer", KEY_BUFFER, "MIB", 0,
	  "Memory between the flow and an output that stalls (default 64)", 1 },
	{ 0 },
};

static void parse_from(struct argp_state *state, const char *text)
{
	struct read_options *options = state->input;

	if (strcmp(text, "oldest") == 0) {
		options->from = FROM_OLDEST;
	} else if (strcmp(text, "head") == 0) {
		options->from = FROM_HEAD;
	} else if (strcmp(text, "next") == 0) {
		options->from = FROM_NEXT;
	} else if (tool_parse_number(text, 0, INT64_MAX, &options->index) == 0) {
		options->from = FROM_INDEX;
	} else {
		argp_error(state, "--from is oldest, head, next or an index, not '%s'", text);
	}
}

static error_t parse_argument(char *value, struct argp_state *state)
{
	struct read_options *options = state->input;

	if (tool_target_is_address(value))
		tool_target_add_address(&options->target, state, value);
	else if (options->output)
		argp_error(state, "two outputs are named, %s and %s; name one", options->output,
			   value);
	else
		options->output = value;
	return 0;
}

static void check(struct argp_state *state, const struct read_options *options)
{
	if (!options->target.domain)
		argp_error(state, "which domain? Name its directory with -d DIR, or give an "
				  "address such as mxl:///dev/shm/domain?id=FLOW");
	if (options->target.count == 0)
		argp_error(state,
			   "which flow? Name its id with -f ID; mxl-info shows what there is");
	if (options->target.count > 1)
		argp_error(state, "one flow can be read at a time, %zu are named",
			   options->target.count);
}

static error_t parse_key(int key, struct argp_state *state)
{
	struct read_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->target;
		state->child_inputs[1] = &options->shared;
		return 0;
	case ARGP_KEY_END:
		check(state, options);
		return 0;
	case KEY_FOLLOW:
		options->follow = true;
		return 0;
	case KEY_UNTIL_END:
		options->until_end = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct read_options *options = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		return parse_argument(value, state);
	case KEY_FROM:
		parse_from(state, value);
		return 0;
	case 'n':
		options->count = tool_arg_number(state, "--count", value, 1, INT64_MAX);
		return 0;
	case KEY_TIMEOUT:
		options->timeout = tool_arg_seconds(state, "--timeout", value);
		return 0;
	case KEY_WAIT:
		options->wait = value ? tool_arg_seconds(state, "--wait", value) : UINT64_MAX;
		return 0;
	case KEY_SLICES:
		options->slices =
			(uint32_t)tool_arg_number(state, "--slices", value, 1, UINT16_MAX);
		return 0;
	case KEY_BATCH:
		options->batch = (uint32_t)tool_arg_number(state, "--batch", value, 1, INT32_MAX);
		return 0;
	case KEY_BUFFER:
		options->buffer =
			MEGABYTE * tool_arg_number(state, "--buffer", value, 1, BUFFER_MAX);
		return 0;
	default:
		return parse_key(key, state);
	}
}

static const struct argp_child children[] = {
	{ &tool_target_argp, 0, "Where:", 1 },
	{ &tool_shared_argp, 0, NULL, 6 },
	{ 0 },
};

const struct argp read_options_argp = {
	.options = option_list,
	.parser = parse_option,
	.args_doc = "[ADDRESS] [FILE]",
	.doc = "Read raw media from a flow of an MXL domain into FILE, or to standard output."
	       "\v"
	       "The flow is named with -d and -f or with an address, mxl:///domain/path?id=FLOW. "
	       "Without --count, reading goes on until the flow ends.\n\n"
	       "Example: mxl-read mxl:///dev/shm/mxl?id=5fbec3b1-1b0f-417d-9059-8b94a47197ed | "
	       "ffplay -f v210 -video_size 1920x1080 -\n\n"
	       "Exit codes: 0 done, 1 failure, 2 wrong usage, 3 media is missing (--strict), "
	       "130 or 143 ended by Ctrl-C or SIGTERM, 141 the reader of the pipe has gone.",
	.children = children,
};

const char *read_options_conflict(const struct read_options *options, int format)
{
	if (format != MXL_DATA_FORMAT_AUDIO && options->batch != 0)
		return "--batch is for audio; grains are taken in parts with --slices";
	if (format == MXL_DATA_FORMAT_AUDIO && options->slices != 0)
		return "--slices is for video and data; samples are taken with --batch";
	if (options->slices != 0 && options->shared.anc == TOOL_ANC_PACKED)
		return "--anc=packed needs whole grains; leave --slices out";
	return tool_shared_conflict(&options->shared, format);
}

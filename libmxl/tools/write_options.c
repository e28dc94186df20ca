/* SPDX-License-Identifier: Apache-2.0 */
#include "write_options.h"

#include <string.h>

#include "tool_text.h"

enum option_key {
	KEY_FLOW_DEF = 0x100,
	KEY_VIDEO,
	KEY_AUDIO,
	KEY_DATA,
	KEY_LABEL,
	KEY_GROUP,
	KEY_PACE,
	KEY_START_INDEX,
	KEY_START_DELAY,
	KEY_LINGER,
	KEY_MAX_LAG,
	KEY_SLICES,
	KEY_BATCH,
	KEY_SYNC_BATCH,
	KEY_LOOP,
	KEY_PARTIAL,
	KEY_FORCE,
};

static const struct argp_option option_list[] = {
	{ NULL, 0, NULL, 0, "Format of the flow, one of:", 2 },
	{ "video", KEY_VIDEO, "WxH@RATE", 0,
	  "1920x1080@30000/1001, with p, i, tff or bff behind it, then :v210 (default) or :v210a",
	  2 },
	{ "audio", KEY_AUDIO, "RATExCHANNELS", 0, "48000x2, then :float32 (default) or :float64",
	  2 },
	{ "data", KEY_DATA, "RATE", 0, "SMPTE 291 ancillary data, RATE grains per second", 2 },
	{ "flow-def", KEY_FLOW_DEF, "FILE", 0, "Flow definition (NMOS IS-04 flow, JSON)", 2 },
	{ NULL, 0, NULL, 0, "Description of the flow:", 3 },
	{ "label", KEY_LABEL, "TEXT", 0, "Label", 3 },
	{ "group", KEY_GROUP, "NAME:ROLE", 0, "Group hint", 3 },
	{ NULL, 0, NULL, 0, "How much:", 4 },
	{ "loop", KEY_LOOP, NULL, 0, "Start over at the end of the file", 4 },
	{ "count", 'n', "N", 0, "End after N grains, or N samples of audio", 4 },
	{ "partial", KEY_PARTIAL, "WHAT", 0,
	  "An end that is no whole grain: drop (default, exit code 3) or pad with zeros", 4 },
	{ NULL, 0, NULL, 0, "When:", 5 },
	{ "pace", KEY_PACE, "WHAT", 0,
	  "tai (default): each grain at its time; reader: as fast as one reader follows; "
	  "none: as fast as possible, readers may miss grains",
	  5 },
	{ "start-index", KEY_START_INDEX, "N", 0,
	  "Index of the first grain or sample; keeps the rate, not the time of day", 5 },
	{ "start-delay", KEY_START_DELAY, "SECONDS", 0, "Make the flow, wait, then begin to write",
	  5 },
	{ "linger", KEY_LINGER, "SECONDS", OPTION_ARG_OPTIONAL,
	  "Keep the flow after the end of the input, for ever without SECONDS", 5 },
	{ "max-lag", KEY_MAX_LAG, "N", 0,
	  "Catch up when up to N indices late, beyond that skip to now (default: half of what "
	  "the flow keeps)",
	  5 },
	{ "slices", KEY_SLICES, "N", 0, "Commit every N slices, spread over the grain's time", 5 },
	{ "batch", KEY_BATCH, "N", 0, "Commit every N samples (default 10 ms)", 5 },
	{ "sync-batch", KEY_SYNC_BATCH, "N", 0,
	  "Wake readers every N slices or samples; a multiple of --slices or --batch", 5 },
	{ "force", KEY_FORCE, NULL, 0, "Write although the flow has a writer, or stand by for it",
	  5 },
	{ 0 },
};

static void check_spec(struct argp_state *state, const char *option, const char *text,
		       int (*parse)(const char *, struct tool_spec *, const char **))
{
	struct write_options *options = state->input;
	const char *reason = "";

	if (options->spec.format != MXL_DATA_FORMAT_UNSPECIFIED)
		argp_error(state, "the format of the flow is given twice");
	else if (parse(text, &options->spec, &reason) < 0)
		argp_error(state, "%s '%s': %s", option, text, reason);
}

static void parse_pace(struct argp_state *state, const char *text)
{
	struct write_options *options = state->input;

	if (strcmp(text, "tai") == 0)
		options->pace = PACE_TAI;
	else if (strcmp(text, "reader") == 0)
		options->pace = PACE_READER;
	else if (strcmp(text, "none") == 0)
		options->pace = PACE_NONE;
	else
		argp_error(state, "--pace is tai, reader or none, not '%s'", text);
}

static void parse_partial(struct argp_state *state, const char *text)
{
	struct write_options *options = state->input;

	if (strcmp(text, "drop") == 0)
		options->partial = PARTIAL_DROP;
	else if (strcmp(text, "pad") == 0)
		options->partial = PARTIAL_PAD;
	else
		argp_error(state, "--partial is drop or pad, not '%s'", text);
}

static void parse_group(struct argp_state *state, const char *text)
{
	struct write_options *options = state->input;
	const char *colon = strchr(text, ':');

	if (!colon || colon == text || colon[1] == '\0' || colon[1] == ':')
		argp_error(state, "--group is NAME:ROLE, such as \"Studio 1:Video\", not '%s'",
			   text);
	if (!tool_text_is_utf8(text))
		argp_error(state, "the group hint of a flow must be UTF-8");
	options->identity.group = text;
}

static error_t parse_format_option(int key, char *value, struct argp_state *state)
{
	struct write_options *options = state->input;

	switch (key) {
	case KEY_VIDEO:
		check_spec(state, "--video", value, tool_spec_video);
		return 0;
	case KEY_AUDIO:
		check_spec(state, "--audio", value, tool_spec_audio);
		return 0;
	case KEY_DATA:
		check_spec(state, "--data", value, tool_spec_data);
		return 0;
	case KEY_FLOW_DEF:
		options->flow_def = value;
		return 0;
	case KEY_LABEL:
		if (value[0] == '\0' || !tool_text_is_utf8(value))
			argp_error(state, "the label of a flow must be UTF-8 and not empty");
		options->identity.label = value;
		return 0;
	case KEY_GROUP:
		parse_group(state, value);
		return 0;
	case KEY_PARTIAL:
		parse_partial(state, value);
		return 0;
	case KEY_LOOP:
		options->loop = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_time_option(int key, char *value, struct argp_state *state)
{
	struct write_options *options = state->input;

	switch (key) {
	case KEY_PACE:
		parse_pace(state, value);
		return 0;
	case KEY_START_INDEX:
		options->start = tool_arg_number(state, "--start-index", value, 1, INT64_MAX / 2);
		options->has_start = true;
		return 0;
	case KEY_START_DELAY:
		options->start_delay = tool_arg_seconds(state, "--start-delay", value);
		return 0;
	case KEY_LINGER:
		options->linger = value ? tool_arg_seconds(state, "--linger", value) : UINT64_MAX;
		return 0;
	case KEY_MAX_LAG:
		options->max_lag = tool_arg_number(state, "--max-lag", value, 0, INT64_MAX);
		return 0;
	case KEY_SLICES:
		options->slices =
			(uint32_t)tool_arg_number(state, "--slices", value, 1, UINT16_MAX);
		return 0;
	case KEY_BATCH:
		options->batch = (uint32_t)tool_arg_number(state, "--batch", value, 1, INT32_MAX);
		return 0;
	case KEY_SYNC_BATCH:
		options->sync_batch =
			(uint32_t)tool_arg_number(state, "--sync-batch", value, 1, INT32_MAX);
		return 0;
	case KEY_FORCE:
		options->force = true;
		return 0;
	case 'n':
		options->count = tool_arg_number(state, "--count", value, 1, INT64_MAX);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void check_format(struct argp_state *state, const struct write_options *options)
{
	bool has_spec = options->spec.format != MXL_DATA_FORMAT_UNSPECIFIED;

	if (has_spec && options->flow_def)
		argp_error(state, "--flow-def already gives the format; leave --video, --audio or "
				  "--data out");
	if (!has_spec && !options->flow_def)
		argp_error(state, "what is written? Give --video 1920x1080@30000/1001, "
				  "--audio 48000x2, --data 30000/1001 or --flow-def FILE");
	if (options->target.count > 1)
		argp_error(state, "one flow can be written at a time, %zu ids are given",
			   options->target.count);
	if (!options->target.domain)
		argp_error(state, "which domain? Name its directory with -d DIR, or give an "
				  "address such as mxl:///dev/shm/domain");
}

const char *write_options_conflict(const struct write_options *options, int format)
{
	uint32_t unit = format == MXL_DATA_FORMAT_AUDIO ? options->batch : options->slices;

	if (format != MXL_DATA_FORMAT_AUDIO && options->batch != 0)
		return "--batch is for audio; grains are committed with --slices";
	if (format == MXL_DATA_FORMAT_AUDIO && options->slices != 0)
		return "--slices is for video and data; samples are committed with --batch";
	if (format == MXL_DATA_FORMAT_AUDIO && options->pace == PACE_READER)
		return "--pace=reader is not for audio: readers of audio leave no trace of reading";
	if (options->pace == PACE_READER && options->slices != 0)
		return "--pace=reader commits whole grains; leave --slices out";
	if (options->sync_batch != 0 && unit != 0 && options->sync_batch % unit != 0)
		return "--sync-batch must be a multiple of --batch or --slices";
	return tool_shared_conflict(&options->shared, format);
}

static error_t parse_argument(char *value, struct argp_state *state)
{
	struct write_options *options = state->input;

	if (tool_target_is_address(value))
		tool_target_add_address(&options->target, state, value);
	else if (options->input)
		argp_error(state, "two inputs are named, %s and %s; name one", options->input,
			   value);
	else
		options->input = value;
	return 0;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct write_options *options = state->input;
	error_t result;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->target;
		state->child_inputs[1] = &options->shared;
		return 0;
	case ARGP_KEY_ARG:
		return parse_argument(value, state);
	case ARGP_KEY_END:
		check_format(state, options);
		return 0;
	default:
		break;
	}
	result = parse_format_option(key, value, state);
	if (result == ARGP_ERR_UNKNOWN)
		result = parse_time_option(key, value, state);
	return result;
}

static const struct argp_child children[] = {
	{ &tool_target_argp, 0, "Where:", 1 },
	{ &tool_shared_argp, 0, NULL, 6 },
	{ 0 },
};

const struct argp write_options_argp = {
	.options = option_list,
	.parser = parse_option,
	.args_doc = "[ADDRESS] [FILE]",
	.doc = "Write raw media from FILE, or from standard input, into a flow of an MXL domain."
	       "\v"
	       "The domain is named with -d or with an address, mxl:///domain/path[?id=FLOW]. "
	       "Without an id the flow gets a random one, which is shown.\n\n"
	       "Example: ffmpeg -i clip.mov -f rawvideo -c:v v210 - | mxl-write -d /dev/shm/mxl "
	       "--video 1920x1080@25\n\n"
	       "Exit codes: 0 done, 1 failure, 2 wrong usage, 3 media is missing from the flow, "
	       "130 or 143 ended by Ctrl-C or SIGTERM.",
	.children = children,
};

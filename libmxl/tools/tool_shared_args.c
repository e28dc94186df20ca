/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_shared_args.h"

#include <errno.h>
#include <string.h>

#include <mxl/dataformat.h>

#include "tool_msg.h"

enum shared_key {
	KEY_LAYOUT = 0x200,
	KEY_ANC,
	KEY_DIGEST,
	KEY_DIGEST_LIST,
	KEY_STATS,
	KEY_PROGRESS,
	KEY_STRICT,
};

static const struct argp_option option_list[] = {
	{ NULL, 0, NULL, 0, "The file:", 1 },
	{ "layout", KEY_LAYOUT, "LAYOUT", 0,
	  "Audio is interleaved (default, ffmpeg's f32le) or planar (blocks of --batch samples)",
	  1 },
	{ "anc", KEY_ANC, "FORM", 0,
	  "Ancillary data is grains (4096 bytes each, default) or packed (RFC 8331 payloads from "
	  "their Length field on)",
	  1 },
	{ NULL, 0, NULL, 0, "Reports:", 2 },
	{ "digest", KEY_DIGEST, NULL, 0, "Print a digest of the media (XXH3, 128 bits)", 2 },
	{ "digest-list", KEY_DIGEST_LIST, "FILE", 0,
	  "Write index, size and digest of each grain or batch", 2 },
	{ "stats", KEY_STATS, "json", OPTION_ARG_OPTIONAL, "Print statistics at the end", 2 },
	{ "progress", KEY_PROGRESS, NULL, 0, "Show progress even if standard error is no terminal",
	  2 },
	{ "quiet", 'q', NULL, 0, "Show errors only", 2 },
	{ "strict", KEY_STRICT, NULL, 0, "Exit with 3 if anything was skipped or lost", 2 },
	{ 0 },
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct tool_shared_options *options = state->input;

	switch (key) {
	case KEY_LAYOUT:
		if (tool_layout_parse(value, &options->layout) < 0)
			argp_error(state, "--layout is interleaved or planar, not '%s'", value);
		return 0;
	case KEY_ANC:
		if (tool_anc_parse(value, &options->anc) < 0)
			argp_error(state, "--anc is grains or packed, not '%s'", value);
		return 0;
	case KEY_DIGEST:
		options->digest = true;
		return 0;
	case KEY_DIGEST_LIST:
		options->digest_list = value;
		return 0;
	case KEY_STATS:
		if (value && strcmp(value, "json") != 0)
			argp_error(state, "--stats stands alone or is --stats=json, not '%s'",
				   value);
		options->stats = value ? TOOL_STATS_JSON : TOOL_STATS_TEXT;
		return 0;
	case KEY_PROGRESS:
		options->progress = TOOL_PROGRESS_ALWAYS;
		return 0;
	case 'q':
		options->progress = TOOL_PROGRESS_NEVER;
		tool_be_quiet();
		return 0;
	case KEY_STRICT:
		options->strict = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp tool_shared_argp = { .options = option_list, .parser = parse_option };

const char *tool_shared_conflict(const struct tool_shared_options *options, int format)
{
	if (format != MXL_DATA_FORMAT_DATA && options->anc != TOOL_ANC_GRAINS)
		return "--anc is for ancillary data";
	if (format != MXL_DATA_FORMAT_AUDIO && options->layout != TOOL_INTERLEAVED)
		return "--layout is for audio";
	return NULL;
}

int tool_shared_open_digest(const struct tool_shared_options *options,
			    struct tool_digest **ret_digest)
{
	FILE *list = NULL;

	if (!options->digest && !options->digest_list)
		return 0;
	if (options->digest_list) {
		list = fopen(options->digest_list, "we");
		if (!list) {
			int error = errno;

			tool_error("cannot write %s: %s", options->digest_list, strerror(error));
			return -error;
		}
	}
	*ret_digest = tool_digest_new(list);
	if (*ret_digest)
		return 0;
	if (list)
		fclose(list);
	tool_error("there is no memory for a digest");
	return -ENOMEM;
}

int tool_shared_report(const struct tool_shared_options *options, const struct tool_report *report,
		       struct tool_digest *digest, FILE *stream)
{
	int result;

	if (report->unit) {
		tool_report_summary(report);
		tool_report_print(report, options->stats, options->digest ? digest : NULL, stream);
	}
	result = tool_digest_free(digest);
	if (result < 0)
		tool_error("cannot write all of %s: %s", options->digest_list, strerror(-result));
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "info_options.h"

#define INTERVAL_MIN (TOOL_NSEC_PER_SEC / 50)

static const struct argp_option option_list[] = {
	{ NULL, 0, NULL, 0, "What to show:", 2 },
	{ "list", 'l', NULL, 0, "List the flows of the domain (default if no flow is named)", 2 },
	{ "watch", 'w', "SECONDS", OPTION_ARG_OPTIONAL,
	  "Go on showing, every second or every SECONDS", 2 },
	{ "count", 'n', "N", 0, "End --watch after N views", 2 },
	{ "json", 'j', NULL, 0, "Print JSON, with --watch one object a line", 2 },
	{ NULL, 0, NULL, 0, "What to do:", 3 },
	{ "garbage-collect", 'g', NULL, 0, "Delete flows that no process writes any more", 3 },
	{ 0 },
};

static void check(struct argp_state *state, const struct info_options *options)
{
	if (!options->target.domain)
		argp_error(state, "which domain? Name its directory with -d DIR, or give an "
				  "address such as mxl:///dev/shm/domain");
	if (options->count != 0 && !options->watch)
		argp_error(state, "--count goes with --watch");
	if (options->collect && options->watch)
		argp_error(state, "--garbage-collect is done once; it does not go with --watch");
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct info_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->target;
		return 0;
	case ARGP_KEY_ARG:
		tool_target_add_address(&options->target, state, value);
		return 0;
	case ARGP_KEY_END:
		check(state, options);
		return 0;
	case 'l':
		options->list = true;
		return 0;
	case 'g':
		options->collect = true;
		return 0;
	case 'j':
		options->json = true;
		return 0;
	case 'w':
		options->watch = true;
		if (value)
			options->interval = tool_arg_seconds(state, "--watch", value);
		if (options->interval < INTERVAL_MIN)
			argp_error(state, "--watch wants at least 0.02 seconds, not %s", value);
		return 0;
	case 'n':
		options->count = tool_arg_number(state, "--count", value, 1, INT64_MAX);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &tool_target_argp, 0, "Where:", 1 }, { 0 } };

const struct argp info_options_argp = {
	.options = option_list,
	.parser = parse_option,
	.args_doc = "[ADDRESS]",
	.doc = "Show the flows of an MXL domain: what they carry, who writes them, how late they "
	       "are."
	       "\v"
	       "The domain and flows of it are named with -d and -f (more than once for several "
	       "flows) or with an address, mxl:///domain/path[?id=FLOW[&id=FLOW...]].\n\n"
	       "Exit codes: 0 done, 1 failure, 2 wrong usage, 141 the reader of the pipe has gone.",
	.children = children,
};

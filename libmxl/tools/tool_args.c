/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_args.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <uuid/uuid.h>

#include <mxl/mxl.h>

#include "tool_address.h"
#include "tool_io.h"
#include "tool_msg.h"

#define SECONDS_MAX (UINT64_C(366) * 24 * 3600)

int tool_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value)
{
	unsigned long long value;
	char *end;

	/* strtoull() would take a sign and blanks */
	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (*end != '\0')
		return -EINVAL;
	if (errno == ERANGE || value < min || value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

int tool_parse_seconds(const char *text, uint64_t *ret_ns)
{
	const char *dot = strchr(text, '.');
	uint64_t unit = TOOL_NSEC_PER_SEC / 10;
	uint64_t seconds = 0;
	uint64_t ns = 0;
	char whole[24];
	size_t length = dot ? (size_t)(dot - text) : strlen(text);
	int result;

	if (length >= sizeof(whole))
		return -EINVAL;
	memcpy(whole, text, length);
	whole[length] = '\0';
	result = tool_parse_number(whole, 0, SECONDS_MAX, &seconds);
	if (result < 0)
		return result;
	if (dot && dot[1] == '\0')
		return -EINVAL;
	for (dot = dot ? dot + 1 : ""; *dot != '\0'; dot++, unit /= 10) {
		if (!isdigit((unsigned char)*dot))
			return -EINVAL;
		ns += (uint64_t)(*dot - '0') * unit;
	}
	*ret_ns = seconds * TOOL_NSEC_PER_SEC + ns;
	return 0;
}

uint64_t tool_arg_number(struct argp_state *state, const char *option, const char *text,
			 uint64_t min, uint64_t max)
{
	uint64_t value = min;
	int result = tool_parse_number(text, min, max, &value);

	if (result == -EINVAL)
		argp_error(state, "%s wants a whole number, not '%s'", option, text);
	else if (result < 0 && max == UINT64_MAX)
		argp_error(state, "%s wants a number from %" PRIu64 " on, not %s", option, min,
			   text);
	else if (result < 0)
		argp_error(state, "%s wants a number from %" PRIu64 " to %" PRIu64 ", not %s",
			   option, min, max, text);
	return value;
}

uint64_t tool_arg_seconds(struct argp_state *state, const char *option, const char *text)
{
	uint64_t ns = 0;
	int result = tool_parse_seconds(text, &ns);

	if (result == -ERANGE)
		argp_error(state, "%s wants less than a year, not '%s'", option, text);
	else if (result < 0)
		argp_error(state, "%s wants seconds such as 2 or 0.5, not '%s'", option, text);
	return ns;
}

bool tool_is_uuid(const char *text, char *ret_canonical)
{
	size_t length = strlen(text);
	char bare[37];
	uuid_t id;

	if (length == 38 && text[0] == '{' && text[37] == '}')
		text++;
	else if (length != 36)
		return false;
	memcpy(bare, text, 36);
	bare[36] = '\0';
	if (uuid_parse(bare, id) != 0)
		return false;
	if (ret_canonical)
		uuid_unparse_lower(id, ret_canonical);
	return true;
}

int tool_target_add_id(struct tool_target *target, const char *text)
{
	char canonical[37];
	char(*grown)[37];
	size_t i;

	if (!tool_is_uuid(text, canonical))
		return -EINVAL;
	for (i = 0; i < target->count; i++) {
		if (strcmp(target->ids[i], canonical) == 0)
			return 0;
	}
	grown = reallocarray(target->ids, target->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	target->ids = grown;
	memcpy(target->ids[target->count++], canonical, sizeof(canonical));
	return 0;
}

static void set_domain(struct tool_target *target, struct argp_state *state, const char *domain)
{
	if (domain[0] == '\0') {
		argp_error(state, "the domain is empty; name a directory");
		return;
	}
	if (target->domain && strcmp(target->domain, domain) != 0) {
		argp_error(state, "two domains are named, %s and %s; name one", target->domain,
			   domain);
		return;
	}
	free(target->domain);
	target->domain = strdup(domain);
	if (!target->domain)
		argp_failure(state, TOOL_FAILURE, ENOMEM, "cannot go on");
}

static void add_id(struct tool_target *target, struct argp_state *state, const char *id)
{
	int result = tool_target_add_id(target, id);

	if (result == -EINVAL)
		argp_error(state,
			   "'%s' is no flow id; it looks like "
			   "5fbec3b1-1b0f-417d-9059-8b94a47197ed",
			   id);
	else if (result < 0)
		argp_failure(state, TOOL_FAILURE, -result, "cannot go on");
}

bool tool_target_is_address(const char *text)
{
	return strncasecmp(text, "mxl:", 4) == 0;
}

void tool_target_add_address(struct tool_target *target, struct argp_state *state, const char *text)
{
	struct tool_address address;
	const char *reason = "";
	size_t i;

	if (tool_address_parse(text, &address, &reason) < 0) {
		argp_error(state, "'%s' is no address: %s", text, reason);
		return;
	}
	if (address.host) {
		argp_error(state,
			   "flows on another host (%s) cannot be reached from here; "
			   "leave the host out: mxl:///domain/path?id=...",
			   address.host);
	} else {
		set_domain(target, state, address.domain);
		for (i = 0; i < address.count; i++)
			add_id(target, state, address.ids[i]);
	}
	tool_address_free(&address);
}

void tool_target_free(struct tool_target *target)
{
	free(target->domain);
	free(target->ids);
	*target = (struct tool_target){ 0 };
}

static error_t parse_target(int key, char *value, struct argp_state *state)
{
	struct tool_target *target = state->input;

	switch (key) {
	case 'd':
		set_domain(target, state, value);
		return 0;
	case 'f':
		add_id(target, state, value);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option target_options[] = {
	{ "domain", 'd', "DIR", 0, "Directory of the MXL domain", 0 },
	{ "flow", 'f', "ID", 0, "Id of the flow", 0 },
	{ "id", 0, NULL, OPTION_ALIAS, NULL, 0 },
	{ 0 },
};

const struct argp tool_target_argp = { .options = target_options, .parser = parse_target };

static void print_version(FILE *stream, struct argp_state *state)
{
	mxlVersionType version = { 0 };

	(void)state;
	mxlGetVersion(&version);
	fprintf(stream, "%s (libmxl %s)\n", program_invocation_short_name,
		version.full ? version.full : "of unknown version");
}

void tool_parse_args(const struct argp *argp, int argc, char **argv, void *input)
{
	tool_fill_standard_streams();
	argp_err_exit_status = TOOL_USAGE;
	argp_program_version_hook = print_version;
	/* also what comes out when a tool was called through a path */
	if (argc > 0 && argv[0])
		argv[0] = program_invocation_short_name;
	if (argp_parse(argp, argc, argv, 0, NULL, input) != 0)
		exit(TOOL_USAGE);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "info_print.h"
#include "info_state.h"
#include "tool_address.h"
#include "tool_text.h"

#define NAME_COLUMNS 19

bool info_use_color(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) == 1 && (!no_color || no_color[0] == '\0') && terminal &&
	       strcmp(terminal, "dumb") != 0;
}

static void field(const char *name, const char *value)
{
	printf("  %-*s", NAME_COLUMNS, name);
	tool_text_print(stdout, value);
	putchar('\n');
}

static void number(const char *name, uint64_t value)
{
	printf("  %-*s%" PRIu64 "\n", NAME_COLUMNS, name, value);
}

static const char *member(const struct tool_flowdef *definition, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(definition->json, name);

	if (!item)
		return "(missing)";
	return cJSON_IsString(item) ? item->valuestring : "(not a string)";
}

void info_text_domain(const struct info_domain *domain)
{
	struct tool_flowdef definition;

	fputs("Domain ", stdout);
	tool_text_print(stdout, domain->path);
	printf("%s\n", domain->tmpfs ? "" : " (not on a tmpfs: slower, and wears out disks)");
	if (domain->definition_problem) {
		field("domain_def.json", domain->definition_problem);
	} else if (domain->definition) {
		tool_flowdef_parse(domain->definition, &definition);
		field("id", member(&definition, "id"));
		field("label", member(&definition, "label"));
		field("description", member(&definition, "description"));
		tool_flowdef_free(&definition);
	}
	putchar('\n');
}

static int compare_flows(const void *left, const void *right)
{
	const struct info_flow *a = left, *b = right;
	bool a_broken = !a->flowdef.json, b_broken = !b->flowdef.json;
	int order;

	if (a_broken != b_broken)
		return a_broken ? 1 : -1;
	order = strcmp(a->flowdef.group ? a->flowdef.group : "",
		       b->flowdef.group ? b->flowdef.group : "");
	if (order == 0)
		order = strcmp(a->flowdef.role ? a->flowdef.role : "",
			       b->flowdef.role ? b->flowdef.role : "");
	return order != 0 ? order : strcmp(a->id, b->id);
}

static bool same_group(const struct info_flow *a, const struct info_flow *b)
{
	if ((!a->flowdef.json) != (!b->flowdef.json))
		return false;
	return a->flowdef.group && b->flowdef.group &&
	       strcmp(a->flowdef.group, b->flowdef.group) == 0;
}

static void print_address(const char *domain, const struct info_flow *flows, size_t count)
{
	char *address = tool_address_format(domain);
	size_t i;

	if (address)
		fputs(address, stdout);
	for (i = 0; i < count; i++)
		printf("%sid=%s", i == 0 ? "?" : "&", flows[i].id);
	free(address);
}

static const char *find_fault(const struct info_flow *flow)
{
	if (flow->problem)
		return flow->problem;
	if (!flow->flowdef.group || flow->flowdef.group[0] == '\0')
		return "no group hint";
	if (!flow->flowdef.role || flow->flowdef.role[0] == '\0')
		return "no role in the group";
	return flow->role_conflict ? "role taken twice in the group" : NULL;
}

static void print_padded(const char *text, size_t columns)
{
	char *safe = tool_text_escape(text);
	size_t used = safe ? tool_text_columns(safe) : 0;

	printf("%s%*s", safe ? safe : "", used < columns ? (int)(columns - used) : 0, "");
	free(safe);
}

static void print_line(const struct info_flow *flow, bool color)
{
	const char *fault = find_fault(flow);
	char format[64];

	info_flow_format(flow, format, sizeof(format));
	if (fault && color)
		fputs("\033[31m", stdout);
	fputs("  ", stdout);
	print_padded(flow->flowdef.role && flow->flowdef.role[0] != '\0' ? flow->flowdef.role : "-",
		     12);
	printf("  %s  %-24s  %-9s  ", flow->id, format, flow->active ? "active" : "no writer");
	tool_text_print(stdout, flow->flowdef.label);
	if (fault)
		printf("  [%s]", fault);
	printf("%s\n", fault && color ? "\033[0m" : "");
}

void info_text_list(const struct info_domain *domain, struct info_flow *flows, size_t count)
{
	bool color = info_use_color();
	size_t first, end, i;

	if (count == 0)
		printf("No flows.\n");
	else
		qsort(flows, count, sizeof(*flows), compare_flows);
	for (first = 0; first < count; first = end) {
		for (end = first + 1; end < count && same_group(&flows[first], &flows[end]); end++)
			;
		if (!flows[first].flowdef.json)
			fputs("(broken)", stdout);
		else if (!flows[first].flowdef.group || flows[first].flowdef.group[0] == '\0')
			fputs("(no group)", stdout);
		else
			tool_text_print(stdout, flows[first].flowdef.group);
		fputs("  ", stdout);
		print_address(domain->path, flows + first, end - first);
		putchar('\n');
		for (i = first; i < end; i++)
			print_line(&flows[i], color);
		putchar('\n');
	}
}

static void print_format(const struct info_flow *flow)
{
	static const char *const names[] = { "unspecified", "video", "audio", "data" };
	uint32_t format = flow->info.config.common.format;
	const mxlRational *rate = &flow->info.config.common.grainRate;
	char words[64], text[128];

	info_flow_format(flow, words, sizeof(words));
	snprintf(text, sizeof(text), "%s, %s",
		 format < sizeof(names) / sizeof(names[0]) ? names[format] : "unknown", words);
	field("Format", text);
	snprintf(text, sizeof(text), "%" PRId64 "/%" PRId64, rate->numerator, rate->denominator);
	field(info_flow_is_audio(flow) ? "Sample rate" : "Grain rate", text);
}

static void print_geometry(const struct info_flow *flow)
{
	const mxlFlowConfigInfo *config = &flow->info.config;
	const uint32_t *slices = config->discrete.sliceSizes;
	char text[96];

	if (info_flow_is_audio(flow)) {
		number("Channels", config->continuous.channelCount);
		number("Buffer length", config->continuous.bufferLength);
	} else {
		number("Grain count", config->discrete.grainCount);
		snprintf(text, sizeof(text), "%" PRIu32 " + %" PRIu32 " bytes", slices[0],
			 slices[1]);
		if (slices[1] == 0)
			snprintf(text, sizeof(text), "%" PRIu32 " bytes", slices[0]);
		field("Slice", text);
	}
	number("Commit batch size", config->common.maxCommitBatchSizeHint);
	number("Sync batch size", config->common.maxSyncBatchSizeHint);
	snprintf(text, sizeof(text), "%s memory, device %" PRId32,
		 config->common.payloadLocation == MXL_PAYLOAD_LOCATION_HOST_MEMORY ? "host"
										    : "device",
		 config->common.deviceIndex);
	field("Payload", text);
	snprintf(text, sizeof(text), "%08" PRIx32, config->common.flags);
	field("Flags", text);
	snprintf(text, sizeof(text), "version %" PRIu32 ", %" PRIu32 " bytes", flow->info.version,
		 flow->info.size);
	field("Header", text);
}

static void print_time(const char *name, uint64_t time, uint64_t now)
{
	char text[96];

	snprintf(text, sizeof(text), "%" PRIu64 " (%.3f s ago)", time,
		 ((double)now - (double)time) / 1e9);
	field(name, text);
}

static void print_latency(const struct info_flow *flow)
{
	const char *color = "\033[32m";
	struct info_latency latency;
	char text[128];

	if (!info_flow_latency(flow, &latency)) {
		field("Latency", "nothing was written yet");
		return;
	}
	if (latency.units < 0 || (uint64_t)latency.units > latency.keeps)
		color = "\033[31m";
	else if ((uint64_t)latency.units == latency.keeps)
		color = "\033[33m";
	snprintf(text, sizeof(text), "%" PRId64 " %s, %.2f to %.2f ms", latency.units,
		 info_flow_is_audio(flow) ? "samples" : "grains", latency.min_ms, latency.max_ms);
	if (info_use_color())
		printf("  %-*s%s%s\033[0m\n", NAME_COLUMNS, "Latency", color, text);
	else
		field("Latency", text);
}

static void print_runtime(const struct info_flow *flow)
{
	number("Head index", flow->info.runtime.headIndex);
	print_time("Last write", flow->info.runtime.lastWriteTime, flow->now);
	/* samples are read without leaving a trace */
	if (!info_flow_is_audio(flow))
		print_time("Last read", flow->info.runtime.lastReadTime, flow->now);
	print_latency(flow);
}

static void print_writers(const struct info_flow *flow)
{
	size_t i;

	field("Active", flow->active ? "yes" : "no, there is no writer");
	for (i = 0; i < flow->writer_count && i < INFO_WRITERS_MAX; i++) {
		printf("  %-*s%ld (", NAME_COLUMNS, "Writer", (long)flow->writers[i].pid);
		tool_text_print(stdout, flow->writers[i].name);
		printf(")\n");
	}
}

/* What the kernel counts. */
static void print_counters(const mxlFlowState *state)
{
	const char *lock = "free";
	char text[64];

	if (state->flags & MXL_FLOW_STATE_LOCKED) {
		snprintf(text, sizeof(text), "held by process %" PRId32, state->writerPid);
		lock = state->writerPid != 0 ? text : "held, in another pid namespace";
	}
	field("Writer lock", lock);
	number("Generation", state->generation);
	number("Epoch", state->epoch);
	field("Outsiders", state->flags & MXL_FLOW_STATE_OUTSIDERS ? "cannot be excluded" : "none");
	/* The look itself is one. */
	number("Attached", state->attachments > 0 ? state->attachments - 1 : 0);
	number("Waiting", state->waiters);
	number("Commits", state->commits);
	number("Commit calls", state->commitCalls);
	number("Wakes", state->wakes);
	number("Overruns", state->overruns);
}

static void print_state(const struct info_flow *flow)
{
	char cause[160];

	if (info_state_find_cause(flow, cause, sizeof(cause)))
		field("Nothing moves", cause);
	if (!flow->has_state)
		return;
	field("Backend", info_state_is_kernel(flow) ? "kernel" : "posix");
	if (info_state_is_kernel(flow))
		print_counters(&flow->state);
}

void info_text_flow(const struct info_domain *domain, const struct info_flow *flow)
{
	printf("Flow %s\n", flow->id);
	if (flow->problem)
		field("Problem", flow->problem);
	if (flow->flowdef.json) {
		field("Label", flow->flowdef.label);
		field("Description", flow->flowdef.description);
		field("Group", flow->flowdef.group);
		field("Role", flow->flowdef.role);
	}
	if (flow->has_info) {
		print_format(flow);
		print_geometry(flow);
		print_runtime(flow);
	}
	print_writers(flow);
	print_state(flow);
	printf("  %-*s", NAME_COLUMNS, "Address");
	print_address(domain->path, flow, 1);
	printf("\n\n");
}

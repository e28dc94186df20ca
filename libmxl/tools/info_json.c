/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "info_print.h"
#include "info_state.h"
#include "tool_text.h"

/* cJSON keeps numbers as double, which cannot hold every index and time. */
static void add_unsigned(cJSON *json, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	cJSON_AddRawToObject(json, name, text);
}

static void add_signed(cJSON *json, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	cJSON_AddRawToObject(json, name, text);
}

static void add_string(cJSON *json, const char *name, const char *text)
{
	char *copy = tool_text_to_utf8(text);

	cJSON_AddStringToObject(json, name, copy ? copy : "");
	free(copy);
}

/*
 * Take a definition over as it is. Its strings may not be UTF-8, which no JSON parser of the
 * other side would take, so they are cleaned as text and parsed anew.
 */
static void add_definition(cJSON *json, const char *name, const char *text)
{
	char *copy = text ? tool_text_to_utf8(text) : NULL;
	cJSON *definition = copy ? cJSON_ParseWithOpts(copy, NULL, true) : NULL;

	free(copy);
	if (definition)
		cJSON_AddItemToObject(json, name, definition);
	else
		cJSON_AddNullToObject(json, name);
}

static void add_config(cJSON *json, const mxlFlowConfigInfo *config)
{
	static const char *const names[] = { "unspecified", "video", "audio", "data" };
	const mxlCommonFlowConfigInfo *common = &config->common;
	cJSON *rate, *slices;
	size_t i;

	cJSON_AddStringToObject(json, "format",
				common->format < 4 ? names[common->format] : "unknown");
	rate = cJSON_AddObjectToObject(json, "rate");
	add_signed(rate, "numerator", common->grainRate.numerator);
	add_signed(rate, "denominator", common->grainRate.denominator);
	add_unsigned(json, "max_commit_batch_size_hint", common->maxCommitBatchSizeHint);
	add_unsigned(json, "max_sync_batch_size_hint", common->maxSyncBatchSizeHint);
	cJSON_AddStringToObject(
		json, "payload_location",
		common->payloadLocation == MXL_PAYLOAD_LOCATION_HOST_MEMORY ? "host" : "device");
	add_signed(json, "device_index", common->deviceIndex);
	add_unsigned(json, "flags", common->flags);
	if (mxlIsContinuousDataFormat((int)common->format) != 0) {
		add_unsigned(json, "channel_count", config->continuous.channelCount);
		add_unsigned(json, "buffer_length", config->continuous.bufferLength);
		return;
	}
	add_unsigned(json, "grain_count", config->discrete.grainCount);
	slices = cJSON_AddArrayToObject(json, "slice_sizes");
	for (i = 0; i < MXL_MAX_PLANES_PER_GRAIN && config->discrete.sliceSizes[i] != 0; i++)
		cJSON_AddItemToArray(slices, cJSON_CreateNumber(config->discrete.sliceSizes[i]));
}

static void add_latency(cJSON *json, const struct info_flow *flow)
{
	struct info_latency latency;
	cJSON *object;

	if (!info_flow_latency(flow, &latency)) {
		cJSON_AddNullToObject(json, "latency");
		return;
	}
	object = cJSON_AddObjectToObject(json, "latency");
	add_signed(object, info_flow_is_audio(flow) ? "samples" : "grains", latency.units);
	cJSON_AddNumberToObject(object, "min_ms", latency.min_ms);
	cJSON_AddNumberToObject(object, "max_ms", latency.max_ms);
}

static void add_runtime(cJSON *json, const struct info_flow *flow)
{
	const mxlFlowRuntimeInfo *runtime = &flow->info.runtime;

	add_unsigned(json, "head_index", runtime->headIndex);
	add_unsigned(json, "last_write_time", runtime->lastWriteTime);
	add_unsigned(json, "last_read_time", runtime->lastReadTime);
	add_unsigned(json, "time", flow->now);
	add_latency(json, flow);
	if (flow->per_second >= 0 && isfinite(flow->per_second))
		cJSON_AddNumberToObject(json, "measured_rate", flow->per_second);
}

static void add_kernel_state(cJSON *json, const mxlFlowState *state)
{
	cJSON_AddBoolToObject(json, "locked", (state->flags & MXL_FLOW_STATE_LOCKED) != 0);
	cJSON_AddBoolToObject(json, "outsiders", (state->flags & MXL_FLOW_STATE_OUTSIDERS) != 0);
	add_signed(json, "writer_pid", state->writerPid);
	add_unsigned(json, "generation", state->generation);
	add_unsigned(json, "epoch", state->epoch);
	/* The look itself is one. */
	add_unsigned(json, "attached", state->attachments > 0 ? state->attachments - 1 : 0);
	add_unsigned(json, "waiting", state->waiters);
	add_unsigned(json, "commits", state->commits);
	add_unsigned(json, "commit_calls", state->commitCalls);
	add_unsigned(json, "wakes", state->wakes);
	add_unsigned(json, "overruns", state->overruns);
}

static void add_state(cJSON *json, const struct info_flow *flow)
{
	char cause[160];

	if (info_state_find_cause(flow, cause, sizeof(cause)))
		cJSON_AddStringToObject(json, "nothing_moves", cause);
	if (flow->has_state)
		cJSON_AddStringToObject(json, "backend",
					info_state_is_kernel(flow) ? "kernel" : "posix");
	if (info_state_is_kernel(flow))
		add_kernel_state(cJSON_AddObjectToObject(json, "kernel"), &flow->state);
}

static cJSON *make_flow(const struct info_flow *flow)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *writers;
	size_t i;

	cJSON_AddStringToObject(json, "id", flow->id);
	if (flow->problem)
		cJSON_AddStringToObject(json, "problem", flow->problem);
	add_string(json, "label", flow->flowdef.label);
	add_string(json, "description", flow->flowdef.description);
	add_string(json, "group", flow->flowdef.group);
	add_string(json, "role", flow->flowdef.role);
	cJSON_AddBoolToObject(json, "role_conflict", flow->role_conflict);
	add_string(json, "media_type", flow->flowdef.media_type);
	cJSON_AddBoolToObject(json, "active", flow->active);
	writers = cJSON_AddArrayToObject(json, "writers");
	for (i = 0; i < flow->writer_count && i < INFO_WRITERS_MAX; i++) {
		cJSON *writer = cJSON_CreateObject();

		add_signed(writer, "pid", flow->writers[i].pid);
		add_string(writer, "name", flow->writers[i].name);
		cJSON_AddItemToArray(writers, writer);
	}
	if (flow->has_info) {
		add_config(cJSON_AddObjectToObject(json, "config"), &flow->info.config);
		add_runtime(cJSON_AddObjectToObject(json, "runtime"), flow);
	}
	add_state(json, flow);
	add_definition(json, "flow_def", flow->definition);
	return json;
}

static void print(FILE *stream, cJSON *json, bool pretty)
{
	char *text = pretty ? cJSON_Print(json) : cJSON_PrintUnformatted(json);

	if (text)
		fprintf(stream, "%s\n", text);
	cJSON_free(text);
	cJSON_Delete(json);
}

void info_json(FILE *stream, const struct info_domain *domain, const struct info_flow *flows,
	       size_t count, bool pretty)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *object = cJSON_AddObjectToObject(json, "domain");
	cJSON *array;
	size_t i;

	add_string(object, "path", domain->path);
	cJSON_AddBoolToObject(object, "tmpfs", domain->tmpfs);
	add_definition(object, "domain_def", domain->definition);
	array = cJSON_AddArrayToObject(json, "flows");
	for (i = 0; i < count; i++)
		cJSON_AddItemToArray(array, make_flow(&flows[i]));
	print(stream, json, pretty);
}

void info_json_removed(char (*ids)[37], size_t count)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *array = cJSON_AddArrayToObject(json, "removed");
	size_t i;

	for (i = 0; i < count; i++)
		cJSON_AddItemToArray(array, cJSON_CreateString(ids[i]));
	print(stdout, json, true);
}

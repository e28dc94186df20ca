/* SPDX-License-Identifier: Apache-2.0 */
#include "info_flow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <mxl/time.h>

#include "tool_msg.h"
#include "tool_text.h"

#define DEFINITION_MAX ((size_t)16 << 20)

static int find_inode(const char *domain, const char *id, ino_t *ret_inode)
{
	char *path = tool_domain_path(domain, id, "data");
	struct stat status;
	int result = 0;

	if (!path)
		return -ENOMEM;
	if (stat(path, &status) < 0)
		result = -errno;
	else
		*ret_inode = status.st_ino;
	free(path);
	return result;
}

static mxlStatus get_definition(mxlInstance instance, const char *id, char **ret_text)
{
	size_t size = 0;
	char *text = NULL;
	mxlStatus status = mxlGetFlowDef(instance, id, NULL, &size);

	/* another flow may take its place between the calls, hence the loop */
	while (status == MXL_ERR_INVALID_ARG && size > 0 && size <= DEFINITION_MAX) {
		size_t room = size;
		char *grown = realloc(text, room);

		if (!grown)
			break;
		text = grown;
		status = mxlGetFlowDef(instance, id, text, &size);
		if (status == MXL_ERR_INVALID_ARG && size <= room)
			break;
	}
	if (status != MXL_STATUS_OK || !text) {
		free(text);
		return status != MXL_STATUS_OK ? status : MXL_ERR_UNKNOWN;
	}
	*ret_text = text;
	return MXL_STATUS_OK;
}

static int open_reader(mxlInstance instance, const char *domain, struct info_flow *flow)
{
	ino_t inode = 0;
	mxlStatus status;

	/* the inode comes first: if the flow is replaced now, the next look notices */
	if (find_inode(domain, flow->id, &inode) == -ENOENT)
		return -ENOENT;
	status = mxlCreateFlowReader(instance, flow->id, "", &flow->reader);
	if (status == MXL_STATUS_OK) {
		flow->inode = inode;
		return 0;
	}
	flow->reader = NULL;
	flow->problem = tool_status_text(status);
	return status == MXL_ERR_FLOW_NOT_FOUND ? -ENOENT : -EIO;
}

int info_flow_open(mxlInstance instance, const char *domain, const char *id, bool with_reader,
		   struct info_flow *flow)
{
	mxlStatus status;
	int result;

	memset(flow, 0, sizeof(*flow));
	snprintf(flow->id, sizeof(flow->id), "%s", id);
	flow->per_second = -1;
	status = get_definition(instance, id, &flow->definition);
	tool_flowdef_parse(flow->definition, &flow->flowdef);
	if (status == MXL_ERR_FLOW_NOT_FOUND)
		return -ENOENT;
	if (status != MXL_STATUS_OK)
		flow->problem = "its definition cannot be read";
	else if (!flow->flowdef.json)
		flow->problem = "its definition is no JSON object";
	if (!with_reader)
		return !flow->problem ? 0 : -EIO;
	/* what the files say is worth showing even if the definition is broken */
	result = open_reader(instance, domain, flow);
	return result == 0 && flow->problem ? -EIO : result;
}

static void measure(struct info_flow *flow)
{
	uint64_t head = flow->info.runtime.headIndex;

	/* a head that comes from nothing, or goes back, is a start and no rate */
	flow->per_second = -1;
	if (flow->last_now != 0 && flow->now > flow->last_now && head >= flow->last_head &&
	    flow->last_head != 0)
		flow->per_second = (double)(head - flow->last_head) * 1e9 /
				   (double)(flow->now - flow->last_now);
	flow->last_head = head;
	flow->last_now = flow->now;
}

int info_flow_look(mxlInstance instance, const char *domain, struct info_flow *flow)
{
	ino_t inode = 0;
	mxlStatus status;

	flow->writer_count = tool_domain_writers(domain, flow->id, flow->writers, INFO_WRITERS_MAX);
	flow->active = flow->writer_count != 0;
	/* asking the library takes the writers' lock for a moment, so only if it has to be */
	if (!flow->active)
		mxlIsFlowActive(instance, flow->id, &flow->active);
	if (!flow->reader)
		return 0;
	if (find_inode(domain, flow->id, &inode) < 0 || inode != flow->inode)
		return -ESTALE;
	flow->state.size = sizeof(flow->state);
	flow->has_state = mxlGetFlowState(instance, flow->id, &flow->state) == MXL_STATUS_OK;
	status = mxlFlowReaderGetInfo(flow->reader, &flow->info);
	flow->now = mxlGetTime();
	flow->has_info = status == MXL_STATUS_OK;
	if (flow->has_info)
		measure(flow);
	else
		flow->problem = tool_status_text(status);
	return 0;
}

void info_flow_close(mxlInstance instance, struct info_flow *flow)
{
	if (flow->reader)
		mxlReleaseFlowReader(instance, flow->reader);
	free(flow->definition);
	tool_flowdef_free(&flow->flowdef);
	flow->reader = NULL;
	flow->definition = NULL;
}

bool info_flow_is_audio(const struct info_flow *flow)
{
	return mxlIsContinuousDataFormat((int)flow->info.config.common.format) != 0;
}

static double milliseconds(uint64_t later, uint64_t earlier)
{
	return later >= earlier ? (double)(later - earlier) / 1e6
				: -((double)(earlier - later) / 1e6);
}

bool info_flow_latency(const struct info_flow *flow, struct info_latency *ret_latency)
{
	const mxlFlowConfigInfo *config = &flow->info.config;
	const mxlRational *rate = &config->common.grainRate;
	uint64_t head = flow->info.runtime.headIndex;
	uint64_t current;

	/* the file belongs to somebody else; the library answers nonsense with this */
	current = flow->has_info ? mxlTimestampToIndex(rate, flow->now) : MXL_UNDEFINED_INDEX;
	if (current == MXL_UNDEFINED_INDEX || head == 0)
		return false;
	ret_latency->units = (int64_t)(current - head);
	ret_latency->min_ms = milliseconds(flow->now, mxlIndexToTimestamp(rate, head + 1));
	ret_latency->max_ms = milliseconds(flow->now, mxlIndexToTimestamp(rate, head));
	ret_latency->keeps = info_flow_is_audio(flow) ? config->continuous.bufferLength / 2
						      : config->discrete.grainCount;
	return true;
}

static double number(const cJSON *json, const char *name, double missing)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsNumber(item) ? item->valuedouble : missing;
}

static double rate_of(const cJSON *json, const char *name)
{
	const cJSON *rate = cJSON_GetObjectItemCaseSensitive(json, name);
	double denominator = number(rate, "denominator", 1);

	return denominator > 0 ? number(rate, "numerator", 0) / denominator : 0;
}

void info_flow_format(const struct info_flow *flow, char *text, size_t size)
{
	const struct tool_flowdef *flowdef = &flow->flowdef;
	const char *slash = strchr(flowdef->media_type, '/');
	char *type = tool_text_escape(slash ? slash + 1 : flowdef->media_type);
	bool interlaced = strncmp(flowdef->interlace_mode, "interlaced", 10) == 0;

	if (flowdef->width != 0)
		snprintf(text, size, "%.24s %ux%u%c%.4g", type, flowdef->width, flowdef->height,
			 interlaced ? 'i' : 'p', rate_of(flowdef->json, "grain_rate"));
	else if (cJSON_GetObjectItemCaseSensitive(flowdef->json, "sample_rate"))
		snprintf(text, size, "%.24s %g Hz x %g", type,
			 rate_of(flowdef->json, "sample_rate"),
			 number(flowdef->json, "channel_count", 1));
	else if (cJSON_GetObjectItemCaseSensitive(flowdef->json, "grain_rate"))
		snprintf(text, size, "%.24s %.4g/s", type, rate_of(flowdef->json, "grain_rate"));
	else
		snprintf(text, size, "%.24s", type && type[0] != '\0' ? type : "?");
	free(type);
}

void info_flow_mark_conflicts(struct info_flow *flows, size_t count)
{
	size_t i, j;

	for (i = 0; i < count; i++) {
		const struct tool_flowdef *a = &flows[i].flowdef;

		if (!a->group || !a->role || a->group[0] == '\0' || a->role[0] == '\0')
			continue;
		for (j = 0; j < i; j++) {
			const struct tool_flowdef *b = &flows[j].flowdef;

			if (!b->group || !b->role || strcmp(a->group, b->group) != 0 ||
			    strcmp(a->role, b->role) != 0)
				continue;
			flows[i].role_conflict = true;
			flows[j].role_conflict = true;
		}
	}
}

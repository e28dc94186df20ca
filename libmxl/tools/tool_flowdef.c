/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_flowdef.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uuid/uuid.h>

#include <mxl/time.h>

#include "tool_args.h"
#include "tool_io.h"

#define FILE_MAX (UINT64_C(1) << 20)
#define GROUP_HINT "urn:x-nmos:tag:grouphint/v1.0"

/*
 * Source and device are required by IS-04 but unknown here. Deriving them from the flow's id
 * keeps them the same each time the flow is made.
 */
static void derive_uuid(const char *id, const char *what, char ret_text[static 37])
{
	uuid_t space, derived;

	uuid_parse(id, space);
	uuid_generate_sha1(derived, space, what, strlen(what));
	uuid_unparse_lower(derived, ret_text);
}

static bool add_rate(cJSON *json, const char *name, const mxlRational *rate)
{
	cJSON *object = cJSON_AddObjectToObject(json, name);

	return object && cJSON_AddNumberToObject(object, "numerator", (double)rate->numerator) &&
	       cJSON_AddNumberToObject(object, "denominator", (double)rate->denominator);
}

static bool add_component(cJSON *array, const char *name, unsigned int width, unsigned int height)
{
	cJSON *object = cJSON_CreateObject();

	if (!cJSON_AddItemToArray(array, object)) {
		cJSON_Delete(object);
		return false;
	}
	return cJSON_AddStringToObject(object, "name", name) &&
	       cJSON_AddNumberToObject(object, "width", width) &&
	       cJSON_AddNumberToObject(object, "height", height) &&
	       cJSON_AddNumberToObject(object, "bit_depth", 10);
}

static bool add_video(cJSON *json, const struct tool_spec *spec)
{
	bool key = strcmp(spec->media_type, "video/v210a") == 0;
	cJSON *components;

	if (!cJSON_AddNumberToObject(json, "frame_width", spec->width) ||
	    !cJSON_AddNumberToObject(json, "frame_height", spec->height) ||
	    !cJSON_AddStringToObject(json, "interlace_mode", spec->interlace_mode) ||
	    !cJSON_AddStringToObject(json, "colorspace", "BT709"))
		return false;
	components = cJSON_AddArrayToObject(json, "components");
	return components && add_component(components, "Y", spec->width, spec->height) &&
	       add_component(components, "Cb", (spec->width + 1) / 2, spec->height) &&
	       add_component(components, "Cr", (spec->width + 1) / 2, spec->height) &&
	       (!key || add_component(components, "A", spec->width, spec->height));
}

static bool set_string(cJSON *json, const char *name, const char *text)
{
	cJSON *item = cJSON_CreateString(text);

	if (!item)
		return false;
	if (cJSON_GetObjectItemCaseSensitive(json, name))
		return cJSON_ReplaceItemInObjectCaseSensitive(json, name, item);
	return cJSON_AddItemToObject(json, name, item);
}

static bool set_group(cJSON *json, const char *group)
{
	cJSON *tags = cJSON_GetObjectItemCaseSensitive(json, "tags");
	cJSON *hints;

	if (!cJSON_IsObject(tags)) {
		cJSON_DeleteItemFromObjectCaseSensitive(json, "tags");
		tags = cJSON_AddObjectToObject(json, "tags");
	}
	cJSON_DeleteItemFromObjectCaseSensitive(tags, GROUP_HINT);
	hints = cJSON_AddArrayToObject(tags, GROUP_HINT);
	if (!hints)
		return false;
	return cJSON_AddItemToArray(hints, cJSON_CreateString(group));
}

static const char *role_of(enum mxlDataFormat format)
{
	switch (format) {
	case MXL_DATA_FORMAT_AUDIO:
		return "Audio";
	case MXL_DATA_FORMAT_DATA:
		return "Ancillary";
	default:
		return "Video";
	}
}

/* A group name ends at the first colon, so a label that has one is cut there. */
static void make_group(char *group, size_t size, const char *label, const struct tool_spec *spec)
{
	int length = (int)strcspn(label, ":");

	snprintf(group, size, "%.*s:%s", length > 0 ? length : 3, length > 0 ? label : "mxl",
		 role_of(spec->format));
}

static bool fill(cJSON *json, const struct tool_spec *spec, const struct tool_identity *identity)
{
	const char *format = spec->format == MXL_DATA_FORMAT_AUDIO  ? "urn:x-nmos:format:audio"
			     : spec->format == MXL_DATA_FORMAT_DATA ? "urn:x-nmos:format:data"
								    : "urn:x-nmos:format:video";
	const char *label = identity->label ? identity->label : spec->media_type;
	char id[37], source[37], device[37], version[64], group[1024];
	uint64_t now = mxlGetTime();
	uuid_t random;

	if (identity->id) {
		if (!tool_is_uuid(identity->id, id))
			return false;
	} else {
		uuid_generate_random(random);
		uuid_unparse_lower(random, id);
	}
	derive_uuid(id, "source", source);
	derive_uuid(id, "device", device);
	snprintf(version, sizeof(version), "%" PRIu64 ":%" PRIu64, now / TOOL_NSEC_PER_SEC,
		 now % TOOL_NSEC_PER_SEC);
	make_group(group, sizeof(group), label, spec);

	if (!set_string(json, "id", id) || !set_string(json, "version", version) ||
	    !set_string(json, "label", label) || !set_string(json, "description", label) ||
	    !set_string(json, "format", format) ||
	    !set_string(json, "media_type", spec->media_type) ||
	    !set_string(json, "source_id", source) || !set_string(json, "device_id", device) ||
	    !cJSON_AddArrayToObject(json, "parents") ||
	    !set_group(json, identity->group ? identity->group : group))
		return false;
	switch (spec->format) {
	case MXL_DATA_FORMAT_AUDIO:
		return add_rate(json, "sample_rate", &spec->rate) &&
		       cJSON_AddNumberToObject(json, "channel_count", spec->channels) &&
		       cJSON_AddNumberToObject(json, "bit_depth", spec->bit_depth);
	case MXL_DATA_FORMAT_DATA:
		return add_rate(json, "grain_rate", &spec->rate);
	default:
		return add_rate(json, "grain_rate", &spec->rate) && add_video(json, spec);
	}
}

int tool_flowdef_build(const struct tool_spec *spec, const struct tool_identity *identity,
		       char **ret_json)
{
	cJSON *json = cJSON_CreateObject();
	char *text = NULL;

	if (json && fill(json, spec, identity))
		text = cJSON_Print(json);
	cJSON_Delete(json);
	if (!text)
		return -ENOMEM;
	*ret_json = text;
	return 0;
}

static int replace_identity(const struct tool_identity *identity, char **text)
{
	cJSON *json = cJSON_ParseWithOpts(*text, NULL, true);
	char *replaced = NULL;

	if (!cJSON_IsObject(json)) {
		cJSON_Delete(json);
		return -EBADMSG;
	}
	if ((!identity->id || set_string(json, "id", identity->id)) &&
	    (!identity->label || set_string(json, "label", identity->label)) &&
	    (!identity->group || set_group(json, identity->group)))
		replaced = cJSON_Print(json);
	cJSON_Delete(json);
	if (!replaced)
		return -ENOMEM;
	free(*text);
	*text = replaced;
	return 0;
}

int tool_flowdef_load(const char *path, const struct tool_identity *identity, char **ret_json)
{
	struct tool_flowdef flowdef;
	char *text = NULL;
	int result;

	result = tool_read_file(path, FILE_MAX, &text);
	if (result < 0)
		return result;
	tool_flowdef_parse(text, &flowdef);
	if (!flowdef.json)
		result = -EBADMSG;
	tool_flowdef_free(&flowdef);
	if (result == 0 && (identity->id || identity->label || identity->group))
		result = replace_identity(identity, &text);
	if (result < 0) {
		free(text);
		return result;
	}
	*ret_json = text;
	return 0;
}

static const char *get_string(const cJSON *json, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	return text ? text : "";
}

static unsigned int get_size(const cJSON *json, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	/* the comparison is false for NaN too */
	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 1e6))
		return 0;
	return (unsigned int)item->valuedouble;
}

static void parse_group(const char *hint, struct tool_flowdef *flowdef)
{
	const char *colon = strchr(hint, ':');

	flowdef->group = strndup(hint, colon ? (size_t)(colon - hint) : strlen(hint));
	flowdef->role = strdup(colon ? colon + 1 : "");
}

void tool_flowdef_parse(const char *text, struct tool_flowdef *flowdef)
{
	const cJSON *hints;
	const char *hint;
	cJSON *json;

	json = text ? cJSON_ParseWithOpts(text, NULL, true) : NULL;
	if (!cJSON_IsObject(json)) {
		cJSON_Delete(json);
		json = NULL;
	}
	*flowdef = (struct tool_flowdef){
		.json = json,
		.id = get_string(json, "id"),
		.label = get_string(json, "label"),
		.description = get_string(json, "description"),
		.media_type = get_string(json, "media_type"),
		.interlace_mode = get_string(json, "interlace_mode"),
		.width = get_size(json, "frame_width"),
		.height = get_size(json, "frame_height"),
	};
	hints = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "tags"),
						 GROUP_HINT);
	hint = cJSON_GetStringValue(cJSON_GetArrayItem(hints, 0));
	parse_group(hint ? hint : "", flowdef);
}

void tool_flowdef_free(struct tool_flowdef *flowdef)
{
	cJSON_Delete(flowdef->json);
	free(flowdef->group);
	free(flowdef->role);
	*flowdef = (struct tool_flowdef){ 0 };
}

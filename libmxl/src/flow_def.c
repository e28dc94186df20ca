// SPDX-License-Identifier: Apache-2.0
#include "flow_def.h"

#include <string.h>

#include "json.h"
#include "log.h"

#define FORMAT_PREFIX "urn:x-nmos:format:"
#define GROUP_HINT_TAG "urn:x-nmos:tag:grouphint/v1.0"

/* 8K UHD; a definition must not decide how much memory is taken. */
#define MAX_WIDTH 7680
#define MAX_HEIGHT 4320

#define refuse(format, ...)                                           \
	({                                                            \
		mxl_error("flow definition: " format, ##__VA_ARGS__); \
		-EBADMSG;                                             \
	})

static int get_string(const cJSON *object, const char *key, const char **ret)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	if (!cJSON_IsString(item))
		return refuse("'%s' is required and must be a string", key);
	*ret = item->valuestring;
	return 0;
}

static int get_integer(const cJSON *object, const char *key, int64_t min, int64_t max,
		       uint32_t *ret)
{
	int64_t value;

	if (!mxl_json_integer(cJSON_GetObjectItemCaseSensitive(object, key), min, max, &value))
		return refuse("'%s' is required and must be a whole number from %lld to %lld", key,
			      (long long)min, (long long)max);
	*ret = (uint32_t)value;
	return 0;
}

static int64_t greatest_common_divisor(int64_t a, int64_t b)
{
	while (b != 0) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static int get_rate(const cJSON *object, const char *key, struct mxl_layout_rational *ret)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
	const cJSON *den;
	int64_t numerator, common;
	int64_t denominator = 1;

	if (!cJSON_IsObject(item))
		return refuse("'%s' is required and must be an object", key);
	if (!mxl_json_integer(cJSON_GetObjectItemCaseSensitive(item, "numerator"), 1,
			      MXL_JSON_MAX_INTEGER, &numerator))
		return refuse("'%s.numerator' is required and must be a whole number above 0", key);
	den = cJSON_GetObjectItemCaseSensitive(item, "denominator");
	if (den && !mxl_json_integer(den, 1, MXL_JSON_MAX_INTEGER, &denominator))
		return refuse("'%s.denominator' must be a whole number above 0", key);

	common = greatest_common_divisor(numerator, denominator);
	ret->numerator = numerator / common;
	ret->denominator = denominator / common;
	return 0;
}

static int parse_id(const cJSON *root, struct mxl_flow_def *def)
{
	const char *text;
	int r = get_string(root, "id", &text);

	if (r < 0)
		return r;
	if (mxl_uuid_parse(text, def->id) < 0)
		return refuse("'id' must be a UUID");
	return 0;
}

static int parse_format(const cJSON *root, struct mxl_flow_def *def)
{
	const char *text;
	int r = get_string(root, "format", &text);

	if (r < 0)
		return r;
	if (strcmp(text, FORMAT_PREFIX "video") == 0)
		def->format = MXL_DATA_FORMAT_VIDEO;
	else if (strcmp(text, FORMAT_PREFIX "audio") == 0)
		def->format = MXL_DATA_FORMAT_AUDIO;
	else if (strcmp(text, FORMAT_PREFIX "data") == 0)
		def->format = MXL_DATA_FORMAT_DATA;
	else
		return refuse("'format' must be " FORMAT_PREFIX "video, audio or data");
	return 0;
}

static int parse_label(const cJSON *root)
{
	const char *label;
	int r = get_string(root, "label", &label);

	if (r < 0)
		return r;
	return *label ? 0 : refuse("'label' must not be empty");
}

/* AMWA NMOS parameter register, tag "grouphint": "name:role" or "name:role:device|node". */
static bool is_group_hint(const char *hint)
{
	const char *role = strchr(hint, ':');
	const char *scope;

	if (!role || role == hint)
		return false;
	role++;
	scope = strchr(role, ':');
	if (*role == '\0' || scope == role)
		return false;
	return !scope || strcmp(scope, ":device") == 0 || strcmp(scope, ":node") == 0;
}

static int parse_tags(const cJSON *root)
{
	const cJSON *tags = cJSON_GetObjectItemCaseSensitive(root, "tags");
	const cJSON *hints = cJSON_GetObjectItemCaseSensitive(tags, GROUP_HINT_TAG);
	const cJSON *hint;

	if (!cJSON_IsObject(tags))
		return refuse("'tags' is required and must be an object");
	if (!cJSON_IsArray(hints) || cJSON_GetArraySize(hints) == 0)
		return refuse("'tags' must have a non-empty array '" GROUP_HINT_TAG "'");
	cJSON_ArrayForEach(hint, hints) {
		if (!cJSON_IsString(hint) || !is_group_hint(hint->valuestring))
			return refuse("'" GROUP_HINT_TAG "': every hint must read "
				      "name:role, name:role:device or name:role:node");
	}
	return 0;
}

static bool may_be_interlaced(const struct mxl_layout_rational *rate)
{
	return (rate->numerator == 30000 && rate->denominator == 1001) ||
	       (rate->numerator == 25 && rate->denominator == 1);
}

static int parse_interlace(const cJSON *root, struct mxl_flow_def *def)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, "interlace_mode");
	const char *mode = item ? cJSON_GetStringValue(item) : "progressive";

	if (mode && strcmp(mode, "progressive") == 0)
		return 0;
	if (!mode || (strcmp(mode, "interlaced_tff") != 0 && strcmp(mode, "interlaced_bff") != 0))
		return refuse(
			"'interlace_mode' must be progressive, interlaced_tff or interlaced_bff");
	if (!may_be_interlaced(&def->rate))
		return refuse("interlaced video needs a 'grain_rate' of 30000/1001 or 25/1");
	if (def->height % 2 != 0)
		return refuse("interlaced video needs an even 'frame_height'");

	/* The definition counts frames, the flow counts fields. */
	def->interlaced = true;
	def->rate.numerator *= 2;
	return 0;
}

static int parse_video(const cJSON *root, struct mxl_flow_def *def)
{
	const char *media;
	int r;

	if ((r = get_rate(root, "grain_rate", &def->rate)) < 0 ||
	    (r = get_string(root, "media_type", &media)) < 0 ||
	    (r = get_integer(root, "frame_width", 2, MAX_WIDTH, &def->width)) < 0 ||
	    (r = get_integer(root, "frame_height", 1, MAX_HEIGHT, &def->height)) < 0)
		return r;

	if (strcmp(media, "video/v210") == 0)
		def->media = MXL_MEDIA_V210;
	else if (strcmp(media, "video/v210a") == 0)
		def->media = MXL_MEDIA_V210A;
	else
		return refuse("'media_type' of video must be video/v210 or video/v210a");
	return parse_interlace(root, def);
}

static int parse_data(const cJSON *root, struct mxl_flow_def *def)
{
	const char *media;
	int r;

	if ((r = get_rate(root, "grain_rate", &def->rate)) < 0 ||
	    (r = get_string(root, "media_type", &media)) < 0)
		return r;
	if (strcmp(media, "video/smpte291") != 0)
		return refuse("'media_type' of data must be video/smpte291");
	def->media = MXL_MEDIA_SMPTE291;
	return 0;
}

static int parse_audio(const cJSON *root, struct mxl_flow_def *def)
{
	uint32_t bit_depth;
	int r;

	if ((r = get_rate(root, "sample_rate", &def->rate)) < 0 ||
	    (r = get_integer(root, "bit_depth", 32, 64, &bit_depth)) < 0)
		return r;
	if (bit_depth != 32 && bit_depth != 64)
		return refuse("'bit_depth' must be 32 or 64");

	def->media = MXL_MEDIA_FLOAT;
	def->word_size = bit_depth / 8;
	def->channel_count = 1;
	if (!cJSON_GetObjectItemCaseSensitive(root, "channel_count"))
		return 0;
	return get_integer(root, "channel_count", 1, UINT32_MAX, &def->channel_count);
}

int mxl_flow_def_parse(const char *text, struct mxl_flow_def *ret)
{
	MXL_CLEANUP(mxl_json_deletep) cJSON *root = NULL;
	struct mxl_flow_def def = { 0 };
	int r;

	if ((r = mxl_json_parse_object("flow definition", text, &root)) < 0 ||
	    (r = parse_id(root, &def)) < 0 || (r = parse_format(root, &def)) < 0 ||
	    (r = parse_label(root)) < 0 || (r = parse_tags(root)) < 0)
		return r;

	switch (def.format) {
	case MXL_DATA_FORMAT_VIDEO:
		r = parse_video(root, &def);
		break;
	case MXL_DATA_FORMAT_DATA:
		r = parse_data(root, &def);
		break;
	default:
		r = parse_audio(root, &def);
		break;
	}
	if (r == 0)
		*ret = def;
	return r;
}

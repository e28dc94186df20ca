// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <iconv.h>
#include <math.h>
#include <string.h>

#include "file.h"
#include "log.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HOST_UCS4 "UCS-4LE"
#else
#define HOST_UCS4 "UCS-4"
#endif

/* The decoder still takes what UTF-8 could express before RFC 3629 ended it at U+10FFFF. */
static bool is_unicode(const uint32_t *code_points, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (code_points[i] > 0x10ffff)
			return false;
	}
	return true;
}

/*
 * cJSON hands bytes through unseen; whoever prints or forwards them expects text. UCS-4 is one of the
 * few encodings that the C library converts to without loading a module.
 */
static int check_utf8(const char *text, size_t size)
{
	iconv_t decoder = iconv_open(HOST_UCS4, "UTF-8");
	char *in = (char *)(uintptr_t)text;
	int r = 0;

	if (decoder == (iconv_t)-1)
		return -errno;
	while (size > 0 && r == 0) {
		uint32_t decoded[1024];
		char *out = (char *)decoded;
		size_t room = sizeof(decoded);

		if (iconv(decoder, &in, &size, &out, &room) == (size_t)-1 && errno != E2BIG)
			r = -EBADMSG;
		else if (!is_unicode(decoded, MXL_ARRAY_SIZE(decoded) - room / sizeof(*decoded)))
			r = -EBADMSG;
	}
	iconv_close(decoder);
	return r;
}

int mxl_json_parse_object(const char *what, const char *text, cJSON **ret)
{
	size_t size = strnlen(text, MXL_JSON_MAX_SIZE + 1);
	cJSON *json;

	if (size > MXL_JSON_MAX_SIZE) {
		mxl_error("%s: longer than %d bytes", what, MXL_JSON_MAX_SIZE);
		return -EBADMSG;
	}
	if (check_utf8(text, size) < 0) {
		mxl_error("%s: not valid UTF-8", what);
		return -EBADMSG;
	}

	json = cJSON_ParseWithLengthOpts(text, size + 1, NULL, true);
	if (!json) {
		mxl_error("%s: not valid JSON", what);
		return -EBADMSG;
	}
	if (!cJSON_IsObject(json)) {
		mxl_error("%s: not a JSON object", what);
		cJSON_Delete(json);
		return -EBADMSG;
	}
	*ret = json;
	return 0;
}

int mxl_json_read_object(int dir, const char *name, cJSON **ret)
{
	MXL_CLEANUP(mxl_freep) char *text = NULL;
	int r = mxl_file_read_text(dir, name, MXL_JSON_MAX_SIZE, &text, NULL);

	if (r == -EFBIG)
		mxl_error("%s: longer than %d bytes", name, MXL_JSON_MAX_SIZE);
	if (r < 0)
		return r;
	return mxl_json_parse_object(name, text, ret);
}

bool mxl_json_integer(const cJSON *item, int64_t min, int64_t max, int64_t *ret)
{
	double value;

	if (!cJSON_IsNumber(item))
		return false;
	value = item->valuedouble;
	if (!(value >= (double)min && value <= (double)max) || value != floor(value))
		return false;
	*ret = (int64_t)value;
	return true;
}

// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include "json.h"
#include "log.h"

#define HISTORY_KEY "urn:x-mxl:option:history_duration/v1.0"

static int get_batch(const cJSON *object, const char *key, uint32_t *batch)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
	int64_t value;

	if (!item)
		return 0;
	if (!mxl_json_integer(item, 1, UINT32_MAX, &value)) {
		mxl_error("writer options: '%s' must be a whole number above 0", key);
		return -EBADMSG;
	}
	*batch = (uint32_t)value;
	return 0;
}

int mxl_options_parse_writer(const char *text, struct mxl_writer_options *ret)
{
	MXL_CLEANUP(mxl_json_deletep) cJSON *root = NULL;
	struct mxl_writer_options options = { 0 };
	int r;

	if (!text || *text == '\0') {
		*ret = options;
		return 0;
	}
	if ((r = mxl_json_parse_object("writer options", text, &root)) < 0 ||
	    (r = get_batch(root, "maxCommitBatchSizeHint", &options.max_commit_batch)) < 0 ||
	    (r = get_batch(root, "maxSyncBatchSizeHint", &options.max_sync_batch)) < 0)
		return r;

	if (options.max_commit_batch && options.max_sync_batch &&
	    options.max_sync_batch % options.max_commit_batch != 0) {
		mxl_error("writer options: 'maxSyncBatchSizeHint' must be a multiple of "
			  "'maxCommitBatchSizeHint'");
		return -EBADMSG;
	}
	*ret = options;
	return 0;
}

void mxl_options_check_instance(const char *text)
{
	cJSON *root = NULL;

	if (!text || *text == '\0')
		return;
	if (mxl_json_parse_object("instance options", text, &root) == 0)
		cJSON_Delete(root);
	else
		mxl_error("instance options are ignored");
}

uint64_t mxl_options_read_history(int domain, uint64_t default_ns)
{
	MXL_CLEANUP(mxl_json_deletep) cJSON *root = NULL;
	const cJSON *item;
	int64_t history;
	int r = mxl_json_read_object(domain, "options.json", &root);

	if (r == -ENOENT)
		return default_ns;
	if (r < 0) {
		mxl_error("options.json of the domain cannot be used, the default history holds");
		return default_ns;
	}
	item = cJSON_GetObjectItemCaseSensitive(root, HISTORY_KEY);
	if (!item)
		return default_ns;
	if (!mxl_json_integer(item, 0, MXL_JSON_MAX_INTEGER, &history)) {
		mxl_error("options.json: '" HISTORY_KEY "' must be a whole number of nanoseconds, "
			  "the default holds");
		return default_ns;
	}
	return (uint64_t)history;
}

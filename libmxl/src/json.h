/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict reading of JSON that anybody may have written: bounded in size, valid UTF-8, nothing behind
 * the value, and every member fetched with its type and range checked. cJSON does the parsing and
 * bounds the nesting (CJSON_NESTING_LIMIT). It reads numbers in the current locale: a program must
 * not call setlocale() while another of its threads is in here.
 */
#ifndef MXL_JSON_H
#define MXL_JSON_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "util.h"

/* NMOS flow resources are a few KiB; what is larger is no flow definition. */
#define MXL_JSON_MAX_SIZE (1024 * 1024)

/* Doubles hold whole numbers exactly up to here (RFC 8259, section 6). */
#define MXL_JSON_MAX_INTEGER ((int64_t)1 << 53)

static inline void mxl_json_deletep(cJSON **json)
{
	cJSON_Delete(*json);
}

/**
 * mxl_json_parse_object - parse a text that must be one JSON object
 * @what: what the text is, for the log
 * @text: zero-terminated
 * @ret: the object; cJSON_Delete() it
 *
 * Return: 0; -EBADMSG with a line in the log; -ENOMEM.
 */
int mxl_json_parse_object(const char *what, const char *text, cJSON **ret);

/**
 * mxl_json_read_object - parse a file that must be one JSON object
 * @dir: descriptor of the folder
 * @name: name of the file; symbolic links are refused
 * @ret: the object; cJSON_Delete() it
 *
 * Return: 0; -EBADMSG as above; the errno of opening or reading.
 */
int mxl_json_read_object(int dir, const char *name, cJSON **ret);

/**
 * mxl_json_integer - a number that is whole and in range
 * @item: any value, or NULL
 * @min: smallest accepted, >= -MXL_JSON_MAX_INTEGER
 * @max: largest accepted, <= MXL_JSON_MAX_INTEGER
 * @ret: the number, untouched on failure
 *
 * Return: true if @item is such a number.
 */
bool mxl_json_integer(const cJSON *item, int64_t min, int64_t max, int64_t *ret);

#endif /* MXL_JSON_H */

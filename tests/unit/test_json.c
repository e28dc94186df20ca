// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"

static int parse(const char *text)
{
	cJSON *json = NULL;
	int r = mxl_json_parse_object("the text", text, &json);

	if (r < 0)
		assert_null(json);
	else
		assert_true(cJSON_IsObject(json));
	cJSON_Delete(json);
	return r;
}

TEST(objects_are_parsed)
{
	assert_int_equal(parse("{}"), 0);
	assert_int_equal(parse(" \n\t{ \"a\" : [ 1, 2.5, null, \"x\" ] } \r\n"), 0);
	assert_int_equal(parse("{\"\":{\"\":{}}}"), 0);
}

TEST(everything_else_is_refused_with_a_line_that_names_it)
{
	static const char *const texts[] = {
		"",	"[]",  "1",	"null",	   "\"x\"",    "{",	     "}",    "{}{}",
		"{} x", "{,}", "{a:1}", "{'a':1}", "{\"a\":}", "{\"a\":1,}", "\xff", "{\"\xc3\":1}",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		int r;

		log_start();
		r = parse(texts[i]);
		assert_non_null(strstr(log_end(), "the text"));
		assert_int_equal(r, -EBADMSG);
	}
}

TEST(size_is_limited)
{
	char *text = malloc(MXL_JSON_MAX_SIZE + 2);

	assert_non_null(text);
	memset(text, ' ', MXL_JSON_MAX_SIZE + 1);
	text[0] = '{';
	text[1] = '}';
	text[MXL_JSON_MAX_SIZE] = '\0';
	assert_int_equal(parse(text), 0);
	text[MXL_JSON_MAX_SIZE] = ' ';
	text[MXL_JSON_MAX_SIZE + 1] = '\0';
	log_start();
	assert_int_equal(parse(text), -EBADMSG);
	assert_string_not_equal(log_end(), "");
	free(text);
}

TEST(depth_is_limited)
{
	size_t depth = MXL_JSON_MAX_SIZE / 8;
	char *text = malloc(depth * 6 + 1);
	size_t i;

	assert_non_null(text);
	for (i = 0; i < depth; i++)
		memcpy(text + 5 * i, "{\"a\":", 5);
	memset(text + 5 * depth, '}', depth);
	text[6 * depth] = '\0';
	log_start();
	assert_int_equal(parse(text), -EBADMSG);
	log_end();
	free(text);
}

/* Every first byte with what may follow it, against the table of RFC 3629. */
TEST(utf8_is_that_of_rfc_3629)
{
	static const struct {
		const char *bytes;
		bool fine;
	} cases[] = {
		{ "\x7f", true },
		{ "\x80", false },
		{ "\xbf", false },
		{ "\xc0\x80", false },
		{ "\xc1\xbf", false },
		{ "\xc2\x80", true },
		{ "\xdf\xbf", true },
		{ "\xc2", false },
		{ "\xc2\x7f", false },
		{ "\xc2\xc0", false },
		{ "\xe0\x9f\xbf", false },
		{ "\xe0\xa0\x80", true },
		{ "\xed\x9f\xbf", true },
		{ "\xed\xa0\x80", false },
		{ "\xed\xbf\xbf", false },
		{ "\xee\x80\x80", true },
		{ "\xef\xbf\xbf", true },
		{ "\xe1\x80", false },
		{ "\xf0\x8f\xbf\xbf", false },
		{ "\xf0\x90\x80\x80", true },
		{ "\xf4\x8f\xbf\xbf", true },
		{ "\xf4\x90\x80\x80", false },
		{ "\xf5\x80\x80\x80", false },
		{ "\xf0\x90\x80", false },
		{ "\xf8\x88\x80\x80\x80", false },
		{ "\xfc\x84\x80\x80\x80\x80", false },
		{ "\xfe", false },
		{ "\xff", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[64];
		int r;

		snprintf(text, sizeof(text), "{\"a\":\"x%sy\"}", cases[i].bytes);
		log_start();
		r = parse(text);
		log_end();
		if ((r == 0) != cases[i].fine)
			fail_msg("case %zu: %d", i, r);
	}
}

/* The decoder works in pieces: a character across their border, and one at each place near it. */
TEST(utf8_is_checked_across_pieces)
{
	size_t at;

	for (at = 1000; at < 1050; at++) {
		char text[8192];

		memset(text, 0, sizeof(text));
		memset(text, ' ', at);
		strcpy(text + at, "{\"a\":\"\xf0\x90\x80\x80\xe2\x82\xac\"}");
		assert_int_equal(parse(text), 0);
		text[at + 9] = '\x41';
		log_start();
		assert_int_equal(parse(text), -EBADMSG);
		log_end();
	}
}

static bool integer(const char *number, int64_t min, int64_t max, int64_t *ret)
{
	cJSON *json = NULL;
	char text[128];
	bool ok;

	snprintf(text, sizeof(text), "{\"n\":%s}", number);
	assert_int_equal(mxl_json_parse_object("x", text, &json), 0);
	ok = mxl_json_integer(cJSON_GetObjectItemCaseSensitive(json, "n"), min, max, ret);
	cJSON_Delete(json);
	return ok;
}

TEST(whole_numbers_in_range)
{
	static const struct {
		const char *text;
		int64_t min, max;
		bool fine;
		int64_t value;
	} cases[] = {
		{ "5", 1, 10, true, 5 },
		{ "1", 1, 10, true, 1 },
		{ "10", 1, 10, true, 10 },
		{ "0", 1, 10, false, 0 },
		{ "11", 1, 10, false, 0 },
		{ "-3", -5, 5, true, -3 },
		{ "-6", -5, 5, false, 0 },
		{ "5.0", 1, 10, true, 5 },
		{ "0.5e1", 1, 10, true, 5 },
		{ "5.5", 1, 10, false, 0 },
		{ "0.9999999999", 0, 10, false, 0 },
		{ "1e400", 0, MXL_JSON_MAX_INTEGER, false, 0 },
		{ "-1e400", -5, MXL_JSON_MAX_INTEGER, false, 0 },
		{ "9007199254740992", 0, MXL_JSON_MAX_INTEGER, true, 9007199254740992 },
		{ "9007199254740994", 0, MXL_JSON_MAX_INTEGER, false, 0 },
		{ "18446744073709551616", 0, MXL_JSON_MAX_INTEGER, false, 0 },
		{ "\"5\"", 1, 10, false, 0 },
		{ "true", 0, 10, false, 0 },
		{ "null", 0, 10, false, 0 },
		{ "[5]", 0, 10, false, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t value = 77;

		assert_int_equal(integer(cases[i].text, cases[i].min, cases[i].max, &value),
				 cases[i].fine);
		assert_int_equal(value, cases[i].fine ? cases[i].value : 77);
	}
}

TEST(missing_member_is_no_number)
{
	int64_t value = 77;

	assert_false(mxl_json_integer(NULL, 0, 10, &value));
	assert_int_equal(value, 77);
}

TEST(files_are_read)
{
	cJSON *json = NULL;

	put_file("good.json", "{\"a\":1}", 7);
	assert_int_equal(mxl_json_read_object(scratch(), "good.json", &json), 0);
	assert_true(cJSON_HasObjectItem(json, "a"));
	cJSON_Delete(json);
}

TEST(files_that_are_none_or_broken)
{
	cJSON *json = NULL;

	assert_int_equal(mxl_json_read_object(scratch(), "missing", &json), -ENOENT);
	put_file("bad.json", "{", 1);
	log_start();
	assert_int_equal(mxl_json_read_object(scratch(), "bad.json", &json), -EBADMSG);
	assert_non_null(strstr(log_end(), "bad.json"));
	assert_int_equal(mkdirat(scratch(), "folder", 0755), 0);
	assert_true(mxl_json_read_object(scratch(), "folder", &json) < 0);
	assert_int_equal(mkfifoat(scratch(), "fifo", 0644), 0);
	assert_true(mxl_json_read_object(scratch(), "fifo", &json) < 0);
	put_file("good.json", "{}", 2);
	assert_int_equal(symlinkat("good.json", scratch(), "link"), 0);
	assert_true(mxl_json_read_object(scratch(), "link", &json) < 0);
	assert_null(json);
}

TEST(file_that_is_too_large)
{
	cJSON *json = NULL;
	char name[128];

	put_file("huge.json", "{}", 2);
	snprintf(name, sizeof(name), "%s/huge.json", scratch_path());
	assert_int_equal(truncate(name, 1LL << 40), 0);
	log_start();
	assert_true(mxl_json_read_object(scratch(), "huge.json", &json) < 0);
	assert_non_null(strstr(log_end(), "huge.json"));
	assert_null(json);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_parsed),
		cmocka_unit_test(everything_else_is_refused_with_a_line_that_names_it),
		cmocka_unit_test(size_is_limited),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(utf8_is_that_of_rfc_3629),
		cmocka_unit_test(utf8_is_checked_across_pieces),
		cmocka_unit_test(whole_numbers_in_range),
		cmocka_unit_test(missing_member_is_no_number),
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(files_that_are_none_or_broken),
		cmocka_unit_test(file_that_is_too_large),
	};

	return unit_main(tests, ARRAY_SIZE(tests));
}

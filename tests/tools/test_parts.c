/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that the command line tools share, as far as the tools themselves do not show them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tool_address.h"
#include "tool_args.h"
#include "tool_digest.h"
#include "tool_flowdef.h"
#include "tool_histogram.h"
#include "tool_io.h"
#include "tool_media.h"
#include "tool_ring.h"
#include "tool_spec.h"
#include "tool_text.h"

#define ID "5fbec3b1-1b0f-417d-9059-8b94a47197ed"

static void test_numbers(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_int_equal(tool_parse_number("0", 0, 10, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(tool_parse_number("18446744073709551615", 0, UINT64_MAX, &value), 0);
	assert_true(value == UINT64_MAX);
	value = 7;
	assert_int_equal(tool_parse_number("18446744073709551616", 0, UINT64_MAX, &value), -ERANGE);
	assert_int_equal(tool_parse_number("11", 0, 10, &value), -ERANGE);
	assert_int_equal(tool_parse_number("1", 2, 10, &value), -ERANGE);
	assert_int_equal(tool_parse_number("", 0, 10, &value), -EINVAL);
	assert_int_equal(tool_parse_number("-1", 0, 10, &value), -EINVAL);
	assert_int_equal(tool_parse_number("+1", 0, 10, &value), -EINVAL);
	assert_int_equal(tool_parse_number(" 1", 0, 10, &value), -EINVAL);
	assert_int_equal(tool_parse_number("1 ", 0, 10, &value), -EINVAL);
	assert_int_equal(tool_parse_number("0x1", 0, 10, &value), -EINVAL);
	assert_int_equal(value, 7);
}

static void test_seconds(void **state)
{
	uint64_t ns = 7;

	(void)state;
	assert_int_equal(tool_parse_seconds("2", &ns), 0);
	assert_int_equal(ns, 2000000000);
	assert_int_equal(tool_parse_seconds("0.25", &ns), 0);
	assert_int_equal(ns, 250000000);
	assert_int_equal(tool_parse_seconds("0.0000000019", &ns), 0);
	assert_int_equal(ns, 1);
	assert_int_equal(tool_parse_seconds(".5", &ns), -EINVAL);
	assert_int_equal(tool_parse_seconds("1.", &ns), -EINVAL);
	assert_int_equal(tool_parse_seconds("1.5s", &ns), -EINVAL);
	assert_int_equal(tool_parse_seconds("1e3", &ns), -EINVAL);
	assert_int_equal(tool_parse_seconds("99999999999", &ns), -ERANGE);
	assert_int_equal(tool_parse_seconds("99999999999999999999999999", &ns), -EINVAL);
	assert_int_equal(ns, 1);
}

static void test_uuids(void **state)
{
	char canonical[37] = "untouched";

	(void)state;
	assert_true(tool_is_uuid("{5FBEC3B1-1B0F-417D-9059-8B94A47197ED}", canonical));
	assert_string_equal(canonical, ID);
	assert_true(tool_is_uuid(ID, NULL));
	assert_false(tool_is_uuid("{" ID, NULL));
	assert_false(tool_is_uuid(ID "}", NULL));
	assert_false(tool_is_uuid("(" ID ")", NULL));
	assert_false(tool_is_uuid(ID " ", NULL));
	assert_false(tool_is_uuid("", NULL));
	assert_false(tool_is_uuid("5fbec3b11b0f417d90598b94a47197ed", NULL));
	assert_false(tool_is_uuid("5fbec3b1-1b0f-417d-9059-8b94a47197eg", NULL));
}

static void test_target(void **state)
{
	struct tool_target target = { 0 };

	(void)state;
	assert_int_equal(tool_target_add_id(&target, ID), 0);
	assert_int_equal(tool_target_add_id(&target, "{5FBEC3B1-1B0F-417D-9059-8B94A47197ED}"), 0);
	assert_int_equal(tool_target_add_id(&target, "camera"), -EINVAL);
	assert_int_equal(target.count, 1);
	tool_target_free(&target);
	assert_null(target.ids);
}

static void test_address(void **state)
{
	struct tool_address address;
	const char *reason;

	(void)state;
	assert_int_equal(tool_address_parse("mxl://[2001:db8::2]:5000/a%20b/c?id=" ID "&id=" ID,
					    &address, &reason),
			 0);
	assert_string_equal(address.host, "[2001:db8::2]");
	assert_int_equal(address.port, 5000);
	assert_string_equal(address.domain, "/a b/c");
	assert_int_equal(address.count, 2);
	assert_string_equal(address.ids[1], ID);
	tool_address_free(&address);

	assert_int_equal(tool_address_parse("mxl:///dev/shm/domain", &address, &reason), 0);
	assert_null(address.host);
	assert_int_equal(address.port, 0);
	assert_int_equal(address.count, 0);
	tool_address_free(&address);

	memset(&address, 0x5a, sizeof(address));
	assert_int_equal(tool_address_parse("mxl:///dev/shm?id=x", &address, &reason), -EINVAL);
	assert_int_equal(((unsigned char *)&address)[0], 0x5a);
}

static void test_address_both_ways(void **state)
{
	static const char odd[] = "/nowhere/a b%c?d#e&f\"\n\xc3\xa4";
	struct tool_address address;
	const char *reason;
	char *text = tool_address_format(odd);

	(void)state;
	assert_non_null(text);
	assert_int_equal(tool_address_parse(text, &address, &reason), 0);
	assert_string_equal(address.domain, odd);
	tool_address_free(&address);
	free(text);
}

static void test_rates(void **state)
{
	static const struct {
		const char *text;
		int64_t numerator;
		int64_t denominator;
	} good[] = {
		{ "25", 25, 1 },
		{ "50/2", 25, 1 },
		{ "30000/1001", 30000, 1001 },
		{ "60000/2002", 30000, 1001 },
		{ "29.97", 30000, 1001 },
		{ "23.976", 24000, 1001 },
		{ "59.94", 60000, 1001 },
		{ "1/10", 1, 10 },
	};
	static const char *const bad[] = { "",	  "0",	  "25/",       "/25",	  "25/0",
					   "-25", "25.5", "2997/100 ", "1000001", "25/1/1" };
	mxlRational rate = { 7, 7 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(tool_spec_rate(bad[i], &rate), -EINVAL);
	assert_int_equal(rate.numerator, 7);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(tool_spec_rate(good[i].text, &rate), 0);
		assert_int_equal(rate.numerator, good[i].numerator);
		assert_int_equal(rate.denominator, good[i].denominator);
	}
}

static void test_specs(void **state)
{
	struct tool_spec spec;
	const char *reason;

	(void)state;
	assert_int_equal(tool_spec_video("1920x1080@30000/1001bff:v210a", &spec, &reason), 0);
	assert_int_equal(spec.width, 1920);
	assert_int_equal(spec.height, 1080);
	assert_string_equal(spec.interlace_mode, "interlaced_bff");
	assert_string_equal(spec.media_type, "video/v210a");
	assert_int_equal(tool_spec_video("1920x1080@25i", &spec, &reason), 0);
	assert_string_equal(spec.interlace_mode, "interlaced_tff");
	assert_int_equal(tool_spec_video("1920x1080@50p", &spec, &reason), 0);
	assert_string_equal(spec.interlace_mode, "progressive");
	assert_int_equal(spec.rate.numerator, 50);
	assert_int_equal(tool_spec_audio("96000x16:float64", &spec, &reason), 0);
	assert_int_equal(spec.channels, 16);
	assert_int_equal(spec.bit_depth, 64);
	assert_int_equal(tool_spec_data("50:smpte291", &spec, &reason), 0);
	assert_string_equal(spec.media_type, "video/smpte291");
}

static void test_definition(void **state)
{
	struct tool_identity identity = { .id = ID, .label = "a:b", .group = NULL };
	struct tool_flowdef flowdef;
	struct tool_spec spec;
	const char *reason;
	char *json;

	(void)state;
	assert_int_equal(tool_spec_video("1920x1080@25i:v210a", &spec, &reason), 0);
	assert_int_equal(tool_flowdef_build(&spec, &identity, &json), 0);
	tool_flowdef_parse(json, &flowdef);
	assert_string_equal(flowdef.id, ID);
	assert_string_equal(flowdef.label, "a:b");
	/* the colon of the label would end the group's name, so the name ends there */
	assert_string_equal(flowdef.group, "a");
	assert_string_equal(flowdef.role, "Video");
	assert_int_equal(flowdef.width, 1920);
	assert_string_equal(flowdef.interlace_mode, "interlaced_tff");
	tool_flowdef_free(&flowdef);
	free(json);
	tool_flowdef_parse("[1]", &flowdef);
	assert_null(flowdef.json);
	assert_string_equal(flowdef.label, "");
	tool_flowdef_free(&flowdef);
	tool_flowdef_parse(NULL, &flowdef);
	assert_null(flowdef.json);
	tool_flowdef_free(&flowdef);
}

static void check_escape(const char *text, const char *expected)
{
	char *escaped = tool_text_escape(text);

	assert_non_null(escaped);
	assert_string_equal(escaped, expected);
	free(escaped);
}

static void test_escape(void **state)
{
	char input[600], shown[516];

	(void)state;
	check_escape(NULL, "");
	check_escape("plain \xc3\xa4 \xe6\xbc\xa2 \xf0\x9f\x8e\xa5", "plain \xc3\xa4 \xe6\xbc\xa2 "
								     "\xf0\x9f\x8e\xa5");
	check_escape("\x1b[31m\n\t\x7f", "\\x1b[31m\\x0a\\x09\\x7f");
	check_escape("\xc2\x9b\xe2\x80\xae\xe2\x81\xa6\xef\xbb\xbf",
		     "\\u{9b}\\u{202e}\\u{2066}\\u{feff}");
	/* not UTF-8: a lone byte, a cut character, overlong forms, a surrogate, beyond Unicode */
	check_escape("\xff", "\\xff");
	check_escape("\xe6\xbc", "\\xe6\\xbc");
	check_escape("\xc0\xaf", "\\xc0\\xaf");
	check_escape("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	check_escape("\xed\xa0\x80", "\\xed\\xa0\\x80");
	check_escape("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	memset(input, 'x', sizeof(input) - 1);
	input[sizeof(input) - 1] = '\0';
	memset(shown, 'x', 512);
	memcpy(shown + 512, "...", 4);
	check_escape(input, shown);
}

static void test_utf8(void **state)
{
	char *text = tool_text_to_utf8("a\xff"
				       "b\xc3");

	(void)state;
	assert_string_equal(text, "a\xef\xbf\xbd"
				  "b\xef\xbf\xbd");
	assert_true(tool_text_is_utf8(text));
	assert_false(tool_text_is_utf8("a\xff"));
	free(text);
}

static void test_columns(void **state)
{
	char text[] = "a\xc3\xa4\xe6\xbc\xa2z";

	(void)state;
	assert_int_equal(tool_text_columns(text), 5);
	assert_int_equal(tool_text_cut(text, 10), 5);
	/* half of a wide character does not fit */
	assert_int_equal(tool_text_cut(text, 3), 2);
	assert_string_equal(text, "a\xc3\xa4");
	assert_int_equal(tool_text_cut(text, 0), 0);
	assert_string_equal(text, "");
}

static void test_histogram(void **state)
{
	struct tool_histogram *histogram = calloc(1, sizeof(*histogram));
	int64_t value, middle;

	(void)state;
	assert_non_null(histogram);
	for (value = 1; value <= 100000; value++)
		tool_histogram_add(histogram, value * 1000);
	assert_int_equal(histogram->min, 1000);
	assert_int_equal(histogram->max, 100000000);
	middle = tool_histogram_percentile(histogram, 50);
	assert_in_range(middle, 50000000 / 1.008, 50000000 * 1.008);
	middle = tool_histogram_percentile(histogram, 99);
	assert_in_range(middle, 99000000 / 1.008, 99000000 * 1.008);
	assert_int_equal(tool_histogram_percentile(histogram, 100), 100000000);
	free(histogram);
}

static void test_histogram_extremes(void **state)
{
	struct tool_histogram *histogram = calloc(1, sizeof(*histogram));

	(void)state;
	assert_non_null(histogram);
	tool_histogram_add(histogram, INT64_MIN);
	tool_histogram_add(histogram, -5);
	tool_histogram_add(histogram, 0);
	tool_histogram_add(histogram, INT64_MAX);
	assert_true(histogram->min == INT64_MIN);
	assert_true(histogram->max == INT64_MAX);
	assert_int_equal(tool_histogram_percentile(histogram, 50), -5);
	assert_int_equal(tool_histogram_percentile(histogram, 75), 0);
	assert_true(tool_histogram_percentile(histogram, 1) < -(INT64_MAX / 100 * 99));
	assert_true(tool_histogram_percentile(histogram, 99) > INT64_MAX / 100 * 99);
	free(histogram);
}

/* 3 samples of 2 channels, of which the last lies at the start of the buffer again */
static void test_samples(void **state)
{
	uint32_t ring[2][4] = { 0 }, back[6] = { 0 };
	static const uint32_t interleaved[6] = { 11, 21, 12, 22, 13, 23 };
	static const uint32_t planar[6] = { 11, 12, 13, 21, 22, 23 };
	mxlMutableWrappedMultiBufferSlice to = {
		.base.fragments = { { &ring[0][2], 8 }, { &ring[0][0], 4 } },
		.stride = sizeof(ring[0]),
		.count = 2,
	};
	mxlWrappedMultiBufferSlice from = {
		.base.fragments = { { &ring[0][2], 8 }, { &ring[0][0], 4 } },
		.stride = sizeof(ring[0]),
		.count = 2,
	};

	(void)state;
	tool_samples_scatter(interleaved, TOOL_INTERLEAVED, 4, &to);
	assert_int_equal(ring[0][2], 11);
	assert_int_equal(ring[0][3], 12);
	assert_int_equal(ring[0][0], 13);
	assert_int_equal(ring[1][2], 21);
	assert_int_equal(ring[1][0], 23);
	assert_int_equal(ring[0][1], 0);
	tool_samples_gather(&from, 4, back, TOOL_PLANAR);
	assert_memory_equal(back, planar, sizeof(planar));
	memset(ring, 0, sizeof(ring));
	tool_samples_scatter(planar, TOOL_PLANAR, 4, &to);
	tool_samples_gather(&from, 4, back, TOOL_INTERLEAVED);
	assert_memory_equal(back, interleaved, sizeof(interleaved));
}

static void test_planes(void **state)
{
	mxlFlowConfigInfo config = { .discrete.sliceSizes = { 100, 20, 0, 0 } };
	mxlGrainInfo *grain = calloc(1, sizeof(*grain));
	size_t planes[MXL_MAX_PLANES_PER_GRAIN];

	(void)state;
	assert_non_null(grain);
	grain->totalSlices = 10;
	grain->grainSize = 1200;
	assert_int_equal(tool_grain_planes(&config, grain, planes), 2);
	assert_int_equal(planes[0], 1000);
	assert_int_equal(planes[1], 200);
	/* sizes that do not add up must not make anybody read behind the payload */
	grain->grainSize = 900;
	assert_int_equal(tool_grain_planes(&config, grain, planes), 1);
	assert_int_equal(planes[0], 900);
	grain->grainSize = 1300;
	assert_int_equal(tool_grain_planes(&config, grain, planes), 3);
	assert_int_equal(planes[2], 100);
	config.discrete.sliceSizes[0] = 0;
	assert_int_equal(tool_grain_planes(&config, grain, planes), 1);
	assert_int_equal(planes[0], 1300);
	free(grain);
}

static void test_anc_length(void **state)
{
	static const uint8_t payload[6] = { 0x01, 0x02 };

	(void)state;
	assert_int_equal(tool_anc_length(payload), 6 + 0x102);
}

/* XXH3 of nothing and of "mxl", as xxh128sum prints them */
static void test_digest(void **state)
{
	struct tool_digest *digest = tool_digest_new(NULL);
	char text[TOOL_DIGEST_TEXT];

	(void)state;
	tool_digest_text(digest, text);
	assert_string_equal(text, "99aa06d3014798d86001c324468d497f");
	tool_digest_add(digest, "m", 1);
	tool_digest_add_unit(digest, 5, "xl", 2);
	tool_digest_text(digest, text);
	assert_string_equal(text, "4344fe614dcc46eda5512f7ba48e4453");
	assert_int_equal(tool_digest_free(digest), 0);
	assert_int_equal(tool_digest_free(NULL), 0);
}

static void test_ring(void **state)
{
	enum {
		PIECE = 1000,
		COUNT = 3000
	};
	static uint8_t piece[PIECE], back[PIECE];
	struct tool_ring *ring;
	size_t i, got = 0;
	char *name;
	int fd;

	(void)state;
	name = strdup("/dev/shm/mxl-ring-XXXXXX");
	fd = mkstemp(name);
	assert_true(fd >= 0);
	unlink(name);
	free(name);
	/* a size that no piece divides, so that pieces are split at every place */
	assert_int_equal(tool_ring_new(fd, 3 * PIECE + 7, &ring), 0);
	assert_int_equal(tool_ring_put(ring, piece, 4 * PIECE), -EMSGSIZE);
	for (i = 0; i < COUNT; i++) {
		memset(piece, (int)(i % 251), sizeof(piece));
		assert_int_equal(tool_ring_put(ring, piece, sizeof(piece)), 0);
	}
	assert_int_equal(tool_ring_end(ring), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	for (i = 0; i < COUNT; i++) {
		assert_int_equal(read(fd, back, sizeof(back)), sizeof(back));
		memset(piece, (int)(i % 251), sizeof(piece));
		got += memcmp(piece, back, sizeof(back)) == 0;
	}
	assert_int_equal(got, COUNT);
	assert_int_equal(read(fd, back, 1), 0);
	close(fd);
}

static void test_ring_error(void **state)
{
	static uint8_t piece[1000];
	struct tool_ring *ring;
	int result = 0, i;
	int fd = -1;

	(void)state;
	assert_int_equal(tool_output_open("/dev/full", &fd), 0);
	assert_int_equal(tool_ring_new(fd, 4000, &ring), 0);
	for (i = 0; i < 100 && result == 0; i++)
		result = tool_ring_put(ring, piece, sizeof(piece));
	assert_int_equal(result, -ENOSPC);
	assert_int_equal(tool_ring_end(ring), -ENOSPC);
	assert_int_equal(tool_ring_end(NULL), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),	   cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_uuids),	   cmocka_unit_test(test_target),
		cmocka_unit_test(test_address),	   cmocka_unit_test(test_address_both_ways),
		cmocka_unit_test(test_rates),	   cmocka_unit_test(test_specs),
		cmocka_unit_test(test_definition), cmocka_unit_test(test_escape),
		cmocka_unit_test(test_utf8),	   cmocka_unit_test(test_columns),
		cmocka_unit_test(test_histogram),  cmocka_unit_test(test_histogram_extremes),
		cmocka_unit_test(test_samples),	   cmocka_unit_test(test_planes),
		cmocka_unit_test(test_anc_length), cmocka_unit_test(test_digest),
		cmocka_unit_test(test_ring),	   cmocka_unit_test(test_ring_error),
	};

	return cmocka_run_group_tests_name("tools-parts", tests, NULL, NULL);
}

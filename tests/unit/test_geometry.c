// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>

#include "geometry.h"

#define HISTORY 200000000ULL

static struct mxl_flow_def video(uint32_t width, uint32_t height, int64_t num, int64_t den)
{
	return (struct mxl_flow_def){
		.format = MXL_DATA_FORMAT_VIDEO,
		.media = MXL_MEDIA_V210,
		.rate = { num, den },
		.width = width,
		.height = height,
	};
}

static struct mxl_flow_def audio(int64_t num, int64_t den, uint32_t channels, uint32_t word)
{
	return (struct mxl_flow_def){
		.format = MXL_DATA_FORMAT_AUDIO,
		.media = MXL_MEDIA_FLOAT,
		.rate = { num, den },
		.channel_count = channels,
		.word_size = word,
	};
}

static void refused(const struct mxl_flow_def *def, uint64_t history)
{
	struct mxl_geometry geometry, before;
	int r;

	memset(&geometry, 0xcc, sizeof(geometry));
	before = geometry;
	log_start();
	r = mxl_geometry_from_def(def, history, &geometry);
	assert_string_not_equal(log_end(), "");
	assert_int_equal(r, -EBADMSG);
	assert_memory_equal(&geometry, &before, sizeof(geometry));
}

TEST(lines_of_every_width)
{
	uint32_t width;

	for (width = 2; width <= 7680; width++) {
		struct mxl_flow_def def = video(width, 10, 50, 1);
		struct mxl_geometry geometry;

		assert_int_equal(mxl_geometry_from_def(&def, HISTORY, &geometry), 0);
		/* 6 pixels in 16 bytes, a multiple of 128 bytes, and no more than needed */
		assert_int_equal(geometry.slice_sizes[0] % 128, 0);
		assert_true(geometry.slice_sizes[0] * 6 >= width * 16);
		assert_true((geometry.slice_sizes[0] - 128) * 6 < width * 16);
		assert_int_equal(geometry.slice_sizes[1], 0);
		assert_int_equal(geometry.grain_size, geometry.slice_sizes[0] * 10);

		def.media = MXL_MEDIA_V210A;
		assert_int_equal(mxl_geometry_from_def(&def, HISTORY, &geometry), 0);
		assert_int_equal(geometry.slice_sizes[1] % 4, 0);
		assert_true(geometry.slice_sizes[1] / 4 * 3 >= width);
		assert_true((geometry.slice_sizes[1] / 4 - 1) * 3 < width);
		assert_int_equal(geometry.grain_size,
				 (geometry.slice_sizes[0] + geometry.slice_sizes[1]) * 10);
	}
}

TEST(fields_have_half_the_lines)
{
	struct mxl_flow_def def = video(1920, 1080, 50, 1);
	struct mxl_geometry geometry;

	def.interlaced = true;
	assert_int_equal(mxl_geometry_from_def(&def, HISTORY, &geometry), 0);
	assert_int_equal(geometry.total_slices, 540);
	assert_int_equal(geometry.grain_size, 2764800);
	assert_int_equal(geometry.grain_count, 10);
}

TEST(largest_pictures_do_not_overflow)
{
	struct mxl_flow_def def = video(7680, 4320, 60, 1);
	struct mxl_geometry geometry;

	def.media = MXL_MEDIA_V210A;
	assert_int_equal(mxl_geometry_from_def(&def, HISTORY, &geometry), 0);
	assert_int_equal(geometry.total_slices, 4320);
	assert_int_equal(geometry.grain_size, (20480 + 10240) * 4320);
}

TEST(ancillary_data_has_a_slice_per_byte)
{
	struct mxl_flow_def def = { .format = MXL_DATA_FORMAT_DATA,
				    .media = MXL_MEDIA_SMPTE291,
				    .rate = { 60000, 1001 } };
	struct mxl_geometry geometry;

	assert_int_equal(mxl_geometry_from_def(&def, HISTORY, &geometry), 0);
	assert_int_equal(geometry.total_slices, 4096);
	assert_int_equal(geometry.grain_size, 4096);
	assert_int_equal(geometry.slice_sizes[0], 1);
	assert_int_equal(geometry.grain_count, 11);
}

TEST(grain_count_is_a_division_of_integers)
{
	static const struct {
		uint64_t history;
		int64_t num, den;
		uint32_t count;
	} cases[] = {
		{ 200000000, 50, 1, 10 },
		{ 200000000, 60000, 1001, 11 },
		{ 200000000, 24000, 1001, 4 },
		{ 199999999, 50, 1, 9 },
		{ 40000000, 50, 1, 2 },
		{ 1000000000, 30000, 1001, 29 },
		{ 1, INT64_MAX, INT64_MAX / 4000000000, 4 },
		{ 32768000000000, 1, 1, 32768 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mxl_flow_def def = video(96, 8, cases[i].num, cases[i].den);
		struct mxl_geometry geometry;

		assert_int_equal(mxl_geometry_from_def(&def, cases[i].history, &geometry), 0);
		assert_int_equal(geometry.grain_count, cases[i].count);
	}
}

TEST(rings_of_fewer_than_two_or_too_many_grains_are_refused)
{
	static const struct {
		uint64_t history;
		int64_t num, den;
	} cases[] = {
		{ 0, 50, 1 },
		{ 19999999, 50, 1 },
		{ 20000000, 50, 1 },
		{ 39999999, 50, 1 },
		{ 200000000, 5, 1 },
		{ 200000000, 1, INT64_MAX },
		{ 200000000, INT64_MAX, 1 },
		{ UINT64_MAX, INT64_MAX, 1 },
		{ UINT64_MAX, 50, 1 },
		{ 32769000000000, 1, 1 },
		/* more than 32 bits hold, and 2 if they are cut off */
		{ 4294967298000000000, 1, 1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mxl_flow_def def = video(96, 8, cases[i].num, cases[i].den);

		refused(&def, cases[i].history);
	}
}

TEST(samples_are_twice_the_history_in_whole_pages)
{
	static const struct {
		uint64_t history;
		int64_t num;
		uint32_t word, length;
	} cases[] = {
		{ 200000000, 48000, 4, 19456 }, { 200000000, 48000, 8, 19456 },
		{ 200000000, 96000, 4, 38912 }, { 200000000, 44100, 4, 18432 },
		{ 10000000, 48000, 4, 1024 },	{ 10000000, 48000, 8, 1024 },
		{ 5000000, 48000, 8, 512 },	{ 10666667, 48000, 4, 1024 },
		{ 10687500, 48000, 4, 2048 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mxl_flow_def def = audio(cases[i].num, 1, 2, cases[i].word);
		struct mxl_geometry geometry;

		assert_int_equal(mxl_geometry_from_def(&def, cases[i].history, &geometry), 0);
		assert_int_equal(geometry.buffer_length, cases[i].length);
		assert_int_equal(mxl_geometry_channels_size(&geometry),
				 2ULL * cases[i].length * cases[i].word);
	}
}

TEST(rings_of_no_or_too_many_samples_are_refused)
{
	struct mxl_flow_def def = audio(48000, 1, 1, 4);

	refused(&def, 0);
	refused(&def, 1);
	refused(&def, UINT64_MAX);
	def.rate.numerator = INT64_MAX;
	refused(&def, HISTORY);
	/* 2^32 samples, rounded up, are 0 in 32 bits */
	def.rate.numerator = 4294967295;
	refused(&def, 500000000);
	def.rate.numerator = 1;
	def.rate.denominator = INT64_MAX;
	refused(&def, HISTORY);
}

/* Channels times samples times bytes, each of which fits, together wrap around 64 bits. */
TEST(samples_that_wrap_around_are_refused)
{
	struct mxl_flow_def def = audio(48000, 1, 2567326851, 4);

	refused(&def, 18711445333334);
	def = audio(48000, 1, 2147483648, 4);
	refused(&def, 22369621333334);
	def = audio(48000, 1, UINT32_MAX, 8);
	refused(&def, 40000000000000);
}

TEST(geometries_are_equal_whatever_the_history)
{
	struct mxl_flow_def def = video(96, 8, 50, 1);
	struct mxl_geometry a, b;

	assert_int_equal(mxl_geometry_from_def(&def, HISTORY, &a), 0);
	assert_int_equal(mxl_geometry_from_def(&def, 2 * HISTORY, &b), 0);
	assert_true(mxl_geometry_equal(&a, &b));
	def.height = 9;
	assert_int_equal(mxl_geometry_from_def(&def, HISTORY, &b), 0);
	assert_false(mxl_geometry_equal(&a, &b));
	def.height = 8;
	def.rate.numerator = 60;
	assert_int_equal(mxl_geometry_from_def(&def, HISTORY, &b), 0);
	assert_false(mxl_geometry_equal(&a, &b));
	/* as many bytes in as many slices, and yet another picture */
	def = video(96, 8, 50, 1);
	def.format = MXL_DATA_FORMAT_DATA;
	assert_int_equal(mxl_geometry_from_def(&def, HISTORY, &b), 0);
	assert_false(mxl_geometry_equal(&a, &b));
}

TEST(default_batches)
{
	static const struct {
		int64_t num, den;
		uint32_t batch;
	} cases[] = {
		{ 48000, 1, 480 },  { 44100, 1, 441 }, { 96000, 1, 960 },
		{ 48000, 1001, 0 }, { 99, 1, 1 },      { 1, 1, 1 },
	};
	struct mxl_flow_def def = video(96, 8, 50, 1);
	struct mxl_geometry geometry;
	size_t i;

	assert_int_equal(mxl_geometry_from_def(&def, HISTORY, &geometry), 0);
	assert_int_equal(mxl_geometry_default_batch(&geometry), 8);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mxl_geometry sound = { .format = MXL_DATA_FORMAT_AUDIO,
					      .rate = { cases[i].num, cases[i].den } };

		/* never 0: it is divided by */
		assert_true(mxl_geometry_default_batch(&sound) >= 1);
		if (cases[i].batch)
			assert_int_equal(mxl_geometry_default_batch(&sound), cases[i].batch);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_every_width),
		cmocka_unit_test(fields_have_half_the_lines),
		cmocka_unit_test(largest_pictures_do_not_overflow),
		cmocka_unit_test(ancillary_data_has_a_slice_per_byte),
		cmocka_unit_test(grain_count_is_a_division_of_integers),
		cmocka_unit_test(rings_of_fewer_than_two_or_too_many_grains_are_refused),
		cmocka_unit_test(samples_are_twice_the_history_in_whole_pages),
		cmocka_unit_test(rings_of_no_or_too_many_samples_are_refused),
		cmocka_unit_test(samples_that_wrap_around_are_refused),
		cmocka_unit_test(geometries_are_equal_whatever_the_history),
		cmocka_unit_test(default_batches),
	};

	return unit_main(tests, ARRAY_SIZE(tests));
}

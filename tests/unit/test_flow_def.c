// SPDX-License-Identifier: Apache-2.0
/* What a definition is reduced to; what is refused is tested through the API. */
#include "unit.h"

#include <errno.h>

#include "flow_def.h"
#include "geometry.h"

#define ID "5fbec3b1-1b0f-417d-9059-8b94a47197ed"
#define COMMON \
	"\"id\":\"" ID "\",\"label\":\"x\",\"tags\":{\"urn:x-nmos:tag:grouphint/v1.0\":[\"a:b\"]}"

TEST(video_is_reduced_to_what_is_needed)
{
	static const uint8_t id[16] = { 0x5f, 0xbe, 0xc3, 0xb1, 0x1b, 0x0f, 0x41, 0x7d,
					0x90, 0x59, 0x8b, 0x94, 0xa4, 0x71, 0x97, 0xed };
	struct mxl_flow_def def;

	assert_int_equal(mxl_flow_def_parse("{" COMMON ",\"format\":\"urn:x-nmos:format:video\","
					    "\"media_type\":\"video/v210\",\"frame_width\":1920,"
					    "\"frame_height\":1080,\"grain_rate\":"
					    "{\"numerator\":120000,\"denominator\":2002}}",
					    &def),
			 0);
	assert_memory_equal(def.id, id, sizeof(id));
	assert_int_equal(def.format, MXL_DATA_FORMAT_VIDEO);
	assert_int_equal(def.media, MXL_MEDIA_V210);
	assert_int_equal(def.rate.numerator, 60000);
	assert_int_equal(def.rate.denominator, 1001);
	assert_false(def.interlaced);
	assert_int_equal(def.width, 1920);
	assert_int_equal(def.height, 1080);
}

TEST(interlaced_video_counts_fields)
{
	struct mxl_flow_def def;

	assert_int_equal(mxl_flow_def_parse("{" COMMON ",\"format\":\"urn:x-nmos:format:video\","
					    "\"media_type\":\"video/v210a\",\"frame_width\":720,"
					    "\"frame_height\":576,\"interlace_mode\":"
					    "\"interlaced_tff\",\"grain_rate\":{\"numerator\":25}}",
					    &def),
			 0);
	assert_int_equal(def.media, MXL_MEDIA_V210A);
	assert_true(def.interlaced);
	assert_int_equal(def.rate.numerator, 50);
	assert_int_equal(def.height, 576);
}

TEST(audio_is_reduced_to_what_is_needed)
{
	struct mxl_flow_def def;

	assert_int_equal(mxl_flow_def_parse("{" COMMON ",\"format\":\"urn:x-nmos:format:audio\","
					    "\"sample_rate\":{\"numerator\":48000},"
					    "\"bit_depth\":64,\"channel_count\":8}",
					    &def),
			 0);
	assert_int_equal(def.format, MXL_DATA_FORMAT_AUDIO);
	assert_int_equal(def.media, MXL_MEDIA_FLOAT);
	assert_int_equal(def.word_size, 8);
	assert_int_equal(def.channel_count, 8);
	assert_int_equal(def.rate.numerator, 48000);
	assert_int_equal(def.rate.denominator, 1);
}

TEST(data_is_reduced_to_what_is_needed)
{
	struct mxl_flow_def def;

	assert_int_equal(mxl_flow_def_parse("{" COMMON ",\"format\":\"urn:x-nmos:format:data\","
					    "\"media_type\":\"video/smpte291\","
					    "\"grain_rate\":{\"numerator\":30000,"
					    "\"denominator\":1001}}",
					    &def),
			 0);
	assert_int_equal(def.format, MXL_DATA_FORMAT_DATA);
	assert_int_equal(def.media, MXL_MEDIA_SMPTE291);
}

TEST(refusal_leaves_the_output_alone)
{
	struct mxl_flow_def def, before;

	memset(&def, 0xcc, sizeof(def));
	before = def;
	log_start();
	assert_int_equal(mxl_flow_def_parse("{" COMMON ",\"format\":\"urn:x-nmos:format:audio\","
					    "\"sample_rate\":{\"numerator\":48000},"
					    "\"bit_depth\":64,\"channel_count\":0}",
					    &def),
			 -EBADMSG);
	assert_non_null(strstr(log_end(), "channel_count"));
	assert_memory_equal(&def, &before, sizeof(def));
}

static const char *const good[] = {
	"{" COMMON ",\"format\":\"urn:x-nmos:format:video\",\"media_type\":\"video/v210a\","
	"\"frame_width\":1920,\"frame_height\":1080,\"interlace_mode\":\"interlaced_bff\","
	"\"grain_rate\":{\"numerator\":30000,\"denominator\":1001}}",
	"{" COMMON ",\"format\":\"urn:x-nmos:format:audio\",\"sample_rate\":{\"numerator\":48000,"
	"\"denominator\":1},\"bit_depth\":32,\"channel_count\":16}",
	"{" COMMON ",\"format\":\"urn:x-nmos:format:data\",\"media_type\":\"video/smpte291\","
	"\"grain_rate\":{\"numerator\":50}}",
};

/* Pieces that mean something where they land. */
static const char *const pieces[] = {
	"0",	"-",  "9999999999", "1e9",  ".5",    "null", "{",	"}",
	"[",	"]",  "\"",	    ",",    ":",     "\\",   "\\u0000", "\xff",
	"true", "\n", "video",	    "data", "audio", "id",   "tags",	"1",
};

static void mutate(char *text, size_t room, uint64_t *seed)
{
	size_t len = strlen(text);
	size_t at = next_random(seed) % (len + 1);
	size_t cut = next_random(seed) % 4;
	const char *piece = pieces[next_random(seed) % ARRAY_SIZE(pieces)];
	size_t add = next_random(seed) & 1 ? strlen(piece) : 0;

	if (cut > len - at)
		cut = len - at;
	if (len - cut + add + 1 > room)
		return;
	memmove(text + at + add, text + at + cut, len - at - cut + 1);
	memcpy(text + at, piece, add);
}

/* Whatever becomes of a definition, it is refused or it makes sense. */
TEST(mutilated_definitions_are_refused_or_make_sense)
{
	unsigned int accepted = 0, refused = 0;
	uint64_t seed = 1;
	int n;

	for (n = 0; n < 30000; n++) {
		struct mxl_geometry geometry;
		struct mxl_flow_def def;
		char text[2048];
		int i, r;

		strcpy(text, good[n % ARRAY_SIZE(good)]);
		for (i = 0; i < 1 + n % 3; i++)
			mutate(text, sizeof(text), &seed);
		if (n % 1000 == 0)
			log_start();
		r = mxl_flow_def_parse(text, &def);
		if (r == 0) {
			accepted++;
			assert_true(def.rate.numerator > 0 && def.rate.denominator > 0);
			assert_true(mxlIsSupportedDataFormat((int)def.format));
			r = mxl_geometry_from_def(&def, 200000000, &geometry);
		} else {
			refused++;
			assert_int_equal(r, -EBADMSG);
		}
		if (r == 0 && def.format == MXL_DATA_FORMAT_AUDIO) {
			assert_true(geometry.channel_count > 0 && geometry.buffer_length > 1);
			assert_true(geometry.word_size == 4 || geometry.word_size == 8);
		} else if (r == 0) {
			assert_in_range(geometry.grain_count, MXL_LAYOUT_MIN_GRAINS,
					MXL_LAYOUT_MAX_GRAINS);
			assert_int_equal(geometry.grain_size,
					 (geometry.slice_sizes[0] + geometry.slice_sizes[1]) *
						 geometry.total_slices);
		}
		if (n % 1000 == 999)
			log_end();
	}
	/* it was no one-sided affair */
	assert_true(accepted > 1000 && refused > 1000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(video_is_reduced_to_what_is_needed),
		cmocka_unit_test(interlaced_video_counts_fields),
		cmocka_unit_test(audio_is_reduced_to_what_is_needed),
		cmocka_unit_test(data_is_reduced_to_what_is_needed),
		cmocka_unit_test(refusal_leaves_the_output_alone),
		cmocka_unit_test(mutilated_definitions_are_refused_or_make_sense),
	};

	return unit_main(tests, ARRAY_SIZE(tests));
}

// SPDX-License-Identifier: Apache-2.0
/* What a definition is reduced to; what is refused is tested through the API. */
#include "unit.h"

#include <errno.h>

#include "flow_def.h"

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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(video_is_reduced_to_what_is_needed),
		cmocka_unit_test(interlaced_video_counts_fields),
		cmocka_unit_test(audio_is_reduced_to_what_is_needed),
		cmocka_unit_test(data_is_reduced_to_what_is_needed),
		cmocka_unit_test(refusal_leaves_the_output_alone),
	};

	return unit_main(tests, ARRAY_SIZE(tests));
}

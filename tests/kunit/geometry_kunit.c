// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the headers of files have to say to be adopted.
 */

#include <kunit/test.h>

#include "mxl_priv.h"

/* ---- the header of a flow ---------------------------------------------------------------- */

struct header_case {
	const char *name;
	void (*change)(struct mxl_flow_header *h);
	u64 size; /* of the file, 0: the right one */
	int ret;
	u32 nr_payloads;
};

static void no_change(struct mxl_flow_header *h)
{
}

static void version_zero(struct mxl_flow_header *h)
{
	h->version = 0;
}

static void version_two(struct mxl_flow_header *h)
{
	h->version = 2;
}

static void size_less(struct mxl_flow_header *h)
{
	h->size = MXL_FLOW_INFO_SIZE - 1;
}

static void size_more(struct mxl_flow_header *h)
{
	h->size = MXL_FLOW_HEADER_SIZE;
}

static void num_zero(struct mxl_flow_header *h)
{
	h->rate.numerator = 0;
}

static void num_negative(struct mxl_flow_header *h)
{
	h->rate.numerator = S64_MIN;
}

static void den_zero(struct mxl_flow_header *h)
{
	h->rate.denominator = 0;
}

static void den_negative(struct mxl_flow_header *h)
{
	h->rate.denominator = -1;
}

static void rate_extreme(struct mxl_flow_header *h)
{
	h->rate.numerator = S64_MAX;
	h->rate.denominator = S64_MAX;
}

static void format_zero(struct mxl_flow_header *h)
{
	h->format = 0;
}

static void format_unknown(struct mxl_flow_header *h)
{
	h->format = 4;
}

static void format_data(struct mxl_flow_header *h)
{
	h->format = MXL_LAYOUT_FORMAT_DATA;
}

static void grains_none(struct mxl_flow_header *h)
{
	h->discrete.grain_count = 0;
}

static void grains_one(struct mxl_flow_header *h)
{
	h->discrete.grain_count = 1;
}

static void grains_two(struct mxl_flow_header *h)
{
	h->discrete.grain_count = 2;
}

static void grains_most(struct mxl_flow_header *h)
{
	h->discrete.grain_count = MXL_LAYOUT_MAX_GRAINS;
}

static void grains_more(struct mxl_flow_header *h)
{
	h->discrete.grain_count = MXL_LAYOUT_MAX_GRAINS + 1;
}

static void grains_absurd(struct mxl_flow_header *h)
{
	h->discrete.grain_count = U32_MAX;
}

static void audio(struct mxl_flow_header *h)
{
	memset(&h->discrete, 0, sizeof(h->discrete));
	h->format = MXL_LAYOUT_FORMAT_AUDIO;
	h->continuous.channel_count = 2;
	h->continuous.buffer_length = 4096;
}

static void audio_no_channels(struct mxl_flow_header *h)
{
	audio(h);
	h->continuous.channel_count = 0;
}

static void audio_no_length(struct mxl_flow_header *h)
{
	audio(h);
	h->continuous.buffer_length = 0;
}

static void audio_no_half(struct mxl_flow_header *h)
{
	audio(h);
	h->continuous.buffer_length = 1;
}

static const struct header_case header_cases[] = {
	{ "good", no_change, 0, 0, 5 },
	{ "data", format_data, 0, 0, 5 },
	{ "two grains", grains_two, 0, 0, 2 },
	{ "most grains", grains_most, 0, 0, MXL_LAYOUT_MAX_GRAINS },
	{ "extreme rate", rate_extreme, 0, 0, 5 },
	{ "audio", audio, 0, 0, 1 },
	{ "version 0", version_zero, 0, -EPROTONOSUPPORT },
	{ "version 2", version_two, 0, -EPROTONOSUPPORT },
	{ "size too small", size_less, 0, -EBADMSG },
	{ "size too large", size_more, 0, -EBADMSG },
	{ "file too small", no_change, MXL_FLOW_HEADER_SIZE - 1, -EBADMSG },
	{ "file too large", no_change, MXL_FLOW_HEADER_SIZE + 1, -EBADMSG },
	{ "file absurd", no_change, U64_MAX, -EBADMSG },
	{ "numerator 0", num_zero, 0, -EBADMSG },
	{ "numerator negative", num_negative, 0, -EBADMSG },
	{ "denominator 0", den_zero, 0, -EBADMSG },
	{ "denominator negative", den_negative, 0, -EBADMSG },
	{ "format 0", format_zero, 0, -EBADMSG },
	{ "format 4", format_unknown, 0, -EBADMSG },
	{ "no grains", grains_none, 0, -EBADMSG },
	{ "one grain", grains_one, 0, -EBADMSG },
	{ "too many grains", grains_more, 0, -EBADMSG },
	{ "absurd grains", grains_absurd, 0, -EBADMSG },
	{ "no channels", audio_no_channels, 0, -EBADMSG },
	{ "no length", audio_no_length, 0, -EBADMSG },
	{ "length without half", audio_no_half, 0, -EBADMSG },
};

static void header_case_name(const struct header_case *c, char *name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(header, header_cases, header_case_name);

static struct mxl_flow_header *good_header(struct kunit *test)
{
	struct mxl_flow_header *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, h);
	h->version = MXL_FLOW_VERSION;
	h->size = MXL_FLOW_INFO_SIZE;
	h->format = MXL_LAYOUT_FORMAT_VIDEO;
	h->rate.numerator = 60000;
	h->rate.denominator = 1001;
	h->discrete.grain_count = 5;
	return h;
}

static void geometry_of_header(struct kunit *test)
{
	const struct header_case *c = test->param_value;
	struct mxl_flow_header *h = good_header(test);
	struct mxl_geometry geo, before;

	memset(&geo, 0xa5, sizeof(geo));
	before = geo;
	c->change(h);
	KUNIT_ASSERT_EQ(test, mxl_check_header(h, c->size ?: MXL_FLOW_HEADER_SIZE, &geo), c->ret);
	if (c->ret) {
		KUNIT_EXPECT_MEMEQ(test, &geo, &before, sizeof(geo));
		return;
	}
	KUNIT_EXPECT_EQ(test, geo.nr_payloads, c->nr_payloads);
	KUNIT_EXPECT_EQ(test, geo.rate_num, h->rate.numerator);
	KUNIT_EXPECT_EQ(test, geo.rate_den, h->rate.denominator);
	KUNIT_EXPECT_EQ(test, geo.payload_size, 0);
	KUNIT_EXPECT_EQ(test, geo.total_slices, 0);
	KUNIT_EXPECT_EQ(test, geo.word_size, 0);
	KUNIT_EXPECT_EQ(test, geo.kind,
			h->format == MXL_LAYOUT_FORMAT_AUDIO ? MXL_KIND_CONTINUOUS
							     : MXL_KIND_DISCRETE);
}

/* ---- the headers of grains --------------------------------------------------------------- */

struct grain_case {
	const char *name;
	u32 version;
	u32 header;
	u32 payload;
	u16 slices;
	u64 size;
	int ret;
};

#define GOOD_SIZE (MXL_GRAIN_PAYLOAD_OFFSET + 8192ULL)

static const struct grain_case grain_cases[] = {
	{ "good", 1, 4096, 8192, 8, GOOD_SIZE, 0 },
	{ "version 0", 0, 4096, 8192, 8, GOOD_SIZE, -EPROTONOSUPPORT },
	{ "version 2", 2, 4096, 8192, 8, GOOD_SIZE, -EPROTONOSUPPORT },
	{ "header of another size", 1, 8192, 8192, 8, GOOD_SIZE, -EBADMSG },
	{ "payload smaller than the file", 1, 4096, 8191, 8, GOOD_SIZE, -EBADMSG },
	{ "payload larger than the file", 1, 4096, 8193, 8, GOOD_SIZE, -EBADMSG },
	{ "payload absurd", 1, 4096, U32_MAX, 8, GOOD_SIZE, -EBADMSG },
	{ "file as large as no payload could be", 1, 4096, 8192, 8, GOOD_SIZE + (1ULL << 32),
	  -EBADMSG },
	{ "no slices", 1, 4096, 8192, 0, GOOD_SIZE, -EBADMSG },
	{ "no payload", 1, 4096, 0, 8, MXL_GRAIN_PAYLOAD_OFFSET, -EBADMSG },
	{ "no place for a header", 1, 4096, 0, 8, 4096, -EBADMSG },
	{ "empty file", 1, 4096, 0, 8, 0, -EBADMSG },
};

static void grain_case_name(const struct grain_case *c, char *name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(grain, grain_cases, grain_case_name);

static struct mxl_grain_header *make_grain(struct kunit *test, const struct grain_case *c)
{
	struct mxl_grain_header *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, h);
	h->version = c->version;
	h->size = c->header;
	h->grain_size = c->payload;
	h->total_slices = c->slices;
	return h;
}

static void geometry_of_grain(struct kunit *test)
{
	const struct grain_case *c = test->param_value;
	struct mxl_grain_header *h = make_grain(test, c);
	struct mxl_geometry geo = { .kind = MXL_KIND_DISCRETE, .nr_payloads = 5 };

	KUNIT_ASSERT_EQ(test, mxl_check_grain(h, c->size, &geo), c->ret);
	KUNIT_EXPECT_EQ(test, geo.payload_size, c->ret ? 0 : c->size);
	KUNIT_EXPECT_EQ(test, geo.total_slices, c->ret ? 0 : c->slices);
}

static void geometry_is_that_of_the_first_grain(struct kunit *test)
{
	static const struct grain_case others[] = {
		{ "same", 1, 4096, 8192, 8, GOOD_SIZE, 0 },
		{ "other slices", 1, 4096, 8192, 9, GOOD_SIZE, -EBADMSG },
		{ "smaller", 1, 4096, 8191, 8, GOOD_SIZE - 1, -EBADMSG },
		{ "larger", 1, 4096, 8193, 8, GOOD_SIZE + 1, -EBADMSG },
	};
	struct mxl_geometry geo = { .kind = MXL_KIND_DISCRETE, .nr_payloads = 5 };
	int i, ret;

	ret = mxl_check_grain(make_grain(test, &grain_cases[0]), GOOD_SIZE, &geo);
	KUNIT_ASSERT_EQ(test, ret, 0);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		ret = mxl_check_grain(make_grain(test, &others[i]), others[i].size, &geo);
		KUNIT_EXPECT_EQ_MSG(test, ret, others[i].ret, "%s", others[i].name);
		KUNIT_EXPECT_EQ(test, geo.payload_size, GOOD_SIZE);
		KUNIT_EXPECT_EQ(test, geo.total_slices, 8);
	}
}

/* ---- the file of samples ----------------------------------------------------------------- */

struct samples_case {
	const char *name;
	u32 channels;
	u32 length;
	u64 size;
	int ret;
	u32 word;
};

static const struct samples_case samples_cases[] = {
	{ "floats", 2, 4096, 2 * 4096 * 4, 0, 4 },
	{ "doubles", 16, 19456, 16 * 19456 * 8, 0, 8 },
	{ "bytes", 1, 2, 2, 0, 1 },
	{ "widest", 2, 4096, 2 * 4096 * 16, 0, 16 },
	{ "too wide", 2, 4096, 2 * 4096 * 17, -EBADMSG },
	{ "one byte too many", 2, 4096, 2 * 4096 * 4 + 1, -EBADMSG },
	{ "one byte too few", 2, 4096, 2 * 4096 * 4 - 1, -EBADMSG },
	{ "empty", 2, 4096, 0, -EBADMSG },
	{ "less than a byte for each", 2, 4096, 4096, -EBADMSG },
	{ "counts that overflow 32 bits", 1 << 16, 1 << 16, 1 << 18, -EBADMSG },
	{ "more than offsets can name", U32_MAX, U32_MAX, (u64)U32_MAX * U32_MAX, -EBADMSG },
	{ "absurd file", 1, 2, U64_MAX, -EBADMSG },
};

static void samples_case_name(const struct samples_case *c, char *name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(samples, samples_cases, samples_case_name);

static void geometry_of_samples(struct kunit *test)
{
	const struct samples_case *c = test->param_value;
	struct mxl_geometry geo = {
		.kind = MXL_KIND_CONTINUOUS,
		.nr_payloads = 1,
		.channels = c->channels,
		.buffer_length = c->length,
	};

	KUNIT_ASSERT_EQ(test, mxl_check_samples(c->size, &geo), c->ret);
	KUNIT_EXPECT_EQ(test, geo.word_size, c->word);
	KUNIT_EXPECT_EQ(test, geo.payload_size, c->ret ? 0 : c->size);
}

static struct kunit_case geometry_test_cases[] = {
	KUNIT_CASE_PARAM(geometry_of_header, header_gen_params),
	KUNIT_CASE_PARAM(geometry_of_grain, grain_gen_params),
	KUNIT_CASE(geometry_is_that_of_the_first_grain),
	KUNIT_CASE_PARAM(geometry_of_samples, samples_gen_params),
	{}
};

static struct kunit_suite geometry_suite = {
	.name = "mxl_geometry",
	.test_cases = geometry_test_cases,
};

kunit_test_suite(geometry_suite);

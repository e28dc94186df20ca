/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_spec.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tool_args.h"

#define TEXT_MAX 64
#define RATE_MAX 1000000
#define WIDTH_MAX 7680
#define HEIGHT_MAX 4320
#define CHANNELS_MAX 1024

static int64_t greatest_divisor(int64_t a, int64_t b)
{
	while (b != 0) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

int tool_spec_rate(const char *text, mxlRational *ret_rate)
{
	static const struct {
		const char *text;
		int64_t numerator;
	} decimals[] = {
		{ "23.976", 24000 }, { "23.98", 24000 }, { "29.97", 30000 },
		{ "47.95", 48000 },  { "59.94", 60000 }, { "119.88", 120000 },
	};
	uint64_t numerator, denominator = 1;
	char copy[TEXT_MAX];
	char *slash;
	int64_t divisor;
	size_t i;

	for (i = 0; i < sizeof(decimals) / sizeof(decimals[0]); i++) {
		if (strcmp(text, decimals[i].text) == 0) {
			*ret_rate = (mxlRational){ decimals[i].numerator, 1001 };
			return 0;
		}
	}
	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	slash = strchr(copy, '/');
	if (slash) {
		*slash = '\0';
		if (tool_parse_number(slash + 1, 1, RATE_MAX, &denominator) < 0)
			return -EINVAL;
	}
	if (tool_parse_number(copy, 1, RATE_MAX, &numerator) < 0)
		return -EINVAL;
	divisor = greatest_divisor((int64_t)numerator, (int64_t)denominator);
	ret_rate->numerator = (int64_t)numerator / divisor;
	ret_rate->denominator = (int64_t)denominator / divisor;
	return 0;
}

/* Cut @text at the first @mark; what stands behind it is returned, NULL if there is no mark. */
static char *cut_at(char *text, char mark)
{
	char *at = strchr(text, mark);

	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

static bool cut_suffix(char *text, const char *suffix)
{
	size_t length = strlen(text), cut = strlen(suffix);

	if (length <= cut || strcmp(text + length - cut, suffix) != 0)
		return false;
	text[length - cut] = '\0';
	return true;
}

static int copy_text(const char *text, char copy[static TEXT_MAX], const char **ret_reason)
{
	if (strlen(text) >= TEXT_MAX) {
		*ret_reason = "it is too long";
		return -EINVAL;
	}
	strcpy(copy, text);
	return 0;
}

static const char *cut_interlace_mode(char *rate)
{
	if (cut_suffix(rate, "tff") || cut_suffix(rate, "i"))
		return "interlaced_tff";
	if (cut_suffix(rate, "bff"))
		return "interlaced_bff";
	cut_suffix(rate, "p");
	return "progressive";
}

static int check_interlaced(const struct tool_spec *spec, const char **ret_reason)
{
	bool rate_25 = spec->rate.numerator == 25 && spec->rate.denominator == 1;
	bool rate_29 = spec->rate.numerator == 30000 && spec->rate.denominator == 1001;

	if (strcmp(spec->interlace_mode, "progressive") == 0)
		return 0;
	if (!rate_25 && !rate_29) {
		*ret_reason = "interlaced video has 25 or 30000/1001 frames per second";
		return -EINVAL;
	}
	if (spec->height % 2 != 0) {
		*ret_reason = "interlaced video has an even number of lines";
		return -EINVAL;
	}
	return 0;
}

int tool_spec_video(const char *text, struct tool_spec *ret_spec, const char **ret_reason)
{
	struct tool_spec spec = { .format = MXL_DATA_FORMAT_VIDEO, .bit_depth = 10 };
	char copy[TEXT_MAX];
	char *height, *rate, *type;
	uint64_t number;

	if (copy_text(text, copy, ret_reason) < 0)
		return -EINVAL;
	type = cut_at(copy, ':');
	rate = cut_at(copy, '@');
	height = cut_at(copy, 'x');
	if (!rate || !height) {
		*ret_reason = "it does not look like 1920x1080@30000/1001 or 1920x1080@25i:v210a";
		return -EINVAL;
	}
	if (!type || strcmp(type, "v210") == 0) {
		spec.media_type = "video/v210";
	} else if (strcmp(type, "v210a") == 0) {
		spec.media_type = "video/v210a";
	} else {
		*ret_reason = "the pixel format after the colon is neither v210 nor v210a";
		return -EINVAL;
	}
	if (tool_parse_number(copy, 2, WIDTH_MAX, &number) < 0) {
		*ret_reason = "the width is no number from 2 to 7680";
		return -EINVAL;
	}
	spec.width = (unsigned int)number;
	if (tool_parse_number(height, 1, HEIGHT_MAX, &number) < 0) {
		*ret_reason = "the height is no number from 1 to 4320";
		return -EINVAL;
	}
	spec.height = (unsigned int)number;
	spec.interlace_mode = cut_interlace_mode(rate);
	if (tool_spec_rate(rate, &spec.rate) < 0) {
		*ret_reason = "the rate is neither like 25 nor like 30000/1001";
		return -EINVAL;
	}
	if (check_interlaced(&spec, ret_reason) < 0)
		return -EINVAL;
	*ret_spec = spec;
	return 0;
}

int tool_spec_audio(const char *text, struct tool_spec *ret_spec, const char **ret_reason)
{
	struct tool_spec spec = { .format = MXL_DATA_FORMAT_AUDIO };
	char copy[TEXT_MAX];
	char *channels, *type;
	uint64_t number;

	if (copy_text(text, copy, ret_reason) < 0)
		return -EINVAL;
	type = cut_at(copy, ':');
	channels = cut_at(copy, 'x');
	if (!channels) {
		*ret_reason = "it does not look like 48000x2 (samples per second x channels)";
		return -EINVAL;
	}
	if (!type || strcmp(type, "float32") == 0) {
		spec.media_type = "audio/float32";
		spec.bit_depth = 32;
	} else if (strcmp(type, "float64") == 0) {
		spec.media_type = "audio/float64";
		spec.bit_depth = 64;
	} else {
		*ret_reason = "the sample format after the colon is neither float32 nor float64";
		return -EINVAL;
	}
	if (tool_spec_rate(copy, &spec.rate) < 0) {
		*ret_reason = "the rate is no number of samples per second";
		return -EINVAL;
	}
	if (tool_parse_number(channels, 1, CHANNELS_MAX, &number) < 0) {
		*ret_reason = "the number of channels is not from 1 to 1024";
		return -EINVAL;
	}
	spec.channels = (unsigned int)number;
	*ret_spec = spec;
	return 0;
}

int tool_spec_data(const char *text, struct tool_spec *ret_spec, const char **ret_reason)
{
	struct tool_spec spec = {
		.format = MXL_DATA_FORMAT_DATA,
		.media_type = "video/smpte291",
	};
	char copy[TEXT_MAX];
	char *type;

	if (copy_text(text, copy, ret_reason) < 0)
		return -EINVAL;
	type = cut_at(copy, ':');
	if (type && strcmp(type, "smpte291") != 0) {
		*ret_reason = "the only data format is smpte291";
		return -EINVAL;
	}
	if (tool_spec_rate(copy, &spec.rate) < 0) {
		*ret_reason = "the rate is neither like 25 nor like 30000/1001";
		return -EINVAL;
	}
	*ret_spec = spec;
	return 0;
}

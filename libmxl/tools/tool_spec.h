/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Media formats as users write them on a command line.
 */
#ifndef MXL_TOOL_SPEC_H
#define MXL_TOOL_SPEC_H

#include <mxl/dataformat.h>
#include <mxl/rational.h>

/**
 * struct tool_spec - a media format
 * @format: MXL_DATA_FORMAT_VIDEO, _AUDIO or _DATA; UNSPECIFIED as long as there is none
 * @media_type: as in flow definitions, such as "video/v210"
 * @rate: frames, samples or data grains per second
 * @width: of a frame, video only
 * @height: of a frame, video only
 * @interlace_mode: as in flow definitions, video only
 * @channels: audio only
 * @bit_depth: 10 for video, 32 or 64 for audio
 */
struct tool_spec {
	enum mxlDataFormat format;
	const char *media_type;
	mxlRational rate;
	unsigned int width;
	unsigned int height;
	const char *interlace_mode;
	unsigned int channels;
	unsigned int bit_depth;
};

/**
 * tool_spec_rate() - read a rate
 * @text: "25", "30000/1001", or one of the decimals in use for such: 23.976, 29.97, 59.94, 119.88
 * @ret_rate: the rate in lowest terms
 *
 * Return: 0 or -EINVAL.
 */
int tool_spec_rate(const char *text, mxlRational *ret_rate);

/**
 * tool_spec_video() - read WIDTHxHEIGHT@RATE[p|i|tff|bff][:v210|:v210a]
 * @text: what the user wrote; "i" is the same as "tff", RATE counts frames even if interlaced
 * @ret_spec: the format; untouched on failure
 * @ret_reason: on failure what is wrong, a static string
 *
 * Return: 0 or -EINVAL.
 */
int tool_spec_video(const char *text, struct tool_spec *ret_spec, const char **ret_reason);

/**
 * tool_spec_audio() - read RATExCHANNELS[:float32|:float64]
 * @text: what the user wrote
 * @ret_spec: the format; untouched on failure
 * @ret_reason: on failure what is wrong, a static string
 *
 * Return: 0 or -EINVAL.
 */
int tool_spec_audio(const char *text, struct tool_spec *ret_spec, const char **ret_reason);

/**
 * tool_spec_data() - read RATE[:smpte291]
 * @text: what the user wrote
 * @ret_spec: the format; untouched on failure
 * @ret_reason: on failure what is wrong, a static string
 *
 * Return: 0 or -EINVAL.
 */
int tool_spec_data(const char *text, struct tool_spec *ret_spec, const char **ret_reason);

#endif /* MXL_TOOL_SPEC_H */

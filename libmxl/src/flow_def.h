/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow definitions: the NMOS IS-04 flow resource a writer is created from, reduced to what MXL needs
 * of it.
 */
#ifndef MXL_FLOW_DEF_H
#define MXL_FLOW_DEF_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/mxl_layout.h>
#include <mxl/dataformat.h>

#include "uuid.h"

enum mxl_media {
	MXL_MEDIA_V210, /* video/v210: 10 bit 4:2:2, 6 pixels in 16 bytes */
	MXL_MEDIA_V210A, /* video/v210a: v210 fill, then a 10 bit key */
	MXL_MEDIA_SMPTE291, /* video/smpte291: ancillary data as RFC 8331 */
	MXL_MEDIA_FLOAT, /* audio: planar floating point */
};

/**
 * struct mxl_flow_def - a checked flow definition
 * @id: the flow
 * @format: video, audio or data
 * @media: what the payload is made of
 * @rate: grains or samples per second in lowest terms; fields when @interlaced
 * @interlaced: a grain is a field
 * @width: pixels of a line (video)
 * @height: lines of a frame (video)
 * @channel_count: channels (audio)
 * @word_size: bytes of a sample, 4 or 8 (audio)
 */
struct mxl_flow_def {
	uuid_t id;
	mxlDataFormat format;
	enum mxl_media media;
	struct mxl_layout_rational rate;
	bool interlaced;
	uint32_t width;
	uint32_t height;
	uint32_t channel_count;
	uint32_t word_size;
};

/**
 * mxl_flow_def_parse - check a flow definition
 * @text: JSON
 * @ret: what it defines
 *
 * Return: 0; -EBADMSG, the log then names the field; -ENOMEM.
 */
int mxl_flow_def_parse(const char *text, struct mxl_flow_def *ret);

#endif /* MXL_FLOW_DEF_H */

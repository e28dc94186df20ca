/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the layout of media in a flow and its layout in a file.
 */
#ifndef MXL_TOOL_MEDIA_H
#define MXL_TOOL_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mxl/flow.h>

/**
 * enum tool_layout - how samples of several channels lie in a file
 * @TOOL_INTERLEAVED: one sample of each channel in turn, what ffmpeg calls f32le
 * @TOOL_PLANAR: blocks of a batch, in each the samples of one channel after those of another
 */
enum tool_layout {
	TOOL_INTERLEAVED,
	TOOL_PLANAR,
};

/**
 * tool_layout_parse() - read the name of a layout
 * @text: "interleaved" or "planar"
 * @ret_layout: the layout
 *
 * Return: 0 or -EINVAL.
 */
int tool_layout_parse(const char *text, enum tool_layout *ret_layout);

/**
 * tool_samples_scatter() - put samples of a file into a flow
 * @from: samples for all channels of @to
 * @layout: of @from
 * @word: bytes of a sample, 4 or 8
 * @to: what mxlFlowWriterOpenSamples() gave
 */
void tool_samples_scatter(const void *from, enum tool_layout layout, size_t word,
			  const mxlMutableWrappedMultiBufferSlice *to);

/**
 * tool_samples_gather() - take samples of a flow for a file
 * @from: what mxlFlowReaderGetSamples() gave
 * @word: bytes of a sample, 4 or 8
 * @to: room for all of them
 * @layout: of @to
 */
void tool_samples_gather(const mxlWrappedMultiBufferSlice *from, size_t word, void *to,
			 enum tool_layout layout);

/**
 * enum tool_anc - how grains of ancillary data lie in a file
 * @TOOL_ANC_GRAINS: whole grains of 4096 bytes
 * @TOOL_ANC_PACKED: one RFC 8331 payload after another, each from its Length field on and as long
 *	as that field says
 */
enum tool_anc {
	TOOL_ANC_GRAINS,
	TOOL_ANC_PACKED,
};

/**
 * tool_anc_parse() - read the name of a way to store ancillary data
 * @text: "grains" or "packed"
 * @ret_anc: the way
 *
 * Return: 0 or -EINVAL.
 */
int tool_anc_parse(const char *text, enum tool_anc *ret_anc);

/* Length (16 bits), ANC_Count (8), F (2) and reserved bits (22) in front of the packets. */
#define TOOL_ANC_HEADER 6

/**
 * tool_anc_length() - how long the payload in a grain is
 * @payload: at least TOOL_ANC_HEADER bytes
 *
 * Return: bytes from the Length field on, header included; may be more than a grain holds.
 */
size_t tool_anc_length(const uint8_t *payload);

/**
 * tool_grain_planes() - find out how the payload of a grain is divided
 * @config: of the flow
 * @grain: header of one of its grains
 * @ret_planes: bytes of each plane, in the order of the payload
 *
 * Return: number of planes, at least 1.
 */
size_t tool_grain_planes(const mxlFlowConfigInfo *config, const mxlGrainInfo *grain,
			 size_t ret_planes[static MXL_MAX_PLANES_PER_GRAIN]);

#endif /* MXL_TOOL_MEDIA_H */

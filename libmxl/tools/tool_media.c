/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_media.h"

#include <errno.h>
#include <string.h>

int tool_layout_parse(const char *text, enum tool_layout *ret_layout)
{
	if (strcmp(text, "interleaved") == 0)
		*ret_layout = TOOL_INTERLEAVED;
	else if (strcmp(text, "planar") == 0)
		*ret_layout = TOOL_PLANAR;
	else
		return -EINVAL;
	return 0;
}

int tool_anc_parse(const char *text, enum tool_anc *ret_anc)
{
	if (strcmp(text, "grains") == 0)
		*ret_anc = TOOL_ANC_GRAINS;
	else if (strcmp(text, "packed") == 0)
		*ret_anc = TOOL_ANC_PACKED;
	else
		return -EINVAL;
	return 0;
}

/*
 * Copy @count words, @from_step and @to_step words apart. The sizes are constants in each branch,
 * which lets the compiler use plain loads and stores.
 */
static void copy_words(uint8_t *to, size_t to_step, const uint8_t *from, size_t from_step,
		       size_t count, size_t word)
{
	size_t i;

	if (to_step == 1 && from_step == 1) {
		memcpy(to, from, count * word);
	} else if (word == 4) {
		for (i = 0; i < count; i++)
			memcpy(to + i * to_step * 4, from + i * from_step * 4, 4);
	} else {
		for (i = 0; i < count; i++)
			memcpy(to + i * to_step * word, from + i * from_step * word, word);
	}
}

void tool_samples_scatter(const void *from, enum tool_layout layout, size_t word,
			  const mxlMutableWrappedMultiBufferSlice *to)
{
	const mxlMutableBufferSlice *fragments = to->base.fragments;
	size_t total = (fragments[0].size + fragments[1].size) / word;
	size_t channel, part;

	for (channel = 0; channel < to->count; channel++) {
		size_t done = 0;

		for (part = 0; part < 2; part++) {
			size_t count = fragments[part].size / word;
			size_t at = layout == TOOL_PLANAR ? channel * total + done
							  : done * to->count + channel;

			if (count == 0)
				continue;
			copy_words((uint8_t *)fragments[part].pointer + channel * to->stride, 1,
				   (const uint8_t *)from + at * word,
				   layout == TOOL_PLANAR ? 1 : to->count, count, word);
			done += count;
		}
	}
}

void tool_samples_gather(const mxlWrappedMultiBufferSlice *from, size_t word, void *to,
			 enum tool_layout layout)
{
	const mxlBufferSlice *fragments = from->base.fragments;
	size_t total = (fragments[0].size + fragments[1].size) / word;
	size_t channel, part;

	for (channel = 0; channel < from->count; channel++) {
		size_t done = 0;

		for (part = 0; part < 2; part++) {
			size_t count = fragments[part].size / word;
			size_t at = layout == TOOL_PLANAR ? channel * total + done
							  : done * from->count + channel;

			if (count == 0)
				continue;
			copy_words(
				(uint8_t *)to + at * word, layout == TOOL_PLANAR ? 1 : from->count,
				(const uint8_t *)fragments[part].pointer + channel * from->stride,
				1, count, word);
			done += count;
		}
	}
}

size_t tool_anc_length(const uint8_t *payload)
{
	return TOOL_ANC_HEADER + ((size_t)payload[0] << 8 | payload[1]);
}

size_t tool_grain_planes(const mxlFlowConfigInfo *config, const mxlGrainInfo *grain,
			 size_t ret_planes[static MXL_MAX_PLANES_PER_GRAIN])
{
	size_t left = grain->grainSize;
	size_t count = 0;

	while (count < MXL_MAX_PLANES_PER_GRAIN && left > 0) {
		size_t size = (size_t)config->discrete.sliceSizes[count] * grain->totalSlices;

		if (size == 0)
			break;
		if (size > left)
			size = left;
		ret_planes[count++] = size;
		left -= size;
	}
	/* what no plane claims is handled as a plane of its own, so that no byte is forgotten */
	if (count == 0 || (left > 0 && count == MXL_MAX_PLANES_PER_GRAIN)) {
		ret_planes[0] = grain->grainSize;
		return 1;
	}
	if (left > 0)
		ret_planes[count++] = left;
	return count;
}

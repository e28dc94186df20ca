/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Geometry: counts and sizes of a flow's ring. A new flow's come from its definition and the
 * domain's history; an existing flow's come from its files (flow.c).
 */
#ifndef MXL_GEOMETRY_H
#define MXL_GEOMETRY_H

#include "flow_def.h"

/**
 * struct mxl_geometry - counts and sizes, invariant for the life of a flow
 * @format: video, audio or data
 * @rate: grains or samples per second
 * @slice_sizes: bytes of a slice in each plane (discrete)
 * @grain_count: slots of the ring (discrete), >= MXL_LAYOUT_MIN_GRAINS
 * @grain_size: payload bytes of a grain (discrete)
 * @total_slices: slices of a grain (discrete), > 0
 * @channel_count: planes (continuous), > 0
 * @buffer_length: samples of a plane (continuous), >= 2
 * @word_size: bytes of a sample, 4 or 8 (continuous)
 */
struct mxl_geometry {
	mxlDataFormat format;
	struct mxl_layout_rational rate;
	uint32_t slice_sizes[MXL_LAYOUT_MAX_PLANES];
	uint32_t grain_count;
	uint32_t grain_size;
	uint16_t total_slices;
	uint32_t channel_count;
	uint32_t buffer_length;
	uint32_t word_size;
};

/**
 * mxl_geometry_from_def - the geometry of a new flow
 * @def: its definition
 * @history_ns: how long what was written stays readable
 * @ret: the geometry
 *
 * Return: 0, or -EBADMSG with a line in the log when no ring can be made of it.
 */
int mxl_geometry_from_def(const struct mxl_flow_def *def, uint64_t history_ns,
			  struct mxl_geometry *ret);

/* Whether two flows carry the same essence; how much history they keep does not matter. */
bool mxl_geometry_equal(const struct mxl_geometry *a, const struct mxl_geometry *b);

/* The batch size hints of a flow whose writer gave none: a grain, or 10 ms of samples. */
uint32_t mxl_geometry_default_batch(const struct mxl_geometry *geometry);

/* Bytes of the file `channels`; fits in off_t, or there would be no such geometry. */
static inline uint64_t mxl_geometry_channels_size(const struct mxl_geometry *geometry)
{
	return (uint64_t)geometry->channel_count * geometry->buffer_length * geometry->word_size;
}

#endif /* MXL_GEOMETRY_H */

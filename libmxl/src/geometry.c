// SPDX-License-Identifier: Apache-2.0
#include "geometry.h"

#include <errno.h>
#include <string.h>

#include <mxl/dataformat.h>

#include "log.h"

/* Planes of samples begin on a page; 4096 is part of the format, not the host's page size. */
#define SAMPLE_PAGE 4096

/* v210 packs 6 pixels into 16 bytes and pads lines to 128 bytes, 48 pixels. */
static uint32_t v210_line(uint32_t width)
{
	return (width + 47) / 48 * 128;
}

/* The key packs 3 pixels into 4 bytes. */
static uint32_t key_line(uint32_t width)
{
	return (width + 2) / 3 * 4;
}

static void set_slices(const struct mxl_flow_def *def, struct mxl_geometry *geometry)
{
	uint32_t line = 0;

	if (def->media == MXL_MEDIA_SMPTE291) {
		geometry->slice_sizes[0] = 1;
		geometry->total_slices = MXL_DATA_FORMAT_GRAIN_SIZE;
	} else {
		geometry->slice_sizes[0] = v210_line(def->width);
		if (def->media == MXL_MEDIA_V210A)
			geometry->slice_sizes[1] = key_line(def->width);
		geometry->total_slices =
			(uint16_t)(def->interlaced ? def->height / 2 : def->height);
	}
	for (int plane = 0; plane < MXL_LAYOUT_MAX_PLANES; plane++)
		line += geometry->slice_sizes[plane];
	geometry->grain_size = line * geometry->total_slices;
}

/* history_ns * rate / unit; saturates far above every limit it is compared with. */
static uint64_t history_units(uint64_t history_ns, const struct mxl_layout_rational *rate,
			      uint64_t unit)
{
	return mxl_u128_div((mxl_u128)history_ns * (uint64_t)rate->numerator,
			    (mxl_u128)unit * (uint64_t)rate->denominator);
}

static int set_grain_count(uint64_t history_ns, struct mxl_geometry *geometry)
{
	uint64_t grains = history_units(history_ns, &geometry->rate, MXL_LAYOUT_NSEC_PER_SEC);

	if (grains < MXL_LAYOUT_MIN_GRAINS || grains > MXL_LAYOUT_MAX_GRAINS) {
		mxl_error("a history of %llu ns at %lld/%lld grains per second is %llu grains; "
			  "%d to %d are possible",
			  (unsigned long long)history_ns, (long long)geometry->rate.numerator,
			  (long long)geometry->rate.denominator, (unsigned long long)grains,
			  MXL_LAYOUT_MIN_GRAINS, MXL_LAYOUT_MAX_GRAINS);
		return -EBADMSG;
	}
	geometry->grain_count = (uint32_t)grains;
	return 0;
}

/* Twice the history, because the writer owns the half that is not readable. */
static int set_buffer_length(uint64_t history_ns, struct mxl_geometry *geometry)
{
	uint32_t page = SAMPLE_PAGE / geometry->word_size;
	uint64_t bytes;
	uint64_t samples = history_units(history_ns, &geometry->rate, MXL_LAYOUT_NSEC_PER_SEC / 2);

	if (samples == 0 || samples > UINT32_MAX - page) {
		mxl_error("a history of %llu ns at %lld/%lld samples per second makes no ring",
			  (unsigned long long)history_ns, (long long)geometry->rate.numerator,
			  (long long)geometry->rate.denominator);
		return -EBADMSG;
	}
	geometry->buffer_length = (uint32_t)((samples + page - 1) / page * page);
	if (__builtin_mul_overflow((uint64_t)geometry->buffer_length * geometry->word_size,
				   geometry->channel_count, &bytes) ||
	    bytes > INT64_MAX) {
		mxl_error("%u channels of %u samples are more than a file can hold",
			  geometry->channel_count, geometry->buffer_length);
		return -EBADMSG;
	}
	return 0;
}

int mxl_geometry_from_def(const struct mxl_flow_def *def, uint64_t history_ns,
			  struct mxl_geometry *ret)
{
	struct mxl_geometry geometry = { .format = def->format, .rate = def->rate };
	int r;

	if (mxlIsDiscreteDataFormat((int)def->format)) {
		set_slices(def, &geometry);
		r = set_grain_count(history_ns, &geometry);
	} else {
		geometry.channel_count = def->channel_count;
		geometry.word_size = def->word_size;
		r = set_buffer_length(history_ns, &geometry);
	}
	if (r == 0)
		*ret = geometry;
	return r;
}

bool mxl_geometry_equal(const struct mxl_geometry *a, const struct mxl_geometry *b)
{
	return a->format == b->format && a->rate.numerator == b->rate.numerator &&
	       a->rate.denominator == b->rate.denominator &&
	       memcmp(a->slice_sizes, b->slice_sizes, sizeof(a->slice_sizes)) == 0 &&
	       a->grain_size == b->grain_size && a->total_slices == b->total_slices &&
	       a->channel_count == b->channel_count && a->word_size == b->word_size;
}

uint32_t mxl_geometry_default_batch(const struct mxl_geometry *geometry)
{
	uint64_t samples;

	if (geometry->total_slices > 0)
		return geometry->total_slices;
	samples = (uint64_t)geometry->rate.numerator / 100 / (uint64_t)geometry->rate.denominator;
	return samples == 0 ? 1 : samples > UINT32_MAX ? UINT32_MAX : (uint32_t)samples;
}

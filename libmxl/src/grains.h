/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of a discrete flow: how grains are published and read. grains.c has the protocol.
 */
#ifndef MXL_GRAINS_H
#define MXL_GRAINS_H

#include <stdbool.h>

#include <mxl/flow.h>

#include "flow.h"

/**
 * struct mxl_grain_writer - what a writer of grains remembers between calls
 * @open_index: the grain that is open, or MXL_UNDEFINED_INDEX
 * @restart: the open grain begins a new generation: it is this writer's first, and not above the head
 * @newest: newest grain this writer committed slices of, or MXL_UNDEFINED_INDEX before the first
 * @newest_ended: @newest is complete or INVALID
 * @newest_slices: valid slices of @newest
 * @signalled_slices: valid slices of @newest when it was last signalled
 *
 * One thread at a time; nothing of it is shared.
 */
struct mxl_grain_writer {
	uint64_t open_index;
	bool restart;
	uint64_t newest;
	bool newest_ended;
	uint16_t newest_slices;
	uint16_t signalled_slices;
};

void mxl_grain_writer_init(struct mxl_grain_writer *writer);

/**
 * mxl_grains_check - whether a grain can be read
 * @flow: a discrete flow
 * @index: the grain
 * @slices: valid slices it must have; more than it has means all
 *
 * Return: as mxl_condition_check().
 */
int mxl_grains_check(const struct mxl_flow *flow, uint64_t index, uint16_t slices);

/**
 * mxl_grains_get - read a grain's header and find its payload
 * @flow: a discrete flow
 * @index: the grain
 * @slices: valid slices it must have; more than it has means all
 * @ret_info: its header; only the members that version 1 defines are stored
 * @ret_payload: its payload, in the mapping; overwritten once the head is N-1 grains further
 *
 * Return: as mxl_condition_check().
 */
int mxl_grains_get(const struct mxl_flow *flow, uint64_t index, uint16_t slices,
		   mxlGrainInfo *ret_info, uint8_t **ret_payload);

/**
 * mxl_grains_intact - whether what was read of a grain's payload up to now was that grain's
 * @flow: a discrete flow
 * @index: the grain
 */
bool mxl_grains_intact(const struct mxl_flow *flow, uint64_t index);

/* The header that is in the slot of @index, whichever grain it belongs to. Return: 0; -ESTALE. */
int mxl_grains_peek(const struct mxl_flow *flow, uint64_t index, mxlGrainInfo *ret_info);

/**
 * mxl_grains_open - begin or go on writing a grain
 * @flow: a discrete flow, writable
 * @writer: its writer
 * @index: the grain
 * @ret_info: its header, to be given to mxl_grains_commit()
 * @ret_payload: its payload
 *
 * Return: 0; -EINVAL for MXL_UNDEFINED_INDEX and for what this writer has already completed or
 * moved past.
 */
int mxl_grains_open(struct mxl_flow *flow, struct mxl_grain_writer *writer, uint64_t index,
		    mxlGrainInfo *ret_info, uint8_t **ret_payload);

/**
 * mxl_grains_commit - publish the open grain as far as it is valid
 * @flow: a discrete flow, writable
 * @writer: its writer
 * @info: index, flags and validSlices are taken from it
 *
 * Publishes and signals.
 *
 * Return: 0; -EINVAL when another or no grain is open, for more slices than the grain has or fewer
 * than it had, and for a header of another version.
 */
int mxl_grains_commit(struct mxl_flow *flow, struct mxl_grain_writer *writer,
		      const mxlGrainInfo *info);

#endif /* MXL_GRAINS_H */

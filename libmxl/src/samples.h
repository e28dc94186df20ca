/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of a continuous flow: how samples are published and read. samples.c has the protocol.
 */
#ifndef MXL_SAMPLES_H
#define MXL_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>

#include <mxl/flow.h>

#include "flow.h"

/**
 * struct mxl_sample_writer - what a writer of samples remembers between calls
 * @open_index: end of the open range, or MXL_UNDEFINED_INDEX
 * @open_count: samples of the open range
 * @newest: end of the newest range this writer committed, or MXL_UNDEFINED_INDEX before the first
 * @signalled_batch: batch of maxSyncBatchSizeHint samples that was signalled last
 *
 * One thread at a time; nothing of it is shared.
 */
struct mxl_sample_writer {
	uint64_t open_index;
	size_t open_count;
	uint64_t newest;
	uint64_t signalled_batch;
};

void mxl_sample_writer_init(struct mxl_sample_writer *writer);

/* The most samples that can be read, or written, at once: half of the buffer. */
static inline size_t mxl_samples_max(const struct mxl_flow *flow)
{
	return flow->geometry.buffer_length / 2;
}

/**
 * mxl_samples_check - whether a range of samples can be read
 * @flow: a continuous flow
 * @index: its end (exclusive)
 * @count: its length; 0 asks only whether all before @index were written
 *
 * Return: 0; -EAGAIN before they are there; -ERANGE when they are not, or not all, any more.
 */
int mxl_samples_check(const struct mxl_flow *flow, uint64_t index, size_t count);

/**
 * mxl_samples_intact - whether what was read of a range up to now was of that range
 * @flow: a continuous flow
 * @index: its end (exclusive)
 * @count: its length
 */
bool mxl_samples_intact(const struct mxl_flow *flow, uint64_t index, size_t count);

/**
 * mxl_samples_get - find a range of samples
 * @flow: a continuous flow
 * @index: its end (exclusive)
 * @count: its length
 * @ret: the samples of the first channel in up to two fragments, and the stride to the others
 *
 * Return: as mxl_samples_check().
 */
int mxl_samples_get(const struct mxl_flow *flow, uint64_t index, size_t count,
		    mxlWrappedMultiBufferSlice *ret);

/**
 * mxl_samples_open - begin writing a range of samples
 * @flow: a continuous flow, writable
 * @writer: its writer
 * @index: end of the range (exclusive)
 * @count: its length, 1 to half of the buffer
 * @ret: where to write; as mxl_samples_get()
 *
 * Return: 0; -EINVAL for a range that is empty, too long, begins before index 0, or ends at or
 * before what this writer has already committed.
 */
int mxl_samples_open(struct mxl_flow *flow, struct mxl_sample_writer *writer, uint64_t index,
		     size_t count, mxlMutableWrappedMultiBufferSlice *ret);

/* Publishes the open range, signals at batch ends. Return: 0, or -EINVAL when none is open. */
int mxl_samples_commit(struct mxl_flow *flow, struct mxl_sample_writer *writer);

#endif /* MXL_SAMPLES_H */

/* SPDX-License-Identifier: Apache-2.0 */
/* Writers: what an mxlFlowWriter points to. */
#ifndef MXL_WRITER_H
#define MXL_WRITER_H

#include "grains.h"
#include "reader.h"
#include "samples.h"

/**
 * struct mxlFlowWriter_t - a writer
 * @kind: MXL_HANDLE_GRAIN_WRITER or MXL_HANDLE_SAMPLE_WRITER; invariant
 * @users: times the handle was given out; protected by the instance's lock
 * @flow: its flow, writable; invariant
 * @grains: what is open and was committed (discrete); the calling thread's
 * @samples: what is open and was committed (continuous); the calling thread's
 * @next: list of the instance; protected by its lock
 *
 * One thread at a time may write through a writer, however often its handle was given out.
 */
struct mxlFlowWriter_t {
	enum mxl_handle_kind kind;
	unsigned int users;
	struct mxl_flow *flow;
	union {
		struct mxl_grain_writer grains;
		struct mxl_sample_writer samples;
	};
	struct mxlFlowWriter_t *next;
};

/* A new writer with one user; @flow stays the caller's to release. */
int mxl_writer_new(struct mxl_flow *flow, struct mxlFlowWriter_t **ret);

void mxl_writer_free(struct mxlFlowWriter_t *writer);

/*
 * The writing calls of the C API. Each first becomes the flow's writer where the backend enforces a
 * single one: -EBUSY while another is.
 */
int mxl_writer_open_grain(struct mxlFlowWriter_t *writer, uint64_t index, mxlGrainInfo *ret_info,
			  uint8_t **ret_payload);
int mxl_writer_commit_grain(struct mxlFlowWriter_t *writer, const mxlGrainInfo *info);
void mxl_writer_cancel_grain(struct mxlFlowWriter_t *writer);
int mxl_writer_open_samples(struct mxlFlowWriter_t *writer, uint64_t index, size_t count,
			    mxlMutableWrappedMultiBufferSlice *ret);
int mxl_writer_commit_samples(struct mxlFlowWriter_t *writer);
void mxl_writer_cancel_samples(struct mxlFlowWriter_t *writer);

/**
 * mxl_writer_wait_for_lock - become the flow's writer, waiting for it if need be
 * @writer: the writer
 * @deadline: CLOCK_MONOTONIC ns, or MXL_NO_DEADLINE
 *
 * Return: 0; -EBUSY if it was another's up to the deadline; -ESTALE if the flow is gone; -errno.
 */
int mxl_writer_wait_for_lock(struct mxlFlowWriter_t *writer, uint64_t deadline);

#endif /* MXL_WRITER_H */

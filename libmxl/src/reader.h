/* SPDX-License-Identifier: Apache-2.0 */
/* Readers: what an mxlFlowReader points to. */
#ifndef MXL_READER_H
#define MXL_READER_H

#include <stdatomic.h>

#include <mxl/flow.h>

#include "access.h"
#include "flow.h"
#include "notifier.h"

/* First member of every handle, so that a wrong one is an error and no crash. */
enum mxl_handle_kind {
	MXL_HANDLE_FREED = 0,
	MXL_HANDLE_GRAIN_READER = 0x4d584c01,
	MXL_HANDLE_SAMPLE_READER,
	MXL_HANDLE_GRAIN_WRITER,
	MXL_HANDLE_SAMPLE_WRITER,
	MXL_HANDLE_GROUP,
	MXL_HANDLE_INSTANCE,
	MXL_HANDLE_DOMAIN_EVENTS,
};

/**
 * struct mxlFlowReader_t - a reader
 * @kind: MXL_HANDLE_GRAIN_READER or MXL_HANDLE_SAMPLE_READER; invariant
 * @users: times the handle was given out; protected by the instance's lock
 * @references: one for the instance, one for each group that is waiting for it
 * @flow: its flow; invariant
 * @access: for lastReadTime
 * @notifier: its descriptor for poll(); NULL until somebody asks for it
 * @next: list of the instance; protected by its lock
 *
 * Reading needs no lock: all it changes is @access. Any number of threads may use one reader.
 */
struct mxlFlowReader_t {
	enum mxl_handle_kind kind;
	unsigned int users;
	atomic_uint references;
	struct mxl_flow *flow;
	struct mxl_access_mark access;
	_Atomic(struct mxl_notifier *) notifier;
	struct mxlFlowReader_t *next;
};

/* A new reader with one user and one reference; it owns @flow on success. */
int mxl_reader_new(struct mxl_flow *flow, struct mxlFlowReader_t **ret);

void mxl_reader_get(struct mxlFlowReader_t *reader);

/* The last reference closes the flow and frees the reader. */
void mxl_reader_put(struct mxlFlowReader_t *reader);

/**
 * mxl_reader_wait_grain - read a grain, waiting for it if need be
 * @reader: a grain reader
 * @index: the grain
 * @slices: valid slices it must have
 * @timeout_ns: how long to wait; 0 not at all, UINT64_MAX without end
 * @ret_info: its header
 * @ret_payload: its payload
 *
 * Return: 0; -EAGAIN, -ENODATA, -ERANGE as mxl_condition_check(); -ESTALE if the flow was deleted
 * or replaced.
 */
int mxl_reader_wait_grain(struct mxlFlowReader_t *reader, uint64_t index, uint16_t slices,
			  uint64_t timeout_ns, mxlGrainInfo *ret_info, uint8_t **ret_payload);

/* The same for @count samples before @index. */
int mxl_reader_wait_samples(struct mxlFlowReader_t *reader, uint64_t index, size_t count,
			    uint64_t timeout_ns, mxlWrappedMultiBufferSlice *ret);

/**
 * mxl_reader_get_notifier - the reader's descriptor for poll()
 * @reader: a reader
 * @ret: the notifier, made at the first call; belongs to the reader
 *
 * Return: 0 or -errno.
 */
int mxl_reader_get_notifier(struct mxlFlowReader_t *reader, struct mxl_notifier **ret);

#endif /* MXL_READER_H */

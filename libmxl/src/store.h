/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flows of a domain as folders on a file system: create, open, delete, collect.
 *
 * Any number of processes may do any of it to the same flow at the same time; store_private.h says
 * how they are kept from each other.
 */
#ifndef MXL_STORE_H
#define MXL_STORE_H

#include "backend.h"
#include "flow.h"
#include "flow_def.h"
#include "options.h"

/**
 * struct mxl_store - where an instance keeps its flows
 * @domain: path of the domain
 * @history_ns: how long what is written stays readable
 * @choice: how flows are mapped
 */
struct mxl_store {
	const char *domain;
	uint64_t history_ns;
	struct mxl_backend_choice choice;
};

/**
 * mxl_store_open_reader - open a flow to read it
 * @store: the store
 * @id: the flow
 * @ret: the flow; mxl_flow_close() it
 *
 * Return: 0; -ENOENT if there is none; -EACCES; -EBADMSG if its files are no flow.
 */
int mxl_store_open_reader(const struct mxl_store *store, const uuid_t id, struct mxl_flow **ret);

/**
 * mxl_store_open_writer - create a flow, or open it if it exists
 * @store: the store
 * @def_text: flow definition as given, kept in the flow
 * @def: the same, parsed
 * @options: hints for a new flow
 * @ret: the flow; mxl_store_release_writer() it
 * @ret_created: whether it is new
 *
 * Safe among any number of processes doing the same: one creates, the others open. The creator is
 * the writer before the flow appears; who opens one that has a writer already, where that is
 * enforced, stands by.
 *
 * Return: 0; -EBUSY if the flow exists with another geometry; -EACCES, -EROFS, -ENOSPC;
 * -EBADMSG as above.
 */
int mxl_store_open_writer(const struct mxl_store *store, const char *def_text,
			  const struct mxl_flow_def *def, const struct mxl_writer_options *options,
			  struct mxl_flow **ret, bool *ret_created);

/* Closes a flow opened for writing, and deletes it if no other writer has it. */
void mxl_store_release_writer(const struct mxl_store *store, struct mxl_flow *flow);

/* Whether a flow has a writer. Return: 0; -ENOENT; -errno. */
int mxl_store_is_active(const struct mxl_store *store, const uuid_t id, bool *ret);

/* The definition a flow was created with; free() it. Return: 0; -ENOENT; -errno. */
int mxl_store_read_def(const struct mxl_store *store, const uuid_t id, char **ret,
		       size_t *ret_size);

/* Deletes the flows that no writer has, and the temporary folders whose creator is dead. */
int mxl_store_collect(const struct mxl_store *store);

#endif /* MXL_STORE_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the store share: how folders and `data` are opened, and the locking that keeps
 * creators, openers and deleters of one flow from each other.
 *
 * Writers hold flock(LOCK_SH) on `data`; who gets LOCK_EX knows that there is no writer. Opening a
 * file and locking it are two steps, between which the flow may be deleted or replaced, so whoever
 * has a lock looks whether it still is the lock of the flow of that name, and starts again if not.
 */
#ifndef MXL_STORE_PRIVATE_H
#define MXL_STORE_PRIVATE_H

#include "store.h"

/* Folders that are not, or no more, flows. Never the name of one, so nobody takes it for one. */
#define MXL_TMP_PREFIX ".mxl-tmp-"

/* Opens the domain. Return: a descriptor or -errno. */
int mxl_store_open_domain(const struct mxl_store *store);

/* Opens the folder of a flow. Return: a descriptor; -ENOENT if there is none; -errno. */
int mxl_store_open_flow_dir(const struct mxl_store *store, const uuid_t id);

/* Opens `data` in the folder of a flow, O_RDONLY or O_RDWR. Return: a descriptor or -errno. */
int mxl_store_open_data(int dir, int flags);

/* Whether an open `data` still is the one that the flow's path leads to. */
bool mxl_store_is_current(const struct mxl_store *store, const uuid_t id, int data_fd);

/**
 * mxl_store_lock_current - lock `data` of a flow
 * @store: the store
 * @id: the flow
 * @data_fd: its open `data`
 * @operation: LOCK_SH or LOCK_EX
 * @patience_ns: how long to wait for others to let go; they may be hostile, or stopped
 *
 * Return: 0; -EBUSY; -ESTALE if it is locked, but no more the file of that flow; -errno.
 */
int mxl_store_lock_current(const struct mxl_store *store, const uuid_t id, int data_fd,
			   int operation, uint64_t patience_ns);

/* rename() in the domain that never replaces anything. Return: 0; -EEXIST if @to is there; -errno. */
int mxl_store_rename(int domain, const char *from, const char *to);

/**
 * mxl_store_create - build a flow, become its writer, then let it appear
 * @store: the store
 * @backend: how to map it; if that refuses, the store's fallback is used
 * @def_text: flow definition as given, kept in the flow
 * @def: the same, parsed
 * @geometry: of the flow
 * @options: hints of its writer
 * @ret: the flow
 *
 * Return: 0; -EEXIST if somebody was faster; -ENOSPC; -errno. Nothing is left behind then.
 */
int mxl_store_create(const struct mxl_store *store, const struct mxl_backend *backend,
		     const char *def_text, const struct mxl_flow_def *def,
		     const struct mxl_geometry *geometry, const struct mxl_writer_options *options,
		     struct mxl_flow **ret);

#endif /* MXL_STORE_PRIVATE_H */

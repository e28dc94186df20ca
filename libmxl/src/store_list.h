/* SPDX-License-Identifier: Apache-2.0 */
/* Which flows a store has, without using them. */
#ifndef MXL_STORE_LIST_H
#define MXL_STORE_LIST_H

#include "store.h"

/**
 * mxl_store_list - the flows of a domain
 * @store: the store
 * @ret: their ids; free() them
 * @ret_count: how many
 *
 * Return: 0 or -errno.
 */
int mxl_store_list(const struct mxl_store *store, uuid_t **ret, size_t *ret_count);

/* The flow that a folder of the domain holds by its name. Return: 0, or -EINVAL for others. */
int mxl_store_parse_dir_name(const char *name, uuid_t ret);

/* The path of a flow's folder. Return: 0; -ENAMETOOLONG. */
int mxl_store_flow_path(const struct mxl_store *store, const uuid_t id, char ret[PATH_MAX]);

/* The inode of a flow's `data`. Return: 0; -ENOENT if there is no such flow; -errno. */
int mxl_store_find(const struct mxl_store *store, const uuid_t id, ino_t *ret);

/* Opens `data` of a flow for reading. Return: a descriptor or -errno. */
int mxl_store_open_flow_data(const struct mxl_store *store, const uuid_t id);

#endif /* MXL_STORE_LIST_H */

/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeping until a flow appears in its domain. */
#ifndef MXL_APPEAR_H
#define MXL_APPEAR_H

#include "store.h"

/**
 * mxl_appear_wait - wait for a flow
 * @store: the store
 * @id: the flow
 * @deadline: CLOCK_MONOTONIC ns, or MXL_NO_DEADLINE
 *
 * Return: 0 when it is there; -ETIMEDOUT; -ENOENT when the domain is gone; -errno.
 */
int mxl_appear_wait(const struct mxl_store *store, const uuid_t id, uint64_t deadline);

#endif /* MXL_APPEAR_H */

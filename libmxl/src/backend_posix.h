/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeping on the futex, which the kernel backend shares: its flow may have a writer without. */
#ifndef MXL_BACKEND_POSIX_H
#define MXL_BACKEND_POSIX_H

#include "backend.h"

/**
 * mxl_posix_sleep - sleep until a flow is signalled, or it is time to look at its path again
 * @flow: the flow
 * @condition: decides which wakes matter
 * @seen: sync_counter as it was before the condition was checked
 * @deadline: CLOCK_MONOTONIC ns
 *
 * Return: 0 to check again; -ETIMEDOUT at the deadline; -ESTALE if the flow is gone.
 */
int mxl_posix_sleep(const struct mxl_flow *flow, const struct mxl_condition *condition,
		    uint32_t seen, uint64_t deadline);

#endif /* MXL_BACKEND_POSIX_H */

/* SPDX-License-Identifier: Apache-2.0 */
/* What else of a flow's attachment to /dev/mxl is of use; nothing of it exists in posix mode. */
#ifndef MXL_BACKEND_KERNEL_H
#define MXL_BACKEND_KERNEL_H

#include "backend.h"

/* The word of the activity page that takes the time of the last read (TAI ns), or NULL. */
uint64_t *mxl_kernel_last_read(const struct mxl_flow *flow);

/* The attachment, which belongs to the flow, or -1. */
int mxl_kernel_fd(const struct mxl_flow *flow);

/* Whether a writer holds the lock of the kernel, false in posix mode, and in which epoch. */
bool mxl_kernel_is_held(const struct mxl_flow *flow, uint64_t *ret_epoch);

#endif /* MXL_BACKEND_KERNEL_H */

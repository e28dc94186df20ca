/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why nothing moves when nothing moves, as far as mxl-info can tell.
 */
#ifndef MXL_INFO_STATE_H
#define MXL_INFO_STATE_H

#include <stddef.h>

#include "info_flow.h"

/**
 * info_state_find_cause() - why readers of a flow get nothing
 * @flow: after info_flow_look()
 * @text: room for a sentence without its stop
 * @size: of @text
 *
 * Return: false when they get something, or nothing is known.
 */
bool info_state_find_cause(const struct info_flow *flow, char *text, size_t size);

/** info_state_is_kernel() - whether the flow is used by the kernel module, which counts things */
bool info_state_is_kernel(const struct info_flow *flow);

#endif /* MXL_INFO_STATE_H */

/* SPDX-License-Identifier: Apache-2.0 */
/* How a flow is: what its header, its locks and the kernel say. */
#ifndef MXL_FLOW_STATE_H
#define MXL_FLOW_STATE_H

#include <mxl/state.h>

#include "flow.h"

/**
 * mxl_flow_state_get - collect the state of a flow
 * @flow: the flow, open for reading
 * @ret: all members but the size
 *
 * Return: 0 or -errno.
 */
int mxl_flow_state_get(const struct mxl_flow *flow, mxlFlowState *ret);

#endif /* MXL_FLOW_STATE_H */

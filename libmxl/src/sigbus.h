/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are truncated while they are mapped. Whoever may write a file may shorten it, and who
 * then touches a page that is gone is sent SIGBUS. Nobody is to die of what another process does to
 * its file: here such pages are zeros, from then on and in this process alone, and the flow is lost,
 * which mxl_flow_check() tells.
 *
 * SIGBUS has one handler in a process. It is installed with every flow unless it is there, and hands
 * each signal that is not a flow's on to the handler it found, or to the default. A handler that the
 * program installs later takes its place up to the next flow, and may call the one it found. A thread
 * that blocks SIGBUS gets no help: the kernel then kills the process.
 */
#ifndef MXL_SIGBUS_H
#define MXL_SIGBUS_H

#include "flow.h"

/* @flow: its regions are mapped. No thread may be at @flow's memory after mxl_sigbus_unguard(). */
void mxl_sigbus_guard(struct mxl_flow *flow);

/* Before the regions are unmapped. */
void mxl_sigbus_unguard(struct mxl_flow *flow);

#endif /* MXL_SIGBUS_H */

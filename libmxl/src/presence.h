/* SPDX-License-Identifier: Apache-2.0 */
/* Who writes a flow, as its locks tell: every writer holds flock(LOCK_SH) on `data`. */
#ifndef MXL_PRESENCE_H
#define MXL_PRESENCE_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * mxl_presence_probe - whether a flow has a writer
 * @data_fd: an open `data` that nobody uses as a writer
 * @ret: the answer
 * @ret_pid: a process that holds the lock, 0 if it is not visible or there is none; may be NULL
 *
 * The kernel's list of locks disturbs nobody, but shows only processes of the own pid namespace, so
 * that what it does not show is asked for by trying to lock. Those who try as well, and those who
 * have the lock alone to delete the flow, are not taken for writers. May therefore take a few
 * milliseconds.
 *
 * Return: 0 or -errno.
 */
int mxl_presence_probe(int data_fd, bool *ret, pid_t *ret_pid);

#endif /* MXL_PRESENCE_H */

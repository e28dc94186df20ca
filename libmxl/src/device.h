/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of /dev/mxl. All ioctls of the library are in device.c; <linux/mxl.h> documents what
 * they do. Results are 0 or -errno, and interrupted calls are made again with the time that is left.
 */
#ifndef MXL_DEVICE_H
#define MXL_DEVICE_H

#include <stdint.h>

#include <linux/mxl.h>

#include "backend.h"

#define MXL_DEVICE MXL_DEVICE_PATH

/**
 * mxl_device_open - a new attachment, not attached so far
 *
 * Return: a descriptor; -ENOENT without the module; -EACCES; -EPROTO if the file is not the device
 * this library knows.
 */
int mxl_device_open(void);

/* Whether the device can be used; its default for the history, or 0. */
int mxl_device_probe(uint64_t *ret_history_ns);

/* Gives a run of payload files to the attachment. @ret_missing: how many it still needs. */
int mxl_device_attach(int fd, int data_fd, uint32_t first, const int *payload_fds, uint32_t count,
		      uint32_t *ret_missing);

/* Time-outs in ns: 0 does not wait, UINT64_MAX waits without end. */
int mxl_device_lock(int fd, uint64_t timeout_ns);
int mxl_device_unlock(int fd);
int mxl_device_wait(int fd, const struct mxl_condition *condition, uint64_t timeout_ns);
int mxl_device_wait_many(int fd, struct mxl_wait_item *items, uint32_t count, uint64_t timeout_ns);
int mxl_device_commit(int fd, bool restart);
int mxl_device_arm(int fd, uint32_t events, const struct mxl_condition *condition, uint64_t epoch);
int mxl_device_state(int fd, struct mxl_state *ret);

#endif /* MXL_DEVICE_H */

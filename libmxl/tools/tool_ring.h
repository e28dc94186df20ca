/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A buffer between the thread that follows a flow and a file or pipe that may stall for longer
 * than the flow keeps its data. A thread of its own writes from the buffer.
 */
#ifndef MXL_TOOL_RING_H
#define MXL_TOOL_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tool_ring;

/**
 * tool_ring_new() - make a buffer and start the thread that empties it
 * @fd: where its content goes
 * @size: bytes
 * @ret_ring: the buffer
 *
 * Return: 0 or -errno.
 */
int tool_ring_new(int fd, size_t size, struct tool_ring **ret_ring);

/**
 * tool_ring_put() - hand over bytes, waiting for room if need be
 * @ring: the buffer
 * @data: bytes
 * @size: how many, all of which go in or none
 *
 * Return: 0; -EINTR when a signal asked to stop while there was no room; -EMSGSIZE when they
 * never fit; -errno of the writing thread, -EPIPE when the reader of a pipe has gone.
 */
int tool_ring_put(struct tool_ring *ring, const void *data, size_t size);

/**
 * tool_ring_end() - wait until everything is written, then end the thread and free the buffer
 * @ring: the buffer, may be NULL
 *
 * Once a signal asked to stop, the output gets one more second to take what is there.
 *
 * Return: 0; -ETIMEDOUT when the output did not take everything in that second (the buffer then
 * stays, for its thread may be asleep in write(); the process is expected to end); -errno of the
 * writing thread.
 */
int tool_ring_end(struct tool_ring *ring);

#endif /* MXL_TOOL_RING_H */

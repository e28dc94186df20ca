/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files, pipes and standard streams, read and written in full.
 */
#ifndef MXL_TOOL_IO_H
#define MXL_TOOL_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * tool_fill_standard_streams() - occupy the descriptors of standard streams that are closed
 *
 * Without this, a file opened later could become descriptor 1 or 2 and receive messages.
 */
void tool_fill_standard_streams(void);

/**
 * tool_read_file() - read a whole small file
 * @path: regular file, pipe or device; "-" is standard input
 * @max: most bytes accepted
 * @ret_text: the content and a NUL, to free()
 *
 * Return: 0; -EFBIG when there is more; -EBADMSG when there is a NUL inside; -errno.
 */
int tool_read_file(const char *path, uint64_t max, char **ret_text);

/**
 * struct tool_input - where media comes from
 * @name: for messages
 * @fd: descriptor
 * @size: bytes from the beginning on, 0 when unknown (pipe)
 * @start: offset at which a regular file is entered, for going back there
 * @at_end: end of file was seen
 */
struct tool_input {
	const char *name;
	int fd;
	uint64_t size;
	uint64_t start;
	bool at_end;
};

/**
 * tool_input_open() - open a file, or take standard input
 * @path: file; NULL or "-" for standard input
 * @ret_input: the input
 *
 * Return: 0 or -errno.
 */
int tool_input_open(const char *path, struct tool_input *ret_input);

/**
 * tool_input_read() - read until a buffer is full or the input ends
 * @input: from tool_input_open()
 * @buffer: room for @size bytes
 * @size: bytes wanted
 * @ret_length: bytes read; less than @size only at the end of the input
 *
 * Return: 0; -EINTR when a signal asked to stop; -errno of read().
 */
int tool_input_read(struct tool_input *input, void *buffer, size_t size, size_t *ret_length);

/**
 * tool_input_rewind() - go back to where a regular file was entered
 * @input: from tool_input_open()
 *
 * Return: 0 or -errno, -ESPIPE for what cannot go back.
 */
int tool_input_rewind(struct tool_input *input);

/** tool_input_close() - close what tool_input_open() opened */
void tool_input_close(struct tool_input *input);

/**
 * tool_output_open() - create or empty a file, or take standard output
 * @path: file; NULL or "-" for standard output
 * @ret_fd: the descriptor
 *
 * Return: 0 or -errno.
 */
int tool_output_open(const char *path, int *ret_fd);

/**
 * tool_write_full() - write everything, however often write() has to be called for it
 * @fd: where to
 * @buffer: what
 * @size: how many bytes
 *
 * Return: 0 or -errno, -EPIPE when the reader of a pipe has gone.
 */
int tool_write_full(int fd, const void *buffer, size_t size);

#endif /* MXL_TOOL_IO_H */

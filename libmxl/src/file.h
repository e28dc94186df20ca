/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of a domain. Anyone with access to the directory may have put anything there, so every file
 * is opened relative to a descriptor of its folder, without following links or blocking on a FIFO,
 * and must turn out to be a regular file.
 */
#ifndef MXL_FILE_H
#define MXL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Whether @path is on a file system that lives in memory. Return: 0 or -errno. */
int mxl_file_is_on_tmpfs(const char *path, bool *ret);

/**
 * mxl_file_open - open an existing regular file
 * @dir: descriptor of its folder
 * @name: its name, without a slash, or a path below @dir the caller trusts
 * @flags: O_RDONLY or O_RDWR
 * @ret_size: its size in bytes, may be NULL
 *
 * Return: a descriptor; -EBADMSG for anything but a regular file; -errno.
 */
int mxl_file_open(int dir, const char *name, int flags, off_t *ret_size);

/**
 * mxl_file_create - create a file and allocate all of it
 * @dir: descriptor of its folder
 * @name: its name, which must be free
 * @mode: permissions before the umask
 * @size: bytes to allocate, so that a full file system is an error now and no SIGBUS later
 *
 * Return: a descriptor open for reading and writing, or -errno; the file may be left behind.
 */
int mxl_file_create(int dir, const char *name, mode_t mode, off_t size);

/**
 * mxl_file_open_dir - open a folder without following a link
 * @dir: descriptor of its parent
 * @name: its name
 *
 * Return: a descriptor, or -errno.
 */
int mxl_file_open_dir(int dir, const char *name);

/**
 * mxl_file_read_text - read a whole file
 * @dir: descriptor of its folder
 * @name: its name
 * @max: refuse more bytes than this
 * @ret: the bytes with a zero behind them; free() them
 * @ret_size: the number of bytes without that zero, may be NULL
 *
 * Return: 0; -EFBIG; -errno as mxl_file_open().
 */
int mxl_file_read_text(int dir, const char *name, size_t max, char **ret, size_t *ret_size);

/* Writes all of @size bytes to a new file. Return: 0 or -errno. */
int mxl_file_write_new(int dir, const char *name, mode_t mode, const char *bytes, size_t size);

/* Whether @name below @dir is the file with this inode right now. */
bool mxl_file_is_inode(int dir, const char *name, ino_t inode);

/**
 * mxl_file_remove_tree - remove a folder and all below it, never what a link points to
 * @dir: descriptor of its parent
 * @name: its name
 *
 * Return: 0, also if it is gone already; the first errno met, after removing what could be.
 */
int mxl_file_remove_tree(int dir, const char *name);

#endif /* MXL_FILE_H */

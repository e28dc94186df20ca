// SPDX-License-Identifier: Apache-2.0
#include "file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "util.h"

/* A flow is two levels deep; what is deeper was not made by MXL and is left in place. */
#define REMOVE_MAX_DEPTH 8

int mxl_file_is_on_tmpfs(const char *path, bool *ret)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return -errno;
	*ret = fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC;
	return 0;
}

int mxl_file_open(int dir, const char *name, int flags, off_t *ret_size)
{
	MXL_CLEANUP(mxl_closep) int fd = -1;
	struct stat st;

	fd = openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		/* What these names stand for is no file to read or write. */
		if (errno == ELOOP || errno == EISDIR || errno == ENXIO)
			return -EBADMSG;
		return -errno;
	}
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	if (ret_size)
		*ret_size = st.st_size;
	return mxl_take_fd(&fd);
}

int mxl_file_create(int dir, const char *name, mode_t mode, off_t size)
{
	MXL_CLEANUP(mxl_closep) int fd = -1;
	int r;

	if (size < 0)
		return -EFBIG;
	fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	if (size > 0) {
		do {
			r = posix_fallocate(fd, 0, size);
		} while (r == EINTR);
		if (r != 0)
			return -r;
	}
	return mxl_take_fd(&fd);
}

int mxl_file_open_dir(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int read_all(int fd, char *buffer, size_t room, size_t *ret_size)
{
	size_t used = 0;

	while (used < room) {
		ssize_t n = read(fd, buffer + used, room - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	*ret_size = used;
	return 0;
}

int mxl_file_read_text(int dir, const char *name, size_t max, char **ret, size_t *ret_size)
{
	MXL_CLEANUP(mxl_closep) int fd = -1;
	MXL_CLEANUP(mxl_freep) char *text = NULL;
	size_t used = 0;
	off_t size;
	int r;

	fd = mxl_file_open(dir, name, O_RDONLY, &size);
	if (fd < 0)
		return fd;
	if (size < 0 || (size_t)size > max)
		return -EFBIG;

	text = malloc((size_t)size + 1);
	if (!text)
		return -ENOMEM;
	r = read_all(fd, text, (size_t)size, &used);
	if (r < 0)
		return r;

	text[used] = '\0';
	if (ret_size)
		*ret_size = used;
	*ret = mxl_take_ptr(text);
	return 0;
}

int mxl_file_write_new(int dir, const char *name, mode_t mode, const char *bytes, size_t size)
{
	MXL_CLEANUP(mxl_closep) int fd = mxl_file_create(dir, name, mode, 0);

	if (fd < 0)
		return fd;
	while (size > 0) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

bool mxl_file_is_inode(int dir, const char *name, ino_t inode)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == inode;
}

static int remove_entry(int dir, const char *name, int depth);

static int remove_children(int dir, const char *name, int depth)
{
	int fd = mxl_file_open_dir(dir, name);
	struct dirent *entry;
	int first_error = 0;
	DIR *stream;

	if (fd < 0)
		return fd;
	stream = fdopendir(fd);
	if (!stream) {
		first_error = -errno;
		close(fd);
		return first_error;
	}
	while ((entry = readdir(stream))) {
		int r;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = remove_entry(dirfd(stream), entry->d_name, depth + 1);
		if (r < 0 && first_error == 0)
			first_error = r;
	}
	closedir(stream);
	return first_error;
}

static int remove_entry(int dir, const char *name, int depth)
{
	int r;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	if (depth > REMOVE_MAX_DEPTH)
		return -ELOOP;

	r = remove_children(dir, name, depth);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

int mxl_file_remove_tree(int dir, const char *name)
{
	return remove_entry(dir, name, 0);
}

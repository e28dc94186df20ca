/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool_signal.h"

#define FIRST_SIZE 4096

static bool is_standard(const char *path)
{
	return !path || strcmp(path, "-") == 0;
}

void tool_fill_standard_streams(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		/* the wrong way round on purpose: using it stays the error it was */
		if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return;
	}
}

int tool_read_file(const char *path, uint64_t max, char **ret_text)
{
	struct tool_input input;
	size_t size = 0, room = 0, got = 0;
	char *text = NULL;
	int result;

	result = tool_input_open(path, &input);
	if (result < 0)
		return result;
	do {
		char *grown;

		room = room != 0 ? room * 2 : FIRST_SIZE;
		grown = realloc(text, room + 1);
		if (!grown) {
			result = -ENOMEM;
			break;
		}
		text = grown;
		result = tool_input_read(&input, text + size, room - size, &got);
		size += got;
		if (result == 0 && size > max)
			result = -EFBIG;
	} while (result == 0 && !input.at_end);
	tool_input_close(&input);
	if (result == 0 && memchr(text, '\0', size))
		result = -EBADMSG;
	if (result < 0) {
		free(text);
		return result;
	}
	text[size] = '\0';
	*ret_text = text;
	return 0;
}

int tool_input_open(const char *path, struct tool_input *ret_input)
{
	struct tool_input input = { .name = "standard input", .fd = STDIN_FILENO };
	struct stat status;

	if (!is_standard(path)) {
		input.name = path;
		input.fd = open(path, O_RDONLY | O_CLOEXEC);
		if (input.fd < 0)
			return -errno;
	}
	if (fstat(input.fd, &status) < 0) {
		int error = errno;

		tool_input_close(&input);
		return -error;
	}
	if (S_ISDIR(status.st_mode)) {
		tool_input_close(&input);
		return -EISDIR;
	}
	if (S_ISREG(status.st_mode)) {
		off_t at = lseek(input.fd, 0, SEEK_CUR);

		input.start = at > 0 ? (uint64_t)at : 0;
		if ((uint64_t)status.st_size > input.start)
			input.size = (uint64_t)status.st_size - input.start;
	}
	*ret_input = input;
	return 0;
}

int tool_input_read(struct tool_input *input, void *buffer, size_t size, size_t *ret_length)
{
	size_t length = 0;
	int result = 0;

	while (length < size && !input->at_end) {
		ssize_t got;

		result = tool_poll_fd(input->fd, POLLIN);
		if (result < 0)
			break;
		got = read(input->fd, (char *)buffer + length, size - length);
		if (got > 0) {
			length += (size_t)got;
		} else if (got == 0) {
			input->at_end = true;
		} else if (errno != EINTR && errno != EAGAIN) {
			result = -errno;
			break;
		}
	}
	*ret_length = length;
	return result;
}

int tool_input_rewind(struct tool_input *input)
{
	if (lseek(input->fd, (off_t)input->start, SEEK_SET) < 0)
		return -errno;
	input->at_end = false;
	return 0;
}

void tool_input_close(struct tool_input *input)
{
	if (input->fd > STDERR_FILENO)
		close(input->fd);
	input->fd = -1;
}

int tool_output_open(const char *path, int *ret_fd)
{
	int fd = STDOUT_FILENO;

	if (!is_standard(path)) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (fd < 0)
			return -errno;
	}
	*ret_fd = fd;
	return 0;
}

static int wait_writable(int fd)
{
	struct pollfd look = { .fd = fd, .events = POLLOUT };

	/* only a descriptor that somebody made non-blocking gets here */
	return poll(&look, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

int tool_write_full(int fd, const void *buffer, size_t size)
{
	const char *at = buffer;

	while (size > 0) {
		ssize_t put = write(fd, at, size);
		int result = 0;

		if (put >= 0) {
			at += put;
			size -= (size_t)put;
			continue;
		}
		if (errno == EAGAIN)
			result = wait_writable(fd);
		else if (errno != EINTR)
			result = -errno;
		if (result < 0)
			return result;
	}
	return 0;
}

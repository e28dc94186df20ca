// SPDX-License-Identifier: Apache-2.0
#include "presence.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "util.h"

#define LOCKS_FILE "/proc/locks"

/* Whoever else tries the lock has it for microseconds. */
#define PROBE_ATTEMPTS 8
#define PROBE_PAUSE_NS (MXL_NSEC_PER_MSEC / 2)

static void fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* The holder of a shared flock on a file, if this line of /proc/locks is one, else 0. */
static pid_t holder_in_line(const char *line, const struct stat *st)
{
	unsigned int major, minor;
	unsigned long inode;
	int pid;

	if (sscanf(line, "%*d: FLOCK %*s READ %d %x:%x:%lu", &pid, &major, &minor, &inode) != 4)
		return 0;
	return makedev(major, minor) == st->st_dev && inode == st->st_ino && pid > 0 ? pid : 0;
}

static pid_t find_holder(int fd)
{
	MXL_CLEANUP(fclosep) FILE *locks = NULL;
	char line[256];
	struct stat st;
	pid_t pid = 0;

	if (fstat(fd, &st) < 0)
		return 0;
	locks = fopen(LOCKS_FILE, "re");
	while (locks && pid == 0 && fgets(line, sizeof(line), locks))
		pid = holder_in_line(line, &st);
	return pid;
}

static int probe_lock(int fd, bool *ret)
{
	for (int attempt = 0; attempt < PROBE_ATTEMPTS; attempt++) {
		struct timespec pause = { .tv_nsec = PROBE_PAUSE_NS };

		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			flock(fd, LOCK_UN);
			*ret = false;
			return 0;
		}
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		nanosleep(&pause, NULL);
	}
	*ret = true;
	return 0;
}

int mxl_presence_probe(int data_fd, bool *ret, pid_t *ret_pid)
{
	pid_t pid = find_holder(data_fd);
	int r = 0;

	if (pid > 0)
		*ret = true;
	else
		r = probe_lock(data_fd, ret);
	/* The list is read in pieces, and skips entries while others lock and unlock. */
	for (int attempt = 0; r == 0 && *ret && pid <= 0 && attempt < PROBE_ATTEMPTS; attempt++)
		pid = find_holder(data_fd);
	if (r == 0 && ret_pid)
		*ret_pid = pid;
	return r;
}

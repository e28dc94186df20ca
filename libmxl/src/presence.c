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

/**
 * struct holders - who holds flock() on a file, as far as it can be seen
 * @shared: a process that shares it, as writers do; 0 if none is seen
 * @is_exclusive: a process has it alone: who deletes the flow, or looks for writers himself
 */
struct holders {
	pid_t shared;
	bool is_exclusive;
};

/* One line of the list; those of processes that wait for a lock have an arrow and do not match. */
static void add_line(struct holders *holders, const char *line, const struct stat *st)
{
	unsigned int major, minor;
	unsigned long inode;
	char kind[16];
	int pid;

	if (sscanf(line, "%*d: FLOCK %*s %15s %d %x:%x:%lu", kind, &pid, &major, &minor, &inode) !=
		    5 ||
	    makedev(major, minor) != st->st_dev || inode != st->st_ino)
		return;
	if (strcmp(kind, "READ") != 0)
		holders->is_exclusive = true;
	else if (pid > 0)
		holders->shared = pid;
}

static struct holders find_holders(int fd)
{
	MXL_CLEANUP(fclosep) FILE *locks = NULL;
	struct holders holders = { 0 };
	char line[256];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return holders;
	locks = fopen(LOCKS_FILE, "re");
	while (locks && fgets(line, sizeof(line), locks))
		add_line(&holders, line, &st);
	return holders;
}

/*
 * One look. Return: 0 with the answer; -EWOULDBLOCK if somebody has the lock just now, with the
 * answer if that goes on: those who are seen to have it alone write nothing, of others it is not
 * known how they have it.
 */
static int look(int fd, bool *ret, pid_t *ret_pid)
{
	struct holders holders = find_holders(fd);

	*ret_pid = holders.shared;
	*ret = !holders.is_exclusive;
	if (holders.shared > 0)
		return 0;
	if (holders.is_exclusive)
		return -EWOULDBLOCK;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	flock(fd, LOCK_UN);
	*ret = false;
	return 0;
}

int mxl_presence_probe(int data_fd, bool *ret, pid_t *ret_pid)
{
	bool is_written = false;
	pid_t pid = 0;
	int r = -EWOULDBLOCK;

	for (int attempt = 0; attempt < PROBE_ATTEMPTS && r == -EWOULDBLOCK; attempt++) {
		struct timespec pause = { .tv_nsec = PROBE_PAUSE_NS };

		if (attempt > 0)
			nanosleep(&pause, NULL);
		r = look(data_fd, &is_written, &pid);
	}
	if (r < 0 && r != -EWOULDBLOCK)
		return r;
	*ret = is_written;
	if (ret_pid)
		*ret_pid = pid;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_domain.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tool_args.h"
#include "tool_io.h"
#include "tool_msg.h"
#include "tool_progress.h"
#include "tool_signal.h"
#include "tool_text.h"

#define FLOW_SUFFIX ".mxl-flow"
#define DEFINITION_MAX (UINT64_C(1) << 20)

int tool_domain_check(const char *domain)
{
	struct stat status;
	char *shown;
	int error = 0;

	if (!domain) {
		tool_error("which domain? Name its directory with -d DIR, or give an address "
			   "such as mxl:///dev/shm/domain");
		return -EINVAL;
	}
	if (stat(domain, &status) < 0)
		error = errno;
	else if (!S_ISDIR(status.st_mode))
		error = ENOTDIR;
	else if (access(domain, R_OK | X_OK) < 0)
		error = errno;
	if (error == 0)
		return 0;
	shown = tool_text_escape(domain);
	tool_error("cannot use the domain %s: %s%s", shown ? shown : "", strerror(error),
		   error == ENOENT ? "; make the directory first, best on a tmpfs such as /dev/shm"
				   : "");
	free(shown);
	return -error;
}

/* The id in a directory entry's name; false when the entry is no flow's. */
static bool id_of_entry(const char *name, char ret_id[static 37])
{
	char stem[40];
	size_t length = strlen(name);

	if (length != 36 + strlen(FLOW_SUFFIX) || strcmp(name + 36, FLOW_SUFFIX) != 0)
		return false;
	memcpy(stem, name, 36);
	stem[36] = '\0';
	/* flows are looked up by the lower case name only */
	return tool_is_uuid(stem, ret_id) && strcmp(stem, ret_id) == 0;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(a, b);
}

int tool_domain_list(const char *domain, char (**ret_ids)[37], size_t *ret_count)
{
	char(*ids)[37] = NULL;
	size_t count = 0, room = 0;
	struct dirent *entry;
	DIR *directory;
	int result = 0;

	directory = opendir(domain);
	if (!directory)
		return -errno;
	while (errno = 0, (entry = readdir(directory))) {
		char id[37];

		if (!id_of_entry(entry->d_name, id))
			continue;
		if (count == room) {
			char(*grown)[37] = reallocarray(ids, room * 2 + 16, sizeof(*ids));

			if (!grown) {
				errno = ENOMEM;
				break;
			}
			ids = grown;
			room = room * 2 + 16;
		}
		memcpy(ids[count++], id, sizeof(id));
	}
	if (errno != 0)
		result = -errno;
	closedir(directory);
	if (result < 0) {
		free(ids);
		return result;
	}
	if (count > 0)
		qsort(ids, count, sizeof(*ids), compare_ids);
	*ret_ids = ids;
	*ret_count = count;
	return 0;
}

char *tool_domain_path(const char *domain, const char *id, const char *file)
{
	char *path;

	if (asprintf(&path, "%s/%s" FLOW_SUFFIX "%s%s", domain, id, file ? "/" : "",
		     file ? file : "") < 0)
		return NULL;
	return path;
}

static void find_name(struct tool_process *process)
{
	char path[64];
	FILE *stream;

	snprintf(process->name, sizeof(process->name), "?");
	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)process->pid);
	stream = fopen(path, "re");
	if (!stream)
		return;
	if (fgets(process->name, sizeof(process->name), stream))
		process->name[strcspn(process->name, "\n")] = '\0';
	fclose(stream);
}

/*
 * A line of /proc/locks: "12: FLOCK  ADVISORY  READ 4711 00:1b:123456 0 EOF", the device in
 * hexadecimal. Lines of waiting lockers have an arrow behind the number.
 */
static bool parse_lock(const char *line, const struct stat *file, pid_t *ret_pid)
{
	unsigned int major_number, minor_number;
	unsigned long long inode;
	long pid;

	if (sscanf(line, "%*d: FLOCK %*s %*s %ld %x:%x:%llu", &pid, &major_number, &minor_number,
		   &inode) != 4)
		return false;
	if (pid <= 0 || inode != file->st_ino || major_number != major(file->st_dev) ||
	    minor_number != minor(file->st_dev))
		return false;
	*ret_pid = (pid_t)pid;
	return true;
}

static bool is_known(const struct tool_process *writers, size_t count, pid_t pid)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (writers[i].pid == pid)
			return true;
	}
	return false;
}

size_t tool_domain_writers(const char *domain, const char *id, struct tool_process *writers,
			   size_t room)
{
	char *path = tool_domain_path(domain, id, "data");
	struct stat file;
	size_t count = 0;
	char line[256];
	FILE *locks;

	if (!path || stat(path, &file) < 0) {
		free(path);
		return 0;
	}
	free(path);
	locks = fopen("/proc/locks", "re");
	if (!locks)
		return 0;
	while (fgets(line, sizeof(line), locks)) {
		pid_t pid;

		/* a process with two writers holds two locks */
		if (!parse_lock(line, &file, &pid) ||
		    is_known(writers, count < room ? count : room, pid))
			continue;
		if (count < room) {
			writers[count].pid = pid;
			find_name(&writers[count]);
		}
		count++;
	}
	fclose(locks);
	return count;
}

int tool_domain_definition(const char *domain, char **ret_text)
{
	struct stat status;
	char *path;
	int result;

	if (asprintf(&path, "%s/domain_def.json", domain) < 0)
		return -ENOMEM;
	/* a FIFO planted there would keep open() waiting for ever */
	if (stat(path, &status) < 0)
		result = -errno;
	else if (!S_ISREG(status.st_mode))
		result = -EINVAL;
	else
		result = tool_read_file(path, DEFINITION_MAX, ret_text);
	free(path);
	return result;
}

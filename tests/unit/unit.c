// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];
static int scratch_fd = -1;
static int log_fd = -1;
static int saved_stderr = -1;
static char log_text[65536];

int scratch(void)
{
	return scratch_fd;
}

const char *scratch_path(void)
{
	return path;
}

void put_file(const char *name, const void *bytes, size_t size)
{
	int fd = openat(scratch_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

void log_start(void)
{
	log_fd = memfd_create("log", MFD_CLOEXEC);
	saved_stderr = dup(STDERR_FILENO);
	assert_true(log_fd >= 0 && saved_stderr >= 0);
	dup2(log_fd, STDERR_FILENO);
}

static void log_restore(void)
{
	if (log_fd < 0)
		return;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(log_fd);
	log_fd = -1;
}

const char *log_end(void)
{
	ssize_t n = pread(log_fd, log_text, sizeof(log_text) - 1, 0);

	log_restore();
	log_text[n > 0 ? n : 0] = '\0';
	return log_text;
}

uint64_t next_random(uint64_t *seed)
{
	uint64_t x;

	*seed += 0x9e3779b97f4a7c15ULL;
	x = *seed;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	x ^= x >> 31;
	return x >> (x & 1 ? (x >> 8) % 64 : 0);
}

static int begin(void **state __attribute__((unused)))
{
	strcpy(path, "/dev/shm/mxl-unit-XXXXXX");
	if (!mkdtemp(path))
		return -1;
	scratch_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return scratch_fd < 0 ? -1 : 0;
}

static int remove_entry(const char *name, const struct stat *st __attribute__((unused)),
			int flag __attribute__((unused)), struct FTW *ftw __attribute__((unused)))
{
	return remove(name);
}

static int end(void **state __attribute__((unused)))
{
	log_restore();
	close(scratch_fd);
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

int unit_main(const struct CMUnitTest *tests, size_t n)
{
	struct CMUnitTest *group = calloc(n, sizeof(*group));
	size_t i;
	int ret;

	if (!group)
		return 1;
	for (i = 0; i < n; i++) {
		group[i] = tests[i];
		group[i].setup_func = begin;
		group[i].teardown_func = end;
	}
	ret = _cmocka_run_group_tests("unit", group, n, NULL, NULL);
	free(group);
	return ret;
}

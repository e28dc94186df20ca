// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "presence.h"

static int open_data(void)
{
	int fd = openat(scratch(), "data", O_RDONLY | O_CREAT | O_CLOEXEC, 0666);

	assert_true(fd >= 0);
	return fd;
}

TEST(without_a_lock_there_is_nobody)
{
	int fd = open_data();
	bool active = true;
	pid_t pid = 99;

	assert_int_equal(mxl_presence_probe(fd, &active, &pid), 0);
	assert_false(active);
	assert_int_equal(pid, 0);
	/* The probe leaves no lock behind. */
	assert_int_equal(mxl_presence_probe(fd, &active, NULL), 0);
	assert_false(active);
	close(fd);
}

TEST(who_shares_the_lock_is_found)
{
	int fd = open_data(), writer = open_data();
	bool active = false;
	pid_t pid = 0;

	assert_int_equal(flock(writer, LOCK_SH | LOCK_NB), 0);
	assert_int_equal(mxl_presence_probe(fd, &active, &pid), 0);
	assert_true(active);
	assert_int_equal(pid, getpid());
	close(writer);
	assert_int_equal(mxl_presence_probe(fd, &active, &pid), 0);
	assert_false(active);
	close(fd);
}

/* Who deletes a flow has it for himself. */
TEST(who_has_the_lock_alone_is_no_writer)
{
	int fd = open_data(), other = open_data();
	bool active = true;
	pid_t pid = 99;

	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(mxl_presence_probe(fd, &active, &pid), 0);
	assert_false(active);
	assert_int_equal(pid, 0);
	close(other);
	close(fd);
}

/* The child of a pid namespace of its own does not see the process that holds the lock. */
static int probe_from_another_namespace(int fd)
{
	bool active = false;
	pid_t pid = 99;
	int status = -1;
	pid_t child;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
		return 77;
	child = fork();
	if (child == 0) {
		if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("proc", "/proc", "proc", 0, NULL) < 0)
			_exit(77);
		if (mxl_presence_probe(fd, &active, &pid) < 0)
			_exit(3);
		_exit(!active ? 1 : pid != 0 ? 2 : 0);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 4;
}

TEST(who_is_not_seen_is_found)
{
	int fd = open_data(), writer = open_data();
	int status = -1;
	pid_t child;

	assert_int_equal(flock(writer, LOCK_SH | LOCK_NB), 0);
	child = fork();
	if (child == 0)
		_exit(probe_from_another_namespace(fd));
	waitpid(child, &status, 0);
	close(writer);
	close(fd);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip(); /* not allowed to make namespaces here */
	assert_int_equal(WEXITSTATUS(status), 0);
}

static atomic_bool stop;

static void *probe_on(void *argument)
{
	int fd = *(int *)argument;

	while (!atomic_load(&stop)) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			flock(fd, LOCK_UN);
		usleep(100);
	}
	return NULL;
}

TEST(who_looks_too_is_no_writer)
{
	int fd = open_data(), other = open_data();
	pthread_t thread;
	bool active;
	int i;

	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&thread, NULL, probe_on, &other), 0);
	for (i = 0; i < 500; i++) {
		assert_int_equal(mxl_presence_probe(fd, &active, NULL), 0);
		assert_false(active);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	close(other);
	close(fd);
}

TEST(what_cannot_be_locked_is_an_error)
{
	bool active = true;
	pid_t pid = 99;

	assert_int_equal(mxl_presence_probe(-1, &active, &pid), -EBADF);
	assert_true(active);
	assert_int_equal(pid, 99);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_lock_there_is_nobody),
		cmocka_unit_test(who_shares_the_lock_is_found),
		cmocka_unit_test(who_has_the_lock_alone_is_no_writer),
		cmocka_unit_test(who_is_not_seen_is_found),
		cmocka_unit_test(who_looks_too_is_no_writer),
		cmocka_unit_test(what_cannot_be_locked_is_an_error),
	};

	return unit_main(tests, ARRAY_SIZE(tests));
}

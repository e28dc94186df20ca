// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

static unsigned int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

TEST(regular_files_are_opened)
{
	off_t size = 0;
	int fd;

	put_file("f", "hello", 5);
	fd = mxl_file_open(scratch(), "f", O_RDONLY, &size);
	assert_true(fd >= 0);
	assert_int_equal(size, 5);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	fd = mxl_file_open(scratch(), "f", O_RDWR, NULL);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

TEST(everything_else_is_refused_and_nothing_blocks)
{
	unsigned int before = count_fds();

	put_file("f", "hello", 5);
	assert_int_equal(mkdirat(scratch(), "dir", 0755), 0);
	assert_int_equal(mkfifoat(scratch(), "fifo", 0644), 0);
	assert_int_equal(symlinkat("f", scratch(), "link"), 0);
	assert_int_equal(symlinkat("/dev/zero", scratch(), "zero"), 0);
	assert_int_equal(symlinkat("loop", scratch(), "loop"), 0);
	assert_int_equal(mxl_file_open(scratch(), "missing", O_RDONLY, NULL), -ENOENT);
	assert_true(mxl_file_open(scratch(), "dir", O_RDONLY, NULL) < 0);
	assert_true(mxl_file_open(scratch(), "dir", O_RDWR, NULL) < 0);
	assert_true(mxl_file_open(scratch(), "fifo", O_RDONLY, NULL) < 0);
	assert_true(mxl_file_open(scratch(), "fifo", O_RDWR, NULL) < 0);
	assert_true(mxl_file_open(scratch(), "link", O_RDONLY, NULL) < 0);
	assert_true(mxl_file_open(scratch(), "zero", O_RDONLY, NULL) < 0);
	assert_true(mxl_file_open(scratch(), "loop", O_RDONLY, NULL) < 0);
	assert_int_equal(count_fds(), before);
}

TEST(created_files_are_allocated)
{
	struct stat st;
	int fd = mxl_file_create(scratch(), "f", 0664, 100000);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 100000);
	assert_true(st.st_blocks * 512 >= 100000);
	close(fd);
}

TEST(names_that_are_taken_are_not_created)
{
	put_file("f", "hello", 5);
	assert_int_equal(symlinkat("elsewhere", scratch(), "link"), 0);
	assert_int_equal(mxl_file_create(scratch(), "f", 0664, 10), -EEXIST);
	assert_int_equal(mxl_file_create(scratch(), "link", 0664, 10), -EEXIST);
	assert_int_equal(mxl_file_write_new(scratch(), "f", 0666, "x", 1), -EEXIST);
}

TEST(too_much_is_an_error_at_creation)
{
	unsigned int before = count_fds();

	assert_true(mxl_file_create(scratch(), "huge", 0664, (off_t)1 << 60) < 0);
	assert_true(mxl_file_create(scratch(), "negative", 0664, -1) < 0);
	assert_int_equal(count_fds(), before);
}

TEST(text_is_read_up_to_the_limit)
{
	char *text = NULL;
	size_t size = 0;

	put_file("f", "hello", 5);
	assert_int_equal(mxl_file_read_text(scratch(), "f", 5, &text, &size), 0);
	assert_string_equal(text, "hello");
	assert_int_equal(size, 5);
	free(text);
	text = NULL;
	assert_int_equal(mxl_file_read_text(scratch(), "f", 4, &text, NULL), -EFBIG);
	assert_null(text);
	assert_int_equal(mxl_file_read_text(scratch(), "g", 4, &text, NULL), -ENOENT);
	put_file("empty", "", 0);
	assert_int_equal(mxl_file_read_text(scratch(), "empty", 4, &text, &size), 0);
	assert_string_equal(text, "");
	assert_int_equal(size, 0);
	free(text);
}

TEST(text_is_written_byte_for_byte)
{
	char *text;
	size_t size;

	assert_int_equal(mxl_file_write_new(scratch(), "f", 0666, "a\0b", 3), 0);
	assert_int_equal(mxl_file_read_text(scratch(), "f", 10, &text, &size), 0);
	assert_int_equal(size, 3);
	assert_memory_equal(text, "a\0b", 4);
	free(text);
}

TEST(folders_are_opened_and_links_to_them_are_not)
{
	int fd;

	assert_int_equal(mkdirat(scratch(), "dir", 0755), 0);
	assert_int_equal(symlinkat("dir", scratch(), "link"), 0);
	put_file("f", "x", 1);
	fd = mxl_file_open_dir(scratch(), "dir");
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	assert_true(mxl_file_open_dir(scratch(), "link") < 0);
	assert_true(mxl_file_open_dir(scratch(), "f") < 0);
	assert_int_equal(mxl_file_open_dir(scratch(), "missing"), -ENOENT);
}

TEST(inodes_are_told_apart)
{
	struct stat st;

	put_file("f", "x", 1);
	put_file("g", "x", 1);
	assert_int_equal(fstatat(scratch(), "f", &st, 0), 0);
	assert_true(mxl_file_is_inode(scratch(), "f", st.st_ino));
	assert_false(mxl_file_is_inode(scratch(), "g", st.st_ino));
	assert_false(mxl_file_is_inode(scratch(), "missing", st.st_ino));
}

TEST(trees_are_removed_and_links_are_not_followed)
{
	struct stat st;

	assert_int_equal(mkdirat(scratch(), "outside", 0755), 0);
	put_file("outside/precious", "x", 1);
	assert_int_equal(mkdirat(scratch(), "tree", 0755), 0);
	assert_int_equal(mkdirat(scratch(), "tree/a", 0755), 0);
	assert_int_equal(mkdirat(scratch(), "tree/a/b", 0755), 0);
	put_file("tree/a/b/f", "x", 1);
	assert_int_equal(mkfifoat(scratch(), "tree/a/fifo", 0644), 0);
	assert_int_equal(symlinkat("../../outside", scratch(), "tree/a/link"), 0);
	assert_int_equal(symlinkat("../outside/precious", scratch(), "tree/link"), 0);
	assert_int_equal(mxl_file_remove_tree(scratch(), "tree"), 0);
	assert_int_equal(fstatat(scratch(), "tree", &st, 0), -1);
	assert_int_equal(fstatat(scratch(), "outside/precious", &st, 0), 0);
	/* what is gone is gone */
	assert_int_equal(mxl_file_remove_tree(scratch(), "tree"), 0);
}

TEST(link_in_the_place_of_a_tree_is_not_followed)
{
	struct stat st;

	assert_int_equal(mkdirat(scratch(), "outside", 0755), 0);
	put_file("outside/precious", "x", 1);
	assert_int_equal(symlinkat("outside", scratch(), "tree"), 0);
	(void)mxl_file_remove_tree(scratch(), "tree");
	assert_int_equal(fstatat(scratch(), "outside/precious", &st, 0), 0);
}

TEST(deep_trees_are_removed)
{
	char name[256];
	int depth, dir = dup(scratch());
	struct stat st;

	assert_int_equal(mkdirat(scratch(), "tree", 0755), 0);
	strcpy(name, "tree");
	for (depth = 0; depth < 60; depth++) {
		int next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		assert_true(next >= 0);
		close(dir);
		dir = next;
		strcpy(name, "d");
		assert_int_equal(mkdirat(dir, "d", 0755), 0);
	}
	close(dir);
	(void)mxl_file_remove_tree(scratch(), "tree");
	/* gone, or left alone as something that is no flow; no crash and no descriptors */
	if (fstatat(scratch(), "tree", &st, 0) == 0)
		assert_true(S_ISDIR(st.st_mode));
}

TEST(memory_file_systems_are_recognised)
{
	bool tmpfs = false;

	assert_int_equal(mxl_file_is_on_tmpfs("/proc", &tmpfs), 0);
	assert_false(tmpfs);
	assert_true(mxl_file_is_on_tmpfs("/missing/path", &tmpfs) < 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(regular_files_are_opened),
		cmocka_unit_test(everything_else_is_refused_and_nothing_blocks),
		cmocka_unit_test(created_files_are_allocated),
		cmocka_unit_test(names_that_are_taken_are_not_created),
		cmocka_unit_test(too_much_is_an_error_at_creation),
		cmocka_unit_test(text_is_read_up_to_the_limit),
		cmocka_unit_test(text_is_written_byte_for_byte),
		cmocka_unit_test(folders_are_opened_and_links_to_them_are_not),
		cmocka_unit_test(inodes_are_told_apart),
		cmocka_unit_test(trees_are_removed_and_links_are_not_followed),
		cmocka_unit_test(link_in_the_place_of_a_tree_is_not_followed),
		cmocka_unit_test(deep_trees_are_removed),
		cmocka_unit_test(memory_file_systems_are_recognised),
	};

	return unit_main(tests, ARRAY_SIZE(tests));
}

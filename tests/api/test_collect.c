// SPDX-License-Identifier: Apache-2.0
/* Garbage collection: what is taken, and what is left alone. */
#include "helpers.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

TEST(orphaned_flows_are_collected)
{
	orphan_flow(domain(), small_def(ID_A));
	orphan_flow(domain(), sound_def(ID_B));
	orphan_flow(domain(), anc_def(ID_C, 50, 1));
	assert_int_equal(count_entries(domain(), ".mxl-flow"), 3);
	assert_ok(mxlGarbageCollectFlows(instance()));
	assert_int_equal(count_entries(domain(), ""), 0);
}

TEST(empty_domain_is_fine)
{
	assert_ok(mxlGarbageCollectFlows(instance()));
	assert_int_equal(count_entries(domain(), ""), 0);
}

TEST(flows_with_a_writer_stay)
{
	struct child *c = start_holder(domain(), small_def(ID_A));

	child_expect(c, "created");
	open_writer(instance(), small_def(ID_B));
	orphan_flow(domain(), small_def(ID_C));
	assert_ok(mxlGarbageCollectFlows(instance()));
	assert_true(exists(flow_path(ID_A, "data")));
	assert_true(exists(flow_path(ID_B, "data")));
	assert_false(exists(flow_path(ID_C, NULL)));
	child_kill(c);
	assert_ok(mxlGarbageCollectFlows(instance()));
	assert_false(exists(flow_path(ID_A, NULL)));
	assert_true(exists(flow_path(ID_B, "data")));
}

TEST(readers_do_not_keep_a_flow_and_are_told)
{
	mxlFlowReader reader;
	struct waiter *w;

	orphan_flow(domain(), small_def(ID_A));
	reader = open_reader(instance(), ID_A);
	w = wait_for_grain(reader, 7, 1, FOREVER);
	waiter_asleep(w);
	assert_ok(mxlGarbageCollectFlows(open_instance(domain())));
	assert_false(exists(flow_path(ID_A, NULL)));
	assert_status(MXL_ERR_FLOW_INVALID, waiter_end(w));
	expect_status(reader, 7, MXL_ERR_FLOW_INVALID);
}

TEST(flow_that_was_collected_can_be_created_again)
{
	bool created = false;
	mxlFlowWriter writer;

	orphan_flow(domain(), small_def(ID_A));
	assert_ok(mxlGarbageCollectFlows(instance()));
	assert_ok(mxlCreateFlowWriter(instance(), sound_def(ID_A), NULL, &writer, NULL, &created));
	assert_true(created);
}

TEST(orphaned_flow_can_be_taken_over)
{
	bool created = true;
	mxlFlowWriter writer;

	orphan_flow(domain(), small_def(ID_A));
	assert_ok(mxlCreateFlowWriter(instance(), small_def(ID_A), NULL, &writer, NULL, &created));
	assert_false(created);
	write_grain(writer, 4);
	expect_grain(open_reader(instance(), ID_A), 4);
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	assert_int_equal(count_entries(domain(), ""), 0);
}

static void make_old(const char *path)
{
	struct timespec times[2];

	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= 3600;
	times[1] = times[0];
	assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

TEST(temporary_directories_of_dead_creators_are_collected)
{
	const char *empty = text("%s/.mxl-tmp-AbCdEf0123456789", domain());
	const char *full = text("%s/.mxl-tmp-zyxwvutsrqponmlk", domain());

	assert_int_equal(mkdir(empty, 0700), 0);
	assert_int_equal(mkdir(full, 0700), 0);
	assert_int_equal(mkdir(text("%s/grains", full), 0777), 0);
	write_file(text("%s/grains/data.0", full), "x");
	write_file(text("%s/data", full), "x");
	write_file(text("%s/flow_def.json", full), "{}");
	make_old(empty);
	make_old(full);
	assert_ok(mxlGarbageCollectFlows(instance()));
	assert_int_equal(count_entries(domain(), ""), 0);
}

TEST(what_is_not_ours_stays)
{
	static const char *const files[] = {
		"options.json",	      "domain_def.json",   "notes",    ".hidden", ID_A,
		ID_A ".mxl-flow.bak", "5fbec3b1.mxl-flow", ".mxl-tmp",
	};
	static const char *const dirs[] = { "directory", "x.mxl-flow", ID_B,
					    "mxl-tmp-AbCdEf012345" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		write_file(text("%s/%s", domain(), files[i]), "{}");
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		assert_int_equal(mkdir(text("%s/%s", domain(), dirs[i]), 0755), 0);
		write_file(text("%s/%s/data", domain(), dirs[i]), "x");
		make_old(text("%s/%s", domain(), dirs[i]));
	}
	assert_ok(mxlGarbageCollectFlows(instance()));
	for (i = 0; i < ARRAY_SIZE(files); i++)
		if (!exists(text("%s/%s", domain(), files[i])))
			fail_because("%s is gone", files[i]);
	for (i = 0; i < ARRAY_SIZE(dirs); i++)
		if (!exists(text("%s/%s/data", domain(), dirs[i])))
			fail_because("%s is gone", dirs[i]);
}

TEST(symbolic_links_are_not_followed)
{
	const char *outside = new_directory(NULL);

	/* a whole flow elsewhere, and links to it that look like flows and remains */
	orphan_flow(outside, small_def(ID_A));
	assert_int_equal(symlink(text("%s/" ID_A ".mxl-flow", outside), flow_path(ID_A, NULL)), 0);
	assert_int_equal(symlink(text("%s/" ID_A ".mxl-flow", outside),
				 text("%s/.mxl-tmp-AbCdEf0123456789", domain())),
			 0);
	make_old(text("%s/.mxl-tmp-AbCdEf0123456789", domain()));
	assert_ok(mxlGarbageCollectFlows(instance()));
	assert_true(exists(text("%s/" ID_A ".mxl-flow/data", outside)));
	assert_true(exists(text("%s/" ID_A ".mxl-flow/grains/data.3", outside)));
}

TEST(damaged_flows_do_not_stop_the_collection)
{
	static const char *const broken[] = {
		"11111111-1b0f-417d-9059-8b94a47197ed",
		"22222222-1b0f-417d-9059-8b94a47197ed",
		"33333333-1b0f-417d-9059-8b94a47197ed",
		"44444444-1b0f-417d-9059-8b94a47197ed",
	};

	assert_int_equal(mkdir(flow_path(broken[0], NULL), 0755), 0);
	assert_int_equal(mkdir(flow_path(broken[1], NULL), 0755), 0);
	assert_int_equal(mkdir(flow_path(broken[1], "data"), 0755), 0);
	assert_int_equal(mkdir(flow_path(broken[2], NULL), 0755), 0);
	assert_int_equal(mkfifo(flow_path(broken[2], "data"), 0644), 0);
	write_file(flow_path(broken[3], NULL), "a file");
	orphan_flow(domain(), small_def(ID_A));
	orphan_flow(domain(), small_def("ffffffff-1b0f-417d-9059-8b94a47197ed"));
	(void)mxlGarbageCollectFlows(instance());
	assert_false(exists(flow_path(ID_A, NULL)));
	assert_false(exists(flow_path("ffffffff-1b0f-417d-9059-8b94a47197ed", NULL)));
}

/* A program that deletes in place was killed after it had deleted `data`. */
TEST(remains_of_a_flow_do_not_block_its_id)
{
	bool created = false;
	mxlFlowWriter writer;

	orphan_flow(domain(), small_def(ID_A));
	assert_int_equal(unlink(flow_path(ID_A, "data")), 0);
	assert_int_equal(unlink(grain_path(ID_A, 3)), 0);
	make_old(flow_path(ID_A, NULL));
	assert_ok(mxlGarbageCollectFlows(instance()));
	assert_int_equal(count_entries(domain(), ""), 0);
	assert_ok(mxlCreateFlowWriter(instance(), small_def(ID_A), NULL, &writer, NULL, &created));
	assert_true(created);
}

TEST(lock_of_a_stranger_keeps_a_flow)
{
	int fd;

	/* any program may hold the shared lock that says "has a writer" */
	orphan_flow(domain(), small_def(ID_A));
	fd = open(flow_path(ID_A, "data"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), 0);
	assert_ok(mxlGarbageCollectFlows(instance()));
	assert_true(exists(flow_path(ID_A, "data")));
	close(fd);
	assert_ok(mxlGarbageCollectFlows(instance()));
	assert_false(exists(flow_path(ID_A, NULL)));
}

TEST(release_leaves_a_flow_that_a_stranger_locked)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	int fd = open(flow_path(ID_A, "data"), O_RDONLY | O_CLOEXEC);

	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), 0);
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	assert_true(exists(flow_path(ID_A, "data")));
	close(fd);
}

/* The path was taken over meanwhile: what is there now is not what the writer created. */
TEST(release_does_not_delete_a_flow_that_took_over_the_path)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	struct child *c;

	assert_int_equal(rename(flow_path(ID_A, NULL), text("%s/away", domain())), 0);
	c = start_holder(domain(), small_def(ID_A));
	child_expect(c, "created");
	child_kill(c);
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	assert_true(exists(flow_path(ID_A, "data")));
}

TEST(writer_of_a_replaced_flow_can_be_released)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));

	remove_tree(flow_path(ID_A, NULL));
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	assert_int_equal(count_entries(domain(), ""), 0);
}

TEST(many_orphans)
{
	enum {
		FLOWS = 40
	};
	int i;

	/* copies of one, which differ by name only, are orphans as well */
	for (i = 0; i < FLOWS; i++) {
		const char *id = text("aaaaaaaa-0000-0000-0000-0000000000%02x", i);

		assert_int_equal(mkdir(flow_path(id, NULL), 0755), 0);
		assert_int_equal(mkdir(flow_path(id, "grains"), 0755), 0);
		write_file(flow_path(id, "data"), "");
		write_file(flow_path(id, "flow_def.json"), "{}");
		assert_int_equal(truncate(flow_path(id, "data"), 2064), 0);
	}
	open_writer(instance(), small_def(ID_A));
	assert_ok(mxlGarbageCollectFlows(instance()));
	assert_int_equal(count_entries(domain(), ""), 1);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(orphaned_flows_are_collected),
		cmocka_unit_test(empty_domain_is_fine),
		cmocka_unit_test(flows_with_a_writer_stay),
		cmocka_unit_test(readers_do_not_keep_a_flow_and_are_told),
		cmocka_unit_test(flow_that_was_collected_can_be_created_again),
		cmocka_unit_test(orphaned_flow_can_be_taken_over),
		cmocka_unit_test(temporary_directories_of_dead_creators_are_collected),
		cmocka_unit_test(what_is_not_ours_stays),
		cmocka_unit_test(symbolic_links_are_not_followed),
		cmocka_unit_test(damaged_flows_do_not_stop_the_collection),
		cmocka_unit_test(remains_of_a_flow_do_not_block_its_id),
		cmocka_unit_test(lock_of_a_stranger_keeps_a_flow),
		cmocka_unit_test(release_leaves_a_flow_that_a_stranger_locked),
		cmocka_unit_test(release_does_not_delete_a_flow_that_took_over_the_path),
		cmocka_unit_test(writer_of_a_replaced_flow_can_be_released),
		cmocka_unit_test(many_orphans),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), NULL, 0);
}

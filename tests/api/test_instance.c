// SPDX-License-Identifier: Apache-2.0
/* Instances: making and destroying them, their handles, flow ids, definitions, the log. */
#include "helpers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

TEST(no_instance_without_a_domain)
{
	assert_null(mxlCreateInstance(NULL, NULL));
	assert_null(mxlCreateInstance(NULL, "{}"));
}

TEST(no_instance_for_a_missing_domain)
{
	assert_null(mxlCreateInstance(text("%s/missing", domain()), NULL));
	assert_null(mxlCreateInstance("", NULL));
	/* and it is not made either */
	assert_false(exists(text("%s/missing", domain())));
}

TEST(no_instance_for_a_file)
{
	const char *path = text("%s/file", domain());

	write_file(path, "x");
	assert_null(mxlCreateInstance(path, NULL));
}

TEST(no_instance_for_a_huge_path)
{
	char *path = malloc(100000);

	memset(path, 'd', 99999);
	path[99999] = '\0';
	assert_null(mxlCreateInstance(path, NULL));
	free(path);
}

TEST(relative_domain_stays_where_it_was)
{
	char *here = getcwd(NULL, 0);
	mxlFlowWriter writer;
	mxlFlowReader reader;
	mxlInstance inst;
	bool active = false;

	assert_non_null(here);
	assert_int_equal(chdir(domain()), 0);
	inst = open_instance(".");
	writer = open_writer(inst, small_def(ID_A));
	assert_int_equal(chdir("/"), 0);
	reader = open_reader(inst, ID_A);
	assert_ok(mxlIsFlowActive(inst, ID_A, &active));
	assert_true(active);
	expect_status(reader, 3, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
	write_grain(writer, 3);
	expect_grain(reader, 3);
	assert_ok(mxlReleaseFlowWriter(inst, writer));
	assert_int_equal(count_entries(domain(), ""), 0);
	close_instance(inst);
	assert_int_equal(chdir(here), 0);
	free(here);
}

TEST(domain_may_be_a_symbolic_link)
{
	const char *link = text("%s/link", new_directory(NULL));
	mxlInstance inst;

	assert_int_equal(symlink(domain(), link), 0);
	inst = open_instance(link);
	write_grain(open_writer(inst, small_def(ID_A)), 3);
	expect_grain(open_reader(instance(), ID_A), 3);
}

TEST(domain_that_vanishes)
{
	const char *dir = new_directory(NULL);
	mxlInstance inst = open_instance(dir);
	mxlFlowWriter writer = open_writer(inst, small_def(ID_A));
	mxlFlowReader reader = open_reader(inst, ID_A);
	mxlFlowReader other = NULL;
	mxlFlowWriter second = NULL;
	bool active;

	write_grain(writer, 3);
	remove_tree(dir);
	/* what is mapped is there, what has to be looked for is not */
	expect_grain(reader, 3);
	expect_status(reader, 4, MXL_ERR_FLOW_INVALID);
	write_grain(writer, 4);
	log_start();
	assert_refused(mxlCreateFlowReader(inst, ID_A, NULL, &other));
	assert_refused(mxlCreateFlowWriter(inst, small_def(ID_B), NULL, &second, NULL, NULL));
	assert_refused(mxlIsFlowActive(inst, ID_A, &active));
	(void)mxlGarbageCollectFlows(inst);
	assert_ok(mxlReleaseFlowWriter(inst, writer));
	close_instance(inst);
	log_end();
}

TEST(instance_options_may_be_null_empty_or_an_object)
{
	static const char *const fine[] = { NULL, "", "{}", "{\"some\": {\"key\": [1, 2]}}" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fine); i++) {
		mxlInstance inst;

		log_start();
		inst = mxlCreateInstance(domain(), fine[i]);
		assert_non_null(inst);
		assert_ok(mxlDestroyInstance(inst));
		assert_string_equal(log_end(), "");
	}
}

TEST(other_instance_options_are_logged_and_ignored)
{
	static const char *const bad[] = {
		"[]", "1", "null", "\"text\"", "{", "{\"a\":}", "{} x", "nonsense", "\xff\xfe",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		mxlInstance inst;

		log_start();
		inst = mxlCreateInstance(domain(), bad[i]);
		assert_non_null(inst);
		assert_logged(log_end(), "options");
		/* it is a whole instance */
		assert_ok(mxlGarbageCollectFlows(inst));
		assert_ok(mxlDestroyInstance(inst));
	}
}

TEST(deeply_nested_instance_options_are_ignored)
{
	size_t n = 1000000;
	char *deep = malloc(n + 1);
	mxlInstance inst;

	memset(deep, '[', n);
	deep[n] = '\0';
	log_start();
	inst = mxlCreateInstance(domain(), deep);
	assert_non_null(inst);
	assert_logged(log_end(), "options");
	assert_ok(mxlDestroyInstance(inst));
	free(deep);
}

TEST(history_is_not_taken_from_instance_options)
{
	mxlInstance inst = mxlCreateInstance(
		domain(), "{\"urn:x-mxl:option:history_duration/v1.0\": 1000000000}");
	mxlFlowConfigInfo config;
	mxlFlowWriter writer;

	assert_non_null(inst);
	assert_ok(mxlCreateFlowWriter(inst, small_def(ID_A), NULL, &writer, &config, NULL));
	assert_int_equal(config.discrete.grainCount, SMALL_GRAINS);
	assert_ok(mxlDestroyInstance(inst));
}

TEST(one_reader_handle_per_flow_and_instance_counted)
{
	mxlFlowReader one, two;

	open_writer(instance(), small_def(ID_A));
	one = open_reader(instance(), ID_A);
	two = open_reader(instance(), ID_A);
	assert_ptr_equal(one, two);

	assert_ok(mxlReleaseFlowReader(instance(), one));
	expect_status(two, 5, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
	assert_ok(mxlReleaseFlowReader(instance(), two));
	/* nothing is left to release */
	assert_refused(mxlReleaseFlowReader(instance(), two));
}

TEST(one_writer_handle_per_flow_and_instance_counted)
{
	mxlFlowWriter one, two;
	bool created = false;

	assert_ok(mxlCreateFlowWriter(instance(), small_def(ID_A), NULL, &one, NULL, &created));
	assert_true(created);
	assert_ok(mxlCreateFlowWriter(instance(), small_def(ID_A), NULL, &two, NULL, &created));
	assert_false(created);
	assert_ptr_equal(one, two);

	assert_ok(mxlReleaseFlowWriter(instance(), one));
	assert_true(exists(flow_path(ID_A, "data")));
	write_grain(two, 1);
	assert_ok(mxlReleaseFlowWriter(instance(), two));
	assert_false(exists(flow_path(ID_A, NULL)));
	assert_refused(mxlReleaseFlowWriter(instance(), two));
}

TEST(different_flows_have_different_handles)
{
	mxlFlowWriter a = open_writer(instance(), small_def(ID_A));
	mxlFlowWriter b = open_writer(instance(), small_def(ID_B));

	assert_ptr_not_equal(a, b);
	assert_ptr_not_equal(open_reader(instance(), ID_A), open_reader(instance(), ID_B));
}

TEST(handles_of_another_instance_are_refused)
{
	mxlInstance other = open_instance(domain());
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = open_reader(instance(), ID_A);

	assert_ptr_not_equal(open_reader(other, ID_A), reader);
	assert_refused(mxlReleaseFlowReader(other, reader));
	assert_refused(mxlReleaseFlowWriter(other, writer));
	/* and were not released */
	write_grain(writer, 3);
	expect_grain(reader, 3);
}

TEST(destroying_an_instance_releases_all_it_holds)
{
	mxlFlowSynchronizationGroup group;
	mxlInstance inst = open_instance(domain());
	mxlFlowReader reader;

	open_writer(inst, small_def(ID_A));
	open_writer(inst, sound_def(ID_B));
	open_writer(inst, anc_def(ID_C, 50, 1));
	open_reader(inst, ID_A);
	open_reader(inst, ID_A);
	reader = open_reader(inst, ID_B);
	assert_ok(mxlCreateFlowSynchronizationGroup(inst, &group));
	assert_ok(mxlFlowSynchronizationGroupAddReader(group, reader));
	/* descriptors, mappings and threads are looked at after each test */
	close_instance(inst);
	assert_int_equal(count_entries(domain(), ""), 0);
}

TEST(flow_of_a_leaked_writer_is_deleted_with_the_instance)
{
	mxlInstance inst = open_instance(domain());

	open_writer(inst, small_def(ID_A));
	open_writer(inst, small_def(ID_A));
	assert_true(exists(flow_path(ID_A, "data")));
	close_instance(inst);
	assert_false(exists(flow_path(ID_A, NULL)));
}

TEST(flow_with_another_writer_outlives_a_leaked_one)
{
	mxlInstance inst = open_instance(domain());
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));

	open_writer(inst, small_def(ID_A));
	close_instance(inst);
	assert_true(exists(flow_path(ID_A, "data")));
	write_grain(writer, 7);
}

TEST(destroying_null_is_an_invalid_argument)
{
	assert_status(MXL_ERR_INVALID_ARG, mxlDestroyInstance(NULL));
}

TEST(many_instances_of_one_domain)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlInstance others[20];
	size_t i;

	write_grain(writer, 11);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		others[i] = open_instance(domain());
		expect_grain(open_reader(others[i], ID_A), 11);
	}
	for (i = 0; i < ARRAY_SIZE(others); i++)
		close_instance(others[i]);
}

TEST(malformed_flow_ids_are_invalid_arguments)
{
	static const char *const bad[] = {
		"",
		"x",
		"5fbec3b1-1b0f-417d-9059-8b94a47197e",
		"5fbec3b1-1b0f-417d-9059-8b94a47197edd",
		"5fbec3b1_1b0f_417d_9059_8b94a47197ed",
		"5fbec3b11b0f-417d-9059-8b94a47197ed-",
		"5fbec3b1-1b0f-417d-9059-8b94a47197eg",
		"{5fbec3b1-1b0f-417d-9059-8b94a47197ed",
		"5fbec3b1-1b0f-417d-9059-8b94a47197ed}",
		"(5fbec3b1-1b0f-417d-9059-8b94a47197ed)",
		" 5fbec3b1-1b0f-417d-9059-8b94a47197ed",
		"5fbec3b1-1b0f-417d-9059-8b94a47197ed ",
		"../../../../etc/passwd/aaaaaaaaaaaaaa",
		"5fbec3b1-1b0f-417d-9059-8b94a47197ed/../x",
		"\xff\xff\xff\xff-1b0f-417d-9059-8b94a47197ed",
	};
	size_t i;

	open_writer(instance(), small_def(ID_A));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		mxlFlowReader reader = NULL;
		char buffer[4096];
		size_t size = sizeof(buffer);
		bool active;

		assert_status(MXL_ERR_INVALID_ARG,
			      mxlCreateFlowReader(instance(), bad[i], NULL, &reader));
		assert_null(reader);
		assert_status(MXL_ERR_INVALID_ARG, mxlIsFlowActive(instance(), bad[i], &active));
		assert_status(MXL_ERR_INVALID_ARG,
			      mxlGetFlowDef(instance(), bad[i], buffer, &size));
	}
}

TEST(unknown_flow_ids_are_not_found)
{
	mxlFlowReader reader = NULL;
	char buffer[64];
	size_t size = sizeof(buffer);
	bool active;

	assert_status(MXL_ERR_FLOW_NOT_FOUND,
		      mxlCreateFlowReader(instance(), ID_NONE, NULL, &reader));
	assert_null(reader);
	assert_status(MXL_ERR_FLOW_NOT_FOUND, mxlIsFlowActive(instance(), ID_NONE, &active));
	assert_status(MXL_ERR_FLOW_NOT_FOUND, mxlGetFlowDef(instance(), ID_NONE, buffer, &size));
	size = 0;
	assert_status(MXL_ERR_FLOW_NOT_FOUND, mxlGetFlowDef(instance(), ID_NONE, NULL, &size));
}

TEST(flow_def_tells_the_size_it_needs)
{
	const char *def = small_def(ID_A);
	size_t need = strlen(def) + 1;
	size_t size = 0;
	char *buffer = malloc(need);

	open_writer(instance(), def);
	assert_status(MXL_ERR_INVALID_ARG, mxlGetFlowDef(instance(), ID_A, NULL, &size));
	assert_int_equal(size, need);
	size = 100000;
	assert_status(MXL_ERR_INVALID_ARG, mxlGetFlowDef(instance(), ID_A, NULL, &size));
	assert_int_equal(size, need);

	memset(buffer, 0x55, need);
	size = need - 1;
	assert_status(MXL_ERR_INVALID_ARG, mxlGetFlowDef(instance(), ID_A, buffer, &size));
	assert_int_equal(size, need);
	assert_int_equal(buffer[need - 1], 0x55);
	assert_status(MXL_ERR_INVALID_ARG, mxlGetFlowDef(instance(), ID_A, buffer, NULL));
	free(buffer);
}

TEST(flow_def_is_returned_byte_for_byte_with_the_size_written)
{
	const char *def = text(" \n\t%s\n\n", data_file("video-1080i25-v210.json"));
	size_t need = strlen(def) + 1;
	char buffer[8192];
	size_t size = need;

	open_writer(instance(), def);
	assert_ok(mxlGetFlowDef(instance(), "8a3f2c10-5b1d-4e6f-9c47-1f2e3d4c5b02", buffer, &size));
	assert_int_equal(size, need);
	assert_string_equal(buffer, def);

	size = sizeof(buffer);
	assert_ok(mxlGetFlowDef(instance(), "8a3f2c10-5b1d-4e6f-9c47-1f2e3d4c5b02", buffer, &size));
	assert_int_equal(size, need);
}

TEST(flow_is_active_while_it_has_a_writer)
{
	struct child *c = start_holder(domain(), small_def(ID_A));
	bool active = false;

	child_expect(c, "created");
	assert_ok(mxlIsFlowActive(instance(), ID_A, &active));
	assert_true(active);
	open_reader(instance(), ID_A);
	child_kill(c);
	/* the reader does not count */
	assert_ok(mxlIsFlowActive(instance(), ID_A, &active));
	assert_false(active);

	open_writer(instance(), small_def(ID_A));
	assert_ok(mxlIsFlowActive(instance(), ID_A, &active));
	assert_true(active);
	assert_ok(mxlIsFlowActive(open_instance(domain()), ID_A, &active));
	assert_true(active);
}

TEST(asking_whether_a_flow_is_active_does_not_make_it_so)
{
	bool active = true;
	int i;

	orphan_flow(domain(), small_def(ID_A));
	for (i = 0; i < 3; i++) {
		assert_ok(mxlIsFlowActive(instance(), ID_A, &active));
		assert_false(active);
	}
}

TEST(is_tmpfs_agrees_with_statfs)
{
	static const char *const paths[] = { "/", "/dev/shm", "/proc", "/tmp", "/etc/passwd" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		struct statfs st;
		bool tmpfs = false;

		if (statfs(paths[i], &st))
			continue;
		assert_ok(mxlIsTmpFs(paths[i], &tmpfs));
		assert_int_equal(tmpfs, st.f_type == TMPFS_MAGIC || st.f_type == RAMFS_MAGIC);
	}
}

TEST(is_tmpfs_is_unknown_for_what_cannot_be_examined)
{
	bool tmpfs = true;

	assert_status(MXL_ERR_UNKNOWN, mxlIsTmpFs(text("%s/missing", domain()), &tmpfs));
	assert_status(MXL_ERR_UNKNOWN, mxlIsTmpFs("", &tmpfs));
	assert_status(MXL_ERR_UNKNOWN, mxlIsTmpFs("/etc/passwd/x", &tmpfs));
}

TEST(is_tmpfs_refuses_null)
{
	bool tmpfs = true;

	assert_status(MXL_ERR_INVALID_ARG, mxlIsTmpFs(NULL, &tmpfs));
	assert_status(MXL_ERR_INVALID_ARG, mxlIsTmpFs("/tmp", NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlIsTmpFs(NULL, NULL));
}

TEST(version_tells_itself)
{
	mxlVersionType version;

	memset(&version, 0xcc, sizeof(version));
	assert_ok(mxlGetVersion(&version));
	assert_int_equal(version.major, 1);
	assert_non_null(version.full);
	assert_non_null(strstr(version.full,
			       text("%u.%u.%u", version.major, version.minor, version.bugfix)));
	assert_status(MXL_ERR_INVALID_ARG, mxlGetVersion(NULL));
}

#define UPPER_A "5FBEC3B1-1B0F-417D-9059-8B94A47197ED"

static const char *const id_forms[] = { ID_A, UPPER_A, "{" ID_A "}", "{" UPPER_A "}",
					"5FBEC3B1-1b0f-417D-9059-8b94A47197ed" };

TEST(every_function_takes_every_form_of_a_flow_id)
{
	mxlFlowReader first;
	size_t i;

	open_writer(instance(), small_def(ID_A));
	first = open_reader(instance(), ID_A);
	for (i = 0; i < ARRAY_SIZE(id_forms); i++) {
		char buffer[4096];
		size_t size = sizeof(buffer);
		bool active = false;

		assert_ptr_equal(open_reader(instance(), id_forms[i]), first);
		assert_ok(mxlIsFlowActive(instance(), id_forms[i], &active));
		assert_true(active);
		assert_ok(mxlGetFlowDef(instance(), id_forms[i], buffer, &size));
	}
}

TEST(every_form_of_id_in_a_definition_names_the_same_flow_in_lower_case)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(id_forms); i++) {
		mxlFlowWriter writer;
		mxlFlowConfigInfo config;
		bool created = false;

		assert_ok(mxlCreateFlowWriter(instance(), small_def(id_forms[i]), NULL, &writer,
					      &config, &created));
		assert_true(created);
		assert_true(exists(flow_path(ID_A, "data")));
		assert_int_equal(count_entries(domain(), ""), 1);
		assert_int_equal(config.common.id[0], 0x5f);
		assert_int_equal(config.common.id[15], 0xed);
		assert_ok(mxlReleaseFlowWriter(instance(), writer));
	}
}

static int role_complain(int argc, char **argv)
{
	mxlFlowWriter writer;
	mxlInstance inst;

	role_check(argc == 1);
	inst = mxlCreateInstance(argv[0], "{}");
	role_check(inst);
	role_check(mxlCreateFlowWriter(inst, "{}", NULL, &writer, NULL, NULL) == MXL_ERR_UNKNOWN);
	role_check(mxlDestroyInstance(inst) == MXL_STATUS_OK);
	return 0;
}

static const char *complaints_at(const char *level)
{
	struct child *c;

	setenv("MXL_LOG_LEVEL", level, 1);
	log_start();
	c = child_exec("complain", domain(), NULL);
	setenv("MXL_LOG_LEVEL", "warn", 1);
	assert_int_equal(child_end(c), 0);
	return log_end();
}

TEST(log_level_is_taken_from_the_environment)
{
	static const char *const levels[] = { "trace", "debug", "info", "warn", "error" };
	size_t i, shorter, longer = SIZE_MAX;

	assert_string_equal(complaints_at("off"), "");
	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		const char *log = complaints_at(levels[i]);

		assert_logged(log, "id");
		/* less and less is said */
		shorter = strlen(log);
		assert_true(shorter <= longer);
		longer = shorter;
	}
}

TEST(unknown_log_level_does_no_harm)
{
	assert_logged(complaints_at("loudest"), "id");
	assert_logged(complaints_at(""), "id");
}

static int role_look_at_the_clock(int argc, char **argv)
{
	int i;

	role_check(argc == 1);
	for (i = 0; i < 3; i++) {
		mxlInstance inst = mxlCreateInstance(argv[0], NULL);

		role_check(inst);
		role_check(mxlDestroyInstance(inst) == MXL_STATUS_OK);
	}
	return 0;
}

TEST(missing_tai_offset_is_said_once)
{
	struct timex clock = { 0 };
	struct child *c;

	adjtimex(&clock);
	setenv("MXL_LOG_LEVEL", "info", 1);
	log_start();
	c = child_exec("look_at_the_clock", domain(), NULL);
	setenv("MXL_LOG_LEVEL", "warn", 1);
	assert_int_equal(child_end(c), 0);
	assert_int_equal(count_lines_with(log_end(), "TAI"), clock.tai == 0);
}

int main(int argc, char **argv)
{
	static const struct test_role roles[] = {
		{ "complain", role_complain },
		{ "look_at_the_clock", role_look_at_the_clock },
	};
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_instance_without_a_domain),
		cmocka_unit_test(no_instance_for_a_missing_domain),
		cmocka_unit_test(no_instance_for_a_file),
		cmocka_unit_test(no_instance_for_a_huge_path),
		cmocka_unit_test(relative_domain_stays_where_it_was),
		cmocka_unit_test(domain_may_be_a_symbolic_link),
		cmocka_unit_test(domain_that_vanishes),
		cmocka_unit_test(instance_options_may_be_null_empty_or_an_object),
		cmocka_unit_test(other_instance_options_are_logged_and_ignored),
		cmocka_unit_test(deeply_nested_instance_options_are_ignored),
		cmocka_unit_test(history_is_not_taken_from_instance_options),
		cmocka_unit_test(one_reader_handle_per_flow_and_instance_counted),
		cmocka_unit_test(one_writer_handle_per_flow_and_instance_counted),
		cmocka_unit_test(different_flows_have_different_handles),
		cmocka_unit_test(handles_of_another_instance_are_refused),
		cmocka_unit_test(destroying_an_instance_releases_all_it_holds),
		cmocka_unit_test(flow_of_a_leaked_writer_is_deleted_with_the_instance),
		cmocka_unit_test(flow_with_another_writer_outlives_a_leaked_one),
		cmocka_unit_test(destroying_null_is_an_invalid_argument),
		cmocka_unit_test(many_instances_of_one_domain),
		cmocka_unit_test(malformed_flow_ids_are_invalid_arguments),
		cmocka_unit_test(unknown_flow_ids_are_not_found),
		cmocka_unit_test(flow_def_tells_the_size_it_needs),
		cmocka_unit_test(flow_def_is_returned_byte_for_byte_with_the_size_written),
		cmocka_unit_test(flow_is_active_while_it_has_a_writer),
		cmocka_unit_test(asking_whether_a_flow_is_active_does_not_make_it_so),
		cmocka_unit_test(is_tmpfs_agrees_with_statfs),
		cmocka_unit_test(is_tmpfs_is_unknown_for_what_cannot_be_examined),
		cmocka_unit_test(is_tmpfs_refuses_null),
		cmocka_unit_test(version_tells_itself),
		cmocka_unit_test(every_function_takes_every_form_of_a_flow_id),
		cmocka_unit_test(
			every_form_of_id_in_a_definition_names_the_same_flow_in_lower_case),
		cmocka_unit_test(log_level_is_taken_from_the_environment),
		cmocka_unit_test(unknown_log_level_does_no_harm),
		cmocka_unit_test(missing_tai_offset_is_said_once),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), roles, ARRAY_SIZE(roles));
}

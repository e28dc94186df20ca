// SPDX-License-Identifier: Apache-2.0
/* Few descriptors, many flows, many handles: limits are errors, and nothing is lost by them. */
#include "helpers.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static unsigned int count_descriptors(void)
{
	unsigned int n = 0;
	int fd;

	for (fd = 0; fd < 4096; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* The lowest number that is free is where the limit has to be to leave room for @room more. */
static void leave_room_for(unsigned int room, struct rlimit *old)
{
	struct rlimit limit;
	int fd;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, old), 0);
	limit = *old;
	for (fd = 0, limit.rlim_cur = 0; room > 0; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			room--;
		limit.rlim_cur = fd + 1;
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void give_back(const struct rlimit *old)
{
	assert_int_equal(setrlimit(RLIMIT_NOFILE, old), 0);
}

/* A flow at 1000 grains per second has 200 files; nobody keeps them open. */
TEST(flow_of_many_grains_needs_few_descriptors)
{
	mxlFlowWriter writer;
	mxlFlowReader reader;
	unsigned int before;
	struct rlimit old;

	instance();
	before = count_descriptors();
	leave_room_for(60, &old);
	writer = open_writer(instance(), video_def(ID_A, 2, 2, 1000, 1));
	reader = open_reader(instance(), ID_A);
	give_back(&old);
	assert_int_equal(count_entries(flow_path(ID_A, "grains"), "data."), 200);
	assert_in_range(count_descriptors() - before, 0, 20);
	write_grain(writer, 1000);
	expect_grain(reader, 1000);
}

/* Whatever the number at which they run out: an error, nothing left behind, and later it works. */
static void too_few_descriptors(const char *def, const char *id)
{
	unsigned int room, failures = 0;

	for (room = 0; room < 60; room++) {
		mxlInstance inst = open_instance(domain());
		unsigned int before = count_descriptors();
		mxlFlowWriter writer = NULL;
		mxlFlowReader reader = NULL;
		mxlStatus created, opened;
		struct rlimit old;
		bool active;

		log_start();
		leave_room_for(room, &old);
		created = mxlCreateFlowWriter(inst, def, NULL, &writer, NULL, NULL);
		opened = mxlCreateFlowReader(inst, id, NULL, &reader);
		(void)mxlIsFlowActive(inst, id, &active);
		(void)mxlGarbageCollectFlows(inst);
		give_back(&old);
		log_end();
		if (created != MXL_STATUS_OK) {
			failures++;
			assert_null(writer);
			assert_int_not_equal(opened, MXL_STATUS_OK);
		}
		if (opened == MXL_STATUS_OK)
			assert_ok(mxlReleaseFlowReader(inst, reader));
		else
			assert_null(reader);
		if (created == MXL_STATUS_OK)
			assert_ok(mxlReleaseFlowWriter(inst, writer));
		close_instance(inst);
		/* the descriptors of the instance itself are gone as well */
		assert_true(count_descriptors() <= before);
		if (count_entries(domain(), "") > 0) {
			/* the clean-up had too few as well: nothing that blocks, or lasts */
			writer = open_writer(instance(), def);
			assert_ok(mxlReleaseFlowWriter(instance(), writer));
			assert_int_equal(count_entries(domain(), ".mxl-flow"), 0);
		}
	}
	assert_true(failures > 0);
}

TEST(too_few_descriptors_for_video)
{
	instance();
	too_few_descriptors(small_def(ID_A), ID_A);
}

TEST(too_few_descriptors_for_sound)
{
	instance();
	too_few_descriptors(sound_def(ID_A), ID_A);
}

TEST(too_few_descriptors_for_an_instance)
{
	unsigned int room;

	for (room = 0; room < 8; room++) {
		struct rlimit old;
		mxlInstance inst;

		log_start();
		leave_room_for(room, &old);
		inst = mxlCreateInstance(domain(), NULL);
		give_back(&old);
		log_end();
		if (inst)
			assert_ok(mxlDestroyInstance(inst));
		else
			assert_true(room < 7);
	}
}

TEST(hundred_flows_in_one_instance)
{
	enum {
		FLOWS = 100
	};
	mxlFlowWriter writers[FLOWS];
	mxlFlowReader readers[FLOWS];
	int i;

	for (i = 0; i < FLOWS; i++) {
		const char *id = text("5fbec3b1-1b0f-417d-9059-8b94a47197%02x", i);

		writers[i] = open_writer(instance(), i & 1 ? anc_def(id, 50, 1) : small_def(id));
		readers[i] = open_reader(instance(), id);
	}
	for (i = 0; i < FLOWS; i++)
		write_grain(writers[i], 100 + i);
	for (i = 0; i < FLOWS; i++) {
		expect_grain(readers[i], 100 + i);
		expect_status(readers[i], 101 + i, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
	}
	assert_int_equal(count_entries(domain(), ".mxl-flow"), FLOWS);
	for (i = 0; i < FLOWS; i += 3)
		assert_ok(mxlReleaseFlowWriter(instance(), writers[i]));
	for (i = 0; i < FLOWS; i++)
		expect_grain(readers[i], 100 + i);
}

TEST(handle_is_counted_a_thousand_times)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	mxlFlowReader reader = NULL;
	int i;

	write_grain(writer, 5);
	for (i = 0; i < 1000; i++)
		reader = open_reader(instance(), ID_A);
	for (i = 0; i < 999; i++)
		assert_ok(mxlReleaseFlowReader(instance(), reader));
	expect_grain(reader, 5);
	assert_ok(mxlReleaseFlowReader(instance(), reader));
	assert_refused(mxlReleaseFlowReader(instance(), reader));
}

TEST(group_of_forty_members)
{
	mxlFlowSynchronizationGroup group;
	mxlFlowWriter writers[40];
	size_t i;

	assert_ok(mxlCreateFlowSynchronizationGroup(instance(), &group));
	for (i = 0; i < ARRAY_SIZE(writers); i++) {
		const char *id = text("5fbec3b1-1b0f-417d-9059-8b94a47197%02zx", i);

		writers[i] = open_writer(instance(), small_def(id));
		assert_ok(mxlFlowSynchronizationGroupAddReader(group, open_reader(instance(), id)));
	}
	for (i = 0; i < ARRAY_SIZE(writers); i++) {
		assert_status(MXL_ERR_OUT_OF_RANGE_TOO_EARLY,
			      mxlFlowSynchronizationGroupWaitForDataAt(group, 50 * 20 * MSEC, 0));
		write_grain(writers[i], 50);
	}
	assert_ok(mxlFlowSynchronizationGroupWaitForDataAt(group, 50 * 20 * MSEC, 0));
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(flow_of_many_grains_needs_few_descriptors),
		cmocka_unit_test(too_few_descriptors_for_video),
		cmocka_unit_test(too_few_descriptors_for_sound),
		cmocka_unit_test(too_few_descriptors_for_an_instance),
		cmocka_unit_test(hundred_flows_in_one_instance),
		cmocka_unit_test(handle_is_counted_a_thousand_times),
		cmocka_unit_test(group_of_forty_members),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), NULL, 0);
}

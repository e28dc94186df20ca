// SPDX-License-Identifier: Apache-2.0
/* Many processes at once: creators of one flow, readers of one flow, creation against deletion. */
#include "helpers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static mxlGrainInfo info;
static uint8_t *payload;

/* Opens a writer when it is told to, and uses the flow like everybody else. */
static int role_creator(int argc, char **argv)
{
	mxlFlowConfigInfo config;
	mxlFlowWriter writer;
	mxlFlowReader reader;
	mxlInstance inst;
	mxlStatus status;
	bool created;

	role_check(argc == 2);
	inst = mxlCreateInstance(argv[0], NULL);
	role_check(inst);
	role_say("ready");
	role_hear();
	status = mxlCreateFlowWriter(inst, argv[1], NULL, &writer, &config, &created);
	if (status != MXL_STATUS_OK) {
		role_say("%s", status_name(status));
		role_hear();
		role_check(mxlDestroyInstance(inst) == MXL_STATUS_OK);
		return 0;
	}
	role_check(config.discrete.grainCount == SMALL_GRAINS);
	role_say(created ? "created" : "opened");
	role_hear();
	if (created)
		write_grain(writer, 100);
	reader = open_reader(inst, ID_A);
	role_check(mxlFlowReaderGetGrain(reader, 100, PLENTY, &info, &payload) == MXL_STATUS_OK);
	role_check(payload_is(payload, info.grainSize, 100));
	role_say("used");
	role_hear();
	role_check(mxlReleaseFlowWriter(inst, writer) == MXL_STATUS_OK);
	role_check(mxlDestroyInstance(inst) == MXL_STATUS_OK);
	return 0;
}

static void create_at_once(unsigned int n)
{
	struct child *c[128];
	unsigned int i, created = 0;

	for (i = 0; i < n; i++)
		c[i] = child_exec("creator", domain(), small_def(ID_A), NULL);
	for (i = 0; i < n; i++)
		child_expect(c[i], "ready");
	for (i = 0; i < n; i++)
		child_say(c[i], "create");
	for (i = 0; i < n; i++) {
		if (!strcmp(child_line(c[i]), "created"))
			created++;
		else
			assert_string_equal("opened", child_last(c[i]));
	}
	assert_int_equal(created, 1);
	/* no temporary directories, one flow */
	assert_int_equal(count_entries(domain(), ""), 1);
	for (i = 0; i < n; i++)
		child_say(c[i], "use");
	for (i = 0; i < n; i++)
		child_expect(c[i], "used");
	for (i = 0; i < n; i++)
		child_say(c[i], "release");
	for (i = 0; i < n; i++)
		assert_int_equal(child_end(c[i]), 0);
	assert_int_equal(count_entries(domain(), ""), 0);
}

TEST(a_hundred_creators_of_one_flow)
{
	set_time_limit(60);
	create_at_once(100);
}

TEST(four_creators_again_and_again)
{
	int i;

	for (i = 0; i < 20; i++)
		create_at_once(4);
}

TEST(creators_that_disagree)
{
	const char *defs[2] = { small_def(ID_A), video_def(ID_A, 96, 16, 50, 1) };
	struct child *c[20];
	unsigned int created = 0, opened = 0, conflicts = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(c); i++)
		c[i] = child_exec("creator", domain(), defs[i % 2], NULL);
	for (i = 0; i < ARRAY_SIZE(c); i++)
		child_expect(c[i], "ready");
	for (i = 0; i < ARRAY_SIZE(c); i++)
		child_say(c[i], "create");
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		const char *answer = child_line(c[i]);

		created += !strcmp(answer, "created");
		opened += !strcmp(answer, "opened");
		conflicts += !strcmp(answer, "MXL_ERR_CONFLICT");
	}
	assert_int_equal(created, 1);
	assert_int_equal(opened, ARRAY_SIZE(c) / 2 - 1);
	assert_int_equal(conflicts, ARRAY_SIZE(c) / 2);
	assert_int_equal(count_entries(domain(), ""), 1);
}

/* Reads every grain from the first on, and says so after each. */
static int role_follower(int argc, char **argv)
{
	uint64_t index, last;
	mxlFlowReader reader;
	mxlInstance inst;

	role_check(argc == 2);
	inst = mxlCreateInstance(argv[0], NULL);
	role_check(inst);
	reader = open_reader(inst, ID_A);
	last = strtoull(argv[1], NULL, 10);
	role_say("ready");
	for (index = 1; index <= last; index++) {
		role_check(mxlFlowReaderGetGrain(reader, index, FOREVER, &info, &payload) ==
			   MXL_STATUS_OK);
		role_check(info.index == index && payload_is(payload, info.grainSize, index));
		role_say("%llu", (unsigned long long)index);
	}
	role_check(mxlDestroyInstance(inst) == MXL_STATUS_OK);
	return 0;
}

TEST(sixty_four_readers_of_one_flow)
{
	enum {
		READERS = 64,
		GRAINS = 25
	};
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	struct child *c[READERS];
	unsigned int i;
	uint64_t index;

	set_time_limit(60);
	for (i = 0; i < READERS; i++)
		c[i] = child_exec("follower", domain(), text("%d", GRAINS), NULL);
	for (i = 0; i < READERS; i++)
		child_expect(c[i], "ready");
	for (index = 1; index <= GRAINS; index++) {
		uint16_t slices;

		for (i = 0; i < READERS; i++)
			wait_until(child_asleep(c[i]));
		for (slices = 1; slices <= SMALL_SLICES; slices++)
			write_slices(writer, index, slices);
		for (i = 0; i < READERS; i++)
			child_expect(c[i], text("%llu", (unsigned long long)index));
	}
	for (i = 0; i < READERS; i++)
		assert_int_equal(child_end(c[i]), 0);
}

/* Creates and releases the same flow over and over; while it has it, it is there. */
static int role_churn(int argc, char **argv)
{
	char path[512];
	mxlInstance inst;
	int i, rounds;

	role_check(argc == 2);
	rounds = atoi(argv[1]);
	snprintf(path, sizeof(path), "%s/" ID_A ".mxl-flow/data", argv[0]);
	inst = mxlCreateInstance(argv[0], NULL);
	role_check(inst);
	role_say("ready");
	role_hear();
	for (i = 0; i < rounds; i++) {
		mxlFlowWriter writer;
		mxlFlowReader reader;
		mxlStatus status;
		bool active;

		status = mxlCreateFlowWriter(inst, small_def(ID_A), NULL, &writer, NULL, NULL);
		if (status != MXL_STATUS_OK)
			fprintf(stderr, "# round %d: %s\n", i, status_name(status));
		role_check(status == MXL_STATUS_OK);
		role_check(exists(path));
		role_check(mxlIsFlowActive(inst, ID_A, &active) == MXL_STATUS_OK);
		role_check(active);
		role_check(mxlCreateFlowReader(inst, ID_A, NULL, &reader) == MXL_STATUS_OK);
		role_check(mxlReleaseFlowReader(inst, reader) == MXL_STATUS_OK);
		role_check(exists(path));
		role_check(mxlReleaseFlowWriter(inst, writer) == MXL_STATUS_OK);
	}
	role_check(mxlDestroyInstance(inst) == MXL_STATUS_OK);
	role_say("done");
	return 0;
}

static bool is_one_of(mxlStatus status, mxlStatus a, mxlStatus b, mxlStatus c)
{
	return status == a || status == b || status == c;
}

/* Collects, opens and asks until there is no parent or it is told to stop. */
static int role_vulture(int argc, char **argv)
{
	mxlInstance inst;
	int i, rounds;

	role_check(argc == 2);
	rounds = atoi(argv[1]);
	inst = mxlCreateInstance(argv[0], NULL);
	role_check(inst);
	role_say("ready");
	role_hear();
	for (i = 0; i < rounds; i++) {
		mxlFlowReader reader;
		mxlStatus status;
		char buffer[1024];
		size_t size = sizeof(buffer);
		bool active;

		role_check(mxlGarbageCollectFlows(inst) == MXL_STATUS_OK);
		status = mxlCreateFlowReader(inst, ID_A, NULL, &reader);
		if (!is_one_of(status, MXL_STATUS_OK, MXL_ERR_FLOW_NOT_FOUND, MXL_ERR_FLOW_INVALID))
			fprintf(stderr, "# reader: %s\n", status_name(status));
		role_check(is_one_of(status, MXL_STATUS_OK, MXL_ERR_FLOW_NOT_FOUND,
				     MXL_ERR_FLOW_INVALID));
		if (status == MXL_STATUS_OK)
			role_check(mxlReleaseFlowReader(inst, reader) == MXL_STATUS_OK);
		status = mxlIsFlowActive(inst, ID_A, &active);
		role_check(is_one_of(status, MXL_STATUS_OK, MXL_ERR_FLOW_NOT_FOUND,
				     MXL_ERR_FLOW_INVALID));
		status = mxlGetFlowDef(inst, ID_A, buffer, &size);
		role_check(is_one_of(status, MXL_STATUS_OK, MXL_ERR_FLOW_NOT_FOUND,
				     MXL_ERR_FLOW_INVALID));
		if (status == MXL_STATUS_OK)
			role_check(size == strlen(buffer) + 1);
	}
	role_check(mxlDestroyInstance(inst) == MXL_STATUS_OK);
	role_say("done");
	return 0;
}

TEST(creation_against_deletion_and_collection)
{
	static const char *const roles[] = { "churn", "churn",	 "churn",
					     "churn", "vulture", "vulture" };
	struct child *c[ARRAY_SIZE(roles)];
	size_t i;

	set_time_limit(60);
	for (i = 0; i < ARRAY_SIZE(c); i++)
		c[i] = child_exec(roles[i], domain(), "150", NULL);
	for (i = 0; i < ARRAY_SIZE(c); i++)
		child_expect(c[i], "ready");
	for (i = 0; i < ARRAY_SIZE(c); i++)
		child_say(c[i], "go");
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		child_expect(c[i], "done");
		assert_int_equal(child_end(c[i]), 0);
	}
	assert_ok(mxlGarbageCollectFlows(instance()));
	assert_int_equal(count_entries(domain(), ""), 0);
}

/* Killed at any point of creating: what they leave does not disturb, and can be collected. */
TEST(creators_killed_at_any_moment)
{
	mxlFlowWriter writer = NULL;
	struct child *c;
	int i;

	for (i = 0; i < 40; i++) {
		uint64_t start, pause = i * 20000ULL;

		c = child_exec("churn", domain(), "1000000", NULL);
		child_expect(c, "ready");
		child_say(c, "go");
		/* not to synchronise: to be at another point each time */
		for (start = now_ns(); now_ns() - start < pause;)
			;
		child_kill(c);
	}
	assert_ok(mxlCreateFlowWriter(instance(), small_def(ID_A), NULL, &writer, NULL, NULL));
	write_grain(writer, 7);
	expect_grain(open_reader(instance(), ID_A), 7);
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	/* what is left of them is hidden, and no flow */
	assert_int_equal(count_entries(domain(), ".mxl-flow"), 0);
	assert_int_equal(count_entries(domain(), ""), count_entries(domain(), ".mxl-tmp-"));
}

int main(int argc, char **argv)
{
	static const struct test_role roles[] = {
		{ "creator", role_creator },
		{ "follower", role_follower },
		{ "churn", role_churn },
		{ "vulture", role_vulture },
	};
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hundred_creators_of_one_flow),
		cmocka_unit_test(four_creators_again_and_again),
		cmocka_unit_test(creators_that_disagree),
		cmocka_unit_test(sixty_four_readers_of_one_flow),
		cmocka_unit_test(creation_against_deletion_and_collection),
		cmocka_unit_test(creators_killed_at_any_moment),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), roles, ARRAY_SIZE(roles));
}

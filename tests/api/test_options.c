// SPDX-License-Identifier: Apache-2.0
/* Options of writers, and options.json of a domain. */
#include "helpers.h"

#include <stdlib.h>
#include <string.h>

static mxlFlowConfigInfo config_with(const char *def, const char *options)
{
	mxlFlowConfigInfo config;
	mxlFlowWriter writer;

	assert_ok(mxlCreateFlowWriter(instance(), def, options, &writer, &config, NULL));
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	return config;
}

static void refused(const char *options)
{
	mxlFlowWriter writer = NULL;
	mxlStatus status;
	const char *log;

	log_start();
	status = mxlCreateFlowWriter(instance(), small_def(ID_A), options, &writer, NULL, NULL);
	log = log_end();
	if (status != MXL_ERR_UNKNOWN)
		fail_because("%s for %.200s", status_name(status), options);
	assert_null(writer);
	if (!*log)
		fail_because("nothing logged for %.200s", options);
	assert_int_equal(count_entries(domain(), ""), 0);
}

TEST(empty_writer_options_give_the_defaults)
{
	static const char *const empty[] = { NULL, "", "{}", " { } \n", "{\"else\":[1]}" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(empty); i++) {
		mxlFlowConfigInfo config = config_with(small_def(ID_A), empty[i]);

		assert_int_equal(config.common.maxCommitBatchSizeHint, SMALL_SLICES);
		assert_int_equal(config.common.maxSyncBatchSizeHint, SMALL_SLICES);
		config = config_with(sound_def(ID_A), empty[i]);
		assert_int_equal(config.common.maxCommitBatchSizeHint, 480);
		assert_int_equal(config.common.maxSyncBatchSizeHint, 480);
	}
}

TEST(default_hints_are_10_ms_of_samples)
{
	assert_int_equal(config_with(audio_def(ID_A, 96000, 1), NULL).common.maxSyncBatchSizeHint,
			 960);
	assert_int_equal(config_with(audio_def(ID_A, 44100, 1), NULL).common.maxSyncBatchSizeHint,
			 441);
}

TEST(hints_are_stored)
{
	mxlFlowConfigInfo config = config_with(
		small_def(ID_A), "{\"maxCommitBatchSizeHint\": 2, \"maxSyncBatchSizeHint\": 4}");

	assert_int_equal(config.common.maxCommitBatchSizeHint, 2);
	assert_int_equal(config.common.maxSyncBatchSizeHint, 4);
	config = config_with(sound_def(ID_A), "{\"maxCommitBatchSizeHint\":1,"
					      "\"maxSyncBatchSizeHint\":1}");
	assert_int_equal(config.common.maxCommitBatchSizeHint, 1);
	assert_int_equal(config.common.maxSyncBatchSizeHint, 1);
	config = config_with(sound_def(ID_A), "{\"maxCommitBatchSizeHint\":48,"
					      "\"maxSyncBatchSizeHint\":48.0}");
	assert_int_equal(config.common.maxSyncBatchSizeHint, 48);
}

TEST(sync_hint_alone_is_fine)
{
	mxlFlowConfigInfo config = config_with(sound_def(ID_A), "{\"maxSyncBatchSizeHint\":960}");

	assert_int_equal(config.common.maxSyncBatchSizeHint, 960);
}

TEST(hints_below_one_are_refused)
{
	static const char *const values[] = { "0", "-1", "-0.5", "0.99", "1e-300", "-1e300" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		refused(text("{\"maxCommitBatchSizeHint\":%s}", values[i]));
		refused(text("{\"maxSyncBatchSizeHint\":%s}", values[i]));
	}
}

TEST(hints_that_are_no_whole_number_are_refused)
{
	static const char *const values[] = {
		"null", "true",	 "\"8\"", "[]",	   "{}",	 "1.5",	       "NaN",
		"inf",	"1e400", "1e18",  "1e308", "4294967296", "4294967304",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		refused(text("{\"maxCommitBatchSizeHint\":%s}", values[i]));
		refused(text("{\"maxSyncBatchSizeHint\":%s}", values[i]));
	}
}

TEST(sync_hint_has_to_be_a_multiple_of_the_commit_hint)
{
	refused("{\"maxCommitBatchSizeHint\":3,\"maxSyncBatchSizeHint\":4}");
	refused("{\"maxCommitBatchSizeHint\":8,\"maxSyncBatchSizeHint\":4}");
	refused("{\"maxSyncBatchSizeHint\":5,\"maxCommitBatchSizeHint\":2}");
	config_with(small_def(ID_A), "{\"maxCommitBatchSizeHint\":2,\"maxSyncBatchSizeHint\":6}");
}

TEST(writer_options_have_to_be_an_object)
{
	static const char *const options[] = {
		"[]", "null", "1",    "\"x\"", "true", "nonsense",
		"{",  "{,}",  "{} x", "[{}]",  "\xff", "{\"\xff\":1}"
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		refused(options[i]);
}

TEST(deep_or_huge_writer_options_are_refused)
{
	size_t size = 100u << 20;
	char *huge = malloc(size + 1);

	assert_non_null(huge);
	memset(huge, '{', size);
	huge[size] = '\0';
	refused(huge);
	memset(huge, '[', size);
	memcpy(huge, "{\"maxSyncBatchSizeHint\":", 24);
	refused(huge);
	free(huge);
}

TEST(reader_options_may_be_null_empty_or_an_object)
{
	static const char *const fine[] = { NULL, "", "{}" };
	mxlFlowReader reader;
	size_t i;

	open_writer(instance(), small_def(ID_A));
	for (i = 0; i < ARRAY_SIZE(fine); i++)
		assert_ok(mxlCreateFlowReader(instance(), ID_A, fine[i], &reader));
}

/* The number of grains of a 50 Hz flow in a domain with this options.json. */
static unsigned int grains_with(const char *options_json, const char **ret_log)
{
	const char *dir = new_directory(domain());
	mxlFlowConfigInfo config;
	mxlFlowWriter writer;
	mxlInstance inst;

	if (options_json)
		write_file(text("%s/options.json", dir), options_json);
	log_start();
	inst = open_instance(dir);
	assert_ok(mxlCreateFlowWriter(inst, small_def(ID_A), NULL, &writer, &config, NULL));
	*ret_log = log_end();
	close_instance(inst);
	return config.discrete.grainCount;
}

static const char *history(const char *value)
{
	return text("{\"urn:x-mxl:option:history_duration/v1.0\": %s}", value);
}

TEST(history_defaults_to_200_ms)
{
	const char *log;

	assert_int_equal(grains_with(NULL, &log), 10);
	assert_string_equal(log, "");
	assert_int_equal(grains_with("{}", &log), 10);
	assert_string_equal(log, "");
	assert_int_equal(grains_with("{\"other\": {\"things\": [1]}}", &log), 10);
	assert_string_equal(log, "");
}

TEST(history_is_taken_from_the_domain)
{
	const char *log;

	assert_int_equal(grains_with(history("500000000"), &log), 25);
	assert_string_equal(log, "");
	assert_int_equal(grains_with(history("1e9"), &log), 50);
	assert_int_equal(grains_with(history("100000000.0"), &log), 5);
	/* a division of integers */
	assert_int_equal(grains_with(history("119999999"), &log), 5);
	assert_int_equal(grains_with(history("120000000"), &log), 6);
	assert_int_equal(grains_with(history("40000000"), &log), 2);
}

TEST(broken_domain_options_are_logged_and_the_default_holds)
{
	static const char *const broken[] = {
		"",  "{",	"nonsense", "[]",	"null",
		"1", "{\"a\":", "{} x",	    "\xff\xfe", "{\"\xc3\":1}"
	};
	const char *log;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(broken); i++) {
		assert_int_equal(grains_with(broken[i], &log), 10);
		assert_logged(log, "options.json");
	}
}

TEST(history_that_is_no_number_is_logged_and_the_default_holds)
{
	static const char *const values[] = { "null", "\"200000000\"", "[]", "{}", "true" };
	const char *log;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		assert_int_equal(grains_with(history(values[i]), &log), 10);
		assert_logged(log, "history_duration");
	}
}

/* Whatever is made of such a history, nothing is created by it, and something is said. */
static void no_flow_with(const char *value)
{
	const char *dir = new_directory(domain());
	mxlFlowWriter writer = NULL;
	mxlStatus status;
	mxlInstance inst;
	const char *log;

	set_history(dir, value);
	log_start();
	inst = open_instance(dir);
	status = mxlCreateFlowWriter(inst, small_def(ID_A), NULL, &writer, NULL, NULL);
	log = log_end();
	if (status == MXL_STATUS_OK) {
		/* ignored like a broken one: then the default has to hold */
		mxlFlowConfigInfo config;

		assert_ok(mxlFlowReaderGetConfigInfo(open_reader(inst, ID_A), &config));
		if (config.discrete.grainCount != 10)
			fail_because("a history of %s gave %u grains", value,
				     config.discrete.grainCount);
	}
	if (!*log)
		fail_because("nothing logged for a history of %s", value);
	close_instance(inst);
	assert_int_equal(count_entries(dir, ".mxl"), 0);
}

TEST(zero_or_negative_history_is_never_acted_on)
{
	static const char *const values[] = { "0", "-1", "-200000000", "-1e300", "-0.0" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++)
		no_flow_with(values[i]);
}

TEST(history_too_short_for_a_ring_is_never_acted_on)
{
	static const char *const values[] = { "1", "0.5", "19999999", "20000000", "39999999" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++)
		no_flow_with(values[i]);
}

TEST(huge_history_is_never_acted_on)
{
	static const char *const values[] = { "1e400",
					      "1e300",
					      "9223372036854775808",
					      "18446744073709551615",
					      "18446744073909551616",
					      "1e18",
					      "36893488147619103232" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++)
		no_flow_with(values[i]);
}

/* Counts that fit, whose product does not: what is left of it after wrapping must not be made. */
TEST(sizes_that_overflow_are_never_acted_on)
{
	static const struct {
		const char *history;
		const char *channels;
	} cases[] = {
		{ "18711445333334", "2567326851" }, /* 8192 bytes if it wraps */
		{ "22369621333334", "2147483648" }, /* 0 bytes */
		{ "40000000000000", "4294967295" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *dir = new_directory(domain());
		const char *def = sound_def(ID_A);
		mxlFlowWriter writer = NULL;
		mxlInstance inst;

		set_history(dir, cases[i].history);
		inst = open_instance(dir);
		def = text("%.*s\"channel_count\":%s}", (int)(strstr(def, "\"channel_count") - def),
			   def, cases[i].channels);
		log_start();
		assert_status(MXL_ERR_UNKNOWN,
			      mxlCreateFlowWriter(inst, def, NULL, &writer, NULL, NULL));
		assert_string_not_equal(log_end(), "");
		assert_null(writer);
		assert_int_equal(count_entries(dir, ".mxl"), 0);
		close_instance(inst);
	}
}

TEST(huge_options_json_is_logged_and_the_default_holds)
{
	size_t size = 100u << 20;
	char *huge = malloc(size + 1);
	const char *log;

	assert_non_null(huge);
	memset(huge, ' ', size);
	huge[size] = '\0';
	assert_int_equal(grains_with(huge, &log), 10);
	assert_logged(log, "options.json");
	memset(huge, '[', size);
	assert_int_equal(grains_with(huge, &log), 10);
	assert_logged(log, "options.json");
	free(huge);
}

TEST(options_json_that_is_no_file_is_logged_and_the_default_holds)
{
	const char *path = text("%s/options.json", domain());
	mxlFlowConfigInfo config;
	mxlFlowWriter writer;

	assert_int_equal(mkdir(path, 0755), 0);
	log_start();
	assert_ok(mxlCreateFlowWriter(instance(), small_def(ID_A), NULL, &writer, &config, NULL));
	assert_logged(log_end(), "options.json");
	assert_int_equal(config.discrete.grainCount, 10);
}

TEST(options_json_that_is_a_fifo_does_not_block)
{
	const char *path = text("%s/options.json", domain());
	mxlFlowConfigInfo config;
	mxlFlowWriter writer;

	assert_int_equal(mkfifo(path, 0644), 0);
	log_start();
	assert_ok(mxlCreateFlowWriter(instance(), small_def(ID_A), NULL, &writer, &config, NULL));
	assert_logged(log_end(), "options.json");
	assert_int_equal(config.discrete.grainCount, 10);
}

TEST(history_applies_to_samples_twice)
{
	const char *dir = new_directory(domain());
	mxlFlowConfigInfo config;
	mxlFlowWriter writer;
	mxlInstance inst;

	set_history(dir, "10000000");
	inst = open_instance(dir);
	assert_ok(mxlCreateFlowWriter(inst, sound_def(ID_A), NULL, &writer, &config, NULL));
	/* 2 x 480 samples, rounded up to pages of 1024 */
	assert_int_equal(config.continuous.bufferLength, 1024);
}

TEST(domain_definition_is_read_leniently_and_never_written)
{
	static const char *const definitions[] = { "{\"id\":\"x\",\"label\":7}", "nonsense", "" };
	const char *path = text("%s/domain_def.json", domain());
	size_t i;

	for (i = 0; i < ARRAY_SIZE(definitions); i++) {
		mxlInstance inst;

		write_file(path, definitions[i]);
		inst = open_instance(domain());
		open_writer(inst, small_def(ID_A));
		assert_ok(mxlGarbageCollectFlows(inst));
		close_instance(inst);
		assert_string_equal(read_file(path, NULL), definitions[i]);
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_writer_options_give_the_defaults),
		cmocka_unit_test(default_hints_are_10_ms_of_samples),
		cmocka_unit_test(hints_are_stored),
		cmocka_unit_test(sync_hint_alone_is_fine),
		cmocka_unit_test(hints_below_one_are_refused),
		cmocka_unit_test(hints_that_are_no_whole_number_are_refused),
		cmocka_unit_test(sync_hint_has_to_be_a_multiple_of_the_commit_hint),
		cmocka_unit_test(writer_options_have_to_be_an_object),
		cmocka_unit_test(deep_or_huge_writer_options_are_refused),
		cmocka_unit_test(reader_options_may_be_null_empty_or_an_object),
		cmocka_unit_test(history_defaults_to_200_ms),
		cmocka_unit_test(history_is_taken_from_the_domain),
		cmocka_unit_test(broken_domain_options_are_logged_and_the_default_holds),
		cmocka_unit_test(history_that_is_no_number_is_logged_and_the_default_holds),
		cmocka_unit_test(zero_or_negative_history_is_never_acted_on),
		cmocka_unit_test(history_too_short_for_a_ring_is_never_acted_on),
		cmocka_unit_test(huge_history_is_never_acted_on),
		cmocka_unit_test(sizes_that_overflow_are_never_acted_on),
		cmocka_unit_test(huge_options_json_is_logged_and_the_default_holds),
		cmocka_unit_test(options_json_that_is_no_file_is_logged_and_the_default_holds),
		cmocka_unit_test(options_json_that_is_a_fifo_does_not_block),
		cmocka_unit_test(history_applies_to_samples_twice),
		cmocka_unit_test(domain_definition_is_read_leniently_and_never_written),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), NULL, 0);
}

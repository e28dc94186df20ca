// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>

#include "options.h"

#define KEY "urn:x-mxl:option:history_duration/v1.0"

TEST(absent_writer_options_are_zero)
{
	static const char *const texts[] = { NULL, "", "{}", "{\"other\":1}" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		struct mxl_writer_options options = { 7, 7 };

		assert_int_equal(mxl_options_parse_writer(texts[i], &options), 0);
		assert_int_equal(options.max_commit_batch, 0);
		assert_int_equal(options.max_sync_batch, 0);
	}
}

TEST(writer_options_are_read)
{
	struct mxl_writer_options options;

	assert_int_equal(mxl_options_parse_writer("{\"maxCommitBatchSizeHint\":3,"
						  "\"maxSyncBatchSizeHint\":9}",
						  &options),
			 0);
	assert_int_equal(options.max_commit_batch, 3);
	assert_int_equal(options.max_sync_batch, 9);
	assert_int_equal(
		mxl_options_parse_writer("{\"maxSyncBatchSizeHint\":4294967295}", &options), 0);
	assert_int_equal(options.max_commit_batch, 0);
	assert_int_equal(options.max_sync_batch, UINT32_MAX);
}

TEST(refused_writer_options_leave_the_output_alone)
{
	static const char *const texts[] = {
		"[]",
		"{\"maxCommitBatchSizeHint\":0}",
		"{\"maxSyncBatchSizeHint\":4294967296}",
		"{\"maxCommitBatchSizeHint\":4,\"maxSyncBatchSizeHint\":6}",
		"{\"maxCommitBatchSizeHint\":4,\"maxSyncBatchSizeHint\":\"8\"}",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		struct mxl_writer_options options = { 7, 7 };

		log_start();
		assert_int_equal(mxl_options_parse_writer(texts[i], &options), -EBADMSG);
		assert_string_not_equal(log_end(), "");
		assert_int_equal(options.max_commit_batch, 7);
		assert_int_equal(options.max_sync_batch, 7);
	}
}

TEST(history_of_a_domain)
{
	static const struct {
		const char *text;
		uint64_t want;
		bool logged;
	} cases[] = {
		{ "{}", 55, false },
		{ "{\"" KEY "\":500}", 500, false },
		{ "{\"" KEY "\":5e8}", 500000000, false },
		{ "{\"" KEY "\":9007199254740992}", 9007199254740992, false },
		{ "{\"" KEY "\":1.5}", 55, true },
		{ "{\"" KEY "\":-1}", 55, true },
		{ "{\"" KEY "\":1e300}", 55, true },
		{ "{\"" KEY "\":\"500\"}", 55, true },
		{ "{\"" KEY "\":", 55, true },
		{ "[500]", 55, true },
	};
	size_t i;

	assert_int_equal(mxl_options_read_history(scratch(), 55), 55);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		put_file("options.json", cases[i].text, strlen(cases[i].text));
		log_start();
		assert_int_equal(mxl_options_read_history(scratch(), 55), cases[i].want);
		assert_int_equal(*log_end() != '\0', cases[i].logged);
	}
}

TEST(options_of_an_instance_are_only_looked_at)
{
	log_start();
	mxl_options_check_instance(NULL);
	mxl_options_check_instance("");
	mxl_options_check_instance("{\"" KEY "\":1}");
	assert_string_equal(log_end(), "");
	log_start();
	mxl_options_check_instance("[");
	assert_non_null(strstr(log_end(), "instance options"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_writer_options_are_zero),
		cmocka_unit_test(writer_options_are_read),
		cmocka_unit_test(refused_writer_options_leave_the_output_alone),
		cmocka_unit_test(history_of_a_domain),
		cmocka_unit_test(options_of_an_instance_are_only_looked_at),
	};

	return unit_main(tests, ARRAY_SIZE(tests));
}

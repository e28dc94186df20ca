// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>

#include "log.h"

TEST(a_message_is_one_line_with_its_level)
{
	const char *log;

	log_start();
	mxl_error("something %d", 42);
	log = log_end();
	assert_non_null(strstr(log, "error: something 42"));
	assert_ptr_equal(strchr(log, '\n'), log + strlen(log) - 1);
}

/* Names come from directories anybody writes to. */
TEST(control_characters_do_not_reach_the_terminal)
{
	const char *log;

	log_start();
	mxl_error("name: %s", "a\nmxl: error: forged\n\x1b[31m\r\x7f");
	log = log_end();
	assert_null(strchr(log, '\x1b'));
	assert_null(strchr(log, '\r'));
	assert_null(strchr(log, '\x7f'));
	assert_ptr_equal(strchr(log, '\n'), log + strlen(log) - 1);
}

TEST(long_messages_are_cut)
{
	char *text = malloc(100000);
	const char *log;

	assert_non_null(text);
	memset(text, 'x', 99999);
	text[99999] = '\0';
	log_start();
	mxl_error("%s", text);
	log = log_end();
	assert_true(strlen(log) > 100 && strlen(log) < 5000);
	assert_int_equal(log[strlen(log) - 1], '\n');
	free(text);
}

TEST(errno_survives)
{
	log_start();
	errno = ENOTUNIQ;
	mxl_error("x");
	mxl_debug("x");
	assert_int_equal(errno, ENOTUNIQ);
	log_end();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_one_line_with_its_level),
		cmocka_unit_test(control_characters_do_not_reach_the_terminal),
		cmocka_unit_test(long_messages_are_cut),
		cmocka_unit_test(errno_survives),
	};

	return unit_main(tests, ARRAY_SIZE(tests));
}

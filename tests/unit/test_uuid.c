// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>

#include "uuid.h"

static const uint8_t want[16] = { 0x5f, 0xbe, 0xc3, 0xb1, 0x1b, 0x0f, 0x41, 0x7d,
				  0x90, 0x59, 0x8b, 0x94, 0xa4, 0x71, 0x97, 0xed };

TEST(every_form_is_read)
{
	static const char *const forms[] = {
		"5fbec3b1-1b0f-417d-9059-8b94a47197ed",	  "5FBEC3B1-1B0F-417D-9059-8B94A47197ED",
		"5fbeC3B1-1b0f-417D-9059-8b94A47197ed",	  "{5fbec3b1-1b0f-417d-9059-8b94a47197ed}",
		"{5FBEC3B1-1B0F-417D-9059-8B94A47197ED}",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		uuid_t id;

		assert_int_equal(mxl_uuid_parse(forms[i], id), 0);
		assert_memory_equal(id, want, sizeof(want));
	}
}

TEST(other_forms_are_refused_and_leave_the_output_alone)
{
	static const char *const forms[] = {
		"",
		"{",
		"{}",
		"5fbec3b1-1b0f-417d-9059-8b94a47197e",
		"5fbec3b1-1b0f-417d-9059-8b94a47197edd",
		"5fbec3b11b0f417d90598b94a47197ed",
		"5fbec3b1-1b0f-417d-9059-8b94a47197eg",
		"5fbec3b1-1b0f-417d-90598-b94a47197ed",
		"{5fbec3b1-1b0f-417d-9059-8b94a47197ed",
		"5fbec3b1-1b0f-417d-9059-8b94a47197ed}",
		"{5fbec3b1-1b0f-417d-9059-8b94a47197e}",
		"{5fbec3b1-1b0f-417d-9059-8b94a47197ed}x",
		"[5fbec3b1-1b0f-417d-9059-8b94a47197ed]",
		"{{5fbec3b1-1b0f-417d-9059-8b94a47197ed}}",
		" 5fbec3b1-1b0f-417d-9059-8b94a47197ed",
		"5fbec3b1-1b0f-417d-9059-8b94a47197ed\n",
		"urn:uuid:5fbec3b1-1b0f-417d-9059-8b94a47197ed",
		"-----------------------------------",
		"5fbec3b1-1b0f-417d-9059-8b94a47197\xc3\xa4",
		"+fbec3b1-1b0f-417d-9059-8b94a47197ed",
		"0x5fbec3-1b0f-417d-9059-8b94a47197ed",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		uuid_t id, before;

		memset(id, 0xcc, sizeof(id));
		memcpy(before, id, sizeof(id));
		assert_int_equal(mxl_uuid_parse(forms[i], id), -EINVAL);
		assert_memory_equal(id, before, sizeof(id));
	}
}

TEST(text_without_an_end_in_sight_is_not_read_through)
{
	size_t size = 64 << 20;
	char *text = malloc(size);
	uuid_t id;

	assert_non_null(text);
	memset(text, '5', size);
	text[size - 1] = '\0';
	assert_int_equal(mxl_uuid_parse(text, id), -EINVAL);
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_read),
		cmocka_unit_test(other_forms_are_refused_and_leave_the_output_alone),
		cmocka_unit_test(text_without_an_end_in_sight_is_not_read_through),
	};

	return unit_main(tests, ARRAY_SIZE(tests));
}

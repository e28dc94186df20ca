// SPDX-License-Identifier: Apache-2.0
#include "uuid.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

int mxl_uuid_parse(const char *text, uuid_t ret)
{
	char bare[MXL_UUID_TEXT_SIZE];
	size_t digits = sizeof(bare) - 1;
	size_t length = strnlen(text, digits + 3);
	bool braces = length == digits + 2 && text[0] == '{' && text[length - 1] == '}';
	uuid_t parsed;

	if (length != digits && !braces)
		return -EINVAL;

	memcpy(bare, text + (braces ? 1 : 0), digits);
	bare[digits] = '\0';
	if (uuid_parse(bare, parsed) < 0)
		return -EINVAL;
	uuid_copy(ret, parsed);
	return 0;
}

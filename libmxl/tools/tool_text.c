/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Enough for any honest label; a hostile one shall not fill the screen. */
#define SHOWN_MAX 512

/*
 * Decode one character at @text. Returns its length in bytes, 0 if there is no valid UTF-8
 * (overlong forms and surrogates are not valid).
 */
static size_t decode(const unsigned char *text, uint32_t *ret_code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t code;
	size_t length, i;

	if (text[0] < 0x80) {
		*ret_code = text[0];
		return 1;
	}
	if ((text[0] & 0xe0) == 0xc0)
		length = 2;
	else if ((text[0] & 0xf0) == 0xe0)
		length = 3;
	else if ((text[0] & 0xf8) == 0xf0)
		length = 4;
	else
		return 0;
	code = text[0] & (0x7f >> length);
	for (i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return length;
}

static bool acts_on_terminal(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return true;
	/* marks, embeddings, overrides and isolates of writing direction; line separators; BOM */
	return code == 0x61c || (code >= 0x200e && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
	       code == 0xfeff;
}

char *tool_text_escape(const char *text)
{
	const unsigned char *at = (const unsigned char *)(text ? text : "");
	size_t shown = 0;
	char *copy = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&copy, &size);

	if (!stream)
		return NULL;
	while (*at != '\0') {
		uint32_t code = 0;
		size_t length = decode(at, &code);

		if (shown++ == SHOWN_MAX) {
			fputs("...", stream);
			break;
		}
		if (length == 0) {
			fprintf(stream, "\\x%02x", *at);
			length = 1;
		} else if (acts_on_terminal(code)) {
			fprintf(stream, code < 0x80 ? "\\x%02x" : "\\u{%x}", (unsigned int)code);
		} else {
			fwrite(at, 1, length, stream);
		}
		at += length;
	}
	if (fclose(stream) != 0) {
		free(copy);
		return NULL;
	}
	return copy;
}

void tool_text_print(FILE *stream, const char *text)
{
	char *copy = tool_text_escape(text);

	if (copy)
		fputs(copy, stream);
	free(copy);
}

char *tool_text_to_utf8(const char *text)
{
	const unsigned char *at = (const unsigned char *)(text ? text : "");
	char *copy = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&copy, &size);

	if (!stream)
		return NULL;
	while (*at != '\0') {
		uint32_t code;
		size_t length = decode(at, &code);

		if (length != 0)
			fwrite(at, 1, length, stream);
		else
			fputs("\xef\xbf\xbd", stream);
		at += length != 0 ? length : 1;
	}
	if (fclose(stream) != 0) {
		free(copy);
		return NULL;
	}
	return copy;
}

bool tool_text_is_utf8(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at != '\0') {
		uint32_t code;
		size_t length = decode(at, &code);

		if (length == 0)
			return false;
		at += length;
	}
	return true;
}

/*
 * wcwidth() would need a locale, and a locale changes how numbers are written. These are the
 * blocks of wide characters, roughly; taking a narrow one for wide does no harm.
 */
static size_t columns_of(uint32_t code)
{
	static const struct {
		uint32_t first;
		uint32_t last;
	} wide[] = {
		{ 0x1100, 0x115f }, { 0x2e80, 0xa4cf },	  { 0xac00, 0xd7a3 },
		{ 0xf900, 0xfaff }, { 0xfe30, 0xfe6f },	  { 0xff00, 0xff60 },
		{ 0xffe0, 0xffe6 }, { 0x1f300, 0x1faff }, { 0x20000, 0x3fffd },
	};
	size_t i;

	for (i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		if (code >= wide[i].first && code <= wide[i].last)
			return 2;
	}
	return 1;
}

/* Length in bytes of the longest beginning of @text that fits into @limit columns. */
static size_t fit(const char *text, size_t limit, size_t *ret_columns)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t columns = 0;

	while (*at != '\0') {
		uint32_t code = 0;
		size_t length = decode(at, &code);

		if (columns + columns_of(code) > limit)
			break;
		columns += columns_of(code);
		at += length != 0 ? length : 1;
	}
	*ret_columns = columns;
	return (size_t)(at - (const unsigned char *)text);
}

size_t tool_text_columns(const char *text)
{
	size_t columns;

	fit(text, SIZE_MAX, &columns);
	return columns;
}

size_t tool_text_cut(char *text, size_t columns)
{
	size_t used;

	text[fit(text, columns, &used)] = '\0';
	return used;
}

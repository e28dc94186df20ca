/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that somebody else wrote (labels, group names, process names, paths), made safe to show.
 */
#ifndef MXL_TOOL_TEXT_H
#define MXL_TOOL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/**
 * tool_text_escape() - copy a string so that a terminal shows it and does nothing else
 * @text: any bytes up to a NUL, or NULL
 *
 * Control characters, bytes that are not UTF-8, and the characters that turn the direction of
 * writing become \xNN or \u{N}. Nothing longer than 512 characters is shown whole.
 *
 * Return: a string to free(), or NULL when there is no memory.
 */
char *tool_text_escape(const char *text);

/**
 * tool_text_print() - print a string as tool_text_escape() makes it
 * @stream: where to
 * @text: as for tool_text_escape()
 */
void tool_text_print(FILE *stream, const char *text);

/**
 * tool_text_to_utf8() - copy a string, replacing what is not UTF-8 by U+FFFD
 * @text: any bytes up to a NUL, or NULL
 *
 * JSON that is to be written must be UTF-8, whatever was read.
 *
 * Return: a string to free(), or NULL when there is no memory.
 */
char *tool_text_to_utf8(const char *text);

/**
 * tool_text_is_utf8() - whether a string is UTF-8 throughout
 * @text: any bytes up to a NUL
 */
bool tool_text_is_utf8(const char *text);

/**
 * tool_text_columns() - how many columns of a terminal a string takes
 * @text: valid UTF-8 without control characters
 *
 * Return: the number of columns; East Asian characters and pictographs take two.
 */
size_t tool_text_columns(const char *text);

/**
 * tool_text_cut() - shorten a string so that it takes at most so many columns
 * @text: valid UTF-8 without control characters, changed in place
 * @columns: limit
 *
 * Return: columns it takes now.
 */
size_t tool_text_cut(char *text, size_t columns);

#endif /* MXL_TOOL_TEXT_H */

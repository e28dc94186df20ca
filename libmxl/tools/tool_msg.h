/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command line tools say and how they end: messages, exit codes, names of statuses.
 */
#ifndef MXL_TOOL_MSG_H
#define MXL_TOOL_MSG_H

#include <stdbool.h>

#include <mxl/mxl.h>

/**
 * enum tool_exit - exit codes all tools share
 * @TOOL_OK: everything asked for was done
 * @TOOL_FAILURE: something went wrong; a message on stderr says what
 * @TOOL_USAGE: the command line cannot be acted on
 * @TOOL_LOST: the tool worked, but media is missing from its result
 * @TOOL_SIGNAL: plus the number of the signal that ended the tool
 */
enum tool_exit {
	TOOL_OK = 0,
	TOOL_FAILURE = 1,
	TOOL_USAGE = 2,
	TOOL_LOST = 3,
	TOOL_SIGNAL = 128,
};

/**
 * tool_error() - say on stderr why something failed, with the tool's name in front
 * @format: as for printf; text that came from a flow must be escaped by the caller
 */
void tool_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * tool_note() - say something on stderr that is no error; silent after tool_be_quiet()
 * @format: as for printf
 */
void tool_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** tool_be_quiet() - suppress notes from now on, errors are still shown */
void tool_be_quiet(void);

/**
 * tool_set_live_line() - tell whether stderr's last line is a progress line without newline
 * @live: true while it is; the next message then moves to a line of its own
 */
void tool_set_live_line(bool live);

/** tool_end_live_line() - go to a new line if stderr's last line is a progress line */
void tool_end_live_line(void);

/**
 * tool_status_text() - what a status of the library means to the user of a tool
 * @status: any value
 *
 * Return: a sentence fragment, never NULL.
 */
const char *tool_status_text(mxlStatus status);

/**
 * tool_close_stdout() - flush stdout and find out whether everything reached its reader
 *
 * Return: TOOL_OK; TOOL_FAILURE after a message when data was lost (full disk and the like);
 * 128 + SIGPIPE without a message when the reader of a pipe has gone.
 */
int tool_close_stdout(void);

#endif /* MXL_TOOL_MSG_H */

/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_msg.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>

static bool quiet;
static bool live_line;

void tool_be_quiet(void)
{
	quiet = true;
}

void tool_set_live_line(bool live)
{
	live_line = live;
}

void tool_end_live_line(void)
{
	if (live_line)
		fputc('\n', stderr);
	live_line = false;
}

__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list args)
{
	tool_end_live_line();
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void tool_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void tool_note(const char *format, ...)
{
	va_list args;

	if (quiet)
		return;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

const char *tool_status_text(mxlStatus status)
{
	switch (status) {
	case MXL_STATUS_OK:
		return "no error";
	case MXL_ERR_FLOW_NOT_FOUND:
		return "there is no such flow";
	case MXL_ERR_OUT_OF_RANGE_TOO_LATE:
		return "the data has already been overwritten";
	case MXL_ERR_OUT_OF_RANGE_TOO_EARLY:
		return "the data has not been written yet";
	case MXL_ERR_INVALID_FLOW_READER:
		return "wrong kind of reader for this flow";
	case MXL_ERR_INVALID_FLOW_WRITER:
		return "wrong kind of writer for this flow";
	case MXL_ERR_TIMEOUT:
		return "timed out";
	case MXL_ERR_INVALID_ARG:
		return "invalid argument";
	case MXL_ERR_CONFLICT:
		return "another writer or another definition is in the way";
	case MXL_ERR_PERMISSION_DENIED:
		return "permission denied";
	case MXL_ERR_FLOW_INVALID:
		return "the flow was deleted, replaced or damaged";
	case MXL_ERR_UNSUPPORTED_OPERATION:
		return "not supported";
	default:
		return "refused by the library, for the reason it logged";
	}
}

int tool_close_stdout(void)
{
	/* whoever closed stdout wants nothing from it, and that is no error as long as nothing
	 * was to be said
	 */
	bool said = __fpending(stdout) != 0 || ferror(stdout);
	int error = 0;

	errno = 0;
	if (fflush(stdout) != 0)
		error = errno;
	else if (ferror(stdout))
		error = EIO;
	if (fclose(stdout) != 0 && error == 0)
		error = errno;
	if (error == 0 || (error == EBADF && !said))
		return TOOL_OK;
	if (error == EPIPE)
		return TOOL_SIGNAL + SIGPIPE;
	tool_error("cannot write to standard output: %s", strerror(error));
	return TOOL_FAILURE;
}

// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

static const char *const level_names[] = {
	[MXL_LOG_TRACE] = "trace", [MXL_LOG_DEBUG] = "debug", [MXL_LOG_INFO] = "info",
	[MXL_LOG_WARN] = "warn",   [MXL_LOG_ERROR] = "error", [MXL_LOG_OFF] = "off",
};

static enum mxl_log_level threshold = MXL_LOG_INFO;
static pthread_once_t threshold_once = PTHREAD_ONCE_INIT;

static void read_threshold(void)
{
	const char *wanted = getenv("MXL_LOG_LEVEL");

	for (size_t i = 0; wanted && i < MXL_ARRAY_SIZE(level_names); i++) {
		if (strcmp(wanted, level_names[i]) == 0)
			threshold = (enum mxl_log_level)i;
	}
}

/* Text of files and callers ends up in here: keep each message on its one line. */
static void blank_controls(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
	}
}

void mxl_log(enum mxl_log_level level, const char *format, ...)
{
	int saved = errno;
	char line[1024];
	int used;
	va_list args;

	pthread_once(&threshold_once, read_threshold);
	if (level < threshold)
		return;

	used = snprintf(line, sizeof(line), "mxl: %s: ", level_names[level]);
	va_start(args, format);
	vsnprintf(line + used, sizeof(line) - (size_t)used - 1, format, args);
	va_end(args);
	blank_controls(line);

	/* One write, so that the lines of several processes do not mix. */
	used = (int)strlen(line);
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)used) < 0) {
		/* Nobody left to tell. */
	}
	errno = saved;
}

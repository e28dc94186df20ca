/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tool_args.h"
#include "tool_msg.h"

uint64_t tool_monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * TOOL_NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

void tool_progress_start(struct tool_progress *progress, enum tool_progress_mode mode)
{
	bool terminal = isatty(STDERR_FILENO) == 1;

	*progress = (struct tool_progress){
		.on = mode == TOOL_PROGRESS_ALWAYS || (mode == TOOL_PROGRESS_AUTO && terminal),
		.live = terminal,
		.start = tool_monotonic(),
	};
	progress->last = progress->start;
}

bool tool_progress_due(const struct tool_progress *progress)
{
	return progress->on && tool_monotonic() - progress->last >= TOOL_NSEC_PER_SEC;
}

void tool_progress_show(struct tool_progress *progress, uint64_t count, const char *unit,
			uint64_t bytes, uint64_t total_bytes, const char *detail)
{
	uint64_t now = tool_monotonic();
	double seconds = (double)(now - progress->last) / 1e9;
	uint64_t elapsed = (now - progress->start) / TOOL_NSEC_PER_SEC;
	char percent[32] = "";

	if (total_bytes != 0)
		snprintf(percent, sizeof(percent), "  %3.0f %%",
			 100.0 * (double)bytes / (double)total_bytes);
	fprintf(stderr,
		"%s%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 "  %" PRIu64
		" %s  %.2f/s  %.1f MB/s%s%s%s",
		progress->live ? "\r" : "", elapsed / 3600, elapsed / 60 % 60, elapsed % 60, count,
		unit, (double)(count - progress->last_count) / seconds,
		(double)(bytes - progress->last_bytes) / seconds / 1e6, percent, detail ? "  " : "",
		detail ? detail : "");
	/* a shorter line must not leave the end of a longer one behind */
	fputs(progress->live ? "\033[K" : "\n", stderr);
	fflush(stderr);
	tool_set_live_line(progress->live);
	progress->last = now;
	progress->last_count = count;
	progress->last_bytes = bytes;
}

void tool_progress_end(struct tool_progress *progress)
{
	if (progress->live)
		tool_end_live_line();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "info_watch.h"
#include "info_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <mxl/time.h>

#include "tool_domain.h"
#include "tool_msg.h"
#include "tool_signal.h"
#include "tool_text.h"

#define LINE_ROOM 512

/**
 * struct watch - state of the view
 * @instance: of the library
 * @options: the command line
 * @domain: the domain
 * @flows: flows that are open
 * @count: number of @flows
 * @terminal: the view is redrawn in place
 * @color: colours are welcome
 * @columns: of the terminal
 * @rows: of the terminal
 * @drawn: lines of the view on the screen now
 */
struct watch {
	mxlInstance instance;
	const struct info_options *options;
	const struct info_domain *domain;
	struct info_flow *flows;
	size_t count;
	bool terminal;
	bool color;
	size_t columns;
	size_t rows;
	size_t drawn;
};

static struct info_flow *find_flow(struct watch *watch, const char *id)
{
	size_t i;

	for (i = 0; i < watch->count; i++) {
		if (strcmp(watch->flows[i].id, id) == 0)
			return &watch->flows[i];
	}
	return NULL;
}

static int compare_ids(const void *left, const void *right)
{
	return strcmp(((const struct info_flow *)left)->id, ((const struct info_flow *)right)->id);
}

static int add_flow(struct watch *watch, const char *id)
{
	struct info_flow *grown = reallocarray(watch->flows, watch->count + 1, sizeof(*grown));
	struct info_flow *flow;

	if (!grown)
		return -ENOMEM;
	watch->flows = grown;
	flow = &grown[watch->count];
	/* gone since the directory was read: there is nothing to show */
	if (info_flow_open(watch->instance, watch->domain->path, id, true, flow) == -ENOENT) {
		info_flow_close(watch->instance, flow);
		return 0;
	}
	watch->count++;
	qsort(watch->flows, watch->count, sizeof(*watch->flows), compare_ids);
	return 0;
}

static void remove_flow(struct watch *watch, size_t index)
{
	info_flow_close(watch->instance, &watch->flows[index]);
	watch->count--;
	memmove(&watch->flows[index], &watch->flows[index + 1],
		(watch->count - index) * sizeof(*watch->flows));
}

/* Open what has come. What could not be opened is tried again, for it may only be half made. */
static int find_new(struct watch *watch)
{
	const struct tool_target *target = &watch->options->target;
	char(*ids)[37] = target->ids;
	size_t count = target->count, i;
	int result = 0;

	if (count == 0 || watch->options->list) {
		ids = NULL;
		result = tool_domain_list(watch->domain->path, &ids, &count);
		if (result < 0)
			return result;
	}
	for (i = 0; i < count && result == 0; i++) {
		if (!find_flow(watch, ids[i]))
			result = add_flow(watch, ids[i]);
	}
	if (ids != target->ids)
		free(ids);
	return result;
}

static int look(struct watch *watch)
{
	size_t i = 0;
	int result;

	while (i < watch->count) {
		struct info_flow *flow = &watch->flows[i];

		if (!flow->reader || info_flow_look(watch->instance, watch->domain->path, flow) < 0)
			remove_flow(watch, i);
		else
			i++;
	}
	result = find_new(watch);
	if (result < 0)
		return result;
	for (i = 0; i < watch->count; i++) {
		if (watch->flows[i].last_now == 0)
			info_flow_look(watch->instance, watch->domain->path, &watch->flows[i]);
	}
	info_flow_mark_conflicts(watch->flows, watch->count);
	return 0;
}

/* printf() at the end of @line, which has LINE_ROOM bytes */
__attribute__((format(printf, 2, 3))) static void append(char *line, const char *format, ...)
{
	size_t used = strlen(line);
	va_list args;

	va_start(args, format);
	vsnprintf(line + used, LINE_ROOM - used, format, args);
	va_end(args);
}

/* Text in a field of @columns columns, cut or filled up. */
static void append_text(char *line, const char *text, size_t columns)
{
	char *safe = tool_text_escape(text);

	if (safe) {
		size_t used = tool_text_cut(safe, columns);

		append(line, "%s%*s", safe, (int)(columns - used), "");
	}
	free(safe);
}

static void append_writer(char *line, const struct info_flow *flow, size_t columns)
{
	char text[96];

	if (flow->writer_count == 0)
		snprintf(text, sizeof(text), "%s", flow->active ? "?" : "none");
	else if (flow->writer_count == 1)
		snprintf(text, sizeof(text), "%ld %s", (long)flow->writers[0].pid,
			 flow->writers[0].name);
	else
		snprintf(text, sizeof(text), "%ld %s +%zu", (long)flow->writers[0].pid,
			 flow->writers[0].name, flow->writer_count - 1);
	append_text(line, text, columns);
}

static void append_age(char *line, uint64_t time, uint64_t now)
{
	double seconds = now > time ? (double)(now - time) / 1e9 : 0;

	if (seconds < 100)
		append(line, "  %6.2f s ago", seconds);
	else if (seconds < 86400)
		append(line, "  %6.0f s ago", seconds);
	else
		append(line, "  %6.0f d ago", seconds / 86400);
}

static bool is_bad(const struct info_flow *flow)
{
	struct info_latency latency;

	return flow->problem || !flow->active || !info_flow_latency(flow, &latency) ||
	       latency.units < 0 || (uint64_t)latency.units > latency.keeps;
}

static void append_latency(char *line, const struct info_flow *flow)
{
	struct info_latency latency;

	if (!info_flow_latency(flow, &latency))
		append(line, "%10s %10s", "-", "-");
	/* a flow that stands still for days, or runs on another clock, has no use for digits */
	else if (latency.max_ms > 1e7 || latency.max_ms < -1e7)
		append(line, "%8.0f h %10s", latency.max_ms / 3.6e6, "-");
	else
		append(line, "%10.1f %10" PRId64, latency.max_ms, latency.units);
}

static void make_line(const struct info_flow *flow, char line[static LINE_ROOM])
{
	char format[64];

	line[0] = '\0';
	append(line, "%.8s  ", flow->id);
	append_text(line, flow->flowdef.label, 20);
	info_flow_format(flow, format, sizeof(format));
	append(line, "  ");
	append_text(line, format, 22);
	if (!flow->has_info) {
		append(line, "  %s", flow->problem ? flow->problem : "cannot be read");
		return;
	}
	append(line, "  %14" PRIu64 " ", flow->info.runtime.headIndex);
	if (flow->per_second >= 0)
		append(line, "%9.2f ", flow->per_second);
	else
		append(line, "%9s ", "-");
	append_latency(line, flow);
	append(line, "  ");
	append_writer(line, flow, 22);
	if (info_flow_is_audio(flow))
		append(line, "  %12s", "-");
	else
		append_age(line, flow->info.runtime.lastReadTime, flow->now);
	if (info_state_is_kernel(flow))
		append(line, "  %7" PRIu32 "  %10" PRIu64, flow->state.waiters, flow->state.wakes);
	else
		append(line, "  %7s  %10s", "-", "-");
}

static void find_size(struct watch *watch)
{
	struct winsize size;

	watch->columns = 80;
	watch->rows = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	if (size.ws_col > 0)
		watch->columns = size.ws_col;
	if (size.ws_row > 0)
		watch->rows = size.ws_row;
}

static void draw_line(struct watch *watch, FILE *stream, char *line, bool bad)
{
	tool_text_cut(line, watch->columns);
	fprintf(stream, "%s%s%s\033[K\n", bad && watch->color ? "\033[31m" : "", line,
		bad && watch->color ? "\033[0m" : "");
	watch->drawn++;
}

static void draw_head(struct watch *watch, FILE *stream)
{
	char line[LINE_ROOM] = "";
	time_t now = time(NULL);
	struct tm local;

	localtime_r(&now, &local);
	append(line, "%02d:%02d:%02d  ", local.tm_hour, local.tm_min, local.tm_sec);
	append_text(line, watch->domain->path, 60);
	append(line, "%zu %s", watch->count, watch->count == 1 ? "flow" : "flows");
	draw_line(watch, stream, line, false);
	line[0] = '\0';
	append(line, "%-8s  %-20s  %-22s  %14s %9s %10s %10s  %-22s  %12s  %7s  %10s", "FLOW",
	       "LABEL", "FORMAT", "HEAD", "PER S", "LATE MS", "LATE", "WRITER", "LAST READ",
	       "WAITING", "WAKES");
	draw_line(watch, stream, line, false);
}

/* Everything in one write, so that nobody sees a half drawn view. */
static void draw(struct watch *watch, FILE *stream)
{
	size_t room, i;

	find_size(watch);
	/* the view may have wrapped if the terminal became narrower; better too low than too high */
	if (watch->drawn != 0)
		fprintf(stream, "\033[%zuA\r", watch->drawn);
	watch->drawn = 0;
	draw_head(watch, stream);
	/* two lines above, one for the cursor below, one to say that there is more */
	room = watch->rows > 6 ? watch->rows - 4 : 2;
	for (i = 0; i < watch->count && i < room; i++) {
		char line[LINE_ROOM];

		make_line(&watch->flows[i], line);
		draw_line(watch, stream, line, is_bad(&watch->flows[i]));
	}
	if (watch->count > room) {
		char line[LINE_ROOM] = "";

		append(line, "... and %zu more", watch->count - room);
		draw_line(watch, stream, line, false);
	}
	fputs("\033[J", stream);
}

/* One line a flow, for files and pipes; the whole id, for nobody can ask again. */
static void list(struct watch *watch, FILE *stream)
{
	size_t i;

	for (i = 0; i < watch->count; i++) {
		const struct info_flow *flow = &watch->flows[i];
		struct info_latency latency;

		fprintf(stream, "time=%" PRIu64 " flow=%s", flow->now, flow->id);
		if (!flow->has_info) {
			fprintf(stream, " problem=\"%s\"\n", flow->problem);
			continue;
		}
		fprintf(stream, " head=%" PRIu64, flow->info.runtime.headIndex);
		if (flow->per_second >= 0)
			fprintf(stream, " per_s=%.2f", flow->per_second);
		if (info_flow_latency(flow, &latency))
			fprintf(stream, " late_ms=%.1f late=%" PRId64, latency.max_ms,
				latency.units);
		fprintf(stream, " active=%d", flow->active);
		if (flow->writer_count != 0)
			fprintf(stream, " writer=%ld", (long)flow->writers[0].pid);
		if (!info_flow_is_audio(flow))
			fprintf(stream, " read=%" PRIu64, flow->info.runtime.lastReadTime);
		if (info_state_is_kernel(flow))
			fprintf(stream, " waiting=%" PRIu32 " wakes=%" PRIu64, flow->state.waiters,
				flow->state.wakes);
		fputc('\n', stream);
	}
}

static int show(struct watch *watch)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return -ENOMEM;
	if (watch->options->json)
		info_json(stream, watch->domain, watch->flows, watch->count, false);
	else if (watch->terminal)
		draw(watch, stream);
	else
		list(watch, stream);
	if (fclose(stream) == 0)
		fwrite(text, 1, size, stdout);
	free(text);
	return fflush(stdout) == 0 ? 0 : -errno;
}

static int watch_on(struct watch *watch)
{
	uint64_t shown = 0, next = mxlGetTime();
	int result;

	for (;;) {
		result = look(watch);
		if (result == -ENOENT)
			tool_error("the domain has gone");
		else if (result < 0)
			tool_error("cannot look at the domain: %s", strerror(-result));
		else
			result = show(watch);
		if (result < 0 || ++shown == watch->options->count)
			return result;
		next += watch->options->interval;
		if (tool_sleep_until(next) < 0)
			return 0;
	}
}

int info_watch(mxlInstance instance, const struct info_options *options,
	       const struct info_domain *domain)
{
	struct watch watch = {
		.instance = instance,
		.options = options,
		.domain = domain,
		.terminal = isatty(STDOUT_FILENO) == 1,
		.color = info_use_color(),
	};
	int result = watch_on(&watch);

	/* the terminal has shown ^C where the shell's prompt is about to appear */
	if (tool_stop_signal() != 0 && watch.terminal && !options->json)
		putchar('\n');
	while (watch.count > 0)
		remove_flow(&watch, watch.count - 1);
	free(watch.flows);
	return result;
}

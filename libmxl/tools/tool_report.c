/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "tool_msg.h"

void tool_report_count(struct tool_report *report, uint64_t first, uint64_t units, uint64_t bytes)
{
	if (report->count == 0)
		report->first = first;
	report->last = first + units - 1;
	report->count += units;
	report->bytes += bytes;
}

static void add_figure(FILE *stream, uint64_t figure, const char *what)
{
	if (figure != 0)
		fprintf(stream, ", %" PRIu64 " %s", figure, what);
}

void tool_report_summary(const struct tool_report *report)
{
	double seconds = (double)report->elapsed / 1e9;
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return;
	fprintf(stream, "%s %" PRIu64 " %s", report->verb, report->count, report->unit);
	if (report->count != 0)
		fprintf(stream, " (index %" PRIu64 " to %" PRIu64 "), %.1f MB", report->first,
			report->last, (double)report->bytes / 1e6);
	fprintf(stream, " in %.1f s", seconds);
	add_figure(stream, report->late, "late");
	add_figure(stream, report->skipped, "indices skipped");
	add_figure(stream, report->lost, "lost");
	add_figure(stream, report->invalid, "invalid");
	add_figure(stream, report->incomplete, "incomplete");
	add_figure(stream, report->restarts, "restarts of the flow");
	add_figure(stream, report->dropped_bytes, "bytes at the end of the input dropped");
	if (fclose(stream) == 0)
		tool_note("%s", text);
	free(text);
}

static void print_latency(FILE *stream, const char *name, const struct tool_histogram *histogram)
{
	if (histogram->count == 0)
		return;
	fprintf(stream, "%s latency ms: min %.3f  p50 %.3f  p99 %.3f  max %.3f\n", name,
		(double)histogram->min / 1e6,
		(double)tool_histogram_percentile(histogram, 50) / 1e6,
		(double)tool_histogram_percentile(histogram, 99) / 1e6,
		(double)histogram->max / 1e6);
}

static void add_integer(cJSON *json, const char *name, int64_t value)
{
	char text[24];

	/* cJSON keeps numbers as double, which cannot hold every index */
	snprintf(text, sizeof(text), "%" PRId64, value);
	cJSON_AddRawToObject(json, name, text);
}

static void add_latency(cJSON *json, const char *name, const struct tool_histogram *histogram)
{
	cJSON *object;

	if (histogram->count == 0) {
		cJSON_AddNullToObject(json, name);
		return;
	}
	object = cJSON_AddObjectToObject(json, name);
	add_integer(object, "min", histogram->min);
	add_integer(object, "p50", tool_histogram_percentile(histogram, 50));
	add_integer(object, "p99", tool_histogram_percentile(histogram, 99));
	add_integer(object, "max", histogram->max);
}

static void print_json(const struct tool_report *report, const char *digest, FILE *stream)
{
	cJSON *json = cJSON_CreateObject();
	char *text;

	cJSON_AddStringToObject(json, "flow", report->flow);
	cJSON_AddStringToObject(json, "unit", report->unit);
	add_integer(json, "count", (int64_t)report->count);
	add_integer(json, "bytes", (int64_t)report->bytes);
	if (report->count != 0) {
		add_integer(json, "first", (int64_t)report->first);
		add_integer(json, "last", (int64_t)report->last);
	} else {
		cJSON_AddNullToObject(json, "first");
		cJSON_AddNullToObject(json, "last");
	}
	cJSON_AddNumberToObject(json, "seconds", (double)report->elapsed / 1e9);
	if (strcmp(report->verb, "wrote") == 0) {
		add_integer(json, "late", (int64_t)report->late);
		add_integer(json, "skipped", (int64_t)report->skipped);
		add_integer(json, "dropped_bytes", (int64_t)report->dropped_bytes);
	} else {
		add_integer(json, "lost", (int64_t)report->lost);
		add_integer(json, "invalid", (int64_t)report->invalid);
		add_integer(json, "incomplete", (int64_t)report->incomplete);
		add_integer(json, "restarts", (int64_t)report->restarts);
		add_latency(json, "latency_commit_ns", &report->commit);
	}
	add_latency(json, "latency_tai_ns", &report->tai);
	if (digest)
		cJSON_AddStringToObject(json, "xxh128", digest);
	text = cJSON_PrintUnformatted(json);
	if (text)
		fprintf(stream, "%s\n", text);
	cJSON_free(text);
	cJSON_Delete(json);
}

void tool_report_print(const struct tool_report *report, enum tool_stats_mode mode,
		       const struct tool_digest *digest, FILE *stream)
{
	char text[TOOL_DIGEST_TEXT];

	if (digest)
		tool_digest_text(digest, text);
	if (mode == TOOL_STATS_JSON) {
		print_json(report, digest ? text : NULL, stream);
		return;
	}
	if (mode == TOOL_STATS_TEXT) {
		print_latency(stream, "TAI", &report->tai);
		print_latency(stream, "commit", &report->commit);
	}
	if (digest)
		fprintf(stream,
			"xxh128 %s index %" PRIu64 "-%" PRIu64 " %s %" PRIu64 " bytes %" PRIu64
			"\n",
			text, report->first, report->last, report->unit, report->count,
			report->bytes);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * demo-report: compares what demo-write sent with what demo-read received, piece by piece, prints
 * the table and leaves the latencies for a plot. Exits 0 only if nothing was lost or changed.
 */
#include <argp.h>

#include "demo.h"

struct options {
	struct demo_plan plan;
	const char *writer;
	const char *reader;
	const char *latency;
};

struct list {
	struct demo_record *records;
	size_t count;
};

struct log {
	char backend[16];
	char video_digest[33];
	char audio_digest[33];
	uint64_t samples;
	uint64_t late;
	struct list video;
	struct list audio;
};

struct comparison {
	size_t sent;
	size_t received;
	size_t changed;
	uint64_t *latency;
	bool digest_ok;
};

static void append(struct list *list, const struct demo_record *record)
{
	/* Grows by doubling: the count is a power of two exactly when the list is full. */
	if (!(list->count & (list->count - 1))) {
		size_t room = list->count ? list->count * 2 : 1;

		list->records = reallocarray(list->records, room, sizeof(*record));
		if (!list->records)
			demo_die("out of memory");
	}
	list->records[list->count++] = *record;
}

static void load(const char *path, struct log *log)
{
	FILE *file = fopen(path, "re");
	struct demo_record record;
	char line[256], kind;

	if (!file)
		demo_die("%s: %s; the program that writes it failed", path, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%c %" SCNu64 " %" SCNu64 " %" SCNx64, &kind, &record.index,
			   &record.time, &record.digest) == 4) {
			append(kind == 'v' ? &log->video : &log->audio, &record);
			continue;
		}
		if (sscanf(line, "backend %15s", log->backend) == 1 ||
		    sscanf(line, "video %32s", log->video_digest) == 1 ||
		    sscanf(line, "audio %32s", log->audio_digest) == 1 ||
		    sscanf(line, "samples %" SCNu64, &log->samples) == 1 ||
		    sscanf(line, "late %" SCNu64, &log->late) == 1)
			continue;
		demo_die("%s: cannot make sense of \"%s\"", path, line);
	}
	fclose(file);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Both lists ascend by index. Latencies are left in order of index. */
static struct comparison compare(const struct list *sent, const struct list *received)
{
	struct comparison c = { .sent = sent->count };
	size_t i = 0;

	c.latency = calloc(received->count + 1, sizeof(*c.latency));
	if (!c.latency)
		demo_die("out of memory");
	for (size_t k = 0; k < received->count; k++) {
		const struct demo_record *r = &received->records[k];
		const struct demo_record *s;

		while (i < sent->count && sent->records[i].index < r->index)
			i++;
		if (i == sent->count || sent->records[i].index != r->index) {
			c.changed++;
			continue;
		}
		s = &sent->records[i];
		if (s->digest != r->digest)
			c.changed++;
		c.latency[c.received++] = r->time > s->time ? r->time - s->time : 0;
	}
	return c;
}

static double percentile(const uint64_t *sorted, size_t count, unsigned int percent)
{
	return count ? (double)sorted[(count - 1) * percent / 100] / 1000.0 : 0.0;
}

static void print_row(const char *name, uint64_t sent, uint64_t received, const char *unit,
		      const struct comparison *c)
{
	uint64_t *sorted = calloc(c->received + 1, sizeof(*sorted));

	if (!sorted)
		demo_die("out of memory");
	memcpy(sorted, c->latency, c->received * sizeof(*sorted));
	qsort(sorted, c->received, sizeof(*sorted), compare_u64);
	printf("%-30s %8" PRIu64 " %8" PRIu64 " %-7s %5" PRIu64 " %8.0f %8.0f %8.0f   %s\n", name,
	       sent, received, unit, sent > received ? sent - received : 0,
	       percentile(sorted, c->received, 50), percentile(sorted, c->received, 99),
	       percentile(sorted, c->received, 100),
	       c->digest_ok && !c->changed ? "ok" : "DIFFERS");
	free(sorted);
}

static void save_latency(const char *path, const struct demo_plan *plan,
			 const struct comparison *video, const struct comparison *audio)
{
	FILE *file = fopen(path, "we");
	size_t count = video->received < audio->received ? video->received : audio->received;

	if (!file)
		demo_die("%s: %s", path, strerror(errno));
	fprintf(file, "# seconds video_us audio_us\n");
	for (size_t i = 0; i < count; i++)
		fprintf(file, "%.4f %.1f %.1f\n",
			(double)i * (double)plan->rate.denominator / (double)plan->rate.numerator,
			(double)video->latency[i] / 1000.0, (double)audio->latency[i] / 1000.0);
	if (fclose(file))
		demo_die("%s: %s", path, strerror(errno));
}

static bool whole(const struct comparison *c)
{
	return c->digest_ok && !c->changed && c->received == c->sent;
}

static bool report(const struct options *opt, const struct log *writer, const struct log *reader)
{
	const struct demo_plan *plan = &opt->plan;
	struct comparison video = compare(&writer->video, &reader->video);
	struct comparison audio = compare(&writer->audio, &reader->audio);
	bool complete = writer->video.count == plan->frames;
	char name[64];

	video.digest_ok = !strcmp(writer->video_digest, reader->video_digest);
	audio.digest_ok = !strcmp(writer->audio_digest, reader->audio_digest);
	printf("%-30s %8s %8s %-7s %5s %8s %8s %8s   %s\n", "flow", "sent", "received", "", "lost",
	       "p50 us", "p99 us", "max us", "digest");
	snprintf(name, sizeof(name), "video v210 %ux%u @ %" PRId64 "/%" PRId64, plan->width,
		 plan->height, plan->rate.numerator, plan->rate.denominator);
	print_row(name, video.sent, video.received, "grains", &video);
	snprintf(name, sizeof(name), "audio float32 %d x %d Hz", DEMO_AUDIO_CHANNELS,
		 DEMO_AUDIO_RATE);
	print_row(name, writer->samples, reader->samples, "samples", &audio);
	printf("\nbackend         writer %s, reader %s\n", writer->backend, reader->backend);
	printf("video digest    written %s\n                read    %s\n", writer->video_digest,
	       reader->video_digest);
	printf("audio digest    written %s\n                read    %s\n", writer->audio_digest,
	       reader->audio_digest);
	printf("latency is the time from the writer's commit until the reader has a frame and its\n"
	       "sound; the latest commit was %.1f ms behind its TAI time\n",
	       (double)writer->late / 1e6);
	if (!complete)
		printf("only %zu of %u frames were written\n", writer->video.count, plan->frames);
	save_latency(opt->latency, plan, &video, &audio);
	complete = complete && whole(&video) && whole(&audio) && writer->samples == reader->samples;
	free(video.latency);
	free(audio.latency);
	return complete;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;

	switch (key) {
	case 's':
		if (!demo_parse_size(arg, &opt->plan.width, &opt->plan.height))
			argp_error(state, "--size wants WIDTHxHEIGHT, not \"%s\"", arg);
		break;
	case 'r':
		if (!demo_parse_rate(arg, &opt->plan.rate))
			argp_error(state, "--rate wants FRAMES or N/D per second, not \"%s\"", arg);
		break;
	case 'n':
		opt->plan.frames = strtoul(arg, NULL, 10);
		break;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			opt->writer = arg;
		else if (state->arg_num == 1)
			opt->reader = arg;
		else if (state->arg_num == 2)
			opt->latency = arg;
		else
			argp_usage(state);
		break;
	case ARGP_KEY_END:
		if (!opt->latency || !opt->plan.frames)
			argp_usage(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp_option argp_options[] = {
	{ "size", 's', "WxH", 0, "Size of a frame", 0 },
	{ "rate", 'r', "N/D", 0, "Frames per second", 0 },
	{ "frames", 'n', "COUNT", 0, "How many frames were to be exchanged", 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.args_doc = "WRITER-LOG READER-LOG LATENCY-FILE",
	.doc = "Compare what was sent with what was received.",
};

int main(int argc, char **argv)
{
	struct options opt = {
		.plan = { .width = 1920, .height = 1080, .rate = { 50, 1 } },
	};
	struct log writer = { 0 }, reader = { 0 };
	bool ok;

	argp_parse(&argp, argc, argv, 0, NULL, &opt);
	load(opt.writer, &writer);
	load(opt.reader, &reader);
	ok = report(&opt, &writer, &reader);
	free(writer.video.records);
	free(writer.audio.records);
	free(reader.video.records);
	free(reader.audio.records);
	return ok ? 0 : 1;
}

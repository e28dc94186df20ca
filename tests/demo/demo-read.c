// SPDX-License-Identifier: Apache-2.0
/*
 * demo-read: the reader of the demonstration. Waits with a synchronisation group until a frame and
 * its sound are there, takes the digest of both in place, and keeps one frame and the sound for
 * somebody to look at and listen to.
 */
#include <argp.h>
#include <fcntl.h>

#include "demo.h"

#define FLOW_PATIENCE_NS (10 * DEMO_NS_PER_S)
#define FRAME_PATIENCE_NS (2 * DEMO_NS_PER_S)
/* Waits are not ended by signals, so none may be long. */
#define WAIT_NS (DEMO_NS_PER_S / 4)
#define START_DELAY_NS (DEMO_NS_PER_S / 2)

struct options {
	struct demo_plan plan;
	const char *control;
	const char *log;
	const char *frame_file;
	const char *sound_file;
};

struct reader {
	const struct options *opt;
	int control;
	mxlInstance instance;
	mxlFlowReader video;
	mxlFlowReader audio;
	mxlFlowSynchronizationGroup group;
	struct demo_record *video_log;
	struct demo_record *audio_log;
	struct demo_digest video_digest;
	struct demo_digest audio_digest;
	uint64_t first_frame;
	unsigned int frames_lost;
	unsigned int sounds_lost;
	uint64_t samples;
	uint8_t *kept_frame;
	size_t kept_frame_size;
	float *kept_sound;
	size_t kept_sound_size;
};

/* Looks every few milliseconds until the writer has created the flow. */
static mxlFlowReader open_flow(struct reader *r, const char *id, const char *what)
{
	uint64_t deadline = mxlGetTime() + FLOW_PATIENCE_NS;
	mxlFlowReader reader;
	mxlStatus status;

	do {
		status = mxlCreateFlowReader(r->instance, id, NULL, &reader);
		if (status == MXL_STATUS_OK)
			return reader;
		if (status != MXL_ERR_FLOW_NOT_FOUND)
			demo_die("cannot open the %s flow: %s", what, demo_status(status));
		mxlSleepForNs(5000000);
	} while (!demo_stop && mxlGetTime() < deadline);
	demo_die("the %s flow did not appear in %s; see what demo-write says", what,
		 r->opt->plan.domain);
}

static void say(struct reader *r, const char *text)
{
	size_t length = strlen(text);

	if (write(r->control, text, length) != (ssize_t)length)
		demo_die("the writer went away");
}

static void attach(struct reader *r)
{
	mxlStatus status;

	r->instance = mxlCreateInstance(r->opt->plan.domain, NULL);
	if (!r->instance)
		demo_die("cannot open the domain %s; the library says why", r->opt->plan.domain);
	r->video = open_flow(r, DEMO_VIDEO_ID, "video");
	r->audio = open_flow(r, DEMO_AUDIO_ID, "audio");
	status = mxlCreateFlowSynchronizationGroup(r->instance, &r->group);
	if (status == MXL_STATUS_OK)
		status = mxlFlowSynchronizationGroupAddReader(r->group, r->video);
	if (status == MXL_STATUS_OK)
		status = mxlFlowSynchronizationGroupAddReader(r->group, r->audio);
	if (status != MXL_STATUS_OK)
		demo_die("cannot make a synchronisation group: %s", demo_status(status));
	r->control = open(r->opt->control, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (r->control < 0)
		demo_die("%s: %s; is demo-write running?", r->opt->control, strerror(errno));
}

/* What is kept is allocated and touched before the start, so that no page fault adds latency. */
static void prepare(struct reader *r)
{
	const struct demo_plan *plan = &r->opt->plan;
	uint64_t first = demo_samples_until(&plan->rate, r->first_frame - 1);
	uint64_t end = demo_samples_until(&plan->rate, r->first_frame + plan->frames);

	r->video_log = calloc(plan->frames, sizeof(*r->video_log));
	r->audio_log = calloc(plan->frames, sizeof(*r->audio_log));
	r->kept_frame_size = demo_line_bytes(plan->width) * plan->height;
	r->kept_frame = malloc(r->kept_frame_size);
	r->kept_sound_size = (end - first) * DEMO_AUDIO_CHANNELS * sizeof(float);
	r->kept_sound = malloc(r->kept_sound_size);
	if (!r->video_log || !r->audio_log || !r->kept_frame || !r->kept_sound)
		demo_die("out of memory");
	memset(r->kept_frame, 0xff, r->kept_frame_size);
	memset(r->kept_sound, 0, r->kept_sound_size);
	demo_digest_init(&r->video_digest);
	demo_digest_init(&r->audio_digest);
}

static void send_start(struct reader *r)
{
	uint64_t start = mxlGetTime() + START_DELAY_NS;
	char line[64];

	r->first_frame = mxlTimestampToIndex(&r->opt->plan.rate, start);
	prepare(r);
	snprintf(line, sizeof(line), "start %" PRIu64 "\n",
		 mxlIndexToTimestamp(&r->opt->plan.rate, r->first_frame));
	say(r, line);
}

/* A grain may be overwritten while its digest is taken; asking once more tells. */
static bool take_frame(struct reader *r, unsigned int n, uint64_t now)
{
	struct demo_record *record = &r->video_log[n];
	uint64_t index = r->first_frame + n;
	mxlGrainInfo grain;
	uint8_t *payload;
	mxlStatus status;

	status = mxlFlowReaderGetGrainNonBlocking(r->video, index, &grain, &payload);
	if (status != MXL_STATUS_OK || (grain.flags & MXL_GRAIN_FLAG_INVALID))
		return false;
	demo_digest_add(&r->video_digest, payload, grain.grainSize);
	if (n == r->opt->plan.frames / 2 && grain.grainSize == r->kept_frame_size)
		memcpy(r->kept_frame, payload, grain.grainSize);
	record->digest = demo_digest_piece(&r->video_digest);
	status = mxlFlowReaderGetGrainNonBlocking(r->video, index, &grain, &payload);
	if (status != MXL_STATUS_OK)
		return false;
	record->index = grain.index;
	record->time = now;
	return true;
}

static void keep_sound(struct reader *r, unsigned int channel, const void *data, size_t bytes,
		       uint64_t at)
{
	const float *source = data;
	float *target = r->kept_sound + at * DEMO_AUDIO_CHANNELS + channel;

	for (size_t i = 0; i < bytes / sizeof(float); i++, target += DEMO_AUDIO_CHANNELS)
		*target = source[i];
}

static bool take_sound(struct reader *r, unsigned int n, uint64_t now)
{
	const mxlRational *rate = &r->opt->plan.rate;
	uint64_t origin = demo_samples_until(rate, r->first_frame - 1);
	uint64_t begin = demo_samples_until(rate, r->first_frame + n - 1);
	uint64_t end = demo_samples_until(rate, r->first_frame + n);
	mxlWrappedMultiBufferSlice slices = { 0 };
	const mxlBufferSlice *part = slices.base.fragments;
	mxlStatus status;

	status = mxlFlowReaderGetSamplesNonBlocking(r->audio, end, end - begin, &slices);
	if (status != MXL_STATUS_OK)
		return false;
	for (size_t channel = 0; channel < slices.count; channel++) {
		const uint8_t *head = (const uint8_t *)part[0].pointer + channel * slices.stride;
		const uint8_t *tail = (const uint8_t *)part[1].pointer + channel * slices.stride;
		uint64_t at = begin - origin;

		demo_digest_add(&r->audio_digest, head, part[0].size);
		keep_sound(r, channel, head, part[0].size, at);
		if (!part[1].size)
			continue;
		demo_digest_add(&r->audio_digest, tail, part[1].size);
		keep_sound(r, channel, tail, part[1].size, at + part[0].size / sizeof(float));
	}
	r->audio_log[n].digest = demo_digest_piece(&r->audio_digest);
	status = mxlFlowReaderGetSamplesNonBlocking(r->audio, end, end - begin, &slices);
	if (status != MXL_STATUS_OK)
		return false;
	r->audio_log[n].index = end;
	r->audio_log[n].time = now;
	r->samples += end - begin;
	return true;
}

static void show_progress(const struct reader *r, unsigned int done)
{
	const struct demo_plan *plan = &r->opt->plan;
	unsigned int per_second =
		(plan->rate.numerator + plan->rate.denominator - 1) / plan->rate.denominator;
	bool terminal = isatty(STDERR_FILENO);

	if (done % (terminal ? per_second / 4 + 1 : per_second * 4) && done != plan->frames)
		return;
	fprintf(stderr, "%s  %u of %u frames, %u lost, %.1f of %.1f s of sound%s",
		terminal ? "\r" : "", done, plan->frames, r->frames_lost,
		(double)r->samples / DEMO_AUDIO_RATE,
		(double)plan->frames * (double)plan->rate.denominator /
			(double)plan->rate.numerator,
		terminal && done != plan->frames ? "" : "\n");
}

static mxlStatus wait_for(struct reader *r, uint64_t due)
{
	uint64_t now = mxlGetTime();
	uint64_t deadline = (due > now ? due : now) + FRAME_PATIENCE_NS;
	mxlStatus status;

	do {
		status = mxlFlowSynchronizationGroupWaitForDataAt(r->group, due, WAIT_NS);
	} while (status == MXL_ERR_OUT_OF_RANGE_TOO_EARLY && !demo_stop && mxlGetTime() < deadline);
	return status;
}

/* Returns how many frames were waited for. */
static unsigned int read_all(struct reader *r)
{
	const struct demo_plan *plan = &r->opt->plan;
	mxlStatus status;
	unsigned int n;

	for (n = 0; n < plan->frames && !demo_stop; n++) {
		uint64_t now;

		status = wait_for(r, mxlIndexToTimestamp(&plan->rate, r->first_frame + n));
		now = mxlGetTime();
		if (demo_stop)
			break;
		if (status == MXL_ERR_OUT_OF_RANGE_TOO_EARLY || status == MXL_ERR_FLOW_INVALID) {
			fprintf(stderr, "\ndemo-read: frame %u did not come: %s\n", n,
				demo_status(status));
			break;
		}
		if (!take_frame(r, n, now))
			r->frames_lost++;
		if (!take_sound(r, n, now))
			r->sounds_lost++;
		show_progress(r, n + 1);
	}
	return n;
}

static void save(const char *path, const void *data, size_t size)
{
	FILE *file;

	if (!path)
		return;
	file = fopen(path, "we");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file))
		demo_die("%s: %s", path, strerror(errno));
}

static void save_log(struct reader *r, unsigned int frames)
{
	char video[33], audio[33];
	FILE *log = fopen(r->opt->log, "we");

	if (!log)
		demo_die("%s: %s", r->opt->log, strerror(errno));
	demo_digest_text(&r->video_digest, video);
	demo_digest_text(&r->audio_digest, audio);
	fprintf(log, "backend %s\n", demo_backend());
	fprintf(log, "video %s\naudio %s\n", video, audio);
	fprintf(log, "samples %" PRIu64 "\n", r->samples);
	for (unsigned int n = 0; n < frames; n++) {
		const struct demo_record *v = &r->video_log[n], *a = &r->audio_log[n];

		if (v->time)
			fprintf(log, "v %" PRIu64 " %" PRIu64 " %016" PRIx64 "\n", v->index,
				v->time, v->digest);
		if (a->time)
			fprintf(log, "a %" PRIu64 " %" PRIu64 " %016" PRIx64 "\n", a->index,
				a->time, a->digest);
	}
	if (fclose(log))
		demo_die("%s: %s", r->opt->log, strerror(errno));
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;

	switch (key) {
	case 'd':
		opt->plan.domain = arg;
		break;
	case 'c':
		opt->control = arg;
		break;
	case 'l':
		opt->log = arg;
		break;
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
	case 'f':
		opt->frame_file = arg;
		break;
	case 'a':
		opt->sound_file = arg;
		break;
	case ARGP_KEY_ARG:
		argp_usage(state);
		break;
	case ARGP_KEY_END:
		if (!opt->plan.domain || !opt->control || !opt->log || !opt->plan.frames)
			argp_usage(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp_option argp_options[] = {
	{ "domain", 'd', "DIR", 0, "Domain to read from (must exist)", 0 },
	{ "control", 'c', "FIFO", 0, "Where to say start and done", 0 },
	{ "log", 'l', "FILE", 0, "Where to leave times and digests", 0 },
	{ "size", 's', "WxH", 0, "Size of a frame", 0 },
	{ "rate", 'r', "N/D", 0, "Frames per second", 0 },
	{ "frames", 'n', "COUNT", 0, "How many frames to read", 0 },
	{ "keep-frame", 'f', "FILE", 0, "Save one received frame as raw v210", 0 },
	{ "keep-sound", 'a', "FILE", 0, "Save the received sound as raw float32", 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.doc = "Read a video and an audio flow in step and take the digest of both.",
};

static void detach(struct reader *r)
{
	mxlReleaseFlowSynchronizationGroup(r->instance, r->group);
	mxlReleaseFlowReader(r->instance, r->video);
	mxlReleaseFlowReader(r->instance, r->audio);
	mxlDestroyInstance(r->instance);
	close(r->control);
	free(r->video_log);
	free(r->audio_log);
	free(r->kept_frame);
	free(r->kept_sound);
	demo_digest_free(&r->video_digest);
	demo_digest_free(&r->audio_digest);
}

int main(int argc, char **argv)
{
	struct options opt = {
		.plan = { .width = 1920, .height = 1080, .rate = { 50, 1 } },
	};
	struct reader r = { .opt = &opt };
	unsigned int frames;
	bool complete;

	argp_parse(&argp, argc, argv, 0, NULL, &opt);
	demo_catch_signals();
	attach(&r);
	send_start(&r);
	frames = read_all(&r);
	if (frames == opt.plan.frames)
		say(&r, "done\n");
	save_log(&r, frames);
	save(opt.frame_file, r.kept_frame, r.kept_frame_size);
	save(opt.sound_file, r.kept_sound, r.kept_sound_size);
	complete = frames == opt.plan.frames && !r.frames_lost && !r.sounds_lost;
	detach(&r);
	return complete ? 0 : 1;
}

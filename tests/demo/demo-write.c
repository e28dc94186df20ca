// SPDX-License-Identifier: Apache-2.0
/*
 * demo-write: the writer of the demonstration. Pans over decoded photographs and plays decoded
 * speech into two flows, each grain and each packet of samples at its own TAI time.
 */
#include <argp.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "demo.h"

/* An audio packet of 10 ms is what a flow signals by default, see maxSyncBatchSizeHint. */
#define PACKET_SAMPLES 480
#define READER_PATIENCE_MS 30000

struct picture {
	const void *data;
	size_t size;
};

struct options {
	struct demo_plan plan;
	const char *control;
	const char *log;
	const char *sound;
	unsigned int picture_width;
	unsigned int picture_height;
	char **pictures;
	unsigned int picture_count;
};

struct writer {
	const struct options *opt;
	int control;
	bool reader_done;
	mxlInstance instance;
	mxlFlowWriter video;
	mxlFlowWriter audio;
	mxlGrainInfo grain;
	struct picture *pictures;
	struct picture sound;
	struct demo_record *video_log;
	struct demo_record *audio_log;
	struct demo_digest video_digest;
	struct demo_digest audio_digest;
	uint64_t first_frame;
	uint64_t first_sample;
	uint64_t next_sample;
	uint64_t late_max;
};

static struct picture map_file(const char *path)
{
	struct picture file;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		demo_die("%s: %s; run the decode step first", path, strerror(errno));
	file.size = st.st_size;
	if (!file.size)
		demo_die("%s is empty; run the decode step again", path);
	file.data = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (file.data == MAP_FAILED)
		demo_die("%s: cannot map: %s", path, strerror(errno));
	close(fd);
	return file;
}

static void load_media(struct writer *w)
{
	const struct options *opt = w->opt;
	size_t expected = demo_line_bytes(opt->picture_width) * opt->picture_height;

	w->pictures = calloc(opt->picture_count, sizeof(*w->pictures));
	if (!w->pictures)
		demo_die("out of memory");
	for (unsigned int i = 0; i < opt->picture_count; i++) {
		w->pictures[i] = map_file(opt->pictures[i]);
		if (w->pictures[i].size != expected)
			demo_die("%s has %zu bytes, a v210 picture of %ux%u has %zu",
				 opt->pictures[i], w->pictures[i].size, opt->picture_width,
				 opt->picture_height, expected);
	}
	w->sound = map_file(opt->sound);
	if (w->sound.size < DEMO_AUDIO_CHANNELS * sizeof(float))
		demo_die("%s is too short", opt->sound);
}

static void create_flow(struct writer *w, const char *def, const char *what, mxlFlowWriter *ret)
{
	mxlFlowConfigInfo config;
	bool created;
	mxlStatus status = mxlCreateFlowWriter(w->instance, def, NULL, ret, &config, &created);

	if (status != MXL_STATUS_OK)
		demo_die("cannot create the %s flow in %s: %s", what, w->opt->plan.domain,
			 demo_status(status));
}

static void create_flows(struct writer *w)
{
	const struct demo_plan *plan = &w->opt->plan;
	char def[1024];

	w->instance = mxlCreateInstance(plan->domain, NULL);
	if (!w->instance)
		demo_die("cannot open the domain %s; the library says why", plan->domain);
	snprintf(def, sizeof(def),
		 "{\"id\": \"" DEMO_VIDEO_ID "\", \"label\": \"demo video\","
		 " \"format\": \"urn:x-nmos:format:video\", \"media_type\": \"video/v210\","
		 " \"tags\": {\"urn:x-nmos:tag:grouphint/v1.0\": [\"Demo:Video\"]},"
		 " \"grain_rate\": {\"numerator\": %" PRId64 ", \"denominator\": %" PRId64 "},"
		 " \"frame_width\": %u, \"frame_height\": %u,"
		 " \"interlace_mode\": \"progressive\", \"colorspace\": \"BT709\"}",
		 plan->rate.numerator, plan->rate.denominator, plan->width, plan->height);
	create_flow(w, def, "video", &w->video);
	snprintf(def, sizeof(def),
		 "{\"id\": \"" DEMO_AUDIO_ID "\", \"label\": \"demo audio\","
		 " \"format\": \"urn:x-nmos:format:audio\", \"media_type\": \"audio/float32\","
		 " \"tags\": {\"urn:x-nmos:tag:grouphint/v1.0\": [\"Demo:Audio\"]},"
		 " \"sample_rate\": {\"numerator\": %d}, \"channel_count\": %d,"
		 " \"bit_depth\": 32}",
		 DEMO_AUDIO_RATE, DEMO_AUDIO_CHANNELS);
	create_flow(w, def, "audio", &w->audio);
}

/*
 * Reads what the reader has said. Returns false once the reader is gone, or said nothing for
 * @timeout_ms; a timeout of 0 only looks.
 */
static bool hear_reader(struct writer *w, int timeout_ms, char *line, size_t size)
{
	struct pollfd pfd = { .fd = w->control, .events = POLLIN };
	ssize_t n;
	int ready = poll(&pfd, 1, timeout_ms);

	line[0] = '\0';
	if (ready == 0)
		return timeout_ms == 0;
	if (ready < 0)
		return !demo_stop && errno == EINTR;
	n = read(w->control, line, size - 1);
	if (n <= 0)
		return false;
	line[n] = '\0';
	if (strstr(line, "done"))
		w->reader_done = true;
	return true;
}

static void wait_for_start(struct writer *w)
{
	const struct demo_plan *plan = &w->opt->plan;
	uint64_t start;
	char line[128];

	if (!hear_reader(w, READER_PATIENCE_MS, line, sizeof(line)) ||
	    sscanf(line, "start %" SCNu64, &start) != 1)
		demo_die(demo_stop ? "stopped before the start"
				   : "no reader came; see what demo-read says");
	w->first_frame = mxlTimestampToIndex(&plan->rate, start);
	w->first_sample = demo_samples_until(&plan->rate, w->first_frame - 1);
	w->next_sample = w->first_sample;
}

/*
 * Where the window of frame @n stands in its picture. v210 packs six pixels into 16 bytes, so a
 * window can move by lines and by groups of six pixels without decoding anything.
 */
static const uint8_t *window(const struct writer *w, unsigned int n)
{
	const struct options *opt = w->opt;
	unsigned int per_picture = opt->plan.frames / opt->picture_count + 1;
	unsigned int number = n / per_picture;
	unsigned int phase = n % per_picture;
	size_t stride = demo_line_bytes(opt->picture_width);
	size_t groups = (stride - demo_line_bytes(opt->plan.width)) / 16;
	size_t lines = opt->picture_height - opt->plan.height;
	size_t x = groups * phase / per_picture;
	size_t y = lines * phase / per_picture;

	if (number & 1)
		x = groups - x;
	if (number & 2)
		y = lines - y;
	return (const uint8_t *)w->pictures[number].data + y * stride + x * 16;
}

/* The digest is taken of the source: what reached the flow is for the reader to find out. */
static void fill_frame(struct writer *w, unsigned int n, uint8_t *payload)
{
	const struct options *opt = w->opt;
	size_t stride = demo_line_bytes(opt->picture_width);
	size_t line = demo_line_bytes(opt->plan.width);
	const uint8_t *source = window(w, n);

	for (unsigned int y = 0; y < opt->plan.height; y++, source += stride) {
		memcpy(payload + y * line, source, line);
		demo_digest_add(&w->video_digest, source, line);
	}
	w->video_log[n].digest = demo_digest_piece(&w->video_digest);
}

static void open_frame(struct writer *w, unsigned int n)
{
	uint8_t *payload;
	mxlStatus status;

	w->video_log[n].index = w->first_frame + n;
	status = mxlFlowWriterOpenGrain(w->video, w->first_frame + n, &w->grain, &payload);
	if (status != MXL_STATUS_OK)
		demo_die("cannot open grain %" PRIu64 ": %s", w->first_frame + n,
			 demo_status(status));
	fill_frame(w, n, payload);
}

static void note_lateness(struct writer *w, uint64_t due, uint64_t now)
{
	if (now > due && now - due > w->late_max)
		w->late_max = now - due;
}

static void commit_frame(struct writer *w, unsigned int n)
{
	uint64_t due = mxlIndexToTimestamp(&w->opt->plan.rate, w->first_frame + n);
	mxlStatus status;

	mxlSleepUntil(due);
	w->grain.validSlices = w->grain.totalSlices;
	w->video_log[n].time = mxlGetTime();
	status = mxlFlowWriterCommitGrain(w->video, &w->grain);
	if (status != MXL_STATUS_OK)
		demo_die("cannot commit grain %" PRIu64 ": %s", w->first_frame + n,
			 demo_status(status));
	note_lateness(w, due, w->video_log[n].time);
}

/* The sound repeats when it is shorter than the pictures. */
static float source_sample(const struct writer *w, uint64_t sample, unsigned int channel)
{
	const float *samples = w->sound.data;
	uint64_t length = w->sound.size / sizeof(float) / DEMO_AUDIO_CHANNELS;

	return samples[(sample - w->first_sample) % length * DEMO_AUDIO_CHANNELS + channel];
}

static void fill_packet(struct writer *w, size_t count,
			const mxlMutableWrappedMultiBufferSlice *slices)
{
	const mxlMutableBufferSlice *part = slices->base.fragments;
	float source[PACKET_SAMPLES] = { 0 };
	size_t first = part[0].size / sizeof(float);

	for (unsigned int channel = 0; channel < DEMO_AUDIO_CHANNELS; channel++) {
		size_t offset = channel * slices->stride;

		for (size_t i = 0; i < count; i++)
			source[i] = source_sample(w, w->next_sample + i, channel);
		memcpy((uint8_t *)part[0].pointer + offset, source, part[0].size);
		memcpy((uint8_t *)part[1].pointer + offset, source + first, part[1].size);
	}
}

/* Returns the time just before the commit. */
static uint64_t write_packet(struct writer *w, uint64_t end)
{
	const mxlRational rate = { DEMO_AUDIO_RATE, 1 };
	size_t count = end - w->next_sample;
	mxlMutableWrappedMultiBufferSlice slices;
	mxlStatus status;
	uint64_t now;

	status = mxlFlowWriterOpenSamples(w->audio, end, count, &slices);
	if (status != MXL_STATUS_OK)
		demo_die("cannot open samples up to %" PRIu64 ": %s", end, demo_status(status));
	fill_packet(w, count, &slices);
	mxlSleepUntil(mxlIndexToTimestamp(&rate, end));
	now = mxlGetTime();
	status = mxlFlowWriterCommitSamples(w->audio);
	if (status != MXL_STATUS_OK)
		demo_die("cannot commit samples up to %" PRIu64 ": %s", end, demo_status(status));
	w->next_sample = end;
	return now;
}

/* A piece of sound is what belongs to one frame, channel after channel. */
static void digest_sound(struct writer *w, unsigned int n, uint64_t begin, uint64_t end)
{
	for (unsigned int channel = 0; channel < DEMO_AUDIO_CHANNELS; channel++) {
		for (uint64_t sample = begin; sample < end; sample++) {
			float value = source_sample(w, sample, channel);

			demo_digest_add(&w->audio_digest, &value, sizeof(value));
		}
	}
	w->audio_log[n].index = end;
	w->audio_log[n].digest = demo_digest_piece(&w->audio_digest);
}

static void write_sound_of_frame(struct writer *w, unsigned int n)
{
	uint64_t begin = w->next_sample;
	uint64_t end = demo_samples_until(&w->opt->plan.rate, w->first_frame + n);

	while (w->next_sample < end) {
		uint64_t packet = w->next_sample - w->next_sample % PACKET_SAMPLES + PACKET_SAMPLES;

		w->audio_log[n].time = write_packet(w, packet < end ? packet : end);
	}
	digest_sound(w, n, begin, end);
}

/* Returns how many frames were written. */
static unsigned int write_all(struct writer *w)
{
	unsigned int n;
	char line[128];

	for (n = 0; n < w->opt->plan.frames && !demo_stop; n++) {
		if (!hear_reader(w, 0, line, sizeof(line))) {
			fprintf(stderr, "demo-write: the reader went away at frame %u\n", n);
			break;
		}
		open_frame(w, n);
		write_sound_of_frame(w, n);
		if (demo_stop)
			break;
		commit_frame(w, n);
	}
	return n;
}

/* The last writer to leave deletes a flow, so the reader must have finished by then. */
static void wait_until_read(struct writer *w)
{
	char line[128];

	while (!w->reader_done && !demo_stop) {
		if (!hear_reader(w, READER_PATIENCE_MS, line, sizeof(line)))
			demo_die("the reader went away before it had read everything");
	}
}

static void save_log(struct writer *w, unsigned int frames)
{
	char video[33], audio[33];
	FILE *log = fopen(w->opt->log, "we");

	if (!log)
		demo_die("%s: %s", w->opt->log, strerror(errno));
	demo_digest_text(&w->video_digest, video);
	demo_digest_text(&w->audio_digest, audio);
	fprintf(log, "backend %s\n", demo_backend());
	fprintf(log, "video %s\naudio %s\n", video, audio);
	fprintf(log, "samples %" PRIu64 "\n", w->next_sample - w->first_sample);
	fprintf(log, "late %" PRIu64 "\n", w->late_max);
	for (unsigned int n = 0; n < frames; n++)
		fprintf(log,
			"v %" PRIu64 " %" PRIu64 " %016" PRIx64 "\n"
			"a %" PRIu64 " %" PRIu64 " %016" PRIx64 "\n",
			w->video_log[n].index, w->video_log[n].time, w->video_log[n].digest,
			w->audio_log[n].index, w->audio_log[n].time, w->audio_log[n].digest);
	if (fclose(log))
		demo_die("%s: %s", w->opt->log, strerror(errno));
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
	case 'p':
		if (!demo_parse_size(arg, &opt->picture_width, &opt->picture_height))
			argp_error(state, "--picture-size wants WIDTHxHEIGHT, not \"%s\"", arg);
		break;
	case 'a':
		opt->sound = arg;
		break;
	case ARGP_KEY_ARGS:
		opt->pictures = state->argv + state->next;
		opt->picture_count = state->argc - state->next;
		break;
	case ARGP_KEY_END:
		if (!opt->plan.domain || !opt->control || !opt->log || !opt->sound ||
		    !opt->picture_count || !opt->plan.frames)
			argp_usage(state);
		if (opt->picture_width < opt->plan.width || opt->picture_height < opt->plan.height)
			argp_error(state, "the pictures must not be smaller than the frames");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp_option argp_options[] = {
	{ "domain", 'd', "DIR", 0, "Domain to write to (must exist)", 0 },
	{ "control", 'c', "FIFO", 0, "Where the reader says start and done", 0 },
	{ "log", 'l', "FILE", 0, "Where to leave times and digests", 0 },
	{ "size", 's', "WxH", 0, "Size of a frame", 0 },
	{ "rate", 'r', "N/D", 0, "Frames per second", 0 },
	{ "frames", 'n', "COUNT", 0, "How many frames to write", 0 },
	{ "picture-size", 'p', "WxH", 0, "Size of the decoded pictures", 0 },
	{ "sound", 'a', "FILE", 0, "Decoded sound, float32, stereo, 48 kHz", 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.args_doc = "PICTURE...",
	.doc = "Write panned pictures and sound to two flows, paced by TAI.",
};

int main(int argc, char **argv)
{
	struct options opt = {
		.plan = { .width = 1920, .height = 1080, .rate = { 50, 1 } },
	};
	struct writer w = { .opt = &opt };
	unsigned int frames;

	argp_parse(&argp, argc, argv, 0, NULL, &opt);
	demo_catch_signals();
	load_media(&w);
	w.video_log = calloc(opt.plan.frames, sizeof(*w.video_log));
	w.audio_log = calloc(opt.plan.frames, sizeof(*w.audio_log));
	if (!w.video_log || !w.audio_log)
		demo_die("out of memory");
	demo_digest_init(&w.video_digest);
	demo_digest_init(&w.audio_digest);
	/* Open before the flows exist: the reader opens its end as soon as it finds them. */
	w.control = open(opt.control, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (w.control < 0)
		demo_die("%s: %s", opt.control, strerror(errno));
	create_flows(&w);
	wait_for_start(&w);
	frames = write_all(&w);
	if (frames == opt.plan.frames)
		wait_until_read(&w);
	save_log(&w, frames);
	mxlReleaseFlowWriter(w.instance, w.video);
	mxlReleaseFlowWriter(w.instance, w.audio);
	mxlDestroyInstance(w.instance);
	free(w.pictures);
	free(w.video_log);
	free(w.audio_log);
	demo_digest_free(&w.video_digest);
	demo_digest_free(&w.audio_digest);
	close(w.control);
	return frames == opt.plan.frames && w.reader_done ? 0 : 1;
}

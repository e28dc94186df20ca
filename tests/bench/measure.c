// SPDX-License-Identifier: Apache-2.0
/* The measurements. Each runs in a fresh process with a fresh domain. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define VIDEO_ID "0d7f3c52-8a36-4f6e-b7a1-5c1e9d2b4a01"
#define AUDIO_ID "0d7f3c52-8a36-4f6e-b7a1-5c1e9d2b4a02"
#define FRAME_NS UINT64_C(16683333)
#define SLICES 1080
#define PACKET 48
#define COUNTED_CALLS 1000
#define PATIENCE_NS UINT64_C(2000000000)
#define MAX_READERS 16
#define MAX_WAKES 2000

static const char video_def[] =
	"{\"id\": \"" VIDEO_ID "\", \"label\": \"bench video\","
	" \"format\": \"urn:x-nmos:format:video\", \"media_type\": \"video/v210\","
	" \"tags\": {\"urn:x-nmos:tag:grouphint/v1.0\": [\"Bench:Video\"]},"
	" \"grain_rate\": {\"numerator\": 60000, \"denominator\": 1001},"
	" \"frame_width\": 1920, \"frame_height\": 1080, \"interlace_mode\": \"progressive\","
	" \"colorspace\": \"BT709\"}";

static const char audio_def[] =
	"{\"id\": \"" AUDIO_ID "\", \"label\": \"bench audio\","
	" \"format\": \"urn:x-nmos:format:audio\", \"media_type\": \"audio/float32\","
	" \"tags\": {\"urn:x-nmos:tag:grouphint/v1.0\": [\"Bench:Audio\"]},"
	" \"sample_rate\": {\"numerator\": 48000}, \"channel_count\": 16, \"bit_depth\": 32}";

static const mxlRational video_rate = { 60000, 1001 };
static const mxlRational audio_rate = { 48000, 1 };

/**
 * struct stage - what the processes of one measurement share
 * @gate: passed by all of them at once
 * @first: index of the first grain that is committed
 * @frames: how many grains are
 * @committed: when, by grain
 * @received: when, by grain; 0 if it was missed
 * @switches: context switches of all readers together
 * @result: of a reader
 */
struct stage {
	const struct bench_api *api;
	const struct bench_config *config;
	struct bench_gate gate;
	uint32_t processes;
	uint64_t first;
	unsigned int frames;
	uint64_t committed[MAX_WAKES];
	uint64_t received[MAX_WAKES];
	_Atomic uint64_t switches;
	double result[2];
};

static void must(mxlStatus status, const char *what)
{
	if (status != MXL_STATUS_OK)
		bench_fail("%s failed with status %d", what, (int)status);
}

static mxlInstance open_instance(const struct bench_api *api, const struct bench_config *config)
{
	mxlInstance instance = api->mxlCreateInstance(config->domain, "");

	if (!instance)
		bench_fail("cannot open the domain %s", config->domain);
	return instance;
}

static mxlFlowWriter open_writer(const struct bench_api *api, mxlInstance instance, const char *def)
{
	mxlFlowConfigInfo config;
	mxlFlowWriter writer;
	bool created;

	must(api->mxlCreateFlowWriter(instance, def, "", &writer, &config, &created),
	     "mxlCreateFlowWriter");
	return writer;
}

static mxlFlowReader open_reader(const struct bench_api *api, mxlInstance instance, const char *id)
{
	mxlFlowReader reader;

	must(api->mxlCreateFlowReader(instance, id, "", &reader), "mxlCreateFlowReader");
	return reader;
}

static void write_grain(const struct bench_api *api, mxlFlowWriter writer, uint64_t index)
{
	mxlGrainInfo grain;
	uint8_t *payload;

	must(api->mxlFlowWriterOpenGrain(writer, index, &grain, &payload), "OpenGrain");
	grain.validSlices = grain.totalSlices;
	must(api->mxlFlowWriterCommitGrain(writer, &grain), "CommitGrain");
}

static void write_packet(const struct bench_api *api, mxlFlowWriter writer, uint64_t index)
{
	mxlMutableWrappedMultiBufferSlice slices;

	must(api->mxlFlowWriterOpenSamples(writer, index, PACKET, &slices), "OpenSamples");
	must(api->mxlFlowWriterCommitSamples(writer), "CommitSamples");
}

static void sleep_until(uint64_t when)
{
	struct timespec ts = { .tv_sec = when / 1000000000, .tv_nsec = when % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static uint64_t duration(const struct bench_config *config, unsigned int ms)
{
	return (uint64_t)(config->quick ? ms / 20 : ms) * 1000000;
}

/* Writing with nobody waiting */

static void run_open_commit(const struct bench_api *api, const struct bench_config *config, int arg,
			    double *values)
{
	mxlInstance instance = open_instance(api, config);
	mxlFlowWriter writer = open_writer(api, instance, video_def);
	uint64_t index = api->mxlGetCurrentIndex(&video_rate);
	uint64_t begin = bench_now(), end = begin, count = 0;

	(void)arg;
	while (end - begin < duration(config, 200)) {
		for (int i = 0; i < 64; i++)
			write_grain(api, writer, ++index);
		count += 64;
		end = bench_now();
	}
	values[0] = (double)(end - begin) / (double)count;
	must(api->mxlReleaseFlowWriter(instance, writer), "mxlReleaseFlowWriter");
	must(api->mxlDestroyInstance(instance), "mxlDestroyInstance");
}

static void counted_open_commit(void *arg)
{
	struct stage *stage = arg;
	mxlInstance instance = open_instance(stage->api, stage->config);
	mxlFlowWriter writer = open_writer(stage->api, instance, video_def);
	uint64_t index = stage->api->mxlGetCurrentIndex(&video_rate);

	write_grain(stage->api, writer, index);
	bench_mark();
	for (int i = 0; i < COUNTED_CALLS; i++)
		write_grain(stage->api, writer, ++index);
	bench_mark();
	stage->api->mxlDestroyInstance(instance);
}

static void counted_get_grain(void *arg)
{
	struct stage *stage = arg;
	const struct bench_api *api = stage->api;
	mxlInstance instance = open_instance(api, stage->config);
	mxlFlowWriter writer = open_writer(api, instance, video_def);
	mxlFlowReader reader = open_reader(api, instance, VIDEO_ID);
	uint64_t index = api->mxlGetCurrentIndex(&video_rate);
	mxlGrainInfo grain;
	uint8_t *payload;

	write_grain(api, writer, index);
	bench_mark();
	for (int i = 0; i < COUNTED_CALLS; i++)
		must(api->mxlFlowReaderGetGrain(reader, index, PATIENCE_NS, &grain, &payload),
		     "GetGrain");
	bench_mark();
	api->mxlDestroyInstance(instance);
}

static void counted_audio(void *arg)
{
	struct stage *stage = arg;
	mxlInstance instance = open_instance(stage->api, stage->config);
	mxlFlowWriter writer = open_writer(stage->api, instance, audio_def);
	uint64_t index = stage->api->mxlGetCurrentIndex(&audio_rate) / PACKET * PACKET;

	write_packet(stage->api, writer, index);
	bench_mark();
	for (int i = 0; i < COUNTED_CALLS; i++)
		write_packet(stage->api, writer, index += PACKET);
	bench_mark();
	stage->api->mxlDestroyInstance(instance);
}

static void (*const counted[])(void *arg) = {
	counted_open_commit,
	counted_get_grain,
	counted_audio,
};

static void run_counted(const struct bench_api *api, const struct bench_config *config, int arg,
			double *values)
{
	struct stage stage = { .api = api, .config = config };
	uint64_t count;

	values[0] = NAN;
	if (bench_count_syscalls(counted[arg], &stage, &count))
		values[0] = (double)count / COUNTED_CALLS;
}

/* Reading what is there, and what that costs the process of the writer */

static void poll_reader(void *arg)
{
	struct stage *stage = arg;
	const struct bench_api *api = stage->api;
	mxlInstance instance = open_instance(api, stage->config);
	mxlFlowReader reader;
	uint64_t begin, end, count = 0;
	mxlGrainInfo grain;
	uint8_t *payload;

	bench_gate_pass(&stage->gate, stage->processes);
	reader = open_reader(api, instance, VIDEO_ID);
	bench_gate_pass(&stage->gate, stage->processes);
	begin = end = bench_now();
	while (end - begin < duration(stage->config, 1000)) {
		for (int i = 0; i < 64; i++)
			must(api->mxlFlowReaderGetGrain(reader, stage->first, PATIENCE_NS, &grain,
							&payload),
			     "GetGrain");
		count += 64;
		end = bench_now();
	}
	stage->result[0] = (double)(end - begin) / (double)count;
	bench_gate_pass(&stage->gate, stage->processes);
	must(api->mxlDestroyInstance(instance), "mxlDestroyInstance");
}

static void rate_reader(void *arg)
{
	struct stage *stage = arg;
	const struct bench_api *api = stage->api;
	mxlInstance instance = open_instance(api, stage->config);
	mxlFlowReader reader;
	mxlGrainInfo grain;
	uint8_t *payload;
	uint64_t begin;

	bench_gate_pass(&stage->gate, stage->processes);
	reader = open_reader(api, instance, VIDEO_ID);
	bench_gate_pass(&stage->gate, stage->processes);
	begin = bench_now();
	for (uint64_t t = FRAME_NS; t < duration(stage->config, 1000); t += FRAME_NS) {
		sleep_until(begin + t);
		must(api->mxlFlowReaderGetGrain(reader, stage->first, PATIENCE_NS, &grain,
						&payload),
		     "GetGrain");
	}
	bench_gate_pass(&stage->gate, stage->processes);
	must(api->mxlDestroyInstance(instance), "mxlDestroyInstance");
}

/* Returns per cent of a core. Nothing but the library can use time in this process meanwhile. */
static double idle_writer(struct stage *stage, void (*role)(void *arg))
{
	const struct bench_api *api = stage->api;
	pid_t pid = bench_role(role, stage);
	mxlInstance instance = open_instance(api, stage->config);
	mxlFlowWriter writer = open_writer(api, instance, video_def);
	uint64_t begin;
	double cpu;

	stage->first = api->mxlGetCurrentIndex(&video_rate);
	write_grain(api, writer, stage->first);
	bench_gate_pass(&stage->gate, stage->processes);
	bench_gate_pass(&stage->gate, stage->processes);
	begin = bench_now();
	cpu = bench_cpu_seconds(RUSAGE_SELF);
	bench_gate_pass(&stage->gate, stage->processes);
	cpu = (bench_cpu_seconds(RUSAGE_SELF) - cpu) / ((double)(bench_now() - begin) / 1e9) * 100;
	bench_join(pid);
	must(api->mxlReleaseFlowWriter(instance, writer), "mxlReleaseFlowWriter");
	must(api->mxlDestroyInstance(instance), "mxlDestroyInstance");
	return cpu;
}

static struct stage *new_stage(const struct bench_api *api, const struct bench_config *config,
			       uint32_t processes)
{
	struct stage *stage = bench_shared(sizeof(*stage));

	stage->api = api;
	stage->config = config;
	stage->processes = processes;
	return stage;
}

static void run_get_grain(const struct bench_api *api, const struct bench_config *config, int arg,
			  double *values)
{
	struct stage *stage = new_stage(api, config, 2);

	(void)arg;
	values[1] = idle_writer(stage, poll_reader);
	values[0] = stage->result[0];
}

static void run_idle_at_rate(const struct bench_api *api, const struct bench_config *config,
			     int arg, double *values)
{
	(void)arg;
	values[0] = idle_writer(new_stage(api, config, 2), rate_reader);
}

/* From commit to reader */

static void wake_reader(void *arg)
{
	struct stage *stage = arg;
	const struct bench_api *api = stage->api;
	mxlInstance instance = open_instance(api, stage->config);
	mxlFlowReader reader;
	mxlGrainInfo grain;
	uint8_t *payload;

	bench_gate_pass(&stage->gate, stage->processes);
	reader = open_reader(api, instance, VIDEO_ID);
	bench_gate_pass(&stage->gate, stage->processes);
	for (unsigned int i = 0; i < stage->frames; i++) {
		if (api->mxlFlowReaderGetGrain(reader, stage->first + i, PATIENCE_NS, &grain,
					       &payload) == MXL_STATUS_OK)
			stage->received[i] = bench_now();
	}
	must(api->mxlDestroyInstance(instance), "mxlDestroyInstance");
}

static void wake_writer(struct stage *stage, mxlFlowWriter writer)
{
	const struct bench_api *api = stage->api;
	mxlGrainInfo grain;
	uint8_t *payload;

	for (unsigned int i = 0; i < stage->frames; i++) {
		must(api->mxlFlowWriterOpenGrain(writer, stage->first + i, &grain, &payload),
		     "OpenGrain");
		grain.validSlices = grain.totalSlices;
		/* Long enough for the reader to be asleep again. */
		sleep_until(bench_now() + 1000000);
		stage->committed[i] = bench_now();
		must(api->mxlFlowWriterCommitGrain(writer, &grain), "CommitGrain");
	}
}

static void run_wake(const struct bench_api *api, const struct bench_config *config, int arg,
		     double *values)
{
	struct stage *stage = new_stage(api, config, 2);
	pid_t pid = bench_role(wake_reader, stage);
	mxlInstance instance = open_instance(api, config);
	mxlFlowWriter writer = open_writer(api, instance, video_def);
	double latency[MAX_WAKES];
	size_t count = 0;

	(void)arg;
	prctl(PR_SET_TIMERSLACK, 1);
	stage->frames = config->quick ? 50 : 500;
	stage->first = api->mxlGetCurrentIndex(&video_rate);
	write_grain(api, writer, stage->first - 1);
	bench_gate_pass(&stage->gate, stage->processes);
	bench_gate_pass(&stage->gate, stage->processes);
	wake_writer(stage, writer);
	bench_join(pid);
	for (unsigned int i = 0; i < stage->frames; i++) {
		if (stage->received[i])
			latency[count++] = (double)(stage->received[i] - stage->committed[i]) / 1e3;
	}
	values[0] = bench_percentile(latency, count, 50);
	values[1] = bench_percentile(latency, count, 99);
	must(api->mxlReleaseFlowWriter(instance, writer), "mxlReleaseFlowWriter");
	must(api->mxlDestroyInstance(instance), "mxlDestroyInstance");
}

/* A frame that arrives slice by slice, and readers that want the whole of it */

static uint64_t context_switches(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (uint64_t)use.ru_nvcsw + (uint64_t)use.ru_nivcsw;
}

static void frame_reader(void *arg)
{
	struct stage *stage = arg;
	const struct bench_api *api = stage->api;
	mxlInstance instance = open_instance(api, stage->config);
	mxlFlowReader reader;
	mxlGrainInfo grain;
	uint8_t *payload;
	uint64_t switches;

	bench_gate_pass(&stage->gate, stage->processes);
	reader = open_reader(api, instance, VIDEO_ID);
	bench_gate_pass(&stage->gate, stage->processes);
	switches = context_switches();
	for (unsigned int i = 0; i < stage->frames; i++)
		api->mxlFlowReaderGetGrain(reader, stage->first + i, PATIENCE_NS, &grain, &payload);
	atomic_fetch_add(&stage->switches, context_switches() - switches);
	must(api->mxlDestroyInstance(instance), "mxlDestroyInstance");
}

/*
 * Returns the time spent in CommitGrain. The writer spins until a slice is due: on many machines a
 * sleep costs as much as the 15 us between two slices, and would hide what is to be measured.
 */
static uint64_t write_sliced(struct stage *stage, mxlFlowWriter writer)
{
	const struct bench_api *api = stage->api;
	uint64_t begin = bench_now(), spent = 0, now;
	mxlGrainInfo grain;
	uint8_t *payload;

	for (unsigned int i = 0; i < stage->frames; i++) {
		must(api->mxlFlowWriterOpenGrain(writer, stage->first + i, &grain, &payload),
		     "OpenGrain");
		for (unsigned int slice = 1; slice <= SLICES; slice++) {
			uint64_t due = begin + i * FRAME_NS + slice * FRAME_NS / SLICES;

			while ((now = bench_now()) < due)
				;
			grain.validSlices = slice;
			must(api->mxlFlowWriterCommitGrain(writer, &grain), "CommitGrain");
			spent += bench_now() - now;
		}
	}
	return spent;
}

static void run_slices(const struct bench_api *api, const struct bench_config *config, int readers,
		       double *values)
{
	struct stage *stage = new_stage(api, config, readers + 1);
	pid_t pids[MAX_READERS];
	mxlInstance instance;
	mxlFlowWriter writer;

	for (int i = 0; i < readers; i++)
		pids[i] = bench_role(frame_reader, stage);
	instance = open_instance(api, config);
	writer = open_writer(api, instance, video_def);
	stage->frames = config->quick ? 4 : 40;
	stage->first = api->mxlGetCurrentIndex(&video_rate);
	write_grain(api, writer, stage->first - 1);
	bench_gate_pass(&stage->gate, stage->processes);
	bench_gate_pass(&stage->gate, stage->processes);
	values[0] = (double)write_sliced(stage, writer) / 1e6 / stage->frames;
	for (int i = 0; i < readers; i++)
		bench_join(pids[i]);
	if (readers)
		values[1] = (double)stage->switches / readers / stage->frames;
	must(api->mxlReleaseFlowWriter(instance, writer), "mxlReleaseFlowWriter");
	must(api->mxlDestroyInstance(instance), "mxlDestroyInstance");
}

/* Audio in packets of a millisecond */

static void run_audio(const struct bench_api *api, const struct bench_config *config, int arg,
		      double *values)
{
	mxlInstance instance = open_instance(api, config);
	mxlFlowWriter writer = open_writer(api, instance, audio_def);
	mxlFlowReader reader = open_reader(api, instance, AUDIO_ID);
	uint64_t index = api->mxlGetCurrentIndex(&audio_rate) / PACKET * PACKET;
	uint64_t begin = bench_now(), end = begin, count = 0;
	mxlWrappedMultiBufferSlice slices;

	(void)arg;
	while (end - begin < duration(config, 200)) {
		for (int i = 0; i < 64; i++)
			write_packet(api, writer, index += PACKET);
		count += 64;
		end = bench_now();
	}
	values[0] = (double)(end - begin) / (double)count;
	count = 0;
	begin = end = bench_now();
	while (end - begin < duration(config, 200)) {
		for (int i = 0; i < 64; i++)
			must(api->mxlFlowReaderGetSamples(reader, index - (i & 15) * PACKET, PACKET,
							  PATIENCE_NS, &slices),
			     "GetSamples");
		count += 64;
		end = bench_now();
	}
	values[1] = (double)(end - begin) / (double)count;
	must(api->mxlReleaseFlowReader(instance, reader), "mxlReleaseFlowReader");
	must(api->mxlReleaseFlowWriter(instance, writer), "mxlReleaseFlowWriter");
	must(api->mxlDestroyInstance(instance), "mxlDestroyInstance");
}

/* Creating and opening */

static double time_create(const struct bench_api *api, mxlInstance instance, const char *def,
			  int times)
{
	uint64_t total = 0;

	for (int i = 0; i < times; i++) {
		uint64_t begin = bench_now();
		mxlFlowWriter writer = open_writer(api, instance, def);

		total += bench_now() - begin;
		must(api->mxlReleaseFlowWriter(instance, writer), "mxlReleaseFlowWriter");
	}
	return (double)total / 1e3 / times;
}

static void run_create(const struct bench_api *api, const struct bench_config *config, int arg,
		       double *values)
{
	mxlInstance instance = open_instance(api, config);
	mxlInstance other = open_instance(api, config);
	int times = config->quick ? 1 : 20;
	mxlFlowWriter writer;
	uint64_t total = 0;

	(void)arg;
	values[0] = time_create(api, instance, video_def, times);
	values[1] = time_create(api, instance, audio_def, times);
	writer = open_writer(api, instance, video_def);
	for (int i = 0; i < times * 4; i++) {
		uint64_t begin = bench_now();
		mxlFlowReader reader = open_reader(api, other, VIDEO_ID);

		total += bench_now() - begin;
		must(api->mxlReleaseFlowReader(other, reader), "mxlReleaseFlowReader");
	}
	values[2] = (double)total / 1e3 / (times * 4);
	must(api->mxlReleaseFlowWriter(instance, writer), "mxlReleaseFlowWriter");
	must(api->mxlDestroyInstance(other), "mxlDestroyInstance");
	must(api->mxlDestroyInstance(instance), "mxlDestroyInstance");
}

#define SLICE_METRICS(n, text)                                                                 \
	{                                                                                      \
		{ "slices_" #n "_commits", "ms/frame", "1080 slices, " text ": all commits" }, \
			{ "slices_" #n "_switches", "switches",                                \
			  "1080 slices, " text ": switches/reader/frame" },                    \
	}

const struct bench_measurement bench_measurements[] = {
	{
		.metrics = { { "open_commit", "ns", "OpenGrain + CommitGrain, nobody waits" } },
		.run = run_open_commit,
	},
	{
		.metrics = { { "open_commit_syscalls", "calls", "  its system calls" } },
		.run = run_counted,
		.arg = 0,
		.once = true,
	},
	{
		.metrics = { { "get_grain", "ns", "GetGrain of a grain that is there" },
			     { "idle_writer_cpu", "% core", "  CPU of the idle writer meanwhile" } },
		.run = run_get_grain,
	},
	{
		.metrics = { { "get_grain_syscalls", "calls", "  its system calls" } },
		.run = run_counted,
		.arg = 1,
		.once = true,
	},
	{
		.metrics = { { "idle_writer_cpu_at_rate", "% core",
			       "CPU of an idle writer, 59.94 reads/s" } },
		.run = run_idle_at_rate,
	},
	{
		.metrics = { { "wake_p50", "us", "commit to reader awake, p50" },
			     { "wake_p99", "us", "commit to reader awake, p99" } },
		.run = run_wake,
	},
	{
		.metrics = { { "slices_0_commits", "ms/frame",
			       "1080 slices, no reader: all commits" } },
		.run = run_slices,
		.arg = 0,
	},
	{
		.metrics = SLICE_METRICS(1, "1 reader"),
		.run = run_slices,
		.arg = 1,
	},
	{
		.metrics = SLICE_METRICS(4, "4 readers"),
		.run = run_slices,
		.arg = 4,
	},
	{
		.metrics = SLICE_METRICS(16, "16 readers"),
		.run = run_slices,
		.arg = 16,
	},
	{
		.metrics = { { "audio_commit", "ns", "OpenSamples + CommitSamples of 48 x 16" },
			     { "audio_read", "ns", "GetSamples of 48 x 16" } },
		.run = run_audio,
	},
	{
		.metrics = { { "audio_commit_syscalls", "calls", "  system calls of the commit" } },
		.run = run_counted,
		.arg = 2,
		.once = true,
	},
	{
		.metrics = { { "create_video", "us", "create a 1080p flow" },
			     { "create_audio", "us", "create an audio flow" },
			     { "open_video", "us", "open a 1080p flow for reading" } },
		.run = run_create,
	},
};

const size_t bench_measurement_count = sizeof(bench_measurements) / sizeof(bench_measurements[0]);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mxl-read: a flow to a file, a pipe or standard output.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mxl/event.h>
#include <mxl/flow.h>
#include <mxl/mxl.h>
#include <mxl/state.h>
#include <mxl/time.h>

#include "read_options.h"
#include "tool_args.h"
#include "tool_digest.h"
#include "tool_domain.h"
#include "tool_io.h"
#include "tool_media.h"
#include "tool_msg.h"
#include "tool_progress.h"
#include "tool_report.h"
#include "tool_ring.h"
#include "tool_signal.h"

#define MSEC UINT64_C(1000000)

/* The library's waits do not end at a signal, so none is longer than this. */
#define WAIT_NS (100 * MSEC)

/* After so long without data the writer's lock is looked at. */
#define DOUBT_NS (1000 * MSEC)

/*
 * Results inside this file, besides errnos of system calls:
 *	-EAGAIN		nothing to read yet
 *	-ERANGE		overwritten already
 *	-ENXIO		never written
 *	-ESTALE		the flow was deleted or replaced
 *	-EOWNERDEAD	the writer has gone without ending the flow
 *	-ETIMEDOUT	nothing came within --timeout
 *	-EINTR		a signal asked to stop
 *	-EPROTO		a message has been printed
 */

/**
 * struct job - a run
 * @options: the command line
 * @id: of the flow
 * @instance: of the library
 * @reader: of the flow
 * @config: of the flow
 * @rate: of the flow
 * @has_next: @next is known
 * @next: next grain, or next sample, to read
 * @head: newest head seen, for noticing that a writer started lower
 * @unit_size: bytes of a grain, or of a sample of all channels; 0 before the first is read
 * @word: bytes of one sample of one channel
 * @scratch: a grain or a batch on its way, of @scratch_size bytes
 * @scratch_size: bytes of @scratch
 * @fd: output
 * @ring: buffer in front of the output
 * @stalled: the output did not take everything, and something still tries to write to it
 * @last_data: CLOCK_MONOTONIC ns when something was read last, or reading began
 * @last_doubt: CLOCK_MONOTONIC ns when the writer's lock was looked at last
 * @report: figures
 * @progress: line on stderr
 * @digest: digest of what was read, or NULL
 */
struct job {
	const struct read_options *options;
	const char *id;
	mxlInstance instance;
	mxlFlowReader reader;
	mxlFlowConfigInfo config;
	mxlRational rate;
	bool has_next;
	uint64_t next;
	uint64_t head;
	size_t unit_size;
	size_t word;
	uint8_t *scratch;
	size_t scratch_size;
	int fd;
	struct tool_ring *ring;
	bool stalled;
	uint64_t last_data;
	uint64_t last_doubt;
	struct tool_report report;
	struct tool_progress progress;
	struct tool_digest *digest;
};

static bool is_audio(const struct job *job)
{
	return mxlIsContinuousDataFormat((int)job->config.common.format) != 0;
}

static int to_result(mxlStatus status)
{
	switch (status) {
	case MXL_STATUS_OK:
		return 0;
	case MXL_ERR_OUT_OF_RANGE_TOO_EARLY:
	case MXL_ERR_TIMEOUT:
		return -EAGAIN;
	case MXL_ERR_OUT_OF_RANGE_TOO_LATE:
		return -ERANGE;
	case MXL_ERR_FLOW_INVALID:
		return -ESTALE;
	default:
		tool_error("cannot read the flow: %s", tool_status_text(status));
		return -EPROTO;
	}
}

static int find_head(struct job *job, uint64_t *ret_head)
{
	mxlFlowRuntimeInfo runtime;
	mxlStatus status = mxlFlowReaderGetRuntimeInfo(job->reader, &runtime);

	if (status != MXL_STATUS_OK)
		return to_result(status);
	*ret_head = runtime.headIndex;
	return 0;
}

/* How long the library may wait: until it is time to look at signals, or for --timeout. */
static uint64_t wait_time(const struct job *job)
{
	uint64_t idle = tool_monotonic() - job->last_data;

	if (job->options->timeout == UINT64_MAX || idle + WAIT_NS <= job->options->timeout)
		return WAIT_NS;
	return idle < job->options->timeout ? job->options->timeout - idle : 0;
}

static bool has_writer(const struct job *job)
{
	bool active = true;

	return mxlIsFlowActive(job->instance, job->id, &active) != MXL_STATUS_OK || active;
}

/* Nothing to read: decide whether waiting on makes sense. */
static int idle(struct job *job)
{
	uint64_t now = tool_monotonic();

	if (tool_stop_signal() != 0)
		return -EINTR;
	if (now - job->last_data >= job->options->timeout)
		return -ETIMEDOUT;
	if (now - job->last_data < DOUBT_NS || now - job->last_doubt < DOUBT_NS)
		return 0;
	job->last_doubt = now;
	if (has_writer(job))
		return 0;
	return job->options->follow ? 0 : -EOWNERDEAD;
}

static void show_progress(struct job *job, bool at_end)
{
	const struct tool_report *report = &job->report;
	uint64_t missing = report->lost + report->invalid + report->incomplete;
	char detail[64] = "";
	uint64_t total = job->options->count * job->unit_size;

	if (!job->progress.on || (!at_end && !tool_progress_due(&job->progress)))
		return;
	if (missing != 0)
		snprintf(detail, sizeof(detail), "missing %" PRIu64, missing);
	tool_progress_show(&job->progress, report->count, report->unit, report->bytes, total,
			   detail[0] != '\0' ? detail : NULL);
}

/* One grain is taken out of the flow while others may go on to the output. */
static int make_room(struct job *job, size_t size)
{
	size_t ring_size = job->options->buffer;

	if (size > job->scratch_size) {
		free(job->scratch);
		job->scratch = malloc(size);
		job->scratch_size = job->scratch ? size : 0;
		if (!job->scratch)
			return -ENOMEM;
	}
	if (job->ring)
		return 0;
	return tool_ring_new(job->fd, ring_size > 2 * size ? ring_size : 2 * size, &job->ring);
}

static int put(struct job *job, const void *data, size_t size)
{
	int result = tool_ring_put(job->ring, data, size);

	if (result == 0 || result == -EINTR || result == -EPIPE)
		return result;
	tool_error("cannot write %s: %s",
		   job->options->output ? job->options->output : "to standard output",
		   strerror(-result));
	return -EPROTO;
}

static void note_data(struct job *job)
{
	job->last_data = tool_monotonic();
}

/* Latencies mean something for the newest data only, not for what lay there before. */
static void note_latency(struct job *job, uint64_t index, uint64_t now)
{
	mxlFlowRuntimeInfo runtime;

	if (mxlFlowReaderGetRuntimeInfo(job->reader, &runtime) != MXL_STATUS_OK ||
	    runtime.headIndex != index)
		return;
	tool_histogram_add(&job->report.tai,
			   (int64_t)(now - mxlIndexToTimestamp(&job->rate, index)));
	if (now >= runtime.lastWriteTime)
		tool_histogram_add(&job->report.commit, (int64_t)(now - runtime.lastWriteTime));
}

static int get_grain(struct job *job, uint64_t index, uint16_t slices, uint64_t timeout,
		     mxlGrainInfo *grain, uint8_t **payload)
{
	mxlStatus status;
	int result;

	if (timeout != 0)
		status = mxlFlowReaderGetGrainSlice(job->reader, index, slices, timeout, grain,
						    payload);
	else
		status = mxlFlowReaderGetGrainSliceNonBlocking(job->reader, index, slices, grain,
							       payload);
	result = to_result(status);
	/* other writers may leave an older grain in the slot of one that they skipped */
	return result == 0 && grain->index != index ? -ENXIO : result;
}

/* Whether what was copied out of a grain is what the writer put there. */
static bool is_intact(struct job *job, uint64_t index)
{
	bool intact = false;

	/* not by reading it again, which would count as one more read: see --pace=reader */
	return mxlFlowReaderIsGrainIntact(job->reader, index, &intact) == MXL_STATUS_OK && intact;
}

static int check_size(struct job *job, size_t size)
{
	if (job->unit_size == 0 || job->unit_size == size) {
		job->unit_size = size;
		return make_room(job, size);
	}
	tool_error("the flow came back with grains of %zu bytes, they had %zu before", size,
		   job->unit_size);
	return -EPROTO;
}

/* Bytes of the payload that the first @slices of the first plane take; all of it at the end. */
static size_t bytes_of(const struct job *job, const mxlGrainInfo *grain, uint32_t slices)
{
	size_t planes[MXL_MAX_PLANES_PER_GRAIN];

	if (slices >= grain->totalSlices)
		return grain->grainSize;
	tool_grain_planes(&job->config, grain, planes);
	return planes[0] * slices / grain->totalSlices;
}

/* A part of the grain is in the output already: complete it, so that the file stays in step. */
static int fill_up(struct job *job, size_t done)
{
	if (done == 0)
		return 0;
	memset(job->scratch + done, 0, job->unit_size - done);
	return put(job, job->scratch + done, job->unit_size - done);
}

static int finish_grain(struct job *job, const mxlGrainInfo *grain, size_t done)
{
	size_t size = grain->grainSize;
	int result;

	if (job->options->shared.anc == TOOL_ANC_PACKED) {
		size = tool_anc_length(job->scratch);
		if (size > grain->grainSize) {
			tool_error("grain %" PRIu64 " is no RFC 8331 payload: it says it has %zu "
				   "bytes",
				   grain->index, size);
			return -EPROTO;
		}
	}
	result = put(job, job->scratch + done, size - done);
	if (result < 0)
		return result;
	tool_digest_add_unit(job->digest, grain->index, job->scratch, size);
	tool_report_count(&job->report, grain->index, 1, size);
	job->next = grain->index + 1;
	return 0;
}

/* Go on behind a grain that cannot be had. */
static int pass_one(struct job *job, uint64_t *figure, size_t done)
{
	(*figure)++;
	job->next++;
	return fill_up(job, done);
}

/* Go on behind what has been overwritten, with a little room in front of the writer. */
static int pass_lost(struct job *job, uint64_t keeps, size_t done)
{
	uint64_t head = 0, oldest;
	int result = find_head(job, &head);

	if (result < 0)
		return result;
	oldest = head > keeps - keeps / 4 ? head - (keeps - keeps / 4) : 0;
	if (oldest <= job->next)
		oldest = job->next + 1;
	/* the writer may have started lower in the same moment */
	if (head < job->next)
		return -EAGAIN;
	job->report.lost += oldest - job->next;
	job->next = oldest;
	return fill_up(job, done);
}

/* The head is behind what was seen before: a writer began anew with the flow. */
static bool has_restarted(struct job *job, uint64_t head)
{
	if (head >= job->head) {
		job->head = head;
		return false;
	}
	job->head = head;
	job->has_next = false;
	job->report.restarts++;
	return true;
}

/* Find out what "too early" means. -EAGAIN stands for: it may still come. */
static int too_early(struct job *job, size_t done)
{
	mxlGrainInfo grain;
	uint8_t *payload;
	uint64_t head = 0;
	int result = find_head(job, &head);

	if (result < 0)
		return result;
	if (has_restarted(job, head))
		return fill_up(job, done);
	if (head <= job->next)
		return -EAGAIN;
	/* the last slice may have come after the library looked */
	result = get_grain(job, job->next, MXL_GRAIN_VALID_SLICES_ALL, 0, &grain, &payload);
	if (result == 0 || result == -ERANGE || result == -ENXIO)
		return -EAGAIN;
	return result == -EAGAIN ? pass_one(job, &job->report.incomplete, done) : result;
}

static uint64_t readable_grains(const struct job *job)
{
	uint32_t count = job->config.discrete.grainCount;

	return count > 1 ? count - 1 : 1;
}

/**
 * struct grain_job - a grain being read
 * @info: its header, as read last
 * @payload: its payload in the flow
 * @want: slices to wait for
 * @done: bytes in the output already
 * @over: it was read or passed
 */
struct grain_job {
	mxlGrainInfo info;
	uint8_t *payload;
	uint32_t want;
	size_t done;
	bool over;
};

/* The flow has ended, but there may be more of it behind a grain that was left out. */
static int pass_or_end(struct job *job, size_t done)
{
	uint64_t head = 0;

	if (find_head(job, &head) < 0 || head <= job->next)
		return -ESTALE;
	return pass_one(job, &job->report.lost, done);
}

/* The grain, or the next part of it, is not there. */
static int read_nothing(struct job *job, struct grain_job *grain, int reason)
{
	int result = reason;

	if (reason == -ESTALE)
		result = pass_or_end(job, grain->done);
	else if (reason == -EAGAIN)
		result = too_early(job, grain->done);
	else if (reason == -ERANGE)
		result = pass_lost(job, readable_grains(job), grain->done);
	else if (reason == -ENXIO)
		result = pass_one(job, &job->report.lost, grain->done);
	if (result != -EAGAIN)
		grain->over = true;
	else if (grain->done != 0)
		/* a part is in the output, so see the rest through */
		result = idle(job);
	return result;
}

static int read_part(struct job *job, struct grain_job *grain)
{
	uint64_t now;
	size_t upto;
	int result;

	result = get_grain(job, job->next, (uint16_t)grain->want, wait_time(job), &grain->info,
			   &grain->payload);
	now = mxlGetTime();
	if (result < 0)
		return read_nothing(job, grain, result);
	grain->over = true;
	note_data(job);
	if ((grain->info.flags & MXL_GRAIN_FLAG_INVALID) != 0)
		return pass_one(job, &job->report.invalid, grain->done);
	result = check_size(job, grain->info.grainSize);
	if (result < 0)
		return result;
	upto = bytes_of(job, &grain->info, grain->info.validSlices);
	if (upto > grain->done)
		memcpy(job->scratch + grain->done, grain->payload + grain->done,
		       upto - grain->done);
	if (!is_intact(job, job->next))
		return pass_lost(job, readable_grains(job), grain->done);
	if (upto == grain->info.grainSize) {
		note_latency(job, job->next, now);
		return finish_grain(job, &grain->info, grain->done);
	}
	grain->over = false;
	result = put(job, job->scratch + grain->done, upto - grain->done);
	grain->done = upto;
	grain->want = grain->info.validSlices + job->options->slices;
	return result;
}

/* Read one grain, in parts if so asked. 0 also stands for having passed one that is missing. */
static int read_grain(struct job *job)
{
	struct grain_job grain = { .want = MXL_GRAIN_VALID_SLICES_ALL };
	int result;

	if (job->options->slices != 0)
		grain.want = job->options->slices;
	do {
		result = read_part(job, &grain);
	} while (result == 0 && !grain.over);
	/* whatever ended it in the middle, the file shall hold whole grains */
	if (result < 0 && !grain.over)
		fill_up(job, grain.done);
	return result;
}

static bool is_readable(struct job *job, uint64_t index)
{
	mxlGrainInfo grain;
	uint8_t *payload;

	return get_grain(job, index, 0, 0, &grain, &payload) == 0 &&
	       (grain.flags & MXL_GRAIN_FLAG_INVALID) == 0 && grain.validSlices != 0;
}

/* The oldest grain that was ever written, among those that are still kept. */
static uint64_t find_oldest(struct job *job, uint64_t head)
{
	uint64_t keeps = readable_grains(job);
	uint64_t index = head > keeps ? head - keeps + 1 : 1;

	while (index < head && !is_readable(job, index))
		index++;
	return index;
}

static uint64_t batch_size(const struct job *job)
{
	uint64_t batch = job->options->batch;
	uint64_t left = job->options->count - job->report.count;

	if (batch == 0)
		batch = job->config.common.maxCommitBatchSizeHint;
	return job->options->count != 0 && left < batch ? left : batch;
}

static uint64_t readable_samples(const struct job *job)
{
	size_t limit = 1;

	mxlFlowReaderGetMaxReadLengthSamples(job->reader, &limit);
	return limit;
}

static uint64_t before(uint64_t head, uint64_t distance)
{
	return head > distance ? head - distance : 0;
}

/* Where --from says, seen from a head. */
static uint64_t first_index(struct job *job, uint64_t head)
{
	switch (job->options->from) {
	case FROM_INDEX:
		return job->options->index;
	case FROM_NEXT:
		return is_audio(job) ? head : head + 1;
	case FROM_HEAD:
		return is_audio(job) ? before(head, batch_size(job)) : head;
	default:
		return is_audio(job) ? before(head, readable_samples(job)) : find_oldest(job, head);
	}
}

/* Wait for a first head; on a fresh flow there is none. */
static int wait_for_head(struct job *job, uint64_t *ret_head)
{
	mxlWrappedMultiBufferSlice slices;
	mxlGrainInfo grain;
	uint8_t *payload;
	int result;

	result = find_head(job, ret_head);
	if (result < 0 || *ret_head != 0)
		return result;
	/* index 1 lies long ago: the wait ends as soon as anything is committed */
	if (is_audio(job))
		result = to_result(
			mxlFlowReaderGetSamples(job->reader, 1, 1, wait_time(job), &slices));
	else
		result = get_grain(job, 1, 0, wait_time(job), &grain, &payload);
	if (result == 0 || result == -ERANGE)
		result = find_head(job, ret_head);
	return result == 0 && *ret_head == 0 ? -EAGAIN : result;
}

static int choose_first(struct job *job)
{
	uint64_t head = 0;
	int result = 0;

	if (job->options->from != FROM_INDEX || job->report.restarts != 0)
		result = wait_for_head(job, &head);
	if (result < 0)
		return result;
	/* a flow that comes back is read from its beginning */
	if (job->report.restarts == 0)
		job->next = first_index(job, head);
	else
		job->next = is_audio(job) ? before(head, readable_samples(job))
					  : find_oldest(job, head);
	job->has_next = true;
	return 0;
}

/* Samples in front of @end, nothing if @count is 0. */
static int take_samples(struct job *job, uint64_t end, size_t count, uint64_t timeout)
{
	mxlWrappedMultiBufferSlice slices, again;
	size_t frame, size;
	uint64_t now;
	int result;

	result = to_result(mxlFlowReaderGetSamples(job->reader, end, count, timeout, &slices));
	if (result < 0)
		return result;
	now = mxlGetTime();
	size = (slices.base.fragments[0].size + slices.base.fragments[1].size) * slices.count;
	frame = size / count;
	job->word = frame / slices.count;
	if (job->unit_size != 0 && job->unit_size != frame) {
		tool_error("the flow came back with other channels or other samples");
		return -EPROTO;
	}
	job->unit_size = frame;
	result = make_room(job, size);
	if (result < 0)
		return result;
	tool_samples_gather(&slices, job->word, job->scratch, job->options->shared.layout);
	result = to_result(mxlFlowReaderGetSamplesNonBlocking(job->reader, end, count, &again));
	/* the data is still what was read unless it has left the range that is kept */
	if (result == -ERANGE)
		return result;
	note_data(job);
	note_latency(job, end, now);
	result = put(job, job->scratch, size);
	if (result < 0)
		return result;
	tool_digest_add_unit(job->digest, end, job->scratch, size);
	tool_report_count(&job->report, end - count, count, size);
	job->next = end;
	return 0;
}

static int read_batch(struct job *job)
{
	uint64_t batch = batch_size(job);
	uint64_t head = 0;
	int result = take_samples(job, job->next + batch, batch, wait_time(job));

	if (result == -ERANGE)
		return pass_lost(job, readable_samples(job), 0);
	if (result != -EAGAIN)
		return result;
	result = find_head(job, &head);
	if (result < 0)
		return result;
	return has_restarted(job, head) ? 0 : -EAGAIN;
}

/* The flow has ended; what is left is less than a batch. */
static int take_rest(struct job *job)
{
	uint64_t head = 0;
	int result;

	if (!is_audio(job) || !job->has_next || find_head(job, &head) < 0 || head <= job->next ||
	    head - job->next > batch_size(job))
		return 0;
	result = take_samples(job, head, head - job->next, 0);
	return result == -EAGAIN || result == -ESTALE ? 0 : result;
}

static int check_batch(struct job *job)
{
	uint64_t limit;

	if (!is_audio(job))
		return 0;
	limit = readable_samples(job);
	if (batch_size(job) != 0 && batch_size(job) <= limit)
		return 0;
	tool_error("%" PRIu64 " samples at a time are too many, the flow keeps %" PRIu64,
		   batch_size(job), limit);
	return -EINVAL;
}

static int configure(struct job *job)
{
	const char *conflict;
	mxlStatus status = mxlFlowReaderGetConfigInfo(job->reader, &job->config);

	if (status != MXL_STATUS_OK)
		return to_result(status);
	job->rate = job->config.common.grainRate;
	job->has_next = false;
	job->head = 0;
	note_data(job);
	conflict = read_options_conflict(job->options, (int)job->config.common.format);
	if (conflict) {
		tool_error("%s", conflict);
		return -EINVAL;
	}
	job->report.unit = is_audio(job) ? "samples" : "grains";
	return check_batch(job);
}

static int open_once(struct job *job)
{
	mxlStatus status = mxlCreateFlowReader(job->instance, job->id, "", &job->reader);

	switch (status) {
	case MXL_STATUS_OK:
		return configure(job);
	case MXL_ERR_FLOW_NOT_FOUND:
	case MXL_ERR_FLOW_INVALID:
		return -ENOENT;
	default:
		tool_error("cannot open flow %s: %s", job->id, tool_status_text(status));
		return -EPROTO;
	}
}

static int complain_no_flow(const struct job *job, int result)
{
	if (result == -ENOENT)
		tool_error("there is no flow %s in %s; mxl-info shows what there is, --wait waits "
			   "for it",
			   job->id, job->options->target.domain);
	else if (result == -ETIMEDOUT)
		tool_error("flow %s has not appeared in time", job->id);
	else
		return result;
	return -EPROTO;
}

/* Return: 0 to look for the flow again; -ENOENT if the domain has gone. */
static int wait_for_flow(const struct job *job, uint64_t deadline)
{
	mxlStatus status = MXL_ERR_TIMEOUT;

	while (status == MXL_ERR_TIMEOUT) {
		uint64_t now = tool_monotonic();

		if (tool_stop_signal() != 0)
			return -EINTR;
		if (now >= deadline)
			return -ETIMEDOUT;
		status = mxlWaitForFlow(job->instance, job->id,
					deadline - now < WAIT_NS ? deadline - now : WAIT_NS);
	}
	if (status == MXL_STATUS_OK)
		return 0;
	if (status == MXL_ERR_FLOW_NOT_FOUND)
		return -ENOENT;
	/* the number of watches is limited; without one this is a plain pause */
	return tool_sleep_until(mxlGetTime() + WAIT_NS);
}

/* Open the flow, waiting for it up to @patience ns; @told: it was said that it is waited for. */
static int open_flow(struct job *job, uint64_t patience, bool told)
{
	uint64_t now = tool_monotonic();
	uint64_t deadline = patience < UINT64_MAX - now ? now + patience : UINT64_MAX;

	for (;;) {
		int result = open_once(job);

		if (result == 0 && told)
			tool_note("flow %s is there", job->id);
		if (result != -ENOENT || patience == 0)
			return complain_no_flow(job, result);
		if (!told)
			tool_note("waiting for flow %s", job->id);
		told = true;
		result = wait_for_flow(job, deadline);
		if (result == 0)
			continue;
		return result == -ENOENT ? tool_domain_check(job->options->target.domain)
					 : complain_no_flow(job, result);
	}
}

static int reopen_flow(struct job *job)
{
	int result;

	mxlReleaseFlowReader(job->instance, job->reader);
	job->reader = NULL;
	tool_note("the flow has ended; waiting for it to come back");
	result = open_flow(job, job->options->wait != 0 ? job->options->wait : UINT64_MAX, true);
	job->report.restarts++;
	return result;
}

static bool is_complete(const struct job *job)
{
	return job->options->count != 0 && job->report.count >= job->options->count;
}

static int step(struct job *job)
{
	uint64_t start = tool_monotonic();
	int result = 0;

	if (!job->has_next)
		result = choose_first(job);
	if (result == 0)
		result = is_audio(job) ? read_batch(job) : read_grain(job);
	if (result == -EAGAIN) {
		result = idle(job);
		/* should the library not wait, whatever the reason, this must not spin */
		if (result == 0 && tool_monotonic() - start < MSEC)
			result = tool_sleep_until(mxlGetTime() + MSEC);
	}
	if (result == -ESTALE) {
		result = take_rest(job);
		if (result < 0)
			return result;
		result = job->options->follow && !is_complete(job) ? reopen_flow(job) : -ESTALE;
	}
	if (result == -EOWNERDEAD && take_rest(job) == -EPROTO)
		return -EPROTO;
	return result;
}

static int read_flow(struct job *job)
{
	uint64_t start = tool_monotonic();
	int result = 0;

	tool_progress_start(&job->progress, job->options->shared.progress);
	while (result == 0 && !is_complete(job)) {
		result = tool_stop_signal() != 0 ? -EINTR : step(job);
		show_progress(job, false);
	}
	job->report.elapsed = tool_monotonic() - start;
	if (job->report.count != 0)
		show_progress(job, true);
	tool_progress_end(&job->progress);
	return result;
}

/* Turn the end of reading into success, or into a failure that was explained. */
static int explain_end(const struct job *job, int result)
{
	switch (result) {
	case -ESTALE:
		if (job->options->count == 0 || is_complete(job) || job->options->until_end)
			return 0;
		tool_error("the flow ended before --count was reached (--until-end accepts that)");
		return -EPROTO;
	case -EOWNERDEAD:
		tool_error(
			"the writer has gone without ending the flow (--follow waits for another)");
		return -EPROTO;
	case -ETIMEDOUT:
		tool_error("nothing came within the time of --timeout");
		return -EPROTO;
	case -ENOMEM:
		tool_error("there is no memory for a grain");
		return -EPROTO;
	default:
		return result;
	}
}

static int finish_output(struct job *job, int result)
{
	int ended = tool_ring_end(job->ring);

	/* a thread may be asleep in write() then, and its descriptor must stay what it is */
	job->stalled = ended == -ETIMEDOUT;
	if (!job->stalled && job->fd > STDERR_FILENO && close(job->fd) < 0 && ended == 0)
		ended = -errno;
	if (result == -EPIPE || result == -EPROTO || ended == 0)
		return result;
	if (ended == -EPIPE)
		return ended;
	tool_error("cannot write all of %s: %s",
		   job->options->output ? job->options->output : "standard output",
		   ended == -ETIMEDOUT ? "the output takes nothing more" : strerror(-ended));
	return -EPROTO;
}

static int open_output(struct job *job)
{
	int result = tool_output_open(job->options->output, &job->fd);

	if (result < 0) {
		tool_error("cannot write %s: %s", job->options->output, strerror(-result));
		return -EPROTO;
	}
	return 0;
}

static int open_all(struct job *job)
{
	int result;

	job->instance = mxlCreateInstance(job->options->target.domain, "");
	if (!job->instance) {
		tool_error("the library refuses the domain, for the reason it logged");
		return -EPROTO;
	}
	result = open_flow(job, job->options->wait, false);
	if (result == 0)
		result = open_output(job);
	if (result == 0)
		result = tool_shared_open_digest(&job->options->shared, &job->digest);
	return result;
}

static int exit_code(const struct job *job, int result)
{
	const struct tool_report *report = &job->report;

	switch (result) {
	case 0:
	case -EINTR:
		break;
	case -EINVAL:
		return TOOL_USAGE;
	case -EPIPE:
		return TOOL_SIGNAL + SIGPIPE;
	default:
		return TOOL_FAILURE;
	}
	if (tool_stop_signal() != 0)
		return TOOL_SIGNAL + tool_stop_signal();
	if (job->options->shared.strict &&
	    (report->lost != 0 || report->invalid != 0 || report->incomplete != 0))
		return TOOL_LOST;
	return TOOL_OK;
}

/* Figures must not get into the media. */
static FILE *report_stream(const struct job *job)
{
	return job->fd == STDOUT_FILENO ? stderr : stdout;
}

static int run(struct job *job)
{
	bool to_stdout = !job->options->output || strcmp(job->options->output, "-") == 0;
	int result, closed;

	if (to_stdout && isatty(STDOUT_FILENO) == 1) {
		tool_error("raw media is nothing for a terminal; name a file or use a pipe");
		return TOOL_USAGE;
	}
	if (tool_domain_check(job->options->target.domain) < 0)
		return TOOL_FAILURE;
	result = open_all(job);
	if (result == 0)
		result = explain_end(job, read_flow(job));
	result = finish_output(job, result);
	job->report.verb = "read";
	job->report.flow = job->id;
	if (job->fd < 0)
		job->report.unit = NULL;
	if (tool_shared_report(&job->options->shared, &job->report, job->digest,
			       report_stream(job)) < 0)
		result = -EPROTO;
	closed = job->stalled ? TOOL_FAILURE : tool_close_stdout();
	result = exit_code(job, result);
	return result == TOOL_OK ? closed : result;
}

int main(int argc, char **argv)
{
	struct read_options options = { .timeout = UINT64_MAX, .buffer = UINT64_C(64) << 20 };
	struct job job = { .options = &options, .fd = -1 };
	int result;

	tool_parse_args(&read_options_argp, argc, argv, &options);
	tool_catch_signals();
	job.id = options.target.ids[0];
	result = run(&job);
	if (job.reader)
		mxlReleaseFlowReader(job.instance, job.reader);
	if (job.instance)
		mxlDestroyInstance(job.instance);
	free(job.scratch);
	tool_target_free(&options.target);
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mxl-write: raw media from a file, a pipe or standard input into a flow.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mxl/flow.h>
#include <mxl/mxl.h>
#include <mxl/time.h>

#include "tool_address.h"
#include "tool_args.h"
#include "tool_digest.h"
#include "tool_domain.h"
#include "tool_flowdef.h"
#include "tool_io.h"
#include "tool_media.h"
#include "tool_msg.h"
#include "tool_progress.h"
#include "tool_report.h"
#include "tool_signal.h"
#include "tool_text.h"
#include "write_options.h"

#define MSEC UINT64_C(1000000)

/*
 * A reader refreshes lastReadTime at most every 10 ms, by a clock that may be a tick late. A grain
 * committed later than that after the last refresh is sure to cause one when it is read.
 */
#define READ_TIME_STEP (16 * MSEC)

/* How long to wait for a read that perhaps caused none */
#define READ_PATIENCE (10 * READ_TIME_STEP)

/**
 * struct job - a run
 * @options: the command line
 * @id: of the flow
 * @input: where media comes from
 * @instance: of the library
 * @writer: of the flow
 * @probe: a reader of the same flow, to see lastReadTime; only for PACE_READER
 * @unread: lastReadTime before anybody has read
 * @config: of the flow
 * @rate: of the flow
 * @shift: TAI time at which an index is due, minus the time the index stands for
 * @has_shift: the first index was chosen
 * @next: next index to write
 * @word: bytes of a sample, audio only
 * @report: figures
 * @progress: line on stderr
 * @digest: digest of what was written, or NULL
 */
struct job {
	const struct write_options *options;
	char id[37];
	struct tool_input input;
	mxlInstance instance;
	mxlFlowWriter writer;
	mxlFlowReader probe;
	uint64_t unread;
	mxlFlowConfigInfo config;
	mxlRational rate;
	int64_t shift;
	bool has_shift;
	uint64_t next;
	size_t word;
	struct tool_report report;
	struct tool_progress progress;
	struct tool_digest *digest;
};

static int make_definition(const struct write_options *options, char **ret_json)
{
	struct tool_identity identity = options->identity;
	int result;

	if (options->target.count > 0)
		identity.id = options->target.ids[0];
	if (!options->flow_def) {
		result = tool_flowdef_build(&options->spec, &identity, ret_json);
		if (result < 0)
			tool_error("cannot make the flow definition: %s", strerror(-result));
		return result;
	}
	result = tool_flowdef_load(options->flow_def, &identity, ret_json);
	if (result == -EBADMSG)
		tool_error("%s is no flow definition: it must hold one JSON object",
			   options->flow_def);
	else if (result < 0)
		tool_error("cannot read %s: %s", options->flow_def, strerror(-result));
	return result;
}

static char *make_writer_options(const struct write_options *options)
{
	uint32_t unit = options->batch != 0 ? options->batch : options->slices;
	char *text = NULL;

	/* slices alone keep the flow's own hints: they say how often, not how often at most */
	if (options->sync_batch == 0 && options->batch == 0)
		return strdup("");
	if (asprintf(&text,
		     "{\"maxCommitBatchSizeHint\":%" PRIu32 ",\"maxSyncBatchSizeHint\":%" PRIu32
		     "}",
		     unit != 0 ? unit : options->sync_batch,
		     options->sync_batch != 0 ? options->sync_batch : unit) < 0)
		return NULL;
	return text;
}

/* Somebody else's writer would be overwritten, and ours by his. */
static int refuse_second_writer(struct job *job)
{
	const char *domain = job->options->target.domain;
	struct tool_process process;
	bool active = false;
	char *name;

	if (job->options->force || mxlIsFlowActive(job->instance, job->id, &active) != 0 || !active)
		return 0;
	if (tool_domain_writers(domain, job->id, &process, 1) == 0) {
		tool_error("flow %s already has a writer; --force writes all the same", job->id);
		return -EBUSY;
	}
	name = tool_text_escape(process.name);
	tool_error("flow %s already has a writer, process %ld (%s); --force writes all the same",
		   job->id, (long)process.pid, name ? name : "?");
	free(name);
	return -EBUSY;
}

static int find_id(struct job *job, const char *definition)
{
	struct tool_flowdef flowdef;
	int result = 0;

	tool_flowdef_parse(definition, &flowdef);
	if (!tool_is_uuid(flowdef.id, job->id)) {
		tool_error("the flow definition has no id that is a UUID; --id gives it one");
		result = -EBADMSG;
	}
	tool_flowdef_free(&flowdef);
	return result;
}

static void show_flow(const struct job *job, bool created)
{
	char *address = tool_address_format(job->options->target.domain);

	if (address)
		tool_note("%s %s?id=%s",
			  created ? "writing to new flow" : "writing to existing flow", address,
			  job->id);
	free(address);
}

static int open_writer(struct job *job, const char *definition)
{
	char *options = make_writer_options(job->options);
	bool created = false;
	mxlStatus status;

	if (!options)
		return -ENOMEM;
	status = mxlCreateFlowWriter(job->instance, definition, options, &job->writer, &job->config,
				     &created);
	free(options);
	if (status != MXL_STATUS_OK) {
		tool_error("cannot make flow %s: %s", job->id,
			   status == MXL_ERR_CONFLICT ? "there is a flow of that id with another "
							"definition"
						      : tool_status_text(status));
		return -EIO;
	}
	job->rate = job->config.common.grainRate;
	show_flow(job, created);
	return 0;
}

static int open_probe(struct job *job)
{
	mxlFlowRuntimeInfo runtime;
	mxlStatus status;

	if (job->options->pace != PACE_READER)
		return 0;
	status = mxlCreateFlowReader(job->instance, job->id, "", &job->probe);
	if (status == MXL_STATUS_OK)
		status = mxlFlowReaderGetRuntimeInfo(job->probe, &runtime);
	if (status == MXL_STATUS_OK) {
		job->unread = runtime.lastReadTime;
		return 0;
	}
	tool_error("cannot watch readers of the flow: %s", tool_status_text(status));
	return -EIO;
}

/* The index that is due now, with the shift that --start-index brought about. */
static uint64_t due_index(const struct job *job)
{
	return mxlTimestampToIndex(&job->rate, (uint64_t)((int64_t)mxlGetTime() - job->shift));
}

static uint64_t due_time(const struct job *job, uint64_t index)
{
	return (uint64_t)((int64_t)mxlIndexToTimestamp(&job->rate, index) + job->shift);
}

/*
 * Choose where writing begins, once there is something to write: a source that takes its time to
 * start shall not make the first grains late.
 */
static void choose_start(struct job *job, uint64_t ahead)
{
	uint64_t now = mxlGetTime();

	job->has_shift = true;
	job->next = mxlTimestampToIndex(&job->rate, now) + ahead;
	if (!job->options->has_start)
		return;
	job->shift = (int64_t)mxlIndexToTimestamp(&job->rate, job->next);
	job->next = job->options->start;
	job->shift -= (int64_t)mxlIndexToTimestamp(&job->rate, job->next);
}

/* Leave indices out if the input was so late that catching up makes no sense. */
static void skip_to_now(struct job *job, uint64_t keeps)
{
	uint64_t limit = job->options->max_lag != UINT64_MAX ? job->options->max_lag : keeps / 2;
	uint64_t due = due_index(job);

	if (job->options->pace != PACE_TAI || due <= job->next || due - job->next <= limit)
		return;
	job->report.skipped += due - job->next;
	job->next = due;
}

static void note_commit(struct job *job, uint64_t index, uint64_t units)
{
	uint64_t now = mxlGetTime();

	if (job->options->pace != PACE_TAI)
		return;
	tool_histogram_add(&job->report.tai, (int64_t)(now - due_time(job, index)));
	/* waking up a little after the time is no lateness; missing the next one's time is */
	if (now > due_time(job, index + units))
		job->report.late += units;
}

static void show_progress(struct job *job, bool at_end)
{
	const struct tool_report *report = &job->report;
	char detail[96] = "";
	uint64_t total = job->options->loop ? 0 : job->input.size;

	if (!job->progress.on || (!at_end && !tool_progress_due(&job->progress)))
		return;
	if (report->late != 0 || report->skipped != 0)
		snprintf(detail, sizeof(detail), "late %" PRIu64 "  skipped %" PRIu64, report->late,
			 report->skipped);
	tool_progress_show(&job->progress, report->count, report->unit, report->bytes, total,
			   detail[0] != '\0' ? detail : NULL);
}

/* A read of a grain committed at this time can have followed another one too soon to be published. */
static bool is_read_in_doubt(const struct job *job, const mxlFlowRuntimeInfo *runtime,
			     uint64_t committed)
{
	return runtime->lastReadTime != job->unread &&
	       runtime->lastReadTime + READ_TIME_STEP > committed;
}

/*
 * Wait until the grain just committed has been read. One reader that reads each grain once has
 * read all the earlier ones when this one is committed, so a read after @before is a read of
 * this one. One that reads in slices, or looks again, may refresh the time just before the commit;
 * it is given time enough, and then taken to have read.
 */
static int wait_for_read(struct job *job, uint64_t before)
{
	uint64_t committed = mxlGetTime();
	mxlFlowRuntimeInfo runtime;

	for (;;) {
		if (mxlFlowReaderGetRuntimeInfo(job->probe, &runtime) != MXL_STATUS_OK)
			return -EIO;
		if (runtime.lastReadTime > before)
			break;
		if (is_read_in_doubt(job, &runtime, committed) &&
		    mxlGetTime() >= committed + READ_PATIENCE)
			return 0;
		show_progress(job, false);
		if (tool_sleep_until(mxlGetTime() + MSEC) < 0)
			return -EINTR;
	}
	return tool_sleep_until(runtime.lastReadTime + READ_TIME_STEP);
}

static int open_failed(struct job *job, const char *what, mxlStatus status, bool *told)
{
	if (status != MXL_ERR_CONFLICT || !job->options->force) {
		tool_error("cannot open %s %" PRIu64 ": %s", what, job->next,
			   tool_status_text(status));
		return -EIO;
	}
	/* another process holds the flow; be its hot standby */
	if (!*told)
		tool_note("another process writes the flow; waiting for it to go");
	*told = true;
	return tool_sleep_until(mxlGetTime() + 10 * MSEC);
}

static int open_grain(struct job *job, mxlGrainInfo *grain, uint8_t **payload)
{
	bool told = false;

	for (;;) {
		mxlStatus status;
		int result;

		skip_to_now(job, job->config.discrete.grainCount);
		status = mxlFlowWriterOpenGrain(job->writer, job->next, grain, payload);
		if (status == MXL_STATUS_OK)
			return 0;
		result = open_failed(job, "grain", status, &told);
		if (result < 0)
			return result;
	}
}

/* Read one packed RFC 8331 payload; the rest of the grain becomes zero. */
static int read_packed(struct job *job, uint8_t *payload, size_t size, size_t *ret_length)
{
	size_t length = 0, got = 0;
	int result;

	memset(payload, 0, size);
	result = tool_input_read(&job->input, payload, TOOL_ANC_HEADER, &got);
	if (result == 0 && got == TOOL_ANC_HEADER) {
		length = tool_anc_length(payload);
		if (length > size) {
			tool_error("%s: a payload says it has %zu bytes, a grain holds %zu; is it "
				   "packed ancillary data?",
				   job->input.name, length, size);
			return -EBADMSG;
		}
		result = tool_input_read(&job->input, payload + got, length - got, &length);
		got += length;
	}
	*ret_length = got;
	return result;
}

static bool is_packed(const struct job *job)
{
	return job->options->shared.anc == TOOL_ANC_PACKED;
}

/* Bytes of @payload as they stand in a file. */
static size_t unit_size(const struct job *job, const uint8_t *payload, size_t size)
{
	return is_packed(job) ? tool_anc_length(payload) : size;
}

static int commit(struct job *job, mxlGrainInfo *grain, uint32_t slices)
{
	mxlStatus status;

	grain->validSlices = (uint16_t)slices;
	status = mxlFlowWriterCommitGrain(job->writer, grain);
	if (status == MXL_STATUS_OK)
		return 0;
	tool_error("cannot commit grain %" PRIu64 ": %s", grain->index, tool_status_text(status));
	return -EIO;
}

/* What an input that ended inside a grain comes to: a negative errno, or 0 to go on with it. */
static int end_inside(struct job *job, uint8_t *payload, size_t got, size_t size)
{
	if (got != 0 && job->options->partial == PARTIAL_PAD && !is_packed(job)) {
		memset(payload + got, 0, size - got);
		return 0;
	}
	job->report.dropped_bytes += got;
	return -ENODATA;
}

static int read_part(struct job *job, uint8_t *payload, size_t from, size_t to, size_t size)
{
	size_t got = 0;
	int result;

	if (is_packed(job)) {
		result = read_packed(job, payload, size, &got);
		if (result < 0 || (got >= TOOL_ANC_HEADER && got == tool_anc_length(payload)))
			return result;
	} else {
		result = tool_input_read(&job->input, payload + from, to - from, &got);
		if (result < 0 || got == to - from)
			return result;
	}
	/* with slices the rest of the grain is read as end of file again, and padded as well */
	if (got == 0 && from != 0 && job->options->partial == PARTIAL_PAD) {
		memset(payload + from, 0, to - from);
		return 0;
	}
	return end_inside(job, payload, from + got, to);
}

static void pace(const struct job *job, uint64_t index, uint32_t done, uint32_t total)
{
	uint64_t time = due_time(job, index);

	if (job->options->pace != PACE_TAI || tool_stop_signal() != 0)
		return;
	time += (due_time(job, index + 1) - time) * done / total;
	/* a grain that is in memory is committed, signal or not */
	tool_sleep_until(time);
}

static int write_slices(struct job *job, mxlGrainInfo *grain, uint8_t *payload)
{
	uint32_t total = grain->totalSlices, step = job->options->slices, done = 0;
	size_t planes[MXL_MAX_PLANES_PER_GRAIN];
	/* only a payload of one plane can be committed while it is still being read */
	bool stream = tool_grain_planes(&job->config, grain, planes) == 1 && !is_packed(job);
	size_t size = grain->grainSize;
	int result;

	if (!stream) {
		result = read_part(job, payload, 0, size, size);
		if (result < 0)
			return result;
	}
	while (done < total) {
		uint32_t next = total - done > step ? done + step : total;

		if (stream) {
			result = read_part(job, payload, size * done / total, size * next / total,
					   size);
			if (result < 0)
				return result;
		}
		done = next;
		pace(job, grain->index, done, total);
		result = commit(job, grain, done);
		if (result < 0)
			return result;
	}
	return 0;
}

static int write_whole(struct job *job, mxlGrainInfo *grain, uint8_t *payload)
{
	int result = read_part(job, payload, 0, grain->grainSize, grain->grainSize);

	if (result < 0)
		return result;
	pace(job, grain->index, 0, 1);
	return commit(job, grain, grain->totalSlices);
}

static int write_grain(struct job *job)
{
	mxlGrainInfo grain = { 0 };
	uint8_t *payload = NULL;
	uint64_t before;
	size_t size;
	int result;

	result = open_grain(job, &grain, &payload);
	if (result < 0)
		return result;
	before = mxlGetTime();
	if (job->options->slices != 0)
		result = write_slices(job, &grain, payload);
	else
		result = write_whole(job, &grain, payload);
	if (result < 0) {
		mxlFlowWriterCancelGrain(job->writer);
		return result;
	}
	size = unit_size(job, payload, grain.grainSize);
	tool_digest_add_unit(job->digest, grain.index, payload, size);
	note_commit(job, grain.index, 1);
	tool_report_count(&job->report, grain.index, 1, size);
	job->next = grain.index + 1;
	return job->options->pace == PACE_READER ? wait_for_read(job, before) : 0;
}

/* At the end of the input: 0 to go on from the start of the file, else a negative errno. */
static int start_over(struct job *job, uint64_t *count_at_start)
{
	int result;

	if (!job->options->loop)
		return -ENODATA;
	if (job->report.count == *count_at_start) {
		tool_error("%s holds nothing that could be repeated", job->input.name);
		return -EBADMSG;
	}
	*count_at_start = job->report.count;
	result = tool_input_rewind(&job->input);
	if (result < 0)
		tool_error("cannot go back to the start of %s: %s", job->input.name,
			   strerror(-result));
	return result;
}

static bool is_complete(const struct job *job)
{
	return job->options->count != 0 && job->report.count >= job->options->count;
}

static int write_grains(struct job *job)
{
	uint64_t count_at_start = 0;
	int result = 0;

	while (result == 0 && !is_complete(job)) {
		result = tool_poll_fd(job->input.fd, POLLIN);
		if (result < 0)
			break;
		if (!job->has_shift)
			choose_start(job, 1);
		result = write_grain(job);
		if (result == -ENODATA)
			result = start_over(job, &count_at_start);
		show_progress(job, false);
	}
	return result;
}

/* Open the @count samples in front of @job->next + @ahead. */
static int open_samples(struct job *job, uint64_t ahead, size_t count,
			mxlMutableWrappedMultiBufferSlice *slices)
{
	bool told = false;

	for (;;) {
		mxlStatus status;
		int result;

		skip_to_now(job, job->config.continuous.bufferLength / 2);
		status = mxlFlowWriterOpenSamples(job->writer, job->next + ahead, count, slices);
		if (status == MXL_STATUS_OK)
			return 0;
		result = open_failed(job, "samples", status, &told);
		if (result < 0)
			return result;
	}
}

static int commit_samples(struct job *job)
{
	mxlStatus status = mxlFlowWriterCommitSamples(job->writer);

	if (status == MXL_STATUS_OK)
		return 0;
	tool_error("cannot commit samples %" PRIu64 ": %s", job->next, tool_status_text(status));
	return -EIO;
}

/*
 * A new flow of audio does not tell where its samples begin. One silent sample before the first
 * one moves the head there, so that whoever opens the flow now can read on from the head.
 */
static int mark_start(struct job *job)
{
	mxlMutableWrappedMultiBufferSlice slices;
	size_t channel;
	int result;

	result = open_samples(job, 0, 1, &slices);
	if (result < 0)
		return result;
	/* the library does not tell the size of a sample; one sample is that large */
	job->word = slices.base.fragments[0].size;
	for (channel = 0; channel < slices.count; channel++)
		memset((uint8_t *)slices.base.fragments[0].pointer + channel * slices.stride, 0,
		       job->word);
	return commit_samples(job);
}

static int write_batch(struct job *job, uint8_t *buffer, size_t frames, size_t frame)
{
	mxlMutableWrappedMultiBufferSlice slices;
	size_t got = 0;
	int result;

	result = tool_input_read(&job->input, buffer, frames * frame, &got);
	if (result < 0)
		return result;
	if (got % frame != 0 && job->options->partial == PARTIAL_PAD) {
		memset(buffer + got, 0, frame - got % frame);
		got += frame - got % frame;
	}
	job->report.dropped_bytes += got % frame;
	frames = got / frame;
	if (frames == 0)
		return -ENODATA;
	result = open_samples(job, frames, frames, &slices);
	if (result < 0)
		return result;
	tool_samples_scatter(buffer, job->options->shared.layout, job->word, &slices);
	pace(job, job->next + frames, 0, 1);
	result = commit_samples(job);
	if (result < 0)
		return result;
	tool_digest_add_unit(job->digest, job->next + frames, buffer, frames * frame);
	note_commit(job, job->next + frames, frames);
	tool_report_count(&job->report, job->next, frames, frames * frame);
	job->next += frames;
	return 0;
}

static size_t next_batch(const struct job *job, size_t batch)
{
	uint64_t left;

	if (job->options->count == 0)
		return batch;
	left = job->options->count - job->report.count;
	return left < batch ? (size_t)left : batch;
}

static int write_batches(struct job *job, uint8_t *buffer, size_t batch, size_t frame)
{
	uint64_t count_at_start = 0;
	int result = 0;

	while (result == 0 && !is_complete(job)) {
		result = tool_poll_fd(job->input.fd, POLLIN);
		if (result < 0)
			break;
		result = write_batch(job, buffer, next_batch(job, batch), frame);
		if (result == -ENODATA)
			result = start_over(job, &count_at_start);
		show_progress(job, false);
	}
	return result;
}

static int write_audio(struct job *job)
{
	size_t frame = job->word * job->config.continuous.channelCount;
	size_t batch = job->options->batch, limit = 0;
	uint8_t *buffer;
	int result;

	if (batch == 0)
		batch = job->config.common.maxCommitBatchSizeHint;
	if (mxlFlowWriterGetMaxWriteLengthSamples(job->writer, &limit) == MXL_STATUS_OK &&
	    (batch == 0 || batch > limit)) {
		tool_error("%zu samples per commit are too many, the flow takes up to %zu", batch,
			   limit);
		return -EINVAL;
	}
	buffer = reallocarray(NULL, batch, frame);
	if (!buffer)
		return -ENOMEM;
	result = write_batches(job, buffer, batch, frame);
	free(buffer);
	return result;
}

static bool is_audio(const struct job *job)
{
	return mxlIsContinuousDataFormat((int)job->config.common.format) != 0;
}

static int begin_audio(struct job *job)
{
	uint64_t delay = job->options->start_delay;

	/* with a delay the place where samples will begin is marked now, for readers to open */
	if (delay == 0 && tool_poll_fd(job->input.fd, POLLIN) < 0)
		return -EINTR;
	choose_start(job, mxlTimestampToIndex(&job->rate, delay));
	return mark_start(job);
}

static int begin(struct job *job)
{
	uint64_t start = mxlGetTime() + job->options->start_delay;
	int result = 0;

	if (is_audio(job))
		result = begin_audio(job);
	return result == 0 ? tool_sleep_until(start) : result;
}

static int move_media(struct job *job)
{
	uint64_t start;
	int result;

	result = begin(job);
	if (result < 0)
		return result;
	tool_progress_start(&job->progress, job->options->shared.progress);
	start = tool_monotonic();
	result = is_audio(job) ? write_audio(job) : write_grains(job);
	job->report.elapsed = tool_monotonic() - start;
	if (job->report.count != 0)
		show_progress(job, true);
	tool_progress_end(&job->progress);
	return result;
}

/* Beyond this, the time of an index does not fit into the nanoseconds of a time stamp. */
static bool is_start_too_large(const struct job *job)
{
	return job->options->has_start && (double)job->options->start *
							  (double)job->rate.denominator /
							  (double)job->rate.numerator >
						  4e9;
}

static int run(struct job *job)
{
	const char *conflict = write_options_conflict(job->options, (int)job->config.common.format);
	int result;

	job->report.unit = is_audio(job) ? "samples" : "grains";
	if (!conflict && is_start_too_large(job))
		conflict = "--start-index lies more than 126 years after 1970";
	if (conflict) {
		tool_error("%s", conflict);
		return -EINVAL;
	}
	result = move_media(job);
	/* the end of the input, and a signal, are proper ends */
	if (result == -ENODATA || result == -EINTR)
		return 0;
	if (result < 0 && result != -EIO && result != -EBADMSG && result != -EINVAL)
		tool_error("cannot read %s: %s", job->input.name, strerror(-result));
	return result;
}

static void linger(const struct job *job)
{
	uint64_t time = job->options->linger;

	if (time == 0 || tool_stop_signal() != 0)
		return;
	tool_note("the input has ended, the flow stays%s; Ctrl-C ends it",
		  time == UINT64_MAX ? "" : " for a while");
	tool_sleep_until(time == UINT64_MAX ? UINT64_MAX : mxlGetTime() + time);
}

static int release(struct job *job)
{
	mxlStatus status = MXL_STATUS_OK;

	if (job->probe)
		mxlReleaseFlowReader(job->instance, job->probe);
	if (job->writer)
		status = mxlReleaseFlowWriter(job->instance, job->writer);
	if (status != MXL_STATUS_OK)
		tool_error("cannot release the flow: %s", tool_status_text(status));
	if (job->instance)
		mxlDestroyInstance(job->instance);
	return status == MXL_STATUS_OK ? 0 : -EIO;
}

static int open_input(struct job *job)
{
	int result = tool_input_open(job->options->input, &job->input);

	if (result < 0) {
		tool_error("cannot read %s: %s", job->options->input, strerror(-result));
		return result;
	}
	if (job->options->loop && job->input.size == 0) {
		tool_error("--loop wants a regular file that is not empty");
		return -EINVAL;
	}
	return 0;
}

static int write_flow(struct job *job, const char *definition)
{
	int result = find_id(job, definition);

	if (result < 0)
		return result;
	job->instance = mxlCreateInstance(job->options->target.domain, "");
	if (!job->instance) {
		tool_error("the library refuses the domain, for the reason it logged");
		return -EIO;
	}
	result = refuse_second_writer(job);
	if (result == 0)
		result = open_writer(job, definition);
	if (result == 0)
		result = open_probe(job);
	if (result == 0)
		result = run(job);
	if (result == 0)
		linger(job);
	return result;
}

static int report(struct job *job, int result)
{
	int closed;

	job->report.verb = "wrote";
	job->report.flow = job->id;
	if (tool_shared_report(&job->options->shared, &job->report, job->digest, stdout) < 0)
		result = -EIO;
	closed = tool_close_stdout();
	if (result == -EINVAL)
		return TOOL_USAGE;
	if (result < 0)
		return TOOL_FAILURE;
	if (tool_stop_signal() != 0)
		return TOOL_SIGNAL + tool_stop_signal();
	if (closed != TOOL_OK)
		return closed;
	if (job->report.dropped_bytes != 0) {
		tool_error("the input ended inside a grain; its last %" PRIu64 " bytes are not in "
			   "the flow (--partial=pad fills up with zeros)",
			   job->report.dropped_bytes);
		return TOOL_LOST;
	}
	return job->options->shared.strict && job->report.skipped != 0 ? TOOL_LOST : TOOL_OK;
}

int main(int argc, char **argv)
{
	struct write_options options = { .max_lag = UINT64_MAX };
	struct job job = { .options = &options, .input.fd = -1 };
	const char *conflict = NULL;
	char *definition = NULL;
	int result;

	tool_parse_args(&write_options_argp, argc, argv, &options);
	if (!options.flow_def)
		conflict = write_options_conflict(&options, options.spec.format);
	if (conflict) {
		tool_error("%s", conflict);
		tool_target_free(&options.target);
		return TOOL_USAGE;
	}
	tool_catch_signals();
	result = tool_domain_check(options.target.domain);
	if (result == 0)
		result = make_definition(&options, &definition);
	if (result == 0)
		result = open_input(&job);
	if (result == 0)
		result = tool_shared_open_digest(&options.shared, &job.digest);
	if (result == 0)
		result = write_flow(&job, definition);
	if (release(&job) < 0 && result == 0)
		result = -EIO;
	result = report(&job, result);
	tool_input_close(&job.input);
	free(definition);
	tool_target_free(&options.target);
	return result;
}

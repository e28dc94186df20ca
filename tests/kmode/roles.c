// SPDX-License-Identifier: Apache-2.0
#include "roles.h"

#include <dlfcn.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

/* What a writer has not committed yet is told from what it has. */
#define UNWRITTEN 0xee

/* === The test's side ======================================================================= */

static const char *const kind_names[KINDS] = { "kernel", "posix", "other" };

const char *kind_name(enum kind kind)
{
	return kind_names[kind];
}

static const char *other_library(void)
{
	const char *path = getenv("MXL_OTHER_LIB");

	return path && *path ? path : NULL;
}

bool has_other(void)
{
	return other_library();
}

void need_other(void)
{
	if (!has_other())
		skip_because("MXL_OTHER_LIB names no other libmxl.so.1");
}

unsigned int kinds_here(void)
{
	return has_other() ? KINDS : OTHER;
}

void need_module(void)
{
	if (access("/dev/mxl", R_OK | W_OK))
		skip_because("no /dev/mxl");
}

/* Only what is executed next is meant: a process that runs keeps its library and its mode. */
void become(enum kind kind)
{
	static const char *path;
	static char first[1024];

	if (!path) {
		path = getenv("LD_LIBRARY_PATH");
		snprintf(first, sizeof(first), "%s", path ? path : "");
		path = first;
	}
	if (kind == OTHER) {
		setenv("LD_LIBRARY_PATH", dirname((char *)text("%s", other_library())), 1);
		/* It logs to standard output, where the answers go. */
		setenv("MXL_LOG_LEVEL", "off", 1);
	} else {
		setenv("LD_LIBRARY_PATH", path, 1);
		setenv("MXL_LOG_LEVEL", "error", 1);
		setenv("MXL_BACKEND", kind_name(kind), 1);
	}
}

struct peer *peer_from(struct child *child, enum kind kind)
{
	static struct peer peers[64];
	static unsigned int used;
	struct peer *peer = &peers[used++ % ARRAY_SIZE(peers)];

	*peer = (struct peer){ .child = child, .kind = kind };
	return peer;
}

/* The first line of a role: what it is, or could not become, and which process it is. */
struct peer *introduced(struct peer *peer, const char *want)
{
	const char *line = child_line(peer->child);
	char name[64] = "";
	int pid = 0;

	if (sscanf(line, "%63s %d", name, &pid) < 1 || strcmp(name, want))
		fail_because("%s: said \"%s\" instead of \"%s\"", kind_name(peer->kind), line,
			     want);
	if (!peer->pid)
		peer->pid = pid;
	return peer;
}

struct peer *start_writer(enum kind kind, const char *dir, const char *def, bool created)
{
	struct peer *peer = peer_from(child_as(kind, "writer", dir, def, NULL), kind);

	return introduced(peer, created ? "created" : "opened");
}

struct peer *start_reader(enum kind kind, const char *dir, const char *id)
{
	return introduced(peer_from(child_as(kind, "reader", dir, id, NULL), kind), "ready");
}

struct peer *tried(struct peer *peer)
{
	const char *line = child_line(peer->child);
	int status, pid;

	peer->status = sscanf(line, "refused %d", &status) == 1 ? (mxlStatus)status : MXL_STATUS_OK;
	if (sscanf(line, "%*s %d", &pid) == 1)
		peer->pid = pid;
	return peer;
}

struct peer *try_writer(enum kind kind, const char *dir, const char *def)
{
	return tried(peer_from(child_as(kind, "writer", dir, def, NULL), kind));
}

struct peer *try_reader(enum kind kind, const char *dir, const char *id)
{
	return tried(peer_from(child_as(kind, "reader", dir, id, NULL), kind));
}

void tell(struct peer *peer, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	child_say(peer->child, line);
}

void hear(struct peer *peer)
{
	const char *line = child_line(peer->child);
	unsigned long long at, value;
	int status, right;

	if (sscanf(line, "%d %llu %d %llu", &status, &at, &right, &value) != 4)
		fail_because("%s: said \"%s\"", kind_name(peer->kind), line);
	peer->status = (mxlStatus)status;
	peer->at = at;
	peer->right = right;
	peer->value = value;
}

void hear_status(struct peer *peer, mxlStatus want, const char *file, int line)
{
	hear(peer);
	if (peer->status != want)
		test_fail(file, line, "%s: %s instead of %s", kind_name(peer->kind),
			  status_name(peer->status), status_name(want));
	if (!peer->right)
		test_fail(file, line, "%s: what was read is not what was written",
			  kind_name(peer->kind));
}

void asleep(struct peer *peer)
{
	uint64_t end = now_ns() + PLENTY * slowness();

	while (!process_asleep(peer->pid)) {
		if (now_ns() > end)
			fail_because("%s: does not sleep", kind_name(peer->kind));
		doze();
	}
}

uint64_t delay_after(const struct peer *peer, uint64_t event)
{
	return peer->at > event ? peer->at - event : 0;
}

void kill_peer(struct peer *peer)
{
	child_kill(peer->child);
}

void release_peer(struct peer *peer)
{
	order(peer, MXL_STATUS_OK, "release");
	assert_int_equal(child_end(peer->child), 0);
}

/* === What both roles do ==================================================================== */

static void answer(mxlStatus status, uint64_t at, bool right, uint64_t value)
{
	role_say("%d %llu %d %llu", (int)status, (unsigned long long)at, right,
		 (unsigned long long)value);
}

static uint64_t random_below(uint64_t limit)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % limit;
}

static size_t slice_size(const mxlGrainInfo *info)
{
	return info->grainSize / info->totalSlices;
}

static mxlInstance enter(const char *dir)
{
	mxlInstance inst = mxlCreateInstance(dir, NULL);

	if (!inst)
		role_say("refused %d", (int)MXL_ERR_UNKNOWN);
	return inst;
}

/* === The writer ============================================================================ */

/**
 * struct writing - a writer at work
 * @handle: its handle
 * @config: of its flow
 * @next: the grain after the one it wrote to last, or the sample to go on with
 */
struct writing {
	mxlFlowWriter handle;
	mxlFlowConfigInfo config;
	uint64_t next;
};

static bool is_audio(const mxlFlowConfigInfo *config)
{
	return mxlIsContinuousDataFormat((int)config->common.format);
}

/* Writes and commits what is missing up to @slices; UINT16_MAX for all of the grain. */
static mxlStatus put_slices(struct writing *w, uint64_t index, uint16_t slices)
{
	mxlGrainInfo info;
	uint8_t *payload;
	mxlStatus status = mxlFlowWriterOpenGrain(w->handle, index, &info, &payload);

	if (status != MXL_STATUS_OK)
		return status;
	if (slices > info.totalSlices)
		slices = info.totalSlices;
	/* What another writer left of it may be kept, and what this one wrote must be. */
	if (info.validSlices == 0 && w->next != index + 1)
		memset(payload, UNWRITTEN, info.grainSize);
	fill_payload(payload, slices * slice_size(&info), index);
	info.validSlices = slices;
	/* Some libraries leave there what they find. */
	info.flags = 0;
	w->next = index + 1;
	return mxlFlowWriterCommitGrain(w->handle, &info);
}

static mxlStatus put_samples(struct writing *w, uint64_t index, size_t count)
{
	mxlMutableWrappedMultiBufferSlice slice;
	mxlStatus status = mxlFlowWriterOpenSamples(w->handle, index, count, &slice);
	uint64_t at = index - count;

	if (status != MXL_STATUS_OK)
		return status;
	for (int f = 0; f < 2; f++) {
		size_t n = slice.base.fragments[f].size / sizeof(float);

		for (size_t c = 0; c < slice.count; c++) {
			float *out = (float *)((uint8_t *)slice.base.fragments[f].pointer +
					       c * slice.stride);

			for (size_t i = 0; i < n; i++)
				out[i] = sample_value(at + i, c);
		}
		at += n;
	}
	w->next = index;
	return mxlFlowWriterCommitSamples(w->handle);
}

/* As fast as it goes, in pieces of every size, until told the time is over. */
static mxlStatus put_for(struct writing *w, uint64_t ms, uint64_t *ret_count)
{
	uint64_t end = now_ns() + ms * MSEC;
	mxlStatus status = MXL_STATUS_OK;
	uint64_t count = 0;

	while (status == MXL_STATUS_OK && now_ns() < end) {
		if (is_audio(&w->config)) {
			size_t n = 1 + random_below(1000);

			status = put_samples(w, w->next + n, n);
		} else {
			uint64_t index = w->next;
			uint16_t slices = 0;

			while (status == MXL_STATUS_OK && slices < SMALL_SLICES) {
				slices += 1 + random_below(SMALL_SLICES);
				status = put_slices(w, index, slices);
			}
		}
		count++;
	}
	*ret_count = count;
	return status;
}

/*
 * One grain at the time of each, which does not wait for anybody. A standby misses those that are
 * not its own, until it takes over.
 */
static mxlStatus put_paced(struct writing *w, uint64_t count, uint64_t *ret_first)
{
	const mxlRational *rate = &w->config.common.grainRate;
	uint64_t index = mxlGetCurrentIndex(rate);
	mxlStatus status = MXL_STATUS_OK;

	*ret_first = 0;
	while (count > 0) {
		uint64_t now;

		mxlSleepUntil(mxlIndexToTimestamp(rate, ++index));
		now = mxlGetCurrentIndex(rate);
		if (index < now)
			index = now;
		status = put_slices(w, index, UINT16_MAX);
		if (status == MXL_ERR_CONFLICT)
			continue;
		if (status != MXL_STATUS_OK)
			break;
		if (*ret_first == 0)
			*ret_first = now_ns();
		count--;
	}
	return status;
}

/* Not all libraries have it, so this program must not need it to be started. */
static mxlStatus (*wait_for_lock(void))(mxlFlowWriter, uint64_t)
{
	return (mxlStatus(*)(mxlFlowWriter, uint64_t))dlsym(RTLD_DEFAULT,
							    "mxlFlowWriterWaitForLock");
}

/* To other libraries the longest time-out is one that has passed already. */
static uint64_t milliseconds(long long ms)
{
	if (ms < 0)
		return wait_for_lock() ? FOREVER : 3600 * SEC;
	return (uint64_t)ms * MSEC;
}

static void write_as_told(struct writing *w, const char *line)
{
	mxlStatus status = MXL_ERR_UNKNOWN;
	uint64_t start = now_ns();
	unsigned long long index, n;
	uint64_t value = 0;
	long long ms;

	if (sscanf(line, "grain %llu", &index) == 1) {
		status = put_slices(w, index, UINT16_MAX);
	} else if (sscanf(line, "slices %llu %llu", &index, &n) == 2) {
		status = put_slices(w, index, (uint16_t)n);
	} else if (sscanf(line, "samples %llu %llu", &index, &n) == 2) {
		status = put_samples(w, index, n);
	} else if (sscanf(line, "spin %llu %lld", &index, &ms) == 2) {
		w->next = index;
		status = put_for(w, (uint64_t)ms, &value);
	} else if (sscanf(line, "pace %llu", &n) == 1) {
		status = put_paced(w, n, &value);
	} else if (sscanf(line, "lock %lld", &ms) == 1) {
		role_check(wait_for_lock());
		status = wait_for_lock()(w->handle, milliseconds(ms));
		start = now_ns();
	} else {
		fprintf(stderr, "# a writer cannot \"%s\"\n", line);
		_exit(100);
	}
	answer(status, start, true, value);
}

int obey_writer(const char *dir, const char *def)
{
	mxlInstance inst = enter(dir);
	struct writing w = { .handle = NULL };
	mxlStatus status;
	const char *line;
	bool created;

	if (!inst)
		return 0;
	status = mxlCreateFlowWriter(inst, def, NULL, &w.handle, &w.config, &created);
	if (status != MXL_STATUS_OK) {
		role_say("refused %d", (int)status);
		role_hear();
		return 0;
	}
	role_say("%s %d", created ? "created" : "opened", getpid());
	while (strcmp(line = role_hear(), "release"))
		write_as_told(&w, line);
	status = mxlReleaseFlowWriter(inst, w.handle);
	role_check(mxlDestroyInstance(inst) == MXL_STATUS_OK);
	answer(status, now_ns(), true, 0);
	return 0;
}

int role_writer(int argc, char **argv)
{
	role_check(argc == 2);
	return obey_writer(argv[0], argv[1]);
}

/* === The reader ============================================================================ */

static bool samples_are(const mxlWrappedMultiBufferSlice *slice, uint64_t index, size_t count)
{
	uint64_t at = index - count;

	for (int f = 0; f < 2; f++) {
		size_t n = slice->base.fragments[f].size / sizeof(float);

		for (size_t c = 0; c < slice->count; c++) {
			const uint8_t *start = slice->base.fragments[f].pointer;
			const float *in = (const float *)(start + c * slice->stride);

			for (size_t i = 0; i < n; i++)
				if (in[i] != sample_value(at + i, c))
					return false;
		}
		at += n;
	}
	return at == index;
}

/* What of a grain is said to be valid has to be. */
static bool grain_is(const mxlGrainInfo *info, const uint8_t *payload, uint64_t index,
		     uint16_t slices)
{
	if (slices > info->totalSlices)
		slices = info->totalSlices;
	return info->index == index && info->validSlices >= slices &&
	       payload_is(payload, info->validSlices * slice_size(info), index);
}

/*
 * Reads whatever is there while the writer goes as fast as it can. What was overwritten while it
 * was looked at does not count, but the library has to say that it was.
 */
static bool chase_grain(mxlFlowReader reader, uint64_t head, uint64_t *count)
{
	uint64_t index = head - random_below(SMALL_GRAINS / 2);
	uint16_t slices = (uint16_t)(1 + random_below(SMALL_SLICES));
	mxlGrainInfo info, again;
	uint8_t *payload, *same;
	bool right;

	if (mxlFlowReaderGetGrainSliceNonBlocking(reader, index, slices, &info, &payload) !=
		    MXL_STATUS_OK ||
	    info.flags & MXL_GRAIN_FLAG_INVALID)
		return true;
	right = grain_is(&info, payload, index, slices);
	if (mxlFlowReaderGetGrainSliceNonBlocking(reader, index, slices, &again, &same) !=
	    MXL_STATUS_OK)
		return true;
	*count += 1;
	return right;
}

static bool chase_samples(mxlFlowReader reader, uint64_t head, uint64_t *count)
{
	size_t n = 1 + random_below(2000);
	uint64_t index = head - random_below(SOUND_HALF / 2);
	mxlWrappedMultiBufferSlice slice, again;
	bool right;

	if (mxlFlowReaderGetSamplesNonBlocking(reader, index, n, &slice) != MXL_STATUS_OK)
		return true;
	right = samples_are(&slice, index, n);
	if (mxlFlowReaderGetSamplesNonBlocking(reader, index, n, &again) != MXL_STATUS_OK)
		return true;
	*count += 1;
	return right;
}

/* Data of a writer that went before is as good, so only what begins at @first is looked at. */
static bool chase(mxlFlowReader reader, uint64_t first, uint64_t ms, uint64_t *ret_count)
{
	uint64_t end = now_ns() + ms * MSEC;
	mxlFlowConfigInfo config;
	bool right = true;
	bool audio;

	role_check(mxlFlowReaderGetConfigInfo(reader, &config) == MXL_STATUS_OK);
	audio = is_audio(&config);
	*ret_count = 0;
	while (right && now_ns() < end) {
		mxlFlowRuntimeInfo runtime;

		role_check(mxlFlowReaderGetRuntimeInfo(reader, &runtime) == MXL_STATUS_OK);
		if (runtime.headIndex < first + (audio ? SOUND_LENGTH : SMALL_GRAINS))
			doze();
		else if (audio)
			right = chase_samples(reader, runtime.headIndex, ret_count);
		else
			right = chase_grain(reader, runtime.headIndex, ret_count);
	}
	return right;
}

/*
 * Follows a writer in time until it has @count more grains, and says how long the longest pause
 * between two of them was.
 */
static mxlStatus follow(mxlFlowReader reader, uint64_t count, bool *right, uint64_t *ret_gap)
{
	mxlFlowRuntimeInfo runtime;
	uint64_t last = 0, index;

	role_check(mxlFlowReaderGetRuntimeInfo(reader, &runtime) == MXL_STATUS_OK);
	index = runtime.headIndex;
	*ret_gap = 0;
	while (count > 0) {
		mxlGrainInfo info;
		uint8_t *payload;
		uint64_t now;
		mxlStatus status =
			mxlFlowReaderGetGrain(reader, index, PLENTY * slowness(), &info, &payload);

		if (status == MXL_ERR_OUT_OF_RANGE_TOO_LATE) {
			role_check(mxlFlowReaderGetRuntimeInfo(reader, &runtime) == MXL_STATUS_OK);
			index = runtime.headIndex;
			continue;
		}
		if (status != MXL_STATUS_OK)
			return status;
		index++;
		if (info.flags & MXL_GRAIN_FLAG_INVALID)
			continue;
		*right &= grain_is(&info, payload, index - 1, UINT16_MAX);
		now = now_ns();
		if (last && now - last > *ret_gap)
			*ret_gap = now - last;
		last = now;
		count--;
	}
	return MXL_STATUS_OK;
}

static void read_as_told(mxlFlowReader reader, const char *line)
{
	mxlWrappedMultiBufferSlice slice;
	unsigned long long index, n;
	mxlStatus status;
	mxlGrainInfo info;
	uint8_t *payload;
	uint64_t value = 0;
	bool right = true;
	uint64_t at = 0;
	long long ms;

	if (sscanf(line, "grain %llu %lld", &index, &ms) == 2) {
		status = mxlFlowReaderGetGrain(reader, index, milliseconds(ms), &info, &payload);
		at = now_ns();
		if (status == MXL_STATUS_OK)
			right = grain_is(&info, payload, index, UINT16_MAX);
	} else if (sscanf(line, "slices %llu %llu %lld", &index, &n, &ms) == 3) {
		status = mxlFlowReaderGetGrainSlice(reader, index, (uint16_t)n, milliseconds(ms),
						    &info, &payload);
		at = now_ns();
		if (status == MXL_STATUS_OK)
			right = grain_is(&info, payload, index, (uint16_t)n);
	} else if (sscanf(line, "samples %llu %llu %lld", &index, &n, &ms) == 3) {
		status = mxlFlowReaderGetSamples(reader, index, n, milliseconds(ms), &slice);
		at = now_ns();
		if (status == MXL_STATUS_OK)
			right = samples_are(&slice, index, n);
	} else if (sscanf(line, "get %llu", &index) == 1) {
		status = mxlFlowReaderGetGrainNonBlocking(reader, index, &info, &payload);
		if (status == MXL_STATUS_OK)
			right = grain_is(&info, payload, index, UINT16_MAX);
	} else if (sscanf(line, "chase %llu %lld", &index, &ms) == 2) {
		status = MXL_STATUS_OK;
		right = chase(reader, index, (uint64_t)ms, &value);
	} else if (sscanf(line, "follow %llu", &n) == 1) {
		status = follow(reader, n, &right, &value);
	} else {
		fprintf(stderr, "# a reader cannot \"%s\"\n", line);
		_exit(100);
	}
	answer(status, at, right, value);
}

int obey_reader(const char *dir, const char *id)
{
	mxlInstance inst = enter(dir);
	mxlFlowReader reader;
	mxlStatus status;
	const char *line;

	if (!inst)
		return 0;
	status = mxlCreateFlowReader(inst, id, NULL, &reader);
	if (status != MXL_STATUS_OK) {
		role_say("refused %d", (int)status);
		role_hear();
		return 0;
	}
	role_say("ready %d", getpid());
	while (strcmp(line = role_hear(), "release"))
		read_as_told(reader, line);
	status = mxlReleaseFlowReader(inst, reader);
	role_check(mxlDestroyInstance(inst) == MXL_STATUS_OK);
	answer(status, now_ns(), true, 0);
	return 0;
}

int role_reader(int argc, char **argv)
{
	role_check(argc == 2);
	return obey_reader(argv[0], argv[1]);
}

// SPDX-License-Identifier: Apache-2.0
#include "helpers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_FDS 4096
#define MAX_OPEN 256
#define TIME_LIMIT 20

static const char *const supervised = "MXL_TEST_SUPERVISED";

/* What one test owns; everything in it is given back by test_end(). */
static struct {
	struct CMUnitTest *test;
	char domain[128];
	mxlInstance instance;
	mxlInstance instances[MAX_OPEN];
	size_t ninstances;
	struct waiter_job *waiters[MAX_OPEN];
	size_t nwaiters;
	struct child *children[MAX_OPEN];
	size_t nchildren;
	const char *directories[MAX_OPEN];
	size_t ndirectories;
	struct {
		void *addr;
		size_t size;
	} maps[MAX_OPEN];
	size_t nmaps;
	struct text *texts;
	bool fds[MAX_FDS];
	unsigned int nthreads;
	int log_fd;
	int saved_stdout;
	int saved_stderr;
} env = { .log_fd = -1 };

struct text {
	struct text *next;
	char bytes[];
};

struct waiter_job {
	struct waiter out;
	enum {
		GRAIN,
		SAMPLES,
		GROUP
	} kind;
	mxlFlowReader reader;
	mxlFlowSynchronizationGroup group;
	uint64_t index;
	size_t count;
	uint64_t timeout;
	pthread_t thread;
	atomic_int tid;
	atomic_bool done;
	bool joined;
};

struct child {
	pid_t pid;
	int in;
	int out;
	bool ended;
	char line[512];
};

static bool role_mode;
static pid_t main_tid;

/* Assertions of cmocka jump to the end of the test, which only its own thread may do. */
static void log_restore(void);

void test_fail(const char *file, int line, const char *fmt, ...)
{
	char message[1024];
	va_list ap;
	char *p;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	/* A report has one line per message. */
	for (p = message; *p; p++)
		if (*p == '\n')
			*p = '|';

	if (role_mode || gettid() != main_tid) {
		fprintf(stderr, "# %s:%d: %s\n", file, line, message);
		_exit(100);
	}
	log_restore();
	print_message("# %s\n", message);
	_fail(file, line);
	abort();
}

#define check(cond)                                                                   \
	do {                                                                          \
		if (!(cond))                                                          \
			test_fail(__FILE__, __LINE__, "%s (errno %d)", #cond, errno); \
	} while (0)

static char *new_text(size_t size)
{
	struct text *t = malloc(sizeof(*t) + size);

	check(t);
	t->next = env.texts;
	env.texts = t;
	return t->bytes;
}

const char *text(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	check(len >= 0);
	s = new_text(len + 1);
	va_start(ap, fmt);
	vsnprintf(s, len + 1, fmt, ap);
	va_end(ap);
	return s;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

void doze(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = MSEC / 2 }, NULL);
}

unsigned int slowness(void)
{
	const char *value = getenv("MXL_TEST_SLOWNESS");
	int n = value ? atoi(value) : 1;

	return n > 0 ? n : 1;
}

void set_time_limit(unsigned int seconds)
{
	alarm(seconds * slowness());
}

void skip_because(const char *fmt, ...)
{
	char reason[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	/* The only thing cmocka prints of a skipped test is its name. */
	env.test->name = text("%s: %s", env.test->name, reason);
	skip();
}

void need_root(void)
{
	if (geteuid() != 0)
		skip_because("needs root");
}

void need_posix_mode(void)
{
	const char *backend = getenv("MXL_BACKEND");

	if (backend ? strcmp(backend, "posix") : access("/dev/mxl", F_OK) == 0)
		skip_because("two writers at a time are of posix mode");
}

const char *status_name(mxlStatus status)
{
	static const char *const names[] = {
		"MXL_STATUS_OK",
		"MXL_ERR_UNKNOWN",
		"MXL_ERR_FLOW_NOT_FOUND",
		"MXL_ERR_OUT_OF_RANGE_TOO_LATE",
		"MXL_ERR_OUT_OF_RANGE_TOO_EARLY",
		"MXL_ERR_INVALID_FLOW_READER",
		"MXL_ERR_INVALID_FLOW_WRITER",
		"MXL_ERR_TIMEOUT",
		"MXL_ERR_INVALID_ARG",
		"MXL_ERR_CONFLICT",
		"MXL_ERR_PERMISSION_DENIED",
		"MXL_ERR_FLOW_INVALID",
	};

	return (unsigned int)status < ARRAY_SIZE(names) ? names[status] : "another status";
}

void assert_status_at(mxlStatus want, mxlStatus got, const char *what, const char *file, int line)
{
	if (got != want)
		test_fail(file, line, "%s is %s (%d), not %s", what, status_name(got), (int)got,
			  status_name(want));
}

/* === Files ================================================================================= */

static const char *base_directory(void)
{
	const char *dir = getenv("MXL_TEST_DIR");

	return dir ? dir : "/dev/shm";
}

void remove_tree(const char *path)
{
	char inside[4096];
	struct dirent *e;
	struct stat st;
	DIR *dir;

	if (lstat(path, &st) < 0)
		return;
	if (!S_ISDIR(st.st_mode)) {
		unlink(path);
		return;
	}
	chmod(path, 0700);
	dir = opendir(path);
	if (!dir)
		return;
	while ((e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (snprintf(inside, sizeof(inside), "%s/%s", path, e->d_name) <
		    (int)sizeof(inside))
			remove_tree(inside);
	}
	closedir(dir);
	rmdir(path);
}

/* Test directories are named after the process that made them, so orphans can be told. */
static void sweep(pid_t only)
{
	char path[4096];
	struct dirent *e;
	DIR *dir = opendir(base_directory());
	int pid;

	if (!dir)
		return;
	while ((e = readdir(dir))) {
		if (sscanf(e->d_name, "mxl-test-%d-", &pid) != 1)
			continue;
		if (only ? pid != only : kill(pid, 0) == 0 || errno != ESRCH)
			continue;
		snprintf(path, sizeof(path), "%s/%s", base_directory(), e->d_name);
		remove_tree(path);
	}
	closedir(dir);
}

const char *domain(void)
{
	return env.domain;
}

const char *new_directory(const char *parent)
{
	const char *template =
		text("%s/mxl-test-%d-XXXXXX", parent ? parent : base_directory(), getpid());
	char *path = (char *)template;

	check(mkdtemp(path));
	check(env.ndirectories < MAX_OPEN);
	env.directories[env.ndirectories++] = path;
	return path;
}

const char *flow_path(const char *id, const char *file)
{
	return text("%s/%s.mxl-flow%s%s", domain(), id, file ? "/" : "", file ? file : "");
}

const char *grain_path(const char *id, unsigned int slot)
{
	return text("%s/%s.mxl-flow/grains/data.%u", domain(), id, slot);
}

void write_file(const char *path, const char *content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	ssize_t len = strlen(content);

	check(fd >= 0);
	check(write(fd, content, len) == len);
	close(fd);
}

const char *read_file(const char *path, size_t *ret_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *s;

	check(fd >= 0);
	check(fstat(fd, &st) == 0);
	s = new_text(st.st_size + 1);
	check(read(fd, s, st.st_size) == st.st_size);
	s[st.st_size] = '\0';
	close(fd);
	if (ret_size)
		*ret_size = st.st_size;
	return s;
}

bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

mode_t mode_of(const char *path)
{
	struct stat st;

	check(lstat(path, &st) == 0);
	return st.st_mode & 07777;
}

off_t size_of(const char *path)
{
	struct stat st;

	check(lstat(path, &st) == 0);
	return st.st_size;
}

unsigned int count_entries(const char *path, const char *part)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;
	struct dirent *e;

	check(dir);
	while ((e = readdir(dir)))
		n += strstr(e->d_name, part) && strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(dir);
	return n;
}

const char *data_file(const char *name)
{
	const char *dir = getenv("MXL_TEST_DATA");

	return read_file(text("%s/%s", dir ? dir : MXL_TEST_DATA, name), NULL);
}

bool is_sealed(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return errno == ETXTBSY;
	close(fd);
	return false;
}

void need_unsealed(const char *path)
{
	if (is_sealed(path))
		skip_because("the flow is sealed");
}

void *map_file(const char *path, size_t *ret_size)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int prot = PROT_READ | PROT_WRITE;
	struct stat st;
	void *addr;

	if (fd < 0 && errno == ETXTBSY) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		prot = PROT_READ;
	}
	check(fd >= 0);
	check(fstat(fd, &st) == 0 && st.st_size > 0);
	addr = mmap(NULL, st.st_size, prot, MAP_SHARED, fd, 0);
	check(addr != MAP_FAILED);
	close(fd);
	check(env.nmaps < MAX_OPEN);
	env.maps[env.nmaps].addr = addr;
	env.maps[env.nmaps++].size = st.st_size;
	if (ret_size)
		*ret_size = st.st_size;
	return addr;
}

struct mxl_flow_header *map_header(const char *id)
{
	return map_file(flow_path(id, "data"), NULL);
}

struct mxl_grain_header *map_grain(const char *id, unsigned int slot)
{
	return map_file(grain_path(id, slot), NULL);
}

/* === Instances and flows =================================================================== */

mxlInstance open_instance(const char *dir)
{
	mxlInstance inst = mxlCreateInstance(dir, NULL);

	check(inst);
	check(env.ninstances < MAX_OPEN);
	env.instances[env.ninstances++] = inst;
	return inst;
}

void close_instance(mxlInstance inst)
{
	size_t i;

	if (env.instance == inst)
		env.instance = NULL;
	for (i = 0; i < env.ninstances; i++) {
		if (env.instances[i] == inst) {
			env.instances[i] = env.instances[--env.ninstances];
			assert_ok(mxlDestroyInstance(inst));
			return;
		}
	}
	check(!"an instance of open_instance()");
}

mxlInstance instance(void)
{
	if (!env.instance)
		env.instance = open_instance(domain());
	return env.instance;
}

static const char *video(const char *id, const char *media, int width, int height, int num, int den,
			 const char *more)
{
	return text("{\"id\":\"%s\",\"label\":\"test picture\","
		    "\"format\":\"urn:x-nmos:format:video\",\"media_type\":\"video/%s\","
		    "\"tags\":{\"urn:x-nmos:tag:grouphint/v1.0\":[\"Test:Video\"]},"
		    "\"grain_rate\":{\"numerator\":%d,\"denominator\":%d},"
		    "\"frame_width\":%d,\"frame_height\":%d%s}",
		    id, media, num, den, width, height, more);
}

const char *video_def(const char *id, int width, int height, int num, int den)
{
	return video(id, "v210", width, height, num, den, "");
}

const char *video_key_def(const char *id, int width, int height, int num, int den)
{
	return video(id, "v210a", width, height, num, den, "");
}

const char *interlaced_def(const char *id, int width, int height, int num, int den)
{
	return video(id, "v210", width, height, num, den, ",\"interlace_mode\":\"interlaced_tff\"");
}

const char *anc_def(const char *id, int num, int den)
{
	return text("{\"id\":\"%s\",\"label\":\"test captions\","
		    "\"format\":\"urn:x-nmos:format:data\",\"media_type\":\"video/smpte291\","
		    "\"tags\":{\"urn:x-nmos:tag:grouphint/v1.0\":[\"Test:Captions\"]},"
		    "\"grain_rate\":{\"numerator\":%d,\"denominator\":%d}}",
		    id, num, den);
}

const char *audio_def(const char *id, int rate, int channels)
{
	return text("{\"id\":\"%s\",\"label\":\"test sound\","
		    "\"format\":\"urn:x-nmos:format:audio\",\"media_type\":\"audio/float32\","
		    "\"tags\":{\"urn:x-nmos:tag:grouphint/v1.0\":[\"Test:Audio\"]},"
		    "\"sample_rate\":{\"numerator\":%d},\"bit_depth\":32,\"channel_count\":%d}",
		    id, rate, channels);
}

const char *small_def(const char *id)
{
	return video_def(id, 96, SMALL_SLICES, 50, 1);
}

const char *sound_def(const char *id)
{
	return audio_def(id, 48000, 2);
}

void set_history(const char *dir, const char *nanoseconds)
{
	write_file(text("%s/options.json", dir),
		   text("{\"urn:x-mxl:option:history_duration/v1.0\": %s}", nanoseconds));
}

mxlFlowWriter open_writer_with(mxlInstance inst, const char *def, const char *options)
{
	mxlFlowWriter writer = NULL;

	assert_ok(mxlCreateFlowWriter(inst, def, options, &writer, NULL, NULL));
	check(writer);
	return writer;
}

mxlFlowWriter open_writer(mxlInstance inst, const char *def)
{
	return open_writer_with(inst, def, NULL);
}

mxlFlowReader open_reader(mxlInstance inst, const char *id)
{
	mxlFlowReader reader = NULL;

	assert_ok(mxlCreateFlowReader(inst, id, NULL, &reader));
	check(reader);
	return reader;
}

uint64_t head_of(mxlFlowReader reader)
{
	mxlFlowRuntimeInfo info;

	assert_ok(mxlFlowReaderGetRuntimeInfo(reader, &info));
	return info.headIndex;
}

static uint64_t payload_word(uint64_t index, size_t word)
{
	return (index + 1) * 0x9e3779b97f4a7c15ULL ^ (word + 1) * 0xbf58476d1ce4e5b9ULL;
}

void fill_payload(uint8_t *payload, size_t size, uint64_t index)
{
	uint64_t *words = (uint64_t *)payload;
	size_t i;

	for (i = 0; i < size / sizeof(*words); i++)
		words[i] = payload_word(index, i);
}

bool payload_is(const uint8_t *payload, size_t size, uint64_t index)
{
	const uint64_t *words = (const uint64_t *)payload;
	size_t i;

	for (i = 0; i < size / sizeof(*words); i++)
		if (words[i] != payload_word(index, i))
			return false;
	return true;
}

void write_slices(mxlFlowWriter writer, uint64_t index, uint16_t slices)
{
	mxlGrainInfo info;
	uint8_t *payload;

	assert_ok(mxlFlowWriterOpenGrain(writer, index, &info, &payload));
	check(info.index == index);
	check(slices <= info.totalSlices);
	fill_payload(payload, info.grainSize, index);
	info.validSlices = slices;
	assert_ok(mxlFlowWriterCommitGrain(writer, &info));
}

void write_grain(mxlFlowWriter writer, uint64_t index)
{
	mxlGrainInfo info;
	uint8_t *payload;

	assert_ok(mxlFlowWriterOpenGrain(writer, index, &info, &payload));
	check(info.index == index);
	fill_payload(payload, info.grainSize, index);
	info.validSlices = info.totalSlices;
	assert_ok(mxlFlowWriterCommitGrain(writer, &info));
}

void write_invalid(mxlFlowWriter writer, uint64_t index)
{
	mxlGrainInfo info;
	uint8_t *payload;

	assert_ok(mxlFlowWriterOpenGrain(writer, index, &info, &payload));
	info.flags |= MXL_GRAIN_FLAG_INVALID;
	assert_ok(mxlFlowWriterCommitGrain(writer, &info));
}

void expect_grain(mxlFlowReader reader, uint64_t index)
{
	mxlGrainInfo info;
	uint8_t *payload = NULL;

	assert_ok(mxlFlowReaderGetGrainNonBlocking(reader, index, &info, &payload));
	check(info.index == index);
	check(info.validSlices == info.totalSlices);
	check(!(info.flags & MXL_GRAIN_FLAG_INVALID));
	check(payload_is(payload, info.grainSize, index));
}

void expect_invalid(mxlFlowReader reader, uint64_t index)
{
	mxlGrainInfo info;
	uint8_t *payload = NULL;

	assert_ok(mxlFlowReaderGetGrainNonBlocking(reader, index, &info, &payload));
	check(info.index == index);
	check(info.flags & MXL_GRAIN_FLAG_INVALID);
}

void expect_status(mxlFlowReader reader, uint64_t index, mxlStatus want)
{
	mxlGrainInfo info;
	uint8_t *payload;

	assert_status(want, mxlFlowReaderGetGrainNonBlocking(reader, index, &info, &payload));
}

float sample_value(uint64_t index, unsigned int channel)
{
	return (index * 31 + channel * 7919) % 65521 + 1;
}

void write_samples(mxlFlowWriter writer, uint64_t index, size_t count)
{
	mxlMutableWrappedMultiBufferSlice slice;
	uint64_t at = index - count;
	size_t c, f, i;

	assert_ok(mxlFlowWriterOpenSamples(writer, index, count, &slice));
	for (f = 0; f < 2; f++) {
		size_t n = slice.base.fragments[f].size / sizeof(float);

		for (c = 0; c < slice.count; c++) {
			float *out = (float *)((uint8_t *)slice.base.fragments[f].pointer +
					       c * slice.stride);

			for (i = 0; i < n; i++)
				out[i] = sample_value(at + i, c);
		}
		at += n;
	}
	check(at == index);
	assert_ok(mxlFlowWriterCommitSamples(writer));
}

void expect_samples(mxlFlowReader reader, uint64_t index, size_t count)
{
	mxlWrappedMultiBufferSlice slice;
	uint64_t at = index - count;
	size_t c, f, i;

	assert_ok(mxlFlowReaderGetSamplesNonBlocking(reader, index, count, &slice));
	for (f = 0; f < 2; f++) {
		size_t n = slice.base.fragments[f].size / sizeof(float);

		for (c = 0; c < slice.count; c++) {
			const float *in =
				(const float *)((const uint8_t *)slice.base.fragments[f].pointer +
						c * slice.stride);

			for (i = 0; i < n; i++)
				if (in[i] != sample_value(at + i, c))
					test_fail(__FILE__, __LINE__,
						  "sample %llu of channel %zu is %g",
						  (unsigned long long)(at + i), c, in[i]);
		}
		at += n;
	}
	check(at == index);
}

bool is_silence(mxlFlowReader reader, uint64_t index, size_t count)
{
	mxlWrappedMultiBufferSlice slice;
	size_t c, f, i;

	assert_ok(mxlFlowReaderGetSamplesNonBlocking(reader, index, count, &slice));
	for (f = 0; f < 2; f++) {
		for (c = 0; c < slice.count; c++) {
			const uint8_t *in =
				(const uint8_t *)slice.base.fragments[f].pointer + c * slice.stride;

			for (i = 0; i < slice.base.fragments[f].size; i++)
				if (in[i])
					return false;
		}
	}
	return true;
}

/* === The log =============================================================================== */

/* Other libraries say on standard output what ours says on standard error. */
void log_start(void)
{
	check(env.log_fd < 0);
	fflush(NULL);
	env.log_fd = memfd_create("log", MFD_CLOEXEC);
	check(env.log_fd >= 0);
	env.saved_stdout = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	env.saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	check(env.saved_stdout >= 0 && env.saved_stderr >= 0);
	check(dup2(env.log_fd, STDOUT_FILENO) >= 0);
	check(dup2(env.log_fd, STDERR_FILENO) >= 0);
}

static void log_restore(void)
{
	if (env.log_fd < 0)
		return;
	fflush(NULL);
	dup2(env.saved_stdout, STDOUT_FILENO);
	dup2(env.saved_stderr, STDERR_FILENO);
	close(env.saved_stdout);
	close(env.saved_stderr);
	close(env.log_fd);
	env.log_fd = -1;
}

const char *log_end(void)
{
	struct stat st;
	char *s;

	fflush(NULL);
	check(env.log_fd >= 0);
	check(fstat(env.log_fd, &st) == 0);
	s = new_text(st.st_size + 1);
	check(pread(env.log_fd, s, st.st_size, 0) == st.st_size);
	s[st.st_size] = '\0';
	log_restore();
	return s;
}

void assert_logged_at(const char *log, const char *part, const char *file, int line)
{
	if (!strstr(log, part))
		test_fail(file, line, "no \"%s\" in the log, which is: %.600s", part,
			  *log ? log : "(empty)");
}

unsigned int count_lines_with(const char *log, const char *part)
{
	unsigned int n = 0;
	const char *hit, *end;

	for (hit = strstr(log, part); hit; hit = strstr(end, part)) {
		n++;
		end = strchrnul(hit, '\n');
	}
	return n;
}

/* === Sleeping readers ====================================================================== */

static void *waiter_run(void *arg)
{
	struct waiter_job *w = arg;
	uint64_t start = now_ns();

	atomic_store(&w->tid, gettid());
	switch (w->kind) {
	case GRAIN:
		w->out.status = mxlFlowReaderGetGrainSlice(
			w->reader, w->index, w->count, w->timeout, &w->out.info, &w->out.payload);
		break;
	case SAMPLES:
		w->out.status = mxlFlowReaderGetSamples(w->reader, w->index, w->count, w->timeout,
							&w->out.slice);
		break;
	case GROUP:
		w->out.status =
			mxlFlowSynchronizationGroupWaitForDataAt(w->group, w->index, w->timeout);
		break;
	}
	w->out.ended_ns = now_ns();
	w->out.took_ns = w->out.ended_ns - start;
	atomic_store(&w->done, true);
	return NULL;
}

static struct waiter *waiter_start(struct waiter_job job)
{
	struct waiter_job *w = calloc(1, sizeof(*w));

	check(w);
	*w = job;
	check(env.nwaiters < MAX_OPEN);
	check(pthread_create(&w->thread, NULL, waiter_run, w) == 0);
	env.waiters[env.nwaiters++] = w;
	return &w->out;
}

struct waiter *wait_for_grain(mxlFlowReader reader, uint64_t index, uint16_t slices,
			      uint64_t timeout)
{
	return waiter_start((struct waiter_job){ .kind = GRAIN,
						 .reader = reader,
						 .index = index,
						 .count = slices,
						 .timeout = timeout });
}

struct waiter *wait_for_samples(mxlFlowReader reader, uint64_t index, size_t count,
				uint64_t timeout)
{
	return waiter_start((struct waiter_job){ .kind = SAMPLES,
						 .reader = reader,
						 .index = index,
						 .count = count,
						 .timeout = timeout });
}

struct waiter *wait_for_group(mxlFlowSynchronizationGroup group, uint64_t timestamp,
			      uint64_t timeout)
{
	return waiter_start((struct waiter_job){
		.kind = GROUP, .group = group, .index = timestamp, .timeout = timeout });
}

static bool read_proc(const char *task, const char *file, char *buffer, size_t size)
{
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/%s", task, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buffer, size - 1);
	close(fd);
	if (n <= 0)
		return false;
	buffer[n] = '\0';
	return true;
}

static bool task_asleep(const char *task)
{
	char buffer[512];
	long nr;
	char *p;

	if (!read_proc(task, "stat", buffer, sizeof(buffer)))
		return false;
	p = strrchr(buffer, ')');
	if (!p || p[2] != 'S')
		return false;
	/* One that waits for a pipe is not where we want it. */
	if (!read_proc(task, "syscall", buffer, sizeof(buffer)))
		return true;
	return sscanf(buffer, "%ld", &nr) == 1 &&
	       (nr == SYS_futex || nr == SYS_ioctl || nr == SYS_ppoll);
}

bool thread_asleep(int tid)
{
	char task[64];

	snprintf(task, sizeof(task), "self/task/%d", tid);
	return tid && task_asleep(task);
}

bool process_asleep(pid_t pid)
{
	char task[64];

	snprintf(task, sizeof(task), "%d", pid);
	return task_asleep(task);
}

bool child_asleep(struct child *c)
{
	return process_asleep(c->pid);
}

void waiter_asleep(struct waiter *waiter)
{
	struct waiter_job *w = (struct waiter_job *)waiter;
	uint64_t end = now_ns() + PLENTY * slowness();

	while (!thread_asleep(atomic_load(&w->tid))) {
		if (atomic_load(&w->done))
			test_fail(__FILE__, __LINE__, "it did not wait but returned %s",
				  status_name(w->out.status));
		if (now_ns() > end)
			test_fail(__FILE__, __LINE__, "it never fell asleep");
		doze();
	}
}

bool waiter_done(struct waiter *waiter)
{
	return atomic_load(&((struct waiter_job *)waiter)->done);
}

unsigned long waiter_sleeps(struct waiter *waiter)
{
	struct waiter_job *w = (struct waiter_job *)waiter;
	char buffer[4096];
	unsigned long n;
	char task[64];
	char *p;

	snprintf(task, sizeof(task), "self/task/%d", atomic_load(&w->tid));
	check(read_proc(task, "status", buffer, sizeof(buffer)));
	p = strstr(buffer, "\nvoluntary_ctxt_switches:");
	check(p && sscanf(p, "\nvoluntary_ctxt_switches: %lu", &n) == 1);
	return n;
}

static bool waiter_join(struct waiter_job *w)
{
	struct timespec ts;

	if (w->joined)
		return true;
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += PLENTY * slowness() / SEC;
	if (pthread_timedjoin_np(w->thread, NULL, &ts))
		return false;
	w->joined = true;
	return true;
}

mxlStatus waiter_end(struct waiter *waiter)
{
	if (!waiter_join((struct waiter_job *)waiter))
		test_fail(__FILE__, __LINE__, "a blocking call never returned");
	return waiter->status;
}

/* === Children ============================================================================== */

struct child *child_exec(const char *role, ...)
{
	const char *argv[16] = { "/proc/self/exe", "--role", role };
	struct child *c = calloc(1, sizeof(*c));
	int in[2], out[2];
	size_t n = 3;
	va_list ap;

	check(c);
	va_start(ap, role);
	while (n < ARRAY_SIZE(argv) - 1 && (argv[n] = va_arg(ap, const char *)))
		n++;
	va_end(ap);
	argv[n] = NULL;

	check(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	check(env.nchildren < MAX_OPEN);
	c->pid = fork();
	check(c->pid >= 0);
	if (!c->pid) {
		const char *level = getenv("MXL_LOG_LEVEL");

		/* Unless the test is about the log, what every process says once is in the way. */
		if (level && !strcmp(level, "warn"))
			setenv("MXL_LOG_LEVEL", "error", 1);
		alarm(0);
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execv(argv[0], (char **)argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	c->in = in[1];
	c->out = out[0];
	env.children[env.nchildren++] = c;
	return c;
}

pid_t child_pid(struct child *c)
{
	return c->pid;
}

void child_say(struct child *c, const char *line)
{
	ssize_t len = strlen(line);

	check(write(c->in, line, len) == len && write(c->in, "\n", 1) == 1);
}

const char *child_line(struct child *c)
{
	struct pollfd pfd = { .fd = c->out, .events = POLLIN };
	size_t n = 0;

	while (n < sizeof(c->line) - 1) {
		int ret = poll(&pfd, 1, PLENTY * slowness() / MSEC);

		if (ret < 0 && errno == EINTR)
			continue;
		if (ret <= 0)
			test_fail(__FILE__, __LINE__, "a child said nothing");
		if (read(c->out, c->line + n, 1) != 1 || c->line[n] == '\n')
			break;
		n++;
	}
	c->line[n] = '\0';
	return c->line;
}

const char *child_last(struct child *c)
{
	return c->line;
}

void child_expect(struct child *c, const char *line)
{
	const char *got = child_line(c);

	if (strcmp(got, line))
		test_fail(__FILE__, __LINE__, "a child said \"%s\", not \"%s\"", got, line);
}

static void child_close(struct child *c)
{
	if (c->in >= 0)
		close(c->in);
	if (c->out >= 0)
		close(c->out);
	c->in = -1;
	c->out = -1;
}

void child_kill(struct child *c)
{
	if (!c->ended) {
		kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
		c->ended = true;
	}
	child_close(c);
}

int child_end(struct child *c)
{
	uint64_t end = now_ns() + PLENTY * slowness();
	int status = 0;

	if (c->in >= 0)
		close(c->in);
	c->in = -1;
	while (waitpid(c->pid, &status, WNOHANG) == 0) {
		if (now_ns() > end)
			test_fail(__FILE__, __LINE__, "a child did not end");
		doze();
	}
	c->ended = true;
	child_close(c);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void role_say(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	line[n++] = '\n';
	role_check(write(STDOUT_FILENO, line, n) == n);
}

const char *role_hear(void)
{
	static char line[512];
	size_t n = 0;

	while (n < sizeof(line) - 1) {
		if (read(STDIN_FILENO, line + n, 1) != 1)
			_exit(n ? 0 : 3);
		if (line[n] == '\n')
			break;
		n++;
	}
	line[n] = '\0';
	return line;
}

static int role_hold(int argc, char **argv)
{
	mxlFlowWriter writer;
	mxlInstance inst;
	bool created;

	role_check(argc == 2);
	inst = mxlCreateInstance(argv[0], NULL);
	role_check(inst);
	role_check(mxlCreateFlowWriter(inst, argv[1], NULL, &writer, NULL, &created) ==
		   MXL_STATUS_OK);
	role_say(created ? "created" : "opened");
	role_hear();
	role_check(mxlDestroyInstance(inst) == MXL_STATUS_OK);
	return 0;
}

struct child *start_holder(const char *dir, const char *def)
{
	return child_exec("hold", dir, def, NULL);
}

void orphan_flow(const char *dir, const char *def)
{
	struct child *c = start_holder(dir, def);

	child_expect(c, "created");
	child_kill(c);
}

/* === The runner ============================================================================ */

/* cmocka is left by the jump its assertions make; what then still does not end is ended. */
static void on_alarm(int sig __attribute__((unused)))
{
	static const char message[] = "# a test exceeded its time limit\n";
	static volatile sig_atomic_t again;

	(void)!write(STDERR_FILENO, message, sizeof(message) - 1);
	if (again)
		_exit(1);
	if (gettid() != main_tid) {
		syscall(SYS_tgkill, getpid(), main_tid, SIGALRM);
		return;
	}
	again = 1;
	alarm(10);
	print_message("# time limit exceeded\n");
	_fail(__FILE__, __LINE__);
}

static unsigned int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned int n = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void list_fds(bool fds[MAX_FDS])
{
	int fd;

	for (fd = 0; fd < MAX_FDS; fd++)
		fds[fd] = fcntl(fd, F_GETFD) >= 0;
}

static int test_begin(void **state)
{
	struct CMUnitTest *test = *state;

	memset(&env, 0, sizeof(env));
	env.test = test;
	env.log_fd = -1;
	snprintf(env.domain, sizeof(env.domain), "%s/mxl-test-%d-XXXXXX", base_directory(),
		 getpid());
	if (!mkdtemp(env.domain) || chmod(env.domain, 0755))
		return -1;
	env.nthreads = count_threads();
	list_fds(env.fds);
	alarm(TIME_LIMIT * slowness());
	return 0;
}

static bool leaked_files(void)
{
	char path[64], target[512];
	bool fds[MAX_FDS];
	bool leaked = false;
	ssize_t n;
	int fd;

	list_fds(fds);
	for (fd = 0; fd < MAX_FDS; fd++) {
		if (fds[fd] == env.fds[fd])
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		print_message("# descriptor %d %s %s\n", fd, fds[fd] ? "leaked:" : "was closed",
			      target);
		leaked = true;
	}
	return leaked;
}

static bool leaked_maps(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4400];
	bool leaked = false;

	while (maps && fgets(line, sizeof(line), maps)) {
		if (strstr(line, env.domain)) {
			print_message("# mapping leaked: %s", line);
			leaked = true;
		}
	}
	if (maps)
		fclose(maps);
	return leaked;
}

static bool leaked_threads(void)
{
	uint64_t end = now_ns() + 5 * SEC;

	/* One that was just joined may be visible a moment longer. */
	while (count_threads() > env.nthreads) {
		if (now_ns() > end) {
			print_message("# a thread leaked\n");
			return true;
		}
		doze();
	}
	return false;
}

static int test_end(void **state __attribute__((unused)))
{
	bool stuck = false;
	bool failed = false;
	static struct text *kept;
	struct text *t;
	size_t i;

	log_restore();
	for (i = 0; i < env.nchildren; i++)
		child_kill(env.children[i]);
	for (i = 0; i < env.nwaiters; i++)
		stuck |= !waiter_join(env.waiters[i]);
	/* A thread that is still inside the library would fall over what we take away. */
	if (!stuck) {
		while (env.ninstances)
			failed |= mxlDestroyInstance(env.instances[--env.ninstances]) !=
				  MXL_STATUS_OK;
		for (i = 0; i < env.nwaiters; i++)
			free(env.waiters[i]);
	}
	for (i = 0; i < env.nmaps; i++)
		munmap(env.maps[i].addr, env.maps[i].size);
	for (i = 0; i < env.nchildren; i++)
		free(env.children[i]);
	if (!stuck) {
		failed |= leaked_files();
		failed |= leaked_maps();
		failed |= leaked_threads();
	}
	remove_tree(env.domain);
	for (i = 0; i < env.ndirectories; i++)
		remove_tree(env.directories[i]);
	while ((t = env.texts)) {
		env.texts = t->next;
		/* The name of a skipped test is printed later. */
		if (env.test->name == t->bytes) {
			t->next = kept;
			kept = t;
		} else {
			free(t);
		}
	}
	alarm(0);
	return failed || stuck ? -1 : 0;
}

static void *do_nothing(void *arg)
{
	return arg;
}

/*
 * What happens once per process is not to be found in some test: what the library says once, and
 * the thread that ThreadSanitizer starts beside the first one.
 */
static void do_what_is_done_once(void)
{
	pthread_t thread;
	char dir[128];
	mxlInstance inst;

	snprintf(dir, sizeof(dir), "%s/mxl-test-%d-XXXXXX", base_directory(), getpid());
	if (!pthread_create(&thread, NULL, do_nothing, NULL))
		pthread_join(thread, NULL);
	if (!mkdtemp(dir))
		return;
	log_start();
	inst = mxlCreateInstance(dir, NULL);
	if (inst)
		mxlDestroyInstance(inst);
	rmdir(dir);
	log_restore();
}

static int run_group(const struct CMUnitTest *tests, size_t ntests)
{
	struct CMUnitTest *group = calloc(ntests, sizeof(*group));
	const char *only = getenv("MXL_TEST_ONLY");
	size_t i, n = 0;
	int ret;

	if (!group)
		return 1;
	for (i = 0; i < ntests; i++) {
		if (only && !strstr(tests[i].name, only))
			continue;
		group[n] = tests[i];
		group[n].initial_state = &group[n];
		group[n].setup_func = test_begin;
		group[n].teardown_func = test_end;
		n++;
	}
	signal(SIGALRM, on_alarm);
	signal(SIGPIPE, SIG_IGN);
	umask(022);
	do_what_is_done_once();
	ret = _cmocka_run_group_tests("tests", group, n, NULL, NULL);
	free(group);
	return ret;
}

/* cmocka says "not ok 1 # SKIP name" where TAP has "ok 1 - name # SKIP reason". */
static void forward_line(const char *line)
{
	const char *name, *reason;
	int number, at = 0;

	if (sscanf(line, "not ok %d # SKIP %n", &number, &at) == 1 && at) {
		name = line + at;
		reason = strstr(name, ": ");
		if (reason)
			printf("ok %d - %.*s # SKIP %s", number, (int)(reason - name), name,
			       reason + 2);
		else
			printf("ok %d - # SKIP %s", number, name);
	} else {
		fputs(line, stdout);
	}
	fflush(stdout);
}

static pid_t supervised_pid;

static void on_stop(int sig)
{
	kill(supervised_pid, SIGKILL);
	sweep(supervised_pid);
	_exit(128 + sig);
}

/*
 * The tests run in a child: whatever happens to it, its domains are removed, and a crash becomes a
 * line of the report. The log level is part of what the tests expect.
 */
static int supervise(char **argv)
{
	char parent[16];
	char *line = NULL;
	size_t size = 0;
	int out[2];
	int status;
	FILE *in;

	sweep(0);
	if (pipe2(out, O_CLOEXEC))
		return 1;
	supervised_pid = fork();
	if (supervised_pid < 0)
		return 1;
	if (!supervised_pid) {
		snprintf(parent, sizeof(parent), "%d", getppid());
		setenv(supervised, parent, 1);
		setenv("MXL_LOG_LEVEL", "warn", 1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], STDOUT_FILENO);
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	close(out[1]);
	signal(SIGTERM, on_stop);
	signal(SIGINT, on_stop);
	in = fdopen(out[0], "r");
	while (in && getline(&line, &size, in) > 0)
		forward_line(line);
	free(line);
	if (in)
		fclose(in);
	waitpid(supervised_pid, &status, 0);
	sweep(supervised_pid);
	if (WIFSIGNALED(status)) {
		printf("Bail out! the tests were killed by signal %d\n", WTERMSIG(status));
		return 1;
	}
	return WEXITSTATUS(status);
}

int test_main(int argc, char **argv, const struct CMUnitTest *tests, size_t ntests,
	      const struct test_role *roles, size_t nroles)
{
	const char *by = getenv(supervised);
	size_t i;

	main_tid = gettid();
	if (argc > 2 && !strcmp(argv[1], "--role")) {
		role_mode = true;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		for (i = 0; i < nroles; i++)
			if (!strcmp(roles[i].name, argv[2]))
				return roles[i].run(argc - 3, argv + 3);
		if (!strcmp(argv[2], "hold"))
			return role_hold(argc - 3, argv + 3);
		fprintf(stderr, "# no role %s\n", argv[2]);
		return 126;
	}
	if (!by || atoi(by) != getppid())
		return supervise(argv);
	return run_group(tests, ntests);
}

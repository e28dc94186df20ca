// SPDX-License-Identifier: Apache-2.0
/*
 * Many threads on one instance. These are programs for ThreadSanitizer as much as tests of their
 * own: what the threads share, they share through the library only.
 */
#include "helpers.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 8

struct crew {
	mxlInstance inst;
	mxlFlowReader reader;
	mxlFlowWriter writer;
	unsigned int number;
	atomic_bool *stop;
	/* first thing that went wrong, NULL if nothing did */
	const char *wrong;
	/* how far a reader got; the writer stays within the ring */
	_Atomic uint64_t at;
	uint64_t last;
};

/* Assertions jump, which a thread must not: it notes what was wrong and ends. */
#define thread_check(crew, cond)               \
	do {                                   \
		if (!(cond)) {                 \
			(crew)->wrong = #cond; \
			return NULL;           \
		}                              \
	} while (0)

static void run_crew(struct crew *crew, size_t n, void *(*fn)(void *))
{
	pthread_t threads[64];
	size_t i;

	assert_true(n <= ARRAY_SIZE(threads));
	for (i = 0; i < n; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fn, &crew[i]), 0);
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < n; i++)
		if (crew[i].wrong)
			fail_because("thread %zu: %s", i, crew[i].wrong);
}

static struct crew *new_crew(size_t n)
{
	struct crew *crew = calloc(n, sizeof(*crew));
	size_t i;

	assert_non_null(crew);
	for (i = 0; i < n; i++) {
		crew[i].inst = instance();
		crew[i].number = i;
	}
	return crew;
}

/* === Handles =============================================================================== */

static void *open_and_close_readers(void *arg)
{
	struct crew *me = arg;
	mxlGrainInfo info;
	uint8_t *payload;
	int i;

	for (i = 0; i < 100; i++) {
		mxlFlowReader reader;

		thread_check(me,
			     mxlCreateFlowReader(me->inst, ID_A, NULL, &reader) == MXL_STATUS_OK);
		thread_check(me, mxlFlowReaderGetGrainNonBlocking(reader, 5, &info, &payload) ==
					 MXL_STATUS_OK);
		thread_check(me, payload_is(payload, info.grainSize, 5));
		thread_check(me, mxlReleaseFlowReader(me->inst, reader) == MXL_STATUS_OK);
	}
	return NULL;
}

TEST(readers_are_opened_and_closed_by_many_threads)
{
	struct crew *crew = new_crew(THREADS);

	write_grain(open_writer(instance(), small_def(ID_A)), 5);
	run_crew(crew, THREADS, open_and_close_readers);
	free(crew);
}

static void *open_and_close_writers(void *arg)
{
	struct crew *me = arg;
	char own[40], def[1024];
	bool created;
	int i;

	snprintf(own, sizeof(own), "5fbec3b1-1b0f-417d-9059-0000000000%02x", me->number);
	snprintf(def, sizeof(def),
		 "{\"id\":\"%s\",\"label\":\"x\",\"format\":\"urn:x-nmos:format:data\","
		 "\"media_type\":\"video/smpte291\",\"grain_rate\":{\"numerator\":50},"
		 "\"tags\":{\"urn:x-nmos:tag:grouphint/v1.0\":[\"a:b\"]}}",
		 own);
	for (i = 0; i < 20; i++) {
		mxlFlowWriter writer;
		bool active = false;

		thread_check(me, mxlCreateFlowWriter(me->inst, def, NULL, &writer, NULL,
						     &created) == MXL_STATUS_OK);
		thread_check(me, created);
		thread_check(me, mxlIsFlowActive(me->inst, own, &active) == MXL_STATUS_OK);
		thread_check(me, active);
		thread_check(me, mxlGarbageCollectFlows(me->inst) == MXL_STATUS_OK);
		thread_check(me, mxlReleaseFlowWriter(me->inst, writer) == MXL_STATUS_OK);
		thread_check(me, mxlIsFlowActive(me->inst, own, &active) == MXL_ERR_FLOW_NOT_FOUND);
	}
	return NULL;
}

TEST(flows_are_created_and_deleted_by_many_threads)
{
	struct crew *crew = new_crew(THREADS);

	run_crew(crew, THREADS, open_and_close_writers);
	free(crew);
	assert_int_equal(count_entries(domain(), ""), 0);
}

static void *open_and_close_the_same(void *arg)
{
	struct crew *me = arg;
	char def[1024];
	int i;

	snprintf(def, sizeof(def),
		 "{\"id\":\"" ID_B "\",\"label\":\"x\",\"format\":\"urn:x-nmos:format:data\","
		 "\"media_type\":\"video/smpte291\",\"grain_rate\":{\"numerator\":50},"
		 "\"tags\":{\"urn:x-nmos:tag:grouphint/v1.0\":[\"a:b\"]}}");
	for (i = 0; i < 20; i++) {
		mxlFlowSynchronizationGroup group;
		mxlFlowWriter writer;
		mxlFlowReader reader;
		mxlFlowInfo info;
		char buffer[2048];
		size_t size = sizeof(buffer);

		thread_check(me, mxlCreateFlowWriter(me->inst, def, NULL, &writer, NULL, NULL) ==
					 MXL_STATUS_OK);
		thread_check(me,
			     mxlCreateFlowReader(me->inst, ID_B, NULL, &reader) == MXL_STATUS_OK);
		thread_check(me, mxlFlowReaderGetInfo(reader, &info) == MXL_STATUS_OK);
		thread_check(me, mxlGetFlowDef(me->inst, ID_B, buffer, &size) == MXL_STATUS_OK);
		thread_check(me, !strcmp(buffer, def));
		thread_check(me,
			     mxlCreateFlowSynchronizationGroup(me->inst, &group) == MXL_STATUS_OK);
		thread_check(me,
			     mxlFlowSynchronizationGroupAddReader(group, reader) == MXL_STATUS_OK);
		thread_check(me, mxlFlowSynchronizationGroupWaitForDataAt(group, SEC, 0) !=
					 MXL_STATUS_OK);
		thread_check(me,
			     mxlReleaseFlowSynchronizationGroup(me->inst, group) == MXL_STATUS_OK);
		thread_check(me, mxlReleaseFlowReader(me->inst, reader) == MXL_STATUS_OK);
		thread_check(me, mxlReleaseFlowWriter(me->inst, writer) == MXL_STATUS_OK);
	}
	return NULL;
}

TEST(one_flow_is_created_and_deleted_by_many_threads)
{
	struct crew *crew = new_crew(THREADS);

	run_crew(crew, THREADS, open_and_close_the_same);
	free(crew);
	assert_int_equal(count_entries(domain(), ""), 0);
}

static void *have_an_instance(void *arg)
{
	struct crew *me = arg;
	int i;

	for (i = 0; i < 20; i++) {
		mxlFlowReader reader;
		mxlInstance inst = mxlCreateInstance(domain(), "{}");

		thread_check(me, inst);
		thread_check(me, mxlCreateFlowReader(inst, ID_A, NULL, &reader) == MXL_STATUS_OK);
		thread_check(me, mxlDestroyInstance(inst) == MXL_STATUS_OK);
	}
	return NULL;
}

TEST(instances_are_made_and_destroyed_by_many_threads)
{
	struct crew *crew = new_crew(THREADS);

	write_grain(open_writer(instance(), small_def(ID_A)), 5);
	run_crew(crew, THREADS, have_an_instance);
	free(crew);
}

/* === One writer, many readers ============================================================== */

enum {
	GRAINS = 300,
	LAG = 6
};

static void *follow_grains(void *arg)
{
	struct crew *me = arg;
	uint64_t index;

	for (index = 1; index <= me->last; index++) {
		mxlGrainInfo info;
		uint8_t *payload;

		thread_check(me, mxlFlowReaderGetGrain(me->reader, index, FOREVER, &info,
						       &payload) == MXL_STATUS_OK);
		thread_check(me, info.index == index && info.validSlices == info.totalSlices);
		thread_check(me, payload_is(payload, info.grainSize, index));
		atomic_store(&me->at, index);
	}
	return NULL;
}

static void *follow_slices(void *arg)
{
	struct crew *me = arg;
	uint64_t index;

	for (index = 1; index <= me->last; index++) {
		uint16_t want = 1 + (index * 5 + me->number) % SMALL_SLICES;
		mxlGrainInfo info;
		uint8_t *payload;

		thread_check(me, mxlFlowReaderGetGrainSlice(me->reader, index, want, FOREVER, &info,
							    &payload) == MXL_STATUS_OK);
		thread_check(me, info.index == index && info.validSlices >= want);
		thread_check(me, payload_is(payload, want * (SMALL_SIZE / SMALL_SLICES), index));
		atomic_store(&me->at, index);
	}
	return NULL;
}

static void *follow_samples(void *arg)
{
	struct crew *me = arg;
	uint64_t head;

	for (head = 480; head <= me->last; head += 480) {
		mxlWrappedMultiBufferSlice slice;
		size_t c, f, i;

		thread_check(me, mxlFlowReaderGetSamples(me->reader, head, 480, FOREVER, &slice) ==
					 MXL_STATUS_OK);
		for (c = 0; c < 2; c++) {
			uint64_t at = head - 480;

			for (f = 0; f < 2; f++) {
				const float *in =
					(const float *)((const uint8_t *)slice.base.fragments[f]
								.pointer +
							c * slice.stride);

				for (i = 0; i < slice.base.fragments[f].size / 4; i++)
					thread_check(me, in[i] == sample_value(at + i, c));
				at += slice.base.fragments[f].size / 4;
			}
		}
		atomic_store(&me->at, head);
	}
	return NULL;
}

static bool all_are_at(struct crew *crew, size_t n, uint64_t index)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!crew[i].wrong && atomic_load(&crew[i].at) < index)
			return false;
	return true;
}

static void join_crew(struct crew *crew, pthread_t *threads, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < n; i++)
		if (crew[i].wrong)
			fail_because("thread %zu: %s", i, crew[i].wrong);
}

/* Never so far ahead that a reader would have to be too late. */
static void wait_for_crew(struct crew *crew, size_t n, uint64_t index)
{
	while (!all_are_at(crew, n, index))
		sched_yield();
}

static void write_for_crew(struct crew *crew, mxlFlowWriter writer, void *(*fn)(void *))
{
	pthread_t threads[THREADS];
	uint64_t index;
	size_t i;

	for (i = 0; i < THREADS; i++) {
		crew[i].last = GRAINS;
		assert_int_equal(pthread_create(&threads[i], NULL, fn, &crew[i]), 0);
	}
	for (index = 1; index <= GRAINS; index++) {
		mxlGrainInfo info;
		uint8_t *payload;
		uint16_t slices;

		wait_for_crew(crew, THREADS, index > LAG ? index - LAG : 0);
		assert_ok(mxlFlowWriterOpenGrain(writer, index, &info, &payload));
		for (slices = 1; slices <= SMALL_SLICES; slices++) {
			uint8_t grain[SMALL_SIZE] __attribute__((aligned(8)));
			size_t line = SMALL_SIZE / SMALL_SLICES;

			/* a slice at a time, as a camera does: readers may be in the others */
			fill_payload(grain, sizeof(grain), index);
			memcpy(payload + (slices - 1) * line, grain + (slices - 1) * line, line);
			info.validSlices = slices;
			assert_ok(mxlFlowWriterCommitGrain(writer, &info));
		}
	}
	join_crew(crew, threads, THREADS);
}

TEST(grains_reach_threads_that_share_a_reader)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	struct crew *crew = new_crew(THREADS);
	size_t i;

	for (i = 0; i < THREADS; i++)
		crew[i].reader = open_reader(instance(), ID_A);
	write_for_crew(crew, writer, follow_grains);
	free(crew);
}

TEST(grains_reach_threads_with_readers_of_their_own)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	struct crew *crew = new_crew(THREADS);
	size_t i;

	for (i = 0; i < THREADS; i++)
		crew[i].reader = open_reader(open_instance(domain()), ID_A);
	write_for_crew(crew, writer, follow_grains);
	free(crew);
}

TEST(slices_reach_threads_at_every_threshold)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	struct crew *crew = new_crew(THREADS);
	size_t i;

	for (i = 0; i < THREADS; i++)
		crew[i].reader = open_reader(instance(), ID_A);
	write_for_crew(crew, writer, follow_slices);
	free(crew);
}

TEST(samples_reach_threads)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	struct crew *crew = new_crew(THREADS);
	pthread_t threads[THREADS];
	uint64_t head;
	size_t i;

	for (i = 0; i < THREADS; i++) {
		crew[i].reader = open_reader(instance(), ID_A);
		crew[i].last = 480 * 200;
		assert_int_equal(pthread_create(&threads[i], NULL, follow_samples, &crew[i]), 0);
	}
	for (head = 480; head <= 480 * 200; head += 480) {
		wait_for_crew(crew, THREADS, head > 480 * LAG ? head - 480 * LAG : 0);
		write_samples(writer, head, 480);
	}
	join_crew(crew, threads, THREADS);
	free(crew);
}

/* === Everything at once ==================================================================== */

static void *ask_about_the_flow(void *arg)
{
	struct crew *me = arg;
	uint64_t before = 0;

	while (!atomic_load(me->stop)) {
		mxlFlowRuntimeInfo runtime;
		mxlFlowInfo info;

		thread_check(me,
			     mxlFlowReaderGetRuntimeInfo(me->reader, &runtime) == MXL_STATUS_OK);
		thread_check(me, runtime.headIndex >= before);
		before = runtime.headIndex;
		thread_check(me, mxlFlowReaderGetInfo(me->reader, &info) == MXL_STATUS_OK);
		thread_check(me, info.config.discrete.grainCount == SMALL_GRAINS);
		thread_check(me, mxlGarbageCollectFlows(me->inst) == MXL_STATUS_OK);
	}
	return NULL;
}

TEST(questions_and_collection_while_a_flow_is_written)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	struct crew *crew = new_crew(4);
	atomic_bool stop = false;
	pthread_t threads[4];
	uint64_t index;
	size_t i;

	for (i = 0; i < 4; i++) {
		crew[i].reader = open_reader(instance(), ID_A);
		crew[i].stop = &stop;
		assert_int_equal(pthread_create(&threads[i], NULL, ask_about_the_flow, &crew[i]),
				 0);
	}
	for (index = 1; index <= 500; index++)
		write_grain(writer, index);
	atomic_store(&stop, true);
	join_crew(crew, threads, 4);
	assert_true(exists(flow_path(ID_A, "data")));
	free(crew);
}

/* The readers do not follow: what they get is old, gone, or right, and never a mixture. */
static void *chase(void *arg)
{
	struct crew *me = arg;
	uint64_t got = 0;

	while (!atomic_load(me->stop) || got == 0) {
		mxlFlowRuntimeInfo runtime;
		mxlGrainInfo info;
		uint8_t *payload;
		uint64_t index;
		mxlStatus status;

		thread_check(me,
			     mxlFlowReaderGetRuntimeInfo(me->reader, &runtime) == MXL_STATUS_OK);
		/* around the oldest readable one, where the writer is about to be */
		index = runtime.headIndex - SMALL_GRAINS + 2 + me->number % 3;
		if (index > runtime.headIndex)
			continue;
		status = mxlFlowReaderGetGrainNonBlocking(me->reader, index, &info, &payload);
		if (status == MXL_ERR_OUT_OF_RANGE_TOO_LATE)
			continue;
		thread_check(me, status == MXL_STATUS_OK);
		thread_check(me, info.index == index);
		thread_check(me, info.validSlices == info.totalSlices);
		thread_check(me, info.grainSize == SMALL_SIZE && !info.flags);
		got++;
	}
	return NULL;
}

TEST(headers_are_never_torn_while_the_writer_laps_the_reader)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	struct crew *crew = new_crew(4);
	atomic_bool stop = false;
	pthread_t threads[4];
	uint64_t index;
	size_t i;

	for (index = 1; index <= 20; index++)
		write_grain(writer, index);
	for (i = 0; i < 4; i++) {
		crew[i].reader = open_reader(instance(), ID_A);
		crew[i].stop = &stop;
		assert_int_equal(pthread_create(&threads[i], NULL, chase, &crew[i]), 0);
	}
	for (; index <= 20000; index++) {
		mxlGrainInfo info;
		uint8_t *payload;

		assert_ok(mxlFlowWriterOpenGrain(writer, index, &info, &payload));
		info.validSlices = info.totalSlices;
		assert_ok(mxlFlowWriterCommitGrain(writer, &info));
	}
	atomic_store(&stop, true);
	join_crew(crew, threads, 4);
	free(crew);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_are_opened_and_closed_by_many_threads),
		cmocka_unit_test(flows_are_created_and_deleted_by_many_threads),
		cmocka_unit_test(one_flow_is_created_and_deleted_by_many_threads),
		cmocka_unit_test(instances_are_made_and_destroyed_by_many_threads),
		cmocka_unit_test(grains_reach_threads_that_share_a_reader),
		cmocka_unit_test(grains_reach_threads_with_readers_of_their_own),
		cmocka_unit_test(slices_reach_threads_at_every_threshold),
		cmocka_unit_test(samples_reach_threads),
		cmocka_unit_test(questions_and_collection_while_a_flow_is_written),
		cmocka_unit_test(headers_are_never_torn_while_the_writer_laps_the_reader),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), NULL, 0);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Hunting for missed wakes. Readers sleep for thresholds of every size while a writer commits in
 * steps of every size; it goes on only when all of them got what is there, so that each commit
 * alone has to wake whoever it satisfies.
 *
 * A reader that was not woken would be rescued sooner or later by the library looking for itself
 * whether the flow is still there. So it counts as slept through when it took longer than such a
 * rescue takes at the least. A machine that stands still for that long is possible; one that does
 * it again and again is not.
 */
#include "helpers.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define READERS 6
#define SLEPT_THROUGH (450 * MSEC)
#define TOLERATED 2

struct hunt {
	mxlFlowReader reader;
	uint16_t total;
	uint64_t grains;
	uint64_t seed;
	/* what this reader waits for now: the grain above, the slices below 16 bits */
	_Atomic uint64_t wants;
	/* when the commit that satisfies it began, 0 while there was none */
	_Atomic uint64_t satisfied;
	unsigned int slept_through;
	const char *wrong;
};

static uint64_t next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return *seed >> 33;
}

#define DONE UINT64_MAX

static void *hunt(void *arg)
{
	struct hunt *me = arg;
	uint64_t index;

	for (index = 1; index <= me->grains; index++) {
		uint16_t slices = 0;

		/* ascending thresholds within the grain, some of them left out, the last one not */
		while (slices < me->total) {
			mxlGrainInfo info;
			uint8_t *payload;
			uint64_t since;

			slices += 1 + next(&me->seed) % me->total;
			if (slices > me->total)
				slices = me->total;
			atomic_store(&me->satisfied, 0);
			atomic_store(&me->wants, index << 16 | slices);
			if (mxlFlowReaderGetGrainSlice(me->reader, index, slices, FOREVER, &info,
						       &payload) != MXL_STATUS_OK) {
				me->wrong = "a wait failed";
				atomic_store(&me->wants, DONE);
				return NULL;
			}
			since = atomic_load(&me->satisfied);
			if (since && now_ns() - since > SLEPT_THROUGH)
				me->slept_through++;
			if (info.index != index || info.validSlices < slices)
				me->wrong = "a wait ended too early";
		}
	}
	atomic_store(&me->wants, DONE);
	return NULL;
}

/* Commits up to @slices, after noting for whom that is enough. */
static void commit(mxlFlowWriter writer, struct hunt *hunters, uint64_t index, uint16_t slices)
{
	uint64_t now = now_ns();
	mxlGrainInfo info;
	uint8_t *payload;
	size_t i;

	assert_ok(mxlFlowWriterOpenGrain(writer, index, &info, &payload));
	for (i = 0; i < READERS; i++)
		if (atomic_load(&hunters[i].wants) <= (index << 16 | slices))
			atomic_store(&hunters[i].satisfied, now);
	info.validSlices = slices;
	assert_ok(mxlFlowWriterCommitGrain(writer, &info));
}

/* Everybody waits for more than there is. */
static bool all_beyond(struct hunt *hunters, uint64_t index, uint16_t slices)
{
	size_t i;

	for (i = 0; i < READERS; i++)
		if (atomic_load(&hunters[i].wants) <= (index << 16 | slices))
			return false;
	return true;
}

static void hunt_with(const char *def, const char *options, uint16_t total, uint64_t grains)
{
	mxlFlowWriter writer = open_writer_with(instance(), def, options);
	struct hunt *hunters = calloc(READERS, sizeof(*hunters));
	pthread_t threads[READERS];
	unsigned int slept_through = 0;
	uint64_t seed = total, index;
	size_t i;

	assert_non_null(hunters);
	for (i = 0; i < READERS; i++) {
		hunters[i].reader = open_reader(instance(), ID_A);
		hunters[i].total = total;
		hunters[i].grains = grains;
		hunters[i].seed = i * 1000 + total;
		assert_int_equal(pthread_create(&threads[i], NULL, hunt, &hunters[i]), 0);
	}
	for (index = 1; index <= grains; index++) {
		uint16_t slices = 0;

		while (slices < total) {
			slices += 1 + next(&seed) % (total / 4 + 1);
			if (slices > total)
				slices = total;
			commit(writer, hunters, index, slices);
			/*
			 * Those who were satisfied have to get on by themselves; no other commit
			 * comes to their rescue. Where only batches are signalled they may have to
			 * wait for one, so there only the whole grain is waited for.
			 */
			if (options && slices < total)
				continue;
			while (!all_beyond(hunters, index, slices))
				sched_yield();
		}
	}
	for (i = 0; i < READERS; i++) {
		pthread_join(threads[i], NULL);
		slept_through += hunters[i].slept_through;
		assert_ok(mxlReleaseFlowReader(instance(), hunters[i].reader));
	}
	for (i = 0; i < READERS; i++)
		if (hunters[i].wrong)
			fail_because("%u slices: %s", total, hunters[i].wrong);
	if (slept_through > TOLERATED)
		fail_because("%u slices: %u waits slept through the data", total, slept_through);
	free(hunters);
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
}

TEST(every_commit_wakes_whom_it_satisfies)
{
	static const uint16_t totals[] = { 1, 2, 3, 7, 8, 30, 31, 32, 33, 62, 64, 100 };
	size_t i;

	set_time_limit(60);
	for (i = 0; i < ARRAY_SIZE(totals); i++)
		hunt_with(video_def(ID_A, 2, totals[i], 50, 1), NULL, totals[i],
			  60 + 600 / totals[i]);
}

TEST(commits_of_a_whole_frame_wake_whom_they_satisfy)
{
	set_time_limit(60);
	hunt_with(video_def(ID_A, 2, 1080, 50, 1), NULL, 1080, 20);
}

TEST(commits_of_thousands_of_slices_wake_whom_they_satisfy)
{
	set_time_limit(60);
	hunt_with(anc_def(ID_A, 50, 1), NULL, 4096, 20);
}

TEST(batches_wake_whom_they_satisfy)
{
	set_time_limit(60);
	hunt_with(video_def(ID_A, 2, 64, 50, 1), "{\"maxSyncBatchSizeHint\":8}", 64, 100);
	hunt_with(video_def(ID_A, 2, 100, 50, 1), "{\"maxSyncBatchSizeHint\":7}", 100, 100);
}

/* One reader and one writer, each faster than the other in turn: the window is at its smallest. */
static void *ping(void *arg)
{
	struct hunt *me = arg;
	uint64_t index;

	for (index = 1; index <= me->grains; index++) {
		mxlGrainInfo info;
		uint8_t *payload;
		uint64_t start = now_ns();

		if (mxlFlowReaderGetGrain(me->reader, index, FOREVER, &info, &payload) !=
		    MXL_STATUS_OK) {
			me->wrong = "a wait failed";
			break;
		}
		if (now_ns() - start > SLEPT_THROUGH)
			me->slept_through++;
		atomic_store(&me->wants, index + 1);
	}
	atomic_store(&me->wants, DONE);
	return NULL;
}

TEST(a_writer_right_behind_its_reader)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	struct hunt h = { .reader = open_reader(instance(), ID_A), .grains = 20000 };
	pthread_t thread;
	uint64_t index;

	set_time_limit(60);
	assert_int_equal(pthread_create(&thread, NULL, ping, &h), 0);
	for (index = 1; index <= h.grains; index++) {
		mxlGrainInfo info;
		uint8_t *payload;

		/* the reader is on its way to sleep for this one, or asleep already */
		while (index > 1 && atomic_load(&h.wants) < index)
			sched_yield();
		assert_ok(mxlFlowWriterOpenGrain(writer, index, &info, &payload));
		info.validSlices = info.totalSlices;
		assert_ok(mxlFlowWriterCommitGrain(writer, &info));
	}
	pthread_join(thread, NULL);
	assert_null(h.wrong);
	assert_in_range(h.slept_through, 0, TOLERATED);
}

static void *ping_samples(void *arg)
{
	struct hunt *me = arg;
	uint64_t head;

	for (head = 480; head <= me->grains * 480; head += 480) {
		mxlWrappedMultiBufferSlice slice;
		uint64_t start = now_ns();

		if (mxlFlowReaderGetSamples(me->reader, head, 480, FOREVER, &slice) !=
		    MXL_STATUS_OK) {
			me->wrong = "a wait failed";
			break;
		}
		if (now_ns() - start > SLEPT_THROUGH)
			me->slept_through++;
		atomic_store(&me->wants, head + 480);
	}
	atomic_store(&me->wants, DONE);
	return NULL;
}

TEST(a_writer_of_samples_right_behind_its_reader)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	struct hunt h = { .reader = open_reader(instance(), ID_A), .grains = 10000 };
	pthread_t thread;
	uint64_t head;

	set_time_limit(60);
	assert_int_equal(pthread_create(&thread, NULL, ping_samples, &h), 0);
	for (head = 480; head <= h.grains * 480; head += 480) {
		mxlMutableWrappedMultiBufferSlice slice;

		while (head > 480 && atomic_load(&h.wants) < head)
			sched_yield();
		assert_ok(mxlFlowWriterOpenSamples(writer, head, 480, &slice));
		assert_ok(mxlFlowWriterCommitSamples(writer));
	}
	pthread_join(thread, NULL);
	assert_null(h.wrong);
	assert_in_range(h.slept_through, 0, TOLERATED);
}

struct group_hunt {
	mxlFlowSynchronizationGroup group;
	uint64_t moments;
	_Atomic uint64_t wants;
	unsigned int slept_through;
	const char *wrong;
};

static void *ping_group(void *arg)
{
	struct group_hunt *me = arg;
	uint64_t index;

	for (index = 1; index <= me->moments; index++) {
		uint64_t start = now_ns();

		if (mxlFlowSynchronizationGroupWaitForDataAt(me->group, index * 20 * MSEC,
							     FOREVER) != MXL_STATUS_OK) {
			me->wrong = "a wait failed";
			break;
		}
		if (now_ns() - start > SLEPT_THROUGH)
			me->slept_through++;
		atomic_store(&me->wants, index + 1);
	}
	atomic_store(&me->wants, DONE);
	return NULL;
}

TEST(writers_right_behind_a_group)
{
	mxlFlowWriter writers[3] = {
		open_writer(instance(), small_def(ID_A)),
		open_writer(instance(), small_def(ID_B)),
		open_writer(instance(), sound_def(ID_C)),
	};
	struct group_hunt h = { .moments = 3000 };
	uint64_t seed = 1, index;
	pthread_t thread;

	set_time_limit(60);
	assert_ok(mxlCreateFlowSynchronizationGroup(instance(), &h.group));
	assert_ok(mxlFlowSynchronizationGroupAddReader(h.group, open_reader(instance(), ID_A)));
	assert_ok(mxlFlowSynchronizationGroupAddPartialGrainReader(
		h.group, open_reader(instance(), ID_B), 5));
	assert_ok(mxlFlowSynchronizationGroupAddReader(h.group, open_reader(instance(), ID_C)));
	assert_int_equal(pthread_create(&thread, NULL, ping_group, &h), 0);
	for (index = 1; index <= h.moments; index++) {
		unsigned int order = next(&seed) % 3;
		unsigned int i;

		while (index > 1 && atomic_load(&h.wants) < index)
			sched_yield();
		for (i = 0; i < 3; i++) {
			mxlMutableWrappedMultiBufferSlice slice;
			unsigned int which = (order + i) % 3;

			if (which < 2) {
				write_slices(writers[which], index, 5);
				write_slices(writers[which], index, SMALL_SLICES);
				continue;
			}
			assert_ok(mxlFlowWriterOpenSamples(writers[2], index * 960, 960, &slice));
			assert_ok(mxlFlowWriterCommitSamples(writers[2]));
		}
	}
	pthread_join(thread, NULL);
	assert_null(h.wrong);
	assert_in_range(h.slept_through, 0, TOLERATED);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_commit_wakes_whom_it_satisfies),
		cmocka_unit_test(commits_of_a_whole_frame_wake_whom_they_satisfy),
		cmocka_unit_test(commits_of_thousands_of_slices_wake_whom_they_satisfy),
		cmocka_unit_test(batches_wake_whom_they_satisfy),
		cmocka_unit_test(a_writer_right_behind_its_reader),
		cmocka_unit_test(a_writer_of_samples_right_behind_its_reader),
		cmocka_unit_test(writers_right_behind_a_group),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), NULL, 0);
}

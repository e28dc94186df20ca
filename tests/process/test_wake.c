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
	atomic_uint slept_through;
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

static unsigned int slept_through(struct hunt *hunters, size_t n)
{
	unsigned int sum = 0;

	while (n--)
		sum += atomic_load(&hunters[n].slept_through);
	return sum;
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

/* Returns early when too much was slept through already: every such wait takes its time. */
static void commit_all(mxlFlowWriter writer, struct hunt *hunters, bool in_batches)
{
	uint16_t total = hunters[0].total;
	uint64_t seed = total, index;

	for (index = 1; index <= hunters[0].grains; index++) {
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
			if (in_batches && slices < total)
				continue;
			while (!all_beyond(hunters, index, slices)) {
				if (slept_through(hunters, READERS) > TOLERATED)
					return;
				sched_yield();
			}
		}
	}
}

static void hunt_with(const char *def, const char *options, uint16_t total, uint64_t grains)
{
	mxlFlowWriter writer = open_writer_with(instance(), def, options);
	struct hunt *hunters = calloc(READERS, sizeof(*hunters));
	pthread_t threads[READERS];
	size_t i;

	assert_non_null(hunters);
	for (i = 0; i < READERS; i++) {
		hunters[i].reader = open_reader(instance(), ID_A);
		hunters[i].total = total;
		hunters[i].grains = grains;
		hunters[i].seed = i * 1000 + total;
		assert_int_equal(pthread_create(&threads[i], NULL, hunt, &hunters[i]), 0);
	}
	commit_all(writer, hunters, options != NULL);
	/* ends the waits that are left when it was ended early */
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	for (i = 0; i < READERS; i++) {
		pthread_join(threads[i], NULL);
		assert_ok(mxlReleaseFlowReader(instance(), hunters[i].reader));
	}
	if (slept_through(hunters, READERS) > TOLERATED)
		fail_because("%u slices: waits slept through the data", total);
	for (i = 0; i < READERS; i++)
		if (hunters[i].wrong)
			fail_because("%u slices: %s", total, hunters[i].wrong);
	free(hunters);
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
		if (atomic_load(&h.slept_through) > TOLERATED)
			break;
		assert_ok(mxlFlowWriterOpenGrain(writer, index, &info, &payload));
		info.validSlices = info.totalSlices;
		assert_ok(mxlFlowWriterCommitGrain(writer, &info));
	}
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	pthread_join(thread, NULL);
	assert_in_range(h.slept_through, 0, TOLERATED);
	assert_null(h.wrong);
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
		if (atomic_load(&h.slept_through) > TOLERATED)
			break;
		assert_ok(mxlFlowWriterOpenSamples(writer, head, 480, &slice));
		assert_ok(mxlFlowWriterCommitSamples(writer));
	}
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	pthread_join(thread, NULL);
	assert_in_range(h.slept_through, 0, TOLERATED);
	assert_null(h.wrong);
}

struct group_hunt {
	mxlFlowSynchronizationGroup group;
	uint64_t moments;
	_Atomic uint64_t wants;
	atomic_uint slept_through;
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
	unsigned int i;

	set_time_limit(60);
	assert_ok(mxlCreateFlowSynchronizationGroup(instance(), &h.group));
	assert_ok(mxlFlowSynchronizationGroupAddReader(h.group, open_reader(instance(), ID_A)));
	assert_ok(mxlFlowSynchronizationGroupAddPartialGrainReader(
		h.group, open_reader(instance(), ID_B), 5));
	assert_ok(mxlFlowSynchronizationGroupAddReader(h.group, open_reader(instance(), ID_C)));
	assert_int_equal(pthread_create(&thread, NULL, ping_group, &h), 0);
	for (index = 1; index <= h.moments; index++) {
		unsigned int order = next(&seed) % 3;

		while (index > 1 && atomic_load(&h.wants) < index)
			sched_yield();
		if (atomic_load(&h.slept_through) > TOLERATED)
			break;
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
	for (i = 0; i < 3; i++)
		assert_ok(mxlReleaseFlowWriter(instance(), writers[i]));
	pthread_join(thread, NULL);
	assert_in_range(h.slept_through, 0, TOLERATED);
	assert_null(h.wrong);
}

/* === Waits that end without the data ======================================================= */

/*
 * A scenario gets a fresh instance, puts a reader to sleep, ends its wait by some event, and tells
 * how long after the event the reader was back.
 */
typedef uint64_t (*scenario_fn)(mxlInstance inst);

/* One of three times the machine is not to blame. */
static void wakes_at_once(scenario_fn scenario)
{
	uint64_t late = 0;
	int attempt;

	for (attempt = 0; attempt < 3; attempt++) {
		mxlInstance inst = open_instance(domain());

		late = scenario(inst);
		close_instance(inst);
		if (late < SLEPT_THROUGH)
			return;
	}
	fail_because("the wait ended %u ms after the event, again and again",
		     (unsigned int)(late / MSEC));
}

static uint64_t end_of(struct waiter *w, mxlStatus status, uint64_t event)
{
	assert_status(status, waiter_end(w));
	return w->ended_ns - event;
}

static uint64_t head_goes_past(mxlInstance inst)
{
	mxlFlowWriter writer = open_writer(inst, small_def(ID_A));
	struct waiter *w;
	uint64_t event;

	write_slices(writer, 3, 2);
	w = wait_for_grain(open_reader(inst, ID_A), 3, MXL_GRAIN_VALID_SLICES_ALL, FOREVER);
	waiter_asleep(w);
	event = now_ns();
	write_slices(writer, 4, 1);
	return end_of(w, MXL_ERR_OUT_OF_RANGE_TOO_EARLY, event);
}

TEST(head_that_goes_past_an_incomplete_grain_wakes)
{
	wakes_at_once(head_goes_past);
}

static uint64_t head_jumps(mxlInstance inst)
{
	mxlFlowWriter writer = open_writer(inst, small_def(ID_A));
	struct waiter *w;
	uint64_t event;

	write_grain(writer, 3);
	w = wait_for_grain(open_reader(inst, ID_A), 5, MXL_GRAIN_VALID_SLICES_ALL, FOREVER);
	waiter_asleep(w);
	event = now_ns();
	write_slices(writer, 7, 1);
	return end_of(w, MXL_STATUS_OK, event);
}

TEST(head_that_jumps_wakes)
{
	wakes_at_once(head_jumps);
}

static uint64_t head_laps(mxlInstance inst)
{
	mxlFlowWriter writer = open_writer(inst, small_def(ID_A));
	struct waiter *w =
		wait_for_grain(open_reader(inst, ID_A), 5, MXL_GRAIN_VALID_SLICES_ALL, FOREVER);
	uint64_t event;

	waiter_asleep(w);
	event = now_ns();
	write_slices(writer, 700, 1);
	return end_of(w, MXL_ERR_OUT_OF_RANGE_TOO_LATE, event);
}

TEST(head_that_laps_wakes)
{
	wakes_at_once(head_laps);
}

static uint64_t grain_is_invalid(mxlInstance inst)
{
	mxlFlowWriter writer = open_writer(inst, small_def(ID_A));
	struct waiter *w;
	uint64_t event;

	write_slices(writer, 5, 3);
	w = wait_for_grain(open_reader(inst, ID_A), 5, MXL_GRAIN_VALID_SLICES_ALL, FOREVER);
	waiter_asleep(w);
	event = now_ns();
	write_invalid(writer, 5);
	return end_of(w, MXL_STATUS_OK, event);
}

TEST(invalid_flag_wakes)
{
	wakes_at_once(grain_is_invalid);
}

static uint64_t empty_grain_opens(mxlInstance inst)
{
	mxlFlowWriter writer = open_writer(inst, small_def(ID_A));
	struct waiter *w;
	uint64_t event;

	write_grain(writer, 4);
	w = wait_for_grain(open_reader(inst, ID_A), 5, MXL_GRAIN_VALID_SLICES_ANY, FOREVER);
	waiter_asleep(w);
	event = now_ns();
	write_slices(writer, 5, 0);
	return end_of(w, MXL_STATUS_OK, event);
}

TEST(new_index_without_slices_wakes_those_who_want_any)
{
	wakes_at_once(empty_grain_opens);
}

static uint64_t writer_restarts(mxlInstance inst)
{
	mxlInstance other = open_instance(domain());
	mxlFlowWriter writer = open_writer(inst, small_def(ID_A));
	struct waiter *w;
	uint64_t late;
	uint64_t event;

	write_grain(writer, 100);
	w = wait_for_grain(open_reader(inst, ID_A), 101, MXL_GRAIN_VALID_SLICES_ALL, FOREVER);
	waiter_asleep(w);
	event = now_ns();
	write_slices(open_writer(other, small_def(ID_A)), 50, 1);
	late = end_of(w, MXL_ERR_OUT_OF_RANGE_TOO_EARLY, event);
	close_instance(other);
	return late;
}

TEST(restart_wakes)
{
	need_posix_mode();
	wakes_at_once(writer_restarts);
}

static uint64_t flow_is_released(mxlInstance inst)
{
	mxlFlowWriter writer = open_writer(inst, small_def(ID_A));
	struct waiter *w = wait_for_grain(open_reader(inst, ID_A), 5, 3, FOREVER);
	uint64_t event;

	waiter_asleep(w);
	event = now_ns();
	assert_ok(mxlReleaseFlowWriter(inst, writer));
	return end_of(w, MXL_ERR_FLOW_INVALID, event);
}

TEST(deletion_wakes)
{
	wakes_at_once(flow_is_released);
}

static uint64_t flow_is_collected(mxlInstance inst)
{
	struct waiter *w;
	uint64_t event;

	orphan_flow(domain(), small_def(ID_A));
	w = wait_for_grain(open_reader(inst, ID_A), 5, 3, FOREVER);
	waiter_asleep(w);
	event = now_ns();
	assert_ok(mxlGarbageCollectFlows(inst));
	return end_of(w, MXL_ERR_FLOW_INVALID, event);
}

TEST(collection_wakes)
{
	wakes_at_once(flow_is_collected);
}

static uint64_t samples_jump(mxlInstance inst)
{
	mxlFlowWriter writer = open_writer(inst, sound_def(ID_A));
	struct waiter *w;
	uint64_t event;

	write_samples(writer, 4800, 480);
	w = wait_for_samples(open_reader(inst, ID_A), 5280, 480, FOREVER);
	waiter_asleep(w);
	event = now_ns();
	write_samples(writer, 480000, 480);
	return end_of(w, MXL_ERR_OUT_OF_RANGE_TOO_LATE, event);
}

TEST(samples_that_jump_wake)
{
	wakes_at_once(samples_jump);
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
		cmocka_unit_test(head_that_goes_past_an_incomplete_grain_wakes),
		cmocka_unit_test(head_that_jumps_wakes),
		cmocka_unit_test(head_that_laps_wakes),
		cmocka_unit_test(invalid_flag_wakes),
		cmocka_unit_test(new_index_without_slices_wakes_those_who_want_any),
		cmocka_unit_test(restart_wakes),
		cmocka_unit_test(deletion_wakes),
		cmocka_unit_test(collection_wakes),
		cmocka_unit_test(samples_that_jump_wake),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), NULL, 0);
}

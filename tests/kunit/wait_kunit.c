// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting: conditions, the order of waiters, who is woken, and deadlines.
 */

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/timekeeping.h>

#ifdef CONFIG_UML_TIME_TRAVEL_SUPPORT
#include <linux/time-internal.h>
#endif

#include "fake_flow.h"

/* ---- conditions -------------------------------------------------------------------------- */

struct judge_case {
	const char *name;
	u64 head;
	struct mxl_grain grain;
	u64 index;
	u32 slices;
	int ret;
};

#define INVALID MXL_LAYOUT_GRAIN_INVALID
#define GRAIN(...)          \
	{                   \
		__VA_ARGS__ \
	} /* index, flags, valid slices */

static const struct judge_case judge_cases[] = {
	{ "complete head", 100, GRAIN(100, 0, 8), 100, 8, 0 },
	{ "enough of the head", 100, GRAIN(100, 0, 3), 100, 3, 0 },
	{ "too little of the head", 100, GRAIN(100, 0, 3), 100, 4, -EINPROGRESS },
	{ "none of the head, none wanted", 100, GRAIN(100, 0, 0), 100, 0, 0 },
	{ "more than there can be is all", 100, GRAIN(100, 0, 8), 100, 0xffff, 0 },
	{ "all but one", 100, GRAIN(100, 0, 7), 100, 0xffff, -EINPROGRESS },
	{ "to come", 100, GRAIN(96, 0, 8), 101, 0, -EINPROGRESS },
	{ "far to come", 100, GRAIN(96, 0, 8), U64_MAX, 8, -EINPROGRESS },
	{ "complete, behind the head", 100, GRAIN(98, 0, 8), 98, 8, 0 },
	{ "enough, behind the head", 100, GRAIN(98, 0, 3), 98, 3, 0 },
	{ "passed while incomplete", 100, GRAIN(98, 0, 3), 98, 4, -ENODATA },
	{ "left out, something older there", 100, GRAIN(94, 0, 8), 99, 1, -ENODATA },
	{ "invalid head", 100, GRAIN(100, INVALID, 0), 100, 8, 0 },
	{ "invalid, behind the head", 100, GRAIN(97, INVALID, 2), 97, 8, 0 },
	{ "oldest that can be read", 100, GRAIN(97, 0, 8), 97, 8, 0 },
	{ "slot of the writer", 100, GRAIN(96, 0, 8), 96, 8, -ERANGE },
	{ "long gone", 100, GRAIN(100, 0, 8), 50, 8, -ERANGE },
	{ "being overwritten", 100, GRAIN(102, 0, 0), 97, 8, -ERANGE },
	{ "fresh flow", 0, GRAIN(0, 0, 0), 0, 0, -EINPROGRESS },
	{ "fresh flow, one wanted", 0, GRAIN(0, 0, 0), 0, 1, -EINPROGRESS },
	{ "first slice ever", 0, GRAIN(0, 0, 1), 0, 0, 0 },
	{ "first grain invalid", 0, GRAIN(0, INVALID, 0), 0, 8, 0 },
	{ "ring not filled yet", 2, GRAIN(0, 0, 8), 0, 8, 0 },
	{ "ring not filled, incomplete", 2, GRAIN(0, 0, 4), 0, 8, -ENODATA },
	{ "last index there is", U64_MAX, GRAIN(U64_MAX, 0, 8), U64_MAX, 8, 0 },
	{ "oldest at the end of all", U64_MAX, GRAIN(U64_MAX - 3, 0, 8), U64_MAX - 3, 8, 0 },
	{ "too old at the end of all", U64_MAX, GRAIN(U64_MAX - 4, 0, 8), U64_MAX - 4, 8, -ERANGE },
	{ "beginning, seen from the end", U64_MAX, GRAIN(0, 0, 8), 0, 0, -ERANGE },
};

static void judge_case_name(const struct judge_case *c, char *name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(judge, judge_cases, judge_case_name);

static void wait_for_grain(struct kunit *test)
{
	const struct judge_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, mxl_judge(&fake_discrete, c->head, &c->grain, c->index, c->slices),
			c->ret);
}

static void wait_for_samples(struct kunit *test)
{
	static const struct {
		u64 head, index;
		int ret;
	} cases[] = {
		{ 0, 0, 0 },
		{ 0, 1, -EINPROGRESS },
		{ 480, 480, 0 },
		{ 480, 481, -EINPROGRESS },
		{ 480, 0, 0 },
		{ 10000, 10000 - FAKE_LENGTH / 2 + 1, 0 },
		{ 10000, 10000 - FAKE_LENGTH / 2, -ERANGE },
		{ 10000, 0, -ERANGE },
		{ U64_MAX, U64_MAX, 0 },
		{ U64_MAX, 0, -ERANGE },
		{ 0, U64_MAX, -EINPROGRESS },
	};
	int i, ret;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ret = mxl_judge(&fake_continuous, cases[i].head, NULL, cases[i].index, 0);
		KUNIT_EXPECT_EQ_MSG(test, ret, cases[i].ret, "%llu with head %llu", cases[i].index,
				    cases[i].head);
	}
}

/* ---- waiters ----------------------------------------------------------------------------- */

#define NR_WAITERS 64

static struct mxl_flow *written_flow(struct kunit *test, const struct mxl_geometry *geo)
{
	struct mxl_flow *flow = fake_flow(test, geo);

	flow->writer = true;
	return flow;
}

static struct mxl_waiter *new_waiter(struct kunit *test, struct mxl_flow *flow, u64 index,
				     u32 slices)
{
	struct mxl_waiter *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	mxl_waiter_init(w, flow, index, slices, MXL_GENERATION_ANY);
	return w;
}

static int add(struct mxl_flow *flow, struct mxl_waiter *w)
{
	int ret;

	spin_lock(&flow->lock);
	ret = mxl_waiter_add(flow, w);
	spin_unlock(&flow->lock);
	return ret;
}

static void del(struct mxl_flow *flow, struct mxl_waiter *w)
{
	spin_lock(&flow->lock);
	mxl_waiter_del(flow, w);
	spin_unlock(&flow->lock);
}

/* How many left the queue by it; those of these tests have nobody who is told */
static unsigned int wake_met(struct mxl_flow *flow)
{
	unsigned int before;

	spin_lock(&flow->lock);
	before = flow->nr_waiters;
	mxl_wake_met(flow);
	spin_unlock(&flow->lock);
	return before - flow->nr_waiters;
}

static void wait_init(struct kunit *test)
{
	struct mxl_flow *flow = written_flow(test, &fake_discrete);
	struct mxl_waiter *w = new_waiter(test, flow, 10, 0xffff);

	KUNIT_EXPECT_EQ(test, w->slices, FAKE_SLICES);
	KUNIT_EXPECT_EQ(test, w->generation, 1);
	KUNIT_EXPECT_EQ(test, w->result, -EINPROGRESS);
	KUNIT_EXPECT_FALSE(test, w->queued);
	mxl_waiter_init(w, flow, 10, 3, 7);
	KUNIT_EXPECT_EQ(test, w->slices, 3);
	KUNIT_EXPECT_EQ(test, w->generation, 7);
}

static void wait_not_queued_if_over(struct kunit *test)
{
	struct mxl_flow *flow = written_flow(test, &fake_discrete);
	struct mxl_waiter *w;

	fake_publish(flow, 10, 4, 0);
	KUNIT_EXPECT_EQ(test, add(flow, new_waiter(test, flow, 10, 4)), 0);
	KUNIT_EXPECT_EQ(test, add(flow, new_waiter(test, flow, 5, 1)), -ERANGE);
	KUNIT_EXPECT_EQ(test, add(flow, new_waiter(test, flow, 9, 1)), -ENODATA);
	w = new_waiter(test, flow, 10, 4);
	w->generation = 2;
	KUNIT_EXPECT_EQ(test, add(flow, w), -ESTALE);
	flow->writer = false;
	KUNIT_EXPECT_EQ(test, add(flow, new_waiter(test, flow, 10, 4)), 0);
	KUNIT_EXPECT_EQ(test, add(flow, new_waiter(test, flow, 11, 1)), -EOWNERDEAD);
	flow->dead = true;
	KUNIT_EXPECT_EQ(test, add(flow, new_waiter(test, flow, 11, 1)), -ENODEV);
	KUNIT_EXPECT_EQ(test, add(flow, new_waiter(test, flow, 10, 4)), 0);
	KUNIT_EXPECT_EQ(test, flow->nr_waiters, 0);
	KUNIT_EXPECT_EQ(test, flow->control->wake, MXL_WAKE_NONE);
}

/* Position of the lowest in the queue, looked for in all of it */
static u64 lowest(struct mxl_flow *flow, struct mxl_waiter *w[], int n)
{
	u64 wake = MXL_WAKE_NONE;
	int i;

	for (i = 0; i < n; i++)
		if (w[i]->queued)
			wake = min(wake,
				   mxl_wake_position(flow->geo.kind, w[i]->index, w[i]->slices));
	return wake;
}

static bool in_order(const struct mxl_waiter *a, const struct mxl_waiter *b)
{
	return a->index < b->index || (a->index == b->index && a->slices <= b->slices);
}

static void expect_order(struct kunit *test, struct mxl_flow *flow)
{
	struct mxl_waiter *before = NULL;
	struct rb_node *node;
	unsigned int n = 0;

	for (node = rb_first_cached(&flow->waiters); node; node = rb_next(node)) {
		struct mxl_waiter *w = rb_entry(node, struct mxl_waiter, node);

		KUNIT_EXPECT_TRUE(test, w->queued);
		if (before)
			KUNIT_EXPECT_TRUE(test, in_order(before, w));
		before = w;
		n++;
	}
	KUNIT_EXPECT_EQ(test, n, flow->nr_waiters);
}

static void wait_order(struct kunit *test)
{
	struct mxl_flow *flow = written_flow(test, &fake_discrete);
	struct mxl_waiter *w[NR_WAITERS];
	struct rnd_state rnd;
	int i, n = 0;

	prandom_seed_state(&rnd, 4);
	for (i = 0; i < NR_WAITERS; i++)
		w[i] = new_waiter(test, flow, 100 + prandom_u32_state(&rnd) % 5,
				  1 + prandom_u32_state(&rnd) % FAKE_SLICES);
	/* come and go in no order */
	for (i = 0; i < 2000; i++) {
		struct mxl_waiter *one = w[prandom_u32_state(&rnd) % NR_WAITERS];

		if (one->queued) {
			del(flow, one);
			n--;
		} else {
			KUNIT_ASSERT_EQ(test, add(flow, one), -EINPROGRESS);
			n++;
		}
		KUNIT_EXPECT_EQ(test, flow->nr_waiters, n);
		KUNIT_EXPECT_EQ(test, flow->control->wake, lowest(flow, w, NR_WAITERS));
		expect_order(test, flow);
	}
	for (i = 0; i < NR_WAITERS; i++)
		del(flow, w[i]);
	KUNIT_EXPECT_EQ(test, flow->control->wake, MXL_WAKE_NONE);
	/* twice does no harm */
	del(flow, w[0]);
	KUNIT_EXPECT_EQ(test, flow->nr_waiters, 0);
}

static void wait_wide_index(struct kunit *test)
{
	struct mxl_flow *flow = written_flow(test, &fake_discrete);
	struct mxl_waiter *narrow = new_waiter(test, flow, 100, 1);
	struct mxl_waiter *wide = new_waiter(test, flow, 1ULL << 48, 1);
	struct mxl_waiter *wider = new_waiter(test, flow, U64_MAX, 1);

	add(flow, narrow);
	KUNIT_EXPECT_EQ(test, flow->control->wake, mxl_wake_position(MXL_KIND_DISCRETE, 100, 1));
	add(flow, wide);
	add(flow, wider);
	KUNIT_EXPECT_EQ(test, flow->control->wake, 0);
	del(flow, wide);
	KUNIT_EXPECT_EQ(test, flow->control->wake, 0);
	del(flow, wider);
	KUNIT_EXPECT_EQ(test, flow->control->wake, mxl_wake_position(MXL_KIND_DISCRETE, 100, 1));
	del(flow, narrow);
	KUNIT_EXPECT_EQ(test, flow->control->wake, MXL_WAKE_NONE);
}

/* What a commit does to each waiter is what the condition says, whoever else waits */
static void wait_wakes_the_decided(struct kunit *test)
{
	struct mxl_flow *flow = written_flow(test, &fake_discrete);
	struct mxl_waiter *w[NR_WAITERS];
	struct rnd_state rnd;
	u64 head = 100;
	int i, round;

	prandom_seed_state(&rnd, 5);
	for (i = 0; i < NR_WAITERS; i++)
		w[i] = new_waiter(test, flow, 0, 0);
	fake_publish(flow, head, 8, 0);
	for (round = 0; round < 500; round++) {
		unsigned int decided = 0, woken;

		for (i = 0; i < NR_WAITERS; i++) {
			if (w[i]->queued)
				continue;
			mxl_waiter_init(w[i], flow, head + prandom_u32_state(&rnd) % 6,
					prandom_u32_state(&rnd) % 10, MXL_GENERATION_ANY);
			add(flow, w[i]);
		}
		/* more of this grain, the next one, or a jump */
		if (prandom_u32_state(&rnd) % 2)
			head += prandom_u32_state(&rnd) % 8 ? 1 : 7;
		fake_publish(flow, head, prandom_u32_state(&rnd) % 9,
			     prandom_u32_state(&rnd) % 8 ? 0 : MXL_LAYOUT_GRAIN_INVALID);

		for (i = 0; i < NR_WAITERS; i++)
			decided += w[i]->queued && mxl_condition(flow, w[i]->index, w[i]->slices,
								 1) != -EINPROGRESS;
		woken = wake_met(flow);
		KUNIT_EXPECT_EQ(test, woken, decided);
		for (i = 0; i < NR_WAITERS; i++)
			if (w[i]->queued)
				KUNIT_EXPECT_EQ(test,
						mxl_condition(flow, w[i]->index, w[i]->slices, 1),
						-EINPROGRESS);
		KUNIT_EXPECT_EQ(test, flow->control->wake, lowest(flow, w, NR_WAITERS));
		expect_order(test, flow);
	}
	for (i = 0; i < NR_WAITERS; i++)
		del(flow, w[i]);
}

/* A writer that only calls when the word says so never leaves anyone asleep who is decided */
static void wait_word_is_enough(struct kunit *test)
{
	struct mxl_flow *flow = written_flow(test, &fake_discrete);
	unsigned int calls = 0, commits = 0;
	struct mxl_waiter *w[8];
	struct rnd_state rnd;
	u64 head;
	u16 slices;
	int i;

	prandom_seed_state(&rnd, 6);
	for (i = 0; i < ARRAY_SIZE(w); i++)
		w[i] = new_waiter(test, flow, 0, 0);
	for (head = 1; head < 500; head++) {
		for (i = 0; i < ARRAY_SIZE(w); i++) {
			if (w[i]->queued)
				continue;
			mxl_waiter_init(w[i], flow, head + prandom_u32_state(&rnd) % 4,
					1 + prandom_u32_state(&rnd) % FAKE_SLICES,
					MXL_GENERATION_ANY);
			add(flow, w[i]);
		}
		for (slices = 1; slices <= FAKE_SLICES; slices++) {
			fake_publish(flow, head, slices, 0);
			commits++;
			if (flow->control->wake <=
			    mxl_wake_position(MXL_KIND_DISCRETE, head, slices)) {
				calls++;
				KUNIT_EXPECT_GT(test, wake_met(flow), 0);
			}
			for (i = 0; i < ARRAY_SIZE(w); i++)
				if (w[i]->queued)
					KUNIT_EXPECT_EQ(test,
							mxl_condition(flow, w[i]->index,
								      w[i]->slices, 1),
							-EINPROGRESS);
		}
	}
	for (i = 0; i < ARRAY_SIZE(w); i++)
		del(flow, w[i]);
	KUNIT_EXPECT_LT(test, calls, commits);
	kunit_info(test, "%u of %u commits made a call", calls, commits);
}

static void wait_all_are_ended(struct kunit *test)
{
	struct mxl_flow *flow = written_flow(test, &fake_discrete);
	struct mxl_attachment *a = kunit_kzalloc(test, sizeof(*a), GFP_KERNEL);
	struct mxl_waiter *w[3];
	int i;

	KUNIT_ASSERT_NOT_NULL(test, a);
	init_waitqueue_head(&a->wq);
	for (i = 0; i < 3; i++)
		w[i] = new_waiter(test, flow, 10 + i, 1);
	a->arm = *w[2];
	a->arm.armed = a;
	add(flow, w[0]);
	add(flow, w[1]);
	add(flow, &a->arm);
	spin_lock(&flow->lock);
	mxl_wake_all(flow, -EOWNERDEAD);
	spin_unlock(&flow->lock);
	KUNIT_EXPECT_EQ(test, w[0]->result, -EOWNERDEAD);
	KUNIT_EXPECT_EQ(test, w[1]->result, -EOWNERDEAD);
	/* a descriptor may be armed for what the next writer brings */
	KUNIT_EXPECT_TRUE(test, a->arm.queued);
	KUNIT_EXPECT_EQ(test, a->fired, 0);
	spin_lock(&flow->lock);
	mxl_wake_all(flow, -ESTALE);
	spin_unlock(&flow->lock);
	KUNIT_EXPECT_FALSE(test, a->arm.queued);
	KUNIT_EXPECT_EQ(test, a->fired, MXL_EVENT_DATA);
	KUNIT_EXPECT_EQ(test, flow->nr_waiters, 0);
	KUNIT_EXPECT_EQ(test, flow->control->wake, MXL_WAKE_NONE);
}

/* Who waits for all of several is told with the last, who waits for any with the first */
static void wait_counts_the_told(struct kunit *test)
{
	struct mxl_flow *flow = written_flow(test, &fake_discrete);
	struct mxl_sleeper all = { .task = current, .remaining = ATOMIC_INIT(3) };
	struct mxl_sleeper any = { .task = current, .any = true };
	struct mxl_waiter *w[6];
	unsigned int told;
	int i;

	for (i = 0; i < 6; i++) {
		w[i] = new_waiter(test, flow, 10, 1 + i % 3);
		w[i]->sleeper = i < 3 ? &all : &any;
		KUNIT_ASSERT_EQ(test, add(flow, w[i]), -EINPROGRESS);
	}
	for (i = 1; i <= 3; i++) {
		fake_publish(flow, 10, i, 0);
		spin_lock(&flow->lock);
		told = mxl_wake_met(flow);
		spin_unlock(&flow->lock);
		KUNIT_EXPECT_GE(test, told, i == 1 || i == 3 ? 1 : 0);
		KUNIT_EXPECT_EQ(test, all.done, i == 3);
		KUNIT_EXPECT_TRUE(test, any.done);
	}
	KUNIT_EXPECT_EQ(test, flow->nr_waiters, 0);
	/* one failure ends the wait for all */
	all = (struct mxl_sleeper){ .task = current, .remaining = ATOMIC_INIT(3) };
	w[0] = new_waiter(test, flow, 11, 5);
	w[0]->sleeper = &all;
	KUNIT_ASSERT_EQ(test, add(flow, w[0]), -EINPROGRESS);
	fake_publish(flow, 11, 4, 0);
	fake_publish(flow, 12, 1, 0);
	KUNIT_EXPECT_EQ(test, wake_met(flow), 1);
	KUNIT_EXPECT_EQ(test, w[0]->result, -ENODATA);
	KUNIT_EXPECT_TRUE(test, all.done);
}

static void wait_samples(struct kunit *test)
{
	struct mxl_flow *flow = written_flow(test, &fake_continuous);
	struct mxl_waiter *w[5];
	int i;

	for (i = 0; i < ARRAY_SIZE(w); i++) {
		w[i] = new_waiter(test, flow, 100 * (5 - i), 0);
		KUNIT_ASSERT_EQ(test, add(flow, w[i]), -EINPROGRESS);
	}
	KUNIT_EXPECT_EQ(test, flow->control->wake, 100);
	fake_header(flow)->head_index = 299;
	KUNIT_EXPECT_EQ(test, wake_met(flow), 2);
	KUNIT_EXPECT_EQ(test, flow->control->wake, 300);
	fake_header(flow)->head_index = 100000;
	KUNIT_EXPECT_EQ(test, wake_met(flow), 3);
	for (i = 0; i < ARRAY_SIZE(w); i++)
		KUNIT_EXPECT_EQ(test, w[i]->result, i < 3 ? -ERANGE : 0);
}

/* ---- deadlines --------------------------------------------------------------------------- */

static void wait_deadline_conversion(struct kunit *test)
{
	static const u64 far[] = { KTIME_MAX - 1, KTIME_MAX, (u64)KTIME_MAX + 1, U64_MAX - 1 };
	struct mxl_deadline d;
	ktime_t before;
	int i, tai;

	for (i = 0; i < ARRAY_SIZE(far); i++) {
		for (tai = 0; tai < 2; tai++) {
			mxl_deadline_set(&d, far[i], tai);
			KUNIT_EXPECT_FALSE(test, d.at_once);
			KUNIT_EXPECT_FALSE(test, d.never);
			KUNIT_EXPECT_GT(test, d.at, KTIME_MAX / 2);
			KUNIT_EXPECT_EQ(test, d.clock, tai ? CLOCK_TAI : CLOCK_MONOTONIC);
		}
	}
	for (tai = 0; tai < 2; tai++) {
		mxl_deadline_set(&d, MXL_TIMEOUT_NONE, tai);
		KUNIT_EXPECT_TRUE(test, d.never);
		KUNIT_EXPECT_FALSE(test, d.at_once);
		KUNIT_EXPECT_EQ(test, mxl_deadline_left(&d, MXL_TIMEOUT_NONE), MXL_TIMEOUT_NONE);
		mxl_deadline_set(&d, 0, tai);
		KUNIT_EXPECT_TRUE(test, d.at_once);
		KUNIT_EXPECT_FALSE(test, d.never);
	}
	before = ktime_get();
	mxl_deadline_set(&d, 5 * NSEC_PER_SEC, false);
	KUNIT_EXPECT_GE(test, d.at, ktime_add_ns(before, 5 * NSEC_PER_SEC));
	KUNIT_EXPECT_LE(test, d.at, ktime_add_ns(ktime_get(), 5 * NSEC_PER_SEC));
}

static void wait_deadline_left(struct kunit *test)
{
	struct mxl_deadline d;
	u64 left, then;

	mxl_deadline_set(&d, 5 * NSEC_PER_SEC, false);
	left = mxl_deadline_left(&d, 5 * NSEC_PER_SEC);
	KUNIT_EXPECT_LE(test, left, 5 * NSEC_PER_SEC);
	KUNIT_EXPECT_GT(test, left, 0);
	/* one that is over has nothing left, not less */
	d.at = ktime_sub_ns(ktime_get(), 1000);
	KUNIT_EXPECT_EQ(test, mxl_deadline_left(&d, 5 * NSEC_PER_SEC), 0);
	/* a point in time does not move */
	then = ktime_get_clocktai_ns() + NSEC_PER_SEC;
	mxl_deadline_set(&d, then, true);
	KUNIT_EXPECT_FALSE(test, d.at_once);
	KUNIT_EXPECT_EQ(test, mxl_deadline_left(&d, then), then);
	then = ktime_get_clocktai_ns() - 1;
	mxl_deadline_set(&d, then, true);
	KUNIT_EXPECT_TRUE(test, d.at_once);
	KUNIT_EXPECT_EQ(test, mxl_deadline_left(&d, then), then);
}

static void wait_sleep_ends(struct kunit *test)
{
	struct mxl_deadline d;
	bool done = true;

	/* told is told, however late */
	mxl_deadline_set(&d, 0, false);
	KUNIT_EXPECT_EQ(test, mxl_sleep(&d, &done), 0);
	mxl_deadline_set(&d, MXL_TIMEOUT_NONE, false);
	KUNIT_EXPECT_EQ(test, mxl_sleep(&d, &done), 0);
	done = false;
	mxl_deadline_set(&d, 0, false);
	KUNIT_EXPECT_EQ(test, mxl_sleep(&d, &done), -ETIMEDOUT);
	mxl_deadline_set(&d, NSEC_PER_MSEC, false);
	KUNIT_EXPECT_EQ(test, mxl_sleep(&d, &done), -ETIMEDOUT);
	KUNIT_EXPECT_GE(test, ktime_get(), d.at);
	mxl_deadline_set(&d, ktime_get_clocktai_ns() + NSEC_PER_MSEC, true);
	KUNIT_EXPECT_EQ(test, mxl_sleep(&d, &done), -ETIMEDOUT);
	KUNIT_EXPECT_GE(test, ktime_get_clocktai(), d.at);
}

/* Where time stands still unless somebody waits for it, it can be said exactly */
static bool time_travels(void)
{
#ifdef CONFIG_UML_TIME_TRAVEL_SUPPORT
	return time_travel_mode != TT_MODE_OFF;
#else
	return false;
#endif
}

static void wait_sleep_is_exact(struct kunit *test)
{
	static const u64 times[] = { 1,	       1000,	     NSEC_PER_MSEC,
				     16683333, NSEC_PER_SEC, 60 * NSEC_PER_SEC };
	struct mxl_deadline d;
	bool done = false;
	int i, tai;

	if (!time_travels())
		kunit_skip(test, "time goes by as usual");
	for (i = 0; i < ARRAY_SIZE(times); i++) {
		for (tai = 0; tai < 2; tai++) {
			u64 now = tai ? ktime_get_clocktai_ns() : ktime_get_ns(), late;

			mxl_deadline_set(&d, tai ? now + times[i] : times[i], tai);
			KUNIT_EXPECT_EQ(test, mxl_sleep(&d, &done), -ETIMEDOUT);
			late = (tai ? ktime_get_clocktai_ns() : ktime_get_ns()) - ktime_to_ns(d.at);
			KUNIT_EXPECT_LT(test, late, 20 * NSEC_PER_USEC);
			KUNIT_EXPECT_EQ(test, mxl_deadline_left(&d, 1), tai ? 1 : 0);
		}
	}
}

static struct kunit_case wait_test_cases[] = {
	KUNIT_CASE_PARAM(wait_for_grain, judge_gen_params),
	KUNIT_CASE(wait_for_samples),
	KUNIT_CASE(wait_init),
	KUNIT_CASE(wait_not_queued_if_over),
	KUNIT_CASE(wait_order),
	KUNIT_CASE(wait_wide_index),
	KUNIT_CASE(wait_wakes_the_decided),
	KUNIT_CASE(wait_word_is_enough),
	KUNIT_CASE(wait_all_are_ended),
	KUNIT_CASE(wait_counts_the_told),
	KUNIT_CASE(wait_samples),
	KUNIT_CASE(wait_deadline_conversion),
	KUNIT_CASE(wait_deadline_left),
	KUNIT_CASE(wait_sleep_ends),
	KUNIT_CASE(wait_sleep_is_exact),
	{}
};

static struct kunit_suite wait_suite = {
	.name = "mxl_wait",
	.test_cases = wait_test_cases,
};

kunit_test_suite(wait_suite);

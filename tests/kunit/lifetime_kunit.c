// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is taken is given back: memory that cannot be had, users, limits.
 */

#include <kunit/test.h>
#include <linux/sched.h>

#include "fake_flow.h"

/* ---- allocations that fail --------------------------------------------------------------- */

#define MAX_FAULTS 100

/*
 * Calls @fn while its first, second, third... allocation fails, until none is left to fail: how
 * many times it did without what it wanted.
 */
static int sweep(struct kunit *test, bool (*fn)(void))
{
	int refused = 0;
#ifdef CONFIG_FAULT_INJECTION
	int n;

	for (n = 1; n < MAX_FAULTS; n++) {
		bool ok, reached;

		current->fail_nth = n;
		ok = fn();
		reached = !current->fail_nth;
		current->fail_nth = 0;
		if (!reached) {
			KUNIT_EXPECT_TRUE(test, ok);
			break;
		}
		refused += !ok;
	}
	KUNIT_EXPECT_LT(test, n, MAX_FAULTS);
	/* unless told so, injection spares allocations that may wait */
	if (n == 1)
		kunit_skip(test, "failslab/ignore-gfp-wait is set");
#else
	kunit_skip(test, "needs CONFIG_FAULT_INJECTION");
#endif
	return refused;
}

static bool alloc_flow(void)
{
	struct mxl_flow *flow = mxl_flow_alloc(&fake_discrete);

	if (!flow)
		return false;
	mxl_flow_put(flow);
	return true;
}

/*
 * Detectors fill pools of their own in between, and an allocation of theirs that is hit in one of
 * the calls is not made in the next: one sweep can miss an allocation, many do not.
 */
#define MAX_SWEEPS 20

static void lifetime_flow_without_memory(struct kunit *test)
{
	int most = 0, i;

	/* the flow and its two pages */
	for (i = 0; i < MAX_SWEEPS && most < 3; i++)
		most = max(most, sweep(test, alloc_flow));
	KUNIT_EXPECT_GE(test, most, 3);
}

static bool get_user_record(void)
{
	struct mxl_user *user = mxl_user_get(KUIDT_INIT(4711));

	mxl_user_put(user);
	return user;
}

static void lifetime_user_without_memory(struct kunit *test)
{
	KUNIT_EXPECT_GE(test, sweep(test, get_user_record), 1);
}

static void lifetime_flow_is_fresh(struct kunit *test)
{
	struct mxl_flow *flow = fake_flow(test, &fake_continuous);
	const struct mxl_control *c = flow->control;

	KUNIT_EXPECT_EQ(test, flow->nr_files, 2);
	KUNIT_EXPECT_EQ(test, c->size, sizeof(*c));
	KUNIT_EXPECT_EQ(test, c->version, MXL_UAPI_VERSION);
	KUNIT_EXPECT_EQ(test, c->wake, MXL_WAKE_NONE);
	KUNIT_EXPECT_EQ(test, c->outsiders, 1);
	KUNIT_EXPECT_EQ(test, c->writer, MXL_WRITER_NONE);
	KUNIT_EXPECT_EQ(test, c->dead, 0);
	KUNIT_EXPECT_EQ(test, c->epoch, 0);
	KUNIT_EXPECT_EQ(test, c->generation, 1);
	KUNIT_EXPECT_EQ(test, flow->activity->last_read_ns, 0);
	/* no page shows what was in it before */
	KUNIT_EXPECT_NULL(test, memchr_inv((void *)(c + 1), 0, PAGE_SIZE - sizeof(*c)));
	KUNIT_EXPECT_NULL(test, memchr_inv(flow->activity, 0, PAGE_SIZE));
}

/* The largest flow that a header can ask for */
static void lifetime_largest_flow(struct kunit *test)
{
	struct mxl_geometry geo = fake_discrete;
	struct mxl_flow *flow;

	geo.nr_payloads = MXL_LAYOUT_MAX_GRAINS;
	flow = mxl_flow_alloc(&geo);
	KUNIT_ASSERT_NOT_NULL(test, flow);
	KUNIT_EXPECT_EQ(test, flow->nr_files, MXL_LAYOUT_MAX_GRAINS + 1);
	KUNIT_EXPECT_PTR_EQ(test, flow->files[MXL_LAYOUT_MAX_GRAINS].flow, flow);
	mxl_flow_put(flow);
}

/* ---- users and limits -------------------------------------------------------------------- */

static struct mxl_user *some_user(struct kunit *test, unsigned int uid)
{
	struct mxl_user *user = mxl_user_get(KUIDT_INIT(uid));

	KUNIT_ASSERT_NOT_NULL(test, user);
	return user;
}

static void lifetime_users_are_counted(struct kunit *test)
{
	struct mxl_user *one = some_user(test, 100001), *again = some_user(test, 100001);
	struct mxl_user *other = some_user(test, 100002);

	KUNIT_EXPECT_PTR_EQ(test, one, again);
	KUNIT_EXPECT_PTR_NE(test, one, other);
	KUNIT_EXPECT_EQ(test, refcount_read(&one->refs), 2);
	mxl_user_put(one);
	KUNIT_EXPECT_EQ(test, refcount_read(&again->refs), 1);
	mxl_user_put(again);
	mxl_user_put(other);
	mxl_user_put(NULL);
}

/* The limits, as they are while a test runs */
static void restore_limits(void *saved)
{
	mxl_tunables = *(struct mxl_tunables *)saved;
}

static void save_limits(struct kunit *test)
{
	struct mxl_tunables *saved = kunit_kzalloc(test, sizeof(*saved), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, saved);
	*saved = mxl_tunables;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, restore_limits, saved), 0);
}

static void lifetime_limits_of_a_user(struct kunit *test)
{
	struct mxl_user *one = some_user(test, 100001), *other = some_user(test, 100002);
	int res;

	save_limits(test);
	for (res = 0; res < MXL_NR_RESOURCES; res++) {
		mxl_tunables.max[res] = 1000;
		mxl_tunables.max_user[res] = 10;
		KUNIT_EXPECT_EQ(test, mxl_charge(one, res, 11), -EDQUOT);
		KUNIT_EXPECT_EQ(test, mxl_charge(one, res, 10), 0);
		KUNIT_EXPECT_EQ(test, mxl_charge(one, res, 1), -EDQUOT);
		KUNIT_EXPECT_EQ(test, mxl_charge(other, res, 10), 0);
		/* a limit that is lowered takes nothing away */
		mxl_tunables.max_user[res] = 5;
		mxl_uncharge(one, res, 4);
		KUNIT_EXPECT_EQ(test, mxl_charge(one, res, 1), -EDQUOT);
		mxl_uncharge(one, res, 2);
		KUNIT_EXPECT_EQ(test, mxl_charge(one, res, 1), 0);
		KUNIT_EXPECT_EQ(test, atomic_long_read(&one->used[res]), 5);
		mxl_uncharge(one, res, 5);
		mxl_uncharge(other, res, 10);
		KUNIT_EXPECT_EQ(test, atomic_long_read(&one->used[res]), 0);
		KUNIT_EXPECT_EQ(test, atomic_long_read(&other->used[res]), 0);
	}
	mxl_user_put(one);
	mxl_user_put(other);
}

static void lifetime_limits_of_all(struct kunit *test)
{
	struct mxl_user *one = some_user(test, 100001), *other = some_user(test, 100002);
	int res;

	save_limits(test);
	for (res = 0; res < MXL_NR_RESOURCES; res++) {
		/* others may use some while this runs, but hardly as much */
		mxl_tunables.max[res] = 1000000;
		mxl_tunables.max_user[res] = 1000000;
		KUNIT_EXPECT_EQ(test, mxl_charge(one, res, 900000), 0);
		KUNIT_EXPECT_EQ(test, mxl_charge(other, res, 200000), -ENOSPC);
		/* nothing is left of a charge that was refused */
		KUNIT_EXPECT_EQ(test, atomic_long_read(&other->used[res]), 0);
		mxl_uncharge(one, res, 900000);
		KUNIT_EXPECT_EQ(test, mxl_charge(other, res, 200000), 0);
		mxl_uncharge(other, res, 200000);
	}
	mxl_user_put(one);
	mxl_user_put(other);
}

static struct kunit_case lifetime_test_cases[] = {
	KUNIT_CASE(lifetime_flow_without_memory),
	KUNIT_CASE(lifetime_user_without_memory),
	KUNIT_CASE(lifetime_flow_is_fresh),
	KUNIT_CASE(lifetime_largest_flow),
	KUNIT_CASE(lifetime_users_are_counted),
	KUNIT_CASE(lifetime_limits_of_a_user),
	KUNIT_CASE(lifetime_limits_of_all),
	{}
};

static struct kunit_suite lifetime_suite = {
	.name = "mxl_lifetime",
	.test_cases = lifetime_test_cases,
};

kunit_test_suite(lifetime_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The writer lock: the states of claims, the queue, the seal, and when it ends.
 */

#include <kunit/test.h>
#include <linux/fs.h>
#include <linux/prandom.h>

#include "fake_flow.h"

/* Attachments that want the lock, each with a claim and the table of files it belongs to */
#define NR 4

struct lock_env {
	struct mxl_flow *flow;
	struct mxl_attachment *a[NR];
	struct mxl_claim *c[NR];
	struct inode *inodes;
	/* Addresses to tell processes by */
	char owner[NR];
};

/* As much of an open file as the seal needs: an inode that counts its writers */
static void fake_files(struct kunit *test, struct lock_env *env)
{
	struct file *files;
	u32 i;

	files = kunit_kcalloc(test, env->flow->nr_files, sizeof(*files), GFP_KERNEL);
	env->inodes = kunit_kcalloc(test, env->flow->nr_files, sizeof(*env->inodes), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, files);
	KUNIT_ASSERT_NOT_NULL(test, env->inodes);
	for (i = 0; i < env->flow->nr_files; i++) {
		files[i].f_inode = &env->inodes[i];
		env->flow->files[i].file = &files[i];
		env->flow->files[i].inode = &env->inodes[i];
	}
}

static void new_claim(struct lock_env *env, int i)
{
	struct mxl_claim *c = env->c[i];

	memset(c, 0, sizeof(*c));
	INIT_LIST_HEAD(&c->node);
	c->state = MXL_CLAIM_NEW;
	c->a = env->a[i];
	c->task = current;
	c->owner = &env->owner[i];
}

static int lock_init(struct kunit *test)
{
	struct lock_env *env = kunit_kzalloc(test, sizeof(*env), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, env);
	env->flow = fake_flow(test, &fake_discrete);
	fake_files(test, env);
	for (i = 0; i < NR; i++) {
		env->a[i] = kunit_kzalloc(test, sizeof(*env->a[i]), GFP_KERNEL);
		env->c[i] = kunit_kzalloc(test, sizeof(*env->c[i]), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, env->a[i]);
		KUNIT_ASSERT_NOT_NULL(test, env->c[i]);
		init_waitqueue_head(&env->a[i]->wq);
		new_claim(env, i);
	}
	test->priv = env;
	return 0;
}

static int try(struct lock_env *env, int i, bool queue)
{
	int ret;

	spin_lock(&env->flow->lock);
	ret = mxl_claim_try(env->flow, env->c[i], queue);
	spin_unlock(&env->flow->lock);
	return ret;
}

/* What the call does once it has the lock: the files were looked at, everybody may know */
static void settle(struct lock_env *env, int i)
{
	spin_lock(&env->flow->lock);
	env->c[i]->settled = true;
	env->c[i]->taken = true;
	env->flow->writer = true;
	spin_unlock(&env->flow->lock);
}

static struct mxl_claim *release(struct lock_env *env)
{
	struct mxl_claim *c;

	spin_lock(&env->flow->lock);
	c = mxl_claim_release(env->flow);
	spin_unlock(&env->flow->lock);
	return c;
}

static void cancel(struct lock_env *env, int i)
{
	spin_lock(&env->flow->lock);
	mxl_claim_cancel(env->flow, env->c[i]);
	spin_unlock(&env->flow->lock);
}

static struct mxl_claim *closed(struct lock_env *env, int i)
{
	return mxl_claim_closed(env->flow, env->a[i], &env->owner[i]);
}

static int writers_of(struct lock_env *env, u32 nr)
{
	return atomic_read(&env->inodes[nr].i_writecount);
}

static void expect_sealed(struct kunit *test, bool sealed)
{
	struct lock_env *env = test->priv;
	u32 i;

	for (i = 0; i < env->flow->nr_files; i++)
		KUNIT_EXPECT_EQ(test, writers_of(env, i), sealed ? -1 : 0);
}

static void expect_idle(struct kunit *test)
{
	struct lock_env *env = test->priv;

	expect_sealed(test, false);
	KUNIT_EXPECT_NULL(test, env->flow->claim);
	KUNIT_EXPECT_EQ(test, env->flow->nr_lockers, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&env->flow->lockers));
	KUNIT_EXPECT_EQ(test, env->flow->known, 0);
	KUNIT_EXPECT_FALSE(test, env->flow->writer);
	KUNIT_EXPECT_EQ(test, env->flow->control->writer, MXL_WRITER_NONE);
}

/* ---- one claim --------------------------------------------------------------------------- */

static void lock_granted_at_once(struct kunit *test)
{
	struct lock_env *env = test->priv;

	KUNIT_ASSERT_EQ(test, try(env, 0, false), 0);
	KUNIT_EXPECT_EQ(test, env->c[0]->state, MXL_CLAIM_HELD);
	KUNIT_EXPECT_PTR_EQ(test, env->flow->claim, env->c[0]);
	KUNIT_EXPECT_PTR_EQ(test, env->a[0]->claim, env->c[0]);
	KUNIT_EXPECT_TRUE(test, env->c[0]->fresh);
	/* nobody knows before the files were looked at */
	KUNIT_EXPECT_FALSE(test, env->flow->writer);
	expect_sealed(test, true);
	settle(env, 0);
	KUNIT_EXPECT_PTR_EQ(test, release(env), env->c[0]);
	KUNIT_EXPECT_EQ(test, env->c[0]->state, MXL_CLAIM_OVER);
	KUNIT_EXPECT_NULL(test, env->a[0]->claim);
	expect_idle(test);
}

static void lock_refused_while_held(struct kunit *test)
{
	struct lock_env *env = test->priv;

	KUNIT_ASSERT_EQ(test, try(env, 0, false), 0);
	settle(env, 0);
	KUNIT_EXPECT_EQ(test, try(env, 1, false), -EBUSY);
	KUNIT_EXPECT_EQ(test, env->c[1]->state, MXL_CLAIM_OVER);
	KUNIT_EXPECT_NULL(test, env->a[1]->claim);
	KUNIT_EXPECT_EQ(test, env->flow->nr_lockers, 0);
	KUNIT_EXPECT_PTR_EQ(test, env->flow->claim, env->c[0]);
	expect_sealed(test, true);
	release(env);
	expect_idle(test);
}

static void lock_not_twice(struct kunit *test)
{
	struct lock_env *env = test->priv;

	KUNIT_ASSERT_EQ(test, try(env, 0, false), 0);
	settle(env, 0);
	env->c[1]->a = env->a[0];
	KUNIT_EXPECT_EQ(test, try(env, 1, true), -EALREADY);
	KUNIT_EXPECT_EQ(test, env->c[1]->state, MXL_CLAIM_NEW);
	KUNIT_EXPECT_PTR_EQ(test, env->a[0]->claim, env->c[0]);
	release(env);
	expect_idle(test);
}

static void lock_not_of_the_dead(struct kunit *test)
{
	struct lock_env *env = test->priv;

	env->flow->dead = true;
	KUNIT_EXPECT_EQ(test, try(env, 0, false), -ENODEV);
	KUNIT_EXPECT_EQ(test, try(env, 0, true), -ENODEV);
	KUNIT_EXPECT_EQ(test, env->c[0]->state, MXL_CLAIM_NEW);
	expect_idle(test);
}

/* ---- the seal ---------------------------------------------------------------------------- */

static void lock_seals_all_or_none(struct kunit *test)
{
	struct lock_env *env = test->priv;
	u32 i, k;

	for (i = 0; i < env->flow->nr_files; i++) {
		atomic_inc(&env->inodes[i].i_writecount);
		new_claim(env, 0);
		KUNIT_EXPECT_EQ(test, try(env, 0, false), -ETXTBSY);
		KUNIT_EXPECT_NULL(test, env->flow->claim);
		for (k = 0; k < env->flow->nr_files; k++)
			KUNIT_EXPECT_EQ(test, writers_of(env, k), k == i ? 1 : 0);
		atomic_dec(&env->inodes[i].i_writecount);
	}
	new_claim(env, 0);
	KUNIT_EXPECT_EQ(test, try(env, 0, false), 0);
	expect_sealed(test, true);
	settle(env, 0);
	release(env);
	expect_idle(test);
}

static void lock_waits_for_writers(struct kunit *test)
{
	struct lock_env *env = test->priv;

	atomic_inc(&env->inodes[3].i_writecount);
	KUNIT_ASSERT_EQ(test, try(env, 0, true), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, env->c[0]->state, MXL_CLAIM_QUEUED);
	KUNIT_EXPECT_EQ(test, env->flow->nr_lockers, 1);
	env->flow->retry.work.func(&env->flow->retry.work);
	KUNIT_EXPECT_EQ(test, env->c[0]->state, MXL_CLAIM_QUEUED);
	KUNIT_EXPECT_FALSE(test, env->c[0]->done);
	atomic_dec(&env->inodes[3].i_writecount);
	/* somebody else does not overtake, though it could be had now */
	KUNIT_EXPECT_EQ(test, try(env, 1, false), -EBUSY);
	KUNIT_EXPECT_EQ(test, env->c[0]->state, MXL_CLAIM_HELD);
	KUNIT_EXPECT_TRUE(test, env->c[0]->done);
	KUNIT_EXPECT_TRUE(test, env->c[0]->fresh);
	expect_sealed(test, true);
	settle(env, 0);
	release(env);
	expect_idle(test);
}

/* ---- the queue --------------------------------------------------------------------------- */

static void lock_handed_over_sealed(struct kunit *test)
{
	struct lock_env *env = test->priv;
	u64 epoch;
	int i;

	KUNIT_ASSERT_EQ(test, try(env, 0, true), 0);
	settle(env, 0);
	for (i = 1; i < NR; i++)
		KUNIT_ASSERT_EQ(test, try(env, i, true), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, env->flow->nr_lockers, NR - 1);
	epoch = env->flow->epoch;
	for (i = 1; i < NR; i++) {
		KUNIT_EXPECT_PTR_EQ(test, release(env), env->c[i - 1]);
		KUNIT_EXPECT_EQ(test, env->c[i]->state, MXL_CLAIM_HELD);
		KUNIT_EXPECT_TRUE(test, env->c[i]->done);
		/* what was looked at before is still so */
		KUNIT_EXPECT_FALSE(test, env->c[i]->fresh);
		KUNIT_EXPECT_TRUE(test, env->c[i]->settled);
		KUNIT_EXPECT_EQ(test, env->flow->epoch, epoch + i);
		KUNIT_EXPECT_EQ(test, env->flow->control->epoch, epoch + i);
		KUNIT_EXPECT_EQ(test, env->flow->control->writer, MXL_WRITER_HELD);
		expect_sealed(test, true);
		env->c[i]->taken = true;
	}
	release(env);
	expect_idle(test);
}

static void lock_handed_over_unsettled(struct kunit *test)
{
	struct lock_env *env = test->priv;

	/* the holder found the files to be wrong: the next one has to look as well */
	KUNIT_ASSERT_EQ(test, try(env, 0, true), 0);
	KUNIT_ASSERT_EQ(test, try(env, 1, true), -EINPROGRESS);
	release(env);
	KUNIT_EXPECT_EQ(test, env->c[1]->state, MXL_CLAIM_HELD);
	KUNIT_EXPECT_TRUE(test, env->c[1]->fresh);
	KUNIT_EXPECT_FALSE(test, env->c[1]->settled);
	settle(env, 1);
	release(env);
	expect_idle(test);
}

static void lock_queue_can_be_left(struct kunit *test)
{
	struct lock_env *env = test->priv;

	KUNIT_ASSERT_EQ(test, try(env, 0, true), 0);
	settle(env, 0);
	KUNIT_ASSERT_EQ(test, try(env, 1, true), -EINPROGRESS);
	KUNIT_ASSERT_EQ(test, try(env, 2, true), -EINPROGRESS);
	KUNIT_ASSERT_EQ(test, try(env, 3, true), -EINPROGRESS);
	cancel(env, 2);
	KUNIT_EXPECT_EQ(test, env->c[2]->state, MXL_CLAIM_OVER);
	KUNIT_EXPECT_NULL(test, env->a[2]->claim);
	cancel(env, 1);
	KUNIT_EXPECT_EQ(test, env->flow->nr_lockers, 1);
	release(env);
	KUNIT_EXPECT_PTR_EQ(test, env->flow->claim, env->c[3]);
	env->c[3]->taken = true;
	release(env);
	expect_idle(test);
}

static void lock_queue_ends_with_the_flow(struct kunit *test)
{
	struct lock_env *env = test->priv;
	int i;

	KUNIT_ASSERT_EQ(test, try(env, 0, true), 0);
	settle(env, 0);
	for (i = 1; i < NR; i++)
		KUNIT_ASSERT_EQ(test, try(env, i, true), -EINPROGRESS);
	spin_lock(&env->flow->lock);
	env->flow->dead = true;
	mxl_claims_die(env->flow);
	spin_unlock(&env->flow->lock);
	for (i = 1; i < NR; i++) {
		KUNIT_EXPECT_EQ(test, env->c[i]->state, MXL_CLAIM_OVER);
		KUNIT_EXPECT_EQ(test, env->c[i]->error, -ENODEV);
		KUNIT_EXPECT_TRUE(test, env->c[i]->done);
	}
	/* the holder keeps what it has */
	KUNIT_EXPECT_EQ(test, env->c[0]->state, MXL_CLAIM_HELD);
	expect_sealed(test, true);
	release(env);
	expect_idle(test);
}

/* ---- its end ----------------------------------------------------------------------------- */

static void lock_ends_with_the_descriptor(struct kunit *test)
{
	struct lock_env *env = test->priv;

	KUNIT_ASSERT_EQ(test, try(env, 0, true), 0);
	settle(env, 0);
	/* of the process that locked, not of one that got it from there */
	KUNIT_EXPECT_NULL(test, mxl_claim_closed(env->flow, env->a[0], &env->owner[1]));
	KUNIT_EXPECT_NULL(test, closed(env, 1));
	KUNIT_EXPECT_EQ(test, env->c[0]->state, MXL_CLAIM_HELD);
	KUNIT_EXPECT_PTR_EQ(test, closed(env, 0), env->c[0]);
	KUNIT_EXPECT_EQ(test, env->c[0]->state, MXL_CLAIM_OVER);
	expect_idle(test);
}

static void lock_ends_with_the_last_mapping(struct kunit *test)
{
	struct lock_env *env = test->priv;

	KUNIT_ASSERT_EQ(test, try(env, 0, true), 0);
	settle(env, 0);
	env->c[0]->writable = 2;
	KUNIT_EXPECT_NULL(test, closed(env, 0));
	KUNIT_EXPECT_EQ(test, env->c[0]->state, MXL_CLAIM_HELD);
	KUNIT_EXPECT_NULL(test, mxl_claim_unmapped(env->flow, env->c[0]));
	expect_sealed(test, true);
	KUNIT_EXPECT_PTR_EQ(test, mxl_claim_unmapped(env->flow, env->c[0]), env->c[0]);
	expect_idle(test);
}

static void lock_outlives_mappings_while_open(struct kunit *test)
{
	struct lock_env *env = test->priv;

	KUNIT_ASSERT_EQ(test, try(env, 0, true), 0);
	settle(env, 0);
	env->c[0]->writable = 1;
	KUNIT_EXPECT_NULL(test, mxl_claim_unmapped(env->flow, env->c[0]));
	KUNIT_EXPECT_EQ(test, env->c[0]->state, MXL_CLAIM_HELD);
	expect_sealed(test, true);
	KUNIT_EXPECT_PTR_EQ(test, closed(env, 0), env->c[0]);
	expect_idle(test);
}

/* Another thread closes while the call is not done with the claim: the call ends it */
static void lock_closed_too_early(struct kunit *test)
{
	struct lock_env *env = test->priv;

	KUNIT_ASSERT_EQ(test, try(env, 0, true), 0);
	KUNIT_EXPECT_NULL(test, closed(env, 0));
	KUNIT_EXPECT_EQ(test, env->c[0]->state, MXL_CLAIM_HELD);
	KUNIT_EXPECT_TRUE(test, env->c[0]->closed);
	release(env);
	expect_idle(test);
}

static void lock_end_tells_waiters(struct kunit *test)
{
	struct lock_env *env = test->priv;
	struct mxl_waiter met, unmet;

	KUNIT_ASSERT_EQ(test, try(env, 0, true), 0);
	settle(env, 0);
	mxl_waiter_init(&met, env->flow, 10, 4, MXL_GENERATION_ANY);
	mxl_waiter_init(&unmet, env->flow, 10, 5, MXL_GENERATION_ANY);
	spin_lock(&env->flow->lock);
	mxl_waiter_add(env->flow, &met);
	mxl_waiter_add(env->flow, &unmet);
	spin_unlock(&env->flow->lock);
	/* published, and not signalled any more */
	fake_publish(env->flow, 10, 4, 0);
	release(env);
	KUNIT_EXPECT_EQ(test, met.result, 0);
	KUNIT_EXPECT_EQ(test, unmet.result, -EOWNERDEAD);
	KUNIT_EXPECT_EQ(test, env->flow->nr_waiters, 0);
	expect_idle(test);
}

/* ---- any order --------------------------------------------------------------------------- */

static void lock_random(struct kunit *test)
{
	struct lock_env *env = test->priv;
	struct rnd_state rnd;
	int step, i, k, ret;

	prandom_seed_state(&rnd, 7);
	for (step = 0; step < 5000; step++) {
		unsigned int held = 0, queued = 0;

		i = prandom_u32_state(&rnd) % NR;
		switch (env->c[i]->state) {
		case MXL_CLAIM_NEW:
			ret = try(env, i, prandom_u32_state(&rnd) % 2);
			if (!ret)
				settle(env, i);
			else if (ret != -EINPROGRESS)
				new_claim(env, i);
			break;
		case MXL_CLAIM_QUEUED:
			if (prandom_u32_state(&rnd) % 2) {
				cancel(env, i);
				new_claim(env, i);
			}
			break;
		case MXL_CLAIM_HELD:
			env->c[i]->taken = true;
			if (prandom_u32_state(&rnd) % 2)
				release(env);
			else
				closed(env, i);
			KUNIT_EXPECT_EQ(test, env->c[i]->state, MXL_CLAIM_OVER);
			new_claim(env, i);
			break;
		case MXL_CLAIM_OVER:
			KUNIT_FAIL(test, "claim %d is over unasked", i);
			return;
		}
		for (k = 0; k < NR; k++) {
			held += env->c[k]->state == MXL_CLAIM_HELD;
			queued += env->c[k]->state == MXL_CLAIM_QUEUED;
		}
		KUNIT_EXPECT_LE(test, held, 1);
		KUNIT_EXPECT_EQ(test, env->flow->nr_lockers, queued);
		KUNIT_EXPECT_EQ(test, !!env->flow->claim, held);
		KUNIT_EXPECT_EQ(test, env->flow->known, held + queued);
		/* nobody queues for a lock that is free */
		KUNIT_EXPECT_TRUE(test, held || !queued);
		expect_sealed(test, held);
	}
	for (i = 0; i < NR; i++)
		if (env->c[i]->state == MXL_CLAIM_QUEUED)
			cancel(env, i);
	if (env->flow->claim)
		release(env);
	expect_idle(test);
}

static struct kunit_case lock_test_cases[] = {
	KUNIT_CASE(lock_granted_at_once),
	KUNIT_CASE(lock_refused_while_held),
	KUNIT_CASE(lock_not_twice),
	KUNIT_CASE(lock_not_of_the_dead),
	KUNIT_CASE(lock_seals_all_or_none),
	KUNIT_CASE(lock_waits_for_writers),
	KUNIT_CASE(lock_handed_over_sealed),
	KUNIT_CASE(lock_handed_over_unsettled),
	KUNIT_CASE(lock_queue_can_be_left),
	KUNIT_CASE(lock_queue_ends_with_the_flow),
	KUNIT_CASE(lock_ends_with_the_descriptor),
	KUNIT_CASE(lock_ends_with_the_last_mapping),
	KUNIT_CASE(lock_outlives_mappings_while_open),
	KUNIT_CASE(lock_closed_too_early),
	KUNIT_CASE(lock_end_tells_waiters),
	KUNIT_CASE(lock_random),
	{}
};

static struct kunit_suite lock_suite = {
	.name = "mxl_lock",
	.init = lock_init,
	.test_cases = lock_test_cases,
};

kunit_test_suite(lock_suite);

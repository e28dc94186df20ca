// SPDX-License-Identifier: GPL-2.0-only
/*
 * One bug of each kind, on demand
 *
 * A run without complaints proves something only if the detector would have
 * complained. Writing the name of a bug to the parameter "bug" commits it.
 * Every one of them leaves a guest that goes on running.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static DEFINE_MUTEX(lock_a);
static DEFINE_MUTEX(lock_b);
static DEFINE_SPINLOCK(atomic_lock);
static unsigned long raced;
static void *kept;

/* What the compiler cannot see it cannot warn of, nor optimise away. */
static noinline int hidden(int value)
{
	OPTIMIZER_HIDE_VAR(value);
	return value;
}

static int seed_use_after_free(void)
{
	char *p = kzalloc(64, GFP_KERNEL);
	char *stale = p;

	if (!p)
		return -ENOMEM;
	OPTIMIZER_HIDE_VAR(stale);
	kfree(p);
	return READ_ONCE(stale[hidden(8)]) ? 0 : 0;
}

static int seed_out_of_bounds(void)
{
	char *p = kzalloc(60, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(p[hidden(61)], 1);
	kfree(p);
	return 0;
}

static int seed_lock_inversion(void)
{
	mutex_lock(&lock_a);
	mutex_lock(&lock_b);
	mutex_unlock(&lock_b);
	mutex_unlock(&lock_a);

	mutex_lock(&lock_b);
	mutex_lock(&lock_a);
	mutex_unlock(&lock_a);
	mutex_unlock(&lock_b);
	return 0;
}

static int seed_sleep_in_atomic(void)
{
	spin_lock(&atomic_lock);
	might_sleep();
	spin_unlock(&atomic_lock);
	return 0;
}

static int seed_leak(void)
{
	void *p = kzalloc(512, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	/* Or the compiler leaves out what nobody uses. */
	OPTIMIZER_HIDE_VAR(p);
	return 0;
}

static int seed_shift(void)
{
	raced = 1 << hidden(40);
	return 0;
}

static int race(void *unused)
{
	while (!kthread_should_stop()) {
		raced++;
		barrier();
		cond_resched();
	}
	return 0;
}

static int seed_data_race(void)
{
	struct task_struct *racer = kthread_run(race, NULL, "seeded-race");
	unsigned long end = jiffies + 5 * HZ;

	if (IS_ERR(racer))
		return PTR_ERR(racer);
	while (time_before(jiffies, end)) {
		raced++;
		barrier();
		cond_resched();
	}
	return kthread_stop(racer);
}

/* Not a bug: reports the allocation that fault injection lets fail */
static int seed_allocation(void)
{
	kfree(kept);
	kept = kmalloc(100, GFP_KERNEL);
	return kept ? 0 : -ENOMEM;
}

static const struct {
	const char *name;
	int (*commit)(void);
} bugs[] = {
	{ "use-after-free", seed_use_after_free },
	{ "out-of-bounds", seed_out_of_bounds },
	{ "lock-inversion", seed_lock_inversion },
	{ "sleep-in-atomic", seed_sleep_in_atomic },
	{ "leak", seed_leak },
	{ "shift", seed_shift },
	{ "data-race", seed_data_race },
	{ "allocation", seed_allocation },
};

static int set_bug(const char *value, const struct kernel_param *kp)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++)
		if (sysfs_streq(value, bugs[i].name))
			return bugs[i].commit();
	return -EINVAL;
}

static const struct kernel_param_ops bug_ops = { .set = set_bug };
module_param_cb(bug, &bug_ops, NULL, 0200);
MODULE_PARM_DESC(bug, "name of the bug to commit");

static int __init seeded_init(void)
{
	return 0;
}
module_init(seeded_init);

static void __exit seeded_exit(void)
{
	kfree(kept);
}
module_exit(seeded_exit);

MODULE_DESCRIPTION("One bug of each kind, for detectors to find");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The writer lock.
 *
 * Whoever holds it has the flow's files sealed: i_writecount below zero keeps everyone from
 * opening them for writing and from truncating them, and the only way to a writable mapping is
 * this device.
 *
 * A claim is made before it is known whether it will be granted, because open files can not be
 * made under a spinlock, nor by the one who hands the lock over. It is
 *
 *	NEW -> HELD -> OVER		granted at once
 *	NEW -> QUEUED -> HELD -> OVER	granted by the holder's release, or once the files could
 *					be sealed
 *	NEW -> QUEUED -> OVER		given up, or the flow died
 *
 * Functions that end a claim return it, to be freed by mxl_claim_free() after unlocking.
 */

#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/mount.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "mxl_priv.h"
#include "mxl_trace.h"

/* How often a seal is tried while others have files open for writing, in ms */
#define MXL_RETRY_MIN	2U
#define MXL_RETRY_MAX	256U

/* ---- seal -------------------------------------------------------------------------------- */

static void mxl_unseal(struct mxl_flow *flow, u32 n)
{
	while (n--)
		allow_write_access(flow->files[n].file);
}

/* Denies write access to all files or to none; ``data`` first, which all writers have open */
static int mxl_seal(struct mxl_flow *flow)
{
	u32 i;

	lockdep_assert_held(&flow->lock);
	for (i = 0; i < flow->nr_files; i++) {
		if (flow->files[i].file && deny_write_access(flow->files[i].file)) {
			mxl_unseal(flow, i);
			return -ETXTBSY;
		}
	}
	return 0;
}

/* ---- claims ------------------------------------------------------------------------------ */

/**
 * mxl_claim_alloc() - prepare to take the lock
 * @flow: the flow
 * @a: attachment the lock is for
 *
 * Opens the files that the holder's mappings will be of. Nothing is known of the claim yet.
 *
 * Return: the claim of the calling thread, or an ERR_PTR.
 */
struct mxl_claim *mxl_claim_alloc(struct mxl_flow *flow, struct mxl_attachment *a)
{
	struct path path = { .mnt = a->data->f_path.mnt };
	struct mxl_claim *c;
	int ret;
	u32 i;

	ret = mxl_charge(a->user, MXL_RES_PAGES, flow->nr_files);
	if (ret)
		return ERR_PTR(ret);
	c = kvzalloc(struct_size(c, files, flow->nr_files), GFP_KERNEL_ACCOUNT);
	if (!c) {
		mxl_uncharge(a->user, MXL_RES_PAGES, flow->nr_files);
		return ERR_PTR(-ENOMEM);
	}
	c->nr_files = flow->nr_files;
	INIT_LIST_HEAD(&c->node);
	c->state = MXL_CLAIM_NEW;
	c->a = a;
	c->task = current;
	c->owner = current->files;
	c->pid = get_task_pid(current, PIDTYPE_TGID);
	c->mm = current->mm;
	mmgrab(c->mm);

	for (i = 0; i < c->nr_files; i++) {
		struct file *file;

		/* By the caller's mount, where its permission is good */
		path.dentry = flow->files[i].file->f_path.dentry;
		file = dentry_open(&path, O_RDONLY | O_LARGEFILE | O_NOATIME, current_cred());
		if (IS_ERR(file)) {
			mxl_claim_free(c);
			return ERR_CAST(file);
		}
		c->files[i] = file;
	}
	return c;
}

/**
 * mxl_claim_free() - after a claim is over
 * @c: the claim, or NULL
 */
void mxl_claim_free(struct mxl_claim *c)
{
	u32 i;

	if (!c)
		return;
	for (i = 0; i < c->nr_files; i++)
		if (c->files[i])
			fput(c->files[i]);
	mmdrop(c->mm);
	put_pid(c->pid);
	mxl_uncharge(c->a->user, MXL_RES_PAGES, c->nr_files);
	kvfree(c);
}

/* The holder can write from now on, and everyone may know */
static void mxl_claim_announce(struct mxl_flow *flow, struct mxl_claim *c)
{
	struct mxl_control *control = flow->control;

	lockdep_assert_held(&flow->lock);
	c->settled = true;
	WRITE_ONCE(flow->epoch, flow->epoch + 1);
	WRITE_ONCE(control->epoch, flow->epoch);
	WRITE_ONCE(control->outsiders, 1);
	WRITE_ONCE(flow->writer, true);
	WRITE_ONCE(control->writer, MXL_WRITER_HELD);
	/*
	 * The new writer increments syncCounter and wakes the futex after this. A reader that
	 * loads syncCounter, then looks at control->writer, then sleeps can not miss both.
	 */
	smp_mb();
	mxl_notify_armed(flow);
	trace_mxl_lock(flow, flow->epoch, 0);
}

/* Gives the lock, whose files are sealed, to a claim */
static void mxl_claim_grant(struct mxl_flow *flow, struct mxl_claim *c, bool fresh)
{
	lockdep_assert_held(&flow->lock);
	if (c->state == MXL_CLAIM_QUEUED) {
		list_del_init(&c->node);
		flow->nr_lockers--;
	}
	c->state = MXL_CLAIM_HELD;
	c->fresh = fresh;
	flow->claim = c;
	if (!fresh)
		mxl_claim_announce(flow, c);
}

/* Tells the thread that waits for a claim that it waits no more; it may free the claim now */
static void mxl_claim_tell(struct mxl_claim *c)
{
	struct task_struct *task = c->task;

	get_task_struct(task);
	/* pairs with smp_load_acquire() in mxl_sleep() */
	smp_store_release(&c->done, true);
	wake_up_process(task);
	put_task_struct(task);
}

/* Grants the lock to the first in the queue, if nobody holds it and the files can be sealed */
static int mxl_claims_serve(struct mxl_flow *flow)
{
	struct mxl_claim *c;

	lockdep_assert_held(&flow->lock);
	c = list_first_entry_or_null(&flow->lockers, struct mxl_claim, node);
	if (!c)
		return 0;
	if (flow->claim)
		return -EBUSY;
	if (mxl_seal(flow))
		return -ETXTBSY;
	mxl_claim_grant(flow, c, true);
	mxl_claim_tell(c);
	return 0;
}

static void mxl_schedule_retry(struct mxl_flow *flow, unsigned int ms)
{
	lockdep_assert_held(&flow->lock);
	flow->retry_ms = ms;
	if (!flow->dying)
		mod_delayed_work(mxl_wq, &flow->retry, msecs_to_jiffies(ms));
}

/**
 * mxl_lock_retry() - try to seal the files for those who wait
 * @work: mxl_flow.retry
 *
 * No event says that nobody writes any more: the one for a close comes before the open file is
 * gone, and there is a mark on ``data`` only. So this looks again, less and less often.
 */
void mxl_lock_retry(struct work_struct *work)
{
	struct mxl_flow *flow = container_of(to_delayed_work(work), struct mxl_flow, retry);

	spin_lock(&flow->lock);
	if (mxl_claims_serve(flow) == -ETXTBSY)
		mxl_schedule_retry(flow, min(flow->retry_ms * 2, MXL_RETRY_MAX));
	spin_unlock(&flow->lock);
}

/**
 * mxl_lock_retry_soon() - somebody closed ``data`` who could write
 * @flow: the flow, locked
 */
void mxl_lock_retry_soon(struct mxl_flow *flow)
{
	lockdep_assert_held(&flow->lock);
	if (!flow->claim && !list_empty(&flow->lockers))
		mxl_schedule_retry(flow, MXL_RETRY_MIN);
}

/**
 * mxl_claim_try() - take the lock, or the end of the queue
 * @flow: the flow, locked
 * @c: a new claim
 * @queue: wait for the lock if it can not be had
 *
 * Return: 0 if it is held; -EINPROGRESS if it is queued; -EBUSY or -ETXTBSY if it is neither,
 *	-EALREADY or -ENODEV if it never can be.
 */
int mxl_claim_try(struct mxl_flow *flow, struct mxl_claim *c, bool queue)
{
	int ret;

	lockdep_assert_held(&flow->lock);
	if (c->a->claim)
		return -EALREADY;
	if (flow->dead)
		return -ENODEV;

	c->state = MXL_CLAIM_QUEUED;
	list_add_tail(&c->node, &flow->lockers);
	flow->nr_lockers++;
	c->a->claim = c;
	/* The module's open files; counted before anybody looks */
	flow->known++;
	ret = mxl_claims_serve(flow);
	if (c->state == MXL_CLAIM_HELD)
		return 0;
	if (!queue) {
		mxl_claim_cancel(flow, c);
		/* The seal may have been had for somebody who waited longer */
		return ret == -ETXTBSY ? ret : -EBUSY;
	}
	if (ret == -ETXTBSY)
		mxl_schedule_retry(flow, MXL_RETRY_MIN);
	return -EINPROGRESS;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_claim_try);

static void mxl_claim_over(struct mxl_flow *flow, struct mxl_claim *c)
{
	lockdep_assert_held(&flow->lock);
	c->state = MXL_CLAIM_OVER;
	c->a->claim = NULL;
	flow->known--;
}

/**
 * mxl_claim_cancel() - leave the queue
 * @flow: the flow, locked
 * @c: a claim that is queued
 *
 * Return: @c.
 */
struct mxl_claim *mxl_claim_cancel(struct mxl_flow *flow, struct mxl_claim *c)
{
	lockdep_assert_held(&flow->lock);
	list_del_init(&c->node);
	flow->nr_lockers--;
	mxl_claim_over(flow, c);
	return c;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_claim_cancel);

/* Nobody writes any more: whoever waits for data that is not there waits in vain */
static void mxl_writer_gone(struct mxl_flow *flow)
{
	WRITE_ONCE(flow->writer, false);
	WRITE_ONCE(flow->control->writer, MXL_WRITER_NONE);
	WRITE_ONCE(flow->control->outsiders, 1);
	/* pairs with smp_rmb() in mxl_look() */
	smp_wmb();
	mxl_wake_met(flow);
	mxl_wake_all(flow, -EOWNERDEAD);
	mxl_notify_armed(flow);
}

/**
 * mxl_claim_release() - the holder gives up the lock
 * @flow: the flow, locked and held by a claim
 *
 * The files stay sealed if somebody waits for the lock, who gets it.
 *
 * Return: the claim that is over.
 */
struct mxl_claim *mxl_claim_release(struct mxl_flow *flow)
{
	struct mxl_claim *c = flow->claim, *next;

	lockdep_assert_held(&flow->lock);
	trace_mxl_unlock(flow, flow->epoch, 0);
	mxl_flow_account(flow);
	flow->claim = NULL;
	mxl_claim_over(flow, c);

	next = list_first_entry_or_null(&flow->lockers, struct mxl_claim, node);
	if (next) {
		/* What the files are was checked for the claim before, unless that failed */
		mxl_claim_grant(flow, next, !c->settled);
		mxl_wake_met(flow);
		mxl_claim_tell(next);
	} else {
		mxl_unseal(flow, flow->nr_files);
		mxl_writer_gone(flow);
	}
	return c;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_claim_release);

/* The lock ends when the process that took it has neither descriptor nor writable mapping */
static bool mxl_claim_is_forsaken(struct mxl_flow *flow, struct mxl_claim *c)
{
	return flow->claim == c && c->taken && c->closed && !c->writable;
}

/**
 * mxl_claim_closed() - a process closed a descriptor of an attachment
 * @flow: the flow
 * @a: attachment
 * @owner: the process's file table
 *
 * Return: a claim that is over, or NULL.
 */
struct mxl_claim *mxl_claim_closed(struct mxl_flow *flow, struct mxl_attachment *a,
				   fl_owner_t owner)
{
	struct mxl_claim *over = NULL;

	spin_lock(&flow->lock);
	if (a->claim && a->claim->owner == owner) {
		a->claim->closed = true;
		if (mxl_claim_is_forsaken(flow, a->claim))
			over = mxl_claim_release(flow);
	}
	spin_unlock(&flow->lock);
	return over;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_claim_closed);

/**
 * mxl_claim_unmapped() - a writable mapping is gone
 * @flow: the flow
 * @c: the claim it belonged to, which holds the lock
 *
 * Return: a claim that is over, or NULL.
 */
struct mxl_claim *mxl_claim_unmapped(struct mxl_flow *flow, struct mxl_claim *c)
{
	struct mxl_claim *over = NULL;

	spin_lock(&flow->lock);
	c->writable--;
	if (mxl_claim_is_forsaken(flow, c))
		over = mxl_claim_release(flow);
	spin_unlock(&flow->lock);
	return over;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_claim_unmapped);

/**
 * mxl_claims_die() - the flow is dead, nobody needs to wait for its lock
 * @flow: the flow, locked
 */
void mxl_claims_die(struct mxl_flow *flow)
{
	struct mxl_claim *c, *next;

	lockdep_assert_held(&flow->lock);
	list_for_each_entry_safe(c, next, &flow->lockers, node) {
		mxl_claim_cancel(flow, c);
		c->error = -ENODEV;
		mxl_claim_tell(c);
	}
}
EXPORT_SYMBOL_IF_KUNIT(mxl_claims_die);

/* ---- LOCK, UNLOCK ------------------------------------------------------------------------ */

static int mxl_may_lock(struct mxl_flow *flow, struct mxl_attachment *a)
{
	int ret;
	u32 i;

	for (i = 0; i < flow->nr_files; i++) {
		ret = mxl_may_write(a->data->f_path.mnt, flow->files[i].inode);
		if (ret)
			return ret;
	}
	return 0;
}

/* What can be told without opening files: a standby asks again and again */
static int mxl_lock_glance(struct mxl_flow *flow, struct mxl_attachment *a, bool at_once)
{
	int ret = 0;

	spin_lock(&flow->lock);
	if (flow->dead)
		ret = -ENODEV;
	else if (a->claim)
		ret = -EALREADY;
	else if (at_once && flow->claim)
		ret = -EBUSY;
	spin_unlock(&flow->lock);
	return ret;
}

/* Waits for a claim that is queued to be granted: 0 if it was */
static int mxl_claim_wait(struct mxl_flow *flow, struct mxl_claim *c, const struct mxl_deadline *d)
{
	int ret;

	ret = mxl_sleep(d, &c->done);
	spin_lock(&flow->lock);
	if (c->state == MXL_CLAIM_HELD)
		ret = 0;
	else if (c->state == MXL_CLAIM_OVER)
		ret = c->error;
	else
		mxl_claim_cancel(flow, c);
	spin_unlock(&flow->lock);
	return ret;
}

/* The lock is held: see whether the flow can be used, then tell everyone */
static int mxl_claim_settle(struct mxl_flow *flow, struct mxl_claim *c)
{
	int ret = 0;

	if (c->fresh)
		ret = mxl_flow_revalidate(flow);
	spin_lock(&flow->lock);
	if (!ret && flow->dead)
		ret = -ENODEV;
	if (!ret && !c->settled)
		mxl_claim_announce(flow, c);
	/* From here on the claim can end without this call, and has to if it was forsaken */
	c->taken = true;
	if (!ret && mxl_claim_is_forsaken(flow, c))
		ret = -EBADF;
	if (ret)
		mxl_claim_release(flow);
	else
		mxl_await_insiders(flow);
	spin_unlock(&flow->lock);
	return ret;
}

static int mxl_lock_claim(struct mxl_flow *flow, struct mxl_claim *c, const struct mxl_deadline *d)
{
	int ret;

	spin_lock(&flow->lock);
	ret = mxl_claim_try(flow, c, !d->at_once);
	spin_unlock(&flow->lock);
	if (ret == -EINPROGRESS)
		ret = mxl_claim_wait(flow, c, d);
	if (!ret)
		ret = mxl_claim_settle(flow, c);
	return ret;
}

/**
 * mxl_lock() - MXL_IOC_LOCK
 * @call: the call
 *
 * Return: 0 or what the uapi header says.
 */
int mxl_lock(struct mxl_call *call)
{
	struct mxl_lock *arg = &call->lock;
	struct mxl_flow *flow = call->flow;
	struct mxl_deadline d;
	struct mxl_claim *c;
	int ret;

	if (arg->flags & ~MXL_TIME_TAI)
		return -EOPNOTSUPP;
	ret = mxl_may_lock(flow, call->a);
	if (ret)
		return ret;
	mxl_deadline_set(&d, arg->timeout_ns, arg->flags & MXL_TIME_TAI);
	ret = mxl_lock_glance(flow, call->a, d.at_once);
	if (ret)
		goto out;
	c = mxl_claim_alloc(flow, call->a);
	if (IS_ERR(c))
		return PTR_ERR(c);
	ret = mxl_lock_claim(flow, c, &d);
	if (ret)
		mxl_claim_free(c);
out:
	/* Not zero, but used up: that is a time-out */
	if (d.at_once && arg->timeout_ns && (ret == -EBUSY || ret == -ETXTBSY))
		ret = -ETIMEDOUT;
	if (ret)
		trace_mxl_lock(flow, READ_ONCE(flow->epoch), ret);
	/* A call that is restarted finds what remains of its time */
	if (!ret || ret == -ERESTARTSYS) {
		arg->timeout_ns = mxl_deadline_left(&d, arg->timeout_ns);
		/* but is not taken for one that asks without waiting */
		if (ret)
			arg->timeout_ns = max(arg->timeout_ns, 1ULL);
		arg->epoch = READ_ONCE(flow->epoch);
		arg->generation = READ_ONCE(flow->generation);
		rcu_read_lock();
		arg->head = mxl_flow_head(flow);
		rcu_read_unlock();
		call->report = true;
	}
	return ret;
}

/**
 * mxl_unlock() - MXL_IOC_UNLOCK
 * @call: the call
 *
 * Return: 0 or what the uapi header says.
 */
int mxl_unlock(struct mxl_call *call)
{
	struct mxl_flow *flow = call->flow;
	struct mxl_claim *over = NULL;
	int ret = 0;

	if (call->unlock.flags)
		return -EOPNOTSUPP;

	spin_lock(&flow->lock);
	if (!flow->claim || flow->claim->a != call->a || !flow->claim->taken)
		ret = -EPERM;
	else if (flow->claim->writable)
		ret = -EBUSY;
	else
		over = mxl_claim_release(flow);
	spin_unlock(&flow->lock);
	mxl_claim_free(over);
	return ret;
}

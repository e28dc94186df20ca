// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for data: ordered waiters, WAIT, WAIT_MANY, COMMIT and ARM.
 *
 * Waiters of a flow stand in a tree by index, then slices. A commit walks it from its lowest
 * entry to the first that is neither met nor lost, so it costs what it wakes, however many sleep.
 * For a grain the condition is not monotone: the walk goes index by index up to the head, and
 * what is not met at an index the head has passed never will be.
 *
 * The writer makes a call only if somebody waits for what it published:
 *
 *	writer (user space)			waiter (here, in mxl_waiter_add())
 *
 *	publish grain and head			insert the waiter
 *	full fence				lower control->wake
 *	load control->wake			smp_mb()
 *	MXL_IOC_COMMIT if it was reached	load head and grain
 *
 * Either the writer sees the lowered word, or the waiter sees what was published, or both. The
 * word is one aligned 64-bit store, so the writer never combines halves of two values. Raising
 * it needs no barrier: a value that is too low costs a call that wakes nobody.
 */

#include <linux/file.h>
#include <linux/freezer.h>
#include <linux/hrtimer.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "mxl_priv.h"
#include "mxl_trace.h"

/* ---- time-outs --------------------------------------------------------------------------- */

static ktime_t mxl_now(clockid_t clock)
{
	return clock == CLOCK_TAI ? ktime_get_clocktai() : ktime_get();
}

/**
 * mxl_deadline_set() - make a deadline of a call's time-out
 * @d: deadline
 * @timeout_ns: as the uapi header has it
 * @tai: it is an absolute time of CLOCK_TAI, not a duration
 */
void mxl_deadline_set(struct mxl_deadline *d, u64 timeout_ns, bool tai)
{
	/* ktime_t is signed: what is beyond it is its end */
	ktime_t t = min_t(u64, timeout_ns, KTIME_MAX);

	d->clock = tai ? CLOCK_TAI : CLOCK_MONOTONIC;
	d->never = timeout_ns == MXL_TIMEOUT_NONE;
	d->at = tai ? t : ktime_add_safe(ktime_get(), t);
	d->at_once = !d->never && d->at <= mxl_now(d->clock);
}
EXPORT_SYMBOL_IF_KUNIT(mxl_deadline_set);

/**
 * mxl_deadline_left() - what to write back, for the call to be made again
 * @d: deadline
 * @timeout_ns: it was made of
 *
 * Return: what remains of a duration; @timeout_ns for an absolute time, or without end.
 */
u64 mxl_deadline_left(const struct mxl_deadline *d, u64 timeout_ns)
{
	if (d->never || d->clock != CLOCK_MONOTONIC)
		return timeout_ns;
	return max_t(s64, ktime_sub(d->at, ktime_get()), 0);
}
EXPORT_SYMBOL_IF_KUNIT(mxl_deadline_left);

/**
 * mxl_sleep() - sleep until told
 * @d: deadline
 * @done: set with release by whoever wakes the thread
 *
 * Return: 0 if told, however late; -ETIMEDOUT or -ERESTARTSYS.
 */
int mxl_sleep(const struct mxl_deadline *d, const bool *done)
{
	ktime_t at = d->at;
	int ret = d->at_once ? -ETIMEDOUT : 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		/* pairs with smp_store_release() of those who tell; looked at after expiry, too */
		if (smp_load_acquire(done)) {
			ret = 0;
			break;
		}
		if (ret)
			break;
		if (signal_pending(current)) {
			ret = -ERESTARTSYS;
			break;
		}
		if (d->never)
			schedule();
		else if (!schedule_hrtimeout_range_clock(&at, 0, HRTIMER_MODE_ABS, d->clock))
			ret = -ETIMEDOUT;
	}
	__set_current_state(TASK_RUNNING);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_sleep);

/* ---- conditions -------------------------------------------------------------------------- */

static int mxl_judge_samples(const struct mxl_geometry *geo, u64 head, u64 index)
{
	if (index > head)
		return -EINPROGRESS;
	/* Half of the ring can be read; where the range begins is the caller's affair */
	return head - index >= geo->buffer_length / 2 ? -ERANGE : 0;
}

static int mxl_judge_grain(const struct mxl_geometry *geo, u64 head, const struct mxl_grain *grain,
			   u64 index, u32 slices)
{
	u32 need = min(slices, geo->total_slices);

	if (index > head)
		return -EINPROGRESS;
	/* The oldest slot of the ring is the writer's */
	if (head - index >= geo->nr_payloads - 1)
		return -ERANGE;
	if (grain->index != index) {
		if (grain->index > index)
			return -ERANGE;
		return index == head ? -EINPROGRESS : -ENODATA;
	}
	if (grain->flags & MXL_LAYOUT_GRAIN_INVALID)
		return 0;
	/* A fresh flow has head 0 without having a grain */
	if (!head && !need)
		need = 1;
	if (grain->valid_slices >= need)
		return 0;
	return index == head ? -EINPROGRESS : -ENODATA;
}

/**
 * mxl_judge() - a condition against what is published
 * @geo: geometry of the flow
 * @head: head index
 * @grain: header in the slot of @index, read after @head; not used for continuous flows
 * @index: waited for
 * @slices: waited for
 *
 * Return: 0 met, -EINPROGRESS not yet, -ERANGE overwritten, -ENODATA passed while incomplete.
 */
int mxl_judge(const struct mxl_geometry *geo, u64 head, const struct mxl_grain *grain, u64 index,
	      u32 slices)
{
	if (geo->kind == MXL_KIND_CONTINUOUS)
		return mxl_judge_samples(geo, head, index);
	return mxl_judge_grain(geo, head, grain, index, slices);
}
EXPORT_SYMBOL_IF_KUNIT(mxl_judge);

static int mxl_judge_flow(struct mxl_flow *flow, u64 head, u64 index, u32 slices)
{
	struct mxl_grain grain = {};
	int ret;

	if (flow->geo.kind == MXL_KIND_DISCRETE && index <= head)
		mxl_flow_grain(flow, index, &grain);
	ret = mxl_judge(&flow->geo, head, &grain, index, slices);
	/*
	 * Before a slot gets its new index the writer takes the slices away. The head, seen again
	 * after them, tells that from a grain that was left incomplete.
	 */
	if (unlikely(ret == -ENODATA))
		ret = mxl_judge(&flow->geo, mxl_flow_head(flow), &grain, index, slices);
	return ret;
}

/* mxl_condition(), for callers whose pages stay: see mxl_page_of() */
static int mxl_look(struct mxl_flow *flow, u64 index, u32 slices, u64 generation)
{
	int ret;

	if (READ_ONCE(flow->generation) != generation)
		return -ESTALE;
	ret = mxl_judge_flow(flow, mxl_flow_head(flow), index, slices);
	if (ret != -EINPROGRESS)
		return ret;
	if (!READ_ONCE(flow->dead) && READ_ONCE(flow->writer))
		return -EINPROGRESS;
	/*
	 * What the writer published before it went counts. The flags were set with the flow
	 * locked, after the writer's last store; see them before looking again.
	 */
	smp_rmb();
	ret = mxl_judge_flow(flow, mxl_flow_head(flow), index, slices);
	if (ret != -EINPROGRESS)
		return ret;
	return READ_ONCE(flow->dead) ? -ENODEV : -EOWNERDEAD;
}

/**
 * mxl_condition() - how a wait would end if it did not sleep
 * @flow: the flow
 * @index: waited for
 * @slices: waited for
 * @generation: @index belongs to
 *
 * Return: 0, the error it would end with, or -EINPROGRESS if it would sleep.
 */
int mxl_condition(struct mxl_flow *flow, u64 index, u32 slices, u64 generation)
{
	int ret;

	rcu_read_lock();
	ret = mxl_look(flow, index, slices, generation);
	rcu_read_unlock();
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_condition);

/* ---- waiters ----------------------------------------------------------------------------- */

static bool mxl_waiter_less(struct rb_node *a, const struct rb_node *b)
{
	const struct mxl_waiter *wa = rb_entry(a, struct mxl_waiter, node);
	const struct mxl_waiter *wb = rb_entry(b, struct mxl_waiter, node);

	if (wa->index != wb->index)
		return wa->index < wb->index;
	return wa->slices < wb->slices;
}

/**
 * mxl_waiter_init() - prepare a condition
 * @w: waiter
 * @flow: the flow it will wait for
 * @index: to wait for
 * @slices: to wait for
 * @generation: @index belongs to, or MXL_GENERATION_ANY
 */
void mxl_waiter_init(struct mxl_waiter *w, struct mxl_flow *flow, u64 index, u32 slices,
		     u64 generation)
{
	memset(w, 0, sizeof(*w));
	w->index = index;
	w->slices = min(slices, flow->geo.total_slices);
	w->generation = generation == MXL_GENERATION_ANY ? READ_ONCE(flow->generation) : generation;
	w->result = -EINPROGRESS;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_waiter_init);

/**
 * mxl_publish_wake() - tell the writer who is the lowest that waits
 * @flow: the flow, locked
 */
void mxl_publish_wake(struct mxl_flow *flow)
{
	struct rb_node *first = rb_first_cached(&flow->waiters);
	u64 wake = MXL_WAKE_NONE;

	lockdep_assert_held(&flow->lock);
	if (flow->nr_wide) {
		wake = 0;
	} else if (first) {
		struct mxl_waiter *w = rb_entry(first, struct mxl_waiter, node);

		wake = mxl_wake_position(flow->geo.kind, w->index, w->slices);
	}
	if (flow->control->wake != wake)
		WRITE_ONCE(flow->control->wake, wake);
}

static bool mxl_waiter_is_wide(struct mxl_flow *flow, struct mxl_waiter *w)
{
	return mxl_wake_position(flow->geo.kind, w->index, w->slices) == MXL_WAKE_NONE;
}

static void mxl_waiter_insert(struct mxl_flow *flow, struct mxl_waiter *w)
{
	rb_add_cached(&w->node, &flow->waiters, mxl_waiter_less);
	w->queued = true;
	flow->nr_waiters++;
	flow->nr_wide += mxl_waiter_is_wide(flow, w);
}

static void mxl_waiter_remove(struct mxl_flow *flow, struct mxl_waiter *w)
{
	rb_erase_cached(&w->node, &flow->waiters);
	w->queued = false;
	flow->nr_waiters--;
	flow->nr_wide -= mxl_waiter_is_wide(flow, w);
}

/**
 * mxl_waiter_add() - enter the queue, unless it is over at once
 * @flow: the flow, locked
 * @w: waiter
 *
 * Return: -EINPROGRESS if it is queued, else how it ended.
 */
int mxl_waiter_add(struct mxl_flow *flow, struct mxl_waiter *w)
{
	lockdep_assert_held(&flow->lock);
	mxl_waiter_insert(flow, w);
	mxl_publish_wake(flow);
	/* pairs with the writer's fence between publishing and loading control->wake */
	smp_mb();
	w->result = mxl_condition(flow, w->index, w->slices, w->generation);
	/* A descriptor may be armed for what a later writer brings */
	if (w->armed && (w->result == -EOWNERDEAD || w->result == -ENODEV))
		w->result = -EINPROGRESS;
	if (w->result != -EINPROGRESS) {
		mxl_waiter_remove(flow, w);
		mxl_publish_wake(flow);
	}
	return w->result;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_waiter_add);

/**
 * mxl_waiter_del() - leave the queue
 * @flow: the flow, locked
 * @w: waiter, which may have left it already
 */
void mxl_waiter_del(struct mxl_flow *flow, struct mxl_waiter *w)
{
	lockdep_assert_held(&flow->lock);
	if (!w->queued)
		return;
	mxl_waiter_remove(flow, w);
	mxl_publish_wake(flow);
}
EXPORT_SYMBOL_IF_KUNIT(mxl_waiter_del);

/* Whether the sleeper was woken: it may have more to wait for */
static bool mxl_sleeper_tell(struct mxl_sleeper *s, int result)
{
	struct task_struct *task = s->task;

	if (!result && !s->any && !atomic_dec_and_test(&s->remaining))
		return false;
	/*
	 * With the store the sleeper may return, and its stack with it. The task is freed a grace
	 * period after it ended, and there is none while the flow is locked. The store pairs with
	 * smp_load_acquire() in mxl_sleep().
	 */
	smp_store_release(&s->done, true);
	wake_up_process(task);
	return true;
}

/* Counted where a wait's result is told, which may be without having been queued */
static void mxl_count_overrun(struct mxl_flow *flow, int result)
{
	if (result == -ERANGE)
		atomic64_inc(&flow->overruns);
}

static void mxl_fire(struct mxl_attachment *a, u32 events)
{
	WRITE_ONCE(a->fired, a->fired | events);
	wake_up_interruptible_poll(&a->wq, EPOLLIN | EPOLLRDNORM);
}

/* Ends a waiter, which may be gone when this returns; whether somebody was woken */
static bool mxl_waiter_end(struct mxl_flow *flow, struct mxl_waiter *w, int result)
{
	mxl_waiter_remove(flow, w);
	w->result = result;
	if (w->armed) {
		mxl_count_overrun(flow, result);
		mxl_fire(w->armed, MXL_EVENT_DATA);
		return true;
	}
	return w->sleeper && mxl_sleeper_tell(w->sleeper, result);
}

/**
 * mxl_wake_met() - end all waiters that what is published decides
 * @flow: the flow, locked
 *
 * Return: how many threads and descriptors were woken.
 */
unsigned int mxl_wake_met(struct mxl_flow *flow)
{
	u64 head = mxl_flow_head(flow);
	unsigned int woken = 0;
	struct rb_node *node;

	lockdep_assert_held(&flow->lock);
	while ((node = rb_first_cached(&flow->waiters))) {
		struct mxl_waiter *w = rb_entry(node, struct mxl_waiter, node);
		int result = mxl_judge_flow(flow, head, w->index, w->slices);

		/* Those behind want more slices of the head's grain, or are ahead of it */
		if (result == -EINPROGRESS)
			break;
		woken += mxl_waiter_end(flow, w, result);
	}
	mxl_publish_wake(flow);
	return woken;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_wake_met);

/**
 * mxl_wake_all() - end all waiters, with one result
 * @flow: the flow, locked
 * @result: -ENODEV, -EOWNERDEAD or -ESTALE; armed descriptors know only the last of them
 *
 * Data that is there comes first: the caller has called mxl_wake_met(), where that is so.
 *
 * Return: how many threads and descriptors were woken.
 */
unsigned int mxl_wake_all(struct mxl_flow *flow, int result)
{
	struct rb_node *node, *next;
	unsigned int woken = 0;

	lockdep_assert_held(&flow->lock);
	for (node = rb_first_cached(&flow->waiters); node; node = next) {
		struct mxl_waiter *w = rb_entry(node, struct mxl_waiter, node);

		next = rb_next(node);
		if (!w->armed || result == -ESTALE)
			woken += mxl_waiter_end(flow, w, result);
	}
	mxl_publish_wake(flow);
	return woken;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_wake_all);

/* ---- WAIT -------------------------------------------------------------------------------- */

/* The last resort before a sleep: costs CPU time, saves two context switches */
static int mxl_spin(struct mxl_flow *flow, const struct mxl_waiter *w)
{
	u64 spin_ns = READ_ONCE(mxl_tunables.spin_ns);
	int ret = -EINPROGRESS;
	u64 end;

	if (!spin_ns)
		return ret;
	end = ktime_get_ns() + spin_ns;
	do {
		cpu_relax();
		ret = mxl_condition(flow, w->index, w->slices, w->generation);
	} while (ret == -EINPROGRESS && ktime_get_ns() < end && !need_resched() &&
		 !signal_pending(current));
	return ret;
}

static int mxl_wait_sleep(struct mxl_flow *flow, struct mxl_waiter *w, const struct mxl_deadline *d)
{
	struct mxl_sleeper sleeper = { .task = current, .remaining = ATOMIC_INIT(1) };
	int ret;

	w->sleeper = &sleeper;
	trace_mxl_wait_begin(flow, w->index, w->slices);
	spin_lock(&flow->lock);
	ret = mxl_waiter_add(flow, w);
	spin_unlock(&flow->lock);
	if (ret != -EINPROGRESS)
		goto out;

	ret = mxl_sleep(d, &sleeper.done);
	if (!ret) {
		/* Whoever told has taken it out of the queue before */
		ret = w->result;
		goto out;
	}
	spin_lock(&flow->lock);
	mxl_waiter_del(flow, w);
	/* Told meanwhile; or data came that its writer did not signal */
	if (w->result == -EINPROGRESS)
		w->result = mxl_condition(flow, w->index, w->slices, w->generation);
	if (w->result != -EINPROGRESS)
		ret = w->result;
	spin_unlock(&flow->lock);
out:
	trace_mxl_wait_end(flow, w->index, w->slices, ret);
	return ret;
}

static int mxl_wait_for(struct mxl_call *call, struct mxl_waiter *w, const struct mxl_deadline *d)
{
	struct mxl_flow *flow = call->flow;
	int ret;

	ret = mxl_condition(flow, w->index, w->slices, w->generation);
	if (ret != -EINPROGRESS)
		return ret;
	if (d->at_once)
		return -ETIMEDOUT;
	ret = mxl_spin(flow, w);
	if (ret != -EINPROGRESS)
		return ret;

	ret = mxl_charge(call->a->user, MXL_RES_WAITERS, 1);
	if (ret)
		return ret;
	ret = mxl_wait_sleep(flow, w, d);
	mxl_uncharge(call->a->user, MXL_RES_WAITERS, 1);
	return ret;
}

/* Slices of the grain at an index, for the caller's information */
static u32 mxl_valid_slices(struct mxl_flow *flow, u64 index)
{
	struct mxl_grain grain;

	if (flow->geo.kind != MXL_KIND_DISCRETE)
		return 0;
	mxl_flow_grain(flow, index, &grain);
	return grain.index == index ? grain.valid_slices : 0;
}

static bool mxl_slices_ok(struct mxl_flow *flow, u32 slices)
{
	return slices <= (flow->geo.kind == MXL_KIND_DISCRETE ? MXL_SLICES_ALL : 0);
}

/**
 * mxl_wait() - MXL_IOC_WAIT
 * @call: the call
 *
 * Return: 0 or what the uapi header says.
 */
int mxl_wait(struct mxl_call *call)
{
	struct mxl_wait *arg = &call->wait;
	struct mxl_flow *flow = call->flow;
	struct mxl_deadline d;
	struct mxl_waiter w;
	int ret;

	if (arg->flags & ~MXL_TIME_TAI)
		return -EOPNOTSUPP;
	if (!mxl_slices_ok(flow, arg->slices))
		return -EINVAL;

	mxl_deadline_set(&d, arg->timeout_ns, arg->flags & MXL_TIME_TAI);
	mxl_waiter_init(&w, flow, arg->index, arg->slices, arg->generation);
	ret = mxl_wait_for(call, &w, &d);
	if (ret == -EDQUOT || ret == -ENOSPC)
		return ret;
	mxl_count_overrun(flow, ret);

	arg->timeout_ns = mxl_deadline_left(&d, arg->timeout_ns);
	rcu_read_lock();
	arg->head = mxl_flow_head(flow);
	arg->valid_slices = mxl_valid_slices(flow, arg->index);
	rcu_read_unlock();
	/* A call that is restarted has to wait for the generation it began with */
	arg->generation = ret == -ERESTARTSYS ? w.generation : READ_ONCE(flow->generation);
	arg->epoch = READ_ONCE(flow->epoch);
	call->report = true;
	return ret;
}

/* ---- WAIT_MANY --------------------------------------------------------------------------- */

/* One item of the call in progress */
struct mxl_many {
	struct file *file;
	struct mxl_flow *flow;
	struct mxl_waiter w;
	struct mxl_wait_item item;
};

/* Copies the items in, each of the size the caller knows */
static int mxl_many_copy_in(struct mxl_many *many, const struct mxl_wait_many *arg)
{
	u32 i;
	int ret;

	for (i = 0; i < arg->nr_items; i++) {
		void __user *from = u64_to_user_ptr(arg->items) + (u64)i * arg->item_size;

		ret = copy_struct_from_user(&many[i].item, sizeof(many[i].item), from,
					    arg->item_size);
		if (ret)
			return ret;
	}
	return 0;
}

static int mxl_many_copy_out(struct mxl_many *many, const struct mxl_wait_many *arg)
{
	u32 size = min_t(u32, arg->item_size, sizeof(many->item));
	u32 i;

	for (i = 0; i < arg->nr_items; i++) {
		void __user *to = u64_to_user_ptr(arg->items) + (u64)i * arg->item_size;

		if (copy_to_user(to, &many[i].item, size))
			return -EFAULT;
	}
	return 0;
}

static int mxl_many_resolve(struct mxl_many *m, struct mxl_sleeper *sleeper)
{
	m->file = fget(m->item.fd);
	if (!m->file)
		return -EBADF;
	if (m->file->f_op != &mxl_fops)
		return -ENOTTY;
	m->flow = mxl_attached_flow(m->file->private_data);
	if (!m->flow)
		return -ENOTCONN;
	if (!mxl_slices_ok(m->flow, m->item.slices))
		return -EINVAL;
	mxl_waiter_init(&m->w, m->flow, m->item.index, m->item.slices, m->item.generation);
	m->w.sleeper = sleeper;
	return 0;
}

/* Where the call stands: over with 0 or an error, or -EINPROGRESS; and by which item */
static int mxl_many_verdict(struct mxl_many *many, u32 n, bool any, u32 *ret_which)
{
	u32 i, failed = n, met = n, nr_met = 0;

	for (i = 0; i < n; i++) {
		int result = many[i].w.result;

		if (!result) {
			nr_met++;
			met = min(met, i);
		} else if (result != -EINPROGRESS) {
			failed = min(failed, i);
		}
	}
	if (any && nr_met) {
		*ret_which = met;
		return 0;
	}
	*ret_which = failed;
	if (failed < n)
		return many[failed].w.result;
	return nr_met == n ? 0 : -EINPROGRESS;
}

static void mxl_many_look(struct mxl_many *many, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		struct mxl_waiter *w = &many[i].w;

		if (w->result == -EINPROGRESS)
			w->result = mxl_condition(many[i].flow, w->index, w->slices,
						  w->generation);
	}
}

/* Queues what is not decided yet, until the call is decided */
static void mxl_many_queue(struct mxl_many *many, u32 n, struct mxl_sleeper *sleeper)
{
	u32 i;
	int ret;

	for (i = 0; i < n && !READ_ONCE(sleeper->done); i++) {
		if (many[i].w.result != -EINPROGRESS)
			continue;
		trace_mxl_wait_begin(many[i].flow, many[i].w.index, many[i].w.slices);
		spin_lock(&many[i].flow->lock);
		ret = mxl_waiter_add(many[i].flow, &many[i].w);
		spin_unlock(&many[i].flow->lock);
		if (ret == -EINPROGRESS)
			continue;
		/* Decided without anybody telling: count it as they do */
		if (ret || sleeper->any || atomic_dec_and_test(&sleeper->remaining))
			WRITE_ONCE(sleeper->done, true);
	}
}

static void mxl_many_dequeue(struct mxl_many *many, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		spin_lock(&many[i].flow->lock);
		mxl_waiter_del(many[i].flow, &many[i].w);
		spin_unlock(&many[i].flow->lock);
	}
}

static int mxl_many_sleep(struct mxl_many *many, u32 n, const struct mxl_deadline *d,
			  struct mxl_sleeper *sleeper)
{
	int open = 0, ret;
	u32 i;

	for (i = 0; i < n; i++)
		open += many[i].w.result == -EINPROGRESS;
	atomic_set(&sleeper->remaining, open);

	mxl_many_queue(many, n, sleeper);
	ret = mxl_sleep(d, &sleeper->done);
	mxl_many_dequeue(many, n);
	mxl_many_look(many, n);
	for (i = 0; i < n; i++)
		trace_mxl_wait_end(many[i].flow, many[i].w.index, many[i].w.slices,
				   many[i].w.result);
	return ret;
}

static void mxl_many_uncharge(struct mxl_many *many, u32 n)
{
	while (n--) {
		struct mxl_attachment *a = many[n].file->private_data;

		mxl_uncharge(a->user, MXL_RES_WAITERS, 1);
	}
}

/* Each condition is a waiter of the user whose attachment it is on */
static int mxl_many_charge(struct mxl_many *many, u32 n)
{
	int ret;
	u32 i;

	for (i = 0; i < n; i++) {
		struct mxl_attachment *a = many[i].file->private_data;

		ret = mxl_charge(a->user, MXL_RES_WAITERS, 1);
		if (ret) {
			mxl_many_uncharge(many, i);
			return ret;
		}
	}
	return 0;
}

static int mxl_many_wait(struct mxl_many *many, struct mxl_wait_many *arg, bool *ret_report)
{
	struct mxl_sleeper sleeper = { .task = current, .any = arg->flags & MXL_WAIT_ANY };
	u32 i, n = arg->nr_items;
	struct mxl_deadline d;
	int ret, slept = 0;

	for (i = 0; i < n; i++) {
		ret = mxl_many_resolve(&many[i], &sleeper);
		if (ret)
			return ret;
	}
	mxl_deadline_set(&d, arg->timeout_ns, arg->flags & MXL_TIME_TAI);
	mxl_many_look(many, n);
	ret = mxl_many_verdict(many, n, sleeper.any, &arg->which);
	if (ret == -EINPROGRESS && d.at_once) {
		ret = -ETIMEDOUT;
	} else if (ret == -EINPROGRESS) {
		ret = mxl_many_charge(many, n);
		if (ret)
			return ret;
		slept = mxl_many_sleep(many, n, &d, &sleeper);
		mxl_many_uncharge(many, n);
		ret = mxl_many_verdict(many, n, sleeper.any, &arg->which);
		if (ret == -EINPROGRESS)
			ret = slept;
	}

	arg->timeout_ns = mxl_deadline_left(&d, arg->timeout_ns);
	for (i = 0; i < n; i++) {
		struct mxl_wait_item *item = &many[i].item;
		struct mxl_flow *flow = many[i].flow;

		mxl_count_overrun(flow, many[i].w.result);
		item->result = -many[i].w.result;
		rcu_read_lock();
		item->head = mxl_flow_head(flow);
		item->valid_slices = mxl_valid_slices(flow, item->index);
		rcu_read_unlock();
		item->generation = ret == -ERESTARTSYS ? many[i].w.generation :
							 READ_ONCE(flow->generation);
	}
	*ret_report = true;
	return ret;
}

/**
 * mxl_wait_many() - MXL_IOC_WAIT_MANY
 * @call: the call
 *
 * Return: 0 or what the uapi header says.
 */
int mxl_wait_many(struct mxl_call *call)
{
	struct mxl_wait_many *arg = &call->wait_many;
	struct mxl_many *many;
	u32 i;
	int ret;

	if (arg->flags & ~(MXL_TIME_TAI | MXL_WAIT_ANY))
		return -EOPNOTSUPP;
	if (arg->pad || !arg->nr_items ||
	    arg->nr_items > READ_ONCE(mxl_tunables.max_wait_many) ||
	    arg->item_size < offsetofend(struct mxl_wait_item, head))
		return -EINVAL;
	if (arg->item_size > PAGE_SIZE)
		return -E2BIG;

	many = kvcalloc(arg->nr_items, sizeof(*many), GFP_KERNEL_ACCOUNT);
	if (!many)
		return -ENOMEM;
	ret = mxl_many_copy_in(many, arg);
	if (!ret)
		ret = mxl_many_wait(many, arg, &call->report);
	if (call->report && mxl_many_copy_out(many, arg)) {
		call->report = false;
		ret = -EFAULT;
	}
	for (i = 0; i < arg->nr_items; i++)
		if (many[i].file)
			fput(many[i].file);
	kvfree(many);
	return ret;
}

/* ---- COMMIT ------------------------------------------------------------------------------ */

static unsigned int mxl_new_generation(struct mxl_flow *flow)
{
	unsigned int woken;

	lockdep_assert_held(&flow->lock);
	WRITE_ONCE(flow->generation, flow->generation + 1);
	WRITE_ONCE(flow->control->generation, flow->generation);
	/* Not even data that seems to be there ends them well: it is not what they waited for */
	woken = mxl_wake_all(flow, -ESTALE);
	mxl_notify_armed(flow);
	return woken;
}

/**
 * mxl_commit() - MXL_IOC_COMMIT
 * @call: the call
 *
 * Return: 0 or what the uapi header says.
 */
int mxl_commit(struct mxl_call *call)
{
	struct mxl_commit *arg = &call->commit;
	struct mxl_flow *flow = call->flow;
	unsigned int woken = 0;
	int ret = 0;

	if (arg->flags & ~MXL_COMMIT_NEW_GENERATION)
		return -EOPNOTSUPP;
	if (arg->pad)
		return -EINVAL;

	spin_lock(&flow->lock);
	if (!flow->writer || flow->claim->a != call->a) {
		ret = -EPERM;
	} else if (flow->dead) {
		ret = -ENODEV;
	} else {
		if (arg->flags & MXL_COMMIT_NEW_GENERATION)
			woken = mxl_new_generation(flow);
		woken += mxl_wake_met(flow);
		flow->commit_calls++;
		flow->wakes += woken;
		mxl_flow_account(flow);
		mxl_check_outsiders(flow);
		trace_mxl_commit(flow, flow->generation, woken, flow->nr_waiters);
	}
	arg->woken = woken;
	arg->generation = flow->generation;
	spin_unlock(&flow->lock);
	return ret;
}

/* ---- ARM --------------------------------------------------------------------------------- */

/* Events other than data that are true for what an attachment armed */
static u32 mxl_true_events(struct mxl_flow *flow, struct mxl_attachment *a)
{
	bool other_epoch = a->arm_epoch != MXL_EPOCH_ANY && flow->epoch != a->arm_epoch;
	u32 events = 0;

	if (flow->writer && (other_epoch || a->arm_epoch == MXL_EPOCH_ANY))
		events |= MXL_EVENT_WRITER_CAME;
	if (!flow->writer || other_epoch)
		events |= MXL_EVENT_WRITER_GONE;
	if (flow->generation != a->arm_generation)
		events |= MXL_EVENT_GENERATION;
	return events & a->arm_events;
}

/**
 * mxl_notify_armed() - writer or generation changed
 * @flow: the flow, locked
 */
void mxl_notify_armed(struct mxl_flow *flow)
{
	struct mxl_attachment *a;

	lockdep_assert_held(&flow->lock);
	list_for_each_entry(a, &flow->attachments, node) {
		u32 events = mxl_true_events(flow, a);

		if (events & ~a->fired)
			mxl_fire(a, events);
	}
}

/**
 * mxl_disarm() - forget what an attachment armed, and what came of it
 * @flow: its flow, locked
 * @a: attachment
 */
void mxl_disarm(struct mxl_flow *flow, struct mxl_attachment *a)
{
	lockdep_assert_held(&flow->lock);
	if (a->arm_events & MXL_EVENT_DATA) {
		mxl_waiter_del(flow, &a->arm);
		mxl_uncharge(a->user, MXL_RES_WAITERS, 1);
	}
	a->arm_events = 0;
	WRITE_ONCE(a->fired, a->fired & MXL_EVENT_DEAD);
}

/* The last one armed wins; what is true already is told at once */
static int mxl_rearm(struct mxl_flow *flow, struct mxl_attachment *a, struct mxl_arm *arg)
{
	u32 events;
	int ret;

	lockdep_assert_held(&flow->lock);
	/* Another condition in place of the last is not one more */
	if (arg->events & ~a->arm_events & MXL_EVENT_DATA) {
		ret = mxl_charge(a->user, MXL_RES_WAITERS, 1);
		if (ret)
			return ret;
	} else if (a->arm_events & arg->events & MXL_EVENT_DATA) {
		mxl_waiter_del(flow, &a->arm);
		a->arm_events &= ~MXL_EVENT_DATA;
	}
	mxl_disarm(flow, a);
	a->arm_events = arg->events;
	a->arm_epoch = arg->epoch;
	a->arm_generation = arg->generation == MXL_GENERATION_ANY ? flow->generation :
								    arg->generation;
	events = mxl_true_events(flow, a);
	if (arg->events & MXL_EVENT_DATA) {
		mxl_waiter_init(&a->arm, flow, arg->index, arg->slices, a->arm_generation);
		a->arm.armed = a;
		if (mxl_waiter_add(flow, &a->arm) != -EINPROGRESS)
			events |= MXL_EVENT_DATA;
	}
	if (events)
		mxl_fire(a, events);
	arg->fired = a->fired;
	return 0;
}

/**
 * mxl_arm() - MXL_IOC_ARM
 * @call: the call
 *
 * Return: 0 or what the uapi header says.
 */
int mxl_arm(struct mxl_call *call)
{
	struct mxl_arm *arg = &call->arm;
	struct mxl_flow *flow = call->flow;
	int ret;

	if (arg->events & ~(MXL_EVENT_DATA | MXL_EVENT_WRITER_CAME | MXL_EVENT_WRITER_GONE |
			    MXL_EVENT_GENERATION))
		return -EOPNOTSUPP;
	if (!mxl_slices_ok(flow, arg->slices))
		return -EINVAL;
	spin_lock(&flow->lock);
	ret = mxl_rearm(flow, call->a, arg);
	spin_unlock(&flow->lock);
	return ret;
}

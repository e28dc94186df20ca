// SPDX-License-Identifier: GPL-2.0-only
/*
 * Outsiders: those who use a flow's ``data`` without being attached, and sleep on its futex.
 *
 * A module can not wake futexes, so the writer has to, and would like to know when it need not.
 * control->outsiders may be 0 only while there provably is none. Whoever can sleep on the futex
 * has ``data`` mapped, a mapping holds an open file, and an open file holds a reference to the
 * dentry. So if there is one dentry, and its references are all accounted for, nobody is there.
 *
 * An open takes its reference first, then the event for it comes here, and only then can the
 * opener do anything. The event handler and the check exclude each other by the flow's lock:
 *
 *	opener				check, locked
 *
 *	reference to the dentry		count references
 *	event: lock			store 0 if all are known
 *		store 1
 *	       unlock
 *	loads syncCounter, sleeps
 *
 * If the check comes before the event, the 1 is stored after the 0 and before the opener goes on;
 * if it comes after it, it counts the opener's reference. The writer increments syncCounter,
 * issues a full fence and loads control->outsiders; the opener (whose store of 1 is followed by
 * a full barrier) has its syncCounter compared by the futex call. So either the writer sees the
 * 1, or the opener does not sleep.
 *
 * Nothing is told when an O_PATH descriptor is closed or a link to another name of the file is
 * dropped by the dentry cache, so a check that failed is repeated, less and less often.
 */

#include <linux/dcache.h>
#include <linux/fsnotify_backend.h>
#include <linux/sched.h>

#include "mxl_priv.h"

/* Time from an event to the check it causes, and between repeated checks, in ms */
#define MXL_RECHECK_MIN	10U
#define MXL_RECHECK_MAX	10000U

static struct fsnotify_group *mxl_group;

/**
 * mxl_proves_absence() - is everyone who uses ``data`` known?
 * @dentry_refs: references to its dentry
 * @known: open files that are the module's own or an attachment's
 * @nlink: links of the inode
 * @one_alias: there is only this dentry
 *
 * Return: true if there is no reference but those known, and the one tmpfs keeps by itself.
 */
bool mxl_proves_absence(unsigned int dentry_refs, unsigned int known, unsigned int nlink,
			bool one_alias)
{
	return nlink == 1 && one_alias && dentry_refs == known + 1;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_proves_absence);

static void mxl_schedule_recheck(struct mxl_flow *flow, unsigned int ms)
{
	lockdep_assert_held(&flow->lock);
	flow->recheck_ms = ms;
	/* The word means something only while somebody is there to read it */
	if (!flow->dying && flow->claim)
		mod_delayed_work(mxl_wq, &flow->recheck, msecs_to_jiffies(ms));
}

/**
 * mxl_suspect_outsiders() - somebody may be there from now on
 * @flow: the flow
 */
void mxl_suspect_outsiders(struct mxl_flow *flow)
{
	spin_lock(&flow->lock);
	WRITE_ONCE(flow->control->outsiders, 1);
	/* pairs with the writer's fence between syncCounter and loading control->outsiders */
	smp_mb();
	mxl_schedule_recheck(flow, MXL_RECHECK_MIN);
	spin_unlock(&flow->lock);
}

static bool mxl_is_alone(struct mxl_flow *flow)
{
	struct mxl_flow_file *data = &flow->files[0];

	/* The count changes at any time; what a change after this look means is said above */
	return mxl_proves_absence(READ_ONCE(data->file->f_path.dentry->d_lockref.count),
				  flow->known, READ_ONCE(data->inode->i_nlink),
				  mxl_inode_has_one_name(data->inode));
}

/**
 * mxl_check_outsiders() - clear the word if that can be done
 * @flow: the flow, locked
 */
void mxl_check_outsiders(struct mxl_flow *flow)
{
	lockdep_assert_held(&flow->lock);
	if (!flow->control->outsiders || !flow->writer || !mxl_is_alone(flow))
		return;
	WRITE_ONCE(flow->control->outsiders, 0);
	/*
	 * An open that raised no event (none is known) and took its reference before the store
	 * is seen now; one that comes later finds the 0 and is told of by its event.
	 */
	smp_mb();
	if (!mxl_is_alone(flow))
		WRITE_ONCE(flow->control->outsiders, 1);
}

/**
 * mxl_await_insiders() - clear the word now, or as soon as outsiders have gone
 * @flow: the flow, locked
 */
void mxl_await_insiders(struct mxl_flow *flow)
{
	mxl_check_outsiders(flow);
	if (flow->control->outsiders)
		mxl_schedule_recheck(flow, MXL_RECHECK_MIN);
}

/**
 * mxl_outsider_recheck() - look again
 * @work: mxl_flow.recheck
 */
void mxl_outsider_recheck(struct work_struct *work)
{
	struct mxl_flow *flow = container_of(to_delayed_work(work), struct mxl_flow, recheck);

	spin_lock(&flow->lock);
	mxl_check_outsiders(flow);
	if (flow->control->outsiders)
		mxl_schedule_recheck(flow, min(flow->recheck_ms * 2, MXL_RECHECK_MAX));
	spin_unlock(&flow->lock);
}

static int mxl_handle_event(struct fsnotify_mark *mark, u32 mask, struct inode *inode,
			    struct inode *dir, const struct qstr *name, u32 cookie)
{
	struct mxl_flow *flow = container_of(mark, struct mxl_flow, mark);

	if (mask & (FS_OPEN | FS_ATTRIB))
		mxl_suspect_outsiders(flow);
	if (mask & (FS_CLOSE_WRITE | FS_CLOSE_NOWRITE)) {
		spin_lock(&flow->lock);
		if (mask & FS_CLOSE_WRITE)
			mxl_lock_retry_soon(flow);
		if (flow->control->outsiders)
			mxl_schedule_recheck(flow, MXL_RECHECK_MIN);
		spin_unlock(&flow->lock);
	}
	if (mask & FS_ATTRIB && mxl_inode_is_gone(inode))
		mxl_flow_die(flow);
	return 0;
}

static void mxl_free_mark(struct fsnotify_mark *mark)
{
	mxl_flow_put(container_of(mark, struct mxl_flow, mark));
}

static const struct fsnotify_ops mxl_fsnotify_ops = {
	.handle_inode_event = mxl_handle_event,
	.free_mark = mxl_free_mark,
};

/**
 * mxl_watch() - be told who opens and deletes ``data``
 * @flow: the flow
 *
 * Return: 0 or an error of fsnotify.
 */
int mxl_watch(struct mxl_flow *flow)
{
	int ret;

	/* Handlers may run until the mark is freed, which is long after it is destroyed */
	refcount_inc(&flow->refs);
	fsnotify_init_mark(&flow->mark, mxl_group);
	flow->mark.mask = FS_OPEN | FS_ATTRIB | FS_CLOSE_WRITE | FS_CLOSE_NOWRITE;
	ret = fsnotify_add_inode_mark(&flow->mark, flow->files[0].inode, 0);
	if (ret)
		fsnotify_put_mark(&flow->mark);
	return ret;
}

/**
 * mxl_unwatch() - the end of that
 * @flow: the flow
 */
void mxl_unwatch(struct mxl_flow *flow)
{
	/* Handlers that run already, and go on running, are to leave the flow alone */
	spin_lock(&flow->lock);
	flow->dying = true;
	spin_unlock(&flow->lock);
	fsnotify_destroy_mark(&flow->mark, mxl_group);
	fsnotify_put_mark(&flow->mark);
}

int __init mxl_outsider_init(void)
{
	/* A flow may be adopted anew before the mark of its former life is gone */
	mxl_group = fsnotify_alloc_group(&mxl_fsnotify_ops, FSNOTIFY_GROUP_DUPS);
	return PTR_ERR_OR_ZERO(mxl_group);
}

void mxl_outsider_exit(void)
{
	/* The marks are destroyed; they are freed, and let go of the group, after this */
	fsnotify_wait_marks_destroyed();
	fsnotify_put_group(mxl_group);
}

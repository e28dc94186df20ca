// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/mxl, the kernel part of the Media eXchange Layer: the device and its calls.
 *
 * A flow's memory is files on tmpfs that processes map. The module adopts these files; it makes
 * the one writer a fact, wakes the readers whose data is there, and tells them when the writer
 * is gone.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "mxl_priv.h"

#define CREATE_TRACE_POINTS
#include "mxl_trace.h"

struct workqueue_struct *mxl_wq;

static int mxl_info(struct mxl_call *call)
{
	struct mxl_info *info = &call->info;

	if (info->pad)
		return -EINVAL;

	info->version = MXL_UAPI_VERSION;
	info->max_wait_many = READ_ONCE(mxl_tunables.max_wait_many);
	info->features = MXL_FEATURE_SEAL | MXL_FEATURE_WAIT_MANY | MXL_FEATURE_POLL |
			 MXL_FEATURE_OUTSIDERS;
	info->attach_flags = 0;
	info->lock_flags = MXL_TIME_TAI;
	info->wait_flags = MXL_TIME_TAI;
	info->wait_many_flags = MXL_TIME_TAI | MXL_WAIT_ANY;
	info->commit_flags = MXL_COMMIT_NEW_GENERATION;
	info->arm_events = MXL_EVENT_DATA | MXL_EVENT_WRITER_CAME | MXL_EVENT_WRITER_GONE |
			   MXL_EVENT_GENERATION;
	info->max_payloads = READ_ONCE(mxl_tunables.max_payloads);
	info->prefault = READ_ONCE(mxl_tunables.prefault);
	info->spin_ns = READ_ONCE(mxl_tunables.spin_ns);
	info->default_history_ns = READ_ONCE(mxl_tunables.default_history_ns);
	return 0;
}

static int mxl_state(struct mxl_call *call)
{
	struct mxl_state *state = &call->state;
	struct mxl_flow *flow = call->flow;

	if (state->pad)
		return -EINVAL;

	*state = (struct mxl_state){ .size = state->size };
	spin_lock(&flow->lock);
	mxl_flow_account(flow);
	if (flow->writer) {
		state->flags |= MXL_STATE_LOCKED;
		state->writer_pid = pid_vnr(flow->claim->pid);
		if (flow->claim->a == call->a)
			state->flags |= MXL_STATE_MINE;
	}
	if (flow->dead)
		state->flags |= MXL_STATE_DEAD;
	if (flow->control->outsiders)
		state->flags |= MXL_STATE_OUTSIDERS;
	state->events = call->a->fired;
	state->generation = flow->generation;
	state->epoch = flow->epoch;
	state->waiters = flow->nr_waiters;
	state->lockers = flow->nr_lockers;
	state->commits = flow->commits;
	state->commit_calls = flow->commit_calls;
	state->wakes = flow->wakes;
	state->overruns = atomic64_read(&flow->overruns);
	state->head = mxl_flow_head(flow);
	state->last_write_ns = mxl_flow_last_write(flow);
	spin_unlock(&flow->lock);
	state->attachments = READ_ONCE(flow->nr_attachments);
	state->last_read_ns = READ_ONCE(flow->activity->last_read_ns);
	return 0;
}

/**
 * struct mxl_op - one call
 * @cmd: its number
 * @size: of its structure
 * @min_size: of the first version of that
 * @flags: MXL_OP_*
 * @fn: does it; may set mxl_call.report to have the structure copied back with an error, too
 */
struct mxl_op {
	unsigned int cmd;
	u32 size;
	u32 min_size;
	u32 flags;
	int (*fn)(struct mxl_call *call);
};

/* It needs a complete attachment */
#define MXL_OP_ATTACHED	BIT(0)
/* It has something to report */
#define MXL_OP_OUT	BIT(1)
/* What it does is not undone if it can not be reported: see first whether it can */
#define MXL_OP_LASTS	BIT(2)

#define MXL_OP(_cmd, _struct, _last, _flags, _fn)			\
	[_IOC_NR(_cmd) - _IOC_NR(MXL_IOC_INFO)] = {			\
		.cmd = (_cmd),						\
		.size = sizeof(_struct) +				\
			BUILD_BUG_ON_ZERO(sizeof(_struct) > sizeof_field(struct mxl_call, raw)), \
		.min_size = offsetofend(_struct, _last),		\
		.flags = (_flags),					\
		.fn = (_fn),						\
	}

static const struct mxl_op mxl_ops[] = {
	MXL_OP(MXL_IOC_INFO, struct mxl_info, default_history_ns, MXL_OP_OUT, mxl_info),
	MXL_OP(MXL_IOC_ATTACH, struct mxl_attach, epoch, MXL_OP_OUT | MXL_OP_LASTS, mxl_attach),
	MXL_OP(MXL_IOC_LOCK, struct mxl_lock, head,
	       MXL_OP_ATTACHED | MXL_OP_OUT | MXL_OP_LASTS, mxl_lock),
	MXL_OP(MXL_IOC_UNLOCK, struct mxl_unlock, flags, MXL_OP_ATTACHED, mxl_unlock),
	MXL_OP(MXL_IOC_WAIT, struct mxl_wait, epoch, MXL_OP_ATTACHED | MXL_OP_OUT, mxl_wait),
	MXL_OP(MXL_IOC_WAIT_MANY, struct mxl_wait_many, pad, MXL_OP_OUT, mxl_wait_many),
	MXL_OP(MXL_IOC_COMMIT, struct mxl_commit, generation,
	       MXL_OP_ATTACHED | MXL_OP_OUT | MXL_OP_LASTS, mxl_commit),
	MXL_OP(MXL_IOC_ARM, struct mxl_arm, fired,
	       MXL_OP_ATTACHED | MXL_OP_OUT | MXL_OP_LASTS, mxl_arm),
	MXL_OP(MXL_IOC_STATE, struct mxl_state, last_read_ns, MXL_OP_ATTACHED | MXL_OP_OUT,
	       mxl_state),
};

/* Copies the caller's structure in */
static int mxl_call_get(struct mxl_call *call, const struct mxl_op *op, void __user *uarg)
{
	u32 size;
	int ret;

	if (get_user(size, (u32 __user *)uarg))
		return -EFAULT;
	if (size < op->min_size)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(call->raw, op->size, uarg, size);
	if (ret)
		return ret;
	/* Other threads may write there: what counts is what was looked at */
	call->size = size;
	return 0;
}

/* Copies it back, as much as the caller knows of it */
static int mxl_call_put(const struct mxl_call *call, const struct mxl_op *op, void __user *uarg)
{
	return copy_to_user(uarg, call->raw, min(call->size, op->size)) ? -EFAULT : 0;
}

static long mxl_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;
	unsigned int nr = _IOC_NR(cmd) - _IOC_NR(MXL_IOC_INFO);
	const struct mxl_op *op;
	struct mxl_call call;
	int ret;

	if (nr >= ARRAY_SIZE(mxl_ops))
		return -ENOTTY;
	op = &mxl_ops[nr];
	/* The size is the structure's own affair, so that it can grow */
	if ((cmd ^ op->cmd) & ~IOCSIZE_MASK)
		return -ENOTTY;

	/* The rest is filled in up to the size of the structure, and not looked at beyond */
	call.a = file->private_data;
	call.flow = NULL;
	call.report = false;
	ret = mxl_call_get(&call, op, uarg);
	if (ret)
		return ret;
	if (op->flags & MXL_OP_ATTACHED) {
		call.flow = mxl_attached_flow(call.a);
		if (!call.flow)
			return -ENOTCONN;
	}
	if (op->flags & MXL_OP_LASTS) {
		ret = mxl_call_put(&call, op, uarg);
		if (ret)
			return ret;
	}

	ret = op->fn(&call);
	if (!(op->flags & MXL_OP_OUT) || (ret && !call.report))
		return ret;
	return mxl_call_put(&call, op, uarg) ?: ret;
}

static __poll_t mxl_poll(struct file *file, poll_table *wait)
{
	struct mxl_attachment *a = file->private_data;
	struct mxl_flow *flow = mxl_attached_flow(a);
	__poll_t events = 0;

	if (!flow)
		return EPOLLERR;

	/*
	 * First enter the queue, then look: whoever sets one of these wakes the queue after it.
	 * The queue's lock orders the two.
	 */
	poll_wait(file, &a->wq, wait);
	if (READ_ONCE(a->fired) & ~MXL_EVENT_DEAD)
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(flow->dead))
		events |= EPOLLHUP;
	return events;
}

static int mxl_open(struct inode *inode, struct file *file)
{
	struct mxl_attachment *a = kzalloc_obj(*a, GFP_KERNEL_ACCOUNT);

	if (!a)
		return -ENOMEM;
	mutex_init(&a->mutex);
	init_waitqueue_head(&a->wq);
	INIT_LIST_HEAD(&a->node);
	file->private_data = a;
	return nonseekable_open(inode, file);
}

/*
 * The process that locked gives up the lock with its descriptor, even if a child has inherited
 * the open file. (Its writable mappings, which are not inherited, postpone that.)
 */
static int mxl_flush(struct file *file, fl_owner_t owner)
{
	struct mxl_attachment *a = file->private_data;
	struct mxl_flow *flow = mxl_attached_flow(a);

	if (flow)
		mxl_claim_free(mxl_claim_closed(flow, a, owner));
	return 0;
}

static int mxl_release(struct inode *inode, struct file *file)
{
	struct mxl_attachment *a = file->private_data;

	mxl_detach(a);
	mutex_destroy(&a->mutex);
	kfree(a);
	return 0;
}

const struct file_operations mxl_fops = {
	.owner = THIS_MODULE,
	.open = mxl_open,
	.flush = mxl_flush,
	.release = mxl_release,
	.unlocked_ioctl = mxl_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = mxl_poll,
	.mmap = mxl_mmap,
};

static struct miscdevice mxl_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = MXL_DEVICE_NAME,
	.fops = &mxl_fops,
	.groups = mxl_groups,
	.mode = 0660,
};

static int __init mxl_init(void)
{
	int ret;

	/* Unbound: nothing here is worth the cache of the CPU it was queued on */
	mxl_wq = alloc_workqueue("mxl", WQ_UNBOUND | WQ_FREEZABLE, 0);
	if (!mxl_wq)
		return -ENOMEM;
	ret = mxl_flows_init();
	if (ret)
		goto err_wq;
	ret = mxl_outsider_init();
	if (ret)
		goto err_flows;
	/* Last, as nobody can be told that a device was not meant; nobody attaches meanwhile */
	mutex_lock(&mxl_flows_mutex);
	ret = misc_register(&mxl_misc);
	if (!ret)
		mxl_sysfs_init(mxl_misc.this_device);
	mutex_unlock(&mxl_flows_mutex);
	if (ret)
		goto err_outsider;
	return 0;

err_outsider:
	mxl_outsider_exit();
err_flows:
	mxl_flows_exit();
err_wq:
	destroy_workqueue(mxl_wq);
	return ret;
}
module_init(mxl_init);

/* Open files hold the module, and flows live by open files: there are none of either */
static void __exit mxl_exit(void)
{
	mxl_sysfs_exit();
	misc_deregister(&mxl_misc);
	mxl_outsider_exit();
	mxl_flows_exit();
	destroy_workqueue(mxl_wq);
}
module_exit(mxl_exit);

MODULE_DESCRIPTION("Media eXchange Layer: one writer, exact wake-ups");
MODULE_AUTHOR("The MXL for Linux authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(MXL_VERSION);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flows: adopting files, joining, limits, lifetimes.
 */

#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/kref.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "mxl_priv.h"
#include "mxl_trace.h"

/*
 * mxl_flows_mutex protects the list of flows, both hash tables, and the comings and goings of
 * attachments, so that a flow is found either whole or not at all.
 */
DEFINE_MUTEX(mxl_flows_mutex);
LIST_HEAD(mxl_flows);

static struct rhashtable mxl_files;

static const struct rhashtable_params mxl_files_params = {
	.key_len = sizeof_field(struct mxl_flow_file, inode),
	.key_offset = offsetof(struct mxl_flow_file, inode),
	.head_offset = offsetof(struct mxl_flow_file, node),
	.automatic_shrinking = true,
};

/*
 * Attachments by their open file of ``data``, which serves one at a time: else it would be counted
 * twice among those known
 */
static struct rhashtable mxl_data_files;

static const struct rhashtable_params mxl_data_files_params = {
	.key_len = sizeof_field(struct mxl_attachment, data),
	.key_offset = offsetof(struct mxl_attachment, data),
	.head_offset = offsetof(struct mxl_attachment, data_node),
	.automatic_shrinking = true,
};

/* Memory of flows that is not free yet, see mxl_flows_exit() */
static atomic_t mxl_flows_alive = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(mxl_flows_gone);

/* ---- limits ------------------------------------------------------------------------------ */

struct mxl_tunables mxl_tunables = {
	.max = {
		[MXL_RES_FLOWS] = 4096,
		[MXL_RES_ATTACHMENTS] = 65536,
		[MXL_RES_WAITERS] = 65536,
		[MXL_RES_PAGES] = 262144,
	},
	.max_user = {
		[MXL_RES_FLOWS] = 2048,
		[MXL_RES_ATTACHMENTS] = 32768,
		[MXL_RES_WAITERS] = 32768,
		[MXL_RES_PAGES] = 131072,
	},
	.max_payloads = 4096,
	.max_wait_many = 256,
	.prefault = 1,
	.spin_ns = 0,
	.default_history_ns = 200 * NSEC_PER_MSEC,
};
EXPORT_SYMBOL_IF_KUNIT(mxl_tunables);

atomic_long_t mxl_used[MXL_NR_RESOURCES];

static LIST_HEAD(mxl_users);
static DEFINE_SPINLOCK(mxl_users_lock);

/**
 * mxl_user_get() - find or make the record of a user
 * @uid: who
 *
 * Return: the record with a reference for the caller, or NULL without memory.
 */
struct mxl_user *mxl_user_get(kuid_t uid)
{
	struct mxl_user *user, *new;

	new = kzalloc_obj(*new, GFP_KERNEL_ACCOUNT);
	if (!new)
		return NULL;
	new->uid = uid;
	refcount_set(&new->refs, 1);

	spin_lock(&mxl_users_lock);
	list_for_each_entry(user, &mxl_users, node) {
		if (uid_eq(user->uid, uid)) {
			refcount_inc(&user->refs);
			spin_unlock(&mxl_users_lock);
			kfree(new);
			return user;
		}
	}
	list_add(&new->node, &mxl_users);
	spin_unlock(&mxl_users_lock);
	return new;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_user_get);

/**
 * mxl_user_hold() - another reference to a user's record
 * @user: the record
 *
 * Return: @user.
 */
struct mxl_user *mxl_user_hold(struct mxl_user *user)
{
	refcount_inc(&user->refs);
	return user;
}

/**
 * mxl_user_put() - drop a reference
 * @user: the record, or NULL
 */
void mxl_user_put(struct mxl_user *user)
{
	if (!user)
		return;
	if (refcount_dec_and_lock(&user->refs, &mxl_users_lock)) {
		list_del(&user->node);
		spin_unlock(&mxl_users_lock);
		kfree(user);
	}
}
EXPORT_SYMBOL_IF_KUNIT(mxl_user_put);

/**
 * mxl_charge() - account for something a user is about to take
 * @user: who
 * @res: what
 * @n: how much
 *
 * Return: 0, -EDQUOT at the user's limit, -ENOSPC at the global one.
 */
int mxl_charge(struct mxl_user *user, enum mxl_resource res, unsigned long n)
{
	if (atomic_long_add_return(n, &user->used[res]) >
	    READ_ONCE(mxl_tunables.max_user[res])) {
		atomic_long_sub(n, &user->used[res]);
		return -EDQUOT;
	}
	if (atomic_long_add_return(n, &mxl_used[res]) > READ_ONCE(mxl_tunables.max[res])) {
		atomic_long_sub(n, &mxl_used[res]);
		atomic_long_sub(n, &user->used[res]);
		return -ENOSPC;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_charge);

/**
 * mxl_uncharge() - account for something given back
 * @user: who had it
 * @res: what
 * @n: how much
 */
void mxl_uncharge(struct mxl_user *user, enum mxl_resource res, unsigned long n)
{
	atomic_long_sub(n, &mxl_used[res]);
	atomic_long_sub(n, &user->used[res]);
}
EXPORT_SYMBOL_IF_KUNIT(mxl_uncharge);

/* ---- geometry ---------------------------------------------------------------------------- */

/**
 * mxl_check_header() - geometry from the header of a flow
 * @hdr: header in a page that others may write: each field is read once
 * @size: of the file
 * @ret_geo: what the header says; payload sizes stay unknown
 *
 * Return: 0, -EPROTONOSUPPORT or -EBADMSG.
 */
VISIBLE_IF_KUNIT int mxl_check_header(const struct mxl_flow_header *hdr, u64 size,
				      struct mxl_geometry *ret_geo)
{
	struct mxl_geometry geo = {};
	s64 num, den;

	if (size != MXL_FLOW_HEADER_SIZE)
		return -EBADMSG;
	if (READ_ONCE(hdr->version) != MXL_FLOW_VERSION)
		return -EPROTONOSUPPORT;
	if (READ_ONCE(hdr->size) != MXL_FLOW_INFO_SIZE)
		return -EBADMSG;

	num = READ_ONCE(hdr->rate.numerator);
	den = READ_ONCE(hdr->rate.denominator);
	if (num <= 0 || den <= 0)
		return -EBADMSG;
	geo.rate_num = num;
	geo.rate_den = den;

	switch (READ_ONCE(hdr->format)) {
	case MXL_LAYOUT_FORMAT_AUDIO:
		geo.kind = MXL_KIND_CONTINUOUS;
		geo.nr_payloads = 1;
		geo.channels = READ_ONCE(hdr->continuous.channel_count);
		geo.buffer_length = READ_ONCE(hdr->continuous.buffer_length);
		if (!geo.channels || geo.buffer_length < 2)
			return -EBADMSG;
		break;
	case MXL_LAYOUT_FORMAT_VIDEO:
	case MXL_LAYOUT_FORMAT_DATA:
		geo.kind = MXL_KIND_DISCRETE;
		geo.nr_payloads = READ_ONCE(hdr->discrete.grain_count);
		if (geo.nr_payloads < MXL_LAYOUT_MIN_GRAINS ||
		    geo.nr_payloads > MXL_LAYOUT_MAX_GRAINS)
			return -EBADMSG;
		break;
	default:
		return -EBADMSG;
	}
	*ret_geo = geo;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_check_header);

/**
 * mxl_check_grain() - compare a grain's file with the geometry
 * @hdr: grain header in a page that others may write: each field is read once
 * @size: of the file
 * @geo: what is known; the first grain makes sizes and slices known
 *
 * Return: 0, -EPROTONOSUPPORT or -EBADMSG.
 */
VISIBLE_IF_KUNIT int mxl_check_grain(const struct mxl_grain_header *hdr, u64 size,
				     struct mxl_geometry *geo)
{
	u32 payload, slices;

	if (size <= MXL_GRAIN_PAYLOAD_OFFSET)
		return -EBADMSG;
	if (READ_ONCE(hdr->version) != MXL_GRAIN_VERSION)
		return -EPROTONOSUPPORT;
	if (READ_ONCE(hdr->size) != MXL_GRAIN_HEADER_SIZE)
		return -EBADMSG;

	payload = READ_ONCE(hdr->grain_size);
	slices = READ_ONCE(hdr->total_slices);
	if (size - MXL_GRAIN_PAYLOAD_OFFSET != payload || !slices)
		return -EBADMSG;
	if (!geo->payload_size) {
		geo->payload_size = size;
		geo->total_slices = slices;
	}
	if (size != geo->payload_size || slices != geo->total_slices)
		return -EBADMSG;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_check_grain);

/**
 * mxl_check_samples() - compare the file of samples with the geometry
 * @size: of the file
 * @geo: of a continuous flow; makes the size of a sample known
 *
 * Return: 0 or -EBADMSG.
 */
VISIBLE_IF_KUNIT int mxl_check_samples(u64 size, struct mxl_geometry *geo)
{
	u64 samples = (u64)geo->channels * geo->buffer_length;
	u64 word = size / samples;

	/* No format has samples of more than 16 bytes, and a mapping has to fit its offsets */
	if (!word || word > 16 || word * samples != size ||
	    size > MXL_OFFSET_PAYLOAD_STEP - PAGE_SIZE)
		return -EBADMSG;
	geo->payload_size = size;
	geo->word_size = word;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_check_samples);

/* ---- what is read of pinned pages -------------------------------------------------------- */

/*
 * A page is freed a grace period after it was replaced. All that reads of them is called under
 * rcu_read_lock() or with the flow locked: whoever holds a spinlock holds up grace periods, by not
 * being preempted, or on PREEMPT_RT because taking it enters an RCU read side.
 */
static void *mxl_page_of(struct mxl_flow *flow, u32 nr)
{
	return page_address(rcu_dereference_check(flow->files[nr].page,
						  lockdep_is_held(&flow->lock)));
}

/**
 * mxl_flow_head() - head index as it is published
 * @flow: the flow
 *
 * Return: the index; what was published before it is visible.
 */
u64 mxl_flow_head(struct mxl_flow *flow)
{
	struct mxl_flow_header *hdr = mxl_page_of(flow, 0);

	/* pairs with the writer's release of head_index, after header and payload */
	return smp_load_acquire(&hdr->head_index);
}

/**
 * mxl_flow_sync_counter() - count of signalled commits as the writer keeps it
 * @flow: the flow
 *
 * Return: the futex word.
 */
u32 mxl_flow_sync_counter(struct mxl_flow *flow)
{
	struct mxl_flow_header *hdr = mxl_page_of(flow, 0);

	return READ_ONCE(hdr->sync_counter);
}

/**
 * mxl_flow_last_write() - when the writer says it committed last
 * @flow: the flow
 *
 * Return: TAI nanoseconds.
 */
u64 mxl_flow_last_write(struct mxl_flow *flow)
{
	struct mxl_flow_header *hdr = mxl_page_of(flow, 0);

	return READ_ONCE(hdr->last_write_time);
}

/**
 * mxl_flow_grain() - header of the grain in the slot of an index
 * @flow: a discrete flow
 * @index: any index
 * @ret_grain: each field read once, from a page that others may write
 */
void mxl_flow_grain(struct mxl_flow *flow, u64 index, struct mxl_grain *ret_grain)
{
	struct mxl_grain_header *hdr;

	hdr = mxl_page_of(flow, 1 + (u32)(index % flow->geo.nr_payloads));
	/* pairs with the writer's release of valid_slices, after the slices */
	ret_grain->valid_slices = smp_load_acquire(&hdr->valid_slices);
	ret_grain->flags = READ_ONCE(hdr->flags);
	/* pairs with the writer's release of index, before the payload is touched */
	ret_grain->index = smp_load_acquire(&hdr->index);
}

/**
 * mxl_flow_account() - bring the count of signalled commits up to date
 * @flow: the flow, locked
 */
void mxl_flow_account(struct mxl_flow *flow)
{
	u32 now = mxl_flow_sync_counter(flow);

	lockdep_assert_held(&flow->lock);
	flow->commits += (u32)(now - flow->last_sync);
	flow->last_sync = now;
}

/* ---- files ------------------------------------------------------------------------------- */

/**
 * mxl_inode_is_gone() - is there no name for a file any more?
 * @inode: of the file
 *
 * Return: true if it was deleted or replaced.
 */
bool mxl_inode_is_gone(struct inode *inode)
{
	return !READ_ONCE(inode->i_nlink);
}

/**
 * mxl_inode_has_one_name() - is there a single way to reach a file?
 * @inode: of the file, which somebody has open
 *
 * Return: true if it has one link and one dentry.
 */
bool mxl_inode_has_one_name(struct inode *inode)
{
	bool one;

	spin_lock(&inode->i_lock);
	one = inode->i_nlink == 1 && inode->i_dentry.first && !inode->i_dentry.first->next;
	spin_unlock(&inode->i_lock);
	return one;
}

/* Can this open file be part of a flow at all? */
static int mxl_check_file(struct file *file)
{
	struct inode *inode = file_inode(file);
	struct super_block *sb = inode->i_sb;

	/*
	 * An own writer among the attachments could never lock. Read access was checked when the
	 * file was opened.
	 */
	if ((file->f_mode & (FMODE_READ | FMODE_WRITE)) != FMODE_READ)
		return -EINVAL;
	/* The kernel's own mount holds memfds and System V segments: no path leads to them */
	if (!S_ISREG(inode->i_mode) || sb->s_magic != TMPFS_MAGIC || !mxl_is_shmem(inode) ||
	    sb->s_flags & (SB_KERNMOUNT | SB_NOUSER))
		return -EOPNOTSUPP;
	if (mxl_inode_has_one_name(inode))
		return 0;
	/* One that is just being deleted loses its link before its name, and has none too many */
	return mxl_inode_is_gone(inode) ? -ENOENT : -EMLINK;
}

/**
 * mxl_may_write() - may the caller write a file reached by this mount?
 * @mnt: mount it was opened through
 * @inode: the file's
 *
 * Return: 0, -EROFS, -EACCES or -EPERM.
 */
int mxl_may_write(struct vfsmount *mnt, struct inode *inode)
{
	if (__mnt_is_readonly(mnt))
		return -EROFS;
	return mxl_inode_permission(mnt, inode, MAY_WRITE);
}

/* ---- flows ------------------------------------------------------------------------------- */

/* Gives back all but the memory that the mark and the sysfs directory may still look at */
static void mxl_flow_close(struct mxl_flow *flow)
{
	u32 i;

	for (i = 0; i < flow->nr_files; i++) {
		struct mxl_flow_file *f = &flow->files[i];
		/* Nobody else knows the flow any more */
		struct page *page = rcu_replace_pointer(f->page, NULL, true);

		if (page)
			put_page(page);
		if (f->file)
			fput(f->file);
		f->file = NULL;
	}
	if (flow->user) {
		mxl_uncharge(flow->user, MXL_RES_PAGES, flow->nr_files + 2);
		mxl_uncharge(flow->user, MXL_RES_FLOWS, 1);
		mxl_user_put(flow->user);
		flow->user = NULL;
	}
}

static void mxl_flow_free(struct mxl_flow *flow)
{
	mxl_flow_close(flow);
	free_page((unsigned long)flow->control);
	free_page((unsigned long)flow->activity);
	kvfree(flow);
	if (atomic_dec_and_test(&mxl_flows_alive))
		wake_up_all(&mxl_flows_gone);
}

/**
 * mxl_flow_put() - drop a reference to a flow's memory
 * @flow: the flow
 */
void mxl_flow_put(struct mxl_flow *flow)
{
	if (refcount_dec_and_test(&flow->refs))
		mxl_flow_free(flow);
}
EXPORT_SYMBOL_IF_KUNIT(mxl_flow_put);

/**
 * mxl_flow_alloc() - a flow without files
 * @geo: its geometry
 *
 * Return: the flow with one reference, or NULL.
 */
struct mxl_flow *mxl_flow_alloc(const struct mxl_geometry *geo)
{
	u32 nr_files = geo->nr_payloads + 1;
	struct mxl_flow *flow;
	u32 i;

	flow = kvzalloc(struct_size(flow, files, nr_files), GFP_KERNEL_ACCOUNT);
	if (!flow)
		return NULL;
	atomic_inc(&mxl_flows_alive);
	refcount_set(&flow->refs, 1);
	flow->nr_files = nr_files;
	for (i = 0; i < nr_files; i++)
		flow->files[i].flow = flow;
	flow->geo = *geo;
	INIT_LIST_HEAD(&flow->node);
	INIT_LIST_HEAD(&flow->attachments);
	INIT_LIST_HEAD(&flow->lockers);
	flow->waiters = RB_ROOT_CACHED;
	spin_lock_init(&flow->lock);
	INIT_DELAYED_WORK(&flow->recheck, mxl_outsider_recheck);
	INIT_DELAYED_WORK(&flow->retry, mxl_lock_retry);
	flow->generation = 1;

	flow->control = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	flow->activity = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!flow->control || !flow->activity) {
		mxl_flow_put(flow);
		return NULL;
	}
	flow->control->size = sizeof(*flow->control);
	flow->control->version = MXL_UAPI_VERSION;
	flow->control->wake = MXL_WAKE_NONE;
	flow->control->outsiders = 1;
	flow->control->generation = flow->generation;
	mxl_tunables_publish(flow);
	return flow;
}
EXPORT_SYMBOL_IF_KUNIT(mxl_flow_alloc);

/*
 * Opens a file once more for the module. Neither is the caller's open file good for mappings of
 * other processes (it may hold a flock), nor may it be written by.
 */
static int mxl_flow_open(struct mxl_flow_file *f, struct file *theirs)
{
	struct file *file;

	file = dentry_open(&theirs->f_path, O_RDONLY | O_LARGEFILE | O_NOATIME, current_cred());
	if (IS_ERR(file))
		return PTR_ERR(file);
	f->file = file;
	f->inode = file_inode(file);
	return 0;
}

/* Pins the first page and compares what it says with the geometry */
static int mxl_flow_pin(struct mxl_flow *flow, u32 nr)
{
	struct mxl_flow_file *f = &flow->files[nr];
	u64 size = i_size_read(f->inode);
	struct mxl_geometry geo;
	struct page *page;
	int ret;

	if (nr && flow->geo.kind == MXL_KIND_CONTINUOUS)
		return mxl_check_samples(size, &flow->geo);

	/* A file without any page would be given one below */
	if (size < (nr ? MXL_GRAIN_PAYLOAD_OFFSET : MXL_FLOW_HEADER_SIZE))
		return -EBADMSG;
	page = shmem_read_mapping_page(f->inode->i_mapping, 0);
	if (IS_ERR(page))
		return PTR_ERR(page);
	RCU_INIT_POINTER(f->page, page);
	if (nr)
		return mxl_check_grain(page_address(page), size, &flow->geo);

	/* It was read before, to know how many payload files to expect: still the same? */
	ret = mxl_check_header(page_address(page), size, &geo);
	if (ret)
		return ret;
	if (geo.kind != flow->geo.kind || geo.nr_payloads != flow->geo.nr_payloads ||
	    geo.channels != flow->geo.channels || geo.buffer_length != flow->geo.buffer_length)
		return -EBADMSG;
	return 0;
}

/**
 * mxl_flow_revalidate() - look at the files again, now that they are sealed
 * @flow: the flow, whose writer lock the caller has just got
 *
 * While the files were not sealed somebody can have truncated them, which took their pages away.
 *
 * Return: 0, -EBADMSG for another size, or why a page can not be had.
 */
int mxl_flow_revalidate(struct mxl_flow *flow)
{
	bool replaced = false;
	struct page **old;
	int ret = 0;
	u32 i;

	old = kvcalloc(flow->nr_files, sizeof(*old), GFP_KERNEL_ACCOUNT);
	if (!old)
		return -ENOMEM;
	for (i = 0; i < flow->nr_files; i++) {
		struct mxl_flow_file *f = &flow->files[i];
		u64 size = i ? flow->geo.payload_size : MXL_FLOW_HEADER_SIZE;
		struct page *page;

		if (i_size_read(f->inode) != size) {
			ret = -EBADMSG;
			break;
		}
		if (!rcu_access_pointer(f->page))
			continue;
		page = shmem_read_mapping_page(f->inode->i_mapping, 0);
		if (IS_ERR(page)) {
			ret = PTR_ERR(page);
			break;
		}
		/* The holder of the lock alone replaces pages */
		old[i] = rcu_replace_pointer(f->page, page, true);
		if (old[i] != page)
			replaced = true;
	}
	/* Pages that did not change have one reference too many now; nobody reads them away */
	if (replaced)
		synchronize_rcu();
	for (i = 0; i < flow->nr_files; i++)
		if (old[i])
			put_page(old[i]);
	kvfree(old);
	return ret;
}

static int mxl_flow_charge(struct mxl_flow *flow, struct mxl_user *user)
{
	int ret;

	ret = mxl_charge(user, MXL_RES_FLOWS, 1);
	if (ret)
		return ret;
	/* with the control page and the activity page */
	ret = mxl_charge(user, MXL_RES_PAGES, flow->nr_files + 2);
	if (ret) {
		mxl_uncharge(user, MXL_RES_FLOWS, 1);
		return ret;
	}
	flow->user = mxl_user_hold(user);
	return 0;
}

/* Makes a flow of the files of a complete stage, published nowhere yet */
static struct mxl_flow *mxl_flow_build(struct mxl_attachment *a)
{
	struct mxl_stage *stage = a->stage;
	struct mxl_flow *flow;
	int ret;
	u32 i;

	flow = mxl_flow_alloc(&stage->geo);
	if (!flow)
		return ERR_PTR(-ENOMEM);
	ret = mxl_flow_charge(flow, a->user);
	for (i = 0; !ret && i < flow->nr_files; i++) {
		struct file *theirs = i ? stage->payloads[i - 1] : a->data;

		ret = mxl_may_write(theirs->f_path.mnt, file_inode(theirs));
		if (!ret)
			ret = mxl_flow_open(&flow->files[i], theirs);
		if (!ret)
			ret = mxl_flow_pin(flow, i);
	}
	if (ret) {
		mxl_flow_put(flow);
		return ERR_PTR(ret);
	}
	/* The module's own open file of ``data`` */
	flow->known = 1;
	rcu_read_lock();
	flow->last_sync = mxl_flow_sync_counter(flow);
	rcu_read_unlock();
	return flow;
}

static struct mxl_flow_file *mxl_find_file(struct inode *inode)
{
	return rhashtable_lookup_fast(&mxl_files, &inode, mxl_files_params);
}

static void mxl_files_remove(struct mxl_flow *flow, u32 n)
{
	while (n--)
		rhashtable_remove_fast(&mxl_files, &flow->files[n].node, mxl_files_params);
}

/* Makes a flow known to all. Files that are part of another flow, or twice of this, are refused */
static int mxl_flow_publish(struct mxl_flow *flow)
{
	int ret;
	u32 i;

	lockdep_assert_held(&mxl_flows_mutex);
	for (i = 0; i < flow->nr_files; i++) {
		ret = rhashtable_lookup_insert_fast(&mxl_files, &flow->files[i].node,
						    mxl_files_params);
		if (ret)
			goto err_files;
	}
	ret = mxl_watch(flow);
	if (ret)
		goto err_files;
	ret = mxl_flow_add_kobj(flow);
	if (ret)
		goto err_watch;
	list_add_tail(&flow->node, &mxl_flows);
	/* A change of a tunable since the flow was made has missed it */
	mxl_tunables_publish(flow);
	return 0;

err_watch:
	mxl_unwatch(flow);
err_files:
	mxl_files_remove(flow, i);
	return ret;
}

static void mxl_flow_unpublish(struct mxl_flow *flow)
{
	lockdep_assert_held(&mxl_flows_mutex);
	list_del(&flow->node);
	/* Before the files can be adopted anew, which takes the directory's name again */
	mxl_flow_del_kobj(flow);
	mxl_files_remove(flow, flow->nr_files);
}

/* After the last attachment is gone */
static void mxl_flow_teardown(struct mxl_flow *flow)
{
	mxl_unwatch(flow);
	cancel_delayed_work_sync(&flow->recheck);
	cancel_delayed_work_sync(&flow->retry);
	/* Now, not with the mark: the file system may be waiting to be unmounted */
	mxl_flow_close(flow);
	mxl_flow_put(flow);
}

/**
 * mxl_flow_die() - the flow's ``data`` was deleted or replaced
 * @flow: the flow
 */
void mxl_flow_die(struct mxl_flow *flow)
{
	struct mxl_attachment *a;

	spin_lock(&flow->lock);
	/* An event may still be handled when the last attachment has gone, and the pages with it */
	if (flow->dead || flow->dying) {
		spin_unlock(&flow->lock);
		return;
	}
	WRITE_ONCE(flow->dead, true);
	WRITE_ONCE(flow->control->dead, 1);
	mxl_wake_met(flow);
	mxl_wake_all(flow, -ENODEV);
	mxl_claims_die(flow);
	list_for_each_entry(a, &flow->attachments, node) {
		WRITE_ONCE(a->fired, a->fired | MXL_EVENT_DEAD);
		wake_up_interruptible_poll(&a->wq, EPOLLHUP);
	}
	spin_unlock(&flow->lock);
}

/* ---- attaching --------------------------------------------------------------------------- */

static void mxl_stage_free(struct mxl_attachment *a)
{
	struct mxl_stage *stage = a->stage;
	u32 i;

	if (!stage)
		return;
	for (i = 0; i < stage->geo.nr_payloads; i++)
		if (stage->payloads[i])
			fput(stage->payloads[i]);
	put_page(stage->page);
	mxl_uncharge(a->user, MXL_RES_PAGES, stage->charged);
	kvfree(stage);
	a->stage = NULL;
}

/* Reads the header of ``data`` to know what else to expect */
static int mxl_stage_header(struct file *data, struct page **ret_page, struct mxl_geometry *ret_geo)
{
	u64 size = i_size_read(file_inode(data));
	struct page *page;
	int ret;

	if (size != MXL_FLOW_HEADER_SIZE)
		return -EBADMSG;
	page = shmem_read_mapping_page(file_inode(data)->i_mapping, 0);
	if (IS_ERR(page))
		return PTR_ERR(page);
	ret = mxl_check_header(page_address(page), size, ret_geo);
	if (!ret && ret_geo->nr_payloads > READ_ONCE(mxl_tunables.max_payloads))
		ret = -ENOSPC;
	if (ret) {
		put_page(page);
		return ret;
	}
	*ret_page = page;
	return 0;
}

/* Makes an open file of ``data`` the attachment's: 0, -EBUSY if it is another's, or -ENOMEM */
static int mxl_data_take(struct mxl_attachment *a, struct file *data)
{
	int ret;

	a->data = get_file(data);
	mutex_lock(&mxl_flows_mutex);
	ret = rhashtable_lookup_insert_fast(&mxl_data_files, &a->data_node, mxl_data_files_params);
	mutex_unlock(&mxl_flows_mutex);
	if (!ret)
		return 0;
	a->data = NULL;
	fput(data);
	return ret == -EEXIST ? -EBUSY : ret;
}

static void mxl_data_drop(struct mxl_attachment *a)
{
	mutex_lock(&mxl_flows_mutex);
	rhashtable_remove_fast(&mxl_data_files, &a->data_node, mxl_data_files_params);
	mutex_unlock(&mxl_flows_mutex);
	fput(a->data);
	a->data = NULL;
}

/* The first piece */
static int mxl_stage_begin(struct mxl_attachment *a, struct file *data)
{
	struct mxl_geometry geo;
	struct mxl_stage *stage;
	struct mxl_user *user;
	struct page *page;
	int ret;

	ret = mxl_check_file(data);
	if (ret)
		return ret;
	ret = mxl_stage_header(data, &page, &geo);
	if (ret)
		return ret;

	ret = -ENOMEM;
	user = mxl_user_get(current_uid());
	if (!user)
		goto err_page;
	ret = mxl_charge(user, MXL_RES_ATTACHMENTS, 1);
	if (ret)
		goto err_user;
	/* The files that are held count like the pages they will stand for */
	ret = mxl_charge(user, MXL_RES_PAGES, geo.nr_payloads + 1);
	if (ret)
		goto err_attachment;
	stage = kvzalloc(struct_size(stage, payloads, geo.nr_payloads), GFP_KERNEL_ACCOUNT);
	ret = -ENOMEM;
	if (!stage)
		goto err_pages;
	ret = mxl_data_take(a, data);
	if (ret)
		goto err_stage;
	stage->geo = geo;
	stage->page = page;
	stage->charged = geo.nr_payloads + 1;
	a->stage = stage;
	a->user = user;
	return 0;

err_stage:
	kvfree(stage);
err_pages:
	mxl_uncharge(user, MXL_RES_PAGES, geo.nr_payloads + 1);
err_attachment:
	mxl_uncharge(user, MXL_RES_ATTACHMENTS, 1);
err_user:
	mxl_user_put(user);
err_page:
	put_page(page);
	return ret;
}

/* Back to the state of a file that was just opened */
static void mxl_stage_abort(struct mxl_attachment *a)
{
	mxl_stage_free(a);
	mxl_uncharge(a->user, MXL_RES_ATTACHMENTS, 1);
	mxl_user_put(a->user);
	a->user = NULL;
	mxl_data_drop(a);
}

/* Takes @n files away from the stage again */
static void mxl_stage_drop(struct mxl_stage *stage, u32 first, u32 n)
{
	while (n--) {
		fput(stage->payloads[first + n]);
		stage->payloads[first + n] = NULL;
		stage->nr_given--;
	}
}

/* Adds one piece, wholly or not at all */
static int mxl_stage_add(struct mxl_attachment *a, u32 first, const s32 *fds, u32 n)
{
	struct mxl_stage *stage = a->stage;
	struct file *file;
	int ret;
	u32 i;

	if (first > stage->geo.nr_payloads || n > stage->geo.nr_payloads - first)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		ret = -EEXIST;
		if (stage->payloads[first + i])
			goto err;
		ret = -EBADF;
		file = fget(fds[i]);
		if (!file)
			goto err;
		ret = mxl_check_file(file);
		/* Permission, when it is asked for later, is that of one mount */
		if (!ret && file->f_path.mnt != a->data->f_path.mnt)
			ret = -EXDEV;
		if (ret) {
			fput(file);
			goto err;
		}
		stage->payloads[first + i] = file;
		stage->nr_given++;
	}
	return 0;

err:
	mxl_stage_drop(stage, first, i);
	return ret;
}

/* Do the files given belong to the flow, each in its place? */
static int mxl_flow_matches(struct mxl_flow *flow, struct mxl_stage *stage)
{
	u32 i;

	if (stage->geo.nr_payloads != flow->geo.nr_payloads)
		return -ESTALE;
	for (i = 0; i < flow->geo.nr_payloads; i++)
		if (file_inode(stage->payloads[i]) != flow->files[i + 1].inode)
			return -ESTALE;
	return 0;
}

static void mxl_attach_publish(struct mxl_flow *flow, struct mxl_attachment *a)
{
	lockdep_assert_held(&mxl_flows_mutex);
	spin_lock(&flow->lock);
	list_add_tail(&a->node, &flow->attachments);
	flow->known++;
	spin_unlock(&flow->lock);
	WRITE_ONCE(flow->nr_attachments, flow->nr_attachments + 1);
	trace_mxl_attach(flow, flow->nr_attachments);

	/* pairs with smp_load_acquire() in mxl_attached_flow(); nothing is changed after it */
	smp_store_release(&a->flow, flow);
}

/* Joins the flow of a complete stage if there is one: 0, -ENOENT, or why not */
static int mxl_attach_join(struct mxl_attachment *a)
{
	struct mxl_flow_file *f;
	int ret;

	lockdep_assert_held(&mxl_flows_mutex);
	f = mxl_find_file(file_inode(a->data));
	if (!f)
		return -ENOENT;
	if (f != &f->flow->files[0])
		return -EEXIST;
	ret = mxl_flow_matches(f->flow, a->stage);
	if (!ret)
		mxl_attach_publish(f->flow, a);
	return ret;
}

static int mxl_attach_adopt(struct mxl_attachment *a)
{
	struct mxl_flow *flow;
	int ret;

	flow = mxl_flow_build(a);
	if (IS_ERR(flow))
		return PTR_ERR(flow);

	mutex_lock(&mxl_flows_mutex);
	/* Somebody may have adopted it meanwhile */
	ret = mxl_attach_join(a);
	if (ret == -ENOENT) {
		ret = mxl_flow_publish(flow);
		if (!ret) {
			mxl_attach_publish(flow, a);
			flow = NULL;
		}
	}
	mutex_unlock(&mxl_flows_mutex);
	if (flow)
		mxl_flow_put(flow);
	return ret;
}

/* All pieces are there */
static int mxl_attach_complete(struct mxl_attachment *a)
{
	int ret;

	mutex_lock(&mxl_flows_mutex);
	ret = mxl_attach_join(a);
	mutex_unlock(&mxl_flows_mutex);
	if (ret == -ENOENT)
		ret = mxl_attach_adopt(a);
	if (ret)
		return ret;

	mxl_stage_free(a);
	/* An open file that was an outsider's until now is known; it may have been deleted, too */
	mxl_suspect_outsiders(a->flow);
	if (mxl_inode_is_gone(a->flow->files[0].inode))
		mxl_flow_die(a->flow);
	return 0;
}

static void mxl_attach_report(struct mxl_attachment *a, struct mxl_attach *arg)
{
	struct mxl_flow *flow = a->flow;
	const struct mxl_geometry *geo = flow ? &flow->geo : &a->stage->geo;

	arg->missing = flow ? 0 : geo->nr_payloads - a->stage->nr_given;
	arg->kind = geo->kind;
	arg->nr_payloads = geo->nr_payloads;
	arg->rate_num = geo->rate_num;
	arg->rate_den = geo->rate_den;
	arg->payload_size = geo->payload_size;
	arg->data_size = MXL_FLOW_HEADER_SIZE;
	arg->total_slices = geo->total_slices;
	arg->channels = geo->channels;
	arg->buffer_length = geo->buffer_length;
	arg->word_size = geo->word_size;
	arg->generation = flow ? READ_ONCE(flow->generation) : 0;
	arg->epoch = flow ? READ_ONCE(flow->epoch) : 0;
}

static int mxl_attach_piece(struct mxl_attachment *a, struct mxl_attach *arg, struct file *data,
			    const s32 *fds)
{
	bool begun = false;
	int ret;

	lockdep_assert_held(&a->mutex);
	if (a->flow)
		return -EISCONN;
	if (!a->stage) {
		ret = mxl_stage_begin(a, data);
		if (ret)
			return ret;
		begun = true;
	} else if (data != a->data) {
		return -EINVAL;
	}

	ret = mxl_stage_add(a, arg->first, fds, arg->nr_payload_fds);
	if (!ret && a->stage->nr_given == a->stage->geo.nr_payloads) {
		ret = mxl_attach_complete(a);
		if (ret)
			mxl_stage_drop(a->stage, arg->first, arg->nr_payload_fds);
	}
	if (ret && begun)
		mxl_stage_abort(a);
	if (!ret)
		mxl_attach_report(a, arg);
	return ret;
}

/**
 * mxl_attach() - MXL_IOC_ATTACH
 * @call: the call
 *
 * Return: 0 or what the uapi header says.
 */
int mxl_attach(struct mxl_call *call)
{
	struct mxl_attach *arg = &call->attach;
	struct file *data;
	s32 *fds = NULL;
	int ret;

	if (arg->flags)
		return -EOPNOTSUPP;
	if (arg->nr_payload_fds > READ_ONCE(mxl_tunables.max_payloads))
		return -EINVAL;
	if (arg->nr_payload_fds) {
		/* Copied before anything is locked */
		fds = kvmalloc_array(arg->nr_payload_fds, sizeof(*fds), GFP_KERNEL_ACCOUNT);
		if (!fds)
			return -ENOMEM;
		ret = -EFAULT;
		if (copy_from_user(fds, u64_to_user_ptr(arg->payload_fds),
				   array_size(arg->nr_payload_fds, sizeof(*fds))))
			goto out_fds;
	}
	ret = -EBADF;
	data = fget(arg->data_fd);
	if (!data)
		goto out_fds;

	mutex_lock(&call->a->mutex);
	ret = mxl_attach_piece(call->a, arg, data, fds);
	mutex_unlock(&call->a->mutex);
	fput(data);
out_fds:
	kvfree(fds);
	return ret;
}

/**
 * mxl_detach() - undo all that an attachment did
 * @a: attachment whose file has no user left
 */
void mxl_detach(struct mxl_attachment *a)
{
	struct mxl_flow *flow = a->flow;
	struct mxl_claim *claim = NULL;
	bool last;

	if (!flow) {
		if (a->stage)
			mxl_stage_abort(a);
		return;
	}

	spin_lock(&flow->lock);
	mxl_disarm(flow, a);
	if (a->claim)
		claim = mxl_claim_release(flow);
	list_del(&a->node);
	flow->known--;
	spin_unlock(&flow->lock);
	mxl_claim_free(claim);
	/* Whoever keeps the open file that was this attachment's is an outsider from now on */
	mxl_suspect_outsiders(flow);

	mutex_lock(&mxl_flows_mutex);
	WRITE_ONCE(flow->nr_attachments, flow->nr_attachments - 1);
	trace_mxl_detach(flow, flow->nr_attachments);
	last = !flow->nr_attachments;
	if (last)
		mxl_flow_unpublish(flow);
	mutex_unlock(&mxl_flows_mutex);
	if (last)
		mxl_flow_teardown(flow);

	mxl_data_drop(a);
	mxl_uncharge(a->user, MXL_RES_ATTACHMENTS, 1);
	mxl_user_put(a->user);
}

int __init mxl_flows_init(void)
{
	int ret;

	ret = rhashtable_init(&mxl_files, &mxl_files_params);
	if (ret)
		return ret;
	ret = rhashtable_init(&mxl_data_files, &mxl_data_files_params);
	if (ret)
		rhashtable_destroy(&mxl_files);
	return ret;
}

/*
 * Marks and directories give their memory back some time after they were taken down; their last
 * steps are code of this module.
 */
void mxl_flows_exit(void)
{
	wait_event(mxl_flows_gone, !atomic_read(&mxl_flows_alive));
	rhashtable_destroy(&mxl_data_files);
	rhashtable_destroy(&mxl_files);
}

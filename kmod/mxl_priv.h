/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects of the module and what protects them.
 *
 * A flow lives as long as it has attachments, an attachment as long as its open file, an open
 * file as long as a descriptor or a mapping. Nothing refers to a flow but by an attachment, save
 * its fsnotify mark and its sysfs directory, which hold the memory and are taken down first.
 *
 * Lock order: mmap_lock, mxl_attachment.mutex > mxl_flows_mutex > mxl_flow.lock > wait queue
 * locks, scheduler. No user memory is touched under any of them.
 */
#ifndef _MXL_PRIV_H
#define _MXL_PRIV_H

#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/fsnotify_backend.h>
#include <linux/kobject.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <uapi/linux/mxl.h>
#include <uapi/linux/mxl_layout.h>

#include "mxl_compat.h"

/* Pages are read by their address, indices in one access; headers are read from one page */
static_assert(IS_ENABLED(CONFIG_64BIT));
static_assert(sizeof(struct mxl_flow_header) <= PAGE_SIZE);
static_assert(sizeof(struct mxl_grain_header) <= PAGE_SIZE);
static_assert(sizeof(struct mxl_control) <= PAGE_SIZE);

struct mxl_attachment;
struct mxl_claim;
struct mxl_flow;

/* ---- limits ------------------------------------------------------------------------------ */

/* What is limited, for all users together and for each of them */
enum mxl_resource {
	MXL_RES_FLOWS,
	MXL_RES_ATTACHMENTS,
	MXL_RES_WAITERS,
	MXL_RES_PAGES,
	MXL_NR_RESOURCES,
};

/**
 * struct mxl_tunables - what an administrator may change at any time
 * @max: limit of each resource for all users together
 * @max_user: limit of each resource for one user
 * @max_payloads: most payload files of one flow
 * @max_wait_many: most items of one MXL_IOC_WAIT_MANY
 * @prefault: told to the library
 * @spin_ns: how long a wait looks again and again before it sleeps
 * @default_history_ns: told to the library
 *
 * Single words without relation to each other: READ_ONCE() and WRITE_ONCE(), no lock.
 */
struct mxl_tunables {
	unsigned long max[MXL_NR_RESOURCES];
	unsigned long max_user[MXL_NR_RESOURCES];
	unsigned int max_payloads;
	unsigned int max_wait_many;
	unsigned int prefault;
	u64 spin_ns;
	u64 default_history_ns;
};

extern struct mxl_tunables mxl_tunables;
extern atomic_long_t mxl_used[MXL_NR_RESOURCES];

/**
 * struct mxl_user - what one user has of each resource
 * @node: in the list of users, under its lock
 * @uid: invariant
 * @refs: attachments and flows of the user
 * @used: how much of each resource
 */
struct mxl_user {
	struct list_head node;
	kuid_t uid;
	refcount_t refs;
	atomic_long_t used[MXL_NR_RESOURCES];
};

struct mxl_user *mxl_user_get(kuid_t uid);
struct mxl_user *mxl_user_hold(struct mxl_user *user);
void mxl_user_put(struct mxl_user *user);
int mxl_charge(struct mxl_user *user, enum mxl_resource res, unsigned long n);
void mxl_uncharge(struct mxl_user *user, enum mxl_resource res, unsigned long n);

/* ---- geometry ---------------------------------------------------------------------------- */

/**
 * struct mxl_geometry - what the kernel knows of a flow's form
 * @kind: MXL_KIND_*
 * @nr_payloads: payload files: grains of the ring, or 1
 * @rate_num: numerator of the rate
 * @rate_den: denominator of the rate
 * @payload_size: bytes of one payload file, 0 while unknown
 * @total_slices: slices of a grain, 0 while unknown
 * @channels: of a continuous flow
 * @buffer_length: samples per channel of a continuous flow
 * @word_size: bytes of one sample, 0 while unknown
 */
struct mxl_geometry {
	u32 kind;
	u32 nr_payloads;
	u64 rate_num;
	u64 rate_den;
	u64 payload_size;
	u32 total_slices;
	u32 channels;
	u32 buffer_length;
	u32 word_size;
};

/**
 * struct mxl_grain - a grain header as it was read once
 * @index: index in the slot
 * @flags: MXL_LAYOUT_GRAIN_*
 * @valid_slices: slices that can be read
 */
struct mxl_grain {
	u64 index;
	u32 flags;
	u32 valid_slices;
};

/* ---- flows ------------------------------------------------------------------------------- */

/**
 * struct mxl_flow_file - one file of a flow
 * @node: in mxl_files by @inode; member while the flow is published
 * @inode: kept by @file, invariant
 * @flow: invariant
 * @file: read-only open file of the module's own, for the mappings of readers; invariant
 * @page: its first page, pinned; NULL for samples. Replaced only by a holder of the writer lock
 *	who found that the file had been truncated, freed after a grace period
 */
struct mxl_flow_file {
	struct rhash_head node;
	struct inode *inode;
	struct mxl_flow *flow;
	struct file *file;
	struct page __rcu *page;
};

/**
 * struct mxl_flow - a flow while somebody is attached to it
 * @refs: one each for being published, the mark and the sysfs directory; holds the memory
 * @node: in mxl_flows, under mxl_flows_mutex
 * @nr_attachments: under mxl_flows_mutex; the flow is taken down at zero
 * @user: who adopted it, charged for the flow and its pages; invariant
 * @geo: invariant
 * @control: control page, written by the kernel under @lock, mapped by attachments
 * @activity: activity page, written by attachments, trusted for nothing
 * @kobj: sysfs directory
 * @mark: on the inode of ``data``
 * @recheck: looks whether outsiders are gone
 * @retry: tries to seal the files for those that wait for the writer lock
 * @lock: protects everything below, and the order of events waiters see
 * @attachments: mxl_attachment.node
 * @waiters: mxl_waiter.node by index, then slices
 * @nr_waiters: in @waiters
 * @nr_wide: of these, on indices mxl_wake_position() can not pack
 * @claim: holder of the writer lock, or NULL
 * @writer: @claim is settled; also read without @lock
 * @lockers: mxl_claim.node, those that wait for the lock
 * @nr_lockers: how many
 * @retry_ms: time to the next @retry
 * @known: open files of ``data`` that are the module's own or an attachment's
 * @recheck_ms: time to the next @recheck
 * @dying: taken down, no work may be queued any more
 * @dead: ``data`` was deleted or replaced; also read without @lock
 * @generation: restarts at a lower index; also read without @lock
 * @epoch: writer locks taken
 * @last_sync: syncCounter up to which @commits counts
 * @commits: signalled commits
 * @commit_calls: MXL_IOC_COMMIT
 * @wakes: waiters woken by these
 * @overruns: waits that came too late, counted without the lock
 * @nr_files: entries of @files, invariant
 * @files: ``data``, then the payload files
 */
struct mxl_flow {
	refcount_t refs;
	struct list_head node;
	unsigned int nr_attachments;
	struct mxl_user *user;
	struct mxl_geometry geo;
	struct mxl_control *control;
	struct mxl_activity *activity;
	struct kobject kobj;
	struct fsnotify_mark mark;
	struct delayed_work recheck;
	struct delayed_work retry;

	spinlock_t lock ____cacheline_aligned_in_smp;
	struct list_head attachments;
	struct rb_root_cached waiters;
	unsigned int nr_waiters;
	unsigned int nr_wide;
	struct mxl_claim *claim;
	bool writer;
	struct list_head lockers;
	unsigned int nr_lockers;
	unsigned int retry_ms;
	unsigned int known;
	unsigned int recheck_ms;
	bool dying;
	bool dead;
	u64 generation;
	u64 epoch;
	u32 last_sync;
	u64 commits;
	u64 commit_calls;
	u64 wakes;
	atomic64_t overruns;

	u32 nr_files;
	struct mxl_flow_file files[] __counted_by(nr_files);
};

extern struct list_head mxl_flows;
extern struct mutex mxl_flows_mutex;
extern struct workqueue_struct *mxl_wq;
extern const struct file_operations mxl_fops;

struct mxl_flow *mxl_flow_alloc(const struct mxl_geometry *geo);
void mxl_flow_put(struct mxl_flow *flow);
void mxl_flow_die(struct mxl_flow *flow);
void mxl_flow_account(struct mxl_flow *flow);
int mxl_flow_revalidate(struct mxl_flow *flow);
u64 mxl_flow_head(struct mxl_flow *flow);
u32 mxl_flow_sync_counter(struct mxl_flow *flow);
u64 mxl_flow_last_write(struct mxl_flow *flow);
void mxl_flow_grain(struct mxl_flow *flow, u64 index, struct mxl_grain *ret_grain);
bool mxl_inode_is_gone(struct inode *inode);
bool mxl_inode_has_one_name(struct inode *inode);
int mxl_flows_init(void);
void mxl_flows_exit(void);

/* ---- waiting ----------------------------------------------------------------------------- */

/**
 * struct mxl_deadline - a time-out that was given by a call
 * @at: when, on @clock
 * @clock: CLOCK_MONOTONIC or CLOCK_TAI
 * @never: it has no end
 * @at_once: it does not sleep
 */
struct mxl_deadline {
	ktime_t at;
	clockid_t clock;
	bool never;
	bool at_once;
};

/**
 * struct mxl_sleeper - a thread that waits for one or several waiters
 * @task: the thread, which outlives the structure
 * @remaining: waiters that have to be met before it is woken
 * @any: one that is met is enough
 * @done: woken; set with release, whatever it stands for is visible then
 */
struct mxl_sleeper {
	struct task_struct *task;
	atomic_t remaining;
	bool any;
	bool done;
};

/**
 * struct mxl_waiter - one condition on one flow
 * @node: in mxl_flow.waiters
 * @queued: it is there; under mxl_flow.lock
 * @index: waited for
 * @slices: waited for, at most those of the grain
 * @generation: @index belongs to
 * @result: -EINPROGRESS, or how it ended
 * @sleeper: who is to be told, or NULL
 * @armed: attachment whose descriptor it makes readable, or NULL
 */
struct mxl_waiter {
	struct rb_node node;
	bool queued;
	u64 index;
	u32 slices;
	u64 generation;
	int result;
	struct mxl_sleeper *sleeper;
	struct mxl_attachment *armed;
};

void mxl_deadline_set(struct mxl_deadline *d, u64 timeout_ns, bool tai);
u64 mxl_deadline_left(const struct mxl_deadline *d, u64 timeout_ns);
int mxl_sleep(const struct mxl_deadline *d, const bool *done);

/*
 * A waiter's condition against head and grain: 0 met, -EINPROGRESS not yet, -ERANGE too late,
 * -ENODATA passed while incomplete
 */
int mxl_judge(const struct mxl_geometry *geo, u64 head, const struct mxl_grain *grain, u64 index,
	      u32 slices);
int mxl_condition(struct mxl_flow *flow, u64 index, u32 slices, u64 generation);

void mxl_waiter_init(struct mxl_waiter *w, struct mxl_flow *flow, u64 index, u32 slices,
		     u64 generation);
int mxl_waiter_add(struct mxl_flow *flow, struct mxl_waiter *w);
void mxl_waiter_del(struct mxl_flow *flow, struct mxl_waiter *w);
unsigned int mxl_wake_met(struct mxl_flow *flow);
unsigned int mxl_wake_all(struct mxl_flow *flow, int result);
void mxl_publish_wake(struct mxl_flow *flow);
void mxl_notify_armed(struct mxl_flow *flow);
void mxl_disarm(struct mxl_flow *flow, struct mxl_attachment *a);

/* ---- attachments ------------------------------------------------------------------------- */

/**
 * struct mxl_stage - what came of a flow's files before the last piece
 * @geo: as far as it is known
 * @page: first page of ``data``
 * @charged: pages the user was charged for
 * @nr_given: payload files that came
 * @payloads: these
 */
struct mxl_stage {
	struct mxl_geometry geo;
	struct page *page;
	unsigned long charged;
	u32 nr_given;
	struct file *payloads[];
};

/**
 * struct mxl_attachment - one open file of /dev/mxl
 * @mutex: protects @stage and the steps to @flow
 * @stage: pieces of an attachment that is not complete
 * @flow: NULL until the attachment is complete; set with release, then invariant
 * @data: the caller's open file of ``data``, set with the first piece
 * @data_node: by @data, which serves no other attachment; member while that is set
 * @user: charged for the attachment; set with the first piece
 * @wq: those who poll
 * @node: in mxl_flow.attachments, under its lock; so is all below
 * @claim: on the writer lock: waiting for it or holding it
 * @arm: condition of MXL_EVENT_DATA
 * @arm_events: what MXL_IOC_ARM asked for
 * @arm_epoch: known to the caller
 * @arm_generation: known to the caller
 * @fired: what happened of @arm_events; also read without the lock
 */
struct mxl_attachment {
	struct mutex mutex; /* pieces come one after the other */
	struct mxl_stage *stage;
	struct mxl_flow *flow;
	struct file *data;
	struct rhash_head data_node;
	struct mxl_user *user;
	wait_queue_head_t wq;
	struct list_head node;
	struct mxl_claim *claim;
	struct mxl_waiter arm;
	u32 arm_events;
	u64 arm_epoch;
	u64 arm_generation;
	u32 fired;
};

/**
 * mxl_attached_flow() - the flow of an attachment
 * @a: attachment
 *
 * Return: the flow, which stays while the attachment's file is open; NULL before completion.
 */
static inline struct mxl_flow *mxl_attached_flow(struct mxl_attachment *a)
{
	/* pairs with smp_store_release() in mxl_attach_publish() */
	return smp_load_acquire(&a->flow);
}

/**
 * struct mxl_call - a call on its way through the module
 * @a: attachment it was made on
 * @flow: its flow, for calls that need one
 * @report: copy the structure back even if the call fails
 * @size: the caller's size; with all that follows a member of the caller's structure
 * @raw: room for any structure
 */
struct mxl_call {
	struct mxl_attachment *a;
	struct mxl_flow *flow;
	bool report;
	union {
		u32 size;
		u64 raw[16];
		/* private: by the names of the calls */
		struct mxl_info info;
		struct mxl_attach attach;
		struct mxl_lock lock;
		struct mxl_unlock unlock;
		struct mxl_wait wait;
		struct mxl_wait_many wait_many;
		struct mxl_commit commit;
		struct mxl_arm arm;
		struct mxl_state state;
	};
};

int mxl_attach(struct mxl_call *call);
void mxl_detach(struct mxl_attachment *a);
int mxl_wait(struct mxl_call *call);
int mxl_wait_many(struct mxl_call *call);
int mxl_commit(struct mxl_call *call);
int mxl_arm(struct mxl_call *call);
int mxl_lock(struct mxl_call *call);
int mxl_unlock(struct mxl_call *call);

/* ---- writer lock ------------------------------------------------------------------------- */

enum mxl_claim_state {
	MXL_CLAIM_NEW,
	MXL_CLAIM_QUEUED,
	MXL_CLAIM_HELD,
	MXL_CLAIM_OVER,
};

/**
 * struct mxl_claim - a wish for the writer lock, and its possession
 * @node: in mxl_flow.lockers while MXL_CLAIM_QUEUED
 * @state: under mxl_flow.lock, as all below that is not invariant
 * @a: attachment it was made through; invariant
 * @task: thread that waits for it; invariant
 * @mm: who may map writable; invariant
 * @owner: file table whose close counts as giving up; invariant
 * @pid: process, for those who ask; invariant
 * @fresh: sealed for this claim, so the files may have changed before
 * @settled: checked after sealing, and announced
 * @taken: the call that made the claim is done with it, others may end and free it
 * @closed: @owner closed its descriptor
 * @done: the state is not MXL_CLAIM_QUEUED any more; set with release
 * @error: why the claim is over without having been granted
 * @writable: writable mappings
 * @nr_files: entries of @files, invariant
 * @files: read-only open files, one for each file of the flow, for the holder's mappings: its
 *	mappings can not merge with those of readers, who have others; invariant
 */
struct mxl_claim {
	struct list_head node;
	enum mxl_claim_state state;
	struct mxl_attachment *a;
	struct task_struct *task;
	struct mm_struct *mm;
	fl_owner_t owner;
	struct pid *pid;
	bool fresh;
	bool settled;
	bool taken;
	bool closed;
	bool done;
	int error;
	unsigned int writable;
	u32 nr_files;
	struct file *files[] __counted_by(nr_files);
};

int mxl_may_write(struct vfsmount *mnt, struct inode *inode);
struct mxl_claim *mxl_claim_alloc(struct mxl_flow *flow, struct mxl_attachment *a);
void mxl_claim_free(struct mxl_claim *c);
int mxl_claim_try(struct mxl_flow *flow, struct mxl_claim *c, bool queue);
struct mxl_claim *mxl_claim_cancel(struct mxl_flow *flow, struct mxl_claim *c);
struct mxl_claim *mxl_claim_release(struct mxl_flow *flow);
struct mxl_claim *mxl_claim_unmapped(struct mxl_flow *flow, struct mxl_claim *c);
struct mxl_claim *mxl_claim_closed(struct mxl_flow *flow, struct mxl_attachment *a,
				   fl_owner_t owner);
void mxl_claims_die(struct mxl_flow *flow);
void mxl_lock_retry(struct work_struct *work);
void mxl_lock_retry_soon(struct mxl_flow *flow);

/* ---- mapping, outsiders, sysfs ----------------------------------------------------------- */

int mxl_mmap(struct file *file, struct vm_area_struct *vma);

bool mxl_proves_absence(unsigned int dentry_refs, unsigned int known, unsigned int nlink,
			bool one_alias);
void mxl_suspect_outsiders(struct mxl_flow *flow);
void mxl_check_outsiders(struct mxl_flow *flow);
void mxl_await_insiders(struct mxl_flow *flow);
void mxl_outsider_recheck(struct work_struct *work);
int mxl_watch(struct mxl_flow *flow);
void mxl_unwatch(struct mxl_flow *flow);
int mxl_outsider_init(void);
void mxl_outsider_exit(void);

extern const struct attribute_group *mxl_groups[];
void mxl_tunables_publish(struct mxl_flow *flow);
int mxl_flow_add_kobj(struct mxl_flow *flow);
void mxl_flow_del_kobj(struct mxl_flow *flow);
void mxl_sysfs_init(struct device *dev);
void mxl_sysfs_exit(void);

#if IS_ENABLED(CONFIG_KUNIT)
int mxl_check_header(const struct mxl_flow_header *hdr, u64 size, struct mxl_geometry *ret_geo);
int mxl_check_grain(const struct mxl_grain_header *hdr, u64 size, struct mxl_geometry *geo);
int mxl_check_samples(u64 size, struct mxl_geometry *geo);
#endif

#endif /* _MXL_PRIV_H */

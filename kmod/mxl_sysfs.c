// SPDX-License-Identifier: GPL-2.0-only
/*
 * sysfs: tunables under the device, and a directory for each flow. Both are described in
 * doc/sysfs-abi.
 */

#include <linux/device.h>
#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/pid.h>
#include <linux/sysfs.h>
#include <linux/timekeeping.h>

#include "mxl_priv.h"

/* ---- tunables ---------------------------------------------------------------------------- */

/* The device, and the parent of the flows' directories in it; under mxl_flows_mutex */
static struct device *mxl_device;
static struct kobject *mxl_flows_kobj;

/**
 * mxl_tunables_publish() - tell the processes of a flow what the tunables are
 * @flow: the flow
 */
void mxl_tunables_publish(struct mxl_flow *flow)
{
	struct mxl_control *control = flow->control;

	WRITE_ONCE(control->prefault, READ_ONCE(mxl_tunables.prefault));
	WRITE_ONCE(control->spin_ns, READ_ONCE(mxl_tunables.spin_ns));
	WRITE_ONCE(control->default_history_ns, READ_ONCE(mxl_tunables.default_history_ns));
}

static void mxl_tunables_changed(void)
{
	struct mxl_flow *flow;

	mutex_lock(&mxl_flows_mutex);
	list_for_each_entry(flow, &mxl_flows, node)
		mxl_tunables_publish(flow);
	mutex_unlock(&mxl_flows_mutex);
}

/**
 * struct mxl_tunable - an attribute for a word of mxl_tunables
 * @attr: attribute
 * @word: where it is
 * @size: 4 or 8 bytes
 * @min: least value
 * @max: greatest value
 */
struct mxl_tunable {
	struct device_attribute attr;
	void *word;
	size_t size;
	u64 min;
	u64 max;
};

static ssize_t mxl_tunable_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct mxl_tunable *t = container_of(attr, struct mxl_tunable, attr);
	u64 value;

	if (t->size == sizeof(u32))
		value = READ_ONCE(*(u32 *)t->word);
	else
		value = READ_ONCE(*(u64 *)t->word);
	return sysfs_emit(buf, "%llu\n", value);
}

static ssize_t mxl_tunable_store(struct device *dev, struct device_attribute *attr, const char *buf,
				 size_t count)
{
	struct mxl_tunable *t = container_of(attr, struct mxl_tunable, attr);
	u64 value;
	int ret;

	ret = kstrtou64(buf, 0, &value);
	if (ret)
		return ret;
	if (value < t->min || value > t->max)
		return -ERANGE;
	if (t->size == sizeof(u32))
		WRITE_ONCE(*(u32 *)t->word, value);
	else
		WRITE_ONCE(*(u64 *)t->word, value);
	mxl_tunables_changed();
	return count;
}

#define MXL_TUNABLE(_name, _word, _min, _max)						\
	static struct mxl_tunable mxl_tunable_##_name = {				\
		.attr = __ATTR(_name, 0644, mxl_tunable_show, mxl_tunable_store),	\
		.word = &mxl_tunables._word,						\
		.size = sizeof(mxl_tunables._word),					\
		.min = (_min),								\
		.max = (_max),								\
	}

/* Limits may be lowered below what is in use: nothing is taken away, nothing more is given */
MXL_TUNABLE(max_flows, max[MXL_RES_FLOWS], 0, INT_MAX);
MXL_TUNABLE(max_attachments, max[MXL_RES_ATTACHMENTS], 0, INT_MAX);
MXL_TUNABLE(max_waiters, max[MXL_RES_WAITERS], 0, INT_MAX);
MXL_TUNABLE(max_pages, max[MXL_RES_PAGES], 0, INT_MAX);
MXL_TUNABLE(max_flows_per_user, max_user[MXL_RES_FLOWS], 0, INT_MAX);
MXL_TUNABLE(max_attachments_per_user, max_user[MXL_RES_ATTACHMENTS], 0, INT_MAX);
MXL_TUNABLE(max_waiters_per_user, max_user[MXL_RES_WAITERS], 0, INT_MAX);
MXL_TUNABLE(max_pages_per_user, max_user[MXL_RES_PAGES], 0, INT_MAX);
MXL_TUNABLE(max_payloads, max_payloads, 1, MXL_LAYOUT_MAX_GRAINS);
MXL_TUNABLE(max_wait_many, max_wait_many, 1, 65536);
MXL_TUNABLE(prefault, prefault, 0, 1);
/* A wait that spins can not be interrupted for so long, so it must be short */
MXL_TUNABLE(spin_ns, spin_ns, 0, NSEC_PER_MSEC);
MXL_TUNABLE(default_history_ns, default_history_ns, 1, 3600 * (u64)NSEC_PER_SEC);

static struct attribute *mxl_tunable_attrs[] = {
	&mxl_tunable_max_flows.attr.attr,
	&mxl_tunable_max_attachments.attr.attr,
	&mxl_tunable_max_waiters.attr.attr,
	&mxl_tunable_max_pages.attr.attr,
	&mxl_tunable_max_flows_per_user.attr.attr,
	&mxl_tunable_max_attachments_per_user.attr.attr,
	&mxl_tunable_max_waiters_per_user.attr.attr,
	&mxl_tunable_max_pages_per_user.attr.attr,
	&mxl_tunable_max_payloads.attr.attr,
	&mxl_tunable_max_wait_many.attr.attr,
	&mxl_tunable_prefault.attr.attr,
	&mxl_tunable_spin_ns.attr.attr,
	&mxl_tunable_default_history_ns.attr.attr,
	NULL,
};

static const struct attribute_group mxl_tunable_group = {
	.name = "tunables",
	.attrs = mxl_tunable_attrs,
};

/* An attribute for what is in use of a resource */
struct mxl_usage {
	struct device_attribute attr;
	enum mxl_resource res;
};

static ssize_t mxl_usage_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct mxl_usage *u = container_of(attr, struct mxl_usage, attr);

	return sysfs_emit(buf, "%ld\n", atomic_long_read(&mxl_used[u->res]));
}

#define MXL_USAGE(_name, _res)								\
	static struct mxl_usage mxl_usage_##_name = {					\
		.attr = __ATTR(_name, 0444, mxl_usage_show, NULL),			\
		.res = (_res),								\
	}

MXL_USAGE(flows, MXL_RES_FLOWS);
MXL_USAGE(attachments, MXL_RES_ATTACHMENTS);
MXL_USAGE(waiters, MXL_RES_WAITERS);
MXL_USAGE(pages, MXL_RES_PAGES);

static struct attribute *mxl_used_attrs[] = {
	&mxl_usage_flows.attr.attr,
	&mxl_usage_attachments.attr.attr,
	&mxl_usage_waiters.attr.attr,
	&mxl_usage_pages.attr.attr,
	NULL,
};

static const struct attribute_group mxl_used_group = {
	.name = "used",
	.attrs = mxl_used_attrs,
};

const struct attribute_group *mxl_groups[] = {
	&mxl_tunable_group,
	&mxl_used_group,
	NULL,
};

/* ---- flows ------------------------------------------------------------------------------- */

/* Called under rcu_read_lock(), to read of the flow's pages */
struct mxl_flow_attr {
	struct attribute attr;
	ssize_t (*show)(struct mxl_flow *flow, char *buf);
};

#define MXL_FLOW_ATTR(_name)								\
	static struct mxl_flow_attr mxl_flow_attr_##_name = {				\
		.attr = { .name = __stringify(_name), .mode = 0444 },			\
		.show = _name##_show,							\
	}

static ssize_t kind_show(struct mxl_flow *flow, char *buf)
{
	return sysfs_emit(buf, "%s\n",
			  flow->geo.kind == MXL_KIND_DISCRETE ? "discrete" : "continuous");
}
MXL_FLOW_ATTR(kind);

static ssize_t rate_show(struct mxl_flow *flow, char *buf)
{
	return sysfs_emit(buf, "%llu/%llu\n", flow->geo.rate_num, flow->geo.rate_den);
}
MXL_FLOW_ATTR(rate);

/* Geometry and whatever else is one number that is read at once */
#define MXL_FLOW_NUMBER(_name, _fmt, _value)						\
	static ssize_t _name##_show(struct mxl_flow *flow, char *buf)			\
	{										\
		return sysfs_emit(buf, _fmt "\n", _value);				\
	}										\
	MXL_FLOW_ATTR(_name)

MXL_FLOW_NUMBER(payloads, "%u", flow->geo.nr_payloads);
MXL_FLOW_NUMBER(payload_size, "%llu", flow->geo.payload_size);
MXL_FLOW_NUMBER(total_slices, "%u", flow->geo.total_slices);
MXL_FLOW_NUMBER(channels, "%u", flow->geo.channels);
MXL_FLOW_NUMBER(buffer_length, "%u", flow->geo.buffer_length);
MXL_FLOW_NUMBER(word_size, "%u", flow->geo.word_size);
MXL_FLOW_NUMBER(head, "%llu", mxl_flow_head(flow));
MXL_FLOW_NUMBER(generation, "%llu", READ_ONCE(flow->generation));
MXL_FLOW_NUMBER(epoch, "%llu", READ_ONCE(flow->epoch));
MXL_FLOW_NUMBER(attachments, "%u", READ_ONCE(flow->nr_attachments));
MXL_FLOW_NUMBER(waiters, "%u", READ_ONCE(flow->nr_waiters));
MXL_FLOW_NUMBER(lockers, "%u", READ_ONCE(flow->nr_lockers));
MXL_FLOW_NUMBER(outsiders, "%u", READ_ONCE(flow->control->outsiders));
MXL_FLOW_NUMBER(dead, "%u", READ_ONCE(flow->dead));
MXL_FLOW_NUMBER(last_write_ns, "%llu", mxl_flow_last_write(flow));
MXL_FLOW_NUMBER(last_read_ns, "%llu", READ_ONCE(flow->activity->last_read_ns));

static ssize_t latency_ns_show(struct mxl_flow *flow, char *buf)
{
	u64 then = mxl_time_from_index(mxl_flow_head(flow), flow->geo.rate_num, flow->geo.rate_den);

	if (then == MXL_LAYOUT_UNDEFINED_INDEX)
		return sysfs_emit(buf, "\n");
	/* Ahead of time is possible, and then the difference is negative */
	return sysfs_emit(buf, "%lld\n", (s64)(ktime_get_clocktai_ns() - then));
}
MXL_FLOW_ATTR(latency_ns);

static ssize_t writer_pid_show(struct mxl_flow *flow, char *buf)
{
	pid_t pid = 0;

	spin_lock(&flow->lock);
	if (flow->writer)
		pid = pid_vnr(flow->claim->pid);
	spin_unlock(&flow->lock);
	return sysfs_emit(buf, "%d\n", pid);
}
MXL_FLOW_ATTR(writer_pid);

enum mxl_counter {
	MXL_COUNT_COMMITS,
	MXL_COUNT_CALLS,
	MXL_COUNT_WAKES,
	MXL_COUNT_AVOIDED,
	MXL_COUNT_OVERRUNS,
};

static ssize_t mxl_counter_show(struct mxl_flow *flow, char *buf, enum mxl_counter which)
{
	u64 value = 0;

	spin_lock(&flow->lock);
	mxl_flow_account(flow);
	switch (which) {
	case MXL_COUNT_COMMITS:
		value = flow->commits;
		break;
	case MXL_COUNT_CALLS:
		value = flow->commit_calls;
		break;
	case MXL_COUNT_WAKES:
		value = flow->wakes;
		break;
	case MXL_COUNT_AVOIDED:
		/* A writer may make more calls than it owes */
		value = flow->commits - min(flow->commits, flow->commit_calls);
		break;
	case MXL_COUNT_OVERRUNS:
		value = atomic64_read(&flow->overruns);
		break;
	}
	spin_unlock(&flow->lock);
	return sysfs_emit(buf, "%llu\n", value);
}

#define MXL_FLOW_COUNTER(_name, _which)							\
	static ssize_t _name##_show(struct mxl_flow *flow, char *buf)			\
	{										\
		return mxl_counter_show(flow, buf, _which);				\
	}										\
	MXL_FLOW_ATTR(_name)

MXL_FLOW_COUNTER(commits, MXL_COUNT_COMMITS);
MXL_FLOW_COUNTER(commit_calls, MXL_COUNT_CALLS);
MXL_FLOW_COUNTER(wakes, MXL_COUNT_WAKES);
MXL_FLOW_COUNTER(wakes_avoided, MXL_COUNT_AVOIDED);
MXL_FLOW_COUNTER(overruns, MXL_COUNT_OVERRUNS);

static struct attribute *mxl_flow_attrs[] = {
	&mxl_flow_attr_kind.attr,
	&mxl_flow_attr_rate.attr,
	&mxl_flow_attr_payloads.attr,
	&mxl_flow_attr_payload_size.attr,
	&mxl_flow_attr_total_slices.attr,
	&mxl_flow_attr_channels.attr,
	&mxl_flow_attr_buffer_length.attr,
	&mxl_flow_attr_word_size.attr,
	&mxl_flow_attr_head.attr,
	&mxl_flow_attr_latency_ns.attr,
	&mxl_flow_attr_generation.attr,
	&mxl_flow_attr_epoch.attr,
	&mxl_flow_attr_writer_pid.attr,
	&mxl_flow_attr_attachments.attr,
	&mxl_flow_attr_waiters.attr,
	&mxl_flow_attr_lockers.attr,
	&mxl_flow_attr_outsiders.attr,
	&mxl_flow_attr_dead.attr,
	&mxl_flow_attr_last_write_ns.attr,
	&mxl_flow_attr_last_read_ns.attr,
	&mxl_flow_attr_commits.attr,
	&mxl_flow_attr_commit_calls.attr,
	&mxl_flow_attr_wakes.attr,
	&mxl_flow_attr_wakes_avoided.attr,
	&mxl_flow_attr_overruns.attr,
	NULL,
};
ATTRIBUTE_GROUPS(mxl_flow);

static ssize_t mxl_flow_attr_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	struct mxl_flow_attr *a = container_of(attr, struct mxl_flow_attr, attr);
	ssize_t ret;

	rcu_read_lock();
	ret = a->show(container_of(kobj, struct mxl_flow, kobj), buf);
	rcu_read_unlock();
	return ret;
}

static const struct sysfs_ops mxl_flow_sysfs_ops = {
	.show = mxl_flow_attr_show,
};

static void mxl_flow_kobj_release(struct kobject *kobj)
{
	mxl_flow_put(container_of(kobj, struct mxl_flow, kobj));
}

static const struct kobj_type mxl_flow_ktype = {
	.release = mxl_flow_kobj_release,
	.sysfs_ops = &mxl_flow_sysfs_ops,
	.default_groups = mxl_flow_groups,
};

static int mxl_sysfs_add_flows(void)
{
	lockdep_assert_held(&mxl_flows_mutex);
	if (!mxl_flows_kobj)
		mxl_flows_kobj = kobject_create_and_add("flows", &mxl_device->kobj);
	return mxl_flows_kobj ? 0 : -ENOMEM;
}

/**
 * mxl_flow_add_kobj() - make the directory of a flow
 * @flow: the flow
 *
 * Return: 0 or an error of sysfs.
 */
int mxl_flow_add_kobj(struct mxl_flow *flow)
{
	struct inode *inode = flow->files[0].inode;
	dev_t dev = inode->i_sb->s_dev;
	int ret;

	ret = mxl_sysfs_add_flows();
	if (ret)
		return ret;
	refcount_inc(&flow->refs);
	ret = kobject_init_and_add(&flow->kobj, &mxl_flow_ktype, mxl_flows_kobj, "%u:%u:%llu",
				   MAJOR(dev), MINOR(dev), (u64)inode->i_ino);
	if (ret)
		kobject_put(&flow->kobj);
	return ret;
}

/**
 * mxl_flow_del_kobj() - remove the directory of a flow
 * @flow: the flow
 *
 * Nobody reads it any more when this returns, whoever has its files open.
 */
void mxl_flow_del_kobj(struct mxl_flow *flow)
{
	kobject_del(&flow->kobj);
	kobject_put(&flow->kobj);
}

/**
 * mxl_sysfs_init() - prepare for flows
 * @dev: the device
 *
 * If there is no memory for the directory of flows, the first flow tries again.
 */
void __init mxl_sysfs_init(struct device *dev)
{
	mxl_device = dev;
	mxl_sysfs_add_flows();
}

void mxl_sysfs_exit(void)
{
	kobject_put(mxl_flows_kobj);
}

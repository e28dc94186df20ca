// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping the regions of a flow.
 *
 * Control and activity page are the module's. ``data`` and the payload files are mapped by the
 * file system that has them: the mapping is moved to a read-only open file of the module's, so
 * that the pages are ordinary page-cache pages for everyone who looks at them. That drops the
 * mapping's reference to the open file of /dev/mxl, on which the attachment and this code live,
 * so the mapping's operations are wrapped to hold one.
 *
 * The core merges and splits mappings without looking at operations that have no close(), and
 * never drops one that has. The count of mappings in struct mxl_mapping therefore stays right
 * whatever mprotect(), mremap() and munmap() do to them. Mappings of a writer are of open files
 * of its own, so they never become part of a reader's. Offsets of regions leave gaps, so the
 * core does not extend one region's mapping into the next before this is asked.
 */

#include <linux/file.h>
#include <linux/mm.h>
#include <linux/refcount.h>
#include <linux/slab.h>

#include "mxl_priv.h"

/**
 * struct mxl_mapping - what one mmap() of a file became
 * @ops: operations of the file system, with open and close wrapped; the way from a mapping here
 * @orig: operations of the file system
 * @refs: mappings it was split and copied into
 * @dev: open file of /dev/mxl
 * @claim: if it is writable, the claim that allowed it, which lives until it is gone
 */
struct mxl_mapping {
	struct vm_operations_struct ops;
	const struct vm_operations_struct *orig;
	refcount_t refs;
	struct file *dev;
	struct mxl_claim *claim;
};

static void mxl_mapping_put(struct mxl_mapping *m)
{
	struct mxl_attachment *a = m->dev->private_data;

	if (!refcount_dec_and_test(&m->refs))
		return;
	if (m->claim)
		mxl_claim_free(mxl_claim_unmapped(a->flow, m->claim));
	fput(m->dev);
	kfree(m);
}

static struct mxl_mapping *mxl_mapping_of(struct vm_area_struct *vma)
{
	return container_of(vma->vm_ops, struct mxl_mapping, ops);
}

static void mxl_vm_open(struct vm_area_struct *vma)
{
	struct mxl_mapping *m = mxl_mapping_of(vma);

	refcount_inc(&m->refs);
	if (m->orig->open)
		m->orig->open(vma);
}

static void mxl_vm_close(struct vm_area_struct *vma)
{
	struct mxl_mapping *m = mxl_mapping_of(vma);

	if (m->orig->close)
		m->orig->close(vma);
	mxl_mapping_put(m);
}

/* Either page of the module's own; the mapping keeps its open file, and so the attachment */
static int mxl_mmap_page(struct vm_area_struct *vma, void *page)
{
	if (vma->vm_end - vma->vm_start != PAGE_SIZE)
		return -EINVAL;
	/* Mappings with these flags are not merged */
	vm_flags_set(vma, VM_MIXEDMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vm_flags_clear(vma, VM_MAYEXEC);
	return vm_insert_page(vma, vma->vm_start, virt_to_page(page));
}

static int mxl_mmap_control(struct mxl_flow *flow, struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_WRITE)
		return -EPERM;
	vm_flags_clear(vma, VM_MAYWRITE);
	return mxl_mmap_page(vma, flow->control);
}

/*
 * Finds the open file that a mapping is to be of: the holder's own for a writable one. The claim
 * can not end while it has writable mappings, of which this is one from now on.
 */
static int mxl_mapping_begin(struct mxl_flow *flow, struct mxl_mapping *m, u32 nr,
			     struct vm_area_struct *vma, struct file **ret_file)
{
	struct mxl_attachment *a = m->dev->private_data;
	struct mxl_claim *c;
	int ret = 0;

	if (!(vma->vm_flags & VM_WRITE)) {
		*ret_file = flow->files[nr].file;
		return 0;
	}

	spin_lock(&flow->lock);
	c = flow->claim;
	if (c && c->a == a && c->taken && c->mm == vma->vm_mm) {
		c->writable++;
		m->claim = c;
		*ret_file = c->files[nr];
	} else {
		ret = -EPERM;
	}
	spin_unlock(&flow->lock);
	return ret;
}

static void mxl_mapping_flags(struct vm_area_struct *vma)
{
	vm_flags_t drop = VM_MAYEXEC;

	if (vma->vm_flags & VM_WRITE)
		vm_flags_set(vma, VM_DONTCOPY);
	else
		drop |= VM_MAYWRITE;
	vm_flags_clear(vma, drop);
}

static int mxl_mmap_file(struct mxl_flow *flow, struct file *dev, struct vm_area_struct *vma,
			 u32 nr, u64 base, u64 size)
{
	u64 offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) - base;
	u64 length = vma->vm_end - vma->vm_start;
	struct mxl_mapping *m;
	struct file *file;
	int ret;

	size = PAGE_ALIGN(size);
	if (offset >= size || length > size - offset)
		return -EINVAL;
	if (READ_ONCE(flow->dead))
		return -ENODEV;

	m = kzalloc_obj(*m, GFP_KERNEL_ACCOUNT);
	if (!m)
		return -ENOMEM;
	refcount_set(&m->refs, 1);
	m->dev = get_file(dev);
	ret = mxl_mapping_begin(flow, m, nr, vma, &file);
	if (ret)
		goto err;

	mxl_mapping_flags(vma);
	vma_set_file(vma, file);
	vma->vm_pgoff = offset >> PAGE_SHIFT;
	ret = mxl_vfs_mmap(file, vma);
	if (ret)
		goto err;
	m->orig = vma->vm_ops;
	m->ops = *m->orig;
	m->ops.open = mxl_vm_open;
	m->ops.close = mxl_vm_close;
	vma->vm_ops = &m->ops;
	return 0;

err:
	mxl_mapping_put(m);
	return ret;
}

/**
 * mxl_mmap() - map a region of a flow
 * @dev: open file of /dev/mxl
 * @vma: mapping
 *
 * Return: 0 or what the uapi header says.
 */
int mxl_mmap(struct file *dev, struct vm_area_struct *vma)
{
	struct mxl_attachment *a = dev->private_data;
	struct mxl_flow *flow = mxl_attached_flow(a);
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 step = MXL_OFFSET_PAYLOAD_STEP, k;

	if (!flow)
		return -ENOTCONN;
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;

	if (offset == MXL_OFFSET_CONTROL)
		return mxl_mmap_control(flow, vma);
	if (offset == MXL_OFFSET_ACTIVITY)
		return mxl_mmap_page(vma, flow->activity);
	if (offset >= MXL_OFFSET_DATA && offset < MXL_OFFSET_DATA + step)
		return mxl_mmap_file(flow, dev, vma, 0, MXL_OFFSET_DATA, MXL_FLOW_HEADER_SIZE);
	if (offset < MXL_OFFSET_PAYLOAD_0)
		return -EINVAL;
	k = (offset - MXL_OFFSET_PAYLOAD_0) / step;
	if (k >= flow->geo.nr_payloads)
		return -EINVAL;
	return mxl_mmap_file(flow, dev, vma, 1 + k, MXL_OFFSET_PAYLOAD(k), flow->geo.payload_size);
}

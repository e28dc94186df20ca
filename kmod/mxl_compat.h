/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the kernels the module builds for, 6.1 to 7.x. Every test of
 * LINUX_VERSION_CODE stands here, so that it goes away with the oldest kernel.
 */
#ifndef _MXL_COMPAT_H
#define _MXL_COMPAT_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/version.h>

#if IS_ENABLED(CONFIG_KUNIT)
#include <kunit/visibility.h>
#else
#define VISIBLE_IF_KUNIT static
#define EXPORT_SYMBOL_IF_KUNIT(symbol)
#endif

#ifndef kzalloc_obj
#define kzalloc_obj(obj, gfp) ((typeof(obj) *)kzalloc(sizeof(obj), gfp))
#endif

#ifndef __counted_by
#define __counted_by(member)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}

static inline int mxl_inode_permission(struct vfsmount *mnt, struct inode *inode, int mask)
{
	return inode_permission(mnt_user_ns(mnt), inode, mask);
}
#else
static inline int mxl_inode_permission(struct vfsmount *mnt, struct inode *inode, int mask)
{
	return inode_permission(mnt_idmap(mnt), inode, mask);
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
/* shmem_mapping() is not exported, but the operations it compares with are */
static inline bool mxl_is_shmem(struct inode *inode)
{
	return inode->i_mapping->a_ops == &shmem_aops;
}
#else
static inline bool mxl_is_shmem(struct inode *inode)
{
	return shmem_mapping(inode->i_mapping);
}
#endif

/* The mmap operation of the file that vma_set_file() was called with */
static inline int mxl_vfs_mmap(struct file *file, struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
	return call_mmap(file, vma);
#else
	return vfs_mmap(file, vma);
#endif
}

#endif /* _MXL_COMPAT_H */

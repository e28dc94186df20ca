/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mxl

#if !defined(_MXL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _MXL_TRACE_H

#include <linux/kdev_t.h>
#include <linux/tracepoint.h>

#include "mxl_priv.h"

/* A flow is named by device and inode of its ``data`` file, as in sysfs */
#define MXL_TRACE_FLOW_FMT	"flow=%u:%u:%llu"
#define MXL_TRACE_FLOW_ARGS	MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino

DECLARE_EVENT_CLASS(mxl_attachment,
	TP_PROTO(const struct mxl_flow *flow, unsigned int attachments),
	TP_ARGS(flow, attachments),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(unsigned int, attachments)
	),
	TP_fast_assign(
		__entry->dev = flow->files[0].inode->i_sb->s_dev;
		__entry->ino = flow->files[0].inode->i_ino;
		__entry->attachments = attachments;
	),
	TP_printk(MXL_TRACE_FLOW_FMT " attachments=%u", MXL_TRACE_FLOW_ARGS,
		  __entry->attachments)
);

DEFINE_EVENT(mxl_attachment, mxl_attach,
	TP_PROTO(const struct mxl_flow *flow, unsigned int attachments),
	TP_ARGS(flow, attachments)
);

DEFINE_EVENT(mxl_attachment, mxl_detach,
	TP_PROTO(const struct mxl_flow *flow, unsigned int attachments),
	TP_ARGS(flow, attachments)
);

DECLARE_EVENT_CLASS(mxl_writer,
	TP_PROTO(const struct mxl_flow *flow, u64 epoch, int result),
	TP_ARGS(flow, epoch, result),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(u64, epoch)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->dev = flow->files[0].inode->i_sb->s_dev;
		__entry->ino = flow->files[0].inode->i_ino;
		__entry->epoch = epoch;
		__entry->result = result;
	),
	TP_printk(MXL_TRACE_FLOW_FMT " epoch=%llu result=%d", MXL_TRACE_FLOW_ARGS,
		  __entry->epoch, __entry->result)
);

DEFINE_EVENT(mxl_writer, mxl_lock,
	TP_PROTO(const struct mxl_flow *flow, u64 epoch, int result),
	TP_ARGS(flow, epoch, result)
);

DEFINE_EVENT(mxl_writer, mxl_unlock,
	TP_PROTO(const struct mxl_flow *flow, u64 epoch, int result),
	TP_ARGS(flow, epoch, result)
);

TRACE_EVENT(mxl_commit,
	TP_PROTO(const struct mxl_flow *flow, u64 generation, unsigned int woken,
		 unsigned int asleep),
	TP_ARGS(flow, generation, woken, asleep),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(u64, generation)
		__field(unsigned int, woken)
		__field(unsigned int, asleep)
	),
	TP_fast_assign(
		__entry->dev = flow->files[0].inode->i_sb->s_dev;
		__entry->ino = flow->files[0].inode->i_ino;
		__entry->generation = generation;
		__entry->woken = woken;
		__entry->asleep = asleep;
	),
	TP_printk(MXL_TRACE_FLOW_FMT " generation=%llu woken=%u asleep=%u", MXL_TRACE_FLOW_ARGS,
		  __entry->generation, __entry->woken, __entry->asleep)
);

TRACE_EVENT(mxl_wait_begin,
	TP_PROTO(const struct mxl_flow *flow, u64 index, u32 slices),
	TP_ARGS(flow, index, slices),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(u64, index)
		__field(u32, slices)
	),
	TP_fast_assign(
		__entry->dev = flow->files[0].inode->i_sb->s_dev;
		__entry->ino = flow->files[0].inode->i_ino;
		__entry->index = index;
		__entry->slices = slices;
	),
	TP_printk(MXL_TRACE_FLOW_FMT " index=%llu slices=%u", MXL_TRACE_FLOW_ARGS,
		  __entry->index, __entry->slices)
);

TRACE_EVENT(mxl_wait_end,
	TP_PROTO(const struct mxl_flow *flow, u64 index, u32 slices, int result),
	TP_ARGS(flow, index, slices, result),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(u64, index)
		__field(u32, slices)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->dev = flow->files[0].inode->i_sb->s_dev;
		__entry->ino = flow->files[0].inode->i_ino;
		__entry->index = index;
		__entry->slices = slices;
		__entry->result = result;
	),
	TP_printk(MXL_TRACE_FLOW_FMT " index=%llu slices=%u result=%d", MXL_TRACE_FLOW_ARGS,
		  __entry->index, __entry->slices, __entry->result)
);

#endif /* _MXL_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE mxl_trace
#include <trace/define_trace.h>

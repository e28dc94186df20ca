// SPDX-License-Identifier: Apache-2.0
/*
 * Publication of grains. A ring of N slots; grain i lives in slot i % N. Readable are the N-1 newest
 * grains: the slot after the head belongs to the writer, who may be filling it.
 *
 *	writer				reader
 *	W1 store-release valid_slices	R1 load-acquire head_index: is it in the window?
 *	   = 0, then flags = 0
 *	W2 store-release index		R2 load-acquire index: is it the one asked for?
 *	   fence-release		R3 load-acquire valid_slices, load flags
 *	W3 payload			   payload
 *	W4 flags, then			R4 fence-acquire, load index: is it still?
 *	   store-release valid_slices
 *	W5 store-release head_index
 *	W6 signal (backend)
 *
 * R3 pairs with W4: whoever sees n slices sees the payload of n slices. R1 pairs with W5: whoever
 * sees the head sees W1 to W4 of every grain up to it, so R2 fails only when the slot has been taken
 * for a later grain, or was never written by a C++ writer that jumped. R4 pairs with the fence of W2:
 * a header that was copied while the writer took the slot is thrown away. Between W1 and W2 a grain
 * seems to have lost its slices; R3 pairs with W1, so whoever looks at the head again then sees that
 * the slot is the writer's. The payload is the caller's to look at; how long it lasts is the length
 * of the ring.
 */
#include "grains.h"

#include <errno.h>

#include "clock.h"
#include "shm.h"
#include "util.h"

void mxl_grain_writer_init(struct mxl_grain_writer *writer)
{
	*writer = (struct mxl_grain_writer){
		.open_index = MXL_UNDEFINED_INDEX,
		.newest = MXL_UNDEFINED_INDEX,
	};
}

static struct mxl_grain_header *grain_at(const struct mxl_flow *flow, uint64_t index)
{
	return flow->grains[index % flow->geometry.grain_count];
}

/* Version 1 defines these members; the reserved bytes are the caller's. */
static void copy_header(const struct mxl_flow *flow, const struct mxl_grain_header *grain,
			uint16_t valid_slices, mxlGrainInfo *ret)
{
	ret->version = MXL_GRAIN_VERSION;
	ret->size = MXL_GRAIN_HEADER_SIZE;
	ret->index = mxl_load(&grain->index);
	ret->flags = mxl_load(&grain->flags);
	ret->grainSize = flow->geometry.grain_size;
	ret->totalSlices = flow->geometry.total_slices;
	ret->validSlices = mxl_min(valid_slices, flow->geometry.total_slices);
}

/* A grain the head has passed lacks slices: its writer left it so, or its slot is just being taken. */
static int incomplete_or_late(const struct mxl_flow *flow, uint64_t index)
{
	uint64_t head = mxl_load_acquire(&flow->header->head_index);

	return head > index && head - index >= flow->geometry.grain_count - 1 ? -ERANGE : -ENODATA;
}

int mxl_grains_get(const struct mxl_flow *flow, uint64_t index, uint16_t slices,
		   mxlGrainInfo *ret_info, uint8_t **ret_payload)
{
	uint64_t head = mxl_load_acquire(&flow->header->head_index); /* R1 */
	uint32_t count = flow->geometry.grain_count;
	uint16_t total = flow->geometry.total_slices;
	struct mxl_grain_header *grain;
	uint16_t valid;

	if (mxl_flow_check(flow) < 0)
		return -ESTALE;
	if (index > head)
		return -EAGAIN;
	if (head - index >= count - 1)
		return -ERANGE;

	grain = grain_at(flow, index);
	if (mxl_load_acquire(&grain->index) != index) /* R2 */
		return mxl_flow_check(flow) < 0 ? -ESTALE : -ERANGE;
	valid = mxl_load_acquire(&grain->valid_slices); /* R3 */

	/* Head 0 is also what a fresh flow says, and there "any number of slices" must not be none. */
	if (head == 0 && slices == 0)
		slices = 1;
	if (valid < mxl_min(slices, total) &&
	    !(mxl_load(&grain->flags) & MXL_LAYOUT_GRAIN_INVALID)) {
		/* Only the head grain still grows. */
		return index < head ? incomplete_or_late(flow, index) : -EAGAIN;
	}
	if (ret_info)
		copy_header(flow, grain, valid, ret_info);

	atomic_thread_fence(memory_order_acquire); /* R4 */
	if (mxl_load(&grain->index) != index)
		return -ERANGE;
	if (ret_info)
		ret_info->index = index;
	if (ret_payload)
		*ret_payload = (uint8_t *)grain + MXL_GRAIN_PAYLOAD_OFFSET;
	return 0;
}

int mxl_grains_check(const struct mxl_flow *flow, uint64_t index, uint16_t slices)
{
	return mxl_grains_get(flow, index, slices, NULL, NULL);
}

/*
 * R4 for the payload: if one byte of it was W3 of another grain, the fence makes the W2 before that
 * visible. The window is for C++ writers, who owe nothing before they fill a slot, but fill only the
 * one after the head.
 */
bool mxl_grains_intact(const struct mxl_flow *flow, uint64_t index)
{
	uint64_t head;

	atomic_thread_fence(memory_order_acquire);
	if (mxl_flow_check(flow) < 0 || mxl_load(&grain_at(flow, index)->index) != index)
		return false;
	head = mxl_load_acquire(&flow->header->head_index);
	return index <= head && head - index < flow->geometry.grain_count - 1;
}

int mxl_grains_peek(const struct mxl_flow *flow, uint64_t index, mxlGrainInfo *ret_info)
{
	const struct mxl_grain_header *grain = grain_at(flow, index);
	mxlGrainInfo info = *ret_info;
	int r;

	copy_header(flow, grain, mxl_load_acquire(&grain->valid_slices), &info);
	r = mxl_flow_check(flow);
	if (r == 0)
		*ret_info = info;
	return r;
}

/* Nothing was ever committed: the head says 0, and grain 0 is not there. */
static bool is_fresh(const struct mxl_flow *flow)
{
	const struct mxl_grain_header *grain = flow->grains[0];

	return mxl_load(&flow->header->head_index) == 0 && mxl_load(&grain->valid_slices) == 0 &&
	       !(mxl_load(&grain->flags) & MXL_LAYOUT_GRAIN_INVALID);
}

/* The head grain as another writer left it: unfinished, so that this one may go on with it. */
static bool is_unfinished_head(const struct mxl_flow *flow, uint64_t index)
{
	const struct mxl_grain_header *grain = grain_at(flow, index);

	return index == mxl_load(&flow->header->head_index) && mxl_load(&grain->index) == index &&
	       mxl_load(&grain->valid_slices) < flow->geometry.total_slices &&
	       !(mxl_load(&grain->flags) & MXL_LAYOUT_GRAIN_INVALID);
}

/* W1 and W2: from here on no reader takes the slot for the grain it held. */
static void take_slot(struct mxl_grain_header *grain, uint64_t index)
{
	mxl_store_release(&grain->valid_slices, 0);
	mxl_store(&grain->flags, 0);
	mxl_store_release(&grain->index, index);
	atomic_thread_fence(memory_order_release);
}

/* INVALID ends a grain for its readers; its writer may still come back to it with more slices. */
static bool is_own_unfinished(const struct mxl_flow *flow, const struct mxl_grain_writer *writer,
			      uint64_t index)
{
	return index == writer->newest && writer->newest_slices < flow->geometry.total_slices;
}

int mxl_grains_open(struct mxl_flow *flow, struct mxl_grain_writer *writer, uint64_t index,
		    mxlGrainInfo *ret_info, uint8_t **ret_payload)
{
	bool first = writer->newest == MXL_UNDEFINED_INDEX;
	bool own = !first && is_own_unfinished(flow, writer, index);
	struct mxl_grain_header *grain;
	bool keep;

	if (index == MXL_UNDEFINED_INDEX)
		return -EINVAL;
	if (!first && index <= writer->newest && !own)
		return -EINVAL;

	grain = grain_at(flow, index);
	keep = own || (first && is_unfinished_head(flow, index));
	writer->restart = first && !keep && !is_fresh(flow) &&
			  index <= mxl_load(&flow->header->head_index);
	if (!keep)
		take_slot(grain, index);

	writer->open_index = index;
	copy_header(flow, grain, mxl_load(&grain->valid_slices), ret_info);
	*ret_payload = (uint8_t *)grain + MXL_GRAIN_PAYLOAD_OFFSET;
	return 0;
}

/*
 * What the writer skips must not be handed out as the grain that used to be in its slot. Marks the
 * part of [first, index) that becomes readable with @index; the head is stored afterwards.
 */
static void mark_skipped(struct mxl_flow *flow, uint64_t first, uint64_t index)
{
	uint64_t window = flow->geometry.grain_count - 2;

	if (index - first > window)
		first = index - window;
	for (; first < index; first++) {
		struct mxl_grain_header *grain = grain_at(flow, first);

		take_slot(grain, first);
		mxl_store(&grain->flags, MXL_LAYOUT_GRAIN_INVALID);
	}
}

/* True when readers of other grains, or of any threshold of this one, have to look again. */
static bool wakes_everyone(const struct mxl_grain_writer *writer, const mxlGrainInfo *info,
			   uint64_t head, bool is_new)
{
	if (info->flags & MXL_LAYOUT_GRAIN_INVALID)
		return true;
	if (!is_new)
		return false;
	return info->validSlices == 0 || writer->newest == MXL_UNDEFINED_INDEX ||
	       info->index != head + 1 || !writer->newest_ended;
}

/* Whether this commit is one that the flow's maxSyncBatchSizeHint wants signalled. */
static bool reached_batch(const struct mxl_flow *flow, uint16_t from, uint16_t to)
{
	uint32_t batch = flow->sync_batch;

	return batch >= flow->geometry.total_slices || to == flow->geometry.total_slices ||
	       to / batch > from / batch;
}

/* Makes the grain, and what was skipped before it, readable: W4 and W5. */
static void publish(struct mxl_flow *flow, const struct mxl_grain_writer *writer,
		    const mxlGrainInfo *info, uint64_t head)
{
	struct mxl_grain_header *grain = grain_at(flow, info->index);
	bool fresh = is_fresh(flow);

	mxl_store(&grain->flags, info->flags);
	mxl_store_release(&grain->valid_slices, info->validSlices);
	if (fresh || writer->restart)
		mark_skipped(flow, 0, info->index);
	else if (info->index > head + 1)
		mark_skipped(flow, head + 1, info->index);
	mxl_store(&flow->header->last_write_time, mxl_clock_ns(CLOCK_TAI));
	mxl_store_release(&flow->header->head_index, info->index);
}

/* W6, for the readers whose threshold lies between the last signalled commit and this one. */
static void signal_commit(struct mxl_flow *flow, struct mxl_grain_writer *writer, bool everyone,
			  bool restart)
{
	uint16_t total = flow->geometry.total_slices;
	uint16_t from = writer->signalled_slices;
	uint16_t to = writer->newest_slices;
	struct mxl_signal signal = {
		.index = writer->newest,
		.slices = writer->newest_ended ? UINT16_MAX : to,
		.bits = everyone ? MXL_WAKE_ANY : mxl_wake_bits(from, to, total),
		.restart = restart,
	};

	if (!everyone && !reached_batch(flow, from, to))
		return;
	writer->signalled_slices = to;
	flow->backend->signal(flow, &signal);
}

int mxl_grains_commit(struct mxl_flow *flow, struct mxl_grain_writer *writer,
		      const mxlGrainInfo *info)
{
	uint64_t index = writer->open_index;
	uint64_t head = mxl_load(&flow->header->head_index);
	uint16_t total = flow->geometry.total_slices;
	bool invalid = info->flags & MXL_LAYOUT_GRAIN_INVALID;
	bool is_new = index != writer->newest;
	bool restart = writer->restart;
	bool everyone;
	uint16_t before;

	if (index == MXL_UNDEFINED_INDEX || info->index != index ||
	    info->version != MXL_GRAIN_VERSION || info->validSlices > total)
		return -EINVAL;
	before = mxl_load(&grain_at(flow, index)->valid_slices);
	if (info->validSlices < before && !invalid)
		return -EINVAL;
	/* Another writer has gone on; its newer grains are not taken back. */
	if (index < head && !writer->restart)
		return -EINVAL;

	everyone = wakes_everyone(writer, info, head, is_new);
	/* If somebody else wrote since, what its commits crossed is not known here. */
	if (!is_new && (head != index || before != writer->newest_slices))
		everyone = true;
	publish(flow, writer, info, head);

	if (is_new)
		writer->signalled_slices = 0;
	writer->restart = false;
	writer->newest = index;
	writer->newest_slices = info->validSlices;
	writer->newest_ended = invalid || info->validSlices == total;
	if (writer->newest_ended)
		writer->open_index = MXL_UNDEFINED_INDEX;
	signal_commit(flow, writer, everyone, restart);
	return 0;
}

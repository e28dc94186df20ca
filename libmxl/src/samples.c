// SPDX-License-Identifier: Apache-2.0
/*
 * Publication of samples. Each channel is a ring of L samples, sample i in place i % L. The head is
 * the end of what was written; the L/2 samples before it are readable, the other half belongs to
 * the writer.
 *
 *	writer				reader
 *	W1 samples			R1 load-acquire head_index: is the range in the window?
 *	W2 store-release head_index	   samples
 *	W3 signal (backend)
 *
 * R1 pairs with W2: whoever sees the head sees all samples before it. A range that was found stays
 * what it is until the head is L/2 samples further.
 */
#include "samples.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "shm.h"
#include "util.h"

void mxl_sample_writer_init(struct mxl_sample_writer *writer)
{
	*writer = (struct mxl_sample_writer){
		.open_index = MXL_UNDEFINED_INDEX,
		.newest = MXL_UNDEFINED_INDEX,
	};
}

/* A range in the ring: from @start to the end of the buffer, and the rest from its begin. */
struct span {
	size_t start;
	size_t first;
	size_t second;
};

static struct span span_of(const struct mxl_flow *flow, uint64_t index, size_t count)
{
	size_t length = flow->geometry.buffer_length;
	size_t start = (size_t)((index - count) % length);
	size_t first = mxl_min(count, length - start);

	return (struct span){ .start = start, .first = first, .second = count - first };
}

static size_t stride(const struct mxl_flow *flow)
{
	return (size_t)flow->geometry.buffer_length * flow->geometry.word_size;
}

int mxl_samples_check(const struct mxl_flow *flow, uint64_t index, size_t count)
{
	uint64_t head = mxl_load_acquire(&flow->header->head_index); /* R1 */
	size_t window = mxl_samples_max(flow);
	uint64_t oldest = head > window ? head - window : 0;

	if (mxl_flow_check(flow) < 0)
		return -ESTALE;
	if (index > head)
		return -EAGAIN;
	if (index < oldest || index - oldest < count)
		return -ERANGE;
	return 0;
}

/*
 * The samples before the head: if one of them was already W1 of a later range, that range begins at
 * most L/2 after the head which its writer had published, and the fence makes that head visible.
 */
bool mxl_samples_intact(const struct mxl_flow *flow, uint64_t index, size_t count)
{
	atomic_thread_fence(memory_order_acquire);
	return mxl_samples_check(flow, index, count) == 0;
}

int mxl_samples_get(const struct mxl_flow *flow, uint64_t index, size_t count,
		    mxlWrappedMultiBufferSlice *ret)
{
	size_t word = flow->geometry.word_size;
	struct span span;
	int r = mxl_samples_check(flow, index, count);

	if (r < 0)
		return r;
	span = span_of(flow, index, count);
	ret->base.fragments[0].pointer = flow->samples + span.start * word;
	ret->base.fragments[0].size = span.first * word;
	ret->base.fragments[1].pointer = flow->samples;
	ret->base.fragments[1].size = span.second * word;
	ret->stride = stride(flow);
	ret->count = flow->geometry.channel_count;
	return 0;
}

int mxl_samples_open(struct mxl_flow *flow, struct mxl_sample_writer *writer, uint64_t index,
		     size_t count, mxlMutableWrappedMultiBufferSlice *ret)
{
	size_t word = flow->geometry.word_size;
	struct span span;

	if (index == MXL_UNDEFINED_INDEX || count == 0 || count > mxl_samples_max(flow) ||
	    index < count)
		return -EINVAL;
	/* Going back is for the first range of a writer, which restarts the flow. */
	if (writer->newest != MXL_UNDEFINED_INDEX && index <= writer->newest)
		return -EINVAL;

	span = span_of(flow, index, count);
	ret->base.fragments[0].pointer = flow->samples + span.start * word;
	ret->base.fragments[0].size = span.first * word;
	ret->base.fragments[1].pointer = flow->samples;
	ret->base.fragments[1].size = span.second * word;
	ret->stride = stride(flow);
	ret->count = flow->geometry.channel_count;
	writer->open_index = index;
	writer->open_count = count;
	return 0;
}

static void silence(struct mxl_flow *flow, uint64_t index, size_t count)
{
	size_t word = flow->geometry.word_size;
	struct span span = span_of(flow, index, count);

	for (uint32_t channel = 0; channel < flow->geometry.channel_count; channel++) {
		uint8_t *plane = flow->samples + channel * stride(flow);

		/* All bits zero is 0.0 in IEEE 754. */
		memset(plane + span.start * word, 0, span.first * word);
		memset(plane, 0, span.second * word);
	}
}

/*
 * What lies between the head and the range would be whatever the ring held a turn ago. The part of
 * it that becomes readable with the range is made silence; after a restart that is all before it.
 */
static void silence_skipped(struct mxl_flow *flow, uint64_t head, uint64_t start, uint64_t index)
{
	size_t window = mxl_samples_max(flow);
	uint64_t oldest = index > window ? index - window : 0;
	uint64_t from = head > start ? oldest : head;

	if (from < oldest)
		from = oldest;
	if (from < start)
		silence(flow, start, (size_t)(start - from));
}

/*
 * Signals are owed once per batch. A commit may be as long as the commit hint, so a batch is
 * signalled early if the next commit could jump over its end.
 */
static bool reached_batch(const struct mxl_flow *flow, struct mxl_sample_writer *writer,
			  uint64_t head)
{
	uint64_t size = flow->sync_batch;
	uint64_t slack = size > flow->commit_batch ? size - flow->commit_batch : 0;
	uint64_t batch = head / size;

	if (batch < writer->signalled_batch)
		return false;
	if (batch > writer->signalled_batch) {
		writer->signalled_batch = batch;
		return true;
	}
	if (head % size <= slack)
		return false;
	writer->signalled_batch = batch + 1;
	return true;
}

int mxl_samples_commit(struct mxl_flow *flow, struct mxl_sample_writer *writer)
{
	uint64_t head = mxl_load(&flow->header->head_index);
	uint64_t index = writer->open_index;
	bool first = writer->newest == MXL_UNDEFINED_INDEX;
	struct mxl_signal signal = {
		.index = index,
		.bits = MXL_WAKE_ANY,
		.restart = first && index <= head && head > 0,
	};

	if (index == MXL_UNDEFINED_INDEX)
		return -EINVAL;
	/* Another writer has gone on; its newer samples are not taken back. */
	if (!first && index <= head)
		return -EINVAL;

	silence_skipped(flow, head, index - writer->open_count, index);
	mxl_store(&flow->header->last_write_time, mxl_clock_ns(CLOCK_TAI));
	mxl_store_release(&flow->header->head_index, index); /* W2 */
	writer->newest = index;
	writer->open_index = MXL_UNDEFINED_INDEX;

	/* The first commit is always told: it may be a restart, and nobody knows the last batch. */
	if (reached_batch(flow, writer, index) || first)
		flow->backend->signal(flow, &signal); /* W3 */
	return 0;
}

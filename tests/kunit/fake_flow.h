/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A flow without files, for the tests: pages where the headers would be, and nothing else.
 */
#ifndef _MXL_FAKE_FLOW_H
#define _MXL_FAKE_FLOW_H

#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/mm.h>

#include "mxl_priv.h"

#define FAKE_GRAINS 5
#define FAKE_SLICES 8
#define FAKE_LENGTH 4096

static const struct mxl_geometry __maybe_unused fake_discrete = {
	.kind = MXL_KIND_DISCRETE,
	.nr_payloads = FAKE_GRAINS,
	.rate_num = 50,
	.rate_den = 1,
	.payload_size = MXL_GRAIN_PAYLOAD_OFFSET + 8192,
	.total_slices = FAKE_SLICES,
};

static const struct mxl_geometry __maybe_unused fake_continuous = {
	.kind = MXL_KIND_CONTINUOUS,
	.nr_payloads = 1,
	.rate_num = 48000,
	.rate_den = 1,
	.payload_size = 2 * FAKE_LENGTH * 4,
	.channels = 2,
	.buffer_length = FAKE_LENGTH,
	.word_size = 4,
};

static inline void *fake_page(struct mxl_flow *flow, u32 nr)
{
	return page_address(rcu_dereference_protected(flow->files[nr].page, true));
}

static inline struct mxl_flow_header *fake_header(struct mxl_flow *flow)
{
	return fake_page(flow, 0);
}

static inline struct mxl_grain_header *fake_grain(struct mxl_flow *flow, u64 index)
{
	return fake_page(flow, 1 + index % flow->geo.nr_payloads);
}

/* As a writer does, in its order */
static inline void fake_publish(struct mxl_flow *flow, u64 index, u16 slices, u32 flags)
{
	struct mxl_grain_header *g = fake_grain(flow, index);

	WRITE_ONCE(g->index, index);
	WRITE_ONCE(g->flags, flags);
	/* pairs with smp_load_acquire() in mxl_flow_grain() */
	smp_store_release(&g->valid_slices, slices);
	/* pairs with smp_load_acquire() in mxl_flow_head() */
	smp_store_release(&fake_header(flow)->head_index, index);
}

static inline void fake_flow_put(void *arg)
{
	struct mxl_flow *flow = arg;
	u32 i;

	spin_lock(&flow->lock);
	flow->dying = true;
	spin_unlock(&flow->lock);
	cancel_delayed_work_sync(&flow->recheck);
	cancel_delayed_work_sync(&flow->retry);
	/* those of a test are no open files to be put */
	for (i = 0; i < flow->nr_files; i++)
		flow->files[i].file = NULL;
	mxl_flow_put(flow);
}

/* Lives until the test ends */
static inline struct mxl_flow *fake_flow(struct kunit *test, const struct mxl_geometry *geo)
{
	struct mxl_flow *flow = mxl_flow_alloc(geo);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, flow);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, fake_flow_put, flow), 0);
	for (i = 0; i < flow->nr_files; i++) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

		KUNIT_ASSERT_NOT_NULL(test, page);
		/* nobody else knows the flow */
		RCU_INIT_POINTER(flow->files[i].page, page);
	}
	return flow;
}

#endif /* _MXL_FAKE_FLOW_H */

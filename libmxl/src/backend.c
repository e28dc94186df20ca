// SPDX-License-Identifier: Apache-2.0
#include "backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "flow.h"
#include "grains.h"
#include "log.h"
#include "samples.h"
#include "shm.h"

#define DEFAULT_HISTORY_NS 200000000ULL

int mxl_condition_check(const struct mxl_flow *flow, const struct mxl_condition *condition)
{
	if (mxl_flow_is_discrete(flow))
		return mxl_grains_check(flow, condition->index, condition->slices);
	return mxl_samples_check(flow, condition->index, 0);
}

int mxl_condition_check_waiting(const struct mxl_flow *flow, const struct mxl_condition *condition,
				uint64_t *head_seen)
{
	int r = mxl_condition_check(flow, condition);
	uint64_t head;

	if (r != -EAGAIN)
		return r;
	if (mxl_load(&flow->header->inode) != flow->inode)
		return -ESTALE;
	head = mxl_load_acquire(&flow->header->head_index);
	if (head < *head_seen)
		return -ENODATA;
	*head_seen = head;
	return -EAGAIN;
}

/*
 * One after another, with one deadline: a later member costs nothing if its data came while an
 * earlier one was waited for. Data can also grow too old meanwhile, so all are looked at again; what
 * is there then is there at the same time.
 */
int mxl_wait_each(const struct mxl_waiter *waiters, size_t count, uint64_t deadline)
{
	for (size_t i = 0; i < count; i++) {
		const struct mxl_flow *flow = waiters[i].flow;
		int r = flow->backend->wait(flow, &waiters[i].condition, deadline);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < count; i++) {
		int r = mxl_condition_check(waiters[i].flow, &waiters[i].condition);

		if (r < 0)
			return r;
	}
	return 0;
}

static int choose_kernel(struct mxl_backend_choice *choice)
{
	uint64_t history;
	int r = mxl_device_probe(&history);

	if (r < 0)
		return r;
	choice->backend = &mxl_backend_kernel;
	if (history > 0)
		choice->default_history_ns = history;
	return 0;
}

int mxl_backend_choose(struct mxl_backend_choice *ret)
{
	struct mxl_backend_choice choice = {
		.backend = &mxl_backend_posix,
		.default_history_ns = DEFAULT_HISTORY_NS,
	};
	const char *wanted = getenv("MXL_BACKEND");
	int r = 0;

	if (!wanted || *wanted == '\0' || strcmp(wanted, "auto") == 0) {
		if (choose_kernel(&choice) == 0)
			choice.fallback = &mxl_backend_posix;
	} else if (strcmp(wanted, "kernel") == 0) {
		r = choose_kernel(&choice);
		if (r < 0)
			mxl_error("MXL_BACKEND=kernel: " MXL_DEVICE ": %s; is the module mxl "
				  "loaded, and may this user open the device?",
				  strerror(-r));
	} else if (strcmp(wanted, "posix") != 0) {
		r = -EINVAL;
		mxl_error("MXL_BACKEND=%s: must be auto, posix or kernel", wanted);
	}
	if (r == 0)
		*ret = choice;
	return r;
}

bool mxl_backend_fall_back(const struct mxl_backend_choice *choice, int r,
			   const struct mxl_backend **backend)
{
	if (r != -EOPNOTSUPP || !choice->fallback || *backend == choice->fallback)
		return false;
	*backend = choice->fallback;
	return true;
}

// SPDX-License-Identifier: Apache-2.0
#include "backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "grains.h"
#include "log.h"
#include "samples.h"

int mxl_condition_check(const struct mxl_flow *flow, const struct mxl_condition *condition)
{
	if (mxl_flow_is_discrete(flow))
		return mxl_grains_check(flow, condition->index, condition->slices);
	return mxl_samples_check(flow, condition->index, 0);
}

int mxl_backend_choose(const struct mxl_backend **ret)
{
	const char *wanted = getenv("MXL_BACKEND");

	if (!wanted || *wanted == '\0' || strcmp(wanted, "auto") == 0 ||
	    strcmp(wanted, "posix") == 0) {
		*ret = &mxl_backend_posix;
		return 0;
	}
	if (strcmp(wanted, "kernel") == 0) {
		mxl_error("MXL_BACKEND=kernel: this build of the library has no kernel backend; "
			  "unset MXL_BACKEND or set it to posix");
		return -ENODEV;
	}
	mxl_error("MXL_BACKEND=%s: must be auto, posix or kernel", wanted);
	return -EINVAL;
}

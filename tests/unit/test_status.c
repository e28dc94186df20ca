// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>

#include "api.h"

TEST(results_become_the_documented_statuses)
{
	static const struct {
		int result;
		mxlStatus status;
	} cases[] = {
		{ 0, MXL_STATUS_OK },
		{ -EINVAL, MXL_ERR_INVALID_ARG },
		{ -ENOENT, MXL_ERR_FLOW_NOT_FOUND },
		{ -EAGAIN, MXL_ERR_OUT_OF_RANGE_TOO_EARLY },
		{ -ENODATA, MXL_ERR_OUT_OF_RANGE_TOO_EARLY },
		{ -ERANGE, MXL_ERR_OUT_OF_RANGE_TOO_LATE },
		{ -ESTALE, MXL_ERR_FLOW_INVALID },
		{ -EBUSY, MXL_ERR_CONFLICT },
		{ -ETXTBSY, MXL_ERR_CONFLICT },
		{ -EACCES, MXL_ERR_PERMISSION_DENIED },
		{ -EPERM, MXL_ERR_PERMISSION_DENIED },
		{ -EROFS, MXL_ERR_PERMISSION_DENIED },
		{ -ENOSPC, MXL_ERR_UNKNOWN },
		{ -ENOMEM, MXL_ERR_UNKNOWN },
		{ -EBADMSG, MXL_ERR_UNKNOWN },
		{ -EIO, MXL_ERR_UNKNOWN },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(mxl_status(cases[i].result), cases[i].status);
}

/* Whatever a system call may say, it is an error of the API and none of those reserved. */
TEST(every_other_result_is_an_error)
{
	int result;

	for (result = -1; result >= -4095; result--) {
		mxlStatus status = mxl_status(result);

		assert_true(status != MXL_STATUS_OK);
		assert_true((int)status < MXL_ERR_STRLEN);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_become_the_documented_statuses),
		cmocka_unit_test(every_other_result_is_an_error),
	};

	return unit_main(tests, ARRAY_SIZE(tests));
}

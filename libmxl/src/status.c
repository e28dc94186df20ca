// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "api.h"

mxlStatus mxl_status(int result)
{
	switch (-result) {
	case 0:
		return MXL_STATUS_OK;
	case EAGAIN:
	case ENODATA:
		return MXL_ERR_OUT_OF_RANGE_TOO_EARLY;
	case ERANGE:
		return MXL_ERR_OUT_OF_RANGE_TOO_LATE;
	case ESTALE:
		return MXL_ERR_FLOW_INVALID;
	case EINVAL:
		return MXL_ERR_INVALID_ARG;
	case ENOENT:
		return MXL_ERR_FLOW_NOT_FOUND;
	case EBUSY:
	case ETXTBSY:
		return MXL_ERR_CONFLICT;
	case EACCES:
	case EPERM:
	case EROFS:
		return MXL_ERR_PERMISSION_DENIED;
	case ETIMEDOUT:
		return MXL_ERR_TIMEOUT;
	default:
		/* Malformed definitions, full file systems, damaged files: the log has the reason. */
		return MXL_ERR_UNKNOWN;
	}
}

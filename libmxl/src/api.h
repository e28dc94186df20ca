/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files that define public functions share: the export mark and the one translation of
 * internal results to mxlStatus.
 */
#ifndef MXL_API_H
#define MXL_API_H

#include <mxl/mxl.h>

/* Repeated on each definition: the library is built with hidden visibility. */
#define MXL_API __attribute__((visibility("default")))

/**
 * mxl_status - translate an internal result
 * @result: 0 or a negative errno
 *
 * Besides the errnos of system calls the library uses
 *	-EAGAIN		too early: the data may still come
 *	-ENODATA	too early: the head went past, or restarted below, what was asked for
 *	-ERANGE		too late: the slot was, or is about to be, reused
 *	-ESTALE		the flow was deleted, replaced or truncated
 *	-EBUSY		another geometry or another writer is in the way
 *	-EBADMSG	a definition, option or file that is malformed
 */
mxlStatus mxl_status(int result);

#endif /* MXL_API_H */

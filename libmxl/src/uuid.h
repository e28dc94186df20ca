/* SPDX-License-Identifier: Apache-2.0 */
/* Flow ids: UUIDs of RFC 4122 (libuuid's 16 bytes in text order). */
#ifndef MXL_UUID_H
#define MXL_UUID_H

#include <uuid/uuid.h>

#define MXL_UUID_TEXT_SIZE UUID_STR_LEN /* with the terminating zero */

/**
 * mxl_uuid_parse - read a UUID as users write them
 * @text: 8-4-4-4-12 hexadecimal digits in either case, with or without braces around
 * @ret: the UUID, untouched on failure
 *
 * Return: 0, or -EINVAL.
 */
int mxl_uuid_parse(const char *text, uuid_t ret);

#endif /* MXL_UUID_H */

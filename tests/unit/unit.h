/* SPDX-License-Identifier: Apache-2.0 */
/* What the unit tests share: a scratch directory, and the log of the function under test. */
#ifndef MXL_UNIT_H
#define MXL_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define TEST(fn) static void fn(void **state __attribute__((unused)))

/* Runs a group; before each test an empty scratch directory is made, and removed after it. */
int unit_main(const struct CMUnitTest *tests, size_t n);

/* Descriptor of the scratch directory. */
int scratch(void);
const char *scratch_path(void);
void put_file(const char *name, const void *bytes, size_t size);

/* From here on what goes to standard error is kept. */
void log_start(void);
/* Ends it; valid until the next log_end(). */
const char *log_end(void);

/* Reproducible, and of every magnitude up to 64 bits. */
uint64_t next_random(uint64_t *seed);

#endif

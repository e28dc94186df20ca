/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small helpers every file of the library may use: scope-bound cleanup, ownership transfer, checked
 * arithmetic. Destructors accept objects that were never filled in, so that a function can declare
 * all it will own at its top and return from anywhere.
 */
#ifndef MXL_UTIL_H
#define MXL_UTIL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define MXL_NSEC_PER_MSEC 1000000ULL

#define MXL_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define mxl_min(a, b)                   \
	({                              \
		__typeof__(a) _a = (a); \
		__typeof__(b) _b = (b); \
		_a < _b ? _a : _b;      \
	})

#define mxl_container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* Runs @fn on the address of the variable when it leaves its scope. */
#define MXL_CLEANUP(fn) __attribute__((cleanup(fn)))

/* Cleanup for descriptors; keeps errno, so an error on the way out stays the error reported. */
static inline void mxl_closep(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		close(*fd);
		errno = saved;
	}
}

static inline void mxl_freep(void *p)
{
	free(*(void **)p);
}

/* Hands the descriptor to the caller; the scope no longer closes it. */
static inline int mxl_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define mxl_take_ptr(p)                     \
	({                                  \
		__typeof__(p) *_p = &(p);   \
		__typeof__(p) _taken = *_p; \
		*_p = NULL;                 \
		_taken;                     \
	})

#endif /* MXL_UTIL_H */

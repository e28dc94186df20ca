/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several translation units in C, or in C and C++, include this and are linked into one program
 * without the library: what the public headers define themselves must neither clash nor be missing.
 */
#ifndef USE_H
#define USE_H

#include <mxl/dataformat.h>
#include <mxl/event.h>
#include <mxl/flow.h>
#include <mxl/flowinfo.h>
#include <mxl/mxl.h>
#include <mxl/platform.h>
#include <mxl/rational.h>
#include <mxl/state.h>
#include <mxl/time.h>
#include <mxl/version.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int (*predicate)(int format);

/*
 * Bit n of the result is the answer for the format n. Called directly and through a pointer: the
 * latter needs a real function however much the compiler inlines.
 */
static inline int bits(predicate p)
{
	int result = 0;

	for (int format = 0; format < 8; format++)
		result |= (p(format) != 0) << format;
	return result;
}

#define USE_PREDICATES(name)                                                                    \
	int name(int format)                                                                    \
	{                                                                                       \
		if (mxlIsValidDataFormat(format) != (bits(mxlIsValidDataFormat) >> format & 1)) \
			return 1;                                                               \
		if (bits(mxlIsValidDataFormat) != 0xe)                                          \
			return 2;                                                               \
		if (bits(mxlIsSupportedDataFormat) != 0xe)                                      \
			return 3;                                                               \
		if (bits(mxlIsDiscreteDataFormat) != 0xa)                                       \
			return 4;                                                               \
		if (bits(mxlIsContinuousDataFormat) != 0x4)                                     \
			return 5;                                                               \
		if (mxlIsValidDataFormat(-1) || mxlIsValidDataFormat(1 << 30))                  \
			return 6;                                                               \
		return 0;                                                                       \
	}

int use_first(int format);
int use_second(int format);
int use_third(int format);

#ifdef __cplusplus
}
#endif

#endif /* USE_H */

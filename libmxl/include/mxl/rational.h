/* SPDX-License-Identifier: Apache-2.0 */
/**
 * DOC: Rates as exact fractions
 *
 * Broadcast rates such as 30000/1001 have no exact decimal form, and a rounded rate drifts
 * against TAI. All rates of the API are therefore fractions.
 */
#ifndef MXL_RATIONAL_H
#define MXL_RATIONAL_H

#ifdef __cplusplus
#include <cstdint>
#else
#include <stdint.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The index that means "no index": answered by the functions of <mxl/time.h> for a bad rate. */
#define MXL_UNDEFINED_INDEX UINT64_MAX

/**
 * struct mxlRational_t - a rate in grains or samples per second
 * @numerator: units per @denominator seconds, above 0 in every valid rate
 * @denominator: seconds, above 0 in every valid rate
 *
 * NMOS IS-04 calls this grain_rate or sample_rate. The rates the library hands out are reduced
 * to lowest terms; those it takes need not be.
 */
typedef struct mxlRational_t {
	int64_t numerator;
	int64_t denominator;
} mxlRational;

#ifdef __cplusplus
}
#endif

#endif /* MXL_RATIONAL_H */

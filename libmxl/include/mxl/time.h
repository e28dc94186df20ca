/* SPDX-License-Identifier: Apache-2.0 */
/**
 * DOC: Time and indices
 *
 * Time is TAI in nanoseconds since 1970-01-01T00:00:00 TAI, the epoch of SMPTE ST 2059-1 and of
 * PTP (IEEE 1588), which SMPTE ST 2110-10 builds on. Index 0 of every flow starts at that
 * moment, so an index needs no reference but the flow's rate, and flows of different hosts
 * line up. With n/d the rate in units per second, t in nanoseconds, rounding to the nearest:
 *
 *	index     = (t * n + d * 500000000) / (d * 1000000000)
 *	timestamp = (index * d * 1000000000 + n / 2) / n
 *
 * Intermediate results have 128 bits: no argument overflows them. As long as the rate is below
 * 1 GHz, converting an index to a timestamp and back gives the index again.
 *
 * A rate that is NULL, or whose numerator or denominator is not above zero, has no indices:
 * MXL_UNDEFINED_INDEX is the answer, as it is when the result does not fit into 64 bits.
 *
 * CLOCK_TAI of Linux is UTC until something (ptp4l, phc2sys, chronyd, ntpd) tells the kernel the
 * offset between the two, 37 s since 2017. All programs of a host agree in any case; hosts agree
 * only if the offset is set on all or on none.
 *
 * All functions of this header may be called from any thread at any time.
 */
#ifndef MXL_TIME_H
#define MXL_TIME_H

#ifdef __cplusplus
#include <cstdint>
#else
#include <stdint.h>
#endif

#include <mxl/platform.h>
#include <mxl/rational.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * mxlGetCurrentIndex() - the index that is "now"
 * @editRate: grains or samples per second
 *
 * Return: mxlTimestampToIndex() of mxlGetTime(), MXL_UNDEFINED_INDEX for a bad rate
 */
MXL_EXPORT
uint64_t mxlGetCurrentIndex(mxlRational const *editRate);

/**
 * mxlGetNsUntilIndex() - how long until an index begins
 * @index: the index
 * @editRate: grains or samples per second
 *
 * Return: nanoseconds from now, 0 if the index has begun, MXL_UNDEFINED_INDEX for a bad rate
 */
MXL_EXPORT
uint64_t mxlGetNsUntilIndex(uint64_t index, mxlRational const *editRate);

/**
 * mxlTimestampToIndex() - the index nearest to a moment
 * @editRate: grains or samples per second
 * @timestamp: nanoseconds of TAI since 1970
 *
 * Return: the index, MXL_UNDEFINED_INDEX for a bad rate
 */
MXL_EXPORT
uint64_t mxlTimestampToIndex(mxlRational const *editRate, uint64_t timestamp);

/**
 * mxlIndexToTimestamp() - the moment at which an index begins
 * @editRate: grains or samples per second
 * @index: the index
 *
 * Return: nanoseconds of TAI since 1970, MXL_UNDEFINED_INDEX for a bad rate
 */
MXL_EXPORT
uint64_t mxlIndexToTimestamp(mxlRational const *editRate, uint64_t index);

/**
 * mxlSleepForNs() - let some time pass
 * @ns: nanoseconds; 0 returns at once
 *
 * Signals that the program handles do not shorten the sleep.
 */
MXL_EXPORT
void mxlSleepForNs(uint64_t ns);

/**
 * mxlSleepUntil() - sleep up to a moment
 * @timestamp: nanoseconds of TAI since 1970; a moment in the past returns at once
 *
 * Signals that the program handles do not shorten the sleep; setting the clock does.
 */
MXL_EXPORT
void mxlSleepUntil(uint64_t timestamp);

/**
 * mxlGetTime() - the time
 *
 * Return: CLOCK_TAI, nanoseconds of TAI since 1970
 */
MXL_EXPORT
uint64_t mxlGetTime(void);

#ifdef __cplusplus
}
#endif

#endif /* MXL_TIME_H */

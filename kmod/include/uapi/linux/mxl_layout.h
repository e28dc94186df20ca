/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * On-disk layout of an MXL flow, and the two formulas every participant must agree on.
 *
 * A flow is a directory on tmpfs. The file `data` holds one struct mxl_flow_header. A discrete flow
 * (video, ancillary data) has one file per grain, each a struct mxl_grain_header followed by the
 * payload at MXL_GRAIN_PAYLOAD_OFFSET; a continuous flow (audio) has one file of planar samples
 * without any header. These files are shared with programs that never saw this header, so nothing
 * here may change without a new version number.
 *
 * Both sides include this file: the module to read what it adopted, the library to publish and to
 * read. All integers are in the byte order of the host; domains do not travel between hosts.
 */
#ifndef _UAPI_LINUX_MXL_LAYOUT_H
#define _UAPI_LINUX_MXL_LAYOUT_H

#include <linux/types.h>

#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#else
#include <stddef.h>
#endif

#define MXL_FLOW_VERSION 1 /* the only value of mxl_flow_header.version */
#define MXL_GRAIN_VERSION 1 /* the only value of mxl_grain_header.version */

#define MXL_FLOW_INFO_SIZE 2048 /* value of mxl_flow_header.size */
#define MXL_FLOW_HEADER_SIZE 2064 /* size of the file `data` */
#define MXL_GRAIN_HEADER_SIZE 4096 /* value of mxl_grain_header.size */
#define MXL_GRAIN_PAYLOAD_OFFSET 8192 /* where the payload starts in a grain's file */

#define MXL_LAYOUT_MAX_PLANES 4
/* A ring keeps its oldest slot for the writer, so one of fewer slots could never be read. */
#define MXL_LAYOUT_MIN_GRAINS 2
/* Bounds what a header can make a reader open and map; 32 s at 1000 grains per second. */
#define MXL_LAYOUT_MAX_GRAINS 32768

#define MXL_LAYOUT_UNDEFINED_INDEX (~(__u64)0)

/* mxl_flow_header.format: the kernel only tells discrete from continuous. */
#define MXL_LAYOUT_FORMAT_VIDEO 1
#define MXL_LAYOUT_FORMAT_AUDIO 2
#define MXL_LAYOUT_FORMAT_DATA 3

/* mxl_grain_header.flags */
#define MXL_LAYOUT_GRAIN_INVALID 0x00000001U

/**
 * struct mxl_layout_rational - edit rate in units per second, in lowest terms
 * @numerator: > 0
 * @denominator: > 0
 */
struct mxl_layout_rational {
	__s64 numerator;
	__s64 denominator;
};

/**
 * struct mxl_layout_discrete - geometry of a flow of grains
 * @slice_sizes: bytes of one slice in each plane; unused planes are 0
 * @grain_count: slots of the ring, the index modulo this is the slot
 * @reserved: zero
 */
struct mxl_layout_discrete {
	__u32 slice_sizes[MXL_LAYOUT_MAX_PLANES];
	__u32 grain_count;
	__u8 reserved[44];
};

/**
 * struct mxl_layout_continuous - geometry of a flow of samples
 * @channel_count: planes, one after the other in the file `channels`
 * @buffer_length: samples per plane; at most half of them are readable at any time
 * @reserved: zero
 */
struct mxl_layout_continuous {
	__u32 channel_count;
	__u32 buffer_length;
	__u8 reserved[56];
};

/**
 * struct mxl_flow_header - the file `data`
 * @version: MXL_FLOW_VERSION
 * @size: MXL_FLOW_INFO_SIZE, the bytes in front of @inode
 * @id: UUID of the flow in text order
 * @format: MXL_LAYOUT_FORMAT_*
 * @flags: zero
 * @rate: grains (fields, when interlaced) or samples per second
 * @max_commit_batch: slices or samples the writer commits at most at once, a hint
 * @max_sync_batch: slices or samples after which the writer signals at the latest
 * @payload_location: 0, host memory
 * @device_index: -1
 * @reserved_config: zero
 * @discrete: geometry when @format is video or data
 * @continuous: geometry when @format is audio
 * @head_index: newest committed grain, or the end (exclusive) of the committed samples; stored with
 *	release after everything it makes readable
 * @last_write_time: TAI ns of the newest commit
 * @last_read_time: TAI ns of a recent read; a statistic, stored by the writer's process
 * @reserved_runtime: zero
 * @reserved: zero
 * @inode: st_ino of the file itself; 0 once the flow was deleted. A reader whose mapping disagrees
 *	with the path holds a flow that was deleted or replaced
 * @sync_counter: futex word, incremented by each signalled commit after @head_index was stored
 * @pad: zero
 */
struct mxl_flow_header {
	__u32 version;
	__u32 size;
	__u8 id[16];
	__u32 format;
	__u32 flags;
	struct mxl_layout_rational rate;
	__u32 max_commit_batch;
	__u32 max_sync_batch;
	__u32 payload_location;
	__s32 device_index;
	__u8 reserved_config[72];
	union {
		struct mxl_layout_discrete discrete;
		struct mxl_layout_continuous continuous;
	};
	__u64 head_index;
	__u64 last_write_time;
	__u64 last_read_time;
	__u8 reserved_runtime[40];
	__u8 reserved[1784];
	__u64 inode;
	__u32 sync_counter;
	__u32 pad;
};

/**
 * struct mxl_grain_header - the first page of a grain's file
 * @version: MXL_GRAIN_VERSION
 * @size: MXL_GRAIN_HEADER_SIZE
 * @index: the grain that is, or is being, stored in this slot; stored with release before the
 *	payload is touched, so that a reader of the previous one can tell
 * @flags: MXL_LAYOUT_GRAIN_*
 * @grain_size: bytes of payload
 * @total_slices: slices of a complete grain
 * @valid_slices: slices readable so far; stored with release after them
 * @reserved: zero
 */
struct mxl_grain_header {
	__u32 version;
	__u32 size;
	__u64 index;
	__u32 flags;
	__u32 grain_size;
	__u16 total_slices;
	__u16 valid_slices;
	__u8 reserved[4068];
};

#ifdef __cplusplus
#define MXL_LAYOUT_ASSERT(cond) static_assert(cond, #cond)
#else
#define MXL_LAYOUT_ASSERT(cond) _Static_assert(cond, #cond)
#endif

MXL_LAYOUT_ASSERT(sizeof(struct mxl_flow_header) == MXL_FLOW_HEADER_SIZE);
MXL_LAYOUT_ASSERT(offsetof(struct mxl_flow_header, id) == 8);
MXL_LAYOUT_ASSERT(offsetof(struct mxl_flow_header, rate) == 32);
MXL_LAYOUT_ASSERT(offsetof(struct mxl_flow_header, max_commit_batch) == 48);
MXL_LAYOUT_ASSERT(offsetof(struct mxl_flow_header, device_index) == 60);
MXL_LAYOUT_ASSERT(offsetof(struct mxl_flow_header, discrete) == 136);
MXL_LAYOUT_ASSERT(offsetof(struct mxl_flow_header, continuous) == 136);
MXL_LAYOUT_ASSERT(offsetof(struct mxl_flow_header, head_index) == 200);
MXL_LAYOUT_ASSERT(offsetof(struct mxl_flow_header, inode) == MXL_FLOW_INFO_SIZE);
MXL_LAYOUT_ASSERT(offsetof(struct mxl_flow_header, sync_counter) == 2056);
MXL_LAYOUT_ASSERT(sizeof(struct mxl_grain_header) == MXL_GRAIN_HEADER_SIZE);
MXL_LAYOUT_ASSERT(offsetof(struct mxl_grain_header, index) == 8);
MXL_LAYOUT_ASSERT(offsetof(struct mxl_grain_header, flags) == 16);
MXL_LAYOUT_ASSERT(offsetof(struct mxl_grain_header, total_slices) == 24);
MXL_LAYOUT_ASSERT(offsetof(struct mxl_grain_header, valid_slices) == 26);

/*
 * Index arithmetic.
 *
 *   index     = (ts * num + 5e8 * den) / (1e9 * den)	the index nearest to a TAI time
 *   timestamp = (index * den * 1e9 + num / 2) / num	the nearest ns to an index
 *
 * exact for every 64-bit argument. The 64-bit path splits the dividend by the divisor first, so the
 * only products left are smaller than divisor * rate; it covers every rate in use. The other path
 * needs 128 bits, which the kernel has no division for: hence the schoolbook one below.
 */
#define MXL_LAYOUT_NSEC_PER_SEC 1000000000ULL

#ifdef __SIZEOF_INT128__

typedef unsigned __int128 mxl_u128;

/* Quotient of @n by @d, saturated to 64 bits; @d is not 0 and below 2^127. */
static inline __u64 mxl_u128_div(mxl_u128 n, mxl_u128 d)
{
	mxl_u128 rem = 0;
	mxl_u128 quot = 0;
	int bit;

	for (bit = 127; bit >= 0; bit--) {
		rem = (rem << 1) | ((n >> bit) & 1);
		quot <<= 1;
		if (rem >= d) {
			rem -= d;
			quot |= 1;
		}
	}
	return quot >> 64 ? MXL_LAYOUT_UNDEFINED_INDEX : (__u64)quot;
}

/**
 * mxl_index_from_time - the index whose time is nearest to a timestamp
 * @ts: TAI ns
 * @num: numerator of the rate
 * @den: denominator of the rate
 *
 * Return: the index; MXL_LAYOUT_UNDEFINED_INDEX for a rate that is not positive, or where the
 * index does not fit in 64 bits.
 */
static inline __u64 mxl_index_from_time(__u64 ts, __s64 num, __s64 den)
{
	__u64 unit, whole, part;

	if (num <= 0 || den <= 0)
		return MXL_LAYOUT_UNDEFINED_INDEX;

	if (!__builtin_mul_overflow((__u64)den, MXL_LAYOUT_NSEC_PER_SEC, &unit) &&
	    !__builtin_mul_overflow(ts / unit, (__u64)num, &whole) &&
	    !__builtin_mul_overflow(ts % unit, (__u64)num, &part) &&
	    !__builtin_add_overflow(part, unit / 2, &part) &&
	    !__builtin_add_overflow(whole, part / unit, &whole))
		return whole;

	return mxl_u128_div((mxl_u128)ts * (__u64)num + (mxl_u128)(__u64)den * 500000000U,
			    (mxl_u128)(__u64)den * MXL_LAYOUT_NSEC_PER_SEC);
}

/**
 * mxl_time_from_index - when an index begins
 * @index: grain or sample index
 * @num: numerator of the rate
 * @den: denominator of the rate
 *
 * Return: TAI ns; MXL_LAYOUT_UNDEFINED_INDEX for a rate that is not positive, or where the time
 * does not fit in 64 bits.
 */
static inline __u64 mxl_time_from_index(__u64 index, __s64 num, __s64 den)
{
	__u64 unit, whole, part;
	mxl_u128 n;

	if (num <= 0 || den <= 0)
		return MXL_LAYOUT_UNDEFINED_INDEX;

	if (!__builtin_mul_overflow((__u64)den, MXL_LAYOUT_NSEC_PER_SEC, &unit) &&
	    !__builtin_mul_overflow(index / (__u64)num, unit, &whole) &&
	    !__builtin_mul_overflow(index % (__u64)num, unit, &part) &&
	    !__builtin_add_overflow(part, (__u64)num / 2, &part) &&
	    !__builtin_add_overflow(whole, part / (__u64)num, &whole))
		return whole;

	/* A dividend beyond 128 bits has a quotient beyond 64, num being below 2^63. */
	if (__builtin_mul_overflow((mxl_u128)index * (__u64)den,
				   (mxl_u128)MXL_LAYOUT_NSEC_PER_SEC, &n) ||
	    __builtin_add_overflow(n, (mxl_u128)((__u64)num / 2), &n))
		return MXL_LAYOUT_UNDEFINED_INDEX;
	return mxl_u128_div(n, (mxl_u128)(__u64)num);
}

#endif /* __SIZEOF_INT128__ */

/*
 * Futex wake bits.
 *
 * All readers of a flow sleep on one word, sync_counter, yet a frame is committed slice by slice
 * and most readers want the whole of it. So a reader sleeps with FUTEX_WAIT_BITSET and the one bit
 * of the bucket its threshold falls in, and a writer wakes with FUTEX_WAKE_BITSET and the bits of
 * all buckets its commit crossed. Sharing a bucket costs a spurious wake, never a lost one. Anyone
 * who knows nothing of this uses the match-any mask and is woken by, and wakes, everyone.
 */
#define MXL_WAKE_COMPLETE 31 /* bucket of the readers that wait for whole grains */
#define MXL_WAKE_ANY 0xffffffffU /* equals FUTEX_BITSET_MATCH_ANY */

/**
 * mxl_wake_bucket - the bucket of a threshold
 * @slices: threshold; 0 ("any number") waits like 1, the first commit brings either
 * @total: slices of a complete grain, > 0
 *
 * Return: bit number, monotone in @slices.
 */
static inline __u32 mxl_wake_bucket(__u32 slices, __u32 total)
{
	if (slices == 0)
		slices = 1;
	return slices >= total ? MXL_WAKE_COMPLETE : slices * MXL_WAKE_COMPLETE / total;
}

/**
 * mxl_wake_bits - the buckets that a commit crossed
 * @from: valid slices at the last signalled commit of this grain
 * @to: valid slices now
 * @total: slices of a complete grain, > 0
 *
 * Return: mask of the buckets of all thresholds in (@from, @to]; 0 when there is none.
 */
static inline __u32 mxl_wake_bits(__u32 from, __u32 to, __u32 total)
{
	__u32 low, high;

	if (to <= from)
		return 0;
	low = mxl_wake_bucket(from + 1, total);
	high = mxl_wake_bucket(to, total);
	return (MXL_WAKE_ANY << low) & (MXL_WAKE_ANY >> (MXL_WAKE_COMPLETE - high));
}

#endif /* _UAPI_LINUX_MXL_LAYOUT_H */

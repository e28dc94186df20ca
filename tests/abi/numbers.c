// SPDX-License-Identifier: Apache-2.0
/*
 * Compares the public headers with the table of facts.h, and the description of the files of a
 * flow that library and module share with the public structs that lie in them. Compiled as C and
 * as C++; prints TAP.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/mxl_layout.h>
#include <mxl/event.h>
#include <mxl/flow.h>
#include <mxl/mxl.h>
#include <mxl/state.h>

#ifdef __cplusplus
#define ALIGN_OF(type) alignof(type)
#else
#define ALIGN_OF(type) _Alignof(type)
#endif
#define SIZE_OF(type, member) sizeof(((type *)NULL)->member)

static unsigned int cases, failures;

static void expect(const char *what, bool right)
{
	cases++;
	failures += !right;
	printf("%sok %u - %s\n", right ? "" : "not ", cases, what);
}

static void expect_number(const char *what, unsigned long long is, unsigned long long ought)
{
	if (is != ought)
		printf("# %s is %llu, not %llu\n", what, is, ought);
	expect(what, is == ought);
}

static void compare_facts(void)
{
#define STRUCT(type, size, align)                            \
	expect_number("size of " #type, sizeof(type), size); \
	expect_number("alignment of " #type, ALIGN_OF(type), align);
#define MEMBER(type, member, offset, size)                                             \
	expect_number("offset of " #type "." #member, offsetof(type, member), offset); \
	expect_number("size of " #type "." #member, SIZE_OF(type, member), size);
#define ENUM(type, size) expect_number("size of enum " #type, sizeof(type), size);
#define VALUE(name, value) expect_number(#name, (unsigned long long)(name), value);
#include "facts.h"
}

/* Types that the sizes do not tell apart. */
static void compare_types(void)
{
	mxlCommonFlowConfigInfo config = { { 0 }, 0, 0, { 0, 0 }, 0, 0, 0, 0, { 0 } };
	mxlRational rate = { 0, 0 };

	config.deviceIndex = -1;
	rate.numerator = -1;
	rate.denominator = -1;
	expect("deviceIndex is signed", config.deviceIndex < 0);
	expect("numerator is signed", rate.numerator < 0);
	expect("denominator is signed", rate.denominator < 0);
	expect_number("MXL_GRAIN_VALID_SLICES_ALL has 16 bits", sizeof(MXL_GRAIN_VALID_SLICES_ALL),
		      sizeof(uint16_t));
	expect_number("MXL_GRAIN_VALID_SLICES_ANY has 16 bits", sizeof(MXL_GRAIN_VALID_SLICES_ANY),
		      sizeof(uint16_t));
	expect_number("MXL_UNDEFINED_INDEX has 64 bits", sizeof(MXL_UNDEFINED_INDEX),
		      sizeof(uint64_t));
}

/* Offsets in the file "data", counted from its start, and in "grains/data.N". */
static void compare_files(void)
{
	expect_number("the info fills the head of the file data", sizeof(mxlFlowInfo),
		      MXL_FLOW_INFO_SIZE);
	expect_number("the header fills the head of a grain's file", sizeof(mxlGrainInfo),
		      MXL_GRAIN_HEADER_SIZE);
	expect_number("config in data", offsetof(mxlFlowInfo, config), 8);
	expect_number("sliceSizes in data", offsetof(mxlFlowInfo, config.discrete.sliceSizes), 136);
	expect_number("channelCount in data", offsetof(mxlFlowInfo, config.continuous.channelCount),
		      136);
	expect_number("headIndex in data", offsetof(mxlFlowInfo, runtime.headIndex), 200);
	expect_number("lastWriteTime in data", offsetof(mxlFlowInfo, runtime.lastWriteTime), 208);
	expect_number("lastReadTime in data", offsetof(mxlFlowInfo, runtime.lastReadTime), 216);
	expect_number("size of data", MXL_FLOW_HEADER_SIZE, 2064);
	expect_number("payload in a grain's file", MXL_GRAIN_PAYLOAD_OFFSET, 8192);
	expect_number("planes", MXL_LAYOUT_MAX_PLANES, MXL_MAX_PLANES_PER_GRAIN);
	expect_number("video", MXL_LAYOUT_FORMAT_VIDEO, MXL_DATA_FORMAT_VIDEO);
	expect_number("audio", MXL_LAYOUT_FORMAT_AUDIO, MXL_DATA_FORMAT_AUDIO);
	expect_number("data", MXL_LAYOUT_FORMAT_DATA, MXL_DATA_FORMAT_DATA);
	expect_number("invalid", MXL_LAYOUT_GRAIN_INVALID, MXL_GRAIN_FLAG_INVALID);
}

int main(void)
{
	compare_facts();
	compare_types();
	compare_files();
	printf("1..%u\n", cases);
	return failures != 0;
}

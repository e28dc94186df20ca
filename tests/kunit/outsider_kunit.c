// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counting: when do references prove that nobody is there who is not known?
 */

#include <kunit/test.h>

#include "mxl_priv.h"

/* One reference of tmpfs's own, one for the module, one for each attachment */
static void outsider_none(struct kunit *test)
{
	unsigned int attachments;

	for (attachments = 0; attachments < 1000; attachments++) {
		unsigned int known = 1 + attachments;

		KUNIT_EXPECT_TRUE(test, mxl_proves_absence(1 + known, known, 1, true));
	}
}

static void outsider_one_more(struct kunit *test)
{
	unsigned int known, more;

	for (known = 1; known < 50; known++)
		for (more = 1; more < 50; more++)
			KUNIT_EXPECT_FALSE(test,
					   mxl_proves_absence(1 + known + more, known, 1, true));
}

/* A count that should not be possible proves nothing */
static void outsider_one_less(struct kunit *test)
{
	unsigned int known;

	for (known = 1; known < 50; known++) {
		KUNIT_EXPECT_FALSE(test, mxl_proves_absence(known, known, 1, true));
		KUNIT_EXPECT_FALSE(test, mxl_proves_absence(0, known, 1, true));
	}
}

static void outsider_other_names(struct kunit *test)
{
	/* by a link, or by what is left of one that is deleted and still in use */
	KUNIT_EXPECT_FALSE(test, mxl_proves_absence(3, 2, 2, true));
	KUNIT_EXPECT_FALSE(test, mxl_proves_absence(3, 2, 1, false));
	KUNIT_EXPECT_FALSE(test, mxl_proves_absence(3, 2, 2, false));
	/* nor is there a proof for what has no name */
	KUNIT_EXPECT_FALSE(test, mxl_proves_absence(3, 2, 0, true));
	KUNIT_EXPECT_TRUE(test, mxl_proves_absence(3, 2, 1, true));
}

static void outsider_extremes(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, mxl_proves_absence(0, 0, 1, true));
	KUNIT_EXPECT_FALSE(test, mxl_proves_absence(UINT_MAX, 0, 1, true));
	KUNIT_EXPECT_FALSE(test, mxl_proves_absence(1, UINT_MAX, 1, true));
	KUNIT_EXPECT_FALSE(test, mxl_proves_absence(UINT_MAX, UINT_MAX, 1, true));
}

static struct kunit_case outsider_test_cases[] = {
	KUNIT_CASE(outsider_none),
	KUNIT_CASE(outsider_one_more),
	KUNIT_CASE(outsider_one_less),
	KUNIT_CASE(outsider_other_names),
	KUNIT_CASE(outsider_extremes),
	{}
};

static struct kunit_suite outsider_suite = {
	.name = "mxl_outsider",
	.test_cases = outsider_test_cases,
};

kunit_test_suite(outsider_suite);

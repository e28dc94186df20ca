/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptor of a reader that poll() can wait for. notifier.c says who makes it readable.
 */
#ifndef MXL_NOTIFIER_H
#define MXL_NOTIFIER_H

#include "backend.h"

struct mxl_notifier;

/**
 * mxl_notifier_new - a descriptor for a flow
 * @flow: the flow, which must outlive it
 * @ret: the notifier, not armed; mxl_notifier_free() it
 *
 * Return: 0 or -errno.
 */
int mxl_notifier_new(const struct mxl_flow *flow, struct mxl_notifier **ret);

/* Also ends the thread. NULL is fine. */
void mxl_notifier_free(struct mxl_notifier *notifier);

/* The descriptor; belongs to the notifier. */
int mxl_notifier_fd(const struct mxl_notifier *notifier);

/**
 * mxl_notifier_arm - make it readable once a condition needs no more waiting
 * @notifier: the notifier
 * @condition: what to wait for, copied; NULL for nothing
 *
 * Forgets what was armed, or has happened, before. Any thread may call it.
 *
 * Return: 0 or -errno; it is not armed then.
 */
int mxl_notifier_arm(struct mxl_notifier *notifier, const struct mxl_condition *condition);

#endif /* MXL_NOTIFIER_H */

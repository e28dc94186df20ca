/* SPDX-License-Identifier: Apache-2.0 */
/* What the module shows and tunes through sysfs */
#ifndef SYSFS_H
#define SYSFS_H

#include <sys/stat.h>
#include "flow.h"

#define SYSFS "/sys/class/misc/mxl"

/* Where a flow's directory is, by the flow's files */
void flow_sysfs(const struct flow *f, char path[128]);

/* An attribute of a flow, or one below SYSFS; fails the test if it is not there */
void flow_attr(const struct flow *f, const char *name, char text[256]);
long long flow_number(const struct flow *f, const char *name);
long long number_of(const char *name);

/* What is in use: flows, attachments, waiters, pages */
long long in_use(const char *what);

/*
 * Tunables. Their values are remembered by tunables_remember() before the first test and set
 * back by tunables_reset(), with which each test begins that changes some.
 */
void tunables_remember(void);
void tunables_reset(void);
void tune(const char *name, unsigned long long value);
unsigned long long tuned(const char *name);

#endif

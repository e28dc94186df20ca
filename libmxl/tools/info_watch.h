/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live view of mxl-info.
 */
#ifndef MXL_INFO_WATCH_H
#define MXL_INFO_WATCH_H

#include "info_options.h"
#include "info_print.h"

/**
 * info_watch() - show flows again and again, until a signal or --count ends it
 * @instance: of the library
 * @options: the command line
 * @domain: the domain
 *
 * Return: 0; -EPIPE when the reader of stdout has gone; -errno after a message, or of stdout, which
 * tool_close_stdout() will tell.
 */
int info_watch(mxlInstance instance, const struct info_options *options,
	       const struct info_domain *domain);

#endif /* MXL_INFO_WATCH_H */

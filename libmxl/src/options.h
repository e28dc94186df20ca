/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON options of domains, instances and writers. */
#ifndef MXL_OPTIONS_H
#define MXL_OPTIONS_H

#include <stdint.h>

/**
 * struct mxl_writer_options - how a new flow is to be committed and signalled
 * @max_commit_batch: slices or samples committed at most at once; 0 for the default
 * @max_sync_batch: slices or samples after which waiters are signalled at the latest; 0 for the default
 */
struct mxl_writer_options {
	uint32_t max_commit_batch;
	uint32_t max_sync_batch;
};

/**
 * mxl_options_parse_writer - options of mxlCreateFlowWriter()
 * @text: NULL, empty or a JSON object
 * @ret: the options
 *
 * Return: 0, or -EBADMSG with a line in the log.
 */
int mxl_options_parse_writer(const char *text, struct mxl_writer_options *ret);

/* Options of mxlCreateInstance(): none are defined yet; what is no JSON object is logged. */
void mxl_options_check_instance(const char *text);

/**
 * mxl_options_read_history - the history duration a domain asks for
 * @domain: descriptor of the domain
 * @default_ns: what holds when it does not
 *
 * Return: ns from the domain's options.json, or @default_ns when there is none or it is broken,
 * which is logged.
 */
uint64_t mxl_options_read_history(int domain, uint64_t default_ns);

#endif /* MXL_OPTIONS_H */

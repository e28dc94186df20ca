/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that mxl-write and mxl-read have in common.
 */
#ifndef MXL_TOOL_SHARED_ARGS_H
#define MXL_TOOL_SHARED_ARGS_H

#include <argp.h>
#include <stdbool.h>

#include "tool_digest.h"
#include "tool_media.h"
#include "tool_progress.h"
#include "tool_report.h"

/**
 * struct tool_shared_options - what the user chose; all zero is the default
 * @layout: of samples in the file
 * @anc: form of ancillary data in the file
 * @digest: print a digest
 * @digest_list: file for one digest per grain or batch, or NULL
 * @stats: form of the statistics
 * @progress: whether to show progress
 * @strict: anything skipped or lost makes the exit code TOOL_LOST
 */
struct tool_shared_options {
	enum tool_layout layout;
	enum tool_anc anc;
	bool digest;
	const char *digest_list;
	enum tool_stats_mode stats;
	enum tool_progress_mode progress;
	bool strict;
};

/**
 * tool_shared_argp - these options as an argp child; its input is a struct tool_shared_options
 */
extern const struct argp tool_shared_argp;

/**
 * tool_shared_conflict() - find options that do not go with a format
 * @options: what the user chose
 * @format: enum mxlDataFormat
 *
 * Return: what is wrong, NULL if nothing is.
 */
const char *tool_shared_conflict(const struct tool_shared_options *options, int format);

/**
 * tool_shared_open_digest() - begin the digest and its list, if they were asked for
 * @options: what the user chose
 * @ret_digest: the digest, NULL if none was asked for
 *
 * Return: 0, or -errno after a message.
 */
int tool_shared_open_digest(const struct tool_shared_options *options,
			    struct tool_digest **ret_digest);

/**
 * tool_shared_report() - say what was done, print what was asked for, and end the digest
 * @options: what the user chose
 * @report: figures; nothing is printed if it has no unit, for then nothing was begun
 * @digest: ended here, may be NULL
 * @stream: where figures go
 *
 * Return: 0, or -errno after a message.
 */
int tool_shared_report(const struct tool_shared_options *options, const struct tool_report *report,
		       struct tool_digest *digest, FILE *stream);

#endif /* MXL_TOOL_SHARED_ARGS_H */

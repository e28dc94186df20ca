/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mxl-info knows about a flow.
 */
#ifndef MXL_INFO_FLOW_H
#define MXL_INFO_FLOW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <mxl/flow.h>
#include <mxl/mxl.h>
#include <mxl/state.h>

#include "tool_domain.h"
#include "tool_flowdef.h"

#define INFO_WRITERS_MAX 8

/**
 * struct info_flow - a flow
 * @id: its id
 * @problem: why less than usual is known about it, NULL if all is well
 * @definition: text of the flow definition, NULL if it cannot be had
 * @flowdef: the definition, taken apart
 * @role_conflict: another flow of the group has the same role
 * @reader: open reader, or NULL
 * @inode: of the file @reader was opened on
 * @has_info: @info is valid
 * @info: as the library gave it
 * @has_state: @state is valid
 * @state: as the library gave it
 * @now: TAI ns when @info was had
 * @last_head: head at the look before
 * @last_now: TAI ns of the look before, 0 if there was none
 * @per_second: measured rate, negative while unknown
 * @active: there is a writer
 * @writers: the first of them
 * @writer_count: how many were seen, may be more than @writers holds
 */
struct info_flow {
	char id[37];
	const char *problem;
	char *definition;
	struct tool_flowdef flowdef;
	bool role_conflict;
	mxlFlowReader reader;
	ino_t inode;
	bool has_info;
	mxlFlowInfo info;
	bool has_state;
	mxlFlowState state;
	uint64_t now;
	uint64_t last_head;
	uint64_t last_now;
	double per_second;
	bool active;
	struct tool_process writers[INFO_WRITERS_MAX];
	size_t writer_count;
};

/**
 * struct info_latency - how far the head of a flow is behind TAI
 * @units: grains or samples, negative when the head is ahead
 * @min_ms: counted from the end of the newest grain
 * @max_ms: counted from its beginning
 * @keeps: grains or samples the flow keeps; a larger @units means that nothing current is there
 */
struct info_latency {
	int64_t units;
	double min_ms;
	double max_ms;
	uint64_t keeps;
};

/**
 * info_flow_open() - find out what does not change about a flow
 * @instance: of the library
 * @domain: directory
 * @id: flow
 * @with_reader: look inside, too
 * @flow: filled in, whatever fails; to be given to info_flow_close()
 *
 * Return: 0; -ENOENT when there is no such flow (any more); -EIO when @problem says why it cannot
 * be looked at.
 */
int info_flow_open(mxlInstance instance, const char *domain, const char *id, bool with_reader,
		   struct info_flow *flow);

/**
 * info_flow_look() - find out what changes all the time
 * @instance: of the library
 * @domain: directory
 * @flow: from info_flow_open()
 *
 * Return: 0; -ESTALE when the flow was deleted or replaced.
 */
int info_flow_look(mxlInstance instance, const char *domain, struct info_flow *flow);

/**
 * info_flow_close() - forget a flow
 * @instance: of the library
 * @flow: from info_flow_open()
 */
void info_flow_close(mxlInstance instance, struct info_flow *flow);

/** info_flow_is_audio() - whether the units of a flow are samples */
bool info_flow_is_audio(const struct info_flow *flow);

/**
 * info_flow_latency() - how late a flow is
 * @flow: after info_flow_look()
 * @ret_latency: result
 *
 * Return: false when nothing was written yet, or nothing is known.
 */
bool info_flow_latency(const struct info_flow *flow, struct info_latency *ret_latency);

/**
 * info_flow_format() - describe in a few words what a flow carries, by its definition
 * @flow: from info_flow_open()
 * @text: room for the words, safe for terminals
 * @size: of @text
 */
void info_flow_format(const struct info_flow *flow, char *text, size_t size);

/**
 * info_flow_mark_conflicts() - find flows of one group with the same role
 * @flows: flows, marked in place
 * @count: how many
 */
void info_flow_mark_conflicts(struct info_flow *flows, size_t count);

#endif /* MXL_INFO_FLOW_H */

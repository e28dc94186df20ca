/* SPDX-License-Identifier: Apache-2.0 */
/* Whether what a caller handed in is a handle, and of the kind that a public function is for. */
#ifndef MXL_API_HANDLES_H
#define MXL_API_HANDLES_H

#include "domain_events.h"
#include "instance.h"

static inline bool mxl_is_instance(mxlInstance instance)
{
	return instance && instance->kind == MXL_HANDLE_INSTANCE;
}

static inline bool mxl_is_grain_reader(mxlFlowReader reader)
{
	return reader && reader->kind == MXL_HANDLE_GRAIN_READER;
}

static inline bool mxl_is_sample_reader(mxlFlowReader reader)
{
	return reader && reader->kind == MXL_HANDLE_SAMPLE_READER;
}

static inline bool mxl_is_reader(mxlFlowReader reader)
{
	return mxl_is_grain_reader(reader) || mxl_is_sample_reader(reader);
}

static inline bool mxl_is_grain_writer(mxlFlowWriter writer)
{
	return writer && writer->kind == MXL_HANDLE_GRAIN_WRITER;
}

static inline bool mxl_is_sample_writer(mxlFlowWriter writer)
{
	return writer && writer->kind == MXL_HANDLE_SAMPLE_WRITER;
}

static inline bool mxl_is_writer(mxlFlowWriter writer)
{
	return mxl_is_grain_writer(writer) || mxl_is_sample_writer(writer);
}

static inline bool mxl_is_group(mxlFlowSynchronizationGroup group)
{
	return group && group->kind == MXL_HANDLE_GROUP;
}

static inline bool mxl_is_domain_events(mxlDomainEvents events)
{
	return events && events->kind == MXL_HANDLE_DOMAIN_EVENTS;
}

#endif /* MXL_API_HANDLES_H */

// SPDX-License-Identifier: Apache-2.0
/* The C API of instances and of flows as files. */
#include <string.h>

#include <mxl/flow.h>
#include <mxl/mxl.h>
#include <mxl/version.h>

#include "api.h"
#include "file.h"
#include "api_handles.h"
#include "log.h"
#include "util.h"

MXL_API mxlStatus mxlGetVersion(mxlVersionType *out_version)
{
	if (!out_version)
		return MXL_ERR_INVALID_ARG;
	out_version->major = MXL_VERSION_MAJOR;
	out_version->minor = MXL_VERSION_MINOR;
	out_version->bugfix = MXL_VERSION_PATCH;
	out_version->build = MXL_VERSION_BUILD;
	out_version->full = MXL_VERSION_FULL;
	return MXL_STATUS_OK;
}

MXL_API mxlInstance mxlCreateInstance(const char *domain, const char *options)
{
	mxlInstance instance = NULL;
	int r;

	if (!domain)
		return NULL;
	r = mxl_instance_new(domain, options, &instance);
	if (r < 0)
		mxl_error("domain %s: %s", domain, strerror(-r));
	return instance;
}

MXL_API mxlStatus mxlDestroyInstance(mxlInstance instance)
{
	if (!mxl_is_instance(instance))
		return MXL_ERR_INVALID_ARG;
	mxl_instance_free(instance);
	return MXL_STATUS_OK;
}

MXL_API mxlStatus mxlGarbageCollectFlows(mxlInstance instance)
{
	if (!mxl_is_instance(instance))
		return MXL_ERR_INVALID_ARG;
	return mxl_status(mxl_store_collect(&instance->store));
}

MXL_API mxlStatus mxlIsTmpFs(const char *path, bool *out_is_tmpfs)
{
	if (!path || !out_is_tmpfs)
		return MXL_ERR_INVALID_ARG;
	/* Why it cannot be examined makes no difference here. */
	return mxl_file_is_on_tmpfs(path, out_is_tmpfs) < 0 ? MXL_ERR_UNKNOWN : MXL_STATUS_OK;
}

/* Says which flow a call failed for; what is normal to meet is left to the caller. */
static mxlStatus flow_status(const char *id_text, int result)
{
	if (result < 0 && result != -ENOENT)
		mxl_error("flow %s: %s", id_text, strerror(-result));
	return mxl_status(result);
}

MXL_API mxlStatus mxlIsFlowActive(mxlInstance instance, const char *flow_id, bool *is_active)
{
	uuid_t id;

	if (!mxl_is_instance(instance) || !flow_id || !is_active || mxl_uuid_parse(flow_id, id) < 0)
		return MXL_ERR_INVALID_ARG;
	return flow_status(flow_id, mxl_store_is_active(&instance->store, id, is_active));
}

MXL_API mxlStatus mxlGetFlowDef(mxlInstance instance, const char *flow_id, char *buffer,
				size_t *buffer_size)
{
	MXL_CLEANUP(mxl_freep) char *text = NULL;
	size_t room, size;
	uuid_t id;
	int r;

	if (!mxl_is_instance(instance) || !flow_id || !buffer_size ||
	    mxl_uuid_parse(flow_id, id) < 0)
		return MXL_ERR_INVALID_ARG;
	r = mxl_store_read_def(&instance->store, id, &text, &size);
	if (r < 0)
		return flow_status(flow_id, r);

	room = *buffer_size;
	*buffer_size = size + 1;
	if (!buffer || room < size + 1)
		return MXL_ERR_INVALID_ARG;
	memcpy(buffer, text, size + 1);
	return MXL_STATUS_OK;
}

MXL_API mxlStatus mxlCreateFlowReader(mxlInstance instance, const char *flow_id,
				      const char *options, mxlFlowReader *reader)
{
	uuid_t id;

	/* No option of a reader is defined; what other versions may define is ignored. */
	(void)options;
	if (!mxl_is_instance(instance) || !flow_id || !reader || mxl_uuid_parse(flow_id, id) < 0)
		return MXL_ERR_INVALID_ARG;
	return flow_status(flow_id, mxl_instance_get_reader(instance, id, reader));
}

MXL_API mxlStatus mxlReleaseFlowReader(mxlInstance instance, mxlFlowReader reader)
{
	if (!mxl_is_instance(instance) || !reader)
		return MXL_ERR_INVALID_ARG;
	if (mxl_instance_put_reader(instance, reader) < 0)
		return MXL_ERR_INVALID_FLOW_READER;
	return MXL_STATUS_OK;
}

MXL_API mxlStatus mxlCreateFlowWriter(mxlInstance instance, const char *flow_def,
				      const char *options, mxlFlowWriter *writer,
				      mxlFlowConfigInfo *config_info, bool *created)
{
	struct mxlFlowWriter_t *made;
	bool is_new;
	int r;

	if (!mxl_is_instance(instance) || !flow_def || !writer)
		return MXL_ERR_INVALID_ARG;
	r = mxl_instance_get_writer(instance, flow_def, options, &made, &is_new);
	if (r < 0)
		return mxl_status(r);
	if (config_info) {
		r = mxl_flow_get_config(made->flow, config_info);
		if (r < 0) {
			mxl_instance_put_writer(instance, made);
			return mxl_status(r);
		}
	}
	*writer = made;
	if (created)
		*created = is_new;
	return MXL_STATUS_OK;
}

MXL_API mxlStatus mxlReleaseFlowWriter(mxlInstance instance, mxlFlowWriter writer)
{
	if (!mxl_is_instance(instance) || !writer)
		return MXL_ERR_INVALID_ARG;
	if (mxl_instance_put_writer(instance, writer) < 0)
		return MXL_ERR_INVALID_FLOW_WRITER;
	return MXL_STATUS_OK;
}

MXL_API mxlStatus mxlCreateFlowSynchronizationGroup(mxlInstance instance,
						    mxlFlowSynchronizationGroup *group)
{
	if (!mxl_is_instance(instance) || !group)
		return MXL_ERR_INVALID_ARG;
	return mxl_status(mxl_instance_new_group(instance, group));
}

MXL_API mxlStatus mxlReleaseFlowSynchronizationGroup(mxlInstance instance,
						     mxlFlowSynchronizationGroup group)
{
	if (!mxl_is_instance(instance) || !group)
		return MXL_ERR_INVALID_ARG;
	return mxl_status(mxl_instance_free_group(instance, group));
}

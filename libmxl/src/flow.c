// SPDX-License-Identifier: Apache-2.0
#include "flow.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "file.h"
#include "log.h"
#include "shm.h"
#include "util.h"

/*
 * The API's structs are the layout's, under the names of the C API. Both are kept because programs
 * include only the public headers; here is where they must agree.
 */
#define SAME_PLACE(api, api_member, layout_member)                              \
	_Static_assert(offsetof(api, api_member) ==                             \
			       offsetof(struct mxl_flow_header, layout_member), \
		       #api_member " must lie where " #layout_member " does")

_Static_assert(sizeof(mxlFlowInfo) == MXL_FLOW_INFO_SIZE, "mxlFlowInfo is the head of `data`");
SAME_PLACE(mxlFlowInfo, config, id);
SAME_PLACE(mxlFlowInfo, config.common.grainRate, rate);
SAME_PLACE(mxlFlowInfo, config.common.deviceIndex, device_index);
SAME_PLACE(mxlFlowInfo, config.discrete.grainCount, discrete.grain_count);
SAME_PLACE(mxlFlowInfo, config.continuous.bufferLength, continuous.buffer_length);
SAME_PLACE(mxlFlowInfo, runtime.headIndex, head_index);
SAME_PLACE(mxlFlowInfo, runtime.lastReadTime, last_read_time);

#define refuse(flow, format, ...)                                         \
	({                                                                \
		mxl_error("%s/" format, (flow)->dir_name, ##__VA_ARGS__); \
		-EBADMSG;                                                 \
	})

void mxl_flow_dir_name(const uuid_t id, char ret[MXL_FLOW_DIR_SIZE])
{
	char text[MXL_UUID_TEXT_SIZE];

	uuid_unparse_lower(id, text);
	snprintf(ret, MXL_FLOW_DIR_SIZE, "%s" MXL_FLOW_DIR_SUFFIX, text);
}

/*
 * The lock that means something is the one on `data`; the format asks a writer to hold the others
 * too. A lock belongs to the open file, which the mapping keeps, so the descriptor can be closed.
 */
static void lock_payload(const struct mxl_flow *flow, int fd)
{
	if (flow->writable)
		flock(fd, LOCK_SH | LOCK_NB);
}

static size_t grain_file_size(const struct mxl_flow *flow)
{
	return MXL_GRAIN_PAYLOAD_OFFSET + (size_t)flow->geometry.grain_size;
}

static void unmap_all(struct mxl_flow *flow)
{
	const struct mxl_backend *backend = flow->backend;

	for (uint32_t i = 0; flow->grains && i < flow->geometry.grain_count; i++) {
		if (flow->grains[i])
			backend->unmap(flow->grains[i], grain_file_size(flow));
	}
	if (flow->samples)
		backend->unmap(flow->samples, mxl_geometry_channels_size(&flow->geometry));
	if (flow->header)
		backend->unmap(flow->header, MXL_FLOW_HEADER_SIZE);
}

int mxl_flow_close_keep_lock(struct mxl_flow *flow)
{
	int data_fd = flow->data_fd;

	unmap_all(flow);
	free(flow->grains);
	free(flow);
	return data_fd;
}

void mxl_flow_close(struct mxl_flow *flow)
{
	int fd;

	if (!flow)
		return;
	fd = mxl_flow_close_keep_lock(flow);
	mxl_closep(&fd);
}

/* Maps `data` and takes over what is needed of it; nothing here trusts it to stay as it is. */
static int map_header(struct mxl_flow *flow, struct mxl_flow_header *copy)
{
	struct stat st;
	void *mapping;
	int r;

	if (fstat(flow->data_fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size != MXL_FLOW_HEADER_SIZE)
		return refuse(flow, MXL_FLOW_DATA_FILE ": is %lld bytes long instead of %d",
			      (long long)st.st_size, MXL_FLOW_HEADER_SIZE);
	r = flow->backend->map(flow->data_fd, MXL_FLOW_HEADER_SIZE, flow->writable, &mapping);
	if (r < 0)
		return r;

	flow->header = mapping;
	flow->inode = st.st_ino;
	memcpy(copy, mapping, sizeof(*copy));
	return 0;
}

static int check_header(struct mxl_flow *flow, const struct mxl_flow_header *header)
{
	if (header->version != MXL_FLOW_VERSION || header->size != MXL_FLOW_INFO_SIZE)
		return refuse(flow, MXL_FLOW_DATA_FILE ": version %u, size %u; known is %d, %d",
			      header->version, header->size, MXL_FLOW_VERSION, MXL_FLOW_INFO_SIZE);
	if (uuid_compare(header->id, flow->id) != 0)
		return refuse(flow, MXL_FLOW_DATA_FILE ": has the id of another flow");
	if (header->rate.numerator <= 0 || header->rate.denominator <= 0)
		return refuse(flow, MXL_FLOW_DATA_FILE ": rate %lld/%lld",
			      (long long)header->rate.numerator,
			      (long long)header->rate.denominator);
	if (!mxlIsSupportedDataFormat((int)header->format))
		return refuse(flow, MXL_FLOW_DATA_FILE ": unknown format %u", header->format);

	flow->geometry.format = (mxlDataFormat)header->format;
	flow->geometry.rate = header->rate;
	flow->commit_batch = header->max_commit_batch ? header->max_commit_batch : 1;
	flow->sync_batch = header->max_sync_batch ? header->max_sync_batch : 1;
	return 0;
}

/* The first grain decides what the others must be; all must be alike. */
static int check_grain(struct mxl_flow *flow, const char *name,
		       const struct mxl_grain_header *header, bool first)
{
	struct mxl_geometry *geometry = &flow->geometry;
	uint32_t grain_size = mxl_load(&header->grain_size);
	uint16_t total_slices = mxl_load(&header->total_slices);

	if (mxl_load(&header->version) != MXL_GRAIN_VERSION ||
	    mxl_load(&header->size) != MXL_GRAIN_HEADER_SIZE)
		return refuse(flow, MXL_FLOW_GRAINS_DIR "/%s: unknown version or header size",
			      name);
	if (first)
		geometry->total_slices = total_slices;
	if (grain_size != geometry->grain_size || total_slices == 0 ||
	    total_slices != geometry->total_slices)
		return refuse(flow, MXL_FLOW_GRAINS_DIR "/%s: header says %u bytes in %u slices",
			      name, grain_size, total_slices);
	return 0;
}

static int map_grain(struct mxl_flow *flow, int grains_dir, uint32_t slot)
{
	MXL_CLEANUP(mxl_closep) int fd = -1;
	char name[MXL_FLOW_GRAIN_FILE_SIZE];
	void *mapping;
	off_t size;
	int r;

	snprintf(name, sizeof(name), MXL_FLOW_GRAIN_FILE_FORMAT, slot);
	fd = mxl_file_open(grains_dir, name, flow->writable ? O_RDWR : O_RDONLY, &size);
	if (fd == -EBADMSG || fd == -ENOENT)
		return refuse(flow, MXL_FLOW_GRAINS_DIR "/%s: is no file", name);
	if (fd < 0)
		return fd;

	if (slot == 0 && size > MXL_GRAIN_PAYLOAD_OFFSET &&
	    size - MXL_GRAIN_PAYLOAD_OFFSET <= UINT32_MAX)
		flow->geometry.grain_size = (uint32_t)(size - MXL_GRAIN_PAYLOAD_OFFSET);
	if (flow->geometry.grain_size == 0 || (uint64_t)size != grain_file_size(flow))
		return refuse(flow, MXL_FLOW_GRAINS_DIR "/%s: is %lld bytes long", name,
			      (long long)size);

	r = flow->backend->map(fd, (size_t)size, flow->writable, &mapping);
	if (r < 0)
		return r;
	lock_payload(flow, fd);
	flow->grains[slot] = mapping;
	return check_grain(flow, name, flow->grains[slot], slot == 0);
}

static int map_grains(struct mxl_flow *flow, int dir, const struct mxl_flow_header *header)
{
	struct mxl_geometry *geometry = &flow->geometry;
	MXL_CLEANUP(mxl_closep) int grains_dir = -1;
	uint32_t count = header->discrete.grain_count;

	if (count < MXL_LAYOUT_MIN_GRAINS || count > MXL_LAYOUT_MAX_GRAINS)
		return refuse(flow, MXL_FLOW_DATA_FILE ": %u grains; %d to %d are possible", count,
			      MXL_LAYOUT_MIN_GRAINS, MXL_LAYOUT_MAX_GRAINS);
	memcpy(geometry->slice_sizes, header->discrete.slice_sizes, sizeof(geometry->slice_sizes));

	grains_dir = mxl_file_open_dir(dir, MXL_FLOW_GRAINS_DIR);
	if (grains_dir == -EACCES)
		return grains_dir;
	if (grains_dir < 0)
		return refuse(flow, MXL_FLOW_GRAINS_DIR ": is no folder");

	flow->grains = calloc(count, sizeof(*flow->grains));
	if (!flow->grains)
		return -ENOMEM;
	geometry->grain_count = count;
	for (uint32_t slot = 0; slot < count; slot++) {
		int r = map_grain(flow, grains_dir, slot);

		if (r < 0)
			return r;
	}
	return 0;
}

static int map_channels(struct mxl_flow *flow, int dir, const struct mxl_flow_header *header)
{
	struct mxl_geometry *geometry = &flow->geometry;
	uint64_t words =
		(uint64_t)header->continuous.channel_count * header->continuous.buffer_length;
	MXL_CLEANUP(mxl_closep) int fd = -1;
	void *mapping;
	off_t size;
	int r;

	if (words == 0 || header->continuous.buffer_length < 2)
		return refuse(flow, MXL_FLOW_DATA_FILE ": %u channels of %u samples",
			      header->continuous.channel_count, header->continuous.buffer_length);
	fd = mxl_file_open(dir, MXL_FLOW_CHANNELS_FILE, flow->writable ? O_RDWR : O_RDONLY, &size);
	if (fd == -EBADMSG || fd == -ENOENT)
		return refuse(flow, MXL_FLOW_CHANNELS_FILE ": is no file");
	if (fd < 0)
		return fd;

	/* The word size stands nowhere but in the size of the file. */
	if ((uint64_t)size == words * 4)
		geometry->word_size = 4;
	else if ((uint64_t)size / 8 == words && (uint64_t)size % 8 == 0)
		geometry->word_size = 8;
	else
		return refuse(flow, MXL_FLOW_CHANNELS_FILE ": is %lld bytes long", (long long)size);

	r = flow->backend->map(fd, (size_t)size, flow->writable, &mapping);
	if (r < 0)
		return r;
	lock_payload(flow, fd);
	flow->samples = mapping;
	geometry->channel_count = header->continuous.channel_count;
	geometry->buffer_length = header->continuous.buffer_length;
	return 0;
}

int mxl_flow_map(const char *domain, int dir, int data_fd, const uuid_t id, bool writable,
		 const struct mxl_backend *backend, struct mxl_flow **ret)
{
	struct mxl_flow *flow = calloc(1, sizeof(*flow));
	struct mxl_flow_header header;
	int r;

	if (!flow)
		return -ENOMEM;
	uuid_copy(flow->id, id);
	mxl_flow_dir_name(id, flow->dir_name);
	flow->writable = writable;
	flow->domain = domain;
	flow->backend = backend;
	flow->data_fd = data_fd;

	r = map_header(flow, &header);
	if (r == 0)
		r = check_header(flow, &header);
	if (r == 0 && mxlIsDiscreteDataFormat((int)header.format))
		r = map_grains(flow, dir, &header);
	else if (r == 0)
		r = map_channels(flow, dir, &header);
	if (r < 0) {
		/* The descriptor stays the caller's. */
		mxl_flow_close_keep_lock(flow);
		return r;
	}
	*ret = flow;
	return 0;
}

bool mxl_flow_is_current(const struct mxl_flow *flow)
{
	char path[PATH_MAX];
	int length = snprintf(path, sizeof(path), "%s/%s/" MXL_FLOW_DATA_FILE, flow->domain,
			      flow->dir_name);

	if (length < 0 || (size_t)length >= sizeof(path))
		return false;
	return mxl_file_is_inode(AT_FDCWD, path, flow->inode);
}

void mxl_flow_get_runtime(const struct mxl_flow *flow, mxlFlowRuntimeInfo *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->headIndex = mxl_load_acquire(&flow->header->head_index);
	ret->lastWriteTime = mxl_load(&flow->header->last_write_time);
	ret->lastReadTime = mxl_load(&flow->header->last_read_time);
}

/* Only the configuration is copied as bytes: nobody writes it once the flow is published. */
void mxl_flow_get_config(const struct mxl_flow *flow, mxlFlowConfigInfo *ret)
{
	memcpy(ret, flow->header->id, sizeof(*ret));
}

void mxl_flow_get_info(const struct mxl_flow *flow, mxlFlowInfo *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->version = MXL_FLOW_VERSION;
	ret->size = MXL_FLOW_INFO_SIZE;
	mxl_flow_get_config(flow, &ret->config);
	mxl_flow_get_runtime(flow, &ret->runtime);
}

// SPDX-License-Identifier: Apache-2.0
#include "flow.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "file.h"
#include "log.h"
#include "shm.h"
#include "sigbus.h"
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

/* A flow that is being deleted loses its files one by one, which is no damage to complain of. */
static int refusal(const struct mxl_flow *flow)
{
	return flow->inode != 0 && !mxl_flow_is_current(flow) ? -ESTALE : -EBADMSG;
}

#define refuse(flow, format, ...)                                                 \
	({                                                                        \
		int _refusal = refusal(flow);                                     \
                                                                                  \
		if (_refusal == -EBADMSG)                                         \
			mxl_error("%s/" format, (flow)->dir_name, ##__VA_ARGS__); \
		_refusal;                                                         \
	})

void mxl_flow_dir_name(const uuid_t id, char ret[MXL_FLOW_DIR_SIZE])
{
	char text[MXL_UUID_TEXT_SIZE];

	uuid_unparse_lower(id, text);
	snprintf(ret, MXL_FLOW_DIR_SIZE, "%s" MXL_FLOW_DIR_SUFFIX, text);
}

uint32_t mxl_flow_payload_count(const struct mxl_flow *flow)
{
	return mxl_flow_is_discrete(flow) ? flow->geometry.grain_count : 1;
}

size_t mxl_flow_payload_size(const struct mxl_flow *flow)
{
	if (mxl_flow_is_discrete(flow))
		return MXL_GRAIN_PAYLOAD_OFFSET + (size_t)flow->geometry.grain_size;
	return mxl_geometry_channels_size(&flow->geometry);
}

void mxl_flow_payload_name(const struct mxl_flow *flow, uint32_t number,
			   char ret[MXL_FLOW_PAYLOAD_NAME_SIZE])
{
	if (mxl_flow_is_discrete(flow))
		snprintf(ret, MXL_FLOW_PAYLOAD_NAME_SIZE, MXL_FLOW_GRAIN_FILE_FORMAT, number);
	else
		snprintf(ret, MXL_FLOW_PAYLOAD_NAME_SIZE, MXL_FLOW_CHANNELS_FILE);
}

int mxl_flow_open_payload_dir(const struct mxl_flow *flow, int dir)
{
	int fd = mxl_file_open_dir(dir, mxl_flow_is_discrete(flow) ? MXL_FLOW_GRAINS_DIR : ".");

	if (fd == -ENOTDIR || fd == -ENOENT || fd == -ELOOP)
		return refuse(flow, MXL_FLOW_GRAINS_DIR ": is no folder");
	return fd;
}

void *mxl_flow_region(const struct mxl_flow *flow, uint32_t region)
{
	if (region == MXL_REGION_DATA)
		return flow->header;
	if (mxl_flow_is_discrete(flow))
		return flow->grains[region - MXL_REGION_PAYLOAD(0)];
	return flow->samples;
}

void mxl_flow_set_region(struct mxl_flow *flow, uint32_t region, void *mapping)
{
	if (region == MXL_REGION_DATA)
		flow->header = mapping;
	else if (mxl_flow_is_discrete(flow))
		flow->grains[region - MXL_REGION_PAYLOAD(0)] = mapping;
	else
		flow->samples = mapping;
}

size_t mxl_flow_region_size(const struct mxl_flow *flow, uint32_t region)
{
	return region == MXL_REGION_DATA ? MXL_FLOW_HEADER_SIZE : mxl_flow_payload_size(flow);
}

int mxl_flow_close_keep_lock(struct mxl_flow *flow)
{
	uint32_t regions = 1 + mxl_flow_payload_count(flow);
	int data_fd = flow->data_fd;

	mxl_sigbus_unguard(flow);
	for (uint32_t region = 0; region < regions; region++) {
		void *mapping = mxl_flow_region(flow, region);

		if (mapping)
			munmap(mapping, mxl_flow_region_size(flow, region));
	}
	flow->backend->detach(flow);
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

/* Files are read before they are mapped: what is too short then is an error and no SIGBUS. */
static bool read_start(int fd, void *buffer, size_t size)
{
	return pread(fd, buffer, size, 0) == (ssize_t)size;
}

static int read_header(struct mxl_flow *flow, struct mxl_flow_header *header)
{
	struct stat st;

	if (fstat(flow->data_fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size != MXL_FLOW_HEADER_SIZE ||
	    !read_start(flow->data_fd, header, sizeof(*header)))
		return refuse(flow, MXL_FLOW_DATA_FILE ": is %lld bytes long instead of %d",
			      (long long)st.st_size, MXL_FLOW_HEADER_SIZE);
	flow->inode = st.st_ino;
	return 0;
}

static int check_discrete(struct mxl_flow *flow, const struct mxl_flow_header *header)
{
	struct mxl_geometry *geometry = &flow->geometry;
	uint32_t count = header->discrete.grain_count;

	if (count < MXL_LAYOUT_MIN_GRAINS || count > MXL_LAYOUT_MAX_GRAINS)
		return refuse(flow, MXL_FLOW_DATA_FILE ": %u grains; %d to %d are possible", count,
			      MXL_LAYOUT_MIN_GRAINS, MXL_LAYOUT_MAX_GRAINS);
	flow->grains = calloc(count, sizeof(*flow->grains));
	if (!flow->grains)
		return -ENOMEM;
	geometry->grain_count = count;
	memcpy(geometry->slice_sizes, header->discrete.slice_sizes, sizeof(geometry->slice_sizes));
	return 0;
}

static int check_continuous(struct mxl_flow *flow, const struct mxl_flow_header *header)
{
	struct mxl_geometry *geometry = &flow->geometry;

	if (header->continuous.channel_count == 0 || header->continuous.buffer_length < 2)
		return refuse(flow, MXL_FLOW_DATA_FILE ": %u channels of %u samples",
			      header->continuous.channel_count, header->continuous.buffer_length);
	geometry->channel_count = header->continuous.channel_count;
	geometry->buffer_length = header->continuous.buffer_length;
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
	return mxlIsDiscreteDataFormat((int)header->format) ? check_discrete(flow, header)
							    : check_continuous(flow, header);
}

/* For the log: where payload files lie in the flow. */
static const char *payload_folder(const struct mxl_flow *flow)
{
	return mxl_flow_is_discrete(flow) ? MXL_FLOW_GRAINS_DIR "/" : "";
}

/* Programs find slices by these sizes, in a mapping of the grain's size. */
static int check_slice_sizes(const struct mxl_flow *flow)
{
	const struct mxl_geometry *geometry = &flow->geometry;
	uint64_t sum = 0;

	for (int plane = 0; plane < MXL_LAYOUT_MAX_PLANES; plane++)
		sum += geometry->slice_sizes[plane];
	if (sum * geometry->total_slices != geometry->grain_size)
		return refuse(flow,
			      MXL_FLOW_DATA_FILE ": slices of %llu bytes, but " MXL_FLOW_GRAINS_DIR
						 "/data.0 has %u of them in %u bytes",
			      (unsigned long long)sum, geometry->total_slices,
			      geometry->grain_size);
	return 0;
}

/* The first grain decides what the others must be; all must be alike. */
static int check_grain(struct mxl_flow *flow, const char *name, int fd, off_t size)
{
	struct mxl_geometry *geometry = &flow->geometry;
	struct mxl_grain_header header;

	if (size <= MXL_GRAIN_PAYLOAD_OFFSET || size - MXL_GRAIN_PAYLOAD_OFFSET > UINT32_MAX ||
	    !read_start(fd, &header, sizeof(header)))
		return refuse(flow, "%s%s: is %lld bytes long", payload_folder(flow), name,
			      (long long)size);
	if (header.version != MXL_GRAIN_VERSION || header.size != MXL_GRAIN_HEADER_SIZE)
		return refuse(flow, "%s%s: version %u, header size %u; known is %d, %d",
			      payload_folder(flow), name, header.version, header.size,
			      MXL_GRAIN_VERSION, MXL_GRAIN_HEADER_SIZE);
	if (geometry->grain_size == 0) {
		geometry->grain_size = (uint32_t)(size - MXL_GRAIN_PAYLOAD_OFFSET);
		geometry->total_slices = header.total_slices;
	}
	if ((size_t)size != mxl_flow_payload_size(flow) ||
	    header.grain_size != geometry->grain_size || header.total_slices == 0 ||
	    header.total_slices != geometry->total_slices)
		return refuse(flow,
			      "%s%s: is %lld bytes long, its header says %u bytes in %u slices",
			      payload_folder(flow), name, (long long)size, header.grain_size,
			      header.total_slices);
	return check_slice_sizes(flow);
}

/* The word size of samples stands nowhere but in the size of the file. */
static int check_channels(struct mxl_flow *flow, const char *name, off_t size)
{
	struct mxl_geometry *geometry = &flow->geometry;
	uint64_t words = (uint64_t)geometry->channel_count * geometry->buffer_length;

	if ((uint64_t)size % words == 0 &&
	    ((uint64_t)size / words == 4 || (uint64_t)size / words == 8)) {
		geometry->word_size = (uint32_t)((uint64_t)size / words);
		return 0;
	}
	return refuse(flow, "%s%s: is %lld bytes long, for %u channels of %u samples",
		      payload_folder(flow), name, (long long)size, geometry->channel_count,
		      geometry->buffer_length);
}

/* Opens and checks a payload file. Return: its descriptor. */
static int open_payload(struct mxl_flow *flow, int dir, uint32_t number, int flags)
{
	MXL_CLEANUP(mxl_closep) int fd = -1;
	char name[MXL_FLOW_PAYLOAD_NAME_SIZE];
	off_t size;
	int r;

	mxl_flow_payload_name(flow, number, name);
	fd = mxl_file_open(dir, name, flags, &size);
	if (fd == -EBADMSG || fd == -ENOENT || fd == -ENOTDIR)
		return refuse(flow, "%s%s: is no file", payload_folder(flow), name);
	if (fd < 0)
		return fd;
	r = mxl_flow_is_discrete(flow) ? check_grain(flow, name, fd, size)
				       : check_channels(flow, name, size);
	return r < 0 ? r : mxl_take_fd(&fd);
}

/*
 * Payload files are opened, checked and handed to the backend a few at a time: a flow of many small
 * grains has more of them than a process may have open.
 */
#define PAYLOADS_AT_ONCE 32

static int add_payloads(struct mxl_flow *flow, int dir, uint32_t first, uint32_t count, int flags)
{
	int fds[PAYLOADS_AT_ONCE];
	uint32_t opened = 0;
	int r = 0;

	while (r == 0 && opened < count) {
		r = open_payload(flow, dir, first + opened, flags);
		if (r >= 0) {
			fds[opened++] = r;
			r = 0;
		}
	}
	if (r == 0)
		r = flow->backend->add_payloads(flow, first, fds, count);
	while (opened > 0)
		close(fds[--opened]);
	return r;
}

static int add_all_payloads(struct mxl_flow *flow, int flow_dir)
{
	MXL_CLEANUP(mxl_closep) int dir = mxl_flow_open_payload_dir(flow, flow_dir);
	int flags = fcntl(flow->data_fd, F_GETFL) & O_ACCMODE;
	uint32_t total = mxl_flow_payload_count(flow);
	int r = dir < 0 ? dir : 0;

	for (uint32_t first = 0; first < total && r == 0; first += PAYLOADS_AT_ONCE)
		r = add_payloads(flow, dir, first,
				 mxl_min(total - first, (uint32_t)PAYLOADS_AT_ONCE), flags);
	return r;
}

int mxl_flow_map(const char *domain, int dir, int data_fd, const uuid_t id,
		 const struct mxl_backend *backend, struct mxl_flow **ret)
{
	struct mxl_flow *flow = calloc(1, sizeof(*flow));
	struct mxl_flow_header header;
	int r;

	if (!flow)
		return -ENOMEM;
	uuid_copy(flow->id, id);
	mxl_flow_dir_name(id, flow->dir_name);
	atomic_init(&flow->writable, false);
	atomic_init(&flow->lost, false);
	flow->domain = domain;
	flow->backend = backend;
	flow->data_fd = data_fd;

	if ((r = read_header(flow, &header)) < 0 || (r = check_header(flow, &header)) < 0 ||
	    (r = backend->attach(flow)) < 0 || (r = add_all_payloads(flow, dir)) < 0) {
		/* The descriptor stays the caller's. */
		mxl_flow_close_keep_lock(flow);
		return r;
	}
	mxl_sigbus_guard(flow);
	*ret = flow;
	return 0;
}

int mxl_flow_open_dir(const struct mxl_flow *flow)
{
	char path[PATH_MAX];
	int length = snprintf(path, sizeof(path), "%s/%s", flow->domain, flow->dir_name);

	if (length < 0 || (size_t)length >= sizeof(path))
		return -ENAMETOOLONG;
	return mxl_file_open_dir(AT_FDCWD, path);
}

bool mxl_flow_is_current(const struct mxl_flow *flow)
{
	char path[PATH_MAX];
	int length = snprintf(path, sizeof(path), "%s/%s/" MXL_FLOW_DATA_FILE, flow->domain,
			      flow->dir_name);

	if (mxl_flow_check(flow) < 0 || length < 0 || (size_t)length >= sizeof(path))
		return false;
	return mxl_file_is_inode(AT_FDCWD, path, flow->inode);
}

/* Whether a header was lost is known once it was read. */
int mxl_flow_get_runtime(const struct mxl_flow *flow, mxlFlowRuntimeInfo *ret)
{
	mxlFlowRuntimeInfo info = {
		.headIndex = mxl_load_acquire(&flow->header->head_index),
		.lastWriteTime = mxl_load(&flow->header->last_write_time),
		.lastReadTime = mxl_load(&flow->header->last_read_time),
	};
	int r = mxl_flow_check(flow);

	if (r == 0)
		*ret = info;
	return r;
}

/* Only the configuration is copied as bytes: nobody writes it once the flow is published. */
int mxl_flow_get_config(const struct mxl_flow *flow, mxlFlowConfigInfo *ret)
{
	mxlFlowConfigInfo config;
	int r;

	memcpy(&config, flow->header->id, sizeof(config));
	r = mxl_flow_check(flow);
	if (r == 0)
		*ret = config;
	return r;
}

int mxl_flow_get_info(const struct mxl_flow *flow, mxlFlowInfo *ret)
{
	mxlFlowInfo info = { .version = MXL_FLOW_VERSION, .size = MXL_FLOW_INFO_SIZE };
	int r = mxl_flow_get_config(flow, &info.config);

	if (r == 0)
		r = mxl_flow_get_runtime(flow, &info.runtime);
	if (r == 0)
		*ret = info;
	return r;
}

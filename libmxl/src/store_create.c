// SPDX-License-Identifier: Apache-2.0
/*
 * Creation of flows: a flow is built in a temporary folder and appears under its name in one rename,
 * complete, and with its writer.
 */
#include "store_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "util.h"

#define TMP_NAME MXL_TMP_PREFIX "XXXXXXXXXXXXXXXX"

/* Nobody knows a flow before it is published; only a fork elsewhere can hold its files open. */
#define CREATOR_PATIENCE_NS (1000 * MXL_NSEC_PER_MSEC)

/* A full file system is found out before it is filled, and others on it starved. */
static int check_space(int dir, const struct mxl_geometry *geometry)
{
	struct statvfs fs;
	mxl_u128 need;

	if (geometry->grain_count > 0)
		need = (mxl_u128)geometry->grain_count *
		       (MXL_GRAIN_PAYLOAD_OFFSET + (mxl_u128)geometry->grain_size);
	else
		need = (mxl_u128)geometry->channel_count * geometry->buffer_length *
		       geometry->word_size;

	if (need > INT64_MAX)
		return -ENOSPC;
	if (fstatvfs(dir, &fs) < 0)
		return -errno;
	/* A tmpfs without a limit reports no blocks at all. */
	if (fs.f_blocks > 0 && need > (mxl_u128)fs.f_bavail * fs.f_frsize)
		return -ENOSPC;
	return 0;
}

static void fill_header(struct mxl_flow_header *header, const struct mxl_flow_def *def,
			const struct mxl_geometry *geometry,
			const struct mxl_writer_options *options, ino_t inode)
{
	uint32_t batch = mxl_geometry_default_batch(geometry);
	uint64_t now = mxl_clock_ns(CLOCK_TAI);

	header->version = MXL_FLOW_VERSION;
	header->size = MXL_FLOW_INFO_SIZE;
	uuid_copy(header->id, def->id);
	header->format = geometry->format;
	header->rate = geometry->rate;
	header->max_commit_batch = options->max_commit_batch ? options->max_commit_batch : batch;
	header->max_sync_batch = options->max_sync_batch ? options->max_sync_batch : batch;
	header->device_index = -1;
	if (geometry->grain_count > 0) {
		memcpy(header->discrete.slice_sizes, geometry->slice_sizes,
		       sizeof(geometry->slice_sizes));
		header->discrete.grain_count = geometry->grain_count;
	} else {
		header->continuous.channel_count = geometry->channel_count;
		header->continuous.buffer_length = geometry->buffer_length;
	}
	header->last_write_time = now;
	header->last_read_time = now;
	header->inode = inode;
}

/* Creates `data` with its lock held. Return: its descriptor. */
static int create_data(int dir, const struct mxl_flow_def *def, const struct mxl_geometry *geometry,
		       const struct mxl_writer_options *options)
{
	MXL_CLEANUP(mxl_closep)
	int fd = mxl_file_create(dir, MXL_FLOW_DATA_FILE, 0664, MXL_FLOW_HEADER_SIZE);
	struct mxl_flow_header header = { 0 };
	struct stat st;

	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0 || fstat(fd, &st) < 0)
		return -errno;
	fill_header(&header, def, geometry, options, st.st_ino);
	if (pwrite(fd, &header, sizeof(header), 0) != sizeof(header))
		return errno ? -errno : -EIO;
	return mxl_take_fd(&fd);
}

static int create_grain(int dir, uint32_t slot, const struct mxl_geometry *geometry)
{
	struct mxl_grain_header header = {
		.version = MXL_GRAIN_VERSION,
		.size = MXL_GRAIN_HEADER_SIZE,
		.grain_size = geometry->grain_size,
		.total_slices = geometry->total_slices,
	};
	MXL_CLEANUP(mxl_closep) int fd = -1;
	char name[MXL_FLOW_PAYLOAD_NAME_SIZE];

	snprintf(name, sizeof(name), MXL_FLOW_GRAINS_DIR "/" MXL_FLOW_GRAIN_FILE_FORMAT, slot);
	fd = mxl_file_create(dir, name, 0664,
			     MXL_GRAIN_PAYLOAD_OFFSET + (off_t)geometry->grain_size);
	if (fd < 0)
		return fd;
	if (pwrite(fd, &header, sizeof(header), 0) != sizeof(header))
		return errno ? -errno : -EIO;
	return 0;
}

static int create_grains(int dir, const struct mxl_geometry *geometry)
{
	int r = mxl_file_write_new(dir, MXL_FLOW_ACCESS_FILE, 0666, "", 0);

	if (r < 0)
		return r;
	if (mkdirat(dir, MXL_FLOW_GRAINS_DIR, 0777) < 0)
		return -errno;
	for (uint32_t slot = 0; slot < geometry->grain_count && r == 0; slot++)
		r = create_grain(dir, slot, geometry);
	return r;
}

static int create_channels(int dir, const struct mxl_geometry *geometry)
{
	MXL_CLEANUP(mxl_closep)
	int fd = mxl_file_create(dir, MXL_FLOW_CHANNELS_FILE, 0664,
				 (off_t)mxl_geometry_channels_size(geometry));

	return fd < 0 ? fd : 0;
}

/*
 * Fills a temporary folder with a whole flow.
 * Return: the descriptor of its `data`, locked, or -errno.
 */
static int build_flow(int dir, const char *def_text, const struct mxl_flow_def *def,
		      const struct mxl_geometry *geometry, const struct mxl_writer_options *options)
{
	MXL_CLEANUP(mxl_closep) int data = -1;
	int r;

	/* Tells collectors that the creator of this folder is alive; goes with the descriptor. */
	if (flock(dir, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	r = check_space(dir, geometry);
	if (r < 0)
		return r;
	data = create_data(dir, def, geometry, options);
	if (data < 0)
		return data;
	r = mxl_file_write_new(dir, MXL_FLOW_DEF_FILE, 0666, def_text, strlen(def_text));
	if (r == 0)
		r = geometry->grain_count > 0 ? create_grains(dir, geometry)
					      : create_channels(dir, geometry);
	if (r == 0 && fchmod(dir, 0755) < 0)
		r = -errno;
	return r < 0 ? r : mxl_take_fd(&data);
}

/* mkdtemp() for a folder that is used through descriptors. Return: the descriptor of the folder. */
static int make_tmp_dir(const struct mxl_store *store, int domain, char name[sizeof(TMP_NAME)])
{
	char path[PATH_MAX];
	int r = snprintf(path, sizeof(path), "%s/" TMP_NAME, store->domain);

	if (r < 0 || (size_t)r >= sizeof(path))
		return -ENAMETOOLONG;
	if (!mkdtemp(path))
		return -errno;
	memcpy(name, path + r - (sizeof(TMP_NAME) - 1), sizeof(TMP_NAME));
	r = mxl_file_open_dir(domain, name);
	if (r < 0)
		unlinkat(domain, name, AT_REMOVEDIR);
	return r;
}

/* Gives a complete folder its name unless somebody has it: -EEXIST then. */
static int publish(int domain, const char *tmp_name, const char *name)
{
	int r = mxl_store_rename(domain, tmp_name, name);

	if (r != -EINVAL && r != -ENOSYS)
		return r;
	/* A file system without that flag: rename() replaces an empty folder, and no flow is empty. */
	if (renameat(domain, tmp_name, domain, name) == 0)
		return 0;
	return errno == ENOTEMPTY ? -EEXIST : -errno;
}

/*
 * Replaces the descriptor that created `data` by one for a backend that maps it otherwise, with a
 * lock of its own before the first is given up.
 */
static int reopen_data(int dir, int *data, int flags)
{
	MXL_CLEANUP(mxl_closep) int fd = mxl_store_open_data(dir, flags);

	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return -errno;
	mxl_closep(data);
	*data = mxl_take_fd(&fd);
	return 0;
}

/* Maps a flow that was just built, as its writer. */
static int map_new_flow(const struct mxl_store *store, const struct mxl_backend *backend, int dir,
			int *data, const uuid_t id, struct mxl_flow **ret)
{
	MXL_CLEANUP(mxl_flow_closep) struct mxl_flow *flow = NULL;
	int r = reopen_data(dir, data, backend->open_flags);

	if (r < 0)
		return r;
	r = mxl_flow_map(store->domain, dir, *data, id, backend, &flow);
	if (r < 0)
		return r;
	mxl_take_fd(data);
	r = backend->lock(flow, mxl_deadline_in(CREATOR_PATIENCE_NS));
	if (r < 0)
		return r;
	*ret = mxl_take_ptr(flow);
	return 0;
}

int mxl_store_create(const struct mxl_store *store, const struct mxl_backend *backend,
		     const char *def_text, const struct mxl_flow_def *def,
		     const struct mxl_geometry *geometry, const struct mxl_writer_options *options,
		     struct mxl_flow **ret)
{
	MXL_CLEANUP(mxl_closep) int domain = mxl_store_open_domain(store);
	MXL_CLEANUP(mxl_flow_closep) struct mxl_flow *flow = NULL;
	MXL_CLEANUP(mxl_closep) int dir = -1;
	MXL_CLEANUP(mxl_closep) int data = -1;
	char tmp_name[sizeof(TMP_NAME)];
	char name[MXL_FLOW_DIR_SIZE];
	int r;

	if (domain < 0)
		return domain;
	dir = make_tmp_dir(store, domain, tmp_name);
	if (dir < 0)
		return dir;

	mxl_flow_dir_name(def->id, name);
	r = data = build_flow(dir, def_text, def, geometry, options);
	while (r >= 0 && !flow) {
		r = map_new_flow(store, backend, dir, &data, def->id, &flow);
		if (mxl_backend_fall_back(&store->choice, r, &backend))
			r = 0;
	}
	if (r >= 0)
		r = publish(domain, tmp_name, name);
	if (r < 0) {
		mxl_file_remove_tree(domain, tmp_name);
		return r;
	}
	*ret = mxl_take_ptr(flow);
	return 0;
}

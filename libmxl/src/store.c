// SPDX-License-Identifier: Apache-2.0
#include "store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "futex.h"
#include "log.h"
#include "util.h"

#define TMP_PREFIX ".mxl-tmp-"
#define TMP_NAME TMP_PREFIX "XXXXXXXXXXXXXXXX"

/* How often create-or-open may lose against others that create and delete the same flow. */
#define OPEN_ATTEMPTS 1000

/* Others probe with LOCK_EX for a moment; who still has it after this is no prober. */
#define LOCK_PATIENCE_NS (2000 * MXL_NSEC_PER_MSEC)
#define LOCK_RETRY_NS (MXL_NSEC_PER_MSEC / 2)

/* On release the others' probes are waited out as well, but nobody is kept waiting for long. */
#define RELEASE_PATIENCE_NS (20 * MXL_NSEC_PER_MSEC)

/* Nobody knows a flow before it is published; only a fork elsewhere can hold its files open. */
#define CREATOR_PATIENCE_NS (1000 * MXL_NSEC_PER_MSEC)

/* A creator locks its folder right after making it; younger ones may be in between. */
#define TMP_GRACE_SEC 10

static int open_domain(const struct mxl_store *store)
{
	int fd = open(store->domain, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Opens the folder of a flow. */
static int open_flow_dir(const struct mxl_store *store, const uuid_t id)
{
	MXL_CLEANUP(mxl_closep) int domain = open_domain(store);
	char name[MXL_FLOW_DIR_SIZE];

	if (domain < 0)
		return domain;
	mxl_flow_dir_name(id, name);
	return mxl_file_open_dir(domain, name);
}

static int open_data(int dir, int flags)
{
	int fd = mxl_file_open(dir, MXL_FLOW_DATA_FILE, flags, NULL);

	if (fd == -EBADMSG)
		mxl_error("the flow's " MXL_FLOW_DATA_FILE " is no regular file");
	else if (fd == -ENOENT)
		mxl_warn("the flow has no file " MXL_FLOW_DATA_FILE);
	return fd;
}

/* flock() that waits at most @patience_ns: a holder may be hostile, or stopped. */
static int lock_within(int fd, int operation, uint64_t patience_ns)
{
	uint64_t deadline = mxl_deadline_in(patience_ns);

	while (flock(fd, operation | LOCK_NB) < 0) {
		struct timespec pause = { .tv_nsec = LOCK_RETRY_NS };

		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return -errno;
		if (mxl_clock_ns(CLOCK_MONOTONIC) >= deadline)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Whether an open `data` still is the one its flow's path leads to. */
static bool is_current(const struct mxl_store *store, const uuid_t id, int data_fd)
{
	char name[MXL_FLOW_DIR_SIZE];
	char path[PATH_MAX];
	struct stat st;
	int length;

	mxl_flow_dir_name(id, name);
	length = snprintf(path, sizeof(path), "%s/%s/" MXL_FLOW_DATA_FILE, store->domain, name);
	return length > 0 && (size_t)length < sizeof(path) && fstat(data_fd, &st) == 0 &&
	       mxl_file_is_inode(AT_FDCWD, path, st.st_ino);
}

/*
 * Locks `data` and makes sure that it still is the file of the flow: between opening and locking
 * somebody may have deleted it, or replaced the flow. -ESTALE then.
 */
static int lock_current(const struct mxl_store *store, const uuid_t id, int data_fd, int operation,
			uint64_t patience_ns)
{
	int r = lock_within(data_fd, operation, patience_ns);

	if (r < 0)
		return r;
	return is_current(store, id, data_fd) ? 0 : -ESTALE;
}

static int open_reader_once(const struct mxl_store *store, const struct mxl_backend *backend,
			    const uuid_t id, struct mxl_flow **ret)
{
	MXL_CLEANUP(mxl_closep) int dir = open_flow_dir(store, id);
	MXL_CLEANUP(mxl_closep) int data = -1;
	int r;

	if (dir < 0)
		return dir;
	data = open_data(dir, O_RDONLY);
	if (data < 0)
		return data;
	r = mxl_flow_map(store->domain, dir, data, id, backend, ret);
	if (r == 0)
		mxl_take_fd(&data);
	else if (r == -EBADMSG && !is_current(store, id, data))
		r = -ESTALE;
	return r;
}

int mxl_store_open_reader(const struct mxl_store *store, const uuid_t id, struct mxl_flow **ret)
{
	const struct mxl_backend *backend = store->choice.backend;
	int r = -ESTALE;

	/* Readers hold no lock: a flow may go away, or be replaced, while its files are opened. */
	for (int attempt = 0; attempt < OPEN_ATTEMPTS && r == -ESTALE; attempt++) {
		r = open_reader_once(store, backend, id, ret);
		if (r == -EOPNOTSUPP && backend != store->choice.fallback &&
		    store->choice.fallback) {
			backend = store->choice.fallback;
			r = -ESTALE;
		}
	}
	return r;
}

/* Opens `data` as a writer. A sealed one cannot be written by anyone else: stand by, reading. */
static int open_data_as_writer(int dir, const struct mxl_backend *backend)
{
	int fd = open_data(dir, backend->open_flags);

	return fd == -ETXTBSY ? open_data(dir, O_RDONLY) : fd;
}

/* Opens an existing flow for writing. -ESTALE if it went away meanwhile. */
static int open_existing(const struct mxl_store *store, const struct mxl_backend *backend,
			 const uuid_t id, struct mxl_flow **ret)
{
	MXL_CLEANUP(mxl_closep) int dir = open_flow_dir(store, id);
	MXL_CLEANUP(mxl_closep) int data = -1;
	int r;

	if (dir < 0)
		return dir;
	data = open_data_as_writer(dir, backend);
	if (data == -ENOENT) {
		/* Being deleted; a folder that stays without `data` is no flow. */
		return -ESTALE;
	}
	if (data < 0)
		return data;

	r = lock_current(store, id, data, LOCK_SH, LOCK_PATIENCE_NS);
	if (r == -EBUSY)
		mxl_error("somebody keeps the file `data` of the flow locked exclusively");
	if (r < 0)
		return r;
	r = mxl_flow_map(store->domain, dir, data, id, backend, ret);
	if (r == 0)
		mxl_take_fd(&data);
	/* Sealed between two files: what was opened first does not fit any more. */
	return r == -ETXTBSY ? -ESTALE : r;
}

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

/* rename() that never replaces anything: -EEXIST if @to is there. */
static int rename_to_free(int domain, const char *from, const char *to)
{
	return renameat2(domain, from, domain, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

/* Gives a complete folder its name unless somebody has it: -EEXIST then. */
static int publish(int domain, const char *tmp_name, const char *name)
{
	int r = rename_to_free(domain, tmp_name, name);

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
	MXL_CLEANUP(mxl_closep) int fd = open_data(dir, flags);

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

static int create_flow(const struct mxl_store *store, const struct mxl_backend *backend,
		       const char *def_text, const struct mxl_flow_def *def,
		       const struct mxl_geometry *geometry,
		       const struct mxl_writer_options *options, struct mxl_flow **ret)
{
	MXL_CLEANUP(mxl_closep) int domain = open_domain(store);
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
	if (r >= 0)
		r = map_new_flow(store, backend, dir, &data, def->id, &flow);
	if (r == -EOPNOTSUPP && store->choice.fallback)
		r = map_new_flow(store, store->choice.fallback, dir, &data, def->id, &flow);
	if (r >= 0)
		r = publish(domain, tmp_name, name);
	if (r < 0) {
		mxl_file_remove_tree(domain, tmp_name);
		return r;
	}
	*ret = mxl_take_ptr(flow);
	return 0;
}

static int check_geometry(const struct mxl_flow *flow, const struct mxl_geometry *wanted)
{
	if (mxl_geometry_equal(&flow->geometry, wanted))
		return 0;
	mxl_error("%s exists with another format, rate or size than this definition asks for",
		  flow->dir_name);
	return -EBUSY;
}

int mxl_store_open_writer(const struct mxl_store *store, const char *def_text,
			  const struct mxl_flow_def *def, const struct mxl_writer_options *options,
			  struct mxl_flow **ret, bool *ret_created)
{
	const struct mxl_backend *backend = store->choice.backend;
	char name[MXL_FLOW_DIR_SIZE];
	struct mxl_geometry geometry;
	int r = mxl_geometry_from_def(def, store->history_ns, &geometry);

	if (r < 0)
		return r;
	for (int attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
		MXL_CLEANUP(mxl_flow_closep) struct mxl_flow *flow = NULL;
		bool created = false;

		r = open_existing(store, backend, def->id, &flow);
		if (r == -ENOENT) {
			r = create_flow(store, backend, def_text, def, &geometry, options, &flow);
			created = true;
		} else if (r == 0) {
			r = check_geometry(flow, &geometry);
		}
		if (r == -EOPNOTSUPP && store->choice.fallback &&
		    backend != store->choice.fallback) {
			backend = store->choice.fallback;
			continue;
		}
		/* Somebody else created it first, or deleted it in between: look again. */
		if (r == -EEXIST || r == -ESTALE)
			continue;
		if (r < 0)
			break;
		*ret = mxl_take_ptr(flow);
		*ret_created = created;
		return 0;
	}
	mxl_flow_dir_name(def->id, name);
	mxl_error("%s: cannot be written: %s", name,
		  r == -ESTALE ? "it has no file `data`" : strerror(-r));
	return r == -ESTALE ? -EBADMSG : r;
}

/*
 * Tells the readers of a deleted flow that waiting is in vain: those of this library find the inode
 * gone from the header, those of the C++ SDK the path gone, once they are awake. Written and not
 * stored, because somebody may have truncated the file; the futex call looks the page up itself.
 */
static void announce_deletion(int data_fd)
{
	const struct mxl_flow_header *header;
	uint64_t no_inode = 0;
	uint32_t counter;
	void *mapping;

	if (pread(data_fd, &counter, sizeof(counter),
		  offsetof(struct mxl_flow_header, sync_counter)) != sizeof(counter) ||
	    pwrite(data_fd, &no_inode, sizeof(no_inode), offsetof(struct mxl_flow_header, inode)) !=
		    sizeof(no_inode))
		return;
	counter++;
	if (pwrite(data_fd, &counter, sizeof(counter),
		   offsetof(struct mxl_flow_header, sync_counter)) != sizeof(counter))
		return;
	mapping = mmap(NULL, MXL_FLOW_HEADER_SIZE, PROT_READ, MAP_SHARED, data_fd, 0);
	if (mapping == MAP_FAILED)
		return;
	header = mapping;
	mxl_futex_wake(&header->sync_counter, MXL_WAKE_ANY);
	munmap(mapping, MXL_FLOW_HEADER_SIZE);
}

/*
 * Deletes the folder @name, which the caller knows to have no writer: it holds LOCK_EX on its
 * `data`. It is moved out of the namespace first, so that nobody sees half a flow.
 */
static int delete_flow(int domain, const char *name, ino_t data_inode)
{
	char tmp_name[sizeof(TMP_PREFIX) + MXL_UUID_TEXT_SIZE];
	char data_path[sizeof(tmp_name) + sizeof(MXL_FLOW_DATA_FILE)];
	int r;

	snprintf(tmp_name, sizeof(tmp_name), TMP_PREFIX "%.*s", MXL_UUID_TEXT_SIZE - 1, name);
	snprintf(data_path, sizeof(data_path), "%s/" MXL_FLOW_DATA_FILE, tmp_name);

	r = rename_to_free(domain, name, tmp_name);
	if (r == -EEXIST) {
		/* Left by a deleter that died half-way, or has not quite finished. */
		mxl_file_remove_tree(domain, tmp_name);
		r = rename_to_free(domain, name, tmp_name);
	}
	if (r == -EINVAL || r == -ENOSYS)
		return mxl_file_remove_tree(domain, name);
	if (r < 0)
		return r;
	if (!mxl_file_is_inode(domain, data_path, data_inode)) {
		/* Another flow took the path over: give it its name back. */
		rename_to_free(domain, tmp_name, name);
		return -ESTALE;
	}
	return mxl_file_remove_tree(domain, tmp_name);
}

void mxl_store_release_writer(const struct mxl_store *store, struct mxl_flow *flow)
{
	MXL_CLEANUP(mxl_closep) int domain = open_domain(store);
	MXL_CLEANUP(mxl_closep) int dir = mxl_flow_open_dir(flow);
	MXL_CLEANUP(mxl_closep) int data = -1;
	MXL_CLEANUP(mxl_closep) int last_words = -1;
	char name[MXL_FLOW_DIR_SIZE];
	ino_t inode = flow->inode;
	uuid_t id;
	int r;

	uuid_copy(id, flow->id);
	mxl_flow_dir_name(id, name);
	data = mxl_flow_close_keep_lock(flow);
	if (domain < 0 || dir < 0)
		return;
	if (lock_current(store, id, data, LOCK_EX, RELEASE_PATIENCE_NS) < 0)
		return;
	last_words = mxl_file_open(dir, MXL_FLOW_DATA_FILE, O_RDWR, NULL);
	r = delete_flow(domain, name, inode);
	if (r == 0)
		announce_deletion(last_words);
	else if (r != -ESTALE)
		mxl_warn("%s: cannot be deleted: %s", name, strerror(-r));
}

int mxl_store_is_active(const struct mxl_store *store, const uuid_t id, bool *ret)
{
	MXL_CLEANUP(mxl_closep) int dir = open_flow_dir(store, id);
	MXL_CLEANUP(mxl_closep) int data = -1;

	if (dir < 0)
		return dir;
	data = open_data(dir, O_RDONLY);
	if (data < 0)
		return data;
	if (flock(data, LOCK_EX | LOCK_NB) == 0)
		*ret = false;
	else if (errno == EWOULDBLOCK)
		*ret = true;
	else
		return -errno;
	return 0;
}

int mxl_store_read_def(const struct mxl_store *store, const uuid_t id, char **ret, size_t *ret_size)
{
	MXL_CLEANUP(mxl_closep) int dir = open_flow_dir(store, id);
	int r;

	if (dir < 0)
		return dir;
	/* Other implementations may accept longer definitions; any that is a file can be had. */
	r = mxl_file_read_text(dir, MXL_FLOW_DEF_FILE, INT32_MAX, ret, ret_size);
	if (r < 0)
		mxl_error(MXL_FLOW_DEF_FILE ": cannot be read: %s", strerror(-r));
	return r;
}

static bool is_flow_dir_name(const char *name, uuid_t ret)
{
	char canonical[MXL_FLOW_DIR_SIZE];
	char text[MXL_UUID_TEXT_SIZE];

	if (strlen(name) != MXL_FLOW_DIR_SIZE - 1)
		return false;
	memcpy(text, name, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	if (mxl_uuid_parse(text, ret) < 0)
		return false;
	mxl_flow_dir_name(ret, canonical);
	return strcmp(name, canonical) == 0;
}

static void collect_flow(const struct mxl_store *store, int domain, const uuid_t id,
			 const char *name)
{
	MXL_CLEANUP(mxl_closep) int dir = mxl_file_open_dir(domain, name);
	MXL_CLEANUP(mxl_closep) int data = -1;
	struct stat st;
	int r;

	if (dir < 0)
		return;
	/* For writing if possible: its readers are to be told. The lock needs reading only. */
	data = mxl_file_open(dir, MXL_FLOW_DATA_FILE, O_RDWR, NULL);
	if (data < 0)
		data = mxl_file_open(dir, MXL_FLOW_DATA_FILE, O_RDONLY, NULL);
	if (data < 0 || fstat(data, &st) < 0)
		return;
	if (lock_current(store, id, data, LOCK_EX, 0) < 0)
		return;
	r = delete_flow(domain, name, st.st_ino);
	if (r == 0) {
		mxl_debug("%s: had no writer, deleted", name);
		announce_deletion(data);
	} else if (r != -ESTALE) {
		mxl_warn("%s: cannot be deleted: %s", name, strerror(-r));
	}
}

/*
 * A temporary folder is dead when nobody holds the lock of its creator, nor, for those of the C++
 * SDK, which has none, the lock on `data`; and when it is not just being made.
 */
static bool is_dead_tmp_dir(int domain, const char *name)
{
	MXL_CLEANUP(mxl_closep) int dir = mxl_file_open_dir(domain, name);
	MXL_CLEANUP(mxl_closep) int data = -1;
	struct stat st;

	if (dir < 0 || fstat(dir, &st) < 0)
		return false;
	if (time(NULL) - st.st_mtime < TMP_GRACE_SEC)
		return false;
	if (flock(dir, LOCK_EX | LOCK_NB) < 0)
		return false;
	data = mxl_file_open(dir, MXL_FLOW_DATA_FILE, O_RDONLY, NULL);
	return data < 0 || flock(data, LOCK_EX | LOCK_NB) == 0;
}

static void collect_tmp_dir(int domain, const char *name)
{
	int r;

	if (!is_dead_tmp_dir(domain, name))
		return;
	r = mxl_file_remove_tree(domain, name);
	if (r < 0)
		mxl_warn("%s: cannot be deleted: %s", name, strerror(-r));
}

int mxl_store_collect(const struct mxl_store *store)
{
	int domain = open_domain(store);
	struct dirent *entry;
	DIR *stream;
	int r;

	if (domain < 0)
		return domain;
	stream = fdopendir(domain);
	if (!stream) {
		r = -errno;
		close(domain);
		return r;
	}
	while ((entry = readdir(stream))) {
		uuid_t id;

		if (is_flow_dir_name(entry->d_name, id))
			collect_flow(store, dirfd(stream), id, entry->d_name);
		else if (strncmp(entry->d_name, TMP_PREFIX, strlen(TMP_PREFIX)) == 0)
			collect_tmp_dir(dirfd(stream), entry->d_name);
	}
	closedir(stream);
	return 0;
}

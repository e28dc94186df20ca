// SPDX-License-Identifier: Apache-2.0
#include "store_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "clock.h"
#include "file.h"
#include "log.h"
#include "util.h"

/* How often create-or-open may lose against others that create and delete the same flow. */
#define OPEN_ATTEMPTS 1000

/* Others probe with LOCK_EX for a moment; who still has it after this is no prober. */
#define LOCK_PATIENCE_NS (2000 * MXL_NSEC_PER_MSEC)
#define LOCK_RETRY_NS (MXL_NSEC_PER_MSEC / 2)

int mxl_store_open_domain(const struct mxl_store *store)
{
	int fd = open(store->domain, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int mxl_store_open_flow_dir(const struct mxl_store *store, const uuid_t id)
{
	MXL_CLEANUP(mxl_closep) int domain = mxl_store_open_domain(store);
	char name[MXL_FLOW_DIR_SIZE];

	if (domain < 0)
		return domain;
	mxl_flow_dir_name(id, name);
	return mxl_file_open_dir(domain, name);
}

int mxl_store_open_data(int dir, int flags)
{
	int fd = mxl_file_open(dir, MXL_FLOW_DATA_FILE, flags, NULL);

	if (fd == -EBADMSG)
		mxl_error("the flow's " MXL_FLOW_DATA_FILE " is no regular file");
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

bool mxl_store_is_current(const struct mxl_store *store, const uuid_t id, int data_fd)
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

int mxl_store_lock_current(const struct mxl_store *store, const uuid_t id, int data_fd,
			   int operation, uint64_t patience_ns)
{
	int r = lock_within(data_fd, operation, patience_ns);

	if (r < 0)
		return r;
	return mxl_store_is_current(store, id, data_fd) ? 0 : -ESTALE;
}

int mxl_store_rename(int domain, const char *from, const char *to)
{
	return renameat2(domain, from, domain, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

static int open_reader_once(const struct mxl_store *store, const struct mxl_backend *backend,
			    const uuid_t id, struct mxl_flow **ret)
{
	MXL_CLEANUP(mxl_closep) int dir = mxl_store_open_flow_dir(store, id);
	MXL_CLEANUP(mxl_closep) int data = -1;
	int r;

	if (dir < 0)
		return dir;
	data = mxl_store_open_data(dir, O_RDONLY);
	if (data == -ENOENT)
		mxl_warn("the flow has no file " MXL_FLOW_DATA_FILE);
	if (data < 0)
		return data;
	r = mxl_flow_map(store->domain, dir, data, id, backend, ret);
	if (r == 0)
		mxl_take_fd(&data);
	else if (r == -EBADMSG && !mxl_store_is_current(store, id, data))
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
		if (mxl_backend_fall_back(&store->choice, r, &backend))
			r = -ESTALE;
	}
	return r;
}

/* Opens `data` as a writer. A sealed one cannot be written by anyone else: stand by, reading. */
static int open_data_as_writer(int dir, const struct mxl_backend *backend)
{
	int fd = mxl_store_open_data(dir, backend->open_flags);

	return fd == -ETXTBSY ? mxl_store_open_data(dir, O_RDONLY) : fd;
}

/* Opens an existing flow for writing. -ESTALE if it went away meanwhile. */
static int open_existing(const struct mxl_store *store, const struct mxl_backend *backend,
			 const uuid_t id, struct mxl_flow **ret)
{
	MXL_CLEANUP(mxl_closep) int dir = mxl_store_open_flow_dir(store, id);
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

	r = mxl_store_lock_current(store, id, data, LOCK_SH, LOCK_PATIENCE_NS);
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
			r = mxl_store_create(store, backend, def_text, def, &geometry, options,
					     &flow);
			created = true;
		} else if (r == 0) {
			r = check_geometry(flow, &geometry);
		}
		if (mxl_backend_fall_back(&store->choice, r, &backend))
			continue;
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
		  r == -ESTALE ? "it has no file `data`; garbage collection removes it"
			       : strerror(-r));
	return r == -ESTALE ? -EBADMSG : r;
}

int mxl_store_is_active(const struct mxl_store *store, const uuid_t id, bool *ret)
{
	MXL_CLEANUP(mxl_closep) int dir = mxl_store_open_flow_dir(store, id);
	MXL_CLEANUP(mxl_closep) int data = -1;

	if (dir < 0)
		return dir;
	data = mxl_store_open_data(dir, O_RDONLY);
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
	MXL_CLEANUP(mxl_closep) int dir = mxl_store_open_flow_dir(store, id);
	int r;

	if (dir < 0)
		return dir;
	/* Other implementations may accept longer definitions; any that is a file can be had. */
	r = mxl_file_read_text(dir, MXL_FLOW_DEF_FILE, INT32_MAX, ret, ret_size);
	if (r < 0)
		mxl_error(MXL_FLOW_DEF_FILE ": cannot be read: %s", strerror(-r));
	return r;
}

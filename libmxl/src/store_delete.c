// SPDX-License-Identifier: Apache-2.0
/*
 * Deletion of flows, by their last writer or, when that died, by garbage collection.
 */
#include "store_list.h"
#include "store_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "futex.h"
#include "log.h"
#include "util.h"

/* On release the others' probes are waited out, but nobody is kept waiting for long. */
#define RELEASE_PATIENCE_NS (20 * MXL_NSEC_PER_MSEC)

/* A creator locks its folder right after making it; younger ones may be in between. */
#define TMP_GRACE_SEC 10

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

/* Of the file `data` in a folder: whether it is there, and whether it is the one with this inode. */
static int check_data(int domain, const char *folder, ino_t inode)
{
	char path[NAME_MAX + sizeof(MXL_FLOW_DATA_FILE)];
	struct stat st;

	snprintf(path, sizeof(path), "%s/" MXL_FLOW_DATA_FILE, folder);
	if (fstatat(domain, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return st.st_ino == inode ? 0 : -ESTALE;
}

/*
 * Deletes the folder @name, which the caller knows to have no writer: it holds LOCK_EX on its
 * `data`, or there is none. It is moved out of the namespace first, so that nobody sees half a
 * flow. The temporary name is that of the one incarnation, by the inode of @mark, which the folder
 * contains or is: the deleter of the next one must not get into this one's way.
 */
static int delete_flow(int domain, const char *name, ino_t mark)
{
	char tmp_name[sizeof(MXL_TMP_PREFIX) + 16];
	int r;

	snprintf(tmp_name, sizeof(tmp_name), MXL_TMP_PREFIX "%016llx", (unsigned long long)mark);
	r = mxl_store_rename(domain, name, tmp_name);
	if (r == -EINVAL || r == -ENOSYS)
		return mxl_file_remove_tree(domain, name);
	if (r < 0)
		return r;
	if (check_data(domain, tmp_name, mark) == -ESTALE) {
		/* Another flow took the path over: give it its name back. */
		r = mxl_store_rename(domain, tmp_name, name);
		if (r < 0)
			mxl_warn("%s: replaced twice at once, one is lost: %s", name, strerror(-r));
		return -ESTALE;
	}
	return mxl_file_remove_tree(domain, tmp_name);
}

void mxl_store_release_writer(const struct mxl_store *store, struct mxl_flow *flow)
{
	MXL_CLEANUP(mxl_closep) int domain = mxl_store_open_domain(store);
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
	if (mxl_store_lock_current(store, id, data, LOCK_EX, RELEASE_PATIENCE_NS) < 0)
		return;
	last_words = mxl_file_open(dir, MXL_FLOW_DATA_FILE, O_RDWR, NULL);
	r = delete_flow(domain, name, inode);
	if (r == 0)
		announce_deletion(last_words);
	else if (r != -ESTALE)
		mxl_warn("%s: cannot be deleted: %s", name, strerror(-r));
}

/* What a program left that died, or was stopped, while it deleted a flow in place. */
static void collect_remains(int domain, int dir, const char *name)
{
	struct stat st;

	if (fstat(dir, &st) < 0 || time(NULL) - st.st_mtime < TMP_GRACE_SEC)
		return;
	if (delete_flow(domain, name, st.st_ino) == 0)
		mxl_debug("%s: had no file `data`, deleted", name);
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
	if (data == -ENOENT)
		collect_remains(domain, dir, name);
	if (data < 0 || fstat(data, &st) < 0)
		return;
	if (mxl_store_lock_current(store, id, data, LOCK_EX, 0) < 0)
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
	int domain = mxl_store_open_domain(store);
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

		if (mxl_store_parse_dir_name(entry->d_name, id) == 0)
			collect_flow(store, dirfd(stream), id, entry->d_name);
		else if (strncmp(entry->d_name, MXL_TMP_PREFIX, strlen(MXL_TMP_PREFIX)) == 0)
			collect_tmp_dir(dirfd(stream), entry->d_name);
	}
	closedir(stream);
	return 0;
}

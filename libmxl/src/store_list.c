// SPDX-License-Identifier: Apache-2.0
#include "store_list.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "store_private.h"
#include "util.h"

int mxl_store_parse_dir_name(const char *name, uuid_t ret)
{
	char canonical[MXL_FLOW_DIR_SIZE];
	char text[MXL_UUID_TEXT_SIZE];
	uuid_t id;

	if (strlen(name) != MXL_FLOW_DIR_SIZE - 1)
		return -EINVAL;
	memcpy(text, name, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	if (mxl_uuid_parse(text, id) < 0)
		return -EINVAL;
	mxl_flow_dir_name(id, canonical);
	if (strcmp(name, canonical) != 0)
		return -EINVAL;
	uuid_copy(ret, id);
	return 0;
}

int mxl_store_flow_path(const struct mxl_store *store, const uuid_t id, char ret[PATH_MAX])
{
	char name[MXL_FLOW_DIR_SIZE];
	int length;

	mxl_flow_dir_name(id, name);
	length = snprintf(ret, PATH_MAX, "%s/%s", store->domain, name);
	return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int mxl_store_find(const struct mxl_store *store, const uuid_t id, ino_t *ret)
{
	char path[PATH_MAX + sizeof("/" MXL_FLOW_DATA_FILE)];
	struct stat st;
	int r = mxl_store_flow_path(store, id, path);

	if (r < 0)
		return r;
	strcat(path, "/" MXL_FLOW_DATA_FILE);
	if (lstat(path, &st) < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	*ret = st.st_ino;
	return 0;
}

int mxl_store_open_flow_data(const struct mxl_store *store, const uuid_t id)
{
	MXL_CLEANUP(mxl_closep) int dir = mxl_store_open_flow_dir(store, id);

	return dir < 0 ? dir : mxl_file_open(dir, MXL_FLOW_DATA_FILE, O_RDONLY, NULL);
}

/* Appends to a list that doubles as it grows. */
static int append(uuid_t **list, size_t *count, const uuid_t id)
{
	/* A power of two is full, as is none. */
	if ((*count & (*count - 1)) == 0) {
		size_t room = *count ? 2 * *count : 1;
		uuid_t *grown = realloc(*list, room * sizeof(**list));

		if (!grown)
			return -ENOMEM;
		*list = grown;
	}
	uuid_copy((*list)[(*count)++], id);
	return 0;
}

static void closedirp(DIR **stream)
{
	if (*stream)
		closedir(*stream);
}

int mxl_store_list(const struct mxl_store *store, uuid_t **ret, size_t *ret_count)
{
	MXL_CLEANUP(closedirp) DIR *stream = opendir(store->domain);
	MXL_CLEANUP(mxl_freep) uuid_t *list = NULL;
	const struct dirent *entry;
	size_t count = 0;

	if (!stream)
		return -errno;
	while ((entry = readdir(stream))) {
		uuid_t id;
		ino_t inode;
		int r;

		/* A folder without `data` is no flow, or not yet. */
		if (mxl_store_parse_dir_name(entry->d_name, id) < 0 ||
		    mxl_store_find(store, id, &inode) < 0)
			continue;
		r = append(&list, &count, id);
		if (r < 0)
			return r;
	}
	*ret = mxl_take_ptr(list);
	*ret_count = count;
	return 0;
}

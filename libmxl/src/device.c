// SPDX-License-Identifier: Apache-2.0
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include "util.h"

/* No call of this device returns a positive number; one that does is another device. */
static int call(int fd, unsigned long request, void *argument)
{
	int r = ioctl(fd, request, argument);

	if (r < 0)
		return -errno;
	return r > 0 ? -EPROTO : 0;
}

/* For calls that write the remaining time back: made again they end when the first would have. */
static int call_again(int fd, unsigned long request, void *argument)
{
	int r;

	do {
		r = call(fd, request, argument);
	} while (r == -EINTR);
	return r;
}

static int get_info(int fd, struct mxl_info *info)
{
	int r = call(fd, MXL_IOC_INFO, info);

	if (r == -ENOTTY || r == -EINVAL)
		return -EPROTO;
	if (r == 0 && info->version < MXL_UAPI_VERSION)
		return -EPROTO;
	return r;
}

int mxl_device_open(void)
{
	int fd = open(MXL_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int mxl_device_probe(uint64_t *ret_history_ns)
{
	struct mxl_info info = { .size = sizeof(info) };
	MXL_CLEANUP(mxl_closep) int fd = mxl_device_open();
	int r;

	if (fd < 0)
		return fd;
	r = get_info(fd, &info);
	if (r == 0)
		*ret_history_ns = info.default_history_ns;
	return r;
}

int mxl_device_attach(int fd, int data_fd, uint32_t first, const int *payload_fds, uint32_t count,
		      uint32_t *ret_missing)
{
	struct mxl_attach attach = {
		.size = sizeof(attach),
		.data_fd = data_fd,
		.first = first,
		.payload_fds = (uintptr_t)payload_fds,
		.nr_payload_fds = count,
	};
	int r = call(fd, MXL_IOC_ATTACH, &attach);

	if (r == 0)
		*ret_missing = attach.missing;
	return r;
}

int mxl_device_lock(int fd, uint64_t timeout_ns)
{
	struct mxl_lock lock = { .size = sizeof(lock), .timeout_ns = timeout_ns };

	return call_again(fd, MXL_IOC_LOCK, &lock);
}

int mxl_device_unlock(int fd)
{
	struct mxl_unlock unlock = { .size = sizeof(unlock) };

	return call(fd, MXL_IOC_UNLOCK, &unlock);
}

int mxl_device_wait(int fd, const struct mxl_condition *condition, uint64_t timeout_ns)
{
	struct mxl_wait wait = {
		.size = sizeof(wait),
		.index = condition->index,
		.timeout_ns = timeout_ns,
		.generation = MXL_GENERATION_ANY,
		.slices = condition->slices,
	};

	return call_again(fd, MXL_IOC_WAIT, &wait);
}

int mxl_device_wait_many(int fd, struct mxl_wait_item *items, uint32_t count, uint64_t timeout_ns)
{
	struct mxl_wait_many wait = {
		.size = sizeof(wait),
		.items = (uintptr_t)items,
		.nr_items = count,
		.item_size = sizeof(*items),
		.timeout_ns = timeout_ns,
	};

	return call_again(fd, MXL_IOC_WAIT_MANY, &wait);
}

int mxl_device_commit(int fd, bool restart)
{
	struct mxl_commit commit = {
		.size = sizeof(commit),
		.flags = restart ? MXL_COMMIT_NEW_GENERATION : 0,
	};

	return call_again(fd, MXL_IOC_COMMIT, &commit);
}

int mxl_device_arm(int fd, uint32_t events, const struct mxl_condition *condition, uint64_t epoch)
{
	struct mxl_arm arm = {
		.size = sizeof(arm),
		.events = events,
		.index = condition ? condition->index : 0,
		.generation = MXL_GENERATION_ANY,
		.epoch = epoch,
		.slices = condition ? condition->slices : 0,
	};

	return call_again(fd, MXL_IOC_ARM, &arm);
}

int mxl_device_state(int fd, struct mxl_state *ret)
{
	struct mxl_state state = { .size = sizeof(state) };
	int r = call(fd, MXL_IOC_STATE, &state);

	if (r == 0)
		*ret = state;
	return r;
}

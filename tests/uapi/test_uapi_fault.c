// SPDX-License-Identifier: Apache-2.0
/*
 * Each allocation of each call fails in turn, and each copy from and to the caller. A call then
 * fails with ENOMEM and has changed nothing, or it does without; the same call without a failure
 * succeeds afterwards. With EFAULT it may be done: the last copy tells the caller what was.
 * What is left behind is for the kernel's detectors to find.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include "sysfs.h"

#define FAIL_NTH "/proc/thread-self/fail-nth"
#define MAX_FAULTS 2000

static struct flow flow;
static int payload_fds[MAX_PAYLOADS];
static int fail_nth = -1;

/* ---- injection --------------------------------------------------------------------------- */

/*
 * The kernel counts down in this file, and stops at 0 once it has let something fail. The copies
 * made to write and read the file are counted, too.
 */
static void inject(int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n), ret;

	do
		ret = (int)pwrite(fail_nth, text, (size_t)len, 0);
	while (ret == -1 && errno == EFAULT);
	check_eq(ret, len);
}

static int not_reached(void)
{
	char text[16] = "";

	if (pread(fail_nth, text, sizeof(text) - 1, 0) > 0)
		return atoi(text);
	/* the one that was next is this */
	check_eq(errno, EFAULT);
	return 1;
}

/**
 * struct step - something that is to fail
 * @name: for messages
 * @prepare: makes all that it needs; the descriptor to do it with
 * @act: does it; as a system call returns
 * @undo: takes back what it did
 */
struct step {
	const char *name;
	int (*prepare)(void);
	int (*act)(int fd);
	void (*undo)(int fd);
};

static bool state_of(int fd, struct mxl_state *s)
{
	*s = make_state();
	if (ioctl(fd, MXL_IOC_STATE, s))
		return false;
	s->flags &= ~MXL_STATE_OUTSIDERS;
	return true;
}

/* Nothing but what there was is there, and the same call works now */
static void after_failure(const struct step *s, int n, int fd, const struct mxl_state *before)
{
	struct mxl_state after;
	bool was = before->size != 0;

	if (fd >= 0 && was != state_of(fd, &after))
		fail("%s, %d: failed and attached", s->name, n);
	if (fd >= 0 && was && memcmp(before, &after, sizeof(after)))
		fail("%s, %d: failed and changed something", s->name, n);
	if (s->act(fd) == -1)
		fail("%s, %d: does not work after a failure: %m", s->name, n);
}

static void sweep(const struct step *s)
{
	int n, ret, err, left, refused_times = 0, survived = 0;
	struct mxl_state before;

	for (n = 1; n < MAX_FAULTS; n++) {
		int fd = s->prepare ? s->prepare() : -1;

		if (fd < 0 || !state_of(fd, &before))
			memset(&before, 0, sizeof(before));
		inject(n);
		ret = s->act(fd);
		err = errno;
		left = not_reached();
		inject(0);
		if (ret == -1 && left)
			fail("%s, %d: failed by itself: %s", s->name, n, strerror(err));
		if (ret == -1 && err != ENOMEM && err != EFAULT && err != ENFILE)
			fail("%s, %d: %s", s->name, n, strerror(err));
		if (ret == -1 && err != EFAULT) {
			after_failure(s, n, fd, &before);
			ret = 0;
			refused_times++;
		} else if (ret != -1 && !left) {
			survived++;
		}
		if (ret != -1 && s->undo)
			s->undo(fd);
		if (fd >= 0)
			must(close(fd));
		if (left)
			break;
	}
	check(n < MAX_FAULTS);
	printf("# %s: refused %d times, did without %d times\n", s->name, refused_times, survived);
}

/* ---- steps ------------------------------------------------------------------------------- */

static int opened;

static int act_open(int fd)
{
	(void)fd;
	opened = open("/dev/mxl", O_RDWR | O_CLOEXEC);
	return opened;
}

static void undo_open(int fd)
{
	(void)fd;
	must(close(opened));
}

static int data_fd = -1;

static int keeper = -1;

/* Each attachment wants an open file of its own */
static int prepare_fresh(void)
{
	if (data_fd >= 0)
		must(close(data_fd));
	if (keeper >= 0)
		must(close(keeper));
	keeper = -1;
	data_fd = must(flow_open(&flow, DATA, O_RDONLY));
	eventually(in_use("flows") == 0);
	return open_device();
}

static int prepare_joining(void)
{
	int fd = prepare_fresh();

	keeper = attach(&flow);
	return fd;
}

static int act_attach(int fd)
{
	struct mxl_attach arg = make_attach(data_fd, 0, payload_fds, flow.nr_payloads);

	return ioctl(fd, MXL_IOC_ATTACH, &arg);
}

static int act_attach_piece(int fd)
{
	struct mxl_attach arg = make_attach(data_fd, 1, payload_fds + 1, 3);

	return ioctl(fd, MXL_IOC_ATTACH, &arg);
}

static int prepare_last_piece(void)
{
	int fd = prepare_fresh();
	struct mxl_attach arg = make_attach(data_fd, 0, payload_fds, 1);

	must(act_attach_piece(fd));
	must(ioctl(fd, MXL_IOC_ATTACH, &arg));
	return fd;
}

static int act_last_piece(int fd)
{
	struct mxl_attach arg = make_attach(data_fd, 4, payload_fds + 4, 1);

	return ioctl(fd, MXL_IOC_ATTACH, &arg);
}

static int prepare_attached(void)
{
	return attach(&flow);
}

static int act_lock(int fd)
{
	return try_lock(fd, 0);
}

static int act_patient_lock(int fd)
{
	return try_lock(fd, LONG_NS);
}

static int prepare_locked(void)
{
	int fd = attach(&flow);

	lock(fd);
	return fd;
}

static int act_unlock(int fd)
{
	struct mxl_unlock arg = make_unlock();

	return ioctl(fd, MXL_IOC_UNLOCK, &arg);
}

static int act_commit(int fd)
{
	struct mxl_commit arg = make_commit(0);

	return ioctl(fd, MXL_IOC_COMMIT, &arg);
}

static int act_wait(int fd)
{
	return wait_index(fd, 10, 1, 100000) && errno == ETIMEDOUT ? 0 : -1;
}

static int act_wait_many(int fd)
{
	struct mxl_wait_item items[3] = { make_item(fd, 10, 1), make_item(fd, 11, 1),
					  make_item(fd, 12, 1) };
	struct mxl_wait_many arg = make_many(items, 3, 100000);

	return ioctl(fd, MXL_IOC_WAIT_MANY, &arg) && errno == ETIMEDOUT ? 0 : -1;
}

static int act_arm(int fd)
{
	struct mxl_arm arg = make_arm(MXL_EVENT_DATA | MXL_EVENT_GENERATION, 10, 1);

	return ioctl(fd, MXL_IOC_ARM, &arg);
}

static int act_state(int fd)
{
	struct mxl_state arg = make_state();

	return ioctl(fd, MXL_IOC_STATE, &arg);
}

static int act_info(int fd)
{
	struct mxl_info arg = make_info();

	return ioctl(fd, MXL_IOC_INFO, &arg);
}

static int act_epoll(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC), ret, err;

	if (ep < 0)
		return -1;
	ret = epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	err = errno;
	close(ep);
	errno = err;
	return ret;
}

static void *mapped;

static int map_at(int fd, uint64_t offset, int prot)
{
	mapped = map_region(fd, offset, 4096, prot);
	return mapped == MAP_FAILED ? -1 : 0;
}

static int act_map_control(int fd)
{
	return map_at(fd, MXL_OFFSET_CONTROL, PROT_READ);
}

static int act_map_activity(int fd)
{
	return map_at(fd, MXL_OFFSET_ACTIVITY, PROT_READ | PROT_WRITE);
}

static int act_map_data(int fd)
{
	return map_at(fd, MXL_OFFSET_DATA, PROT_READ);
}

static int act_map_payload(int fd)
{
	return map_at(fd, MXL_OFFSET_PAYLOAD(3), PROT_READ);
}

static int act_map_writable(int fd)
{
	return map_at(fd, MXL_OFFSET_PAYLOAD(3), PROT_READ | PROT_WRITE);
}

static void undo_map(int fd)
{
	(void)fd;
	must(munmap(mapped, 4096));
}

static char sysfs_path[192];

static int prepare_sysfs(void)
{
	char dir[128];

	flow_sysfs(&flow, dir);
	snprintf(sysfs_path, sizeof(sysfs_path), "%s/commits", dir);
	return attach(&flow);
}

static int act_sysfs(int fd)
{
	char text[64];

	(void)fd;
	return read_text(sysfs_path, text, sizeof(text)) ? 0 : -1;
}

/* clang-format off */
static const struct step steps[] = {
	{ "open", NULL, act_open, undo_open },
	{ "INFO", open_device, act_info, NULL },
	{ "ATTACH, adopting", prepare_fresh, act_attach, NULL },
	{ "ATTACH, joining", prepare_joining, act_attach, NULL },
	{ "ATTACH, a piece", prepare_fresh, act_attach_piece, NULL },
	{ "ATTACH, the last piece", prepare_last_piece, act_last_piece, NULL },
	{ "LOCK", prepare_attached, act_lock, NULL },
	{ "LOCK with a time-out", prepare_attached, act_patient_lock, NULL },
	{ "UNLOCK", prepare_locked, act_unlock, NULL },
	{ "COMMIT", prepare_locked, act_commit, NULL },
	{ "WAIT", prepare_locked, act_wait, NULL },
	{ "WAIT_MANY", prepare_locked, act_wait_many, NULL },
	{ "ARM", prepare_locked, act_arm, NULL },
	{ "STATE", prepare_attached, act_state, NULL },
	{ "epoll", prepare_attached, act_epoll, NULL },
	{ "mmap, control page", prepare_attached, act_map_control, undo_map },
	{ "mmap, activity page", prepare_attached, act_map_activity, undo_map },
	{ "mmap, data", prepare_attached, act_map_data, undo_map },
	{ "mmap, payload", prepare_attached, act_map_payload, undo_map },
	{ "mmap, writable", prepare_locked, act_map_writable, undo_map },
	{ "sysfs", prepare_sysfs, act_sysfs, NULL },
};
/* clang-format on */

static void sweep_step(const char *name)
{
	uint32_t i;
	size_t k;

	fail_nth = must(open(FAIL_NTH, O_RDWR | O_CLOEXEC));
	flow_make(&flow, "flow", &discrete);
	for (i = 0; i < flow.nr_payloads; i++)
		payload_fds[i] = must(flow_open(&flow, (int)i, O_RDONLY));
	for (k = 0; k < ARRAY_SIZE(steps); k++)
		if (!strncmp(steps[k].name, name, strlen(name)))
			sweep(&steps[k]);
	if (keeper >= 0)
		must(close(keeper));
	eventually(in_use("waiters") == 0);
	eventually(in_use("attachments") == 0);
	eventually(in_use("flows") == 0);
	eventually(in_use("pages") == 0);
}

static void opening(void)
{
	sweep_step("open");
}

static void info(void)
{
	sweep_step("INFO");
}

static void attaching(void)
{
	sweep_step("ATTACH");
}

static void locking(void)
{
	sweep_step("LOCK");
}

static void unlocking(void)
{
	sweep_step("UNLOCK");
}

static void committing(void)
{
	sweep_step("COMMIT");
}

static void waiting(void)
{
	sweep_step("WAIT");
}

static void arming(void)
{
	sweep_step("ARM");
}

static void polling(void)
{
	sweep_step("epoll");
}

static void looking(void)
{
	sweep_step("STATE");
}

static void mapping(void)
{
	sweep_step("mmap");
}

static void reading_sysfs(void)
{
	sweep_step("sysfs");
}

static const struct test tests[] = {
	TEST(opening),	 TEST(info),	   TEST(attaching), TEST(locking),
	TEST(unlocking), TEST(committing), TEST(waiting),   TEST(arming),
	TEST(polling),	 TEST(looking),	   TEST(mapping),   TEST(reading_sysfs),
};

int main(void)
{
	char spares_waiting[8];

	if (access(FAIL_NTH, F_OK)) {
		printf("1..0 # SKIP this kernel has no fault injection\n");
		return 0;
	}
	if (!read_text("/sys/kernel/debug/failslab/ignore-gfp-wait", spares_waiting,
		       sizeof(spares_waiting)) ||
	    spares_waiting[0] != 'N') {
		printf("Bail out! nothing would fail: vm_spare_no_allocation() comes first\n");
		return 1;
	}
	return run_tests(tests, ARRAY_SIZE(tests));
}

// SPDX-License-Identifier: Apache-2.0
/* MXL_IOC_INFO, and what an open file of the device is before it is attached */
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include "flow.h"

static void tells_version_and_limits(void)
{
	struct mxl_info info = make_info();
	int fd = open_device();

	must(ioctl(fd, MXL_IOC_INFO, &info));
	check_eq(info.size, sizeof(info));
	check_eq(info.pad, 0);
	check_eq(info.version, MXL_UAPI_VERSION);
	check(info.max_wait_many >= 2 && info.max_wait_many != POISON32);
	check(info.max_payloads >= 64 && info.max_payloads <= MXL_PAYLOADS_LIMIT);
	check(info.prefault <= 1);
	check(info.spin_ns < NSEC_PER_SEC);
	check_eq(info.default_history_ns, 200 * NSEC_PER_MSEC);
}

static void tells_features_and_flags(void)
{
	struct mxl_info info = make_info();
	int fd = open_device();

	must(ioctl(fd, MXL_IOC_INFO, &info));
	check_eq(info.features, MXL_FEATURE_SEAL | MXL_FEATURE_WAIT_MANY | MXL_FEATURE_POLL |
					MXL_FEATURE_OUTSIDERS);
	check_eq(info.attach_flags, 0);
	check_eq(info.lock_flags, MXL_TIME_TAI);
	check_eq(info.wait_flags, MXL_TIME_TAI);
	check_eq(info.wait_many_flags, MXL_TIME_TAI | MXL_WAIT_ANY);
	check_eq(info.commit_flags, MXL_COMMIT_NEW_GENERATION);
	check_eq(info.arm_events, MXL_EVENT_DATA | MXL_EVENT_WRITER_CAME | MXL_EVENT_WRITER_GONE |
					  MXL_EVENT_GENERATION);
}

static void is_the_same_when_attached(void)
{
	struct mxl_info before = make_info(), after = make_info();
	struct flow f;
	int fd;

	flow_make(&f, "flow", &discrete);
	fd = open_device();
	must(ioctl(fd, MXL_IOC_INFO, &before));
	must(try_attach(fd, &f, NULL));
	must(ioctl(fd, MXL_IOC_INFO, &after));
	check(memcmp(&before, &after, sizeof(before)) == 0);
}

static int info_as_user(void *arg)
{
	struct mxl_info info = make_info();

	(void)arg;
	return ioctl(open_device(), MXL_IOC_INFO, &info) != 0;
}

static void answers_everybody(void)
{
	check_eq(as_user(SOME_UID, info_as_user, NULL), 0);
}

static void calls_want_an_attachment(void)
{
	struct mxl_lock lock_arg = make_lock(0);
	struct mxl_unlock unlock_arg = make_unlock();
	struct mxl_wait wait_arg = make_wait(0, 0, 0);
	struct mxl_commit commit_arg = make_commit(0);
	struct mxl_arm arm_arg = make_arm(MXL_EVENT_DATA, 0, 0);
	struct mxl_state state_arg = make_state();
	int fd = open_device();

	refused(fd, MXL_IOC_LOCK, &lock_arg, ENOTCONN);
	refused(fd, MXL_IOC_UNLOCK, &unlock_arg, ENOTCONN);
	refused(fd, MXL_IOC_WAIT, &wait_arg, ENOTCONN);
	refused(fd, MXL_IOC_COMMIT, &commit_arg, ENOTCONN);
	refused(fd, MXL_IOC_ARM, &arm_arg, ENOTCONN);
	refused(fd, MXL_IOC_STATE, &state_arg, ENOTCONN);
}

static void regions_want_an_attachment(void)
{
	int fd = open_device();

	must_fail(map_region(fd, MXL_OFFSET_CONTROL, 4096, PROT_READ), ENOTCONN);
	must_fail(map_region(fd, MXL_OFFSET_ACTIVITY, 4096, PROT_READ), ENOTCONN);
	must_fail(map_region(fd, MXL_OFFSET_DATA, 4096, PROT_READ), ENOTCONN);
	must_fail(map_region(fd, MXL_OFFSET_PAYLOAD(0), 4096, PROT_READ), ENOTCONN);
}

static void polls_as_error_unattached(void)
{
	struct pollfd p = { .fd = open_device(), .events = POLLIN };

	check_eq(poll(&p, 1, 0), 1);
	check_eq(p.revents, POLLERR);
}

static void has_no_other_file_operations(void)
{
	int fd = open_device();
	char byte = 0;

	must_fail(read(fd, &byte, 1), EINVAL);
	must_fail(write(fd, &byte, 1), EINVAL);
	must_fail(lseek(fd, 0, SEEK_SET), ESPIPE);
	must_fail(ftruncate(fd, 0), EINVAL);
}

static void is_a_device_of_its_own(void)
{
	struct stat st;

	must(stat("/dev/mxl", &st));
	check(S_ISCHR(st.st_mode));
}

static const struct test tests[] = {
	TEST(tells_version_and_limits),	 TEST(tells_features_and_flags),
	TEST(is_the_same_when_attached), TEST(answers_everybody),
	TEST(calls_want_an_attachment),	 TEST(regions_want_an_attachment),
	TEST(polls_as_error_unattached), TEST(has_no_other_file_operations),
	TEST(is_a_device_of_its_own),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

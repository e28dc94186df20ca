// SPDX-License-Identifier: Apache-2.0
/*
 * Another kernel takes the machine over while flows are locked, mapped and waited for: nothing of
 * the old one is in its way, and the driver works there as after any other start.
 */
#include <linux/reboot.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <termios.h>
#include "flow.h"

#define KERNEL "/t/kernel"
/* On the command line of the kernel that took over */
#define ARRIVED "uapi.arrived"

static struct flow flow;
static struct writer w;

static void read_command_line(char *text, size_t size)
{
	check(read_text("/proc/cmdline", text, size));
	text[strcspn(text, "\n")] = '\0';
}

/* The file system this runs on becomes the one that the next kernel starts from */
static void load_next_kernel(void)
{
	char command_line[1024], initrd_path[128], make_initrd[256];
	int kernel, initrd;

	kernel = open(KERNEL, O_RDONLY | O_CLOEXEC);
	if (kernel < 0)
		skip("needs a kernel as " KERNEL);
	read_command_line(command_line, sizeof(command_line) - sizeof(" " ARRIVED));
	strcat(command_line, " " ARRIVED);
	snprintf(initrd_path, sizeof(initrd_path), "%s/initrd", test_dir());
	snprintf(make_initrd, sizeof(make_initrd),
		 "cd / && find . -xdev | cpio -o -H newc >%s 2>/dev/null", initrd_path);
	check_eq(system(make_initrd), 0);
	initrd = must(open(initrd_path, O_RDONLY | O_CLOEXEC));
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(command_line) + 1, command_line,
		    0UL)) {
		if (errno == ENOSYS)
			skip("this kernel cannot start another one");
		fail("kexec_file_load: %m");
	}
}

/* Everything that can be under way in the driver */
static void be_busy(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct mxl_arm arm = make_arm(MXL_EVENT_DATA, 9, 1);
	int fd, ep;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	publish(&w, 5, 8, 0);
	commit(&w);
	must(ioctl(fd, MXL_IOC_ARM, &arm));
	ep = must(epoll_create1(0));
	must(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	sleeper_start(fd, make_wait(6, 1, MXL_TIMEOUT_NONE), 2);
	sleeper_start(fd, make_wait(7, 1, LONG_NS), 3);
	locker_start(attach(&flow), MXL_TIMEOUT_NONE);
	wait_for_lockers(fd, 1);
}

static void take_over(void)
{
	load_next_kernel();
	be_busy();
	/* What was reported until now must not be lost */
	tcdrain(STDOUT_FILENO);
	must(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC,
		     NULL));
}

static void the_next_kernel_works(void)
{
	char command_line[1024];
	struct sleeper *s;
	int fd;

	read_command_line(command_line, sizeof(command_line));
	if (!strstr(command_line, ARRIVED))
		take_over();

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	s = sleeper_start(fd, make_wait(5, 8, LONG_NS), 1);
	publish(&w, 5, 8, 0);
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(s), 0);
}

static const struct test tests[] = {
	TEST(the_next_kernel_works),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

// SPDX-License-Identifier: Apache-2.0
/* The module stays while it is in use, goes without a trace otherwise, and comes again */
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "flow.h"

#define MODULE "/t/mxl.ko"

static struct flow flow;

static int unload(void)
{
	return (int)syscall(SYS_delete_module, "mxl", O_NONBLOCK);
}

static int load(void)
{
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -1;
	ret = (int)syscall(SYS_finit_module, fd, "", 0);
	close(fd);
	return ret;
}

static void needs_module_file(void)
{
	if (access(MODULE, R_OK))
		skip("needs %s", MODULE);
}

/* The module is not unloaded, whoever asks */
static void stays_at(int line)
{
	if (unload() != -1 || (errno != EWOULDBLOCK && errno != EBUSY))
		fail_at(__FILE__, line, "unloading: %m");
}
#define stays() stays_at(__LINE__)

/* It is unloaded when its last user has gone, and loaded again for the next */
static void goes_and_comes(void)
{
	eventually(unload() == 0);
	check(access("/dev/mxl", F_OK) == -1);
	check(access("/sys/class/misc/mxl", F_OK) == -1);
	must(load());
	eventually(access("/dev/mxl", F_OK) == 0);
	must(chmod("/dev/mxl", 0666));
}

static void stays_for_a_descriptor(void)
{
	int fd;

	needs_module_file();
	fd = open_device();
	stays();
	flow_make(&flow, "flow", &discrete);
	must(try_attach(fd, &flow, NULL));
	stays();
	must(close(fd));
	goes_and_comes();
}

static void stays_for_an_unfinished_attachment(void)
{
	struct mxl_attach arg;
	int fd = open_device();

	needs_module_file();
	flow_make(&flow, "flow", &discrete);
	arg = make_attach(must(flow_open(&flow, DATA, O_RDONLY)), 0, NULL, 0);
	must(ioctl(fd, MXL_IOC_ATTACH, &arg));
	stays();
	must(close(fd));
	goes_and_comes();
	/* what the module held of the flow is free */
	must(close(attach(&flow)));
}

static void stays_for_a_mapping_alone(void)
{
	static const uint64_t offsets[] = { MXL_OFFSET_CONTROL, MXL_OFFSET_ACTIVITY,
					    MXL_OFFSET_DATA, MXL_OFFSET_PAYLOAD(0),
					    MXL_OFFSET_PAYLOAD(4) };
	unsigned char *map;
	size_t i;
	int fd;

	needs_module_file();
	flow_make(&flow, "flow", &discrete);
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		fd = attach(&flow);
		map = must(map_region(fd, offsets[i], 4096, PROT_READ));
		must(close(fd));
		stays();
		/* the first touch may come after all else has gone */
		check(*(volatile unsigned char *)(map + 4095) == 0);
		must(mprotect(map, 4096, PROT_NONE));
		stays();
		must(munmap(map, 4096));
		goes_and_comes();
	}
}

static void stays_for_a_writers_mapping_alone(void)
{
	struct writer w;

	needs_module_file();
	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	must(close(w.fd));
	publish(&w, 5, 8, 0);
	stays();
	must(munmap((void *)w.control, 4096));
	stays();
	publish(&w, 6, 8, 0);
	writer_unmap(&w);
	goes_and_comes();
	must(close(must(flow_open(&flow, DATA, O_RDWR))));
}

static int just_wait(void *arg)
{
	(void)arg;
	return pause();
}

static void stays_for_a_child(void)
{
	void *map;
	pid_t pid;
	int fd;

	needs_module_file();
	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	map = must(map_region(fd, MXL_OFFSET_DATA, 4096, PROT_READ));
	must(close(fd));
	pid = spawn(just_wait, NULL);
	must(munmap(map, 4096));
	stays();
	kill_and_reap(pid);
	goes_and_comes();
}

static void stays_for_a_descriptor_on_its_way(void)
{
	int fd, sock[2];

	needs_module_file();
	flow_make(&flow, "flow", &discrete);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	fd = attach(&flow);
	send_fd(sock[0], fd);
	must(close(fd));
	stays();
	must(close(sock[0]));
	must(close(sock[1]));
	goes_and_comes();
}

static void stays_for_who_sleeps(void)
{
	struct sleeper *s;
	struct locker *l;
	struct writer w;
	int fd;

	needs_module_file();
	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	s = sleeper_start(fd, make_wait(10, 1, LONG_NS), 1);
	l = locker_start(fd, LONG_NS);
	wait_for_lockers(w.fd, 1);
	must(close(fd));
	writer_close(&w);
	stays();
	check_eq(locker_result(l), 0);
	stays();
	locker_leave(l);
	check_eq(sleeper_result(s), EOWNERDEAD);
	goes_and_comes();
}

/* Marks are freed some time after the flow: unloading has to wait for that */
static void goes_right_after_much_use(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct mxl_arm arm = make_arm(MXL_EVENT_DATA, 10, 1);
	struct flow f[4];
	struct writer w;
	char name[16];
	int round, i, fd, ep;

	needs_module_file();
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 4; i++) {
			snprintf(name, sizeof(name), "flow%d", i);
			flow_make(&f[i], name, i % 2 ? &continuous : &discrete);
			fd = attach(&f[i]);
			writer_open(&w, &f[i]);
			arm.slices = i % 2 ? 0 : 1;
			must(ioctl(fd, MXL_IOC_ARM, &arm));
			ep = must(epoll_create1(0));
			must(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
			if (i < 2)
				flow_delete(&f[i]);
			writer_close(&w);
			must(close(fd));
			must(close(ep));
			if (i >= 2)
				flow_delete(&f[i]);
		}
		goes_and_comes();
	}
}

struct opener {
	bool stop;
	uint64_t opened;
};

static int open_and_close(void *arg)
{
	struct opener *o = arg;
	int fd;

	while (!__atomic_load_n(&o->stop, __ATOMIC_ACQUIRE)) {
		fd = open("/dev/mxl", O_RDWR | O_CLOEXEC);
		if (fd < 0) {
			check(errno == ENOENT || errno == ENXIO || errno == ENODEV);
			continue;
		}
		if (try_attach(fd, &flow, NULL) == 0)
			__atomic_add_fetch(&o->opened, 1, __ATOMIC_RELEASE);
		close(fd);
	}
	return 0;
}

static void goes_between_two_opens(void)
{
	struct opener *o = shared(sizeof(*o));
	uint64_t before;
	pid_t pid;
	int i;

	needs_module_file();
	flow_make(&flow, "flow", &discrete);
	pid = spawn(open_and_close, o);
	for (i = 0; i < 10; i++) {
		before = __atomic_load_n(&o->opened, __ATOMIC_ACQUIRE);
		eventually(__atomic_load_n(&o->opened, __ATOMIC_ACQUIRE) > before);
		eventually(unload() == 0);
		must(load());
	}
	__atomic_store_n(&o->stop, true, __ATOMIC_RELEASE);
	reap_ok(pid);
	must(chmod("/dev/mxl", 0666));
}

static const struct test tests[] = {
	TEST(stays_for_a_descriptor),	 TEST(stays_for_an_unfinished_attachment),
	TEST(stays_for_a_mapping_alone), TEST(stays_for_a_writers_mapping_alone),
	TEST(stays_for_a_child),	 TEST(stays_for_a_descriptor_on_its_way),
	TEST(stays_for_who_sleeps),	 TEST(goes_right_after_much_use),
	TEST(goes_between_two_opens),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

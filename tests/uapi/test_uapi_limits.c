// SPDX-License-Identifier: Apache-2.0
/* Tunables: that they are what limits, at once, and that nothing gets lost on the way */
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include "sysfs.h"

static struct flow flow;

/* Try to attach, and the errno of that */
static int attach_errno(const struct flow *f)
{
	int fd = open_device();
	int err = try_attach(fd, f, NULL) ? errno : 0;

	if (err)
		must(close(fd));
	return err;
}

static int attach_as_user(void *arg)
{
	return attach_errno(arg);
}

static void all_is_given_back(void)
{
	eventually(in_use("flows") == 0);
	eventually(in_use("attachments") == 0);
	eventually(in_use("waiters") == 0);
	eventually(in_use("pages") == 0);
}

/* ---- limits ------------------------------------------------------------------------------ */

static void of_flows(void)
{
	struct flow f[3];
	int fd;

	tunables_reset();
	flow_make(&f[0], "one", &discrete);
	flow_make(&f[1], "two", &discrete);
	flow_make(&f[2], "three", &continuous);
	tune("max_flows", 2);
	fd = attach(&f[0]);
	attach(&f[1]);
	check_eq(in_use("flows"), 2);
	check_eq(attach_errno(&f[2]), ENOSPC);
	/* joining is not adopting */
	check_eq(attach_errno(&f[1]), 0);
	/* takes effect at once, both ways */
	tune("max_flows", 3);
	check_eq(attach_errno(&f[2]), 0);
	tune("max_flows", 0);
	check_eq(get_state(fd).attachments, 1);
	check_eq(attach_errno(&f[1]), 0);
	tunables_reset();
}

static void of_flows_of_a_user(void)
{
	struct flow f[2], g;

	tunables_reset();
	flow_make(&f[0], "one", &discrete);
	flow_make(&f[1], "two", &discrete);
	flow_make(&g, "three", &discrete);
	flow_chmod(&f[1], 0666);
	tune("max_flows_per_user", 1);
	attach(&f[0]);
	check_eq(attach_errno(&g), EDQUOT);
	/* another user has a quota of its own */
	check_eq(as_user(SOME_UID, attach_as_user, &f[1]), 0);
	check_eq(as_user(SOME_UID, attach_as_user, &f[0]), 0);
	tunables_reset();
	check_eq(attach_errno(&g), 0);
}

static void of_attachments(void)
{
	int fds[3];

	tunables_reset();
	flow_make(&flow, "flow", &discrete);
	tune("max_attachments", 3);
	fds[0] = attach(&flow);
	fds[1] = attach(&flow);
	fds[2] = attach(&flow);
	check_eq(attach_errno(&flow), ENOSPC);
	check_eq(get_state(fds[0]).attachments, 3);
	must(close(fds[1]));
	eventually(in_use("attachments") == 2);
	check_eq(attach_errno(&flow), 0);
	tunables_reset();
	tune("max_attachments_per_user", 3);
	check_eq(attach_errno(&flow), EDQUOT);
	check_eq(as_user(SOME_UID, attach_as_user, &flow), 0);
	tunables_reset();
}

/* An unfinished one takes its share, or a user could hold any number of files open */
static void of_unfinished_attachments(void)
{
	struct mxl_attach arg;
	int a = open_device(), b = open_device();

	tunables_reset();
	flow_make(&flow, "flow", &discrete);
	tune("max_attachments", 1);
	arg = make_attach(must(flow_open(&flow, DATA, O_RDONLY)), 0, NULL, 0);
	must(ioctl(a, MXL_IOC_ATTACH, &arg));
	arg = make_attach(must(flow_open(&flow, DATA, O_RDONLY)), 0, NULL, 0);
	refused(b, MXL_IOC_ATTACH, &arg, ENOSPC);
	tunables_reset();
}

static void of_pages(void)
{
	struct mxl_lock arg = make_lock(0);
	struct flow other;
	long long one, adopted;
	int fd;

	tunables_reset();
	flow_make(&flow, "flow", &discrete);
	flow_make(&other, "other", &discrete);
	fd = attach(&flow);
	adopted = in_use("pages");
	check(adopted >= 6);
	tune("max_pages", (unsigned long long)adopted);
	check_eq(attach_errno(&other), ENOSPC);
	check_eq(in_use("pages"), adopted);
	check_eq(in_use("flows"), 1);
	refused(fd, MXL_IOC_LOCK, &arg, ENOSPC);
	tunables_reset();
	lock(fd);
	one = in_use("pages");
	check(one >= adopted);
	unlock(fd);
	check_eq(in_use("pages"), adopted);
	tune("max_pages_per_user", 1);
	check_eq(attach_errno(&other), EDQUOT);
	refused(fd, MXL_IOC_LOCK, &arg, EDQUOT);
	check_eq(in_use("pages"), adopted);
	tunables_reset();
	check_eq(attach_errno(&other), 0);
}

static void of_waiters(void)
{
	struct mxl_wait arg = make_wait(10, 1, LONG_NS);
	struct mxl_arm arm = make_arm(MXL_EVENT_DATA, 10, 1);
	struct mxl_wait_item items[2];
	struct mxl_wait_many many = make_many(items, 2, LONG_NS);
	struct sleeper *s;
	struct writer w;
	int fd;

	tunables_reset();
	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	tune("max_waiters", 1);
	s = sleeper_start(fd, arg, 1);
	check_eq(in_use("waiters"), 1);
	refused(fd, MXL_IOC_WAIT, &arg, ENOSPC);
	refused(fd, MXL_IOC_ARM, &arm, ENOSPC);
	items[0] = make_item(fd, 10, 1);
	items[1] = make_item(w.fd, 10, 1);
	refused(fd, MXL_IOC_WAIT_MANY, &many, ENOSPC);
	/* who need not sleep is no waiter */
	must_fail(wait_index(fd, 10, 1, 0), ETIMEDOUT);
	arm.events = MXL_EVENT_GENERATION;
	must(ioctl(fd, MXL_IOC_ARM, &arm));
	publish(&w, 10, 8, 0);
	must(wait_index(fd, 10, 1, LONG_NS));
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(s), 0);
	check_eq(in_use("waiters"), 0);
	/* of each user */
	tunables_reset();
	tune("max_waiters_per_user", 0);
	arg = make_wait(11, 1, LONG_NS);
	refused(fd, MXL_IOC_WAIT, &arg, EDQUOT);
	arm = make_arm(MXL_EVENT_DATA, 11, 1);
	refused(fd, MXL_IOC_ARM, &arm, EDQUOT);
	items[0].index = items[1].index = 11;
	refused(fd, MXL_IOC_WAIT_MANY, &many, EDQUOT);
	check_eq(in_use("waiters"), 0);
	tunables_reset();
}

static void armed_descriptor_is_a_waiter_until_it_is_not(void)
{
	struct mxl_arm arm = make_arm(MXL_EVENT_DATA, 10, 1);
	struct writer w;
	int fd;

	tunables_reset();
	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	must(ioctl(fd, MXL_IOC_ARM, &arm));
	check_eq(in_use("waiters"), 1);
	/* again is not another one, even at the limit */
	tune("max_waiters", 1);
	arm.index = 11;
	must(ioctl(fd, MXL_IOC_ARM, &arm));
	check_eq(in_use("waiters"), 1);
	arm.events = 0;
	must(ioctl(fd, MXL_IOC_ARM, &arm));
	check_eq(in_use("waiters"), 0);
	tunables_reset();
}

static void of_payloads(void)
{
	struct mxl_info info = make_info();
	int fd = open_device();

	tunables_reset();
	flow_make(&flow, "flow", &discrete);
	tune("max_payloads", 4);
	must(ioctl(fd, MXL_IOC_INFO, &info));
	check_eq(info.max_payloads, 4);
	check(attach_errno(&flow) != 0);
	tune("max_payloads", 5);
	check_eq(attach_errno(&flow), 0);
	tunables_reset();
}

static void of_items(void)
{
	struct mxl_wait_item items[3];
	struct mxl_wait_many arg = make_many(items, 3, 0);
	struct mxl_info info = make_info();
	struct writer w;
	int i;

	tunables_reset();
	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	for (i = 0; i < 3; i++)
		items[i] = make_item(w.fd, 10, 1);
	tune("max_wait_many", 2);
	must(ioctl(w.fd, MXL_IOC_INFO, &info));
	check_eq(info.max_wait_many, 2);
	refused(w.fd, MXL_IOC_WAIT_MANY, &arg, EINVAL);
	tune("max_wait_many", 3);
	must_fail(ioctl(w.fd, MXL_IOC_WAIT_MANY, &arg), ETIMEDOUT);
	tunables_reset();
}

/* ---- what the library is told ------------------------------------------------------------ */

static void live_values_are_live(void)
{
	const struct mxl_control *c;
	struct mxl_info info = make_info();
	int fd;

	tunables_reset();
	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	c = map_control(fd);
	tune("prefault", 0);
	tune("spin_ns", 12345);
	tune("default_history_ns", 500000000);
	must(ioctl(fd, MXL_IOC_INFO, &info));
	check_eq(info.prefault, 0);
	check_eq(info.spin_ns, 12345);
	check_eq(info.default_history_ns, 500000000);
	check_eq(c->prefault, 0);
	check_eq(c->spin_ns, 12345);
	check_eq(c->default_history_ns, 500000000);
	tune("prefault", 1);
	check_eq(c->prefault, 1);
	tunables_reset();
	check_eq(c->spin_ns, tuned("spin_ns"));
}

static void spinning_ends_as_sleeping_does(void)
{
	struct sleeper *s;
	struct writer w;
	int fd;

	tunables_reset();
	tune("spin_ns", 1000000);
	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	must_fail(wait_index(fd, 10, 1, SHORT_NS), ETIMEDOUT);
	must_fail(wait_index(fd, 10, 1, 1000), ETIMEDOUT);
	s = sleeper_start(fd, make_wait(10, 1, LONG_NS), 1);
	publish(&w, 10, 1, 0);
	check_eq(commit(&w), 1);
	check_eq(sleeper_result(s), 0);
	/* published while it spins, if it does, and never signalled */
	s = sleeper_start(fd, make_wait(11, 1, 20 * SHORT_NS), 0);
	publish(&w, 11, 1, 0);
	check_eq(sleeper_result(s), 0);
	tunables_reset();
}

static int write_as_user(void *arg)
{
	return write_text(arg, "1\n") ? 0 : errno;
}

static void nonsense_is_refused(void)
{
	static const char *const names[] = {
		"max_flows",
		"max_attachments",
		"max_waiters",
		"max_pages",
		"max_flows_per_user",
		"max_attachments_per_user",
		"max_waiters_per_user",
		"max_pages_per_user",
		"max_payloads",
		"max_wait_many",
		"prefault",
		"spin_ns",
		"default_history_ns",
	};
	static const char *const values[] = {
		"-1\n", "x\n", "\n", "1 2\n", "18446744073709551615\n", "18446744073709551616\n"
	};
	unsigned long long before;
	char path[128];
	size_t i, k;

	tunables_reset();
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), SYSFS "/tunables/%s", names[i]);
		before = tuned(names[i]);
		for (k = 0; k < ARRAY_SIZE(values); k++) {
			if (write_text(path, values[k]))
				fail("%s took %s", names[i], values[k]);
			check(errno == EINVAL || errno == ERANGE);
			check_eq(tuned(names[i]), before);
		}
		check_eq(as_user(SOME_UID, write_as_user, path), EACCES);
		check_eq(tuned(names[i]), before);
	}
	check_eq(write_text(SYSFS "/tunables/prefault", "2\n"), 0);
	check_eq(write_text(SYSFS "/tunables/max_payloads", "0\n"), 0);
	check_eq(write_text(SYSFS "/tunables/max_wait_many", "0\n"), 0);
	check_eq(write_text(SYSFS "/tunables/default_history_ns", "0\n"), 0);
}

/* ---- nothing is lost --------------------------------------------------------------------- */

static long long available_kib(void)
{
	char text[4096], *at;

	check(read_text("/proc/meminfo", text, sizeof(text)));
	at = strstr(text, "MemAvailable:");
	check(at);
	return strtoll(at + 13, NULL, 10);
}

static void use_everything_once(void)
{
	struct mxl_arm arm = make_arm(MXL_EVENT_DATA, 11, 1);
	struct writer w;
	int fd;

	fd = attach(&flow);
	writer_open(&w, &flow);
	publish(&w, 10, 8, 0);
	must(wait_index(fd, 10, 8, LONG_NS));
	must_fail(wait_index(fd, 11, 8, 1000), ETIMEDOUT);
	must(ioctl(fd, MXL_IOC_ARM, &arm));
	must(munmap(must(map_region(fd, MXL_OFFSET_PAYLOAD(1), 4096, PROT_READ)), 4096));
	must(close(attach(&flow)));
	writer_close(&w);
	must(close(fd));
}

static int use_everything(void *arg)
{
	int i, n = *(int *)arg;

	for (i = 0; i < n; i++)
		use_everything_once();
	return 0;
}

/* What the rounds cost, in KiB */
static long long cost_of(int rounds)
{
	long long before = available_kib();
	int i;

	for (i = 0; i < 10; i++)
		reap_ok(spawn(use_everything, &rounds));
	all_is_given_back();
	return before - available_kib();
}

/*
 * What is made once only does not count, nor what KASAN keeps from being used again until it has
 * enough of it, nor what other caches of the kernel take now and then. A leak costs each time.
 */
static void loops_leave_nothing(void)
{
	int rounds = is_slow_kernel() ? 20 : 150, i;
	long long cost = 0;

	tunables_reset();
	flow_make(&flow, "flow", &discrete);
	for (i = 0; i < 8; i++) {
		cost = cost_of(rounds);
		/* half a page for each round; what is lost in smaller pieces kmemleak finds */
		if (i && cost < 2 * 10 * rounds)
			return;
	}
	fail("%lld KiB less than before %d rounds, and so each time", cost, 10 * rounds);
}

static void refusals_leave_nothing(void)
{
	struct mxl_lock arg = make_lock(0);
	struct flow other;
	int fd, i;

	tunables_reset();
	flow_make(&flow, "flow", &discrete);
	flow_make(&other, "other", &discrete);
	fd = attach(&flow);
	tune("max_flows", 1);
	tune("max_pages", (unsigned long long)in_use("pages") + 8);
	for (i = 0; i < 100; i++)
		check_eq(attach_errno(&other), ENOSPC);
	tune("max_pages", (unsigned long long)in_use("pages"));
	for (i = 0; i < 100; i++)
		refused(fd, MXL_IOC_LOCK, &arg, ENOSPC);
	tunables_reset();
	must(close(fd));
	all_is_given_back();
}

static const struct test tests[] = {
	TEST(of_flows),
	TEST(of_flows_of_a_user),
	TEST(of_attachments),
	TEST(of_unfinished_attachments),
	TEST(of_pages),
	TEST(of_waiters),
	TEST(armed_descriptor_is_a_waiter_until_it_is_not),
	TEST(of_payloads),
	TEST(of_items),
	TEST(live_values_are_live),
	TEST(spinning_ends_as_sleeping_does),
	TEST(nonsense_is_refused),
	TEST(loops_leave_nothing),
	TEST(refusals_leave_nothing),
};

int main(void)
{
	int ret;

	tunables_remember();
	ret = run_tests(tests, ARRAY_SIZE(tests));
	/* a test that failed may have left some */
	if (!access(SYSFS "/tunables", F_OK))
		tunables_reset();
	return ret;
}

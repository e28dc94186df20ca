// SPDX-License-Identifier: Apache-2.0
/* MXL_IOC_WAIT_MANY: all or any of several flows */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include "flow.h"

#define N 4

static struct flow flows[N];
static struct writer writers[N];
static int fds[N];

/* Flows with a writer each and a reader's attachment each; all have grain 10 */
static void make_flows(void)
{
	char name[16];
	int i;

	for (i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "flow%d", i);
		flow_make(&flows[i], name, &discrete);
		fds[i] = attach(&flows[i]);
		writer_open(&writers[i], &flows[i]);
		publish(&writers[i], 10, 8, 0);
	}
}

static void make_items(struct mxl_wait_item items[N], uint64_t index, uint32_t slices)
{
	int i;

	for (i = 0; i < N; i++)
		items[i] = make_item(fds[i], index, slices);
}

static uint32_t waiters(int i)
{
	return get_state(fds[i]).waiters;
}

/* A process in the call */
struct many_sleeper {
	pid_t pid;
	int fd;
	struct mxl_wait_many arg;
	struct mxl_wait_item items[N];
	int result;
	bool returned;
};

static int many_process(void *arg)
{
	struct many_sleeper *s = arg;

	s->result = ioctl(s->fd, MXL_IOC_WAIT_MANY, &s->arg) ? errno : 0;
	__atomic_store_n(&s->returned, true, __ATOMIC_RELEASE);
	return 0;
}

/* Sleeps for @index on all flows that do not have it */
static struct many_sleeper *many_start(uint64_t index, uint32_t flags)
{
	struct many_sleeper *s = shared(sizeof(*s));
	int i;

	s->fd = open_device();
	make_items(s->items, index, MXL_SLICES_ALL);
	s->arg = make_many(s->items, N, LONG_NS);
	s->arg.flags = flags;
	s->pid = spawn(many_process, s);
	for (i = 0; i < N; i++)
		eventually(waiters(i) == 1);
	eventually(is_in_state(s->pid, "S"));
	return s;
}

static int many_result(struct many_sleeper *s)
{
	int i;

	reap_ok(s->pid);
	check(s->returned);
	for (i = 0; i < N; i++)
		check_eq(waiters(i), 0);
	return s->result;
}

/* ---- at once ----------------------------------------------------------------------------- */

static void all_are_there(void)
{
	struct mxl_wait_item items[N];
	struct mxl_wait_many arg = make_many(items, N, LONG_NS);
	int i;

	make_flows();
	make_items(items, 10, 8);
	must(ioctl(open_device(), MXL_IOC_WAIT_MANY, &arg));
	check_eq(arg.which, N);
	check(arg.timeout_ns <= LONG_NS);
	for (i = 0; i < N; i++) {
		check_eq(items[i].result, 0);
		check_eq(items[i].head, 10);
		check_eq(items[i].valid_slices, 8);
		check_eq(items[i].generation, 1);
	}
}

static void not_all_are_there(void)
{
	struct mxl_wait_item items[N];
	struct mxl_wait_many arg = make_many(items, N, 0);

	make_flows();
	make_items(items, 10, 8);
	items[2].index = 11;
	must_fail(ioctl(open_device(), MXL_IOC_WAIT_MANY, &arg), ETIMEDOUT);
	check_eq(arg.which, N);
	check_eq(items[0].result, 0);
	check_eq(items[1].result, 0);
	check_eq(items[2].result, EINPROGRESS);
	check_eq(items[2].valid_slices, 0);
	check_eq(items[3].result, 0);
}

static void any_is_there(void)
{
	struct mxl_wait_item items[N];
	struct mxl_wait_many arg = make_many(items, N, LONG_NS);

	make_flows();
	make_items(items, 11, 8);
	items[1].index = 10;
	items[3].index = 10;
	arg.flags = MXL_WAIT_ANY;
	must(ioctl(open_device(), MXL_IOC_WAIT_MANY, &arg));
	check_eq(arg.which, 1);
	check_eq(items[0].result, EINPROGRESS);
	check_eq(items[1].result, 0);
	check_eq(items[2].result, EINPROGRESS);
	check_eq(items[3].result, 0);
}

static void failure_ends_all(void)
{
	struct mxl_wait_item items[N];
	struct mxl_wait_many arg = make_many(items, N, LONG_NS);

	make_flows();
	publish(&writers[2], 100, 8, 0);
	make_items(items, 11, 8);
	must_fail(ioctl(open_device(), MXL_IOC_WAIT_MANY, &arg), ERANGE);
	check_eq(arg.which, 2);
	check_eq(items[2].result, ERANGE);
	check_eq(items[2].head, 100);
	check_eq(items[0].result, EINPROGRESS);
}

static void met_beats_failed_with_any(void)
{
	struct mxl_wait_item items[N];
	struct mxl_wait_many arg = make_many(items, N, LONG_NS);

	make_flows();
	publish(&writers[0], 100, 8, 0);
	make_items(items, 11, 8);
	items[3].index = 10;
	arg.flags = MXL_WAIT_ANY;
	must(ioctl(open_device(), MXL_IOC_WAIT_MANY, &arg));
	check_eq(arg.which, 3);
	check_eq(items[0].result, ERANGE);
	check_eq(items[3].result, 0);
	/* alone, it ends the call */
	items[3].index = 11;
	must_fail(ioctl(open_device(), MXL_IOC_WAIT_MANY, &arg), ERANGE);
	check_eq(arg.which, 0);
}

static void each_error_of_wait(void)
{
	struct mxl_wait_item items[N];
	struct mxl_wait_many arg = make_many(items, N, LONG_NS);

	make_flows();
	writer_close(&writers[1]);
	make_items(items, 11, 8);
	must_fail(ioctl(open_device(), MXL_IOC_WAIT_MANY, &arg), EOWNERDEAD);
	check_eq(arg.which, 1);
	check_eq(items[1].result, EOWNERDEAD);

	make_items(items, 11, 8);
	items[0].generation = 7;
	must_fail(ioctl(open_device(), MXL_IOC_WAIT_MANY, &arg), ESTALE);
	check_eq(arg.which, 0);
	check_eq(items[0].result, ESTALE);
	check_eq(items[0].generation, 1);

	make_items(items, 11, 8);
	items[1] = make_item(fds[0], 10, 8);
	publish(&writers[3], 11, 2, 0);
	publish(&writers[3], 12, 2, 0);
	must_fail(ioctl(open_device(), MXL_IOC_WAIT_MANY, &arg), ENODATA);
	check_eq(arg.which, 3);
	check_eq(items[3].result, ENODATA);
	check_eq(items[3].valid_slices, 2);
}

static void kinds_may_be_mixed(void)
{
	struct mxl_wait_item items[2];
	struct mxl_wait_many arg = make_many(items, 2, 0);
	struct flow video, audio;
	struct writer v, a;

	flow_make(&video, "video", &discrete);
	flow_make(&audio, "audio", &continuous);
	writer_open(&v, &video);
	writer_open(&a, &audio);
	publish(&v, 10, 8, 0);
	publish_samples(&a, 960);
	items[0] = make_item(v.fd, 10, 4);
	items[1] = make_item(a.fd, 960, 0);
	must(ioctl(v.fd, MXL_IOC_WAIT_MANY, &arg));
	items[1].index = 961;
	must_fail(ioctl(v.fd, MXL_IOC_WAIT_MANY, &arg), ETIMEDOUT);
	items[1].slices = 1;
	must_fail(ioctl(v.fd, MXL_IOC_WAIT_MANY, &arg), EINVAL);
}

/* ---- what is refused --------------------------------------------------------------------- */

/* Refused, and the items are left alone as well */
static void many_refused_at(int line, struct mxl_wait_many *arg, struct mxl_wait_item *items,
			    size_t n, int error)
{
	struct mxl_wait_item copy[8];
	int i;

	memcpy(copy, items, n * sizeof(*items));
	refused_at(__FILE__, line, fds[0], MXL_IOC_WAIT_MANY, arg, error);
	if (memcmp(copy, items, n * sizeof(*items)))
		fail_at(__FILE__, line, "items were written");
	for (i = 0; i < N; i++)
		check_eq(waiters(i), 0);
}
#define many_refused(arg, items, error) many_refused_at(__LINE__, arg, items, N, error)

static void numbers_out_of_range(void)
{
	struct mxl_wait_item items[N];
	struct mxl_wait_many arg;
	struct mxl_info info = make_info();

	make_flows();
	must(ioctl(fds[0], MXL_IOC_INFO, &info));
	make_items(items, 10, 8);
	arg = make_many(items, 0, LONG_NS);
	many_refused(&arg, items, EINVAL);
	arg = make_many(items, info.max_wait_many + 1, LONG_NS);
	many_refused(&arg, items, EINVAL);
	arg = make_many(items, UINT32_MAX, LONG_NS);
	many_refused(&arg, items, EINVAL);
	arg = make_many(items, N, LONG_NS);
	arg.item_size = sizeof(items[0]) - 1;
	many_refused(&arg, items, EINVAL);
	arg.item_size = 0;
	many_refused(&arg, items, EINVAL);
	arg.item_size = sizeof(items[0]);
	items[3].slices = MXL_SLICES_ALL + 1;
	many_refused(&arg, items, EINVAL);
}

static void files_that_are_no_attachments(void)
{
	struct mxl_wait_item items[N];
	struct mxl_wait_many arg = make_many(items, N, LONG_NS);

	make_flows();
	make_items(items, 11, 8);
	items[3].fd = -1;
	many_refused(&arg, items, EBADF);
	items[3].fd = 999;
	many_refused(&arg, items, EBADF);
	items[3].fd = must(open("/dev/null", O_RDONLY));
	many_refused(&arg, items, ENOTTY);
	items[3].fd = must(flow_open(&flows[0], DATA, O_RDONLY));
	many_refused(&arg, items, ENOTTY);
	items[3].fd = open_device();
	many_refused(&arg, items, ENOTCONN);
}

static void items_in_bad_memory(void)
{
	unsigned char *page =
		must(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	struct mxl_wait_item items[N], *last = (void *)(page + 4096);
	struct mxl_wait_many arg;

	make_flows();
	must(munmap(page + 4096, 4096));
	make_items(items, 10, 8);
	arg = make_many(NULL, N, LONG_NS);
	many_refused(&arg, items, EFAULT);
	arg = make_many((void *)UINTPTR_MAX, N, LONG_NS);
	many_refused(&arg, items, EFAULT);
	arg = make_many(last, N, LONG_NS);
	many_refused(&arg, items, EFAULT);
	/* all but the last are there */
	memcpy(last - N + 1, items, (N - 1) * sizeof(*items));
	arg = make_many(last - N + 1, N, LONG_NS);
	many_refused(&arg, items, EFAULT);
	memcpy(last - N, items, sizeof(items));
	arg = make_many(last - N, N, LONG_NS);
	must(ioctl(fds[0], MXL_IOC_WAIT_MANY, &arg));
	/* readable only */
	must(mprotect(page, 4096, PROT_READ));
	arg = make_many(last - N, N, LONG_NS);
	many_refused(&arg, items, EFAULT);
}

static void items_may_grow(void)
{
	struct {
		struct mxl_wait_item item;
		unsigned char more[24];
	} items[2];
	struct mxl_wait_many arg;

	make_flows();
	memset(items, 0, sizeof(items));
	items[0].item = make_item(fds[0], 10, 8);
	items[1].item = make_item(fds[1], 10, 8);
	arg = make_many(&items[0].item, 2, LONG_NS);
	arg.item_size = sizeof(items[0]);
	must(ioctl(fds[0], MXL_IOC_WAIT_MANY, &arg));
	check_eq(items[1].item.result, 0);
	check_eq(items[1].item.head, 10);
	items[1].more[23] = 1;
	refused(fds[0], MXL_IOC_WAIT_MANY, &arg, E2BIG);
	arg.item_size = 1U << 31;
	refused(fds[0], MXL_IOC_WAIT_MANY, &arg, E2BIG);
}

static void as_many_as_info_says(void)
{
	struct mxl_info info = make_info();
	struct mxl_wait_item *items;
	struct mxl_wait_many arg;
	uint32_t i;

	make_flows();
	must(ioctl(fds[0], MXL_IOC_INFO, &info));
	items = calloc(info.max_wait_many, sizeof(*items));
	check(items);
	for (i = 0; i < info.max_wait_many; i++)
		items[i] = make_item(fds[i % N], 11, 8);
	arg = make_many(items, info.max_wait_many, SHORT_NS);
	must_fail(ioctl(fds[0], MXL_IOC_WAIT_MANY, &arg), ETIMEDOUT);
	for (i = 0; i < info.max_wait_many; i++)
		check_eq(items[i].result, EINPROGRESS);
	for (i = 0; i < N; i++) {
		check_eq(waiters((int)i), 0);
		publish(&writers[i], 11, 8, 0);
	}
	must(ioctl(fds[0], MXL_IOC_WAIT_MANY, &arg));
	check_eq(arg.which, info.max_wait_many);
}

/* ---- asleep ------------------------------------------------------------------------------ */

static void all_wakes_with_the_last(void)
{
	static const int order[] = { 2, 0, 3, 1 };
	struct many_sleeper *s;
	int i;

	make_flows();
	s = many_start(11, 0);
	for (i = 0; i < N; i++) {
		check(!s->returned);
		check(is_in_state(s->pid, "S"));
		publish(&writers[order[i]], 11, 8, 0);
		/* who is not woken is not counted */
		check_eq(commit(&writers[order[i]]), i == N - 1);
	}
	check_eq(many_result(s), 0);
	check_eq(s->arg.which, N);
	check(s->arg.timeout_ns < LONG_NS);
	for (i = 0; i < N; i++)
		check_eq(s->items[i].result, 0);
}

static void any_wakes_with_the_first(void)
{
	struct many_sleeper *s;

	make_flows();
	s = many_start(11, MXL_WAIT_ANY);
	publish(&writers[2], 11, 7, 0);
	check_eq(commit(&writers[2]), 0);
	check(!s->returned);
	publish(&writers[2], 11, 8, 0);
	check_eq(commit(&writers[2]), 1);
	check_eq(many_result(s), 0);
	check_eq(s->arg.which, 2);
	check_eq(s->items[2].result, 0);
	check_eq(s->items[0].result, EINPROGRESS);
}

static void death_of_one_writer_ends_it(void)
{
	struct many_sleeper *s;

	make_flows();
	s = many_start(11, 0);
	writer_close(&writers[1]);
	check_eq(many_result(s), EOWNERDEAD);
	check_eq(s->arg.which, 1);
	check_eq(s->items[1].result, EOWNERDEAD);
	check_eq(s->items[0].result, EINPROGRESS);
}

static void new_generation_of_one_ends_it(void)
{
	struct many_sleeper *s;

	make_flows();
	s = many_start(11, MXL_WAIT_ANY);
	new_generation(&writers[3]);
	check_eq(many_result(s), ESTALE);
	check_eq(s->arg.which, 3);
	check_eq(s->items[3].result, ESTALE);
	check_eq(s->items[3].generation, 2);
}

static void deletion_of_one_ends_it(void)
{
	struct many_sleeper *s;

	make_flows();
	s = many_start(11, 0);
	flow_delete(&flows[0]);
	check_eq(many_result(s), ENODEV);
	check_eq(s->arg.which, 0);
}

static void times_out(void)
{
	struct mxl_wait_item items[N];
	struct mxl_wait_many arg = make_many(items, N, SHORT_NS);
	uint64_t begin, end;
	int i;

	make_flows();
	make_items(items, 11, 8);
	begin = now_ns(CLOCK_MONOTONIC);
	must_fail(ioctl(fds[0], MXL_IOC_WAIT_MANY, &arg), ETIMEDOUT);
	check(now_ns(CLOCK_MONOTONIC) - begin >= SHORT_NS);
	check_eq(arg.timeout_ns, 0);
	check_eq(arg.which, N);
	end = now_ns(CLOCK_TAI) + SHORT_NS;
	arg.flags = MXL_TIME_TAI | MXL_WAIT_ANY;
	arg.timeout_ns = end;
	must_fail(ioctl(fds[0], MXL_IOC_WAIT_MANY, &arg), ETIMEDOUT);
	check(now_ns(CLOCK_TAI) >= end);
	check_eq(arg.timeout_ns, end);
	for (i = 0; i < N; i++) {
		check_eq(items[i].result, EINPROGRESS);
		check_eq(waiters(i), 0);
	}
}

static void killed_one_leaves_all_queues(void)
{
	struct many_sleeper *s;
	int i;

	make_flows();
	s = many_start(11, 0);
	kill_and_reap(s->pid);
	for (i = 0; i < N; i++) {
		check_eq(waiters(i), 0);
		publish(&writers[i], 11, 8, 0);
		check_eq(commit(&writers[i]), 0);
	}
}

static void is_restarted_after_a_stop(void)
{
	struct many_sleeper *s;
	int i;

	make_flows();
	s = many_start(11, 0);
	publish(&writers[0], 11, 8, 0);
	commit(&writers[0]);
	must(kill(s->pid, SIGSTOP));
	eventually(is_in_state(s->pid, "T"));
	for (i = 0; i < N; i++)
		eventually(waiters(i) == 0);
	must(kill(s->pid, SIGCONT));
	for (i = 1; i < N; i++) {
		eventually(waiters(i) == 1);
		publish(&writers[i], 11, 8, 0);
		commit(&writers[i]);
	}
	check_eq(many_result(s), 0);
	check(s->arg.timeout_ns < LONG_NS);
}

static void one_flow_several_times(void)
{
	struct many_sleeper *s = shared(sizeof(*s));

	make_flows();
	s->fd = fds[0];
	s->items[0] = make_item(fds[0], 11, 2);
	s->items[1] = make_item(fds[0], 11, 4);
	s->items[2] = make_item(fds[0], 12, 1);
	s->arg = make_many(s->items, 3, LONG_NS);
	s->pid = spawn(many_process, s);
	eventually(waiters(0) == 3);
	publish(&writers[0], 11, 8, 0);
	check_eq(commit(&writers[0]), 0);
	check_eq(waiters(0), 1);
	publish(&writers[0], 12, 1, 0);
	check_eq(commit(&writers[0]), 1);
	check_eq(many_result(s), 0);
}

static void others_on_the_flow_are_not_its_business(void)
{
	struct many_sleeper *s;
	struct sleeper *one;

	make_flows();
	s = many_start(12, 0);
	one = sleeper_start(fds[0], make_wait(11, 8, LONG_NS), 2);
	publish(&writers[0], 11, 8, 0);
	check_eq(commit(&writers[0]), 1);
	check_eq(sleeper_result(one), 0);
	check(!s->returned);
	check_eq(waiters(0), 1);
}

static const struct test tests[] = {
	TEST(all_are_there),
	TEST(not_all_are_there),
	TEST(any_is_there),
	TEST(failure_ends_all),
	TEST(met_beats_failed_with_any),
	TEST(each_error_of_wait),
	TEST(kinds_may_be_mixed),
	TEST(numbers_out_of_range),
	TEST(files_that_are_no_attachments),
	TEST(items_in_bad_memory),
	TEST(items_may_grow),
	TEST(as_many_as_info_says),
	TEST(all_wakes_with_the_last),
	TEST(any_wakes_with_the_first),
	TEST(death_of_one_writer_ends_it),
	TEST(new_generation_of_one_ends_it),
	TEST(deletion_of_one_ends_it),
	TEST(times_out),
	TEST(killed_one_leaves_all_queues),
	TEST(is_restarted_after_a_stop),
	TEST(one_flow_several_times),
	TEST(others_on_the_flow_are_not_its_business),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

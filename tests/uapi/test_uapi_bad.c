// SPDX-License-Identifier: Apache-2.0
/* What every call does with sizes, flags, padding, pointers and files that are not good */
#include <string.h>
#include "flow.h"

#define PAGE 4096

static struct flow flow;
static int payload_fds[MAX_PAYLOADS];
static struct mxl_wait_item item;

/**
 * struct call - one call, and how to make it succeed
 * @name: of the call
 * @cmd: its number
 * @size: of its structure
 * @attached: it needs an attachment
 * @locked: it needs the writer lock
 * @flags: offset of its flags, 0 if it has none
 * @known: flags it knows
 * @pad: offset of its padding, 0 if it has none
 * @fill: makes a good argument
 */
struct call {
	const char *name;
	unsigned long cmd;
	size_t size;
	bool attached;
	bool locked;
	size_t flags;
	uint32_t known;
	size_t pad;
	void (*fill)(void *arg, int fd);
};

static void fill_info(void *arg, int fd)
{
	struct mxl_info good = make_info();

	(void)fd;
	memcpy(arg, &good, sizeof(good));
}

static void fill_attach(void *arg, int fd)
{
	static int data = -1;
	struct mxl_attach good;

	(void)fd;
	/* an open file of its own for each attachment */
	if (data >= 0)
		close(data);
	data = must(flow_open(&flow, DATA, O_RDONLY));
	good = make_attach(data, 0, payload_fds, flow.nr_payloads);
	memcpy(arg, &good, sizeof(good));
}

static void fill_lock(void *arg, int fd)
{
	struct mxl_lock good = make_lock(0);

	(void)fd;
	memcpy(arg, &good, sizeof(good));
}

static void fill_unlock(void *arg, int fd)
{
	struct mxl_unlock good = make_unlock();

	(void)fd;
	memcpy(arg, &good, sizeof(good));
}

static void fill_wait(void *arg, int fd)
{
	struct mxl_wait good = make_wait(0, MXL_SLICES_ALL, 0);

	(void)fd;
	memcpy(arg, &good, sizeof(good));
}

static void fill_many(void *arg, int fd)
{
	struct mxl_wait_many good;

	item = make_item(fd, 0, MXL_SLICES_ALL);
	good = make_many(&item, 1, 0);
	memcpy(arg, &good, sizeof(good));
}

static void fill_commit(void *arg, int fd)
{
	struct mxl_commit good = make_commit(0);

	(void)fd;
	memcpy(arg, &good, sizeof(good));
}

static void fill_arm(void *arg, int fd)
{
	struct mxl_arm good = make_arm(MXL_EVENT_DATA, 0, MXL_SLICES_ALL);

	(void)fd;
	memcpy(arg, &good, sizeof(good));
}

static void fill_state(void *arg, int fd)
{
	struct mxl_state good = make_state();

	(void)fd;
	memcpy(arg, &good, sizeof(good));
}

#define EVENTS \
	(MXL_EVENT_DATA | MXL_EVENT_WRITER_CAME | MXL_EVENT_WRITER_GONE | MXL_EVENT_GENERATION)

/* clang-format off */
static const struct call calls[] = {
	{ "INFO", MXL_IOC_INFO, sizeof(struct mxl_info), .pad = offsetof(struct mxl_info, pad),
	  .fill = fill_info },
	{ "ATTACH", MXL_IOC_ATTACH, sizeof(struct mxl_attach),
	  .flags = offsetof(struct mxl_attach, flags), .fill = fill_attach },
	{ "LOCK", MXL_IOC_LOCK, sizeof(struct mxl_lock), .attached = true,
	  .flags = offsetof(struct mxl_lock, flags), .known = MXL_TIME_TAI, .fill = fill_lock },
	{ "UNLOCK", MXL_IOC_UNLOCK, sizeof(struct mxl_unlock), .attached = true, .locked = true,
	  .flags = offsetof(struct mxl_unlock, flags), .fill = fill_unlock },
	{ "WAIT", MXL_IOC_WAIT, sizeof(struct mxl_wait), .attached = true,
	  .flags = offsetof(struct mxl_wait, flags), .known = MXL_TIME_TAI, .fill = fill_wait },
	{ "WAIT_MANY", MXL_IOC_WAIT_MANY, sizeof(struct mxl_wait_many), .attached = true,
	  .flags = offsetof(struct mxl_wait_many, flags), .known = MXL_TIME_TAI | MXL_WAIT_ANY,
	  .pad = offsetof(struct mxl_wait_many, pad), .fill = fill_many },
	{ "COMMIT", MXL_IOC_COMMIT, sizeof(struct mxl_commit), .attached = true, .locked = true,
	  .flags = offsetof(struct mxl_commit, flags), .known = MXL_COMMIT_NEW_GENERATION,
	  .pad = offsetof(struct mxl_commit, pad), .fill = fill_commit },
	{ "ARM", MXL_IOC_ARM, sizeof(struct mxl_arm), .attached = true,
	  .flags = offsetof(struct mxl_arm, events), .known = EVENTS, .fill = fill_arm },
	{ "STATE", MXL_IOC_STATE, sizeof(struct mxl_state), .attached = true,
	  .pad = offsetof(struct mxl_state, pad), .fill = fill_state },
};
/* clang-format on */

#define for_each_call(c) for (c = calls; c < calls + ARRAY_SIZE(calls); c++)

/* A flow in which grain 0 can be read */
static void make_flow(void)
{
	struct mxl_grain_header g = {
		.version = MXL_GRAIN_VERSION,
		.size = MXL_GRAIN_HEADER_SIZE,
		.grain_size = discrete.slices * discrete.slice_bytes,
		.total_slices = (uint16_t)discrete.slices,
		.valid_slices = (uint16_t)discrete.slices,
	};
	uint32_t i;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = must(flow_open(&flow, 0, O_RDWR));
	check_eq(pwrite(fd, &g, sizeof(g), 0), sizeof(g));
	must(close(fd));
	for (i = 0; i < flow.nr_payloads; i++)
		payload_fds[i] = must(flow_open(&flow, (int)i, O_RDONLY));
}

/* A file on which the call will succeed */
static int open_for(const struct call *c)
{
	int fd = open_device();

	if (c->attached)
		must(try_attach(fd, &flow, NULL));
	if (c->locked)
		lock(fd);
	return fd;
}

/* What the file's flow is like, all zeroes if there is none */
static struct mxl_state look(int fd)
{
	struct mxl_state s = make_state();

	if (ioctl(fd, MXL_IOC_STATE, &s))
		memset(&s, 0, sizeof(s));
	s.flags &= ~MXL_STATE_OUTSIDERS;
	return s;
}

#define call_refused(c, fd, arg, error)                                                          \
	do {                                                                                     \
		struct mxl_state before = look(fd), after;                                       \
		int ret = ioctl(fd, (c)->cmd, arg), err = errno;                                 \
		if (ret != -1 || err != (error))                                                 \
			fail("%s: %s, not %s", (c)->name, ret == -1 ? strerror(err) : "success", \
			     #error);                                                            \
		after = look(fd);                                                                \
		if (memcmp(&before, &after, sizeof(before)))                                     \
			fail("%s failed with %s and changed something", (c)->name, #error);      \
	} while (0)

static void exact_size_succeeds(void)
{
	unsigned char arg[PAGE];
	const struct call *c;
	int fd;

	make_flow();
	for_each_call(c)
	{
		fd = open_for(c);
		memset(arg, POISON, sizeof(arg));
		c->fill(arg, fd);
		if (ioctl(fd, c->cmd, arg))
			fail("%s: %m", c->name);
		check_eq(*(uint32_t *)arg, c->size);
		/* nothing was written behind the structure */
		check_eq(arg[c->size], POISON);
		must(close(fd));
	}
}

static void too_small_is_refused(void)
{
	unsigned char arg[PAGE];
	const struct call *c;
	uint32_t size;
	int fd;

	make_flow();
	for_each_call(c)
	{
		fd = open_for(c);
		for (size = 0; size < c->size; size++) {
			c->fill(arg, fd);
			memcpy(arg, &size, sizeof(size));
			call_refused(c, fd, arg, EINVAL);
		}
		must(close(fd));
	}
}

static void larger_with_zeroes_is_as_exact(void)
{
	static const size_t more[] = { 1, 8, 200 };
	unsigned char arg[PAGE], tail[200];
	const struct call *c;
	uint32_t size;
	size_t i;
	int fd;

	make_flow();
	memset(tail, 0, sizeof(tail));
	for_each_call(c)
	{
		for (i = 0; i < ARRAY_SIZE(more); i++) {
			fd = open_for(c);
			memset(arg, POISON, sizeof(arg));
			c->fill(arg, fd);
			size = (uint32_t)(c->size + more[i]);
			memcpy(arg, &size, sizeof(size));
			memset(arg + c->size, 0, more[i]);
			if (ioctl(fd, c->cmd, arg))
				fail("%s with %zu bytes more: %m", c->name, more[i]);
			check_eq(*(uint32_t *)arg, size);
			check(memcmp(arg + c->size, tail, more[i]) == 0);
			check_eq(arg[size], POISON);
			must(close(fd));
		}
	}
}

static void larger_with_something_is_refused(void)
{
	unsigned char arg[PAGE];
	const struct call *c;
	uint32_t size;
	size_t i;
	int fd;

	make_flow();
	for_each_call(c)
	{
		fd = open_for(c);
		for (i = 1; i <= 24; i++) {
			c->fill(arg, fd);
			size = (uint32_t)(c->size + i);
			memcpy(arg, &size, sizeof(size));
			memset(arg + c->size, 0, i);
			arg[size - 1] = 1;
			call_refused(c, fd, arg, E2BIG);
		}
		must(close(fd));
	}
}

static void absurdly_large_is_refused(void)
{
	static const uint32_t sizes[] = { 2 * PAGE, 1 << 20, INT32_MAX, UINT32_MAX };
	static unsigned char arg[2 * PAGE];
	const struct call *c;
	size_t i;
	int fd;

	make_flow();
	for_each_call(c)
	{
		fd = open_for(c);
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			memset(arg, 0, sizeof(arg));
			c->fill(arg, fd);
			memcpy(arg, &sizes[i], sizeof(sizes[i]));
			call_refused(c, fd, arg, E2BIG);
		}
		must(close(fd));
	}
}

static void unknown_flags_are_refused(void)
{
	unsigned char arg[PAGE];
	const struct call *c;
	uint32_t flag;
	int fd;

	make_flow();
	for_each_call(c)
	{
		if (!c->flags)
			continue;
		fd = open_for(c);
		for (flag = 1; flag; flag <<= 1) {
			if (flag & c->known)
				continue;
			c->fill(arg, fd);
			memcpy(arg + c->flags, &flag, sizeof(flag));
			call_refused(c, fd, arg, EOPNOTSUPP);
		}
		must(close(fd));
	}
}

static void padding_is_refused(void)
{
	unsigned char arg[PAGE];
	const struct call *c;
	size_t i;
	int fd;

	make_flow();
	for_each_call(c)
	{
		if (!c->pad)
			continue;
		fd = open_for(c);
		for (i = 0; i < sizeof(uint32_t); i++) {
			c->fill(arg, fd);
			arg[c->pad + i] = 0x80;
			call_refused(c, fd, arg, EINVAL);
		}
		must(close(fd));
	}
}

/* Two pages of which the second is not there */
static unsigned char *last_page(void)
{
	unsigned char *p = must(
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	must(munmap(p + PAGE, PAGE));
	return p;
}

static void unmapped_pointers_fault(void)
{
	unsigned char *page = last_page(), *p, arg[PAGE];
	const struct call *c;
	int fd;

	make_flow();
	for_each_call(c)
	{
		fd = open_for(c);
		call_refused(c, fd, NULL, EFAULT);
		call_refused(c, fd, (void *)3, EFAULT);
		call_refused(c, fd, page + PAGE, EFAULT);
		call_refused(c, fd, (void *)UINTPTR_MAX, EFAULT);
		call_refused(c, fd, (void *)(UINTPTR_MAX - PAGE), EFAULT);
		/* begins well, has its end where nothing is */
		c->fill(arg, fd);
		for (p = page + PAGE - c->size + 1; p < page + PAGE; p++) {
			memcpy(p, arg, (size_t)(page + PAGE - p));
			call_refused(c, fd, p, EFAULT);
		}
		must(close(fd));
	}
}

static void read_only_memory_faults(void)
{
	unsigned char *page =
		must(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	const struct call *c;
	int fd;

	make_flow();
	for_each_call(c)
	{
		/* no output, no need to write */
		if (c->cmd == MXL_IOC_UNLOCK)
			continue;
		fd = open_for(c);
		must(mprotect(page, PAGE, PROT_READ | PROT_WRITE));
		c->fill(page, fd);
		must(mprotect(page, PAGE, PROT_READ));
		call_refused(c, fd, page, EFAULT);
		must(close(fd));
	}
}

static void may_end_where_memory_ends(void)
{
	unsigned char *page = last_page();
	const struct call *c;
	int fd;

	make_flow();
	for_each_call(c)
	{
		unsigned char *arg = page + PAGE - c->size;

		fd = open_for(c);
		c->fill(arg, fd);
		if (ioctl(fd, c->cmd, arg))
			fail("%s: %m", c->name);
		must(close(fd));
	}
}

static void may_be_unaligned(void)
{
	unsigned char arg[PAGE];
	const struct call *c;
	int fd;

	make_flow();
	for_each_call(c)
	{
		fd = open_for(c);
		c->fill(arg + 1, fd);
		if (ioctl(fd, c->cmd, arg + 1))
			fail("%s: %m", c->name);
		must(close(fd));
	}
}

static void other_files_do_not_know_the_calls(void)
{
	unsigned char arg[PAGE];
	const struct call *c;
	int null = must(open("/dev/null", O_RDONLY)), file;

	make_flow();
	file = must(flow_open(&flow, DATA, O_RDONLY));
	for_each_call(c)
	{
		c->fill(arg, file);
		must_fail(ioctl(null, c->cmd, arg), ENOTTY);
		must_fail(ioctl(file, c->cmd, arg), ENOTTY);
		must_fail(ioctl(-1, c->cmd, arg), EBADF);
		must_fail(ioctl(999, c->cmd, arg), EBADF);
	}
}

static void unknown_calls_are_refused(void)
{
	unsigned char arg[PAGE];
	unsigned int nr, dir;
	int fd;

	make_flow();
	fd = attach(&flow);
	memset(arg, 0, sizeof(arg));
	for (nr = 0; nr < 256; nr++) {
		if (nr >= _IOC_NR(MXL_IOC_INFO) && nr <= _IOC_NR(MXL_IOC_STATE))
			continue;
		must_fail(ioctl(fd, _IOWR(MXL_IOC_TYPE, nr, struct mxl_state), arg), ENOTTY);
	}
	for (dir = 0; dir < 3; dir++)
		must_fail(ioctl(fd, _IOC(dir, MXL_IOC_TYPE, 0x40, sizeof(struct mxl_info)), arg),
			  ENOTTY);
	must_fail(ioctl(fd, _IOWR(MXL_IOC_TYPE + 1, 0x40, struct mxl_info), arg), ENOTTY);
	/* numbers the VFS thinks are its own must not reach the module as something else */
	check_eq(get_state(fd).attachments, 1);
}

static void size_in_the_number_is_not_looked_at(void)
{
	struct mxl_info info = make_info();
	int fd = open_device();

	must(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, MXL_IOC_TYPE, 0x40, 4), &info));
	check_eq(info.version, MXL_UAPI_VERSION);
	info = make_info();
	must(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, MXL_IOC_TYPE, 0x40, 1000), &info));
	check_eq(info.version, MXL_UAPI_VERSION);
}

static const struct test tests[] = {
	TEST(exact_size_succeeds),
	TEST(too_small_is_refused),
	TEST(larger_with_zeroes_is_as_exact),
	TEST(larger_with_something_is_refused),
	TEST(absurdly_large_is_refused),
	TEST(unknown_flags_are_refused),
	TEST(padding_is_refused),
	TEST(unmapped_pointers_fault),
	TEST(read_only_memory_faults),
	TEST(may_end_where_memory_ends),
	TEST(may_be_unaligned),
	TEST(other_files_do_not_know_the_calls),
	TEST(unknown_calls_are_refused),
	TEST(size_in_the_number_is_not_looked_at),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

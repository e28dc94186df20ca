// SPDX-License-Identifier: Apache-2.0
/* mmap(): the regions, who may write them, and that the pages are ordinary ones */
#include <limits.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "flow.h"

#define PAGE 4096UL

static struct flow flow;

/* A region, and bytes of it that can be mapped */
struct region {
	const char *name;
	uint64_t offset;
	size_t size;
};

static struct region regions[3 + MAX_PAYLOADS];
static size_t nr_regions;

static void make_flow(const struct flow_spec *spec)
{
	uint32_t i;

	flow_make(&flow, "flow", spec);
	regions[0] = (struct region){ "control", MXL_OFFSET_CONTROL, PAGE };
	regions[1] = (struct region){ "activity", MXL_OFFSET_ACTIVITY, PAGE };
	regions[2] = (struct region){ "data", MXL_OFFSET_DATA, PAGE };
	for (i = 0; i < flow.nr_payloads; i++)
		regions[3 + i] = (struct region){ "payload", MXL_OFFSET_PAYLOAD(i),
						  (flow.payload_size + PAGE - 1) & ~(PAGE - 1) };
	nr_regions = 3 + flow.nr_payloads;
}

#define for_each_region(r) for (r = regions; r < regions + nr_regions; r++)
#define for_each_file(r) for (r = regions + 2; r < regions + nr_regions; r++)

/* The mapping as /proc tells it: permissions and flags */
static bool maps_line(const void *at, char *line, size_t size)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start;
	bool found = false;

	check(maps);
	while (!found && fgets(line, (int)size, maps))
		found = sscanf(line, "%lx-", &start) == 1 && start == (unsigned long)at;
	fclose(maps);
	return found;
}

/* ---- where the regions are --------------------------------------------------------------- */

static void maps_every_region(void)
{
	const struct region *r;
	unsigned char *p;
	int fd;

	make_flow(&discrete);
	fd = attach(&flow);
	for_each_region(r)
	{
		p = must(map_region(fd, r->offset, r->size, PROT_READ));
		/* to its last byte */
		check(*(volatile unsigned char *)(p + r->size - 1) == 0);
		must(munmap(p, r->size));
	}
}

static void maps_samples(void)
{
	const struct region *r;
	int fd;

	make_flow(&continuous);
	fd = attach(&flow);
	for_each_region(r) must(map_region(fd, r->offset, r->size, PROT_READ));
	must_fail(map_region(fd, MXL_OFFSET_PAYLOAD(1), PAGE, PROT_READ), EINVAL);
}

static void maps_parts_of_files(void)
{
	const struct region *r;
	unsigned char *whole, *part;
	size_t at;
	struct writer w;
	int fd;

	make_flow(&discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	for (at = 0; at < flow.payload_size; at += PAGE)
		w.payload[2][at + 5] = (unsigned char)(1 + at / PAGE);
	r = &regions[3 + 2];
	whole = must(map_region(fd, r->offset, r->size, PROT_READ));
	for (at = 0; at < r->size; at += PAGE) {
		part = must(map_region(fd, r->offset + at, r->size - at, PROT_READ));
		check(memcmp(part, whole + at, r->size - at) == 0);
		check_eq(part[5], 1 + at / PAGE);
		must(munmap(part, r->size - at));
	}
}

static void refuses_a_page_too_far(void)
{
	const struct region *r;
	int fd;

	make_flow(&discrete);
	fd = attach(&flow);
	for_each_region(r)
	{
		must_fail(map_region(fd, r->offset, r->size + PAGE, PROT_READ), EINVAL);
		must_fail(map_region(fd, r->offset + r->size, PAGE, PROT_READ), EINVAL);
		must_fail(map_region(fd, r->offset + PAGE, r->size, PROT_READ), EINVAL);
		must_fail(map_region(fd, r->offset - PAGE, PAGE, PROT_READ), EINVAL);
		must_fail(map_region(fd, r->offset - PAGE, 2 * PAGE, PROT_READ), EINVAL);
	}
}

static void refuses_what_is_no_region(void)
{
	static const uint64_t offsets[] = {
		0,
		PAGE,
		MXL_OFFSET_CONTROL / 2,
		4ULL << 40,
		MXL_OFFSET_PAYLOAD(5),
		MXL_OFFSET_PAYLOAD(MXL_PAYLOADS_LIMIT - 1),
		MXL_OFFSET_PAYLOAD_0 - MXL_OFFSET_PAYLOAD_STEP,
		INT64_MAX - 2 * PAGE + 1,
	};
	size_t i;
	int fd;

	make_flow(&discrete);
	fd = attach(&flow);
	for (i = 0; i < ARRAY_SIZE(offsets); i++)
		must_fail(map_region(fd, offsets[i], PAGE, PROT_READ), EINVAL);
	must_fail(map_region(fd, MXL_OFFSET_DATA + 1, PAGE, PROT_READ), EINVAL);
}

static void refuses_private_mappings(void)
{
	const struct region *r;
	int fd;

	make_flow(&discrete);
	fd = attach(&flow);
	lock(fd);
	for_each_region(r)
	{
		must_fail(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, (off_t)r->offset), EINVAL);
		must_fail(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd,
			       (off_t)r->offset),
			  EINVAL);
	}
}

static void refuses_executable_mappings(void)
{
	const struct region *r;
	void *p;
	int fd;

	make_flow(&discrete);
	fd = attach(&flow);
	lock(fd);
	for_each_region(r)
	{
		must_fail(map_region(fd, r->offset, PAGE, PROT_EXEC), EPERM);
		must_fail(map_region(fd, r->offset, PAGE, PROT_READ | PROT_EXEC), EPERM);
		p = must(map_region(fd, r->offset, PAGE, PROT_READ));
		must_fail(mprotect(p, PAGE, PROT_READ | PROT_EXEC), EACCES);
	}
	for_each_file(r)
	{
		must_fail(map_region(fd, r->offset, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC),
			  EPERM);
		p = must(map_region(fd, r->offset, PAGE, PROT_READ | PROT_WRITE));
		must_fail(mprotect(p, PAGE, PROT_READ | PROT_EXEC), EACCES);
	}
}

static void control_page_says_what_state_says(void)
{
	const struct mxl_control *c;
	struct mxl_info info = make_info();
	int fd;

	make_flow(&discrete);
	fd = attach(&flow);
	must(ioctl(fd, MXL_IOC_INFO, &info));
	c = map_control(fd);
	check_eq(c->size, sizeof(*c));
	check_eq(c->version, MXL_UAPI_VERSION);
	check_eq(c->wake, MXL_WAKE_NONE);
	check_eq(c->writer, MXL_WRITER_NONE);
	check_eq(c->dead, 0);
	check_eq(c->epoch, 0);
	check_eq(c->generation, 1);
	check_eq(c->prefault, info.prefault);
	check_eq(c->spin_ns, info.spin_ns);
	check_eq(c->default_history_ns, info.default_history_ns);
	lock(fd);
	check_eq(c->writer, MXL_WRITER_HELD);
	check_eq(c->epoch, 1);
	unlock(fd);
	check_eq(c->writer, MXL_WRITER_NONE);
	check_eq(c->epoch, 1);
	flow_delete(&flow);
	eventually(c->dead);
}

/* Nothing of the kernel's shows behind the structure */
static void rest_of_the_pages_is_zero(void)
{
	unsigned char zero[PAGE];
	const unsigned char *p;
	int fd;

	make_flow(&discrete);
	fd = attach(&flow);
	memset(zero, 0, sizeof(zero));
	p = (const void *)map_control(fd);
	check(memcmp(p + sizeof(struct mxl_control), zero, PAGE - sizeof(struct mxl_control)) == 0);
	p = must(map_region(fd, MXL_OFFSET_ACTIVITY, PAGE, PROT_READ));
	check(memcmp(p, zero, PAGE) == 0);
}

static void activity_page_is_everybodys(void)
{
	struct mxl_activity *one, *two;
	int a, b;

	make_flow(&discrete);
	a = attach(&flow);
	b = attach(&flow);
	one = must(map_region(a, MXL_OFFSET_ACTIVITY, PAGE, PROT_READ | PROT_WRITE));
	two = must(map_region(b, MXL_OFFSET_ACTIVITY, PAGE, PROT_READ));
	one->last_read_ns = 123456789;
	check_eq(*(volatile __u64 *)&two->last_read_ns, 123456789);
	check_eq(get_state(b).last_read_ns, 123456789);
	must(mprotect(two, PAGE, PROT_READ | PROT_WRITE));
	two->last_read_ns = 5;
	check_eq(get_state(a).last_read_ns, 5);
}

/* ---- readers ----------------------------------------------------------------------------- */

static void readers_cannot_map_writable(void)
{
	const struct region *r;
	int a, b;

	make_flow(&discrete);
	a = attach(&flow);
	b = attach(&flow);
	must_fail(map_region(a, MXL_OFFSET_CONTROL, PAGE, PROT_READ | PROT_WRITE), EPERM);
	for_each_file(r)
	{
		must_fail(map_region(a, r->offset, PAGE, PROT_READ | PROT_WRITE), EPERM);
		must_fail(map_region(a, r->offset, PAGE, PROT_WRITE), EPERM);
	}
	/* nor when another attachment of the same process may */
	lock(b);
	for_each_file(r) must_fail(map_region(a, r->offset, PAGE, PROT_READ | PROT_WRITE), EPERM);
	must_fail(map_region(b, MXL_OFFSET_CONTROL, PAGE, PROT_READ | PROT_WRITE), EPERM);
	/* nor who may not any more */
	unlock(b);
	for_each_file(r) must_fail(map_region(b, r->offset, PAGE, PROT_READ | PROT_WRITE), EPERM);
}

static void readers_cannot_make_it_writable(void)
{
	const struct region *r;
	char line[256];
	void *p;
	int fd;

	make_flow(&discrete);
	fd = attach(&flow);
	for_each_region(r)
	{
		if (r->offset == MXL_OFFSET_ACTIVITY)
			continue;
		p = must(map_region(fd, r->offset, r->size, PROT_READ));
		must_fail(mprotect(p, r->size, PROT_READ | PROT_WRITE), EACCES);
		must_fail(mprotect(p, PAGE, PROT_WRITE), EACCES);
		must(mprotect(p, r->size, PROT_NONE));
		must_fail(mprotect(p, r->size, PROT_READ | PROT_WRITE), EACCES);
		must(mprotect(p, r->size, PROT_READ));
		check(maps_line(p, line, sizeof(line)));
		check(strstr(line, " r--s "));
		must(munmap(p, r->size));
	}
	/* not by becoming the writer afterwards, either */
	p = must(map_region(fd, MXL_OFFSET_DATA, PAGE, PROT_READ));
	lock(fd);
	must_fail(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
}

/* What was mapped without any permission is a reader's, too */
static void mapped_without_permission_stays_so(void)
{
	void *p;
	int fd;

	make_flow(&discrete);
	fd = attach(&flow);
	p = must(map_region(fd, MXL_OFFSET_PAYLOAD(0), PAGE, PROT_NONE));
	must_fail(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
	p = must(map_region(fd, MXL_OFFSET_CONTROL, PAGE, PROT_NONE));
	must_fail(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
}

static void readers_cannot_remap_to_more(void)
{
	const struct region *r;
	void *p, *q;
	int fd;

	make_flow(&discrete);
	fd = attach(&flow);
	for_each_region(r)
	{
		p = must(map_region(fd, r->offset, r->size, PROT_READ));
		/* grows, if at all, to where nothing is: the pages are the file's, not a neighbour's */
		q = mremap(p, r->size, r->size + PAGE, MREMAP_MAYMOVE);
		if (q != MAP_FAILED) {
			must_fail(mprotect(q, r->size + PAGE, PROT_READ | PROT_WRITE), EACCES);
			must(munmap(q, r->size + PAGE));
			continue;
		}
		/* moved, it is what it was */
		q = must(mremap(p, r->size, r->size, MREMAP_MAYMOVE | MREMAP_FIXED,
				(char *)must(mmap(NULL, r->size, PROT_NONE,
						  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))));
		if (r->offset != MXL_OFFSET_ACTIVITY)
			must_fail(mprotect(q, r->size, PROT_READ | PROT_WRITE), EACCES);
		must(munmap(q, r->size));
	}
}

static void copies_of_a_mapping_are_as_it_is(void)
{
	void *p, *q;
	int a, b;

	make_flow(&discrete);
	a = attach(&flow);
	b = attach(&flow);
	p = must(map_region(a, MXL_OFFSET_DATA, PAGE, PROT_READ));
	/* an old size of zero asks for a second mapping of the same pages */
	q = mremap(p, 0, PAGE, MREMAP_MAYMOVE);
	if (q == MAP_FAILED)
		skip("this kernel does not copy mappings: %m");
	must_fail(mprotect(q, PAGE, PROT_READ | PROT_WRITE), EACCES);
	must(close(a));
	must(munmap(p, PAGE));
	check_eq(get_state(b).attachments, 2);
	check_eq(((struct mxl_flow_header *)q)->version, MXL_FLOW_VERSION);
	must(munmap(q, PAGE));
	eventually(get_state(b).attachments == 1);
}

static void readers_cannot_write_behind_it(void)
{
	struct mxl_flow_header *h;
	struct iovec from, to;
	uint32_t evil = 0xbad;
	int fd, mem;

	make_flow(&discrete);
	fd = attach(&flow);
	h = must(map_region(fd, MXL_OFFSET_DATA, PAGE, PROT_READ));
	/* what debuggers use ignores the protection of private mappings only */
	mem = must(open("/proc/self/mem", O_RDWR));
	check(pwrite(mem, &evil, sizeof(evil), (off_t)(uintptr_t)&h->version) == -1);
	from = (struct iovec){ &evil, sizeof(evil) };
	to = (struct iovec){ &h->version, sizeof(evil) };
	check(process_vm_writev(getpid(), &from, 1, &to, 1, 0) == -1);
	must_fail(read(must(open("/dev/zero", O_RDONLY)), &h->version, 4), EFAULT);
	must_fail(madvise(h, PAGE, MADV_REMOVE), EACCES);
	check_eq(h->version, MXL_FLOW_VERSION);
}

struct poke {
	pid_t target;
	void *at;
	bool allowed;
};

static int poke_at(void *arg)
{
	struct poke *p = arg;
	int status;
	long word;

	must(ptrace(PTRACE_ATTACH, p->target, NULL, NULL));
	must(waitpid(p->target, &status, 0));
	check(WIFSTOPPED(status));
	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, p->target, p->at, NULL);
	check_eq(errno, 0);
	if (p->allowed)
		must(ptrace(PTRACE_POKEDATA, p->target, p->at, (void *)(word + 1)));
	else
		check(ptrace(PTRACE_POKEDATA, p->target, p->at, (void *)(word + 1)) == -1);
	must(ptrace(PTRACE_DETACH, p->target, NULL, NULL));
	return 0;
}

static int just_wait(void *arg)
{
	(void)arg;
	return pause();
}

static int write_and_wait(void *arg)
{
	struct writer *w = arg;

	writer_open(w, &flow);
	publish(w, 4, 8, 0);
	return pause();
}

/* A debugger writes where its victim may, and nowhere else */
static void debuggers_of_readers_cannot_write(void)
{
	struct mxl_flow_header *h;
	struct writer *w = shared(sizeof(*w));
	struct poke p;
	int fd;

	make_flow(&discrete);
	fd = attach(&flow);
	h = must(map_region(fd, MXL_OFFSET_DATA, PAGE, PROT_READ));
	p = (struct poke){ .target = spawn(just_wait, NULL), .at = &h->rate };
	reap_ok(spawn(poke_at, &p));
	check_eq(h->rate.numerator, 50);
	kill_and_reap(p.target);

	p.target = spawn(write_and_wait, w);
	eventually(get_state(fd).head == 4);
	p.at = &w->hdr->head_index;
	p.allowed = true;
	reap_ok(spawn(poke_at, &p));
	check_eq(get_state(fd).head, 5);
	kill_and_reap(p.target);
}

static void read_only_device_file_is_enough(void)
{
	const struct region *r;
	void *p;
	int fd;

	make_flow(&discrete);
	fd = must(open("/dev/mxl", O_RDONLY | O_CLOEXEC));
	must(try_attach(fd, &flow, NULL));
	for_each_region(r)
	{
		p = must(map_region(fd, r->offset, r->size, PROT_READ));
		must_fail(mprotect(p, r->size, PROT_READ | PROT_WRITE), EACCES);
	}
	lock(fd);
	for_each_file(r)
		must_fail(map_region(fd, r->offset, r->size, PROT_READ | PROT_WRITE), EACCES);
}

static int child_of_reader(void *arg)
{
	const struct mxl_flow_header *h = arg;

	check_eq(h->version, MXL_FLOW_VERSION);
	must_fail(mprotect(arg, PAGE, PROT_READ | PROT_WRITE), EACCES);
	return 0;
}

static void fork_inherits_readers_mappings(void)
{
	void *p;
	int a, b;
	pid_t pid;

	make_flow(&discrete);
	a = attach(&flow);
	b = attach(&flow);
	p = must(map_region(a, MXL_OFFSET_DATA, PAGE, PROT_READ));
	reap_ok(spawn(child_of_reader, p));
	/* which keep the attachment */
	must(close(b));
	b = attach(&flow);
	pid = must(fork());
	if (!pid) {
		close(a);
		pause();
	}
	must(close(a));
	must(munmap(p, PAGE));
	check_eq(get_state(b).attachments, 2);
	kill_and_reap(pid);
	eventually(get_state(b).attachments == 1);
}

static int receive_and_map(void *arg)
{
	int fd = receive_fd(*(int *)arg);
	const struct mxl_flow_header *h = must(map_region(fd, MXL_OFFSET_DATA, PAGE, PROT_READ));

	must_fail(map_region(fd, MXL_OFFSET_DATA, PAGE, PROT_READ | PROT_WRITE), EPERM);
	must_fail(mprotect((void *)h, PAGE, PROT_READ | PROT_WRITE), EACCES);
	check_eq(h->version, MXL_FLOW_VERSION);
	return 0;
}

static void receiver_of_the_descriptor_reads(void)
{
	int fd, sock[2];
	pid_t pid;

	make_flow(&discrete);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pid = spawn(receive_and_map, &sock[1]);
	fd = attach(&flow);
	lock(fd);
	send_fd(sock[0], fd);
	reap_ok(pid);
}

/* ---- the writer -------------------------------------------------------------------------- */

static void writer_writes_the_files(void)
{
	unsigned char byte;
	struct writer w;
	uint32_t i;
	const unsigned char *p;
	int reader, file;

	make_flow(&discrete);
	reader = attach(&flow);
	writer_open(&w, &flow);
	for (i = 0; i < flow.nr_payloads; i++) {
		w.payload[i][flow.payload_size - 1] = (unsigned char)(0x40 + i);
		p = must(map_region(reader, MXL_OFFSET_PAYLOAD(i), flow.payload_size, PROT_READ));
		check_eq(p[flow.payload_size - 1], 0x40 + i);
		file = must(flow_open(&flow, (int)i, O_RDONLY));
		check_eq(pread(file, &byte, 1, (off_t)flow.payload_size - 1), 1);
		check_eq(byte, 0x40 + i);
	}
	publish(&w, 77, 8, 0);
	check_eq(get_state(reader).head, 77);
	writer_close(&w);
	check_eq(get_state(reader).head, 77);
}

static void writer_maps_parts_and_again(void)
{
	unsigned char *p, *q;
	int fd;

	make_flow(&discrete);
	fd = attach(&flow);
	lock(fd);
	p = must(map_region(fd, MXL_OFFSET_PAYLOAD(1) + PAGE, PAGE, PROT_READ | PROT_WRITE));
	q = must(map_region(fd, MXL_OFFSET_PAYLOAD(1), 2 * PAGE, PROT_READ | PROT_WRITE));
	p[9] = 99;
	check_eq(((volatile unsigned char *)q)[PAGE + 9], 99);
	must(mprotect(p, PAGE, PROT_READ));
	must(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	/* split in three, then put away in parts */
	q = must(map_region(fd, MXL_OFFSET_PAYLOAD(2), 4 * PAGE, PROT_READ | PROT_WRITE));
	must(mprotect(q + PAGE, PAGE, PROT_READ));
	must(munmap(q + 2 * PAGE, PAGE));
	must(munmap(q, PAGE));
	must(munmap(q + PAGE, PAGE));
	must(munmap(q + 3 * PAGE, PAGE));
	must(munmap(p, PAGE));
}

static void neighbours_stay_apart(void)
{
	unsigned char *room, *p;
	int fd, reader;

	make_flow(&discrete);
	reader = attach(&flow);
	fd = attach(&flow);
	lock(fd);
	/* consecutive pages of one file: writer's, reader's, other reader's, writer's */
	room = must(mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	for (p = room; p < room + 4 * PAGE; p += PAGE) {
		bool writes = p == room || p == room + 3 * PAGE;

		must(mmap(p, PAGE, writes ? PROT_READ | PROT_WRITE : PROT_READ,
			  MAP_SHARED | MAP_FIXED, p == room + 2 * PAGE ? reader : fd,
			  (off_t)(MXL_OFFSET_PAYLOAD(0) + (uint64_t)(p - room))));
	}
	room[1] = 1;
	room[3 * PAGE + 1] = 1;
	must_fail(mprotect(room + PAGE, PAGE, PROT_READ | PROT_WRITE), EACCES);
	must_fail(mprotect(room + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE), EACCES);
	must(munmap(room + PAGE, 2 * PAGE));
	check(get_state(reader).flags & MXL_STATE_LOCKED);
	must(close(fd));
	check(get_state(reader).flags & MXL_STATE_LOCKED);
	must(munmap(room, 4 * PAGE));
	check(!(get_state(reader).flags & MXL_STATE_LOCKED));
}

static int child_of_writer(void *arg)
{
	struct writer *w = arg;
	char line[256];
	uint32_t i;

	check(!maps_line(w->hdr, line, sizeof(line)));
	for (i = 0; i < flow.nr_payloads; i++)
		check(!maps_line(w->payload[i], line, sizeof(line)));
	must_fail(map_region(w->fd, MXL_OFFSET_DATA, PAGE, PROT_READ | PROT_WRITE), EPERM);
	must_fail(map_region(w->fd, MXL_OFFSET_PAYLOAD(0), PAGE, PROT_READ | PROT_WRITE), EPERM);
	/* it may read like everybody */
	check_eq(((struct mxl_flow_header *)must(
			  map_region(w->fd, MXL_OFFSET_DATA, PAGE, PROT_READ)))
			 ->version,
		 MXL_FLOW_VERSION);
	return 0;
}

static void fork_does_not_inherit_writers_mappings(void)
{
	struct writer w;

	make_flow(&discrete);
	writer_open(&w, &flow);
	reap_ok(spawn(child_of_writer, &w));
	publish(&w, 1, 8, 0);
}

static int write_and_end(void *arg)
{
	*(volatile unsigned char *)arg = 42;
	return 0;
}

static void memory_handed_on_is_counted(void)
{
	unsigned char *p;
	pid_t pid;
	int a, b;

	make_flow(&discrete);
	a = attach(&flow);
	b = attach(&flow);
	lock(a);
	p = must(map_region(a, MXL_OFFSET_PAYLOAD(0), PAGE, PROT_READ | PROT_WRITE));
	/* the writer may want its children to write: then the lock lives as long as they do */
	if (madvise(p, PAGE, MADV_DOFORK))
		skip("this kernel does not let the mapping be inherited: %m");
	reap_ok(spawn(write_and_end, p));
	check_eq(*(volatile unsigned char *)p, 42);
	pid = must(fork());
	if (!pid) {
		close(a);
		pause();
	}
	must(munmap(p, PAGE));
	must(close(a));
	check(get_state(b).flags & MXL_STATE_LOCKED);
	must_fail(try_lock(b, 0), EBUSY);
	kill_and_reap(pid);
	eventually(!(get_state(b).flags & MXL_STATE_LOCKED));
	must(try_lock(b, 0));
}

static void writer_can_leave_one_for_another(void)
{
	struct writer one, two;

	make_flow(&discrete);
	writer_open(&one, &flow);
	publish(&one, 1, 8, 0);
	writer_close(&one);
	writer_open(&two, &flow);
	check_eq(two.hdr->head_index, 1);
	publish(&two, 2, 8, 0);
	check_eq(get_state(two.fd).head, 2);
}

/* ---- life -------------------------------------------------------------------------------- */

static void mapping_outlives_the_descriptor(void)
{
	const struct region *r;
	unsigned char *p;
	int a, b;

	make_flow(&discrete);
	b = attach(&flow);
	for_each_region(r)
	{
		a = attach(&flow);
		p = must(map_region(a, r->offset, r->size, PROT_READ));
		must(close(a));
		check_eq(get_state(b).attachments, 2);
		check(*(volatile unsigned char *)(p + r->size - 1) == 0);
		must(munmap(p, r->size));
		eventually(get_state(b).attachments == 1);
	}
}

static void last_mapping_keeps_the_flow(void)
{
	const struct mxl_control *c;
	int a, b;

	make_flow(&discrete);
	a = attach(&flow);
	c = map_control(a);
	lock(a);
	must(close(a));
	eventually(c->writer == MXL_WRITER_NONE);
	check_eq(c->epoch, 1);
	/* the same flow, with its history */
	b = attach(&flow);
	lock(b);
	check_eq(c->epoch, 2);
	check_eq(get_state(b).attachments, 2);
	check_eq(c->writer, MXL_WRITER_HELD);
}

static void dead_flow_is_not_mapped_anew(void)
{
	const struct region *r;
	struct writer w;
	void *p;
	int fd;

	make_flow(&discrete);
	fd = attach(&flow);
	p = must(map_region(fd, MXL_OFFSET_DATA, PAGE, PROT_READ));
	writer_open(&w, &flow);
	flow_delete(&flow);
	eventually(get_state(fd).flags & MXL_STATE_DEAD);
	for_each_file(r)
	{
		must_fail(map_region(fd, r->offset, r->size, PROT_READ), ENODEV);
		must_fail(map_region(w.fd, r->offset, r->size, PROT_READ | PROT_WRITE), ENODEV);
	}
	/* what is mapped is there, and so are the module's own pages */
	check_eq(((struct mxl_flow_header *)p)->version, MXL_FLOW_VERSION);
	w.payload[0][0] = 1;
	check_eq(map_control(fd)->dead, 1);
}

/* ---- ordinary pages ---------------------------------------------------------------------- */

static void pipes_take_the_pages(void)
{
	unsigned char got[PAGE];
	struct writer w;
	struct iovec iov;
	unsigned char *p;
	int pipe_fds[2], fd;

	make_flow(&discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	memset(w.payload[0] + 8192, 0x5c, PAGE);
	p = must(map_region(fd, MXL_OFFSET_PAYLOAD(0), flow.payload_size, PROT_READ));
	must(pipe(pipe_fds));
	check_eq(write(pipe_fds[1], p + 8192, PAGE), PAGE);
	check_eq(read(pipe_fds[0], got, PAGE), PAGE);
	check(memcmp(got, p + 8192, PAGE) == 0);

	iov = (struct iovec){ p + 8192, PAGE };
	check_eq(vmsplice(pipe_fds[1], &iov, 1, 0), PAGE);
	memset(got, 0, sizeof(got));
	check_eq(read(pipe_fds[0], got, PAGE), PAGE);
	check(memcmp(got, p + 8192, PAGE) == 0);

	/* the other way round, into what the writer has mapped */
	check_eq(write(pipe_fds[1], "hello", 5), 5);
	check_eq(read(pipe_fds[0], w.payload[1] + 8192, 5), 5);
	check(memcmp(w.payload[1] + 8192, "hello", 5) == 0);
	must_fail(write(pipe_fds[1], "hello", 5) == 5 ? read(pipe_fds[0], p, 5) : 0, EFAULT);
}

static int copy_across(void *arg)
{
	const struct writer *w = arg;
	unsigned char mine[PAGE], theirs[PAGE];
	struct iovec local = { mine, PAGE }, remote = { w->payload[3] + 8192, PAGE };

	memset(theirs, 0x77, sizeof(theirs));
	check_eq(process_vm_readv(getppid(), &local, 1, &remote, 1, 0), PAGE);
	check(memcmp(mine, theirs, PAGE) == 0);
	/* a debugger of the writer writes, as it may */
	memset(mine, 0x78, sizeof(mine));
	check_eq(process_vm_writev(getppid(), &local, 1, &remote, 1, 0), PAGE);
	return 0;
}

static void other_processes_copy_them(void)
{
	struct writer w;

	make_flow(&discrete);
	writer_open(&w, &flow);
	memset(w.payload[3] + 8192, 0x77, PAGE);
	reap_ok(spawn(copy_across, &w));
	check_eq(w.payload[3][8192], 0x78);
	check_eq(w.payload[3][8192 + PAGE - 1], 0x78);
}

static void direct_io_reads_into_them(void)
{
	unsigned char *pattern;
	char path[128];
	struct writer w;
	int file;

	make_flow(&discrete);
	writer_open(&w, &flow);
	snprintf(path, sizeof(path), "%s/source", test_dir());
	file = open(path, O_RDWR | O_CREAT | O_DIRECT, 0600);
	if (file < 0)
		skip("no file system here does direct I/O: %m");
	pattern =
		must(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	memset(pattern, 0x31, PAGE);
	check_eq(pwrite(file, pattern, PAGE, 0), PAGE);
	check_eq(pread(file, w.payload[2] + 8192, PAGE, 0), PAGE);
	check(memcmp(w.payload[2] + 8192, pattern, PAGE) == 0);
	check_eq(pwrite(file, w.payload[2] + 8192, PAGE, 0), PAGE);
}

static long futex(void *word, int op, uint32_t value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op, value, timeout, NULL, FUTEX_BITSET_MATCH_ANY);
}

static int register_buffer(int ring, void *at, size_t size)
{
	struct iovec buffer = { at, size };

	return (int)syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &buffer, 1);
}

/* A buffer that io_uring may write into for as long as it likes is only for who may write */
static void fixed_buffers_are_writable_ones(void)
{
	struct io_uring_params params = { 0 };
	const struct region *r;
	struct writer w;
	int fd, ring;

	make_flow(&discrete);
	fd = attach(&flow);
	ring = (int)syscall(SYS_io_uring_setup, 1, &params);
	if (ring < 0)
		skip("this kernel has no io_uring: %m");
	for_each_region(r)
	{
		void *p = must(map_region(fd, r->offset, r->size, PROT_READ));

		check(register_buffer(ring, p, r->size) == -1);
		check(errno == EFAULT || errno == EOPNOTSUPP);
		must(munmap(p, r->size));
	}

	writer_open(&w, &flow);
	if (register_buffer(ring, w.payload[0], flow.payload_size)) {
		/* Before Linux 6.5 only for mappings that are tmpfs's own to the last pointer */
		check_eq(errno, EOPNOTSUPP);
		return;
	}
	/* What was taken while it could write keeps nobody from leaving, or another from coming */
	writer_close(&w);
	lock(fd);
	must(close(ring));
}

static int sleep_on_futex(void *arg)
{
	struct mxl_flow_header *h = arg;

	return futex(&h->sync_counter, FUTEX_WAIT, 0, NULL) ? errno : 0;
}

static void futex_reaches_across_mappings(void)
{
	struct mxl_flow_header *by_device, *by_file;
	struct writer w;
	pid_t a, b;
	int fd, file;
	long woken = 0;

	make_flow(&discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	by_device = must(map_region(fd, MXL_OFFSET_DATA, PAGE, PROT_READ));
	file = must(flow_open(&flow, DATA, O_RDONLY));
	by_file = must(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0));
	a = spawn(sleep_on_futex, by_device);
	b = spawn(sleep_on_futex, by_file);
	eventually((woken += must(futex(&w.hdr->sync_counter, FUTEX_WAKE, INT_MAX, NULL))) == 2);
	reap_ok(a);
	reap_ok(b);
}

static void mlock_and_msync_work(void)
{
	struct writer w;

	make_flow(&discrete);
	writer_open(&w, &flow);
	must(mlock(w.payload[0], flow.payload_size));
	must(msync(w.payload[0], PAGE, MS_SYNC));
	must(munlock(w.payload[0], flow.payload_size));
	must(madvise(w.payload[0], PAGE, MADV_WILLNEED));
	w.payload[0][100] = 3;
	/* forgotten by this process, not by the file */
	must(madvise(w.payload[0], PAGE, MADV_DONTNEED));
	check_eq(((volatile unsigned char *)w.payload[0])[100], 3);
}

/* On a file system that uses pages of another size */
static void works_with_huge_pages(void)
{
	struct flow_spec spec = discrete;
	unsigned char *p;
	struct writer w;
	char dir[128];
	int fd;

	must(unshare(CLONE_NEWNS));
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	snprintf(dir, sizeof(dir), "%s/huge", test_dir());
	must(mkdir(dir, 0755));
	if (mount("huge", dir, "tmpfs", 0, "huge=always"))
		skip("this kernel has no huge pages on tmpfs");
	spec.grains = 2;
	spec.slice_bytes = 512 * 1024;
	snprintf(dir, sizeof(dir), "%s/huge/flow", test_dir());
	flow_make(&flow, dir, &spec);
	fd = attach(&flow);
	writer_open(&w, &flow);
	publish(&w, 3, 8, 0);
	memset(w.payload[1] + 8192, 0x42, flow.payload_size - 8192);
	must(wait_index(fd, 3, 8, LONG_NS));
	p = must(map_region(fd, MXL_OFFSET_PAYLOAD(1), flow.payload_size, PROT_READ));
	check_eq(p[8192], 0x42);
	check_eq(p[flow.payload_size - 1], 0x42);
	must_fail(mprotect(p, flow.payload_size, PROT_READ | PROT_WRITE), EACCES);
	must(munmap(p + (2 << 20), PAGE));
	check_eq(p[flow.payload_size - 1], 0x42);
	must(munmap(p, flow.payload_size));
	writer_close(&w);
	must(close(fd));
	snprintf(dir, sizeof(dir), "%s/huge", test_dir());
	must(umount(dir));
}

static void maps_populated(void)
{
	unsigned char vec[16];
	void *p;
	int fd;

	make_flow(&discrete);
	fd = attach(&flow);
	p = must(mmap(NULL, flow.payload_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd,
		      (off_t)MXL_OFFSET_PAYLOAD(4)));
	must(mincore(p, flow.payload_size, vec));
	check(vec[0] & 1);
	check(vec[flow.payload_size / PAGE - 1] & 1);
}

static const struct test tests[] = {
	TEST(maps_every_region),
	TEST(maps_samples),
	TEST(maps_parts_of_files),
	TEST(refuses_a_page_too_far),
	TEST(refuses_what_is_no_region),
	TEST(refuses_private_mappings),
	TEST(refuses_executable_mappings),
	TEST(control_page_says_what_state_says),
	TEST(rest_of_the_pages_is_zero),
	TEST(activity_page_is_everybodys),
	TEST(readers_cannot_map_writable),
	TEST(readers_cannot_make_it_writable),
	TEST(mapped_without_permission_stays_so),
	TEST(readers_cannot_remap_to_more),
	TEST(copies_of_a_mapping_are_as_it_is),
	TEST(readers_cannot_write_behind_it),
	TEST(debuggers_of_readers_cannot_write),
	TEST(read_only_device_file_is_enough),
	TEST(fork_inherits_readers_mappings),
	TEST(receiver_of_the_descriptor_reads),
	TEST(writer_writes_the_files),
	TEST(writer_maps_parts_and_again),
	TEST(neighbours_stay_apart),
	TEST(fork_does_not_inherit_writers_mappings),
	TEST(memory_handed_on_is_counted),
	TEST(writer_can_leave_one_for_another),
	TEST(mapping_outlives_the_descriptor),
	TEST(last_mapping_keeps_the_flow),
	TEST(dead_flow_is_not_mapped_anew),
	TEST(pipes_take_the_pages),
	TEST(other_processes_copy_them),
	TEST(direct_io_reads_into_them),
	TEST(fixed_buffers_are_writable_ones),
	TEST(futex_reaches_across_mappings),
	TEST(mlock_and_msync_work),
	TEST(maps_populated),
	TEST(works_with_huge_pages),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

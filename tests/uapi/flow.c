// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "flow.h"

const struct flow_spec discrete = {
	.format = MXL_LAYOUT_FORMAT_VIDEO,
	.num = 50,
	.den = 1,
	.grains = 5,
	.slices = 8,
	.slice_bytes = 1024,
};

const struct flow_spec continuous = {
	.format = MXL_LAYOUT_FORMAT_AUDIO,
	.num = 48000,
	.den = 1,
	.channels = 2,
	.length = 4096,
	.word = 4,
};

/* ---- files of a flow --------------------------------------------------------------------- */

static bool is_continuous(const struct flow *f)
{
	return f->spec.format == MXL_LAYOUT_FORMAT_AUDIO;
}

void flow_path(const struct flow *f, int file, char path[128])
{
	if (file == DATA)
		snprintf(path, 128, "%s/data", f->dir);
	else if (is_continuous(f))
		snprintf(path, 128, "%s/channels", f->dir);
	else
		snprintf(path, 128, "%s/grains/data.%d", f->dir, file);
}

int flow_open(const struct flow *f, int file, int flags)
{
	char path[128];

	flow_path(f, file, path);
	return open(path, flags | O_CLOEXEC, 0664);
}

static void write_file(const struct flow *f, int file, const void *header, size_t size,
		       uint64_t file_size)
{
	int fd = must(flow_open(f, file, O_RDWR | O_CREAT | O_EXCL));

	check_eq(posix_fallocate(fd, 0, (off_t)file_size), 0);
	if (size)
		check_eq(pwrite(fd, header, size, 0), size);
	must(close(fd));
}

static void make_data(const struct flow *f)
{
	struct mxl_flow_header h = {
		.version = MXL_FLOW_VERSION,
		.size = MXL_FLOW_INFO_SIZE,
		.id = { 0xde, 0xad, 0xbe, 0xef },
		.format = f->spec.format,
		.rate = { f->spec.num, f->spec.den },
		.device_index = -1,
	};
	struct stat st;
	int fd;

	if (is_continuous(f)) {
		h.continuous.channel_count = f->spec.channels;
		h.continuous.buffer_length = f->spec.length;
	} else {
		h.discrete.grain_count = f->spec.grains;
		h.discrete.slice_sizes[0] = f->spec.slice_bytes;
		h.max_commit_batch = f->spec.slices;
		h.max_sync_batch = f->spec.slices;
	}
	h.last_write_time = h.last_read_time = now_ns(CLOCK_TAI);
	write_file(f, DATA, &h, sizeof(h), MXL_FLOW_HEADER_SIZE);

	fd = must(flow_open(f, DATA, O_RDWR));
	must(fstat(fd, &st));
	h.inode = st.st_ino;
	check_eq(pwrite(fd, &h, sizeof(h), 0), sizeof(h));
	must(close(fd));
}

void flow_make(struct flow *f, const char *name, const struct flow_spec *spec)
{
	struct mxl_grain_header grain = {
		.version = MXL_GRAIN_VERSION,
		.size = MXL_GRAIN_HEADER_SIZE,
		.grain_size = spec->slices * spec->slice_bytes,
		.total_slices = (uint16_t)spec->slices,
	};
	char path[128];
	uint32_t i;

	memset(f, 0, sizeof(*f));
	f->spec = *spec;
	snprintf(f->dir, sizeof(f->dir), "%s%s%s", name[0] == '/' ? "" : test_dir(),
		 name[0] == '/' ? "" : "/", name);
	must(mkdir(f->dir, 0755));
	make_data(f);
	if (is_continuous(f)) {
		f->nr_payloads = 1;
		f->payload_size = (uint64_t)spec->channels * spec->length * spec->word;
		write_file(f, 0, NULL, 0, f->payload_size);
		return;
	}
	check(spec->grains <= MAX_PAYLOADS);
	f->nr_payloads = spec->grains;
	f->payload_size = MXL_GRAIN_PAYLOAD_OFFSET + grain.grain_size;
	snprintf(path, sizeof(path), "%s/grains", f->dir);
	must(mkdir(path, 0755));
	for (i = 0; i < spec->grains; i++)
		write_file(f, (int)i, &grain, sizeof(grain), f->payload_size);
}

void flow_delete(const struct flow *f)
{
	char path[128];
	int i;

	for (i = DATA; i < (int)f->nr_payloads; i++) {
		flow_path(f, i, path);
		must(unlink(path));
	}
	snprintf(path, sizeof(path), "%s/grains", f->dir);
	if (!is_continuous(f))
		must(rmdir(path));
	must(rmdir(f->dir));
}

void flow_chmod(const struct flow *f, mode_t mode)
{
	char path[128];
	int i;

	for (i = DATA; i < (int)f->nr_payloads; i++) {
		flow_path(f, i, path);
		must(chmod(path, mode));
	}
}

void flow_chown(const struct flow *f, uid_t uid)
{
	char path[128];
	int i;

	for (i = DATA; i < (int)f->nr_payloads; i++) {
		flow_path(f, i, path);
		must(chown(path, uid, uid));
	}
}

/* ---- calls ------------------------------------------------------------------------------- */

#define POISONED(type, name)                 \
	type name;                           \
	memset(&name, POISON, sizeof(name)); \
	name.size = sizeof(name)

struct mxl_info make_info(void)
{
	POISONED(struct mxl_info, arg);
	arg.pad = 0;
	return arg;
}

struct mxl_attach make_attach(int data_fd, uint32_t first, const int *fds, uint32_t n)
{
	POISONED(struct mxl_attach, arg);
	arg.flags = 0;
	arg.data_fd = data_fd;
	arg.first = first;
	arg.payload_fds = (uintptr_t)fds;
	arg.nr_payload_fds = n;
	return arg;
}

struct mxl_lock make_lock(uint64_t timeout_ns)
{
	POISONED(struct mxl_lock, arg);
	arg.flags = 0;
	arg.timeout_ns = timeout_ns;
	return arg;
}

struct mxl_unlock make_unlock(void)
{
	return (struct mxl_unlock){ .size = sizeof(struct mxl_unlock) };
}

struct mxl_wait make_wait(uint64_t index, uint32_t slices, uint64_t timeout_ns)
{
	POISONED(struct mxl_wait, arg);
	arg.flags = 0;
	arg.index = index;
	arg.timeout_ns = timeout_ns;
	arg.generation = MXL_GENERATION_ANY;
	arg.slices = slices;
	return arg;
}

struct mxl_wait_item make_item(int fd, uint64_t index, uint32_t slices)
{
	struct mxl_wait_item item;

	memset(&item, POISON, sizeof(item));
	item.fd = fd;
	item.slices = slices;
	item.index = index;
	item.generation = MXL_GENERATION_ANY;
	return item;
}

struct mxl_wait_many make_many(struct mxl_wait_item *items, uint32_t n, uint64_t timeout_ns)
{
	POISONED(struct mxl_wait_many, arg);
	arg.flags = 0;
	arg.items = (uintptr_t)items;
	arg.nr_items = n;
	arg.item_size = sizeof(*items);
	arg.timeout_ns = timeout_ns;
	arg.pad = 0;
	return arg;
}

struct mxl_commit make_commit(uint32_t flags)
{
	POISONED(struct mxl_commit, arg);
	arg.flags = flags;
	arg.pad = 0;
	return arg;
}

struct mxl_arm make_arm(uint32_t events, uint64_t index, uint32_t slices)
{
	POISONED(struct mxl_arm, arg);
	arg.events = events;
	arg.index = index;
	arg.generation = MXL_GENERATION_ANY;
	arg.epoch = MXL_EPOCH_ANY;
	arg.slices = slices;
	return arg;
}

struct mxl_state make_state(void)
{
	POISONED(struct mxl_state, arg);
	arg.pad = 0;
	return arg;
}

int open_device(void)
{
	return must(open("/dev/mxl", O_RDWR | O_CLOEXEC));
}

struct mxl_state get_state(int fd)
{
	struct mxl_state s = make_state();

	must(ioctl(fd, MXL_IOC_STATE, &s));
	return s;
}

/* What no failed call changes; outsiders may go at any time */
static bool same_state(struct mxl_state *a, struct mxl_state *b)
{
	a->flags &= ~MXL_STATE_OUTSIDERS;
	b->flags &= ~MXL_STATE_OUTSIDERS;
	return memcmp(a, b, sizeof(*a)) == 0;
}

void refused_at(const char *file, int line, int fd, unsigned long cmd, void *arg, int error)
{
	struct mxl_state before = make_state(), after = make_state();
	size_t size = _IOC_SIZE(cmd);
	unsigned char copy[256];
	bool attached;
	int ret, err;

	check(size <= sizeof(copy));
	memcpy(copy, arg, size);
	attached = ioctl(fd, MXL_IOC_STATE, &before) == 0;
	ret = ioctl(fd, cmd, arg);
	err = errno;
	if (ret != -1)
		fail_at(file, line, "call %#lx returned %d, not %s", cmd, ret, strerror(error));
	if (err != error)
		fail_at(file, line, "call %#lx: %s, not %s", cmd, strerror(err), strerror(error));
	if (memcmp(copy, arg, size))
		fail_at(file, line, "call %#lx failed and wrote to its argument", cmd);
	if (attached != (ioctl(fd, MXL_IOC_STATE, &after) == 0))
		fail_at(file, line, "call %#lx failed and attached the file", cmd);
	if (attached && !same_state(&before, &after))
		fail_at(file, line, "call %#lx failed and changed the flow", cmd);
}

int try_attach(int fd, const struct flow *f, struct mxl_attach *ret_arg)
{
	int fds[MAX_PAYLOADS], data, ret, err;
	struct mxl_attach arg;
	uint32_t i;

	data = flow_open(f, DATA, O_RDONLY);
	for (i = 0; i < f->nr_payloads; i++)
		fds[i] = flow_open(f, (int)i, O_RDONLY);
	arg = make_attach(data, 0, fds, f->nr_payloads);
	ret = ioctl(fd, MXL_IOC_ATTACH, &arg);
	err = errno;
	close(data);
	for (i = 0; i < f->nr_payloads; i++)
		close(fds[i]);
	if (ret_arg)
		*ret_arg = arg;
	errno = err;
	return ret;
}

int attach(const struct flow *f)
{
	struct mxl_attach arg;
	int fd = open_device();

	must(try_attach(fd, f, &arg));
	check_eq(arg.missing, 0);
	return fd;
}

int try_lock(int fd, uint64_t timeout_ns)
{
	struct mxl_lock arg = make_lock(timeout_ns);

	return ioctl(fd, MXL_IOC_LOCK, &arg);
}

void lock(int fd)
{
	/* A fork elsewhere may hold a descriptor for a moment */
	must(try_lock(fd, LONG_NS));
}

void unlock(int fd)
{
	struct mxl_unlock arg = make_unlock();

	must(ioctl(fd, MXL_IOC_UNLOCK, &arg));
}

int wait_index(int fd, uint64_t index, uint32_t slices, uint64_t timeout_ns)
{
	struct mxl_wait arg = make_wait(index, slices, timeout_ns);

	return ioctl(fd, MXL_IOC_WAIT, &arg);
}

/* ---- regions ----------------------------------------------------------------------------- */

void *map_region(int fd, uint64_t offset, size_t size, int prot)
{
	return mmap(NULL, size, prot, MAP_SHARED, fd, (off_t)offset);
}

const struct mxl_control *map_control(int fd)
{
	return must(map_region(fd, MXL_OFFSET_CONTROL, 4096, PROT_READ));
}

/* ---- a writer ---------------------------------------------------------------------------- */

void writer_map(struct writer *w)
{
	uint32_t i;

	w->hdr = must(
		map_region(w->fd, MXL_OFFSET_DATA, MXL_FLOW_HEADER_SIZE, PROT_READ | PROT_WRITE));
	for (i = 0; i < w->flow->nr_payloads; i++)
		w->payload[i] = must(map_region(w->fd, MXL_OFFSET_PAYLOAD(i), w->flow->payload_size,
						PROT_READ | PROT_WRITE));
}

void writer_unmap(struct writer *w)
{
	uint32_t i;

	must(munmap(w->hdr, MXL_FLOW_HEADER_SIZE));
	for (i = 0; i < w->flow->nr_payloads; i++)
		must(munmap(w->payload[i], w->flow->payload_size));
}

void writer_open(struct writer *w, const struct flow *f)
{
	w->flow = f;
	w->fd = attach(f);
	lock(w->fd);
	w->control = map_control(w->fd);
	writer_map(w);
}

void writer_close(struct writer *w)
{
	writer_unmap(w);
	must(munmap((void *)w->control, 4096));
	must(close(w->fd));
}

static void signal_commit(struct writer *w, uint64_t head)
{
	w->hdr->last_write_time = now_ns(CLOCK_TAI);
	__atomic_store_n(&w->hdr->head_index, head, __ATOMIC_RELEASE);
	__atomic_add_fetch(&w->hdr->sync_counter, 1, __ATOMIC_SEQ_CST);
}

void publish(struct writer *w, uint64_t index, uint32_t valid_slices, uint32_t flags)
{
	struct mxl_grain_header *g = (void *)w->payload[index % w->flow->nr_payloads];

	if (g->index != index) {
		__atomic_store_n(&g->valid_slices, 0, __ATOMIC_RELEASE);
		__atomic_store_n(&g->index, index, __ATOMIC_RELEASE);
	}
	g->flags = flags;
	__atomic_store_n(&g->valid_slices, (uint16_t)valid_slices, __ATOMIC_RELEASE);
	signal_commit(w, index);
}

void publish_samples(struct writer *w, uint64_t head)
{
	signal_commit(w, head);
}

static uint32_t commit_with(struct writer *w, uint32_t flags)
{
	struct mxl_commit arg = make_commit(flags);

	must(ioctl(w->fd, MXL_IOC_COMMIT, &arg));
	return arg.woken;
}

uint32_t commit(struct writer *w)
{
	return commit_with(w, 0);
}

uint32_t new_generation(struct writer *w)
{
	return commit_with(w, MXL_COMMIT_NEW_GENERATION);
}

/* ---- readers that sleep ------------------------------------------------------------------ */

static int sleeper_process(void *arg)
{
	struct sleeper *s = arg;

	s->result = ioctl(s->fd, MXL_IOC_WAIT, &s->arg) ? errno : 0;
	s->at_ns = now_ns(CLOCK_MONOTONIC);
	__atomic_store_n(&s->returned, true, __ATOMIC_RELEASE);
	return 0;
}

void wait_for_waiters(int fd, uint32_t n)
{
	eventually(get_state(fd).waiters == n);
}

void wait_for_lockers(int fd, uint32_t n)
{
	eventually(get_state(fd).lockers == n);
}

struct sleeper *sleeper_start(int fd, struct mxl_wait arg, uint32_t queued)
{
	struct sleeper *s = shared(sizeof(*s));

	s->fd = fd;
	s->arg = arg;
	s->pid = spawn(sleeper_process, s);
	if (queued) {
		wait_for_waiters(fd, queued);
		eventually(is_in_state(s->pid, "S"));
	}
	return s;
}

int sleeper_result(struct sleeper *s)
{
	reap_ok(s->pid);
	check(s->returned);
	return s->result;
}

static int locker_process(void *arg)
{
	struct locker *l = arg;

	l->result = ioctl(l->fd, MXL_IOC_LOCK, &l->arg) ? errno : 0;
	__atomic_store_n(&l->returned, true, __ATOMIC_RELEASE);
	eventually(__atomic_load_n(&l->leave, __ATOMIC_ACQUIRE));
	if (!l->result)
		unlock(l->fd);
	return 0;
}

struct locker *locker_start(int fd, uint64_t timeout_ns)
{
	struct locker *l = shared(sizeof(*l));

	l->fd = fd;
	l->arg = make_lock(timeout_ns);
	l->pid = spawn(locker_process, l);
	return l;
}

int locker_result(struct locker *l)
{
	eventually(__atomic_load_n(&l->returned, __ATOMIC_ACQUIRE));
	return l->result;
}

void locker_leave(struct locker *l)
{
	__atomic_store_n(&l->leave, true, __ATOMIC_RELEASE);
	reap_ok(l->pid);
}

// SPDX-License-Identifier: Apache-2.0
/* MXL_IOC_ATTACH: what is adopted, what is joined, and everything that is neither */
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include "sysfs.h"

/* Files of a flow, opened */
struct opened {
	int data;
	int payload[MAX_PAYLOADS];
};

static struct opened open_all(const struct flow *f)
{
	struct opened o;
	uint32_t i;

	o.data = must(flow_open(f, DATA, O_RDONLY));
	for (i = 0; i < f->nr_payloads; i++)
		o.payload[i] = must(flow_open(f, (int)i, O_RDONLY));
	return o;
}

/* The flow as it is now is refused with @error */
static void attach_refused_at(int line, const struct flow *f, int error)
{
	struct opened o = open_all(f);
	struct mxl_attach arg = make_attach(o.data, 0, o.payload, f->nr_payloads);
	int fd = open_device();
	uint32_t i;

	refused_at(__FILE__, line, fd, MXL_IOC_ATTACH, &arg, error);
	must(close(fd));
	must(close(o.data));
	for (i = 0; i < f->nr_payloads; i++)
		must(close(o.payload[i]));
}
#define attach_refused(f, error) attach_refused_at(__LINE__, f, error)

/* Changes bytes of a file */
static void patch(const struct flow *f, int file, size_t offset, const void *bytes, size_t n)
{
	int fd = must(flow_open(f, file, O_RDWR));

	check_eq(pwrite(fd, bytes, n, (off_t)offset), n);
	must(close(fd));
}

static void patch32(const struct flow *f, int file, size_t offset, uint32_t value)
{
	patch(f, file, offset, &value, sizeof(value));
}

static void patch64(const struct flow *f, int file, size_t offset, int64_t value)
{
	patch(f, file, offset, &value, sizeof(value));
}

static void resize(const struct flow *f, int file, uint64_t size)
{
	int fd = must(flow_open(f, file, O_RDWR));

	must(ftruncate(fd, (off_t)size));
	must(close(fd));
}

/* ---- what is accepted -------------------------------------------------------------------- */

static void adopts_grains(void)
{
	struct mxl_attach arg;
	struct flow f;
	int fd;

	flow_make(&f, "flow", &discrete);
	fd = open_device();
	must(try_attach(fd, &f, &arg));
	check_eq(arg.missing, 0);
	check_eq(arg.kind, MXL_KIND_DISCRETE);
	check_eq(arg.nr_payloads, 5);
	check_eq(arg.rate_num, 50);
	check_eq(arg.rate_den, 1);
	check_eq(arg.payload_size, 8192 + 8 * 1024);
	check_eq(arg.data_size, MXL_FLOW_HEADER_SIZE);
	check_eq(arg.total_slices, 8);
	check_eq(arg.channels, 0);
	check_eq(arg.buffer_length, 0);
	check_eq(arg.word_size, 0);
	check_eq(arg.generation, 1);
	check_eq(arg.epoch, 0);
}

static void adopts_samples(void)
{
	struct mxl_attach arg;
	struct flow f;
	int fd;

	flow_make(&f, "flow", &continuous);
	fd = open_device();
	must(try_attach(fd, &f, &arg));
	check_eq(arg.missing, 0);
	check_eq(arg.kind, MXL_KIND_CONTINUOUS);
	check_eq(arg.nr_payloads, 1);
	check_eq(arg.rate_num, 48000);
	check_eq(arg.payload_size, 2 * 4096 * 4);
	check_eq(arg.total_slices, 0);
	check_eq(arg.channels, 2);
	check_eq(arg.buffer_length, 4096);
	check_eq(arg.word_size, 4);
}

static void adopts_odd_but_valid(void)
{
	struct flow_spec spec = discrete;
	struct flow f;

	spec.format = MXL_LAYOUT_FORMAT_DATA;
	spec.grains = 2;
	spec.slices = 1;
	spec.slice_bytes = 1;
	spec.num = 60000;
	spec.den = 1001;
	flow_make(&f, "tiny", &spec);
	must(close(attach(&f)));

	spec = continuous;
	spec.channels = 1;
	spec.length = 512;
	spec.word = 8;
	flow_make(&f, "doubles", &spec);
	must(close(attach(&f)));
}

static void joins(void)
{
	struct mxl_attach one, two;
	struct flow f;
	int a, b;

	flow_make(&f, "flow", &discrete);
	a = open_device();
	b = open_device();
	must(try_attach(a, &f, &one));
	must(try_attach(b, &f, &two));
	check_eq(two.payload_size, one.payload_size);
	check_eq(two.total_slices, one.total_slices);
	check_eq(two.generation, one.generation);
	check_eq(get_state(a).attachments, 2);
	must(close(a));
	eventually(get_state(b).attachments == 1);
}

static void comes_in_pieces(void)
{
	struct mxl_attach arg;
	struct opened o;
	struct flow f;
	int fd = open_device();

	flow_make(&f, "flow", &discrete);
	o = open_all(&f);
	arg = make_attach(o.data, 0, NULL, 0);
	must(ioctl(fd, MXL_IOC_ATTACH, &arg));
	check_eq(arg.missing, 5);
	check_eq(arg.nr_payloads, 5);
	check_eq(arg.generation, 0);
	check_eq(arg.total_slices, 0);

	arg = make_attach(o.data, 3, &o.payload[3], 2);
	must(ioctl(fd, MXL_IOC_ATTACH, &arg));
	check_eq(arg.missing, 3);
	check_eq(arg.epoch, 0);
	must_fail(wait_index(fd, 0, 0, 0), ENOTCONN);

	arg = make_attach(o.data, 0, o.payload, 2);
	must(ioctl(fd, MXL_IOC_ATTACH, &arg));
	check_eq(arg.missing, 1);

	arg = make_attach(o.data, 2, &o.payload[2], 1);
	must(ioctl(fd, MXL_IOC_ATTACH, &arg));
	check_eq(arg.missing, 0);
	check_eq(arg.generation, 1);
	check_eq(arg.total_slices, 8);
	check_eq(get_state(fd).attachments, 1);
}

static void refused_piece_leaves_the_others(void)
{
	struct mxl_attach arg;
	struct opened o;
	struct flow f;
	int fd = open_device();

	flow_make(&f, "flow", &discrete);
	o = open_all(&f);
	arg = make_attach(o.data, 0, o.payload, 2);
	must(ioctl(fd, MXL_IOC_ATTACH, &arg));
	check_eq(arg.missing, 3);
	/* the second of these is there */
	arg = make_attach(o.data, 1, &o.payload[1], 2);
	refused(fd, MXL_IOC_ATTACH, &arg, EEXIST);
	/* the last is not open */
	must(close(o.payload[4]));
	arg = make_attach(o.data, 2, &o.payload[2], 3);
	refused(fd, MXL_IOC_ATTACH, &arg, EBADF);
	/* one too many */
	arg = make_attach(o.data, 3, &o.payload[2], 3);
	refused(fd, MXL_IOC_ATTACH, &arg, EINVAL);
	arg = make_attach(o.data, UINT32_MAX, &o.payload[2], 1);
	refused(fd, MXL_IOC_ATTACH, &arg, EINVAL);

	arg = make_attach(o.data, 2, &o.payload[2], 2);
	must(ioctl(fd, MXL_IOC_ATTACH, &arg));
	check_eq(arg.missing, 1);
	o.payload[4] = must(flow_open(&f, 4, O_RDONLY));
	arg = make_attach(o.data, 4, &o.payload[4], 1);
	must(ioctl(fd, MXL_IOC_ATTACH, &arg));
	check_eq(arg.missing, 0);
}

static void other_data_in_a_later_piece(void)
{
	struct mxl_attach arg;
	struct opened o;
	struct flow f, g;
	int fd = open_device();

	flow_make(&f, "flow", &discrete);
	flow_make(&g, "other", &discrete);
	o = open_all(&f);
	arg = make_attach(o.data, 0, o.payload, 2);
	must(ioctl(fd, MXL_IOC_ATTACH, &arg));
	arg.data_fd = must(flow_open(&g, DATA, O_RDONLY));
	arg.first = 2;
	arg.payload_fds = (uintptr_t)&o.payload[2];
	refused(fd, MXL_IOC_ATTACH, &arg, EINVAL);
	/* opened again is another open file as well */
	arg.data_fd = must(flow_open(&f, DATA, O_RDONLY));
	refused(fd, MXL_IOC_ATTACH, &arg, EINVAL);
}

static void attaches_once(void)
{
	struct mxl_attach arg;
	struct opened o;
	struct flow f;
	int fd;

	flow_make(&f, "flow", &discrete);
	fd = attach(&f);
	o = open_all(&f);
	arg = make_attach(o.data, 0, o.payload, 5);
	refused(fd, MXL_IOC_ATTACH, &arg, EISCONN);
}

static void one_open_file_one_attachment(void)
{
	struct mxl_attach arg;
	struct opened o;
	struct flow f;
	int a = open_device(), b = open_device();

	flow_make(&f, "flow", &discrete);
	o = open_all(&f);
	arg = make_attach(o.data, 0, o.payload, 5);
	must(ioctl(a, MXL_IOC_ATTACH, &arg));
	arg = make_attach(must(dup(o.data)), 0, o.payload, 5);
	refused(b, MXL_IOC_ATTACH, &arg, EBUSY);
	/* ... at a time */
	must(close(a));
	must(ioctl(b, MXL_IOC_ATTACH, &arg));
}

/* ---- descriptors ------------------------------------------------------------------------- */

static void wants_open_descriptors(void)
{
	struct mxl_attach arg;
	struct opened o;
	struct flow f;
	int fd = open_device();

	flow_make(&f, "flow", &discrete);
	o = open_all(&f);
	arg = make_attach(-1, 0, o.payload, 5);
	refused(fd, MXL_IOC_ATTACH, &arg, EBADF);
	arg = make_attach(999, 0, o.payload, 5);
	refused(fd, MXL_IOC_ATTACH, &arg, EBADF);
	arg = make_attach(must(flow_open(&f, DATA, O_PATH)), 0, o.payload, 5);
	refused(fd, MXL_IOC_ATTACH, &arg, EBADF);
	arg = make_attach(o.data, 0, o.payload, 5);
	o.payload[2] = must(flow_open(&f, 2, O_PATH));
	refused(fd, MXL_IOC_ATTACH, &arg, EBADF);
	o.payload[2] = -1;
	refused(fd, MXL_IOC_ATTACH, &arg, EBADF);
}

static void wants_descriptors_that_cannot_write(void)
{
	struct mxl_attach arg;
	struct opened o;
	struct flow f;
	int fd = open_device();

	flow_make(&f, "flow", &discrete);
	o = open_all(&f);
	arg = make_attach(must(flow_open(&f, DATA, O_RDWR)), 0, o.payload, 5);
	refused(fd, MXL_IOC_ATTACH, &arg, EINVAL);
	arg = make_attach(must(flow_open(&f, DATA, O_WRONLY)), 0, o.payload, 5);
	refused(fd, MXL_IOC_ATTACH, &arg, EINVAL);
	arg = make_attach(o.data, 0, o.payload, 5);
	o.payload[4] = must(flow_open(&f, 4, O_RDWR));
	refused(fd, MXL_IOC_ATTACH, &arg, EINVAL);
}

static void wants_files_of_a_mounted_tmpfs(void)
{
	struct mxl_attach arg;
	struct opened o;
	struct flow f;
	int fd = open_device(), i, other[5];

	flow_make(&f, "flow", &discrete);
	o = open_all(&f);
	other[0] = must(open(f.dir, O_RDONLY | O_DIRECTORY));
	other[1] = must(open("/proc/version", O_RDONLY));
	other[2] = must(open("/dev/null", O_RDONLY));
	other[3] = must(open("/sys/module/mxl/refcnt", O_RDONLY));
	other[4] = must(open("/dev/mxl", O_RDONLY));
	for (i = 0; i < 5; i++) {
		arg = make_attach(other[i], 0, o.payload, 5);
		refused(fd, MXL_IOC_ATTACH, &arg, EOPNOTSUPP);
	}
	for (i = 0; i < 5; i++) {
		arg = make_attach(o.data, 0, o.payload, 5);
		o.payload[4] = other[i];
		refused(fd, MXL_IOC_ATTACH, &arg, EOPNOTSUPP);
	}
}

/* A copy of a file in memory that no path leads to, open for reading */
static int memory_copy(const struct flow *f, int file)
{
	static char bytes[65536];
	char path[64];
	int from = must(flow_open(f, file, O_RDONLY)), fd;
	ssize_t n = must(read(from, bytes, sizeof(bytes)));

	fd = must(memfd_create("copy", 0));
	check_eq(write(fd, bytes, (size_t)n), n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	close(from);
	from = must(open(path, O_RDONLY));
	close(fd);
	return from;
}

static void refuses_memfds(void)
{
	struct mxl_attach arg;
	struct opened o;
	struct flow f;
	int fd = open_device();

	flow_make(&f, "flow", &discrete);
	o = open_all(&f);
	arg = make_attach(memory_copy(&f, DATA), 0, o.payload, 5);
	refused(fd, MXL_IOC_ATTACH, &arg, EOPNOTSUPP);
	arg = make_attach(o.data, 0, o.payload, 5);
	o.payload[0] = memory_copy(&f, 0);
	refused(fd, MXL_IOC_ATTACH, &arg, EOPNOTSUPP);
}

static void refuses_what_has_no_name(void)
{
	struct mxl_attach arg;
	struct opened o;
	struct flow f;
	char path[128];
	int fd = open_device(), nameless;

	flow_make(&f, "flow", &discrete);
	o = open_all(&f);
	flow_path(&f, 3, path);
	must(unlink(path));
	arg = make_attach(o.data, 0, o.payload, 5);
	refused(fd, MXL_IOC_ATTACH, &arg, ENOENT);
	flow_path(&f, DATA, path);
	must(unlink(path));
	refused(fd, MXL_IOC_ATTACH, &arg, ENOENT);

	nameless = must(open(f.dir, O_TMPFILE | O_RDWR, 0600));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", nameless);
	arg.data_fd = must(open(path, O_RDONLY));
	refused(fd, MXL_IOC_ATTACH, &arg, ENOENT);
}

static void refuses_what_has_two_names(void)
{
	struct flow f;
	char path[128], second[128];

	flow_make(&f, "flow", &discrete);
	snprintf(second, sizeof(second), "%s/second", f.dir);
	flow_path(&f, DATA, path);
	must(link(path, second));
	attach_refused(&f, EMLINK);
	must(unlink(second));
	flow_path(&f, 4, path);
	must(link(path, second));
	attach_refused(&f, EMLINK);
	must(unlink(second));
	must(close(attach(&f)));
}

static int attach_is_fault(void *pointer)
{
	struct mxl_attach arg;
	struct flow f;
	int fd = open_device();

	flow_make(&f, "flow", &discrete);
	arg = make_attach(must(flow_open(&f, DATA, O_RDONLY)), 0, pointer, 5);
	refused(fd, MXL_IOC_ATTACH, &arg, EFAULT);
	flow_delete(&f);
	return 0;
}

static void wants_readable_descriptors(void)
{
	char *pages =
		must(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	must(munmap(pages + 4096, 4096));
	attach_is_fault(NULL);
	attach_is_fault((void *)1);
	attach_is_fault(pages + 4096);
	attach_is_fault(pages + 4096 - 16);
	attach_is_fault((void *)UINTPTR_MAX);
}

/* ---- headers ----------------------------------------------------------------------------- */

#define H(field) offsetof(struct mxl_flow_header, field)
#define G(field) offsetof(struct mxl_grain_header, field)

static void refuses_other_versions(void)
{
	struct flow f;
	static const uint32_t versions[] = { 0, 2, UINT32_MAX };
	size_t i;

	flow_make(&f, "flow", &discrete);
	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		patch32(&f, DATA, H(version), versions[i]);
		attach_refused(&f, EPROTONOSUPPORT);
		patch32(&f, DATA, H(version), MXL_FLOW_VERSION);
		patch32(&f, 4, G(version), versions[i]);
		attach_refused(&f, EPROTONOSUPPORT);
		patch32(&f, 4, G(version), MXL_GRAIN_VERSION);
	}
	must(close(attach(&f)));
}

static void refuses_other_header_sizes(void)
{
	struct flow f;

	flow_make(&f, "flow", &discrete);
	patch32(&f, DATA, H(size), MXL_FLOW_INFO_SIZE - 1);
	attach_refused(&f, EBADMSG);
	patch32(&f, DATA, H(size), MXL_FLOW_INFO_SIZE);
	patch32(&f, 0, G(size), 8192);
	attach_refused(&f, EBADMSG);
	patch32(&f, 0, G(size), MXL_GRAIN_HEADER_SIZE);
	must(close(attach(&f)));
}

static void refuses_impossible_rates(void)
{
	static const int64_t bad[] = { 0, -1, INT64_MIN };
	struct flow f;
	size_t i;

	flow_make(&f, "flow", &discrete);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		patch64(&f, DATA, H(rate.numerator), bad[i]);
		attach_refused(&f, EBADMSG);
		patch64(&f, DATA, H(rate.numerator), 50);
		patch64(&f, DATA, H(rate.denominator), bad[i]);
		attach_refused(&f, EBADMSG);
		patch64(&f, DATA, H(rate.denominator), 1);
	}
	must(close(attach(&f)));
}

static void refuses_impossible_counts(void)
{
	static const uint32_t grains[] = { 0, 1, MXL_LAYOUT_MAX_GRAINS + 1, UINT32_MAX };
	static const uint32_t formats[] = { 0, 4, UINT32_MAX };
	struct flow f, g;
	size_t i;

	flow_make(&f, "grains", &discrete);
	for (i = 0; i < ARRAY_SIZE(grains); i++) {
		patch32(&f, DATA, H(discrete.grain_count), grains[i]);
		attach_refused(&f, EBADMSG);
	}
	patch32(&f, DATA, H(discrete.grain_count), 5);
	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		patch32(&f, DATA, H(format), formats[i]);
		attach_refused(&f, EBADMSG);
	}

	flow_make(&g, "samples", &continuous);
	patch32(&g, DATA, H(continuous.channel_count), 0);
	attach_refused(&g, EBADMSG);
	patch32(&g, DATA, H(continuous.channel_count), UINT32_MAX);
	attach_refused(&g, EBADMSG);
	patch32(&g, DATA, H(continuous.channel_count), 2);
	patch32(&g, DATA, H(continuous.buffer_length), 0);
	attach_refused(&g, EBADMSG);
	patch32(&g, DATA, H(continuous.buffer_length), UINT32_MAX);
	attach_refused(&g, EBADMSG);
	patch32(&g, DATA, H(continuous.buffer_length), 4095);
	attach_refused(&g, EBADMSG);
}

static void refuses_too_many_payloads(void)
{
	struct flow f;

	/* possible, but more than the tunable allows */
	flow_make(&f, "flow", &discrete);
	patch32(&f, DATA, H(discrete.grain_count), MXL_LAYOUT_MAX_GRAINS);
	attach_refused(&f, ENOSPC);
	/* more, or fewer, than there are */
	patch32(&f, DATA, H(discrete.grain_count), 4);
	attach_refused(&f, EINVAL);
}

static void refuses_sizes_that_do_not_fit(void)
{
	struct flow f, g;
	uint64_t size;

	flow_make(&f, "grains", &discrete);
	size = f.payload_size;
	resize(&f, DATA, MXL_FLOW_HEADER_SIZE - 1);
	attach_refused(&f, EBADMSG);
	resize(&f, DATA, 0);
	attach_refused(&f, EBADMSG);
	resize(&f, DATA, 1ULL << 40);
	attach_refused(&f, EBADMSG);

	flow_delete(&f);
	flow_make(&f, "grains", &discrete);
	resize(&f, 2, size + 1);
	attach_refused(&f, EBADMSG);
	resize(&f, 2, size - 1);
	attach_refused(&f, EBADMSG);
	resize(&f, 2, MXL_GRAIN_PAYLOAD_OFFSET);
	attach_refused(&f, EBADMSG);
	resize(&f, 2, 100);
	attach_refused(&f, EBADMSG);
	resize(&f, 2, 0);
	attach_refused(&f, EBADMSG);

	flow_make(&g, "samples", &continuous);
	resize(&g, 0, g.payload_size + 1);
	attach_refused(&g, EBADMSG);
	resize(&g, 0, g.payload_size / 8);
	attach_refused(&g, EBADMSG);
	resize(&g, 0, 1ULL << 45);
	attach_refused(&g, EBADMSG);
}

static void refuses_grains_that_differ(void)
{
	uint16_t slices = 7;
	struct flow f;

	flow_make(&f, "flow", &discrete);
	patch(&f, 3, G(total_slices), &slices, sizeof(slices));
	attach_refused(&f, EBADMSG);
	slices = 0;
	patch(&f, 3, G(total_slices), &slices, sizeof(slices));
	attach_refused(&f, EBADMSG);
	slices = 8;
	patch(&f, 3, G(total_slices), &slices, sizeof(slices));
	patch32(&f, 3, G(grain_size), 8 * 1024 - 1);
	attach_refused(&f, EBADMSG);
	/* consistent in itself, but not with the others */
	patch32(&f, 3, G(grain_size), 4096);
	resize(&f, 3, MXL_GRAIN_PAYLOAD_OFFSET + 4096);
	attach_refused(&f, EBADMSG);
}

/* ---- one inode, one place ---------------------------------------------------------------- */

static void refuses_a_payload_twice(void)
{
	struct mxl_attach arg;
	struct opened o;
	struct flow f;
	int fd = open_device();

	flow_make(&f, "flow", &discrete);
	o = open_all(&f);
	o.payload[4] = must(flow_open(&f, 0, O_RDONLY));
	arg = make_attach(o.data, 0, o.payload, 5);
	refused(fd, MXL_IOC_ATTACH, &arg, EEXIST);
	o.payload[4] = o.payload[0];
	refused(fd, MXL_IOC_ATTACH, &arg, EEXIST);
}

static void refuses_payload_of_another_flow(void)
{
	struct mxl_attach arg;
	struct opened o, p;
	struct flow f, g;
	int fd = open_device(), holder;

	flow_make(&f, "one", &discrete);
	flow_make(&g, "two", &discrete);
	holder = attach(&f);
	o = open_all(&f);
	p = open_all(&g);
	p.payload[1] = o.payload[1];
	arg = make_attach(p.data, 0, p.payload, 5);
	refused(fd, MXL_IOC_ATTACH, &arg, EEXIST);
	check_eq(get_state(holder).attachments, 1);
	/* a trace of the refused one would be in the way now */
	must(close(attach(&g)));
	/* free again with the flow */
	must(close(holder));
	must(ioctl(fd, MXL_IOC_ATTACH, &arg));
}

static void refuses_data_as_payload(void)
{
	struct mxl_attach arg;
	struct opened o, p;
	struct flow f, g;
	int fd = open_device(), holder;

	flow_make(&f, "one", &discrete);
	flow_make(&g, "two", &discrete);
	o = open_all(&f);
	o.payload[0] = o.data;
	arg = make_attach(o.data, 0, o.payload, 5);
	refused(fd, MXL_IOC_ATTACH, &arg, EBADMSG);
	/* a payload of an adopted flow that looks like the data of another */
	holder = attach(&f);
	p = open_all(&g);
	arg = make_attach(o.payload[1], 0, p.payload, 5);
	refused(fd, MXL_IOC_ATTACH, &arg, EBADMSG);
	check_eq(get_state(holder).attachments, 1);
}

static void joins_with_the_same_files_only(void)
{
	struct mxl_attach arg;
	struct opened o;
	struct flow f, g;
	int fd = open_device(), holder, swap;

	flow_make(&f, "one", &discrete);
	flow_make(&g, "two", &discrete);
	holder = attach(&f);
	o = open_all(&f);
	arg = make_attach(o.data, 0, o.payload, 5);
	swap = o.payload[0];
	o.payload[0] = must(flow_open(&g, 0, O_RDONLY));
	refused(fd, MXL_IOC_ATTACH, &arg, ESTALE);
	/* in the same order */
	o.payload[0] = o.payload[1];
	o.payload[1] = swap;
	refused(fd, MXL_IOC_ATTACH, &arg, ESTALE);
	check_eq(get_state(holder).attachments, 1);
	o.payload[1] = o.payload[0];
	o.payload[0] = swap;
	must(ioctl(fd, MXL_IOC_ATTACH, &arg));
}

/* ---- rights ------------------------------------------------------------------------------ */

static int attach_as_user(void *flow)
{
	int fd = open_device();

	return try_attach(fd, flow, NULL) ? errno : 0;
}

static void adopting_wants_to_write_every_file(void)
{
	struct flow f;
	char path[128];

	flow_make(&f, "flow", &discrete);
	check_eq(as_user(SOME_UID, attach_as_user, &f), EACCES);
	flow_chown(&f, SOME_UID);
	check_eq(as_user(SOME_UID, attach_as_user, &f), 0);
	flow_path(&f, 3, path);
	must(chmod(path, 0444));
	check_eq(as_user(SOME_UID, attach_as_user, &f), EACCES);
	must(chmod(path, 0644));
	flow_path(&f, DATA, path);
	must(chown(path, OTHER_UID, OTHER_UID));
	check_eq(as_user(SOME_UID, attach_as_user, &f), EACCES);
}

static void joining_wants_to_read(void)
{
	struct flow f;
	int fd;

	flow_make(&f, "flow", &discrete);
	fd = attach(&f);
	check_eq(as_user(SOME_UID, attach_as_user, &f), 0);
	eventually(get_state(fd).attachments == 1);
}

static int attach_inherited_as_user(void *arg)
{
	const struct opened *o = arg;
	struct mxl_attach attach_arg = make_attach(o->data, 0, o->payload, 5);

	return ioctl(open_device(), MXL_IOC_ATTACH, &attach_arg) ? errno : 0;
}

/* What counts is who calls, not who has opened the files */
static void descriptors_of_others_give_no_right(void)
{
	struct opened o;
	struct flow f;
	int fd;

	flow_make(&f, "flow", &discrete);
	o = open_all(&f);
	check_eq(as_user(SOME_UID, attach_inherited_as_user, &o), EACCES);
	/* to read, they are as good as any */
	fd = attach(&f);
	check_eq(as_user(SOME_UID, attach_inherited_as_user, &o), 0);
	eventually(get_state(fd).attachments == 1);
}

static int stay_attached_as_user(void *arg)
{
	become(SOME_UID);
	attach(arg);
	return pause();
}

/* A reader that may not write is in nobody's way, whatever it holds */
static void readers_disturb_nobody(void)
{
	struct flow f;
	struct writer w;
	char path[128];
	pid_t pid;
	int fd;

	flow_make(&f, "flow", &discrete);
	fd = attach(&f);
	pid = spawn(stay_attached_as_user, &f);
	eventually(get_state(fd).attachments == 2);
	must(close(fd));
	/* not even the one who adopted it is left */
	writer_open(&w, &f);
	publish(&w, 1, 8, 0);
	writer_close(&w);
	flow_path(&f, DATA, path);
	must(close(must(open(path, O_RDWR))));
	flow_delete(&f);
	flow_make(&f, "flow", &discrete);
	fd = attach(&f);
	check_eq(get_state(fd).attachments, 1);
	kill_and_reap(pid);
}

static void refuses_somebody_elses_payload(void)
{
	struct flow mine, theirs;
	char path[128], other[128];

	/* a payload that is a file of somebody else, moved there by him who owns the directory */
	flow_make(&mine, "mine", &discrete);
	flow_make(&theirs, "theirs", &discrete);
	flow_chown(&mine, SOME_UID);
	flow_path(&mine, 0, path);
	flow_path(&theirs, 0, other);
	must(rename(other, path));
	check_eq(as_user(SOME_UID, attach_as_user, &mine), EACCES);
}

/* Bind mounts of @dir in a namespace of this process */
static void bind(const char *dir, char to[128], unsigned long flags)
{
	static int count;

	if (!count)
		must(unshare(CLONE_NEWNS));
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	snprintf(to, 128, "%s/mount%d", test_dir(), ++count);
	must(mkdir(to, 0755));
	must(mount(dir, to, NULL, MS_BIND, NULL));
	if (flags)
		must(mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | flags, NULL));
}

static void read_only_mount_does_not_adopt(void)
{
	struct flow f, there;
	char to[128];
	int fd;

	flow_make(&f, "flow", &discrete);
	bind(f.dir, to, MS_RDONLY);
	there = f;
	snprintf(there.dir, sizeof(there.dir), "%.95s", to);
	attach_refused(&there, EROFS);
	/* but joins, and is the same flow */
	fd = attach(&f);
	must(close(attach(&there)));
	check_eq(get_state(fd).attachments, 1);
	must(close(fd));
	must(umount(to));
}

static void any_mount_is_the_same_flow(void)
{
	struct flow f, there;
	char to[128];
	int a, b;

	flow_make(&f, "flow", &discrete);
	bind(f.dir, to, 0);
	there = f;
	snprintf(there.dir, sizeof(there.dir), "%.95s", to);
	a = attach(&f);
	b = attach(&there);
	check_eq(get_state(a).attachments, 2);
	must(close(a));
	must(close(b));
	must(umount(to));
}

static void refuses_a_mixture_of_mounts(void)
{
	struct mxl_attach arg;
	struct opened o, p;
	struct flow f, there;
	char to[128];
	int fd = open_device();

	flow_make(&f, "flow", &discrete);
	bind(f.dir, to, 0);
	there = f;
	snprintf(there.dir, sizeof(there.dir), "%.95s", to);
	o = open_all(&f);
	p = open_all(&there);
	o.payload[2] = p.payload[2];
	arg = make_attach(o.data, 0, o.payload, 5);
	refused(fd, MXL_IOC_ATTACH, &arg, EXDEV);
	must(umount2(to, MNT_DETACH));
}

/* ---- life -------------------------------------------------------------------------------- */

static int attach_and_hang(void *flow)
{
	attach(flow);
	return pause();
}

static void death_of_the_process_detaches(void)
{
	struct flow f;
	pid_t pid;

	flow_make(&f, "flow", &discrete);
	pid = spawn(attach_and_hang, &f);
	/* the flow is counted last */
	eventually(in_use("flows") == 1);
	check_eq(in_use("attachments"), 1);
	kill_and_reap(pid);
	eventually(in_use("attachments") == 0);
	eventually(in_use("flows") == 0);
	eventually(in_use("pages") == 0);
}

static void unfinished_attachment_leaves_nothing(void)
{
	struct mxl_attach arg;
	struct opened o;
	struct flow f;
	int fd = open_device();

	flow_make(&f, "flow", &discrete);
	o = open_all(&f);
	arg = make_attach(o.data, 1, o.payload, 3);
	must(ioctl(fd, MXL_IOC_ATTACH, &arg));
	check_eq(in_use("flows"), 0);
	check_eq(in_use("attachments"), 1);
	check_eq(in_use("pages"), 6);
	must(close(fd));
	eventually(in_use("attachments") == 0);
	eventually(in_use("pages") == 0);
}

static void refusals_leave_nothing(void)
{
	struct flow f;
	int i;

	flow_make(&f, "flow", &discrete);
	patch32(&f, 4, G(version), 7);
	for (i = 0; i < 20; i++)
		attach_refused(&f, EPROTONOSUPPORT);
	eventually(in_use("flows") == 0);
	eventually(in_use("attachments") == 0);
	eventually(in_use("pages") == 0);
}

struct comer {
	const struct flow *flow;
	uint64_t rounds;
	bool stop;
};

static int come_and_go(void *arg)
{
	struct comer *c = arg;

	while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE)) {
		must(close(attach(c->flow)));
		__atomic_add_fetch(&c->rounds, 1, __ATOMIC_RELAXED);
	}
	return 0;
}

/* The last one to leave takes the flow down while the next one adopts it anew */
static void adopts_what_is_being_left(void)
{
	uint64_t rounds, enough = is_slow_kernel() ? 500 : 3000;
	struct comer *c = shared(sizeof(*c));
	pid_t pids[4];
	struct flow f;
	size_t i;

	flow_make(&f, "flow", &discrete);
	c->flow = &f;
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = spawn(come_and_go, c);
	/* patient as long as it gets on */
	for (rounds = 100; rounds <= enough; rounds += 100)
		eventually(__atomic_load_n(&c->rounds, __ATOMIC_RELAXED) > rounds ||
			   is_in_state(pids[0], "Z"));
	__atomic_store_n(&c->stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		reap_ok(pids[i]);
}

struct leaver {
	const struct flow *flow;
	unsigned int delay;
	bool ready;
};

static void spin(unsigned int n)
{
	while (n--)
		__asm__ volatile("" ::: "memory");
}

static int leave_when_told(void *arg)
{
	struct leaver *l = arg;
	int fd = attach(l->flow);

	__atomic_store_n(&l->ready, true, __ATOMIC_RELEASE);
	spin(l->delay);
	must(close(fd));
	return 0;
}

/* The file goes while the flow is taken down, a little earlier or later each time */
static void deletion_meets_leaving(void)
{
	struct leaver *l = shared(sizeof(*l));
	int i, rounds = is_slow_kernel() ? 150 : 600;
	struct flow f;
	pid_t pid;

	l->flow = &f;
	for (i = 0; i < rounds; i++) {
		flow_make(&f, "flow", i % 2 ? &discrete : &continuous);
		l->ready = false;
		l->delay = (unsigned int)(i % 10) * 2000;
		pid = spawn(leave_when_told, l);
		while (!__atomic_load_n(&l->ready, __ATOMIC_ACQUIRE))
			sched_yield();
		spin((unsigned int)(i % 7) * 3000);
		flow_delete(&f);
		reap_ok(pid);
	}
}

static int attach_if_there(void *arg)
{
	struct leaver *l = arg;
	int fd = open_device();

	__atomic_store_n(&l->ready, true, __ATOMIC_RELEASE);
	spin(l->delay);
	if (try_attach(fd, l->flow, NULL))
		check(errno == ENOENT || errno == EBADF || errno == ENODEV);
	else
		check(get_state(fd).attachments == 1);
	return 0;
}

/* ... or while it is adopted */
static void deletion_meets_coming(void)
{
	struct leaver *l = shared(sizeof(*l));
	int i, rounds = is_slow_kernel() ? 150 : 600;
	struct flow f;
	pid_t pid;

	l->flow = &f;
	for (i = 0; i < rounds; i++) {
		flow_make(&f, "flow", &continuous);
		l->ready = false;
		l->delay = (unsigned int)(i % 7) * 1000;
		pid = spawn(attach_if_there, l);
		while (!__atomic_load_n(&l->ready, __ATOMIC_ACQUIRE))
			sched_yield();
		spin((unsigned int)(i % 20) * 4000);
		flow_delete(&f);
		reap_ok(pid);
	}
}

static void file_system_can_be_unmounted_after(void)
{
	struct flow f;
	char dir[128];
	int i;

	must(unshare(CLONE_NEWNS));
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	snprintf(dir, sizeof(dir), "%s/fs", test_dir());
	must(mkdir(dir, 0755));
	for (i = 0; i < 5; i++) {
		must(mount("fs", dir, "tmpfs", 0, NULL));
		snprintf(dir, sizeof(dir), "%s/fs/flow", test_dir());
		flow_make(&f, dir, &discrete);
		must(close(attach(&f)));
		snprintf(dir, sizeof(dir), "%s/fs", test_dir());
		must(umount(dir));
	}
}

static const struct test tests[] = {
	TEST(adopts_grains),
	TEST(adopts_samples),
	TEST(adopts_odd_but_valid),
	TEST(joins),
	TEST(comes_in_pieces),
	TEST(refused_piece_leaves_the_others),
	TEST(other_data_in_a_later_piece),
	TEST(attaches_once),
	TEST(one_open_file_one_attachment),
	TEST(wants_open_descriptors),
	TEST(wants_descriptors_that_cannot_write),
	TEST(wants_files_of_a_mounted_tmpfs),
	TEST(refuses_memfds),
	TEST(refuses_what_has_no_name),
	TEST(refuses_what_has_two_names),
	TEST(wants_readable_descriptors),
	TEST(refuses_other_versions),
	TEST(refuses_other_header_sizes),
	TEST(refuses_impossible_rates),
	TEST(refuses_impossible_counts),
	TEST(refuses_too_many_payloads),
	TEST(refuses_sizes_that_do_not_fit),
	TEST(refuses_grains_that_differ),
	TEST(refuses_a_payload_twice),
	TEST(refuses_payload_of_another_flow),
	TEST(refuses_data_as_payload),
	TEST(joins_with_the_same_files_only),
	TEST(adopting_wants_to_write_every_file),
	TEST(joining_wants_to_read),
	TEST(descriptors_of_others_give_no_right),
	TEST(readers_disturb_nobody),
	TEST(refuses_somebody_elses_payload),
	TEST(read_only_mount_does_not_adopt),
	TEST(any_mount_is_the_same_flow),
	TEST(refuses_a_mixture_of_mounts),
	TEST(death_of_the_process_detaches),
	TEST(unfinished_attachment_leaves_nothing),
	TEST(refusals_leave_nothing),
	TEST(adopts_what_is_being_left),
	TEST(deletion_meets_leaving),
	TEST(deletion_meets_coming),
	TEST(file_system_can_be_unmounted_after),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

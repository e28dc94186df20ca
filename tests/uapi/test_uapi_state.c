// SPDX-License-Identifier: Apache-2.0
/* MXL_IOC_STATE: what it says of a flow's life */
#include <string.h>
#include "flow.h"

static struct flow flow;

static void of_a_fresh_flow(void)
{
	struct mxl_state s, poison = make_state();
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	s = get_state(fd);
	check(memcmp(&s, &poison, sizeof(s)) != 0);
	check_eq(s.size, sizeof(s));
	check_eq(s.pad, 0);
	check_eq(s.flags & ~MXL_STATE_OUTSIDERS, 0);
	check_eq(s.events, 0);
	check_eq(s.head, 0);
	check_eq(s.generation, 1);
	check_eq(s.epoch, 0);
	check_eq(s.writer_pid, 0);
	check_eq(s.waiters, 0);
	check_eq(s.attachments, 1);
	check_eq(s.lockers, 0);
	check_eq(s.commits, 0);
	check_eq(s.commit_calls, 0);
	check_eq(s.wakes, 0);
	check_eq(s.overruns, 0);
	check(s.last_write_ns != POISON64 && s.last_write_ns <= now_ns(CLOCK_TAI));
	check_eq(s.last_read_ns, 0);
}

static void of_a_flow_with_a_past(void)
{
	struct writer w;
	int fd;

	/* what stands in the files counts, not what the module has seen */
	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	publish(&w, 1234, 8, 0);
	writer_close(&w);
	fd = attach(&flow);
	check_eq(get_state(fd).head, 1234);
	check_eq(get_state(fd).commits, 0);
	check_eq(get_state(fd).generation, 1);
}

static void follows_the_writer(void)
{
	struct writer w;
	uint64_t before, i;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	check_eq(get_state(fd).flags & (MXL_STATE_LOCKED | MXL_STATE_MINE), MXL_STATE_LOCKED);
	check_eq(get_state(w.fd).flags & (MXL_STATE_LOCKED | MXL_STATE_MINE),
		 MXL_STATE_LOCKED | MXL_STATE_MINE);
	check_eq(get_state(fd).writer_pid, getpid());
	before = now_ns(CLOCK_TAI);
	for (i = 1; i < 20; i++) {
		publish(&w, i, 8, 0);
		check_eq(get_state(fd).head, i);
		check_eq(get_state(fd).commits, i);
		check(get_state(fd).last_write_ns >= before);
	}
}

static void follows_samples(void)
{
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &continuous);
	fd = attach(&flow);
	writer_open(&w, &flow);
	publish_samples(&w, 480);
	check_eq(get_state(fd).head, 480);
	publish_samples(&w, UINT64_MAX);
	check_eq(get_state(fd).head, UINT64_MAX);
}

static void counts_attachments(void)
{
	int fds[20], i;

	flow_make(&flow, "flow", &discrete);
	for (i = 0; i < 20; i++) {
		fds[i] = attach(&flow);
		check_eq(get_state(fds[0]).attachments, i + 1);
	}
	for (i = 19; i > 0; i--) {
		must(close(fds[i]));
		eventually(get_state(fds[0]).attachments == (uint32_t)i);
	}
}

static void of_a_dead_flow(void)
{
	struct writer w;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	publish(&w, 77, 8, 0);
	flow_delete(&flow);
	eventually(get_state(fd).flags & MXL_STATE_DEAD);
	check_eq(get_state(fd).head, 77);
	check_eq(get_state(fd).flags & MXL_STATE_LOCKED, MXL_STATE_LOCKED);
	check_eq(get_state(fd).writer_pid, getpid());
	writer_close(&w);
	check_eq(get_state(fd).flags & (MXL_STATE_LOCKED | MXL_STATE_DEAD), MXL_STATE_DEAD);
	check_eq(get_state(fd).attachments, 1);
}

static void name_can_be_used_again(void)
{
	struct writer w, v;

	flow_make(&flow, "flow", &discrete);
	writer_open(&w, &flow);
	publish(&w, 77, 8, 0);
	flow_delete(&flow);
	flow_make(&flow, "flow", &discrete);
	/* the same path, another flow */
	writer_open(&v, &flow);
	check_eq(get_state(v.fd).head, 0);
	check_eq(get_state(v.fd).attachments, 1);
	check_eq(get_state(v.fd).flags & MXL_STATE_DEAD, 0);
	eventually(get_state(w.fd).flags & MXL_STATE_DEAD);
	publish(&v, 5, 8, 0);
	check_eq(get_state(w.fd).head, 77);
}

static int look_as_user(void *arg)
{
	int fd = open_device();

	must(try_attach(fd, arg, NULL));
	check_eq(get_state(fd).attachments, 2);
	check_eq(get_state(fd).writer_pid, getppid());
	return 0;
}

static void is_everybodys_who_may_read(void)
{
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	lock(fd);
	check_eq(as_user(SOME_UID, look_as_user, &flow), 0);
}

/* Whatever a writer puts where the kernel looks, it only hurts itself */
static void survives_nonsense_in_the_headers(void)
{
	static const uint64_t values[] = { 0, 1, 0x7fffffffffffffffULL, 0x8000000000000000ULL,
					   UINT64_MAX };
	struct mxl_grain_header *g;
	struct writer w;
	size_t i, k;
	int fd;

	flow_make(&flow, "flow", &discrete);
	fd = attach(&flow);
	writer_open(&w, &flow);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		memset(w.hdr, (int)values[i], MXL_FLOW_HEADER_SIZE);
		w.hdr->head_index = values[i];
		for (k = 0; k < flow.nr_payloads; k++) {
			g = (void *)w.payload[k];
			memset(g, (int)values[i], sizeof(*g));
			g->index = values[i];
		}
		check_eq(get_state(fd).head, values[i]);
		commit(&w);
		for (k = 0; k < ARRAY_SIZE(values); k++)
			if (wait_index(fd, values[k], MXL_SLICES_ALL, 0))
				check(errno == ETIMEDOUT || errno == ERANGE || errno == ENODATA);
	}
	check_eq(get_state(fd).attachments, 2);
	/* the geometry is the one that was checked */
	must_fail(map_region(fd, MXL_OFFSET_PAYLOAD(5), 4096, PROT_READ), EINVAL);
}

static const struct test tests[] = {
	TEST(of_a_fresh_flow),
	TEST(of_a_flow_with_a_past),
	TEST(follows_the_writer),
	TEST(follows_samples),
	TEST(counts_attachments),
	TEST(of_a_dead_flow),
	TEST(name_can_be_used_again),
	TEST(is_everybodys_who_may_read),
	TEST(survives_nonsense_in_the_headers),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

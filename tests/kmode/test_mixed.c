// SPDX-License-Identifier: Apache-2.0
/*
 * Every kind of writer with every kind of reader, and one kind of writer after the other while
 * readers of all kinds stay. Nobody misses a wake, nobody sleeps past a deadline, nobody is handed
 * anything torn.
 *
 * A wake that is missed shows as a reader that comes late: one that sleeps on the futex looks for
 * itself after half a second, one that sleeps in the kernel never. A machine can stand still for
 * that long, but not again and again.
 */
#include "roles.h"

#include <stdlib.h>
#include <string.h>

#define LATE (350 * MSEC)
#define TOLERATED 1

/* Grains of 20 ms, 10 of them in the ring. */
#define START 1000

static unsigned int late;

static void note_delay(const struct peer *reader, const struct peer *writer)
{
	uint64_t delay = delay_after(reader, writer->at);

	if (delay <= LATE)
		return;
	late++;
	print_message("# %s reader came %u ms after the data of a %s writer\n",
		      kind_name(reader->kind), (unsigned int)(delay / MSEC),
		      kind_name(writer->kind));
}

static void expect_no_delay(void)
{
	unsigned int n = late;

	late = 0;
	assert_in_range(n, 0, TOLERATED);
}

/* The writer does it when all readers sleep for it, and all of them get it. */
static void cross(struct peer *writer, struct peer *const *readers, unsigned int count,
		  const char *command)
{
	for (unsigned int i = 0; i < count; i++)
		tell(readers[i], "%s -1", command);
	for (unsigned int i = 0; i < count; i++)
		asleep(readers[i]);
	order(writer, MXL_STATUS_OK, "%s", command);
	for (unsigned int i = 0; i < count; i++) {
		hear_ok(readers[i]);
		note_delay(readers[i], writer);
	}
}

static const char *grain(uint64_t index)
{
	return text("grain %llu", (unsigned long long)index);
}

static const char *slices(uint64_t index, unsigned int n)
{
	return text("slices %llu %u", (unsigned long long)index, n);
}

static const char *samples(uint64_t index, unsigned int n)
{
	return text("samples %llu %u", (unsigned long long)index, n);
}

/* Grains, slices and samples, one after another, to any number of readers. */
static void cross_grains(struct peer *writer, struct peer *const *readers, unsigned int count,
			 uint64_t start)
{
	for (uint64_t index = start; index < start + 12; index++)
		cross(writer, readers, count, grain(index));
	for (unsigned int n = 1; n <= SMALL_SLICES; n++)
		cross(writer, readers, count, slices(start + 12, n));
	/* who waits for a part is not woken for less, who waits for all by the last */
	for (unsigned int i = 0; i < count; i++)
		tell(readers[i], "slices %llu %d -1", (unsigned long long)start + 13,
		     i % 2 ? SMALL_SLICES : 5);
	for (unsigned int i = 0; i < count; i++)
		asleep(readers[i]);
	for (unsigned int n = 1; n < SMALL_SLICES; n++)
		order(writer, MXL_STATUS_OK, "%s", slices(start + 13, n));
	for (unsigned int i = 0; i < count; i += 2)
		hear_ok(readers[i]);
	order(writer, MXL_STATUS_OK, "%s", slices(start + 13, SMALL_SLICES));
	for (unsigned int i = 1; i < count; i += 2) {
		hear_ok(readers[i]);
		note_delay(readers[i], writer);
	}
}

static void cross_samples(struct peer *writer, struct peer *const *readers, unsigned int count,
			  uint64_t start)
{
	for (uint64_t head = start; head < start + 12ULL * 960; head += 960)
		cross(writer, readers, count, samples(head, 960));
}

/* === One writer, one reader =============================================================== */

static void need_kinds(enum kind one, enum kind two)
{
	need_module();
	if (one == OTHER || two == OTHER)
		need_other();
}

static void writer_first(enum kind w, enum kind r)
{
	struct peer *writer, *reader;

	need_kinds(w, r);
	writer = start_writer(w, domain(), small_def(ID_A), true);
	reader = start_reader(r, domain(), ID_A);
	cross_grains(writer, &reader, 1, START);
	release_peer(reader);
	release_peer(writer);

	writer = start_writer(w, domain(), sound_def(ID_B), true);
	reader = start_reader(r, domain(), ID_B);
	cross_samples(writer, &reader, 1, 4800);
	release_peer(reader);
	release_peer(writer);
	expect_no_delay();
	assert_int_equal(count_entries(domain(), ""), 0);
}

/* The reader sleeps in a flow that nobody has, left by a writer of either kind. */
static void reader_first(enum kind w, enum kind r)
{
	need_kinds(w, r);
	for (enum kind creator = 0; creator < kinds_here(); creator++) {
		struct peer *reader,
			*writer = start_writer(creator, domain(), small_def(ID_A), true);

		kill_peer(writer);
		/* in kernel mode only who may write can adopt it, which all may here */
		reader = start_reader(r, domain(), ID_A);
		tell(reader, "%s -1", grain(START));
		asleep(reader);
		writer = start_writer(w, domain(), small_def(ID_A), false);
		order(writer, MXL_STATUS_OK, "%s", grain(START));
		hear_ok(reader);
		note_delay(reader, writer);
		cross_grains(writer, &reader, 1, START + 1);
		/* what comes after the flow was deleted is not waited for, except by the others */
		if (r != OTHER) {
			tell(reader, "%s -1", grain(START + 100));
			asleep(reader);
		}
		release_peer(writer);
		if (r != OTHER)
			hear_status(reader, MXL_ERR_FLOW_INVALID, __FILE__, __LINE__);
		release_peer(reader);
	}
	expect_no_delay();
}

/* A time-out of 120 ms is over before anything else could end a sleep. */
static void expect_deadline(struct peer *reader, const char *command)
{
	uint64_t took = 0;

	for (int attempt = 0; attempt < 3; attempt++) {
		uint64_t start = now_ns();

		order(reader, MXL_ERR_OUT_OF_RANGE_TOO_EARLY, "%s 120", command);
		took = delay_after(reader, start);
		assert_true(took >= 120 * MSEC);
		if (took < 120 * MSEC + LATE)
			return;
	}
	fail_because("a %s reader slept %u ms instead of 120", kind_name(reader->kind),
		     (unsigned int)(took / MSEC));
}

static void deadlines(enum kind w, enum kind r)
{
	struct peer *writer, *reader;

	need_kinds(w, r);
	writer = start_writer(w, domain(), small_def(ID_A), true);
	reader = start_reader(r, domain(), ID_A);
	expect_deadline(reader, grain(START));
	order(writer, MXL_STATUS_OK, "%s", slices(START, 3));
	expect_deadline(reader, grain(START));
	expect_deadline(reader, slices(START, 4));
	/* wakes that are not its own do not make it forget the time */
	tell(reader, "%s 300", grain(START));
	for (unsigned int n = 4; n < SMALL_SLICES; n++)
		order(writer, MXL_STATUS_OK, "%s", slices(START, n));
	hear_status(reader, MXL_ERR_OUT_OF_RANGE_TOO_EARLY, __FILE__, __LINE__);

	/* the writer goes in the middle of it, and after that there is none */
	tell(reader, "%s 300", grain(START));
	asleep(reader);
	kill_peer(writer);
	hear_status(reader, MXL_ERR_OUT_OF_RANGE_TOO_EARLY, __FILE__, __LINE__);
	expect_deadline(reader, grain(START));
	release_peer(reader);
}

/* === A writer as fast as it can, readers of all kinds ====================================== */

static unsigned int start_readers(struct peer *readers[KINDS], const char *id)
{
	unsigned int count = kinds_here();

	for (enum kind kind = 0; kind < count; kind++)
		readers[kind] = start_reader(kind, domain(), id);
	return count;
}

static void spin(struct peer *writer, const char *id, uint64_t first)
{
	struct peer *readers[KINDS];
	unsigned int count = start_readers(readers, id);

	for (unsigned int i = 0; i < count; i++)
		tell(readers[i], "chase %llu 600", (unsigned long long)first);
	order(writer, MXL_STATUS_OK, "spin %llu 600", (unsigned long long)first);
	assert_true(writer->value > 10);
	for (unsigned int i = 0; i < count; i++) {
		hear_ok(readers[i]);
		print_message("# %s writer wrote %llu times, %s reader read %llu times\n",
			      kind_name(writer->kind), (unsigned long long)writer->value,
			      kind_name(readers[i]->kind), (unsigned long long)readers[i]->value);
		assert_true(readers[i]->value > 0);
		release_peer(readers[i]);
	}
}

static void nothing_torn(enum kind w)
{
	struct peer *writer;

	need_kinds(w, KERNEL);
	writer = start_writer(w, domain(), small_def(ID_A), true);
	spin(writer, ID_A, START);
	release_peer(writer);
	writer = start_writer(w, domain(), sound_def(ID_B), true);
	spin(writer, ID_B, 48000);
	release_peer(writer);
}

TEST(nothing_torn_from_kernel_writer)
{
	nothing_torn(KERNEL);
}

TEST(nothing_torn_from_posix_writer)
{
	nothing_torn(POSIX);
}

TEST(nothing_torn_from_other_writer)
{
	nothing_torn(OTHER);
}

/* === One writer after another ============================================================= */

/* Writes as soon as it is its turn. */
static void write_when_free(struct peer *writer, const char *command)
{
	uint64_t end = now_ns() + PLENTY * slowness();

	do {
		tell(writer, "%s", command);
		hear(writer);
	} while (writer->status == MXL_ERR_CONFLICT && now_ns() < end);
	assert_status(MXL_STATUS_OK, writer->status);
}

static void each_sleeps_for(struct peer *const *readers, unsigned int count, const char *command)
{
	for (unsigned int i = 0; i < count; i++)
		tell(readers[i], "%s -1", command);
	for (unsigned int i = 0; i < count; i++)
		asleep(readers[i]);
}

static void each_has_it(struct peer *const *readers, unsigned int count, const struct peer *writer)
{
	for (unsigned int i = 0; i < count; i++) {
		hear_ok(readers[i]);
		note_delay(readers[i], writer);
	}
}

/*
 * Killed and replaced, then released to one that stands by, each time with all readers asleep and
 * with the same handles. What the flow is, and where its index is, stays.
 */
static void succession(enum kind one, enum kind two)
{
	struct peer *readers[KINDS], *first, *second;
	unsigned int count;

	need_kinds(one, two);
	first = start_writer(one, domain(), small_def(ID_A), true);
	order(first, MXL_STATUS_OK, "%s", grain(START));
	count = start_readers(readers, ID_A);

	each_sleeps_for(readers, count, grain(START + 1));
	kill_peer(first);
	second = start_writer(two, domain(), small_def(ID_A), false);
	order(second, MXL_STATUS_OK, "%s", grain(START + 1));
	each_has_it(readers, count, second);
	cross_grains(second, readers, count, START + 2);

	if (two == KERNEL && one == OTHER) {
		/* It cannot stand by: it has to come when the other is gone. */
		first = try_writer(one, domain(), small_def(ID_A));
		assert_true(first->status != MXL_STATUS_OK);
		child_kill(first->child);
		return;
	}
	first = start_writer(one, domain(), small_def(ID_A), false);
	each_sleeps_for(readers, count, grain(START + 20));
	release_peer(second);
	write_when_free(first, grain(START + 20));
	each_has_it(readers, count, first);
	cross_grains(first, readers, count, START + 21);
	for (unsigned int i = 0; i < count; i++)
		release_peer(readers[i]);
	release_peer(first);
	expect_no_delay();
	assert_int_equal(count_entries(domain(), ""), 0);
}

static void succession_of_samples(enum kind one, enum kind two)
{
	struct peer *readers[KINDS], *first, *second;
	unsigned int count;

	need_kinds(one, two);
	first = start_writer(one, domain(), sound_def(ID_B), true);
	order(first, MXL_STATUS_OK, "%s", samples(960, 960));
	count = start_readers(readers, ID_B);
	each_sleeps_for(readers, count, samples(1920, 960));
	kill_peer(first);
	second = start_writer(two, domain(), sound_def(ID_B), false);
	order(second, MXL_STATUS_OK, "%s", samples(1920, 960));
	each_has_it(readers, count, second);
	cross_samples(second, readers, count, 2880);
	for (unsigned int i = 0; i < count; i++)
		release_peer(readers[i]);
	release_peer(second);
	expect_no_delay();
}

/* === The other library ===================================================================== */

/* To write a sealed flow is refused to it, and to whoever writes, nothing happens. */
TEST(other_writer_is_refused_while_the_flow_is_sealed)
{
	struct peer *writer, *reader, *refused;

	need_kinds(KERNEL, OTHER);
	writer = start_writer(KERNEL, domain(), small_def(ID_A), true);
	reader = start_reader(OTHER, domain(), ID_A);
	cross(writer, &reader, 1, grain(START));
	refused = try_writer(OTHER, domain(), small_def(ID_A));
	print_message("# it answered %s\n", status_name(refused->status));
	assert_true(refused->status != MXL_STATUS_OK);
	child_kill(refused->child);
	assert_true(exists(flow_path(ID_A, "data")));
	cross(writer, &reader, 1, grain(START + 1));
	release_peer(reader);
	release_peer(writer);

	/* when nobody holds it any more, it is as welcome as ever */
	writer = start_writer(KERNEL, domain(), small_def(ID_A), true);
	kill_peer(writer);
	release_peer(start_writer(OTHER, domain(), small_def(ID_A), false));
}

/* In the place of all tests with it. */
TEST(another_library)
{
	need_other();
}

/* === All pairs ============================================================================ */

/* clang-format off */
#define OWN_PAIRS(F)                      \
	F(KERNEL, KERNEL, kernel, kernel) \
	F(KERNEL, POSIX, kernel, posix)   \
	F(POSIX, KERNEL, posix, kernel)   \
	F(POSIX, POSIX, posix, posix)
#define OTHER_PAIRS(F)                    \
	F(KERNEL, OTHER, kernel, other)   \
	F(OTHER, KERNEL, other, kernel)   \
	F(POSIX, OTHER, posix, other)     \
	F(OTHER, POSIX, other, posix)
/* clang-format on */

#define TESTS_OF_PAIR(w, r, w_name, r_name)                         \
	TEST(w_name##_writer_then_##r_name##_reader)                \
	{                                                           \
		writer_first(w, r);                                 \
	}                                                           \
	TEST(r_name##_reader_then_##w_name##_writer)                \
	{                                                           \
		reader_first(w, r);                                 \
	}                                                           \
	TEST(deadlines_of_##r_name##_reader_with_##w_name##_writer) \
	{                                                           \
		deadlines(w, r);                                    \
	}                                                           \
	TEST(r_name##_writer_succeeds_##w_name##_writer)            \
	{                                                           \
		succession(w, r);                                   \
	}                                                           \
	TEST(r_name##_writer_of_samples_succeeds_##w_name##_writer) \
	{                                                           \
		succession_of_samples(w, r);                        \
	}

/* clang-format off */
#define LIST_PAIR(w, r, w_name, r_name)                                          \
	cmocka_unit_test(w_name##_writer_then_##r_name##_reader),                \
	cmocka_unit_test(r_name##_reader_then_##w_name##_writer),                \
	cmocka_unit_test(deadlines_of_##r_name##_reader_with_##w_name##_writer), \
	cmocka_unit_test(r_name##_writer_succeeds_##w_name##_writer),            \
	cmocka_unit_test(r_name##_writer_of_samples_succeeds_##w_name##_writer),

OWN_PAIRS(TESTS_OF_PAIR)
OTHER_PAIRS(TESTS_OF_PAIR)

static const struct CMUnitTest own_tests[] = {
	OWN_PAIRS(LIST_PAIR)
	cmocka_unit_test(nothing_torn_from_kernel_writer),
	cmocka_unit_test(nothing_torn_from_posix_writer),
	cmocka_unit_test(another_library),
};

static const struct CMUnitTest all_tests[] = {
	OWN_PAIRS(LIST_PAIR)
	cmocka_unit_test(nothing_torn_from_kernel_writer),
	cmocka_unit_test(nothing_torn_from_posix_writer),
	OTHER_PAIRS(LIST_PAIR)
	cmocka_unit_test(nothing_torn_from_other_writer),
	cmocka_unit_test(other_writer_is_refused_while_the_flow_is_sealed),
};
/* clang-format on */

int main(int argc, char **argv)
{
	static const struct test_role roles[] = { PEER_ROLES };

	if (has_other())
		return test_main(argc, argv, all_tests, ARRAY_SIZE(all_tests), roles,
				 ARRAY_SIZE(roles));
	return test_main(argc, argv, own_tests, ARRAY_SIZE(own_tests), roles, ARRAY_SIZE(roles));
}

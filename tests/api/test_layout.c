// SPDX-License-Identifier: Apache-2.0
/*
 * The files of a flow, byte for byte. Other programs map, parse and lock them: offsets are written
 * here as numbers, not as members, so that a change of a header cannot hide a change of the layout.
 */
#include "helpers.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static uint64_t get(const void *base, size_t offset, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, (const uint8_t *)base + offset, size);
	return value;
}

static bool zero(const void *base, size_t from, size_t to)
{
	for (; from < to; from++)
		if (((const uint8_t *)base)[from])
			return false;
	return true;
}

static void expect_file(const char *path, mode_t type, mode_t mode, off_t size)
{
	struct stat st;

	if (lstat(path, &st))
		fail_because("%s is missing", path);
	if ((st.st_mode & S_IFMT) != type)
		fail_because("%s has the wrong type", path);
	if ((st.st_mode & 07777) != (mode & ~022u))
		fail_because("%s has mode %o, not %o", path, st.st_mode & 07777, mode & ~022u);
	if (type == S_IFREG && st.st_size != size)
		fail_because("%s has %lld bytes, not %lld", path, (long long)st.st_size,
			     (long long)size);
}

TEST(files_of_a_discrete_flow)
{
	unsigned int i;

	open_writer(instance(), small_def(ID_A));
	assert_int_equal(count_entries(domain(), ""), 1);
	expect_file(flow_path(ID_A, NULL), S_IFDIR, 0755, 0);
	expect_file(flow_path(ID_A, "flow_def.json"), S_IFREG, 0666, strlen(small_def(ID_A)));
	expect_file(flow_path(ID_A, "data"), S_IFREG, 0664, 2064);
	expect_file(flow_path(ID_A, "access"), S_IFREG, 0666, 0);
	expect_file(flow_path(ID_A, "grains"), S_IFDIR, 0777, 0);
	assert_int_equal(count_entries(flow_path(ID_A, NULL), ""), 4);
	assert_int_equal(count_entries(flow_path(ID_A, "grains"), ""), SMALL_GRAINS);
	for (i = 0; i < SMALL_GRAINS; i++)
		expect_file(grain_path(ID_A, i), S_IFREG, 0664, 8192 + SMALL_SIZE);
}

TEST(files_of_a_continuous_flow)
{
	open_writer(instance(), sound_def(ID_A));
	expect_file(flow_path(ID_A, NULL), S_IFDIR, 0755, 0);
	expect_file(flow_path(ID_A, "flow_def.json"), S_IFREG, 0666, strlen(sound_def(ID_A)));
	expect_file(flow_path(ID_A, "data"), S_IFREG, 0664, 2064);
	expect_file(flow_path(ID_A, "channels"), S_IFREG, 0664, 2 * SOUND_LENGTH * 4);
	assert_int_equal(count_entries(flow_path(ID_A, NULL), ""), 3);
}

TEST(modes_are_subject_to_the_umask)
{
	mode_t old = umask(0);
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));

	umask(old);
	assert_int_equal(mode_of(flow_path(ID_A, "data")), 0664);
	assert_int_equal(mode_of(flow_path(ID_A, "access")), 0666);
	assert_int_equal(mode_of(flow_path(ID_A, "flow_def.json")), 0666);
	assert_int_equal(mode_of(flow_path(ID_A, "grains")), 0777);
	assert_int_equal(mode_of(grain_path(ID_A, 0)), 0664);
	assert_int_equal(mode_of(flow_path(ID_A, NULL)), 0755);
	assert_ok(mxlReleaseFlowWriter(instance(), writer));

	old = umask(077);
	open_writer(instance(), small_def(ID_A));
	umask(old);
	assert_int_equal(mode_of(flow_path(ID_A, "data")), 0600);
	assert_int_equal(mode_of(grain_path(ID_A, 0)), 0600);
}

TEST(definition_is_stored_byte_for_byte)
{
	const char *def = text("\n\t %s \n\n", data_file("video-720p50-v210a.json"));
	const char *path;
	size_t size;

	open_writer(instance(), def);
	path = flow_path("8a3f2c10-5b1d-4e6f-9c47-1f2e3d4c5b03", "flow_def.json");
	assert_string_equal(read_file(path, &size), def);
	assert_int_equal(size, strlen(def));
}

TEST(header_of_a_fresh_discrete_flow)
{
	static const uint8_t id[16] = { 0x5f, 0xbe, 0xc3, 0xb1, 0x1b, 0x0f, 0x41, 0x7d,
					0x90, 0x59, 0x8b, 0x94, 0xa4, 0x71, 0x97, 0xed };
	uint64_t before = mxlGetTime();
	const uint8_t *data;
	uint64_t after;
	struct stat st;
	size_t size;

	open_writer_with(instance(), video_key_def(ID_A, 98, 6, 60000, 1001),
			 "{\"maxCommitBatchSizeHint\":2,\"maxSyncBatchSizeHint\":4}");
	after = mxlGetTime();
	data = map_file(flow_path(ID_A, "data"), &size);
	assert_int_equal(size, 2064);
	assert_int_equal(get(data, 0, 4), 1); /* version */
	assert_int_equal(get(data, 4, 4), 2048); /* size */
	assert_memory_equal(data + 8, id, sizeof(id));
	assert_int_equal(get(data, 24, 4), 1); /* video */
	assert_int_equal(get(data, 28, 4), 0); /* flags */
	assert_int_equal(get(data, 32, 8), 60000);
	assert_int_equal(get(data, 40, 8), 1001);
	assert_int_equal(get(data, 48, 4), 2); /* commit batch */
	assert_int_equal(get(data, 52, 4), 4); /* sync batch */
	assert_int_equal(get(data, 56, 4), 0); /* host memory */
	assert_int_equal(get(data, 60, 4), 0xffffffff); /* no device */
	assert_true(zero(data, 64, 136));
	assert_int_equal(get(data, 136, 4), 3 * 128); /* slices: fill, key */
	assert_int_equal(get(data, 140, 4), 33 * 4);
	assert_int_equal(get(data, 144, 4), 0);
	assert_int_equal(get(data, 148, 4), 0);
	assert_int_equal(get(data, 152, 4), 11); /* grains */
	assert_true(zero(data, 156, 200));
	assert_int_equal(get(data, 200, 8), 0); /* head */
	assert_in_range(get(data, 208, 8), before, after); /* last write */
	assert_in_range(get(data, 216, 8), before, after); /* last read */
	assert_true(zero(data, 224, 2048));
	assert_int_equal(stat(flow_path(ID_A, "data"), &st), 0);
	assert_true(get(data, 2048, 8) == st.st_ino);
	/* sync counter: who takes the kernel's lock tells everybody */
	assert_int_equal(get(data, 2056, 4), is_sealed(flow_path(ID_A, "data")));
	assert_int_equal(get(data, 2060, 4), 0);
}

TEST(header_of_a_fresh_continuous_flow)
{
	const uint8_t *data;

	open_writer(instance(), audio_def(ID_B, 48000, 16));
	data = map_file(flow_path(ID_B, "data"), NULL);
	assert_int_equal(get(data, 0, 4), 1);
	assert_int_equal(get(data, 4, 4), 2048);
	assert_int_equal(get(data, 24, 4), 2); /* audio */
	assert_int_equal(get(data, 32, 8), 48000);
	assert_int_equal(get(data, 40, 8), 1);
	assert_int_equal(get(data, 48, 4), 480);
	assert_int_equal(get(data, 52, 4), 480);
	assert_int_equal(get(data, 136, 4), 16); /* channels */
	assert_int_equal(get(data, 140, 4), 19456); /* samples of each */
	assert_true(zero(data, 144, 200));
	assert_int_equal(get(data, 200, 8), 0);
}

TEST(headers_of_fresh_grains)
{
	unsigned int i;

	open_writer(instance(), small_def(ID_A));
	for (i = 0; i < SMALL_GRAINS; i++) {
		const uint8_t *grain = map_file(grain_path(ID_A, i), NULL);

		assert_int_equal(get(grain, 0, 4), 1); /* version */
		assert_int_equal(get(grain, 4, 4), 4096); /* size */
		assert_int_equal(get(grain, 16, 4) & ~1u, 0); /* flags */
		assert_int_equal(get(grain, 20, 4), SMALL_SIZE);
		assert_int_equal(get(grain, 24, 2), SMALL_SLICES);
		assert_int_equal(get(grain, 26, 2), 0); /* valid slices */
		assert_true(zero(grain, 28, 8192 + SMALL_SIZE));
	}
}

TEST(commit_changes_what_it_says_and_nothing_else)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	const uint8_t *data = map_file(flow_path(ID_A, "data"), NULL);
	const uint8_t *grain = map_file(grain_path(ID_A, 3), NULL);
	uint64_t before;
	uint8_t *old;

	write_grain(writer, 12);
	old = malloc(2064);
	memcpy(old, data, 2064);
	before = mxlGetTime();
	write_slices(writer, 13, 5);

	assert_int_equal(get(data, 200, 8), 13);
	assert_in_range(get(data, 208, 8), before, mxlGetTime());
	assert_int_equal(get(data, 2056, 4), get(old, 2056, 4) + 1);
	assert_memory_equal(data, old, 200);
	assert_memory_equal(data + 224, old + 224, 2056 - 224);
	free(old);

	assert_int_equal(get(grain, 8, 8), 13);
	assert_int_equal(get(grain, 16, 4), 0);
	assert_int_equal(get(grain, 20, 4), SMALL_SIZE);
	assert_int_equal(get(grain, 24, 2), SMALL_SLICES);
	assert_int_equal(get(grain, 26, 2), 5);
	assert_true(zero(grain, 28, 8192));
	assert_true(payload_is(grain + 8192, SMALL_SIZE, 13));
}

TEST(grain_of_an_index_is_the_file_of_its_remainder)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	uint64_t index;

	for (index = 100; index < 100 + SMALL_GRAINS; index++)
		write_grain(writer, index);
	for (index = 100; index < 100 + SMALL_GRAINS; index++) {
		const uint8_t *grain = map_file(grain_path(ID_A, index % SMALL_GRAINS), NULL);

		assert_int_equal(get(grain, 8, 8), index);
		assert_true(payload_is(grain + 8192, SMALL_SIZE, index));
	}
}

TEST(samples_are_planar_and_wrap)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	const float *channels = map_file(flow_path(ID_A, "channels"), NULL);
	uint64_t first = 5 * SOUND_LENGTH - 100;
	uint64_t i;
	unsigned int c;

	write_samples(writer, first + 480, 480);
	for (c = 0; c < 2; c++)
		for (i = first; i < first + 480; i++)
			if (channels[c * SOUND_LENGTH + i % SOUND_LENGTH] != sample_value(i, c))
				fail_because("sample %u of channel %u is not in its place",
					     (unsigned int)i, c);
}

TEST(head_and_times_of_samples)
{
	mxlFlowWriter writer = open_writer(instance(), sound_def(ID_A));
	const uint8_t *data = map_file(flow_path(ID_A, "data"), NULL);
	uint64_t before = mxlGetTime();

	write_samples(writer, 4800, 480);
	assert_int_equal(get(data, 200, 8), 4800);
	assert_in_range(get(data, 208, 8), before, mxlGetTime());
}

TEST(files_are_allocated_in_full)
{
	struct stat st;
	unsigned int i;

	open_writer(instance(), small_def(ID_A));
	open_writer(instance(), sound_def(ID_B));
	for (i = 0; i < SMALL_GRAINS; i++) {
		assert_int_equal(stat(grain_path(ID_A, i), &st), 0);
		assert_true(st.st_blocks * 512 >= st.st_size);
	}
	assert_int_equal(stat(flow_path(ID_B, "channels"), &st), 0);
	assert_true(st.st_blocks * 512 >= st.st_size);
}

/* The examples of the format's description, and a few around rounding. */
TEST(geometry)
{
	static const struct {
		int width, height, num, den;
		bool key, fields;
		uint32_t grains, size, slices, fill, alpha;
	} cases[] = {
		{ 1920, 1080, 60000, 1001, false, false, 11, 5529600, 1080, 5120, 0 },
		{ 1920, 1080, 50, 1, true, false, 10, 8294400, 1080, 5120, 2560 },
		{ 1920, 1080, 25, 1, false, true, 10, 2764800, 540, 5120, 0 },
		{ 1280, 720, 50, 1, false, false, 10, 3456 * 720, 720, 3456, 0 },
		{ 2, 1, 50, 1, false, false, 10, 128, 1, 128, 0 },
		{ 48, 2, 50, 1, false, false, 10, 256, 2, 128, 0 },
		{ 49, 2, 50, 1, false, false, 10, 512, 2, 256, 0 },
		{ 1, 0, 0, 0, false, false, 0, 0, 0, 0, 0 },
	};
	size_t i;

	for (i = 0; cases[i].height; i++) {
		const char *def;
		mxlFlowConfigInfo config;
		mxlFlowWriter writer;
		mxlGrainInfo info;

		if (cases[i].key)
			def = video_key_def(ID_A, cases[i].width, cases[i].height, cases[i].num,
					    cases[i].den);
		else if (cases[i].fields)
			def = interlaced_def(ID_A, cases[i].width, cases[i].height, cases[i].num,
					     cases[i].den);
		else
			def = video_def(ID_A, cases[i].width, cases[i].height, cases[i].num,
					cases[i].den);
		assert_ok(mxlCreateFlowWriter(instance(), def, NULL, &writer, &config, NULL));
		assert_int_equal(config.discrete.grainCount, cases[i].grains);
		assert_int_equal(config.discrete.sliceSizes[0], cases[i].fill);
		assert_int_equal(config.discrete.sliceSizes[1], cases[i].alpha);
		assert_int_equal(config.discrete.sliceSizes[2], 0);
		assert_int_equal(config.discrete.sliceSizes[3], 0);
		assert_int_equal(config.common.maxSyncBatchSizeHint, cases[i].slices);
		assert_ok(mxlFlowWriterGetGrainInfo(writer, 0, &info));
		assert_int_equal(info.grainSize, cases[i].size);
		assert_int_equal(info.totalSlices, cases[i].slices);
		assert_int_equal(size_of(grain_path(ID_A, 0)), 8192 + cases[i].size);
		assert_int_equal(count_entries(flow_path(ID_A, "grains"), "data."),
				 cases[i].grains);
		assert_ok(mxlReleaseFlowWriter(instance(), writer));
	}
}

TEST(geometry_of_ancillary_data)
{
	mxlFlowConfigInfo config;
	mxlFlowWriter writer;
	mxlGrainInfo info;

	assert_ok(mxlCreateFlowWriter(instance(), anc_def(ID_A, 60000, 1001), NULL, &writer,
				      &config, NULL));
	assert_int_equal(config.common.format, MXL_DATA_FORMAT_DATA);
	assert_int_equal(config.discrete.grainCount, 11);
	assert_int_equal(config.discrete.sliceSizes[0], 1);
	assert_int_equal(config.discrete.sliceSizes[1], 0);
	assert_ok(mxlFlowWriterGetGrainInfo(writer, 0, &info));
	assert_int_equal(info.grainSize, 4096);
	assert_int_equal(info.totalSlices, 4096);
}

TEST(geometry_of_audio)
{
	static const struct {
		int rate, channels;
		const char *depth;
		uint32_t length;
		uint64_t bytes;
	} cases[] = {
		{ 48000, 16, "32", 19456, 1245184 }, /* 19200, rounded up to 1024 */
		{ 96000, 1, "32", 38912, 38912 * 4 },  { 44100, 2, "32", 18432, 18432 * 8 },
		{ 48000, 2, "64", 19456, 19456 * 16 }, /* rounded up to 512 */
		{ 10, 1, "32", 1024, 4096 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *def = audio_def(ID_A, cases[i].rate, cases[i].channels);
		mxlFlowConfigInfo config;
		mxlFlowWriter writer;
		size_t length = 0;
		char *depth = strstr(def, "32,\"channel_count");

		memcpy(depth, cases[i].depth, 2);
		assert_ok(mxlCreateFlowWriter(instance(), def, NULL, &writer, &config, NULL));
		assert_int_equal(config.continuous.bufferLength, cases[i].length);
		assert_int_equal(config.continuous.channelCount, cases[i].channels);
		assert_int_equal(size_of(flow_path(ID_A, "channels")), cases[i].bytes);
		assert_ok(mxlFlowWriterGetMaxWriteLengthSamples(writer, &length));
		assert_int_equal(length, cases[i].length / 2);
		assert_ok(mxlReleaseFlowWriter(instance(), writer));
	}
}

static bool lockable(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool locked;

	assert_true(fd >= 0);
	locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
	close(fd);
	return locked;
}

TEST(writer_holds_locks_and_readers_hold_none)
{
	open_writer(instance(), small_def(ID_A));
	open_writer(instance(), sound_def(ID_B));
	assert_false(lockable(flow_path(ID_A, "data")));
	assert_false(lockable(flow_path(ID_B, "data")));
	/* what is sealed needs no sign that it is in use */
	if (!is_sealed(grain_path(ID_A, 0))) {
		assert_false(lockable(grain_path(ID_A, 0)));
		assert_false(lockable(grain_path(ID_A, SMALL_GRAINS - 1)));
		assert_false(lockable(flow_path(ID_B, "channels")));
	}

	orphan_flow(domain(), small_def(ID_C));
	open_reader(instance(), ID_C);
	assert_true(lockable(flow_path(ID_C, "data")));
	assert_true(lockable(grain_path(ID_C, 0)));
}

TEST(writer_locks_are_shared)
{
	int fd;

	open_writer(instance(), small_def(ID_A));
	fd = open(flow_path(ID_A, "data"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), 0);
	close(fd);
}

TEST(descriptors_are_not_inherited_by_programs)
{
	char path[64], target[256];
	int fd, flags;

	open_writer(instance(), small_def(ID_A));
	open_writer(instance(), sound_def(ID_B));
	open_reader(instance(), ID_A);
	open_reader(instance(), ID_B);
	for (fd = 3; fd < 1024; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		flags = fcntl(fd, F_GETFD);
		if (n < 0 || flags < 0)
			continue;
		target[n] = '\0';
		if (!(flags & FD_CLOEXEC) && (strstr(target, "mxl") || strstr(target, "inotify")))
			fail_because("%s would be inherited", target);
	}
}

/* Every signalled commit adds one to the counter, and wakes. */
TEST(sync_counter_counts_signalled_commits)
{
	mxlFlowWriter writer = open_writer(instance(), small_def(ID_A));
	const uint8_t *data = map_file(flow_path(ID_A, "data"), NULL);
	uint64_t before = get(data, 2056, 4);
	unsigned int i;

	for (i = 1; i <= 20; i++) {
		write_grain(writer, i);
		assert_int_equal(get(data, 2056, 4), before + i);
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_of_a_discrete_flow),
		cmocka_unit_test(files_of_a_continuous_flow),
		cmocka_unit_test(modes_are_subject_to_the_umask),
		cmocka_unit_test(definition_is_stored_byte_for_byte),
		cmocka_unit_test(header_of_a_fresh_discrete_flow),
		cmocka_unit_test(header_of_a_fresh_continuous_flow),
		cmocka_unit_test(headers_of_fresh_grains),
		cmocka_unit_test(commit_changes_what_it_says_and_nothing_else),
		cmocka_unit_test(grain_of_an_index_is_the_file_of_its_remainder),
		cmocka_unit_test(samples_are_planar_and_wrap),
		cmocka_unit_test(head_and_times_of_samples),
		cmocka_unit_test(files_are_allocated_in_full),
		cmocka_unit_test(geometry),
		cmocka_unit_test(geometry_of_ancillary_data),
		cmocka_unit_test(geometry_of_audio),
		cmocka_unit_test(writer_holds_locks_and_readers_hold_none),
		cmocka_unit_test(writer_locks_are_shared),
		cmocka_unit_test(descriptors_are_not_inherited_by_programs),
		cmocka_unit_test(sync_counter_counts_signalled_commits),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), NULL, 0);
}

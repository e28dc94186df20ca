// SPDX-License-Identifier: Apache-2.0
/*
 * Files that are not what they should be. Whatever is wrong with one flow is an error status and a
 * line of the log that names the file; it is no crash, leaks nothing, and other flows do not notice.
 */
#include "helpers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

static mxlGrainInfo info;
static uint8_t *payload;
static mxlWrappedMultiBufferSlice slice;

/* A second, good flow in the same domain. */
static mxlFlowReader neighbour;

/* A discrete flow A and a continuous flow B without writers, and a neighbour C in use. */
static void set_up(void)
{
	orphan_flow(domain(), small_def(ID_A));
	orphan_flow(domain(), sound_def(ID_B));
	write_grain(open_writer(instance(), small_def(ID_C)), 5);
	neighbour = open_reader(instance(), ID_C);
}

static void patch(const char *path, off_t offset, uint64_t value, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &value, size, offset), size);
	close(fd);
}

static void copy(const char *from, const char *to)
{
	size_t size;
	const char *content = read_file(from, &size);
	int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, size), size);
	close(fd);
}

/* Neither a reader nor a writer takes the flow, and the log says which file is to blame. */
static void unusable(const char *id, const char *def, const char *part, const char *what)
{
	mxlFlowReader reader = NULL;
	mxlFlowWriter writer = NULL;
	mxlInstance inst;
	mxlStatus status;
	const char *log;
	bool active;

	log_start();
	inst = open_instance(domain());
	status = mxlCreateFlowReader(inst, id, NULL, &reader);
	log = log_end();
	if (status == MXL_STATUS_OK)
		fail_because("%s: a reader took it", what);
	if (!strstr(log, part))
		fail_because("%s: no \"%s\" in the log of the reader: %.300s", what, part, log);
	assert_null(reader);

	log_start();
	status = mxlCreateFlowWriter(inst, def, NULL, &writer, NULL, NULL);
	log = log_end();
	if (status == MXL_STATUS_OK)
		fail_because("%s: a writer took it", what);
	if (!strstr(log, part))
		fail_because("%s: no \"%s\" in the log of the writer: %.300s", what, part, log);
	assert_null(writer);

	/* whatever they answer */
	log_start();
	(void)mxlIsFlowActive(inst, id, &active);
	log_end();
	close_instance(inst);
	expect_grain(neighbour, 5);
}

/* What an opened flow answers to every question must be bearable; nothing here checks statuses. */
static void ask_everything(mxlInstance inst, const char *id)
{
	static const uint64_t indices[] = { 0,	       1,	   5,	       9,
					    10,	       1ULL << 62, 1ULL << 63, UINT64_MAX - 1,
					    UINT64_MAX };
	mxlFlowReader reader = NULL;
	mxlFlowRuntimeInfo runtime;
	uint64_t head;
	size_t i;

	if (mxlCreateFlowReader(inst, id, NULL, &reader) != MXL_STATUS_OK)
		return;
	assert_ok(mxlFlowReaderGetRuntimeInfo(reader, &runtime));
	head = runtime.headIndex;
	for (i = 0; i < ARRAY_SIZE(indices) + 25; i++) {
		uint64_t index = i < ARRAY_SIZE(indices) ? indices[i]
							 : head - 12 + (i - ARRAY_SIZE(indices));

		if (mxlFlowReaderGetGrainNonBlocking(reader, index, &info, &payload) ==
		    MXL_STATUS_OK) {
			assert_int_equal(info.index, index);
			assert_int_equal(info.grainSize, SMALL_SIZE);
			assert_true(info.validSlices <= info.totalSlices);
			/* touch all of it */
			(void)payload_is(payload, info.grainSize, index);
		}
		(void)mxlFlowReaderGetGrain(reader, index, 1000, &info, &payload);
		(void)mxlFlowReaderGetGrainSliceNonBlocking(reader, index, 0, &info, &payload);
		if (mxlFlowReaderGetSamplesNonBlocking(reader, index, 480, &slice) == MXL_STATUS_OK)
			(void)is_silence(reader, index, 480);
		(void)mxlFlowReaderGetSamples(reader, index, SOUND_HALF, 1000, &slice);
	}
	assert_ok(mxlReleaseFlowReader(inst, reader));
}

struct damage {
	const char *what;
	off_t offset;
	uint64_t value;
	size_t size;
};

/* Applies each damage to a fresh copy of the file. */
static void each_damage(const char *id, const char *def, const char *path, const char *part,
			const struct damage *damages, size_t n)
{
	const char *good = text("%s/good", domain());
	size_t i;

	copy(path, good);
	for (i = 0; i < n; i++) {
		patch(path, damages[i].offset, damages[i].value, damages[i].size);
		unusable(id, def, part, damages[i].what);
		copy(good, path);
	}
	unlink(good);
	/* it was nothing else */
	assert_ok(mxlReleaseFlowReader(instance(), open_reader(instance(), id)));
}

static void each_size(const char *id, const char *def, const char *path, const char *part,
		      const off_t *sizes, size_t n)
{
	const char *good = text("%s/good", domain());
	size_t i;

	copy(path, good);
	for (i = 0; i < n; i++) {
		assert_int_equal(truncate(path, sizes[i]), 0);
		unusable(id, def, part, text("%s of %lld bytes", part, (long long)sizes[i]));
		copy(good, path);
	}
	unlink(good);
	assert_ok(mxlReleaseFlowReader(instance(), open_reader(instance(), id)));
}

/* Puts other things into the place of a file. */
static void each_kind(const char *id, const char *def, const char *path, const char *part)
{
	const char *good = text("%s/good", domain());

	/* a flow without `data` may be one that is just going */
	assert_int_equal(rename(path, good), 0);
	unusable(id, def, strcmp(part, "data") ? part : "", text("%s missing", part));

	assert_int_equal(mkdir(path, 0755), 0);
	unusable(id, def, part, text("%s a directory", part));
	assert_int_equal(rmdir(path), 0);

	assert_int_equal(mkfifo(path, 0666), 0);
	unusable(id, def, part, text("%s a FIFO", part));
	assert_int_equal(unlink(path), 0);

	assert_int_equal(symlink(good, path), 0);
	unusable(id, def, part, text("%s a link to what it should be", part));
	assert_int_equal(unlink(path), 0);

	assert_int_equal(symlink("/dev/zero", path), 0);
	unusable(id, def, part, text("%s a link to a device", part));
	assert_int_equal(unlink(path), 0);

	assert_int_equal(symlink(path, path), 0);
	unusable(id, def, part, text("%s a link to itself", part));
	assert_int_equal(unlink(path), 0);

	assert_int_equal(symlink("missing", path), 0);
	unusable(id, def, part, text("%s a link to nothing", part));
	assert_int_equal(unlink(path), 0);

	assert_int_equal(rename(good, path), 0);
	assert_ok(mxlReleaseFlowReader(instance(), open_reader(instance(), id)));
}

static const off_t data_sizes[] = { 0, 1, 100, 2048, 2063, 2065, 4096, 1 << 20 };

TEST(data_of_a_wrong_size)
{
	set_up();
	each_size(ID_A, small_def(ID_A), flow_path(ID_A, "data"), "data", data_sizes,
		  ARRAY_SIZE(data_sizes));
	each_size(ID_B, sound_def(ID_B), flow_path(ID_B, "data"), "data", data_sizes,
		  ARRAY_SIZE(data_sizes));
}

TEST(data_that_is_no_file)
{
	set_up();
	each_kind(ID_A, small_def(ID_A), flow_path(ID_A, "data"), "data");
	each_kind(ID_B, sound_def(ID_B), flow_path(ID_B, "data"), "data");
}

TEST(data_of_a_wrong_version)
{
	static const struct damage damages[] = {
		{ "version 0", 0, 0, 4 },
		{ "version 2", 0, 2, 4 },
		{ "version 2^32-1", 0, UINT32_MAX, 4 },
		{ "size 0", 4, 0, 4 },
		{ "size 2047", 4, 2047, 4 },
		{ "size 2064", 4, 2064, 4 },
		{ "size 2^32-1", 4, UINT32_MAX, 4 },
	};

	set_up();
	each_damage(ID_A, small_def(ID_A), flow_path(ID_A, "data"), "data", damages,
		    ARRAY_SIZE(damages));
	each_damage(ID_B, sound_def(ID_B), flow_path(ID_B, "data"), "data", damages,
		    ARRAY_SIZE(damages));
}

TEST(data_of_another_kind_of_flow)
{
	static const struct damage damages[] = {
		{ "no format", 24, 0, 4 },
		{ "unknown format", 24, 4, 4 },
		{ "format 2^32-1", 24, UINT32_MAX, 4 },
	};
	static const struct damage to_audio = { "audio without channels", 24, 2, 4 };
	static const struct damage to_video = { "video without grains", 24, 1, 4 };

	set_up();
	each_damage(ID_A, small_def(ID_A), flow_path(ID_A, "data"), "data", damages,
		    ARRAY_SIZE(damages));
	each_damage(ID_B, sound_def(ID_B), flow_path(ID_B, "data"), "data", damages,
		    ARRAY_SIZE(damages));
	each_damage(ID_A, small_def(ID_A), flow_path(ID_A, "data"), "", &to_audio, 1);
	each_damage(ID_B, sound_def(ID_B), flow_path(ID_B, "data"), "", &to_video, 1);
}

TEST(data_of_an_impossible_rate)
{
	static const struct damage damages[] = {
		{ "rate 0", 32, 0, 8 },
		{ "rate over 0", 40, 0, 8 },
		{ "negative rate", 32, (uint64_t)-50, 8 },
		{ "rate over a negative", 40, (uint64_t)-1, 8 },
	};

	set_up();
	each_damage(ID_A, small_def(ID_A), flow_path(ID_A, "data"), "data", damages,
		    ARRAY_SIZE(damages));
	each_damage(ID_B, sound_def(ID_B), flow_path(ID_B, "data"), "data", damages,
		    ARRAY_SIZE(damages));
}

TEST(grain_count_of_zero_or_huge)
{
	static const struct damage damages[] = {
		{ "0 grains", 152, 0, 4 },
		{ "1 grain", 152, 1, 4 },
		{ "32769 grains", 152, 32769, 4 },
		{ "2^31 grains", 152, 1u << 31, 4 },
		{ "2^32-1 grains", 152, UINT32_MAX, 4 },
	};
	static const struct damage more = { "a grain more than there are files", 152, 11, 4 };

	set_up();
	each_damage(ID_A, small_def(ID_A), flow_path(ID_A, "data"), "data", damages,
		    ARRAY_SIZE(damages));
	each_damage(ID_A, small_def(ID_A), flow_path(ID_A, "data"), "data.10", &more, 1);
}

TEST(channels_of_sizes_that_are_zero_or_overflow)
{
	static const struct damage damages[] = {
		{ "no channel", 136, 0, 4 },
		{ "2^31 channels", 136, 1u << 31, 4 },
		{ "2^32-1 channels", 136, UINT32_MAX, 4 },
		{ "no samples", 140, 0, 4 },
		{ "2^32-1 samples", 140, UINT32_MAX, 4 },
		{ "1 sample", 140, 1, 4 },
		{ "a product that wraps to the right size", 136, 0x4c00ULL << 32 | 0x40000002, 8 },
		{ "2^62 samples in all", 136, 0x8000000080000000, 8 },
		{ "(2^32-1)^2 samples in all", 136, UINT64_MAX, 8 },
		{ "a channel more", 136, 3, 4 },
		{ "a sample more", 140, SOUND_LENGTH + 1, 4 },
		{ "longer than its file", 140, 2 * SOUND_LENGTH, 4 },
	};

	set_up();
	each_damage(ID_B, sound_def(ID_B), flow_path(ID_B, "data"), "", damages,
		    ARRAY_SIZE(damages));
}

/* Files of a flow copied elsewhere are not that flow. */
TEST(data_with_the_inode_of_another_file)
{
	const char *id = "99999999-1b0f-417d-9059-8b94a47197ed";
	mxlFlowReader reader = NULL;
	unsigned int i;

	set_up();
	assert_int_equal(mkdir(flow_path(id, NULL), 0755), 0);
	assert_int_equal(mkdir(flow_path(id, "grains"), 0777), 0);
	copy(flow_path(ID_A, "data"), flow_path(id, "data"));
	copy(flow_path(ID_A, "access"), flow_path(id, "access"));
	copy(flow_path(ID_A, "flow_def.json"), flow_path(id, "flow_def.json"));
	for (i = 0; i < SMALL_GRAINS; i++)
		copy(grain_path(ID_A, i), grain_path(id, i));
	log_start();
	assert_refused(mxlCreateFlowReader(instance(), id, NULL, &reader));
	assert_logged(log_end(), "data");
}

TEST(head_in_the_far_future)
{
	static const uint64_t heads[] = { UINT64_MAX, UINT64_MAX - 1, 1ULL << 63,
					  1ULL << 62, 1000000000000,  9 };
	size_t i;

	set_up();
	for (i = 0; i < ARRAY_SIZE(heads); i++) {
		mxlInstance inst = open_instance(domain());
		mxlFlowWriter writer;

		patch(flow_path(ID_A, "data"), 200, heads[i], 8);
		patch(flow_path(ID_B, "data"), 200, heads[i], 8);
		ask_everything(inst, ID_A);
		ask_everything(inst, ID_B);
		expect_grain(neighbour, 5);

		/* a new writer gets it right again */
		writer = open_writer(inst, small_def(ID_A));
		write_grain(writer, 77);
		expect_grain(open_reader(inst, ID_A), 77);
		assert_int_equal(head_of(open_reader(inst, ID_A)), 77);
		writer = open_writer(inst, sound_def(ID_B));
		write_samples(writer, 48000, 480);
		expect_samples(open_reader(inst, ID_B), 48000, 480);
		close_instance(inst);
		orphan_flow(domain(), small_def(ID_A));
		orphan_flow(domain(), sound_def(ID_B));
	}
}

TEST(head_that_moves_anywhere_while_it_is_read)
{
	static const uint64_t heads[] = { UINT64_MAX, 0, 1ULL << 63, 5, UINT64_MAX - 3, 1 };
	struct mxl_flow_header *header;
	size_t i;

	set_up();
	header = map_header(ID_A);
	for (i = 0; i < ARRAY_SIZE(heads); i++) {
		__atomic_store_n(&header->head_index, heads[i], __ATOMIC_RELEASE);
		ask_everything(instance(), ID_A);
	}
}

static const off_t grain_sizes[] = {
	0, 28, 4096, 8191, 8192, 8192 + SMALL_SIZE - 1, 8192 + 1024, 8192 + SMALL_SIZE + 1, 1 << 20
};

TEST(grain_of_a_wrong_size)
{
	set_up();
	each_size(ID_A, small_def(ID_A), grain_path(ID_A, 0), "data.0", grain_sizes,
		  ARRAY_SIZE(grain_sizes));
	each_size(ID_A, small_def(ID_A), grain_path(ID_A, 7), "data.7", grain_sizes,
		  ARRAY_SIZE(grain_sizes));
}

TEST(grain_that_is_no_file)
{
	set_up();
	each_kind(ID_A, small_def(ID_A), grain_path(ID_A, 0), "data.0");
	each_kind(ID_A, small_def(ID_A), grain_path(ID_A, 9), "data.9");
}

TEST(grains_that_are_no_directory)
{
	const char *grains, *good = NULL;

	set_up();
	grains = flow_path(ID_A, "grains");
	good = text("%s/good", domain());
	assert_int_equal(rename(grains, good), 0);
	unusable(ID_A, small_def(ID_A), "grains", "no grains");
	assert_int_equal(symlink(good, grains), 0);
	unusable(ID_A, small_def(ID_A), "grains", "grains a link");
	assert_int_equal(unlink(grains), 0);
	write_file(grains, "x");
	unusable(ID_A, small_def(ID_A), "grains", "grains a file");
	assert_int_equal(unlink(grains), 0);
	assert_int_equal(mkfifo(grains, 0666), 0);
	unusable(ID_A, small_def(ID_A), "grains", "grains a FIFO");
}

static const struct damage grain_damages[] = {
	{ "version 0", 0, 0, 4 },
	{ "version 2", 0, 2, 4 },
	{ "header size 0", 4, 0, 4 },
	{ "header size 8192", 4, 8192, 4 },
	{ "payload 0", 20, 0, 4 },
	{ "payload huge", 20, UINT32_MAX, 4 },
	{ "payload a byte longer", 20, SMALL_SIZE + 1, 4 },
	{ "payload shorter", 20, SMALL_SIZE / 2, 4 },
	{ "no slices", 24, 0, 2 },
	{ "65535 slices", 24, UINT16_MAX, 2 },
	{ "a slice more", 24, SMALL_SLICES + 1, 2 },
};

TEST(grain_with_a_broken_header)
{
	set_up();
	/* what the first one says is what the others are compared with */
	each_damage(ID_A, small_def(ID_A), grain_path(ID_A, 0), "grains/data.", grain_damages,
		    ARRAY_SIZE(grain_damages));
	each_damage(ID_A, small_def(ID_A), grain_path(ID_A, 4), "data.4", grain_damages,
		    ARRAY_SIZE(grain_damages));
}

/* Slice sizes of `data` that disagree with the payload of the grains. */
TEST(slices_that_do_not_make_up_the_payload)
{
	static const struct damage damages[] = {
		{ "slices of 0", 136, 0, 4 },
		{ "slices of 1", 136, 1, 4 },
		{ "slices of 2^32-1", 136, UINT32_MAX, 4 },
		{ "a second plane", 140, 4, 4 },
	};

	set_up();
	each_damage(ID_A, small_def(ID_A), flow_path(ID_A, "data"), "", damages,
		    ARRAY_SIZE(damages));
}

/* A header that breaks after it was opened: any process with the right to write can do that. */
TEST(grain_header_that_breaks_while_it_is_read)
{
	struct mxl_grain_header *grain;
	mxlFlowReader reader;

	set_up();
	need_unsealed(grain_path(ID_C, 5));
	grain = map_grain(ID_C, 5);
	reader = open_reader(instance(), ID_C);
	__atomic_store_n(&grain->valid_slices, UINT16_MAX, __ATOMIC_RELEASE);
	if (mxlFlowReaderGetGrainNonBlocking(reader, 5, &info, &payload) == MXL_STATUS_OK)
		assert_true(info.validSlices <= info.totalSlices);
	__atomic_store_n(&grain->valid_slices, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&grain->total_slices, 0, __ATOMIC_RELEASE);
	if (mxlFlowReaderGetGrainNonBlocking(reader, 5, &info, &payload) == MXL_STATUS_OK)
		assert_int_equal(info.totalSlices, SMALL_SLICES);
	__atomic_store_n(&grain->total_slices, SMALL_SLICES, __ATOMIC_RELEASE);
	__atomic_store_n(&grain->valid_slices, SMALL_SLICES, __ATOMIC_RELEASE);
	__atomic_store_n(&grain->grain_size, 1u << 30, __ATOMIC_RELEASE);
	if (mxlFlowReaderGetGrainNonBlocking(reader, 5, &info, &payload) == MXL_STATUS_OK)
		assert_int_equal(info.grainSize, SMALL_SIZE);
	__atomic_store_n(&grain->grain_size, SMALL_SIZE, __ATOMIC_RELEASE);
	expect_grain(reader, 5);
}

TEST(geometry_that_changes_while_it_is_used)
{
	struct mxl_flow_header *header;
	mxlFlowWriter writer;
	mxlFlowReader reader;
	uint64_t i;

	set_up();
	writer = open_writer(instance(), small_def(ID_A));
	need_unsealed(flow_path(ID_A, "data"));
	reader = open_reader(instance(), ID_A);
	header = map_header(ID_A);
	for (i = 1; i <= 30; i++) {
		/* what was checked at opening is what is used */
		header->discrete.grain_count = i & 1 ? 0 : UINT32_MAX;
		write_grain(writer, i);
		expect_grain(reader, i);
	}
	writer = open_writer(instance(), sound_def(ID_B));
	reader = open_reader(instance(), ID_B);
	header = map_header(ID_B);
	for (i = 480; i <= 48000; i += 480) {
		header->continuous.buffer_length = i & 480 ? 0 : UINT32_MAX;
		header->continuous.channel_count = i & 480 ? 0 : UINT32_MAX;
		write_samples(writer, i, 480);
		expect_samples(reader, i, 480);
	}
}

TEST(channels_of_a_wrong_size)
{
	static const off_t sizes[] = { 0,
				       1,
				       SOUND_LENGTH * 8 - 1,
				       SOUND_LENGTH * 4,
				       SOUND_LENGTH * 8 + 1,
				       SOUND_LENGTH * 32 };

	set_up();
	each_size(ID_B, sound_def(ID_B), flow_path(ID_B, "channels"), "channels", sizes,
		  ARRAY_SIZE(sizes));
}

TEST(channels_that_are_no_file)
{
	set_up();
	each_kind(ID_B, sound_def(ID_B), flow_path(ID_B, "channels"), "channels");
}

/* The definition and the access file are not needed to read. */
TEST(missing_or_odd_access_file_does_not_hurt)
{
	static const char *const kinds[] = { "missing", "directory", "fifo", "link" };
	const char *path;
	size_t i;

	set_up();
	path = flow_path(ID_A, "access");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		mxlFlowReader reader = NULL;
		mxlInstance inst;

		remove_tree(path);
		if (*kinds[i] == 'd')
			assert_int_equal(mkdir(path, 0755), 0);
		else if (*kinds[i] == 'f')
			assert_int_equal(mkfifo(path, 0666), 0);
		else if (*kinds[i] == 'l')
			assert_int_equal(symlink("/dev/zero", path), 0);
		log_start();
		inst = open_instance(domain());
		if (mxlCreateFlowReader(inst, ID_A, NULL, &reader) == MXL_STATUS_OK)
			expect_status(reader, 9, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
		close_instance(inst);
		log_end();
		expect_grain(neighbour, 5);
	}
}

TEST(definition_that_is_missing_or_odd)
{
	const char *path;
	char buffer[64];
	size_t size;

	set_up();
	path = flow_path(ID_A, "flow_def.json");
	assert_int_equal(unlink(path), 0);
	log_start();
	size = sizeof(buffer);
	assert_refused(mxlGetFlowDef(instance(), ID_A, buffer, &size));
	assert_int_equal(mkfifo(path, 0666), 0);
	size = sizeof(buffer);
	assert_refused(mxlGetFlowDef(instance(), ID_A, buffer, &size));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	size = sizeof(buffer);
	assert_refused(mxlGetFlowDef(instance(), ID_A, buffer, &size));
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	size = sizeof(buffer);
	assert_refused(mxlGetFlowDef(instance(), ID_A, buffer, &size));
	assert_logged(log_end(), "flow_def.json");
	assert_int_equal(unlink(path), 0);

	/* a sparse terabyte is not read into memory */
	write_file(path, "{}");
	assert_int_equal(truncate(path, 1LL << 40), 0);
	size = sizeof(buffer);
	log_start();
	assert_refused(mxlGetFlowDef(instance(), ID_A, buffer, &size));
	log_end();
	expect_grain(neighbour, 5);
}

TEST(flow_that_is_no_directory)
{
	const char *path, *good;

	set_up();
	path = flow_path(ID_A, NULL);
	good = text("%s/good", domain());
	assert_int_equal(rename(path, good), 0);

	write_file(path, "x");
	unusable(ID_A, small_def(ID_A), ID_A, "a file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0666), 0);
	unusable(ID_A, small_def(ID_A), ID_A, "a FIFO");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(good, path), 0);
	unusable(ID_A, small_def(ID_A), ID_A, "a link to a flow");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(path, path), 0);
	unusable(ID_A, small_def(ID_A), ID_A, "a link to itself");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("missing", path), 0);
	unusable(ID_A, small_def(ID_A), ID_A, "a link to nothing");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	unusable(ID_A, small_def(ID_A), "data", "an empty directory");
}

TEST(refusing_a_damaged_flow_does_not_delete_it)
{
	set_up();
	patch(flow_path(ID_A, "data"), 0, 2, 4);
	unusable(ID_A, small_def(ID_A), "data", "version 2");
	assert_true(exists(flow_path(ID_A, "data")));
	assert_true(exists(grain_path(ID_A, 0)));
	assert_int_equal(count_entries(domain(), ".mxl-tmp"), 0);
}

/* Bytes at random places: whatever the answer, it is one. */
TEST(random_damage)
{
	uint64_t seed = 42;
	const char *good;
	int round;

	set_up();
	good = text("%s/good", domain());
	copy(flow_path(ID_A, "data"), good);
	for (round = 0; round < 150; round++) {
		mxlFlowWriter writer = NULL;
		mxlInstance inst;
		int i;

		for (i = 0; i < 3; i++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			/* the members, which are far apart */
			patch(flow_path(ID_A, "data"),
			      (seed >> 33) % 2 ? (seed >> 40) % 264 : 2048 + (seed >> 40) % 16,
			      seed >> 56, 1);
		}
		log_start();
		inst = open_instance(domain());
		ask_everything(inst, ID_A);
		if (mxlCreateFlowWriter(inst, small_def(ID_A), NULL, &writer, NULL, NULL) ==
		    MXL_STATUS_OK) {
			/* keeps the flow when this one is released */
			int fd = open(flow_path(ID_A, "data"), O_RDONLY | O_CLOEXEC);

			write_grain(writer, 100 + round);
			if (fd >= 0)
				close(fd);
		}
		close_instance(inst);
		log_end();
		if (!exists(flow_path(ID_A, "data"))) {
			orphan_flow(domain(), small_def(ID_A));
			copy(flow_path(ID_A, "data"), good);
		} else {
			copy(good, flow_path(ID_A, "data"));
		}
	}
	expect_grain(neighbour, 5);
}

TEST(domain_that_is_no_tmpfs_works_with_one_warning)
{
	static const char *const candidates[] = { "/var/tmp", "/tmp", "." };
	mxlInstance first, second;
	struct statfs st;
	const char *log;
	const char *dir = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(candidates) && !dir; i++)
		if (!statfs(candidates[i], &st) && st.f_type != TMPFS_MAGIC &&
		    st.f_type != RAMFS_MAGIC && !access(candidates[i], W_OK))
			dir = new_directory(candidates[i]);
	if (!dir)
		skip_because("every directory here that can be written is a tmpfs");

	log_start();
	first = open_instance(dir);
	second = open_instance(dir);
	write_grain(open_writer(first, small_def(ID_A)), 3);
	expect_grain(open_reader(second, ID_A), 3);
	write_samples(open_writer(second, sound_def(ID_B)), 480, 480);
	expect_samples(open_reader(first, ID_B), 480, 480);
	log = log_end();
	assert_logged(log, "tmpfs");
	/* one for each instance at most, and nothing per flow */
	assert_in_range(count_lines_with(log, "tmpfs"), 1, 2);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_of_a_wrong_size),
		cmocka_unit_test(data_that_is_no_file),
		cmocka_unit_test(data_of_a_wrong_version),
		cmocka_unit_test(data_of_another_kind_of_flow),
		cmocka_unit_test(data_of_an_impossible_rate),
		cmocka_unit_test(grain_count_of_zero_or_huge),
		cmocka_unit_test(channels_of_sizes_that_are_zero_or_overflow),
		cmocka_unit_test(data_with_the_inode_of_another_file),
		cmocka_unit_test(head_in_the_far_future),
		cmocka_unit_test(head_that_moves_anywhere_while_it_is_read),
		cmocka_unit_test(grain_of_a_wrong_size),
		cmocka_unit_test(grain_that_is_no_file),
		cmocka_unit_test(grains_that_are_no_directory),
		cmocka_unit_test(grain_with_a_broken_header),
		cmocka_unit_test(slices_that_do_not_make_up_the_payload),
		cmocka_unit_test(grain_header_that_breaks_while_it_is_read),
		cmocka_unit_test(geometry_that_changes_while_it_is_used),
		cmocka_unit_test(channels_of_a_wrong_size),
		cmocka_unit_test(channels_that_are_no_file),
		cmocka_unit_test(missing_or_odd_access_file_does_not_hurt),
		cmocka_unit_test(definition_that_is_missing_or_odd),
		cmocka_unit_test(flow_that_is_no_directory),
		cmocka_unit_test(refusing_a_damaged_flow_does_not_delete_it),
		cmocka_unit_test(random_damage),
		cmocka_unit_test(domain_that_is_no_tmpfs_works_with_one_warning),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), NULL, 0);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Users, read-only and full file systems. Mounts are made in a namespace of a child, so nothing of
 * them is left whatever happens.
 */
#include "helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <signal.h>

#define NOBODY 65534

static mxlGrainInfo info;
static uint8_t *payload;

/*
 * Obeys commands and answers with a status:
 *	create DEF	open a writer
 *	read I		open a reader of flow A and wait for grain I
 *	collect		collect garbage
 *	active, def	what else a flow can be asked
 */
static int obey(const char *dir)
{
	mxlInstance inst = mxlCreateInstance(dir, NULL);

	role_say(inst ? "ready" : "no instance");
	if (!inst)
		return 0;
	for (;;) {
		const char *line = role_hear();
		char buffer[4096];
		size_t size = sizeof(buffer);
		mxlFlowWriter writer;
		mxlFlowReader reader;
		mxlStatus status;
		bool active;

		if (!strncmp(line, "create ", 7)) {
			role_say("%s", status_name(mxlCreateFlowWriter(inst, line + 7, NULL,
								       &writer, NULL, NULL)));
		} else if (!strncmp(line, "read ", 5)) {
			status = mxlCreateFlowReader(inst, ID_A, NULL, &reader);
			if (status == MXL_STATUS_OK)
				status = mxlFlowReaderGetGrain(reader, strtoull(line + 5, NULL, 10),
							       FOREVER, &info, &payload);
			if (status == MXL_STATUS_OK)
				role_check(payload_is(payload, info.grainSize, info.index));
			role_say("%s", status_name(status));
		} else if (!strcmp(line, "collect")) {
			role_say("%s", status_name(mxlGarbageCollectFlows(inst)));
		} else if (!strcmp(line, "active")) {
			status = mxlIsFlowActive(inst, ID_A, &active);
			role_say("%s", status == MXL_STATUS_OK ? active ? "active" : "idle"
							       : status_name(status));
		} else if (!strcmp(line, "def")) {
			role_say("%s", status_name(mxlGetFlowDef(inst, ID_A, buffer, &size)));
		} else {
			break;
		}
	}
	role_check(mxlDestroyInstance(inst) == MXL_STATUS_OK);
	return 0;
}

static int role_nobody(int argc, char **argv)
{
	role_check(argc == 1);
	role_check(setgroups(0, NULL) == 0);
	role_check(setresgid(NOBODY, NOBODY, NOBODY) == 0);
	role_check(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	/* a change of user clears it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	umask(022);
	return obey(argv[0]);
}

static bool put_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, line, strlen(line)) == (ssize_t)strlen(line);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Whoever is not root is the root of a user namespace, where that is permitted. */
static bool become_mounter(void)
{
	char uids[64], gids[64];

	if (geteuid() == 0)
		return unshare(CLONE_NEWNS) == 0;
	snprintf(uids, sizeof(uids), "0 %u 1", geteuid());
	snprintf(gids, sizeof(gids), "0 %u 1", getegid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	       put_line("/proc/self/setgroups", "deny") && put_line("/proc/self/uid_map", uids) &&
	       put_line("/proc/self/gid_map", gids);
}

/* In a mount namespace of its own; says why not where that is not permitted. */
static void enter_namespace(void)
{
	if (!become_mounter() || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		role_say("no mount namespace: %s", strerror(errno));
		exit(0);
	}
}

static int role_read_only(int argc, char **argv)
{
	/* those a user namespace must not drop */
	const unsigned long kept = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	struct statvfs st;

	role_check(argc == 1);
	enter_namespace();
	role_check(statvfs(argv[0], &st) == 0);
	if (mount(argv[0], argv[0], NULL, MS_BIND, NULL) ||
	    mount(argv[0], argv[0], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | (st.f_flag & kept),
		  NULL)) {
		role_say("no read-only mount: %s", strerror(errno));
		return 0;
	}
	return obey(argv[0]);
}

static int role_small_tmpfs(int argc, char **argv)
{
	role_check(argc == 2);
	enter_namespace();
	if (mount("tmpfs", argv[0], "tmpfs", 0, argv[1])) {
		role_say("no tmpfs: %s", strerror(errno));
		return 0;
	}
	role_check(chmod(argv[0], 0755) == 0);
	return obey(argv[0]);
}

static struct child *start(const char *role, const char *dir, const char *options)
{
	struct child *c = child_exec(role, dir, options, NULL);
	const char *line = child_line(c);

	if (strcmp(line, "ready"))
		skip_because("%s", line);
	return c;
}

static void ask(struct child *c, const char *command, const char *answer)
{
	child_say(c, command);
	child_expect(c, answer);
}

/* === Users ================================================================================= */

TEST(another_user_reads_and_does_not_write)
{
	mxlFlowWriter writer;
	struct child *c;

	need_root();
	writer = open_writer(instance(), small_def(ID_A));
	write_grain(writer, 5);
	c = start("nobody", domain(), NULL);
	ask(c, "read 5", "MXL_STATUS_OK");
	ask(c, "active", "active");
	ask(c, "def", "MXL_STATUS_OK");
	ask(c, text("create %s", small_def(ID_A)), "MXL_ERR_PERMISSION_DENIED");
	child_say(c, "read 6");
	wait_until(child_asleep(c));
	write_grain(writer, 6);
	child_expect(c, "MXL_STATUS_OK");
	assert_true(exists(flow_path(ID_A, "data")));
}

TEST(another_user_does_not_create_in_a_domain_that_is_not_his)
{
	struct child *c;

	need_root();
	c = start("nobody", domain(), NULL);
	ask(c, text("create %s", small_def(ID_A)), "MXL_ERR_PERMISSION_DENIED");
	assert_int_equal(count_entries(domain(), ""), 0);
}

TEST(another_user_does_not_collect_what_is_not_his)
{
	struct child *c;

	need_root();
	orphan_flow(domain(), small_def(ID_A));
	c = start("nobody", domain(), NULL);
	child_say(c, "collect");
	/* whether that is a failure is a matter of taste */
	child_line(c);
	assert_true(exists(flow_path(ID_A, "data")));
	assert_true(exists(grain_path(ID_A, 3)));
	ask(c, "active", "idle");
	assert_ok(mxlGarbageCollectFlows(instance()));
	assert_false(exists(flow_path(ID_A, NULL)));
}

TEST(flow_with_files_a_user_may_not_read_is_denied)
{
	struct child *c;
	mode_t old;

	need_root();
	old = umask(077);
	open_writer(instance(), small_def(ID_A));
	umask(old);
	c = start("nobody", domain(), NULL);
	ask(c, "read 5", "MXL_ERR_PERMISSION_DENIED");
	ask(c, text("create %s", small_def(ID_A)), "MXL_ERR_PERMISSION_DENIED");
	ask(c, "def", "MXL_ERR_PERMISSION_DENIED");
	ask(c, "active", "MXL_ERR_PERMISSION_DENIED");
}

TEST(one_file_a_user_may_not_read_is_denied)
{
	struct child *c;

	need_root();
	open_writer(instance(), small_def(ID_A));
	assert_int_equal(chmod(grain_path(ID_A, 4), 0600), 0);
	c = start("nobody", domain(), NULL);
	ask(c, "read 5", "MXL_ERR_PERMISSION_DENIED");
}

TEST(domain_a_user_may_not_enter)
{
	struct child *c;

	need_root();
	open_writer(instance(), small_def(ID_A));
	assert_int_equal(chmod(domain(), 0700), 0);
	c = child_exec("nobody", domain(), NULL);
	if (strcmp(child_line(c), "no instance")) {
		ask(c, "read 5", "MXL_ERR_PERMISSION_DENIED");
		ask(c, text("create %s", small_def(ID_B)), "MXL_ERR_PERMISSION_DENIED");
	}
}

TEST(flow_of_another_user_is_read_by_root)
{
	mxlFlowReader reader;
	struct child *c;

	need_root();
	assert_int_equal(chmod(domain(), 0777), 0);
	c = start("nobody", domain(), NULL);
	ask(c, text("create %s", small_def(ID_A)), "MXL_STATUS_OK");
	reader = open_reader(instance(), ID_A);
	expect_status(reader, 5, MXL_ERR_OUT_OF_RANGE_TOO_EARLY);
}

TEST(reads_of_another_user_are_noticed)
{
	struct mxl_flow_header *header;
	mxlFlowWriter writer;
	uint64_t before;
	struct child *c;
	mode_t old;

	need_root();
	old = umask(0);
	writer = open_writer(instance(), small_def(ID_A));
	umask(old);
	header = map_header(ID_A);
	write_grain(writer, 5);
	before = mxlGetTime();
	c = start("nobody", domain(), NULL);
	while (__atomic_load_n(&header->last_read_time, __ATOMIC_ACQUIRE) < before) {
		ask(c, "read 5", "MXL_STATUS_OK");
		doze();
	}
}

/* === Read-only ============================================================================= */

TEST(read_only_domain_is_read)
{
	mxlFlowWriter writer;
	struct child *c;

	writer = open_writer(instance(), small_def(ID_A));
	write_grain(writer, 5);
	c = start("read_only", domain(), NULL);
	ask(c, "read 5", "MXL_STATUS_OK");
	ask(c, "active", "active");
	ask(c, "def", "MXL_STATUS_OK");
	/* the wait works as well, though nothing can be written */
	child_say(c, "read 6");
	wait_until(child_asleep(c));
	write_grain(writer, 6);
	child_expect(c, "MXL_STATUS_OK");
	child_say(c, "read 7");
	wait_until(child_asleep(c));
	assert_ok(mxlReleaseFlowWriter(instance(), writer));
	child_expect(c, "MXL_ERR_FLOW_INVALID");
}

TEST(read_only_domain_is_not_written)
{
	struct child *c;

	open_writer(instance(), small_def(ID_A));
	orphan_flow(domain(), small_def(ID_B));
	c = start("read_only", domain(), NULL);
	ask(c, text("create %s", small_def(ID_A)), "MXL_ERR_PERMISSION_DENIED");
	ask(c, text("create %s", small_def(ID_C)), "MXL_ERR_PERMISSION_DENIED");
	child_say(c, "collect");
	child_line(c);
	assert_true(exists(flow_path(ID_B, "data")));
	assert_int_equal(count_entries(domain(), ""), 2);
	/* and it did not end by that */
	ask(c, "active", "active");
}

/* === Full ================================================================================== */

/* Looks into the namespace of the child. */
static unsigned int entries_of(struct child *c)
{
	return count_entries(text("/proc/%d/root%s", child_pid(c), domain()), "");
}

TEST(full_tmpfs_is_an_error_at_creation)
{
	struct child *c;

	c = start("small_tmpfs", domain(), "size=1m");
	ask(c, text("create %s", video_def(ID_B, 1920, 1080, 50, 1)), "MXL_ERR_UNKNOWN");
	assert_int_equal(entries_of(c), 0);
	ask(c, text("create %s", audio_def(ID_B, 48000, 64)), "MXL_ERR_UNKNOWN");
	assert_int_equal(entries_of(c), 0);
	/* what fits is made */
	ask(c, text("create %s", small_def(ID_A)), "MXL_STATUS_OK");
	assert_int_equal(entries_of(c), 1);
	/* and what no longer does is not, and leaves the other alone */
	ask(c, text("create %s", video_def(ID_B, 960, 200, 50, 1)), "MXL_ERR_UNKNOWN");
	assert_int_equal(entries_of(c), 1);
	ask(c, "active", "active");
}

TEST(tmpfs_without_inodes_is_an_error_at_creation)
{
	struct child *c;

	c = start("small_tmpfs", domain(), "size=10m,nr_inodes=8");
	ask(c, text("create %s", small_def(ID_A)), "MXL_ERR_UNKNOWN");
	assert_int_equal(entries_of(c), 0);
	ask(c, text("create %s", sound_def(ID_B)), "MXL_STATUS_OK");
	assert_int_equal(entries_of(c), 1);
}

/* The limit strikes at every single file of a flow in turn. */
TEST(every_amount_of_too_little_space)
{
	unsigned int inodes;

	for (inodes = 1; inodes <= 18; inodes++) {
		struct child *c =
			start("small_tmpfs", domain(), text("size=10m,nr_inodes=%u", inodes));
		const char *answer;

		child_say(c, text("create %s", small_def(ID_A)));
		answer = child_line(c);
		/* the root, the flow, its four entries and ten grains */
		if (inodes < 16)
			assert_string_equal(answer, "MXL_ERR_UNKNOWN");
		assert_int_equal(entries_of(c), !strcmp(answer, "MXL_STATUS_OK"));
		child_kill(c);
	}
}

int main(int argc, char **argv)
{
	static const struct test_role roles[] = {
		{ "nobody", role_nobody },
		{ "read_only", role_read_only },
		{ "small_tmpfs", role_small_tmpfs },
	};
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_user_reads_and_does_not_write),
		cmocka_unit_test(another_user_does_not_create_in_a_domain_that_is_not_his),
		cmocka_unit_test(another_user_does_not_collect_what_is_not_his),
		cmocka_unit_test(flow_with_files_a_user_may_not_read_is_denied),
		cmocka_unit_test(one_file_a_user_may_not_read_is_denied),
		cmocka_unit_test(domain_a_user_may_not_enter),
		cmocka_unit_test(flow_of_another_user_is_read_by_root),
		cmocka_unit_test(reads_of_another_user_are_noticed),
		cmocka_unit_test(read_only_domain_is_read),
		cmocka_unit_test(read_only_domain_is_not_written),
		cmocka_unit_test(full_tmpfs_is_an_error_at_creation),
		cmocka_unit_test(tmpfs_without_inodes_is_an_error_at_creation),
		cmocka_unit_test(every_amount_of_too_little_space),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), roles, ARRAY_SIZE(roles));
}

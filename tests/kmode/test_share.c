// SPDX-License-Identifier: Apache-2.0
/*
 * One domain for several users and containers. A container is what one is made of: namespaces of
 * its own for mounts, processes and users, and a bind mount of the domain.
 */
#include "roles.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* Who owns the domain, and who may only look. */
#define OWNER "1000"
#define GUEST "2000"
#define OWNER_ID 1000

#define START 1000

/* === Users and containers ================================================================= */

static int obey(const char *role, const char *dir, const char *what)
{
	return strcmp(role, "writer") ? obey_reader(dir, what) : obey_writer(dir, what);
}

static void become_user(const char *id)
{
	unsigned int user = (unsigned int)atoi(id);

	role_check(setgroups(0, NULL) == 0);
	role_check(setresgid(user, user, user) == 0);
	role_check(setresuid(user, user, user) == 0);
	/* a change of user clears the first, and takes the second away */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 1);
	umask(022);
}

/* user ID writer|reader DIR DEF|FLOW */
static int role_user(int argc, char **argv)
{
	role_check(argc == 4);
	become_user(argv[0]);
	return obey(argv[1], argv[2], argv[3]);
}

static bool put(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, line, strlen(line)) == (ssize_t)strlen(line);

	if (fd >= 0)
		close(fd);
	return done;
}

/* Root inside, the user outside, with the domain at another place. */
static void enter_container(const char *id, const char *dir, const char *place)
{
	char map[32];

	snprintf(map, sizeof(map), "0 %s 1", id);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID)) {
		role_say("refused: no namespaces: %s", strerror(errno));
		exit(0);
	}
	role_check(put("/proc/self/setgroups", "deny"));
	role_check(put("/proc/self/uid_map", map));
	role_check(put("/proc/self/gid_map", map));
	role_check(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	role_check(mount(dir, place, NULL, MS_BIND, NULL) == 0);
}

/* container ID PLACE writer|reader DIR DEF|FLOW */
static int role_container(int argc, char **argv)
{
	int go[2], status;
	pid_t pid;
	char c;

	role_check(argc == 5);
	become_user(argv[0]);
	enter_container(argv[0], argv[3], argv[1]);
	role_check(pipe2(go, O_CLOEXEC) == 0);
	pid = fork();
	role_check(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(go[1]);
		role_check(read(go[0], &c, 1) == 1);
		role_check(getpid() == 1);
		exit(obey(argv[2], argv[1], argv[4]));
	}
	/* what the outside knows the first process of the container by */
	role_say("inside %d", pid);
	role_check(write(go[1], "", 1) == 1);
	role_check(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static struct peer *as_user(enum kind kind, const char *id, const char *role, const char *what)
{
	return peer_from(child_as(kind, "user", id, role, domain(), what, NULL), kind);
}

/* A user's process in a container, with a mount point that only it can see through. */
static struct peer *in_container(enum kind kind, const char *id, const char *role, const char *what)
{
	const char *place = new_directory(NULL);
	struct peer *peer;
	const char *line;
	int pid;

	assert_int_equal(chmod(place, 0755), 0);
	peer = peer_from(child_as(kind, "container", id, place, role, domain(), what, NULL), kind);
	line = child_line(peer->child);
	if (sscanf(line, "inside %d", &pid) != 1)
		skip_because("%s", line);
	peer->pid = pid;
	/* nothing of it is seen from outside */
	assert_int_equal(count_entries(place, ""), 0);
	return peer;
}

static void set_up(void)
{
	need_root();
	need_module();
	assert_int_equal(chown(domain(), OWNER_ID, OWNER_ID), 0);
}

static void cross(struct peer *writer, struct peer *reader, const char *command)
{
	tell(reader, "%s -1", command);
	asleep(reader);
	order(writer, MXL_STATUS_OK, "%s", command);
	hear_ok(reader);
}

static void cross_some(struct peer *writer, struct peer *reader, int start)
{
	for (int i = 0; i < 4; i++)
		cross(writer, reader, text("grain %d", start + i));
	for (int n = 1; n <= SMALL_SLICES; n += 3)
		cross(writer, reader, text("slices %d %d", start + 4, n));
}

/* === Containers ============================================================================ */

static void share(enum kind w, enum kind r, const char *reader_id)
{
	struct peer *writer, *reader;

	print_message("# %s writer, %s reader of user %s\n", kind_name(w), kind_name(r), reader_id);
	writer = introduced(in_container(w, OWNER, "writer", small_def(ID_A)), "created");
	reader = introduced(in_container(r, reader_id, "reader", ID_A), "ready");
	cross_some(writer, reader, START);
	tell(reader, "grain %d -1", START + 50);
	asleep(reader);
	release_peer(writer);
	hear_status(reader, MXL_ERR_FLOW_INVALID, __FILE__, __LINE__);
	release_peer(reader);
	assert_int_equal(count_entries(domain(), ""), 0);
}

TEST(containers_share_a_domain)
{
	set_up();
	share(KERNEL, KERNEL, GUEST);
	share(KERNEL, POSIX, GUEST);
	share(POSIX, POSIX, GUEST);
	/* who adopts a flow for the kernel has to be someone who may write it */
	share(POSIX, KERNEL, OWNER);
}

static void stand_by(enum kind one, enum kind two)
{
	struct peer *first, *second, *reader;

	first = introduced(in_container(one, OWNER, "writer", small_def(ID_A)), "created");
	second = introduced(in_container(two, OWNER, "writer", small_def(ID_A)), "opened");
	reader = introduced(in_container(KERNEL, OWNER, "reader", ID_A), "ready");
	cross_some(first, reader, START);
	order(second, MXL_ERR_CONFLICT, "grain %d", START + 10);
	tell(reader, "grain %d -1", START + 10);
	asleep(reader);
	kill_peer(first);
	do {
		tell(second, "grain %d", START + 10);
		hear(second);
	} while (second->status == MXL_ERR_CONFLICT);
	assert_status(MXL_STATUS_OK, second->status);
	hear_ok(reader);
	cross_some(second, reader, START + 11);
	release_peer(reader);
	release_peer(second);
}

TEST(standby_in_another_container_takes_over)
{
	set_up();
	stand_by(KERNEL, KERNEL);
	stand_by(KERNEL, POSIX);
	stand_by(POSIX, KERNEL);
}

/* === Users ================================================================================= */

/* Starts a reader that takes what it can get, and keeps what it says while it starts. */
static struct peer *start_free_reader(const char **ret_log)
{
	struct peer *reader;
	struct child *child;

	become(KERNEL);
	setenv("MXL_BACKEND", "auto", 1);
	setenv("MXL_LOG_LEVEL", "info", 1);
	log_start();
	child = child_exec("user", GUEST, "reader", domain(), ID_A, NULL);
	reader = introduced(peer_from(child, KERNEL), "ready");
	*ret_log = log_end();
	return reader;
}

TEST(user_who_may_not_write_joins)
{
	struct peer *writer, *reader, *forced;
	const char *log;

	set_up();
	writer = introduced(as_user(KERNEL, OWNER, "writer", small_def(ID_A)), "created");
	forced = introduced(as_user(KERNEL, GUEST, "reader", ID_A), "ready");
	reader = start_free_reader(&log);
	assert_int_equal(count_lines_with(log, "/dev/mxl"), 0);
	cross_some(writer, reader, START);
	cross_some(writer, forced, START + 5);
	release_peer(forced);
	release_peer(reader);
	release_peer(writer);
}

TEST(user_who_may_not_write_does_not_adopt)
{
	struct peer *writer, *reader, *forced;
	const char *log;

	set_up();
	writer = introduced(as_user(POSIX, OWNER, "writer", small_def(ID_A)), "created");
	forced = tried(as_user(KERNEL, GUEST, "reader", ID_A));
	print_message("# where kernel mode is forced the answer is %s\n",
		      status_name(forced->status));
	assert_true(forced->status != MXL_STATUS_OK);
	child_kill(forced->child);
	/* who is not forced is told once, and goes on without */
	reader = start_free_reader(&log);
	assert_int_equal(count_lines_with(log, "/dev/mxl"), 1);
	cross_some(writer, reader, START);

	/* as the others come and go in kernel mode, it notices nothing */
	release_peer(introduced(as_user(KERNEL, OWNER, "reader", ID_A), "ready"));
	cross_some(writer, reader, START + 5);
	kill_peer(writer);
	writer = introduced(as_user(KERNEL, OWNER, "writer", small_def(ID_A)), "opened");
	cross_some(writer, reader, START + 10);
	release_peer(reader);
	release_peer(writer);
}

TEST(user_who_may_not_write_is_no_writer)
{
	struct peer *writer, *reader, *refused;

	set_up();
	writer = introduced(as_user(KERNEL, OWNER, "writer", small_def(ID_A)), "created");
	reader = introduced(as_user(KERNEL, GUEST, "reader", ID_A), "ready");
	for (enum kind kind = KERNEL; kind <= POSIX; kind++) {
		cross(writer, reader, text("grain %d", START + kind));
		refused = tried(as_user(kind, GUEST, "writer", small_def(ID_A)));
		print_message("# in %s mode the answer is %s\n", kind_name(kind),
			      status_name(refused->status));
		assert_true(refused->status != MXL_STATUS_OK);
		child_kill(refused->child);
	}
	/* nor when nobody writes */
	kill_peer(writer);
	for (enum kind kind = KERNEL; kind <= POSIX; kind++) {
		refused = tried(as_user(kind, GUEST, "writer", small_def(ID_A)));
		assert_status(MXL_ERR_PERMISSION_DENIED, refused->status);
		child_kill(refused->child);
	}
	writer = introduced(as_user(POSIX, OWNER, "writer", small_def(ID_A)), "opened");
	cross(writer, reader, text("grain %d", START + 10));
	release_peer(reader);
	release_peer(writer);
}

/* Where a user may not open the device there is no kernel mode, but flows of those who may. */
TEST(user_who_may_not_open_the_device)
{
	struct peer *writer, *reader, *standby;
	const char *log;
	struct stat st;

	set_up();
	assert_int_equal(stat("/dev/mxl", &st), 0);
	writer = introduced(as_user(KERNEL, OWNER, "writer", small_def(ID_A)), "created");
	assert_int_equal(chmod("/dev/mxl", 0600), 0);
	reader = start_free_reader(&log);
	become(POSIX);
	setenv("MXL_BACKEND", "auto", 1);
	standby = introduced(
		peer_from(child_exec("user", OWNER, "writer", domain(), small_def(ID_A), NULL),
			  POSIX),
		"opened");
	assert_int_equal(chmod("/dev/mxl", st.st_mode & 0777), 0);
	cross_some(writer, reader, START);
	order(standby, MXL_ERR_CONFLICT, "grain %d", START + 5);
	release_peer(writer);
	do {
		tell(standby, "grain %d", START + 5);
		hear(standby);
	} while (standby->status == MXL_ERR_CONFLICT);
	assert_status(MXL_STATUS_OK, standby->status);
	order(reader, MXL_STATUS_OK, "grain %d -1", START + 5);
	release_peer(reader);
	release_peer(standby);
}

int main(int argc, char **argv)
{
	static const struct test_role roles[] = {
		PEER_ROLES,
		{ "user", role_user },
		{ "container", role_container },
	};
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(containers_share_a_domain),
		cmocka_unit_test(standby_in_another_container_takes_over),
		cmocka_unit_test(user_who_may_not_write_joins),
		cmocka_unit_test(user_who_may_not_write_does_not_adopt),
		cmocka_unit_test(user_who_may_not_write_is_no_writer),
		cmocka_unit_test(user_who_may_not_open_the_device),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), roles, ARRAY_SIZE(roles));
}

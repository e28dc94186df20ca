// SPDX-License-Identifier: Apache-2.0
/*
 * Everything at once: 16 flows with two writers each that take turns, 64 readers that wait in
 * every way there is, processes that attach and detach, and one that kills, stops and signals
 * them at random. What each of them sees has to make sense; when all are gone nothing may be left.
 *
 * Takes ten seconds, or as many as uapi.stress=SECONDS on the kernel's command line says.
 */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "sysfs.h"

#define NR_FLOWS 16
#define NR_WRITERS (2 * NR_FLOWS)
#define NR_READERS 64
#define NR_TOUCHERS 4
#define NR_ACTORS (NR_WRITERS + NR_READERS + NR_TOUCHERS)

static struct flow flows[NR_FLOWS];

/**
 * struct actor - a process that takes part
 * @pid: the process
 * @number: which it is
 * @rounds: what it has done so far, over all its lives
 */
struct actor {
	pid_t pid;
	unsigned int number;
	uint64_t rounds;
};

static struct actor *actors;

static void done(struct actor *a)
{
	__atomic_add_fetch(&a->rounds, 1, __ATOMIC_RELAXED);
}

static void ignore(int sig)
{
	(void)sig;
}

static struct flow_spec spec_of(unsigned int i)
{
	return i % 4 ? discrete : continuous;
}

/* ---- writers ----------------------------------------------------------------------------- */

/* Publishes what comes after the head, in two steps, and calls if somebody waits for it */
static void write_one(struct writer *w)
{
	bool samples = w->flow->spec.format == MXL_LAYOUT_FORMAT_AUDIO;
	uint64_t index = w->hdr->head_index + (samples ? 48 : 1), at;
	uint32_t slices;

	for (slices = 4; slices <= 8; slices += 4) {
		if (samples) {
			publish_samples(w, index);
			at = mxl_wake_position(MXL_KIND_CONTINUOUS, index, 0);
		} else {
			publish(w, index, slices, 0);
			at = mxl_wake_position(MXL_KIND_DISCRETE, index, slices);
		}
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (__atomic_load_n(&w->control->wake, __ATOMIC_RELAXED) <= at)
			commit(w);
	}
}

static void write_some(struct actor *a, unsigned int *seed)
{
	const struct timespec pause_ts = { 0, 300000 };
	struct writer w = { .flow = &flows[a->number % NR_FLOWS] };
	int n = rand_r(seed) % 200;

	w.fd = attach(w.flow);
	while (try_lock(w.fd, 50 * NSEC_PER_MSEC))
		check(errno == ETIMEDOUT || errno == EINTR);
	w.control = map_control(w.fd);
	writer_map(&w);
	while (n-- > 0) {
		write_one(&w);
		done(a);
		nanosleep(&pause_ts, NULL);
	}
	if (rand_r(seed) % 4 == 0) {
		w.hdr->head_index /= 2;
		new_generation(&w);
	}
	/* properly, or by the last reference going away */
	if (rand_r(seed) % 2) {
		writer_close(&w);
	} else {
		close(w.fd);
		munmap((void *)w.control, 4096);
		writer_unmap(&w);
	}
}

/* ---- readers ----------------------------------------------------------------------------- */

/* How a wait that was not badly put can end */
static void check_result(int err)
{
	if (err && err != ETIMEDOUT && err != EOWNERDEAD && err != ESTALE && err != ERANGE &&
	    err != ENODATA && err != EINTR)
		fail("wait: %s", strerror(err));
}

static uint64_t next_index(int fd, bool samples, unsigned int *seed)
{
	uint64_t ahead = (uint64_t)(rand_r(seed) % 3);

	return get_state(fd).head + (samples ? 48 * ahead : ahead);
}

static void wait_once(int fd, bool samples, unsigned int *seed)
{
	struct mxl_wait arg = make_wait(next_index(fd, samples, seed),
					samples ? 0 : (uint32_t)rand_r(seed) % 10,
					20 * NSEC_PER_MSEC);
	int err;

	if (rand_r(seed) % 2) {
		arg.flags = MXL_TIME_TAI;
		arg.timeout_ns += now_ns(CLOCK_TAI);
	}
	err = ioctl(fd, MXL_IOC_WAIT, &arg) ? errno : 0;
	check_result(err);
	if (!err && samples)
		check(arg.head >= arg.index || arg.generation > 1);
}

static void wait_for_both(int fd, int other, bool samples, unsigned int *seed)
{
	struct mxl_wait_item items[2] = {
		make_item(fd, next_index(fd, samples, seed), 0),
		make_item(other, next_index(other, samples, seed), 0),
	};
	struct mxl_wait_many arg = make_many(items, 2, 20 * NSEC_PER_MSEC);

	arg.flags = rand_r(seed) % 2 ? MXL_WAIT_ANY : 0;
	check_result(ioctl(fd, MXL_IOC_WAIT_MANY, &arg) ? errno : 0);
	check(arg.which <= 2);
}

static void poll_once(int fd, bool samples, unsigned int *seed)
{
	struct mxl_arm arg =
		make_arm(MXL_EVENT_DATA | MXL_EVENT_WRITER_GONE, next_index(fd, samples, seed), 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int ret;

	must(ioctl(fd, MXL_IOC_ARM, &arg));
	ret = poll(&p, 1, 20);
	check(ret >= 0 || errno == EINTR);
	if (ret > 0) {
		check_eq(p.revents, POLLIN);
		check(get_state(fd).events != 0);
	}
}

static void read_some(struct actor *a, unsigned int *seed)
{
	const struct flow *f = &flows[a->number % NR_FLOWS];
	bool samples = f->spec.format == MXL_LAYOUT_FORMAT_AUDIO;
	/* four flows further on is one of the same kind */
	int fd = attach(f), other = attach(&flows[(a->number + 4) % NR_FLOWS]);
	const struct mxl_flow_header *h;
	int n = rand_r(seed) % 100;

	h = must(map_region(fd, MXL_OFFSET_DATA, 4096, PROT_READ));
	while (n-- > 0) {
		switch (rand_r(seed) % 4) {
		case 0:
			poll_once(fd, samples, seed);
			break;
		case 1:
			wait_for_both(fd, other, samples, seed);
			break;
		default:
			wait_once(fd, samples, seed);
			break;
		}
		check_eq(h->version, MXL_FLOW_VERSION);
		done(a);
	}
	close(fd);
	close(other);
	munmap((void *)h, 4096);
}

/* ---- those who come and go --------------------------------------------------------------- */

static void touch_some(struct actor *a, unsigned int *seed)
{
	const struct flow *f = &flows[rand_r(seed) % NR_FLOWS];
	int fd;

	switch (rand_r(seed) % 3) {
	case 0:
		close(attach(f));
		break;
	case 1:
		/* an outsider; a writer it can be only while nobody holds the lock */
		fd = flow_open(f, DATA, rand_r(seed) % 2 ? O_RDWR : O_RDONLY);
		if (fd >= 0)
			close(fd);
		else
			check_eq(errno, ETXTBSY);
		break;
	case 2:
		fd = attach(f);
		if (try_lock(fd, 0))
			check(errno == EBUSY || errno == ETXTBSY);
		close(fd);
		break;
	}
	done(a);
}

static int actor_process(void *arg)
{
	struct sigaction sa = { .sa_handler = ignore };
	struct actor *a = arg;
	unsigned int seed = a->number * 7919 + (unsigned int)a->rounds;

	sa.sa_flags = a->number % 2 ? SA_RESTART : 0;
	sigaction(SIGUSR1, &sa, NULL);
	/* until it is killed */
	while (a->number < NR_ACTORS) {
		if (a->number < NR_WRITERS)
			write_some(a, &seed);
		else if (a->number < NR_WRITERS + NR_READERS)
			read_some(a, &seed);
		else
			touch_some(a, &seed);
	}
	return 1;
}

/* ---- the one that disturbs them ---------------------------------------------------------- */

static void reap_dead(void)
{
	int status, i;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < NR_ACTORS && actors[i].pid != pid; i++)
			;
		/* one that ended by itself has said why */
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
			fail("actor %d ended with %#x", i, status);
		if (i < NR_ACTORS)
			actors[i].pid = spawn(actor_process, &actors[i]);
	}
}

static void disturb(unsigned int *seed)
{
	pid_t pid = actors[rand_r(seed) % NR_ACTORS].pid;

	switch (rand_r(seed) % 8) {
	case 0:
	case 1:
		kill(pid, SIGKILL);
		break;
	case 2:
		kill(pid, SIGSTOP);
		sched_yield();
		kill(pid, SIGCONT);
		break;
	default:
		kill(pid, SIGUSR1);
		break;
	}
	reap_dead();
}

static uint64_t stress_seconds(void)
{
	char text[4096], *at;

	if (read_text("/proc/cmdline", text, sizeof(text))) {
		at = strstr(text, "uapi.stress=");
		if (at)
			return strtoull(at + strlen("uapi.stress="), NULL, 10);
	}
	return 10;
}

static uint64_t rounds_of(int first, int n)
{
	uint64_t sum = 0;

	while (n--)
		sum += __atomic_load_n(&actors[first + n].rounds, __ATOMIC_RELAXED);
	return sum;
}

static void all_at_once(void)
{
	const struct sched_param ahead = { .sched_priority = 1 };
	const struct timespec pause_ts = { 0, 2000000 };
	unsigned int seed = 1, i;
	uint64_t end, give_up;
	char name[16];

	/* Whoever is to disturb and to end so many must not have to wait for them */
	must(sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &ahead));
	actors = shared(NR_ACTORS * sizeof(*actors));
	/* for those that have just been born */
	signal(SIGUSR1, ignore);
	for (i = 0; i < NR_FLOWS; i++) {
		struct flow_spec spec = spec_of(i);

		snprintf(name, sizeof(name), "flow%u", i);
		flow_make(&flows[i], name, &spec);
	}
	for (i = 0; i < NR_ACTORS; i++) {
		actors[i].number = i;
		actors[i].pid = spawn(actor_process, &actors[i]);
	}
	end = now_ns(CLOCK_MONOTONIC) + stress_seconds() * NSEC_PER_SEC;
	give_up = end + LONG_NS;
	/* in any case until each kind has done something */
	while (now_ns(CLOCK_MONOTONIC) < end || !rounds_of(0, NR_WRITERS) ||
	       !rounds_of(NR_WRITERS, NR_READERS) ||
	       !rounds_of(NR_WRITERS + NR_READERS, NR_TOUCHERS)) {
		disturb(&seed);
		nanosleep(&pause_ts, NULL);
		check(now_ns(CLOCK_MONOTONIC) < give_up);
	}
	printf("# %llu commits, %llu waits, %llu visits\n",
	       (unsigned long long)rounds_of(0, NR_WRITERS),
	       (unsigned long long)rounds_of(NR_WRITERS, NR_READERS),
	       (unsigned long long)rounds_of(NR_WRITERS + NR_READERS, NR_TOUCHERS));
	/* all at once: those who live on would take the time that the others need to die */
	for (i = 0; i < NR_ACTORS; i++)
		check(kill(actors[i].pid, SIGKILL) == 0);
	for (i = 0; i < NR_ACTORS; i++)
		check_eq(reap(actors[i].pid), SIGKILL);
	eventually(in_use("attachments") == 0);
	eventually(in_use("flows") == 0);
	eventually(in_use("waiters") == 0);
	eventually(in_use("pages") == 0);
	/* nothing is sealed any more */
	for (i = 0; i < NR_FLOWS; i++)
		must(close(must(flow_open(&flows[i], DATA, O_RDWR))));
}

static const struct test tests[] = {
	TEST(all_at_once),
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}

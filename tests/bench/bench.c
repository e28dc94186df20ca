// SPDX-License-Identifier: Apache-2.0
/*
 * bench: measures one or several libraries in the same run. Rounds and libraries are interleaved,
 * in alternating order, so that a machine that gets slower or faster does so for all of them.
 */
#include <argp.h>
#include <dlfcn.h>
#include <errno.h>
#include <fnmatch.h>
#include <ftw.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define MEASUREMENT_PATIENCE_S 120
/* A ring of 200 ms of 1080p at 59.94 has 58 MiB. */
#define NEEDED_MIB 64

struct options {
	struct bench_library libs[BENCH_MAX_LIBRARIES];
	size_t count;
	unsigned int rounds;
	bool quick;
	const char *json;
	const char *plot;
	const char *shm;
	const char *only;
};

/* What a measuring process hands back. */
struct outcome {
	double values[BENCH_MAX_METRICS];
	char version[32];
	bool done;
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	stop = number;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

static void remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void load_library(const char *path, struct bench_api *api)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		bench_fail("cannot open the library: %s", dlerror());
#define BENCH_LOAD(name)                                         \
	api->name = (__typeof__(api->name))dlsym(handle, #name); \
	if (!api->name)                                          \
		bench_fail("%s has no function %s", path, #name);
	BENCH_FUNCTIONS(BENCH_LOAD)
#undef BENCH_LOAD
}

static void measure_here(const struct bench_library *lib, const struct bench_measurement *what,
			 const struct bench_config *config, struct outcome *outcome)
{
	struct bench_api api;
	mxlVersionType version;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	alarm(MEASUREMENT_PATIENCE_S);
	if (lib->backend)
		setenv("MXL_BACKEND", lib->backend, 1);
	setenv("MXL_LOG_LEVEL", "error", 0);
	load_library(lib->path, &api);
	if (api.mxlGetVersion(&version) == MXL_STATUS_OK)
		snprintf(outcome->version, sizeof(outcome->version), "%u.%u.%u", version.major,
			 version.minor, version.bugfix);
	what->run(&api, config, what->arg, outcome->values);
	outcome->done = true;
	_exit(0);
}

/* Returns false if the user wants to stop. */
static bool await_child(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno == EINTR && stop)
			kill(pid, SIGKILL);
	}
	return !stop;
}

static bool measure(struct bench_library *lib, size_t m, unsigned int round,
		    const struct options *opt, const char *root, struct outcome *outcome)
{
	const struct bench_measurement *what = &bench_measurements[m];
	struct bench_config config = { .quick = opt->quick };
	char domain[128];
	pid_t pid;
	bool go_on;

	snprintf(domain, sizeof(domain), "%s/domain", root);
	if (mkdir(domain, 0755) < 0)
		bench_fail("%s: %s", domain, strerror(errno));
	config.domain = domain;
	memset(outcome, 0, sizeof(*outcome));
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		bench_fail("cannot fork: %s", strerror(errno));
	if (!pid)
		measure_here(lib, what, &config, outcome);
	go_on = await_child(pid);
	remove_tree(domain);
	if (outcome->version[0])
		memcpy(lib->version, outcome->version, sizeof(lib->version));
	if (go_on && !outcome->done)
		fprintf(stderr, "bench: %s failed for %s\n", what->metrics[0].name, lib->name);
	for (size_t k = 0; what->metrics[k].name; k++)
		lib->values[m][k][round] = outcome->done ? outcome->values[k] : NAN;
	return go_on;
}

/* A measurement is done whole if any of its figures is wanted. */
static bool is_wanted(const struct options *opt, size_t m)
{
	const struct bench_metric *metric = bench_measurements[m].metrics;

	if (!opt->only)
		return true;
	for (size_t k = 0; metric[k].name; k++) {
		if (!fnmatch(opt->only, metric[k].name, 0))
			return true;
	}
	return false;
}

static void show_progress(unsigned int round, const struct options *opt, size_t m)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rround %u of %u: %-28s", round + 1, opt->rounds,
			bench_measurements[m].metrics[0].name);
}

static void measure_all(struct options *opt, const char *root)
{
	struct outcome *outcome = bench_shared(sizeof(*outcome));

	for (unsigned int round = 0; round < opt->rounds && !stop; round++) {
		if (!isatty(STDERR_FILENO))
			fprintf(stderr, "round %u of %u\n", round + 1, opt->rounds);
		for (size_t m = 0; m < bench_measurement_count && !stop; m++) {
			if (!is_wanted(opt, m))
				continue;
			show_progress(round, opt, m);
			for (size_t i = 0; i < opt->count; i++) {
				size_t which = round & 1 ? opt->count - 1 - i : i;
				struct bench_library *lib = &opt->libs[which];

				if (round && bench_measurements[m].once)
					continue;
				if (!measure(lib, m, round, opt, root, outcome))
					break;
			}
		}
	}
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%48s\r", "");
}

/* Where nothing was measured, in rounds that were left out, stands NAN. */
static void allocate(struct options *opt)
{
	for (size_t i = 0; i < opt->count; i++) {
		size_t size = sizeof(*opt->libs[i].values);

		opt->libs[i].values = calloc(bench_measurement_count, size);
		if (!opt->libs[i].values)
			bench_fail("out of memory");
		for (size_t k = 0; k < bench_measurement_count * size / sizeof(double); k++)
			((double *)opt->libs[i].values)[k] = NAN;
	}
}

/* Our own library must do everything; what another one cannot do is its own affair. */
static bool first_is_complete(const struct options *opt)
{
	const struct bench_library *lib = &opt->libs[0];

	for (size_t m = 0; m < bench_measurement_count; m++) {
		bool once = bench_measurements[m].once;
		unsigned int done = once || !is_wanted(opt, m) ? 0 : opt->rounds;

		for (size_t k = 0; bench_measurements[m].metrics[k].name; k++) {
			for (unsigned int round = 0; round < done; round++) {
				if (isnan(lib->values[m][k][round]))
					return false;
			}
		}
	}
	return true;
}

static int output(const struct options *opt)
{
	int ret = 0;

	bench_print_table(opt->libs, opt->count, opt->rounds);
	if (opt->json) {
		ret = bench_save_json(opt->json, opt->libs, opt->count, opt->rounds);
		if (ret < 0)
			fprintf(stderr, "bench: %s: %s\n", opt->json, strerror(-ret));
	}
	if (!ret && opt->plot) {
		ret = bench_save_plot_data(opt->plot, opt->libs, opt->count, opt->rounds);
		if (ret < 0)
			fprintf(stderr, "bench: %s: %s\n", opt->plot, strerror(-ret));
	}
	return ret;
}

/* NAME=PATH or NAME=PATH@BACKEND; a path that has an @ of its own ends in @auto. */
static void add_library(struct options *opt, char *arg, struct argp_state *state)
{
	struct bench_library *lib = &opt->libs[opt->count];
	char *path = strchr(arg, '='), *backend;

	if (opt->count == BENCH_MAX_LIBRARIES)
		argp_error(state, "at most %d libraries", BENCH_MAX_LIBRARIES);
	if (!path || path == arg || !path[1])
		argp_error(state, "--lib wants NAME=PATH, not \"%s\"", arg);
	*path++ = '\0';
	backend = strrchr(path, '@');
	if (backend && !strchr(backend, '/')) {
		*backend++ = '\0';
		lib->backend = backend;
	}
	lib->name = arg;
	lib->path = path;
	if (access(path, R_OK) < 0)
		argp_error(state, "%s: %s", path, strerror(errno));
	opt->count++;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;
	char *end;

	switch (key) {
	case 'l':
		add_library(opt, arg, state);
		break;
	case 'r':
		opt->rounds = strtoul(arg, &end, 10);
		if (*end || !opt->rounds || opt->rounds > BENCH_MAX_ROUNDS)
			argp_error(state, "--rounds wants 1 to %d", BENCH_MAX_ROUNDS);
		break;
	case 'q':
		opt->quick = true;
		opt->rounds = 1;
		break;
	case 'j':
		opt->json = arg;
		break;
	case 'p':
		opt->plot = arg;
		break;
	case 'o':
		opt->only = arg;
		break;
	case 't':
		opt->shm = arg;
		break;
	case ARGP_KEY_ARG:
		argp_usage(state);
		break;
	case ARGP_KEY_END:
		if (!opt->count)
			argp_error(state, "name at least one library with --lib");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp_option argp_options[] = {
	{ "lib", 'l', "NAME=PATH[@BACKEND]", 0,
	  "Measure this library (again for more; ratios are of the first to each other one)", 0 },
	{ "rounds", 'r', "COUNT", 0, "How often to measure everything (5)", 0 },
	{ "quick", 'q', NULL, 0, "Only show that everything works: one round of short ones", 0 },
	{ "only", 'o', "PATTERN", 0, "Only what gives a figure with such a name (wake*)", 0 },
	{ "json", 'j', "FILE", 0, "Leave all values here", 0 },
	{ "plot-data", 'p', "FILE", 0, "Leave medians here, in columns", 0 },
	{ "tmpfs", 't', "DIR", 0, "Where to make the domain (/dev/shm)", 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.doc = "Measure MXL libraries against each other.",
};

static bool has_room(const char *path)
{
	struct statvfs fs;
	uint64_t mib;

	if (statvfs(path, &fs) < 0) {
		fprintf(stderr, "bench: %s: %s; name a tmpfs with --tmpfs\n", path,
			strerror(errno));
		return false;
	}
	mib = (uint64_t)fs.f_bavail * fs.f_frsize >> 20;
	if (mib >= NEEDED_MIB)
		return true;
	fprintf(stderr,
		"bench: %s has %llu MiB free, %d MiB are needed: free some, give a container more "
		"(--shm-size=256m), or name another tmpfs with --tmpfs\n",
		path, (unsigned long long)mib, NEEDED_MIB);
	return false;
}

int main(int argc, char **argv)
{
	struct options opt = { .rounds = 5, .shm = "/dev/shm" };
	/* Without SA_RESTART: waiting for a measurement ends at once. */
	struct sigaction action = { .sa_handler = on_signal };
	char root[64];
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &opt);
	if (!has_room(opt.shm))
		return 1;
	allocate(&opt);
	if (snprintf(root, sizeof(root), "%s/mxl-bench.XXXXXX", opt.shm) >= (int)sizeof(root) ||
	    !mkdtemp(root)) {
		fprintf(stderr, "bench: cannot make a directory in %s: %s\n", opt.shm,
			strerror(errno));
		return 1;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	/* Whoever reads the table may go away, but the domain must. */
	signal(SIGPIPE, SIG_IGN);
	measure_all(&opt, root);
	remove_tree(root);
	if (stop) {
		fprintf(stderr, "bench: stopped, nothing was saved\n");
		return 128 + stop;
	}
	ret = output(&opt);
	if (!first_is_complete(&opt))
		ret = -EIO;
	for (size_t i = 0; i < opt.count; i++)
		free(opt.libs[i].values);
	return ret < 0 ? 1 : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures libraries with the MXL interface against each other. Each library is opened with
 * dlopen() in processes of its own; nothing here is linked to any of them.
 */
#ifndef MXL_BENCH_H
#define MXL_BENCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <mxl/flow.h>
#include <mxl/mxl.h>
#include <mxl/time.h>

/* Every function of the library that is measured, or needed for it. */
#define BENCH_FUNCTIONS(X)            \
	X(mxlGetVersion)              \
	X(mxlCreateInstance)          \
	X(mxlDestroyInstance)         \
	X(mxlCreateFlowWriter)        \
	X(mxlReleaseFlowWriter)       \
	X(mxlCreateFlowReader)        \
	X(mxlReleaseFlowReader)       \
	X(mxlFlowReaderGetGrain)      \
	X(mxlFlowReaderGetSamples)    \
	X(mxlFlowWriterOpenGrain)     \
	X(mxlFlowWriterCommitGrain)   \
	X(mxlFlowWriterOpenSamples)   \
	X(mxlFlowWriterCommitSamples) \
	X(mxlGetCurrentIndex)

/**
 * struct bench_api - the functions of one library
 */
struct bench_api {
#define BENCH_MEMBER(name) __typeof__(name) *name;
	BENCH_FUNCTIONS(BENCH_MEMBER)
#undef BENCH_MEMBER
};

/**
 * struct bench_config - how one measurement is to be done
 * @domain: fresh, empty directory
 * @quick: only show that it works
 */
struct bench_config {
	const char *domain;
	bool quick;
};

/**
 * struct bench_metric - one figure
 * @name: as in the JSON
 * @unit: of the value
 * @text: what it is, for people
 */
struct bench_metric {
	const char *name;
	const char *unit;
	const char *text;
};

#define BENCH_MAX_METRICS 3
#define BENCH_MAX_LIBRARIES 6
#define BENCH_MAX_ROUNDS 101

/**
 * struct bench_measurement - something to do, which gives one or several figures
 * @metrics: the figures, ended by one without a name
 * @run: does it and fills one value per figure; ends the process when it cannot
 * @arg: passed to @run, such as the number of readers
 * @once: a count, not a time: one round is enough
 */
struct bench_measurement {
	struct bench_metric metrics[BENCH_MAX_METRICS + 1];
	void (*run)(const struct bench_api *api, const struct bench_config *config, int arg,
		    double *values);
	int arg;
	bool once;
};

extern const struct bench_measurement bench_measurements[];
extern const size_t bench_measurement_count;

/**
 * struct bench_library - a library and what was measured of it
 * @name: as given on the command line
 * @path: to its shared object
 * @backend: value of MXL_BACKEND for it, or NULL
 * @version: as it says itself
 * @values: by measurement, figure and round; NAN where it failed
 */
struct bench_library {
	const char *name;
	const char *path;
	const char *backend;
	char version[32];
	double (*values)[BENCH_MAX_METRICS][BENCH_MAX_ROUNDS];
};

/**
 * struct bench_gate - lets processes pass together, without any of them polling
 * @arrived: futex word, counts arrivals for ever
 */
struct bench_gate {
	_Atomic uint32_t arrived;
};

void bench_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void bench_gate_pass(struct bench_gate *gate, uint32_t processes);
void *bench_shared(size_t size);
pid_t bench_role(void (*role)(void *arg), void *arg);
void bench_join(pid_t pid);
uint64_t bench_now(void);
double bench_cpu_seconds(int who);
double bench_percentile(double *values, size_t count, unsigned int percent);

bool bench_count_syscalls(void (*body)(void *arg), void *arg, uint64_t *ret_count);
void bench_mark(void);

void bench_print_table(const struct bench_library *libs, size_t count, unsigned int rounds);
int bench_save_json(const char *path, const struct bench_library *libs, size_t count,
		    unsigned int rounds);
int bench_save_plot_data(const char *path, const struct bench_library *libs, size_t count,
			 unsigned int rounds);

#endif

// SPDX-License-Identifier: Apache-2.0
/* What was measured: a table, JSON, and columns for gnuplot. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"

static double median(const struct bench_library *lib, size_t measurement, size_t metric,
		     unsigned int rounds)
{
	double sorted[BENCH_MAX_ROUNDS];
	size_t count = 0;

	for (unsigned int i = 0; i < rounds; i++) {
		double value = lib->values[measurement][metric][i];

		if (!isnan(value))
			sorted[count++] = value;
	}
	return bench_percentile(sorted, count, 50);
}

/* Ratios against next to nothing say nothing. */
static double ratio(double ours, double other)
{
	return other > 0 ? ours / other : NAN;
}

static void print_value(double value, const char *format)
{
	if (isnan(value))
		printf(" %10s", "-");
	else
		printf(format, value);
}

void bench_print_table(const struct bench_library *libs, size_t count, unsigned int rounds)
{
	printf("\n%-47s %-9s", "median of rounds", "unit");
	for (size_t i = 0; i < count; i++)
		printf(" %10.10s", libs[i].name);
	for (size_t i = 1; i < count; i++)
		printf(" %5.5s/%-5.5s", libs[0].name, libs[i].name);
	printf("\n");
	for (size_t m = 0; m < bench_measurement_count; m++) {
		const struct bench_metric *metric = bench_measurements[m].metrics;

		for (size_t k = 0; metric[k].name; k++) {
			printf("%-47s %-9s", metric[k].text, metric[k].unit);
			for (size_t i = 0; i < count; i++)
				print_value(median(&libs[i], m, k, rounds), " %10.2f");
			for (size_t i = 1; i < count; i++)
				print_value(ratio(median(&libs[0], m, k, rounds),
						  median(&libs[i], m, k, rounds)),
					    "  %10.3f");
			printf("\n");
		}
	}
}

static cJSON *number_or_null(double value)
{
	return isnan(value) ? cJSON_CreateNull() : cJSON_CreateNumber(value);
}

static cJSON *json_libraries(const struct bench_library *libs, size_t count)
{
	cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; i < count; i++) {
		cJSON *lib = cJSON_CreateObject();

		cJSON_AddStringToObject(lib, "name", libs[i].name);
		cJSON_AddStringToObject(lib, "path", libs[i].path);
		cJSON_AddStringToObject(lib, "version", libs[i].version);
		cJSON_AddStringToObject(lib, "backend", libs[i].backend ? libs[i].backend : "auto");
		cJSON_AddItemToArray(array, lib);
	}
	return array;
}

static cJSON *json_metric(const struct bench_library *libs, size_t count, size_t m, size_t k,
			  unsigned int rounds)
{
	const struct bench_metric *metric = &bench_measurements[m].metrics[k];
	cJSON *object = cJSON_CreateObject();
	cJSON *values = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "name", metric->name);
	cJSON_AddStringToObject(object, "unit", metric->unit);
	for (size_t i = 0; i < count; i++) {
		cJSON *lib = cJSON_CreateObject(), *all = cJSON_CreateArray();
		unsigned int done = bench_measurements[m].once ? 1 : rounds;

		cJSON_AddItemToObject(lib, "median", number_or_null(median(&libs[i], m, k, done)));
		for (unsigned int r = 0; r < done; r++)
			cJSON_AddItemToArray(all, number_or_null(libs[i].values[m][k][r]));
		cJSON_AddItemToObject(lib, "rounds", all);
		if (i)
			cJSON_AddItemToObject(lib, "ratio",
					      number_or_null(ratio(median(&libs[0], m, k, done),
								   median(&libs[i], m, k, done))));
		cJSON_AddItemToObject(values, libs[i].name, lib);
	}
	cJSON_AddItemToObject(object, "values", values);
	return object;
}

static cJSON *json_all(const struct bench_library *libs, size_t count, unsigned int rounds)
{
	cJSON *root = cJSON_CreateObject(), *metrics = cJSON_CreateArray();
	struct utsname host;

	uname(&host);
	cJSON_AddStringToObject(root, "kernel", host.release);
	cJSON_AddStringToObject(root, "machine", host.machine);
	cJSON_AddNumberToObject(root, "cpus", (double)sysconf(_SC_NPROCESSORS_ONLN));
	cJSON_AddNumberToObject(root, "rounds", rounds);
	cJSON_AddItemToObject(root, "libraries", json_libraries(libs, count));
	for (size_t m = 0; m < bench_measurement_count; m++) {
		for (size_t k = 0; bench_measurements[m].metrics[k].name; k++)
			cJSON_AddItemToArray(metrics, json_metric(libs, count, m, k, rounds));
	}
	cJSON_AddItemToObject(root, "metrics", metrics);
	return root;
}

static int save(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	int ret = 0;

	if (!file)
		return -errno;
	if (fputs(text, file) < 0)
		ret = -EIO;
	if (fclose(file) && !ret)
		ret = -errno;
	return ret;
}

int bench_save_json(const char *path, const struct bench_library *libs, size_t count,
		    unsigned int rounds)
{
	cJSON *root = json_all(libs, count, rounds);
	char *text = cJSON_Print(root);
	int ret = text ? save(path, text) : -ENOMEM;

	cJSON_free(text);
	cJSON_Delete(root);
	return ret;
}

/* One line per figure: "text (unit)", then a column per library; NaN where there is nothing. */
int bench_save_plot_data(const char *path, const struct bench_library *libs, size_t count,
			 unsigned int rounds)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return -errno;
	fprintf(file, "\"figure\"");
	for (size_t i = 0; i < count; i++)
		fprintf(file, " \"%s\"", libs[i].name);
	fprintf(file, "\n");
	for (size_t m = 0; m < bench_measurement_count; m++) {
		const struct bench_metric *metric = bench_measurements[m].metrics;

		for (size_t k = 0; metric[k].name; k++) {
			fprintf(file, "\"%s (%s)\"", metric[k].name, metric[k].unit);
			for (size_t i = 0; i < count; i++)
				fprintf(file, " %g", median(&libs[i], m, k, rounds));
			fprintf(file, "\n");
		}
	}
	return fclose(file) ? -errno : 0;
}

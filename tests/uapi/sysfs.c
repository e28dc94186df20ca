// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include "sysfs.h"

void flow_sysfs(const struct flow *f, char path[128])
{
	char data[128];
	struct stat st;

	flow_path(f, DATA, data);
	must(stat(data, &st));
	snprintf(path, 128, SYSFS "/flows/%u:%u:%llu", major(st.st_dev), minor(st.st_dev),
		 (unsigned long long)st.st_ino);
}

static void read_attr(const char *path, char text[256])
{
	if (!read_text(path, text, 256))
		fail("%s: %m", path);
	if (!strchr(text, '\n') || strchr(text, '\n')[1])
		fail("%s is not one line: '%s'", path, text);
	*strchr(text, '\n') = '\0';
}

void flow_attr(const struct flow *f, const char *name, char text[256])
{
	char dir[128], path[192];

	flow_sysfs(f, dir);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	read_attr(path, text);
}

static long long to_number(const char *text)
{
	char *end;
	long long value = strtoll(text, &end, 10);

	if (end == text || *end)
		fail("'%s' is no number", text);
	return value;
}

long long flow_number(const struct flow *f, const char *name)
{
	char text[256];

	flow_attr(f, name, text);
	return to_number(text);
}

long long number_of(const char *name)
{
	char path[192], text[256];

	snprintf(path, sizeof(path), SYSFS "/%s", name);
	read_attr(path, text);
	return to_number(text);
}

long long in_use(const char *what)
{
	char name[64];

	snprintf(name, sizeof(name), "used/%s", what);
	return number_of(name);
}

static struct {
	char name[64];
	unsigned long long value;
} remembered[64];
static size_t nr_remembered;

unsigned long long tuned(const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "tunables/%s", name);
	return (unsigned long long)number_of(path);
}

void tune(const char *name, unsigned long long value)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), SYSFS "/tunables/%s", name);
	snprintf(text, sizeof(text), "%llu\n", value);
	if (!write_text(path, text))
		fail("%s = %llu: %m", name, value);
}

void tunables_remember(void)
{
	struct dirent *entry;
	DIR *dir = opendir(SYSFS "/tunables");

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || nr_remembered == ARRAY_SIZE(remembered))
			continue;
		snprintf(remembered[nr_remembered].name, sizeof(remembered[0].name), "%.63s",
			 entry->d_name);
		remembered[nr_remembered].value = tuned(remembered[nr_remembered].name);
		nr_remembered++;
	}
	if (dir)
		closedir(dir);
}

void tunables_reset(void)
{
	size_t i;

	for (i = 0; i < nr_remembered; i++)
		tune(remembered[i].name, remembered[i].value);
}

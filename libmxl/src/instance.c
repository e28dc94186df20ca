// SPDX-License-Identifier: Apache-2.0
#include "instance.h"

#include <fcntl.h>
#include <string.h>

#include "file.h"
#include "log.h"
#include "options.h"
#include "util.h"

/* A fork elsewhere can hold a file open for writing for a moment, which is no other writer. */
#define LOCK_PATIENCE_NS (10 * MXL_NSEC_PER_MSEC)

static void check_tmpfs(const char *domain)
{
	bool is_tmpfs;

	if (mxl_file_is_on_tmpfs(domain, &is_tmpfs) == 0 && !is_tmpfs)
		mxl_warn("domain %s is not on tmpfs: what is exchanged is also written to a disk",
			 domain);
}

int mxl_instance_new(const char *domain, const char *options, struct mxlInstance_t **ret)
{
	MXL_CLEANUP(mxl_closep) int fd = -1;
	MXL_CLEANUP(mxl_freep) struct mxlInstance_t *instance = calloc(1, sizeof(*instance));
	int r;

	if (!instance)
		return -ENOMEM;
	fd = open(domain, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = mxl_backend_choose(&instance->store.choice);
	if (r < 0)
		return r;
	/* The program may change its directory; paths are made of this one until the end. */
	instance->domain = realpath(domain, NULL);
	if (!instance->domain)
		return -errno;

	instance->kind = MXL_HANDLE_INSTANCE;
	instance->store.domain = instance->domain;
	instance->store.history_ns =
		mxl_options_read_history(fd, instance->store.choice.default_history_ns);
	pthread_mutex_init(&instance->lock, NULL);
	mxl_options_check_instance(options);
	check_tmpfs(domain);
	mxl_clock_check_tai();
	*ret = mxl_take_ptr(instance);
	return 0;
}

/* Ends a writer; its flow is deleted unless another process writes it. */
static void destroy_writer(struct mxlInstance_t *instance, struct mxlFlowWriter_t *writer)
{
	struct mxl_flow *flow = writer->flow;

	if (instance->watcher)
		mxl_access_watcher_remove(instance->watcher, flow);
	mxl_writer_free(writer);
	mxl_store_release_writer(&instance->store, flow);
}

void mxl_instance_free(struct mxlInstance_t *instance)
{
	while (instance->groups) {
		struct mxlFlowSynchronizationGroup_t *group = instance->groups;

		instance->groups = group->next;
		mxl_group_free(group);
	}
	while (instance->events) {
		struct mxlDomainEvents_t *events = instance->events;

		instance->events = events->next;
		mxl_domain_events_free(events);
	}
	while (instance->readers) {
		struct mxlFlowReader_t *reader = instance->readers;

		instance->readers = reader->next;
		mxl_reader_put(reader);
	}
	while (instance->writers) {
		struct mxlFlowWriter_t *writer = instance->writers;

		instance->writers = writer->next;
		mxl_warn("%s: its writer was never released", writer->flow->dir_name);
		destroy_writer(instance, writer);
	}
	mxl_access_watcher_free(instance->watcher);
	pthread_mutex_destroy(&instance->lock);
	instance->kind = MXL_HANDLE_FREED;
	free(instance->domain);
	free(instance);
}

/* A reader of a flow that was replaced stays valid for who has it, but is not given out again. */
static struct mxlFlowReader_t *find_reader(struct mxlInstance_t *instance, const uuid_t id)
{
	for (struct mxlFlowReader_t *reader = instance->readers; reader; reader = reader->next) {
		if (uuid_compare(reader->flow->id, id) == 0 && mxl_flow_is_current(reader->flow))
			return reader;
	}
	return NULL;
}

static int open_reader(struct mxlInstance_t *instance, const uuid_t id,
		       struct mxlFlowReader_t **ret)
{
	MXL_CLEANUP(mxl_flow_closep) struct mxl_flow *flow = NULL;
	int r = mxl_store_open_reader(&instance->store, id, &flow);

	if (r == 0)
		r = mxl_reader_new(flow, ret);
	if (r < 0)
		return r;
	mxl_take_ptr(flow);
	(*ret)->next = instance->readers;
	instance->readers = *ret;
	return 0;
}

int mxl_instance_get_reader(struct mxlInstance_t *instance, const uuid_t id,
			    struct mxlFlowReader_t **ret)
{
	struct mxlFlowReader_t *reader;
	int r = 0;

	pthread_mutex_lock(&instance->lock);
	reader = find_reader(instance, id);
	if (reader)
		reader->users++;
	else
		r = open_reader(instance, id, &reader);
	pthread_mutex_unlock(&instance->lock);

	if (r == 0)
		*ret = reader;
	return r;
}

int mxl_instance_put_reader(struct mxlInstance_t *instance, struct mxlFlowReader_t *reader)
{
	struct mxlFlowReader_t **link;
	bool last = false;

	pthread_mutex_lock(&instance->lock);
	for (link = &instance->readers; *link && *link != reader; link = &(*link)->next)
		;
	if (!*link) {
		pthread_mutex_unlock(&instance->lock);
		return -EINVAL;
	}
	if (--reader->users == 0) {
		last = true;
		*link = reader->next;
		for (struct mxlFlowSynchronizationGroup_t *group = instance->groups; group;
		     group = group->next)
			mxl_group_remove(group, reader);
	}
	pthread_mutex_unlock(&instance->lock);

	if (last)
		mxl_reader_put(reader);
	return 0;
}

static struct mxlFlowWriter_t *find_writer(struct mxlInstance_t *instance, const uuid_t id)
{
	for (struct mxlFlowWriter_t *writer = instance->writers; writer; writer = writer->next) {
		if (uuid_compare(writer->flow->id, id) == 0 && mxl_flow_is_current(writer->flow))
			return writer;
	}
	return NULL;
}

/* Nothing but lastReadTime depends on the watcher, so a system without inotify still writes. */
static void watch_reads(struct mxlInstance_t *instance, struct mxl_flow *flow)
{
	int r = 0;

	if (!mxl_flow_is_discrete(flow))
		return;
	if (!instance->watcher)
		r = mxl_access_watcher_new(&instance->watcher);
	if (r == 0)
		r = mxl_access_watcher_add(instance->watcher, flow);
	if (r < 0)
		mxl_warn("%s: lastReadTime will not be kept: %s", flow->dir_name, strerror(-r));
}

static int open_writer(struct mxlInstance_t *instance, const char *def_text,
		       const struct mxl_flow_def *def, const struct mxl_writer_options *options,
		       struct mxlFlowWriter_t **ret, bool *ret_created)
{
	struct mxl_flow *flow;
	int r = mxl_store_open_writer(&instance->store, def_text, def, options, &flow, ret_created);

	if (r < 0)
		return r;
	/* If another is the writer this one stands by, and tries again whenever it wants to write. */
	r = flow->backend->lock(flow, mxl_deadline_in(LOCK_PATIENCE_NS));
	if (r == 0 || r == -EBUSY)
		r = mxl_writer_new(flow, ret);
	if (r < 0) {
		mxl_store_release_writer(&instance->store, flow);
		return r;
	}
	watch_reads(instance, flow);
	(*ret)->next = instance->writers;
	instance->writers = *ret;
	return 0;
}

static int check_same_essence(const struct mxlInstance_t *instance, const struct mxl_flow_def *def,
			      const struct mxl_flow *flow)
{
	struct mxl_geometry wanted;
	int r = mxl_geometry_from_def(def, instance->store.history_ns, &wanted);

	if (r < 0)
		return r;
	return mxl_geometry_equal(&wanted, &flow->geometry) ? 0 : -EBUSY;
}

int mxl_instance_get_writer(struct mxlInstance_t *instance, const char *def_text,
			    const char *options_text, struct mxlFlowWriter_t **ret,
			    bool *ret_created)
{
	struct mxl_writer_options options;
	struct mxlFlowWriter_t *writer;
	struct mxl_flow_def def;
	bool created = false;
	int r;

	if ((r = mxl_flow_def_parse(def_text, &def)) < 0 ||
	    (r = mxl_options_parse_writer(options_text, &options)) < 0)
		return r;

	pthread_mutex_lock(&instance->lock);
	writer = find_writer(instance, def.id);
	if (!writer) {
		r = open_writer(instance, def_text, &def, &options, &writer, &created);
	} else {
		r = check_same_essence(instance, &def, writer->flow);
		if (r == 0)
			writer->users++;
	}
	pthread_mutex_unlock(&instance->lock);

	if (r == 0) {
		*ret = writer;
		*ret_created = created;
	}
	return r;
}

int mxl_instance_put_writer(struct mxlInstance_t *instance, struct mxlFlowWriter_t *writer)
{
	struct mxlFlowWriter_t **link;
	int r = 0;

	pthread_mutex_lock(&instance->lock);
	for (link = &instance->writers; *link && *link != writer; link = &(*link)->next)
		;
	if (!*link) {
		r = -EINVAL;
	} else if (--writer->users == 0) {
		*link = writer->next;
		destroy_writer(instance, writer);
	}
	pthread_mutex_unlock(&instance->lock);
	return r;
}

int mxl_instance_new_group(struct mxlInstance_t *instance,
			   struct mxlFlowSynchronizationGroup_t **ret)
{
	int r = mxl_group_new(ret);

	if (r < 0)
		return r;
	pthread_mutex_lock(&instance->lock);
	(*ret)->next = instance->groups;
	instance->groups = *ret;
	pthread_mutex_unlock(&instance->lock);
	return 0;
}

int mxl_instance_free_group(struct mxlInstance_t *instance,
			    struct mxlFlowSynchronizationGroup_t *group)
{
	struct mxlFlowSynchronizationGroup_t **link;
	int r = -EINVAL;

	pthread_mutex_lock(&instance->lock);
	for (link = &instance->groups; *link && *link != group; link = &(*link)->next)
		;
	if (*link) {
		*link = group->next;
		r = 0;
	}
	pthread_mutex_unlock(&instance->lock);
	if (r == 0)
		mxl_group_free(group);
	return r;
}

int mxl_instance_new_events(struct mxlInstance_t *instance, struct mxlDomainEvents_t **ret)
{
	int r = mxl_domain_events_new(&instance->store, ret);

	if (r < 0)
		return r;
	pthread_mutex_lock(&instance->lock);
	(*ret)->next = instance->events;
	instance->events = *ret;
	pthread_mutex_unlock(&instance->lock);
	return 0;
}

int mxl_instance_free_events(struct mxlInstance_t *instance, struct mxlDomainEvents_t *events)
{
	struct mxlDomainEvents_t **link;
	int r = -EINVAL;

	pthread_mutex_lock(&instance->lock);
	for (link = &instance->events; *link && *link != events; link = &(*link)->next)
		;
	if (*link) {
		*link = events->next;
		r = 0;
	}
	pthread_mutex_unlock(&instance->lock);
	if (r == 0)
		mxl_domain_events_free(events);
	return r;
}

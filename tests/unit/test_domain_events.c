// SPDX-License-Identifier: Apache-2.0
/* What a stream does when it hears too late, or not at all; the rest is tested through the API. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "domain_events.h"

#define ID_A "5fbec3b1-1b0f-417d-9059-8b94a47197ed"
#define ID_B "b3bb5be7-9fe9-4324-a5bb-4c70e1084449"

#define PATIENCE_MS 15000
#define MOMENT_MS 30

/* More would take too long to fill. */
#define MAX_QUEUE 100000

static struct mxl_store store;

static struct mxlDomainEvents_t *open_events(void)
{
	struct mxlDomainEvents_t *events;

	store.domain = scratch_path();
	store.choice.backend = &mxl_backend_posix;
	assert_int_equal(mxl_domain_events_new(&store, &events), 0);
	return events;
}

static void make_flow(const char *id)
{
	char name[128];

	snprintf(name, sizeof(name), "%s.mxl-flow", id);
	assert_int_equal(mkdirat(scratch(), name, 0755), 0);
	strcat(name, "/data");
	put_file(name, "", 0);
}

static void remove_flow(const char *id)
{
	char name[128];

	snprintf(name, sizeof(name), "%s.mxl-flow/data", id);
	assert_int_equal(unlinkat(scratch(), name, 0), 0);
	*strrchr(name, '/') = '\0';
	assert_int_equal(unlinkat(scratch(), name, AT_REMOVEDIR), 0);
}

static bool is_ready(struct mxlDomainEvents_t *events, int ms)
{
	struct pollfd fd = { .fd = events->ready_fd, .events = POLLIN };

	return poll(&fd, 1, ms) == 1;
}

static void expect_event(struct mxlDomainEvents_t *events, uint32_t type, const char *id)
{
	mxlDomainEvent event;

	assert_true(is_ready(events, PATIENCE_MS));
	assert_int_equal(mxl_domain_events_read(events, &event), 0);
	assert_string_equal(event.flowId, id);
	assert_int_equal(event.type, type);
}

static void expect_no_event(struct mxlDomainEvents_t *events)
{
	mxlDomainEvent event;

	assert_false(is_ready(events, MOMENT_MS));
	assert_int_equal(mxl_domain_events_read(events, &event), -EAGAIN);
}

static long queue_size(void)
{
	FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	long size = 0;

	if (file && fscanf(file, "%ld", &size) != 1)
		size = 0;
	if (file)
		fclose(file);
	return size;
}

TEST(what_inotify_lost_is_found)
{
	struct mxlDomainEvents_t *events;
	long size = queue_size();

	if (size <= 0 || size > MAX_QUEUE)
		skip();
	make_flow(ID_A);
	events = open_events();
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);

	/* The thread cannot go on while the lock is held. */
	pthread_mutex_lock(&events->lock);
	for (long i = 0; i < size; i++) {
		assert_int_equal(mkdirat(scratch(), "x", 0755), 0);
		assert_int_equal(unlinkat(scratch(), "x", AT_REMOVEDIR), 0);
	}
	remove_flow(ID_A);
	make_flow(ID_B);
	pthread_mutex_unlock(&events->lock);

	expect_event(events, MXL_DOMAIN_EVENT_FLOW_REMOVED, ID_A);
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_B);
	expect_no_event(events);
	remove_flow(ID_B);
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_REMOVED, ID_B);
	mxl_domain_events_free(events);
}

TEST(what_came_back_before_anyone_looked_is_told_as_two)
{
	struct mxlDomainEvents_t *events;

	make_flow(ID_A);
	events = open_events();
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);
	pthread_mutex_lock(&events->lock);
	remove_flow(ID_A);
	make_flow(ID_B);
	make_flow(ID_A);
	pthread_mutex_unlock(&events->lock);
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_REMOVED, ID_A);
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_B);
	expect_no_event(events);
	mxl_domain_events_free(events);
}

TEST(a_folder_becomes_a_flow_with_its_data)
{
	struct mxlDomainEvents_t *events = open_events();
	char name[] = ID_A ".mxl-flow/data";

	assert_int_equal(mkdirat(scratch(), ID_A ".mxl-flow", 0755), 0);
	expect_no_event(events);
	put_file(name, "", 0);
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);
	assert_int_equal(unlinkat(scratch(), name, 0), 0);
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_REMOVED, ID_A);
	put_file(name, "", 0);
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);
	expect_no_event(events);
	mxl_domain_events_free(events);
}

static bool is_empty(struct mxlDomainEvents_t *events)
{
	bool result;

	pthread_mutex_lock(&events->lock);
	result = TAILQ_EMPTY(&events->flows) && events->flow_count == 0;
	pthread_mutex_unlock(&events->lock);
	return result;
}

TEST(flows_of_the_past_are_forgotten)
{
	struct mxlDomainEvents_t *events = open_events();
	int i;

	for (i = 0; i < 20; i++) {
		make_flow(ID_A);
		expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);
		remove_flow(ID_A);
		expect_event(events, MXL_DOMAIN_EVENT_FLOW_REMOVED, ID_A);
	}
	/* Told of the last thing, the stream may still take down what it knew. */
	for (i = 0; i < PATIENCE_MS && !is_empty(events); i++)
		usleep(1000);
	assert_true(is_empty(events));
	mxl_domain_events_free(events);
}

TEST(a_domain_that_is_deleted_has_no_flows)
{
	struct mxlDomainEvents_t *events;

	make_flow(ID_A);
	events = open_events();
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);
	pthread_mutex_lock(&events->lock);
	remove_flow(ID_A);
	assert_int_equal(rmdir(scratch_path()), 0);
	pthread_mutex_unlock(&events->lock);
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_REMOVED, ID_A);
	expect_no_event(events);
	mxl_domain_events_free(events);
}

TEST(a_domain_that_is_moved_has_no_flows)
{
	struct mxlDomainEvents_t *events;
	char elsewhere[128];

	make_flow(ID_A);
	events = open_events();
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_ADDED, ID_A);
	snprintf(elsewhere, sizeof(elsewhere), "%s-moved", scratch_path());
	assert_int_equal(rename(scratch_path(), elsewhere), 0);
	expect_event(events, MXL_DOMAIN_EVENT_FLOW_REMOVED, ID_A);
	assert_int_equal(rename(elsewhere, scratch_path()), 0);
	mxl_domain_events_free(events);
}

TEST(a_domain_that_is_not_there_cannot_be_watched)
{
	struct mxlDomainEvents_t *events = NULL;

	store.domain = "/nowhere/at/all";
	store.choice.backend = &mxl_backend_posix;
	assert_int_equal(mxl_domain_events_new(&store, &events), -ENOENT);
	assert_null(events);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_inotify_lost_is_found),
		cmocka_unit_test(what_came_back_before_anyone_looked_is_told_as_two),
		cmocka_unit_test(a_folder_becomes_a_flow_with_its_data),
		cmocka_unit_test(flows_of_the_past_are_forgotten),
		cmocka_unit_test(a_domain_that_is_deleted_has_no_flows),
		cmocka_unit_test(a_domain_that_is_moved_has_no_flows),
		cmocka_unit_test(a_domain_that_is_not_there_cannot_be_watched),
	};

	return unit_main(tests, ARRAY_SIZE(tests));
}

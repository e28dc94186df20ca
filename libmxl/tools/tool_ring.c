/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_ring.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool_args.h"
#include "tool_io.h"
#include "tool_progress.h"
#include "tool_signal.h"

/* So much goes into one write(): enough to be fast, little enough to free room soon. */
#define WRITE_MAX ((size_t)1 << 20)
#define NAP_NS (UINT64_C(100) * 1000 * 1000)

/**
 * struct tool_ring - a buffer
 * @lock: protects what follows up to @error
 * @changed: signalled when bytes or room have come, and at the end
 * @head: bytes ever put in
 * @tail: bytes ever written
 * @ending: nothing more will be put in
 * @done: the thread has finished
 * @error: -errno of the thread's write(), 0 while all is well
 * @fd: invariant
 * @size: of @bytes, invariant
 * @thread: invariant
 * @bytes: what lies between @tail and @head is the thread's, the rest the other side's
 */
struct tool_ring {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t head;
	uint64_t tail;
	bool ending;
	bool done;
	int error;
	int fd;
	size_t size;
	pthread_t thread;
	uint8_t *bytes;
};

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void *empty_ring(void *argument)
{
	struct tool_ring *ring = argument;

	pthread_mutex_lock(&ring->lock);
	for (;;) {
		size_t at = (size_t)(ring->tail % ring->size);
		size_t length = (size_t)(ring->head - ring->tail);
		int result;

		if (length == 0 && ring->ending)
			break;
		if (length == 0) {
			pthread_cond_wait(&ring->changed, &ring->lock);
			continue;
		}
		length = smaller(smaller(length, ring->size - at), WRITE_MAX);
		pthread_mutex_unlock(&ring->lock);
		result = tool_write_full(ring->fd, ring->bytes + at, length);
		pthread_mutex_lock(&ring->lock);
		if (result < 0) {
			ring->error = result;
			break;
		}
		ring->tail += length;
		pthread_cond_broadcast(&ring->changed);
	}
	ring->done = true;
	pthread_cond_broadcast(&ring->changed);
	pthread_mutex_unlock(&ring->lock);
	return NULL;
}

static int start_thread(struct tool_ring *ring)
{
	sigset_t all, before;
	int error;

	/* signals are for the thread that looks at the flag they set */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&ring->thread, NULL, empty_ring, ring);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

static void free_ring(struct tool_ring *ring)
{
	pthread_cond_destroy(&ring->changed);
	pthread_mutex_destroy(&ring->lock);
	free(ring->bytes);
	free(ring);
}

int tool_ring_new(int fd, size_t size, struct tool_ring **ret_ring)
{
	struct tool_ring *ring = calloc(1, sizeof(*ring));
	pthread_condattr_t attributes;
	int result;

	if (!ring)
		return -ENOMEM;
	ring->bytes = malloc(size);
	ring->size = size;
	ring->fd = fd;
	pthread_mutex_init(&ring->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&ring->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	result = ring->bytes ? start_thread(ring) : -ENOMEM;
	if (result < 0) {
		free_ring(ring);
		return result;
	}
	*ret_ring = ring;
	return 0;
}

/* Sleep until something changes, but look at the stop flag now and then. */
static void wait_for_change(struct tool_ring *ring)
{
	uint64_t until = tool_monotonic() + NAP_NS;
	struct timespec deadline = {
		.tv_sec = (time_t)(until / TOOL_NSEC_PER_SEC),
		.tv_nsec = (long)(until % TOOL_NSEC_PER_SEC),
	};

	pthread_cond_timedwait(&ring->changed, &ring->lock, &deadline);
}

/* With the lock held: wait until @size bytes fit. */
static int wait_for_room(struct tool_ring *ring, size_t size)
{
	for (;;) {
		if (ring->error < 0)
			return ring->error;
		if (ring->size - (size_t)(ring->head - ring->tail) >= size)
			return 0;
		if (tool_stop_signal() != 0)
			return -EINTR;
		wait_for_change(ring);
	}
}

static void copy_in(struct tool_ring *ring, const void *data, size_t size)
{
	size_t at = (size_t)(ring->head % ring->size);
	size_t first = smaller(ring->size - at, size);

	memcpy(ring->bytes + at, data, first);
	memcpy(ring->bytes, (const uint8_t *)data + first, size - first);
}

int tool_ring_put(struct tool_ring *ring, const void *data, size_t size)
{
	int result;

	pthread_mutex_lock(&ring->lock);
	result = size <= ring->size ? wait_for_room(ring, size) : -EMSGSIZE;
	pthread_mutex_unlock(&ring->lock);
	if (result < 0)
		return result;
	/* the room is this thread's until head moves, so the writing thread need not stand still */
	copy_in(ring, data, size);
	pthread_mutex_lock(&ring->lock);
	ring->head += size;
	pthread_cond_broadcast(&ring->changed);
	pthread_mutex_unlock(&ring->lock);
	return 0;
}

int tool_ring_end(struct tool_ring *ring)
{
	uint64_t patience = UINT64_MAX;
	int result = 0;
	bool done;

	if (!ring)
		return 0;
	pthread_mutex_lock(&ring->lock);
	ring->ending = true;
	pthread_cond_broadcast(&ring->changed);
	while (!ring->done) {
		if (tool_stop_signal() != 0 && patience == UINT64_MAX)
			patience = tool_monotonic() + TOOL_NSEC_PER_SEC;
		if (tool_monotonic() >= patience)
			break;
		wait_for_change(ring);
	}
	done = ring->done;
	result = done ? ring->error : -ETIMEDOUT;
	pthread_mutex_unlock(&ring->lock);
	if (!done) {
		pthread_detach(ring->thread);
		return result;
	}
	pthread_join(ring->thread, NULL);
	free_ring(ring);
	return result;
}

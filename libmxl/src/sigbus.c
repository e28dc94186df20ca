// SPDX-License-Identifier: Apache-2.0
#include "sigbus.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"

/*
 * Protects the list, and what was found of handlers. The handler takes it, too: whoever holds it has
 * SIGBUS blocked, for signals that are sent, and touches no memory of a flow, whose faults cannot be
 * blocked. Innermost, but for the log.
 */
static pthread_mutex_t guarded_mutex = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(, mxl_flow) guarded = LIST_HEAD_INITIALIZER(guarded);

/* What was there when a flow was mapped for the first time, and for the last. */
static struct sigaction first;
static struct sigaction previous;
static bool has_first;

/*
 * The fault this thread has handed on, and from where. A handler that was installed later, and calls
 * the one it found, brings it back from deeper in the stack.
 */
static _Thread_local struct {
	const siginfo_t *info;
	uintptr_t frame;
} handed_on;

static void lock(sigset_t *ret_mask)
{
	sigset_t bus;

	sigemptyset(&bus);
	sigaddset(&bus, SIGBUS);
	pthread_sigmask(SIG_BLOCK, &bus, ret_mask);
	pthread_mutex_lock(&guarded_mutex);
}

static void unlock(const sigset_t *mask)
{
	pthread_mutex_unlock(&guarded_mutex);
	pthread_sigmask(SIG_SETMASK, mask, NULL);
}

/* A stretch of whole pages */
struct stretch {
	uintptr_t start;
	uintptr_t end;
};

/* The rest of a region from an address in it: a file has no page behind one that it lacks. */
static bool rest_of_region(const struct mxl_flow *flow, uint32_t region, uintptr_t address,
			   struct stretch *ret)
{
	/* A flow that is mapped again, for writing, stays where it is: this does not change. */
	uintptr_t start = (uintptr_t)mxl_flow_region(flow, region);
	size_t size = mxl_flow_region_size(flow, region);
	uintptr_t page_size = (uintptr_t)sysconf(_SC_PAGESIZE);

	ret->start = address & ~(page_size - 1);
	ret->end = (start + size + page_size - 1) & ~(page_size - 1);
	return start != 0 && address >= start && address < ret->end;
}

static bool is_of_flow(const struct mxl_flow *flow, uintptr_t address, struct stretch *ret)
{
	uint32_t regions = 1 + mxl_flow_payload_count(flow);

	for (uint32_t region = 0; region < regions; region++) {
		if (rest_of_region(flow, region, address, ret))
			return true;
	}
	return false;
}

/* Writable for a reader, too: he may have been about to write, which is no crime against zeros. */
static bool fill_with_zeros(const struct stretch *stretch)
{
	return mmap((void *)stretch->start, stretch->end - stretch->start, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED;
}

static bool mend(uintptr_t address)
{
	struct mxl_flow *flow;
	struct stretch stretch;
	bool mended = false;
	sigset_t mask;

	lock(&mask);
	LIST_FOREACH(flow, &guarded, guarded) {
		if (!is_of_flow(flow, address, &stretch))
			continue;
		/* Before other threads can read a zero without a fault of their own */
		if (!atomic_exchange(&flow->lost, true))
			mxl_error("%s: a file was truncated while it was in use, the flow is lost",
				  flow->dir_name);
		mended = fill_with_zeros(&stretch);
		break;
	}
	unlock(&mask);
	return mended;
}

static bool was_sent(const siginfo_t *info)
{
	return info->si_code <= 0;
}

static struct sigaction next_handler(const siginfo_t *info, uintptr_t frame)
{
	bool is_back = handed_on.info == info && frame < handed_on.frame;
	struct sigaction next;
	sigset_t mask;

	lock(&mask);
	next = is_back ? first : previous;
	unlock(&mask);
	handed_on.info = info;
	handed_on.frame = frame;
	return next;
}

/* As if this handler had never been there. */
static void hand_on(int signal, siginfo_t *info, void *context)
{
	struct sigaction next = next_handler(info, (uintptr_t)__builtin_frame_address(0));
	struct sigaction default_action = { .sa_handler = SIG_DFL };

	if (next.sa_flags & SA_SIGINFO) {
		next.sa_sigaction(signal, info, context);
		return;
	}
	if (next.sa_handler != SIG_DFL && next.sa_handler != SIG_IGN) {
		next.sa_handler(signal);
		return;
	}
	/* A fault cannot be ignored; it comes again when this returns. */
	if (next.sa_handler == SIG_IGN && was_sent(info))
		return;
	sigaction(signal, &default_action, NULL);
	if (was_sent(info))
		raise(signal);
}

static void on_sigbus(int signal, siginfo_t *info, void *context)
{
	int saved = errno;

	if (info->si_code != BUS_ADRERR || !mend((uintptr_t)info->si_addr))
		hand_on(signal, info, context);
	errno = saved;
}

/* With the mutex held. Something else may have been installed since the last flow. */
static void install_handler(void)
{
	struct sigaction action = { .sa_sigaction = on_sigbus };
	struct sigaction found;

	sigaction(SIGBUS, NULL, &found);
	/* Put back by signal(), which forgets flags, it has to be installed again, over nothing new. */
	if (found.sa_sigaction != on_sigbus)
		previous = found;
	else if (found.sa_flags & SA_SIGINFO)
		return;
	if (!has_first)
		first = previous;
	has_first = true;
	/* For the sake of the one before, and of programs whose threads have small stacks */
	action.sa_mask = previous.sa_mask;
	action.sa_flags = (previous.sa_flags & (SA_NODEFER | SA_RESTART)) | SA_SIGINFO | SA_ONSTACK;
	sigaction(SIGBUS, &action, NULL);
}

void mxl_sigbus_guard(struct mxl_flow *flow)
{
	sigset_t mask;

	lock(&mask);
	install_handler();
	LIST_INSERT_HEAD(&guarded, flow, guarded);
	flow->is_guarded = true;
	unlock(&mask);
}

void mxl_sigbus_unguard(struct mxl_flow *flow)
{
	sigset_t mask;

	if (!flow->is_guarded)
		return;
	lock(&mask);
	LIST_REMOVE(flow, guarded);
	flow->is_guarded = false;
	unlock(&mask);
}

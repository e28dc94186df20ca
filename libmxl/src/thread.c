// SPDX-License-Identifier: Apache-2.0
#include "thread.h"

#include <signal.h>

int mxl_thread_start(pthread_t *ret, void *(*run)(void *), void *argument)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	/* Blocked, a fault of its own would be deadly: see sigbus.h. */
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(ret, NULL, run, argument);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

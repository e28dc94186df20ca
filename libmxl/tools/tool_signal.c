/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_signal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#include <mxl/time.h>

/*
 * A signal may be delivered to a thread of the library, or between a look at the flag and the
 * call that sleeps. No sleep is therefore longer than this.
 */
#define NAP_MS 100
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_SEC UINT64_C(1000000000)

static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
	if (stop_signal != 0) {
		signal(number, SIG_DFL);
		raise(number);
		return;
	}
	stop_signal = number;
}

void tool_catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };
	struct sigaction before;
	size_t i;

	sigemptyset(&action.sa_mask);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		/* nohup and "command &" in a script ask for a signal to stay ignored */
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN)
			continue;
		sigaction(numbers[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
}

int tool_stop_signal(void)
{
	return stop_signal;
}

int tool_sleep_until(uint64_t tai_ns)
{
	for (;;) {
		uint64_t now = mxlGetTime();
		uint64_t nap = now + NAP_MS * NSEC_PER_MSEC;
		struct timespec until;

		if (stop_signal != 0)
			return -EINTR;
		if (now >= tai_ns)
			return 0;
		if (nap > tai_ns)
			nap = tai_ns;
		until.tv_sec = (time_t)(nap / NSEC_PER_SEC);
		until.tv_nsec = (long)(nap % NSEC_PER_SEC);
		clock_nanosleep(CLOCK_TAI, TIMER_ABSTIME, &until, NULL);
	}
}

int tool_poll_fd(int fd, short events)
{
	struct pollfd look = { .fd = fd, .events = events };

	for (;;) {
		int ready;

		if (stop_signal != 0)
			return -EINTR;
		ready = poll(&look, 1, NAP_MS);
		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -errno;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stopping on request. SIGINT, SIGTERM and SIGHUP ask for a clean end; a second one ends the
 * process at once, for the case that the clean end hangs. SIGPIPE becomes an error of write().
 */
#ifndef MXL_TOOL_SIGNAL_H
#define MXL_TOOL_SIGNAL_H

#include <stdint.h>

/** tool_catch_signals() - install the handlers; call once, before any thread is started */
void tool_catch_signals(void);

/**
 * tool_stop_signal() - the signal that asked the tool to stop
 *
 * Return: its number, or 0 while the tool may go on.
 */
int tool_stop_signal(void);

/**
 * tool_sleep_until() - sleep until a TAI time or until the tool shall stop
 * @tai_ns: nanoseconds as mxlGetTime() counts them
 *
 * Return: 0 when the time has come, -EINTR when a signal asked to stop.
 */
int tool_sleep_until(uint64_t tai_ns);

/**
 * tool_poll_fd() - wait until a descriptor is ready or the tool shall stop
 * @fd: what to look at; regular files are always ready
 * @events: POLLIN or POLLOUT
 *
 * Return: 0 when ready (or in error, which the next read() or write() reports), -EINTR when a
 * signal asked to stop, another -errno when the descriptor cannot be waited for.
 */
int tool_poll_fd(int fd, short events);

#endif /* MXL_TOOL_SIGNAL_H */

/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of the library. They take no signals: those belong to the program. */
#ifndef MXL_THREAD_H
#define MXL_THREAD_H

#include <pthread.h>

/* pthread_create() with all signals blocked but SIGBUS. Return: 0 or -errno. */
int mxl_thread_start(pthread_t *ret, void *(*run)(void *), void *argument);

#endif /* MXL_THREAD_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only way to touch memory that other processes map. The layout header declares plain integers,
 * because the module and C++ programs share it; these give each access C11 semantics. Which load
 * pairs with which store is written where the protocol is: grains.c, samples.c and backend_posix.c.
 */
#ifndef MXL_SHM_H
#define MXL_SHM_H

#include <stdatomic.h>
#include <stdint.h>

/* The comma makes a value of the object, which has no qualifiers for _Atomic() to refuse. */
#define mxl_shm_type(p) __typeof__(((void)0, *(p)))
#define mxl_shm_cast(p) ((volatile _Atomic(mxl_shm_type(p)) *)(uintptr_t)(p))

#define mxl_load(p) atomic_load_explicit(mxl_shm_cast(p), memory_order_relaxed)
#define mxl_load_acquire(p) atomic_load_explicit(mxl_shm_cast(p), memory_order_acquire)
#define mxl_store(p, v) atomic_store_explicit(mxl_shm_cast(p), (v), memory_order_relaxed)
#define mxl_store_release(p, v) atomic_store_explicit(mxl_shm_cast(p), (v), memory_order_release)
#define mxl_add_release(p, v) atomic_fetch_add_explicit(mxl_shm_cast(p), (v), memory_order_release)

#endif /* MXL_SHM_H */

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * DOC: Compiler-dependent macros of the public headers
 *
 * The public headers of libmxl compile as C99, C11, C17 and C++17, each one alone and in any
 * order. They define no feature-test macro and need none.
 */
#ifndef MXL_PLATFORM_H
#define MXL_PLATFORM_H

/*
 * MXL_EXPORT - marks a function that the shared library exports
 *
 * The library is compiled with hidden visibility, so this mark and the version script decide
 * together what is part of the ABI. It is of no consequence to a program that merely calls.
 */
#if defined(__GNUC__) || defined(__clang__)
#define MXL_EXPORT __attribute__((visibility("default")))
#else
#define MXL_EXPORT
#endif

/*
 * MXL_EXTENSION - what follows is newer than the language the program asked for
 *
 * Unnamed unions came with C11; compilers have had them long before, and with this mark they do
 * not complain even when asked to be pedantic about C99.
 */
#if defined(__GNUC__) || defined(__clang__)
#define MXL_EXTENSION __extension__
#else
#define MXL_EXTENSION
#endif

/*
 * MXL_NODISCARD - a result that must be looked at (C++ only, nothing in C)
 * MXL_CONSTEXPR - a function whose value the compiler may compute (C++; plain inline in C)
 */
#ifdef __cplusplus
#define MXL_NODISCARD [[nodiscard]]
#define MXL_CONSTEXPR constexpr
#else
#define MXL_NODISCARD
#define MXL_CONSTEXPR inline
#endif

/*
 * MXL_HEADER_INLINE - a function whose body stands in a header
 *
 * C99 and C11 give a plain "inline" function no symbol of its own: a program compiled without
 * optimisation would look for one that nobody provides. "static inline" needs none. In C++ an
 * inline (constexpr) function is merged by the linker and may differ in nothing from one
 * translation unit to the next.
 */
#ifdef __cplusplus
#define MXL_HEADER_INLINE constexpr
#else
#define MXL_HEADER_INLINE static inline
#endif

#endif /* MXL_PLATFORM_H */

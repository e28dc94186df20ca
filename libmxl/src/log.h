/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diagnostics of the library, one line each on standard error. MXL_LOG_LEVEL in the environment
 * (trace | debug | info | warn | error | off) is read once; the default is info. The hot paths log
 * nothing.
 */
#ifndef MXL_LOG_H
#define MXL_LOG_H

enum mxl_log_level {
	MXL_LOG_TRACE,
	MXL_LOG_DEBUG,
	MXL_LOG_INFO,
	MXL_LOG_WARN,
	MXL_LOG_ERROR,
	MXL_LOG_OFF,
};

__attribute__((format(printf, 2, 3))) void mxl_log(enum mxl_log_level level, const char *format,
						   ...);

#define mxl_debug(...) mxl_log(MXL_LOG_DEBUG, __VA_ARGS__)
#define mxl_info(...) mxl_log(MXL_LOG_INFO, __VA_ARGS__)
#define mxl_warn(...) mxl_log(MXL_LOG_WARN, __VA_ARGS__)
#define mxl_error(...) mxl_log(MXL_LOG_ERROR, __VA_ARGS__)

#endif /* MXL_LOG_H */

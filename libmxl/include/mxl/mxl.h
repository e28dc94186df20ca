/* SPDX-License-Identifier: Apache-2.0 */
/**
 * DOC: Instances
 *
 * MXL lets processes of one host exchange uncompressed media through shared memory. A domain is
 * a directory, normally on tmpfs; it holds flows, each a ring buffer whose index is time. An
 * instance is a process's access to one domain; <mxl/flow.h> uses it to make readers and writers
 * of flows.
 *
 * Threads: all functions that take an instance may be called from several threads at once with
 * the same instance, except mxlDestroyInstance(), which must be the last.
 *
 * Processes: a child of fork() shall not use what its parent created; it may create instances of
 * its own, and may call exec at any time.
 *
 * Errors: every function that can fail returns a mxlStatus. Outputs are untouched by a function
 * that fails, unless it says otherwise. NULL for a handle or for an output is answered with an
 * error. What went wrong in detail goes to standard error; MXL_LOG_LEVEL in the environment
 * (trace, debug, info, warn, error, off) says how much of it.
 */
#ifndef MXL_MXL_H
#define MXL_MXL_H

#ifdef __cplusplus
#include <cstdint>
#else
#include <stdbool.h>
#include <stdint.h>
#endif

#include <mxl/platform.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum mxlStatus - how a call went
 * @MXL_STATUS_OK: it did what it says
 * @MXL_ERR_UNKNOWN: it failed for a reason without a number of its own, such as a flow definition
 *	or options that are refused, a full file system, or a lack of memory; the log says more
 * @MXL_ERR_FLOW_NOT_FOUND: the domain has no flow of this id
 * @MXL_ERR_OUT_OF_RANGE_TOO_LATE: the index is no longer in the ring
 * @MXL_ERR_OUT_OF_RANGE_TOO_EARLY: the index, or enough of its slices, has not been written yet;
 *	also the answer of a wait at its deadline
 * @MXL_ERR_INVALID_FLOW_READER: no reader, or one of the other kind (discrete, continuous)
 * @MXL_ERR_INVALID_FLOW_WRITER: no writer, or one of the other kind
 * @MXL_ERR_TIMEOUT: the time for something else than data is over
 * @MXL_ERR_INVALID_ARG: an argument is NULL, out of its range or malformed
 * @MXL_ERR_CONFLICT: the flow exists with another geometry, or another process holds the right
 *	to write it
 * @MXL_ERR_PERMISSION_DENIED: the rights of a file or directory forbid it
 * @MXL_ERR_FLOW_INVALID: the flow was deleted or replaced, or its files are damaged; release the
 *	reader or writer and make a new one
 * @MXL_ERR_STRLEN: this and the following values belong to transport between hosts
 * @MXL_ERR_INTERRUPTED: (transport between hosts)
 * @MXL_ERR_NO_FABRIC: (transport between hosts)
 * @MXL_ERR_INVALID_STATE: (transport between hosts)
 * @MXL_ERR_INTERNAL: (transport between hosts)
 * @MXL_ERR_NOT_READY: (transport between hosts)
 * @MXL_ERR_NOT_FOUND: (transport between hosts)
 * @MXL_ERR_EXISTS: (transport between hosts)
 * @MXL_ERR_UNSUPPORTED_OPERATION: (transport between hosts)
 */
typedef enum mxlStatus {
	MXL_STATUS_OK = 0,
	MXL_ERR_UNKNOWN = 1,
	MXL_ERR_FLOW_NOT_FOUND = 2,
	MXL_ERR_OUT_OF_RANGE_TOO_LATE = 3,
	MXL_ERR_OUT_OF_RANGE_TOO_EARLY = 4,
	MXL_ERR_INVALID_FLOW_READER = 5,
	MXL_ERR_INVALID_FLOW_WRITER = 6,
	MXL_ERR_TIMEOUT = 7,
	MXL_ERR_INVALID_ARG = 8,
	MXL_ERR_CONFLICT = 9,
	MXL_ERR_PERMISSION_DENIED = 10,
	MXL_ERR_FLOW_INVALID = 11,

	MXL_ERR_STRLEN = 1024,
	MXL_ERR_INTERRUPTED = 1025,
	MXL_ERR_NO_FABRIC = 1026,
	MXL_ERR_INVALID_STATE = 1027,
	MXL_ERR_INTERNAL = 1028,
	MXL_ERR_NOT_READY = 1029,
	MXL_ERR_NOT_FOUND = 1030,
	MXL_ERR_EXISTS = 1031,
	MXL_ERR_UNSUPPORTED_OPERATION = 1032
} mxlStatus;

/**
 * struct mxlVersionType - the version of a library
 * @major: changes when programs must be compiled anew
 * @minor: rises when functions are added
 * @bugfix: rises with every release between
 * @build: number of a build, 0 if nobody counts
 * @full: all of it as text, zero-terminated; belongs to the library and lives as long as it
 */
typedef struct mxlVersionType {
	uint16_t major;
	uint16_t minor;
	uint16_t bugfix;
	uint16_t build;
	char const *full;
} mxlVersionType;

/**
 * mxlGetVersion() - which libmxl is this?
 * @out_version: where to put the version
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG if @out_version is NULL
 */
MXL_EXPORT
mxlStatus mxlGetVersion(mxlVersionType *out_version);

/* An instance; created by mxlCreateInstance(), valid up to mxlDestroyInstance(). */
typedef struct mxlInstance_t *mxlInstance;

/**
 * mxlCreateInstance() - open a domain
 * @domain: path of a directory that exists, best on tmpfs (any other file system works, and is
 *	warned of once: its pages may be written back to a disk)
 * @options: NULL, "" or a JSON object. No option is defined; anything that is no JSON object is
 *	logged and otherwise ignored
 *
 * How much time the rings of new flows hold is a matter of the domain, not of an instance: see
 * "urn:x-mxl:option:history_duration/v1.0" (nanoseconds) in the domain's options.json. The
 * default is 200 ms.
 *
 * A process may have several instances, on one domain or on many.
 *
 * Return: the instance, to be given to mxlDestroyInstance(); NULL if @domain is NULL, does not
 * exist or is no directory, or if memory is short
 */
MXL_EXPORT
mxlInstance mxlCreateInstance(char const *domain, char const *options);

/**
 * mxlGarbageCollectFlows() - delete what dead processes left behind
 * @instance: the instance whose domain to clean
 *
 * Deletes the flows that no process has open for writing (readers do not keep a flow alive, but
 * what they have mapped stays readable to them) and half-made flows whose creator died. Flows in
 * use, and flows that somebody begins to use meanwhile, are left alone. It is no longer needed
 * for flows of writers that end in order: the last one deletes its flow.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG if @instance is NULL; MXL_ERR_PERMISSION_DENIED or
 * MXL_ERR_UNKNOWN if the domain cannot be listed
 */
MXL_EXPORT
mxlStatus mxlGarbageCollectFlows(mxlInstance instance);

/**
 * mxlDestroyInstance() - leave a domain
 * @instance: the instance
 *
 * Releases every reader, writer and synchronisation group that was made from @instance and has
 * not been released, which makes their handles invalid, and what they mapped. A flow whose last
 * writer is released in this way is deleted.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG if @instance is NULL
 */
MXL_EXPORT
mxlStatus mxlDestroyInstance(mxlInstance instance);

/**
 * mxlIsTmpFs() - does a path lie in memory?
 * @path: a file or directory that exists
 * @out_isTmpFs: where to put the answer: true on tmpfs and ramfs
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG if an argument is NULL; MXL_ERR_UNKNOWN if @path
 * cannot be examined
 */
MXL_EXPORT
mxlStatus mxlIsTmpFs(char const *path, bool *out_isTmpFs);

#ifdef __cplusplus
}
#endif

#endif /* MXL_MXL_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open flow: its files checked and mapped. What a header says is checked once, when the flow is
 * opened, and copied into the geometry; from then on only the copy is used, so that a process that
 * scribbles over the header cannot make this one read beyond a mapping.
 */
#ifndef MXL_FLOW_H_INTERNAL
#define MXL_FLOW_H_INTERNAL

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include <linux/mxl_layout.h>
#include <mxl/flowinfo.h>

#include "backend.h"
#include "geometry.h"
#include "uuid.h"

#define MXL_FLOW_DIR_SUFFIX ".mxl-flow"
#define MXL_FLOW_DIR_SIZE (MXL_UUID_TEXT_SIZE + sizeof(MXL_FLOW_DIR_SUFFIX) - 1)

#define MXL_FLOW_DEF_FILE "flow_def.json"
#define MXL_FLOW_DATA_FILE "data"
#define MXL_FLOW_ACCESS_FILE "access"
#define MXL_FLOW_GRAINS_DIR "grains"
#define MXL_FLOW_CHANNELS_FILE "channels"
#define MXL_FLOW_GRAIN_FILE_FORMAT "data.%u"
#define MXL_FLOW_PAYLOAD_NAME_SIZE 32

/* Regions of a flow: the mappings of its files. */
#define MXL_REGION_DATA 0U
#define MXL_REGION_PAYLOAD(k) (1U + (k))

struct mxl_kernel;

/**
 * struct mxl_flow - an open flow
 * @id: its UUID
 * @geometry: counts and sizes
 * @commit_batch: slices or samples committed at most at once, >= 1
 * @sync_batch: slices or samples after which the writer signals, >= 1
 * @writable: the regions are mapped for writing. Set once by the backend, when it becomes the writer
 * @lost: a file was truncated under its mapping; set once by sigbus.c
 * @inode: of the file `data`
 * @domain: path of the domain; belongs to the instance, which outlives the flow
 * @dir_name: name of the flow's folder in the domain
 * @data_fd: the file `data`; a writer's, standbys included, holds flock(LOCK_SH)
 * @header: the mapping of `data`; shared memory, use shm.h
 * @grains: the mapping of each grain's file (discrete); headers are shared memory, use shm.h
 * @samples: the mapping of `channels` (continuous)
 * @backend: how this flow is mapped, waited for and signalled
 * @kernel: the kernel backend's; NULL with another
 * @guarded: list of sigbus.c, whose @is_guarded is, too
 *
 * All members but @writable and @lost are invariant between open and close; what they point to is
 * not.
 */
struct mxl_flow {
	uuid_t id;
	struct mxl_geometry geometry;
	uint32_t commit_batch;
	uint32_t sync_batch;
	atomic_bool writable;
	atomic_bool lost;
	ino_t inode;
	const char *domain;
	char dir_name[MXL_FLOW_DIR_SIZE];
	int data_fd;
	struct mxl_flow_header *header;
	struct mxl_grain_header **grains;
	uint8_t *samples;
	const struct mxl_backend *backend;
	struct mxl_kernel *kernel;
	LIST_ENTRY(mxl_flow) guarded;
	bool is_guarded;
};

/* The name of a flow's folder: its UUID in lower case and the suffix. */
void mxl_flow_dir_name(const uuid_t id, char ret[MXL_FLOW_DIR_SIZE]);

/**
 * mxl_flow_map - check and map the files of a flow
 * @domain: path of the domain, kept
 * @dir: descriptor of the flow's folder
 * @data_fd: the open file `data`; belongs to the flow on success. The other files are opened the
 *	same way, for reading or for writing
 * @id: the UUID the flow must have
 * @backend: how to map, wait and signal
 * @ret: the flow; mxl_flow_close() it
 *
 * Return: 0; -EBADMSG for files that are no flow, the log then names the file; -EOPNOTSUPP if the
 * backend refuses the flow; -errno.
 */
int mxl_flow_map(const char *domain, int dir, int data_fd, const uuid_t id,
		 const struct mxl_backend *backend, struct mxl_flow **ret);

/* Unmaps and frees; the lock on `data` goes with the last mapping. NULL is fine. */
void mxl_flow_close(struct mxl_flow *flow);

/**
 * mxl_flow_close_keep_lock - unmap and free all but the file `data`
 * @flow: the flow
 *
 * Return: the descriptor of `data`, now the caller's; no mapping of it is left, so its flock can be
 * upgraded and belongs to the descriptor alone.
 */
int mxl_flow_close_keep_lock(struct mxl_flow *flow);

static inline void mxl_flow_closep(struct mxl_flow **flow)
{
	mxl_flow_close(*flow);
}

static inline bool mxl_flow_is_discrete(const struct mxl_flow *flow)
{
	return flow->geometry.grain_count > 0;
}

/* Whether the memory of a flow is still that of its files. Return: 0; -ESTALE if it is lost. */
static inline int mxl_flow_check(const struct mxl_flow *flow)
{
	return atomic_load_explicit(&flow->lost, memory_order_relaxed) ? -ESTALE : 0;
}

/* Files besides `data`, and the size of each. */
uint32_t mxl_flow_payload_count(const struct mxl_flow *flow);
size_t mxl_flow_payload_size(const struct mxl_flow *flow);

/* Opens the folder of the payload files. @dir: that of the flow. Return: a descriptor or -errno. */
int mxl_flow_open_payload_dir(const struct mxl_flow *flow, int dir);

/* Name of payload file @number in that folder. */
void mxl_flow_payload_name(const struct mxl_flow *flow, uint32_t number,
			   char ret[MXL_FLOW_PAYLOAD_NAME_SIZE]);

/* Opens the flow's folder anew. Return: a descriptor or -errno. */
int mxl_flow_open_dir(const struct mxl_flow *flow);

/* For backends: where a region is mapped (NULL: not so far), and its size. */
void *mxl_flow_region(const struct mxl_flow *flow, uint32_t region);
void mxl_flow_set_region(struct mxl_flow *flow, uint32_t region, void *mapping);
size_t mxl_flow_region_size(const struct mxl_flow *flow, uint32_t region);

/**
 * mxl_flow_is_current - whether the flow's path still leads to the files that are mapped
 * @flow: the flow
 *
 * Costs a system call; for those who are about to say "too early".
 */
bool mxl_flow_is_current(const struct mxl_flow *flow);

/* Copies of the header as the API gives them out. Return: 0; -ESTALE if the flow is lost. */
int mxl_flow_get_info(const struct mxl_flow *flow, mxlFlowInfo *ret);
int mxl_flow_get_config(const struct mxl_flow *flow, mxlFlowConfigInfo *ret);
int mxl_flow_get_runtime(const struct mxl_flow *flow, mxlFlowRuntimeInfo *ret);

#endif /* MXL_FLOW_H_INTERNAL */

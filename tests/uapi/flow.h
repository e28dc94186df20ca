/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows made by hand, the calls of /dev/mxl with everything spelled out, and a writer and
 * readers made of these.
 */
#ifndef FLOW_H
#define FLOW_H

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "uapi.h"

/* ---- files of a flow --------------------------------------------------------------------- */

/* Outputs are filled with this before a call */
#define POISON 0xa5
#define POISON32 0xa5a5a5a5U
#define POISON64 0xa5a5a5a5a5a5a5a5ULL

/**
 * struct flow_spec - what a flow is to look like
 * @format: MXL_LAYOUT_FORMAT_*
 * @num: numerator of the rate
 * @den: denominator of the rate
 * @grains: discrete: payload files
 * @slices: discrete: slices of a grain
 * @slice_bytes: discrete: bytes of a slice
 * @channels: continuous: planes
 * @length: continuous: samples of each
 * @word: continuous: bytes of a sample
 */
struct flow_spec {
	uint32_t format;
	int64_t num;
	int64_t den;
	uint32_t grains;
	uint32_t slices;
	uint32_t slice_bytes;
	uint32_t channels;
	uint32_t length;
	uint32_t word;
};

extern const struct flow_spec discrete; /* 5 grains of 8 slices, 8 KiB each, 50 per second */
extern const struct flow_spec continuous; /* 2 channels of 4096 samples of 4 bytes */

#define MAX_PAYLOADS 64

/**
 * struct flow - a directory with the files of a flow
 * @dir: the directory
 * @spec: how it was made
 * @nr_payloads: files of payload
 * @payload_size: bytes of each
 */
struct flow {
	char dir[96];
	struct flow_spec spec;
	uint32_t nr_payloads;
	uint64_t payload_size;
};

/* In the test's own directory unless @name begins with a slash */
void flow_make(struct flow *f, const char *name, const struct flow_spec *spec);

/* -1: data */
#define DATA (-1)
void flow_path(const struct flow *f, int file, char path[128]);
int flow_open(const struct flow *f, int file, int flags);

/* As the library deletes a flow: files first, then directories */
void flow_delete(const struct flow *f);

void flow_chmod(const struct flow *f, mode_t mode);
void flow_chown(const struct flow *f, uid_t uid);

/* ---- calls ------------------------------------------------------------------------------- */

/* Arguments that are complete, with their outputs poisoned */
struct mxl_info make_info(void);
struct mxl_attach make_attach(int data_fd, uint32_t first, const int *fds, uint32_t n);
struct mxl_lock make_lock(uint64_t timeout_ns);
struct mxl_unlock make_unlock(void);
struct mxl_wait make_wait(uint64_t index, uint32_t slices, uint64_t timeout_ns);
struct mxl_wait_item make_item(int fd, uint64_t index, uint32_t slices);
struct mxl_wait_many make_many(struct mxl_wait_item *items, uint32_t n, uint64_t timeout_ns);
struct mxl_commit make_commit(uint32_t flags);
struct mxl_arm make_arm(uint32_t events, uint64_t index, uint32_t slices);
struct mxl_state make_state(void);

int open_device(void);
struct mxl_state get_state(int fd);

/*
 * The call fails with @error, leaves @arg alone to the last byte, and the flow (if the file is
 * attached to one) in the state it was in.
 */
void refused_at(const char *file, int line, int fd, unsigned long cmd, void *arg, int error);
#define refused(fd, cmd, arg, error) refused_at(__FILE__, __LINE__, fd, cmd, arg, error)

/* The files of a flow, opened read-only, and the call; as an ioctl returns */
int try_attach(int fd, const struct flow *f, struct mxl_attach *ret_arg);
int attach(const struct flow *f);

int try_lock(int fd, uint64_t timeout_ns);
void lock(int fd);
void unlock(int fd);
int wait_index(int fd, uint64_t index, uint32_t slices, uint64_t timeout_ns);

/* ---- regions ----------------------------------------------------------------------------- */

void *map_region(int fd, uint64_t offset, size_t size, int prot);
const struct mxl_control *map_control(int fd);

/* ---- a writer ---------------------------------------------------------------------------- */

/**
 * struct writer - holder of the writer lock with everything mapped
 * @fd: attachment
 * @flow: its flow
 * @hdr: mapping of ``data``
 * @payload: mappings of the payload files
 * @control: control page
 */
struct writer {
	int fd;
	const struct flow *flow;
	struct mxl_flow_header *hdr;
	unsigned char *payload[MAX_PAYLOADS];
	const struct mxl_control *control;
};

void writer_open(struct writer *w, const struct flow *f);
void writer_map(struct writer *w);
void writer_unmap(struct writer *w);
void writer_close(struct writer *w);

/* Publishes without telling anybody */
void publish(struct writer *w, uint64_t index, uint32_t valid_slices, uint32_t flags);
void publish_samples(struct writer *w, uint64_t head);

/* MXL_IOC_COMMIT: how many were woken */
uint32_t commit(struct writer *w);
uint32_t new_generation(struct writer *w);

/* ---- readers that sleep ------------------------------------------------------------------ */

/**
 * struct sleeper - a process in MXL_IOC_WAIT
 * @pid: the process
 * @fd: attachment
 * @arg: of the call
 * @result: 0 or errno
 * @returned: the call has
 * @at_ns: when, on CLOCK_MONOTONIC
 */
struct sleeper {
	pid_t pid;
	int fd;
	struct mxl_wait arg;
	int result;
	bool returned;
	uint64_t at_ns;
};

/* Sleeps on @fd, and is in the queue when this returns (@queued waiters then) */
struct sleeper *sleeper_start(int fd, struct mxl_wait arg, uint32_t queued);
/* Waits until it has returned; the result */
int sleeper_result(struct sleeper *s);
void wait_for_waiters(int fd, uint32_t n);
void wait_for_lockers(int fd, uint32_t n);

/**
 * struct locker - a process in MXL_IOC_LOCK that then waits to be told to end
 * @pid: the process
 * @fd: attachment
 * @arg: of the call
 * @result: 0 or errno, valid when @returned
 * @returned: the call has
 * @leave: tells it to unlock and end
 */
struct locker {
	pid_t pid;
	int fd;
	struct mxl_lock arg;
	int result;
	bool returned;
	bool leave;
};

struct locker *locker_start(int fd, uint64_t timeout_ns);
int locker_result(struct locker *l);
void locker_leave(struct locker *l);

#endif

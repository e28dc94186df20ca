/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * Interface of /dev/mxl, the kernel part of the Media eXchange Layer.
 *
 * The files of a flow are described in <linux/mxl_layout.h>; this header describes what the
 * kernel adds to them.
 */
#ifndef _UAPI_LINUX_MXL_H
#define _UAPI_LINUX_MXL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: overview
 *
 * One open of /dev/mxl is one attachment, and one attachment belongs to one flow. MXL_IOC_ATTACH
 * hands the module read-only file descriptors of the flow's ``data`` file and of its payload
 * files; the flow is known by the inode of ``data``. Everything an attachment holds is given
 * back when the last reference to the open file goes away. Mappings are such references.
 *
 * Every argument structure begins with ``size``, set by the caller to the size of the structure
 * it was compiled with. The kernel accepts every size from the first version on: what the caller
 * does not know is taken as zero, what the kernel does not know must be zero. No structure is
 * larger than a page. The number of a call is its type, direction and sequence number; the size
 * encoded in it is not looked at.
 *
 * The name of a field that is filled in by the kernel is documented with "out", one that is read
 * and changed with "in/out". If a call fails, its output fields are left alone, except where a
 * call says that it reports them with an error as well.
 */

/**
 * DOC: errno
 *
 * Errors that every call can return:
 *
 * ========== ===================================================================================
 * ENOTTY     unknown call
 * EFAULT     a pointer is not readable or not writable
 * EINVAL     ``size`` smaller than the first version of the structure, non-zero padding, or a
 *            value out of its range
 * E2BIG      the structure is larger than the kernel's, and what the kernel does not know is
 *            not zero; or it is larger than a page
 * EOPNOTSUPP unknown bit in a flags field
 * ENOMEM     no memory
 * ENOTCONN   the call needs an attachment, and MXL_IOC_ATTACH was not completed
 * EINTR      interrupted by a signal whose handler does not restart calls
 * ========== ===================================================================================
 *
 * Errors with one meaning throughout:
 *
 * ========== ===================================================================================
 * ENODEV     the flow is dead: its ``data`` file was deleted or replaced
 * EOWNERDEAD nobody holds the writer lock
 * ESTALE     the generation is not the expected one
 * ERANGE     the index is too old, its place in the ring was given to a newer one
 * ENODATA    the head passed the index while its grain was incomplete
 * ETIMEDOUT  the time-out passed
 * EDQUOT     a per-user limit (see the tunables) is reached
 * ENOSPC     a global limit (see the tunables) is reached
 * ========== ===================================================================================
 */

#define MXL_DEVICE_NAME		"mxl"
#define MXL_DEVICE_PATH		"/dev/mxl"

/* Version of this interface; grows when calls, fields or flags are added. */
#define MXL_UAPI_VERSION	1

/* timeout_ns: wait without end */
#define MXL_TIMEOUT_NONE	0xffffffffffffffffULL

/* generation: whichever is current when the call begins */
#define MXL_GENERATION_ANY	0ULL

/* epoch: whichever */
#define MXL_EPOCH_ANY		0ULL

/**
 * DOC: time-outs
 *
 * ``timeout_ns`` of MXL_IOC_LOCK, MXL_IOC_WAIT and MXL_IOC_WAIT_MANY is a duration in
 * nanoseconds, measured on CLOCK_MONOTONIC. The kernel writes back what remains of it, so that
 * a call that was interrupted and is made again ends when the first one would have ended. With
 * MXL_TIME_TAI it is an absolute time of CLOCK_TAI, and is not written. Zero, or a time in the
 * past, asks without sleeping. MXL_TIMEOUT_NONE never ends.
 */
#define MXL_TIME_TAI		0x1U

/* ---- INFO -------------------------------------------------------------------------------- */

/* Features of the running kernel and module, see struct mxl_info. */
#define MXL_FEATURE_SEAL	0x1ULL	/* the writer lock denies write access */
#define MXL_FEATURE_WAIT_MANY	0x2ULL
#define MXL_FEATURE_POLL	0x4ULL
#define MXL_FEATURE_OUTSIDERS	0x8ULL	/* absence of outsiders can be proved */

/**
 * struct mxl_info - what this module can do (MXL_IOC_INFO)
 * @size: in: size of this structure
 * @pad: zero
 * @version: out: MXL_UAPI_VERSION the module was built with
 * @max_wait_many: out: most items in one MXL_IOC_WAIT_MANY
 * @features: out: MXL_FEATURE_* bits
 * @attach_flags: out: flags MXL_IOC_ATTACH knows
 * @lock_flags: out: flags MXL_IOC_LOCK knows
 * @wait_flags: out: flags MXL_IOC_WAIT knows
 * @wait_many_flags: out: flags MXL_IOC_WAIT_MANY knows
 * @commit_flags: out: flags MXL_IOC_COMMIT knows
 * @arm_events: out: MXL_EVENT_* bits MXL_IOC_ARM knows
 * @max_payloads: out: most payload files in one flow
 * @prefault: out: 1 if mappings shall be populated when they are made (tunable)
 * @spin_ns: out: how long a wait spins before it sleeps (tunable)
 * @default_history_ns: out: history of new flows where the domain names none (tunable)
 *
 * Needs no attachment. Fails with the common errors only.
 */
struct mxl_info {
	__u32 size;
	__u32 pad;
	__u32 version;
	__u32 max_wait_many;
	__aligned_u64 features;
	__u32 attach_flags;
	__u32 lock_flags;
	__u32 wait_flags;
	__u32 wait_many_flags;
	__u32 commit_flags;
	__u32 arm_events;
	__u32 max_payloads;
	__u32 prefault;
	__aligned_u64 spin_ns;
	__aligned_u64 default_history_ns;
};

/* ---- ATTACH ------------------------------------------------------------------------------ */

#define MXL_KIND_DISCRETE	1	/* one payload file per grain */
#define MXL_KIND_CONTINUOUS	2	/* one payload file of samples */

/**
 * struct mxl_attach - adopt a flow, or join one that was adopted (MXL_IOC_ATTACH)
 * @size: in: size of this structure
 * @flags: in: zero
 * @data_fd: in: the flow's ``data`` file, opened read-only
 * @first: in: number of the payload file that @payload_fds begins with
 * @payload_fds: in: pointer to __s32 file descriptors of payload files, opened read-only
 * @nr_payload_fds: in: how many of them, may be zero
 * @missing: out: payload files not given so far; the attachment is complete at zero
 * @kind: out: MXL_KIND_DISCRETE or MXL_KIND_CONTINUOUS
 * @nr_payloads: out: payload files of the flow: one for each grain, or one
 * @rate_num: out: numerator of the rate
 * @rate_den: out: denominator of the rate
 * @payload_size: out: size in bytes of a payload file (and of its mapping), headers included
 * @data_size: out: size in bytes of the ``data`` file
 * @total_slices: out: slices of a grain, 0 for continuous flows and before completion
 * @channels: out: channels of a continuous flow, else 0
 * @buffer_length: out: samples per channel of a continuous flow, else 0
 * @word_size: out: bytes of a sample of a continuous flow, else 0 (also before completion)
 * @generation: out: generation of the flow, 0 before completion
 * @epoch: out: epoch of the flow, 0 before completion
 *
 * A flow with many payload files is passed in pieces, by several calls with the same @data_fd
 * and different @first. Nothing is adopted or joined until the last piece has come, and a piece
 * that is refused leaves those before it as they were.
 *
 * The first attachment adopts the flow, for which it must be allowed to write every one of the
 * files. Those that come later join, and must give the same inodes. Permission is that of the
 * files through the paths they were opened by, with the caller's credentials; hooks that
 * security modules have for open() are not consulted. All files must have been opened through
 * one mount. The open file behind @data_fd is kept, and counts as the attachment's own for
 * the control page's ``outsiders``; who else the caller shares it with is the caller's concern.
 *
 * ============== ===============================================================================
 * EBADF          a descriptor is not open, or opened with O_PATH
 * EINVAL         a descriptor can write; @data_fd is not the one of the pieces before; @first and
 *                @nr_payload_fds reach beyond the payload files of the flow
 * EOPNOTSUPP     not a regular file of a mounted tmpfs (a memfd, for example)
 * ENOENT         a file has no link any more
 * EMLINK         a file has more than one link or name
 * EXDEV          files were opened through different mounts
 * EPROTONOSUPPORT unknown version in a header
 * EBADMSG        rate, counts or sizes in the headers contradict each other or the files
 * EEXIST         a payload was given twice, or belongs to another flow
 * ESTALE         the flow was adopted with another payload file in this place
 * EISCONN        this attachment is complete
 * EBUSY          the open file behind @data_fd serves another attachment
 * EACCES, EPERM  adopting: no permission to write one of the files
 * EROFS          adopting: a file is on a read-only mount or file system
 * ENFILE         adopting: the system's limit on open files
 * EDQUOT, ENOSPC limits on flows, attachments, payload files or pinned pages
 * ============== ===============================================================================
 */
struct mxl_attach {
	__u32 size;
	__u32 flags;
	__s32 data_fd;
	__u32 first;
	__aligned_u64 payload_fds;
	__u32 nr_payload_fds;
	__u32 missing;
	__u32 kind;
	__u32 nr_payloads;
	__aligned_u64 rate_num;
	__aligned_u64 rate_den;
	__aligned_u64 payload_size;
	__aligned_u64 data_size;
	__u32 total_slices;
	__u32 channels;
	__u32 buffer_length;
	__u32 word_size;
	__aligned_u64 generation;
	__aligned_u64 epoch;
};

/* ---- LOCK, UNLOCK ------------------------------------------------------------------------ */

/**
 * struct mxl_lock - take the writer lock (MXL_IOC_LOCK)
 * @size: in: size of this structure
 * @flags: in: MXL_TIME_TAI
 * @timeout_ns: in/out: how long to wait for it, see "time-outs"; 0 does not wait
 * @epoch: out: epoch that begins with this lock
 * @generation: out: generation of the flow
 * @head: out: head index of the flow
 *
 * While the lock is held nobody can open ``data`` or a payload file for writing, truncate it or
 * map it writable, save the holder through this attachment. The process that locked may map the
 * regions writable; see "mapping". The lock ends with MXL_IOC_UNLOCK, or when that process has
 * closed its descriptor (or, as with record locks, any duplicate of it) and dropped its writable
 * mappings, however it came to do so.
 *
 * Waiting calls are served in the order they came; one that is granted the lock by its holder's
 * release takes it over with the files still sealed. A waiting call also waits for those that
 * have a file open for writing.
 *
 * ============= ================================================================================
 * EBUSY         another attachment holds the lock (@timeout_ns 0 only)
 * ETXTBSY       somebody has one of the files open for writing (@timeout_ns 0 only)
 * ETIMEDOUT     either was so until the time-out passed
 * EALREADY      this attachment holds the lock, or a call of another thread waits for it
 * EACCES, EPERM no permission to write one of the files
 * EROFS         the files were opened through a mount that is read-only
 * EBADMSG       a file changed its size while it was not sealed
 * ENODEV        the flow is dead
 * ENFILE        the system's limit on open files
 * EDQUOT, ENOSPC limits on pinned pages, which open files of the module count as
 * EBADF         another thread closed the descriptor meanwhile
 * ============= ================================================================================
 */
struct mxl_lock {
	__u32 size;
	__u32 flags;
	__aligned_u64 timeout_ns;
	__aligned_u64 epoch;
	__aligned_u64 generation;
	__aligned_u64 head;
};

/**
 * struct mxl_unlock - give up the writer lock (MXL_IOC_UNLOCK)
 * @size: in: size of this structure
 * @flags: in: zero
 *
 * ===== ========================================================================================
 * EPERM this attachment does not hold the lock
 * EBUSY writable mappings live
 * ===== ========================================================================================
 */
struct mxl_unlock {
	__u32 size;
	__u32 flags;
};

/* ---- WAIT, WAIT_MANY --------------------------------------------------------------------- */

/* slices: the whole grain, however many slices it has */
#define MXL_SLICES_ALL		0xffffU

/**
 * struct mxl_wait - wait until an index can be read (MXL_IOC_WAIT)
 * @size: in: size of this structure
 * @flags: in: MXL_TIME_TAI
 * @index: in: grain index, or the sample index the head has to reach
 * @timeout_ns: in/out: see "time-outs"; 0 does not wait
 * @generation: in/out: generation @index belongs to or MXL_GENERATION_ANY; the current one
 * @slices: in: valid slices the grain must have, at most MXL_SLICES_ALL; discrete flows only
 * @valid_slices: out: valid slices of the grain, 0 if it is not in the ring
 * @head: out: head index
 * @epoch: out: epoch
 *
 * Returns 0 when a grain with @index is in the ring and has @slices valid slices or all, or is
 * flagged invalid; or, of a continuous flow, when the head reached @index. The output fields are
 * reported with the errors below as well. Data that is there is found before anything but
 * another generation.
 *
 * ========== ===================================================================================
 * ETIMEDOUT  the time-out passed
 * EOWNERDEAD nobody holds the writer lock; the call never sleeps while this is so
 * ENODEV     the flow is dead
 * ESTALE     the generation is not @generation, or a new one began
 * ERANGE     @index is too old
 * ENODATA    the head passed @index while its grain was incomplete
 * EDQUOT     the user's limit on waiters
 * ENOSPC     the global limit on waiters
 * ========== ===================================================================================
 */
struct mxl_wait {
	__u32 size;
	__u32 flags;
	__aligned_u64 index;
	__aligned_u64 timeout_ns;
	__aligned_u64 generation;
	__u32 slices;
	__u32 valid_slices;
	__aligned_u64 head;
	__aligned_u64 epoch;
};

/**
 * struct mxl_wait_item - one condition of MXL_IOC_WAIT_MANY
 * @fd: in: attachment, an open file of /dev/mxl
 * @slices: in: as in struct mxl_wait
 * @index: in: as in struct mxl_wait
 * @generation: in/out: as in struct mxl_wait
 * @result: out: 0 met, EINPROGRESS not met so far, or the error MXL_IOC_WAIT would return
 * @valid_slices: out: as in struct mxl_wait
 * @head: out: as in struct mxl_wait
 */
struct mxl_wait_item {
	__s32 fd;
	__u32 slices;
	__aligned_u64 index;
	__aligned_u64 generation;
	__u32 result;
	__u32 valid_slices;
	__aligned_u64 head;
};

/* flags: return when one of the items is met, not all */
#define MXL_WAIT_ANY		0x2U

/**
 * struct mxl_wait_many - wait for several flows with one time-out (MXL_IOC_WAIT_MANY)
 * @size: in: size of this structure
 * @flags: in: MXL_TIME_TAI, MXL_WAIT_ANY
 * @items: in: pointer to an array of struct mxl_wait_item
 * @nr_items: in: items in the array, 1 up to struct mxl_info's max_wait_many
 * @item_size: in: sizeof(struct mxl_wait_item) as the caller compiled it
 * @timeout_ns: in/out: see "time-outs"; 0 does not wait
 * @which: out: the item that ended the call: with MXL_WAIT_ANY the first that is met, else the
 *         first that failed, else @nr_items
 * @pad: zero
 *
 * Returns 0 when all items are met, or any of them with MXL_WAIT_ANY. An item that can not be
 * met any more ends the call with its error, unless with MXL_WAIT_ANY another one is met. May be
 * made on any open file of /dev/mxl. @which and the items' output fields are reported with the
 * errors of MXL_IOC_WAIT as well.
 *
 * ======== =====================================================================================
 * EINVAL   @nr_items out of range, @item_size too small
 * EBADF    an item's fd is not open
 * ENOTTY   an item's fd is not an open file of /dev/mxl
 * ENOTCONN an item's fd is not attached
 * ======== =====================================================================================
 */
struct mxl_wait_many {
	__u32 size;
	__u32 flags;
	__aligned_u64 items;
	__u32 nr_items;
	__u32 item_size;
	__aligned_u64 timeout_ns;
	__u32 which;
	__u32 pad;
};

/* ---- COMMIT ------------------------------------------------------------------------------ */

/* flags: the writer restarted at a lower index; ends every wait with ESTALE */
#define MXL_COMMIT_NEW_GENERATION	0x1U

/**
 * struct mxl_commit - wake those whose condition is met (MXL_IOC_COMMIT)
 * @size: in: size of this structure
 * @flags: in: MXL_COMMIT_NEW_GENERATION
 * @woken: out: waiting calls and armed descriptors that were woken
 * @pad: zero
 * @generation: out: generation of the flow
 *
 * What is committed is read from the flow's header and grain headers. A writer owes this call
 * only if what it published is at or beyond the control page's ``wake``, or for a new
 * generation. Futexes are not woken: that is the writer's part while ``outsiders`` is set.
 *
 * ====== =======================================================================================
 * EPERM  this attachment does not hold the writer lock
 * ENODEV the flow is dead
 * ====== =======================================================================================
 */
struct mxl_commit {
	__u32 size;
	__u32 flags;
	__u32 woken;
	__u32 pad;
	__aligned_u64 generation;
};

/* ---- ARM --------------------------------------------------------------------------------- */

#define MXL_EVENT_DATA		0x1U	/* the index can be read, or never will be */
#define MXL_EVENT_WRITER_CAME	0x2U	/* somebody holds the lock, in a new epoch */
#define MXL_EVENT_WRITER_GONE	0x4U	/* nobody holds it, or it changed hands */
#define MXL_EVENT_GENERATION	0x8U	/* the generation is another */
#define MXL_EVENT_DEAD		0x10U	/* deleted or replaced; always told */

/**
 * struct mxl_arm - choose what makes this descriptor readable (MXL_IOC_ARM)
 * @size: in: size of this structure
 * @events: in: MXL_EVENT_* bits to watch for, but MXL_EVENT_DEAD; 0 disarms
 * @index: in: for MXL_EVENT_DATA: as in struct mxl_wait
 * @generation: in: generation known to the caller or MXL_GENERATION_ANY
 * @epoch: in: epoch known to the caller or MXL_EPOCH_ANY
 * @slices: in: for MXL_EVENT_DATA: as in struct mxl_wait
 * @fired: out: events that are true already
 *
 * poll() reports EPOLLIN once one of @events happened and until the next MXL_IOC_ARM, which
 * forgets what was armed before; MXL_IOC_STATE tells which. MXL_EVENT_DATA happens when
 * MXL_IOC_WAIT would return 0, ESTALE, ERANGE or ENODATA. MXL_EVENT_WRITER_CAME happens when
 * the lock is held in an epoch other than @epoch, MXL_EVENT_WRITER_GONE when it is not held or
 * the epoch is other than @epoch; with MXL_EPOCH_ANY only the state of the lock counts.
 * MXL_EVENT_GENERATION happens when the generation is other than @generation (or, with
 * MXL_GENERATION_ANY, other than when the call was made). An event that is true already makes
 * the descriptor readable at once. EPOLLHUP is reported for a dead flow only. An unattached
 * descriptor polls as EPOLLERR.
 *
 * ============== ===============================================================================
 * EOPNOTSUPP     unknown bit in @events
 * EDQUOT, ENOSPC limits on waiters
 * ============== ===============================================================================
 */
struct mxl_arm {
	__u32 size;
	__u32 events;
	__aligned_u64 index;
	__aligned_u64 generation;
	__aligned_u64 epoch;
	__u32 slices;
	__u32 fired;
};

/* ---- STATE ------------------------------------------------------------------------------- */

#define MXL_STATE_LOCKED	0x1U	/* somebody holds the writer lock */
#define MXL_STATE_MINE		0x2U	/* this attachment holds it */
#define MXL_STATE_DEAD		0x4U	/* deleted or replaced */
#define MXL_STATE_OUTSIDERS	0x8U	/* absence of outsiders is not proved */

/**
 * struct mxl_state - how the flow is (MXL_IOC_STATE)
 * @size: in: size of this structure
 * @pad: zero
 * @flags: out: MXL_STATE_* bits
 * @events: out: MXL_EVENT_* bits that happened since MXL_IOC_ARM
 * @head: out: head index
 * @generation: out: generation
 * @epoch: out: epoch
 * @writer_pid: out: process that holds the writer lock, 0 if none or not visible to the caller
 * @waiters: out: waiting calls and armed descriptors on the flow
 * @attachments: out: attachments of the flow
 * @lockers: out: calls that wait for the writer lock
 * @commits: out: signalled commits seen while the flow is adopted
 * @commit_calls: out: MXL_IOC_COMMIT calls
 * @wakes: out: waiters and armed descriptors woken by commits
 * @overruns: out: waits that ended with ERANGE
 * @last_write_ns: out: lastWriteTime of the flow's header
 * @last_read_ns: out: last read as the readers told it
 *
 * Fails with the common errors only; also works on a dead flow.
 */
struct mxl_state {
	__u32 size;
	__u32 pad;
	__u32 flags;
	__u32 events;
	__aligned_u64 head;
	__aligned_u64 generation;
	__aligned_u64 epoch;
	__s32 writer_pid;
	__u32 waiters;
	__u32 attachments;
	__u32 lockers;
	__aligned_u64 commits;
	__aligned_u64 commit_calls;
	__aligned_u64 wakes;
	__aligned_u64 overruns;
	__aligned_u64 last_write_ns;
	__aligned_u64 last_read_ns;
};

/* ---- the calls --------------------------------------------------------------------------- */

#define MXL_IOC_TYPE		0xE8

#define MXL_IOC_INFO		_IOWR(MXL_IOC_TYPE, 0x40, struct mxl_info)
#define MXL_IOC_ATTACH		_IOWR(MXL_IOC_TYPE, 0x41, struct mxl_attach)
#define MXL_IOC_LOCK		_IOWR(MXL_IOC_TYPE, 0x42, struct mxl_lock)
#define MXL_IOC_UNLOCK		_IOWR(MXL_IOC_TYPE, 0x43, struct mxl_unlock)
#define MXL_IOC_WAIT		_IOWR(MXL_IOC_TYPE, 0x44, struct mxl_wait)
#define MXL_IOC_WAIT_MANY	_IOWR(MXL_IOC_TYPE, 0x45, struct mxl_wait_many)
#define MXL_IOC_COMMIT		_IOWR(MXL_IOC_TYPE, 0x46, struct mxl_commit)
#define MXL_IOC_ARM		_IOWR(MXL_IOC_TYPE, 0x47, struct mxl_arm)
#define MXL_IOC_STATE		_IOWR(MXL_IOC_TYPE, 0x48, struct mxl_state)

/* ---- mapping ----------------------------------------------------------------------------- */

/**
 * DOC: mapping
 *
 * The offset passed to mmap() names the region; an offset into the region may be added to it.
 * There are gaps between the regions. All of them need MAP_SHARED, none may be PROT_EXEC.
 *
 * The control page is read-only. The activity page is readable and writable. ``data`` and the
 * payload files are read-only, and can not be made writable, unless the process that holds the
 * writer lock asks for PROT_WRITE. Such a mapping is not inherited by fork(). A mapping keeps
 * the attachment alive, and a writable one the lock.
 *
 * ======== =====================================================================================
 * EINVAL   no region at this offset, beyond its end, or not MAP_SHARED
 * ENOTCONN not attached
 * EPERM    PROT_EXEC; PROT_WRITE on the control page; PROT_WRITE on ``data`` or a payload file
 *          by anyone but the process that holds the writer lock
 * ENODEV   the flow is dead (no new mappings of its files)
 * ======== =====================================================================================
 */
#define MXL_OFFSET_CONTROL	0x10000000000ULL
#define MXL_OFFSET_ACTIVITY	0x20000000000ULL
#define MXL_OFFSET_DATA		0x30000000000ULL
#define MXL_OFFSET_PAYLOAD_0	0x1000000000000000ULL
#define MXL_OFFSET_PAYLOAD_STEP	0x10000000000ULL
#define MXL_OFFSET_PAYLOAD(k)	(MXL_OFFSET_PAYLOAD_0 + (__u64)(k) * MXL_OFFSET_PAYLOAD_STEP)

/* Payload files in one flow that offsets can name; the tunable max_payloads is lower. */
#define MXL_PAYLOADS_LIMIT	0x100000U

/* struct mxl_control.writer */
#define MXL_WRITER_NONE		0
#define MXL_WRITER_HELD		1

/* struct mxl_control.wake: nobody waits */
#define MXL_WAKE_NONE		0xffffffffffffffffULL

/**
 * struct mxl_control - the control page, written by the kernel
 * @size: bytes of this structure that the kernel fills in
 * @version: MXL_UAPI_VERSION of the module
 * @wake: lowest position that somebody waits for, as mxl_wake_position() packs it; a commit at
 *        or beyond it owes MXL_IOC_COMMIT
 * @outsiders: 0 if everybody who uses ``data`` is attached, else signalled commits owe
 *             FUTEX_WAKE on syncCounter
 * @writer: MXL_WRITER_NONE or MXL_WRITER_HELD
 * @dead: 1 once the flow was deleted or replaced
 * @prefault: tunable, see struct mxl_info
 * @epoch: count of writer locks taken
 * @generation: count of restarts at a lower index, begins at 1
 * @spin_ns: tunable, see struct mxl_info
 * @default_history_ns: tunable, see struct mxl_info
 *
 * The writer publishes (headIndex last, then syncCounter on signalled commits), issues a
 * sequentially consistent fence, and only then loads @wake and @outsiders. The kernel lowers
 * @wake, issues a full barrier, and only then looks at what is published. So either the writer
 * sees that somebody waits, or the one that waits sees what was written. Each field is read by
 * one aligned load of its width.
 */
struct mxl_control {
	__u32 size;
	__u32 version;
	__aligned_u64 wake;
	__u32 outsiders;
	__u32 writer;
	__u32 dead;
	__u32 prefault;
	__aligned_u64 epoch;
	__aligned_u64 generation;
	__aligned_u64 spin_ns;
	__aligned_u64 default_history_ns;
};

/**
 * struct mxl_activity - the activity page, written by readers
 * @last_read_ns: CLOCK_TAI of the last read, in nanoseconds
 *
 * A statistic that every attachment can write, and that is trusted for nothing.
 */
struct mxl_activity {
	__aligned_u64 last_read_ns;
};

/**
 * mxl_wake_position() - pack an index and a count of slices for comparison with ``wake``
 * @kind: MXL_KIND_DISCRETE or MXL_KIND_CONTINUOUS
 * @index: index that is published, or waited for
 * @slices: valid slices at that index, MXL_SLICES_ALL for a grain that is published as invalid
 *          (which satisfies whoever waits for it); not used for continuous flows
 *
 * One word holds both, so that a writer reads it without a lock and never sees one half of a
 * change. An index of a discrete flow that needs more than 48 bits (beyond 150000 grains per
 * second) packs to a position after all others: to the writer it says "make the call". The
 * kernel uses position 0 for a waiter on such an index.
 *
 * Return: the position; MXL_WAKE_NONE where it can not be packed.
 */
static __inline__ __u64 mxl_wake_position(__u32 kind, __u64 index, __u32 slices)
{
	if (kind == MXL_KIND_CONTINUOUS)
		return index;
	if (index >> 48)
		return MXL_WAKE_NONE;
	return index << 16 | (slices & 0xffff);
}

/* The sizes of the first versions, and the places of what is read without a call, are ABI. */
#if defined(__cplusplus) && __cplusplus >= 201103L
#define _MXL_ASSERT(c)	static_assert(c, #c)
#elif defined(__KERNEL__) || (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L)
#define _MXL_ASSERT(c)	_Static_assert(c, #c)
#else
#define _MXL_ASSERT(c)	extern int _mxl_assert_unused[(c) ? 1 : -1]
#endif
_MXL_ASSERT(sizeof(struct mxl_info) == 72);
_MXL_ASSERT(sizeof(struct mxl_attach) == 104);
_MXL_ASSERT(sizeof(struct mxl_lock) == 40);
_MXL_ASSERT(sizeof(struct mxl_unlock) == 8);
_MXL_ASSERT(sizeof(struct mxl_wait) == 56);
_MXL_ASSERT(sizeof(struct mxl_wait_item) == 40);
_MXL_ASSERT(sizeof(struct mxl_wait_many) == 40);
_MXL_ASSERT(sizeof(struct mxl_commit) == 24);
_MXL_ASSERT(sizeof(struct mxl_arm) == 40);
_MXL_ASSERT(sizeof(struct mxl_state) == 104);
_MXL_ASSERT(sizeof(struct mxl_control) == 64);
_MXL_ASSERT(__builtin_offsetof(struct mxl_control, wake) == 8);
_MXL_ASSERT(__builtin_offsetof(struct mxl_control, outsiders) == 16);
_MXL_ASSERT(__builtin_offsetof(struct mxl_control, writer) == 20);
_MXL_ASSERT(__builtin_offsetof(struct mxl_control, dead) == 24);
_MXL_ASSERT(__builtin_offsetof(struct mxl_control, epoch) == 32);
_MXL_ASSERT(__builtin_offsetof(struct mxl_control, generation) == 40);
_MXL_ASSERT(__builtin_offsetof(struct mxl_control, spin_ns) == 48);
_MXL_ASSERT(sizeof(struct mxl_activity) == 8);
#undef _MXL_ASSERT

#endif /* _UAPI_LINUX_MXL_H */

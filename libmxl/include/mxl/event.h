/* SPDX-License-Identifier: Apache-2.0 */
/**
 * DOC: Events
 *
 * For programs built around poll() or epoll: a descriptor per reader that becomes readable when a
 * grain is there, and one that tells which flows and writers come and go; and a call that sleeps
 * until a flow appears.
 *
 * The descriptors belong to the library. They may be given to poll(), select() and epoll (level or
 * edge triggered), and to nothing else: not be read, not be closed, and not be used once what they
 * belong to was released.
 *
 * Programs that are to run with other implementations, too, must not use this header. In the shared
 * library its functions carry a version of their own, MXL_LINUX_1.2.
 */
#ifndef MXL_EVENT_H
#define MXL_EVENT_H

#ifdef __cplusplus
#include <cstdint>
#else
#include <stdint.h>
#endif

#include <mxl/flow.h>
#include <mxl/mxl.h>
#include <mxl/platform.h>
#include <mxl/state.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * mxlFlowReaderGetEventFd() - a descriptor to poll
 * @reader: a reader
 * @fd: where to put it
 *
 * It is always the same for a reader, becomes readable as mxlFlowReaderArm() says, and lives until
 * the reader is released for the last time.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_READER; MXL_ERR_INVALID_ARG; MXL_ERR_UNKNOWN if no
 * descriptor is to be had
 */
MXL_EXPORT
mxlStatus mxlFlowReaderGetEventFd(mxlFlowReader reader, int *fd);

/**
 * mxlFlowReaderArm() - choose what makes a reader's descriptor readable
 * @reader: a reader
 * @index: index of a grain; of samples, the one after the last sample that is wanted
 * @minValidSlices: slices that suffice (grains only)
 *
 * The descriptor becomes readable once a call that gets this data would not have to wait any more,
 * because the data
 *
 * - is there;
 * - will never come: it is too late, the writer went on while the grain was incomplete or fell back
 *   to a lower index, or the flow was deleted or replaced;
 * - is in doubt: in kernel mode also when the writer of the flow ended, which the kernel tells at
 *   once.
 *
 * So ask without waiting (mxlFlowReaderGetGrainSliceNonBlocking()) once it is readable, and if the
 * answer is MXL_ERR_OUT_OF_RANGE_TOO_EARLY compare with the head of mxlFlowReaderGetRuntimeInfo():
 * below the head nothing will come any more, and arming the same again would make the descriptor
 * readable again at once.
 *
 * What is true already makes it readable at once. It stays readable until the next call of this
 * function, which replaces what was armed before, or of mxlFlowReaderDisarm(). All who share a
 * reader share what it is armed for.
 *
 * Cost: with the kernel module and a writer that uses it, one system call, and the writer makes one
 * when the data is there. Otherwise the first call starts a thread, which sleeps on the futex of
 * the flow for the reader and ends with it; in kernel mode only if the writer does not use the
 * module. Arming anew before the descriptor became readable then costs a wake-up of everybody who
 * sleeps on this flow, so wait for one index after the other. A flow that was deleted by a program
 * that tells nobody is noticed after half a second.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_READER; MXL_ERR_UNKNOWN if there is no descriptor or
 * thread to be had
 */
MXL_EXPORT
mxlStatus mxlFlowReaderArm(mxlFlowReader reader, uint64_t index, uint16_t minValidSlices);

/**
 * mxlFlowReaderDisarm() - make a reader's descriptor unreadable, and leave it so
 * @reader: a reader
 *
 * In kernel mode the descriptor of a flow that was deleted or replaced stays readable all the same.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_FLOW_READER
 */
MXL_EXPORT
mxlStatus mxlFlowReaderDisarm(mxlFlowReader reader);

/**
 * mxlWaitForFlow() - sleep until a flow appears
 * @instance: an instance
 * @flowId: id of the flow
 * @timeoutNs: how long; 0 looks once, UINT64_MAX waits without end
 *
 * Costs nothing while nothing happens in the domain. A flow that appeared can be gone again when
 * the caller comes to open it.
 *
 * Return: MXL_STATUS_OK if the flow is there; MXL_ERR_TIMEOUT; MXL_ERR_INVALID_ARG;
 * MXL_ERR_FLOW_NOT_FOUND if the domain itself is gone; MXL_ERR_UNKNOWN if the domain cannot be
 * watched
 */
MXL_EXPORT
mxlStatus mxlWaitForFlow(mxlInstance instance, char const *flowId, uint64_t timeoutNs);

/**
 * enum mxlDomainEventType - what happened
 * @MXL_DOMAIN_EVENT_FLOW_ADDED: a flow appeared
 * @MXL_DOMAIN_EVENT_FLOW_REMOVED: it was deleted
 * @MXL_DOMAIN_EVENT_WRITER_CAME: it has a writer now
 * @MXL_DOMAIN_EVENT_WRITER_GONE: its writer ended
 */
typedef enum mxlDomainEventType {
	MXL_DOMAIN_EVENT_FLOW_ADDED = 1,
	MXL_DOMAIN_EVENT_FLOW_REMOVED = 2,
	MXL_DOMAIN_EVENT_WRITER_CAME = 3,
	MXL_DOMAIN_EVENT_WRITER_GONE = 4
} mxlDomainEventType;

/**
 * struct mxlDomainEvent_t - one event
 * @type: enum mxlDomainEventType; other values may be added, and shall be ignored
 * @flowId: the flow it is about
 * @reserved: zero
 */
typedef struct mxlDomainEvent_t {
	uint32_t type;
	mxlFlowId flowId;
	uint8_t reserved[23];
} mxlDomainEvent;

/* A stream of events; made by mxlCreateDomainEvents(), valid up to mxlReleaseDomainEvents(). */
typedef struct mxlDomainEvents_t *mxlDomainEvents;

/**
 * mxlCreateDomainEvents() - watch a domain
 * @instance: an instance
 * @events: where to put the stream
 *
 * What is there already comes first, as flows that were added and writers that came. The events
 * about one flow make sense one after another: it is added before its writer comes, a writer goes
 * before the next one comes and before the flow is removed, and a flow that is replaced is removed
 * and added. If much happened before it is read, it is told in short: never more events than lead
 * to how things are now, and those who came and went in between at most once.
 *
 * A writer is whoever mxlIsFlowActive() finds, standbys included. In kernel mode it is told at once
 * when one takes the lock, and when the one that holds it ends, even if another is there to follow;
 * that one comes when it takes the lock, or after most of a second if it goes on standing by. Where
 * no lock of the kernel is involved, the coming and going of writers is noticed a few milliseconds
 * after they opened or closed the flow, and writers that overlap are one.
 *
 * Cost: one thread, a descriptor per flow, and with the module an attachment to each flow. Nobody
 * is woken while nobody opens or closes flows.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG; MXL_ERR_UNKNOWN if the domain cannot be watched
 */
MXL_EXPORT
mxlStatus mxlCreateDomainEvents(mxlInstance instance, mxlDomainEvents *events);

/**
 * mxlReleaseDomainEvents() - end a stream
 * @instance: the instance it was made from; destroying that releases it, too
 * @events: the stream
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG
 */
MXL_EXPORT
mxlStatus mxlReleaseDomainEvents(mxlInstance instance, mxlDomainEvents events);

/**
 * mxlDomainEventsGetFd() - a descriptor to poll
 * @events: a stream
 * @fd: where to put it; it is readable while there is an event to read
 *
 * Return: MXL_STATUS_OK; MXL_ERR_INVALID_ARG
 */
MXL_EXPORT
mxlStatus mxlDomainEventsGetFd(mxlDomainEvents events, int *fd);

/**
 * mxlDomainEventsRead() - take the next event
 * @events: a stream
 * @event: where to put it
 *
 * Never waits for one.
 *
 * Return: MXL_STATUS_OK; MXL_ERR_NOT_READY if there is none; MXL_ERR_INVALID_ARG
 */
MXL_EXPORT
mxlStatus mxlDomainEventsRead(mxlDomainEvents events, mxlDomainEvent *event);

#ifdef __cplusplus
}
#endif

#endif /* MXL_EVENT_H */

// SPDX-License-Identifier: Apache-2.0
/*
 * The 42 functions of all implementations, and those of this one only, their types written down a
 * second time: compiling compares them with the headers. Running asks the dynamic linker for each
 * by its name and version.
 */
#include <dlfcn.h>
#include <stdio.h>

#include <mxl/event.h>
#include <mxl/event.h>
#include <mxl/flow.h>
#include <mxl/mxl.h>
#include <mxl/state.h>
#include <mxl/state.h>
#include <mxl/time.h>

typedef mxlStatus status;
typedef mxlInstance instance;
typedef mxlFlowReader reader;
typedef mxlFlowWriter writer;
typedef mxlFlowSynchronizationGroup group;
typedef mxlRational rate;
typedef uint64_t u64;
typedef uint16_t u16;

#define FUNCTIONS(F)                                                                               \
	F(mxlGetVersion, status, (mxlVersionType *))                                               \
	F(mxlCreateInstance, instance, (const char *, const char *))                               \
	F(mxlDestroyInstance, status, (instance))                                                  \
	F(mxlGarbageCollectFlows, status, (instance))                                              \
	F(mxlIsTmpFs, status, (const char *, bool *))                                              \
	F(mxlCreateFlowWriter, status,                                                             \
	  (instance, const char *, const char *, writer *, mxlFlowConfigInfo *, bool *))           \
	F(mxlReleaseFlowWriter, status, (instance, writer))                                        \
	F(mxlCreateFlowReader, status, (instance, const char *, const char *, reader *))           \
	F(mxlReleaseFlowReader, status, (instance, reader))                                        \
	F(mxlIsFlowActive, status, (instance, const char *, bool *))                               \
	F(mxlGetFlowDef, status, (instance, const char *, char *, size_t *))                       \
	F(mxlFlowReaderGetInfo, status, (reader, mxlFlowInfo *))                                   \
	F(mxlFlowReaderGetConfigInfo, status, (reader, mxlFlowConfigInfo *))                       \
	F(mxlFlowReaderGetRuntimeInfo, status, (reader, mxlFlowRuntimeInfo *))                     \
	F(mxlFlowReaderGetGrain, status, (reader, u64, u64, mxlGrainInfo *, uint8_t **))           \
	F(mxlFlowReaderGetGrainSlice, status, (reader, u64, u16, u64, mxlGrainInfo *, uint8_t **)) \
	F(mxlFlowReaderGetGrainNonBlocking, status, (reader, u64, mxlGrainInfo *, uint8_t **))     \
	F(mxlFlowReaderGetGrainSliceNonBlocking, status,                                           \
	  (reader, u64, u16, mxlGrainInfo *, uint8_t **))                                          \
	F(mxlFlowReaderGetMaxReadLengthSamples, status, (reader, size_t *))                        \
	F(mxlFlowReaderGetSamples, status,                                                         \
	  (reader, u64, size_t, u64, mxlWrappedMultiBufferSlice *))                                \
	F(mxlFlowReaderGetSamplesNonBlocking, status,                                              \
	  (reader, u64, size_t, mxlWrappedMultiBufferSlice *))                                     \
	F(mxlFlowWriterGetGrainInfo, status, (writer, u64, mxlGrainInfo *))                        \
	F(mxlFlowWriterOpenGrain, status, (writer, u64, mxlGrainInfo *, uint8_t **))               \
	F(mxlFlowWriterCancelGrain, status, (writer))                                              \
	F(mxlFlowWriterCommitGrain, status, (writer, const mxlGrainInfo *))                        \
	F(mxlFlowWriterGetMaxWriteLengthSamples, status, (writer, size_t *))                       \
	F(mxlFlowWriterOpenSamples, status,                                                        \
	  (writer, u64, size_t, mxlMutableWrappedMultiBufferSlice *))                              \
	F(mxlFlowWriterCancelSamples, status, (writer))                                            \
	F(mxlFlowWriterCommitSamples, status, (writer))                                            \
	F(mxlCreateFlowSynchronizationGroup, status, (instance, group *))                          \
	F(mxlReleaseFlowSynchronizationGroup, status, (instance, group))                           \
	F(mxlFlowSynchronizationGroupAddReader, status, (group, reader))                           \
	F(mxlFlowSynchronizationGroupAddPartialGrainReader, status, (group, reader, u16))          \
	F(mxlFlowSynchronizationGroupRemoveReader, status, (group, reader))                        \
	F(mxlFlowSynchronizationGroupWaitForDataAt, status, (group, u64, u64))                     \
	F(mxlGetCurrentIndex, u64, (const rate *))                                                 \
	F(mxlGetNsUntilIndex, u64, (u64, const rate *))                                            \
	F(mxlTimestampToIndex, u64, (const rate *, u64))                                           \
	F(mxlIndexToTimestamp, u64, (const rate *, u64))                                           \
	F(mxlSleepForNs, void, (u64))                                                              \
	F(mxlSleepUntil, void, (u64))                                                              \
	F(mxlGetTime, u64, (void))

#define EXTENSIONS(F)                                                           \
	F(mxlCreateDomainEvents, status, (instance, mxlDomainEvents *))         \
	F(mxlReleaseDomainEvents, status, (instance, mxlDomainEvents))          \
	F(mxlDomainEventsGetFd, status, (mxlDomainEvents, int *))               \
	F(mxlDomainEventsRead, status, (mxlDomainEvents, mxlDomainEvent *))     \
	F(mxlFlowReaderAreSamplesIntact, status, (reader, u64, size_t, bool *)) \
	F(mxlFlowReaderArm, status, (reader, u64, u16))                         \
	F(mxlFlowReaderDisarm, status, (reader))                                \
	F(mxlFlowReaderGetBackend, status, (reader, const char **))             \
	F(mxlFlowReaderGetEventFd, status, (reader, int *))                     \
	F(mxlFlowReaderIsGrainIntact, status, (reader, u64, bool *))            \
	F(mxlFlowWriterWaitForLock, status, (writer, u64))                      \
	F(mxlGetFlowState, status, (instance, const char *, mxlFlowState *))    \
	F(mxlListFlows, status, (instance, mxlFlowId *, size_t *))              \
	F(mxlWaitForFlow, status, (instance, const char *, u64))

/* What goes beyond the API that all implementations share. */
#define LINUX_FUNCTIONS(F)                                                      \
	F(mxlFlowReaderGetEventFd, status, (reader, int *))                     \
	F(mxlFlowReaderArm, status, (reader, u64, u16))                         \
	F(mxlFlowReaderDisarm, status, (reader))                                \
	F(mxlWaitForFlow, status, (instance, const char *, u64))                \
	F(mxlCreateDomainEvents, status, (instance, mxlDomainEvents *))         \
	F(mxlReleaseDomainEvents, status, (instance, mxlDomainEvents))          \
	F(mxlDomainEventsGetFd, status, (mxlDomainEvents, int *))               \
	F(mxlDomainEventsRead, status, (mxlDomainEvents, mxlDomainEvent *))     \
	F(mxlGetFlowState, status, (instance, const char *, mxlFlowState *))    \
	F(mxlListFlows, status, (instance, mxlFlowId *, size_t *))              \
	F(mxlFlowReaderIsGrainIntact, status, (reader, u64, bool *))            \
	F(mxlFlowReaderAreSamplesIntact, status, (reader, u64, size_t, bool *)) \
	F(mxlFlowReaderGetBackend, status, (reader, const char **))             \
	F(mxlFlowWriterWaitForLock, status, (writer, u64))

/* A declaration that differs from the one in the header does not compile. */
#define DECLARE(name, result, arguments) result name arguments;
FUNCTIONS(DECLARE)
LINUX_FUNCTIONS(DECLARE)

#define NAME(name, result, arguments) #name,
static const char *const common[] = { FUNCTIONS(NAME) };
static const char *const beyond[] = { LINUX_FUNCTIONS(NAME) };

static unsigned int cases, failures;

static void look_up(void *library, const char *const *names, size_t count, const char *version)
{
	for (size_t i = 0; i < count; i++) {
		void *found = dlvsym(library, names[i], version);

		cases++;
		failures += !found;
		printf("%sok %u - %s of %s\n", found ? "" : "not ", cases, names[i], version);
	}
}

int main(int argc, char **argv)
{
	void *library = dlopen(argc > 1 ? argv[1] : "libmxl.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!library) {
		printf("1..1\n# %s\nnot ok 1 - the library can be loaded\n", dlerror());
		return 1;
	}
	look_up(library, common, sizeof(common) / sizeof(common[0]), "MXL_1.2");
	look_up(library, beyond, sizeof(beyond) / sizeof(beyond[0]), "MXL_LINUX_1.2");
	printf("1..%u\n", cases);
	dlclose(library);
	return failures != 0;
}

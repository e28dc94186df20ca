// SPDX-License-Identifier: Apache-2.0
/*
 * The 42 functions of all implementations, and those of this one only, their types written down a
 * second time: compiling compares them with the headers. Running asks the dynamic linker for each
 * by its name and version.
 */
#include <dlfcn.h>
#include <stdio.h>

#include <mxl/event.h>
#include <mxl/flow.h>
#include <mxl/mxl.h>
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

/* A declaration that differs from the one in the header does not compile. */
#define DECLARE(name, result, arguments) result name arguments;
FUNCTIONS(DECLARE)
EXTENSIONS(DECLARE)

_Static_assert(sizeof(mxlFlowState) == 96, "mxlFlowState grows at its end only");
_Static_assert(sizeof(mxlDomainEvent) == 64, "mxlDomainEvent keeps its size");

int main(int argc, char **argv)
{
	unsigned int cases = 0, failures = 0;
	void *library = dlopen(argc > 1 ? argv[1] : "libmxl.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!library) {
		printf("1..1\n# %s\nnot ok 1 - the library can be loaded\n", dlerror());
		return 1;
	}
#define LOOK_UP_IN(version, name)                                            \
	do {                                                                 \
		void *found = dlvsym(library, #name, version);               \
                                                                             \
		cases++;                                                     \
		failures += !found;                                          \
		printf("%sok %u - " #name "\n", found ? "" : "not ", cases); \
	} while (0);
#define LOOK_UP(name, result, arguments) LOOK_UP_IN("MXL_1.2", name)
#define LOOK_UP_EXTENSION(name, result, arguments) LOOK_UP_IN("MXL_LINUX_1.2", name)
	FUNCTIONS(LOOK_UP)
	failures += cases != 42;
	EXTENSIONS(LOOK_UP_EXTENSION)
	printf("1..%u\n", cases);
	dlclose(library);
	return failures || cases != 42 + 14;
}

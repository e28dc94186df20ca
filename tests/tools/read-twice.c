// SPDX-License-Identifier: Apache-2.0
/*
 * read-twice DOMAIN FLOW: a reader that looks at each other grain again a little later, when the
 * library publishes the time of reading anew, and so does not when the next grain is read at once.
 * Prints how many grains it has read when the flow ends.
 */
#include <stdio.h>

#include <mxl/flow.h>
#include <mxl/mxl.h>
#include <mxl/time.h>

#define MSEC 1000000ULL
#define PERIOD (10 * MSEC)

/* Reads until the time of the last refresh is older than the period and is published again */
static mxlStatus read_again(mxlFlowReader reader, uint64_t index, mxlGrainInfo *grain)
{
	uint64_t end = mxlGetTime() + PERIOD * 3 / 2;
	mxlStatus status = MXL_STATUS_OK;
	uint8_t *payload;

	while (mxlGetTime() < end && status == MXL_STATUS_OK) {
		mxlSleepForNs(MSEC / 10);
		status = mxlFlowReaderGetGrainNonBlocking(reader, index, grain, &payload);
	}
	return status;
}

int main(int argc, char **argv)
{
	mxlInstance instance = argc == 3 ? mxlCreateInstance(argv[1], NULL) : NULL;
	mxlFlowRuntimeInfo runtime;
	mxlFlowReader reader;
	mxlGrainInfo grain;
	uint64_t index, first;
	uint8_t *payload;

	if (!instance || mxlCreateFlowReader(instance, argv[2], NULL, &reader) != MXL_STATUS_OK)
		return 1;
	do {
		if (mxlFlowReaderGetRuntimeInfo(reader, &runtime) != MXL_STATUS_OK)
			return 1;
		mxlSleepForNs(MSEC);
	} while (runtime.headIndex == 0);

	first = index = runtime.headIndex;
	while (mxlFlowReaderGetGrain(reader, index, UINT64_MAX, &grain, &payload) ==
	       MXL_STATUS_OK) {
		/* each other one only: looking again, however late, publishes that it was read */
		if (index % 2)
			read_again(reader, index, &grain);
		index++;
	}
	printf("%llu\n", (unsigned long long)(index - first));
	mxlReleaseFlowReader(instance, reader);
	mxlDestroyInstance(instance);
	return 0;
}

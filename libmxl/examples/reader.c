// SPDX-License-Identifier: Apache-2.0
/* Follows the flow of the writer example until it ends. Usage: reader DOMAIN-DIRECTORY */
#include <stdio.h>

#include <mxl/flow.h>
#include <mxl/mxl.h>
#include <mxl/time.h>

int main(int argc, char **argv)
{
	mxlInstance instance = mxlCreateInstance(argc > 1 ? argv[1] : "/dev/shm/mxl", NULL);
	const char *id = "5fbec3b1-1b0f-417d-9059-8b94a47197ed";
	const uint64_t patience = 200000000; /* ns */
	mxlFlowRuntimeInfo runtime;
	mxlFlowReader reader;
	mxlGrainInfo grain;
	uint8_t *payload;

	if (!instance || mxlCreateFlowReader(instance, id, NULL, &reader)) {
		fprintf(stderr, "cannot read: is the writer running in that domain?\n");
		return 1;
	}
	mxlFlowReaderGetRuntimeInfo(reader, &runtime);
	for (uint64_t index = runtime.headIndex + 1;; index++) {
		mxlStatus status = mxlFlowReaderGetGrain(reader, index, patience, &grain, &payload);

		if (status == MXL_ERR_OUT_OF_RANGE_TOO_LATE)
			continue; /* we were too slow, the writer has overwritten this one */
		if (status != MXL_STATUS_OK)
			break;
		printf("grain %llu: %u bytes, first %#x\n", (unsigned long long)index,
		       grain.grainSize, payload[0]);
	}
	mxlReleaseFlowReader(instance, reader);
	mxlDestroyInstance(instance);
	return 0;
}

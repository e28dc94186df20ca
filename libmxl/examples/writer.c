// SPDX-License-Identifier: Apache-2.0
/* Writes five seconds of frames of changing colour. Usage: writer DOMAIN-DIRECTORY */
#include <stdio.h>
#include <string.h>

#include <mxl/flow.h>
#include <mxl/mxl.h>
#include <mxl/time.h>

static const char flow_def[] =
	"{ \"id\": \"5fbec3b1-1b0f-417d-9059-8b94a47197ed\", \"label\": \"changing colour\","
	"  \"format\": \"urn:x-nmos:format:video\", \"media_type\": \"video/v210\","
	"  \"tags\": { \"urn:x-nmos:tag:grouphint/v1.0\": [ \"Example:Video\" ] },"
	"  \"grain_rate\": { \"numerator\": 50 }, \"frame_width\": 1280, \"frame_height\": 720 }";

int main(int argc, char **argv)
{
	mxlInstance instance = mxlCreateInstance(argc > 1 ? argv[1] : "/dev/shm/mxl", NULL);
	mxlFlowConfigInfo config;
	bool created;
	mxlFlowWriter writer;
	mxlGrainInfo grain;
	uint8_t *payload;

	if (!instance ||
	    mxlCreateFlowWriter(instance, flow_def, NULL, &writer, &config, &created)) {
		fprintf(stderr, "cannot write: is the domain an existing directory?\n");
		return 1;
	}
	uint64_t index = mxlGetCurrentIndex(&config.common.grainRate);
	for (uint64_t end = index + 250; index < end; index++) {
		mxlSleepUntil(mxlIndexToTimestamp(&config.common.grainRate, index));
		if (mxlFlowWriterOpenGrain(writer, index, &grain, &payload))
			break;
		memset(payload, (int)(index & 0x3f), grain.grainSize);
		grain.validSlices = grain.totalSlices;
		if (mxlFlowWriterCommitGrain(writer, &grain))
			break;
	}
	mxlReleaseFlowWriter(instance, writer);
	mxlDestroyInstance(instance);
	return 0;
}

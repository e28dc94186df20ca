// SPDX-License-Identifier: Apache-2.0
/* NULL for every argument of every function, and handles of one kind used as the other. */
#include "helpers.h"

#include <string.h>

static mxlGrainInfo grain;
static uint8_t *payload;
static mxlWrappedMultiBufferSlice slice;
static mxlMutableWrappedMultiBufferSlice mutable_slice;
static size_t length;
static bool flag;

TEST(null_instance_is_refused_everywhere)
{
	mxlFlowWriter writer = NULL;
	mxlFlowReader reader = NULL;
	mxlFlowSynchronizationGroup group = NULL;
	char buffer[64];
	size_t size = sizeof(buffer);

	assert_refused(mxlDestroyInstance(NULL));
	assert_refused(mxlGarbageCollectFlows(NULL));
	assert_refused(mxlCreateFlowWriter(NULL, small_def(ID_A), NULL, &writer, NULL, NULL));
	assert_refused(mxlReleaseFlowWriter(NULL, NULL));
	assert_refused(mxlCreateFlowReader(NULL, ID_A, NULL, &reader));
	assert_refused(mxlReleaseFlowReader(NULL, NULL));
	assert_refused(mxlIsFlowActive(NULL, ID_A, &flag));
	assert_refused(mxlGetFlowDef(NULL, ID_A, buffer, &size));
	assert_refused(mxlCreateFlowSynchronizationGroup(NULL, &group));
	assert_refused(mxlReleaseFlowSynchronizationGroup(NULL, NULL));
	assert_null(writer);
	assert_null(reader);
	assert_null(group);
}

TEST(null_arguments_of_an_instance_are_invalid)
{
	mxlFlowWriter writer = NULL;
	mxlFlowReader reader = NULL;
	char buffer[64];
	size_t size = sizeof(buffer);

	open_writer(instance(), small_def(ID_A));
	assert_status(MXL_ERR_INVALID_ARG,
		      mxlCreateFlowWriter(instance(), NULL, NULL, &writer, NULL, NULL));
	assert_status(MXL_ERR_INVALID_ARG,
		      mxlCreateFlowWriter(instance(), small_def(ID_B), NULL, NULL, NULL, NULL));
	assert_false(exists(flow_path(ID_B, NULL)));
	assert_status(MXL_ERR_INVALID_ARG, mxlCreateFlowReader(instance(), NULL, NULL, &reader));
	assert_status(MXL_ERR_INVALID_ARG, mxlCreateFlowReader(instance(), ID_A, NULL, NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlIsFlowActive(instance(), NULL, &flag));
	assert_status(MXL_ERR_INVALID_ARG, mxlIsFlowActive(instance(), ID_A, NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlGetFlowDef(instance(), NULL, buffer, &size));
	assert_status(MXL_ERR_INVALID_ARG, mxlGetFlowDef(instance(), ID_A, buffer, NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlCreateFlowSynchronizationGroup(instance(), NULL));
	assert_refused(mxlReleaseFlowWriter(instance(), NULL));
	assert_refused(mxlReleaseFlowReader(instance(), NULL));
	assert_refused(mxlReleaseFlowSynchronizationGroup(instance(), NULL));
	assert_null(writer);
	assert_null(reader);
}

TEST(optional_outputs_of_create_may_be_null)
{
	mxlFlowConfigInfo config;
	mxlFlowWriter writer;
	bool created;

	assert_ok(mxlCreateFlowWriter(instance(), small_def(ID_A), "", &writer, NULL, NULL));
	assert_ok(mxlCreateFlowWriter(instance(), small_def(ID_B), "", &writer, &config, NULL));
	assert_ok(mxlCreateFlowWriter(instance(), small_def(ID_C), "", &writer, NULL, &created));
	assert_true(created);
}

TEST(null_reader_is_refused_everywhere)
{
	mxlFlowInfo info;
	mxlFlowConfigInfo config;
	mxlFlowRuntimeInfo runtime;

	assert_refused(mxlFlowReaderGetInfo(NULL, &info));
	assert_refused(mxlFlowReaderGetConfigInfo(NULL, &config));
	assert_refused(mxlFlowReaderGetRuntimeInfo(NULL, &runtime));
	assert_refused(mxlFlowReaderGetGrain(NULL, 0, 0, &grain, &payload));
	assert_refused(mxlFlowReaderGetGrainSlice(NULL, 0, 1, 0, &grain, &payload));
	assert_refused(mxlFlowReaderGetGrainNonBlocking(NULL, 0, &grain, &payload));
	assert_refused(mxlFlowReaderGetGrainSliceNonBlocking(NULL, 0, 1, &grain, &payload));
	assert_refused(mxlFlowReaderGetMaxReadLengthSamples(NULL, &length));
	assert_refused(mxlFlowReaderGetSamples(NULL, 0, 1, 0, &slice));
	assert_refused(mxlFlowReaderGetSamplesNonBlocking(NULL, 0, 1, &slice));
}

TEST(null_writer_is_refused_everywhere)
{
	memset(&grain, 0, sizeof(grain));
	assert_refused(mxlFlowWriterGetGrainInfo(NULL, 0, &grain));
	assert_refused(mxlFlowWriterOpenGrain(NULL, 0, &grain, &payload));
	assert_refused(mxlFlowWriterCancelGrain(NULL));
	assert_refused(mxlFlowWriterCommitGrain(NULL, &grain));
	assert_refused(mxlFlowWriterGetMaxWriteLengthSamples(NULL, &length));
	assert_refused(mxlFlowWriterOpenSamples(NULL, 0, 1, &mutable_slice));
	assert_refused(mxlFlowWriterCancelSamples(NULL));
	assert_refused(mxlFlowWriterCommitSamples(NULL));
}

TEST(null_group_is_refused_everywhere)
{
	mxlFlowReader reader;

	open_writer(instance(), small_def(ID_A));
	reader = open_reader(instance(), ID_A);
	assert_refused(mxlFlowSynchronizationGroupAddReader(NULL, reader));
	assert_refused(mxlFlowSynchronizationGroupAddPartialGrainReader(NULL, reader, 1));
	assert_refused(mxlFlowSynchronizationGroupRemoveReader(NULL, reader));
	assert_refused(mxlFlowSynchronizationGroupWaitForDataAt(NULL, 0, 0));
	assert_refused(mxlReleaseFlowSynchronizationGroup(instance(), NULL));
}

TEST(null_member_of_a_group_is_refused)
{
	mxlFlowSynchronizationGroup group;

	assert_ok(mxlCreateFlowSynchronizationGroup(instance(), &group));
	assert_refused(mxlFlowSynchronizationGroupAddReader(group, NULL));
	assert_refused(mxlFlowSynchronizationGroupAddPartialGrainReader(group, NULL, 1));
	assert_refused(mxlFlowSynchronizationGroupRemoveReader(group, NULL));
	assert_refused(mxlReleaseFlowSynchronizationGroup(NULL, group));
	assert_ok(mxlReleaseFlowSynchronizationGroup(instance(), group));
}

TEST(null_outputs_of_a_discrete_reader_are_invalid_arguments)
{
	mxlFlowReader r;

	/* index 3 is there, 4 is not: neither matters */
	write_grain(open_writer(instance(), small_def(ID_A)), 3);
	r = open_reader(instance(), ID_A);
	for (uint64_t i = 3; i <= 4; i++) {
		assert_status(MXL_ERR_INVALID_ARG, mxlFlowReaderGetGrain(r, i, 0, NULL, &payload));
		assert_status(MXL_ERR_INVALID_ARG, mxlFlowReaderGetGrain(r, i, 0, &grain, NULL));
		assert_status(MXL_ERR_INVALID_ARG,
			      mxlFlowReaderGetGrainSlice(r, i, 1, 0, NULL, &payload));
		assert_status(MXL_ERR_INVALID_ARG,
			      mxlFlowReaderGetGrainSlice(r, i, 1, 0, &grain, NULL));
		assert_status(MXL_ERR_INVALID_ARG,
			      mxlFlowReaderGetGrainNonBlocking(r, i, NULL, &payload));
		assert_status(MXL_ERR_INVALID_ARG,
			      mxlFlowReaderGetGrainNonBlocking(r, i, &grain, NULL));
		assert_status(MXL_ERR_INVALID_ARG,
			      mxlFlowReaderGetGrainSliceNonBlocking(r, i, 1, NULL, &payload));
		assert_status(MXL_ERR_INVALID_ARG,
			      mxlFlowReaderGetGrainSliceNonBlocking(r, i, 1, &grain, NULL));
	}
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowReaderGetInfo(r, NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowReaderGetConfigInfo(r, NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowReaderGetRuntimeInfo(r, NULL));
}

TEST(null_outputs_do_not_wait)
{
	mxlFlowReader r;

	open_writer(instance(), small_def(ID_A));
	r = open_reader(instance(), ID_A);
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowReaderGetGrain(r, 4, FOREVER, NULL, &payload));
	open_writer(instance(), sound_def(ID_B));
	r = open_reader(instance(), ID_B);
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowReaderGetSamples(r, 48, 48, FOREVER, NULL));
}

TEST(null_outputs_of_a_continuous_reader_are_invalid_arguments)
{
	mxlFlowReader r;

	write_samples(open_writer(instance(), sound_def(ID_A)), 480, 480);
	r = open_reader(instance(), ID_A);
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowReaderGetMaxReadLengthSamples(r, NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowReaderGetSamples(r, 480, 480, 0, NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowReaderGetSamplesNonBlocking(r, 480, 480, NULL));
}

TEST(null_outputs_of_a_discrete_writer_are_invalid_arguments)
{
	mxlFlowWriter w = open_writer(instance(), small_def(ID_A));

	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterGetGrainInfo(w, 1, NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterOpenGrain(w, 1, NULL, &payload));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterOpenGrain(w, 1, &grain, NULL));
	/* nothing was opened by that */
	memset(&grain, 0, sizeof(grain));
	grain.index = 1;
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitGrain(w, &grain));
	assert_ok(mxlFlowWriterOpenGrain(w, 1, &grain, &payload));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitGrain(w, NULL));
	/* and it is still open */
	grain.validSlices = grain.totalSlices;
	assert_ok(mxlFlowWriterCommitGrain(w, &grain));
}

TEST(null_outputs_of_a_continuous_writer_are_invalid_arguments)
{
	mxlFlowWriter w = open_writer(instance(), sound_def(ID_A));

	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterGetMaxWriteLengthSamples(w, NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterOpenSamples(w, 480, 480, NULL));
	assert_status(MXL_ERR_INVALID_ARG, mxlFlowWriterCommitSamples(w));
}

TEST(discrete_reader_is_no_continuous_one)
{
	mxlFlowReader r;

	write_grain(open_writer(instance(), small_def(ID_A)), 3);
	r = open_reader(instance(), ID_A);
	assert_status(MXL_ERR_INVALID_FLOW_READER,
		      mxlFlowReaderGetMaxReadLengthSamples(r, &length));
	assert_status(MXL_ERR_INVALID_FLOW_READER, mxlFlowReaderGetSamples(r, 1, 1, 0, &slice));
	assert_status(MXL_ERR_INVALID_FLOW_READER,
		      mxlFlowReaderGetSamplesNonBlocking(r, 1, 1, &slice));
}

TEST(continuous_reader_is_no_discrete_one)
{
	mxlFlowSynchronizationGroup group;
	mxlFlowReader r;

	write_samples(open_writer(instance(), sound_def(ID_A)), 480, 480);
	r = open_reader(instance(), ID_A);
	assert_status(MXL_ERR_INVALID_FLOW_READER,
		      mxlFlowReaderGetGrain(r, 1, 0, &grain, &payload));
	assert_status(MXL_ERR_INVALID_FLOW_READER,
		      mxlFlowReaderGetGrainSlice(r, 1, 1, 0, &grain, &payload));
	assert_status(MXL_ERR_INVALID_FLOW_READER,
		      mxlFlowReaderGetGrainNonBlocking(r, 1, &grain, &payload));
	assert_status(MXL_ERR_INVALID_FLOW_READER,
		      mxlFlowReaderGetGrainSliceNonBlocking(r, 1, 1, &grain, &payload));
	assert_ok(mxlCreateFlowSynchronizationGroup(instance(), &group));
	assert_status(MXL_ERR_INVALID_FLOW_READER,
		      mxlFlowSynchronizationGroupAddPartialGrainReader(group, r, 1));
	assert_ok(mxlReleaseFlowSynchronizationGroup(instance(), group));
}

TEST(discrete_writer_is_no_continuous_one)
{
	mxlFlowWriter w = open_writer(instance(), small_def(ID_A));

	assert_status(MXL_ERR_INVALID_FLOW_WRITER,
		      mxlFlowWriterGetMaxWriteLengthSamples(w, &length));
	assert_status(MXL_ERR_INVALID_FLOW_WRITER,
		      mxlFlowWriterOpenSamples(w, 1, 1, &mutable_slice));
	assert_status(MXL_ERR_INVALID_FLOW_WRITER, mxlFlowWriterCancelSamples(w));
	assert_status(MXL_ERR_INVALID_FLOW_WRITER, mxlFlowWriterCommitSamples(w));
}

TEST(continuous_writer_is_no_discrete_one)
{
	mxlFlowWriter w = open_writer(instance(), sound_def(ID_A));

	memset(&grain, 0, sizeof(grain));
	assert_status(MXL_ERR_INVALID_FLOW_WRITER, mxlFlowWriterGetGrainInfo(w, 1, &grain));
	assert_status(MXL_ERR_INVALID_FLOW_WRITER, mxlFlowWriterOpenGrain(w, 1, &grain, &payload));
	assert_status(MXL_ERR_INVALID_FLOW_WRITER, mxlFlowWriterCancelGrain(w));
	assert_status(MXL_ERR_INVALID_FLOW_WRITER, mxlFlowWriterCommitGrain(w, &grain));
}

TEST(null_rates_are_undefined)
{
	assert_true(mxlGetCurrentIndex(NULL) == MXL_UNDEFINED_INDEX);
	assert_true(mxlGetNsUntilIndex(5, NULL) == MXL_UNDEFINED_INDEX);
	assert_true(mxlTimestampToIndex(NULL, 5) == MXL_UNDEFINED_INDEX);
	assert_true(mxlIndexToTimestamp(NULL, 5) == MXL_UNDEFINED_INDEX);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(null_instance_is_refused_everywhere),
		cmocka_unit_test(null_arguments_of_an_instance_are_invalid),
		cmocka_unit_test(optional_outputs_of_create_may_be_null),
		cmocka_unit_test(null_reader_is_refused_everywhere),
		cmocka_unit_test(null_writer_is_refused_everywhere),
		cmocka_unit_test(null_group_is_refused_everywhere),
		cmocka_unit_test(null_member_of_a_group_is_refused),
		cmocka_unit_test(null_outputs_of_a_discrete_reader_are_invalid_arguments),
		cmocka_unit_test(null_outputs_do_not_wait),
		cmocka_unit_test(null_outputs_of_a_continuous_reader_are_invalid_arguments),
		cmocka_unit_test(null_outputs_of_a_discrete_writer_are_invalid_arguments),
		cmocka_unit_test(null_outputs_of_a_continuous_writer_are_invalid_arguments),
		cmocka_unit_test(discrete_reader_is_no_continuous_one),
		cmocka_unit_test(continuous_reader_is_no_discrete_one),
		cmocka_unit_test(discrete_writer_is_no_continuous_one),
		cmocka_unit_test(continuous_writer_is_no_discrete_one),
		cmocka_unit_test(null_rates_are_undefined),
	};

	return test_main(argc, argv, tests, ARRAY_SIZE(tests), NULL, 0);
}

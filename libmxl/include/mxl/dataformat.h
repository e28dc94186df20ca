/* SPDX-License-Identifier: Apache-2.0 */
/**
 * DOC: Kinds of media
 *
 * A flow carries exactly one kind of media, the "format" of its NMOS IS-04 flow resource. The
 * kind decides how the flow is stored: discrete flows are rings of grains (pictures, fields,
 * packets of ancillary data), continuous flows are rings of samples (audio).
 */
#ifndef MXL_DATAFORMAT_H
#define MXL_DATAFORMAT_H

#include <mxl/platform.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Payload bytes of every grain of a flow of MXL_DATA_FORMAT_DATA. */
#define MXL_DATA_FORMAT_GRAIN_SIZE 4096

/**
 * enum mxlDataFormat - what a flow carries
 * @MXL_DATA_FORMAT_UNSPECIFIED: nothing yet; no flow has this format
 * @MXL_DATA_FORMAT_VIDEO: urn:x-nmos:format:video; grains in video/v210 or video/v210a
 * @MXL_DATA_FORMAT_AUDIO: urn:x-nmos:format:audio; planar floating-point samples
 * @MXL_DATA_FORMAT_DATA: urn:x-nmos:format:data; grains in video/smpte291, that is the payload
 *	of RFC 8331 (SMPTE ST 2110-40) from its Length field on
 */
typedef enum mxlDataFormat {
	MXL_DATA_FORMAT_UNSPECIFIED = 0,
	MXL_DATA_FORMAT_VIDEO = 1,
	MXL_DATA_FORMAT_AUDIO = 2,
	MXL_DATA_FORMAT_DATA = 3
} mxlDataFormat;

/**
 * mxlIsValidDataFormat() - does a number name a kind of media?
 * @format: any number; the "format" member of a flow's configuration is meant
 *
 * Return: 1 for the formats that exist, 0 for MXL_DATA_FORMAT_UNSPECIFIED and any other number
 */
MXL_HEADER_INLINE int mxlIsValidDataFormat(int format)
{
	return format == MXL_DATA_FORMAT_VIDEO || format == MXL_DATA_FORMAT_AUDIO ||
	       format == MXL_DATA_FORMAT_DATA;
}

/**
 * mxlIsSupportedDataFormat() - can this library create and read flows of a format?
 * @format: any number
 *
 * Return: 1 for video, audio and data, 0 for any other number
 */
MXL_HEADER_INLINE int mxlIsSupportedDataFormat(int format)
{
	return format == MXL_DATA_FORMAT_VIDEO || format == MXL_DATA_FORMAT_AUDIO ||
	       format == MXL_DATA_FORMAT_DATA;
}

/**
 * mxlIsDiscreteDataFormat() - are flows of a format rings of grains?
 * @format: any number
 *
 * Return: 1 for video and data, 0 for any other number
 */
MXL_HEADER_INLINE int mxlIsDiscreteDataFormat(int format)
{
	return format == MXL_DATA_FORMAT_VIDEO || format == MXL_DATA_FORMAT_DATA;
}

/**
 * mxlIsContinuousDataFormat() - are flows of a format rings of samples?
 * @format: any number
 *
 * Return: 1 for audio, 0 for any other number
 */
MXL_HEADER_INLINE int mxlIsContinuousDataFormat(int format)
{
	return format == MXL_DATA_FORMAT_AUDIO;
}

#ifdef __cplusplus
}
#endif

#endif /* MXL_DATAFORMAT_H */

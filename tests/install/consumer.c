// SPDX-License-Identifier: Apache-2.0
/*
 * A program of somebody else's: finds the headers and the library by pkg-config or CMake, has been
 * compiled as C99 or C++17, and says the version of the library it runs with. Its argument is a
 * directory to use as a domain.
 */
#include <mxl/flow.h>
#include <mxl/mxl.h>
#include <mxl/time.h>
#include <mxl/version.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	mxlRational rate = { 25, 1 };
	mxlVersionType version;
	mxlInstance instance;

	if (argc != 2)
		return 2;
	if (mxlGetVersion(&version) != MXL_STATUS_OK)
		return 3;
	if (version.major != MXL_VERSION_MAJOR || version.minor != MXL_VERSION_MINOR ||
	    version.bugfix != MXL_VERSION_PATCH || strcmp(version.full, MXL_VERSION_FULL) != 0)
		return 4;
	if (mxlGetCurrentIndex(&rate) == MXL_UNDEFINED_INDEX)
		return 5;
	instance = mxlCreateInstance(argv[1], "");
	if (!instance)
		return 6;
	if (mxlDestroyInstance(instance) != MXL_STATUS_OK)
		return 7;
	puts(version.full);
	return 0;
}

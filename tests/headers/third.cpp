// SPDX-License-Identifier: Apache-2.0
#include "use.h"

// In C++ the answers are there at compile time.
static_assert(mxlIsValidDataFormat(MXL_DATA_FORMAT_DATA), "data is a format");
static_assert(!mxlIsDiscreteDataFormat(MXL_DATA_FORMAT_AUDIO), "audio is continuous");

USE_PREDICATES(use_third)

// SPDX-License-Identifier: Apache-2.0
#include "use.h"

USE_PREDICATES(use_second)

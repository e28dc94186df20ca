// SPDX-License-Identifier: Apache-2.0
#include "use.h"

USE_PREDICATES(use_first)

int main(void)
{
	for (int format = 0; format < 8; format++) {
		int result = use_first(format);

		if (!result)
			result = use_second(format);
		if (!result)
			result = use_third(format);
		if (result)
			return result;
	}
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * fail-load MODULE.ko NAME [STEP]
 *
 * Loads a module again and again while its first, second, third... allocation
 * fails, or each STEPth only, until a load meets no failure any more. Each has to end in success, ENOMEM or,
 * for a copy from user space, EFAULT; whatever it leaves behind is for the kernel's detectors to find.
 * Wants a kernel with fault injection, told to spare nothing: vm_spare_no_allocation(). TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_ALLOCATIONS 5000

static int fail_nth = -1;

/*
 * The kernel counts down in this file and stops at 0 once it has let something
 * fail. Copies from and to user space count as well as allocations, and so do
 * those of the access to this very file: a failure that was meant for later.
 */
static void arm(int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);

	if (pwrite(fail_nth, text, (size_t)len, 0) != len &&
	    pwrite(fail_nth, text, (size_t)len, 0) != len) {
		printf("Bail out! cannot arm fault injection: %s\n", strerror(errno));
		exit(1);
	}
}

static bool nothing_failed(void)
{
	char text[16] = "";

	return pread(fail_nth, text, sizeof(text) - 1, 0) < 0 || atoi(text) > 0;
}

int main(int argc, char **argv)
{
	int step = argc > 3 ? atoi(argv[3]) : 1;
	int module, err, failed = 0, refused = 0, survived = 0, n;
	bool untouched;

	if (argc < 3 || argc > 4 || step < 1)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0) {
		printf("1..0 # SKIP this kernel has no fault injection\n");
		return 0;
	}
	module = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (module < 0) {
		printf("Bail out! %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	for (n = 1; n < MAX_ALLOCATIONS; n += step) {
		arm(n);
		err = syscall(SYS_finit_module, module, "", 0) ? errno : 0;
		untouched = nothing_failed();
		arm(0);
		if (!err && syscall(SYS_delete_module, argv[2], 0)) {
			printf("# load %d: cannot be unloaded: %s\n", n, strerror(errno));
			failed++;
			break;
		}
		if (err && ((err != ENOMEM && err != EFAULT) || untouched)) {
			printf("# load %d: %s\n", n, strerror(err));
			failed++;
		}
		if (untouched)
			break;
		refused += err != 0;
		survived += !err;
	}
	printf("# %d loads refused, %d succeeded all the same\n", refused, survived);
	printf("%sok 1 - every allocation of loading may fail\n",
	       failed || !refused || n >= MAX_ALLOCATIONS ? "not " : "");
	printf("1..1\n");
	return failed || !refused || n >= MAX_ALLOCATIONS;
}

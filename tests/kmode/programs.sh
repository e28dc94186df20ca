# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# In a guest: each test program of /t/run with the module loaded and forced upon the library.

export VM_TIMEOUT=600
export LC_ALL=C CMOCKA_MESSAGE_OUTPUT=TAP LD_LIBRARY_PATH=/lib
export MXL_BACKEND=kernel MXL_TEST_DATA=/t/data
# An emulated processor, and a busy host below it
export MXL_TEST_SLOWNESS=4
[ ! -e /other/libmxl.so.1 ] || export MXL_OTHER_LIB=/other/libmxl.so.1

vm_check "mxl.ko loads" insmod mxl.ko || exit 1
# The tests become all kinds of users.
chmod 666 /dev/mxl

for program in /t/run/*; do
	name=$(basename "$program")
	name=${name#test_}
	if [ "$name" = wake ] && grep -q 'User Mode Linux' /proc/cpuinfo; then
		vm_tap "$name" echo "1..0 # SKIP threads of one process take turns in User Mode Linux"
		continue
	fi
	vm_tap "$name" "$program"
done

vm_check "nothing is attached any more" rmmod mxl

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# The module in a guest: KUnit where the kernel has it, then each program of
# /t/uapi with the module loaded, alone with the kernel as it has been left.
#
# Loads whose allocations fail come last, or alone: kmemleak complains of such a
# failure with its lock held, from where lockdep finds the way through the locks
# of the console and of a task back to it, once a waiter was woken whose
# processor has gone. All of them are the kernel's own.

export VM_TIMEOUT=600

vm_spare_no_allocation
vm_check "mxl.ko loads" insmod mxl.ko || exit 1
vm_check "/dev/mxl is there" test -c /dev/mxl

vm_leaks_clear
load_only=$(grep -ow vm.load-only /proc/cmdline)
if [ -z "$load_only" ] && [ -e mxl_kunit.ko ] && [ -d /sys/kernel/debug/kunit ]; then
	vm_kunit mxl_kunit.ko
	vm_check "mxl_kunit.ko unloads" rmmod mxl_kunit
fi

if [ -z "$load_only" ] && ! grep -qw vm.kunit-only /proc/cmdline; then
	for program in /t/uapi/*; do
		[ -x "$program" ] || continue
		vm_tap "${program#/t/uapi/[0-9]*-}" "$program"
	done
fi

# Lockdep and kcov see more on a second life of the module.
vm_check "mxl.ko unloads" rmmod mxl
vm_check "mxl.ko loads again" insmod mxl.ko
vm_check "mxl.ko unloads again" rmmod mxl
if [ -x fail-load ] && vm_has_faults; then
	# A load takes a second where kmemleak is; other kernels try them all.
	vm_tap "load" ./fail-load mxl.ko mxl "$(vm_has_kmemleak && echo 7 || echo 1)"
fi
if vm_has_kmemleak; then
	vm_check "no memory was leaked" vm_leaks
fi

if [ -d /share ] && [ -d /sys/kernel/debug/gcov ]; then
	# Counts of an unloaded module are kept. The files are links into a
	# file system that cannot be archived, so each is read.
	find /sys/kernel/debug/gcov -path '*/src/*' -name '*.gcda' | while read -r file; do
		cat "$file" >"/share/$(echo "${file#*/src/}" | tr / +)"
	done
fi

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# What the script of a guest can use; sourced before it. Lines that begin with
# @ are for the host side, see run.

# vm_tap NAME COMMAND...: a program that prints TAP or KTAP, one section of the
# result; status 77 means skipped
vm_tap() {
	local name=$1 rc
	shift
	echo "@begin $name"
	echo "vm: begin $name" >/dev/kmsg
	timeout -s KILL "${VM_TIMEOUT:-120}" "$@"
	rc=$?
	echo "vm: end $name" >/dev/kmsg
	echo
	echo "@end $rc"
	return "$rc"
}

# vm_check NAME COMMAND...: passes when the command does
vm_check() {
	local name=$1 rc
	shift
	echo "vm: begin $name" >/dev/kmsg
	"$@"
	rc=$?
	echo "vm: end $name" >/dev/kmsg
	if [ "$rc" = 0 ]; then
		echo "ok - $name"
	elif [ "$rc" = 77 ]; then
		echo "ok - $name # SKIP"
	else
		echo "not ok - $name"
	fi
	return "$rc"
}

# vm_kunit MODULE...: loads KUnit modules and reports what their suites said
vm_kunit() {
	local ko dir
	for ko; do
		echo "vm: begin kunit $ko" >/dev/kmsg
		insmod "$ko" || echo "not ok - $ko loads"
	done
	for dir in /sys/kernel/debug/kunit/*/; do
		[ -e "$dir/results" ] || continue
		vm_tap "kunit $(basename "$dir")" cat "$dir/results"
	done
}

# vm_log_has REGEX: bounded wait for a line of the kernel's log
vm_log_has() {
	local tries=0
	until dmesg | grep -qE "$1"; do
		tries=$((tries + 1))
		[ "$tries" -lt 50 ] || return 1
		usleep 200000
	done
}

# Fault injection spares single pages and allocations that may wait, unless told
# otherwise, and reports each failure at length
vm_has_faults() { [ -d /sys/kernel/debug/failslab ]; }
vm_spare_no_allocation() {
	local setting file
	for setting in failslab/ignore-gfp-wait=N failslab/verbose=0 \
		fail_page_alloc/ignore-gfp-wait=N fail_page_alloc/ignore-gfp-highmem=N \
		fail_page_alloc/min-order=0 fail_page_alloc/verbose=0 fail_usercopy/verbose=0; do
		file=/sys/kernel/debug/${setting%=*}
		[ ! -w "$file" ] || echo "${setting#*=}" >"$file"
	done
}

# Memory leaks: vm_leaks_clear forgets what is there, vm_leaks reports what has
# come since. An object is only reported when it is five seconds old.
vm_has_kmemleak() { [ -w /sys/kernel/debug/kmemleak ]; }
vm_leaks_clear() {
	vm_has_kmemleak || return 0
	echo scan >/sys/kernel/debug/kmemleak
	echo clear >/sys/kernel/debug/kmemleak
}
vm_leaks() {
	vm_has_kmemleak || return 77
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	sleep 1
	echo scan >/sys/kernel/debug/kmemleak
	cat /sys/kernel/debug/kmemleak
	! grep -q . /sys/kernel/debug/kmemleak
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# Commits each bug that this kernel has a detector for and looks for its report.
# To be run without a scan of the log and with kasan_multi_shot. Lockdep goes off
# at any report of itself or of others, so that its turn comes first.

param=/sys/module/seeded/parameters/bug

found() {
	echo "$1" >"$param" || return 1
	vm_log_has "$2"
}

# The n-th allocation of a task fails, for n up to that of the module.
fault_injected() {
	local n=0
	vm_spare_no_allocation
	while [ $n -lt 30 ]; do
		n=$((n + 1))
		echo $n >/proc/self/fail-nth
		if ! echo allocation >"$param" 2>/dev/null; then
			echo 0 >/proc/self/fail-nth
			return 0
		fi
		echo 0 >/proc/self/fail-nth
	done
	return 1
}

leak_found() {
	vm_leaks_clear
	echo leak >"$param"
	# The detector cannot tell a stale copy of a pointer from a real one.
	for _ in 1 2 3 4 5 6 7 8 9; do
		echo leak >"$param"
	done
	! vm_leaks >/dev/null && vm_log_has 'new suspected memory leaks'
}

vm_check "seeded module loads" insmod seeded.ko

if [ -e /sys/kernel/debug/kcsan ]; then
	vm_check "KCSAN sees a data race" found data-race 'BUG: KCSAN: data-race in .*(race|seed).*'
else
	vm_check "lockdep sees an inversion" found lock-inversion 'possible circular locking dependency detected'
	vm_check "KASAN sees a use after free" found use-after-free 'BUG: KASAN: slab-use-after-free in seed_use'
	vm_check "KASAN sees an access out of bounds" found out-of-bounds 'BUG: KASAN: slab-out-of-bounds in seed_out'
	vm_check "UBSAN sees a shift too far" found shift 'UBSAN: shift-out-of-bounds in'
	vm_check "a sleep in atomic context is seen" found sleep-in-atomic \
		'BUG: sleeping function called from invalid context'
	vm_check "fault injection lets an allocation fail" fault_injected
	if [ -e /sys/kernel/debug/kmemleak ]; then
		vm_check "kmemleak sees a leak" leak_found
	fi
	if [ -d /sys/kernel/debug/gcov ]; then
		vm_check "gcov counts" sh -c "find /sys/kernel/debug/gcov -name 'seeded.gcda' | grep -q ."
	fi
fi
vm_check "seeded module unloads" rmmod seeded

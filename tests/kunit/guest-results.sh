# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Leaves what the suites said, word for word, on the host.

vm_check "mxl.ko loads" insmod mxl.ko || exit 1
vm_check "mxl_kunit.ko loads" insmod mxl_kunit.ko
for dir in /sys/kernel/debug/kunit/mxl_*/; do
	cat "$dir/results" >"/share/$(basename "$dir")"
done

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# Loads the module and runs the benchmark of its interface.

vm_check "mxl.ko loads" insmod mxl.ko || exit 1
VM_TIMEOUT=280 vm_tap bench_uapi ./bench_uapi
vm_check "mxl.ko unloads" rmmod mxl

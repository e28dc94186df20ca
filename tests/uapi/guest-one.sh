# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# Loads the module and runs one program that uses it.

vm_check "mxl.ko loads" insmod mxl.ko || exit 1
VM_TIMEOUT=600 vm_tap program ./program
vm_check "mxl.ko unloads" rmmod mxl

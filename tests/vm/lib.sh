# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# Common parts of the scripts in this directory. Sourced, never run.
#
# Exit status 77 means "cannot be done on this machine"; the reason has been
# printed to stderr and callers turn it into a TAP skip.

VM_DIR=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
TOP_DIR=$(readlink -f "$VM_DIR/../..")
CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/mxl-kernels
JOBS=${MXL_VM_JOBS:-$(nproc)}

say() { echo "# $*" >&2; }
die() { echo "$(basename "$0"): $*" >&2; exit 1; }
skip() { echo "$(basename "$0"): $*" >&2; exit 77; }

# need COMMAND PACKAGE: skip unless COMMAND can be run
need() {
	command -v "$1" >/dev/null || skip "needs $1 (Debian package $2): see tests/scripts/deps"
}

# need_file FILE PACKAGE
need_file() {
	[ -e "$1" ] || skip "needs $1 (Debian package $2): see tests/scripts/deps"
}

# with_lock NAME COMMAND...: one maker at a time for each thing in the cache
with_lock() {
	local name=$1 fd
	shift
	mkdir -p "$CACHE/lock"
	exec {fd}>"$CACHE/lock/$name"
	if ! flock -n "$fd"; then
		say "waiting for another process that makes $name"
		flock "$fd"
	fi
	"$@" {fd}>&-
	exec {fd}>&-
}

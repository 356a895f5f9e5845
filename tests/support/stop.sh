#!/bin/bash
# Ends the private PostgreSQL of this checkout; what it holds stays.
set -eu
data=.millrace/pg/data
pid=$(head -n 1 $data/postmaster.pid 2>/dev/null || true)
cluster=$(readlink -f $data || true)

# a pid file may outlive its server: is this process really the one?
is_server() {
	[ -n "$pid" ] && { [ "/proc/$pid/cwd" -ef "$data" ] ||
		grep -qsF -- "$cluster" "/proc/$pid/cmdline"; }
}

if ! is_server; then
	echo "the private PostgreSQL does not run"
	exit 0
fi
kill -INT "$pid"
if ! timeout 60 tail -s 0.05 --pid="$pid" -f /dev/null; then
	echo "the private PostgreSQL (process $pid) does not end within 60 s" >&2
	exit 1
fi
echo "stopped the private PostgreSQL; its data stays in $cluster"

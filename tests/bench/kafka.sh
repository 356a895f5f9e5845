#!/bin/bash
# Seconds to load a topic of generated events, 4 partitions, exactly once and
# flattened, beside kcat piped into psql \copy of the raw lines into one text
# column; interleaved, best of n.   kafka.sh [EVENTS] [ROUNDS]
#
# Runs in the database that PG* name (suite.sh gives it one), with fsync and
# synchronous_commit on, and with a broker of its own.
set -euo pipefail
events=${1:-1000000}
rounds=${2:-3}
: "${BUILD:?set by suite.sh}"
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap '"$here/kafka/kafka.sh" stop "$work/kafka"; rm -rf "$work"' EXIT

sql() { psql -XAtq -v ON_ERROR_STOP=1 -c "$1"; }
seconds() { # COMMAND...: wall seconds, CPU seconds
	local TIMEFORMAT='%R %U %S'
	{ time "$@" >"$work/out" 2>"$work/err"; } 2>&1 || {
		cat "$work/err" >&2
		exit 1
	}
}
best() { sort -n | head -n 1; }

mkdir -p "$work/kafka"
brokers=$("$here/kafka/kafka.sh" start "$work/kafka")
"$BUILD/kafka-admin" "$brokers" create events 4
"$BUILD/bluesky" max --count "$events" --seed 7 |
	kcat -q -P -b "$brokers" -t events -X queue.buffering.max.messages=1000000

ours() {
	"$BUILD/handle-streams" -b "$brokers" -t events -G bench -e
}
theirs() {
	# JSON holds no such bytes: a field is a whole line
	kcat -q -C -b "$brokers" -t events -o beginning -e -u |
		psql -XAtq -v ON_ERROR_STOP=1 -c "\\copy public.raw from stdin with (format csv, delimiter e'\\x01', quote e'\\x02')"
}
sql "create table public.raw (line text)"
for round in $(seq "$rounds"); do
	sql "truncate staging.bluesky_events" 2>/dev/null || true
	sql "delete from millrace.position where source like 'kafka:%'" 2>/dev/null || true
	sql checkpoint
	seconds ours | tee -a "$work/ours" | sed "s/^/# round $round handle-streams: /"
	sql "truncate public.raw"
	sql checkpoint
	seconds theirs | tee -a "$work/theirs" | sed "s/^/# round $round kcat | \\\\copy:  /"
done
loaded=$(sql "select (select count(*) from staging.bluesky_events) + count(*) filter (where rejected_at > now() - interval '1 hour') / $rounds from millrace.reject")
[ "$loaded" -eq "$events" ] || echo "# $loaded of $events records are loaded" >&2
awk -v n="$events" -v a="$(best <"$work/ours")" -v b="$(best <"$work/theirs")" 'BEGIN {
	split(a, x); split(b, y)
	printf "%-40s %8s %10s %8s\n", n " records, best", "seconds", "records/s", "CPU s"
	printf "%-40s %8.2f %10d %8.2f\n", "handle-streams, flattened, exactly once", x[1], n / x[1], x[2] + x[3]
	printf "%-40s %8.2f %10d %8.2f\n", "kcat | psql \\copy, raw lines", y[1], n / y[1], y[2] + y[3]
	printf "ratio %.2f\n", y[1] / x[1]
}'
sql "drop table public.raw"

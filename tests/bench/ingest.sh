#!/bin/bash
# Seconds to load generated events from a file in the page cache, beside
# psql's binary \copy of the very rows that were loaded, into a table of the
# same shape; interleaved, best of n.   ingest.sh [EVENTS] [ROUNDS]
#
# Runs in the database that PG* name (suite.sh gives it one), with fsync and
# synchronous_commit on.
set -euo pipefail
events=${1:-1000000}
rounds=${2:-3}
: "${BUILD:?set by suite.sh}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sql() { psql -XAtq -v ON_ERROR_STOP=1 -c "$1"; }
seconds() { # COMMAND...: wall seconds and CPU seconds of the command
	local TIMEFORMAT='%R %U %S'
	{ time "$@" >"$work/out" 2>"$work/err"; } 2>&1 || {
		cat "$work/err" >&2
		exit 1
	}
}
best() { sort -n | head -n 1; }

"$BUILD/bluesky" max --count "$events" --seed 7 >"$work/events.jsonl"
columns=
for round in $(seq "$rounds"); do
	sql "truncate staging.bluesky_events" 2>/dev/null || true
	sql "checkpoint"
	seconds "$BUILD/handle-streams" --force "$work/events.jsonl" |
		tee -a "$work/ours" | sed "s/^/# round $round handle-streams: /"
	if [ -z "$columns" ]; then
		columns=$(sql "select string_agg(quote_ident(attname), ',' order by attnum)
			from pg_attribute where attrelid = 'staging.bluesky_events'::regclass
			and attnum > 0 and attname <> 'loaded_at'")
		sql "drop table if exists public.copied"
		sql "create table public.copied (like staging.bluesky_events including defaults)
			partition by range (loaded_at)"
		sql "create index on public.copied using brin (loaded_at)
			with (pages_per_range = 32, autosummarize = on)"
		sql "create table public.copied_all partition of public.copied default"
		sql "\\copy (select $columns from staging.bluesky_events) to '$work/rows' with (format binary)"
	fi
	sql "truncate public.copied"
	sql "checkpoint"
	seconds sql "\\copy public.copied ($columns) from '$work/rows' with (format binary)" |
		tee -a "$work/theirs" | sed "s/^/# round $round \\\\copy binary:  /"
done
loaded=$(sql "select count(*) from public.copied")
ours=$(best <"$work/ours")
theirs=$(best <"$work/theirs")
awk -v n="$loaded" -v a="$ours" -v b="$theirs" 'BEGIN {
	split(a, x); split(b, y)
	printf "%-28s %8s %10s %8s\n", n " rows, best", "seconds", "rows/s", "CPU s"
	printf "%-28s %8.2f %10d %8.2f\n", "handle-streams, file", x[1], n / x[1], x[2] + x[3]
	printf "%-28s %8.2f %10d %8.2f\n", "psql \\copy, binary", y[1], n / y[1], y[2] + y[3]
	printf "ratio %.2f\n", y[1] / x[1]
}'
sql "drop table public.copied"

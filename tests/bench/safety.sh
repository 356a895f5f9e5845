#!/bin/bash
# What safety costs: seconds to load generated events from a file that are all
# good, of which every hundredth is a reject, all are, that hold fields no column
# takes, and into a stream that keeps such fields; interleaved, best of n.
#
#   safety.sh [EVENTS] [ROUNDS]
#
# Runs in the database that PG* name (suite.sh gives it one), with fsync and
# synchronous_commit on.
set -euo pipefail
events=${1:-1000000}
rounds=${2:-3}
: "${BUILD:?set by suite.sh}"
# shellcheck source=tests/bench/common.sh
. "$(dirname "$0")/common.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HANDLE_STREAMS_PROJECT=$work

mkdir -p "$work/sql/bluesky/streams"
cp "$bench/../../sql/bluesky/streams/bluesky_events.sql" "$work/sql/bluesky/streams"
sed -e 's/bluesky_events/bluesky_kept/' -e '/loaded_at    timestamptz/i\
    extra        jsonb,                 -- from: *' \
	"$work/sql/bluesky/streams/bluesky_events.sql" >"$work/sql/bluesky/streams/bluesky_kept.sql"

"$BUILD/bluesky" max --count "$events" --seed 7 >"$work/good.json"
# a time that is none
sed '100~100 s/"timestamp": "/&x/' "$work/good.json" >"$work/hundredth.json"
sed 's/"timestamp": "/&x/' "$work/good.json" >"$work/bad.json"
sed 's/^{/{"beta": {"score": 0.5, "marks": ["a", "b"]}, /' "$work/good.json" >"$work/drift.json"
"$BUILD/handle-streams" </dev/null 2>/dev/null # makes the tables

load() { # NAME STREAM FILE ROWS REJECTS
	local found
	sql "truncate staging.$2, millrace.reject, millrace.drift"
	sql checkpoint
	measure "$BUILD/handle-streams" --force --stream "$2" "$work/$3.json" >"$work/figures"
	sed "s/^/# $1: /" "$work/figures"
	cat "$work/figures" >>"$work/$1"
	found=$(sql "select (select count(*) from staging.$2) || '|' || (select count(*) from millrace.reject)")
	[ "$found" = "$4|$5" ] || { echo "safety.sh: $1 is $found, not $4|$5" >&2; exit 1; }
}

results safety
few=$((events / 100))
for _ in $(seq "$rounds"); do
	load ours bluesky_events good "$events" 0
	load hundredth bluesky_events hundredth $((events - few)) "$few"
	load bad bluesky_events bad 0 "$events"
	load drift bluesky_events drift "$events" 0
	load kept bluesky_kept good "$events" 0
	load both bluesky_kept drift "$events" 0
done
table_head "$events records from a file, best of $rounds" "x good"
table_row ours "all good" "$events"
table_row hundredth "every hundredth rejected" "$events"
table_row bad "everything rejected" "$events"
table_row drift "with fields that no column takes" "$events"
table_row kept "all good, what is left kept in extra jsonb" "$events"
table_row both "with such fields, kept in extra jsonb" "$events"

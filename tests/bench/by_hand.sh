#!/bin/bash
# What the pack bluesky costs beside the shortest SQL that one would write for
# its tables by hand (by_hand_two.sql, by_hand_rest.sql).
#   by_hand.sh                       loads of LOAD rows over a history of SIZE,
#                                    LOADS times, each worked on by both, in turn
#   by_hand.sh lag EVENTS/S SECONDS  lag.sh of two tables alone, by hand in a loop
set -euo pipefail
SIZE=${SIZE:-1000000}
LOAD=${LOAD:-100000}
LOADS=${LOADS:-5}
: "${BUILD:?set by suite.sh}"
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/bench/common.sh
. "$root/tests/bench/common.sh"
work=$(mktemp -d)
trap 'touch "$work/over"; wait; rm -rf "$work"' EXIT
export HANDLE_STREAMS_PROJECT=$work PERIODIC_PROJECT=$work
cp -r "$root/sql" "$work/"
cd "$work"

# where the same rows must be, and where by hand is not as exact
same=(events likes_per_user user_days dau likes_per_minute posts_by_hour posts_by_language)
tables=("${same[@]}" engineering_words fast_users)

load() { sed -n "$(($1 + 1)),$(($1 + $2))p" all | "$BUILD/handle-streams" -q --stream bluesky_events; }
newest() {
	sql "select coalesce(max(loaded_at), '-infinity') from millrace.load where relation = 'staging.bluesky_events'"
}
now_ms() { date +%s%3N; }
by_periodic() { "$BUILD/periodic" -q --threads 1 -s pack:bluesky; }
by_hand_two() { psql -X1q -v ON_ERROR_STOP=1 -v since="$since" -f "$bench/by_hand_two.sql"; }
by_hand() {
	psql -X1q -v ON_ERROR_STOP=1 -v since="$since" -c '\timing on' \
		-f "$bench/by_hand_two.sql" -f "$bench/by_hand_rest.sql" >>by_hand.said
}
# timed NAME: its milliseconds
timed() {
	local begun
	begun=$(now_ms)
	"$1"
	echo $(($(now_ms) - begun)) >>"$1.ms"
}
copy_tables() {
	local table
	sql "create role by_hand; grant millrace_read, millrace_aggregate to by_hand;
		create schema by_hand authorization by_hand"
	for table in "${tables[@]}"; do
		sql "set role by_hand; create table by_hand.$table (like bluesky.$table including all);
			insert into by_hand.$table select * from bluesky.$table"
	done
	sql "vacuum analyze"
}
row() {
	printf '%-44s %8d %12.1f\n' "$1" "$2" "$(awk "BEGIN { print $2 * 1000 / $LOAD }")"
	result "$1" ms "$2"
}
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

in_turn() {
	local i table rows
	"$BUILD/bluesky" max --count $((SIZE + LOADS * LOAD)) --seed 7 >all
	load 0 "$SIZE"
	by_periodic
	copy_tables
	for ((i = 0; i < LOADS; i++)); do
		since=$(newest)
		load $((SIZE + i * LOAD)) "$LOAD"
		timed by_periodic
		timed by_hand
	done
	for table in "${same[@]}"; do
		rows=$(sql "select (select count(*) from by_hand.$table), (select count(*) from bluesky.$table)")
		[ "${rows%|*}" = "${rows#*|}" ] || echo "# $table: by hand|not: $rows rows"
	done
	results by_hand
	printf '%-44s %8s %12s\n' "bluesky, $LOAD new rows over $SIZE" ms "us an event"
	row "periodic --threads 1" "$(median by_periodic.ms)"
	row "SQL by hand, no guarantees" "$(median by_hand.ms)"
	awk '/^[a-z]/ { what = $0 } /^Time/ && what { ms[what] += $2; n[what]++; what = "" }
		END { for (w in ms) printf "# by hand, %s: %.0f ms\n", w, ms[w] / n[w] }' by_hand.said | sort
	sql "select '# periodic, ' || split_part(model, '.', 2) || ': ' || round(avg(duration_ms)) || ' ms'
		from millrace.run_model where run_id > (select max(run_id) from millrace.run) - $LOADS
		group by model order by avg(duration_ms) desc limit 8"
}

lag() {
	private_server
	"$BUILD/handle-streams" -q --stream bluesky_events </dev/null
	by_periodic
	copy_tables
	while [ ! -e over ]; do
		upto=$(newest)
		by_hand_two >/dev/null
		since=$upto
	done &
	"$BUILD/bluesky" "$1" --count $(($1 * $2)) --seed 7 |
		"$bench/lag.py" report by_hand |
		"$BUILD/handle-streams" -q --stream bluesky_events
	results by_hand_lag
	sed "s|^|$1/s, two tables by hand: |" report
	result_lag "two tables by hand, at $1 events/s" report
}

since=-infinity
case ${1:-} in
lag) lag "$2" "$3" ;;
*) in_turn ;;
esac

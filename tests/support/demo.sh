#!/bin/bash
# Shows the whole path live: generated events through ./handle-streams into
# PostgreSQL while ./periodic refreshes the marts, and the marts as bars.
#   DEMO_RATE events a second (5000), for DEMO_SECONDS (40)
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

rate=${DEMO_RATE:-5000}
seconds=${DEMO_SECONDS:-40}
every=2
logs=$(mktemp -d) || exit 1
loader=
began=$SECONDS

finish() {
	local status=$?
	trap - EXIT INT TERM
	if [ -n "$loader" ] && kill -TERM "$loader" 2>/dev/null; then
		wait "$loader" 2>/dev/null
	fi
	rm -rf "$logs"
	exit "$status"
}
trap finish EXIT
trap 'echo; echo "demo: stopped; what was loaded stays, make demo goes on from it"; exit 130' INT TERM

fail() {
	echo >&2
	echo "demo: $1 failed:" >&2
	cat "$2" >&2
	exit 1
}

# One line that moves on a terminal, one line per step elsewhere.
progress() {
	if [ -t 1 ]; then
		printf '\r\033[K%s' "$1"
	else
		printf '%s\n' "$1"
	fi
}

query() {
	psql -XAtq -v ON_ERROR_STOP=1 -d "$database" -c "$1" 2>>"$logs/psql"
}

# A pass over what is new; its milliseconds in `took`.
refresh() {
	local from=${EPOCHREALTIME/./}
	./periodic run -s pack:bluesky >"$logs/periodic" 2>&1 </dev/null ||
		fail ./periodic "$logs/periodic"
	took=$(((${EPOCHREALTIME/./} - from) / 1000))
}

# Rows in staging, and seconds since the newest load that is in all marts that
# become files; - before the first.
state() {
	query "
	select
	    coalesce((select sum(row_count) from millrace.load
	              where relation = 'staging.bluesky_events'), 0),
	    coalesce((select round(extract(epoch from clock_timestamp() - min(loaded_through)), 1)::text
	              from millrace.model where exported_load is not null and model like 'bluesky.%'), '-')"
}

echo "Events go in at $rate a second for $seconds seconds:"
echo "    ./bluesky $rate | ./handle-streams"
echo "and every $every seconds what is new goes into the marts:"
echo "    ./periodic"
echo

# The first pass starts the private PostgreSQL, unless PG* names another.
refresh
database=$(sed -n 's/.*psql "\([^"]*\)".*/\1/p' "$logs/periodic" | head -n 1)

./bluesky "$rate" --count $((rate * seconds)) |
	./handle-streams >"$logs/handle-streams" 2>&1 &
loader=$!

while kill -0 "$loader" 2>/dev/null; do
	refresh
	now=$(state) || fail psql "$logs/psql"
	progress "$(printf '%3d s   %8d rows loaded   periodic %5d ms   marts %s s behind' \
		$((SECONDS - began)) "${now%|*}" "$took" "${now#*|}")"
	for ((i = 0; i < every * 10; i++)); do
		kill -0 "$loader" 2>/dev/null || break
		sleep 0.1
	done
done
wait "$loader"
status=$?
loader=
[ ! -t 1 ] || echo
[ "$status" -eq 0 ] || fail ./handle-streams "$logs/handle-streams"
refresh
echo

tests/support/bars.sh -t -n 8 metrics/likes-per-minutes.csv || exit 1
echo
tests/support/bars.sh -n 8 metrics/fast-likers.csv || exit 1
echo
tests/support/bars.sh metrics/top-10-word.csv || exit 1
echo
tests/support/bars.sh -n 8 metrics/posts-by-time-of-day.csv || exit 1
echo

summary=$(query "
	select
	    (select sum(row_count) from millrace.load where relation = 'staging.bluesky_events'),
	    (select count(*) from millrace.load where relation = 'staging.bluesky_events'),
	    (select count(*) from bluesky.events),
	    (select count(*) from millrace.reject),
	    (select sum(likes) from bluesky.likes_per_minute)") ||
	fail psql "$logs/psql"
IFS='|' read -r rows loads events rejects likes <<<"$summary"
echo "rows in staging       $rows in $loads loads"
echo "events, each once     $events ($((rows - events)) deliveries were repeated)"
echo "rejected records      $rejects"
echo "likes counted         $likes"
echo "last periodic         $took ms"
echo
echo "Now try"
echo "    ./bluesky | ./handle-streams      in one terminal"
echo "    watch -n 30 ./periodic            in another"
echo "    ./periodic plan                   what the next pass would do"
echo "    psql \"$database\""
echo "    make stop                         ends the private PostgreSQL"

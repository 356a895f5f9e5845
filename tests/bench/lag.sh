#!/bin/bash
# How old an event is when a mart two models behind staging shows it, while
# many are being loaded into it: bluesky at a rate into handle-streams, and
# `periodic watch` beside it; lag.py puts markers among the events and looks.
# Says whether the models keep up: what waits in staging halfway and at the end.
#   lag.sh [EVENTS/S] [SECONDS] [OPTIONS OF WATCH...]
# The server is set as the private one of a machine with 8 GB would be.
set -euo pipefail
rate=${1:-50000}
seconds=${2:-30}
shift $(($# < 2 ? $# : 2))
: "${BUILD:?set by suite.sh}"
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/bench/common.sh
. "$root/tests/bench/common.sh"
work=$(mktemp -d)
watch=
trap '[ -z "$watch" ] || kill $watch 2>/dev/null; wait; rm -rf "$work"' EXIT
export HANDLE_STREAMS_PROJECT=$work PERIODIC_PROJECT=$work
cp -r "$root/sql" "$work/"
cd "$work"

cpu() { awk '{ print ($14 + $15) / 100 }' "/proc/$1/stat"; }
# Of the sessions of periodic, as long as they last.
backends() {
	local pid
	for pid in $(sql "select pid from pg_stat_activity where application_name like 'periodic%'"); do
		cpu "$pid"
	done | awk '{ s += $1 } END { print s + 0 }'
}
waiting() {
	sql "select coalesce(sum(row_count), 0) from millrace.load l
		where relation = 'staging.bluesky_events' and not exists (
			select from millrace.model_load m where m.model = 'bluesky.events' and m.load_id = l.load_id)
		and load_id > (select floor_load from millrace.model where model = 'bluesky.events')"
}

# The marts that are furthest behind, in seconds: how old the newest load is that
# each of them has.
stalest() {
	sql "select string_agg(name || ' ' || age, ', ' order by age desc) from (
		select split_part(model, '.', 2) as name,
			round(extract(epoch from now() - loaded_through)::numeric, 1) as age
		from millrace.model m where exists (select from millrace.model_load l where l.model = m.model)
		or model = 'bluesky.events' order by age desc limit 4) s"
}

private_server
"$BUILD/periodic" -q -s pack:bluesky
"$BUILD/periodic" watch -s pack:bluesky "$@" 2>"$work/watch" &
watch=$!
(sleep $((seconds / 2)) && waiting >"$work/halfway" &&
	sleep $((seconds - seconds / 2)) && waiting >"$work/end" && stalest >"$work/stalest") &
sampler=$!
"$BUILD/bluesky" "$rate" --count $((rate * seconds)) --seed 7 |
	"$root/tests/bench/lag.py" "$work/report" |
	"$BUILD/handle-streams" --stream bluesky_events 2>"$work/streams"
loaded=$(sql "select sum(row_count) from millrace.load where relation = 'staging.bluesky_events'")
took=$(sql "select extract(epoch from max(loaded_at) - min(loaded_at)) from millrace.load
	where relation = 'staging.bluesky_events'")
awk -v n="$loaded" -v s="$took" -v wanted="$rate" 'BEGIN {
	printf "# %d events in %.1f s, %d/s of %d/s wanted\n", n, s, n / s, wanted }'
wait $sampler
halfway=$(cat "$work/halfway")
left=$(cat "$work/end")
# a pass takes what came during the one before: by how much that differs is no
# backlog, a quarter of what came in the second half is
echo "# waiting in staging: $halfway events halfway, $left at the end: $(
	[ $((left - halfway)) -gt $((rate * seconds / 8)) ] && echo "falls behind" || echo "keeps up")"
echo "# seconds behind at the end: $(cat "$work/stalest")"
passes=$(sql "select count(*) from millrace.load where relation = 'bluesky.events'")
cpu_s=$(backends)
# by now the last of what waited has been taken, or has had a minute for it
each_us=$(awk -v s="$cpu_s" -v n="$((loaded - $(waiting)))" 'BEGIN {
	printf "%.1f", n ? s * 1e6 / n : 0 }')
echo "# periodic watch $*: $cpu_s CPU s of its sessions, $each_us us an event, $passes loads of bluesky.events; ms a load, by model: $(sql "
	select string_agg(split_part(model, '.', 2) || ' ' || ms, ', ' order by ms desc) from (
		select model, round(sum(duration_ms)::numeric / $passes) as ms
		from millrace.run_model group by 1) m")"
sed "s|^|$rate/s: |" "$work/report"
results lag
result_lag "event to mart at $rate events/s" "$work/report"
result "sessions of periodic watch at $rate events/s" cpu_us_per_event "$each_us"
result "waiting in staging at $rate events/s, halfway" events "$halfway"
result "waiting in staging at $rate events/s, at the end" events "$left"
kill -TERM $watch
wait $watch
watch=

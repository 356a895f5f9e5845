#!/bin/bash
# How old an event is when a mart two models behind staging shows it, while
# many are being loaded into it: bluesky at a rate into handle-streams, and
# `periodic watch` beside it; lag.py puts markers among the events and looks.
#   lag.sh [EVENTS/S] [SECONDS] [OPTIONS OF WATCH...]
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

cpu() { ps -o times= -p "$1" | tr -d ' '; }

"$BUILD/periodic" -q -s pack:bluesky
"$BUILD/periodic" watch -s pack:bluesky "$@" 2>"$work/watch" &
watch=$!
"$BUILD/bluesky" "$rate" --count $((rate * seconds)) --seed 7 |
	"$root/tests/bench/lag.py" "$work/report" |
	"$BUILD/handle-streams" --stream bluesky_events 2>"$work/streams"
loaded=$(sql "select sum(row_count) from millrace.load where relation = 'staging.bluesky_events'")
took=$(sql "select extract(epoch from max(loaded_at) - min(loaded_at)) from millrace.load
	where relation = 'staging.bluesky_events'")
awk -v n="$loaded" -v s="$took" -v wanted="$rate" 'BEGIN {
	printf "# %d events in %.1f s, %d/s of %d/s wanted\n", n, s, n / s, wanted }'
passes=$(sql "select count(*) from millrace.load where relation = 'bluesky.events'")
echo "# periodic watch $*: $(cpu $watch) CPU s, $passes loads of bluesky.events; ms a load, by model: $(sql "
	select string_agg(split_part(model, '.', 2) || ' ' || ms, ', ' order by ms desc) from (
		select model, round(sum(duration_ms)::numeric / $passes) as ms
		from millrace.run_model group by 1) m")"
cat "$work/report"
results lag
grep -oE '(p50|p90|p99|max) [0-9.]+ s' "$work/report" | while read -r name value _; do
	result "event to mart at $rate events/s" "${name}_s" "$value"
done
kill -TERM $watch
wait $watch
watch=

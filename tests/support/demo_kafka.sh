#!/bin/bash
# Shows a group at work: generated events through a real Kafka into PostgreSQL,
# loaded by two handle-streams, while periodic refreshes the marts; then one of
# the two is killed and the other takes its partitions over.
#   DEMO_RATE events a second (4000), for DEMO_SECONDS (30)
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

rate=${DEMO_RATE:-4000}
seconds=${DEMO_SECONDS:-30}
work=$(mktemp -d) || exit 1
members=()
producer=

finish() {
	local status=$?
	trap - EXIT INT TERM
	for pid in "${members[@]}" $producer; do
		kill -TERM "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	tests/kafka/kafka.sh stop "$work/kafka"
	rm -rf "$work"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

fail() {
	echo "demo: $1 failed:" >&2
	cat "$2" >&2
	exit 1
}

query() {
	psql -XAtq -v ON_ERROR_STOP=1 -d "$database" -c "$1" 2>>"$work/psql" ||
		fail psql "$work/psql"
}

refresh() {
	./periodic run -s pack:bluesky >"$work/periodic" 2>&1 </dev/null ||
		fail ./periodic "$work/periodic"
}

join() { # NUMBER
	./handle-streams -b "$brokers" -t bluesky -G demo --linger 200ms \
		-X session.timeout.ms=6000 2>"$work/member.$1" </dev/null &
	members+=($!)
}

# Rows of this topic that are loaded, and records in it.
loaded() {
	query "select coalesce(sum(next_offset), 0) from millrace.position
	       where source like 'kafka:%/bluesky' and group_id = 'demo'
	           and updated_at >= '$began'"
}
produced() { build/plain/kafka-admin "$brokers" marks bluesky | awk '{ n += $3 } END { print n + 0 }'; }
show() {
	printf '%3d s   %8d produced   %8d loaded   %s\n' \
		$SECONDS "$(produced)" "$(loaded)" "$1"
}
millis() { echo $((${EPOCHREALTIME/./} / 1000)); }

mkdir -p "$work/kafka"
echo "A broker, 4 partitions, two members of one group:"
echo "    ./bluesky $rate | kcat -P -b BROKER -t bluesky"
echo "    ./handle-streams -b BROKER -t bluesky -G demo     twice"
echo
brokers=$(tests/kafka/kafka.sh start "$work/kafka") || exit 1
build/plain/kafka-admin "$brokers" create bluesky 4 || exit 1
refresh
database=$(sed -n 's/.*psql "\([^"]*\)".*/\1/p' "$work/periodic" | head -n 1)
: "${database:=${PGDATABASE:-postgres}}"
began=$(query "select now()")
SECONDS=0
join 1
join 2
./bluesky "$rate" --count $((rate * seconds)) |
	kcat -q -P -b "$brokers" -t bluesky -X queue.buffering.max.ms=20 &
producer=$!

takeover=
while kill -0 "$producer" 2>/dev/null; do
	sleep 2
	refresh
	show "$(grep -ho '[0-9]* partitions are ours' "$work"/member.* | wc -l) assignments"
	if [ -z "$takeover" ] && [ $SECONDS -ge $((seconds / 3)) ]; then
		before=$(grep -c 'partitions are ours' "$work/member.2")
		killed=$(millis)
		{ kill -9 "${members[0]}" && wait "${members[0]}"; } 2>/dev/null
		echo "        member 1 was killed (kill -9)"
		until [ "$(grep -c 'partitions are ours' "$work/member.2")" -gt "$before" ]; do
			kill -0 "${members[1]}" 2>/dev/null ||
				fail "member 2" "$work/member.2"
			sleep 0.05
		done
		takeover=$(($(millis) - killed))
		members=("${members[1]}")
		echo "        member 2 has all partitions, $takeover ms later"
	fi
done
total=$(produced)
for _ in $(seq 300); do
	[ "$(loaded)" -ge "$total" ] && break
	sleep 0.1
done
refresh
show "the end"
rows=$(query "select
    (select coalesce(sum((r->>3)::bigint - (r->>2)::bigint), 0)
     from millrace.load l, jsonb_array_elements(l.origin->'ranges') r
     where l.loaded_at >= '$began' and r->>0 like 'kafka:%/bluesky')")
echo
echo "records in the topic  $total"
echo "loaded, exactly once  $rows"
echo "take-over             $takeover ms after kill -9 (session.timeout.ms=6000)"
[ "$rows" -eq "$total" ] || fail "the count" "$work/member.2"

#!/bin/bash
# Seconds to load a topic of generated events, 4 partitions, exactly once and
# flattened, beside what people do instead; interleaved, best of n.
#
#   kafka.sh [EVENTS] [ROUNDS]
#   RIVALS="kcat python connect"   kcat: piped into psql \copy of raw lines into
#                                  one text column; python: consumer.py, from
#                                  PyPI; connect: with Debezium's JDBC sink,
#                                  from Maven, one round, uncompressed
#   CODECS="none lz4 zstd"         of the topic; one table each ("none")
#
# Runs in the database that PG* name (suite.sh gives it one), with fsync and
# synchronous_commit on, and with a broker of its own on the same machine.
set -euo pipefail
events=${1:-1000000}
rounds=${2:-3}
rivals=${RIVALS:-kcat python connect}
codecs=${CODECS:-none}
: "${BUILD:?set by suite.sh}"
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/bench/common.sh
. "$here/bench/common.sh"
work=$(mktemp -d)
trap '"$here/kafka/kafka.sh" stop "$work/kafka"; rm -rf "$work"' EXIT

wants() { [[ " $rivals " == *" $1 "* ]]; }

# Java has no unix sockets: a server of the suite's listens on the loopback now.
listen() {
	local port
	port=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	sql "alter system set listen_addresses = '127.0.0.1'"
	sql "alter system set port = $port"
	"$here/support/suite_pg.sh" stop "$SUITE_PG"
	"$here/support/suite_pg.sh" start "$SUITE_PG"
	export PGPORT=$port
}

prepare() {
	if wants python && ! rival_python; then rivals=${rivals/python/}; fi
	if wants connect; then
		if "$here/bench/connect/connect.sh" fetch >"$work/err" 2>&1; then
			listen
		else
			echo "# without Kafka Connect, which cannot be fetched: $(grep -m 1 . "$work/err")"
			rivals=${rivals/connect/}
		fi
	fi
	sql "create table public.raw (line text);
	     create table public.flat (event_at timestamptz, operation text, did text,
	         collection text, rkey text, cid text, subject_uri text, subject_did text,
	         langs text[], created_at text, text text);
	     create table public.flat_text (event_at text, operation text, did text,
	         collection text, rkey text, cid text, subject_uri text, subject_did text,
	         langs text, created_at text, text text)"
}

ours() { measure "$BUILD/handle-streams" -b "$brokers" -t "$topic" -G bench -e; }
kcat_raw() {
	# JSON holds no such bytes: a field is a whole line
	measure bash -c "set -o pipefail
		kcat -q -C -b '$brokers' -t '$topic' -o beginning -e -u |
		psql -XAtq -v ON_ERROR_STOP=1 -c \"\\\\copy public.raw from stdin with (format csv, delimiter e'\\\\x01', quote e'\\\\x02')\""
}
consumer_py() {
	measure "$python" "$here/bench/consumer.py" "$brokers" "$topic.$1" "$events"
}
connect() {
	measure --until "select count(*) from public.flat_text" "$events" \
		"$here/bench/connect/connect.sh" run "$brokers" "$topic" "$PGPORT"
}

fill() { # TOPIC
	"$BUILD/kafka-admin" "$brokers" create "$1" 4
	kcat -q -P -b "$brokers" -t "$1" -z "$codec" \
		-X queue.buffering.max.messages=1000000 <"$work/events"
}

# round NAME TABLE COMMAND...: one measurement, and that all of them are there
round() {
	local name=$1 table=$2
	shift 2
	sql "truncate $table" 2>/dev/null || true
	sql "delete from millrace.position where source like 'kafka:%'" 2>/dev/null || true
	sql checkpoint
	"$@" >"$work/figures"
	sed "s/^/# $codec $name: /" "$work/figures"
	cat "$work/figures" >>"$work/$name"
	if [ "$name" != ours ] || [ "$events" -le 100000 ]; then
		found=$(sql "select count(*) from $table")
		[ "$found" -ge $((events * 99 / 100)) ] || echo "# only $found of $events" >&2
	fi
}

mkdir -p "$work/kafka"
brokers=$("$here/kafka/kafka.sh" start "$work/kafka")
"$BUILD/bluesky" max --count "$events" --seed 7 >"$work/events"
results kafka
"$BUILD/handle-streams" </dev/null 2>/dev/null # makes the tables
prepare
for codec in $codecs; do
	topic=events-$codec
	fill "$topic"
	rm -f "$work"/{ours,kcat,python,connect}
	for n in $(seq "$rounds"); do
		round ours staging.bluesky_events ours
		if wants kcat; then round kcat public.raw kcat_raw; fi
		if wants python; then
			# a topic is read once by a group: it gets one each round
			fill "$topic.$n"
			round python public.flat consumer_py "$n"
			"$BUILD/kafka-admin" "$brokers" delete "$topic.$n"
		fi
	done
	if wants connect && [ "$codec" = none ]; then
		round connect public.flat_text connect
	fi
	results_name=kafka-$codec
	table_head "$events records, $codec, best of $rounds"
	table_row ours "handle-streams, flattened, exactly once" "$events"
	table_row kcat "kcat | psql \\copy, raw lines" "$events"
	table_row python "Python: confluent-kafka, orjson, psycopg" "$events"
	table_row connect "Kafka Connect, Debezium JDBC sink" "$events"
done
sql "drop table public.raw, public.flat, public.flat_text"

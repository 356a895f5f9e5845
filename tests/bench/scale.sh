#!/bin/bash
# What more of everything does:   scale.sh [EVENTS]
#
#   1, 2 and 4 consumers of one group on a topic of four partitions
#   ten streams in one process
#   PgBouncer in front, session and transaction pooling
#
# Runs in the database that PG* name (suite.sh gives it one).  Every line says
# how many events, how many were lost and doubled, and the seconds.
set -euo pipefail
events=${1:-600000}
: "${BUILD:?set by suite.sh}"
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
pooler=''
finish() {
	[ -z "$pooler" ] || kill "$pooler" 2>/dev/null || true
	"$here/kafka/kafka.sh" stop "$work/kafka" 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT
chmod 755 "$work"
sql() { psql -XAtq -v ON_ERROR_STOP=1 -c "$1"; }
export HANDLE_STREAMS_PROJECT=$work

stream() { # NAME: a table keyed by n, matched by the name
	mkdir -p "$work/sql/scale/streams"
	cat >"$work/sql/scale/streams/$1.sql" <<-SQL
		-- stream: $1
		-- format: json
		-- match: $1
		create table staging.$1 (
		    n       bigint not null, -- from: n
		    payload text,            -- from: $1
		    loaded_at timestamptz not null default now()
		) partition by range (loaded_at);
	SQL
}
report() { # WHAT TABLES BEGUN
	local union
	# shellcheck disable=SC2086 # a list of tables
	union=$(printf 'select n from staging.%s union all ' $2)
	sql "select format('%-34s events %s  lost %s  doubled %s  seconds %s  events/s %s', '$1', $events,
		$events - count(distinct n), count(*) - count(distinct n), s, round($events / s))
		from (${union% union all }) x,
		(select round($(date +%s.%N)::numeric - $3::numeric, 2) as s) t group by s"
}
fresh() {
	sql "drop schema if exists millrace, staging, millrace_old cascade" 2>/dev/null || true
	"$BUILD/handle-streams" </dev/null 2>/dev/null
}

# --- consumers ---------------------------------------------------------------

stream events
mkdir -p "$work/kafka"
brokers=$("$here/kafka/kafka.sh" start "$work/kafka")
"$BUILD/kafka-admin" "$brokers" create scale 4
seq "$events" | sed 's/.*/{"n": &, "events": "payload of event &, which has some length to it, as events have"}/' |
	kcat -q -P -b "$brokers" -t scale -X queue.buffering.max.messages=1000000
for members in 1 2 4; do
	fresh
	pids=
	for member in $(seq "$members"); do
		"$BUILD/handle-streams" -b "$brokers" -t scale -G "scale$members" --linger 100ms \
			2>"$work/log.$member" &
		pids="$pids $!"
	done
	# what counts is from the first commit on: joining a group takes seconds
	until [ "$(sql 'select count(*) > 0 from millrace.load' 2>/dev/null)" = t ]; do sleep 0.02; done
	begun=$(date +%s.%N)
	until [ "$(sql "select coalesce(sum(row_count), 0) from millrace.load")" -ge "$events" ]; do sleep 0.05; done
	report "$members consumers, 4 partitions" events "$begun"
	# shellcheck disable=SC2086 # a list of processes
	kill -TERM $pids
	wait
done
"$here/kafka/kafka.sh" stop "$work/kafka"

# --- ten streams -------------------------------------------------------------

rm -rf "$work/sql"
tables=
for i in 0 1 2 3 4 5 6 7 8 9; do
	stream "s$i"
	tables="$tables s$i"
done
seq "$events" | sed 's/.*\(.\)/{"n": &, "s\1": "payload of event &, which has some length to it, as events have"}/' >"$work/ten"
fresh
begun=$(date +%s.%N)
"$BUILD/handle-streams" "$work/ten" 2>/dev/null
report "ten streams, one process" "$tables" "$begun"
sed 's/"s[0-9]"/"s0"/' "$work/ten" >"$work/one"
fresh
begun=$(date +%s.%N)
"$BUILD/handle-streams" "$work/one" 2>/dev/null
report "the same as one stream" s0 "$begun"

# --- PgBouncer ---------------------------------------------------------------

as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
for mode in session transaction; do
	mkdir -p "$work/pool"
	chmod 777 "$work/pool"
	cat >"$work/pool/ini" <<-CONF
		[databases]
		$PGDATABASE = host=$PGHOST port=$PGPORT dbname=$PGDATABASE user=$PGUSER
		[pgbouncer]
		listen_addr =
		unix_socket_dir = $work/pool
		listen_port = 6432
		auth_type = any
		pool_mode = $mode
		default_pool_size = 8
		min_pool_size = 8
		ignore_startup_parameters = extra_float_digits
	CONF
	(cd / && as pgbouncer -q "$work/pool/ini" 2>"$work/pooler.log" >&2) &
	pooler=$!
	until psql -XAtq -h "$work/pool" -p 6432 -c 'select 1' >/dev/null 2>&1; do sleep 0.05; done
	fresh
	begun=$(date +%s.%N)
	half=$((events / 2))
	head -n "$half" "$work/one" >"$work/first"
	tail -n +$((half + 1)) "$work/one" >"$work/second"
	PGHOST=$work/pool PGPORT=6432 "$BUILD/handle-streams" "$work/first" 2>"$work/log1" &
	PGHOST=$work/pool PGPORT=6432 "$BUILD/handle-streams" "$work/second" 2>"$work/log2"
	wait %% 2>/dev/null || wait -n || true
	until [ "$(sql 'select coalesce(sum(row_count), 0) from millrace.load')" -ge "$events" ] ||
		! pgrep -f "handle-streams $work/" >/dev/null; do sleep 0.05; done
	report "PgBouncer, $mode pooling, 2 loaders" s0 "$begun"
	grep -h "error" "$work"/log[12] || true
	pkill -P "$pooler" 2>/dev/null || true
	kill "$pooler" 2>/dev/null || true
	pooler=''
	rm -rf "$work/pool"
done

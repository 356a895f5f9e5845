#!/bin/bash
# Milliseconds of periodic with nothing new and with one new load of 10,000
# rows, for one model, for the bluesky pack and for a hundred incremental
# models; beside dbt-core on the same hundred; interleaved, best and median of
# n; psql says what connecting costs.   periodic.sh [ROUNDS]
#
# Runs in the server that PG* name (suite.sh gives it one), with fsync on.  dbt
# is installed from PyPI into build/dbt-venv, once; without it only ours runs.
set -euo pipefail
rounds=${1:-5}
models=100
rows=10000
: "${BUILD:?set by suite.sh}"
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/bench/common.sh
. "$root/tests/bench/common.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
periodic=$BUILD/periodic
server=$PGDATABASE

ms() { # COMMAND...: wall milliseconds
	local TIMEFORMAT=%R
	{ time "$@" >"$work/out" 2>&1; } 2>&1 | awk '{ printf "%.1f\n", $1 * 1000 }'
	[ "${PIPESTATUS[0]}" = 0 ] || { cat "$work/out" >&2; exit 1; }
}
note() { ms "${@:2}" >>"$work/$1"; } # FILE COMMAND...
# best and median of a file, or dashes
summary() {
	[ -s "$work/$1" ] || { printf '%10s %10s' - -; return; }
	sort -n "$work/$1" | awk '{ v[NR] = $1 } END { printf "%10.1f %10.1f", v[1], v[int((NR + 1) / 2)] }'
}

# --- the projects ------------------------------------------------------------

stream() {
	cat <<-'SQL'
		-- stream: bench
		-- format: json
		-- load: append
		-- description: Events.
		create table staging.bench (
		    at        timestamptz,  -- from: at
		    kind      text,         -- from: kind
		    loaded_at timestamptz not null default now()
		) partition by range (loaded_at);
	SQL
}
project() { # FOLDER COUNT
	mkdir -p "$1/sql/bench/streams" "$1/sql/bench/models"
	stream >"$1/sql/bench/streams/bench.sql"
	local n
	for n in $(seq -w "$2"); do
		cat >"$1/sql/bench/models/m$n.sql" <<-SQL
			-- config:
			--   materialized: incremental
			--   strategy: delta
			--   unique_key: [hour, kind]
			--   rows: n
			select date_trunc('hour', b.at) as hour, b.kind, count(*) as n
			from staging.bench b
			where /*+ incremental(b.at) */ true
			group by 1, 2
		SQL
	done
}
load() {
	sql "begin;
	     insert into millrace.load (relation, loaded_at, row_count) values ('staging.bench', now(), $rows);
	     insert into staging.bench (at, kind)
	     select timestamptz '2026-01-01' + ((select count(*) from millrace.load) + random()) * interval '10 minutes', 'kind ' || i % 20
	     from generate_series(1, $rows) i;
	     commit"
}
dbt_project() { # FOLDER
	mkdir -p "$1/models"
	cp "$root"/tests/bench/dbt/*.yml "$1"
	mv "$1/sources.yml" "$1/models"
	local n
	for n in $(seq -w $models); do
		cp "$root/tests/bench/dbt/model.sql" "$1/models/m$n.sql"
	done
}

dbt=
if [ -x "$root/build/dbt-venv/bin/dbt" ] || {
	python3 -m venv "$root/build/dbt-venv" &&
		"$root/build/dbt-venv/bin/pip" install -q dbt-core==1.9.11 dbt-postgres==1.9.1
} >"$work/out" 2>&1; then
	dbt=$root/build/dbt-venv/bin/dbt
else
	echo "# dbt cannot be installed: $(tail -n 1 "$work/out")"
fi
run_dbt() { # THREADS
	(cd "$work/dbt" && PGHOST=$PGHOST DBT_SEND_ANONYMOUS_USAGE_STATS=false \
		"$dbt" run --quiet --threads "$1" --profiles-dir .)
}
ours() { # PROJECT [OPTION...]
	(cd "$work/$1" && PERIODIC_PROJECT=$PWD "$periodic" "${@:2}")
}

database() {
	export PGDATABASE=$server
	sql "drop database if exists bench_$1"
	sql "create database bench_$1 template template0"
	export PGDATABASE=bench_$1
}

# --- the bluesky pack --------------------------------------------------------

database bluesky
mkdir "$work/bluesky"
cp -r "$root/sql" "$work/bluesky/"
"$BUILD/bluesky" max --count 20000 --seed 7 >"$work/events.jsonl"
(cd "$work/bluesky" && HANDLE_STREAMS_PROJECT=$PWD "$BUILD/handle-streams" --force "$work/events.jsonl" 2>/dev/null)
ours bluesky -q
ours bluesky -q
# the program itself: what Debian calls psql is a script around it
psql=$(find /usr/lib/postgresql/*/bin/psql 2>/dev/null | sort -V | tail -n 1)
for _ in $(seq "$rounds"); do
	note floor "${psql:-psql}" -Xc 'select 1'
	note idle_packs ours bluesky
	note idle_bluesky ours bluesky -s pack:bluesky
done

# --- one model, a hundred, and dbt -------------------------------------------

database one
project "$work/one" 1
ours one -q
load
ours one -q
for _ in $(seq "$rounds"); do
	note idle_1 ours one
done

database hundred
project "$work/hundred" $models
[ -z "$dbt" ] || dbt_project "$work/dbt"
ours hundred -q
load
ours hundred -q
[ -z "$dbt" ] || run_dbt 4 >/dev/null
for _ in $(seq "$rounds"); do
	note idle_100 ours hundred
	[ -z "$dbt" ] || note dbt_idle_100 run_dbt 4
	for threads in 0 1 4; do
		load
		note "tick_100_$threads" ours hundred --threads $threads
	done
	[ -z "$dbt" ] || note dbt_tick_100 run_dbt 4
done
total=$(sql "select count(*) from staging.bench")
for n in 001 050 100; do
	[ "$(sql "select sum(n) from bench.m$n")" = "$total" ] || { echo "bench.m$n is wrong" >&2; exit 1; }
done

# --- the table ---------------------------------------------------------------

row() {
	printf '%-44s %s %s\n' "$1" "$(summary "$2")" "${3:+$(summary "$3")}"
	record "$1" "$2"
	[ -z "${3:-}" ] || record "dbt, $1" "$3"
}
record() { # WHAT FILE
	local value
	[ -s "$work/$2" ] || return 0
	while read -r value; do result "$1" milliseconds "$value"; done <"$work/$2"
}
export PGDATABASE=$server
results periodic
printf '%-44s %10s %10s %10s %10s\n' "milliseconds, whole process" "best" "median" "dbt best" "dbt median"
row "psql -c 'select 1'" floor
row "nothing new, 1 model" idle_1
row "nothing new, bluesky pack" idle_bluesky
row "nothing new, all packs" idle_packs
row "nothing new, $models models" idle_100 dbt_idle_100
row "$rows new rows, $models models" tick_100_0 dbt_tick_100
row "$rows new rows, $models models, --threads 1" tick_100_1 dbt_tick_100
row "$rows new rows, $models models, --threads 4" tick_100_4 dbt_tick_100
echo "# dbt: ${dbt:+$("$dbt" --version 2>/dev/null | awk '/installed/ { v = $3 } /postgres:/ { p = $3 } END { print "dbt-core", v ", dbt-postgres", p ", --threads 4" }')}"
for name in bluesky one hundred; do sql "drop database bench_$name"; done

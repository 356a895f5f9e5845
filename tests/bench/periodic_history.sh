#!/bin/bash
# What a pass costs as history grows: the same model and the same new load, over
# 1,000 loads and over 100 times as many, all consumed.
#
#   suite.sh periodic_history.sh [PASSES]
#
# Prints the median of a pass with one new load and of one with nothing new, and
# how many rows millrace.model_load holds.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-$here/build/plain}
# shellcheck source=tests/bench/common.sh
. "$here/tests/bench/common.sh"
passes=${1:-21}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/sql/p/streams" "$folder/sql/p/models"
cat >"$folder/sql/p/streams/h.sql" <<-'SQL'
	-- stream: h
	-- format: json
	create table staging.h (
	    k         int not null,  -- from: k
	    loaded_at timestamptz not null default now()
	) partition by range (loaded_at);
SQL
cat >"$folder/sql/p/models/sums.sql" <<-'SQL'
	-- config:
	--   materialized: incremental
	--   strategy: delta
	--   unique_key: [k]
	select h.k, count(*) as n from staging.h h where /*+ incremental(h.k) */ true group by 1
SQL

feed() { # LOADS, each in a transaction
	for _ in $(seq "$1"); do
		echo "begin; insert into millrace.load (relation, loaded_at, row_count) select 'staging.h', now(), 20;
		      insert into staging.h (k) select i % 1000 from generate_series(1, 20) i; commit;"
	done | psql -XAtq -v ON_ERROR_STOP=1
}
# History at once: loads a millisecond apart, with their rows.
bulk() {
	sql "with l as (
	         insert into millrace.load (relation, loaded_at, row_count)
	         select 'staging.h', date_trunc('day', now()) + i * interval '1 ms' - interval '0.5 ms', 20
	         from generate_series($1, $2) i returning loaded_at)
	     insert into staging.h (k, loaded_at) select i % 1000, loaded_at from l, generate_series(1, 20) i"
	sql "vacuum analyze millrace.load"
	sql "vacuum analyze staging.h"
}
once() { # the milliseconds of one pass
	local from to
	from=$(date +%s%N)
	"$BUILD/periodic" --project "$folder" -q --max-loads 0
	to=$(date +%s%N)
	echo $(((to - from) / 1000))
}
median() { sort -n | sed -n "$(((passes + 1) / 2))p"; }
measure_passes() {
	for _ in 1 2 3; do # what there is is consumed, sealed and forgotten
		feed 1
		once >/dev/null
	done
	local work idle loads
	loads=$(sql 'select count(*) from millrace.load')
	work=$(for _ in $(seq "$passes"); do
		feed 1
		once
	done | median)
	idle=$(for _ in $(seq "$passes"); do once; done | median)
	printf '%9s loads: a new load %6.1f ms, nothing new %6.1f ms, model_load %s rows\n' \
		"$loads" "$(jq -n "$work/1000")" "$(jq -n "$idle/1000")" \
		"$(sql 'select count(*) from millrace.model_load')"
	result "a new load over $loads loads" milliseconds "$(jq -n "$work/1000")"
	result "nothing new over $loads loads" milliseconds "$(jq -n "$idle/1000")"
	last_work=$work
}

results periodic_history
name=history_$$
psql -Xq -d postgres -c "create database $name template template0"
export PGDATABASE=$name
"$BUILD/periodic" --project "$folder" -q
bulk 1 1000
measure_passes
first=$last_work
bulk 1001 100000
measure_passes
echo "a new load over 100 times the history: $(jq -n "$last_work/$first*100|round/100") times the cost"
psql -Xq -d postgres -c "drop database $name with (force)"

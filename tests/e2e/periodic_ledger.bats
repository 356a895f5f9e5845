#!/usr/bin/env bats
# Which loads count as consumed, with writers that overtake each other.

load ../support/small_project

# session NAME: a psql that stays, to be told things with tell NAME SQL.
declare -gA told
session() {
	mkfifo "$1"
	psql -XAtq -v ON_ERROR_STOP=1 <"$1" >"$1.out" 2>&1 3>&- &
	exec {fd}>"$1"
	declare -g "fd_$1=$fd"
}
tell() {
	local fd=fd_$1
	printf '%s;\n\\echo told\n' "$2" >&"${!fd}"
	local wanted=$((${told[$1]:-0} + 1))
	told[$1]=$wanted
	wait_until 20 lines_are "$1.out" "$wanted"
}
lines_are() { [ "$(grep -c '^told$' "$1")" = "$2" ]; }

draw() {
	echo "insert into millrace.load (relation, loaded_at, row_count) values ('staging.r', now(), 1);
	      insert into staging.r (k, v) values ('$1', 1)"
}

@test "a load that is open while one with an older xid and a larger number commits is not lost" {
	sed -i '/export:/d' sql/p/models/sums.sql
	periodic
	session lock
	session early
	session late
	feed "('a', 1)"
	# the run stops before it moves the seal: its own xid is the oldest
	tell lock "begin; lock table millrace.seal in access exclusive mode"
	periodic >run.out 2>&1 3>&- &
	local running=$!
	wait_for_value 20 "select count(*) from pg_locks where not granted and relation = 'millrace.seal'::regclass" 1
	tell early "begin; select pg_current_xact_id()"
	tell late "begin; $(draw late)"
	tell early "$(draw early); commit"
	tell lock commit
	wait "$running"
	# two passes with work: one seals, one moves the floor
	feed "('b', 1)"
	periodic
	feed "('c', 1)"
	periodic
	tell late commit
	run -0 periodic
	assert_says "p.sums: delta, +1 -0 rows, 1 load,"
	assert_equal mart "a b c early late" "$(sql 'select k from p.sums order by k' | xargs)"
}

@test "a partition that somebody has locked keeps nobody waiting" {
	periodic
	session other
	feed "('a', 1)"
	tell other "begin; lock table staging.r in share update exclusive mode"
	run -0 periodic --statement-timeout 30s
	assert_says "p.sums: delta, +1 -0 rows, 1 load,"
	tell other rollback
}

@test "what is noted of many models waits for nobody who holds one of them" {
	periodic
	feed "('a', 1)"
	printf 'k\na\n' >sql/p/seeds/names.csv
	periodic
	session other
	sql "update millrace.model set complete_through = '2000-01-01' where model = 'p.sums'"
	tell other "begin; select from millrace.model where model = 'p.sums' for update"
	printf 'k\nb\n' >sql/p/seeds/names.csv
	run -0 timeout 50 periodic
	assert_says "p.names: seed"
	tell other rollback
	printf 'k\nc\n' >sql/p/seeds/names.csv
	run -0 periodic
	assert_equal "noted later" t "$(sql "select complete_through > '2020-01-01' from millrace.model where model = 'p.sums'")"
}

@test "old runs are forgotten, but for what models last did" {
	periodic
	feed "('a', 1)"
	periodic
	local last
	last=$(sql "select last_run from millrace.model where model = 'p.sums'")
	sql "insert into millrace.run (command, program, host, started_at)
	     select 'run', 'test', 'test', now() - interval '1 day' * d from unnest('{29, 31, 300}'::int[]) d"
	sql "insert into millrace.run_model (run_id, model, status, action, started_at, duration_ms)
	     select run_id, 'p.sums', 'success', 'delta', started_at, 1 from millrace.run where program = 'test'"
	sql "update millrace.run set started_at = now() - interval '400 days' where run_id = $last"
	# a pass that only looks forgets nothing, one that keeps all neither
	periodic
	feed "('b', 1)"
	periodic --keep-runs 0
	assert_equal kept 3 "$(sql "select count(*) from millrace.run where program = 'test'")"
	sql "update millrace.model set last_run = $last"
	model others <<<"select k from p.sums"
	periodic -s p.others
	assert_equal kept 29 "$(sql "select extract(day from now() - r.started_at) from millrace.run r
		join millrace.run_model m using (run_id) where program = 'test'")"
	assert_equal last 1 "$(sql "select count(*) from millrace.run_model where run_id = $last")"
	feed "('c', 1)"
	periodic
	assert_equal last 0 "$(sql "select count(*) from millrace.run_model where run_id = $last")"
}

@test "the status counts the last day of a stream, and costs that day" {
	periodic
	feed "('a', 1), ('b', 2)"
	periodic
	sql "insert into millrace.load (relation, loaded_at, row_count, reject_count)
	     select 'staging.r', now() - interval '25 hours' - i * interval '1 ms', 7, 1 from generate_series(1, 50000) i"
	sql "insert into millrace.load (relation, loaded_at, row_count, reject_count)
	     values ('staging.r', now() - interval '23 hours', 5, 3)"
	sql "vacuum analyze millrace.load"
	assert_equal status "stream staging.r 2 7 3  table p.sums    success" \
		"$(sql "select kind, name, loads, rows, rejects, last_status from millrace.status order by 1" | tr '|\n' '  ' | sed 's/ $//')"
	assert_equal through t "$(sql "select bool_and(loaded_through > now() - interval '1 hour') from millrace.status")"
	sql "explain (analyze, buffers, format json) select * from millrace.status" >plan.json
	[ "$(jq '.[0].Plan | ."Shared Hit Blocks" + ."Shared Read Blocks"' plan.json)" -lt 100 ]
}

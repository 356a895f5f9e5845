#!/usr/bin/env bats
# periodic --threads: models that do not wait for each other, at the same time.

setup_file() {
	load ../support/common
	fresh_database
}
teardown_file() { drop_database; }
setup() {
	load ../support/common
	load ../support/periodic
	own_database
	cd "$BATS_TEST_TMPDIR" || return 1
	small_project
	rm sql/p/models/sums.sql
	local n
	for n in 1 2 3 4 5 6; do
		chain "$n"
	done
}
teardown() { drop_own_database; }

# chain N [EXPRESSION]: a_N over the stream, b_N over it, and view c_N over that
chain() {
	model "a_$1" <<-SQL
		-- config:
		--   materialized: incremental
		--   strategy: merge
		--   unique_key: [k]
		--   order_by: v
		select r.k, ${2:-r.v} as v from staging.r r where /*+ incremental(r.k) */ true
	SQL
	model "b_$1" <<-SQL
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: v
		select a.v, count(*) as n from p.a_$1 a where /*+ incremental(a.v) */ true group by 1
	SQL
	model "c_$1" <<-SQL
		-- config:
		--   materialized: view
		--   export: metrics/c_$1.csv order by v
		select b.v, b.n from p.b_$1 b
	SQL
}

# Every b_N, in one line.
marts() {
	local n
	for n in 1 2 3 4 5 6; do
		sql "select $n, string_agg(v || ':' || n, ' ' order by v) from p.b_$n"
	done | tr '\n' ' '
}

lines_are_whole() { ! grep -v '^periodic: ' "$1"; }

@test "independent models run at once, inputs first, and say so line by line" {
	periodic --threads 4
	feed "('a', 1), ('b', 1), ('c', 2)"
	periodic --threads 4 2>log
	lines_are_whole log
	assert_equal "what was done" 12 "$(grep -c ', +' log)"
	assert_equal marts "1|1:2 2:1 2|1:2 2:1 3|1:2 2:1 4|1:2 2:1 5|1:2 2:1 6|1:2 2:1 " "$(marts)"
	assert_equal csv "1,2" "$(sed -n 2p metrics/c_6.csv)"
	run -0 periodic --threads 4
	assert_says "nothing new"
}

@test "a failure skips its descendants and nobody else" {
	periodic --threads 4
	chain 3 "1 / (r.v - 7)"
	run -0 periodic --threads 4
	feed "('a', 7)"
	run -3 periodic --threads 4
	assert_says "p.a_3: "
	assert_says "division by zero"
	assert_equal "the rest" "error 1 skipped 2 success 15" "$(sql "
		select string_agg(status || ' ' || n, ' ' order by status) from (
			select status, count(*) as n from millrace.run_model
			where run_id = (select max(run_id) from millrace.run) group by 1) x")"
}

@test "tables that must be replaced are, one after the other, in the same pass" {
	periodic --threads 4
	feed "('a', 1), ('b', 2)"
	periodic --threads 4
	local n
	for n in 1 2 3 4 5 6; do
		chain "$n" "r.v::bigint"
	done
	run -0 periodic --threads 4
	assert_says "0 failed, 0 skipped, 0 busy elsewhere"
	assert_equal types bigint,bigint,bigint,bigint,bigint,bigint "$(sql "
		select string_agg(format_type(atttypid, null), ',') from pg_attribute
		where attrelid::regclass::text ~ '^p\.a_.$' and attname = 'v'")"
	assert_equal marts "1|1:1 2:1 2|1:1 2:1 3|1:1 2:1 4|1:1 2:1 5|1:1 2:1 6|1:1 2:1 " "$(marts)"
}

@test "a second connection is opened where there is work for two, and done without where there is none to have" {
	sql "create role narrow login connection limit 1 in role millrace_owner, millrace_ingest, millrace_aggregate"
	periodic
	feed "('a', 1), ('b', 2)"
	run -0 periodic -d user=narrow --threads 2
	assert_says "too many connections for role \"narrow\""
	assert_equal warnings 1 "$(grep -c "going on with fewer connections" <<<"$output")"
	assert_says "18 done, 0 failed"
	assert_equal marts "1|1:1 2:1 2|1:1 2:1 3|1:1 2:1 4|1:1 2:1 5|1:1 2:1 6|1:1 2:1 " "$(marts)"
	# one waits for the other
	chain 3 "r.v + 1"
	wait_for_value 10 "select count(*) from pg_stat_activity where usename = 'narrow'" 0
	run -0 periodic -d user=narrow --threads 2
	assert_says "p.b_3: recompute"
	[[ $output != *"fewer connections"* ]]
	sql "drop role narrow"
}

@test "two with threads at once: every load counts once" {
	periodic --threads 3
	local round
	for round in 1 2 3; do
		feed "('k$round', 1), ('l$round', 2)"
		periodic --threads 3 2>>log 3>&- &
		periodic --threads 3 2>>log 3>&-
		wait $!
	done
	periodic --threads 3
	assert_equal marts "1|1:3 2:3 2|1:3 2:3 3|1:3 2:3 4|1:3 2:3 5|1:3 2:3 6|1:3 2:3 " "$(marts)"
	lines_are_whole log
}

waiting_are() {
	[ "$(sql "select count(*) from pg_stat_activity where application_name = 'periodic'
		and datname = current_database() and wait_event_type = 'Lock'")" = "$1" ]
}

@test "SIGTERM ends all of them at once" {
	periodic --threads 3
	feed "('a', 1)"
	psql -XAtq >/dev/null 2>&1 <<-'SQL' 3>&- &
		begin;
		lock table p.a_1, p.a_2, p.a_3 in exclusive mode;
		select pg_sleep(600);
	SQL
	local holder=$!
	wait_for_value 10 "select count(*) from pg_locks where mode = 'ExclusiveLock' and relation::regclass::text ~ '^p\.a_.$'" 3
	periodic --threads 3 2>log 3>&- &
	local pid=$! status=0
	wait_until 10 waiting_are 3
	kill -TERM $pid
	wait $pid || status=$?
	assert_equal "exit status" 0 "$status"
	assert_equal "stopped" 3 "$(grep -c "stopped, rolled back" log)"
	sql "select pg_terminate_backend(pid) from pg_locks where relation = 'p.a_1'::regclass and mode = 'ExclusiveLock'"
	wait $holder || true
	periodic --threads 3
	assert_equal marts "1|1:1 2|1:1 3|1:1 4|1:1 5|1:1 6|1:1 " "$(marts)"
}

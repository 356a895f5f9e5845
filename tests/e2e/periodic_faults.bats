#!/usr/bin/env bats
# periodic when it is stopped, when PostgreSQL goes away, when others hold locks.

setup_file() {
	load ../support/common
	own_server
}
teardown_file() { drop_database; }
setup() {
	load ../support/common
	load ../support/periodic
	own_database
	cd "$BATS_TEST_TMPDIR" || return 1
	small_project
	model after <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: k
		select s.k, s.total from p.sums s where /*+ incremental(s.k) */ true
	SQL
	periodic
	feed "('a', 1)"
}
teardown() { drop_own_database; }

@test "standard descriptors that are closed do not become sockets" {
	periodic <&- >&- 2>&- # with descriptor 1 a socket, words would go to PostgreSQL
	assert_equal mart 1 "$(sql "select total from p.sums where k = 'a'")"
}

@test "SIGTERM cancels the statement at work, rolls back and is no error" {
	hold p.sums
	periodic 2>log 3>&- &
	local pid=$! status=0
	is_held_up
	kill -TERM $pid
	wait $pid || status=$?
	assert_equal "exit status" 0 "$status"
	let_go
	grep -q "p.sums: stopped, rolled back" log
	run -1 grep -q "p.after" log
	assert_equal log "stopped|stopped" "$(sql "
		select r.status, m.status from millrace.run r join millrace.run_model m using (run_id)
		order by run_id desc limit 1")"
	run -0 periodic
	[[ $output == *"p.sums: delta, +1"* && $output == *"p.after: recompute, +1"* ]]
}

# A model that reads neither p.sums nor anything of it.
lonely() {
	model lonely <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
}

@test "SIGTERM is heeded while it asks what is new, or tests, or shows" {
	mkdir -p sql/p/tests
	echo "select k from p.sums where n < 0" >sql/p/tests/negative.sql
	hold millrace.model "access exclusive"
	stop_held_up periodic run
	grep -q "asked to stop" log
	run -1 grep -q "nothing new\|error" log
	stop_held_up periodic plan
	stop_held_up periodic test
	stop_held_up periodic audit
	stop_held_up periodic watch
	let_go
	periodic
	hold p.sums "access exclusive"
	stop_held_up periodic test
	run -1 grep -q "fail\|error" log
	stop_held_up periodic audit
	run -1 grep -q "differ" log
	let_go
	assert_equal log "test stopped" "$(sql "
		select command || ' ' || status from millrace.run where command in ('test', 'audit')")"
	run -0 periodic test
}

@test "SIGTERM while it tidies leaves that to the next one, and what is done is said" {
	hold millrace.seal
	stop_held_up periodic run
	grep -q "2 done, 0 failed" log
	let_go
	assert_equal mart "a|1|1" "$(sql 'select k, n, total from p.sums')"
	run -0 periodic
	assert_says "nothing new"
}

@test "a value that no index can hold says what to do, and its load can be left out" {
	periodic
	feed "((select string_agg(md5(i::text), '') from generate_series(1, 2000) i), 1)"
	run -3 periodic
	assert_says "p.sums: index row requires"
	assert_says "periodic exclude p.sums LOAD"
	periodic exclude p.sums "$(sql "select max(load_id) from millrace.load where relation = 'staging.r'")"
	feed "('b', 2)"
	run -0 periodic
	assert_equal mart "b|2" "$(sql "select k, total from p.sums where k = 'b'")"
}

@test "what happens to one model from outside is told, and others go on" {
	lonely
	periodic
	feed "('b', 2)"
	hold p.sums
	run -3 periodic --lock-timeout 200ms
	assert_says "p.sums: waited 200 ms (lock-timeout) for a lock: pid"
	assert_says "(holder) has held ExclusiveLock on p.sums for"
	assert_says "p.lonely: append, +1"
	assert_says "p.after: skipped"

	local ending
	for ending in "pg_cancel_backend|somebody cancelled its statement" \
		"pg_terminate_backend|the connection was lost, and it was rolled back: terminating connection"; do
		feed "('c', 3)"
		periodic 2>log 3>&- &
		local pid=$! status=0
		is_held_up
		sql "select ${ending%|*}(pid) from pg_stat_activity where application_name = 'periodic' and wait_event_type = 'Lock'"
		wait $pid || status=$?
		output=$(cat log)
		assert_equal "exit status after $ending" 3 "$status"
		assert_says "p.sums: ${ending#*|}"
		assert_says "p.lonely: append, +1"
		assert_says "p.after: skipped"
	done
	let_go
	run -0 periodic
	assert_equal mart "a|1|1 b|1|2 c|2|6" "$(sql "select string_agg(concat_ws('|', k, n, total), ' ' order by k) from p.sums")"
}

@test "what is noted of models meanwhile does not undo one that runs" {
	lonely
	periodic
	feed "('b', 2)"
	complete() { sql "select complete_through from millrace.model where model = '$1'"; }
	local before moved
	before=$(complete p.sums)
	moved=$(complete p.lonely)
	hold p.sums
	periodic --lock-timeout 1h 2>log 3>&- &
	local pid=$!
	is_held_up
	lonely_moves() { feed "('c', 3)" && periodic -s p.lonely && [ "$(complete p.lonely)" != "$moved" ]; }
	wait_until 20 lonely_moves
	assert_equal "the one that runs" "$before" "$(complete p.sums)"
	let_go
	wait $pid
	sums_move() { feed "('d', 4)" && periodic && [ "$(complete p.sums)" != "$before" ]; }
	wait_until 20 sums_move
}

@test "a statement that takes too long is cancelled by the server" {
	lonely
	model slow <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select r.k, pg_sleep(600)::text as slept from staging.r r where /*+ incremental(r.k) */ true
	SQL
	local timeout
	for timeout in 1 4 16; do # until that is enough for all others
		run periodic --statement-timeout "${timeout}s"
		[[ $output != *"p.lonely: build"* ]] || break
	done
	assert_status 3
	assert_says "p.slow: a statement was cancelled after $timeout s: it ran into statement-timeout"
}

@test "killed while it waits, it leaves nothing behind, and the next one goes on" {
	hold p.sums
	periodic 2>log 3>&- &
	local pid=$!
	is_held_up
	kill -KILL $pid
	wait $pid || true
	let_go
	wait_for_value 20 "select count(*) from pg_locks where locktype = 'advisory'" 0
	run -0 periodic
	assert_equal mart "a|1|1" "$(sql 'select k, n, total from p.sums')"
	assert_equal mart "a|1" "$(sql 'select k, total from p.after')"
}

@test "PostgreSQL dies in the middle: exit status 4, and nothing is lost or doubled" {
	hold p.sums
	periodic --retry-timeout 0 2>log 3>&- &
	local pid=$! status=0
	is_held_up
	crash_server
	wait $pid || status=$?
	assert_equal "exit status" 4 "$status"
	run -4 periodic --retry-timeout 0
	start_server
	run -0 periodic
	assert_equal mart "a|1|1" "$(sql 'select k, n, total from p.sums')"
	run -0 periodic
	[[ $output == *"nothing new"* ]]
}

@test "killed at every point, a run leaves what was, or what will be" {
	local point
	for point in run-begun run-consumed run-applied run-tested run-committed export-written; do
		feed "('a', 1), ('$point', 1)"
		MILLRACE_FAULT=$point run -137 periodic
		wait_for_value 20 "select count(*) from pg_locks where locktype = 'advisory'" 0
		run -0 periodic
		assert_equal "$point" "1" "$(sql "select n from p.sums where k = '$point'")"
	done
	assert_equal sums "7|7" "$(sql "select n, total from p.sums where k = 'a'")"
	assert_equal after "7" "$(sql "select total from p.after where k = 'a'")"
	assert_equal csv "a,7,7" "$(grep ^a, metrics/sums.csv)"
}

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

# A session that keeps periodic waiting for p.sums until release.
hold() {
	psql -XAtq >/dev/null 2>&1 <<-'SQL' 3>&- &
		begin;
		lock table p.sums in exclusive mode;
		select pg_sleep(600);
	SQL
	wait_for_value 10 "select count(*) from pg_locks where relation = 'p.sums'::regclass and mode = 'ExclusiveLock'" 1
}
release() {
	sql "select pg_terminate_backend(pid) from pg_locks where relation = 'p.sums'::regclass and mode = 'ExclusiveLock'"
}
is_waiting() {
	[ "$(sql "select count(*) from pg_stat_activity where application_name = 'periodic' and wait_event_type = 'Lock'")" = 1 ]
}

@test "standard descriptors that are closed do not become sockets" {
	periodic <&- >&- 2>&- # with descriptor 1 a socket, words would go to PostgreSQL
	assert_equal mart 1 "$(sql "select total from p.sums where k = 'a'")"
}

@test "SIGTERM cancels the statement at work, rolls back and is no error" {
	hold
	periodic 2>log 3>&- &
	local pid=$! status=0
	wait_until 10 is_waiting
	kill -TERM $pid
	wait $pid || status=$?
	assert_equal "exit status" 0 "$status"
	release
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

@test "what happens to one model from outside is told, and others go on" {
	lonely
	periodic
	feed "('b', 2)"
	hold
	run -3 periodic --lock-timeout 200ms
	assert_says "p.sums: waited 200 ms (lock-timeout) for a lock: pid"
	assert_says "(psql) has held ExclusiveLock on p.sums for"
	assert_says "p.lonely: append, +1"
	assert_says "p.after: skipped"

	local ending
	for ending in "pg_cancel_backend|somebody cancelled its statement" \
		"pg_terminate_backend|the connection was lost, and it was rolled back: terminating connection"; do
		feed "('c', 3)"
		periodic 2>log 3>&- &
		local pid=$! status=0
		wait_until 10 is_waiting
		sql "select ${ending%|*}(pid) from pg_stat_activity where application_name = 'periodic' and wait_event_type = 'Lock'"
		wait $pid || status=$?
		output=$(cat log)
		assert_equal "exit status after $ending" 3 "$status"
		assert_says "p.sums: ${ending#*|}"
		assert_says "p.lonely: append, +1"
		assert_says "p.after: skipped"
	done
	release
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
	hold
	periodic 2>log 3>&- &
	local pid=$!
	wait_until 10 is_waiting
	lonely_moves() { feed "('c', 3)" && periodic -s p.lonely && [ "$(complete p.lonely)" != "$moved" ]; }
	wait_until 20 lonely_moves
	assert_equal "the one that runs" "$before" "$(complete p.sums)"
	release
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
		select r.k, pg_sleep(60)::text as slept from staging.r r where /*+ incremental(r.k) */ true
	SQL
	run -3 periodic --statement-timeout 1s
	assert_says "p.slow: a statement was cancelled after 1 s: it ran into statement-timeout"
	assert_says "p.lonely: build"
}

@test "killed while it waits, it leaves nothing behind, and the next one goes on" {
	hold
	periodic 2>log 3>&- &
	local pid=$!
	wait_until 10 is_waiting
	kill -KILL $pid
	wait $pid || true
	release
	wait_for_value 20 "select count(*) from pg_locks where locktype = 'advisory'" 0
	run -0 periodic
	assert_equal mart "a|1|1" "$(sql 'select k, n, total from p.sums')"
	assert_equal mart "a|1" "$(sql 'select k, total from p.after')"
}

@test "PostgreSQL dies in the middle: exit status 4, and nothing is lost or doubled" {
	hold
	periodic --retry-timeout 0 2>log 3>&- &
	local pid=$! status=0
	wait_until 10 is_waiting
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

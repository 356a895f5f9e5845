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

@test "SIGTERM ends the run after the model at work" {
	hold
	periodic 2>log 3>&- &
	local pid=$!
	wait_until 10 is_waiting
	kill -TERM $pid
	release
	wait $pid
	grep -q "p.sums: delta, +1" log
	run -1 grep -q "p.after" log
	assert_equal status stopped "$(sql "select status from millrace.run order by run_id desc limit 1")"
	run -0 periodic
	[[ $output == *"p.after: recompute, +1"* ]]
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

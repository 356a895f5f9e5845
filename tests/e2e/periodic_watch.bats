#!/usr/bin/env bats
# periodic watch: runs when there is something new, whatever happens meanwhile.

load ../support/small_project
load ../support/watch

setup_file() { own_server; }

@test "a load that notifies is in the mart at once; one row of the log tells of many passes" {
	watch
	local n
	for n in 1 2 3; do
		feed_and_notify "('a', 1)"
		total_is a "$n"
	done
	stop
	assert_equal log "watch|stopped|1|3|3" "$(sql "
		select r.command, r.status, count(*), sum(m.loads), sum(m.inserted)
		from millrace.run r join millrace.run_model m using (run_id) group by 1, 2")"
	grep -q "p.sums: build" log
	run -1 grep "p.sums: delta" log
	grep -q "4 model runs, 0 failed" log
}

@test "a writer that does not notify is found by looking now and then" {
	watch --poll 200ms
	feed "('a', 7)"
	total_is a 7
	stop
}

@test "idle, it asks nothing" {
	watch
	feed_and_notify "('a', 1)"
	total_is a 1
	wait_for_value 20 "select bool_and(state_change < now() - interval '4 s') from pg_stat_activity
		where application_name = 'periodic' and datname = current_database()" t
	stop
}

@test "lag: a model that may be stale runs at most that often" {
	sed -i 's/^--   by: k/--   by: k\n--   lag: 1h/' sql/p/models/sums.sql
	model fresh <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
	watch
	feed_and_notify "('a', 1)"
	wait_for_value 20 "select count(*) from p.fresh" 1
	feed_and_notify "('a', 1)"
	wait_for_value 20 "select count(*) from p.fresh" 2
	assert_equal "not yet" "" "$(sql "select total from p.sums")"
	stop
	periodic
	assert_equal "another run does it" 2 "$(sql "select total from p.sums")"
	run -2 env PERIODIC_TARGET_LAG=soon periodic watch
}

@test "a changed file is read, one with a mistake is told and left" {
	watch
	printf -- '-- config:\n--   materialised: table\nselect 1 as one\n' >more.new # not read half written
	mv more.new sql/p/models/more.sql
	wait_until 20 grep -q "going on with the files as they were" log
	grep -q "more.sql:2" log
	feed_and_notify "('a', 1)"
	total_is a 1
	printf -- '-- config:\n--   materialized: table\nselect 2 as two\n' >sql/p/models/more.sql
	wait_for_value 20 "select two from p.more" 2
	stop
}

@test "a model that fails does not stop the others, and is tried again" {
	model after <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select 1 / r.v as v from staging.r r where /*+ incremental(r.k) */ true
	SQL
	watch
	feed_and_notify "('a', 1), ('b', 0)"
	total_is a 1
	wait_until 20 grep -q "p.after: .*division by zero" log
	sql "delete from staging.r where v = 0"
	wait_for_value 20 "select v from p.after" 1
	stop
}

@test "PostgreSQL restarts: told once, waited for, nothing lost or doubled" {
	watch
	feed_and_notify "('a', 1)"
	total_is a 1
	crash_server
	wait_until 20 grep -q "waiting for the database to come back" log
	start_server
	wait_until 30 grep -q "the database is back" log
	feed_and_notify "('a', 1)"
	total_is a 2
	sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'periodic'"
	feed_and_notify "('a', 1)"
	total_is a 3
	assert_equal "told" 2 "$(grep -c "the database is back" log)"
	stop
	assert_equal "every run has ended" 0 "$(sql "select count(*) from millrace.run where status is null")"
}

@test "SIGHUP looks at once; SIGTERM in a statement rolls it back" {
	watch
	feed "('a', 1)"
	kill -HUP "$WATCH"
	total_is a 1
	hold p.sums
	feed_and_notify "('a', 1)"
	is_held_up
	stop
	grep -q "p.sums: stopped, rolled back" log
	let_go
	periodic
	assert_equal mart 2 "$(sql "select total from p.sums")"
}

@test "old versions go when every reader has passed, however busy it is with others" {
	model best <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: merge
		--   unique_key: [k]
		--   order_by: v desc
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
	model passed <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select s.k from staging.s s where /*+ incremental(s.k) */ true
	SQL
	model of_best <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: k
		select b.k, b.v from p.best b where /*+ incremental(b.k) */ true
	SQL
	sed 's/staging\.r /staging.s /; s/stream: r/stream: s/' sql/p/streams/r.sql >sql/p/streams/s.sql
	watch
	feed_and_notify "('a', 1)"
	wait_for_value 20 "select v from p.of_best" 1
	feed_and_notify "('a', 2)"
	wait_for_value 20 "select v from p.of_best" 2
	# the passes before it tidies are of others
	feed "('x', 1)" s
	sql "notify millrace"
	wait_for_value 20 "select count(*) from p.passed" 1
	wait_for_value 20 "select count(*) from millrace_old.p__best" 0
	stop
}

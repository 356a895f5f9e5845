#!/usr/bin/env bats
# periodic watch with several threads: who is slow keeps nobody waiting.

load ../support/small_project
load ../support/watch

setup() {
	own_database
	cd "$BATS_TEST_TMPDIR" || return 1
	small_project
	append slow
}

# append NAME [EXPRESSION]: a model that only adds the rows of r
append() {
	model "$1" <<-SQL
		-- config:
		--   materialized: incremental
		--   strategy: append
		select r.k, ${2:-r.v} as v from staging.r r where /*+ incremental(r.k) */ true
	SQL
}

# p.slow takes as long as somebody holds its table; it works on row $1 then
slow_begins() {
	hold p.slow
	feed_and_notify "$1"
	is_held_up
}
rows_are() { wait_for_value 20 "select string_agg(k || v, ' ' order by k, v) from p.$1" "$2"; }

@test "while a model is slow, the others go on; what it has missed it takes at once, without further news" {
	model of_sums <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: k
		select s.k, s.total from p.sums s where /*+ incremental(s.k) */ true
	SQL
	watch
	slow_begins "('a', 1)"
	local n
	for n in 2 3 4; do
		total_is a $((n - 1))
		feed_and_notify "('a', 1), ('b', $n)"
		wait_for_value 20 "select total from p.of_sums where k = 'a'" "$n"
	done
	assert_equal "not yet" "" "$(sql "select string_agg(k, '') from p.slow")"
	let_go
	rows_are slow "a1 a1 a1 a1 b2 b3 b4"
	assert_equal "in two steps" 2 "$(sql "select count(*) from millrace.load where relation = 'p.slow' and row_count > 0")"
	stop
	# in one row of each minute
	assert_equal log "success|4|7" "$(sql "
		select string_agg(distinct status, ' '), sum(loads), sum(inserted) from millrace.run_model where model = 'p.slow' and loads > 0")"
	assert_equal "every run has ended" 0 "$(sql "select count(*) from millrace.run where status is null")"
}

@test "stopped or killed meanwhile, nothing is lost or doubled" {
	watch
	slow_begins "('a', 1)"
	total_is a 1
	stop
	grep -q "p.slow: stopped, rolled back" log
	run -1 grep "p.sums: stopped" log
	begin_watch
	is_held_up
	feed_and_notify "('a', 2)"
	total_is a 3
	kill -KILL "$WATCH"
	wait "$WATCH" || true
	WATCH=
	let_go
	watch
	rows_are slow "a1 a2"
	assert_equal sums 3 "$(sql "select total from p.sums")"
	stop
}

@test "a changed file is read when what is being worked on is over" {
	watch
	slow_begins "('a', 1)"
	append slow "r.v + 10"
	append more
	wait_until 20 grep -q "read when what is being worked on" log
	let_go
	rows_are more "a1"
	feed_and_notify "('b', 1)"
	rows_are slow "a11 b11"
	stop
}

@test "a worker's connection is lost: that model is tried again, the others go on" {
	watch
	slow_begins "('a', 1)"
	sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'periodic'
		and datname = current_database() and wait_event_type = 'Lock'"
	wait_until 20 grep -q "p.slow: .*rolled back" log
	feed_and_notify "('a', 1)"
	total_is a 2
	let_go
	rows_are slow "a1 a1"
	# idle ones are noticed when they are needed
	sql "select pg_terminate_backend(pid) from pg_stat_activity
		where application_name = 'periodic' and datname = current_database() and query !~ 'listen'"
	feed_and_notify "('a', 1)"
	total_is a 3
	rows_are slow "a1 a1 a1"
	stop
}

@test "a table is replaced in the midst of it all" {
	append quick
	watch
	local n
	(
		until [ -e enough ]; do
			feed_and_notify "('a', 0)" # however many they become, p.sums passes its tests
		done
	) 3>&- &
	local feeder=$!
	wait_until 20 value_is "select count(*) > 3 from p.slow" t
	append slow "r.v::bigint"
	wait_for_value 30 "select format_type(atttypid, null) from pg_attribute
		where attrelid = to_regclass('p.slow') and attname = 'v'" bigint
	touch enough
	wait $feeder
	n=$(sql "select count(*) from staging.r")
	wait_for_value 20 "select count(*) from p.slow" "$n"
	wait_for_value 20 "select count(*) from p.quick" "$n"
	wait_for_value 20 "select n from p.sums" "$n" # whoever is stopped has not succeeded
	stop
	assert_equal failed 0 "$(sql "select count(*) from millrace.run_model where status <> 'success'")"
}

@test "with one connection and no more it makes passes" {
	sql "create role watcher login connection limit 1 in role millrace_owner, millrace_ingest, millrace_aggregate"
	periodic
	watch -d user=watcher
	feed_and_notify "('a', 1)"
	total_is a 1
	rows_are slow "a1"
	feed_and_notify "('a', 1)"
	total_is a 2
	assert_equal told 1 "$(grep -c "going on with fewer connections" log)"
	stop
	sql "drop role watcher"
}

@test "what has a test in common has its turn together; a slow one among them keeps only those waiting" {
	append quick
	mkdir -p sql/p/tests
	echo "select s.k from p.sums s where s.n <> (select count(*) from p.slow w where w.k = s.k)" \
		>sql/p/tests/as_many.sql
	watch
	slow_begins "('a', 1)"
	rows_are quick "a1"
	feed_and_notify "('a', 1)"
	rows_are quick "a1 a1"
	let_go
	rows_are slow "a1 a1"
	total_is a 2
	local n
	for n in 3 4 5 6; do
		feed_and_notify "('a', 1)"
		total_is a "$n"
		wait_for_value 20 "select count(*) from p.slow" "$n" # whoever is stopped has not succeeded
	done
	stop
	assert_equal "the test" "pass" "$(sql "select status from millrace.test_result where test like '%as_many%' order by run_id desc limit 1")"
	run -1 grep error log
}

@test "what came too late for them has the next turn, without further news" {
	mkdir -p sql/p/tests
	echo "select s.k from p.sums s where s.n <> (select count(*) from p.slow w where w.k = s.k)" \
		>sql/p/tests/as_many.sql
	local threads n=0
	for threads in 1 2; do
		watch --threads $threads
		hold "p.slow, p.sums"
		feed_and_notify "('a', 1)"
		is_held_up
		feed "('a', 1)"
		let_go
		n=$((n + 2))
		total_is a $n
		wait_for_value 20 "select count(*) from p.slow" $n
		assert_equal "in two turns" $n "$(sql "select count(*) from millrace.load where relation = 'p.slow' and row_count > 0")"
		stop
		run -1 grep error log
	done
}

@test "what reads a model that fails is left out, tried again with it, and told" {
	model after <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select 1 / r.v as v, r.k from staging.r r where /*+ incremental(r.k) */ true
	SQL
	model of_after <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select a.k, a.v from p.after a where /*+ incremental(a.k) */ true
	SQL
	watch
	feed_and_notify "('a', 1), ('b', 0)"
	wait_until 20 grep -q "p.after: .*division by zero" log
	wait_until 20 grep -q "p.of_after: skipped" log
	total_is a 1
	rows_are slow "a1 b0"
	sql "delete from staging.r where v = 0"
	rows_are of_after "a1"
	stop
}

@test "what has failed is tried again together with what it has a test in common with" {
	mkdir -p sql/p/tests
	echo "(select k, v from p.quick except all select k, v from p.slow) union all (select k, v from p.slow except all select k, v from p.quick)" \
		>sql/p/tests/same_rows.sql
	append quick
	watch
	mkfifo other
	psql -XAtq <other >/dev/null 3>&- &
	exec 9>other
	echo "select pg_advisory_lock(x'6d72756e'::int, hashtext('p.quick'));" >&9
	wait_for_value 10 "select count(*) from pg_locks where locktype = 'advisory' and classid = x'6d72756e'::int and granted" 1
	# with p.quick somewhere else it would be alone, and rests longer and longer
	local n=1 rows=a1 patience=200
	feed_and_notify "('a', 1)"
	while ! grep -q "p.slow: test .* fails" log; do
		# it was first, and left the test to p.quick: next time it is not
		if [ "$(sql "select count(*) from p.slow")" = $n ]; then
			n=$((n + 1)) rows="$rows a$n"
			[ $n -lt 10 ]
			feed_and_notify "('a', $n)"
		fi
		[ $((patience -= 1)) -gt 0 ]
		sleep 0.1
	done
	echo "select pg_sleep(4.5), pg_advisory_unlock_all();" >&9
	exec 9>&-
	rows_are slow "$rows"
	rows_are quick "$rows"
	stop
}

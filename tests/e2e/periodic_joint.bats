#!/usr/bin/env bats
# Models that have a test in common take the same loads, whatever is committed
# while one after the other has its turn.

load ../support/small_project

setup() {
	own_database
	cd "$BATS_TEST_TMPDIR" || return 1
	small_project
	sed -i '/tests:/,/total/d' sql/p/models/sums.sql
	sed 's/sums.csv/same.csv/' sql/p/models/sums.sql >sql/p/models/same.sql
	agree p.same
}

# agree MODEL: a test that it is like p.sums
agree() {
	mkdir -p sql/p/tests
	echo "(select k, n, total from p.sums except select k, n, total from $1)
		union all (select k, n, total from $1 except select k, n, total from p.sums)" >"sql/p/tests/${1#p.}_agrees.sql"
}

# begin_held TABLES OPTION...: periodic, whose first model to reach one of these
# tables has looked at the loads, and waits; finish: it goes on, and its exit
# status is to be this one
begin_held() {
	hold "$1"
	periodic "${@:2}" 2>log 3>&- &
	RUNNING=$!
	is_held_up
}
# begin_looked OPTION...: the run has looked, and no model has begun
begin_looked() { begin_held millrace.run "$@"; }
finish() {
	local status=0
	let_go
	wait "$RUNNING" || status=$?
	assert_equal "exit status: $(cat log)" "$1" "$status"
}

both() { sql "select (select string_agg(k || total, ' ' order by k) from p.sums), (select string_agg(k || total, ' ' order by k) from p.same)"; }

@test "a load that comes between two of them is for the next run, of both" {
	periodic
	feed "('a', 1)"
	begin_held "p.sums, p.same" --threads 1
	feed "('a', 2)"
	finish 0
	assert_equal "as it was looked at" "a1|a1" "$(both)"
	run -0 periodic
	assert_equal "and then" "a3|a3" "$(both)"
	run -0 periodic
	assert_says "nothing new"
}

@test "so does a model that is computed as a whole; whoever reads but models takes what those have taken" {
	model whole <<<"-- config:
--   materialized: table
select r.k, count(*) as n, sum(r.v) as total from staging.r r group by 1"
	model rows <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
	model of_rows <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: k
		select r.k, count(*) as n, sum(r.v) as total from p.rows r where /*+ incremental(r.k) */ true group by 1
	SQL
	agree p.whole
	agree p.of_rows
	periodic
	feed "('a', 1)"
	begin_held "p.whole, p.rows, p.sums, p.same" --threads 1
	feed "('a', 2), ('b', 1)"
	finish 0
	local name
	for name in sums same whole of_rows; do assert_equal "p.$name" "a|1" "$(sql "select k, total from p.$name")"; done
	run -0 periodic
	for name in sums same whole of_rows; do assert_equal "p.$name" "a|3 b|1 " "$(sql "select k, total from p.$name order by 1" | tr '\n' ' ')"; done
	run -0 periodic
	assert_says "nothing new"
	run -0 periodic audit
}

@test "relationships: a child and its parent that come after the look" {
	sed 's/staging.r /staging.known /; s/stream: r/stream: known/' sql/p/streams/r.sql >sql/p/streams/known.sql
	rm -r sql/p/tests sql/p/models/s*.sql
	model a_parents <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select r.k from staging.known r where /*+ incremental(r.k) */ true
	SQL
	model children <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		-- tests:
		--   - relationships: k -> p.a_parents.k
		select r.k from staging.r r where /*+ incremental(r.k) */ true
	SQL
	periodic
	feed "('a', 1)" known
	feed "('a', 1)"
	begin_held p.a_parents --threads 1
	feed "('b', 1)" known
	feed "('b', 1)"
	finish 0
	assert_equal children a "$(sql "select string_agg(k, ' ' order by k) from p.children")"
	run -0 periodic
	assert_equal children "a b" "$(sql "select string_agg(k, ' ' order by k) from p.children")"
}

@test "one that is tried again, in steps, takes no more than it would have" {
	periodic
	local n
	for n in 1 2 3; do feed "('a', 1)"; done
	begin_held "p.sums, p.same" --threads 1 --max-loads 1
	feed "('a', 5)"
	# whichever it is, another has written its row
	sql "update millrace.model set queued = queued"
	finish 0
	assert_equal "as it was looked at" "a3|a3" "$(both)"
	assert_equal "all of them" 3 "$(sql "select loads from millrace.run_model where model = 'p.sums' order by run_id desc limit 1")"
	run -0 periodic
	assert_equal "and then" "a8|a8" "$(both)"
}

@test "beside a load that fails its tests: that one waits, the late one is next" {
	sed -i '1a -- tests:\n--   - expression: v < 100' sql/p/streams/r.sql
	periodic
	feed "('a', 500)"
	feed "('a', 1)"
	begin_held "p.sums, p.same" --threads 1
	feed "('a', 2)"
	feed "('a', 600)" # not judged yet
	finish 3
	assert_equal "as it was looked at" "a1|a1" "$(both)"
	assert_equal "judged" 2 "$(grep -c "load .* waits" log)"
	run -3 periodic
	assert_equal "without those that fail" "a3|a3" "$(both)"
	assert_equal "judged" 4 "$(grep -c "load .* waits" <<<"$output")"
	sql "update staging.r set v = 10 where v > 100"
	run -0 periodic
	assert_equal "all of them" "a23|a23" "$(both)"
	run -0 periodic
	assert_says "nothing new"
}

@test "nothing is passed over: the ledger is sealed meanwhile" {
	periodic
	feed "('a', 1)"
	begin_looked --threads 1
	feed "('a', 2)"
	sql "update millrace.seal set sealed_load = (select max(load_id) from millrace.load), sealed_at = now()"
	finish 0
	assert_equal "as it was looked at" "a1|a1" "$(both)"
	run -0 periodic
	assert_equal "and then" "a3|a3" "$(both)"
	run -0 periodic
	assert_says "nothing new"
}

@test "compared with the stream itself, models take all that is there" {
	rm -r sql/p/tests sql/p/models/same.sql
	mkdir sql/p/tests
	echo "select s.n from (select count(*) as n from staging.r r) s, (select coalesce(sum(m.n), 0) as n from p.sums m) m
		where s.n <> m.n" >sql/p/tests/complete.sql
	periodic
	feed "('a', 1)"
	begin_looked
	feed "('a', 2)"
	finish 0
	assert_equal sums "a|2|3 " "$(sums)"
	# by a view, in a test of files or of the view's own
	model shown <<<"select r.k, count(*) as n from staging.r r group by 1"
	echo "select s.k from p.shown s left join p.sums m using (k) where s.n is distinct from m.n" >sql/p/tests/complete.sql
	run -0 periodic
	feed "('a', 3)"
	begin_looked
	feed "('a', 4)"
	finish 0
	assert_equal sums "a|4|10 " "$(sums)"
	model same <sql/p/models/sums.sql
	sed -i 's/sums.csv/same.csv/' sql/p/models/same.sql
	agree p.same
	rm sql/p/tests/complete.sql
	model shown <<-'SQL'
		-- tests:
		--   - expression: missing = 0
		select (select count(*) from staging.r r) - (select coalesce(sum(m.n), 0) from p.sums m) as missing
	SQL
	run -0 periodic
	feed "('a', 5)"
	begin_looked
	feed "('a', 6)"
	finish 0
	assert_equal sums "a21|a21" "$(both)"
}

@test "what cannot be left unread is taken: a replaced range, and what is seen through a view" {
	model shown <<<"select r.k, r.v from staging.r r"
	model by_view <<-'SQL'
		-- config:
		--   materialized: table
		select s.k, count(*) as n, sum(s.v) as total from p.shown s group by 1
	SQL
	agree p.by_view
	periodic
	feed "('a', 1)"
	begin_looked --threads 1
	feed "('a', 2)"
	let_go
	wait "$RUNNING" || true # the others have left it
	run -0 periodic
	assert_equal sums "a3|a3" "$(both)"
	rm sql/p/models/by_view.sql sql/p/tests/by_view_agrees.sql
	run -0 periodic
	feed "('a', 4), ('b', 1)"
	begin_looked
	sql "begin isolation level repeatable read;
	     insert into millrace.load (relation, loaded_at, op, row_count, parts) values ('staging.r', now(), 'd', 1, '[\"0\", \"9\"]');
	     select millrace.replace_range('r', 'loaded_at', now() - interval '1 day', now());
	     insert into staging.r (k, v) values ('a', 8); commit"
	finish 0
	assert_equal sums "a8|a8" "$(both)"
	run -0 periodic
	assert_says "nothing new"
	run -0 periodic audit
}

@test "a backlog that is worked off in steps is compared at the end of it" {
	periodic
	local n
	for n in 1 2 3; do feed "('a', $n)"; done
	run -0 periodic --max-loads 1 --threads 1
	assert_equal "all of it" "a6|a6" "$(both)"
	assert_equal "compared" "1|pass" "$(sql "select count(*), max(status) from millrace.test_result where test ~ 'same_agrees'
		and run_id = (select max(run_id) from millrace.run)")"
	assert_equal "none is due" 0 "$(sql "select count(*) from millrace.due_test")"
	# what the last step adds to may be wrong since the first
	sql "update p.same set total = 0"
	for n in 4 5; do feed "('a', $n)"; done
	run -3 periodic --max-loads 1 --threads 1
	assert_says "p/tests/same_agrees.sql of p.sums fails"
	assert_equal "still due" 1 "$(sql "select count(*) from millrace.due_test")"
}

@test "a test that is left, and that another program has just run, is run once more" {
	periodic
	sql "insert into millrace.due_test values ('p/tests/same_agrees.sql')"
	mkfifo other
	psql -XAtq <other >/dev/null 3>&- &
	exec 9>other
	echo "begin; delete from millrace.due_test;" >&9
	wait_for_value 10 "select count(*) from pg_stat_activity where state = 'idle in transaction' and datname = current_database()" 1
	periodic 2>log 3>&- 9>&- &
	RUNNING=$!
	is_held_up
	echo "commit;" >&9
	exec 9>&-
	local status=0
	wait "$RUNNING" || status=$?
	assert_equal "exit status: $(cat log)" 0 "$status"
	assert_equal "none is due" 0 "$(sql "select count(*) from millrace.due_test")"
	assert_equal "run" "1|pass" "$(sql "select count(*), max(status) from millrace.test_result where test ~ 'same_agrees'
		and run_id = (select max(run_id) from millrace.run)")"
}

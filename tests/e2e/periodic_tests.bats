#!/usr/bin/env bats
# What may be promised of marts: tests of every kind, on and before publication.

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
	sed -i '/tests:/,/total/d' sql/p/models/sums.sql
	mkdir -p sql/p/tests
}
teardown() { drop_own_database; }

# Rows per key, and who is known: a child and a parent with a stream each.
two_models() {
	sed 's/staging.r /staging.known /; s/stream: r/stream: known/' sql/p/streams/r.sql >sql/p/streams/known.sql
	model users <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [k]
		--   rows: n
		--   by: k
		select r.k, coalesce(sum(r.v), 0) as n from staging.known r where /*+ incremental(r.k) */ true group by 1
	SQL
	model views <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		-- tests:
		--   - relationships: k -> p.users.k
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
	rm sql/p/models/sums.sql
}

know() { feed "$1" known; }

@test "relationships: orphans are refused, whichever of the two changes" {
	two_models
	periodic
	know "('a', 1), ('b', 1)"
	feed "('a', 1), (null, 2)"
	run -0 periodic
	# an orphan: the child stays as it was
	feed "('c', 7)"
	run -3 periodic
	assert_says "p.views: test relationships(k -> p.users.k) of p.views fails for 1 row"
	assert_equal sample c "$(sql "select sample->0->>'k' from millrace.test_result where status = 'fail'")"
	# the parent that was missing comes in the same pass, in whatever order
	know "('c', 1)"
	run -0 periodic
	assert_equal rows "a c -" "$(sql "select string_agg(coalesce(k, '-'), ' ' order by k) from p.views")"
	# a parent that goes away holds the publication of the parents
	know "('a', -1)"
	run -3 periodic
	assert_says "p.users: test relationships(k -> p.users.k) of p.views fails for 1 row"
	assert_equal parents "a b c" "$(sql "select string_agg(k, ' ' order by k) from p.users")"
	# one that nobody points to may go
	know "('a', 1), ('b', -1)"
	run -0 periodic
	assert_equal parents "a c" "$(sql "select string_agg(k, ' ' order by k) from p.users")"
}

@test "relationships: two periodic at once, each with one of the two, publish no orphan" {
	two_models
	periodic
	feed "('a', 1)" known
	periodic
	# one is about to write a child, in a snapshot that has its parent
	feed "('a', 5)"
	coproc psql -XAtq
	echo "begin; lock table p.views in exclusive mode; select 'held';" >&"${COPROC[1]}"
	read -r -u "${COPROC[0]}" _
	periodic -s p.views 2>log 3>&- &
	local first=$! second
	wait_for_value 10 "select count(*) from pg_locks where not granted and relation = 'p.views'::regclass" 1
	# another takes the parent away
	feed "('a', -1)" known
	run -0 periodic -s p.users --lock-timeout 300ms
	assert_says "p.users: another periodic is working on it, or on what it has a test in common with"
	periodic -s p.users 2>log.2 3>&- &
	second=$!
	wait_for_value 10 "select count(*) from pg_locks where not granted and locktype = 'advisory'" 1
	echo "commit;" >&"${COPROC[1]}"
	wait "$first"
	local status=0
	wait "$second" || status=$?
	assert_equal "exit status" 3 "$status"
	grep -q "test relationships(k -> p.users.k) of p.views fails for 1 row" log.2
	assert_equal marts "a|a" "$(sql "select u.k, v.k from p.users u full join p.views v using (k)")"
	# who waits can be stopped
	coproc psql -XAtq
	echo "select pg_advisory_lock(x'6d747374'::int, hashtext('p.views relationships(k -> p.users.k)')) is null;" >&"${COPROC[1]}"
	read -r -u "${COPROC[0]}" _
	periodic -s p.users 2>log.3 3>&- &
	second=$!
	wait_for_value 10 "select count(*) from pg_locks where not granted and locktype = 'advisory'" 1
	kill "$second"
	wait "$second"
	run -1 grep "another periodic" log.3
}

@test "relationships: only with what it may be, and over what is there" {
	two_models
	sed -i 's/p.users.k/p.usres.k/' sql/p/models/views.sql
	run -2 periodic ls
	assert_says 'views.sql:5: unknown relation "p.usres": did you mean "p.users"?'
	sed -i 's/p.usres.k/users.k/' sql/p/models/views.sql
	run -2 periodic ls
	assert_says '"users.k" is not what relationships wants'
}

@test "row_count, where, thresholds over the whole table" {
	cat >>sql/p/models/sums.sql <<<""
	sed -i '1i -- tests:\n--   - row_count: between 1 and 3\n--   - expression: total < 10   where=(k <> '"'(x)'"')\n--   - expression: n < 2   warn_if=>0 error_if=>1' sql/p/models/sums.sql
	run -3 periodic
	assert_says "test row_count(between 1 and 3) of p.sums fails for 1 row"
	feed "('a', 1)"
	run -0 periodic
	feed "('a', 1), ('(x)', 100)"
	run -0 periodic
	assert_says "warning: p.sums: test expression(n < 2): 1 rows"
	# the second of all rows is one too many, though it alone is new
	feed "('b', 1), ('b', 1)"
	run -3 periodic
	assert_says "test expression(n < 2) of p.sums fails for 2 rows"
	sed -i '/n < 2/d' sql/p/models/sums.sql
	run -0 periodic
	feed "('c', 1)"
	run -3 periodic
	assert_says "test row_count(between 1 and 3) of p.sums fails for 1 row"
	assert_equal sample 4 "$(sql "select sample->0->>'row_count' from millrace.test_result
		where status = 'fail' order by run_id desc limit 1")"
	sed -i 's/row_count: between 1 and 3/row_count: <= 4/' sql/p/models/sums.sql
	run -0 periodic
	feed "('c', 100)"
	run -3 periodic
	assert_says "test expression(total < 10) where k <> '(x)' of p.sums fails for 1 row"
	sed -i 's/row_count: .*/row_count: many/' sql/p/models/sums.sql
	run -2 periodic
	assert_says 'sums.sql:2: "many" is not a number of rows'
}

@test "a file of tests/ runs with the last of the models it names, and holds it" {
	two_models
	sed -i '/tests:/,/relationships/d' sql/p/models/views.sql
	cat >sql/p/tests/known.sql <<-'SQL'
		-- description: Whoever views is known.
		select v.k from p.views v
		where not exists (select from p.users u where u.k = v.k) -- or is one of them
		;
	SQL
	periodic
	feed "('a', 1)"
	run -3 periodic
	assert_says "p.views: test p/tests/known.sql of p.views fails for 1 row"
	assert_equal rows 0 "$(sql 'select count(*) from p.views')"
	# both change: only the end counts
	know "('a', 1)"
	run -0 periodic
	# the earlier one alone
	know "('a', -1)"
	run -3 periodic
	assert_says "p.users: test p/tests/known.sql of p.views fails for 1 row"
	assert_equal rows 1 "$(sql 'select count(*) from p.users')"
	know "('a', 1)"
	run -0 periodic
	run -0 periodic test
	assert_says "1 tests, 0 failed"
	sql "delete from p.users"
	run -3 periodic test
	assert_says "FAIL  p.views  p/tests/known.sql: 1 row"
	assert_says "all of them: select * from ( select v.k from p.views v"
	assert_equal logged "fail {\"k\": \"a\"}" "$(sql "select status, sample->0 from millrace.test_result
		where test = 'p/tests/known.sql' order by run_id desc limit 1" | tr '|' ' ')"
	sed -i '1i -- severity: warn' sql/p/tests/known.sql
	run -0 periodic test
	assert_says "WARN  p.views  p/tests/known.sql: 1 row"
	sed -i 's/p.users/p.user/' sql/p/tests/known.sql
	run -2 periodic ls
	assert_says 'p/tests/known.sql:4: unknown relation "p.user": did you mean "p.users"?'
}

@test "a test that nobody's transaction has run ends the pass" {
	two_models
	sed -i '/tests:/,/relationships/d' sql/p/models/views.sql
	# what tops reads has new loads, and turns out not to change
	sed 's/staging.r /staging.s /; s/stream: r/stream: s/' sql/p/streams/r.sql >sql/p/streams/s.sql
	model wide <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select r.k from staging.s r where /*+ incremental(r.k) */ true and r.v > 10
	SQL
	model tops <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: k
		select distinct s.k from p.wide s where /*+ incremental(s.k) */ true
	SQL
	echo "select v.k from p.views v where v.v > 5 and not exists (select from p.tops t where t.k = v.k)" \
		>sql/p/tests/tops.sql
	periodic
	feed "('a', 20)" s
	feed "('a', 20)"
	run -0 periodic
	feed "('c', 2)" s
	feed "('c', 7)"
	run -3 periodic --threads 1 # p.views before p.wide
	assert_says "p.tops: p/tests/tops.sql: fail, 1 failing"
	assert_says "2 done, 1 failed"
	assert_equal rows 1 "$(sql "select count(*) from p.views where k = 'c'")"
}

@test "a test that was due when a program ended is run by the next" {
	sed 's/staging.r /staging.s /; s/stream: r/stream: s/' sql/p/streams/r.sql >sql/p/streams/s.sql
	sed '/config:/i -- tests:\n--   - expression: v < 100' <<-'SQL' >sql/p/models/a.sql
		-- config:
		--   materialized: incremental
		--   strategy: append
		select s.k, s.v from staging.s s where /*+ incremental(s.k) */ true
	SQL
	model b <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
	mkdir -p sql/p/tests sql/q/tests sql/q/models
	echo "select b.* from p.b left join p.a using (k) where b.v = 66" >sql/p/tests/both.sql
	# another of that name is another
	cp sql/p/tests/both.sql sql/q/tests/
	echo "select 1 as one" >sql/q/models/other.sql
	run -0 periodic
	feed "('wrong', 66)"
	feed "('x', 500)" s
	run -3 periodic
	assert_equal "b is published" 1 "$(sql "select count(*) from p.b")"
	assert_equal due "p/tests/both.sql q/tests/both.sql" "$(sql "select string_agg(test, ' ' order by test) from millrace.due_test")"
	periodic exclude p.a "$(sql "select max(load_id) from millrace.load where relation = 'staging.s'")"
	run -3 periodic
	[[ $output == *"p/tests/both.sql"* && $output == *"fail"* ]]
	sql "delete from p.b"
	run -0 periodic
	assert_equal "none is due" 0 "$(sql "select count(*) from millrace.due_test")"
	# one whose file is gone is forgotten, but for another project's
	sql "insert into millrace.due_test values ('p/tests/both.sql'), ('elsewhere/tests/both.sql')"
	rm sql/p/tests/both.sql
	run -0 periodic
	assert_equal due "elsewhere/tests/both.sql" "$(sql "select test from millrace.due_test")"
}

@test "a test that is left is for whoever takes what has come meanwhile" {
	sed 's/sums.csv/same.csv/' sql/p/models/sums.sql >sql/p/models/same.sql
	mkdir -p sql/p/tests
	echo "select * from p.sums a full join p.same b using (k) where a.total is distinct from b.total" >sql/p/tests/agree.sql
	periodic
	feed "('a', 1)"
	run -0 periodic
	# one pass has looked, and is to run what an earlier one left; another is between the two models
	sql "insert into millrace.due_test values ('p/tests/agree.sql')"
	coproc other { psql -XAtq; }
	echo "begin; lock table millrace.run in exclusive mode; select 'locked';" >&"${other[1]}"
	read -r -u "${other[0]}"
	periodic 2>log &
	local running=$! code=0
	wait_for_value 10 "select count(*) from pg_locks where not granted and relation = 'millrace.run'::regclass" 1
	feed "('a', 1)"
	sql "update p.sums set total = 2, n = 2; insert into millrace.model_load select 'p.sums', max(load_id), 1 from millrace.load"
	echo "commit; select 'over';" >&"${other[1]}"
	read -r -u "${other[0]}"
	wait "$running" || code=$?
	assert_equal "exit status: $(cat log)" 0 "$code"
	assert_equal "still due" 1 "$(sql "select count(*) from millrace.due_test")"
	run -0 periodic
	assert_says "p.same: delta"
	assert_equal "run" 0 "$(sql "select count(*) from millrace.due_test")"
	assert_equal "and passed" pass "$(sql "select status from millrace.test_result where test ~ 'agree' order by at desc limit 1")"
}

@test "tests of views over views hold the table below them" {
	model shown <<<"select s.k, s.total from p.sums s"
	model top <<-'SQL'
		-- tests:
		--   - expression: total < 100
		select s.k, s.total from p.shown s
	SQL
	periodic
	feed "('a', 1)"
	run -0 periodic
	feed "('a', 1000)"
	run -3 periodic
	assert_says "p.sums: test expression(total < 100) of p.top fails for 1 row"
	assert_equal mart 1 "$(sql 'select total from p.sums')"
}

@test "a terminal shows the rows, and how to see more" {
	sed -i '1i -- tests:\n--   - expression: total < 100' sql/p/models/sums.sql
	periodic
	feed "('a', 1000), ('b', 1), ('c', 2000)"
	run script -qec "periodic" /dev/null
	assert_says "FAIL  p.sums  expression(total < 100): 2 rows"
	assert_says "models/sums.sql:2"
	assert_says "k | n | total"
	assert_says "a | 1 | 1000"
	assert_says "select sample from millrace.test_result where run_id = "
	# what the log keeps has a bounded size
	sql "begin; insert into millrace.load (relation, loaded_at, row_count) values ('staging.r', now(), 20);
	     insert into staging.r (k, v) select repeat('x', 5000) || i, 999 from generate_series(1, 20) i; commit"
	run -3 periodic
	assert_equal size "5|t" "$(sql "select jsonb_array_length(sample), pg_column_size(sample) < 8000
		from millrace.test_result where status = 'fail' order by run_id desc limit 1")"
}

@test "a file of tests/ that names streams alone runs with periodic test, and holds nothing" {
	echo "select r.k from staging.r r where r.v = 77" >sql/p/tests/no_77.sql
	run -0 periodic
	feed "('a', 77)"
	run -0 periodic
	run -3 periodic test
	assert_says "p/tests/no_77.sql"
	assert_says "1 row"
}

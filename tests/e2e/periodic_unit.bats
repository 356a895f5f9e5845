#!/usr/bin/env bats
# unit/*.sql: given these rows, a model holds those.

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
	mkdir -p sql/p/unit
	periodic -q
	feed "('real', 1)"
	periodic -q
}
teardown() { drop_own_database; }

unit() { cat >"sql/p/unit/$1.sql"; }

# Everything that a case might have left behind, and the sequences.
everything() {
	sql "select string_agg(x::text, e'\n') from (
	     select 'class ' || c.oid::regclass || c.relkind::text, c.relacl::text from pg_class c
	     where relnamespace::regnamespace::text !~ '^pg_' union all
	     select nspname || nspowner::text, nspacl::text from pg_namespace where nspname !~ '^pg_t' union all
	     select 'load', l::text from millrace.load l union all select 'model', m::text from millrace.model m union all
	     select 'run', r::text from millrace.run r union all select 'sums', s::text from p.sums s union all
	     select 'seq ' || sequencename, last_value::text from pg_sequences order by 1, 2) x"
}

@test "cases run the real strategy, load by load, and leave nothing" {
	unit sums <<-'SQL'
		-- unit: p.sums
		-- description: Sums per key, also of what comes later.
		-- given staging.r:
		--   k,v
		--   a,1
		--   a,
		--   ,5
		--   "",7

		-- expect:
		--   k,n,total
		--   a,2,1
		--   ,1,5
		--   "",1,7

		-- A second load, as a query.
		-- given staging.r:
		select 'a' as k, 10 * i as v from generate_series(1, 2) i; -- two rows

		-- expect:
		--   k,total
		--   a,31
		--   ,5
		--   "",7
	SQL
	model shown <<<"select s.k || '!' as loud from p.sums s where s.total > 2"
	unit shown <<-'SQL'
		-- unit: p.shown
		-- given p.sums:
		--   k,n,total
		--   a,1,2
		--   b,1,3
		-- expect:
		--   loud
		--   b!
	SQL
	local before
	before=$(everything)
	run -0 periodic unit
	assert_says "ok    p.sums  "
	assert_says "sql/p/unit/sums.sql:1  Sums per key, also of what comes later."
	assert_says "2 cases, 0 failed"
	assert_equal "what there is" "$before" "$(everything)"
	run -0 periodic unit -s shown
	assert_says "1 cases, 0 failed"
	# as with dbt, test runs them too
	run -0 periodic test
	assert_says "ok    p.sums  "
	assert_says "2 tests, 2 cases, 0 failed"
	# psql can read the file
	run -0 psql -XAtq -v ON_ERROR_STOP=1 -f sql/p/unit/sums.sql
	assert_says "a|20"
}

@test "what differs is shown, with file and line" {
	unit sums <<-'SQL'
		-- unit: p.sums
		-- given staging.r:
		--   k,v
		--   a,1
		--   b,2
		-- expect:
		--   k,total
		--   a,1
		--   b,3
		--   c,4
	SQL
	run -3 periodic unit
	assert_says "sql/p/unit/sums.sql:6: not what is expected"
	assert_says "missing: 2 rows"
	assert_says "b | 3"
	assert_says "unexpected: 1 row"
	assert_says "b | 2"
	run -3 periodic test
	assert_says "2 tests, 1 cases, 1 failed"
	# a query whose increments do not add up, which no single load would show
	sed -i '/expression: total/d; s/  where/ where/; s/coalesce(sum(r.v), 0) as total/coalesce(sum(r.v), 0) as total/' sql/p/models/sums.sql
	model latest <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: k
		select f.k, (select count(*) from p.sums s) as keys from p.sums f
		where /*+ incremental(f.k) */ true
	SQL
	rm sql/p/unit/sums.sql
	unit latest <<-'SQL'
		-- unit: p.latest
		-- given p.sums:
		--   k,n,total
		--   a,1,1
		-- expect:
		--   k,keys
		--   a,1
		-- given p.sums:
		--   k,n,total
		--   b,1,1
		-- expect:
		--   k
		--   a
		--   b
	SQL
	run -3 periodic unit
	assert_says "sql/p/unit/latest.sql:11: the whole query says something else"
	assert_says "missing, the query has them: 1 row"
	assert_says "a | 2"
}

@test "rows of a model can go, as its readers see it" {
	model top <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [total]
		--   rows: n
		select s.total, count(*) as n from p.sums s where /*+ incremental(s.total) */ true group by 1
	SQL
	unit top <<-'SQL'
		-- unit: p.top
		-- given p.sums:
		--   k,n,total
		--   a,1,5
		--   b,1,5
		--   c,1,6
		-- gone p.sums:
		--   k
		--   c
		-- expect:
		--   total,n
		--   5,2
		-- gone p.sums:
		--   k
		--   a
		-- given p.sums:
		--   k,n,total
		--   a,2,7
		-- expect:
		--   total,n
		--   5,1
		--   7,1
	SQL
	run -0 periodic unit
	assert_says "1 cases, 0 failed"
	sed -i 's/-- gone p.sums/-- gone staging.r/' sql/p/unit/top.sql
	run -3 periodic unit
	assert_says "sql/p/unit/top.sql:7: p.top is made from p.sums, not from staging.r"
}

@test "a case that cannot be meant is told file, line and remedy" {
	while IFS='|' read -r text answer; do
		printf "%b" "$text" >sql/p/unit/bad.sql
		run periodic unit
		[ "$status" -eq 2 ] || [ "$status" -eq 3 ]
		assert_says "$answer"
	done <<-'CASES'
		-- given p.sums:\n--   k\n|bad.sql:1: a case begins with its model: -- unit: pack.model
		-- unit: p.sums\n|bad.sql:1: the case ends without "-- expect:"
		-- unit: p.smus\n-- expect:\n--   k\n|bad.sql:1: unknown relation "p.smus": did you mean "p.sums"?
		-- unit: p.sums\n-- expct:\n--   k\n|bad.sql:2: unknown word "expct": did you mean "expect"?
		-- unit: p.sums\n-- given staging.r:\n-- expect:\n--   k\n|bad.sql:2: no rows
		-- unit: p.sums\n-- given:\n--   k\n-- expect:\n--   k\n|bad.sql:2: write "-- given pack.relation:"
		-- unit: p.sums\n-- given staging.r:\n--   k,v\n--   a\n-- expect:\n--   k\n|bad.sql:4: 1 values for 2 columns
		-- unit: p.sums\n-- given staging.r:\n--   k,w\n--   a,1\n-- expect:\n--   k\n|bad.sql:2: staging.r has no column "w"
		-- unit: p.sums\n-- given staging.r:\nselec 1;\n-- expect:\n--   k\n|bad.sql:2: syntax error
		-- unit: p.sums\n-- given staging.r:\n--   k,v\n--   a,b\n-- expect:\n--   k\n|bad.sql:2: invalid input syntax
		-- unit: p.sums\n-- expect:\n--   kk\n|bad.sql:2: p.sums has no column "kk"
	CASES
}

@test "a case takes place beside loading and a running pass" {
	unit sums <<-'SQL'
		-- unit: p.sums
		-- given staging.r:
		select 'a' as k, 1 as v from generate_series(1, 100);
		-- expect:
		--   k,total
		--   a,100
	SQL
	(while [ ! -e "done" ]; do feed "('x', 1)"; periodic -q; done) &
	local worker=$!
	for _ in 1 2 3 4 5; do
		run periodic unit
		[ "$status" = 0 ] || { touch "done"; echo "$output"; return 1; }
	done
	touch "done"
	wait "$worker"
	assert_equal real 1 "$(sql "select total from p.sums where k = 'real'")"
}

@test "the cases of the packs that come with it" {
	PERIODIC_PROJECT=$ROOT run -0 periodic unit
	[[ $output =~ \ 0\ failed ]]
}

@test "a second statement in a block is refused: it might end the scratch world's transaction" {
	unit sums <<-'SQL'
		-- unit: p.sums
		-- given staging.r:
		select 'a' as k, 1 as v; commit
		-- expect:
		--   k,n
		--   a,1
	SQL
	local before
	before=$(everything)
	run periodic unit
	[ "$status" -ne 0 ]
	assert_says "multiple commands"
	assert_equal "what there is" "$before" "$(everything)"
}

@test "the newest of several extracts, and numbers whatever zeros they end in" {
	cat >sql/p/streams/prices.sql <<-'SQL'
		-- stream: prices
		-- format: csv
		-- load: full
		create table staging.prices (
		    k         text,     -- from: k
		    price     numeric,  -- from: price
		    loaded_at timestamptz not null default now()
		) partition by range (loaded_at);
	SQL
	model prices <<-'SQL'
		-- config:
		--   materialized: table
		select c.k, c.price from staging.prices_current c
	SQL
	unit prices <<-'SQL'
		-- unit: p.prices
		-- given staging.prices:
		--   k,price
		--   old,1
		-- given staging.prices:
		--   k,price
		--   a,1.50
		--   b,20
		-- expect:
		--   k,price
		--   a,1.5
		--   b,20.000
	SQL
	run -0 periodic unit
	assert_says "ok    p.prices"
}

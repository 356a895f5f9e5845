#!/usr/bin/env bats
# The tests of a stream: a load that fails them waits, others go on.

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
	sed -i '2i -- tests:\n--   - not_null: [k]\n--   - unique: [k]\n--   - expression: v < 100   severity=warn\n--   - expression: v > -100   warn_if=>0 error_if=>1\n--   - row_count: <= 4' sql/p/streams/r.sql
}
teardown() { drop_own_database; }

sums() { sql "select string_agg(k || total, ' ' order by k) from p.sums"; }

@test "a load that fails waits, for every reader; the others go on" {
	model copies <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
	run -0 periodic
	feed "('a', 1)"
	feed "('b', 2), (null, 3), (null, 4)"
	# equal keys in two loads are no double in either
	feed "('a', 5)"
	run -3 periodic
	[[ $output =~ staging.r:\ load\ [0-9]+\ waits,\ not\ taken\ into\ p.sums:\ test\ not_null\(k\)\ fails\ for\ 2\ rows ]]
	assert_says "waits, not taken into p.copies: test not_null(k) fails for 2 rows"
	assert_says "p.sums: delta, +1 -0 rows, 2 loads"
	assert_equal sums "a6" "$(sums)"
	assert_equal log "fail|2|3" "$(sql "select status, failures, sample->0->>'v' from millrace.test_result
		where model = 'staging.r' order by run_id desc limit 1")"
	# it is asked again in every pass, and is no reason to write anything else
	run -3 periodic
	assert_says "0 done, 2 failed"
	assert_equal sums "a6" "$(sums)"
	run -3 periodic test
	assert_says "FAIL  staging.r  not_null(k): 2 rows"
	# each test by itself, in one load
	feed "('c', 1), ('c', 2)"
	feed "('d', 1), ('e', 1), ('f', 1), ('g', 1), ('h', 1)"
	feed "('i', -200), ('j', -200)"
	feed "('k', -200), ('l', 200)"
	run -3 periodic
	assert_says "test unique(k) fails for 1 row"
	assert_says "test row_count(<= 4) fails for 1 row"
	assert_says "test expression(v > -100) fails for 2 rows"
	assert_says "test expression(v > -100): 1 rows"
	assert_says "test expression(v < 100): 1 rows"
	assert_equal sums "a6 k-200 l200" "$(sums)"
	# mended, or allowed
	sql "update staging.r set k = 'n' where v in (3, 4)"
	sed -i '/row_count/d; /unique/d; /v > -100/d' sql/p/streams/r.sql
	run -0 periodic
	assert_equal all "16|16" "$(sql "select (select sum(n) from p.sums), (select count(*) from p.copies)")"
	run -0 periodic audit
	assert_says "p.sums                           all                          13 rows  equal"
}

@test "a model that reads everything cannot leave a load out" {
	run -0 periodic
	model whole <<<"$(printf -- '-- config:\n--   materialized: table\nselect r.k, r.v from staging.r r')"
	run -0 periodic
	feed "('a', 1)"
	feed "(null, 3)"
	run -3 periodic
	assert_says "p.whole: it reads all of a stream, of which a load fails its tests"
	assert_equal "nothing of it" "a1|0" "$(sql "select (select string_agg(k || total, ' ') from p.sums), (select count(*) from p.whole)")"
	# a rebuild waits too, and a first build
	sed -i "s/^where .*/& and r.k is distinct from 'zz'/" sql/p/models/sums.sql
	model fresh <<<"$(printf -- '-- config:\n--   materialized: table\nselect r.k from staging.r r')"
	run -3 periodic
	assert_says "p.sums: it reads all of a stream"
	assert_says "p.fresh: it reads all of a stream"
	sql "delete from staging.r where k is null"
	run -0 periodic
	assert_equal "all of it" "a1|1|1" "$(sql "select (select string_agg(k || total, ' ') from p.sums),
		(select count(*) from p.whole), (select count(*) from p.fresh)")"
}

@test "a test that nobody can understand is told where it stands" {
	sed -i 's/unique: \[k\]/uniqe: [k]/' sql/p/streams/r.sql
	run -2 periodic
	assert_says 'sql/p/streams/r.sql:4: unknown test "uniqe": did you mean "unique"?'
	sed -i 's/uniqe: \[k\]/expression: nothing > 0/' sql/p/streams/r.sql
	periodic migrate
	run periodic
	feed "('a', 1)"
	run -3 periodic
	assert_says 'sql/p/streams/r.sql: its tests cannot be run'
}

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
	sed -i 's/^--   - not_null/-- - not_null/' sql/p/streams/r.sql
	run -2 periodic
	assert_says 'sql/p/streams/r.sql:3: "- not_null: [k]" is no entry: indent it by two blanks or more behind the --'
}

only_small() { sed -i '/not_null/d; /unique/d; /row_count/d; /v > -100/d; s/v < 100 .*/v < 100/' sql/p/streams/r.sql; }
copies() {
	model copies <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
}
last_load() { sql "select max(load_id) from millrace.load where relation = 'staging.r'"; }

@test "a load that comes while the run is under way is judged too, and never taken unjudged" {
	only_small
	sed 's/staging\.r /staging.s /; s/stream: r/stream: s/; /tests:/d; /expression/d' sql/p/streams/r.sql >sql/p/streams/s.sql
	model base <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select s.k, s.v from staging.s s where /*+ incremental(s.k) */ true
	SQL
	model both <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select b.k, b.v from p.base b where /*+ incremental(b.k) */ true
		union all
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
	periodic
	feed "('s1', 1)" s
	mkfifo holder
	psql -XAtq <holder >/dev/null 2>&1 3>&- &
	exec 7>holder
	echo "begin; lock table p.base in exclusive mode;" >&7
	wait_for_value 20 "select count(*) from pg_locks where relation = 'p.base'::regclass and mode = 'ExclusiveLock' and granted" 1
	periodic >out 2>&1 3>&- 7>&- &
	local running=$! status=0
	wait_for_value 20 "select count(*) from pg_locks where relation = 'p.base'::regclass and not granted" 1
	feed "('bad', 5000)"
	echo "commit;" >&7
	wait "$running" || status=$?
	exec 7>&-
	assert_equal "status of $(cat out)" 3 "$status"
	assert_equal both "s1|1" "$(sql 'select k, v from p.both')"
}

@test "a backlog is worked off in steps also where loads are judged, each once" {
	only_small
	run -0 periodic
	for i in 1 2; do feed "('a', $i)"; done
	feed "('a', 5000)"
	for i in 3 4 5 6 7; do feed "('a', $i)"; done
	run -3 periodic --max-loads 2
	assert_equal sums "a28" "$(sums)"
	assert_equal "named once" 1 "$(grep -c "waits, not taken into p.sums" <<<"$output")"
	assert_says "1 done, 1 failed"
	sql "update staging.r set v = 50 where v = 5000"
	run -0 periodic --max-loads 2
	assert_equal "mended" "a78" "$(sums)"
}

@test "a load that a model goes without is not judged for it" {
	only_small
	periodic
	feed "('a', 1)"
	feed "('bad', 500)"
	copies
	run -3 periodic
	for name in p.sums p.copies; do periodic exclude "$name" "$(last_load)"; done
	run -0 periodic
	assert_equal copies "a|1" "$(sql 'select k, v from p.copies')"
}

@test "periodic test: the worst load decides, in whatever order" {
	only_small
	sed -i 's/v < 100/v > 0   warn_if=>0 error_if=>1/' sql/p/streams/r.sql
	periodic
	feed "('a', -1)"
	run -0 periodic test
	assert_says "WARN  staging.r  expression(v > 0): 1 row"
	feed "('b', -1), ('c', -2)"
	feed "('d', -1)"
	run -3 periodic test
	assert_says "FAIL  staging.r  expression(v > 0): 4 rows"
}

@test "a load that waits is in nothing that a model computes anew, and cannot be replayed" {
	only_small
	periodic
	feed "('a', 1)"
	local first second
	first=$(last_load)
	periodic
	feed "('a', 500)"
	feed "('a', 2)"
	second=$(last_load)
	run -3 periodic
	assert_equal "what passed" "a3" "$(sums)"
	run -3 periodic replay p.sums "$first"
	run -3 periodic replay p.sums "$second"
	assert_equal "what passed" "a3" "$(sums)"
	run -3 periodic replay p.sums "$(sql "select load_id from millrace.load where relation = 'staging.r' order by load_id offset 1 limit 1")"
	assert_says "it has not passed the tests of staging.r: mend it first"
	assert_equal "what passed" "a3" "$(sums)"
	sed -i 's/v < 100/& severity=warn/' sql/p/streams/r.sql
	run -0 periodic
	assert_equal "all of it" "a503" "$(sums)"
	run -0 periodic audit
}

@test "a replay while a rebuild is due takes the load once" {
	only_small
	periodic
	# what is open keeps the ledger from being sealed
	mkfifo holder
	psql -XAtq <holder >/dev/null 2>&1 3>&- &
	exec 7>holder
	feed "('b', 5)"
	local b a
	b=$(last_load)
	periodic
	echo "begin; select pg_current_xact_id();" >&7
	wait_for_value 20 "select count(*) from pg_stat_activity where state = 'idle in transaction' and backend_xid is not null" 1
	feed "('a', 1)"
	a=$(last_load)
	periodic
	periodic exclude p.sums "$b"
	run -0 periodic replay p.sums "$a"
	assert_equal once "a1" "$(sums)"
	run -0 periodic
	assert_says "nothing new"
	assert_equal once "a1" "$(sums)"
	exec 7>&-
	run -2 periodic replay p.sums "$b"
	assert_says "load $b is excluded from p.sums: \`periodic include p.sums $b\` lets it in again"
}

@test "a load that comes between the tests and the reading is not taken untested" {
	periodic
	rm -r metrics                 # something to do, and no load to judge
	# it waits before its first transaction, then in that which tests, which has its snapshot already
	coproc first { psql -XAtq; }
	echo "begin; lock table millrace.run in exclusive mode; select 'locked';" >&"${first[1]}"
	read -r -u "${first[0]}"
	periodic 2>log &
	local running=$! code=0
	wait_for_value 10 "select count(*) from pg_locks where not granted and relation = 'millrace.run'::regclass" 1
	mkfifo second
	psql -XAtq <second >/dev/null 3>&- &
	exec 9>second
	echo "begin; lock table millrace.excluded in access exclusive mode;" >&9
	wait_for_value 10 "select count(*) from pg_locks where granted and mode = 'AccessExclusiveLock' and relation = 'millrace.excluded'::regclass" 1
	echo "commit; select 'over';" >&"${first[1]}"
	read -r -u "${first[0]}"
	wait_for_value 10 "select count(*) from pg_locks where not granted and relation = 'millrace.excluded'::regclass" 1
	feed "(null, 2)"
	feed "('r', 3)"
	echo "commit;" >&9
	exec 9>&-
	wait "$running" || code=$?
	assert_equal "exit status" 0 "$code"
	assert_equal "neither is taken" "" "$(sums)"
	run -3 periodic
	assert_says "waits, not taken into p.sums: test not_null(k) fails for 1 row"
	assert_equal "what has passed" "r3" "$(sums)"
}

#!/usr/bin/env bats
# Snapshots: what was, and until when.

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
	rm sql/p/models/sums.sql
	mkdir sql/p/snapshots
}
teardown() { drop_own_database; }

snapshot() { cat >"sql/p/snapshots/$1.sql"; }

checked() {
	snapshot kept <<-SQL
		-- config:
		--   materialized: snapshot
		--   strategy: check
		--   unique_key: k
		--   check_cols: ${1:-all}
		--   ${2:-owner: nobody}
		-- tests:
		--   - unique: [dbt_scd_id]
		--   - expression: dbt_valid_from < coalesce(dbt_valid_to, 'infinity')
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
}

# extract EFFECTIVE ROWS: a full extract; no rows: an empty one
extract() {
	local rows="select ''::text, 0 where false"
	[ -z "${2:-}" ] || rows="values $2"
	sql "begin;
	     insert into millrace.load (relation, loaded_at, op, row_count, origin)
	     select 'staging.r', now(), 't', count(*), jsonb_build_object('effective', '2026-01-$1Z')
	     from ($rows) v;
	     insert into staging.r (k, v) $rows; commit"
}

# Takes the newest extract of staging.r (of that day) out of the ledger.
leave_out() {
	sql "delete from millrace.load where load_id = (select max(load_id) from millrace.load
	     where relation = 'staging.r' and origin->>'effective' like '2026-01-${1:-}%')"
}

# Versions, the day and hour from and to.
versions() {
	sql "select coalesce(k, '~'), v, to_char(dbt_valid_from, 'DD\"T\"HH24'),
	            to_char(dbt_valid_to, 'DD\"T\"HH24')
	     from p.kept order by k, dbt_valid_from" | tr '\n' ' '
}

@test "extracts: who changes, leaves, comes back; nobody else's row is touched" {
	checked
	periodic
	extract 01T00:00:00 "('a', 1), ('b', 2), ('c', 3), (null, 9)"
	periodic
	local before
	before=$(sql "select ctid, xmin, * from p.kept where k = 'a' or k is null order by k")
	extract 02T00:00:00 "('a', 1), ('b', 5), (null, 9)"
	run -0 periodic
	assert_says "p.kept: snapshot, +3 -2 rows, 1 load"
	assert_equal changed "a|1|01T00| b|2|01T00|02T00 b|5|02T00| c|3|01T00|02T00 ~|9|01T00| " "$(versions)"
	assert_equal "others" "$before" "$(sql "select ctid, xmin, * from p.kept where k = 'a' or k is null order by k")"
	extract 03T00:00:00 "('a', 1), ('b', 5), ('c', 3), ('c', 3), (null, null)"
	periodic
	assert_equal "back, and changed to null" "a|1|01T00| b|2|01T00|02T00 b|5|02T00| c|3|01T00|02T00 c|3|03T00| ~|9|01T00|03T00 ~||03T00| " "$(versions)"
	extract 03T06:00:00 "('a', 1), ('b', 5), ('a', 1)"
	extract 03T07:00:00 "('a', 1), ('b', 5), ('c', 3), (null, null)"
	periodic
	assert_equal "both leave, beside equal rows" "2|2" "$(sql "select count(*) filter (where dbt_valid_to = '2026-01-03 06:00'),
		count(*) filter (where dbt_valid_from = '2026-01-03 07:00') from p.kept")"
	# the same again changes nothing; an empty one is everybody's leaving
	before=$(versions)
	extract 04T00:00:00 "('a', 1), ('b', 5), ('c', 3), (null, null)"
	run -0 periodic
	assert_says "p.kept: snapshot, +0 -0 rows, 1 load"
	assert_equal same "$before" "$(versions)"
	extract 05T00:00:00
	periodic
	assert_equal "nobody is left" 0 "$(sql "select count(*) from p.kept where dbt_valid_to is null")"
	assert_equal "closed then" 4 "$(sql "select count(*) from p.kept where dbt_valid_to = '2026-01-05'")"
}

@test "extracts are taken in the order in which they hold, an old one is refused" {
	checked
	periodic
	extract 02T00:00:00 "('a', 2)"
	extract 01T00:00:00 "('a', 1)"
	periodic
	assert_equal "in order" "a|1|01T00|02T00 a|2|02T00| " "$(versions)"
	extract 03T00:00:00 "('a', 2)"
	periodic
	extract 02T12:00:00 "('a', 7)"
	run -3 periodic
	assert_says " of staging.r holds since 2026-01-02 12:00:00 UTC, and a newer extract has been taken"
	local old
	old=$(sql "select max(load_id) from millrace.load where relation = 'staging.r'")
	assert_says "\`periodic exclude p.kept $old\` leaves it out"
	run -0 periodic exclude p.kept "$old"
	run -0 periodic
	run -2 periodic exclude p.kept "$(sql "select min(load_id) from millrace.load where relation = 'staging.r'")"
	assert_says "p.kept is a snapshot and has taken load"
	# one of the same time is a correction
	extract 03T00:00:00 "('a', 8), ('b', 1)"
	periodic
	extract 03T00:00:00 "('a', 9)"
	periodic
	assert_equal corrected "a|1|01T00|02T00 a|2|02T00|03T00 a|9|03T00| " "$(versions)"
}

@test "an extract that waits for its tests is not overtaken by those that hold from later on" {
	checked
	sed -i 's/load: append/load: full/; 2i -- tests:\n--   - expression: v < 100' sql/p/streams/r.sql
	periodic
	extract 07T00:00:00 "('a', 4)"
	extract 04T00:00:00 "('a', 1)"
	extract 05T00:00:00 "('a', 500)"
	extract 06T00:00:00 "('a', 2)"
	run -3 periodic
	assert_says "0 skipped"
	assert_equal "before it" "a|1|04T00| " "$(versions)"
	sql "update staging.r set v = 50 where v = 500"
	run -0 periodic
	assert_equal all "a|1|04T00|05T00 a|2|06T00|07T00 a|4|07T00| a|50|05T00|06T00 " \
		"$(versions | xargs -n1 | sort | xargs) "
}

@test "the same history comes from extracts taken one by one and all at once" {
	checked
	periodic
	for day in 01 02 03 04; do
		extract "${day}T00:00:00" "('a', 1), ('b', $day), ('c', $day / 3), ('d', 9 % $day)"
		periodic
	done
	local one_by_one
	one_by_one=$(sql "select k, v, dbt_scd_id, dbt_updated_at, dbt_valid_from, dbt_valid_to from p.kept order by 1, 5")
	sql "drop table p.kept"
	run -0 periodic
	assert_says "p.kept: build"
	assert_equal "all at once" "$one_by_one" \
		"$(sql "select k, v, dbt_scd_id, dbt_updated_at, dbt_valid_from, dbt_valid_to from p.kept order by 1, 5")"
	assert_equal "as many versions as changes" 11 "$(sql "select count(*) from p.kept")"
}

@test "only the columns that are checked make versions; who is missing may stay" {
	checked "[v]" "hard_deletes: ignore"
	periodic
	extract 01T00:00:00 "('a', 1), ('b', 2)"
	extract 02T00:00:00 "('b', 3), ('b', 3)"
	periodic
	assert_equal kept "a|1|01T00| b|2|01T00|02T00 b|3|02T00| " "$(versions)"
}

@test "two rows of one key are refused, and everybody else waits" {
	checked
	periodic
	extract 01T00:00:00 "('a', 1), ('b', 2)"
	periodic
	extract 02T00:00:00 "('a', 1), ('a', 2), ('b', 3)"
	run -3 periodic
	assert_says "1 key in one load with rows that differ"
	extract 03T00:00:00 "('c', 1), ('c', 2)"
	leave_out 02
	run -3 periodic
	assert_says "1 key in one load with rows that differ"
	assert_equal untouched "a|1|01T00| b|2|01T00| " "$(versions)"
}

@test "an extract that staging has dropped is not everybody's leaving" {
	checked
	periodic
	extract 01T00:00:00 "('a', 1)"
	periodic
	extract 02T00:00:00 "('a', 2)"
	sql "delete from staging.r where v = 2"
	run -3 periodic
	assert_says " of staging.r is no longer in staging"
	sql "drop table p.kept; delete from staging.r"
	extract 03T00:00:00 "('a', 3)"
	run -0 periodic
	assert_says "of staging.r, which is no longer in staging"
	assert_equal "from what there is" "a|3|03T00| " "$(versions)"
}

timed() {
	snapshot kept <<-SQL
		-- config:
		--   materialized: snapshot
		--   strategy: timestamp
		--   unique_key: k
		--   updated_at: at
		select r.k, r.v / 100 as v, timestamp '2026-01-01' + interval '1 hour' * (r.v % 100) as at
		from staging.r r where /*+ incremental(r.k) */ true
	SQL
}

@test "timestamp: rows say since when; an older one is not news" {
	timed
	periodic
	extract 01T05:00:00 "('a', 101), ('b', 102)"
	periodic
	extract 01T10:00:00 "('a', 108), ('b', 901), ('c', 103)"
	periodic
	assert_equal "by their own times" "a|1|01T01|01T08 a|1|01T08| b|1|01T02| c|1|01T03| " "$(versions)"
	extract 01T11:00:00 "('a', 108)"
	periodic
	extract 01T12:00:00 "('a', 108), ('b', 102)"
	periodic
	assert_equal "back with an old time: since the extract" \
		"a|1|01T01|01T08 a|1|01T08| b|1|01T02|01T11 b|1|01T12| c|1|01T03|01T11 " "$(versions)"
	extract 01T13:00:00 "('a', null)"
	run -3 periodic
	assert_says "1 key without a time in updated_at"
}

@test "timestamp over a stream: the same history in whatever order the rows come" {
	timed
	periodic
	feed "('a', 305), ('b', 101), (null, 104)"
	periodic
	feed "('a', 101), ('a', 302), (null, 102)"
	periodic
	feed "('a', 302), ('a', 402), ('a', 109), ('b', 101)"
	periodic
	assert_equal "in between" "a|1|01T01|01T02 a|3|01T02|01T05 a|3|01T05|01T09 a|1|01T09| b|1|01T01| ~|1|01T02|01T04 ~|1|01T04| " "$(versions)"
	local one_by_one
	one_by_one=$(sql "select k, v, at, dbt_scd_id, dbt_valid_to from p.kept order by 1, 3")
	sql "drop table p.kept"
	periodic
	assert_equal "all at once" "$one_by_one" "$(sql "select k, v, at, dbt_scd_id, dbt_valid_to from p.kept order by 1, 3")"
}

@test "check over a stream: each load is how things are from then on" {
	checked
	periodic
	feed "('a', 1), ('b', 1)"
	feed "('a', 1), ('b', 2)"
	periodic
	feed "('b', 1)"
	periodic
	assert_equal versions "a 1 open
b 1 closed
b 2 closed
b 1 open" "$(sql "select k, v, case when dbt_valid_to is null then 'open' else 'closed' end
		from p.kept order by k, dbt_valid_from" | tr '|' ' ')"
	assert_equal "when they were loaded" 0 "$(sql "select count(*) from p.kept
		where dbt_valid_from at time zone 'UTC' not in (select loaded_at from staging.r)")"
}

@test "over a model: rows that change, and that go" {
	model sums <<-SQL
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [k]
		--   rows: n
		select r.k, coalesce(sum(r.v), 0) as n
		from staging.r r where /*+ incremental(r.k) */ true group by 1
	SQL
	snapshot kept <<-SQL
		-- config:
		--   materialized: snapshot
		--   strategy: check
		--   unique_key: k
		--   check_cols: all
		select s.k, s.n as v from p.sums s where /*+ incremental(s.k) */ true
	SQL
	periodic
	feed "('a', 1), ('b', 1)"
	periodic
	feed "('b', 1), ('c', 1)"
	periodic -s p.sums
	feed "('a', -1)"
	periodic -s p.sums
	run -0 periodic
	assert_says "p.kept: snapshot, +4 -2 rows, 2 loads"
	feed "('a', 1)"
	periodic
	assert_equal versions "a 1 closed
a 1 open
b 1 closed
b 2 open
c 1 open" "$(sql "select k, v, case when dbt_valid_to is null then 'open' else 'closed' end
		from p.kept order by k, dbt_valid_from" | tr '|' ' ')"
	# the model is replaced: what it holds then is compared as a whole
	sed -i 's/coalesce(sum(r.v), 0) as n/coalesce(sum(r.v * 2), 0)::numeric as n/; s/true group/true and r.k <> chr(99) group/; s/s.n as v/s.n::bigint as v/' \
		sql/p/models/sums.sql sql/p/snapshots/kept.sql
	run -0 periodic
	assert_equal "open" "a|2 b|4 " "$(sql "select k, v from p.kept where dbt_valid_to is null order by k" | tr '\n' ' ')"
	assert_equal "all of c is over" 0 "$(sql "select count(*) from p.kept where k = 'c' and dbt_valid_to is null")"
}

@test "readers follow the versions" {
	checked
	model open <<-SQL
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [v]
		--   rows: n
		select h.v, count(*) as n from p.kept h
		where /*+ incremental(h.v) */ true and h.dbt_valid_to is null group by 1
	SQL
	periodic
	for day in 01 02 03; do
		extract "${day}T00:00:00" "('a', 1), ('b', $day), ('c', $day / 2), ('d', 9 % $day)"
		[ $day = 02 ] || periodic
	done
	assert_equal delta "$(sql "select v, count(*) from staging.r where loaded_at = (select max(loaded_at) from staging.r)
		group by 1 order by 1")" "$(sql "select v, n from p.open order by 1")"
	run -0 periodic --full-refresh
	assert_says "p.kept: a snapshot is not refreshed in full"
	assert_says "p.open: rebuild, +0 -0"
	run -1 periodic --full-refresh -s p.kept
	assert_says "p.kept is a snapshot and is never rebuilt"
	run -0 periodic snapshot
	assert_says "nothing new"
}

@test "a snapshot that others follow may be built from several extracts" {
	checked
	periodic # makes staging.r
	sql "drop table p.kept; delete from millrace.model"
	model open <<-SQL
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [v]
		--   rows: n
		select h.v, count(*) as n from p.kept h
		where /*+ incremental(h.v) */ true and h.dbt_valid_to is null group by 1
	SQL
	extract 01T00:00:00 "('a', 1), ('b', 2)"
	extract 02T00:00:00 "('a', 3), ('b', 2)"
	periodic
	assert_equal built "2|1 3|1 " "$(sql "select v, n from p.open order by 1" | tr '\n' ' ')"
	extract 03T00:00:00 "('a', 3)"
	periodic
	assert_equal followed "3|1 " "$(sql "select v, n from p.open order by 1" | tr '\n' ' ')"
}

@test "new code: columns may come, and may not go" {
	checked
	periodic
	extract 01T00:00:00 "('a', 1), ('b', 2)"
	periodic
	sed -i 's/r.k, r.v from/r.k, r.v, r.v * 10 as ten from/' sql/p/snapshots/kept.sql
	extract 02T00:00:00 "('a', 1), ('b', 3)"
	run -0 periodic
	assert_equal "from now on" "a|1||2026-01-02 00:00:00
a|1|10|
b|2||2026-01-02 00:00:00
b|3|30|" "$(sql "select k, v, ten, dbt_valid_to from p.kept order by k, dbt_valid_from")"
	sed -i 's/r.v \* 10 as ten/(r.v * 10)::text as ten/' sql/p/snapshots/kept.sql
	run -2 periodic
	assert_says "the column ten has become text and is integer in the table"
	sed -i 's/, (r.v \* 10)::text as ten//' sql/p/snapshots/kept.sql
	run -2 periodic
	assert_says "the query has lost the column ten"
}

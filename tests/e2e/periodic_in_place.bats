#!/usr/bin/env bats
# Rows of a model that change where they are.

load ../support/small_project

# A reader of p.sums that looks at its keys alone.
keys_model() {
	model keys <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [one]
		--   rows: keys
		select 1 as one, count(*) as keys
		from p.sums s
		where /*+ incremental(s.k) */ true
		group by 1
	SQL
}

@test "rows whose changes nobody reads are updated where they are, and an index for readers holds what they look for" {
	sed -i '/by: k/a --   rows: n
		/not_null/d' sql/p/models/sums.sql
	periodic
	feed "('a', 1), ('b', 1), (null, 1)"
	periodic
	for i in 1 2 3; do
		feed "('a', $i), (null, $i), ('c$i', 1)"
		run -0 periodic
		assert_says "p.sums: delta, +3 -2 rows"
	done
	local changes="n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del"
	wait_for_value 20 "select $changes from pg_stat_user_tables where relid = 'p.sums'::regclass" "6|6|6|0"
	assert_equal sums "a|4|7 b|1|1 c1|1|1 c2|1|1 c3|1|1 |4|7 " "$(sums)"
	model seen <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: total
		--   unique_key: [total]
		select s.total, count(*) as keys
		from p.sums s
		where /*+ incremental(s.total) */ true and s.k = 'a'
		group by 1
	SQL
	periodic
	assert_equal index "CREATE INDEX ON p.sums USING btree (total) WHERE (k = 'a'::text)" \
		"$(sql "select regexp_replace(indexdef, 'INDEX \\S+', 'INDEX') from pg_indexes
			where tablename = 'sums' and indexdef like '%WHERE%'")"
	# now they are read: the versions that go are kept until they have been
	feed "('a', 1), ('b', -1)"
	run -0 periodic
	assert_says "p.sums: delta, +2 -2 rows"
	assert_equal seen "8|1" "$(sql 'select total, keys from p.seen')"
	wait_for_value 20 "select n_tup_upd, n_tup_del from pg_stat_user_tables where relid = 'p.sums'::regclass" "6|2"
}

@test "a row that changes where none of its readers looks stays where it is" {
	sed -i '/by: k/a --   rows: n' sql/p/models/sums.sql
	keys_model
	periodic
	feed "('a', 1), ('b', 1)"
	periodic
	local since changes="n_tup_ins, n_tup_upd, n_tup_del from pg_stat_user_tables where relid = 'p.sums'::regclass"
	since=$(sql "select loaded_at from p.sums where k = 'a'")
	feed "('a', 2), ('c', 1)"
	run -0 periodic
	assert_says "p.sums: delta, +2 -1 rows"
	wait_for_value 20 "select $changes" "3|1|0"
	assert_equal sums "a|2|3 b|1|1 c|1|1 " "$(sums)"
	assert_equal "its readers have seen it" "$since" "$(sql "select loaded_at from p.sums where k = 'a'")"
	assert_equal keys 3 "$(sql 'select keys from p.keys')"
	run -0 periodic audit
	# who looks has it all, and from then on each version
	sed -i 's/count(\*) as keys/count(*) as keys, sum(s.total) as total/' sql/p/models/keys.sql
	run -0 periodic
	assert_equal keys "3|5" "$(sql 'select keys, total from p.keys')"
	feed "('a', 4), ('b', 0)"
	periodic
	wait_for_value 20 "select $changes" "4|2|1"
	assert_equal keys "3|9" "$(sql 'select keys, total from p.keys')"
	run -0 periodic audit
}

@test "a reader that was away while a row changed where nobody else looks has it all" {
	sed -i '/by: k/a --   rows: n' sql/p/models/sums.sql
	keys_model
	sed 's/count(\*) as keys/sum(s.n) as n, sum(s.total) as total/; s/keys/n/' sql/p/models/keys.sql >sql/p/models/totals.sql
	periodic
	feed "('a', 1), ('b', 1)"
	periodic
	assert_equal totals "2|2" "$(sql 'select n, total from p.totals')"
	mv sql/p/models/totals.sql .
	feed "('a', 2)"
	periodic
	assert_equal sums "a|2|3 b|1|1 " "$(sums)"
	mv totals.sql sql/p/models
	feed "('c', 5)"
	run -0 periodic
	assert_equal totals "4|9" "$(sql 'select n, total from p.totals')"
	assert_says "p.totals: rebuild"
	assert_says "p.keys: delta, +1 -1 rows, 1 load"
	# it is no reader from elsewhere any more: everything is followed again
	feed "('c', 1)"
	run -0 periodic
	assert_says "p.totals: delta, +1 -1 rows, 1 load"
	assert_equal totals "5|10" "$(sql 'select n, total from p.totals')"
	run -0 periodic audit
}

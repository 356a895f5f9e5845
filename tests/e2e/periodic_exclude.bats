#!/usr/bin/env bats
# A load that is taken out of a model, let in again, or taken once more.

load ../support/small_project

@test "a poisoned load is taken out of a model, stays out, and can be let in again" {
	sed -i '/by: k/a --   rows: n' sql/p/models/sums.sql
	model most <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: k
		select s.k, max(s.total) as most from p.sums s where /*+ incremental(s.k) */ true group by 1
	SQL
	model seen <<<"select r.k from staging.r r where r.v > 0"
	periodic
	feed "('a', 1), ('b', 2)"
	feed "('a', 100), ('poison', 100)"
	feed "('a', 3)"
	periodic
	run -0 periodic exclude p.sums "$(load_of 2)"
	assert_says "p.sums: goes without load $(load_of 2) (staging.r, 2 rows"
	run -0 periodic plan
	assert_says "excluded loads"
	run -0 periodic
	assert_equal sums "a|2|4 b|1|2 " "$(sums)"
	assert_equal "what reads it" "a|4 b|2" "$(sql 'select k, most from p.most order by 1' | xargs)"
	assert_equal shown 1 "$(sql "select excluded_loads from millrace.status where name = 'p.sums'")"
	run -0 periodic
	assert_says "nothing new"
	feed "('a', 5)"
	run -0 periodic --full-refresh
	assert_equal sums "a|3|9 b|1|2 " "$(sums)"
	run -0 periodic audit -s p.sums
	run -0 periodic include p.sums "$(load_of 2)"
	periodic
	assert_equal sums "a|4|109 b|1|2 poison|1|100 " "$(sums)"
	# one that nobody has taken yet
	feed "('poison', 1)"
	periodic exclude p.sums "$(load_of 5)"
	periodic
	assert_equal sums "a|4|109 b|1|2 poison|1|100 " "$(sums)"
	# what cannot be
	run periodic exclude p.most "$(sql "select max(load_id) from millrace.load where relation = 'p.sums'")"
	assert_status 2
	assert_says "was made by p.sums itself: exclude the load of staging"
	run periodic exclude p.most "$(load_of 1)"
	assert_says "which p.most does not read by that name"
	run periodic include p.sums "$(load_of 1)"
	assert_says "is not excluded from p.sums"
	run periodic exclude p.sums 999999
	assert_says "there is no load 999999"
	run periodic exclude p.smus 1
	assert_status 1
	run periodic exclude p.sums x
	assert_status 1
}

@test "what is pending is excluded and included without a rebuild, also where none is possible" {
	periodic migrate
	# of a time of which staging has nothing any more
	sql "insert into millrace.load (relation, loaded_at, row_count) values ('staging.r', '2020-01-01', 1)"
	periodic
	feed "('a', 1)"
	periodic
	feed "('poison', 5000)"
	run -3 periodic
	run -0 periodic exclude p.sums "$(load_of 3)"
	assert_says "it has nothing of it"
	run -0 periodic
	feed "('a', 2)"
	run -0 periodic
	assert_says "p.sums: delta"
	assert_equal sums "a|2|3 " "$(sums)"
	run -0 periodic exclude p.sums "$(load_of 3)"
	assert_says "as before"
	feed "('b', 1)"
	periodic exclude p.sums "$(load_of 5)"
	run -0 periodic include p.sums "$(load_of 5)"
	assert_says "the next run takes it"
	run -0 periodic
	assert_equal sums "a|2|3 b|1|1 " "$(sums)"
	# what it has taken cannot go, and nothing is left half done
	run -2 periodic exclude p.sums "$(load_of 2)"
	assert_says "only holds what was loaded since"
	run -0 periodic
	assert_says "nothing new"
	assert_equal excluded 1 "$(sql 'select count(*) from millrace.excluded')"
}

@test "a load cannot be taken out of a model that a view shows it to as well" {
	model counted <<<"$(printf -- '-- config:\n--   materialized: view\nselect k, count(*) as c from staging.r group by 1')"
	model above <<<"$(printf -- '-- config:\n--   materialized: view\nselect c.k, c.c from p.counted c')"
	model both <<<"$(printf -- '-- config:\n--   materialized: table\nselect r.k, r.v, c.c from staging.r r left join p.above c on c.k = r.k')"
	periodic
	feed "('a', 1)"
	periodic
	run -2 periodic exclude p.both "$(load_of 1)"
	assert_says "p.both reads staging.r through the view p.above too, which shows every load"
	assert_equal nothing 0 "$(sql 'select count(*) from millrace.excluded')"
	# nor out of one that comes to read such a view later
	model both <<<"$(printf -- '-- config:\n--   materialized: table\nselect r.k, r.v, 1 as c from staging.r r')"
	periodic
	periodic exclude p.both "$(load_of 1)"
	feed "('b', 2)"
	periodic
	assert_equal excluded "b|2|1" "$(sql 'select * from p.both' | cut -d'|' -f1-3)"
	model both <<<"$(printf -- '-- config:\n--   materialized: table\nselect r.k, r.v, c.c from staging.r r left join p.above c on c.k = r.k')"
	run -2 periodic
	assert_says "p.both: it goes without a load of staging.r that is excluded, and the view p.above shows it every load"
	assert_equal "as it was" "b|2|1" "$(sql 'select * from p.both' | cut -d'|' -f1-3)"
	periodic include p.both "$(load_of 1)"
	run -0 periodic
	assert_equal included "a|1|1 b|2|1" "$(sql 'select * from p.both order by k' | cut -d'|' -f1-3 | paste -sd' ')"
}

@test "a load is taken once more: right where it can be, refused where it cannot" {
	sed -i '/by: k/a --   rows: n' sql/p/models/sums.sql
	model first <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: merge
		--   unique_key: [k]
		--   order_by: v
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
	model passed <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select r.k from staging.r r where /*+ incremental(r.k) */ true
	SQL
	sed 's/by: k/owner: me/' sql/p/models/sums.sql | sed '/export:/d' >sql/p/models/no_parts.sql
	periodic
	feed "('a', 1), ('b', 2)"
	feed "('a', 3), ('c', 1)"
	periodic
	# mended by hand, wrongly
	sql "update p.sums set total = 77 where k = 'a'; delete from p.first where k = 'c'; update p.sums set total = 5 where k = 'b'"
	run -0 periodic replay p.sums "$(load_of 2)"
	assert_says "p.sums: delta, +1 -1 rows, 1 load,"
	assert_equal "its parts" "a|2|4 b|1|5 c|1|1 " "$(sums)"
	periodic replay p.sums "$(load_of 1)"
	periodic replay p.sums "$(load_of 1)"
	assert_equal sums "a|2|4 b|1|2 c|1|1 " "$(sums)"
	periodic replay p.first "$(load_of 2)"
	assert_equal first "a 1 b 2 c 1" "$(sql 'select k, v from p.first order by 1' | tr '|\n' '  ' | xargs)"
	run periodic replay p.passed "$(load_of 1)"
	assert_status 2
	assert_says "append without unique_key would add the rows a second time"
	run periodic replay p.no_parts "$(load_of 1)"
	assert_status 2
	assert_says "delta would count the load twice"
	run periodic replay p.sums 999999
	assert_status 2
	assert_says "there is no load 999999"
	sql "delete from staging.r where k = 'c' or v = 3"
	run periodic replay p.first "$(load_of 2)"
	assert_says "are not in staging.r any more"
	run -0 periodic -s p.first
	assert_says "nothing new"
}

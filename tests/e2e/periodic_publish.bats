#!/usr/bin/env bats
# Marts and their tests: what fails is not published.

load ../support/small_project

@test "a failing test keeps the old mart, and the loads wait" {
	periodic
	feed "('a', 1)"
	periodic
	feed "('a', 5000)"
	run -3 periodic
	[[ $output == *"test expression(total < 1000) of p.sums fails for 1 row"* ]]
	assert_equal mart "a|1|1" "$(sql 'table p.sums' | cut -d'|' -f1-3)"
	assert_equal file "a,1,1" "$(tail -1 metrics/sums.csv)"
	assert_equal log "fail|fail|1|5001" "$(sql "
		select m.status, t.status, t.failures, t.sample->0->>'total'
		from millrace.run_model m join millrace.test_result t using (run_id, model)
		where t.test like 'expression%' order by run_id desc limit 1")"
	# it is tried again, and goes through once the data allow it
	run -3 periodic
	feed "('a', -4900)"
	run -0 periodic
	[[ $output == *"2 loads"* ]]
	assert_equal mart "a|3|101" "$(sql 'table p.sums' | cut -d'|' -f1-3)"
}

@test "a warning does not stop anything" {
	sed -i 's/total < 1000/total < 1000   severity=warn/' sql/p/models/sums.sql
	periodic
	feed "('a', 5000)"
	run -0 periodic
	[[ $output == *"warning: p.sums: test expression(total < 1000): 1 rows"* ]]
	assert_equal mart "a|1|5000" "$(sql 'table p.sums' | cut -d'|' -f1-3)"
	assert_equal log warn "$(sql "select status from millrace.test_result
		where test like 'expression%' order by run_id desc limit 1")"
}

@test "what reads a failed model is skipped, others go on" {
	model on_top <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: k
		select s.k, s.total * 2 as twice from p.sums s where /*+ incremental(s.k) */ true
	SQL
	model aside <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select r.k from staging.r r where /*+ incremental(r.k) */ true
	SQL
	periodic
	feed "('a', 5000)"
	run -3 periodic
	[[ $output == *"p.on_top: skipped, something it reads has failed"* ]]
	[[ $output == *"p.aside: append, +1 -0 rows"* ]]
	[[ $output == *"1 done, 1 failed, 1 skipped"* ]]
	assert_equal log "aside success,on_top skipped,sums fail" "$(sql "
		select string_agg(substr(model, 3) || ' ' || status, ',' order by model)
		from millrace.run_model where run_id = (select max(run_id) from millrace.run)")"
}

@test "a comment may end an expression" {
	sed -i 's/total < 1000/total < 1000 -- per key/' sql/p/models/sums.sql
	periodic
	feed "('a', 5000)"
	run -3 periodic
	[[ $output == *"test expression(total < 1000 -- per key) of p.sums fails for 1 row"* ]]
}

@test "a unique test is an index, and says which row" {
	model rows <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		-- tests:
		--   - unique: [k]
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
	sed -i '/not_null/d' sql/p/models/sums.sql
	periodic
	feed "('a', 1), (null, 2), (null, 3)"
	periodic
	feed "('a', 4)"
	run -3 periodic
	[[ $output == *"test unique(k) of p.rows fails"* ]]
	[[ $(sql "select sample from millrace.test_result where status = 'fail'") == *"(k)=(a)"* ]]
	assert_equal rows 3 "$(sql 'select count(*) from p.rows')"
}

@test "a view's failing test stops what it shows" {
	model shown <<-'SQL'
		-- config:
		--   materialized: view
		-- tests:
		--   - expression: of_all < 100
		select sum(s.total) as of_all from p.sums s
	SQL
	periodic
	feed "('a', 70)"
	periodic
	feed "('b', 70)"
	run -3 periodic
	[[ $output == *"p.sums: test expression(of_all < 100) of p.shown fails"* ]]
	assert_equal shown 70 "$(sql 'table p.shown')"
}

#!/usr/bin/env bats
# periodic as its user meets it.

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
}
teardown() { drop_own_database; }

@test "a first pass builds, a second finds nothing new, new rows are added" {
	run -0 periodic
	[[ $output == *"p.sums: build"* ]]
	run -0 periodic
	[[ $output == *"nothing new"* ]]
	feed "('a', 1), ('b', 2), ('c', 3)"
	run -0 periodic
	[[ $output == *"p.sums: delta, +3 -0 rows, 1 load,"* ]]
	feed "('a', 10)"
	run -0 periodic
	[[ $output == *"p.sums: delta, +1 -1 rows, 1 load,"* ]]
	assert_equal sums "a|2|11 b|1|2 c|1|3" "$(sql 'select k, n, total from p.sums order by k' | xargs)"
}

@test "an idle pass writes nothing, not even a row of the log" {
	periodic
	feed "('a', 1)"
	periodic
	local versions="select (select count(*) from millrace.run), (select xmin from millrace.seal),
		(select string_agg(ctid || '@' || xmin, ',') from millrace.model)"
	local before
	before=$(sql "$versions")
	run -0 periodic
	[[ $output == *"nothing new"* ]]
	assert_equal "versions of rows" "$before" "$(sql "$versions")"
}

@test "a load without rows makes nobody work" {
	periodic
	sql "insert into millrace.load (relation, loaded_at, row_count) values ('staging.r', now(), 0)"
	run -0 periodic
	[[ $output == *"nothing new"* ]]
}

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

@test "merge keeps the first row of each key, in one load or in many" {
	sed -i '/not_null/d' sql/p/models/sums.sql
	model firsts <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: merge
		--   unique_key: [k]
		--   order_by: v desc nulls last
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true -- each;
	SQL
	local all="select string_agg(coalesce(k, '-') || v, ' ' order by k) from p.firsts"
	periodic
	feed "('a', 3), ('a', 7), (null, 2), (null, 1), ('b', null), ('b', -1)"
	periodic
	assert_equal "one load" "a7 b-1 -2" "$(sql "$all")"
	feed "('a', 5), (null, 4), ('b', null)"
	periodic
	assert_equal "a second one" "a7 b-1 -4" "$(sql "$all")"
	run -0 periodic --full-refresh -s firsts
	[[ $output == *"p.firsts: rebuild, +0 -0 rows"* ]]
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

@test "a model someone else works on is skipped without an error" {
	periodic
	feed "('a', 1)"
	psql -XAtq <<-'SQL' &
		select pg_advisory_lock(x'6d72756e'::int, hashtext('p.sums'));
		select pg_sleep(60);
	SQL
	local holder=$!
	wait_for_value 10 "select count(*) from pg_locks where locktype = 'advisory'" 1
	run -0 periodic
	[[ $output == *"p.sums: another periodic is working on it"* ]]
	sql "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
	wait "$holder" || true
	run -0 periodic
	[[ $output == *"p.sums: delta, +1"* ]]
}

@test "changed code rebuilds by a diff; changed columns take the table's place" {
	periodic
	feed "('a', 1), ('b', 2)"
	periodic
	sed -i 's/sum(r.v), 0)/sum(r.v) filter (where r.v > 1), 0)/' sql/p/models/sums.sql
	run -0 periodic
	[[ $output == *"p.sums: rebuild, +1 -1 rows"* ]]
	sql "create view public.other as select count(*) from p.sums"
	sed -i 's/as total/as total, max(r.v) as largest/; s/delta/recompute/' sql/p/models/sums.sql
	sed -i 's/from staging.r r/from p.raw r/' sql/p/models/sums.sql
	model raw <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
	run -3 periodic
	[[ $output == *"something that is no model depends on the old ones"* ]]
	sql "drop view public.other"
	run -0 periodic
	[[ $output == *"p.sums: rebuild"* ]]
	assert_equal columns "k,n,total,largest,loaded_at" "$(sql "
		select string_agg(attname, ',' order by attnum) from pg_attribute
		where attrelid = 'p.sums'::regclass and attnum > 0")"
	assert_equal readable t "$(sql "select has_table_privilege('millrace_read', 'p.sums', 'select')")"
	feed "('a', 7)"
	periodic
	assert_equal mart "a|2|7|7" "$(sql "select k, n, total, largest from p.sums where k = 'a'")"
}

@test "a view over a table that is swapped comes back" {
	model shown <<-'SQL'
		-- config:
		--   materialized: view
		select s.k, s.total from p.sums s
	SQL
	model shown_again <<-'SQL'
		-- config:
		--   materialized: view
		select s.k from p.shown s
	SQL
	periodic
	feed "('a', 1)"
	periodic
	sed -i 's/as total/as total, count(r.v) as present/' sql/p/models/sums.sql
	run -0 periodic
	assert_equal views "a" "$(sql 'table p.shown_again')"
	sed -i 's/s.total/s.total, s.present/; s/s.k, s.total/s.total, s.k/' sql/p/models/shown.sql
	run -0 periodic
	assert_equal views "1|a|1" "$(sql 'table p.shown')"
	assert_equal views "a" "$(sql 'table p.shown_again')"
	assert_equal readable t "$(sql "select has_table_privilege('millrace_read', 'p.shown_again', 'select')")"
}

@test "a view may become a table, and a table a view" {
	model shown <<-'SQL'
		-- config:
		--   materialized: view
		select s.k, s.total from p.sums s
	SQL
	model shown_again <<-'SQL'
		-- config:
		--   materialized: view
		select s.k from p.shown s
	SQL
	periodic
	feed "('a', 1)"
	periodic
	sed -i 's/view/table/' sql/p/models/shown.sql
	run -0 periodic
	[[ $output == *"p.shown: build, +1 -0 rows"* ]]
	assert_equal kind "r v" "$(sql "select relkind from pg_class where relname like 'shown%' and relkind <> 'i' order by relname" | xargs)"
	feed "('b', 1)"
	periodic
	sed -i 's/table/view/' sql/p/models/shown.sql
	run -0 periodic
	assert_equal views "a b" "$(sql 'select k from p.shown_again order by 1' | xargs)"
	run -0 periodic
	[[ $output == *"nothing new"* ]]
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

@test "--full-refresh repairs what was damaged by hand, and only that" {
	periodic
	feed "('a', 1), ('b', 2)"
	periodic
	sql "update p.sums set total = 17 where k = 'b'"
	run -0 periodic --full-refresh
	[[ $output == *"p.sums: rebuild, +1 -1 rows"* ]]
	assert_equal mart "b|1|2" "$(sql "select k, n, total from p.sums where k = 'b'")"
	run -0 periodic --full-refresh
	[[ $output == *"p.sums: rebuild, +0 -0 rows"* ]]
}

@test "a table dropped by hand is built again, and its readers follow" {
	model on_top <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [n]
		--   rows: ks
		--   by: n
		select s.n, count(*) as ks from p.sums s where /*+ incremental(s.n) */ true group by 1
	SQL
	periodic
	feed "('a', 1), ('b', 2), ('b', 3)"
	periodic
	sql "drop table p.sums"
	feed "('c', 1)"
	run -0 periodic
	assert_equal on_top "1|2 2|1" "$(sql 'select n, ks from p.on_top order by n' | xargs)"
}

@test "a rebuild is refused where staging no longer holds what was consumed" {
	periodic
	feed "('a', 1)"
	periodic
	sql "with old as (insert into millrace.load (relation, loaded_at, row_count)
	                  values ('staging.r', now() - interval '40 days', 5) returning load_id)
	     insert into millrace.model_load (model, load_id, run_id) select 'p.sums', load_id, 1 from old"
	sed -i 's/as total/as total, count(r.v) as one/' sql/p/models/sums.sql
	run -2 periodic
	[[ $output == *"p.sums: "*"staging.r only holds what was loaded since "*"a rebuild would lose it"* ]]
}

@test "selectors choose what runs" {
	model aside <<-'SQL'
		-- config:
		--   materialized: table
		--   tags: [nightly]
		select count(*) as n from p.sums
	SQL
	run -0 periodic ls
	[[ ${lines[1]} == p.sums*incremental*delta* && ${lines[2]} == p.aside*table*full*nightly* ]]
	run -0 periodic -s sums
	[[ $output == *"p.sums: build"* && $output != *"p.aside"* ]]
	run -0 periodic -s tag:nightly
	[[ $output == *"p.aside: build"* ]]
	feed "('a', 1)"
	run -0 periodic --exclude p.sums+
	[[ $output == *"nothing new"* ]]
	run -1 periodic -s tag:nightli
	[[ $output == *nightly* ]]
}

@test "plan says what would run, and why, and does nothing" {
	run -0 periodic plan
	[[ $output == *"p.sums"*"build"*"new"*"metrics/sums.csv"* ]]
	periodic
	run -0 periodic plan
	[[ $output == *"nothing to do"* ]]
	feed "('a', 1), ('b', 2)"
	feed "('a', 1)"
	run -0 periodic plan
	[[ $output == *"p.sums"*"delta"*"new loads"*" 2 "*" 3 "* ]]
	periodic
	sed -i 's/as total/as total, count(r.v) as one/' sql/p/models/sums.sql
	run -0 periodic plan
	[[ $output == *"p.sums"*"changed code"* ]]
	rm metrics/sums.csv
	sed -i 's/, count(r.v) as one//' sql/p/models/sums.sql
	run -0 periodic plan
	[[ $output == *"p.sums"*"export"* ]]
}

@test "test looks at everything that is there" {
	periodic
	feed "('a', 1)"
	periodic
	run -0 periodic test
	[[ $output == *"p.sums: not_null(k): pass"* && $output == *"2 tests, 0 failed"* ]]
	sql "update p.sums set total = 5000"
	run -3 periodic test
	[[ $output == *"p.sums: expression(total < 1000): fail, 1 failing"* ]]
}

@test "a seed is loaded when it changes, and those who look it up follow" {
	printf 'k,factor:int\na,2\nb,3\n' >sql/p/seeds/factors.csv
	model weighed <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [k]
		--   rows: n
		--   by: k
		--   lookups: [p.factors on_change=recompute]
		select r.k, count(*) as n, coalesce(sum(r.v * f.factor), 0) as total
		from staging.r r join p.factors f on f.k = r.k
		where /*+ incremental(r.k) */ true
		group by 1
	SQL
	periodic
	feed "('a', 1), ('b', 1)"
	periodic
	assert_equal weighed "a|2 b|3" "$(sql 'select k, total from p.weighed order by 1' | xargs)"
	printf 'k,factor:int\na,2\nb,7\n' >sql/p/seeds/factors.csv
	run -0 periodic
	[[ $output == *"p.factors: seed, +1 -1 rows"* && $output == *"p.weighed: rebuild, +1 -1 rows"* ]]
	assert_equal weighed "a|2 b|7" "$(sql 'select k, total from p.weighed order by 1' | xargs)"
	printf 'k,factor:int\na,two\n' >sql/p/seeds/factors.csv
	run -3 periodic
	[[ $output == *"seeds/factors.csv"*"invalid input syntax for type integer"* ]]
	assert_equal factors 2 "$(sql 'select count(*) from p.factors')"
}

@test "rows that an append model loses are lost to its readers" {
	printf 'k\na\nb\n' >sql/p/seeds/allowed.csv
	model kept <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		--   lookups: [p.allowed on_change=recompute]
		select r.k, r.v from staging.r r join p.allowed a on a.k = r.k
		where /*+ incremental(r.k) */ true and r.v > 0
	SQL
	model copied <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select x.k, x.v from p.kept x where /*+ incremental(x.k) */ true
	SQL
	model least <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: merge
		--   unique_key: [k]
		--   order_by: v
		select x.k, x.v from p.kept x where /*+ incremental(x.k) */ true
	SQL
	model counted <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [k]
		--   by: k
		select x.k, count(*) as n from p.kept x where /*+ incremental(x.k) */ true group by 1
	SQL
	local all="select (select string_agg(k || v, ' ' order by k, v) from p.copied),
		(select string_agg(k || v, ' ' order by k) from p.least),
		(select string_agg(k || n, ' ' order by k) from p.counted)"
	periodic
	feed "('a', 1), ('a', 5), ('b', 1)"
	periodic
	assert_equal before "a1 a5 b1|a1 b1|a2 b1" "$(sql "$all")"
	sed -i 's/r.v > 0/r.v > 1/' sql/p/models/kept.sql
	periodic
	assert_equal "changed code" "a5|a5|a1" "$(sql "$all")"
	sed -i 's/r.v > 1/r.v > 0/' sql/p/models/kept.sql
	periodic
	assert_equal "and back" "a1 a5 b1|a1 b1|a2 b1" "$(sql "$all")"
	printf 'k\nb\n' >sql/p/seeds/allowed.csv
	periodic
	assert_equal "changed lookup" "b1|b1|b1" "$(sql "$all")"
}

@test "a pack that cannot be built leaves the others alone" {
	periodic
	sql "create role \"${PGDATABASE}_other\"; create schema taken authorization \"${PGDATABASE}_other\""
	mkdir -p sql/taken/models sql/torn/streams sql/torn/models
	cat >sql/taken/models/copy.sql <<-'SQL'
		-- config:
		--   materialized: table
		select s.k from p.sums s
	SQL
	cat >sql/torn/streams/t.sql <<-'SQL'
		-- stream: t
		-- format: json
		-- load: append
		-- description: Of a type that there is not.
		create table staging.t (
		    k         text,  -- from: k
		    loaded_at timestamptz not null default now()
		) partition by range (loaded_at);
	SQL
	cat >sql/torn/models/keys.sql <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select t.k from staging.t t where /*+ incremental(t.k) */ true
	SQL
	sed -i 's/k         text/k         texture/' sql/torn/streams/t.sql
	feed "('a', 1)"
	run -3 periodic
	[[ $output == *"p.sums: delta, +1 -0 rows"* ]]
	[[ $output == *"taken.copy: creating schema taken: permission denied"* ]]
	[[ $output == *"torn.keys: "*'type "texture" does not exist'* ]]
	assert_equal log "error|p.sums success taken.copy error torn.keys error" "$(sql "
		select r.status, string_agg(model || ' ' || m.status, ' ' order by model)
		from millrace.run r join millrace.run_model m using (run_id)
		where run_id = (select max(run_id) from millrace.run) group by 1")"
	sed -i 's/texture/text/' sql/torn/streams/t.sql
	sql "alter schema taken owner to millrace_owner; drop role \"${PGDATABASE}_other\""
	sql "drop schema taken"
	run -0 periodic
	[[ $output == *"taken.copy: build"* && $output == *"torn.keys: build"* ]]
}

@test "readers of marts see them, and nothing else" {
	periodic
	feed "('a', 1)"
	periodic
	assert_equal mart 1 "$(sql "set role millrace_read; select count(*) from p.sums")"
	run -3 psql -XAtq -v ON_ERROR_STOP=1 <<<"set role millrace_read; table staging.r"
	[[ $output == *"permission denied"* ]]
	run -3 psql -XAtq -v ON_ERROR_STOP=1 <<<"set role millrace_read; delete from p.sums"
	[[ $output == *"permission denied"* ]]
}

@test "old versions go once everybody has passed them" {
	model on_top <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [n]
		--   rows: ks
		--   by: n
		select s.n, count(*) as ks from p.sums s where /*+ incremental(s.n) */ true group by 1
	SQL
	periodic
	for _ in 1 2 3 4; do
		feed "('a', 1), ('b', 1)"
		periodic
	done
	assert_equal "old versions" 0 "$(sql 'select count(*) from millrace_old.p__sums')"
	feed "('a', 1)"
	periodic -s sums
	assert_equal "old versions" 1 "$(sql 'select count(*) from millrace_old.p__sums')"
	assert_equal consumed 0 "$(sql "select greatest(count(*) - 6, 0) from millrace.model_load")"
}

@test "an error in a model's SQL has file and line" {
	model broken <<-'SQL'
		-- config:
		--   materialized: table
		select s.k,
		    s.totl
		from p.sums s
	SQL
	run -3 periodic
	[[ $output == *"sql/p/models/broken.sql:4: column s.totl does not exist"* ]]
}

@test "names of the header that the query does not return are told" {
	sed -i 's/not_null: \[k\]/not_null: [key]/' sql/p/models/sums.sql
	run -2 periodic
	[[ $output == *"sql/p/models/sums.sql:8: not_null(key): the query has no column"* ]]
	model all_of_it <<-'SQL'
		-- config:
		--   materialized: table
		-- tests:
		--   - not_null: [total, key]
		select * from p.raw
	SQL
	model raw <<-'SQL'
		-- config:
		--   materialized: view
		select 1 as total
	SQL
	sed -i 's/not_null: \[key\]/not_null: [k]/' sql/p/models/sums.sql
	run -2 periodic
	[[ $output == *"all_of_it.sql: not_null(total,key) names key, which is not a column of the query"* ]]
}

@test "recompute over staging is refused, with the way out" {
	model parts <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: k
		select r.k, count(distinct r.v) as n from staging.r r
		where /*+ incremental(r.k) */ true group by 1
	SQL
	run -2 periodic
	[[ $output == *"sql/p/models/parts.sql:6: recompute looks for its rows through an index"* ]]
}

@test "help and version, and wrong words" {
	run -0 periodic --help
	[[ $output == *"--full-refresh"* && $output == *"Exit status"* ]]
	run -0 periodic --version
	run -1 periodic pla
	[[ $output == *"pla is not a command; did you mean plan?"* ]]
	run -1 periodic run sums
	[[ $output == *"models are chosen with -s sums"* ]]
	run -4 periodic -d "host=/nowhere" --retry-timeout 0
}

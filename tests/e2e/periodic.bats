#!/usr/bin/env bats
# periodic as its user meets it.

load ../support/small_project

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
	sql "update millrace.seal set candidate_at = now() + interval '1 hour'" # it is not to move
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

@test "keys are looked up by their bytes, but where others are equal too" {
	sql "create collation public.anycase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
	sed -i '/group by 1/a order by k' sql/p/models/sums.sql
	for model in firsts sums_anycase; do
		sed "s/select r.k,/select r.k collate public.anycase as k,/
			/export/d" sql/p/models/sums.sql >"sql/p/models/$model.sql"
	done
	model firsts <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: merge
		--   unique_key: [k]
		--   order_by: v
		select r.k collate public.anycase as k, r.v
		from staging.r r
		where /*+ incremental(r.k) */ true
	SQL
	periodic
	feed "('a', 3), ('b', 2), ('A', 1), ('B', 4)"
	periodic
	feed "('B', 1), ('A', 2), ('c', 5)"
	periodic
	assert_equal "by bytes" "A|2|3 B|2|5 a|1|3 b|1|2 c|1|5 " "$(sums)"
	assert_equal "by letters" "a|3|6 b|3|7 c|1|5" \
		"$(sql "select lower(k), n, total from p.sums_anycase order by k" | xargs)"
	assert_equal "first of each letter" "a|1 b|1 c|5" "$(sql "select lower(k), v from p.firsts order by k" | xargs)"
	assert_equal indexes "firsts (k) sums (k text_pattern_ops) sums_anycase (k)" \
		"$(sql "select tablename, substring(indexdef from '\(.*\)') from pg_indexes
			where schemaname = 'p' order by 1" | tr '|' ' ' | xargs)"
}

@test "a model someone else works on is skipped without an error" {
	periodic
	feed "('a', 1)"
	coproc psql -XAtq
	local holder=$COPROC_PID
	echo "select pg_advisory_lock(x'6d72756e'::int, hashtext('p.sums')) is null;" >&"${COPROC[1]}"
	read -r -u "${COPROC[0]}" _
	run -0 periodic
	[[ $output == *"p.sums: another periodic is working on it"* ]]
	echo "select pg_advisory_unlock_all() is null;" >&"${COPROC[1]}"
	read -r -u "${COPROC[0]}" _
	kill "$holder"
	run -0 periodic
	[[ $output == *"p.sums: delta, +1"* ]]
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
	run -1 periodic -s sums words
	assert_says "words is not a command; several selectors are one word: -s 'sums words'"
	run -0 periodic build
	assert_says "p.sums: build"
	run -4 periodic -d "host=/nowhere" --retry-timeout 0
}

@test "rows that were replaced are refused by merge, before and when it runs" {
	model firsts <<-'SQL'
		-- config:
		--   strategy: merge
		--   unique_key: [k]
		--   order_by: v desc
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
	periodic
	feed "('a', 1), ('b', 2)"
	periodic
	sql "begin; delete from staging.r where k = 'a';
	     insert into millrace.load (relation, loaded_at, op, row_count) values ('staging.r', now(), 'd', 0); commit"
	run -0 periodic plan -s firsts
	[[ $output =~ p.firsts\ +refused\ +new\ loads ]]
	run -2 periodic -s firsts
	assert_says "replaced some of staging.r"
	assert_says "periodic --full-refresh -s p.firsts"
	periodic --full-refresh -s firsts
	assert_equal firsts b "$(sql 'select k from p.firsts')"
	run -0 periodic plan -s firsts
	assert_equal plan "" "$(grep firsts <<<"$output" || true)"
}

@test "a NaN that goes from a sum is told, and a full refresh does without it" {
	model firsts <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: merge
		--   unique_key: [k]
		--   order_by: v desc
		select r.k, r.v from staging.r r where /*+ incremental(r.k) */ true
	SQL
	model per_v <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [g]
		--   rows: n
		select left(f.k, 1) as g, count(*) as n
		     , coalesce(sum(case when f.v = 0 then 'NaN' else f.v::numeric end), 0) as total
		from p.firsts f where /*+ incremental(f.k) */ true group by 1
	SQL
	periodic -q
	feed "('a1', 0), ('a2', 3)"
	periodic -q
	assert_equal "with it" "2|NaN" "$(sql "select n, total from p.per_v")"
	feed "('a1', 5)"
	run -3 periodic
	assert_says "sql/p/models/per_v.sql: a NaN or an infinity goes from a measure, and no sum can be without it again: \`periodic --full-refresh -s p.per_v\`"
	periodic -q --full-refresh -s p.per_v
	assert_equal "without" "2|8" "$(sql "select n, total from p.per_v")"
}

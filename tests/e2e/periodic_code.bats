#!/usr/bin/env bats
# What a change of a model's file does to the table that is there.

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
teardown() {
	drop_own_database
	psql -Xq -d postgres -c "drop role if exists \"r_$$\"" 2>/dev/null
}

shown() {
	model shown <<-'SQL'
		-- config:
		--   materialized: view
		-- description: Sums, shown.
		select s.k, s.total from p.sums s
	SQL
}

rights() {
	sql "select string_agg(what || ' ' || privilege_type || ' ' || is_grantable, ', ' order by what, privilege_type)
	     from (select c.relname as what, x.privilege_type, x.is_grantable, x.grantee
	           from pg_class c cross join aclexplode(c.relacl) x where c.relname in ('sums', 'shown')
	           union all
	           select c.relname || '.' || a.attname, x.privilege_type, x.is_grantable, x.grantee
	           from pg_class c join pg_attribute a on a.attrelid = c.oid cross join aclexplode(a.attacl) x
	           where c.relname in ('sums', 'shown')) held
	     where grantee = (select oid from pg_roles where rolname = 'r_$$')"
}

@test "what was granted survives whatever takes the place of a table or a view" {
	shown
	periodic
	sql "create role \"r_$$\" nologin;
	     grant select, insert on p.sums to \"r_$$\" with grant option;
	     grant update (total) on p.sums to \"r_$$\";
	     grant select on p.shown to \"r_$$\"; grant select on p.shown to public"
	local granted="shown SELECT false, sums INSERT true, sums SELECT true, sums.total UPDATE false"
	assert_equal before "$granted" "$(rights)"
	# a rebuild, a swap, a view of other columns
	sed -i 's/true$/true and r.v > 0/' sql/p/models/sums.sql
	periodic
	assert_equal "a rebuild" "$granted" "$(rights)"
	sed -i 's/count(\*) as n/count(*) as n, count(r.v) as vs/' sql/p/models/sums.sql
	periodic
	assert_equal "a swap" "$granted" "$(rights)"
	sed -i 's/s.k, s.total/s.total, s.k, s.vs/' sql/p/models/shown.sql
	periodic
	assert_equal "another view" "$granted" "$(rights)"
	assert_equal "everybody" t "$(sql "select exists (select from pg_class cross join aclexplode(relacl) x
		where relname = 'shown' and x.grantee = 0)")"
	assert_equal "our own readers" t "$(sql "select has_table_privilege('millrace_read', 'p.sums', 'select')
		and has_table_privilege('millrace_read', 'p.shown', 'select')")"
	# a column that goes takes its rights along
	sed -i 's/, s.vs//; s/s.total, //' sql/p/models/shown.sql
	sed -i '/expression/d; s/coalesce(sum(r.v), 0) as total/coalesce(sum(r.v), 0) as sum/' sql/p/models/sums.sql
	run -0 periodic
	assert_equal "without the column" "shown SELECT false, sums INSERT true, sums SELECT true" "$(rights)"
	# a view becomes a table
	sed -i 's/view/table/' sql/p/models/shown.sql
	periodic
	assert_equal "a table for a view" "shown SELECT false, sums INSERT true, sums SELECT true" "$(rights)"
}

@test "description and owner are comments, and follow the file without a rebuild" {
	shown
	sed -i 's/-- tests:/-- description: Sums, it'"'"'s all.\n-- tests:/; s/export: .*/owner: sums@example.org/' sql/p/models/sums.sql
	periodic
	comment() { sql "select obj_description('p.$1'::regclass)"; }
	assert_equal table "Sums, it's all. (owner: sums@example.org)" "$(comment sums)"
	assert_equal view "Sums, shown." "$(comment shown)"
	sed -i 's/all\./everything./' sql/p/models/sums.sql
	sed -i 's/shown\./looked at./' sql/p/models/shown.sql
	run -0 periodic plan
	assert_says "changed readers or description"
	run -0 periodic
	assert_says "p.sums: index, +0 -0 rows"
	assert_equal table "Sums, it's everything. (owner: sums@example.org)" "$(comment sums)"
	assert_equal view "Sums, looked at." "$(comment shown)"
	sed -i 's/count(\*) as n/count(*) as n, count(r.v) as vs/' sql/p/models/sums.sql
	run -0 periodic
	assert_equal table "Sums, it's everything. (owner: sums@example.org)" "$(comment sums)"
	assert_equal "of a view that came back" "Sums, looked at." "$(comment shown)"
	run -0 periodic
	assert_says "nothing new"
}

@test "on_schema_change: append_new_columns adds them, fail refuses, until --full-refresh" {
	sed -i 's/by: k/by: k\n--   on_schema_change: append_new_columns/' sql/p/models/sums.sql
	model on_top <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: k
		select s.k, s.total, s.n from p.sums s where /*+ incremental(s.k) */ true
	SQL
	sed -i 's/export: .*/rows: n/' sql/p/models/sums.sql
	periodic
	feed "('a', 1), ('b', 2)"
	periodic
	local before
	before=$(sql "select 'p.sums'::regclass::oid, ctid, xmin from p.sums where k = 'b'")
	sed -i 's/count(\*) as n/count(*) as n, coalesce(sum(r.v * 2), 0) as twice/' sql/p/models/sums.sql
	feed "('a', 3), ('c', 4)"
	run -0 periodic
	assert_says "p.sums: delta, +2 -1 rows, 1 load"
	assert_equal "from now on" "a|2|6|4 b|1||2 c|1|8|4" "$(sql 'select k, n, twice, total from p.sums order by k' | xargs)"
	assert_equal "the table and its rows stay" "$before" \
		"$(sql "select 'p.sums'::regclass::oid, ctid, xmin from p.sums where k = 'b'")"
	assert_equal readers "a|4|2 b|2|1 c|4|1" "$(sql 'select k, total, n from p.on_top order by k' | xargs)"
	run -0 periodic --full-refresh -s p.sums
	assert_equal "in full" "a|2|8|4 b|1|4|2 c|1|8|4" "$(sql 'select k, n, twice, total from p.sums order by k' | xargs)"
	# another query with the same columns is a rebuild like any other
	sed -i 's/r.v \* 2/r.v * 3/' sql/p/models/sums.sql
	run -0 periodic
	assert_says "p.sums: rebuild, +3 -3 rows"
	# a column that goes, or has another type, makes a new table
	sed -i 's/, coalesce(sum(r.v \* 3), 0) as twice//; s/append_new_columns/fail/' sql/p/models/sums.sql
	run -2 periodic
	assert_says "the columns of the query are no longer those of p.sums, and it says on_schema_change: fail"
	sed -i 's/sum(r.v)/sum(r.v)::numeric/; s/coalesce(sum(r.v)::numeric, 0)/coalesce(sum(r.v), 0)::numeric/' sql/p/models/sums.sql
	run -2 periodic
	assert_says "--full-refresh gives it the new ones"
	run -0 periodic --full-refresh
	assert_equal "as asked" "k,total:numeric,n" "$(sql "select string_agg(attname || case when atttypid = 'numeric'::regtype
		then ':numeric' else '' end, ',' order by attname = 'n') from pg_attribute
		where attrelid = 'p.sums'::regclass and attnum > 0 and attname <> 'loaded_at'")"
	run -0 periodic
	assert_says "nothing new"
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
	assert_says "something that is no model depends on the old ones (view public.other depends on table p.sums): drop it first"
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

@test "a key that is not compared alike everywhere is refused" {
	sql "create extension citext; create type pair as (a int, b text)"
	sed -i 's/select r.k,/select r.k::public.citext as k,/; /by: k/d' sql/p/models/sums.sql
	run -2 periodic
	assert_says "sql/p/models/sums.sql: unique_key names k, which is public.citext: only values of PostgreSQL's own types are compared alike everywhere; cast it, as in lower(k::text)"
	sed -i 's/select .* as k,/select row(1, r.k)::public.pair as k,/' sql/p/models/sums.sql
	run -2 periodic
	assert_says "unique_key names k, which is public.pair, a row: select its fields instead"
}

@test "a column that gets another type gets it in all that reads it, or is refused there" {
	shown
	model again <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: k
		select s.k, s.total from p.sums s where /*+ incremental(s.k) */ true
	SQL
	model whole <<-'SQL'
		-- config:
		--   materialized: table
		select s.k, s.total from p.shown s
	SQL
	model last <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [one]
		--   rows: n
		select 1 as one, count(*) as n, coalesce(sum(a.total), 0) as total from p.again a where /*+ incremental(a.k) */ true group by 1
	SQL
	mkdir sql/p/snapshots
	cat >sql/p/snapshots/kept.sql <<-'SQL'
		-- config:
		--   materialized: snapshot
		--   strategy: check
		--   unique_key: k
		--   check_cols: [total]
		select s.k, s.total from p.sums s where /*+ incremental(s.k) */ true
	SQL
	sed 's/p.sums/p.again/; /strategy/i --   on_schema_change: fail' sql/p/models/again.sql >sql/p/models/strict.sql
	periodic
	feed "('a', 1), ('b', 2)"
	periodic
	sed -i 's/sum(r.v)/sum(r.v * 1.25)/' sql/p/models/sums.sql
	run -2 periodic
	assert_says "strict.sql: the columns of the query are no longer those of p.strict"
	assert_says "kept.sql: the column total has become numeric and is bigint in the table: cast it back"
	assert_says "4 done, 2 failed"
	sed -i 's/s.total/s.total::bigint/' sql/p/snapshots/kept.sql
	feed "('a', 1)"
	run -2 periodic
	assert_says "p.kept: snapshot, +"
	local name
	for name in again whole; do
		assert_equal "p.$name" "a|2.50 b|2.50" "$(sql "select k, total from p.$name order by k" | xargs)"
	done
	assert_equal p.last 5.00 "$(sql "select total from p.last")"
	assert_equal "as it was" "a|1 b|2" "$(sql "select k, total from p.strict order by k" | xargs)"
	run -0 periodic --full-refresh -s p.strict
	assert_equal p.strict "a|2.50 b|2.50" "$(sql "select k, total from p.strict order by k" | xargs)"
	run -0 periodic audit
}

# p.shown over p.sums, p.shown_again over that, with a row in each.
view_of_view() {
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
}

@test "a view over a table that is swapped comes back" {
	view_of_view
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
	view_of_view
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

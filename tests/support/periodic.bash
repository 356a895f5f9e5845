# A small project for the tests of periodic.  After common:
#
#   small_project              ./sql with stream r and model p.sums over it
#   feed "('a', 1), ('b', 2)" [NAME]  rows for staging.r (or .NAME) and their
#                              ledger row, committed
#   model NAME <<< TEXT        writes sql/p/models/NAME.sql

small_project() {
	mkdir -p sql/p/streams sql/p/models sql/p/seeds
	export PERIODIC_PROJECT=$PWD
	export PERIODIC_LOCK_TIMEOUT=10min # who is to wait does, on any machine
	cat >sql/p/streams/r.sql <<-'SQL'
		-- stream: r
		-- format: json
		-- load: append
		-- description: Rows.
		create table staging.r (
		    k         text,  -- from: k
		    v         int,   -- from: v
		    loaded_at timestamptz not null default now()
		) partition by range (loaded_at);
	SQL
	sums_model >sql/p/models/sums.sql
}

sums_model() {
	cat <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [k]
		--   by: k
		--   export: metrics/sums.csv order by k
		-- tests:
		--   - not_null: [k]
		--   - expression: total < 1000
		select r.k, count(*) as n, coalesce(sum(r.v), 0) as total
		from staging.r r
		where /*+ incremental(r.k) */ true
		group by 1
	SQL
}

model() { cat >"sql/p/models/$1.sql"; }

feed() {
	sql "begin;
	     insert into millrace.load (relation, loaded_at, row_count)
	     select 'staging.${2:-r}', now(), count(*) from (values $1) v;
	     insert into staging.${2:-r} (k, v) values $1; commit"
}

# A database for one test, on the server that fresh_database has found.
own_database() {
	FILE_DATABASE=$PGDATABASE
	sql "create database \"${FILE_DATABASE}_$BATS_TEST_NUMBER\" template template0"
	export PGDATABASE=${FILE_DATABASE}_$BATS_TEST_NUMBER
}
drop_own_database() {
	local mine=$PGDATABASE
	export PGDATABASE=$FILE_DATABASE
	sql "drop database \"$mine\" with (force)"
}

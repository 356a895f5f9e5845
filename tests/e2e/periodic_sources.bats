#!/usr/bin/env bats
# Tables that others write, as sources of models.

setup_file() {
	load ../support/common
	load ../support/periodic
	fresh_database
	cd "$BATS_FILE_TMPDIR" || return 1
	small_project
	rm sql/p/models/sums.sql
	mkdir sql/p/sources
	printf -- '-- source: shop.orders\n-- description: As the shop writes them.\n' >sql/p/sources/orders.sql
	model per_day <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [day]
		--   rows: n
		--   by: day
		select o.day, count(*) as n, coalesce(sum(o.amount), 0) as total
		from shop.orders o
		where /*+ incremental(o.day) */ true
		group by 1
	SQL
	model kept <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select o.id, o.day from shop.orders o where /*+ incremental(o.day) */ true
	SQL
}
teardown_file() { drop_database; }
setup() {
	load ../support/common
	load ../support/periodic
	export PERIODIC_PROJECT=$BATS_FILE_TMPDIR
	cd "$BATS_FILE_TMPDIR" || return 1
}

same() {
	assert_equal "per_day" "$(sql 'select day, count(*), sum(amount) from shop.orders group by 1 order by 1')" \
		"$(sql 'select day, n, total from p.per_day order by 1')"
	assert_equal "kept" "$(sql 'select id, day from shop.orders order by 1, 2')" "$(sql 'select id, day from p.kept order by 1, 2')"
}
recent() { sql "select op, row_count from millrace.load where relation = 'shop.orders' order by load_id desc limit $1" | paste -sd' '; }

@test "what a table lacks to be a source is said with the words to type" {
	run periodic install-source shop.orders
	assert_status 2
	assert_says "there is no table shop.orders"
	run -2 periodic install-source 'Shop.Orders'
	assert_says '"Shop.Orders" is no table: write schema, a dot and its name, in small letters'
	run -2 periodic install-source millrace.load
	assert_says "millrace.load is PostgreSQL's or Millrace's own"
	sql "create schema shop; create table shop.orders (id int, day date, amount numeric) partition by range (day);
	     create table shop.orders_1 partition of shop.orders for values from ('2026-01-01') to ('2026-02-01');
	     create table shop.orders_2 partition of shop.orders for values from ('2026-02-01') to ('2026-03-01');
	     insert into shop.orders values (1, '2026-01-05', 10), (2, '2026-02-05', 20)"
	run periodic install-source shop.orders
	assert_status 2
	# shellcheck disable=SC2016 # words, not a command
	assert_says '`alter table shop.orders add column loaded_at timestamptz not null default now()` (rewrites no row)'
	sql "alter table shop.orders add column loaded_at timestamptz"
	run periodic install-source shop.orders
	assert_says "alter column loaded_at set default now(), alter column loaded_at set not null"
	sql "alter table shop.orders drop column loaded_at, add column loaded_at timestamptz not null default now()"
	run periodic install-source shop.orders_1
	assert_says "shop.orders_1 is a part of shop.orders"
	sql "create unlogged table shop.fleeting (id int, loaded_at timestamptz not null default now())"
	run -2 periodic install-source shop.fleeting
	assert_says "shop.fleeting is unlogged: a crash would empty it, and nobody would tell; \`alter table shop.fleeting set logged\`"
	# nobody would tell of new loads: a model is not built
	run periodic
	assert_status 2
	assert_says "sql/p/sources/orders.sql: nobody tells of what is loaded into shop.orders, or into one of its partitions: run \`periodic install-source shop.orders\` once"
	run -0 periodic install-source shop.orders
	assert_says "create index on shop.orders using brin (loaded_at)"
	sql "create index on shop.orders using brin (loaded_at)"
	run -0 --separate-stderr periodic install-source shop.orders
	run -0 periodic
	assert_says "p.per_day: build, +2 -0 rows"
	same
	run -2 periodic install-source p.kept
	assert_says "p.kept is a model's table: other models read it as it is, nothing is to be installed"
}

@test "INSERT, COPY and what goes straight into a partition are loads, one for a transaction" {
	sql "insert into shop.orders (id, day, amount) values (3, '2026-01-06', 1), (4, '2026-01-06', 2)"
	assert_equal insert "i|2" "$(recent 1)"
	printf '5,2026-01-07,5\n6,2026-02-07,6\n7,2026-01-07,7\n' | psql -Xq -c "copy shop.orders (id, day, amount) from stdin csv"
	assert_equal copy "i|3" "$(recent 1)"
	psql -Xq <<-'SQL'
		begin;
		insert into shop.orders (id, day, amount) values (8, '2026-01-08', 8);
		savepoint s;
		insert into shop.orders_1 (id, day, amount) values (9, '2026-01-09', 9);
		insert into shop.orders_2 (id, day, amount) select 10, '2026-02-10', 10;
		rollback to s;
		insert into shop.orders_2 (id, day, amount) values (11, '2026-02-10', 11);
		insert into shop.orders (id, day, amount) select 12, '2026-02-10', 12 where false;
		commit
	SQL
	assert_equal "one load" "i|2 i|3" "$(recent 2)"
	sql "set session_replication_role = replica; insert into shop.orders (id, day, amount) values (13, '2026-02-10', 13)"
	run -0 periodic
	assert_says "p.per_day: delta, +5 -0 rows, 4 loads,"
	same
}

@test "rows that change or go make readers start over, and nothing does not" {
	sql "update shop.orders set amount = amount + 1 where id = 3; delete from shop.orders where id = 5"
	sql "update shop.orders set amount = 0 where id = -1; delete from shop.orders_1 where id = -1"
	assert_equal loads "t|0 i|1" "$(recent 2)"
	run -0 periodic
	assert_says "p.per_day: rebuild, +2 -2 rows, 1 load,"
	same
	sql "insert into shop.orders (id, day, amount) values (20, '2026-01-20', 1)"
	sql "truncate shop.orders_2"
	run -0 periodic
	assert_says "p.kept: rebuild, +1 -4 rows, 2 loads,"
	same
}

@test "loaded_at stays what tells loads apart, and two loads of one moment are refused" {
	run sql "insert into shop.orders (id, day, amount, loaded_at) values (30, '2026-01-01', 1, '2020-01-01')"
	assert_says "loaded_at of shop.orders is set by its default alone"
	# a tie: another transaction's row with this one's now()
	run psql -X -v ON_ERROR_STOP=1 -v "self=host=$PGHOST port=${PGPORT:-5432} dbname=$PGDATABASE user=${PGUSER:-postgres}" <<-'SQL'
		create extension if not exists dblink;
		begin;
		select dblink_exec(:'self', format(
		    'insert into millrace.load (relation, loaded_at, row_count) values (''shop.orders'', %L, 0)', now()));
		insert into shop.orders (id, day, amount) values (31, '2026-01-01', 1);
		commit
	SQL
	assert_says "began in the same microsecond: try again"
	run -0 periodic
	same
}

@test "complete_through is known where writers promise a guard, and they are held to it" {
	sql "insert into shop.orders (id, day, amount) values (40, '2026-01-01', 1)"
	periodic
	assert_equal unknown "" "$(sql "select complete_through from millrace.status where name = 'p.per_day'")"
	periodic install-source shop.orders --guard 1s
	# a machine may be too slow for a promise: who is refused begins again
	wait_until 20 sql "insert into shop.orders (id, day, amount) values (41, '2026-01-01', 1)"
	periodic
	sql "update millrace.seal set candidate_at = candidate_at - interval '31 s'"
	periodic
	assert_equal known t "$(sql "select complete_through between now() - interval '10 min' and now() - interval '1 s'
		from millrace.status where name = 'p.per_day'")"
	# what counts is when a writer began, however long it takes then
	wait_until 20 sql "insert into shop.orders (id, day, amount) select 43, '2026-01-01', 1 from (select pg_sleep(1.1)) s" 3>&- &
	local first=$!
	wait_until 20 sql "begin; insert into shop.orders (id, day, amount) values (44, '2026-01-01', 1); select pg_sleep(1.1);
	     insert into shop.orders (id, day, amount) values (45, '2026-02-01', 1); delete from shop.orders_2 where id = 45; commit" 3>&- &
	local second=$!
	run sql "begin; select pg_sleep(1.1); insert into shop.orders (id, day, amount) values (42, '2026-01-01', 1); commit"
	assert_says "before its first row for shop.orders, and 00:00:01 is what its writers may take"
	wait "$first"
	wait "$second"
	# a promise that nobody sees to any more promises nothing
	local known="select complete_through from millrace.status where name = 'p.per_day'" before
	periodic
	before=$(sql "$known")
	sql "alter table shop.orders_1 disable trigger millrace_delete; update millrace.seal set candidate_at = candidate_at - interval '31 s'"
	run -0 periodic
	assert_says "nobody tells any more of what is loaded into shop.orders, or into a partition"
	assert_equal "not complete beyond" "$before" "$(sql "$known")"
	sql "alter table shop.orders_1 enable always trigger millrace_delete; update millrace.seal set candidate_at = candidate_at - interval '31 s'"
	run -0 periodic
	[[ $output != *"nobody tells"* ]]
	assert_equal "complete again" t "$(sql "select ($known) > '$before'")"
	same
}

@test "a source that was left and came back is read from the start" {
	periodic install-source --remove shop.orders
	assert_equal "promise of a guard" "" "$(sql "select guard from millrace.source where relation = 'shop.orders'")"
	sql "insert into shop.orders (id, day, amount) values (50, '2026-01-01', 1)"
	run -0 periodic
	assert_says "nobody tells any more of what is loaded into shop.orders"
	assert_says "nothing new"
	# also where somebody has made a partition since
	sql "create table shop.orders_3 partition of shop.orders for values from ('2026-03-01') to ('2026-04-01')"
	run periodic doctor
	assert_says "into shop.orders, or into one of its partitions"
	periodic install-source shop.orders
	run periodic doctor
	assert_says "shop.orders tells of its loads"
	sql "insert into shop.orders_3 (id, day, amount) values (51, '2026-03-01', 1)"
	run -0 periodic
	assert_says "p.per_day: rebuild, +2 -1 rows, 2 loads,"
	same
}

@test "staging tables can have other writers too, and their new partitions are watched" {
	model sums <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [k]
		--   by: k
		select r.k, count(*) as n from staging.r r where /*+ incremental(r.k) */ true group by 1
	SQL
	periodic
	periodic install-source staging.r
	sql "insert into staging.r (k, v) values ('a', 1)"
	# what loads as handle-streams does is counted once
	sql "begin; insert into millrace.load (relation, loaded_at, row_count, origin) values ('staging.r', now(), 1, '{}');
	     insert into staging.r (k, v) values ('a', 2); commit"
	assert_equal loads 2 "$(sql "select sum(row_count) from millrace.load where relation = 'staging.r'")"
	local day
	day=$(sql "select to_char(current_date + 9, 'YYYYMMDD')")
	sql "select millrace.ensure_partitions(9)"
	assert_equal triggers 5 "$(sql "select count(*) from pg_trigger where tgrelid = 'staging.r_$day'::regclass")"
	run -0 periodic
	assert_equal sums "a|2" "$(sql 'select k, n from p.sums')"
}

#!/usr/bin/env bats
# handle-streams --from-table: a table of another PostgreSQL.
# bats file_tags=ingest

setup() {
	load ../support/common
	load ../support/ingest
	fresh_project
	cat >project/sql/shop/streams/orders.sql <<-'SQL'
		-- stream: orders
		-- format: csv delimiter=;
		-- event_time: at
		create table staging.orders (
		    id    bigint not null, -- from: id
		    name  text,            -- from: "Customer Name"
		    total numeric(12,2),   -- from: total
		    paid  boolean,         -- from: paid
		    at    timestamptz,     -- from: updated_at
		    more  jsonb,           -- from: more
		    loaded_at timestamptz not null default now()
		) partition by range (loaded_at);
	SQL
	sed 's/orders/all_orders/; s/^-- event_time/-- load: full\n&/' project/sql/shop/streams/orders.sql >project/sql/shop/streams/all_orders.sql
	sed -i 's/staging.orders/staging.all_orders/' project/sql/shop/streams/all_orders.sql
	sql "create schema crm; create table crm.orders (id bigint, \"Customer Name\" text, total numeric, paid boolean, updated_at timestamptz, more json, ignored int)"
	sql "insert into crm.orders values (1, e'a;\"b\"\n', 1.5, true, '2025-03-10 17:00:00.25+02', '{\"a\": [1]}', 1), (2, '', null, false, '2025-03-10 17:00+00', null, 1), (3, null, -0.07, null, '2025-03-11', '\"x\"', null)"
	from="dbname=$PGDATABASE:crm.orders"
}
teardown() { drop_database; }

both() { # the rows of staging.$1 are those of crm.orders
	sql "select coalesce(string_agg(t::text, '|' order by t::text), '') from (select id, name, total, paid, at, more from staging.$1) t"
}
wanted() { sql "select coalesce(string_agg(t::text, '|' order by t::text), '') from (select id, \"Customer Name\", total::numeric(12,2), paid, updated_at, more::jsonb from crm.orders) t"; }
ids() { sql "select coalesce(string_agg(id::text, ' ' order by id), '') from staging.orders"; }

@test "full refresh: every value as it was, the same again is no extract" {
	run handle-streams --from-table "$from" --stream all_orders --effective 2025-03-12
	assert_status 0
	assert_equal rows "$(wanted)" "$(both all_orders)"
	assert_equal ledger "t 3 2025-03-12T00:00:00.000000Z" "$(sql "select op::text || ' ' || row_count || ' ' || (origin->>'effective') from millrace.load")"
	run handle-streams --from-table "$from" --stream all_orders
	assert_says "crm.orders has nothing new for staging.all_orders, 0 rows added"
	sql "delete from crm.orders where id = 2"
	run -0 handle-streams --from-table "$from" --stream all_orders
	assert_equal current "1 3" "$(sql "select string_agg(id::text, ' ' order by id) from staging.all_orders_current")"
	assert_verified
}

@test "by a cursor: ties, equal rows, changes and nothing new" {
	load_new() { run -0 handle-streams --from-table "$from" --stream orders --cursor updated_at "$@"; }
	load_new
	assert_equal rows "$(wanted)" "$(both orders)"
	load_new
	assert_says "nothing new"
	sql "insert into crm.orders (id, updated_at) values (4, '2025-03-11'), (5, '2025-03-12'), (5, '2025-03-12')"
	load_new
	assert_equal "a tie with the last one, and two equal rows" "1 2 3 4 5 5" "$(ids)"
	sql "insert into crm.orders (id, updated_at) values (5, '2025-03-12'), (6, '2025-03-12')"
	load_new
	assert_equal "a third equal row" "1 2 3 4 5 5 5 6" "$(ids)"
	sql "update crm.orders set total = 9, updated_at = '2025-03-13' where id = 1"
	load_new
	assert_equal "a new version" "1 1 2 3 4 5 5 5 6" "$(ids)"
	sql "insert into crm.orders (id, updated_at) values (7, now()), (8, now() - interval '1 hour')"
	load_new --cursor-lag 10m
	assert_equal "the newest waits" "1 1 2 3 4 5 5 5 6 8" "$(ids)"
	assert_equal loads "5 i" "$(sql "select count(*) || ' ' || min(op) from millrace.load")"
	assert_verified
}

@test "killed anywhere: each row once; a broken source loads nothing" {
	sql "insert into crm.orders (id, updated_at) select n, '2025-04-01'::timestamptz + n / 3 * interval '1 minute' from generate_series(10, 3000) n"
	for fault in after-claim mid-copy:2 before-commit after-commit; do
		run env MILLRACE_FAULT=$fault handle-streams --batch-rows 500 --from-table "$from" --stream orders --cursor updated_at
		assert_equal killed 137 "$status"
	done
	sql "insert into crm.orders (id, updated_at) select n, '2025-04-01'::timestamptz + n / 3 * interval '1 minute' from generate_series(3001, 3010) n"
	run -0 handle-streams --from-table "$from" --stream orders --cursor updated_at
	assert_equal each "3004 3004" "$(sql "select count(*) || ' ' || count(distinct id) from staging.orders")"
	sql "alter table crm.orders alter total type text; create function crm.fail(t text) returns text language plpgsql as \$\$ begin if t = '13' then raise 'broken'; end if; return t; end \$\$; create view crm.broken as select id, \"Customer Name\", crm.fail(id::text) as total, paid, updated_at, more from crm.orders"
	run handle-streams --from-table "dbname=$PGDATABASE:crm.broken" --stream all_orders
	assert_status 5
	assert_says "reading crm.broken: broken"
	assert_equal nothing 0 "$(sql 'select count(*) from staging.all_orders')"
	assert_verified
}

@test "asked to stop while the source thinks, it ends soon" {
	sql "create view crm.slow as select id, \"Customer Name\", total, paid, case when pg_sleep(600) is null then updated_at end as updated_at, more from crm.orders"
	handle-streams --from-table "dbname=$PGDATABASE:crm.slow" --stream all_orders 2>log &
	local pid=$!
	is_slow() { [ "$(sql "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'")" = 1 ]; }
	wait_until 20 is_slow
	kill -TERM $pid
	wait_until 15 is_gone $pid
	wait $pid
	grep -q "asked to stop: nothing of slow was loaded" log
	assert_equal nothing 0 "$(sql 'select count(*) from staging.all_orders')"
	assert_verified
}

@test "what is asked wrongly is said in a sentence" {
	wrong() { # STATUS WORDS OPTION...
		local status_wanted=$1 words=$2
		shift 2
		run handle-streams "$@"
		assert_status "$status_wanted"
		assert_says "$words"
	}
	wrong 1 "needs --stream" --from-table "$from"
	wrong 1 "with --cursor" --from-table "$from" --stream orders
	wrong 1 "without --cursor" --from-table "$from" --stream all_orders --cursor id
	wrong 2 "takes CSV" --from-table "$from" --stream items
	wrong 1 "DSN:SCHEMA.TABLE" --from-table orders --stream orders --cursor id
	wrong 1 "holds a password" --from-table "dbname=x password=y:crm.orders" --stream orders --cursor id
	for torn in "postgresql://u:zq.qz@db.example" "postgresql://u:zq@qz@db.example/x:crm.orders" \
		"host=x password='zq qz:crm.orders" "postgresql://u:zq.qz@db/x"; do
		run -1 handle-streams --from-table "$torn" --stream orders --cursor id
		[[ $output != *zq* && $output != *qz* ]]
	done
	wrong 1 "neither a libpq connection string" --from-table "host=x password='y:crm.orders" --stream orders --cursor id
	wrong 1 "--effective is the time of a complete extract" --from-table "$from" --stream orders --cursor id --effective 2025-03-10
	wrong 1 "--cursor-lag is about" --cursor-lag 1m
	wrong 1 "--cursor-lag needs --cursor" --cursor-lag 1m --from-table "$from" --stream all_orders
	wrong 1 "--complete is about one extract" -b localhost:1 -t x --complete
	wrong 1 "--effective is about one extract" -b localhost:1 -t x --effective 2025-03-10
	wrong 5 "there is no table crm.order" --from-table "dbname=$PGDATABASE:crm.order" --stream orders --cursor id
	wrong 5 "has no column ident" --from-table "$from" --stream orders --cursor ident
	sed 's/all_orders/all_orders_current/; /^-- load/d' project/sql/shop/streams/all_orders.sql >project/sql/shop/streams/all_orders_current.sql
	wrong 2 "staging.all_orders_current is the view of the newest extract of stream all_orders" </dev/null
	rm project/sql/shop/streams/all_orders_current.sql
	sql "alter table crm.orders drop column paid"
	wrong 3 "lacks paid" --from-table "$from" --stream orders --cursor id
	wrong 1 "input of its own" --from-table "$from" --stream orders --cursor id file
}

@test "a cursor that is null, infinite or ahead, other columns, one column alone" {
	load_new() { run "$1" handle-streams --from-table "$from" --stream orders --cursor updated_at; }
	sql "insert into crm.orders (id) values (90), (91)"
	load_new -0
	assert_says "2 rows of crm.orders have no updated_at and are not loaded"
	sql "delete from crm.orders where id > 89; alter table crm.orders add extra text default 'x'; update crm.orders set ignored = 7"
	load_new -0
	assert_says "nothing new"
	assert_equal "columns that nobody takes" "1 2 3" "$(ids)"
	sed -i '/-- from: paid/d' project/sql/shop/streams/orders.sql
	load_new -0
	assert_says "the columns taken of crm.orders are no longer those of the run before"
	assert_equal "the last tie again" "1 2 3 3" "$(ids)"
	load_new -0
	assert_says "nothing new"
	sql "insert into crm.orders (id, updated_at) values (4, 'infinity')"
	load_new -5
	assert_says "the greatest updated_at is infinity"
	sql "update crm.orders set updated_at = now() + interval '3 days' where id = 4"
	load_new -0
	assert_says "is more than a day ahead"
	assert_equal rows "1 2 3 3 4" "$(ids)"
	sql "create table crm.words (word text); insert into crm.words values ('word'), (null), ('  '), ('')"
	cat >project/sql/shop/streams/words.sql <<-'SQL'
		-- stream: words
		-- format: csv
		-- load: full
		create table staging.words (
		    word text, -- from: word
		    loaded_at timestamptz not null default now()
		) partition by range (loaded_at);
	SQL
	run -0 handle-streams --from-table "dbname=$PGDATABASE:crm.words" --stream words
	assert_equal words "<>,<  >,<word>,null" "$(sql "select string_agg(coalesce('<' || word || '>', 'null'), ',' order by word) from staging.words")"
	assert_verified
}

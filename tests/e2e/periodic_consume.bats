#!/usr/bin/env bats
# What becomes of loads: backlogs, completeness.

load ../support/small_project

@test "a backlog is worked off in steps that commit, oldest first, and those who read it follow" {
	sed -i '/by: k/a --   rows: n' sql/p/models/sums.sql
	model all <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [one]
		--   rows: n
		--   by: one
		select 1 as one, coalesce(sum(s.n), 0) as n, coalesce(sum(s.total), 0) as total
		from p.sums s
		where /*+ incremental(s.k) */ true
		group by 1
	SQL
	periodic
	for i in 1 2 3 4 5 6 7; do feed "('a', $i), ('b$i', 1)"; done
	run -0 periodic --max-loads 3
	assert_says "p.sums: delta, +4 -0 rows, 3 loads,"
	assert_says "p.sums: delta, +4 -1 rows, 3 loads,"
	assert_says "p.sums: delta, +2 -1 rows, 1 load,"
	assert_says "p.all: delta, +1 -0 rows, 3 loads,"
	assert_says "2 done, 0 failed"
	assert_equal sums "a|7|28 b1|1|1 b2|1|1 b3|1|1 b4|1|1 b5|1|1 b6|1|1 b7|1|1 " "$(sums)"
	assert_equal all "14|35" "$(sql 'select n, total from p.all')"
	assert_equal "log of the run" "7|10|2" \
		"$(sql "select loads, inserted, deleted from millrace.run_model where model = 'p.sums' order by run_id desc limit 1")"
	# a step that fails leaves those before it, and what it would have taken
	for i in 1 2 3 4; do feed "('c', $i)"; done
	feed "('c', 5000)"
	feed "('c', 6)"
	run periodic --max-loads 2
	assert_status 3
	assert_equal "steps before" "c|4|10" "$(sql "select k, n, total from p.sums where k = 'c'")"
	sql "update staging.r set v = 5 where v = 5000"
	run -0 periodic --max-loads 2
	assert_equal "steps after" "c|6|21" "$(sql "select k, n, total from p.sums where k = 'c'")"
	run -0 periodic --max-loads 2
	assert_says "nothing new"
}

@test "SIGTERM between two steps leaves what is done and takes the rest later" {
	periodic
	for i in 1 2 3 4 5 6; do feed "('a', $i)"; done
	# the second step waits in its test of the rows
	sed -i 's/total < 1000/total < 1000 and (total < 10 or pg_sleep(600) is not null)/' sql/p/models/sums.sql
	periodic --max-loads 2 >out 2>&1 3>&- &
	local running=$!
	wait_for_value 20 "select count(*) from pg_stat_activity where query like '%pg_sleep(600)%' and wait_event = 'PgSleep'" 1
	kill -TERM "$running"
	wait "$running"
	assert_equal "the first step" "a|2|3 " "$(sums)"
	sed -i 's/ and (total < 10 or .*//' sql/p/models/sums.sql
	run -0 periodic --max-loads 2
	assert_equal sums "a|6|21 " "$(sums)"
}

complete() { sql "select complete_through from millrace.status where name = 'p.$1'"; }

# A pass that finds the last look long ago.
tick() {
	sql "update millrace.seal set candidate_at = candidate_at - interval '31 s'"
	periodic "$@"
}

reaches() {
	tick -s "p.$1"
	[ "$(sql "select timestamptz '$(complete "$1")' >= '$2'")" = t ]
}

@test "complete_through waits for every load that may still appear, and for nothing else" {
	model copied <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [k]
		--   rows: n
		select s.k, coalesce(sum(s.n), 0) as n from p.sums s where /*+ incremental(s.k) */ true group by 1
	SQL
	sed -i '/by: k/a --   rows: n' sql/p/models/sums.sql
	periodic
	feed "('a', 1)"
	periodic
	local fresh="complete_through between now() - interval '10 min' and now() - interval '1 s'"
	assert_equal "nobody writes" 2 "$(sql "select count(*) from millrace.status where $fresh")"

	# a load that is open holds it; reading transactions do not
	mkfifo writer reader
	psql -XAtq <writer >/dev/null 2>&1 3>&- &
	psql -XAtq <reader >/dev/null 2>&1 3>&- &
	exec 7>writer 8>reader
	echo "begin isolation level repeatable read; select count(*) from staging.r;" >&8
	echo "begin; insert into millrace.load (relation, loaded_at, row_count) values ('staging.r', now(), 1);
	      insert into staging.r (k, v) values ('late', 1);" >&7
	wait_for_value 20 "select count(*) from pg_stat_activity where query like 'insert into staging.r%' and state = 'idle in transaction' and backend_xid is not null" 1
	local began
	began=$(sql "select xact_start from pg_stat_activity where query like 'insert into staging.r%' and backend_xid is not null")
	for i in 1 2 3; do
		feed "('b', $i)"
		periodic
		assert_equal "held" 2 "$(sql "select count(*) from millrace.status where complete_through < '$began'")"
	done
	echo "commit;" >&7
	wait_for_value 20 "select count(*) from staging.r where k = 'late'" 1
	# committed and not consumed: still not complete
	tick -s p.copied
	assert_equal "pending" 2 "$(sql "select count(*) from millrace.status where complete_through < '$began'")"
	wait_until 20 reaches sums "$began"
	assert_equal "pending downstream" t "$(sql "select timestamptz '$(complete copied)' < '$began'")"
	wait_until 20 reaches copied "$began"
	exec 7>&- 8>&-
}

@test "a load is found by its index on the first day, without waiting for autovacuum" {
	periodic
	local day at
	day=$(sql "select current_date") # of all of them, also about midnight
	for at in 1 2 3; do
		at="$day 00:00:0$at+00"
		sql "begin;
		     insert into millrace.load (relation, loaded_at, row_count) values ('staging.r', '$at', 30000);
		     insert into staging.r (k, v, loaded_at) select 'k' || n % 7, 0, '$at' from generate_series(1, 30000) n; commit"
		run -0 periodic
	done
	local newest plan
	newest=$(sql "select max(loaded_at) from millrace.load where relation = 'staging.r'")
	plan=$(sql "explain select * from staging.r where loaded_at = any('{\"$newest\"}'::timestamptz[])")
	[[ $plan == *"Bitmap Index Scan"* ]] || { echo "$plan"; false; }
	assert_equal sums 90000 "$(sql 'select sum(n) from p.sums')"
}

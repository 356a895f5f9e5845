#!/usr/bin/env bats
# handle-streams --replace-range: a corrected range of event time.
# bats file_tags=ingest

setup() {
	load ../support/common
	load ../support/ingest
	fresh_project
	cat >project/sql/shop/streams/views.sql <<-'SQL'
		-- stream: views
		-- format: json | csv
		-- event_time: at
		-- match: url + at
		create table staging.views (
		    url text,                 -- from: url
		    at  timestamptz not null, -- from: at as naive_utc
		    loaded_at timestamptz not null default now()
		) partition by range (loaded_at);
	SQL
	hour=2025-03-10T17:00:00Z,2025-03-10T18:00:00Z
}
teardown() { drop_database; }

# views NAME MINUTE...: rows of 2025-03-10 from 17:00 on.
views() {
	local name=$1
	shift
	echo url,at
	for minute in "$@"; do date -u -d "2025-03-10 17:00 UTC + $minute minutes" "+$name,%F %T"; done
}
held() { sql "select coalesce(string_agg(url, ' ' order by at, url), '') from staging.views"; }
retired() { sql "select coalesce(string_agg(url, ' ' order by at, url), '') from millrace_old.staging__views"; }

@test "the rows of the range move aside and the new ones are there, in one load" {
	views a -1 0 30 59 60 >a.csv
	views b 0 1 >b.csv
	handle-streams a.csv
	run handle-streams --replace-range "$hour" b.csv
	assert_status 0
	assert_says "3 rows of staging.views from 2025-03-10T17:00:00.000000Z to before 2025-03-10T18:00:00.000000Z are being replaced"
	assert_equal held "a b b a" "$(held)"
	assert_equal retired "a a a" "$(retired)"
	assert_equal ledger 'd 2 {"to": "2025-03-10T18:00:00.000000Z", "from": "2025-03-10T17:00:00.000000Z", "column": "at"}' \
		"$(sql "select op::text || ' ' || row_count || ' ' || parts from millrace.load where op = 'd'")"
	assert_equal "one transaction" t "$(sql "select (select distinct retired_at from millrace_old.staging__views) = (select loaded_at from millrace.load where op = 'd')")"
	run handle-streams --replace-range "$hour" b.csv
	assert_says "nothing was replaced"
	run handle-streams b.csv
	assert_says "loaded already"
	views c 5 | handle-streams
	handle-streams --replace-range "$hour" --complete < <(cat b.csv)
	assert_equal "a row came since: replaced again" "a b b a" "$(held)"
	run handle-streams --replace-range "$hour" --complete < <(cat b.csv)
	assert_says "nothing was replaced"
	printf '{"url": "j", "at": "2025-03-10T17:20:00"}\n' >j.json
	run -0 handle-streams --replace-range "$hour" j.json
	assert_equal held "a j a" "$(held)"
	run -0 handle-streams --replace-range "$hour" b.csv
	assert_equal "A, B, A" "a b b a" "$(held)"
	assert_verified
}

@test "a row outside the range, a half-open pipe, an empty file: nothing is replaced" {
	views a 0 30 | handle-streams
	views b 0 60 >b.csv
	run handle-streams --replace-range "$hour" b.csv
	assert_status 3
	assert_says "b.csv holds a row of 2025-03-10 18:00:00.000000+00, which is not from"
	run handle-streams --replace-range "$hour" < <(views b 1)
	assert_status 1
	assert_says "--complete"
	echo url,at >empty.csv
	run handle-streams --replace-range "$hour" empty.csv
	assert_status 3
	for wrong in 2025 2025-03-10 2025-03-10,2025-03-09 2025-03-10,x; do
		run -1 handle-streams --replace-range $wrong b.csv
	done
	printf '{"n": 1}\n' >items.json
	run handle-streams --replace-range "$hour" items.json
	assert_status 2
	assert_says "needs \`event_time:\` to name a column that is not null"
	assert_equal held "a a" "$(held)"
	{ views b 1; echo too,many,fields; } >dirty.csv
	run handle-streams --replace-range "$hour" dirty.csv
	assert_status 0
	assert_says "the range lacks 1 records of dirty.csv that were rejected"
	assert_equal held b "$(held)"
	run -0 handle-streams --force --replace-range "$hour" empty.csv
	assert_equal held "" "$(held)"
	assert_verified
}

@test "killed anywhere: all of it or nothing, and once" {
	views a 0 30 | handle-streams
	views b 1 2 3 >b.csv
	for fault in after-claim before-begin mid-copy before-commit after-commit; do
		run env MILLRACE_FAULT=$fault handle-streams --replace-range "$hour" b.csv
		assert_equal killed 137 "$status"
		[ $fault = after-commit ] || assert_equal "after $fault" "a a" "$(held)"
	done
	assert_equal held "b b b" "$(held)"
	run handle-streams --replace-range "$hour" b.csv
	assert_says "nothing was replaced"
	assert_verified
}

@test "what the range holds already is known by its rows, not by the last file" {
	views a 0 30 90 >a.csv
	views b 65 70 >b.csv
	long=2025-03-10T17:00:00Z,2025-03-10T19:00:00Z
	handle-streams --replace-range "$long" a.csv
	run -0 handle-streams --replace-range 2025-03-10T18:00:00Z,2025-03-10T19:00:00Z b.csv
	assert_equal held "a a b b" "$(held)"
	run handle-streams --replace-range "$long" a.csv
	assert_status 0
	assert_says "4 rows of staging.views"
	assert_equal held "a a a" "$(held)"
	run handle-streams --replace-range "$long" a.csv
	assert_says "nothing was replaced"
	views c 10 | handle-streams
	run -0 handle-streams --replace-range "$long" a.csv
	assert_equal "a row that came since is replaced too" "a a a" "$(held)"
	assert_verified
}

@test "a file that has grown, or was loaded in part, is loaded with the range as a whole" {
	views a 0 1 >a.csv
	handle-streams a.csv
	views a 2 | tail -n 1 >>a.csv
	run -0 handle-streams --replace-range "$hour" a.csv
	assert_equal held "a a a" "$(held)"
	run handle-streams a.csv
	assert_says "loaded already"
	assert_equal held "a a a" "$(held)"
	views a 3 | tail -n 1 >>a.csv
	run -0 handle-streams a.csv
	assert_equal "what it grew by later" "a a a a" "$(held)"
	views p 4 5 6 7 >p.csv
	run env MILLRACE_FAULT=after-commit:1 handle-streams --connections 1 --batch-rows 2 p.csv
	assert_equal killed 137 "$status"
	run -0 handle-streams --replace-range "$hour" p.csv
	run handle-streams p.csv
	assert_says "loaded already"
	assert_equal held "p p p p" "$(held)"
	assert_verified
}

@test "one replacement at a time; what is loaded meanwhile stays; a slow input may pause" {
	views a 10 70 | handle-streams
	replaced() { grep -q "are being replaced" log; }
	mkfifo pipe
	handle-streams --idle-timeout 1s --complete --replace-range 2025-03-10T17:00:00Z,2025-03-10T19:00:00Z <pipe 2>log &
	local pid=$!
	exec 7>pipe
	views b 11 71 >&7
	wait_until 10 replaced
	views d 12 | handle-streams
	views c 72 >c.csv
	run handle-streams --claim-timeout 1500ms --replace-range 2025-03-10T18:00:00Z,2025-03-10T20:00:00Z c.csv
	assert_status 6
	assert_says "one process at a time replaces ranges of staging.views"
	views b 13 | tail -n 1 >&7
	exec 7>&-
	wait $pid
	assert_equal held "b d b b" "$(held)"
	run -0 handle-streams --replace-range 2025-03-10T18:00:00Z,2025-03-10T20:00:00Z c.csv
	assert_equal held "b d b c" "$(held)"
	assert_verified
}

@test "verify counts what was replaced too, and so sees what is lost beside it" {
	views a -30 0 30 90 | handle-streams
	views b 1 | handle-streams --complete --replace-range "$hour"
	assert_verified
	sql "delete from staging.views where url = 'a' and at >= '2025-03-10 18:00+00'"
	run handle-streams verify
	assert_status 3
	assert_says "3 rows, the ledger says 4"
	sql "insert into staging.views (url, at, loaded_at) select 'a', '2025-03-10 18:30+00', min(loaded_at) from staging.views"
	assert_verified
	# replaced rows that every reader has seen are deleted
	sql "delete from millrace_old.staging__views; insert into millrace.source (relation, gone_from_load) values ('staging.views', 2)"
	assert_verified
	views c 200 201 | handle-streams
	sql "delete from staging.views where url = 'c' and at >= '2025-03-10 20:21+00'"
	run handle-streams verify
	assert_status 3
	assert_says "1 rows, the ledger says 2"
}

@test "asked to stop, it ends soon and says what is true" {
	views a 1 | handle-streams
	views b 2 >b.csv
	sql "create function public.slow() returns trigger language plpgsql as 'begin perform pg_sleep(600); return old; end'"
	sql "create trigger slow before delete on staging.views for each row execute function public.slow()"
	handle-streams --replace-range "$hour" b.csv 2>log &
	local pid=$!
	is_slow() { [ "$(sql "select count(*) from pg_stat_activity where datname = current_database() and query like '%replace_range(%' and pid <> pg_backend_pid() and wait_event = 'PgSleep'")" = 1 ]; }
	wait_until 20 is_slow
	kill -TERM $pid
	wait_until 15 is_gone $pid
	wait $pid
	grep -q "asked to stop: nothing of b.csv was loaded" log
	assert_equal held a "$(held)"
	sql "drop trigger slow on staging.views; create function public.slow_end() returns trigger language plpgsql as 'begin perform pg_sleep(600); return null; end'"
	# a COMMIT that is not answered in time
	sql "create constraint trigger slow after update on millrace.position deferrable initially deferred for each row when (new.next_offset > old.next_offset) execute function public.slow_end()"
	handle-streams --shutdown-timeout 1s --replace-range "$hour" b.csv 2>log &
	pid=$!
	commits() { [ "$(sql "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and wait_event = 'PgSleep'")" = 1 ]; }
	wait_until 20 commits
	kill -TERM $pid
	wait_until 15 is_gone $pid
	local status=0
	wait $pid || status=$?
	assert_equal status 4 $status
	grep -q "whether load [0-9]* of b.csv was committed is not known" log
	run -1 grep -q "nothing of b.csv" log
}

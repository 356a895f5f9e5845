#!/usr/bin/env bats
# handle-streams --replace-range: a corrected range of event time.
# bats file_tags=ingest

setup_file() {
	load ../support/common
	load ../support/ingest
}
setup() {
	load ../support/common
	load ../support/ingest
	fresh_database
	cd "$BATS_TEST_TMPDIR" || exit
	make_project "$PWD/project"
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
	assert_says "3 rows of staging.views from 2025-03-10T17:00:00.000000Z to before 2025-03-10T18:00:00.000000Z are replaced"
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
	assert_equal "the same again from a pipe" "a b b c a" "$(held)"
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

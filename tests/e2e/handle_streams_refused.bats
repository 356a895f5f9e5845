#!/usr/bin/env bats
# handle-streams: rows that PostgreSQL refuses, and how many rejects are too many.
# bats file_tags=ingest

setup() {
	load ../support/common
	load ../support/ingest
	fresh_project
}
teardown() { drop_database; }

@test "rows that a constraint refuses become rejects, their neighbours land" {
	items 1 1 | handle-streams
	sql "alter table staging.items add constraint odd check (n % 100 <> 7)"
	items 2 1000 >file
	run handle-streams file
	assert_status 0
	assert_says "isolated=10"
	assert_equal rows 990 "$(rows)"
	assert_equal rejects "10|23514|7 107 207 307 407 507 607 707 807 907" \
		"$(sql "select count(*), min(sqlstate), string_agg(convert_from(raw, 'UTF8')::json->>'n', ' ' order by position) from millrace.reject")"
	run sql "select reason from millrace.reject limit 1"
	assert_says 'violates check constraint "odd"'
	assert_verified
}

@test "a row that is refused keeps its bytes, whatever stands around them" {
	items 1 1 | handle-streams
	sql "alter table staging.items add constraint odd check (n not in (7, 9))"
	printf '\xef\xbb\xbf{"n": 7, "name": "a\\u00e9"}\r\n\n{"n": 8}\r\n { "n": 9 }' >file
	for input in file pipe; do
		handle-streams "${input/pipe/-}" < <(cat file)
		assert_equal rejects '0 {"n": 7, "name": "a\u00e9"}|43  { "n": 9 }' "$(sql "select
			string_agg(position || ' ' || convert_from(raw, 'UTF8'), '|' order by position)
			from millrace.reject where source like '$input:%'")"
	done
	assert_verified
}

@test "rows that a deferred constraint refuses are found by halving" {
	items 1 1 | handle-streams
	sql "create function refuse() returns trigger language plpgsql as
	     'begin if new.n % 300 = 7 then raise exception ''no'' using errcode = ''23P01''; end if; return new; end';
	     create constraint trigger refuse after insert on staging.items deferrable initially deferred for each row execute function refuse()"
	items 2 1000 >file
	run handle-streams file
	assert_status 0
	assert_equal rejects "7 307 607 907" \
		"$(sql "select string_agg(convert_from(raw, 'UTF8')::json->>'n', ' ' order by position) from millrace.reject")"
	assert_equal rows 996 "$(rows)"
	assert_verified
}

@test "rows that a trigger of the user's own refuses become rejects" {
	items 1 1 | handle-streams
	sql "create function refuse() returns trigger language plpgsql as
	     'begin if new.n % 300 = 7 then raise exception ''not number %'', new.n; end if; return new; end';
	     create trigger refuse before insert on staging.items for each row execute function refuse()"
	items 2 1000 >file
	run handle-streams file
	assert_status 0
	assert_equal rejects "P0001: 7 307 607 907" \
		"$(sql "select min(sqlstate) || ': ' || string_agg(convert_from(raw, 'UTF8')::json->>'n', ' ' order by position) from millrace.reject")"
	assert_equal rows 996 "$(rows)"
	assert_verified
}

@test "what PostgreSQL quotes of a row that stops the load is not logged" {
	items 1 1 | handle-streams
	sql "alter table staging.items add constraint digits check (name::int > 0) not valid"
	items 2 1000 >file
	run handle-streams file
	assert_status 3
	assert_says "refuses more than 100 rows of one batch for staging.items, the last with SQLSTATE 22P02"
	[[ $output != *"item "* ]]
}

@test "more than 100 such rows in a batch stop the load, exit status 3" {
	items 1 1 | handle-streams
	sql "alter table staging.items add constraint none check (n < 500)"
	items 2 1000 >file
	run handle-streams file
	assert_status 3
	assert_says "refuses more than 100 rows"
	assert_says "SQLSTATE 23514, constraint none"
	assert_equal rows 1 "$(rows)"
	assert_equal rejects 0 "$(rejects)"
}

@test "--max-rejects stops before the reject table fills, exit status 3" {
	{ items 1 3000 && yes nonsense | head -n 400; } >file
	run handle-streams --batch-rows 100 --max-rejects 150 file
	assert_status 3
	assert_says "more than --max-rejects allows"
	assert_equal rows 3000 "$(rows)"
	assert_equal rejects 100 "$(rejects)"
	run handle-streams --batch-rows 100 --max-rejects 300 file
	assert_status 0
	assert_equal rejects 400 "$(rejects)"
	assert_verified
}

@test "--max-rejects as a share holds for a short file too" {
	{ items 1 10 && yes nonsense | head -n 890; } >file
	local linger # 0: its batch is old before the end of the file is met
	for linger in 500ms 0; do
		run handle-streams --linger $linger --max-rejects 1% file
		assert_status 3
		assert_says "890 of 900 records"
		assert_equal rejects 0 "$(rejects)"
	done
	run handle-streams --max-rejects nan file
	assert_status 1
	assert_says "max-rejects takes a number (100) or a share"
}

@test "rows that PostgreSQL refuses count among --max-rejects" {
	items 1 1 | handle-streams
	sql "alter table staging.items add constraint odd check (n % 100 <> 7)"
	items 2 1000 >file
	run handle-streams --max-rejects 5 file
	assert_status 3
	assert_says "10 of 999 records"
	assert_equal rows 1 "$(rows)"
}

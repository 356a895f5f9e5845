#!/usr/bin/env bats
# handle-streams: what is noted beside the rows: rejects, ledger, drift; replay,
# explain, verify.
# bats file_tags=ingest

setup() {
	load ../support/common
	load ../support/ingest
	fresh_project
}
teardown() { drop_database; }

# A project that knows what the first one did not: `n` may be called `number`.
correct_stream() {
	sed -i 's/-- match: n/-- match: n | number/; s/-- from: n$/-- from: n | number/' \
		project/sql/shop/streams/items.sql
}

@test "rejects list shows place and reason, show gives the bytes back" {
	printf '%s\n' '{"n": 1}' '{"number":  2}' | handle-streams
	run --separate-stderr handle-streams rejects list
	assert_status 0
	assert_equal lines 2 "${#lines[@]}"
	assert_says "unknown_stream"
	run --separate-stderr handle-streams rejects show 1
	assert_status 0
	assert_equal bytes '{"number":  2}' "$output"
	run handle-streams rejects show 99
	assert_status 1
	printf '%s\n' '{"n": 2}' '{"numbers":  2}' >"two \"ü\".json"
	handle-streams "two \"ü\".json"
	run --separate-stderr handle-streams rejects list
	assert_equal file 'two "ü".json' "$(cut -f8 <<<"${lines[2]}")"
	run handle-streams rejects show 2
	[[ $output =~ file\ +two\ \"ü\".json ]]
	cp "two \"ü\".json" $'\xff'
	echo '{"n": 3}' >>$'\xff'
	run -0 handle-streams $'\xff' # a name that is no text
	assert_equal rows "1 2 3" "$(loaded)"
	run handle-streams rejects shw 1
	assert_status 1
	assert_says "did you mean show"
}

@test "after the stream was corrected its rejects are replayed once" {
	printf '%s\n' '{"n": 1}' '{"number": 2}' 'nonsense' '{"number": 4}' | handle-streams
	correct_stream
	run handle-streams rejects replay -n
	assert_status 0
	assert_says "2 would be replayed"
	assert_equal rows 1 "$(loaded)"
	run handle-streams rejects replay
	assert_status 0
	assert_says "2 replayed, 1 stay"
	run handle-streams rejects replay
	assert_says "0 replayed, 1 stay"
	assert_equal rows "1 2 4" "$(loaded)"
	assert_equal replayed 2 \
		"$(sql "select count(*) from millrace.reject r join millrace.load l on l.load_id = r.replay_load_id where l.row_count = 2 and r.replayed_at = l.loaded_at")"
	assert_verified
}

@test "a row that PostgreSQL refuses stays a reject with the reason, the rest is replayed" {
	printf '{"n": 1}\n' | handle-streams
	seq 2 1500 | sed 's/.*/{"number": &}/' | handle-streams
	sql "alter table staging.items add constraint small check (n % 500 <> 7)"
	correct_stream
	run handle-streams rejects replay
	assert_status 0
	assert_says "1499 rejects looked at, 1496 replayed, 3 stay"
	run sql "select raw::text is not null, sqlstate, reason from millrace.reject where replayed_at is null order by reject_id"
	assert_equal refused 3 "$(grep -c '^t|23514|PostgreSQL: new row for relation .* violates check constraint "small"$' <<<"$output")"
	assert_equal rows "1497|0" "$(sql "select count(distinct n), count(*) filter (where n % 500 = 7) from staging.items")"
	run handle-streams rejects replay
	assert_status 0
	assert_says "3 rejects looked at, 0 replayed, 3 stay"
	run --separate-stderr handle-streams rejects list
	assert_equal "lines listed" 4 "${#lines[@]}"
	assert_verified
}

@test "rejects list goes on behind its first page, and looks at each once" {
	seq 1 2345 | sed 's/.*/{"number": &}/' | handle-streams
	handle-streams rejects list >listed
	assert_equal lines 2346 "$(wc -l <listed)"
	assert_equal different 2346 "$(cut -f1 listed | sort -u | wc -l)"
}

@test "what a stream rejected is replayed into that stream, whatever it matches" {
	printf '%s\n' '{"n": 1}' '{"number": 2}' | handle-streams --stream items
	assert_equal relation "staging.items" "$(sql "select relation from millrace.reject")"
	sed -i 's/-- from: n$/-- from: n | number/' project/sql/shop/streams/items.sql
	run handle-streams rejects replay
	assert_says "1 replayed, 0 stay"
	assert_equal rows "1 2" "$(loaded)"
}

@test "one reject can be replayed by its number" {
	printf '%s\n' '{"number": 2}' '{"number": 4}' | handle-streams
	correct_stream
	handle-streams rejects replay 2
	assert_equal rows 4 "$(loaded)"
	run handle-streams rejects replay "1; drop"
	assert_status 1
	assert_verified
}

@test "two replays at once and a killed one replay everything once" {
	seq 1 3000 | sed 's/.*/{"number": &}/' | handle-streams
	correct_stream
	run env MILLRACE_FAULT=in-replay:2 handle-streams rejects replay
	assert_equal "killed" 137 "$status"
	handle-streams rejects replay 2>a &
	one=$!
	handle-streams rejects replay 2>b
	wait "$one"
	assert_equal rows "3000|3000" "$(sql "select count(*), count(distinct n) from staging.items")"
	assert_equal "not replayed" 0 "$(sql "select count(*) from millrace.reject where replayed_at is null")"
	assert_verified
}

@test "explain says which column gets what, and why a record is rejected" {
	run handle-streams explain <<<'{"n": 7, "at": "2026-01-02T03:04:05+01:00"}'
	assert_status 0
	assert_says "2026-01-02 02:04:05.000000+00"
	run handle-streams explain <<<'{"n": 7, "at": "yesterday"}'
	assert_status 3
	assert_says "it does not begin with a date"
	run env PGHOST=/nowhere handle-streams explain <<<'{"n": 7}'
	assert_status 0
}

@test "verify finds a row too few, a row too many and a hole" {
	items 1 10 >file
	handle-streams --batch-rows 5 file
	assert_verified
	sql "delete from staging.items where n = 3"
	run handle-streams verify
	assert_status 3
	assert_says "4 rows, the ledger says 5"
	sql "insert into staging.items select 3, 'item 3', null, loaded_at from staging.items where n = 4"
	assert_verified
	sql "insert into staging.items (n) values (11)"
	run handle-streams verify
	assert_status 3
	assert_says "1 rows, the ledger says 0"
	sql "delete from staging.items where n = 11"
	# the two batches overlap: the one that begins at 0 may have either load_id
	sql "delete from staging.items where n < 6; delete from millrace.load where (origin->'ranges'->0->>2)::int = 0"
	run handle-streams verify
	assert_status 3
	assert_says "nothing loaded 0 to"
}

@test "verify finds a range loaded twice and a position that lies" {
	items 1 10 >file
	handle-streams --batch-rows 5 file
	sql "update millrace.position set next_offset = next_offset - 1"
	run handle-streams verify
	assert_status 3
	assert_says "the position is"
	sql "update millrace.position set next_offset = next_offset + 1"
	sql "insert into millrace.load (relation, loaded_at, row_count, origin) select 'millrace.reject', now(), 0, origin from millrace.load limit 1"
	run handle-streams verify
	assert_status 3
	assert_says "loaded twice"
}

@test "SIGTERM is heeded while verify or rejects wait" {
	printf '%s\n' '{"n": 1}' 'nonsense' | handle-streams
	hold millrace.load "access exclusive"
	stop_held_up handle-streams verify
	run -1 grep -q "all is well" log
	grep -q "asked to stop" log
	let_go
	hold millrace.reject "access exclusive"
	stop_held_up handle-streams rejects list
	stop_held_up handle-streams rejects replay
	let_go
	run -0 handle-streams verify
}

@test "every line of the corpus of bad input ends as a row or a reject" {
	unset HANDLE_STREAMS_PROJECT
	cd "$ROOT"
	run handle-streams tests/vectors/nasty.ndjson
	assert_status 0
	assert_equal "lines" "$(grep -c '[^[:space:]]' -a tests/vectors/nasty.ndjson)" \
		"$(sql "select (select sum(row_count + reject_count) from millrace.load)")"
	assert_equal "reasons" 0 "$(sql "select count(*) from millrace.reject where reason = ''")"
	assert_equal "isolated" 0 "$(sql "select count(*) from millrace.reject where sqlstate is not null")"
	assert_verified
}

@test "paths that no column takes are seen as drift" {
	yes '{"n": 1, "colour": "red", "size": {"wide": [1, 2]}}' | head -n 50 | handle-streams
	assert_equal drift "colour string|size.wide[] number" \
		"$(sql "select string_agg(path || ' ' || kind, '|' order by path) from millrace.drift where kind in ('string', 'number')")"
}

@test "the ledger tells rows, rejects, times and ranges of a batch" {
	printf '%s\n' '{"n": 1, "at": "2026-01-02T03:04:05Z"}' 'x' \
		'{"n": 2, "at": "9999-12-31T23:59:59.999999Z"}' >file
	handle-streams <file
	assert_equal ledger "staging.items|i|2|1|2026-01-02 03:04:05+00|9999-12-31 23:59:59.999999+00" \
		"$(sql "set timezone = 'UTC'; select relation, op, row_count, reject_count, event_min, event_max from millrace.load")"
	assert_equal range "0|0|$(wc -c <file)" \
		"$(sql "select origin->'ranges'->0->>1, origin->'ranges'->0->>2, origin->'ranges'->0->>3 from millrace.load")"
}

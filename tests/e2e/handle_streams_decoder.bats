#!/usr/bin/env bats
# handle-streams: both decoders, seen from outside.
# bats file_tags=ingest

setup() {
	load ../support/common
	load ../support/ingest
	fresh_database
	cd "$ROOT" || exit
}
teardown() { drop_database; }

# What a load left behind, but for when and as which load.
rows_and_rejects() {
	sql "select to_jsonb(e) - 'loaded_at' from staging.bluesky_events e order by 1::text"
	sql "select to_jsonb(e) - 'loaded_at' from staging.pageviews e order by 1::text"
	sql "select relation, position, reason, column_name, raw from millrace.reject order by position"
}

@test "both decoders load the same rows and reject the same records for the same reasons" {
	local file
	for file in bluesky_capture.jsonl nasty.ndjson replay_overlap.jsonl; do
		handle-streams --decoder fast "tests/vectors/$file"
		rows_and_rejects >"$BATS_TEST_TMPDIR/fast"
		sql "truncate staging.bluesky_events, staging.pageviews, millrace.reject"
		handle-streams --force --decoder jansson "tests/vectors/$file"
		rows_and_rejects >"$BATS_TEST_TMPDIR/jansson"
		sql "truncate staging.bluesky_events, staging.pageviews, millrace.reject"
		[ -s "$BATS_TEST_TMPDIR/fast" ]
		diff "$BATS_TEST_TMPDIR/fast" "$BATS_TEST_TMPDIR/jansson"
	done
}

@test "the last line counts what the fast decoder was not sure of" {
	run handle-streams tests/vectors/bluesky_capture.jsonl
	assert_status 0
	assert_says "unsure=0"
	run handle-streams < <(printf '%s\n' '{"did": 1}' '{"d\u0069d": 1}' '{"oh":')
	assert_status 0
	assert_says "unsure=3"
	run handle-streams --decoder jansson < <(echo '{"did": 1}')
	assert_says "unsure=0"
}

@test "a decoder that does not exist is refused with those that do" {
	run handle-streams --decoder fsat
	assert_status 1
	assert_says "fast"
	assert_says "jansson"
}

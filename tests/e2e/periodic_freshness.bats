#!/usr/bin/env bats
# How old the news of a stream is, and may be.

setup_file() {
	load ../support/common
	fresh_database
}
teardown_file() { drop_database; }
setup() {
	load ../support/common
	load ../support/periodic
	cd "$BATS_TEST_TMPDIR" || return 1
	small_project
}

# at AGE_OF_THE_LOAD AGE_OF_THE_EVENT
loaded() {
	sql "truncate millrace.load; insert into millrace.load (relation, loaded_at, row_count, event_max)
	     values ('staging.r', now() - interval '$1', 1, now() - interval '$2')"
}
status() { sql "select freshness from millrace.status where name = 'staging.r'"; }

@test "a stream's age is told, on its events or on its loads" {
	sed -i '2i -- freshness: warn 12h error 24h' sql/p/streams/r.sql
	periodic migrate
	run -3 periodic freshness
	assert_says "never              error  warn 12:00:00, error 24:00:00"
	loaded '11 hours' '40 hours'
	run -0 periodic freshness
	[[ $output =~ staging.r\ +loaded_at.*\ 11:0.:..\ +pass ]]
	assert_equal "what monitors see" pass "$(status)"
	loaded '13 hours' '1 hour'
	run -0 periodic freshness
	[[ $output =~ 13:0.:..\ +warn ]]
	assert_equal "what monitors see" warn "$(status)"
	loaded '25 hours' '1 hour'
	run -3 periodic freshness
	[[ $output =~ 1\ day\ 01:0.:..\ +error ]]
	assert_equal "what monitors see" error "$(status)"
	# by its events, of which only the ledger is asked
	sed -i '2i -- event_time: at' sql/p/streams/r.sql
	loaded '1 hour' '13 hours'
	run -0 periodic freshness -s source:staging.r
	[[ $output =~ staging.r\ +at\ .*\ 13:0.:..\ +warn ]]
	sed -i 's/error 24h/error 24h on loaded_at/' sql/p/streams/r.sql
	run -0 periodic freshness
	[[ $output =~ \ 01:0.:..\ +pass ]]
	# only an error, or only a warning
	sed -i 's/warn 12h error 24h on loaded_at/error 30m/' sql/p/streams/r.sql
	run -3 periodic freshness
	sed -i 's/error 30m/warn 30m/' sql/p/streams/r.sql
	run -0 periodic freshness
	assert_equal "what monitors see" warn "$(status)"
	# a pass tells the database what has changed in the file
	sql "truncate millrace.load"
	sed -i '/freshness/d' sql/p/streams/r.sql
	run -0 periodic
	assert_equal "what monitors see" "" "$(status)"
	run -0 periodic freshness
	assert_says "no stream says how fresh it should be"
}

@test "what cannot be meant is refused where it stands" {
	while IFS='|' read -r words answer; do
		sed -i '/freshness/d' sql/p/streams/r.sql
		sed -i "2i -- freshness: $words" sql/p/streams/r.sql
		run -2 periodic freshness
		assert_says "sql/p/streams/r.sql:2: $answer"
	done <<-'CASES'
		soon|"soon" is not understood: freshness is written warn 12h error 24h
		warn|warn wants one age, as in warn 12h
		warn 1h warn 2h|warn wants one age, as in warn 12h
		warn 2h error 1h|the age for a warning is greater than that for an error
		warn fast|"fast" is not a duration
		warn 1h on created_at|freshness can be seen on loaded_at, not on created_at
		on loaded_at|freshness is written warn 12h error 24h
	CASES
	# handle-streams leaves it alone
	run -0 handle-streams explain --stream r <<<'{"k": "a", "v": 1}'
}

#!/usr/bin/env bats
# The settings of both programs, from outside: sources, precedence, errors.
# bats file_tags=config
# shellcheck disable=SC2016,SC2030,SC2031 # backquotes are quoted; tests are subshells

setup_file() { load ../support/common; fresh_database; }
teardown_file() { drop_database; }

# A project of its own, whose config/ a test may fill.
setup() {
	load ../support/common
	cd "$BATS_TEST_TMPDIR" || return
	mkdir config
	cp -r "$ROOT/sql" .
}

# events N FIRST: pageviews that no other test has.
events() {
	local i
	for ((i = 0; i < $1; i++)); do
		printf '{"user_id":%d,"url":"/%d","pageview_datetime":"2025-01-01T00:00:00Z"}\n' \
			$(($2 + i)) "$i"
	done
}

# loads [OPTION...]: in how many loads 60 events arrive: 60 / batch-rows.
loads() {
	events 60 "$RANDOM$RANDOM" |
		handle-streams --linger 1h "$@" 2>&1 |
		grep -o 'loads=[0-9]*'
}

@test "config/*.conf are what the programs' tables say" {
	for program in handle-streams periodic; do
		$program --sample-config >"$program.sample"
		diff -u "$ROOT/config/$program.conf" "$program.sample" || {
			echo "make it true: $program --sample-config >config/$program.conf" >&2
			return 1
		}
	done
}

@test "every setting of the sample may stand in the file at its default" {
	for program in handle-streams periodic; do
		# a setting that is empty by default has nothing to say
		sed -n 's/^#\([a-z-]* = .\)/\1/p' "$ROOT/config/$program.conf" >config/$program.conf
		[ -s config/$program.conf ]
	done
	[ "$(loads)" = loads=1 ]
	periodic plan
}

@test "the command line beats the environment, which beats the file" {
	[ "$(loads)" = loads=1 ]
	echo 'batch-rows = 10' >config/handle-streams.conf
	[ "$(loads)" = loads=6 ]
	export HANDLE_STREAMS_BATCH_ROWS=20
	[ "$(loads)" = loads=3 ]
	[ "$(loads --batch-rows 30)" = loads=2 ]
	unset HANDLE_STREAMS_BATCH_ROWS
	echo 'batch-rows = 12' >mine.conf
	[ "$(loads -F mine.conf)" = loads=5 ]
	HANDLE_STREAMS_CONFIG=mine.conf
	export HANDLE_STREAMS_CONFIG
	[ "$(loads)" = loads=5 ]
}

@test "the file is that of the project that is named" {
	mkdir -p other/config
	cp -r sql other
	echo 'batch-rows = 15' >other/config/handle-streams.conf
	echo 'batch-rows = 10' >config/handle-streams.conf
	[ "$(loads --project other)" = loads=4 ]
	export HANDLE_STREAMS_PROJECT=$PWD/other
	[ "$(loads)" = loads=4 ]
	[ "$(loads --project .)" = loads=6 ]
}

@test "the dsn may come from the command line, the environment or the file" {
	host=$PGHOST database=$PGDATABASE user=$PGUSER
	unset PGHOST PGDATABASE PGUSER PGPORT
	dsn="host=$host user=$user dbname=$database"
	periodic -d "$dsn" plan
	PERIODIC_DSN=$dsn periodic plan
	echo "dsn = $dsn" >config/periodic.conf
	periodic plan
	[ ! -e .millrace ]
}

@test "help and version go to stdout with status 0, and need nothing" {
	export PGHOST=/nonexistent
	echo 'nonsense' >config/handle-streams.conf
	cp config/handle-streams.conf config/periodic.conf
	for program in handle-streams periodic; do
		for option in --help -h --version -V --sample-config; do
			run --separate-stderr $program $option
			assert_status 0
			[ -n "$output" ]
			[ -z "$stderr" ]
		done
		$program --help | grep -q '^  -d, --dsn DSN '
		$program --version | head -n 1 | grep -qE "^$program [0-9]+\.[0-9]+\.[0-9]+"
		$program --version | grep -qE '^libpq [0-9]+\.[0-9]+$'
		$program --version | grep -qE '^jansson [0-9.]+$'
	done
	[ "$(handle-streams --help | wc -L)" -le 90 ]
}

@test "a wrong option is status 1, with the nearest right one" {
	handle-streams --batch-row 5 </dev/null # as long as it is unambiguous
	run handle-streams --batch 5
	assert_status 1
	assert_says "unknown option --batch"
	run handle-streams --bach-rows 5
	assert_status 1
	assert_says "unknown option --bach-rows; did you mean --batch-rows?"
	run periodic --ful-refresh
	assert_status 1
	assert_says "unknown option --ful-refresh; did you mean --full-refresh?"
	run periodic --select
	assert_status 1
	assert_says "--select needs a value: --select SELECTOR"
	run handle-streams --batch-bytes 5x
	assert_status 1
	assert_says '--batch-bytes: "5x" is not a size: a whole number with kB, MB or GB; for example 16MB'
	run handle-streams --linger 99999999999999999h
	assert_status 1
	assert_says "--linger:"
	run handle-streams --metrics-listen 99999
	assert_status 2
	assert_says "99999 is no place to listen at"
	local words
	for words in "verify all" "doctor -q all" "health 1 2" "rejects show 1 2"; do
		# shellcheck disable=SC2086 # words
		run handle-streams $words
		assert_status 1
	done
	run handle-streams verify all
	assert_says "verify takes no all"
}

# An unset variable of a script is no reason to load rows as of now, or beside
# those that they should replace.
@test "an option whose value is empty is status 1" {
	local option
	for option in effective replace-range from-table cursor stream map topic; do
		run handle-streams --$option "" </dev/null
		assert_status 1
		assert_says "--$option is empty: it takes "
	done
	run periodic -s ""
	assert_status 1
	run timeout 120 handle-streams -b localhost:1 -t t -G "" </dev/null
	assert_status 1
	assert_says "--group is empty: it takes GROUP"
	HANDLE_STREAMS_GROUP="" run timeout 120 handle-streams -b localhost:1 -t t </dev/null
	assert_status 2
	assert_says 'HANDLE_STREAMS_GROUP: "" is not a value; for example handle-streams'
	handle-streams --dsn "" --help >/dev/null
}

@test "what cannot be printed is told, unless its reader has gone" {
	local command
	mkfifo pipe
	exec 7<>pipe
	exec 8>pipe
	exec 7<&- # nobody reads it
	for command in "handle-streams --help" "handle-streams --sample-config" "periodic ls"; do
		run bash -c "$command >/dev/full"
		assert_status 5
		assert_equal "of $command" 1 "$(grep -c 'cannot write to standard output: No space left' <<<"$output")"
		run bash -c "$command >&8"
		assert_status 5
		assert_equal "of $command" "" "$output"
	done
}

@test "a fault in the environment or the file is status 2, and says where" {
	HANDLE_STREAMS_LINGER=soon run handle-streams verify
	assert_status 2
	assert_says 'HANDLE_STREAMS_LINGER: "soon" is not a duration'
	HANDLE_STREAMS_LINGR=1s run handle-streams verify
	assert_status 2
	assert_says "HANDLE_STREAMS_LINGR names no setting; did you mean HANDLE_STREAMS_LINGER?"
	printf '\nretry-timeout = 1s\nretry-timout = 2s\n' >config/periodic.conf
	run periodic plan
	assert_status 2
	assert_says "config/periodic.conf:3: unknown setting retry-timout; did you mean retry-timeout?"
	printf 'retry-timeout\n' >config/periodic.conf
	run periodic plan
	assert_status 2
	assert_says 'config/periodic.conf:1: expected `name = value`'
	run periodic -F nowhere.conf plan
	assert_status 2
	assert_says "cannot read nowhere.conf: No such file or directory"
	run periodic -F config plan
	assert_status 2
	assert_says "cannot read config: Is a directory"
}

@test "a password is refused on the command line and in a file for all eyes" {
	run periodic -d "host=$PGHOST password=geheim" plan
	assert_status 1
	assert_says "a password on the command line is visible to everybody"
	[[ $output != *geheim* ]]
	echo "dsn = host=$PGHOST user=$PGUSER dbname=$PGDATABASE password=geheim" >config/periodic.conf
	chmod 644 config/periodic.conf
	run periodic plan
	assert_status 2
	assert_says "config/periodic.conf:1: dsn holds a password, but other users can read the file"
	[[ $output != *geheim* ]]
	chmod 600 config/periodic.conf
	periodic plan
}

@test "the manual of models has every key of a header, and no other, and its example works" {
	local page=$ROOT/man/millrace-model.5
	assert_equal keys "$(sed -n 's/^\t\[KEY_[A-Z_]*\] = {"\([a-z_]*\)".*/\1/p' "$ROOT/aggregate/model_config.c" | sort)" \
		"$(sed -n 's/^\.It Li \([a-z_]*\):$/\1/p' "$page" | sort)"
	mkdir -p p/sql/p/models p/sql/p/streams
	sed -n '/^\.Bd -literal/,/^\.Ed/{/^\./!p}' "$page" >p/sql/p/models/views.sql
	sed -n '/^\.Bd -literal/,/^\.Ed/{/^\./!p}' "$ROOT/man/millrace-stream.5" >p/sql/p/streams/pageviews.sql
	echo '{"user_id": "a", "url": "b", "at": 1}' | handle-streams --project p
	run -0 periodic --project p
	assert_says "p.views"
}

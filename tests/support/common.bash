# What the bats files share.  In a file:
#
#   setup_file()    { load ../support/common; fresh_database; }
#   teardown_file() { drop_database; }
#   setup()         { load ../support/common; cd "$BATS_TEST_TMPDIR"; }
#
# tests/support/suite.sh gives one PostgreSQL to all files; a file run by
# itself (bats tests/e2e/x.bats) makes its own.

bats_require_minimum_version 1.5.0

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$ROOT/build/plain}
export ROOT BUILD PATH="$BUILD:$PATH" # handle-streams, periodic, bluesky

# Names the database of this file in PGDATABASE, new and empty, and starts a
# server first where the suite has not.
fresh_database() {
	if [ -z "${SUITE_PG:-}" ]; then
		OWN_PG=$("$ROOT/tests/support/suite_pg.sh" make)
		export OWN_PG
		eval "$("$ROOT/tests/support/suite_pg.sh" env "$OWN_PG")"
	fi
	local name
	name="$(basename "${BATS_TEST_FILENAME:-shell}" .bats)_$$_$RANDOM"
	psql -Xq -d postgres -c "create database \"$name\" template template0"
	export PGDATABASE=$name
}

drop_database() {
	if [ -n "${OWN_PG:-}" ]; then
		"$ROOT/tests/support/suite_pg.sh" remove "$OWN_PG"
	else
		psql -Xq -d postgres -c "drop database \"$PGDATABASE\" with (force)"
	fi
}

# A server that this file alone uses, to stop, crash and starve: crash_server,
# start_server, restart_server.  Takes the options of suite_pg.sh make.
own_server() {
	OWN_PG=$("$ROOT/tests/support/suite_pg.sh" make "$@")
	export OWN_PG
	eval "$("$ROOT/tests/support/suite_pg.sh" env "$OWN_PG")"
	psql -Xq -d postgres -c "create database own template template0"
	export PGDATABASE=own
}
crash_server() { "$ROOT/tests/support/suite_pg.sh" stop "$OWN_PG" immediate; }
stop_server() { "$ROOT/tests/support/suite_pg.sh" stop "$OWN_PG" fast; }
start_server() { "$ROOT/tests/support/suite_pg.sh" start "$OWN_PG"; }
restart_server() { stop_server && start_server 3>&-; }

# The value or rows of a query, columns separated by |.
sql() { psql -XAtq -v ON_ERROR_STOP=1 -c "$1"; }

# wait_until SECONDS COMMAND...: runs it until it succeeds; fails when the time
# is over, six times that: SECONDS are those of a machine that is not busy.
wait_until() {
	local deadline=$((SECONDS + $1 * 6 + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "$SECONDS" -ge "$deadline" ]; then
			echo "still not so: $*" >&2
			return 1
		fi
		sleep 0.05
	done
}

# wait_for_value SECONDS QUERY EXPECTED
wait_for_value() {
	wait_until "$1" value_is "$2" "$3"
}
value_is() { [ "$(sql "$1")" = "$2" ]; }

# ends_soon PID: asked to stop, it waits for nothing any more; `status` is its
# exit status then.  What it might wait for is to be minutes ($PATIENT).
ends_soon() {
	status=0
	kill -TERM "$1"
	wait_until 10 is_gone "$1" || kill -KILL "$1"
	wait "$1" || status=$?
}
export PATIENT="--connect-timeout 10min --answer-timeout 10min --lock-timeout 10min --shutdown-timeout 10min"

is_gone() { ! kill -0 "$1" 2>/dev/null; }

free_port() { "$ROOT/tests/support/free_port.py"; }

# assert_equal WHAT EXPECTED GOT
assert_equal() {
	[ "$2" = "$3" ] || {
		printf '%s\n  expected: %s\n  got:      %s\n' "$1" "$2" "$3" >&2
		return 1
	}
}

# After `run`: the status, and words that the output must hold.
# shellcheck disable=SC2154 # bats sets output and status
assert_status() { assert_equal "exit status of: ${BATS_RUN_COMMAND:-run}
$output" "$1" "$status"; }
# shellcheck disable=SC2154
assert_says() {
	[[ $output == *"$1"* ]] || {
		printf 'expected to read: %s\nbut read:\n%s\n' "$1" "$output" >&2
		return 1
	}
}

# hold TABLE [MODE]: somebody locks it and stays, until let_go.
hold() {
	PGAPPNAME=holder psql -XAtq >/dev/null 2>&1 <<-SQL 3>&- &
		begin;
		lock table $1 in ${2:-exclusive} mode;
		select pg_sleep(600);
	SQL
	wait_for_value 10 "$held" 1
}
let_go() {
	sql "select pg_terminate_backend(pid) from pg_stat_activity
		where application_name = 'holder' and datname = current_database()" >/dev/null
	wait_for_value 10 "$held" 0
}
held="select count(*) from pg_stat_activity where application_name = 'holder'
	and datname = current_database() and query ~ 'pg_sleep'"
held_up="select count(*) from pg_stat_activity where application_name ~ '^(periodic|handle-streams)'
	and datname = current_database() and wait_event_type = 'Lock'"
# One of our programs waits for that.
is_held_up() { wait_for_value 10 "$held_up" 1; }
# stop_held_up PROGRAM...: SIGTERM while it waits for a lock that stays: it ends
# well.  What it says is in ./log.
stop_held_up() {
	"$@" >log 2>&1 3>&- &
	local pid=$! status=0
	is_held_up
	kill -TERM $pid
	wait_until 20 is_gone $pid
	wait $pid || status=$?
	assert_equal "exit status of $*" 0 "$status"
	wait_for_value 20 "$held_up" 0
}

#!/usr/bin/env bats
# periodic when the connection breaks while it commits.

setup_file() {
	load ../support/common
	fresh_database
	sql "create role doubter login"
}
teardown_file() {
	sql "drop role doubter"
	drop_database
}
setup() {
	load ../support/common
	load ../support/periodic
	own_database
	cd "$BATS_TEST_TMPDIR" || return 1
	small_project
	periodic
	feed "('a', 1)"
}
teardown() {
	[ -z "${PROXY:-}" ] || kill "$PROXY"
	drop_own_database
}

# The first COMMIT of whoever connects with $DSN meets it: commit_proxy.py.
commits() {
	mkdir proxy
	"$ROOT/tests/support/commit_proxy.py" "$PGHOST/.s.PGSQL.$PGPORT" proxy "$1" 3>&- &
	PROXY=$!
	wait_until 10 test -e proxy/port
	DSN="host=127.0.0.1 port=$(cat proxy/port) sslmode=disable gssencmode=disable"
}
logged() { sql "select m.status from millrace.run_model m where run_id = (select max(run_id) from millrace.run)"; }
until_nobody_works() { wait_for_value 20 "select count(*) from pg_locks where locktype = 'advisory'" 0; }
mart() { sql "select k, n, total from p.sums"; }

@test "the answer is lost, and it took place: told as done, and the file is written" {
	commits cut-after
	run -0 periodic -d "$DSN"
	assert_says "p.sums: delta, +1 -0 rows, 1 load"
	assert_says "1 done, 0 failed"
	assert_equal log success "$(logged)"
	assert_equal mart "a|1|1" "$(mart)"
	until_nobody_works
	run -0 periodic
	assert_equal file "a,1,1" "$(sed -n 2p metrics/sums.csv)"
	assert_equal mart "a|1|1" "$(mart)"
	run -0 periodic
	assert_says "nothing new"
}

@test "it would take place later: its session is ended, and it is told as rolled back" {
	commits hold
	run -3 periodic -d "$DSN"
	assert_says "p.sums: the connection was lost, and it was rolled back"
	assert_equal log error "$(logged)"
	kill -USR1 "$PROXY"
	wait_until 20 test -e proxy/answer
	assert_equal mart "" "$(mart)"
	run -0 periodic
	assert_equal mart "a|1|1" "$(mart)"
	assert_equal file "a,1,1" "$(sed -n 2p metrics/sums.csv)"
}

@test "nobody can find out: it is told so, and what is written down is true" {
	sql "grant millrace_owner, millrace_ingest, millrace_aggregate to doubter;
	     revoke execute on function pg_terminate_backend from public"
	commits hold
	run -3 periodic -d "$DSN user=doubter" --lock-timeout 300ms
	assert_says "p.sums: the connection was lost at the commit, and the database does not tell whether it took place"
	assert_equal log "" "$(logged)"
	kill -USR1 "$PROXY"
	wait_for_value 20 "select k, n, total from p.sums" "a|1|1"
	assert_equal log success "$(logged)"
	until_nobody_works
	run -0 periodic
	assert_equal mart "a|1|1" "$(mart)"
	assert_equal file "a,1,1" "$(sed -n 2p metrics/sums.csv)"
}

@test "the database is gone with its answer: what is not known is not told" {
	commits vanish
	run -4 periodic -d "$DSN" --retry-timeout 0
	assert_says "p.sums: whether it was committed is not known"
	until_nobody_works
	run -0 periodic
	assert_equal mart "a|1|1" "$(mart)"
	assert_equal file "a,1,1" "$(sed -n 2p metrics/sums.csv)"
}

#!/usr/bin/env bats
# Which loads count as consumed, with writers that overtake each other.

setup_file() {
	load ../support/common
	fresh_database
}
teardown_file() { drop_database; }
setup() {
	load ../support/common
	load ../support/periodic
	own_database
	cd "$BATS_TEST_TMPDIR" || return 1
	small_project
}
teardown() { drop_own_database; }

# session NAME: a psql that stays, to be told things with tell NAME SQL.
declare -gA told
session() {
	mkfifo "$1"
	psql -XAtq -v ON_ERROR_STOP=1 <"$1" >"$1.out" 2>&1 3>&- &
	exec {fd}>"$1"
	declare -g "fd_$1=$fd"
}
tell() {
	local fd=fd_$1
	printf '%s;\n\\echo told\n' "$2" >&"${!fd}"
	local wanted=$((${told[$1]:-0} + 1))
	told[$1]=$wanted
	wait_until 20 lines_are "$1.out" "$wanted"
}
lines_are() { [ "$(grep -c '^told$' "$1")" = "$2" ]; }

draw() {
	echo "insert into millrace.load (relation, loaded_at, row_count) values ('staging.r', now(), 1);
	      insert into staging.r (k, v) values ('$1', 1)"
}

@test "a load that is open while one with an older xid and a larger number commits is not lost" {
	sed -i '/export:/d' sql/p/models/sums.sql
	periodic
	session lock
	session early
	session late
	feed "('a', 1)"
	# the run stops before it moves the seal: its own xid is the oldest
	tell lock "begin; lock table millrace.seal in access exclusive mode"
	periodic >run.out 2>&1 3>&- &
	local running=$!
	wait_for_value 20 "select count(*) from pg_locks where not granted and relation = 'millrace.seal'::regclass" 1
	tell early "begin; select pg_current_xact_id()"
	tell late "begin; $(draw late)"
	tell early "$(draw early); commit"
	tell lock commit
	wait "$running"
	# two passes with work: one seals, one moves the floor
	feed "('b', 1)"
	periodic
	feed "('c', 1)"
	periodic
	tell late commit
	run -0 periodic
	assert_says "p.sums: delta, +1 -0 rows, 1 load,"
	assert_equal mart "a b c early late" "$(sql 'select k from p.sums order by k' | xargs)"
}

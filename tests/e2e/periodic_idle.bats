#!/usr/bin/env bats
# What the first glance of a run sees: that there is nothing to do, by one
# message; and everything that there is to do.

load ../support/small_project

# Nothing is new, and one message was enough to know.
assert_idle() {
	local log=${SUITE_PG:-$OWN_PG}/log before way
	sql "update millrace.seal set candidate_at = now() + interval '1 hour'" # it is not to move
	for way in PGTZ=UTC PGTARGETSESSIONATTRS=any; do # without libpq and with it
		before=$(wc -l <"$log")
		run -0 env "$way" PGOPTIONS="-c log_statement=all" periodic
		assert_says "nothing new"
		assert_equal "messages after $*" 1 \
			"$(tail -n "+$((before + 1))" "$log" | grep -c 'LOG:  statement:')"
	done
}
kept() { # COLUMNS
	printf -- '-- config:\n--   materialized: table\nselect %s from staging.r r\n' "$1" | model kept
}
# provoke EXPECTED COMMAND...: it makes a run say that, and is over then.
provoke() {
	"${@:2}"
	run -0 periodic
	assert_says "$1"
	assert_idle "${@:2}"
}

@test "whatever there is to do ends the idleness, and is over once it is done" {
	printf 'k,name\na,A\n' >sql/p/seeds/names.csv
	model shown <<-'SQL'
		-- config:
		--   materialized: view
		select s.k, s.total from p.sums s
	SQL
	kept "r.k"
	periodic
	feed "('a', 1), ('b', 2)"
	provoke "p.sums: delta" true
	provoke "p.sums: delta" feed "('a', 1)"
	provoke "p.sums: rebuild" sql "insert into millrace.load (relation, loaded_at, op, row_count) values ('staging.r', now(), 't', 0)"
	sql "insert into millrace.load (relation, loaded_at, row_count) values ('staging.r', now(), 0)"
	assert_idle "a load without rows"
	sql "insert into millrace.load (relation, loaded_at, row_count) values ('staging.other', now(), 7)"
	assert_idle "a load that nobody reads"
	provoke "p.sums: build" sql "drop table p.sums cascade"
	provoke "p.shown: view" sql "drop view p.shown"
	provoke "p.kept: full" sql "delete from millrace.model where model = 'p.kept'"
	provoke "p.names: " eval "echo b,B >>sql/p/seeds/names.csv"
	provoke "p.kept: " kept "r.k, 1 as one"
	provoke "p.kept: " sed -i '1i -- description: keys' sql/p/models/kept.sql
	provoke "p.sums: " periodic -q exclude p.sums "$(load_of 1)"
	provoke "p.shown: view" sql "update millrace.model set code_hash = '\\x00' where model = 'p.shown'"
}

@test "a load that commits after later ones were taken is new" {
	periodic
	feed "('a', 1)"
	periodic
	mkfifo late
	psql -Xq <late &
	exec 7>late
	echo "begin;
	      insert into millrace.load (relation, loaded_at, row_count) values ('staging.r', now(), 1);
	      insert into staging.r (k, v) values ('a', 10);" >&7
	wait_for_value 10 "select count(*) from pg_stat_activity where state = 'idle in transaction' and query ~ 'into staging.r' and datname = current_database()" 1
	feed "('a', 100)"
	provoke "p.sums: delta" true
	echo "commit;" >&7
	exec 7>&-
	wait $!
	provoke "p.sums: delta" true
	assert_equal sums "a|3|111 " "$(sums)"
}

@test "the seal moves though nothing is new" {
	periodic
	feed "('a', 1)"
	periodic
	sql "update millrace.seal set candidate_at = now() - interval '1 minute'"
	local before
	before=$(sql "select now()")
	run -0 periodic
	assert_says "nothing new"
	assert_equal moved t "$(sql "select candidate_at > '$before' from millrace.seal")"
	assert_idle "a tick"
}

@test "a wrong file is told before anything about the database" {
	PGHOST=/nowhere run periodic
	assert_status 4
	assert_says "cannot connect"
	model wrong <<<"select 1 from p.sumz"
	for host in /nowhere "$PGHOST"; do
		PGHOST=$host run periodic
		assert_status 2
		assert_says 'wrong.sql:1: unknown relation "p.sumz"'
		[[ $output != *"cannot connect"* ]]
	done
}

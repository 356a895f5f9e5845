#!/usr/bin/env bats
# What periodic's doctor sees.

load ../support/small_project

@test "an empty database, then a healthy one" {
	run -0 periodic doctor
	assert_says "the first run of periodic or handle-streams makes it"
	assert_says "0 errors, 1 warnings"
	assert_equal "still empty" 0 "$(sql "select count(*) from pg_namespace where nspname = 'millrace'")"
	periodic -q
	feed "('a', 1)"
	periodic -q
	run -0 periodic doctor
	assert_says "ok     staging.r is as its stream file says"
	# the suite's server runs without fsync, for speed
	assert_equal sick "a crash loses nothing" "$(grep -E '^(warn|error)' <<<"$output" | sed 's/^[a-z]* *//')"
}

@test "each thing wrong is found, and what it says to type cures it" {
	periodic -q
	feed "('a', 1)"
	periodic -q
	model gone <<<'select k from p.sums'
	sed -i '1i -- config:\n--   materialized: table' sql/p/models/gone.sql
	periodic -q
	rm sql/p/models/gone.sql
	local day
	day=$(date -u -d '+2 days' +%F)
	sql "drop table staging.r_${day//-/}"
	sql "drop index staging.r_loaded_at_idx"
	sql "alter table staging.r add column odd int"
	feed "('a', 5000)"
	run -3 periodic -q
	printf -- '-- config:\n--   materialized: table\nselect 1 / 0 as a\n' >sql/p/models/new.sql
	run -3 periodic -q
	sql "insert into millrace.job values ('j', now(), now(), 'timeout', null, 1, 1, 'not done')"
	run -2 periodic doctor
	assert_says "staging.r has none for $day: select millrace.ensure_partitions()"
	assert_says "staging.r has no BRIN index on loaded_at: select millrace.adopt_staging('r')"
	assert_says "the column odd of the table is not in the stream file"
	assert_says "p.sums: fail: test expression(total < 1000)"
	assert_says "j: timeout: not done"
	assert_says "p.new: error: $PERIODIC_PROJECT/sql/p/models/new.sql: division by zero"
	rm sql/p/models/new.sql
	assert_says "p.gone was built by a file that is gone, or by another project; to drop it: drop table if exists p.gone;"
	# type what it says
	local cure
	while read -r cure; do sql "$cure"; done < <(grep -oE "(select millrace\.|drop table if exists).*" <<<"$output")
	sql "alter table staging.r drop column odd; delete from millrace.job"
	assert_equal gone "|" "$(sql "select to_regclass('p.gone'), (select model from millrace.model where model = 'p.gone')")"
	feed "('a', -4999)"
	periodic -q
	run -0 periodic doctor
	assert_says "0 errors, 1 warnings"
}

@test "rights, standby habits and an older schema" {
	periodic -q
	sql "create role visitor login"
	PGUSER=visitor run -2 periodic doctor
	assert_says "visitor is no member of millrace_aggregate: grant millrace_aggregate to visitor"
	sql "drop role visitor"
	PGOPTIONS='-c default_transaction_read_only=on' run -2 periodic doctor
	assert_says "transactions are read-only by default"
	sql "delete from millrace.schema_version where version > 1"
	run -2 periodic doctor
	assert_says "it is version 1, the program brings"
	assert_says "periodic migrate"
}

@test "a table that has lost a column, or has it in another type" {
	periodic -q
	sql "alter table staging.r drop column v; alter table staging.r alter column k type varchar(7)"
	run -0 periodic doctor
	assert_says "the table has no column v: alter table staging.r add column v integer"
	assert_says "k is text in the file and character varying(7) in the table"
}

@test "a pooler that lends sessions by transaction is refused" {
	periodic -q
	local place
	place=$(mktemp -d /tmp/millrace-pool-XXXXXX) # short, and open to postgres
	chmod 777 "$place"
	cat >"$place/pool.ini" <<-INI
		[databases]
		$PGDATABASE = user=$PGUSER host=$PGHOST port=$PGPORT
		[pgbouncer]
		listen_addr =
		unix_socket_dir = $place
		listen_port = 6543
		auth_type = any
		ignore_startup_parameters = extra_float_digits,options
		pool_mode = transaction
	INI
	local as=()
	[ "$(id -u)" != 0 ] || as=(-u postgres)
	pgbouncer "${as[@]}" -q "$place/pool.ini" 3>&- &
	local pid=$!
	PGHOST=$place PGPORT=6543 wait_until 10 psql -Xc 'select 1'
	PGHOST=$place PGPORT=6543 run periodic doctor
	kill $pid
	wait $pid || true
	rm -r "$place"
	assert_status 2
	assert_says "a pooler shares it by transaction"
}

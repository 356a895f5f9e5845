#!/usr/bin/env bats
# Every way a database may not do: one sentence, status 4, nothing written.
# bats file_tags=database
# shellcheck disable=SC2030,SC2031 # tests are subshells

setup_file() {
	load ../support/common
	own_server
	# passwords count for those who have one; everybody else is trusted
	sed -i '1i local all keyed scram-sha-256' "$OWN_PG/data/pg_hba.conf"
	sql "select pg_reload_conf()" >/dev/null
	sql "create role keyed login superuser password 'geheim'"
	sql "create role app login"
}
teardown_file() { drop_database; }

setup() {
	load ../support/common
	cd "$BATS_TEST_TMPDIR" || return
	ln -s "$ROOT/sql" sql
}

new_database() { psql -Xq -d postgres -c "create database $1 template template0 ${2:-}"; }

# refused STATUS WORDS: both programs, the same sentence.  What is tried again
# for some seconds is asked of one only, in PROGRAMS.
refused() {
	local program
	for program in ${PROGRAMS:-handle-streams periodic}; do
		if [ "$program" = periodic ]; then
			run periodic --retry-timeout 1s plan
		else
			run handle-streams verify
		fi
		assert_status "$1"
		assert_says "$program: error: "
		assert_says "$2"
		[ "$(grep -c error: <<<"$output")" = 1 ]
		[[ $output != *geheim* ]]
		[[ $output != *falsch* ]]
	done
}

@test "no server at the socket, the port, the name" {
	PGHOST=/nonexistent refused 4 "start it, or name another with --dsn or PGHOST"
	PROGRAMS=periodic
	PGHOST=127.0.0.1 PGPORT=1 refused 4 "Connection refused"
	PGHOST=nowhere.invalid refused 4 'could not translate host name "nowhere.invalid"'
	PGSERVICE=none refused 4 'the connection settings (--dsn, PG*) make no sense: definition of service "none" not found'
	[ ! -e .millrace ]
}

@test "a wrong and a missing password say where passwords belong" {
	export PGUSER=keyed PGPASSFILE=$BATS_TEST_TMPDIR/passwords
	refused 4 "the password belongs in ~/.pgpass, the file of PGPASSFILE, or a service"
	PGPASSWORD=falsch refused 4 'password authentication failed for user "keyed"; the password belongs in'
	echo "*:*:*:keyed:geheim" >passwords
	chmod 600 passwords
	periodic plan
	rm passwords
	PERIODIC_DSN="user=keyed password=geheim" periodic plan
}

@test "what a login is set to changes nothing, and hides nothing" {
	new_database strange
	export PGDATABASE=strange
	sql 'create role strange login superuser'
	for setting in "quote_all_identifiers = on" "default_transaction_isolation = serializable" \
		"statement_timeout = 20" "lock_timeout = 1" "idle_in_transaction_session_timeout = 20" \
		"timezone = 'Asia/Tokyo'" "datestyle = 'SQL, DMY'" "transform_null_equals = on"; do
		sql "alter role strange set $setting"
	done
	event='{"user_id":1,"url":"/","pageview_datetime":"2025-01-01T00:00:00"}'
	echo "$event" | PGUSER=strange handle-streams --stream pageviews
	PGUSER=strange periodic --threads 4 -s pack:pageviews
	assert_equal marts "2025-01-01 00:00:00|UNKNOWN|1" "$(sql 'select * from pageviews.pageviews_by_postcode' | cut -d'|' -f1-3)"
	echo "$event" | handle-streams --stream pageviews
	sql "alter table staging.pageviews enable row level security, force row level security"
	PGUSER=strange run periodic -s pack:pageviews
	assert_status 3
	assert_says 'row-level security policy for table "pageviews'
	sql "drop role strange"
}

@test "an unknown database, an unknown user" {
	PGDATABASE=nosuch refused 4 'database "nosuch" does not exist; make it with createdb'
	PGUSER=nobodyhere refused 4 'role "nobodyhere" does not exist; name another user'
}

@test "another encoding is refused by name" {
	new_database latin "encoding 'LATIN1' locale 'C'"
	PGDATABASE=latin refused 4 'database "latin" is encoded in LATIN1 and must be in UTF8'
	new_database anything "encoding 'SQL_ASCII' locale 'C'"
	PGDATABASE=anything refused 4 'database "anything" is encoded in SQL_ASCII and must be in UTF8'
	[ "$(psql -XAtq -d latin -c "select count(*) from pg_namespace where nspname = 'millrace'")" = 0 ]
}

@test "a user without the right to connect, to create, to look" {
	new_database closed
	psql -Xq -d closed -c 'revoke connect on database closed from public'
	PGUSER=app PGDATABASE=closed refused 4 'permission denied for database "closed"; let its owner grant connect'
	new_database empty
	PGUSER=app PGDATABASE=empty refused 4 'user "app" may not set up the roles of millrace'
	[ "$(psql -XAtq -d empty -c "select count(*) from pg_namespace where nspname = 'millrace'")" = 0 ]
	new_database made
	PGDATABASE=made periodic migrate
	PGUSER=app PGDATABASE=made refused 4 'user "app" lacks a right in database "made"'
	assert_says 'grant it millrace_ingest for handle-streams, millrace_aggregate for periodic, and millrace_owner for tables of new streams'
	sql 'grant millrace_owner, millrace_ingest, millrace_aggregate to app'
	PGUSER=app PGDATABASE=made periodic plan
	echo '{}' | PGUSER=app PGDATABASE=made handle-streams
	sql 'revoke millrace_owner, millrace_ingest, millrace_aggregate from app'
}

@test "a schema newer than the program, or open to it" {
	new_database later
	export PGDATABASE=later
	periodic migrate
	newest=$(sql 'select max(version) from millrace.schema_version')
	sql "insert into millrace.schema_version (version, name, min_program, program) values (998, 'later', $newest, '9.9')"
	periodic plan
	sql "insert into millrace.schema_version (version, name, min_program, program) values (999, 'much later', 999, '9.9')"
	refused 2 "too new for this program"
}

@test "a server that is full is tried again, then told" {
	sql 'alter role app connection limit 0'
	PROGRAMS=periodic PGUSER=app refused 4 'too many connections for role "app"'
	sql 'alter role app connection limit -1'
}

@test "a server that is down for a moment is waited for" {
	stop_server
	periodic --verbose --retry-timeout 10min plan >plan.out 2>&1 3>&- &
	waiting=$!
	wait_until 20 grep -q "trying again" plan.out
	start_server
	wait "$waiting"
	grep -q bluesky.events plan.out
}

@test "sessions carry the program's name" {
	events='{"user_id":1,"url":"/","pageview_datetime":"2025-01-01T00:00:00Z"}'
	mkfifo pipe
	handle-streams <pipe >/dev/null 2>&1 3>&- &
	exec 5>pipe
	echo "$events" >&5
	wait_for_value 20 "select count(*) > 0 from pg_stat_activity where application_name like 'handle-streams%'" t
	exec 5>&-
	wait $!
}

@test "a server that is too old, or says nothing, is told so" {
	mkdir old silent
	"$ROOT/tests/support/fake_server.py" "$PWD/old" 14.9 3>&- &
	old=$!
	"$ROOT/tests/support/fake_server.py" "$PWD/silent" silent 3>&- &
	silent=$!
	wait_until 10 test -S old/.s.PGSQL.5432
	wait_until 10 test -S silent/.s.PGSQL.5432
	PGHOST=$PWD/old refused 4 "the server is PostgreSQL 14.9; 15 or newer is needed"
	export HANDLE_STREAMS_CONNECT_TIMEOUT=300ms PERIODIC_CONNECT_TIMEOUT=300ms
	PROGRAMS=periodic PGHOST=$PWD/silent refused 4 "at $PWD/silent port 5432: PostgreSQL has not answered within the time allowed"
	kill "$old" "$silent"
}

# With nothing read, there is nothing to lose and nothing to wait for.
@test "asked to stop before there is a server: a polite end at once" {
	local program words='asked to stop before the database could be used: '
	mkdir silent
	"$ROOT/tests/support/fake_server.py" "$PWD/silent" silent 3>&- &
	silent=$!
	wait_until 10 test -S silent/.s.PGSQL.5432
	mkfifo pipe
	exec 5<>pipe
	export HANDLE_STREAMS_CONNECT_TIMEOUT=10min PERIODIC_CONNECT_TIMEOUT=10min
	for program in 'handle-streams' 'periodic --retry-timeout 10min watch'; do
		rm -f silent/taken
		# shellcheck disable=SC2086 # words
		PGHOST=$PWD/silent $program <pipe >log 2>&1 3>&- &
		wait_until 10 test -e silent/taken
		ends_soon $!
		output=$(<log)
		assert_status 0
		assert_says "${words}connecting to database \"own\" at $PWD/silent port 5432: no answer so far"
		assert_equal lines 1 "$(wc -l <log)"
		# shellcheck disable=SC2086
		PGHOST=127.0.0.1 PGPORT=1 $program --verbose <pipe >log 2>&1 3>&- &
		wait_until 10 grep -q 'refused.*; trying again' log
		ends_soon $!
		output=$(grep -v 'trying again' log)
		assert_status 0
		assert_says "${words}"
		assert_says 127.0.0.1
		[[ $output == *refused* || $output == *"no answer so far"* ]] # asked while it tried again
		assert_equal lines 1 "$(wc -l <<<"$output")"
	done
	kill "$silent"
}

@test "of several hosts, one that does not answer is passed over" {
	mkdir full
	"$ROOT/tests/support/fake_server.py" "$PWD/full" full 3>&- &
	full=$!
	wait_until 10 test -s full/port
	off=$(<full/port)
	export PERIODIC_CONNECT_TIMEOUT=1s
	PGHOST=127.0.0.1,$PGHOST PGPORT=$off,$PGPORT periodic plan
	PROGRAMS=periodic PGHOST=127.0.0.1 PGPORT=$off refused 4 "at 127.0.0.1 port $off: PostgreSQL has not answered within the time allowed"
	kill "$full"
}

@test "a staging table made with psql is adopted, by who may" {
	new_database byhand
	export PGDATABASE=byhand
	periodic migrate
	sql "create table staging.strange (n int, loaded_at timestamptz not null) partition by range (loaded_at)"
	psql -Xq -f sql/pageviews/streams/pageviews.sql
	sql 'grant millrace_owner, millrace_ingest, millrace_aggregate to app'
	events='{"user_id":1,"url":"/","pageview_datetime":"2025-01-01T00:00:00Z"}'
	PGUSER=app run handle-streams <<<"$events"
	assert_status 4
	assert_says 'adopting staging.pageviews: must be owner of table pageviews'
	assert_says 'alter table ... owner to millrace_owner'
	run -0 handle-streams <<<"$events"
	assert_equal owners "pageviews millrace_owner,strange $PGUSER" \
		"$(sql "select string_agg(tablename || ' ' || tableowner, ',' order by tablename)
			from pg_tables where tablename in ('pageviews', 'strange')")"
	PGUSER=app handle-streams <<<"$events"
	assert_equal rows 2 "$(sql 'select count(*) from staging.pageviews')"
	# one that asks for every range floods the server's log
	assert_equal "indexes that ask autovacuum" 0 "$(sql "select count(*) from pg_class where reloptions @> '{autosummarize=on}'")"
	sql 'revoke millrace_owner, millrace_ingest, millrace_aggregate from app'
}

@test "a column added to a staging table can be loaded" {
	new_database grown
	export PGDATABASE=grown
	: | handle-streams
	sql 'alter table staging.pageviews add column more int'
	: | handle-streams
	sql "select has_column_privilege('millrace_ingest', 'staging.pageviews', 'more', 'insert')" | grep -qx t
	sql "select has_column_privilege('millrace_ingest', 'staging.pageviews', 'loaded_at', 'insert')" | grep -qx f
}

@test "a partition of today that was detached is attached again" {
	new_database detached
	export PGDATABASE=detached
	events='{"user_id":1,"url":"/","pageview_datetime":"2025-01-01T00:00:00Z"}'
	handle-streams <<<"$events"
	sql "do \$\$ declare part text; begin
	     for part in select inhrelid::regclass from pg_inherits where inhparent = 'staging.pageviews'::regclass loop
	         execute 'alter table staging.pageviews detach partition ' || part;
	     end loop; end \$\$"
	timeout 120 handle-streams <<<"$events"
	assert_equal rows 2 "$(sql 'select count(*) from staging.pageviews')"
}

@test "a function made later is not for everybody" {
	new_database private
	export PGDATABASE=private
	periodic migrate
	sql "set role millrace_owner; create function millrace.later() returns int language sql return 1"
	sql "select has_function_privilege('millrace_read', 'millrace.later()', 'execute')" | grep -qx f
}

# Sessions as a load leaves them; in this database every transaction can be
# made to look 11 minutes older.
@test "a load that is stuck in a transaction is ended by periodic" {
	new_database stuck
	export PGDATABASE=stuck
	periodic migrate
	for name in 'handle-streams 00ff' 'handle-streams verify' somebody; do
		mkfifo "${name// /-}"
		PGAPPNAME=$name psql -Xq <"${name// /-}" >/dev/null 2>&1 3>&- &
	done
	exec 5>handle-streams-00ff 6>handle-streams-verify 7>somebody
	for open in 5 6 7; do
		echo 'begin; select 1;' >&"$open"
	done
	names="select string_agg(application_name, ',' order by application_name)
		from pg_stat_activity where state = 'idle in transaction'"
	wait_for_value 10 "$names" 'handle-streams 00ff,handle-streams verify,somebody'
	run -0 periodic
	[[ $output != *00ff* ]]
	PGOPTIONS='-c allow_system_table_mods=on' psql -Xq -v ON_ERROR_STOP=1 <<-'SQL'
		alter function pg_catalog.pg_stat_get_activity(int) rename to activity;
		create view pg_catalog.activities as select * from pg_catalog.activity(null);
		do $$ begin
		    execute (select format('create function pg_catalog.pg_stat_get_activity(int) returns setof pg_catalog.activities '
		                           'language sql as %L', 'select ' || string_agg(attname ||
		                               case attname when 'xact_start' then ' - xact_start + now() - interval ''11.5 min''' else '' end, ', ' order by attnum)
		                               || ' from pg_catalog.activity($1)')
		             from pg_attribute where attrelid = 'pg_catalog.activities'::regclass and attnum > 0);
		end $$;
	SQL
	sql 'grant millrace_owner, millrace_ingest, millrace_aggregate to app; grant pg_read_all_stats to app'
	seal_due="update millrace.seal set candidate_at = now() - interval '1 minute'"
	sql "$seal_due" # they are looked for when it is to move
	PGUSER=app run -0 periodic
	assert_says 'warning: handle-streams 00ff (pid'
	assert_says 'is in one transaction for 11 minutes and cannot be ended: '
	sql 'revoke millrace_owner, millrace_ingest, millrace_aggregate, pg_read_all_stats from app'
	sql "$seal_due"
	run -0 periodic
	assert_says 'was in one transaction for 11 minutes; ended it'
	wait_for_value 10 "$names" 'handle-streams verify,somebody'
	exec 5>&- 6>&- 7>&-
}

#!/usr/bin/env bats
# Backups restored to an earlier moment: positions went back with the rows, so
# Kafka and files are read again from there.  Nothing lost, nothing doubled.
# shellcheck disable=SC2030,SC2031 # every test is its own shell

as() { if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi; }
setup_file() {
	load ../support/common
	load ../support/kafka
	own_server
	as mkdir "$OWN_PG/archive"
	as tee -a "$OWN_PG/data/postgresql.conf" >/dev/null <<-CONF
		archive_mode = on
		archive_command = 'cp %p $OWN_PG/archive/%f'
	CONF
	restart_server
	own_broker
	export PERIODIC_PROJECT=$HANDLE_STREAMS_PROJECT
	mkdir "$PERIODIC_PROJECT/sql/test/models"
	cat >"$PERIODIC_PROJECT/sql/test/models/runs.sql" <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [run]
		--   rows: n
		select e.run, count(*) as n from staging.events e where /*+ incremental(e.run) */ true group by 1
	SQL
	topic orders 2
}
teardown_file() {
	load ../support/common
	load ../support/kafka
	drop_broker
	drop_database
}
setup() {
	load ../support/common
	load ../support/kafka
	cd "$BATS_FILE_TMPDIR" || exit
}
teardown() { [ -z "${OTHER:-}" ] || "$ROOT/tests/support/suite_pg.sh" remove "$OTHER"; }

lines() { seq "$1" "$(($2 - 1))" | sed 's/.*/{"run": "file", "n": &}/'; }

# load FROM TO: that many more events from Kafka, and lines of a file
load_more() {
	produce orders kafka "$1" "$2" 2
	lines "$1" "$2" >>file.jsonl
	catch_up
}
catch_up() {
	consume orders -e
	handle-streams file.jsonl
	periodic
}
# Every event and line up to that is there once, and the mart agrees.
complete() {
	whole kafka "$1"
	whole file "$1"
	assert_equal mart "file $1,kafka $1" "$(sql "select string_agg(run || ' ' || n, ',' order by run) from test.runs")"
	run periodic --full-refresh
	assert_status 0
	assert_says "+0 -0 rows"
	run handle-streams verify
	assert_status 0
	assert_says "all is well"
}
# Somewhere else, PG* leading there.
move_to() {
	OTHER=$1
	eval "$("$ROOT/tests/support/suite_pg.sh" env "$OTHER")"
	export PGDATABASE=own
}

@test "what is in a database, with a dump and a base backup on the way" {
	load_more 0 600
	pg_dumpall --roles-only >roles.sql
	pg_dump -Fc >own.dump 2>/dev/null || echo "older than the server" >no_dump
	as "$(server_bin)/pg_basebackup" -h "$OWN_PG" -U postgres -D "$OWN_PG/copy" -c fast
	load_more 600 800
	sql "select pg_create_restore_point('before')" >/dev/null
	load_more 800 1000
	complete 1000
	stop_server # what is left of the log goes to the archive
}
server_bin() { dirname "$(head -n 1 "$OWN_PG/data/postmaster.opts" | cut -d' ' -f1)"; }

@test "the dump, restored on another server" {
	[ ! -e no_dump ] || skip "pg_dump is older than the server"
	move_to "$("$ROOT/tests/support/suite_pg.sh" make)"
	psql -Xq -d postgres -f "$BATS_FILE_TMPDIR/roles.sql" 2>/dev/null # postgres is there already
	psql -Xq -d postgres -c "create database own template template0"
	pg_restore --exit-on-error -d own own.dump
	assert_equal "rows of the dump" 1200 "$(sql "select count(*) from staging.events")"
	catch_up
	complete 1000
}

@test "the base backup and the log behind it, up to a moment" {
	local there
	there=$(as mktemp -d /tmp/millrace-pg-XXXXXX)
	as mv "$OWN_PG/copy" "$there/data"
	as tee -a "$there/data/postgresql.conf" >/dev/null <<-CONF
		unix_socket_directories = '$there'
		restore_command = 'cp $OWN_PG/archive/%f %p'
		recovery_target_name = 'before'
		recovery_target_action = 'promote'
	CONF
	as touch "$there/data/recovery.signal"
	"$ROOT/tests/support/suite_pg.sh" start "$there" 3>&-
	move_to "$there"
	wait_for_value 20 "select pg_is_in_recovery()" f
	assert_equal "rows at that moment" 1600 "$(sql "select count(*) from staging.events")"
	catch_up
	complete 1000
	# what it went through is on record: no gap, nothing rejected
	assert_equal "gaps, rejects" "0|0" "$(sql "select (select count(*) from millrace.gap), (select count(*) from millrace.reject)")"
}

# Stopped above, it wakes up as one.
@test "a standby takes no writes: told by name, with what to do" {
	as touch "$OWN_PG/data/standby.signal"
	start_server 3>&-
	assert_equal "a standby" t "$(sql "select pg_is_in_recovery()")"
	local command
	for command in "handle-streams file.jsonl" "periodic test"; do
		# shellcheck disable=SC2086 # words
		run $command
		assert_status 4
		assert_says "this server is a standby: connect to the primary"
	done
	run -2 handle-streams doctor
	assert_says "this is a standby: connect to the primary"
	run -0 periodic ls
	run handle-streams verify
	assert_status 0
}

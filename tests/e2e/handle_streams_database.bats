#!/usr/bin/env bats
# handle-streams: what PostgreSQL may refuse, lose or take away.
# bats file_tags=ingest
# shellcheck disable=SC2030,SC2031 # tests are subshells

setup_file() {
	load ../support/common
	load ../support/ingest
	PROJECT=$(mktemp -d)
	export PROJECT
	make_project "$PROJECT"
	own_server
}
teardown_file() {
	rm -rf "$PROJECT"
	"$ROOT/tests/support/suite_pg.sh" remove "$OWN_PG"
}

setup() {
	load ../support/common
	load ../support/ingest
	cd "$BATS_TEST_TMPDIR" || exit
	PGDATABASE=test_$BATS_TEST_NUMBER
	export PGDATABASE
	psql -Xq -d postgres -c "create database $PGDATABASE template template0"
}
teardown() {
	exec 7>&-
	pg_isready -q || start_server 3>&-
	psql -Xq -d postgres -c "drop database if exists $PGDATABASE with (force)"
	[ -z "${DISK:-}" ] || { psql -Xq -d postgres -c "drop tablespace if exists small" && umount -l "$DISK"; rmdir "$DISK"; }
}

# A pipe that stays open on descriptor 7, loaded as it comes; its log is `log`.
begin_pipe() {
	mkfifo fifo
	handle-streams --linger 20ms "$@" <fifo 2>log 3>&- &
	pid=$!
	exec 7>fifo
}
end_pipe() {
	exec 7>&-
	status=0
	wait_until 60 is_gone "$pid" || kill -KILL "$pid"
	wait "$pid" || status=$?
	output=$(cat log)
}
says() { grep -q "$1" log; }

# --- before anything is loaded ----------------------------------------------

@test "no server: one sentence, exit status 4" {
	run env PGHOST=/nowhere handle-streams --connect-timeout 1s <<<'{"n": 1}'
	assert_status 4
	assert_equal sentences 1 "${#lines[@]}"
	assert_says "/nowhere"
}

@test "a wrong password: one sentence without it, exit status 4" {
	sql "create role keyed login password 'right'"
	conf=$OWN_PG/data/pg_hba.conf
	sed -i '1i local all keyed scram-sha-256' "$conf"
	sql "select pg_reload_conf()"
	run env PGUSER=keyed PGPASSWORD=secret-wrong handle-streams <<<'{"n": 1}'
	sed -i 1d "$conf"
	sql "select pg_reload_conf()"
	sql "drop role keyed"
	assert_status 4
	assert_says "password"
	[[ $output != *secret-wrong* ]]
}

@test "a database that is not UTF-8 is refused by name, exit status 4" {
	psql -Xq -d postgres -c "create database latin encoding 'LATIN1' locale 'C' template template0"
	run env PGDATABASE=latin handle-streams <<<'{"n": 1}'
	psql -Xq -d postgres -c "drop database latin with (force)"
	assert_status 4
	assert_says "LATIN1"
}

@test "columns that are missing or of another type are named, exit status 2" {
	items 1 1 | handle-streams
	sql "alter table staging.items drop column name; alter table staging.items alter n drop not null, alter at type timestamp"
	run handle-streams <<<'{"n": 1}'
	assert_status 2
	assert_says "column name of"
	assert_says 'is missing (alter table staging.items add column "name" text)'
	assert_says "column n is nullable"
	assert_says "column at is timestamp without time zone"
	assert_equal rows 1 "$(rows)"
}

@test "a column that must be filled and is not known is named, exit status 2" {
	items 1 1 | handle-streams
	sql "alter table staging.items add column extra int; update staging.items set extra = 1; alter table staging.items alter extra set not null"
	run handle-streams <<<'{"n": 1}'
	assert_status 2
	assert_says "column extra is not null"
}

@test "a right taken away meanwhile: one sentence, exit status 4, nothing half-written" {
	begin_pipe
	items 1 1 >&7
	wait_for_value 20 "select count(*) from staging.items" 1
	sql "revoke insert (n, name, at) on staging.items from millrace_ingest"
	items 2 2 >&7
	end_pipe
	assert_equal status 4 "$status"
	assert_says "millrace_ingest has lost a right"
	assert_equal "rows and loads" "1|1" \
		"$(sql "select (select count(*) from staging.items), (select count(*) from millrace.load)")"
}

@test "a right that was taken away before is given back at the start" {
	items 1 1 | handle-streams
	sql "revoke insert (n, name, at) on staging.items from millrace_ingest"
	items 2 2 | handle-streams
	assert_equal loaded "1 2" "$(loaded)"
}

@test "a stream file that is wrong: file, line, exit status 2" {
	mkdir -p bad/sql/x/streams
	printf -- '-- stream: x\n-- formt: json\ncreate table staging.x (n bigint);\n' >bad/sql/x/streams/x.sql
	run handle-streams --project bad <<<'{"n": 1}'
	assert_status 2
	assert_says "x.sql:2"
	assert_says "format"
	run handle-streams --stream itms <<<'{"n": 1}'
	assert_status 2
	assert_says "did you mean items"
}

@test "a misspelt command or option: the nearest word, exit status 1" {
	run handle-streams verfy
	assert_status 1
	assert_says "did you mean verify"
	run handle-streams --lingr 5s
	assert_status 1
	assert_says "linger"
	run handle-streams --version
	assert_status 0
	run handle-streams --help
	assert_status 0
	assert_says "--batch-rows"
}

# --- while it runs ----------------------------------------------------------

@test "PostgreSQL crashes and comes back: the pipe goes on by itself" {
	begin_pipe
	items 1 50 >&7
	wait_for_value 20 "select count(*) from staging.items" 50
	crash_server
	items 51 100 >&7
	wait_until 20 says "trying again"
	start_server 7>&- # a server must not hold the pipe open
	items 101 150 >&7
	end_pipe
	assert_status 0
	assert_equal rows "150|150" "$(sql "select count(*), count(distinct n) from staging.items")"
	assert_verified
}

@test "without PostgreSQL for too long it gives up, exit status 4" {
	begin_pipe --retry-timeout 1s
	items 1 50 >&7
	wait_for_value 20 "select count(*) from staging.items" 50
	stop_server
	items 51 100 >&7
	wait_until 20 says "gave up after"
	start_server 7>&-
	end_pipe
	assert_status 4
	assert_equal rows 50 "$(rows)"
}

@test "asked to stop without PostgreSQL: says what is lost of a pipe, exit status 4" {
	begin_pipe --shutdown-timeout 500ms
	items 1 50 >&7
	wait_for_value 20 "select count(*) from staging.items" 50
	stop_server
	items 51 57 >&7
	wait_until 20 says "trying again"
	kill -TERM "$pid"
	wait_until 20 says "stopped before 7 records read from stdin could be committed"
	start_server 7>&-
	end_pipe
	assert_status 4
	assert_equal rows 50 "$(rows)"
}

# PostgreSQL has gone when the input is looked at, and when it is sent; another
# has its socket, which takes connections and never says a word.
take_over() {
	stop_server
	"$ROOT/tests/support/fake_server.py" "$PGHOST" silent 3>&- 7>&- &
	silent=$!
	wait_until 10 test -S "$PGHOST/.s.PGSQL.5432"
}
give_back() {
	kill "$silent"
	wait "$silent" || true
	rm -f "$PGHOST/.s.PGSQL.5432" "$PGHOST/taken"
	start_server 7>&-
}

@test "asked to stop while a server says nothing: what can be read again is left at once" {
	items 1 50 >first
	mkfifo second
	# shellcheck disable=SC2086 # words
	handle-streams $PATIENT --linger 20ms first second >log 2>&1 3>&- &
	pid=$!
	exec 7>second
	wait_for_value 20 "select count(*) from staging.items" 50
	take_over
	ends_soon "$pid"
	output=$(<log)
	assert_status 0
	assert_says "asked to stop before second was begun"

	items 51 60 >third
	mkfifo locked
	exec 7>&-
	give_back
	psql -Xq <locked 3>&- &
	exec 7>locked
	echo "begin; lock table staging.items in access exclusive mode;" >&7
	wait_for_value 20 "select count(*) from pg_locks where relation = 'staging.items'::regclass and granted" 1
	# shellcheck disable=SC2086
	handle-streams $PATIENT third >log 2>&1 3>&- 7>&- &
	pid=$!
	wait_for_value 20 "select count(*) > 0 from pg_locks where relation = 'staging.items'::regclass and not granted" t
	take_over
	wait_until 20 test -e "$PGHOST/taken"
	ends_soon "$pid"
	give_back
	output=$(<log)
	assert_status 0
	assert_says "stopped"
	handle-streams third
	assert_equal rows "60|60" "$(sql "select count(*), count(distinct n) from staging.items")"
	assert_verified
}

@test "asked to stop while a server says nothing: what a pipe gave is not forgotten" {
	# shellcheck disable=SC2086 # words
	begin_pipe $PATIENT --connect-timeout 2s
	wait_until 20 value_is "select count(*) > 0 from pg_stat_activity where application_name like 'handle-streams%'
		and state = 'idle' and query ~ 'delete from millrace.position'" t # its last one before it reads
	take_over
	items 1 5 >&7
	wait_until 20 test -e "$PGHOST/taken"
	ends_soon "$pid"
	output=$(<log)
	assert_status 4
	assert_says "asked to stop before what was read from stdin could be loaded; it is lost unless its producer sends it again"
	give_back
	exec 7>&-
	assert_equal rows 0 "$(rows)"
}

@test "asked to stop while a statement waits: --shutdown-timeout is kept" {
	begin_pipe --shutdown-timeout 500ms --lock-timeout 10min --statement-timeout 10min
	items 1 5 >&7
	wait_for_value 20 "select count(*) from staging.items" 5
	hold staging.items "access exclusive"
	items 6 9 >&7
	wait_for_value 20 "select count(*) > 0 from pg_locks where relation = 'staging.items'::regclass and not granted" t
	kill -TERM "$pid"
	wait_until 10 says "stopped before 4 records read from stdin could be committed"
	end_pipe
	let_go
	assert_status 4
	wait_for_value 20 "select count(*) from staging.items" 5
}

@test "a file taken over by a process that has ended since is taken back" {
	items 1 1 | handle-streams
	items 2 9 >file
	hold staging.items
	handle-streams --lock-timeout 10min file 2>log &
	pid=$!
	wait_for_value 20 "select count(*) > 0 from pg_locks where relation = 'staging.items'::regclass and not granted" t
	sql "update millrace.position set owner = 'gone', epoch = epoch + 1 where source like 'file:%'"
	let_go
	wait "$pid"
	assert_equal rows "1 2 3 4 5 6 7 8 9" "$(loaded)"
	assert_verified
}

@test "the positions are locked for a while: waited for" {
	items 1 1 | handle-streams
	items 2 2 >file
	hold millrace.position "access exclusive"
	handle-streams file 2>log 3>&- &
	local pid=$! status=0
	wait_for_value 20 "select count(*) from pg_stat_activity where application_name ~ '^handle-streams'
		and wait_event_type = 'Lock' and query !~ 'delete from millrace.position'" 1
	let_go
	wait $pid || status=$?
	assert_equal "exit status" 0 "$status"
	assert_equal rows "1 2" "$(loaded)"
}

@test "asked to stop while another process has the file: a polite end" {
	items 1 5 >file
	handle-streams file
	items 6 9 >>file
	sql "update millrace.position set owner = 'other'"
	mkfifo held
	PGAPPNAME="handle-streams other" psql -Xq <held &
	exec 8>held
	wait_for_value 20 "select count(*) from pg_stat_activity where application_name = 'handle-streams other'" 1
	handle-streams --claim-timeout 10min file 2>log &
	pid=$!
	wait_for_value 20 "select count(*) from pg_stat_activity where application_name like 'handle-streams %' and query like '%select p.epoch, p.owner%'" 1 # it looks who has it
	kill -TERM "$pid"
	wait "$pid"
	exec 8>&-
	assert_equal rows "1 2 3 4 5" "$(loaded)"
	says "before file was begun"
}

@test "the partition of the day disappears: made again, no reject" {
	begin_pipe
	items 1 5 >&7
	wait_for_value 20 "select count(*) from staging.items" 5
	sql "select format('drop table %s;', inhrelid::regclass) from pg_inherits where inhparent = 'staging.items'::regclass" |
		psql -Xq
	items 6 9 >&7
	end_pipe
	assert_status 0
	assert_equal rows "6 7 8 9" "$(loaded)"
	assert_equal rejects 0 "$(rejects)"
}

# A project of the test's own, with another stream, `things`.
add_things() {
	make_project "$PWD/project"
	sed 's/items/things/; s/match: n/match: t/; s/from: n$/from: t/' \
		project/sql/shop/streams/items.sql >project/sql/shop/streams/things.sql
}

@test "a partition is gone and a row of another table refused: one reject" {
	add_things
	items 1 1 | handle-streams
	sql "alter table staging.items add constraint odd check (n <> 2)"
	begin_pipe --linger 1h
	echo '{"n": 2}' >&7
	wait_for_value 20 "select count(*) from millrace.position where source like 'pipe:%'" 1
	sql "select format('drop table %s;', inhrelid::regclass) from pg_inherits where inhparent = 'staging.things'::regclass" |
		psql -Xq
	printf '%s\n' '{"n": 3}' '{"t": 4}' >&7
	end_pipe
	assert_status 0
	assert_equal items "1 3" "$(loaded)"
	assert_equal things 4 "$(sql "select n from staging.things")"
	assert_equal rejects 1 "$(rejects)"
	assert_verified
}

@test "a trigger that fails as a missing partition does is waited out" {
	items 1 1 | handle-streams
	sql "create function refuse() returns trigger language plpgsql as
	     'begin raise check_violation; end';
	     create trigger refuse before insert on staging.items for each row execute function refuse()"
	items 2 9 >file
	run handle-streams --retry-timeout 1s file
	assert_status 4
	assert_says "gave up after 1 s"
	[ "$(grep -c 'trying again' <<<"$output")" -lt 20 ]
	assert_equal rows 1 "$(rows)"
}

@test "a column disappears while it runs: named, exit status 2" {
	begin_pipe
	items 1 5 >&7
	wait_for_value 20 "select count(*) from staging.items" 5
	sql "alter table staging.items drop column name"
	items 6 9 >&7
	end_pipe
	assert_status 2
	assert_says "column name of"
	assert_equal rows "1 2 3 4 5" "$(loaded)"
}

@test "its sessions are ended by somebody: it goes on" {
	begin_pipe
	for i in 1 2 3 4 5; do
		items "$i" "$i" >&7
		wait_for_value 20 "select count(*) from staging.items" "$i"
		sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'handle-streams %' and datname = current_database()"
	done
	items 6 9 >&7
	end_pipe
	assert_status 0
	assert_equal rows "1 2 3 4 5 6 7 8 9" "$(loaded)"
	assert_verified
}

@test "a database that goes back: a file is read again, a pipe exits 6" {
	items 1 20000 >file
	stall_at 10000
	handle-streams --batch-rows 20 --lock-timeout 10min --statement-timeout 10min file 2>log 3>&- 8>&- &
	pid=$!
	wait_until 20 is_stalled
	[ "$(rows)" -gt 0 ]
	kill -STOP "$pid"
	go_back file # as a restored backup would look
	go_on
	kill -CONT "$pid"
	wait "$pid"
	assert_equal rows "20000|20000" "$(sql "select count(*), count(distinct n) from staging.items")"
	grep -q "reading again from there" log
	assert_verified

	begin_pipe
	items 3001 3005 >&7
	wait_for_value 20 "select count(*) from staging.items" 20005
	go_back pipe
	items 3006 3009 >&7
	end_pipe
	assert_status 6
	assert_says "the database went back: bytes 0 to"
}
go_back() {
	sql "begin;
	     lock millrace.position in exclusive mode;
	     create temp table undone as select distinct l.load_id, l.loaded_at from millrace.load l, jsonb_array_elements(l.origin->'ranges') r where r->>0 like '$1:%';
	     delete from staging.items where loaded_at in (select loaded_at from undone);
	     delete from millrace.reject where load_id in (select load_id from undone);
	     delete from millrace.load where loaded_at in (select loaded_at from undone);
	     update millrace.position set next_offset = 0 where source like '$1:%';
	     commit"
}

@test "a crash takes back what waits for no disk: a file is read again; a pipe and the last batch wait" {
	# nobody writes the log to the disk by chance
	sql "alter system set wal_writer_delay = '10s'"
	sql "alter system set bgwriter_lru_maxpages = 0"
	sql "alter system set autovacuum = off"
	sql "alter system set checkpoint_timeout = '1d'"
	restart_server
	items 1 5000 >file
	stall_at 2500 2530
	# whose death is a crash; until then it writes nothing
	wait_for_value 20 "select count(*) from pg_stat_activity where backend_type = 'walwriter'" 1
	writer=$(sql "select pid from pg_stat_activity where backend_type = 'walwriter'")
	kill -STOP "$writer"
	handle-streams --connections 4 --batch-rows 10 --lock-timeout 10min --statement-timeout 10min file 2>log 3>&- 8>&- &
	pid=$!
	# a load whose next is there already waits for no disk: three such commit
	wait_until 20 is_stalled 2
	go_on 2500
	wait_for_value 20 "select count(*) from staging.items" 2520
	kill -KILL "$writer"
	go_on
	wait "$pid"
	grep -q "reading again from there" log
	crash_server
	start_server
	assert_equal rows "5000|5000" "$(sql "select count(*), count(distinct n) from staging.items")"

	begin_pipe --batch-rows 10
	items 5001 10000 >&7
	wait_until 20 more_rows
	crash_server
	start_server 7>&-
	end_pipe
	assert_status 0
	assert_equal rows "10000|10000" "$(sql "select count(*), count(distinct n) from staging.items")"
	sql "alter system reset all"
	restart_server
	assert_verified
}
more_rows() { [ "$(rows)" -gt 5000 ]; }

@test "the disk is full: a sentence, exit status 4, nothing half-written; then on" {
	[ "$(id -u)" = 0 ] || skip "needs root, to mount a small disk"
	DISK=$(mktemp -d /tmp/millrace-disk-XXXXXX)
	mount -t tmpfs -o size=4M none "$DISK" 2>/dev/null || skip "cannot mount a tmpfs here"
	chown postgres "$DISK"
	items 1 1 | handle-streams
	sql "create tablespace small location '$DISK'"
	sql "select format('alter table %s set tablespace small;', inhrelid::regclass) from pg_inherits where inhparent = 'staging.items'::regclass" |
		psql -Xq
	seq 2 60000 | sed 's/.*/{"n": &, "name": "a name that takes some room on the disk, number &"}/' >file
	run handle-streams --batch-rows 60000 --retry-timeout 1s file
	[ "$status" = 4 ]
	assert_says "No space left on device"
	[ "$(rows)" -lt 60000 ]
	assert_verified # whole batches, or nothing
	sql "select format('alter table %s set tablespace pg_default;', inhrelid::regclass) from pg_inherits where inhparent = 'staging.items'::regclass" |
		psql -Xq
	sql "drop tablespace small"
	handle-streams file
	assert_equal rows 60000 "$(rows)"
	assert_verified
}

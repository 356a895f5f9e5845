#!/usr/bin/env bats
# A database of the first schema, with data in it, becomes one of the newest.

setup_file() {
	load ../support/common
	load ../support/periodic
	fresh_database
	cd "$BATS_FILE_TMPDIR" || return
	small_project
}
teardown_file() { drop_database; }
setup() {
	load ../support/common
	load ../support/periodic
	cd "$BATS_FILE_TMPDIR" || return
	export PERIODIC_PROJECT=$PWD HANDLE_STREAMS_PROJECT=$PWD
}

# As the first release left it.
make_first() {
	psql -Xq -v ON_ERROR_STOP=1 -1 -c "set search_path = pg_catalog, pg_temp" -f "$ROOT/sql/schema/001_init.sql" \
		-c "insert into millrace.schema_version (version, name, min_program, program) values (1, '001_init', 1, '0.1.0')"
	psql -Xq -v ON_ERROR_STOP=1 -1 -c "set role millrace_owner" -f sql/p/streams/r.sql -c "select millrace.adopt_staging('r')" >/dev/null
	sql "begin;
	     insert into millrace.load (relation, loaded_at, row_count, reject_count) values ('staging.r', now(), 2, 1);
	     insert into staging.r (k, v) values ('old', 1), ('old', 2);
	     insert into millrace.reject (load_id, source, part, position, reason, raw, raw_length)
	         select max(load_id), 'pipe:x', 0, 7, 'broken', 'raw', 3 from millrace.load;
	     insert into millrace.gap (source, part, from_offset, to_offset, reason) values ('kafka:c/t', 0, 1, 2, 'gone');
	     insert into millrace.drift (relation, path, kind, sampled_count) values ('staging.r', 'x', 'string', 1);
	     insert into millrace.position (source, part, next_offset, epoch, owner) values ('kafka:c/t', 0, 42, 3, 'me');
	     commit"
}
dump() { pg_dump --schema-only --no-owner --no-comments -n millrace "$1" | grep -v '^\\\|^--\|^$'; }

@test "the first schema becomes the newest, and nothing of its data is lost" {
	make_first
	run periodic plan
	assert_status 2
	assert_says "run \`periodic migrate\`"
	# in use for a while: it waits for no lock longer than 2 s, and tries again
	local log=${SUITE_PG:-$OWN_PG}/log before status=0
	before=$(wc -l <"$log")
	gave_way() { tail -n "+$((before + 1))" "$log" | grep -q "canceling statement due to lock timeout"; }
	hold millrace.model "access share"
	periodic migrate >migrated 2>&1 3>&- &
	local migrating=$!
	wait_until 10 gave_way
	let_go
	wait $migrating || status=$?
	output=$(<migrated)
	assert_status 0
	assert_says "the schema is at $(find "$ROOT/sql/schema" -name '[0-9]*.sql' | wc -l)"
	assert_equal data "2|1|1|1|42" "$(sql "select (select count(*) from staging.r), (select count(*) from millrace.reject),
		(select count(*) from millrace.gap), (select count(*) from millrace.drift), (select next_offset from millrace.position)")"
	run periodic migrate
	assert_says "0 migrations applied"
}

@test "both programs go on with what they find there" {
	echo '{"k": "new", "v": 3}' | handle-streams --stream r
	run periodic
	assert_status 0
	assert_equal mart "new 3,old 3" "$(sql "select string_agg(k || ' ' || total, ',' order by k) from p.sums")"
	run periodic --full-refresh
	assert_says "+0 -0 rows"
}

# The one that rows go into now, and the one of yesterday if it has any, ask on.
@test "indexes that ask autovacuum for too much are told not to, once nobody has them" {
	asking="select count(*) from pg_class where relname like 'r\_%loaded_at_idx' and reloptions @> '{autosummarize=on}'"
	local day
	day=$(date -u +%F)
	before=$(sql "$asking")
	mkfifo reader
	psql -XAtq <reader >seen 3>&- &
	exec 7>reader
	echo "update pg_class set reloptions = '{pages_per_range=32,autosummarize=on}' where relname like 'r\_%loaded_at_idx';
	      begin; select count(*) from staging.r;" >&7
	wait_until 20 test -s seen
	all=$(sql "$asking")
	timeout 120 handle-streams --stream r </dev/null
	assert_equal "while they are read" "$all" "$(sql "$asking")"
	exec 7>&-
	wait
	handle-streams --stream r </dev/null
	[ "$(date -u +%F)" = "$day" ] || skip "midnight has passed, and today's is another"
	assert_equal "asking" "$before" "$(sql "$asking")"
	[ "$before" -ge 1 ]
	[ "$before" -le 2 ]
	[ "$all" -ge 9 ]
}

# It refuses servers that are newer than itself.
needs_pg_dump() { pg_dump --schema-only "$PGDATABASE" >/dev/null 2>&1 || skip "pg_dump is older than the server"; }

@test "an upgraded schema is the one that a new database gets" {
	needs_pg_dump
	mine=$PGDATABASE
	sql "create database \"fresh_$mine\" template template0"
	PGDATABASE=fresh_$mine periodic migrate
	run diff <(dump "$mine") <(dump "fresh_$mine")
	sql "drop database \"fresh_$mine\" with (force)"
	assert_equal difference "" "$output"
}

@test "a dump restored elsewhere goes on where it stood" {
	needs_pg_dump
	mine=$PGDATABASE
	sql "create database \"restored_$mine\" template template0"
	pg_dump "$mine" | psql -Xq -v ON_ERROR_STOP=1 -d "restored_$mine" >/dev/null
	export PGDATABASE=restored_$mine
	echo '{"k": "restored", "v": 4}' | handle-streams --stream r
	run periodic
	assert_status 0
	got=$(sql "select string_agg(k || ' ' || total, ',' order by k) from p.sums")
	run periodic --full-refresh
	assert_says "+0 -0 rows"
	export PGDATABASE=$mine
	sql "drop database \"restored_$mine\" with (force)"
	assert_equal mart "new 3,old 3,restored 4" "$got"
}

#!/usr/bin/env bats
# Who may do what: two logins, one that ingests and one that aggregates.
# shellcheck disable=SC2030,SC2031 # tests are subshells

setup_file() {
	load ../support/common
	load ../support/periodic
	own_server
	cd "$BATS_FILE_TMPDIR" || return
	small_project
	sql "create role ingester login"
	sql "create role aggregator login"
	periodic
	sql "grant millrace_ingest to ingester; grant millrace_aggregate to aggregator"
}
teardown_file() { drop_database; }
setup() { load ../support/common; }

# attempt LOGIN SQL: in a session of that login
attempt() { run psql -XAtq -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -U "$1" -c "$2"; }
may() {
	attempt "$@"
	assert_status 0
}
may_not() {
	attempt "$@"
	assert_status 1
	assert_says 42501
}

# Types of the caller's that tell, when used, as whom; named like those that
# the functions name.
spying="create function pg_temp.spy(text) returns bool language plpgsql as \$\$
	begin
	    if current_user <> session_user then
	        raise exception 'ran as %', current_user;
	    end if;
	    return true;
	end \$\$;
	create domain pg_temp.text as pg_catalog.text check (pg_temp.spy('text'));
	create domain pg_temp.date as pg_catalog.date check (pg_temp.spy('date'));
	create domain pg_temp.regclass as pg_catalog.regclass check (pg_temp.spy('regclass'));
	create domain pg_temp.timestamptz as pg_catalog.timestamptz check (pg_temp.spy('timestamptz'));
	create temp table pg_class as table pg_catalog.pg_class;"

@test "a login's own types do not run with the rights of the owner" {
	for call in "millrace.ensure_partitions(30)" "millrace.adopt_staging('r')" \
		"millrace.summarize('staging.r', '2020-01-01')"; do
		may ingester "$spying select $call"
	done
	may ingester "$spying select millrace.advance('{}', '{}', '{}', '{}', '{}', '{}', '{}')"
}

@test "no function with the owner's rights looks into pg_temp first" {
	assert_equal functions "" "$(sql "select oid::regprocedure from pg_proc
		where prosecdef and pronamespace = 'millrace'::regnamespace
		    and not coalesce('search_path=pg_catalog, pg_temp' = any(proconfig), false)")"
	assert_equal "functions of all" "" "$(sql "select oid::regprocedure from pg_proc
		where pronamespace = 'millrace'::regnamespace
		    and has_function_privilege('public', oid, 'execute')")"
}

@test "only the ingester moves positions, and amends what it has counted" {
	local advance="select millrace.advance('{}', '{}', '{}', '{}', '{}', '{}', '{}')"
	local amend="update millrace.load set row_count = 0 where false"
	may ingester "$advance"
	may ingester "$amend"
	may_not aggregator "$advance"
	may_not aggregator "$amend"
	may aggregator "insert into millrace.load (relation, loaded_at, row_count) values ('p.x', now(), 1)"
	may_not aggregator "insert into millrace.position (source, part, next_offset, epoch, owner) values ('s', 0, 0, 0, 'o')"
}

@test "nobody sets a load's number, its xid or loaded_at, or takes it back" {
	local login
	for login in ingester aggregator; do
		may_not "$login" "insert into millrace.load (xid, relation, loaded_at, row_count) values ('1', 's', now(), 1)"
		may_not "$login" "insert into millrace.load (load_id, relation, loaded_at, row_count) overriding system value values (1, 's', now(), 1)"
		may_not "$login" "update millrace.load set loaded_at = now()"
		may_not "$login" "delete from millrace.load"
		may_not "$login" "insert into staging.r (k, loaded_at) values ('a', '2020-01-01')"
	done
	may ingester "insert into staging.r (k, v) values ('a', 1)"
	may_not aggregator "insert into staging.r (k, v) values ('a', 1)"
	may_not ingester "select from millrace.model"
	may_not ingester "update millrace.seal set sealed_load = 0"
}

@test "another project's model in a schema that a login may not look into is none of its business" {
	sql "create schema hidden create table t ();
	     insert into millrace.model (model, materialized, code_hash) values ('hidden.t', 'table', '\\x00')"
	periodic --project "$BATS_FILE_TMPDIR"
	may_not aggregator "select to_regclass('hidden.t')"
	PGUSER=aggregator run -0 periodic --project "$BATS_FILE_TMPDIR"
	assert_says "nothing new"
	sql "drop schema hidden cascade; delete from millrace.model where model = 'hidden.t'"
}

# --- each role can do what it must, and no more ------------------------------

roles="'millrace_owner', 'millrace_ingest', 'millrace_aggregate', 'millrace_read'"

@test "no role can log in, or is more than a role" {
	assert_equal attributes "" "$(sql "select rolname from pg_roles where rolname in ($roles) and
		(rolcanlogin or rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)")"
	# and none is a member of another
	assert_equal members "" "$(sql "select a.rolname, b.rolname from pg_auth_members m
		join pg_roles a on a.oid = m.member join pg_roles b on b.oid = m.roleid
		where a.rolname in ($roles) and b.rolname not like 'pg\_%' and a.rolname like 'millrace%'
		    and b.rolname in ($roles)")"
}

@test "the reader reads marts and the status, nothing else, and writes nothing" {
	sql "create role reader login; grant millrace_read to reader"
	echo '{"k": "a", "v": 1}' | handle-streams --stream r --project "$BATS_FILE_TMPDIR"
	periodic --project "$BATS_FILE_TMPDIR"
	may reader "select * from p.sums"
	may reader "select * from millrace.status"
	for relation in staging.r millrace.load millrace.reject millrace.position millrace.gap millrace.drift \
		millrace.begun_again millrace.model millrace.model_load millrace.run millrace.run_model millrace.test_result millrace.seal; do
		may_not reader "select from $relation"
	done
	for statement in "insert into p.sums values ('z', 1, 1)" "update p.sums set n = 0" "delete from p.sums" \
		"truncate p.sums" "drop table p.sums" "create table p.x ()" "create table millrace.x ()" \
		"create table staging.x ()" "create table public.x ()" "create schema x" "create role x" \
		"copy (select 1) to program 'true'" "copy p.sums from '/etc/passwd'" "select pg_read_file('/etc/passwd')" \
		"select millrace.ensure_partitions()" "set role millrace_owner" "set role millrace_aggregate"; do
		may_not reader "$statement"
	done
}

@test "the ingester touches no mart, the aggregator no staging row" {
	for statement in "select from p.sums" "insert into p.sums values ('z', 1, 1)" "drop table p.sums" \
		"delete from staging.r" "update staging.r set k = 'x'" "truncate staging.r" "drop table staging.r" \
		"create table staging.x ()" "create table millrace.x ()" "create table public.x ()" "create schema x" \
		"delete from millrace.reject" "update millrace.reject set raw = ''" "delete from millrace.gap" \
		"delete from millrace.begun_again" "select millrace.quiet_indexes()" \
		"update millrace.position set next_offset = 0" "update millrace.schema_version set min_program = 0" \
		"select from millrace.run" "copy (select 1) to program 'true'" "set role millrace_owner"; do
		may_not ingester "$statement"
	done
	for statement in "delete from staging.r" "update staging.r set k = 'x'" "truncate staging.r" \
		"drop table staging.r" "create table millrace.x ()" "create table public.x ()" "delete from millrace.load" \
		"update millrace.load set row_count = 0" "delete from millrace.reject" "update millrace.gap set reason = ''" \
		"update millrace.position set next_offset = 0" "update millrace.schema_version set min_program = 0" \
		"create role x" "copy (select 1) to program 'true'" "set role millrace_owner"; do
		may_not aggregator "$statement"
	done
}

# --- a role that is missing is named, with the remedy ------------------------

# lacks LOGIN ROLE COMMAND...: is refused, and told what to ask for
lacks() {
	local login=$1 role=$2
	shift 2
	PGUSER=$login run "$@" </dev/null
	assert_status 4
	assert_says "\"$login\" is no member of $role: let a superuser grant $role to \"$login\""
}

@test "who lacks a role is told which one, by every command that needs it" {
	export PERIODIC_PROJECT=$BATS_FILE_TMPDIR HANDLE_STREAMS_PROJECT=$BATS_FILE_TMPDIR
	for command in run plan audit watch freshness; do
		lacks ingester millrace_aggregate periodic "$command"
	done
	for command in run verify doctor; do
		lacks aggregator millrace_ingest handle-streams "$command"
	done
}

@test "the table of a new stream is made by a member of the owner, which doctor says" {
	mkdir newer
	cd newer || return
	cp -r "$BATS_FILE_TMPDIR/sql" .
	sed 's/stream: r/stream: later/; s/staging\.r /staging.later /' sql/p/streams/r.sql >sql/p/streams/later.sql
	export PERIODIC_PROJECT=$PWD HANDLE_STREAMS_PROJECT=$PWD
	lacks ingester millrace_owner handle-streams
	assert_says "later.sql: creating staging.later"
	PGUSER=aggregator run periodic doctor
	assert_status 0
	assert_says "aggregator is no member of millrace_owner, and leaves migrations, tables of new streams and unit tests to others"
	handle-streams </dev/null
	PGUSER=ingester run handle-streams </dev/null
	assert_status 0
}

@test "a table put in the way of replaced rows gives nobody the owner's rights" {
	sql "set role millrace_aggregate;
	     create function millrace_old.own() returns trigger language plpgsql
	         as 'begin grant millrace_owner to millrace_aggregate; return new; end';
	     create table millrace_old.staging__r (like staging.r, retired_at timestamptz not null default now());
	     grant all on millrace_old.staging__r to millrace_owner; grant execute on function millrace_old.own to public;
	     create trigger own before insert on millrace_old.staging__r for each row execute function millrace_old.own()"
	local rows
	rows=$(sql "select count(*) from staging.r")
	may_not ingester "select millrace.replace_range('r', 'loaded_at', '-infinity', 'infinity')"
	assert_says "staging__r was not made by millrace"
	assert_equal "member of the owner" f "$(sql "select pg_has_role('millrace_aggregate', 'millrace_owner', 'member')")"
	assert_equal rows "$rows" "$(sql "select count(*) from staging.r")"
	sql "drop table millrace_old.staging__r; drop function millrace_old.own"
	# once it is the owner's, nobody else replaces it, nor the schema
	sql "begin; set role millrace_ingest; select millrace.replace_range('r', 'loaded_at', '-infinity', '-infinity'); commit"
	for statement in "drop table millrace_old.staging__r" "alter schema millrace_old rename to x" \
		"create trigger t before insert on millrace_old.staging__r for each row execute function pg_catalog.suppress_redundant_updates_trigger()" \
		"alter table millrace_old.staging__r rename to y"; do
		may_not aggregator "$statement"
	done
}

@test "what is granted in the catalogs is no more than that" {
	# nobody but the owner may truncate, reference or put triggers on anything of ours
	assert_equal dangerous "" "$(sql "select c.oid::regclass, r.rolname, p from pg_class c, pg_roles r,
		unnest(array['truncate', 'references', 'trigger']) p
		where c.relnamespace in ('millrace'::regnamespace, 'staging'::regnamespace) and c.relkind in ('r', 'p')
		    and r.rolname in ('millrace_ingest', 'millrace_aggregate', 'millrace_read')
		    and has_table_privilege(r.rolname, c.oid, p)")"
	# everybody has nothing
	assert_equal public "" "$(sql "select c.oid::regclass from pg_class c, aclexplode(c.relacl) a
		where c.relnamespace in ('millrace'::regnamespace, 'staging'::regnamespace, 'p'::regnamespace) and a.grantee = 0")"
	assert_equal "create in schemas" "" "$(sql "select n, r from unnest(array['millrace', 'staging', 'public']) n,
		unnest(array['millrace_ingest', 'millrace_aggregate', 'millrace_read']) r where has_schema_privilege(r, n, 'create')")"
}

@test "functions and operators in the way of a search_path are not called" {
	sql "create schema evil; grant usage on schema evil to public;
	     create function evil.now() returns timestamptz language plpgsql as 'begin raise exception \$\$evil\$\$; end';
	     create function evil.count(text) returns bigint language plpgsql as 'begin raise exception \$\$evil\$\$; end';
	     create function evil.same(text, text) returns bool language plpgsql as 'begin raise exception \$\$evil\$\$; end';
	     create operator evil.= (leftarg = text, rightarg = text, function = evil.same);
	     create table evil.load (x int); create table evil.pg_class (x int);
	     alter database \"$PGDATABASE\" set search_path = evil, pg_catalog, public;
	     alter role postgres set search_path = evil, pg_catalog, public"
	echo '{"k": "b", "v": 2}' | handle-streams --stream r --project "$BATS_FILE_TMPDIR"
	run periodic --project "$BATS_FILE_TMPDIR"
	assert_status 0
	sql "alter database \"$PGDATABASE\" reset search_path; alter role postgres reset search_path; drop schema evil cascade"
	assert_equal mart 2 "$(sql "select total from p.sums where k = 'b'")"
}

@test "hostile names are names, or refused before anything runs" {
	mkdir -p project/sql/p/streams project/sql/p/models
	cd project || return
	cat >sql/p/streams/odd.sql <<-'SQL'
		-- stream: odd
		-- format: json
		create table staging.odd (
		    "a""; drop schema millrace cascade; --" text, -- from: a
		    "select"  text, -- from: "b'; --"
		    loaded_at timestamptz not null default now()
		) partition by range (loaded_at);
	SQL
	export PERIODIC_PROJECT=$PWD HANDLE_STREAMS_PROJECT=$PWD
	printf '%s\n' '{"a": "x'"'"'); drop schema millrace; --", "b'"'"'; --": "\\."}' | handle-streams --stream odd
	assert_equal stored "x'); drop schema millrace; --|\\." "$(sql 'select * from staging.odd' | cut -d'|' -f1,2)"
	echo 'select 1 as one' >'sql/p/models/x"; drop schema millrace cascade; --.sql'
	run periodic
	assert_status 2
	rm sql/p/models/*
	mv sql/p/streams/odd.sql "sql/p/streams/od'd\".sql"
	sed -i "s/stream: odd/stream: od'd\"/" sql/p/streams/*.sql
	run handle-streams </dev/null
	assert_status 2
	run handle-streams --stream "x'; drop schema millrace" </dev/null
	assert_status 2
	assert_equal "all there" t "$(sql "select to_regclass('millrace.load') is not null")"
}

@test "a symbolic link in the way of an export is not followed" {
	cd "$BATS_FILE_TMPDIR" || return
	rm -rf metrics victim
	mkdir victim
	ln -s victim metrics
	echo '{"k": "c", "v": 3}' | handle-streams --stream r
	run periodic
	assert_says "symbolic links are not followed"
	assert_equal victim "" "$(ls -A victim)"
	rm metrics
	mkdir metrics
	echo precious >victim/file
	ln -s ../victim/file metrics/sums.csv
	echo '{"k": "c", "v": 4}' | handle-streams --stream r
	run periodic
	assert_says "not a regular file"
	assert_equal victim precious "$(cat victim/file)"
	rm metrics/sums.csv
	run periodic
	assert_status 0
	grep -q '^c,2,7$' metrics/sums.csv
}

#!/usr/bin/env bats
# Who may do what: two logins, one that ingests and one that aggregates.

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

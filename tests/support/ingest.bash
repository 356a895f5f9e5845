# What the bats files of handle-streams share: a small project and its lines.

# A project with the stream `items` in $1, chosen for handle-streams.
make_project() {
	mkdir -p "$1/sql/shop/streams"
	cat >"$1/sql/shop/streams/items.sql" <<-'SQL'
		-- stream: items
		-- format: json
		-- event_time: at
		-- match: n
		create table staging.items (
		    n    bigint not null,  -- from: n
		    name text,             -- from: name
		    at   timestamptz,      -- from: at
		    loaded_at timestamptz not null default now()
		) partition by range (loaded_at);
	SQL
	export HANDLE_STREAMS_PROJECT=$1
}

# A database, a folder and a project of the test's own.
fresh_project() {
	fresh_database
	cd "$BATS_TEST_TMPDIR" || exit
	make_project "$PWD/project"
}

# items FROM TO: one line for each number.
items() {
	seq "$1" "$2" | sed 's/.*/{"n": &, "name": "item &"}/'
}

# The numbers loaded, in order, each as often as it is there.
loaded() { sql "select coalesce(string_agg(n::text, ' ' order by n), '') from staging.items"; }
rows() { sql "select count(*) from staging.items"; }
rejects() { sql "select count(*) from millrace.reject"; }

# stall_at N...: whoever loads one of these items waits there, patiently, until
# go_on or until the server crashes; before anything is loaded.  stall_in STREAM
# COLUMN N...: of any stream.
stall_at() { stall_in items n "$@"; }
stall_in() {
	local items stream=$1 column=$2
	shift 2
	items=$(IFS=,; echo "$*")
	handle-streams </dev/null 2>/dev/null
	sql "create function public.stall() returns trigger language plpgsql as
	         'begin perform pg_advisory_xact_lock_shared(new.$column); return new; end';
	     create trigger stall before insert on staging.$stream for each row when (new.$column in ($items)) execute function public.stall()"
	mkfifo stall
	psql -Xq <stall >/dev/null 2>&1 3>&- 7>&- &
	exec 8>stall
	echo "select pg_advisory_lock(n) from unnest(array[$items]) n;" >&8
	wait_for_value 20 "select count(*) from pg_locks where locktype = 'advisory' and granted" "$#"
}
is_stalled() { value_is "select count(*) from pg_locks where locktype = 'advisory' and not granted" "${1:-1}"; } # so many
go_on() { # past item N; without one past all
	if [ "$#" = 1 ]; then
		echo "select pg_advisory_unlock($1);" >&8
	else
		exec 8>&-
	fi
}

# Every bats file ends like this: the ledger agrees.
assert_verified() {
	run handle-streams verify
	assert_status 0
	assert_says "all is well"
}

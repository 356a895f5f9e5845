#!/usr/bin/env bats
# The private PostgreSQL: made, found, repaired, stopped.
# bats file_tags=private_pg
# shellcheck disable=SC2030,SC2031 # tests are subshells

# The program and its user.  Root tries both lives: its own, whose server runs
# as postgres, and that of a user (nobody) who runs everything himself.
setup_file() {
	load ../support/common
	# many clusters are made here: in memory, where there is enough of it
	ROOMY=/tmp
	local free
	free=$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)
	if [ "${free:-0}" -gt 4000000 ]; then ROOMY=/dev/shm; fi
	PROBES=$(mktemp -d /tmp/millrace-probe-XXXXXX)
	MADE=$(mktemp -d "$ROOMY/millrace-made-XXXXXX")
	export ROOMY MADE
	install -m 755 "$BUILD/tests/support/probe_database" \
		"$BUILD"/{handle-streams,periodic,bluesky} \
		"$ROOT/tests/support/stop.sh" "$PROBES"
	chmod 755 "$PROBES" "$MADE"
	export PROBES
	# a cluster to copy, for tests that are not about making one
	name_no_server
	CHECKOUTS=$PROBES
	new_checkout "$MADE/made"
	start "$MADE/made"
	kill -INT "$(server_pid "$MADE/made")"
	wait_until 20 test ! -e "$MADE/made/.millrace/pg/data/postmaster.pid"
}

teardown_file() { rm -rf "$PROBES" "$MADE"; }

setup() {
	load ../support/common
	name_no_server
	CHECKOUTS=$(mktemp -d "$ROOMY/millrace-checkout-XXXXXX")
	chmod 755 "$CHECKOUTS"
	CHECKOUT=$CHECKOUTS/mine
	new_checkout "$CHECKOUT"
}

# Ends every server of the test and removes what root's have elsewhere.
teardown() {
	local data
	while read -r data; do
		kill -9 "$(head -n 1 "$data/postmaster.pid" 2>/dev/null)" 2>/dev/null || true
		if [ -L "$data" ]; then
			rm -rf "$(dirname "$(readlink "$data")")"
		fi
	done < <(find "$CHECKOUTS" -path '*/.millrace/pg/data' 2>/dev/null)
	rm -rf "$CHECKOUTS"
}

name_no_server() { unset PGHOST PGPORT PGDATABASE PGUSER PGPASSWORD PGSERVICE; }

as_user() {
	if [ "$(id -u)" = 0 ]; then runuser -u nobody -- "$@"; else "$@"; fi
}

# A folder that looks like a project, owned by the user, closed to others.
new_checkout() {
	mkdir -p "$1/sql"
	chmod 700 "$1"
	if [ "$(id -u)" = 0 ]; then chown -R nobody "$1"; fi
}

# The same with a cluster in it that does not run.
made_checkout() {
	rm -rf "${1:-$CHECKOUT}"
	cp -a "$MADE/made" "${1:-$CHECKOUT}"
}

# start [FOLDER]: as the user; dsn is what it printed, said the rest.
start() {
	cd "${1:-$CHECKOUT}" || return
	as_user "$PROBES/probe_database" 2>"$CHECKOUTS/said" >"$CHECKOUTS/dsn" || {
		cat "$CHECKOUTS/said" "${1:-$CHECKOUT}"/.millrace/pg/*.log >&2
		return 1
	}
	dsn=$(cat "$CHECKOUTS/dsn")
}
start_as_root() {
	cd "${1:-$CHECKOUT}" || return
	"$PROBES/probe_database" 2>"$CHECKOUTS/said" >"$CHECKOUTS/dsn"
	dsn=$(cat "$CHECKOUTS/dsn")
}
said() { grep -qF -- "$1" "$CHECKOUTS/said" || { cat "$CHECKOUTS/said" >&2; return 1; }; }
ask() { as_user psql -XAtq -v ON_ERROR_STOP=1 "$dsn" -c "$1"; }
server_pid() { head -n 1 "${1:-$CHECKOUT}/.millrace/pg/data/postmaster.pid"; }
is_gone() { [ ! -e "/proc/$1/cmdline" ] || [ ! -s "/proc/$1/cmdline" ]; }
kill_server() {
	local pid
	pid=$(server_pid "$@")
	kill -9 "$pid"
	wait_until 10 is_gone "$pid"
}

@test "the first use makes a server, on a socket only, for its owner only" {
	start
	said "making a private PostgreSQL in $CHECKOUT/.millrace/pg"
	said "no server named: started this checkout's private PostgreSQL"
	[ "$(ask 'show listen_addresses')" = "" ]
	[ "$(ask 'show server_encoding')" = UTF8 ]
	[ "$(ask 'select current_database()')" = millrace ]
	[ "$(ask 'show fsync')" = on ]
	[ "$(stat -c %a "$CHECKOUT/.millrace/pg")" = 700 ]
	[ "$(stat -c %a "$CHECKOUT/.millrace/pg/data")" = 700 ]
}

@test "a running server is used as it is, without any program of PostgreSQL's" {
	made_checkout
	start
	first=$dsn
	pid=$(server_pid)
	export MILLRACE_PG_BIN=/nonexistent
	start
	said "using this checkout's private PostgreSQL"
	[ "$dsn" = "$first" ]
	[ "$(server_pid)" = "$pid" ]
}

@test "the server outlives its starter and holds none of its pipes" {
	cd "$CHECKOUT"
	# cat ends when everybody has closed the pipe, and bats when 3 is closed
	as_user timeout 300 bash -c "$PROBES/probe_database 2>&1 | cat" >/dev/null
	pid=$(server_pid)
	kill -0 "$pid"
	[ "$(ps -o sid= -p "$pid")" != "$(ps -o sid= -p $$)" ]
	[ "$(ps -o tty= -p "$pid")" = "?" ]
	run ls -l "/proc/$pid/fd"
	[[ $output != *pipe:*"$$"* ]]
}

@test "root's server runs as postgres while the checkout lies in a closed folder" {
	if [ "$(id -u)" != 0 ]; then
		# what is left of it for others: the closed folder
		start
		return
	fi
	mkdir -m 700 "$CHECKOUTS/closed"
	mkdir -p "$CHECKOUTS/closed/mine/sql"
	start_as_root "$CHECKOUTS/closed/mine"
	[ "$(psql -XAtq "$dsn" -c 'select current_user')" = millrace ]
	pid=$(server_pid "$CHECKOUTS/closed/mine")
	[ "$(ps -o user= -p "$pid")" = postgres ]
	cluster=$(readlink "$CHECKOUTS/closed/mine/.millrace/pg/data")
	[[ $cluster == "$(getent passwd postgres | cut -d: -f6)"/millrace/*/data ]]
	[ "$(stat -c '%U %a' "$(dirname "$cluster")")" = "postgres 700" ]
	run as_user psql -XAtq "$dsn" -c 'select 1'
	[ "$status" -ne 0 ]
}

@test "root in a user's checkout uses, and starts, that user's server" {
	made_checkout
	start
	pid=$(server_pid)
	"$PROBES/stop.sh"
	wait_until 10 is_gone "$pid"
	start_as_root
	said started
	[ "$(ps -o uid= -p "$(server_pid)" | tr -d ' ')" = "$(stat -c %u "$CHECKOUT")" ]
	[ "$(psql -XAtq "$dsn" -c 'select 1')" = 1 ]
}

@test "of four that start it at once one makes it and all get it" {
	cd "$CHECKOUT"
	for i in 1 2 3 4; do
		as_user "$PROBES/probe_database" >"$CHECKOUTS/out$i" 2>"$CHECKOUTS/err$i" 3>&- &
	done
	wait
	for i in 2 3 4; do cmp "$CHECKOUTS/out1" "$CHECKOUTS/out$i"; done
	[ -s "$CHECKOUTS/out1" ]
	[ "$(cat "$CHECKOUTS"/err? | grep -c 'making a private')" = 1 ]
	[ "$(cat "$CHECKOUTS"/err? | grep -c 'started this')" = 1 ]
	[ "$(cat "$CHECKOUTS"/err? | grep -c 'using this')" = 3 ]
}

@test "killed at any moment of making it, the next start makes it whole" {
	for delay in 0.01 0.1 0.2 0.3 0.4 0.5 0.6; do
		CHECKOUT=$CHECKOUTS/after$delay
		new_checkout "$CHECKOUT"
		cd "$CHECKOUT"
		as_user "$PROBES/probe_database" >/dev/null 2>&1 3>&- &
		starter=$!
		sleep "$delay" # the moment is the point here
		pkill -9 -f "$PROBES/probe_database" || true
		# every other time what it has started dies with it
		[[ $delay == *[13579] ]] || pkill -9 -f "$CHECKOUT/" || true
		wait "$starter" || true
		start
		[ "$(ask 'select count(*) from millrace.load')" = 0 ]
		[ ! -e .millrace/pg/data.new ]
		kill_server
	done
}

@test "initdb killed half-way leaves nothing that is taken for a cluster" {
	cd "$CHECKOUT"
	stuck_bin
	MILLRACE_PG_BIN=$CHECKOUTS/bin as_user "$PROBES/probe_database" >/dev/null 2>"$CHECKOUTS/said" 3>&- &
	wait_until 20 test -s stuck
	[ -e .millrace/pg/data.new/PG_VERSION ]
	pkill -9 -f "initdb -D $CHECKOUT/.millrace/pg/data.new"
	status=0
	wait $! || status=$?
	kill -9 "$(cat stuck)"
	[ "$status" = 4 ]
	said "making a private PostgreSQL"
	[ ! -e .millrace/pg/data ]
	start
	[ "$(ask 'select 1')" = 1 ]
}

# Programs of which initdb gets as far as its first server, whose number is in
# ./stuck, and no farther.
stuck_bin() {
	local real
	real=$(dirname "$(head -n 1 "$MADE/made/.millrace/pg/data/postmaster.opts" | cut -d' ' -f1)")
	mkdir "$CHECKOUTS/bin"
	cp "$real/initdb" "$CHECKOUTS/bin"
	cat >"$CHECKOUTS/bin/postgres" <<-SH
		#!/bin/sh
		case " \$* " in
		*" --boot "*) echo \$\$ >$CHECKOUT/stuck && exec sleep 1000 ;;
		*) exec $real/postgres "\$@" ;;
		esac
	SH
	chmod 755 "$CHECKOUTS/bin" "$CHECKOUTS/bin"/*
}

@test "a server that was killed is started again with what was committed" {
	made_checkout
	start
	ask "create table kept as select generate_series(1, 1000) n" >/dev/null
	for _ in 1 2 3; do
		kill_server
		start
		[ "$(ask 'select count(*) from kept')" = 1000 ]
	done
}

@test "a server killed under a busy session starts once that session has ended" {
	made_checkout
	start
	# as long as that file is there, it never waits, and so misses nobody
	touch "$CHECKOUT/busy"
	as_user psql -XAtq "$dsn" -c "do 'begin while (pg_stat_file(''$CHECKOUT/busy'', true)).size is not null loop end loop; end'" \
		>/dev/null 2>&1 3>&- &
	is_busy() { [ "$(ask "select count(*) from pg_stat_activity where query like '%pg_stat_file%' and pid <> pg_backend_pid()")" = 1 ]; }
	wait_until 10 is_busy
	kill_server
	start 3>&- &
	wait_until 20 grep -q "is still in use" "$CHECKOUT/.millrace/pg/server.log"
	rm "$CHECKOUT/busy"
	wait $!
	said started
	[ "$(ask 'select 1')" = 1 ]
	wait || true
}

@test "a stale pid file that names a living process of another program is nobody's" {
	made_checkout
	start
	kill_server
	pidfile=$CHECKOUT/.millrace/pg/data/postmaster.pid
	sed -i "1s/.*/$$/" "$pidfile"
	start
	said started
	[ "$(server_pid)" != $$ ]
}

@test "a torn pid file does not stop a start" {
	made_checkout
	start
	kill_server
	printf '12' >"$CHECKOUT/.millrace/pg/data/postmaster.pid"
	start
	said started
}

@test "a checkout deeper than a socket's path may be gets its socket elsewhere" {
	deep=$CHECKOUTS/$(printf 'deep%.0s' {1..25})
	made_checkout "$deep"
	start "$deep"
	[[ $dsn == "host='/tmp/millrace-"* ]]
	[ "$(ask 'select 1')" = 1 ]
	socket=$(readlink "$deep/.millrace/pg/socket")
	[ "$(stat -c %a "$socket")" = 700 ]
	kill_server "$deep"
	start "$deep"
	[ "$(readlink "$deep/.millrace/pg/socket")" = "$socket" ]
	kill_server "$deep"
	rm -rf "$socket"
	start "$deep"
	[ "$(ask 'select 1')" = 1 ]
	rm -rf "$(readlink "$deep/.millrace/pg/socket")"
}

@test "blanks, quotes and commas in the path do no harm" {
	odd="$CHECKOUTS/it's, \"my\" \$HOME \\"
	made_checkout "$odd"
	start "$odd"
	[ "$(ask 'select 1')" = 1 ]
	rm -rf "$(readlink "$odd/.millrace/pg/socket")"
}

@test "a checkout that moves takes its server with it" {
	made_checkout
	start
	ask 'create table kept (n int)' >/dev/null
	mv "$CHECKOUT" "$CHECKOUTS/moved"
	start "$CHECKOUTS/moved"
	[ "$(ask 'select count(*) from kept')" = 0 ]
	[[ $dsn == *"$CHECKOUTS/moved/"* ]]
	start "$CHECKOUTS/moved"
	said using
}

@test "a copied checkout does not share the original's server" {
	made_checkout
	# nobody writes while it is copied
	echo 'autovacuum = off' >>"$CHECKOUT/.millrace/pg/data/postgresql.conf"
	start
	original=$(server_pid)
	ask 'checkpoint' >/dev/null
	cp -a "$CHECKOUT" "$CHECKOUTS/copy"
	start "$CHECKOUTS/copy"
	[[ $dsn == *"$CHECKOUTS/copy/"* ]]
	[ "$(server_pid "$CHECKOUTS/copy")" != "$original" ]
	kill -0 "$original"
	if [ "$(id -u)" = 0 ]; then
		mkdir -p "$CHECKOUTS/root/sql"
		start_as_root "$CHECKOUTS/root"
		first=$dsn
		cp -a "$CHECKOUTS/root" "$CHECKOUTS/root-copy"
		start_as_root "$CHECKOUTS/root-copy"
		[ "$dsn" != "$first" ]
	fi
}

@test "make stop ends it, keeps the data, and has nothing to do twice" {
	made_checkout
	start
	ask 'create table kept (n int)' >/dev/null
	pid=$(server_pid)
	run as_user "$PROBES/stop.sh"
	assert_status 0
	assert_says "stopped the private PostgreSQL; its data stays in $CHECKOUT/.millrace/pg/data"
	is_gone "$pid"
	run as_user "$PROBES/stop.sh"
	assert_status 0
	assert_says "the private PostgreSQL does not run"
	start
	[ "$(ask 'select count(*) from kept')" = 0 ]
}

@test "make stop does not kill whoever has a dead server's number" {
	made_checkout
	start
	kill_server
	sleep 1000 3>&- &
	sed -i "1s/.*/$!/" "$CHECKOUT/.millrace/pg/data/postmaster.pid"
	run "$PROBES/stop.sh"
	assert_says "does not run"
	kill -0 $!
	kill $!
}

@test "where PostgreSQL is not installed, the sentence names what to install" {
	cd "$CHECKOUT"
	MILLRACE_PG_BIN=/nonexistent run as_user "$PROBES/probe_database"
	assert_status 4
	assert_says "MILLRACE_PG_BIN: no initdb and postgres in /nonexistent"
}

@test "a full disk while making it is told, and leaves nothing half-made" {
	cd "$CHECKOUT"
	# a file may grow to 4 MB: initdb meets EFBIG where a disk would be full
	run as_user bash -c "trap '' XFSZ; ulimit -f 4096; exec $PROBES/probe_database"
	assert_status 4
	assert_says "making a private PostgreSQL"
	assert_says "(see $CHECKOUT/.millrace/pg/setup.log)"
	[ ! -e .millrace/pg/data ]
	start
	[ "$(ask 'select 1')" = 1 ]
}

@test "a setting that PostgreSQL refuses is quoted from its log" {
	made_checkout
	start
	kill_server
	as_user bash -c "echo 'shared_bufers = 1' >>.millrace/pg/data/postgresql.conf"
	run as_user "$PROBES/probe_database"
	assert_status 4
	assert_says "the private PostgreSQL does not start"
	assert_says "(see $CHECKOUT/.millrace/pg/server.log)"
	sed -i '$d' .millrace/pg/data/postgresql.conf
	start
}

@test "a folder that cannot be written is named" {
	if [ "$(id -u)" = 0 ]; then chown root "$CHECKOUT"; fi
	chmod 555 "$CHECKOUT"
	cd "$CHECKOUT"
	run as_user "$PROBES/probe_database"
	assert_status 4
	assert_says "private PostgreSQL: cannot make $CHECKOUT/.millrace/pg: Permission denied"
	chmod 755 "$CHECKOUT"
}

@test "what another user has made is named with its owner" {
	if [ "$(id -u)" = 0 ]; then
		mkdir -p "$CHECKOUT/.millrace/pg"
		chmod 755 "$CHECKOUT/.millrace" "$CHECKOUT/.millrace/pg"
	else
		CHECKOUT=/ # whose folder another user may not write either
	fi
	cd "$CHECKOUT"
	run as_user "$PROBES/probe_database"
	assert_status 4
	[ "$CHECKOUT" = / ] || assert_says "cannot use $CHECKOUT/.millrace/pg: it belongs to user root"
}

@test "a cluster of a version that is gone says which to install" {
	made_checkout
	echo 14 >"$CHECKOUT/.millrace/pg/data/PG_VERSION"
	cd "$CHECKOUT"
	run as_user "$PROBES/probe_database"
	assert_status 4
	assert_says "was made by version 14, whose server is not installed any more: apt-get install postgresql-14"
}

@test "whoever names a server gets no private one" {
	cd "$CHECKOUT"
	for name in PGHOST PGHOSTADDR PGPORT PGDATABASE PGUSER PGPASSWORD PGSERVICE; do
		value=unknown
		[ $name = PGHOST ] && value=/nonexistent
		[ $name = PGHOSTADDR ] && value=127.0.0.1
		[ $name = PGPORT ] && value=1
		run as_user env "$name=$value" "$PROBES/probe_database"
		assert_status 4
		[ ! -e .millrace ]
	done
	run as_user "$PROBES/probe_database" "host=/nonexistent"
	assert_status 4
	[ ! -e .millrace ]
}

@test "with nothing set, a pipe into handle-streams and periodic meet in it" {
	cp -r "$ROOT/sql" "$CHECKOUT"
	if [ "$(id -u)" = 0 ]; then chown -R nobody "$CHECKOUT"; fi
	cd "$CHECKOUT"
	as_user bash -c "'$PROBES/bluesky' max --count 2000 --seed 1 | '$PROBES/handle-streams'" 2>"$CHECKOUTS/said" 3>&-
	said "started this checkout's private PostgreSQL"
	said "rows=2000"
	as_user "$PROBES/periodic" 2>"$CHECKOUTS/said"
	said "using this checkout's private PostgreSQL"
	for name in likes-per-minutes fast-likers top-10-word posts-by-time-of-day; do
		[ -s "metrics/$name.csv" ]
	done
}

#!/bin/bash
# A PostgreSQL for tests: its own temporary folder, a unix socket only, trust.
#
#   suite_pg.sh make [--fsync | --bench]   makes and starts one, prints its folder
#   suite_pg.sh env FOLDER                 prints the exports that lead to it
#   suite_pg.sh start FOLDER               starts it again
#   suite_pg.sh stop FOLDER [MODE]         smart, fast (default) or immediate: a crash
#   suite_pg.sh remove FOLDER              stops and removes it
#
# Without --fsync nothing waits for the disk.  That is safe against any kill of
# processes, immediate stops too; only a crash of the machine would hurt.
# --bench waits for it, and has the memory and the WAL of a server that has a
# machine for itself.
# Root's servers run as user postgres.  SUITE_PG_BIN names the folder of another
# server than the newest that is installed.
set -eu

find_bin() {
	local newest
	if [ -n "${SUITE_PG_BIN:-}" ]; then
		echo "$SUITE_PG_BIN"
		return
	fi
	newest=$(find /usr/lib/postgresql/*/bin -name initdb 2>/dev/null |
		sort -V | tail -n 1)
	if [ -n "$newest" ]; then
		dirname "$newest"
	else
		pg_config --bindir
	fi
}
bin=$(find_bin)

# From /, where everybody may be; without the descriptors of whoever waits for
# our end (bats listens on 3).
as_server() {
	if [ "$(id -u)" = 0 ]; then
		(cd / && exec runuser -u postgres -- "$@" 3>&- 4>&-)
	else
		(cd / && exec "$@" 3>&- 4>&-)
	fi
}

start() {
	as_server "$bin/pg_ctl" start -D "$1/data" -l "$1/log" -s -w -t 60 \
		</dev/null >/dev/null || {
		echo "the test server in $1 does not start:" >&2
		as_server tail -n 20 "$1/log" >&2
		exit 1
	}
}

stop() {
	as_server "$bin/pg_ctl" stop -D "$1/data" -m "${2:-fast}" -s -w -t 60
}

make() {
	local folder fsync=on buffers=128MB wal=1GB
	case ${1:-} in
	--bench) buffers=1GB wal=8GB ;;
	--fsync) ;;
	*) fsync=off ;;
	esac
	folder=$(as_server mktemp -d "${TMPDIR:-/tmp}/millrace-pg-XXXXXX" 2>/dev/null ||
		as_server mktemp -d /tmp/millrace-pg-XXXXXX)
	as_server "$bin/initdb" -D "$folder/data" -U postgres -A trust -N \
		-E UTF8 --locale=C.UTF-8 >/dev/null
	as_server tee -a "$folder/data/postgresql.conf" >/dev/null <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$folder'
		fsync = $fsync
		shared_buffers = $buffers
		max_wal_size = $wal
		max_connections = 60
		client_connection_check_interval = 1s
		timezone = 'UTC'
		jit = off
	CONF
	start "$folder"
	echo "$folder"
}

case ${1:-} in
make) make "${2:-}" ;;
env)
	printf "export PGHOST='%s' PGPORT=5432 PGUSER=postgres PGDATABASE=postgres\n" "$2"
	;;
start) start "$2" ;;
stop) stop "$2" "${3:-fast}" ;;
remove)
	stop "$2" immediate 2>/dev/null || true
	rm -rf "$2"
	;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 1
	;;
esac

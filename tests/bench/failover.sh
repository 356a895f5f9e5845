#!/bin/bash
# The primary dies while a file is being loaded; the standby is promoted, and
# handle-streams, which knows both by target_session_attrs=read-write, goes on
# by itself.  Counts events, lost, doubled, and the seconds without a commit.
#
#   failover.sh [EVENTS]        one asynchronous standby, then a synchronous one
#
# In the asynchronous run the standby's stream is stopped just before, so that
# commits which were answered are gone with the primary: the positions went with
# them, and what is missing is read again.
set -eu
events=${1:-1500000}
here=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$here/../build/plain}
as() { if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi; }
bin=$(dirname "$(find /usr/lib/postgresql/*/bin -name pg_basebackup | sort -V | tail -n 1)")
work=$(mktemp -d)
primary='' standby=''
finish() {
	for folder in $primary $standby; do
		as "$bin/pg_ctl" stop -D "$folder/data" -m immediate -s 2>/dev/null || true
		rm -rf "$folder"
	done
	rm -rf "$work"
}
trap finish EXIT
at() { psql -XAtq -v ON_ERROR_STOP=1 -h "$1" -p 5432 -U postgres -d own -c "$2"; }
now() { date +%s.%N; }
wait_for() { # FOLDER QUERY: true
	local end=$((SECONDS + 120))
	until [ "$(at "$1" "$2" 2>/dev/null)" = t ]; do
		[ $SECONDS -lt $end ] || { echo "failover.sh: never so: $2" >&2; cat "$work/log" >&2; exit 1; }
		sleep 0.02
	done
}

make_pair() { # MODE
	primary=$("$here/support/suite_pg.sh" make --fsync)
	psql -Xq -h "$primary" -U postgres -d postgres -c "create database own template template0"
	standby=$(as mktemp -d /tmp/millrace-pg-XXXXXX)
	as "$bin/pg_basebackup" -h "$primary" -U postgres -D "$standby/data" -R -c fast \
		-d "host=$primary user=postgres application_name=standby"
	as tee -a "$standby/data/postgresql.conf" >/dev/null <<<"unix_socket_directories = '$standby'"
	as "$bin/pg_ctl" start -D "$standby/data" -l "$standby/log" -s -w
	wait_for "$primary" "select count(*) = 1 from pg_stat_replication"
	if [ "$1" = sync ]; then
		at "$primary" "alter system set synchronous_standby_names = 'standby'"
		at "$primary" "select pg_reload_conf()" >/dev/null
		wait_for "$primary" "select count(*) = 1 from pg_stat_replication where sync_state = 'sync'"
	fi
}

# As when the machine dies: nobody says goodbye.
kill_primary() {
	local postmaster
	postmaster=$(as head -n 1 "$primary/data/postmaster.pid")
	# shellcheck disable=SC2046 # a list of processes
	kill -KILL "$postmaster" $(ps -o pid= --ppid "$postmaster") 2>/dev/null || true
}

one() { # MODE
	local died committed answered='' lost_commits=0 sender
	make_pair "$1"
	export HANDLE_STREAMS_PROJECT=$work
	mkdir -p "$work/sql/shop/streams"
	printf '%s\n' '-- stream: items' '-- format: json' '-- match: n' 'create table staging.items (' \
		'    n bigint not null,  -- from: n' '    loaded_at timestamptz not null default now()' \
		') partition by range (loaded_at);' >"$work/sql/shop/streams/items.sql"
	seq "$events" | sed "s/.*/{\"n\": &, \"run\": \"$1\"}/" >"$work/events"
	"$BUILD/handle-streams" --batch-rows 2000 --connect-timeout 2s -d "host=$primary,$standby port=5432,5432 user=postgres dbname=own target_session_attrs=read-write" \
		"$work/events" 2>"$work/log" &
	loader=$!
	wait_for "$primary" "select count(*) > $events / 5 from staging.items"
	if [ "$1" = async ]; then
		sender=$(at "$primary" "select pid from pg_stat_replication")
		kill -STOP "$sender"
		answered=$(at "$primary" "select count(*) from staging.items")
		wait_for "$primary" "select count(*) > $answered + 20000 from staging.items"
		answered=$(at "$primary" "select count(*) from staging.items")
	fi
	kill_primary
	died=$(now)
	as "$bin/pg_ctl" promote -D "$standby/data" -s -w
	before=$(at "$standby" "select count(*) from staging.items")
	[ -z "$answered" ] || lost_commits=$((answered - before))
	wait_for "$standby" "select count(*) > $before from staging.items"
	committed=$(now)
	wait "$loader" || { cat "$work/log" >&2; exit 1; }
	"$BUILD/handle-streams" verify -d "host=$standby port=5432 user=postgres dbname=own" >/dev/null
	at "$standby" "select format('%-6s events %s  lost %s  doubled %s  gone with the primary and read again %s  seconds without a commit %s',
		'$1', $events, $events - count(distinct n), count(*) - count(distinct n), $lost_commits,
		round(($committed - $died)::numeric, 2)) from staging.items" | tee "$work/result"
	grep -q 'lost 0  doubled 0' "$work/result"
	finish
	work=$(mktemp -d) primary='' standby=''
}
for mode in async sync; do one $mode; done

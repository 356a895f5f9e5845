#!/bin/bash
# Two program versions on one database during an upgrade:
#
#   upgrade.sh [COMMIT]     the old one; by default the last with schema 1 alone
#
# The old handle-streams loads from a pipe all the while: before the migration,
# during it, and after, beside a new one.  Prints what was counted.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
commit=${1:-$(git log --reverse --diff-filter=A --format=%H -- 'sql/schema/002_*.sql' | head -n 1)^}
old=$root/build/old
new=${BUILD:-$root/build/plain}
work=$(mktemp -d)
trap 'exec 7>&-; wait; rm -rf "$work"' EXIT

if [ ! -x "$old/build/plain/periodic" ]; then
	mkdir -p "$old"
	git archive "$commit" | tar -C "$old" -xf -
	nice make -s -C "$old" >/dev/null
fi

check() { # WHAT EXPECTED GOT
	echo "$1: $3"
	[ "$2" = "$3" ] || { echo "upgrade.sh: expected $2" >&2; exit 1; }
}
sql() { psql -XAtq -v ON_ERROR_STOP=1 -c "$1"; }
wait_for() { # QUERY VALUE
	local end=$((SECONDS + 60))
	until [ "$(sql "$1" 2>/dev/null)" = "$2" ]; do
		[ $SECONDS -lt $end ] || { echo "upgrade.sh: never so: $1 = $2" >&2; exit 1; }
		sleep 0.05
	done
}
events() { seq "$1" "$2" | sed 's/.*/{"k": "k&", "v": 1}/'; }

main() {
	createdb upgrade
	export PGDATABASE=upgrade
	mkdir -p "$work/sql/p/streams" "$work/sql/p/models"
	cat >"$work/sql/p/streams/r.sql" <<-'SQL'
		-- stream: r
		-- format: json
		-- match: k + v
		create table staging.r (
		    k text not null, -- from: k
		    v int  not null, -- from: v
		    loaded_at timestamptz not null default now()
		) partition by range (loaded_at);
	SQL
	cat >"$work/sql/p/models/sums.sql" <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: delta
		--   unique_key: [v]
		--   rows: n
		select r.v, count(*) as n from staging.r r where /*+ incremental(r.v) */ true group by 1
	SQL
	cd "$work"
	mkfifo pipe
	"$old/build/plain/handle-streams" --linger 20ms <pipe 2>old.log &
	exec 7>pipe
	events 1 1000 >&7
	wait_for "select count(*) from staging.r" 1000
	"$old/build/plain/periodic" 2>/dev/null
	check "schema before" 1 "$(sql 'select max(version) from millrace.schema_version')"
	(for i in $(seq 2 20); do events $((i * 1000 - 999)) $((i * 1000)); done >&7) &
	feeder=$!
	"$new/periodic" migrate 2>/dev/null
	wait $feeder
	events 20001 30000 | "$new/handle-streams" 2>/dev/null
	events 30001 31000 >&7
	wait_for "select count(*) from staging.r" 31000
	"$new/periodic" 2>/dev/null
	exec 7>&-
	wait
	check "schema after" "$(find "$root/sql/schema" -name '[0-9]*.sql' | wc -l)" \
		"$(sql 'select max(version) from millrace.schema_version')"
	check "programs that loaded" 2 "$(sql "select count(distinct origin ->> 'host' || (origin -> 'version')::text || coalesce(
		split_part(origin #>> '{ranges,0,0}', '-', 1), '')) from millrace.load where relation = 'staging.r'")"
	check "events, distinct" "31000 31000" "$(sql "select count(*) || ' ' || count(distinct k) from staging.r")"
	check "in the mart" 31000 "$(sql 'select n from p.sums')"
	"$new/handle-streams" verify >/dev/null
	check "verified" 0 $?
	sql "insert into millrace.schema_version (version, name, min_program, program) values (900, 'far', 900, '9')"
	status=0
	"$new/periodic" plan 2>said || status=$?
	check "a schema that asks for a newer program is refused with status" 2 $status
	grep -o 'too new for this program.*' said
}

if [ -n "${SUITE_PG:-}" ]; then
	main
else
	FLAVOUR=plain BUILD=$new tests/support/suite.sh "$0" "$@"
fi

#!/bin/bash
# What the packs cost.   packs.sh [PACK...]       (all of them)
#
#   pageviews     USERS users in a full extract, on each of DAYS days 1 % of them
#                 moving, 1 % leaving and 1 % joining, and VIEWS page views a
#                 day in hourly files, of which HOURS are fed: seconds of the
#                 loads, of the snapshot, of what follows it, of an hourly run
#                 on the first day and on the last, and of doing all over
#   the others    the run after a small file, over a history of SIZE rows and
#                 over one of ten times as many
#
# With the peak memory of both programs, and of the server's processes what is
# theirs alone.  Planned for USERS=20000000 VIEWS=10000000 HOURS=12 DAYS=2; the
# defaults take minutes.  Runs in the server that PG* name (suite.sh gives it
# one, with fsync on).
set -euo pipefail
: "${BUILD:?set by suite.sh}"
USERS=${USERS:-1000000}
VIEWS=${VIEWS:-2400000}
DAYS=${DAYS:-3}
HOURS=${HOURS:-2}
SIZE=${SIZE:-4000}
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/bench/common.sh
. "$root/tests/bench/common.sh"
work=$(mktemp -d)
watcher=''
finish() {
	[ -z "$watcher" ] || kill "$watcher" 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT


# The greatest RssAnon of any one process of the server, in MB, until read.
watch_server() {
	local pid=$1 most=0 now
	while :; do
		now=$(cat /proc/[0-9]*/status 2>/dev/null | awk -v server="$pid" '
			$1 == "Pid:" { self = $2 } $1 == "PPid:" { parent = $2 }
			$1 == "RssAnon:" && (parent == server || self == server) && $2 > most { most = $2 }
			END { print int(most / 1024) }') || true
		[ "$now" -le "$most" ] || most=$now
		[ -s "$work/peak" ] || most=$now
		echo "$most" >"$work/peak"
		sleep 0.2
	done
}

# measure WHAT COMMAND...: says the seconds, the peak memory of the command, and
# that of the server's busiest process meanwhile.
measure() {
	: >"$work/peak"
	python3 - "${@:2}" >"$work/cost" 2>"$work/said" <<-'PY' || { cat "$work/said" >&2; exit 1; }
		import resource, subprocess, sys, time
		begun = time.monotonic()
		done = subprocess.run(sys.argv[1:], stdout=sys.stderr)
		print(round(time.monotonic() - begun, 2),
		      resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
		sys.exit(done.returncode)
	PY
	local peak
	peak=$(cat "$work/peak")
	awk -v what="$1" -v peak="${peak:--}" '{
		printf "  %-46s %9.2f s   program %4d MB   server %5s MB\n", what, $1, $2, peak
	}' "$work/cost"
	last=$(cut -d ' ' -f 1 "$work/cost")
	result "$pack: $1" seconds "$last"
	result "$pack: $1" memory_mb "$(cut -d ' ' -f 2 "$work/cost")"
	result "$pack: $1" server_memory_mb "${peak:-0}"
}
load() { measure "$1" "$BUILD/handle-streams" "${@:2}"; }
run() { measure "$1" "$BUILD/periodic" "${@:2}"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a / b }'; }

fresh() { # PACK: a project with this pack alone, and an empty database
	pack=$1
	rm -rf "$work/project"
	mkdir -p "$work/project/sql"
	cp -r "$root/sql/$1" "$work/project/sql"
	sql "drop schema if exists $1, ${1}_staging, millrace, staging, millrace_old cascade" 2>/dev/null
	cd "$work/project"
}

# --- pageviews ---------------------------------------------------------------

one_day() { # DAY
	local day=$1 hour date
	date=$(date -u -d "2025-03-08 +$day days" +%F)
	python3 "$generate" --users "$USERS" --day "$day" users >"$work/users.csv"
	echo "day $((day + 1)): $(($(wc -l <"$work/users.csv") - 1)) users, $(du -m "$work/users.csv" | cut -f 1) MB;" \
		"hourly files of $((VIEWS / 24)) views"
	load "the extract of users" --effective "${date}T00:00:00Z" "$work/users.csv"
	rm "$work/users.csv"
	run "the snapshot users_history" run -s pageviews.users_history
	[ "$day" != 0 ] || first_snapshot=$last
	snapshot=$last
	run "all that follows it" run -s pack:pageviews
	for hour in $(seq 0 $((HOURS - 1))); do
		python3 "$generate" --users "$USERS" --views "$VIEWS" --day "$day" --hour "$hour" views >"$work/views.csv"
		load "an hour of views" "$work/views.csv"
		run "an hourly run" --job pageviews-hourly
		rm "$work/views.csv"
	done
	[ "$day" != 0 ] || first_hour=$last
	last_hour=$last
}

pageviews() {
	local day generate=$root/tests/packs/pageviews.py
	fresh pageviews
	echo "pageviews: $USERS users, $VIEWS views a day, $HOURS hours of $DAYS days"
	for day in $(seq 0 $((DAYS - 1))); do one_day "$day"; done
	echo "  an hourly run on the last day costs $(ratio "$last_hour" "$first_hour") times one on the first"
	echo "  a snapshot with 3 % changed is $(ratio "$first_snapshot" "$snapshot") times as fast as the first"
	run "everything but the snapshot over again" run --full-refresh -s pageviews.user_pageviews_by_hour+
	echo "  an hourly run is $(ratio "$last" "$last_hour") times as fast as doing all over"
	sql "select format('  views in staging %s, by current postcode %s, by postcode %s', s.n, c.n, a.n)
		from (select count(*) as n from staging.pageviews) s,
		(select sum(num_pageviews) as n from pageviews.pageviews_by_current_postcode) c,
		(select sum(num_pageviews) as n from pageviews.pageviews_by_postcode) a"
}

# --- the others --------------------------------------------------------------

# PACK SEED ROWS FIRST: rows with all their dirt; FIRST numbers those that have
# numbers.
rows() {
	case $1 in
	bluesky) "$BUILD/bluesky" max --seed "$2" --count "$3" --start "2025-03-$((10 + $2))T12:00:00" ;;
	availability) python3 "$root/tests/packs/availability.py" --seed "$2" --size "$3" --first "$4" ;;
	*) python3 "$root/tests/packs/$1.py" --seed "$2" --size "$3" ;;
	esac >"$work/rows"
}
small_run() { # PACK SEED: median of five files of 200 rows
	local seed
	for seed in $(seq "$2" $(($2 + 4))); do
		rows "$1" "$seed" 200 $((seed * 1000000))
		"$BUILD/handle-streams" "$work/rows" 2>/dev/null
		run "a run after 200 rows" run -s "+pack:$1" >/dev/null
		echo "$last"
	done | sort -n | sed -n 3p
}
other() { # PACK
	local few many
	fresh "$1"
	echo "$1:"
	rows "$1" 1 "$SIZE" 1
	load "$SIZE rows" "$work/rows"
	run "the first run" run -s "+pack:$1"
	few=$(small_run "$1" 2)
	rows "$1" 8 $((SIZE * 10)) 100000001
	load "$((SIZE * 10)) rows more" "$work/rows"
	run "the run after them" run -s "+pack:$1"
	many=$(small_run "$1" 9)
	echo "  the run after 200 rows: $few s over $SIZE rows, $many s over $((SIZE * 11))"
	run "everything over again" run --full-refresh -s "+pack:$1"
}

server=$(sql "select (string_to_array(pg_read_file('postmaster.pid'), E'\n'))[1]")
: >"$work/peak"
watch_server "$server" &
watcher=$!
results packs
for packs in "${@:-pageviews bluesky availability engagement growth}"; do
	for one in $packs; do
		case $one in
		pageviews) pageviews ;;
		*) other "$one" ;;
		esac
	done
done

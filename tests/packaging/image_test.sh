#!/bin/bash
# The image's root file system, made as docker/Dockerfile makes it, run as a
# container would be: process 1 of its own namespace, user 65532, a read-only
# root, no shell in it.  Then the linters of Dockerfile and manifests.   Needs
# root.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${SUITE_PG:?run by suite.sh}" "${BUILD:?run by suite.sh}"
work=$(mktemp -d /tmp/millrace-image-XXXXXX)
image=$work/image
container=''
finish() {
	exec 7>&-
	[ -z "$container" ] || kill -KILL "$container" 2>/dev/null || true
	rm -rf --one-file-system "$work"
}
trap finish EXIT
step() { echo "--- $*"; }
expect() { # WHAT EXPECTED GOT
	echo "$1: $3"
	[ "$2" = "$3" ] || { echo "image_test.sh: expected $2" >&2; cat "$work/log" >&2; exit 1; }
}
until_so() { # COMMAND...
	local end=$((SECONDS + 30))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { echo "image_test.sh: never so: $*" >&2; cat "$work/log" >&2; exit 1; }
		sleep 0.05
	done
}
sql() { psql -XAtq -c "$1"; }

step build
make -s -C "$root" BUILD="${BUILD#"$root/"}" install PREFIX=/usr DESTDIR="$image" >/dev/null
"$root/docker/image_root.sh" "$image"
mkdir -p "$image/run/pg" "$image/proc"
du -sh "$image" | awk '{ print "size: " $1 }'
expect "shells and tools" "handle-streams periodic" "$(cd "$image/usr/bin" && echo *)"
expect "setuid files" "" "$(find "$image" -perm /6000 -type f)"
chmod o+x "$SUITE_PG" # its data stays private

# run PROGRAM ARGUMENTS...: as `docker run --read-only --user 65532` would
run() {
	local program=$1
	shift
	# shellcheck disable=SC2016 # expanded inside
	exec unshare --mount --pid --fork --kill-child bash -c '
		set -eu
		image=$1 pg=$2 program=$3
		shift 3
		mount --make-rprivate /
		mount --bind "$image" "$image"
		mount --bind "$pg" "$image/run/pg"
		mount --bind "$image/data" "$image/data"
		mount -t tmpfs -o mode=1777 tmp "$image/tmp"
		mount -t proc -o ro,nosuid,nodev,noexec proc "$image/proc"
		mount -o remount,bind,ro "$image"
		exec setpriv --clear-groups unshare --root="$image" --wd=/data --setgid=65532 --setuid=65532 /usr/bin/"$program" "$@"
	' run "$image" "$SUITE_PG" "$program" "$@"
}
export PERIODIC_LOG_FORMAT=json HANDLE_STREAMS_LOG_FORMAT=json HANDLE_STREAMS_METRICS_LISTEN=/tmp/sock
unset HANDLE_STREAMS_PROJECT
database=$PGDATABASE

step run
mkfifo "$work/pipe"
(PGHOST=/run/pg PGDATABASE=$database run handle-streams --linger 20ms --retry-timeout 0) <"$work/pipe" 2>"$work/log" 7>&- &
unsharer=$!
exec 7>"$work/pipe"
# process 1 of its namespace, seen from here
inside() { container=$(ps -o pid= --ppid "$unsharer" | tr -d ' ') && [ -n "$container" ] && [ "$(cat "/proc/$container/comm")" = handle-streams ]; }
until_so inside
inside
expect "process in its namespace" 1 "$(awk '/^NSpid/ { print $NF }' "/proc/$container/status")"
expect "user" 65532 "$(awk '/^Uid/ { print $2 }' "/proc/$container/status")"
expect "capabilities" 0000000000000000 "$(awk '/^CapEff/ { print $2 }' "/proc/$container/status")"

# HEALTHCHECK and exec probes: another process in the same place
healthy() { nsenter -t "$container" -m -p chroot --userspec=65532:65532 "$image" /usr/bin/handle-streams health; }
until_so healthy
"$BUILD/bluesky" max --count 20000 --seed 5 >&7
until_so sh -c "[ \"\$(psql -XAtq -c 'select (select count(*) from staging.bluesky_events) + (select count(*) from millrace.reject)')\" = 20000 ]"
echo "healthy, 20000 events loaded"
"$root/tests/support/suite_pg.sh" stop "$SUITE_PG" immediate
"$BUILD/bluesky" max --count 10 --seed 6 >&7
unhealthy() { ! healthy; }
until_so unhealthy
echo "$(healthy 2>&1 | jq -r .message) (exit $(healthy >/dev/null 2>&1 && echo 0 || echo $?))"
"$root/tests/support/suite_pg.sh" start "$SUITE_PG" 7>&-
until_so healthy
echo healthy again

step stop
kill -TERM "$container"
exec 7>&-
status=0
wait "$unsharer" || status=$?
container=''
expect "exit status after SIGTERM as process 1" 0 "$status"
expect "last words" "stopped" "$(tail -n 1 "$work/log" | jq -r .message | cut -d' ' -f1)"
expect "lines of the log that are not JSON" 0 "$(jq -e . "$work/log" >/dev/null && echo 0)"

step periodic
(PGHOST=/run/pg PGDATABASE=$database run periodic) 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
tail -n 1 "$work/log" | jq -r .message
expect "written to the volume" "likes-per-minutes.csv" "$(cd "$image/data/metrics" && echo likes-per-minutes.csv*)"
expect "as user" 65532 "$(stat -c %u "$image/data/metrics/likes-per-minutes.csv")"

step linters
"$here/check.sh"

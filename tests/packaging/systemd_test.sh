#!/bin/bash
# The package under a systemd that is process 1 of its own namespaces: its units
# started, killed, hung, stopped, upgraded and removed by systemctl.  Needs root,
# debootstrap and cgroup2, and takes two minutes.
#
# DEB names a package that is built already.  Loads from a broker of its own
# into the database that PG* name (suite.sh gives it one).
# shellcheck disable=SC2016 # programs of awk
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${SUITE_PG:?run by suite.sh}" "${BUILD:?run by suite.sh}"
[ "$(id -u)" = 0 ] || { echo "systemd_test.sh: needs root" >&2; exit 1; }
base=$root/build/chroot/systemd
work=$(mktemp -d /tmp/millrace-systemd-XXXXXX)
where=$work/root
init=''
finish() {
	status=$?
	[ $status = 0 ] || [ -z "$init" ] || inside journalctl --no-pager -n 20 -u 'handle-streams@*' >&2 || true
	[ -z "$init" ] || kill -KILL "$init" 2>/dev/null || true
	"$root/tests/kafka/kafka.sh" stop "$work/kafka" 2>/dev/null || true
	find /sys/fs/cgroup -depth -type d -path '*/millrace-test-*' -exec rmdir {} \; 2>/dev/null || true
	rm -rf --one-file-system "$work"
}
trap finish EXIT
step() { echo "--- $*"; }
expect() { # WHAT EXPECTED GOT
	echo "$1: $3"
	[ "$2" = "$3" ] || { echo "systemd_test.sh: expected $2" >&2; exit 1; }
}
until_so() { # COMMAND...
	local end=$((SECONDS + 60))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { echo "systemd_test.sh: never so: $*" >&2; exit 1; }
		sleep 0.1
	done
}
sql() { psql -XAtq -c "$1"; }
# In the root before it is booted; and in what has been booted.
in_chroot() { chroot "$where" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
inside() { nsenter -t "$init" -a -r -w env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
show() { inside systemctl show --value -p "$2" "$1"; }
is() { [ "$(show "$1" "$2")" = "$3" ]; }
install() { inside apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "$1" >>"$work/apt.log" 2>&1 || { tail -n 20 "$work/apt.log" >&2; exit 1; }; }
produce() { # COUNT SEED
	"$BUILD/bluesky" max --count "$1" --seed "$2" | awk '{ printf "0\tkey\t%s\n", $0 }' | "$BUILD/kafka-admin" "$BROKERS" produce events >/dev/null
	made=$((made + $1))
}
made=0
loaded() { sql 'select (select count(*) from staging.bluesky_events) + (select count(*) from millrace.reject)'; }
all_loaded() { [ "$(loaded)" = "$made" ]; }
seconds() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f\n", b - a }'; }

step root
[ -x "$base/lib/systemd/systemd" ] || {
	rm -rf "$base"
	mkdir -p "$base"
	debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus bookworm "$base" http://deb.debian.org/debian >"$root/build/chroot/systemd.log"
}
mkdir "$where"
cp -a "$base/." "$where/"
cp /etc/resolv.conf "$where/etc/"
# what concerns the machine is none of its business
for unit in systemd-logind.service getty.target dev-hugepages.mount dev-mqueue.mount systemd-sysctl.service \
	sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount \
	systemd-modules-load.service apt-daily.timer apt-daily-upgrade.timer; do
	ln -sfn /dev/null "$where/etc/systemd/system/$unit"
done
new=${DEB:-$("$here/deb.sh" "$root/build/deb")}
dpkg-deb -R "$new" "$work/old"
sed -i 's/^Version: .*/Version: 0.0.9/' "$work/old/DEBIAN/control"
dpkg-deb --root-owner-group -b "$work/old" "$where/old.deb" >/dev/null
cp "$new" "$where/new.deb"
BROKERS=$("$root/tests/kafka/kafka.sh" start "$work/kafka")
"$BUILD/kafka-admin" "$BROKERS" create events 1
in_chroot apt-get update -qq
chmod o+x "$SUITE_PG" # its data stays private

step boot
init=$("$here/systemd_root.sh" "$where" "$SUITE_PG" "$work/console")
expect "process 1" systemd "$(inside cat /proc/1/comm)"
expect "system" running "$(inside systemctl is-system-running)"

step install 0.0.9
install /old.deb
expect "enabled or running" 0 "$(inside systemctl list-units --all --no-legend 'handle-streams*' 'periodic*' | wc -l)"
printf 'PGHOST=/pg\nPGUSER=postgres\nPGDATABASE=%s\n' "${PGDATABASE:-postgres}" |
	tee "$where/etc/default/handle-streams" >"$where/etc/default/periodic"
cat >"$where/etc/millrace/events.conf" <<-CONF
	brokers = $BROKERS
	topic = events
	group = warehouse
	map = events=bluesky_events
	property = session.timeout.ms=3000
	property = heartbeat.interval.ms=500
CONF
chmod 600 "$where/etc/millrace/pgpass"
unit=handle-streams@events.service

step start
began=$EPOCHREALTIME
inside systemctl start "$unit"
echo "READY after $(seconds "$began") s"
expect "state" "active running" "$(show "$unit" ActiveState) $(show "$unit" SubState)"
pid=$(show "$unit" MainPID)
expect "a user of its own" yes "$(inside awk '/^Uid/ { print ($2 >= 61184 && $2 <= 65519) ? "yes" : $2 }' "/proc/$pid/status")"
expect "capabilities" 0000000000000000 "$(inside awk '/^CapEff/ { print $2 }' "/proc/$pid/status")"
produce 20000 3
until_so all_loaded
echo "$(loaded) events loaded"
has_lag() { show "$unit" StatusText | grep lag; }
until_so has_lag
echo "STATUS: $(show "$unit" StatusText)"
fed=$(show "$unit" WatchdogTimestampMonotonic)
fed_again() { [ "$(show "$unit" WatchdogTimestampMonotonic)" != "$fed" ]; }
until_so fed_again
echo "WATCHDOG fed"
inside systemctl enable -q --now periodic.timer
exported() { [ -e "$where/var/lib/millrace/metrics/likes-per-minutes.csv" ]; }
until_so exported
expect "periodic by its timer" "success millrace" "$(show periodic.service Result) $(inside stat -c %U /var/lib/millrace/metrics/likes-per-minutes.csv)"

step killed
inside systemctl kill -s KILL "$unit"
produce 5000 4
until_so is "$unit" NRestarts 1
until_so all_loaded
echo "restarted, $(loaded) events loaded"

step hung
mkdir -p "$where/run" "$where/etc/systemd/system/$unit.d"
printf '[Service]\nWatchdogSec=4s\n' >"$where/etc/systemd/system/$unit.d/quick.conf"
inside systemctl daemon-reload
inside systemctl restart "$unit"
restarts=$(show "$unit" NRestarts)
inside systemctl kill -s STOP "$unit"
until_so is "$unit" Result watchdog
until_so is "$unit" NRestarts $((restarts + 1))
echo "ended by the watchdog"
produce 5000 5
until_so all_loaded
echo "restarted, $(loaded) events loaded"
rm -r "$where/etc/systemd/system/$unit.d"
inside systemctl daemon-reload

step stopped without PostgreSQL
inside systemctl stop "$unit" periodic.timer
"$root/tests/support/suite_pg.sh" stop "$SUITE_PG" fast
inside systemctl start --no-block "$unit"
until_so is "$unit" SubState start
began=$EPOCHREALTIME
inside systemctl stop "$unit"
echo "stopped after $(seconds "$began") s"
expect "result" "inactive success" "$(show "$unit" ActiveState) $(show "$unit" Result)"
"$root/tests/support/suite_pg.sh" start "$SUITE_PG"

step upgrade
inside systemctl start "$unit" periodic.timer
before=$(show "$unit" MainPID)
install /new.deb
expect version "$(dpkg-deb -f "$new" Version)" "$(inside dpkg-query -W -f '${Version}' millrace)"
expect "still the old process" "$before" "$(show "$unit" MainPID)"
inside systemctl restart "$unit"
produce 5000 6
until_so all_loaded

step stop
began=$EPOCHREALTIME
inside systemctl stop "$unit" periodic.timer
echo "stopped after $(seconds "$began") s"
expect "result" "inactive success" "$(show "$unit" ActiveState) $(show "$unit" Result)"
expect "events" "$made" "$(loaded)"
expect "verify" "all is well" "$("$BUILD/handle-streams" verify | tail -n 1)"

step remove, purge
inside apt-get remove -y -qq millrace >>"$work/apt.log" 2>&1
expect "units left" 0 "$(inside systemctl list-unit-files --no-legend 'handle-streams*' 'periodic*' | grep -cv masked || true)"
rm "$where/etc/millrace/events.conf" "$where/etc/default/handle-streams" "$where/etc/default/periodic"
inside dpkg --purge millrace >>"$work/apt.log" 2>&1
expect "failed units" 0 "$(inside systemctl --failed --no-legend | wc -l)"

#!/bin/bash
# The package in a bare Debian: installed, run by its units' own commands under
# their users, upgraded, removed, purged.  Needs root and debootstrap.
#
# DEB names a package that is built already.  Runs in the database that PG* name (suite.sh gives it one), which the chroot
# sees by its unix socket.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${SUITE_PG:?run by suite.sh}"
base=$root/build/chroot/base
[ "$(id -u)" = 0 ] || { echo "deb_test.sh: needs root" >&2; exit 1; }
[ -x "$base/usr/bin/apt-get" ] || {
	rm -rf "$base"
	mkdir -p "$base"
	debootstrap --variant=minbase bookworm "$base" http://deb.debian.org/debian >"$root/build/chroot/log"
}

# on this machine's own disk, wherever the checkout lies
where=$(mktemp -d /tmp/millrace-deb-XXXXXX)
finish() {
	for at in pg proc dev/null; do umount "$where/$at" 2>/dev/null || true; done
	rm -rf --one-file-system "$where"
}
trap finish EXIT
cp -a "$base/." "$where/"
cp /etc/resolv.conf "$where/etc/"
mkdir "$where/pg"
chmod o+x "$SUITE_PG" # its data stays private
mount --bind "$SUITE_PG" "$where/pg"
mount -t proc proc "$where/proc"
printf '#!/bin/sh\nexit 101\n' >"$where/usr/sbin/policy-rc.d"
chmod 755 "$where/usr/sbin/policy-rc.d"

in_chroot() { chroot "$where" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
step() { echo "--- $*"; }
expect() { # WHAT EXPECTED GOT
	echo "$1: $3"
	[ "$2" = "$3" ] || { echo "deb_test.sh: expected $2" >&2; exit 1; }
}
# The command of a unit, as systemd would run it but for its fences.
unit_command() { # UNIT INSTANCE
	sed -n "s/^ExecStart=//p" "$where/lib/systemd/system/$1" | sed "s/%i/${2:-}/g"
}

new=${DEB:-$("$here/deb.sh" "$root/build/deb")}
# the same under an older number: what is upgraded from
dpkg-deb -R "$new" "$where/old"
sed -i 's/^Version: .*/Version: 0.0.9/' "$where/old/DEBIAN/control"
old=$where/older.deb
dpkg-deb --root-owner-group -b "$where/old" "$old" >/dev/null
rm -rf "$where/old"
cp "$old" "$where/old.deb"
cp "$new" "$where/new.deb"

step install 0.0.9
in_chroot apt-get update -qq
in_chroot apt-get install -y -qq --no-install-recommends /old.deb >"$root/build/chroot/install.log" 2>&1 ||
	{ tail -n 20 "$root/build/chroot/install.log" >&2; exit 1; }
# shellcheck disable=SC2016 # dpkg's own
expect status "install ok installed" "$(in_chroot dpkg-query -W -f '${Status}' millrace)"
expect "user millrace" millrace "$(in_chroot id -un millrace)"
expect "pgpass" "600 root root" "$(in_chroot stat -c '%a %U %G' /etc/millrace/pgpass)"
expect "units enabled" 0 "$(find "$where/etc/systemd" -name '*millrace*' -o -name 'periodic*' -o -name 'handle-streams*' | wc -l)"

step run by the units\' own commands
cp "$where/etc/millrace/handle-streams.conf" "$where/etc/millrace/events.conf"
pg=(PGHOST=/pg PGPORT=5432 PGUSER=postgres "PGDATABASE=${PGDATABASE:-postgres}" PGPASSFILE=/nowhere)
"${BUILD:?run by suite.sh}/bluesky" max --count 20000 --seed 3 >"$where/tmp/events"
# shellcheck disable=SC2046 # words
in_chroot setpriv --reuid=nobody --regid=nogroup --clear-groups env "${pg[@]}" $(unit_command handle-streams@.service events) <"$where/tmp/events"
mkdir -p "$where/var/lib/millrace"
chroot "$where" chown millrace: /var/lib/millrace
# shellcheck disable=SC2046
in_chroot setpriv --reuid=millrace --regid=millrace --clear-groups env --chdir=/var/lib/millrace "${pg[@]}" $(unit_command periodic.service)
expect "rows and rejects" 20000 "$(psql -XAtq -c 'select (select count(*) from staging.bluesky_events) + (select count(*) from millrace.reject)')"
expect "exported" likes-per-minutes.csv "$(cd "$where/var/lib/millrace/metrics" && echo likes-per-minutes.csv*)"

step upgrade
echo '# kept' >>"$where/etc/millrace/periodic.conf"
in_chroot apt-get install -y -qq -o Dpkg::Options::=--force-confold /new.deb >>"$root/build/chroot/install.log" 2>&1
# shellcheck disable=SC2016
expect version "$(dpkg-deb -f "$new" Version)" "$(in_chroot dpkg-query -W -f '${Version}' millrace)"
expect "settings" "# kept" "$(tail -n 1 "$where/etc/millrace/periodic.conf")"
# shellcheck disable=SC2046
in_chroot setpriv --reuid=millrace --regid=millrace --clear-groups env --chdir=/var/lib/millrace "${pg[@]}" $(unit_command periodic.service)

step remove
in_chroot apt-get remove -y -qq millrace >>"$root/build/chroot/install.log" 2>&1
expect "programs left" 0 "$(find "$where/usr/bin" -name periodic -o -name handle-streams | wc -l)"
expect "settings stay" yes "$([ -e "$where/etc/millrace/periodic.conf" ] && echo yes)"

step purge
rm "$where/etc/millrace/events.conf"
in_chroot dpkg --purge millrace >>"$root/build/chroot/install.log" 2>&1
expect "left behind" "" "$(find "$where" -xdev -path "$where/proc" -prune -o \( -name '*millrace*' -o -name 'handle-streams*' \) -print |
	grep -vE '/var/(log|cache|lib/dpkg)|/tmp/|/pg$' || true)"

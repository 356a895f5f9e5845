#!/bin/bash
# Makes the folder that `make install DESTDIR=FOLDER` has filled the root of an
# image: the libraries the programs load, users, certificates, /tmp and /data.
# No shell, no tool.   image_root.sh FOLDER
set -eu
image=$1

libraries() { # of the programs, of libpq, which they load by themselves, and what libc loads to find names
	local libpq
	libpq=$(ldconfig -p | awk '$1 == "libpq.so.5" { print $NF; exit }')
	echo "$libpq"
	ldd "$image/usr/bin/handle-streams" "$image/usr/bin/periodic" "$libpq" |
		awk '/=> \// { print $3 } /^\t\/lib/ { print $1 }'
	find /lib/x86_64-linux-gnu /lib/aarch64-linux-gnu -name 'libnss_dns.so.2' -o -name 'libnss_files.so.2' 2>/dev/null || true
}

libraries | sort -u | while read -r library; do
	mkdir -p "$image$(dirname "$library")"
	cp -L "$library" "$image$library"
done
rm -rf "$image/usr/lib/systemd" "$image/usr/share/man"
mkdir -p "$image/etc/ssl/certs" "$image/tmp" "$image/data" "$image/run"
cp /etc/ssl/certs/ca-certificates.crt "$image/etc/ssl/certs/" 2>/dev/null || true
echo 'millrace:x:65532:65532::/data:/nonexistent' >"$image/etc/passwd"
echo 'millrace:x:65532:' >"$image/etc/group"
echo 'hosts: files dns' >"$image/etc/nsswitch.conf"
chmod 1777 "$image/tmp"
chown 65532:65532 "$image/data" "$image/etc/millrace/pgpass"

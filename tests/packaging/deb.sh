#!/bin/bash
# Builds the Debian package in a copy of the tree:  deb.sh FOLDER [VERSION]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$1
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
rm -rf "$folder/tree" "$folder"/millrace*
mkdir "$folder/tree"
tar -C "$root" -cf - --exclude=./build --exclude=./.git --exclude=./.millrace \
	--exclude=./.m2 . | tar -C "$folder/tree" -xf -
cd "$folder/tree"
if [ -n "${2:-}" ]; then
	sed -i "1s/(.*)/($2)/" debian/changelog
fi
nice dpkg-buildpackage -b -us -uc >"$folder/log" 2>&1 || {
	tail -n 30 "$folder/log" >&2
	exit 1
}
ls "$folder"/millrace_*.deb

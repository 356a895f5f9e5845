#!/bin/bash
# House rules no compiler knows.   lint.sh layers|headers|banned ...
set -u
bad=0

complain() {
	echo "$1" >&2
	bad=1
}

# common <- ingest, common <- aggregate; nothing else
layers() {
	local hits
	hits=$(grep -nE '#include "(ingest|aggregate)/' common/*.[ch]
		grep -nE '#include "aggregate/' ingest/*.[ch]
		grep -nE '#include "ingest/' aggregate/*.[ch])
	[ -z "$hits" ] || complain "include against the layers:
$hits"
}

# every header compiles alone
headers() {
	local h
	for h in common/*.h ingest/*.h aggregate/*.h; do
		printf '#include "%s"\n' "$h" |
			gcc -std=gnu17 -D_GNU_SOURCE -I. -I"$(pg_config --includedir)" \
				-Wall -Wextra -Werror -fsyntax-only -x c - ||
			complain "$h does not compile alone"
	done
}

# functions that overrun, hide state or guess
banned() {
	local hits
	hits=$(grep -nwE '(strcpy|strcat|sprintf|vsprintf|strtok|gmtime|localtime|asctime|ctime|atoi|atol|atof|gets|system|alloca)[[:space:]]*\(' \
		common/*.[ch] ingest/*.[ch] aggregate/*.[ch] tests/support/*.[ch])
	[ -z "$hits" ] || complain "banned functions:
$hits"
}

# files to about 400 lines
sizes() {
	local hits
	hits=$(wc -l common/*.[ch] ingest/*.[ch] aggregate/*.[ch] |
		awk '$2 != "total" && $1 > 450 { print $2 ": " $1 " lines" }')
	[ -z "$hits" ] || complain "files that say two things:
$hits"
}

for rule in "$@"; do
	case $rule in
	layers) layers ;;
	headers) headers ;;
	banned) banned ;;
	sizes) sizes ;;
	*) complain "lint.sh: unknown rule $rule" ;;
	esac
done
exit $bad

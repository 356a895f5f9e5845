#!/bin/bash
# Runs a command with a PostgreSQL of its own behind PG*:  suite.sh COMMAND...
# Settings of whoever calls do not reach the tests.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

for name in $(compgen -e | grep -E '^(PG|HANDLE_STREAMS_|PERIODIC_|MILLRACE_)' || true); do
	unset "$name"
done

# shellcheck disable=SC2086 # a list of options
SUITE_PG=$("$here/suite_pg.sh" make ${SUITE_PG_OPTIONS:-})
export SUITE_PG
trap '"$here/suite_pg.sh" remove "$SUITE_PG"' EXIT
trap 'exit 130' INT TERM
eval "$("$here/suite_pg.sh" env "$SUITE_PG")"
"$@"

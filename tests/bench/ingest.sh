#!/bin/bash
# Seconds to load generated events from a file in the page cache, beside what
# people do instead; interleaved, best of n.
#
#   ingest.sh [EVENTS] [ROUNDS]
#   RIVALS="copy python elt jq"   copy: psql's binary \copy of the very rows that
#                                 were loaded, flattened before; python: loader.py,
#                                 from PyPI; elt: psql's \copy of raw lines, then
#                                 insert into ... select; jq: piped into psql
#
# All of them fill tables of the shape of staging.  Runs in the database that
# PG* name (suite.sh gives it one), with fsync and synchronous_commit on.
set -euo pipefail
events=${1:-1000000}
rounds=${2:-3}
rivals=${RIVALS:-copy python elt jq}
: "${BUILD:?set by suite.sh}"
# shellcheck source=tests/bench/common.sh
. "$(dirname "$0")/common.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

wants() { [[ " $rivals " == *" $1 "* ]]; }

# --- the rivals --------------------------------------------------------------

# What they fill, and the rows for \copy, once there are some.
prepare() {
	columns=$(sql "select string_agg(quote_ident(attname), ',' order by attnum)
		from pg_attribute where attrelid = 'staging.bluesky_events'::regclass
		and attnum > 0 and attname <> 'loaded_at'")
	sql "create table public.raw (line text);
	     create table public.copied (like staging.bluesky_events including defaults)
	         partition by range (loaded_at);
	     create index on public.copied using brin (loaded_at)
	         with (pages_per_range = 32);
	     create table public.copied_all partition of public.copied default"
	sql "\\copy (select $columns from staging.bluesky_events) to '$work/rows' with (format binary)"
}
flat="event_at, operation, did, collection, rkey, cid, subject_uri, subject_did, langs, created_at, text"

ours() { measure "$BUILD/handle-streams" --force "$work/events.jsonl"; }
ours_1() { measure "$BUILD/handle-streams" --force --connections 1 "$work/events.jsonl"; }
copy() {
	measure psql -Xq -v ON_ERROR_STOP=1 \
		-c "\\copy public.copied ($columns) from '$work/rows' with (format binary)"
}
python_copy() { measure "$python" "$bench/loader.py" "$work/events.jsonl" public.copied; }
elt() {
	# JSON holds no such bytes: a field is a whole line
	measure psql -Xq -v ON_ERROR_STOP=1 \
		-c "\\copy public.raw from '$work/events.jsonl' with (format csv, delimiter e'\\x01', quote e'\\x02')" \
		-c "insert into public.copied ($flat)
		    select (j->>'timestamp' || 'Z')::timestamptz, j->>'action', j->>'repo',
		        split_part(j->>'path', '/', 1), split_part(j->>'path', '/', 2), j->>'cid',
		        j#>>'{record,subject,uri}',
		        case when jsonb_typeof(j#>'{record,subject}') = 'string' then j#>>'{record,subject}' end,
		        case when jsonb_typeof(j#>'{record,langs}') = 'array' then
		            array(select jsonb_array_elements_text(j#>'{record,langs}')) end,
		        j#>>'{record,createdAt}', j#>>'{record,text}'
		    from public.raw, lateral (select line::jsonb as j offset 0) parsed"
}
jq_copy() {
	measure bash -c "set -o pipefail
		jq -r '(.record.subject | if type == \"object\" then [.uri, null] else [null, .] end) as \$s |
		    [.timestamp + \"Z\", .action, .repo, (.path | split(\"/\")[]), .cid, \$s[], (.record.langs |
		     if . then \"{\" + join(\",\") + \"}\" else null end), .record.createdAt, .record.text] | @tsv' \
		    '$work/events.jsonl' |
		psql -Xq -v ON_ERROR_STOP=1 -c \"\\\\copy public.copied ($flat) from stdin with (null '')\""
}

# --- the rounds --------------------------------------------------------------

# Rows and a hash of what the rivals flatten; none tells an empty text from null.
content() { # TABLE
	sql "select count(*), sum(hashtextextended(concat_ws('|', event_at, operation, did, collection, rkey,
		cid, subject_uri, subject_did, nullif(langs, '{}'), created_at, nullif(text, '')), 0)) from $1"
}
round() { # NAME TABLE COMMAND...: one measurement, and that it is all there
	local name=$1 table=$2
	shift 2
	sql "truncate $table" 2>/dev/null || true
	[ "$name" != elt ] || sql "truncate public.raw"
	sql checkpoint
	"$@" >"$work/figures"
	sed "s/^/# $name: /" "$work/figures"
	cat "$work/figures" >>"$work/$name"
	[ "$n" = 1 ] || return 0
	content "$table" >"$work/content"
	[ -s "$work/wanted" ] || cp "$work/content" "$work/wanted"
	cmp -s "$work/content" "$work/wanted" || echo "# $name loaded something else" >&2
}

results ingest
"$BUILD/bluesky" max --count "$events" --seed 7 >"$work/events.jsonl"
"$BUILD/handle-streams" </dev/null 2>/dev/null # makes the tables
if wants python && ! rival_python; then rivals=${rivals/python/}; fi
for n in $(seq "$rounds"); do
	round ours staging.bluesky_events ours
	[ "$n" != 1 ] || prepare
	round ours_1 staging.bluesky_events ours_1
	if wants copy; then round copy public.copied copy; fi
	if wants python; then round python public.copied python_copy; fi
	if wants elt; then round elt public.copied elt; fi
	if wants jq; then round jq public.copied jq_copy; fi
done
rows=$(cut -d '|' -f 1 "$work/wanted")
table_head "$rows rows from a file, best of $rounds"
table_row ours "handle-streams" "$rows"
table_row ours_1 "handle-streams --connections 1" "$rows"
table_row copy "psql \\copy, binary, flattened before" "$rows"
table_row python "Python: orjson, psycopg" "$rows"
table_row elt "psql \\copy of raw lines, insert ... select" "$rows"
table_row jq "jq | psql \\copy" "$rows"
sql "drop table public.copied, public.raw"

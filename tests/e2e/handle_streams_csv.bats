#!/usr/bin/env bats
# handle-streams: CSV files, their headers, their dirt.
# bats file_tags=ingest

setup() {
	load ../support/common
	load ../support/ingest
	fresh_project
	stream people 'csv' 'id bigint not null, -- from: id
		postcode text, -- from: postcode | "post code"'
	stream visits 'csv delimiter=; null=NULL' 'visit text not null, -- from: visit_id
		at timestamptz, -- from: created_at as naive_utc
		paid numeric(12,2), -- from: "Fee paid"
		done boolean, -- from: done
		day date, -- from: day
		extra jsonb, -- from: *
		line bigint, -- from: @line
		position bigint, -- from: @offset'
}
teardown() { drop_database; }

# stream NAME FORMAT COLUMNS...
stream() {
	cat >"project/sql/shop/streams/$1.sql" <<-SQL
		-- stream: $1
		-- format: $2
		${4:-}
		create table staging.$1 (
		$3
		loaded_at timestamptz not null default now()) partition by range (loaded_at);
	SQL
}
people() { sql "select coalesce(string_agg(id || '=' || coalesce(replace(postcode, e'\n', '~'), 'null'), ' ' order by id), '') from staging.people"; }

@test "a file is recognised by its header, in any order, with BOM, CRLF and quotes" {
	printf '\xef\xbb\xbf"Post Code",ID\r\n1234 AB,1\r\n"12""34, x\nAB",2\r\n,3\r\n"",4\r\n\r\n\xc3\xa9,5' >a.csv
	run handle-streams a.csv
	assert_status 0
	assert_equal rows '1=1234 AB 2=12"34, x~AB 3=null 4= 5=é' "$(people)"
	run handle-streams a.csv
	assert_says "loaded already, 0 rows"
	# a pipe, byte by byte, and the same header again in the middle of it
	{ cat a.csv; printf '\n'; cat a.csv; } | perl -e '$|=1; print while read STDIN,$_,1' | handle-streams
	assert_equal rows 15 "$(sql 'select count(*) from staging.people')"
	assert_equal rejects 0 "$(rejects)"
	assert_verified
}

@test "types, null=, extra columns, line and offset" {
	printf '%s\n' 'visit_id;created_at;more;Fee paid;done;day' \
		'a;2020-01-28 22:13:26;x"y;007.50;yes;2020-01-31' \
		'b;NULL;"x""y";NULL;F;NULL' \
		'"c' 'd";"2020-01-28 22:13:26";p;+3;1;2020-02-29' \
		'e;NULL;"";NULL;NULL;NULL' >v.txt
	run handle-streams v.txt
	assert_status 0
	assert_equal rejected 'field 3 holds a quote but does not begin with one' \
		"$(sql 'select reason from millrace.reject')"
	assert_equal rows 'b|-|-|f|-|{"more": "x\"y"}
c~d|2020-01-28 22:13:26|3.00|t|2020-02-29|{"more": "p"}
e|-|-|-|-|{"more": ""}' \
		"$(PGTZ=UTC PGOPTIONS='' psql -XAtq -P null=- -c "select replace(visit, e'\n', '~'), at::timestamp, paid, done, day, extra from staging.visits order by visit")"
	assert_equal offsets '3 91,4 117,6 163' "$(sql "select string_agg(line || ' ' || position, ',' order by line) from staging.visits")"
}

@test "what is wrong with a record rejects it alone, with its bytes; replay knows the header" {
	printf '%s\n' 'postcode,id' 'a,1' 'a,b,c' 'b,two' 'x"y,3' '"x"y,4' \
		"$(printf 'caf\xe9'),5" '"a b' 'c"d,e' 'last,6' '"never closed,2' 'more,7' >bad.csv
	run handle-streams bad.csv
	assert_status 0
	assert_equal rows '1=a 6=last 7=more' "$(people)"
	assert_equal reasons 'the record has 3 fields, its header 2
id: id: the string does not hold a number
field 1 holds a quote but does not begin with one
field 1 goes on behind its closing quote
byte 4 of the record, 0xe9, is not UTF-8: if the file is in Latin-1 or Windows-1252, convert it with iconv -f WINDOWS-1252 -t UTF-8
field 1 goes on behind its closing quote
field 1 begins with a quote that is never closed' \
		"$(sql 'select reason from millrace.reject order by position')"
	run --separate-stderr handle-streams rejects show 6
	assert_equal bytes $'"a b\nc"d,e' "$output"
	sed -i 's/id bigint not null, -- from: id/id bigint not null, -- from: id\nname text, -- from: id/; s/from: postcode/from: id | postcode/' \
		project/sql/shop/streams/people.sql
	sql "alter table staging.people add column name text"
	sed -i 's/^id bigint/id text/' project/sql/shop/streams/people.sql
	sql "alter table staging.people alter id type text"
	run handle-streams rejects replay
	assert_says "1 replayed, 6 stay"
	assert_equal replayed two "$(sql "select postcode from staging.people where id = 'two'")"
	assert_verified
}

@test "a header that fits no stream stops before anything is loaded" {
	refused() { # CONTENT WORDS [OPTION...]
		printf %b "$1" >wrong.csv
		local words=$2
		shift 2
		run handle-streams "$@" wrong.csv
		assert_status 3
		assert_says "$words"
	}
	refused 'id,zip\n1,2\n' "its header lacks postcode or post code, which stream people needs for its column postcode: it has id, zip"
	# shellcheck disable=SC2016 # the backquotes are what is said
	refused 'id;postcode\n1;2\n' 'its fields are separated by `;`, stream people takes `,`'
	refused 'id,postcod\n1;2\n' "is it postcod?"
	refused 'id,postcode,id\n1,2,3\n' "its header has id twice"
	refused 'id,postcode\r1,2\r' "its lines end in CR alone"
	refused '\xff\xfei\0d\0' "is UTF-16 text"
	# shellcheck disable=SC2016
	refused 'a,b\n' 'begins with `a,b`'
	refused 'a,b\n' "its header lacks id" --stream people
	refused '{"n": 1}\n' "its header" --stream people
	stream others 'csv' 'id text, -- from: id
		code text, -- from: postcode'
	refused 'id,postcode\n1,2\n' "fits both stream others and stream people"
	assert_equal nothing 0 "$(sql 'select count(*) from millrace.load')"
	printf 'id,postcode\n1,2\n' | handle-streams --stream people
	assert_equal rows '1=2' "$(people)"
}

@test "a file goes on where it was, by its content; a grown one too" {
	{ echo id,postcode; seq 1 3000 | sed 's/.*/&,"p\n&"/'; } >a.csv
	run env MILLRACE_FAULT=after-commit:2 handle-streams --batch-rows 500 --connections 1 a.csv
	assert_equal killed 137 "$status"
	assert_equal part 1000 "$(sql 'select count(*) from staging.people')"
	run handle-streams a.csv
	assert_says "goes on at byte"
	printf '3001,x\n' >>a.csv
	mv a.csv b.csv
	run handle-streams b.csv
	assert_equal rows "3001 3001 3001" "$(sql "select count(*), count(distinct id), max(id) from staging.people where postcode = e'p\n' || id or id = 3001" | tr '|' ' ')"
	assert_equal rejects 0 "$(rejects)"
	assert_verified
}

@test "no header: by position, also together with JSON" {
	stream points 'json | csv header=no' 'n bigint not null, -- from: nr
		line bigint, -- from: @line
		name text, -- from: name | title' '-- match: nr + name'
	printf '1,a\n2\n"3","b"\n' | handle-streams --stream points
	printf '{"nr": 5, "name": "e"}\n' | handle-streams
	printf '{"nr": 6, "title": "f"}\n7,"g"\n' | handle-streams --stream points
	assert_equal rows '1=a 3=b 5=e 6=f 7=g' "$(sql "select string_agg(n || '=' || name, ' ' order by n) from staging.points")"
	assert_equal reason 'the record has 1 field, its stream 2' "$(sql 'select reason from millrace.reject')"
	run handle-streams rejects replay
	assert_says "0 replayed, 1 stay"
}

@test "an open quote is bounded by max-line and explain speaks of CSV" {
	{ echo id,postcode; echo '1,"open'; seq 2 20000 | sed 's/.*/&,p/'; } >a.csv
	run handle-streams --max-line 64KB a.csv
	assert_status 0
	assert_equal rows "19999 1" "$(sql 'select count(*) from staging.people') $(rejects)"
	printf 'postcode,id\n,1\n' | handle-streams explain >told
	grep -q 'id  *id = 1  ->  integer  ->  1' told
	grep -q 'postcode  *null  (postcode is empty, "post code" is absent)' told
}

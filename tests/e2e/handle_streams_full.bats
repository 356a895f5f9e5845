#!/usr/bin/env bats
# handle-streams: complete extracts (load: full), whole or not at all.
# bats file_tags=ingest

setup() {
	load ../support/common
	load ../support/ingest
	fresh_project
	cat >project/sql/shop/streams/users.sql <<-'SQL'
		-- stream: users
		-- format: json | csv
		-- match: id + postcode
		-- load: full
		create table staging.users (
		    id       bigint not null, -- from: id
		    postcode text,            -- from: postcode
		    loaded_at timestamptz not null default now()
		) partition by range (loaded_at);
	SQL
}
teardown() { drop_database; }

# users FROM TO CODE: an extract.
users() { echo id,postcode; seq "$1" "$2" | sed "s/\$/,$3/"; }
current() { sql "select coalesce(min(id) || '-' || max(id) || ' ' || count(*) || ' ' || min(postcode), 'none') from staging.users_current"; }
extracts() { sql "select count(*) from millrace.load where op = 't'"; }

@test "A, B, A are three extracts, A again is none; the view shows the newest" {
	users 1 3 a >a.csv
	users 2 5 b >b.csv
	for file in a.csv b.csv a.csv; do run -0 handle-streams $file; done
	assert_equal current "1-3 3 a" "$(current)"
	cp a.csv copy.csv
	run handle-streams copy.csv
	assert_status 0
	assert_says "copy.csv is the latest extract of staging.users already, 0 rows added"
	assert_equal rows "10 3" "$(sql 'select count(*) from staging.users') $(extracts)"
	assert_equal ledger "staging.users t 3 0|staging.users t 4 0" \
		"$(sql "select string_agg(concat_ws(' ', relation, op, row_count, reject_count), '|' order by load_id) from millrace.load where load_id < 3")"
	run handle-streams --force copy.csv
	assert_equal extracts 4 "$(extracts)"
	assert_verified
}

@test "effective=hour insists on --effective and on a whole hour" {
	sed -i 's/load: full/load: full effective=hour/' project/sql/shop/streams/users.sql
	users 1 3 a >a.csv
	run handle-streams a.csv
	assert_status 1
	assert_says "a.csv: extracts of staging.users hold from a whole hour on: say which with --effective 2025-03-10T17:00:00Z"
	run handle-streams --effective 2025-03-10T17:30:00Z a.csv
	assert_status 1
	assert_says "not 2025-03-10T17:30:00"
	run -0 handle-streams --effective 2025-03-10T19:00:00+02:00 a.csv
	assert_equal current "1-3 3 a" "$(current)"
}

@test "a pipe needs --complete; JSON is a complete extract too; single records of it are rejects" {
	users 1 2 a >a.csv
	run handle-streams < <(cat a.csv)
	assert_status 1
	assert_says "say --complete if everything comes through it"
	handle-streams --complete < <(cat a.csv)
	handle-streams --complete < <(cat a.csv)
	assert_equal extracts 1 "$(extracts)"
	printf '{"id": %s, "postcode": "j"}\n' 7 8 9 >users.json
	run handle-streams users.json
	assert_equal current "7-9 3 j" "$(current)"
	printf '%s\n' '{"n": 1}' '{"id": 3, "postcode": "x"}' | handle-streams
	assert_equal reason "the stream is \`load: full\`" "$(sql 'select left(reason, 26) from millrace.reject')"
	assert_equal rows 1 "$(rows)"
	assert_verified
}

@test "an extract is never taken for single records, nor for a range" {
	{ echo '{"id": 7, "postcode'; printf '{"id": %s, "postcode": "j"}\n' 8 9; } >broken.json
	run handle-streams broken.json
	assert_status 3
	assert_says "broken.json looks like a complete extract, but its first record belongs to no stream: nothing was loaded"
	run handle-streams --complete < <(cat broken.json)
	assert_status 3
	assert_equal nothing "0 0" "$(rows) $(rejects)"
	run handle-streams --stream users broken.json
	assert_status 0
	assert_says "the extract lacks 1 records"
	assert_equal current "8-9 2 j" "$(current)"
	{ echo; printf '{"id": %s, "postcode": "j"}\n' 1 2; } >blank.json
	run -0 handle-streams blank.json
	assert_equal current "1-2 2 j" "$(current)"
	users 5 6 r >range.csv
	run handle-streams --replace-range 2025-03-10,2025-03-11 range.csv
	assert_status 1
	assert_says "stream users is \`load: full\`: load a complete extract without it"
	run handle-streams -b localhost:1 -t users --map users=users
	assert_status 2
	assert_says "a topic never is one"
	run handle-streams -b localhost:1 -t users --stream users
	assert_status 1
	assert_equal current "1-2 2 j" "$(current)"
	assert_verified
}

@test "extracts come in the order of their effective times" {
	users 1 2 a >a.csv
	users 1 2 b >b.csv
	users 1 2 c >c.csv
	run -0 handle-streams --effective 2025-03-10 a.csv
	run -0 handle-streams --effective 2025-03-11T02:00:00+02:00 b.csv
	run handle-streams --effective "2025-03-10 23:00:00" c.csv
	assert_status 3
	assert_says "c.csv is an extract as of 2025-03-10T23:00:00.000000Z, but the latest one of staging.users is as of 2025-03-11T00:00:00.000000Z"
	assert_equal effective "2025-03-10T00:00:00.000000Z 2025-03-11T00:00:00.000000Z" \
		"$(sql "select string_agg(origin->>'effective', ' ' order by load_id) from millrace.load")"
	run -1 handle-streams --effective tomorrow c.csv
	assert_says "--effective takes times like 2025-03-10"
	run -1 handle-streams --effective 2025-03-12 b.csv c.csv
	printf '{"n": 1}\n' >items.json
	run -1 handle-streams --effective 2025-03-12 items.json
	run -0 handle-streams c.csv
	assert_equal current "1-2 2 c" "$(current)"
}

@test "rejects belong to the extract, bounded by --max-rejects; an empty one needs --force" {
	{ users 1 100 a; echo x,y; echo z; } >a.csv
	run handle-streams --max-rejects 1 a.csv
	assert_status 3
	assert_says "2 of 102 records of a.csv are rejects"
	assert_equal nothing "0 0 0" "$(sql 'select count(*) from staging.users') $(rejects) $(extracts)"
	run handle-streams a.csv
	assert_status 0
	assert_says "the extract lacks 2 records"
	assert_equal both "100 2" "$(sql 'select row_count, reject_count from millrace.load' | tr '|' ' ')"
	run handle-streams rejects replay
	assert_says "0 replayed, 2 stay"
	echo id,postcode >empty.csv
	run handle-streams empty.csv
	assert_status 3
	assert_says "empty.csv holds not one row for staging.users"
	run -0 handle-streams --force empty.csv
	assert_equal current none "$(current)"
	# an export that has failed leaves a file without a byte
	handle-streams a.csv
	: >nothing.csv
	local options
	for options in "" --effective=2099-01-01 --replace-range=2025-01-01,2025-01-02; do
		# shellcheck disable=SC2086 # one option, or none
		run handle-streams --stream users $options nothing.csv
		[ "$status" -ne 0 ]
	done
	run handle-streams --stream users nothing.csv
	assert_status 3
	assert_says "nothing.csv holds not one row for staging.users"
	assert_equal extracts 3 "$(extracts)"
	run -0 handle-streams --stream users --force nothing.csv
	assert_equal current none "$(current)"
	assert_verified
}

@test "killed anywhere, nothing of it is there, and the next run loads all of it" {
	users 1 5000 old >old.csv
	users 1 9000 new >new.csv
	handle-streams old.csv
	for fault in after-claim before-begin before-copy:3 mid-copy:5 after-copy:2 before-commit commit-sent; do
		run env MILLRACE_FAULT=$fault handle-streams --batch-rows 1000 new.csv
		assert_equal "killed at $fault" 137 "$status"
		if [ $fault = commit-sent ]; then
			wait_for_value 10 "select count(*) from millrace.load where op = 't'" 2
		else
			assert_equal "after $fault" "1-5000 5000 old" "$(current)"
			assert_equal "after $fault" 5000 "$(sql 'select count(*) from staging.users')"
		fi
	done
	run handle-streams new.csv
	assert_says "latest extract"
	assert_equal current "1-9000 9000 new" "$(current)"
	users 1 10 third >third.csv
	run env MILLRACE_FAULT=after-commit handle-streams third.csv
	assert_equal killed 137 "$status"
	assert_equal current "1-10 10 third" "$(current)"
	assert_verified
}

@test "a connection that breaks half-way: a file goes again from its start, a pipe says so" {
	users 1 30000 a >a.csv
	mkfifo pipe
	whole_session() { sql "select coalesce(max(pid), 0) from pg_stat_activity where application_name like 'handle-streams whole %' and datname = current_database() and state <> 'idle'"; }
	has_copied() { value_is "select count(*) from pg_stat_activity where application_name like 'handle-streams whole %' and datname = current_database()
		and state = 'idle in transaction' and query ~ '^copy staging.*users'" 1; }
	stall_in users id 15000
	handle-streams --batch-rows 50 --lock-timeout 10min --statement-timeout 10min a.csv 2>log 3>&- 8>&- &
	local pid=$!
	wait_until 10 is_stalled
	sql "select pg_terminate_backend($(whole_session))"
	go_on
	wait $pid
	grep -q "trying again from the start" log
	assert_equal current "1-30000 30000 a" "$(current)"
	handle-streams --complete --batch-rows 50 <pipe 2>log &
	pid=$!
	exec 7>pipe
	users 1 60 b >&7
	wait_until 10 has_copied # before, it could begin again
	sql "select pg_terminate_backend($(whole_session))"
	users 61 200 b >&7
	exec 7>&-
	local status=0
	wait $pid || status=$?
	assert_equal status 4 $status
	grep -q "nothing of stdin was loaded; send it again" log
	assert_equal current "1-30000 30000 a" "$(current)"
	assert_verified
}

@test "monitors see an extract while it loads, and each record once" {
	local port
	port=$(free_port)
	get() { python3 -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=60).read().decode(), end="")' "http://127.0.0.1:$port/$1" 2>/dev/null; }
	figure() { sed -n "s/^handle_streams_$1 //p"; }
	mkfifo pipe
	handle-streams --complete --batch-rows 10 --metrics-listen "$port" --metrics-file end.prom <pipe 2>log &
	local pid=$!
	exec 7>pipe
	{ users 1 95 a; echo x,y; } >&7
	sees() { [ "$(get metrics | figure messages_consumed_total)" = 90 ]; }
	wait_until 10 sees
	assert_equal "in flight" 90 "$(get metrics | figure messages_in_flight)"
	get readyz
	exec 7>&-
	wait $pid
	outcome() { figure "messages_total{outcome=\"$1\"}" <end.prom; }
	assert_equal "consumed, the header too" 97 "$(figure messages_consumed_total <end.prom)"
	assert_equal "in flight" 0 "$(figure messages_in_flight <end.prom)"
	assert_equal outcomes "95 1 1 0" "$(outcome loaded) $(outcome rejected) $(outcome blank) $(outcome dropped)"
}

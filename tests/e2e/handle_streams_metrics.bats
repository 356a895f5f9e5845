#!/usr/bin/env bats
# What others see of a running handle-streams: metrics, health, notifications,
# log formats; and what nobody may see.
# shellcheck disable=SC2030,SC2031 # every test is its own shell

setup_file() {
	load ../support/common
	load ../support/ingest
	PROJECT=$(mktemp -d)
	export PROJECT
	make_project "$PROJECT"
	own_server
}
teardown_file() {
	rm -rf "$PROJECT"
	"$ROOT/tests/support/suite_pg.sh" remove "$OWN_PG"
}
setup() {
	load ../support/common
	load ../support/ingest
	cd "$BATS_TEST_TMPDIR" || exit
	PGDATABASE=test_$BATS_TEST_NUMBER
	export PGDATABASE
	psql -Xq -d postgres -c "create database $PGDATABASE template template0"
	PORT=$(free_port)
}
teardown() {
	exec 7>&-
	[ -z "${listener:-}" ] || kill "$listener"
	pg_isready -q || start_server 3>&- 7>&-
	psql -Xq -d postgres -c "drop database if exists $PGDATABASE with (force)"
}

get() { python3 -c 'import sys, urllib.request as u
try: r = u.urlopen(sys.argv[1], timeout=60)
except u.HTTPError as e: r = e
print(r.status, r.read().decode(), end="")' "http://127.0.0.1:$PORT$1"; }
figure() { get /metrics | sed -n "s/^$1 //p"; }
figure_is() { [ "$(figure "$1")" = "$2" ]; }

# A pipe that stays open on descriptor 7.
begin_pipe() {
	mkfifo fifo
	handle-streams --linger 20ms "$@" <fifo 2>log 3>&- &
	pid=$!
	exec 7>fifo
}
end_pipe() {
	exec 7>&-
	wait_until 60 is_gone "$pid"
}

@test "under load every record consumed has one outcome, at every scrape" {
	# a third of the lines blank, every tenth broken, while the server crashes
	python3 - >events.jsonl <<-'PY'
		for n in range(200000):
		    if n % 3 == 0: print(" ")
		    print('{"n": %s}' % ('"x"' if n % 10 == 0 else n))
	PY
	stall_at 100001
	handle-streams --metrics-listen "$PORT" --batch-rows 1000 --lock-timeout 10min --statement-timeout 10min \
		events.jsonl 2>log 3>&- 8>&- &
	pid=$!
	(wait_until 20 is_stalled && wait_until 20 figure_is 'handle_streams_pg_up' 1 && crash_server && start_server) 3>&- 8>&- &
	run "$ROOT/tests/support/metrics_watch.py" "127.0.0.1:$PORT" "$pid" 600
	echo "# $output" >&3
	assert_status 0
	wait "$pid"
	assert_equal rows "180000|20000" "$(rows)|$(rejects)"
	grep -q "trying again" log # it did crash
}

@test "the last word of a run goes to a file, in which it all adds up" {
	{ items 1 100; printf '\n\n'; echo nonsense; } >two
	run handle-streams --metrics-file here.prom two
	assert_status 0
	for line in 'messages_consumed_total 103' 'messages_total{outcome="loaded"} 100' \
		'messages_total{outcome="rejected"} 1' 'messages_total{outcome="blank"} 2' \
		'messages_in_flight 0' 'rows_loaded_total{stream="items"} 100' \
		'rows_rejected_total{stream=""} 1' 'batches_total 1' 'flush_duration_seconds_count 1'; do
		grep -qxF "handle_streams_$line" here.prom || { echo "no $line in" && cat here.prom; false; }
	done
	# no room: the load is what counts, and what was there stays
	echo before >full.prom
	run bash -c 'ulimit -f 1; exec handle-streams --force --metrics-file full.prom two'
	assert_status 0
	assert_says "cannot write the metrics to full.prom"
	assert_equal "what is there" "full.prom before" "$(echo full.prom*) $(cat full.prom)"
	# where it writes first can be guessed
	echo precious >victim
	bash -c 'ln -s victim "here.prom.$$.part"; exec handle-streams --metrics-file here.prom two'
	assert_equal victim precious "$(cat victim)"
	[ -f here.prom ] && [ ! -L here.prom ]
}

@test "ready while PostgreSQL is there, alive while it is not" {
	run handle-streams health "$PORT"
	assert_status 5
	local before
	before=$(date +%s)
	begin_pipe --metrics-listen "$PORT" --retry-timeout 0
	wait_until 10 handle-streams health "$PORT"
	assert_equal readyz "200 ok" "$(get /readyz)"
	began=$(figure process_start_time_seconds)
	[ "${began%.*}" -ge "$before" ]
	assert_equal "it begins once" "$began" "$(figure process_start_time_seconds)"
	assert_equal elsewhere "404" "$(get /x | cut -d' ' -f1)"
	items 1 10 >&7
	wait_for_value 10 "select count(*) from staging.items" 10
	crash_server
	items 11 20 >&7
	wait_until 10 figure_is 'handle_streams_pg_up' 0
	assert_equal healthz "200 ok" "$(get /healthz)"
	run handle-streams health "$PORT"
	assert_status 4
	assert_says "PostgreSQL is out of reach"
	start_server 3>&- 7>&-
	wait_until 20 handle-streams health "$PORT"
	assert_equal up 1 "$(figure handle_streams_pg_up)"
	end_pipe
	assert_equal rows 20 "$(rows)"
}

@test "who connects and says nothing does not silence the others" {
	begin_pipe --metrics-listen "$PORT"
	wait_until 10 handle-streams health "$PORT"
	python3 - "$PORT" <<-'PY'
		import socket, sys, time, urllib.request
		idle = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(80)]
		until = time.monotonic() + 60
		while True:
		    try:
		        with urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/healthz", timeout=60) as r:
		            assert r.read() == b"ok\n"
		            break
		    except OSError:
		        assert time.monotonic() < until
	PY
	end_pipe
}

@test "metrics are this machine's alone, unless told otherwise" {
	begin_pipe --metrics-listen "$PORT"
	wait_until 10 handle-streams health "$PORT"
	assert_equal bound "127.0.0.1:$PORT" "$(bound)"
	end_pipe
	rm fifo
	begin_pipe --metrics-listen "$BATS_TEST_TMPDIR/sock"
	wait_until 10 handle-streams health "$BATS_TEST_TMPDIR/sock"
	run env HANDLE_STREAMS_METRICS_LISTEN="$BATS_TEST_TMPDIR/sock" handle-streams health
	assert_status 0
	end_pipe
	[ ! -e sock ]
	run handle-streams --metrics-listen nonsense </dev/null
	assert_status 2
	assert_says "nonsense is no place to listen at"
}
# the address a port is bound to, from the kernel's table
bound() {
	python3 - "$PORT" <<-'PY'
		import socket, struct, sys
		for line in open('/proc/net/tcp').readlines()[1:]:
		    address, port = line.split()[1].split(':')
		    if int(port, 16) == int(sys.argv[1]) and line.split()[3] == '0A':
		        print(socket.inet_ntoa(struct.pack('<I', int(address, 16))) + ':' + sys.argv[1])
	PY
}

@test "the service manager is told READY, WATCHDOG, STATUS and STOPPING" {
	"$ROOT/tests/support/notify_listen.py" "$PWD/notify" told 3>&- &
	listener=$!
	wait_until 10 grep -q listening told
	export NOTIFY_SOCKET=$PWD/notify WATCHDOG_USEC=900000
	begin_pipe
	wait_until 10 grep -qx READY=1 told
	items 1 5 >&7
	wait_for_value 10 "select count(*) from staging.items" 5
	wait_until 10 grep -qx WATCHDOG=1 told
	wait_until 10 grep -q "^STATUS=.*5 rows, 0 rejects" told
	kill -TERM "$pid"
	wait_until 10 grep -qx STOPPING=1 told
	end_pipe
}

@test "a log for machines: logfmt and json" {
	items 1 3 >three
	run handle-streams --log-format json three
	assert_status 0
	for line in "${lines[@]}"; do
		jq -e '.time and .level == "info" and .program == "handle-streams" and .pid and .message' <<<"$line"
	done
	assert_says '"message":"done rows=3'
	run env HANDLE_STREAMS_LOG_FORMAT=logfmt handle-streams three
	assert_says 'level=info program=handle-streams pid='
	assert_says 'message="three is loaded already'
	# progress is fields; what is no UTF-8 cannot break the line
	mv three $'\xff"name'
	run handle-streams --force --log-format json $'\xff"name' nowhere
	for line in "${lines[@]}"; do jq -e .message <<<"$line"; done
	run periodic --log-format json ls --select nothing_of_the_kind
	jq -e '.level == "error"' <<<"${lines[-1]}"
}

retried() { [ "$(get /metrics | awk '/^handle_streams_pg_errors_total/ { n += $2 } END { print n + 0 }')" -ge "$1" ]; }

@test "a warning that repeats itself is written once in half a minute" {
	begin_pipe --retry-timeout 0 --metrics-listen "$PORT"
	items 1 5 >&7
	wait_for_value 10 "select count(*) from staging.items" 5
	crash_server
	items 6 9 >&7
	local began=$SECONDS
	wait_until 20 retried 4
	start_server 3>&- 7>&-
	wait_for_value 20 "select count(*) from staging.items" 9
	end_pipe
	[ $((SECONDS - began)) -ge 25 ] || # it may be said again then
		assert_equal "times said" 0 "$(grep -v 'in_doubt' log | sort | uniq -d | wc -l)"
}

#!/usr/bin/env bats
# The question that a run asks without libpq: it answers, or libpq is asked.

# shellcheck disable=SC2154 # held_up: common.bash
load ../support/small_project

# says_with LIBPQ SENTENCE COMMAND...: it says that, and has loaded libpq or not.
says_with() {
	LD_DEBUG=files run -0 "${@:3}"
	assert_says "$2"
	assert_equal "libpq of ${*:3}" "$1" "$([[ $output == *"calling init: "*/libpq.so.5* ]] && echo loaded || echo not)"
}

# What a test has left behind it.
teardown() {
	[ -z "${behind:-}" ] || kill "$behind"
	drop_own_database
}

stop_the_seal() { sql "update millrace.seal set candidate_at = now() + interval '1 hour'"; }
connections_are() { [ "$(wc -l <proxy/log)" = "$1" ]; }

@test "a run that finds nothing loads no libpq; every other does" {
	periodic
	stop_the_seal
	says_with not "nothing new" periodic
	says_with not "nothing new" periodic -d "host=$PGHOST dbname='$PGDATABASE' user=$PGUSER port=$PGPORT"
	# what these mean only libpq knows
	says_with loaded "nothing new" env PGTARGETSESSIONATTRS=any periodic
	says_with loaded "nothing new" periodic -d "postgresql:///$PGDATABASE?host=$PGHOST"
	says_with loaded "nothing new" periodic --metrics-file metrics.prom
	feed "('a', 1)"
	says_with loaded "p.sums: delta" periodic
}

@test "an answer that breaks off anywhere is none" {
	periodic
	feed "('a', 1)"
	periodic
	stop_the_seal
	mkdir proxy
	"$ROOT/tests/support/cutting_proxy.py" "$PWD/proxy" "$PGHOST" 3>&- &
	behind=$!
	wait_until 10 test -S proxy/.s.PGSQL.5432
	PGHOST=$PWD/proxy run -0 periodic
	assert_says "nothing new"
	wait_until 10 test -s proxy/log
	whole=$(cat proxy/log) expected=1
	for ((cut = 0; cut < whole; cut += 1 + whole / 80)); do
		echo "$cut" >proxy/cut
		PGHOST=$PWD/proxy run -0 periodic
		assert_says "nothing new"
		expected=$((expected + 2)) # it and libpq's
	done
	wait_until 10 connections_are "$expected"
	echo "$whole" >proxy/cut # byte by byte it is the same
	PGHOST=$PWD/proxy run -0 periodic
	assert_says "nothing new"
	wait_until 10 connections_are $((expected + 1))
	feed "('a', 10)"
	echo $((whole - 1)) >proxy/cut
	PGHOST=$PWD/proxy run -0 periodic
	assert_says "p.sums: delta"
	assert_equal sums "a|2|11 " "$(sums)"
}

@test "whoever answers what PostgreSQL would not is no reason to believe him" {
	python3 - <<-'PY' 3>&- &
		import os, random, socket
		listener = socket.socket(socket.AF_UNIX)
		listener.bind(".s.PGSQL.5432")
		listener.listen(16)
		rng = random.Random(3)
		ready = b"R\0\0\0\x08\0\0\0\0S\0\0\0\x16server_version\x0015\0" \
		    b"S\0\0\0\x19server_encoding\0UTF8\0Z\0\0\0\x05I"
		odd = [b"", b"R", b"R\0\0\0\0", b"R\xff\xff\xff\xff", b"R\0\0\0\4", b"R\0\0\0\x08\0\0\0\5", b"S\0\0\0\4",
		    b"S\0\0\0\5x", b"S\0\0\0\6x\0", b"S\0\0\0\7x\0y", b"E\0\0\0\5\0", b"Z\0\0\0\5I",
		    ready + b"D\0\0\0\6\0\0", ready + b"T\0\0\0\4", ready + b"T\0\0\0\6\0\1D\0\0\0\4",
		    ready + b"T\0\0\0\6\0\1D\0\0\0\6\0\1", ready + b"T\0\0\0\6\0\1D\0\0\0\x0a\0\1\0\0\0\7",
		    ready + b"T\0\0\0\6\0\2D\0\0\0\x0a\0\1\xff\xff\xff\xff", ready + b"C\0\0\0\5\0Z\0\0\0\5I",
		    ready + b"T\0\0\0\6\0\1Z\0\0\0\5I",
		    ready + b"T\0\0\0\6\0\1D\0\0\0\x0b\0\1\0\0\0\1tC\0\0\0\5\0Z\0\0\0\5I"]
		while True:
		    client, _ = listener.accept()
		    if b"lock_timeout" in client.recv(4096): # not libpq, which gets no answer
		        client.sendall(odd.pop() if odd else bytes(rng.randrange(256) for _ in range(rng.randrange(200))))
		        client.shutdown(socket.SHUT_WR)
		        while client.recv(4096): pass # the question may be asked
		    client.close()
	PY
	behind=$!
	wait_until 10 test -S .s.PGSQL.5432
	for ((i = 0; i < 40; i++)); do
		PGHOST=$PWD run periodic --retry-timeout 0
		assert_status 4
	done
}

@test "a lock that another holds is waited for as ever" {
	periodic
	hold millrace.model "access exclusive"
	periodic >log 2>&1 3>&- &
	pid=$!
	# the one that waits is libpq's, once the first has given up
	wait_for_value 10 "$held_up and query like '%client_min_messages%'" 1
	let_go
	wait "$pid"
	grep -q "nothing new" log
	hold millrace.model "access exclusive"
	stop_held_up periodic
	let_go
}

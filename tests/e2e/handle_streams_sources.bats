#!/usr/bin/env bats
# handle-streams: what it reads, and that a file is loaded once.
# bats file_tags=ingest

setup_file() {
	load ../support/common
	load ../support/ingest
	PROJECT=$(mktemp -d)
	export PROJECT
	make_project "$PROJECT"
}
teardown_file() { rm -rf "$PROJECT"; }

setup() {
	load ../support/common
	load ../support/ingest
	fresh_database
	cd "$BATS_TEST_TMPDIR" || exit
}
teardown() { drop_database; }

# --- pipes ------------------------------------------------------------------

@test "a pipe is loaded to its end and leaves no position behind" {
	items 1 5 | handle-streams 2>log
	assert_equal rows "1 2 3 4 5" "$(loaded)"
	assert_equal positions 0 "$(sql 'select count(*) from millrace.position')"
	assert_verified
}

@test "a pipe fed twice is loaded twice" {
	items 1 3 | handle-streams
	items 1 3 | handle-streams
	assert_equal rows "1 1 2 2 3 3" "$(loaded)"
	assert_verified
}

@test "stdout carries data only, and a run has none" {
	items 1 3 >file
	handle-streams file >out 2>err
	assert_equal "bytes on stdout" 0 "$(wc -c <out)"
	grep -q 'rows=3' err
}

@test "single bytes, CRLF, a byte order mark, blank lines, no last line end" {
	printf '\xef\xbb\xbf{"n": 1}\r\n\r\n  \t\n{"n": 2}\n\n{"n": 3}' >odd
	python3 -c '
import os, sys
for byte in open("odd", "rb").read():
    os.write(1, bytes([byte]))' | handle-streams
	assert_equal rows "1 2 3" "$(loaded)"
	assert_equal rejects 0 "$(rejects)"
	assert_verified
}

@test "a last line that is not whole is a reject that says so" {
	printf '{"n": 1}\n{"n": 2, "na' | handle-streams
	assert_equal rows 1 "$(loaded)"
	run sql "select reason from millrace.reject"
	assert_says "ends in the middle of this line"
	assert_verified
}

@test "NUL and broken UTF-8 are rejects, their neighbours land, bytes are kept" {
	printf '{"n": 1}\n{"n": 2, "name": "\0"}\n{"n": 3, "name": "\xff"}\n{"n": 4}\n' |
		handle-streams
	assert_equal rows "1 4" "$(loaded)"
	assert_equal bytes '7b226e223a20322c20226e616d65223a202200227d' \
		"$(sql "select encode(raw, 'hex') from millrace.reject order by position limit 1")"
	assert_equal positions "9 31" \
		"$(sql "select string_agg(position::text, ' ' order by position) from millrace.reject")"
	assert_verified
}

@test "a line over --max-line is one reject with its first 64 KiB and its length" {
	{
		echo '{"n": 1}'
		printf '{"n": 2, "name": "%0300000d"}\n' 0
		echo '{"n": 3}'
	} | handle-streams --max-line 128kB
	assert_equal rows "1 3" "$(loaded)"
	assert_equal reject "65536|300020" \
		"$(sql "select length(raw), raw_length from millrace.reject")"
	run sql "select reason from millrace.reject"
	assert_says "more than a line may have"
	assert_verified
}

@test "standard input that does not block is waited for" {
	python3 - <<-'PY'
		import os, subprocess, time
		r, w = os.pipe()
		os.set_blocking(r, False)
		p = subprocess.Popen(["handle-streams"], stdin=r)
		os.close(r)
		for n in range(1, 4):
		    time.sleep(0.05)
		    os.write(w, b'{"n": %d}\n' % n)
		os.close(w)
		assert p.wait(300) == 0
	PY
	assert_equal rows "1 2 3" "$(loaded)"
}

@test "a FIFO is a pipe by another name" {
	mkfifo fifo
	items 1 3 >fifo &
	handle-streams fifo
	assert_equal rows "1 2 3" "$(loaded)"
	assert_verified
}

@test "records are committed after --linger though the pipe stays open" {
	mkfifo fifo
	handle-streams --linger 50ms <fifo 2>log &
	pid=$!
	exec 7>fifo
	items 1 3 >&7
	wait_for_value 20 "select count(*) from staging.items" 3
	exec 7>&-
	wait "$pid"
}

@test "SIGTERM commits what was read and ends politely" {
	mkfifo fifo
	handle-streams --linger 1h --shutdown-timeout 10min <fifo 2>log &
	pid=$!
	exec 7>fifo
	items 1 100 >&7
	wait_until 20 position_exists
	# the lines have been read once the pipe is empty
	wait_until 20 pipe_is_empty "$pid"
	kill -TERM "$pid"
	wait "$pid"
	exec 7>&-
	assert_equal rows 100 "$(rows)"
	assert_verified
}
position_exists() { [ "$(sql "select count(*) from millrace.position")" = 1 ]; }
pipe_is_empty() {
	python3 - "$1" <<-'PY'
		import fcntl, struct, sys, termios
		with open(f"/proc/{sys.argv[1]}/fd/0", "rb", buffering=0) as f:
		    n = struct.unpack("i", fcntl.ioctl(f, termios.FIONREAD, b"\0" * 4))[0]
		sys.exit(n != 0)
	PY
}

@test "stopped amid a flood, it loads every line that it took out of the pipe" {
	python3 - <<-'PY'
		import os, signal, subprocess, threading
		r, w = os.pipe()
		p = subprocess.Popen(["handle-streams", "--batch-rows", "500", "--shutdown-timeout", "10min"], stdin=r)
		done, full = threading.Event(), threading.Event()
		def feed():
		    data, n = b"", 1
		    os.set_blocking(w, False)
		    while not done.is_set():
		        if len(data) < 65536:
		            data += b"".join(b'{"n": %d}\n' % i for i in range(n, n + 10000))
		            n += 10000
		        try:
		            data = data[os.write(w, data[:65536]):]
		        except BlockingIOError:
		            full.set()
		            done.wait(0.001)
		feeder = threading.Thread(target=feed)
		feeder.start()
		query = ["psql", "-XAtqc", "select count(*), max(n) from staging.items"]
		ask = lambda: subprocess.run(query, stdout=subprocess.PIPE,
		                             stderr=subprocess.DEVNULL).stdout.strip()
		while ask() in (b"", b"0|"):
		    pass
		p.send_signal(signal.SIGTERM)
		assert p.wait(300) == 0
		full.clear()
		full.wait() # there is something left to look at
		done.set()
		feeder.join()
		os.close(w)
		count, most = map(int, ask().split(b"|"))
		left = os.read(r, 1 << 21).split(b"\n")
		# left[0] may be the tail of a line whose head was taken
		next_whole = int(left[1][6:-1])
		assert count == most, (count, most)
		assert next_whole - most in (1, 2), (most, left[:2])
	PY
	assert_verified
}

# --- files ------------------------------------------------------------------

@test "a file is loaded once, however it is named or given" {
	items 1 5 >file
	handle-streams file
	run handle-streams file
	assert_status 0
	assert_says "loaded already, 0 rows"
	run handle-streams <file
	assert_status 0
	assert_says "loaded already"
	mv file renamed
	run handle-streams renamed
	assert_says "loaded already"
	cp renamed copy
	run handle-streams copy
	assert_says "loaded already"
	assert_equal rows "1 2 3 4 5" "$(loaded)"
	assert_verified
}

@test "equal lines of two files are both loaded" {
	items 1 2 >a
	{ items 1 2 && items 3 3; } | sed 's/item/thing/' >b
	handle-streams a b
	assert_equal rows "1 1 2 2 3" "$(loaded)"
}

@test "--force loads a file again, once for each time" {
	items 1 2 >file
	handle-streams file
	handle-streams --force file
	assert_equal rows "1 1 2 2" "$(loaded)"
	run handle-streams file
	assert_says "loaded already"
	assert_verified
}

@test "a file that has grown goes on, and what it was is still known" {
	items 1 3 >file
	cp file old
	handle-streams file
	items 4 5 >>file
	run handle-streams file
	assert_status 0
	assert_says "goes on at byte"
	run handle-streams old
	assert_says "loaded already"
	assert_equal rows "1 2 3 4 5" "$(loaded)"
	assert_verified
}

@test "a last line without its end may get its end later" {
	printf '{"n": 1}\n{"n": 2}' >file
	handle-streams file
	printf '\r\n{"n": 3}\n' >>file
	handle-streams file
	assert_equal rows "1 2 3" "$(loaded)"
	assert_verified
}

@test "a last line that has grown is refused with exit status 6" {
	printf '{"n": 1}\n{"n": 2}' >file
	handle-streams file
	printf '2\n{"n": 3}\n' >>file
	run handle-streams file
	assert_status 6
	assert_says "without a line end, and that line has grown since"
	assert_equal rows "1 2" "$(loaded)"
}

@test "a killed load goes on where it committed last" {
	items 1 1000 >file
	run env MILLRACE_FAULT=before-commit:4 handle-streams --batch-rows 100 file
	assert_equal "killed" 137 "$status"
	run handle-streams file
	assert_status 0
	assert_says "goes on at byte"
	assert_equal rows "1000|1000" "$(sql "select count(*), count(distinct n) from staging.items")"
	assert_verified
}

@test "several files are loaded in order; one that is missing ends the run" {
	items 1 2 >a
	items 3 4 >b
	run handle-streams a b nowhere
	assert_status 5
	assert_says "cannot open nowhere: No such file"
	assert_equal rows "1 2 3 4" "$(loaded)"
	assert_equal order t \
		"$(sql "select (select max(loaded_at) from staging.items where n < 3) < (select min(loaded_at) from staging.items where n > 2)")"
}

@test "an empty file and one of blank lines are fine" {
	: >empty
	printf '\n  \r\n\n' >blank
	run handle-streams empty blank
	assert_status 0
	assert_says "empty is empty"
	assert_equal rows 0 "$(rows)"
	run handle-streams blank
	assert_says "loaded already"
	assert_verified
}

@test "a directory and a closed standard input are refused with exit status 5" {
	run handle-streams .
	assert_status 5
	assert_says "is a directory"
	run bash -c 'handle-streams <&-'
	assert_status 5
	assert_says "stdin: reading: Bad file descriptor"
}

@test "a compressed file is refused with what to type, exit status 5" {
	items 1 3 >file
	gzip -k file
	run handle-streams file.gz
	assert_status 5
	assert_says "file.gz is compressed"
	assert_says "gzip -dc file.gz | handle-streams"
	run handle-streams <file.gz
	assert_status 5
	assert_equal rejects 0 "$(sql "select count(*) from millrace.reject")"
	gzip -dc file.gz | handle-streams
	assert_equal rows 3 "$(rows)"
}

@test "a file truncated while it is read is noticed" {
	items 1 60000 >file
	stall_at 100
	handle-streams --batch-rows 5 --connections 1 --lock-timeout 10min --statement-timeout 10min file 2>log 3>&- 8>&- &
	pid=$!
	wait_until 20 is_stalled
	: >file # of which two batches have been read ahead, and 256 KiB
	go_on
	status=0
	wait "$pid" || status=$?
	assert_equal "exit status" 5 "$status"
	grep -q 'was truncated while it was read' log
	[ "$(rows)" -ge 100 ]
	assert_verified
}

@test "decoded before it was known: a file that has grown, a copy of what it was" {
	items 1 2000 >file
	echo nonsense >>file
	handle-streams --batch-rows 100 file
	cp file copy
	items 2001 3000 >>file
	handle-streams --batch-rows 100 --max-rejects 1 file 2>log
	grep -q "goes on at byte" log
	run -0 handle-streams --batch-rows 100 --max-rejects 0 copy
	assert_says "copy is loaded already, 0 rows added"
	assert_says "done rows=0 rejects=0 loads=0"
	assert_equal rows "3000|3000" "$(sql "select count(*), count(distinct n) from staging.items")"
	assert_equal rejects 1 "$(rejects)"
	assert_verified
}

@test "decoded before it is claimed: asked to stop, or killed, nothing has happened; then it is loaded" {
	handle-streams </dev/null
	items 1 2000 >file
	mkfifo end
	sql "create function public.wait() returns trigger language plpgsql as
	         'begin perform pg_advisory_xact_lock(7); return new; end';
	     create trigger wait before insert on millrace.position for each row execute function public.wait()"
	psql -Xq -c "select from pg_advisory_lock(7)" -c "\\! cat end" >/dev/null 3>&- &
	holder=$!
	wait_for_value 20 "select count(*) from pg_locks where locktype = 'advisory' and granted" 1
	handle-streams --batch-rows 100 file 2>log 3>&- &
	pid=$!
	wait_until 20 is_ahead "$pid"
	ends_soon "$pid"
	assert_equal "exit status" 0 "$status"
	grep -q "asked to stop before file was begun" log
	wait_for_value 20 "select count(*) from pg_stat_activity where application_name like 'handle-streams%'" 0
	handle-streams --batch-rows 100 file 3>&- &
	pid=$!
	wait_until 20 is_ahead "$pid"
	kill -KILL "$pid"
	wait "$pid" || true
	: >end
	wait "$holder"
	assert_equal rows 0 "$(sql "select count(*) from staging.items")"
	handle-streams --batch-rows 100 file
	assert_equal rows "2000|2000" "$(sql "select count(*), count(distinct n) from staging.items")"
	assert_verified
}
# is_ahead PID: it has taken something out of the file, and its claim waits.
is_ahead() {
	local fd
	for fd in /proc/"$1"/fd/*; do
		[ "$(readlink "$fd")" != "$PWD/file" ] ||
			grep -q '^pos:[[:space:]]*[1-9]' "/proc/$1/fdinfo/${fd##*/}" || return 1
	done
	value_is "select count(*) from pg_stat_activity where application_name like 'handle-streams%' and wait_event_type = 'Lock'" 1
}

@test "two processes on one file load it once" {
	items 1 3000 >file
	handle-streams --batch-rows 50 --claim-timeout 100ms file 2>a &
	one=$!
	handle-streams --batch-rows 50 --claim-timeout 100ms file 2>b &
	two=$!
	first=0 second=0
	wait "$one" || first=$?
	wait "$two" || second=$?
	case "$first $second" in
	"0 6" | "6 0") cat a b | grep -q "another handle-streams" ;;
	"0 0") cat a b | grep -q "loaded already" ;;
	*) echo "exit statuses $first $second" && cat a b && false ;;
	esac
	assert_equal rows "3000 3000" "$(sql "select count(*) || ' ' || count(distinct n) from staging.items")"
	assert_verified
}

@test "one line for each of a hundred small files" {
	for i in $(seq 1 100); do items "$i" "$i" >"f$i"; done
	handle-streams f*
	assert_equal rows 100 "$(rows)"
	handle-streams f*
	assert_equal rows 100 "$(rows)"
	assert_verified
}

@test "five at once, hundreds of small transactions: each line once" {
	for i in 1 2 3 4 5; do
		items $((i * 1000)) $((i * 1000 + 299)) >"f$i"
		handle-streams --batch-rows 3 "f$i" 2>"log$i" &
	done
	wait
	cat log*
	assert_equal rows "1500|1500" "$(sql "select count(*), count(distinct n) from staging.items")"
	assert_equal "times used twice" 0 \
		"$(sql "select count(*) - count(distinct loaded_at) from millrace.load where relation = 'staging.items'")"
	assert_verified
}

# The most memory that loading a file took, in KiB.
peak_memory() {
	python3 - "$1" <<-'PY'
		import resource, subprocess, sys
		subprocess.run(["handle-streams", "-q", sys.argv[1]], check=True)
		print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
	PY
}
skip_if_instrumented() {
	case ${FLAVOUR:-plain} in *address* | thread) skip "instrumented" ;; esac
}

@test "memory stays within 64 MB at full speed" {
	skip_if_instrumented
	unset HANDLE_STREAMS_PROJECT
	bluesky max --count 150000 --seed 1 >events
	cd "$ROOT"
	kib=$(peak_memory "$BATS_TEST_TMPDIR/events")
	[ "$kib" -le $((64 * 1024)) ] || { echo "$kib KiB" && false; }
	assert_equal rows 150000 "$(sql "select count(*) from staging.bluesky_events")"
}

@test "a line of 400 MB takes no more memory than --max-line" {
	skip_if_instrumented
	{ items 1 1 && head -c 400000000 /dev/zero | tr '\0' x && echo && items 2 2; } >file
	kib=$(peak_memory file)
	[ "$kib" -le $((32 * 1024)) ] || { echo "$kib KiB" && false; }
	assert_equal "rows and reject" "1 2|400000000" \
		"$(loaded)|$(sql "select max(raw_length) from millrace.reject")"
}

@test "an interrupted file and others that begin like it: each has all its rows" {
	items 1 6 >first
	{ items 1 2; items 101 104; items 105 109; } >longer
	{ items 1 2; items 201 201; } >shorter
	run env MILLRACE_FAULT=after-commit:1 handle-streams --connections 1 --batch-rows 2 first
	assert_equal "killed" 137 "$status"
	for fault in after-claim after-commit:2; do
		run env MILLRACE_FAULT=$fault handle-streams --connections 1 --batch-rows 2 longer
		assert_equal "killed" 137 "$status"
	done
	run -0 handle-streams shorter
	run -0 handle-streams first
	assert_says "goes on at byte"
	run -0 handle-streams longer
	assert_says "goes on at byte"
	assert_equal rows "1 1 1 2 2 2 3 4 5 6 101 102 103 104 105 106 107 108 109 201" "$(loaded)"
	items 7 7 >>first
	items 110 110 >>longer
	run -0 handle-streams first longer shorter
	assert_equal grown "2 22" "$(sql "select count(*) filter (where n in (7, 110)) || ' ' || count(*) from staging.items")"
	assert_verified
}

@test "an interrupted file that has grown since goes on" {
	items 1 6 >file
	run env MILLRACE_FAULT=after-commit:1 handle-streams --connections 1 --batch-rows 2 file
	assert_equal "killed" 137 "$status"
	items 7 9 >>file
	run -0 handle-streams file
	assert_says "goes on at byte"
	assert_equal rows "1 2 3 4 5 6 7 8 9" "$(loaded)"
	assert_verified
}

#!/usr/bin/env bats
# A real Kafka into a real PostgreSQL, exactly once.

load ../support/broker

@test "one process loads a topic to where it ended at the start" {
	topic simple 4
	produce simple simple 0 1000 4
	run consume simple -e
	assert_status 0
	whole simple 1000
	assert_equal positions "250 250 250 250" "$(positions simple)"
}

@test "loading it again adds nothing" {
	run consume simple -e
	assert_status 0
	assert_says "rows=0"
	whole simple 1000
}

@test "several processes of one group share the partitions" {
	topic shared 4
	produce shared shared 0 4000 4
	local i pids=()
	for i in 1 2 3; do
		launch "log.$i" shared -e --batch-rows 100
		pids+=("$PID")
	done
	for i in "${pids[@]}"; do
		wait "$i" || { cat log.*; return 1; }
	done
	whole shared 4000
	assert_equal positions "1000 1000 1000 1000" "$(positions shared)"
}

@test "a restart goes on where PostgreSQL says, whatever Kafka's offsets say" {
	topic restart 2
	produce restart restart 0 100 2
	consume restart -e
	produce restart restart 100 200 2
	# Kafka now believes that the group has read everything
	kcat -q -b "$BROKERS" -G tests restart -e >/dev/null 2>&1
	run consume restart -e
	assert_status 0
	whole restart 200
}

@test "killed at any point of a batch, a restart completes it" {
	local point
	topic killed 2
	produce killed killed 0 2000 2
	for point in before-claim after-claim before-begin before-copy \
		mid-copy after-copy before-commit commit-sent after-commit; do
		MILLRACE_FAULT=$point:2 run consume killed -e --batch-rows 150
		assert_status 137
	done
	run consume killed -e
	assert_status 0
	whole killed 2000
}

@test "when one process dies, another takes its partitions over" {
	topic taken 4
	produce taken taken 0 100 4
	local first second
	launch log.1 taken
	first=$PID
	wait_for_value 20 "select count(*) from staging.events where run = 'taken'" 100
	launch log.2 taken
	second=$PID
	wait_until 20 grep -q "partitions are ours" log.2
	kill -9 "$first"
	produce taken taken 100 200 4
	wait_for_value 30 "select count(*) from staging.events where run = 'taken'" 200
	halt "$second"
	whole taken 200
}

@test "poisoned records become rejects, and their neighbours rows" {
	local n
	topic poison 1
	produce poison poison 0 50 1
	printf 'not json' >bad
	printf '{"run": "poison", "n": 1\0}' >nul
	head -c 5000000 /dev/zero | tr '\0' x >big
	for n in bad nul big; do
		kcat -q -b "$BROKERS" -P -t poison -X message.max.bytes=20000000 "$n"
	done
	printf '0\tk\t\n' | admin produce poison >/dev/null # empty, not null
	echo 'gone:' | kcat -q -b "$BROKERS" -P -t poison -Z -K :
	produce poison poison 50 100 1
	run consume poison -e --max-line 1MB
	assert_status 0
	assert_says "tombstones=1"
	whole poison 100
	run sql "select position, length(raw), raw_length from millrace.reject where source like 'kafka:%/poison' and part = 0 order by position"
	assert_equal rejects "50|8|8
51|26|26
52|65536|5000000
53|0|0" "$output"
	assert_equal "the bytes" "$(od -An -tx1 nul | tr -d ' \n')" \
		"$(sql "select encode(raw, 'hex') from millrace.reject where source like '%/poison' and position = 51")"
	assert_equal positions 105 "$(positions poison)"
}

@test "a row that PostgreSQL refuses in the last batch becomes a reject, and -e ends" {
	topic refused 2
	sql "alter table staging.events add constraint no_13 check (run <> 'refused' or n <> 13)"
	produce refused refused 0 100 2
	run timeout 300 handle-streams -b "$BROKERS" -t refused -G tests -e
	assert_status 0
	assert_says "PostgreSQL refused 1 rows"
	assert_equal rows 99 "$(sql "select count(*) from staging.events where run = 'refused'")"
	assert_equal rejects 1 "$(sql "select count(*) from millrace.reject where source like '%/refused'")"
	assert_equal positions "50 50" "$(positions refused)"
}

@test "--map names a topic's stream; key, headers, time and place are columns" {
	topic traced 2
	printf 'k\303\251y:{"n": 5}\n' |
		kcat -q -b "$BROKERS" -P -t traced -p 1 -K : -H a=1 -H 'b=x"y' -H a=2
	echo '{"n": 6}' | kcat -q -b "$BROKERS" -P -t traced -p 0
	run consume traced --map traced=traced -e
	assert_status 0
	run sql "select topic, part, at_offset, abs(extract(epoch from now() - sent_at)) < 600, key, headers, n from staging.traced order by n"
	assert_equal rows 'traced|1|0|t|kéy|[{"key": "a", "value": "1"}, {"key": "b", "value": "x\"y"}, {"key": "a", "value": "2"}]|5
traced|0|0|t|||6' "$output"
	run consume traced --map traced=tracd -e
	assert_status 2
	assert_says "did you mean traced?"
}

@test "aborted transactions are not loaded, and positions pass their marks" {
	topic tx 1
	produce tx tx 0 10 1
	printf '0\tk\t{"run": "tx", "n": 777}\n' |
		admin produce tx transactional.id=t1 abort=1 >/dev/null
	printf '0\tk\t{"run": "tx", "n": 10}\n' |
		admin produce tx transactional.id=t1 >/dev/null
	run consume tx -e
	assert_status 0
	whole tx 11
	assert_equal "the end" "$(admin marks tx | cut -d' ' -f3)" "$(positions tx)"
	produce tx tx 11 20 1
	run consume tx -e
	assert_status 0
	whole tx 20
}

@test "a second group is refused" {
	run handle-streams -b "$BROKERS" -t simple -G others -e
	assert_status 6
	assert_says "group tests loads"
	whole simple 1000
}

@test "-o says where a topic begins: a tail, an offset, a time" {
	topic tail 1
	topic from 1
	topic since 1
	produce tail tail 0 20 1
	produce from from 0 20 1
	produce since since 0 10 1
	local now
	sleep 0.01
	now=$(date +%s%3N)
	produce since since 10 20 1
	consume tail -e -o -5
	consume from -e -o 12
	consume since -e -o "s@$now"
	assert_equal rows "from|8|12
since|10|10
tail|5|15" "$(sql "select run, count(*), min(n) from staging.events where run in ('tail', 'from', 'since') group by 1 order by 1")"
	run consume simple -o sometime
	assert_status 1
	assert_says "-o takes beginning, end"
	topic beyond 1
	run consume beyond -e -o 7
	assert_status 5
	assert_says "holds offsets 0 to 0"
}

@test "-c ends after so many records, -p takes one partition" {
	topic counted 2
	produce counted counted 0 20 2
	run consume counted -c 3
	assert_status 0
	assert_equal rows 3 "$(sql "select count(*) from staging.events where run = 'counted'")"
	run consume counted -p 1 -e
	assert_status 0
	assert_equal "the odd ones" 10 "$(sql "select count(distinct n) from staging.events where run = 'counted' and n % 2 = 1")"
	run consume counted -p 7
	assert_status 5
	assert_says "partition 7 of topic counted does not exist: it has 2, from 0 on"
	assert_equal claimed 0 "$(sql "select count(*) from millrace.position where part = 7")"
	run consume counted -e
	assert_status 0
	whole counted 20
}

@test "what would void the promise is refused, with the reason" {
	run consume simple -X enable.auto.commit=true
	assert_status 2
	assert_says "positions move only in PostgreSQL"
	run consume simple -X auto.offset.reset=latest
	assert_status 2
	assert_says "never a silent jump"
	run consume simple -X isolation.level=read_uncommitted
	assert_status 2
	assert_says "aborted transactions"
	run consume simple -X group.id=other
	assert_status 2
	assert_says "-G"
	run consume simple -X no.such.property=1
	assert_status 2
	assert_says "no.such.property"
}

@test "a secret comes from a file or the environment, and shows nowhere" {
	run consume simple -X sasl.password=hunter2
	assert_status 2
	assert_says "sasl.password.file=PATH"
	[[ $output != *hunter2* ]]
	echo hunter2 >secret
	chmod 644 secret
	run consume simple -X sasl.password.file=secret -e
	assert_status 2
	assert_says "chmod 600"
	# what a service manager hands over by an access list
	chmod 440 secret
	run consume simple -X sasl.password.file=secret -e
	assert_status 2
	run env CREDENTIALS_DIRECTORY="$PWD" handle-streams -b "$BROKERS" -t simple -G tests -X sasl.password.file="$PWD/secret" -e
	assert_status 0
	chmod 600 secret
	run consume simple -X sasl.password.file=secret -e --verbose
	assert_status 0
	[[ $output != *hunter2* ]]
	SECRET=hunter2 run consume simple -X sasl.password.env=SECRET -e
	assert_status 0
}

@test "no broker, no topic: a sentence and status 5" {
	run handle-streams -b 127.0.0.1:1 -t simple --connect-timeout 1s
	assert_status 5
	assert_says "cannot reach Kafka: 127.0.0.1:1"
	run consume nowhere
	assert_status 5
	assert_says "topic nowhere does not exist"
}

@test "SIGTERM commits what was read, leaves the group and ends with 0" {
	topic polite 1
	produce polite polite 0 10 1
	launch log polite --linger 1h
	wait_until 20 grep -q "partitions are ours" log
	halt "$PID"
	grep -q "left group" log
	run consume polite -e
	assert_status 0
	whole polite 10
}

@test "a broker that goes and comes back is waited for" {
	topic outage 1
	produce outage outage 0 10 1
	launch log outage
	wait_for_value 20 "select count(*) from staging.events where run = 'outage'" 10
	"$ROOT/tests/kafka/kafka.sh" kill "$KAFKA_DIR"
	"$ROOT/tests/kafka/kafka.sh" start "$KAFKA_DIR"
	produce outage outage 10 20 1
	wait_for_value 40 "select count(*) from staging.events where run = 'outage'" 20
	halt "$PID"
	whole outage 20
}

@test "thrown out of the group for not polling, it joins again" {
	topic slow 1
	produce slow slow 0 5 1
	consume slow -e
	launch log slow --verbose --batch-rows 1 -X max.poll.interval.ms=2100
	wait_until 20 grep -q "partitions are ours" log
	# Nothing can be committed: every batch fills up, and polling stops.
	mkfifo locker
	psql -Xq <locker >/dev/null 3>&- &
	local locker=$!
	exec 7>locker
	echo "begin; select from millrace.position where source like '%/slow' for update;" >&7
	wait_for_value 20 "select count(*) from pg_locks where relation = 'millrace.position'::regclass and mode = 'RowShareLock'" 1
	produce slow slow 5 60 1
	wait_until 20 grep -q "maximum poll interval .* exceeded" log
	exec 7>&-
	wait $locker
	wait_for_value 40 "select count(*) from staging.events where run = 'slow'" 60
	wait_until 20 grep -q "joining group tests again" log
	halt "$PID"
	whole slow 60
}

@test "without PostgreSQL for long it leaves the group, and comes back later" {
	topic away 2
	produce away away 0 10 2
	own_server
	launch log away --leave-timeout 1s
	wait_for_value 20 "select count(*) from staging.events where run = 'away'" 10
	stop_server
	produce away away 10 20 2
	wait_until 20 grep -q "leaving so that others can take over" log
	start_server
	wait_for_value 40 "select count(*) from staging.events where run = 'away'" 20
	halt "$PID"
	whole away 20
	"$ROOT/tests/support/suite_pg.sh" remove "$OWN_PG"
}

@test "rejects of a topic are replayed once their stream has been fixed" {
	topic fixed 1
	printf 'k\303\251y:{"m": 5}\n' | kcat -q -b "$BROKERS" -P -t fixed -K : -H a=1 -H b=2
	run consume fixed --map fixed=traced -e
	assert_status 0
	assert_says "rejects=1"
	sed -i 's/-- from: n$/-- from: n | m/' "$HANDLE_STREAMS_PROJECT/sql/test/streams/traced.sql"
	run handle-streams rejects replay
	assert_status 0
	assert_equal row 'fixed|0|0|kéy|[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]|t|5' \
		"$(sql "select topic, part, at_offset, key, headers, abs(extract(epoch from now() - sent_at)) < 600, n from staging.traced where topic = 'fixed'")"
	handle-streams rejects replay
	assert_equal "again" 1 "$(sql "select count(*) from staging.traced where topic = 'fixed'")"
}

@test "explain shows the record at an offset" {
	run handle-streams explain -b "$BROKERS" -o simple:1:2
	assert_status 0
	assert_says "staging.events"
	assert_says "9"
	run handle-streams explain -b "$BROKERS" -o simple:1:9999
	assert_status 5
	assert_says "there is no record at simple:1:9999"
	run handle-streams explain -b "$BROKERS" -o simple
	assert_status 1
	assert_says "TOPIC:PARTITION:OFFSET"
}

@test "verify compares the positions with what the brokers hold" {
	topic marks 1
	produce marks marks 0 10 1
	consume marks -e
	produce marks marks 10 14 1
	run handle-streams verify -b "$BROKERS"
	assert_says "marks part 0: position=10 low=0 high=14 lag=4 headroom=10"
	admin trim marks 0 12
	run handle-streams verify -b "$BROKERS"
	assert_status 3
	assert_says "offsets 10 to 11 were deleted before they were loaded"
	consume marks -e --on-gap record
}

@test "doctor looks at the database, the topic and the group" {
	run handle-streams doctor -b "$BROKERS" -t simple -G tests
	assert_says "ok    the user may load"
	assert_says "ok    topic simple can be read"
	assert_says "ok    group tests can be read"
	assert_says "range assignor"
	assert_says "simple part 0: position=250"
	run handle-streams doctor -b "$BROKERS" -t nowhere
	assert_status 2
	assert_says "FAULT topic nowhere can be read: Broker: Unknown topic"
	sql "grant insert (loaded_at) on staging.events to millrace_ingest"
	run handle-streams doctor
	assert_status 2
	assert_says "revoke insert (loaded_at) on staging.events from millrace_ingest"
	sql "revoke insert (loaded_at) on staging.events from millrace_ingest"
}

@test "the metrics of a partition: lag, headroom, and every record's outcome" {
	admin create measured 1
	(items_of measured 1 50; printf '0\tk\tbroken\n') | admin produce measured >/dev/null
	kcat -q -P -Z -K: -b "$BROKERS" -t measured -p 0 <<<"tomb:"
	admin trim measured 0 10
	handle-streams -b "$BROKERS" -t measured -G tests --metrics-listen "$BATS_TEST_TMPDIR/sock" 2>/dev/null 3>&- &
	pid=$!
	wait_until 30 measured 'consumer_lag{topic="measured",partition="0"} 0'
	wait_until 10 measured 'messages_total{outcome="loaded"} 40'
	for line in 'messages_consumed_total 42' 'messages_total{outcome="rejected"} 1' 'messages_total{outcome="tombstone"} 1' \
		'messages_in_flight 0' 'retention_headroom_records{topic="measured",partition="0"} 42' \
		'low_offset{topic="measured",partition="0"} 10' 'committed_offset{topic="measured",partition="0"} 52'; do
		wait_until 10 measured "$line"
	done
	kill -TERM "$pid"
	wait "$pid" || true
}

items_of() { seq "$2" "$3" | sed "s/.*/0\tk\t{\"run\": \"$1\", \"n\": &}/"; }

measured() { curl_unix "$BATS_TEST_TMPDIR/sock" | grep -qxF "handle_streams_$1"; }

curl_unix() {
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX); s.settimeout(60); s.connect(sys.argv[1])
s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
sys.stdout.write(b"".join(iter(lambda: s.recv(65536), b"")).decode().replace("\r", ""))' "$1"
}

@test "verify finds the ledger whole after all of this" {
	run handle-streams verify
	assert_status 0
}

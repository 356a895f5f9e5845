#!/usr/bin/env bats
# What Kafka no longer has, or nobody can read: topics, partitions, records.

load ../support/broker

@test "a topic that was deleted and created again halts, and says so" {
	topic again 1
	produce again first 0 20 1
	consume again -e
	admin delete again
	wait_until 20 topic again 1
	produce again second 0 10 1
	run consume again -e
	assert_status 6
	assert_says "deleted and created again"
	# as long as before: the last record that was loaded is another one
	produce again second 10 40 1
	run consume again -e
	assert_status 6
	assert_says "deleted and created again"
	assert_equal "rows of the new one" 0 "$(sql "select count(*) from staging.events where run = 'second'")"
}

@test "a topic deleted, or created again, while it is read halts at once" {
	topic short 1
	topic vanished 1
	produce short short 0 20 1
	produce vanished vanished 0 20 1
	launch log.1 short
	local first=$PID
	launch log.2 vanished
	local second=$PID
	wait_for_value 20 "select count(*) from staging.events where run in ('short', 'vanished')" 40
	admin delete vanished
	kill -STOP "$first" # or it would see it neither deleted nor made again, but gone
	admin delete short
	wait_until 20 topic short 1
	produce short longer 0 10 1
	kill -CONT "$first"
	local ended=0
	wait "$first" || ended=$?
	assert_equal "exit status" 6 $ended
	run cat log.1
	assert_says "deleted and created again"
	wait "$second" || ended=$?
	assert_equal "exit status" 5 $ended
	run cat log.2
	assert_says "topic vanished does not exist"
	assert_equal "rows of the new one" 0 "$(sql "select count(*) from staging.events where run = 'longer'")"
}

@test "what compaction took away is no loss, nor is the record before it" {
	topic compacted 1 cleanup.policy=compact segment.ms=1 \
		min.cleanable.dirty.ratio=0.001 min.compaction.lag.ms=0
	local n
	# in one batch, since all but the last are compacted at once
	for n in 0 1 2 3 4 5 6 7 8 9; do
		printf '0\tkey-%d\t{"run": "compacted", "n": %d}\n' $((n % 5)) "$n"
	done | admin produce compacted linger.ms=60000 >/dev/null
	consume compacted -c 8
	assert_equal "its position" 8 "$(positions compacted)"
	# The same keys again, so that all of these go, the anchor too.
	for n in 10 11 12 13 14; do
		printf '0\tkey-%d\t{"run": "compacted", "n": %d}\n' $((n % 5)) "$n"
	done | admin produce compacted >/dev/null
	wait_until 30 gone_below compacted 10
	run consume compacted -e
	assert_status 0
	assert_equal "rows: before, compacted away, after" "8|0|5" \
		"$(sql "select count(*) filter (where n < 8), count(*) filter (where n in (8, 9)), count(*) filter (where n >= 10) from staging.events where run = 'compacted'")"
	assert_equal gaps 0 "$(sql "select count(*) from millrace.gap where source like '%/compacted'")"
	run handle-streams verify -b "$BROKERS"
	assert_says "compacted part 0: position=$(admin marks compacted | cut -d' ' -f3)"
}

@test "records deleted before they were loaded halt, or go on record" {
	topic trimmed 1
	produce trimmed trimmed 0 10 1
	consume trimmed -e
	produce trimmed trimmed 10 30 1
	admin trim trimmed 0 15
	run consume trimmed -e
	assert_status 6
	assert_says "offsets 10 to 14 of partition 0 of topic trimmed"
	run consume trimmed -e --on-gap record
	assert_status 0
	assert_equal gap "0|10|15" "$(sql "select part, from_offset, to_offset from millrace.gap where source like '%/trimmed'")"
	assert_equal rows "25|10" "$(sql "select count(*), count(*) filter (where n < 10) from staging.events where run = 'trimmed'")"
}

@test "records deleted while it runs are noticed, too" {
	topic overrun 1 segment.bytes=1048576
	produce overrun overrun 0 10 1
	launch log overrun --on-gap record
	wait_for_value 20 "select count(*) from staging.events where run = 'overrun'" 10
	kill -STOP "$PID"
	produce overrun overrun 10 30 1
	admin trim overrun 0 25
	kill -CONT "$PID"
	produce overrun overrun 30 40 1
	wait_for_value 30 "select count(*) filter (where n >= 25) from staging.events where run = 'overrun'" 15
	halt "$PID"
	# what had been fetched in time is rows, what had not is the gap
	assert_equal "rows and gaps" 40 "$(sql "select (select count(distinct n) from staging.events where run = 'overrun') + (select coalesce(sum(to_offset - from_offset), 0) from millrace.gap where source like '%/overrun')")"
}

@test "a batch that librdkafka cannot read and skips ends the run, and is not passed" {
	local name offset byte status=0
	# byte 16 of a batch is its version, byte 22 how it is compressed
	while read -r name offset byte; do
		topic "$name" 1
		produce "$name" "$name" 0 10 1
		produce "$name" "$name" 10 20 1
		# shellcheck disable=SC2059 # an escape for printf
		printf "$byte" | dd of="$KAFKA_DIR/data/$name-0/00000000000000000000.log" bs=1 seek="$offset" conv=notrunc status=none
		launch log "$name"
		wait_until 20 grep -q "topic $name, partition 0, from offset 0: librdkafka" log || { kill "$PID"; return 1; }
		wait "$PID" || status=$?
		assert_equal "exit status" 5 "$status"
		status=0
		assert_equal "position of $name" 0 "$(positions "$name")"
	done <<<"odd-version 16 \\x03
odd-codec 22 \\x07"
}

@test "a partition that the topic gets later begins at its beginning" {
	topic grown 1
	produce grown grown 0 10 1
	launch log grown -X topic.metadata.refresh.interval.ms=500 -o end
	wait_until 20 grep -q "1 partitions are ours" log
	admin grow grown 3
	produce grown later 0 30 3
	wait_for_value 30 "select count(*) from staging.events where run = 'later'" 30
	halt "$PID"
	whole later 30
	assert_equal "before -o end" 0 "$(sql "select count(*) from staging.events where run = 'grown'")"
}

@test "what was deleted from such a partition before it was loaded is a gap" {
	topic later 1
	produce later later 0 10 1
	consume later -e
	admin grow later 2
	produce later later 10 30 2
	admin trim later 1 1
	run consume later -e
	assert_status 6
	assert_says "offsets 0 to 0 of partition 1 of topic later were deleted before they could be loaded"
}

@test "verify finds the ledger whole after all of this" {
	run handle-streams verify
	assert_status 0
}

@test "a topic made anew is loaded once its old position is deleted" {
	sql "delete from millrace.position where source like '%/again'"
	run consume again -e
	assert_status 0
	whole second 40
	run handle-streams verify
	assert_status 0
	sql "update millrace.position set next_offset = next_offset - 1 where source like '%/again'"
	run handle-streams verify
	assert_status 3
	assert_says "the position is 39, the ranges end at 40"
}

# What the bats files about Kafka share: a broker and a project of their own.
#
#   setup_file()    { load ../support/common; load ../support/kafka; fresh_database; own_broker; }
#   teardown_file() { drop_broker; drop_database; }

# own_broker [secure]: starts a broker, named by BROKERS, and makes a project with two streams.
own_broker() {
	export KAFKA_DIR=$BATS_FILE_TMPDIR/kafka
	mkdir -p "$KAFKA_DIR"
	[ -z "${1:-}" ] || "$ROOT/tests/kafka/kafka.sh" "$1" "$KAFKA_DIR"
	BROKERS=$("$ROOT/tests/kafka/kafka.sh" start "$KAFKA_DIR")
	export BROKERS HANDLE_STREAMS_PROJECT=$BATS_FILE_TMPDIR/project
	mkdir -p "$HANDLE_STREAMS_PROJECT/sql/test/streams"
	cat >"$HANDLE_STREAMS_PROJECT/sql/test/streams/events.sql" <<-'END'
		-- stream: events
		-- format: json
		-- match: run + n
		create table staging.events (
		    run       text   not null,  -- from: run
		    n         bigint not null,  -- from: n
		    payload   text,             -- from: payload
		    loaded_at timestamptz not null default now()
		) partition by range (loaded_at);
	END
	cat >"$HANDLE_STREAMS_PROJECT/sql/test/streams/traced.sql" <<-'END'
		-- stream: traced
		-- format: json
		-- match: nothing.matches
		create table staging.traced (
		    topic     text   not null,  -- from: @topic
		    part      int    not null,  -- from: @partition
		    at_offset bigint not null,  -- from: @offset
		    sent_at   timestamptz,      -- from: @timestamp as epoch_ms
		    key       text,             -- from: @key
		    headers   jsonb,            -- from: @headers
		    n         bigint not null,  -- from: n
		    loaded_at timestamptz not null default now()
		) partition by range (loaded_at);
	END
}

drop_broker() { "$ROOT/tests/kafka/kafka.sh" stop "$KAFKA_DIR"; }

admin() { kafka-admin "$BROKERS" "$@"; }

# topic NAME [PARTITIONS [NAME=VALUE...]]
topic() {
	local name=$1 partitions=${2:-1}
	shift
	[ $# -eq 0 ] || shift
	admin create "$name" "$partitions" "$@"
}

# produce TOPIC RUN FROM TO PARTITIONS: events FROM .. TO-1 of a run, in turn
produce() {
	local n
	for ((n = $3; n < $4; n++)); do
		printf '%d\tkey-%d\t{"run": "%s", "n": %d, "payload": "%0*d"}\n' \
			$((n % $5)) "$n" "$2" "$n" $((n % 60 + 1)) "$n"
	done | admin produce "$1" >/dev/null
}

# consume TOPIC OPTIONS...: loads as group `tests`
consume() {
	local topic=$1
	shift
	handle-streams -b "$BROKERS" -t "$topic" -G tests --linger 50ms \
		-X session.timeout.ms=2000 -X heartbeat.interval.ms=300 "$@"
}

# launch LOG TOPIC OPTIONS...: the same in the background; PID is the process
launch() {
	local log=$1 topic=$2
	shift 2
	handle-streams -b "$BROKERS" -t "$topic" -G tests --linger 50ms \
		-X session.timeout.ms=2000 -X heartbeat.interval.ms=300 "$@" \
		2>"$log" 3>&- &
	export PID=$!
}

# halt PID...: asks it to stop, which must succeed
halt() {
	kill "$1"
	wait "$1"
}

# whole RUN COUNT: every event of the run is there once
whole() {
	assert_equal "events of $1: rows, different, smallest, largest" \
		"$2|$2|0|$(($2 - 1))" \
		"$(sql "select count(*), count(distinct n), min(n), max(n) from staging.events where run = '$1'")"
}

# Whether partition 0 of a topic holds nothing below an offset any more.
gone_below() {
	printf '0\tnudge\t{}\n' | admin produce "$1" >/dev/null
	[ "$(kcat -q -C -b "$BROKERS" -t "$1" -p 0 -o beginning -c 1 -f '%o')" -ge "$2" ]
}

# Where a topic's partitions stand, in order, separated by spaces.
positions() {
	sql "select string_agg(next_offset::text, ' ' order by part) from millrace.position where source like 'kafka:%/$1'"
}

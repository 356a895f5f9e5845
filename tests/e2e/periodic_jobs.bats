#!/usr/bin/env bats
# Jobs: sections of pack.conf that cron or systemd start.

setup_file() {
	load ../support/common
	fresh_database
}
teardown_file() { drop_database; }
setup() {
	load ../support/common
	load ../support/periodic
	own_database
	cd "$BATS_TEST_TMPDIR" || return 1
	small_project
	model on_top <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: recompute
		--   by: k
		--   tags: [nightly]
		select s.k, s.total * 2 as twice from p.sums s where /*+ incremental(s.k) */ true
	SQL
	model aside <<-'SQL'
		-- config:
		--   materialized: incremental
		--   strategy: append
		select r.k from staging.r r where /*+ incremental(r.k) */ true
	SQL
}
teardown() {
	[ -z "${PROXY:-}" ] || kill "$PROXY"
	drop_own_database
}

locked="select count(*) from pg_locks where locktype = 'advisory'
	and database = (select oid from pg_database where datname = current_database())"
job() { cat >sql/p/pack.conf; }
state() { sql "select concat_ws('|', status, attempts, message) from millrace.job where job = '$1'"; }

@test "a job runs its selection, and the list says how it fared" {
	job <<-'CONF'
		[job nightly]            # what the board sees
		select = tag:nightly
		select = aside
		exclude = p.sums
		calendar = *-*-* 02:00:00 UTC
		on_success = printf '%s %s [%s]' "$MILLRACE_JOB" "$MILLRACE_STATUS" "$MILLRACE_MESSAGE" >told

		[job all]
	CONF
	run -0 periodic jobs
	[[ ${lines[1]} =~ ^all\ +pack:p\ +never\ run$ ]]
	[[ ${lines[2]} =~ ^nightly\ +tag:nightly\ aside\ but\ p.sums\ +\*-\*-\*\ 02:00:00\ UTC\ +never\ run\ +20..-..-..\ 02:00:00$ ]]
	periodic -s sums
	run -0 periodic run --job nightly
	assert_says "2 done, 0 failed"
	assert_equal told "nightly success []" "$(cat told)"
	assert_equal state "success|1" "$(state nightly)"
	run -0 periodic --job nightly
	assert_says "nothing new"
	run -0 periodic --job all
	assert_equal names "all nightly" "$(periodic jobs --output name | xargs)"
	assert_equal status success "$(periodic jobs --output json | jq -r 'select(.name == "nightly").last_status')"
	run -1 periodic --job nightli
	assert_says "there is no job nightli; did you mean nightly?"
	run -1 periodic --job nightly -s sums
	assert_says "--job brings its own selection"
	run -1 periodic test --job nightly
	assert_says "--job goes with run, not with test"
	run -1 periodic jobs somewhere
	assert_says "a folder goes with jobs --systemd"
}

@test "only what failed is tried again, until it is well" {
	job <<-'CONF'
		[job all]
		retries = 100
		retry_delay = 500ms
	CONF
	periodic -q
	feed "('a', 5000)"
	periodic --job all >log 2>&1 &
	local pid=$!
	wait_for_value 20 "select count(*) >= 2 from millrace.run where status = 'error'" t
	assert_equal again "p.on_top skipped,p.sums fail" "$(sql "select string_agg(model || ' ' || status, ',' order by model)
		from millrace.run_model where run_id = (select max(run_id) from millrace.run where status = 'error')")"
	feed "('a', -4990)"
	wait $pid
	grep -q "job all: what failed is tried again in 0 s, 1 of 100" log
	assert_equal state success "$(sql "select status from millrace.job")"
	assert_equal mart "a|20" "$(sql "select k, twice from p.on_top")"
}

@test "a load that is held stays a failure, however often it is tried" {
	sed -i '2i -- tests:\n--   - expression: v < 100' sql/p/streams/r.sql
	job <<-'CONF'
		[job held]
		select = p.aside
		retries = 1
		retry_delay = 1s
	CONF
	periodic -q
	feed "('bad', 500)"
	run -3 periodic --job held
	assert_equal state "error|2" "$(sql "select status, attempts from millrace.job where job = 'held'")"
}

@test "who is told gets words, not code, and no secrets" {
	job <<-'CONF'
		[job all]
		on_failure = env | grep -v ^_= | sort >told; exit 7
	CONF
	periodic -q
	feed "('a', 5000)"
	PGAPPNAME=geheim PGPASSWORD=geheim run -3 periodic --job all
	assert_says "warning: job all: on_failure ended with status 7"
	assert_equal message "MILLRACE_MESSAGE=failed: p.sums; skipped: p.on_top" "$(grep MESSAGE told)"
	grep -qx MILLRACE_STATUS=error told
	run -1 grep -E 'geheim|^PG|PERIODIC' told
	assert_equal state "error|1|failed: p.sums; skipped: p.on_top" "$(state all)"
	run -0 periodic jobs
	assert_says "all: failed: p.sums; skipped: p.on_top"
	# a database that is away is told too
	PGPORT=1 run -4 periodic --retry-timeout 0 --job all
	grep -q '^MILLRACE_MESSAGE=.*1' told
}

@test "a job ends at its timeout, and says when its sla is broken" {
	job <<-'CONF'
		[job all]
		timeout = 1s
		retries = 5
		sla = 1ms
		on_failure = echo "$MILLRACE_STATUS: $MILLRACE_MESSAGE" >told
	CONF
	periodic -q
	feed "('a', 1)"
	coproc psql -XAtq
	local other=$COPROC_PID timeout
	echo "begin; lock table p.sums in access exclusive mode; select 'held';" >&"${COPROC[1]}"
	read -r -u "${COPROC[0]}" _
	for timeout in 1 5 25; do # until it comes so far as to begin
		sed -i "s/timeout = .*/timeout = ${timeout}s/" sql/p/pack.conf
		run -3 timeout 300 periodic --lock-timeout 1h --job all
		[ -z "$(state all)" ] || break
	done
	assert_says "job all: not done after $timeout s"
	assert_says "its sla is 0 s"
	assert_equal told "timeout: not done after $timeout s" "$(cat told)"
	assert_equal state "timeout|1|not done after $timeout s" "$(state all)"
	# one that is asked to stop tells nobody
	wait_for_value 10 "$locked" 0 # the server has heard of the end
	rm told
	sed -i "s/timeout = .*/timeout = 1h/" sql/p/pack.conf
	periodic --lock-timeout 1h --job all 2>stopped &
	wait_for_value 10 "select count(*) > 0 from pg_stat_activity where application_name = 'periodic' and wait_event_type = 'Lock'
		and datname = current_database()" t
	kill $!
	wait $!
	assert_equal state "stopped|1" "$(state all)"
	[ ! -e told ]
	echo "rollback; \\q" >&"${COPROC[1]}"
	wait "$other"
}

@test "a job that is running is left alone; one that was killed is seen" {
	echo '[job all]' | job
	periodic -q
	coproc psql -XAtq
	local other=$COPROC_PID
	echo "select pg_advisory_lock(x'6d6a6f62'::int, hashtext('all')) is null;" >&"${COPROC[1]}"
	read -r -u "${COPROC[0]}" _
	run -0 periodic --job all
	assert_says "job all: is already running elsewhere"
	assert_equal "no row" "" "$(state all)"
	echo "\\q" >&"${COPROC[1]}"
	wait "$other"
	feed "('a', 1)"
	wait_for_value 10 "$locked" 0
	MILLRACE_FAULT=run-begun run -137 periodic --job all
	wait_for_value 10 "$locked" 0
	run -0 periodic jobs
	assert_says " killed"
	run -0 periodic --job all
	assert_equal state "success|1" "$(state all)"
}

@test "a job that has ended does not run, though the server has not heard yet that it has gone" {
	echo '[job all]' | job
	periodic -q
	mkdir proxy
	"$ROOT/tests/support/commit_proxy.py" "$PGHOST/.s.PGSQL.$PGPORT" proxy linger 3>&- &
	PROXY=$!
	wait_until 10 test -e proxy/port
	feed "('a', 1)"
	run -0 periodic --job all -d "host=127.0.0.1 port=$(cat proxy/port) sslmode=disable gssencmode=disable"
	assert_equal "who is there" t "$(sql "select count(*) > 0 from pg_stat_activity where application_name = 'periodic' and datname = current_database()")"
	feed "('a', 2)"
	run -0 periodic --job all
	assert_says "p.sums: delta"
}

@test "a job that cannot begin is a failure that is told" {
	job <<-'CONF'
		[job all]
		on_failure = echo "$MILLRACE_STATUS: $MILLRACE_MESSAGE" >told
		[job lost]
		select = nosuch
		on_failure = echo "$MILLRACE_STATUS: $MILLRACE_MESSAGE" >told
	CONF
	periodic -q --job all
	echo "select 'x" >sql/p/models/broken.sql
	run -2 periodic --job all
	assert_says "sql/p/models/broken.sql:1: this string is never closed"
	assert_equal told "error: ${output#*error: }" "$(cat told)"
	assert_equal state "error|0|${output#*error: }" "$(state all)"
	rm sql/p/models/broken.sql
	run -2 periodic --job lost
	assert_says 'sql/p/pack.conf:3: job lost: the selector "nosuch" names nothing in'
	assert_equal told "error: ${output#*error: }" "$(cat told)"
	run -0 periodic --job all
	assert_equal state "success|1" "$(state all)"
}

@test "a success that is too long ago is late" {
	job <<-'CONF'
		[job all]
		calendar = *:0/10
		sla = 1m
	CONF
	periodic -q --job all
	assert_equal status success "$(periodic jobs --output json | jq -r .last_status)"
	sql "update millrace.job set succeeded_at = now() - interval '12 minutes'"
	assert_equal status late "$(periodic jobs --output json | jq -r .last_status)"
	sed -i 's/0.10/0\/9 maybe/' sql/p/pack.conf
	assert_equal next invalid "$(periodic jobs --output json | jq -r .next)"
}

@test "units that systemd accepts, wherever the project lies" {
	mkdir -p 'my 50% place/sql'
	cp -r sql/p 'my 50% place/sql/'
	job <<-'CONF'
		[job never]
		[job often]
		calendar = *:0/30
		calendar = Mon *-*-* 00:00:00
	CONF
	mv sql/p/pack.conf 'my 50% place/sql/p/'
	cd 'my 50% place'
	PERIODIC_PROJECT='' run -0 periodic jobs --systemd "$BATS_TEST_TMPDIR/units"
	assert_says "enable --now periodic-often.timer"
	assert_equal files "./periodic-often.service ./periodic-often.timer" "$(cd "$BATS_TEST_TMPDIR/units" && echo ./*)"
	run systemd-analyze verify "$BATS_TEST_TMPDIR"/units/periodic-often.{service,timer}
	assert_status 0
	assert_equal verify "" "$output"
	assert_equal calendars 2 "$(grep -c ^OnCalendar= "$BATS_TEST_TMPDIR/units/periodic-often.timer")"
	PERIODIC_PROJECT='' periodic jobs --systemd --user "$BATS_TEST_TMPDIR/units-user"
	XDG_RUNTIME_DIR=$PWD run systemd-analyze --user verify "$BATS_TEST_TMPDIR"/units-user/periodic-often.{service,timer}
	assert_status 0
	# the command line in the unit is one that works
	sed -n 's/^ExecStart=//p' "$BATS_TEST_TMPDIR/units/periodic-often.service" | sed 's/%%/%/g' >start
	assert_equal "a run by hand" 0 "$(sh -c ". ./start" >/dev/null 2>&1; echo $?)"
	assert_equal job success "$(sql "select status from millrace.job where job = 'often'")"
}

@test "mistakes in pack.conf are named with file and line" {
	local conf said
	while IFS='~' read -r conf said; do
		printf '%b\n' "$conf" >sql/p/pack.conf
		run -2 periodic jobs
		assert_says "$said"
	done <<-'EOF'
		[job a]\nselct = x~pack.conf:2: a job has no selct; did you mean select?
		[job a]\nretries = many~pack.conf:2: retries: "many" is not a whole number
		[job a]\n[job a]~pack.conf:2: there is a job a already, at
		[jbo a]~pack.conf:1: unknown section [jbo a]; a job is [job NAME]
		[job a/b]~pack.conf:1: unknown section [job a/b]
		select = x\n[job a]~pack.conf:1: select stands before the first [job NAME]
		[job a]\nsla = 1m\nsla = 2m~pack.conf:3: sla is given twice
		[job a~pack.conf:1: expected `[section]`
	EOF
	mkdir -p config
	printf 'quiet = on\n[job elsewhere]\n' >config/periodic.conf
	rm sql/p/pack.conf
	assert_equal jobs elsewhere "$(periodic jobs --output name)"
	echo '[jobs more]' >>config/periodic.conf
	run -2 periodic jobs
	assert_says "config/periodic.conf:3: unknown section [jobs more]; there is [job NAME]"
	printf '[job a]\n' >config/handle-streams.conf
	HANDLE_STREAMS_PROJECT=$PWD run -2 handle-streams </dev/null
	assert_says "config/handle-streams.conf:1: [job a]: the file of handle-streams has no sections"
}

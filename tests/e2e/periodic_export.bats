#!/usr/bin/env bats
# The CSV files that periodic writes.

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
	periodic
	feed "('a', 1), ('b', 2)"
	periodic
}
teardown() { drop_own_database; }

# killed_at FAULT: a pass that dies there, of which the server has heard.
killed_at() {
	MILLRACE_FAULT=$1 run -137 periodic
	wait_for_value 20 "select count(*) from pg_stat_activity where application_name = 'periodic' and datname = current_database()" 0
}

@test "header, declared order, only the model's columns" {
	assert_equal file "k,n,total a,1,1 b,1,2" "$(xargs <metrics/sums.csv)"
}

@test "a file whose content is the same is not touched" {
	touch -d '2001-01-01' metrics/sums.csv
	feed "('c', 0)"
	sed -i 's/where /where r.k <> '"'c'"' and /' sql/p/models/sums.sql
	run -0 periodic
	[[ $output == *"p.sums: rebuild"* && $output != *wrote* ]]
	assert_equal modified 2001 "$(date -r metrics/sums.csv +%Y)"
}

@test "a missing file comes back without new loads" {
	rm -r metrics
	run -0 periodic
	[[ $output == *"wrote metrics/sums.csv"* ]]
	assert_equal rows 3 "$(wc -l <metrics/sums.csv)"
	run -0 periodic
	[[ $output == *"nothing new"* ]]
}

@test "what is in the place of a file is told without new loads" {
	rm -r metrics
	touch metrics
	run -2 periodic
	assert_says "metrics/sums.csv: a part of the path is not a folder"
	rm metrics
	mkdir -p metrics/sums.csv
	run -2 periodic
	assert_says "metrics/sums.csv: there is something that is not a regular file"
	rmdir metrics/sums.csv
	run -0 periodic
	assert_says "wrote metrics/sums.csv"
}

@test "what another periodic notes of the model while the file is written does no harm" {
	rm -r metrics
	mkfifo other
	psql -Xq <other 3>&- &
	exec 8>other
	echo "begin; update millrace.model set floor_load = floor_load;" >&8
	wait_for_value 10 "select count(*) from pg_stat_activity where datname = current_database() and state = 'idle in transaction' and backend_xid is not null" 1
	periodic 2>log 3>&- 8>&- &
	local pid=$!
	wait_for_value 10 "select count(*) from pg_stat_activity where application_name = 'periodic' and wait_event_type = 'Lock'" 1
	echo "commit;" >&8
	exec 8>&-
	wait $pid
	assert_equal rows 3 "$(wc -l <metrics/sums.csv)"
}

@test "a crash between commit and export is caught up by the next run" {
	for fault in run-committed export-written; do
		feed "('$fault', 1)"
		killed_at "$fault"
		run -1 grep -q "$fault" metrics/sums.csv
		run -0 periodic
		grep -q "$fault" metrics/sums.csv
	done
	assert_equal leftovers "sums.csv" "$(ls -A metrics)"
}

@test "the file of a view follows what it reads, through a crash too" {
	model shown <<-'SQL'
		-- config:
		--   materialized: view
		--   export: metrics/shown.csv
		select sum(s.total) as of_all from p.sums s
	SQL
	periodic
	assert_equal shown 3 "$(tail -1 metrics/shown.csv)"
	feed "('c', 4)"
	killed_at run-committed
	assert_equal shown 3 "$(tail -1 metrics/shown.csv)"
	periodic
	assert_equal shown 7 "$(tail -1 metrics/shown.csv)"
	feed "('d', 1)"
	killed_at export-written:2
	periodic
	assert_equal shown 8 "$(tail -1 metrics/shown.csv)"
	run -0 periodic
	[[ $output == *"nothing new"* ]]
}

@test "readers see the old file or the new one, whole" {
	local i
	(while [ ! -e stop ]; do
		wc -l <metrics/sums.csv
	done >seen) &
	local reader=$!
	for i in 1 2 3 4 5; do
		sql "begin; insert into millrace.load (relation, loaded_at, row_count) values ('staging.r', now(), 5000);
		     insert into staging.r (k, v) select '$i' || x, x % 7 from generate_series(1, 5000) x; commit"
		periodic
	done
	touch stop
	wait $reader
	assert_equal "line counts seen" "" "$(sort -u seen | grep -vxE '3|5003|10003|15003|20003|25003' || true)"
}

@test "symbolic links are not followed, whoever made them" {
	mkdir elsewhere
	rm -r metrics
	ln -s elsewhere metrics
	feed "('c', 1)"
	run -2 periodic
	[[ $output == *"symbolic links are not followed"* ]]
	assert_equal elsewhere "" "$(ls elsewhere)"
	rm metrics
	mkdir metrics
	touch target
	ln -s ../target metrics/sums.csv
	feed "('c', 1)"
	run -2 periodic
	[[ $output == *"metrics/sums.csv: there is something that is not a regular file"* ]]
	assert_equal target "" "$(cat target)"
	rm metrics/sums.csv
	run -0 periodic
	assert_equal mart "c,2,2" "$(tail -1 metrics/sums.csv)"
}

@test "a path that leaves the working directory is refused" {
	local path
	for path in ../sums.csv metrics/../../sums.csv /tmp/sums.csv metrics/; do
		sed -i "s|export: [^ ]*|export: $path|" sql/p/models/sums.sql
		feed "('c', 1)"
		run -2 periodic
		[[ $output == *"export"* ]]
	done
}

@test "a file that cannot be written is an error in the log, each time" {
	rm -r metrics
	touch metrics
	feed "('c', 3)"
	for _ in 1 2; do
		run -2 periodic
		[[ $output == *"p.sums: "*metrics* ]]
		assert_equal log "error|error|t" "$(sql "
			select r.status, m.status, m.message like '%metrics%'
			from millrace.run r join millrace.run_model m using (run_id)
			where run_id = (select max(run_id) from millrace.run)")"
	done
	assert_equal mart 3 "$(sql 'select count(*) from p.sums')"
	rm metrics
	run -0 periodic
	[[ $output == *"wrote metrics/sums.csv"* ]]
	assert_equal log success "$(sql "select status from millrace.run order by run_id desc limit 1")"
}

shown_model() {
	model shown <<-'SQL'
		-- config:
		--   materialized: view
		--   export: metrics/deep/shown.csv order by k
		select s.k, repeat(s.k, 20000) as long from p.sums s where s.n > 0
	SQL
}

@test "a view's file is treated as a table's is" {
	shown_model
	run -0 periodic
	assert_says "wrote metrics/deep/shown.csv"
	assert_equal lines 3 "$(wc -l <metrics/deep/shown.csv)"
	# what it shows has not changed, though what it reads has
	touch -d '2001-01-01' metrics/deep/shown.csv
	feed "('a', 1)"
	run -0 periodic
	assert_says "wrote metrics/sums.csv"
	[[ $output != *"wrote metrics/deep/shown.csv"* ]]
	assert_equal modified 2001 "$(date -r metrics/deep/shown.csv +%Y)"
	rm -r metrics/deep
	run -0 periodic
	assert_says "wrote metrics/deep/shown.csv"
	# not through a link
	rm -r metrics/deep
	mkdir elsewhere
	ln -s ../elsewhere metrics/deep
	feed "('c', 1)"
	run -2 periodic
	assert_says "symbolic links are not followed"
	assert_equal elsewhere "" "$(ls elsewhere)"
	rm metrics/deep
	run -0 periodic
	assert_equal lines 4 "$(wc -l <metrics/deep/shown.csv)"
	# in its turn: nobody else writes it meanwhile
	coproc psql -XAtq
	local other=$COPROC_PID
	echo "select pg_advisory_lock(x'6d72756e'::int, hashtext('p.shown')) is null;" >&"${COPROC[1]}"
	read -r -u "${COPROC[0]}" _
	rm -r metrics/deep
	run -0 periodic
	assert_says "p.shown: another periodic is working on it"
	[ ! -e metrics/deep ]
	echo "\\q" >&"${COPROC[1]}"
	wait "$other"
}

@test "a full disk and a folder of somebody else's are sentences; the old file stays" {
	shown_model
	periodic
	local before
	before=$(sha256sum metrics/deep/shown.csv)
	feed "('d', 1)"
	run -2 bash -c 'ulimit -f 16; exec periodic --artifacts=off'
	assert_says "metrics/deep/shown.csv: writing it: File too large; the old file stays: make room, the next run writes it"
	assert_equal "old file" "$before" "$(sha256sum metrics/deep/shown.csv)"
	assert_equal leftovers shown.csv "$(ls -A metrics/deep)"
	if [ "$(id -u)" != 0 ]; then
		chmod a-w metrics/deep
		run -2 periodic
		assert_says "creating it: Permission denied; let this user write there"
		chmod u+w metrics/deep
	fi
	run -0 periodic
	assert_equal lines 4 "$(wc -l <metrics/deep/shown.csv)"
}

@test "a connection that is lost while a file is written fails the file, not the model" {
	feed "('c', 3)"
	sql "create function public.lose() returns trigger language plpgsql security definer as
	         \$\$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end \$\$;
	     create trigger lose before update of exported_load on millrace.model for each row
	         when (new.exported_load is distinct from old.exported_load) execute function public.lose()"
	run -3 periodic
	assert_says "metrics/sums.csv"
	[[ $output != *"rolled back"* ]]
	assert_equal mart 3 "$(sql "select total from p.sums where k = 'c'")"
	sql "drop trigger lose on millrace.model"
	run -0 periodic
	assert_equal "next time" 4 "$(wc -l <metrics/sums.csv)"
}

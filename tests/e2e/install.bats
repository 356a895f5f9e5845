#!/usr/bin/env bats
# What `make install` leaves: programs that find their streams, manual pages,
# units that systemd takes; and the figures that periodic writes for monitors.

setup_file() {
	load ../support/common
	fresh_database
	HERE=$BATS_FILE_TMPDIR/usr
	export HERE
	make -s -C "$ROOT" BUILD="${BUILD#"$ROOT/"}" install PREFIX="$HERE" >"$BATS_FILE_TMPDIR/log" 2>&1
}
teardown_file() { drop_database; }
setup() {
	load ../support/common
	cd "$BATS_TEST_TMPDIR" || exit
}

@test "installed programs find their streams, models and settings" {
	run "$HERE/bin/periodic" ls
	assert_status 0
	assert_says bluesky.likes_per_minute
	"$BUILD/bluesky" max --count 500 --seed 1 >events
	run "$HERE/bin/handle-streams" events
	assert_status 0
	assert_equal loaded 1 "$(sql "select sign(count(*)) from staging.bluesky_events")"
	# settings of the installation, by way of share/millrace/config
	echo 'batch-rows = none' >>"$HERE/etc/millrace/handle-streams.conf"
	run "$HERE/bin/handle-streams" events
	assert_status 2
	assert_says "$HERE/share/millrace/config/handle-streams.conf:"
	sed -i '$d' "$HERE/etc/millrace/handle-streams.conf"
	# a project where one stands comes first
	mkdir -p sql
	run "$HERE/bin/periodic" ls
	[[ $output != *bluesky* ]]
}

@test "installed programs make no server of their own" {
	run env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE "$HERE/bin/periodic" plan
	assert_status 4
	assert_says "no server named"
	[ ! -e "$HERE/share/millrace/.millrace" ]
}

@test "installing again keeps settings, and what holds passwords is private" {
	echo "# mine" >>"$HERE/etc/millrace/periodic.conf"
	make -s -C "$ROOT" BUILD="${BUILD#"$ROOT/"}" install PREFIX="$HERE"
	assert_equal kept "# mine" "$(tail -n 1 "$HERE/etc/millrace/periodic.conf")"
	assert_equal mode 600 "$(stat -c %a "$HERE/etc/millrace/pgpass")"
	assert_equal "others may write" "" "$(find "$HERE" -perm /022 ! -type l)"
}

@test "the manual has every setting, and mandoc finds nothing to say" {
	for program in handle-streams periodic; do
		page=$HERE/share/man/man1/$program.1
		for option in $("$program" --help | grep -oE '^  (-., |    )--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
			grep -qF "Fl ${option:1}" <(sed 's/\\-/-/g' "$page") || { echo "$program.1 has no $option" && false; }
		done
	done
	for page in "$HERE"/share/man/man*/*; do
		run mandoc -Tlint -Wwarning "$page"
		assert_equal "$page" "" "$output"
	done
}

@test "systemd takes the units, and finds little exposed" {
	export SYSTEMD_UNIT_PATH=$HERE/lib/systemd/system:
	for unit in handle-streams@x.service periodic.service periodic-watch.service periodic.timer; do
		run systemd-analyze verify --man=no "$unit"
		assert_equal "$unit" "0 " "$status $output"
	done
	for unit in handle-streams@x.service periodic.service periodic-watch.service; do
		run systemd-analyze security --offline=yes --no-pager --threshold=25 "$unit"
		echo "# $unit: ${lines[-1]#*for }" >&3
		assert_status 0
	done
}

@test "periodic writes its figures, however the pass went" {
	mkdir -p sql/p/streams sql/p/models
	printf '%s\n' '-- stream: s' '-- format: json' 'create table staging.s (' '    k text not null,  -- from: k' \
		'    loaded_at timestamptz not null default now()' ') partition by range (loaded_at);' >sql/p/streams/s.sql
	printf '%s\n' '-- config:' '--   materialized: table' '-- tests:' '--   - expression: k <> '\''bad'\' 'select k from staging.s' >sql/p/models/m.sql
	echo '{"k": "good"}' | handle-streams --stream s
	run periodic --metrics-file here.prom
	assert_status 0
	has 'periodic_last_run_exit_status 0' 'periodic_last_run_models{status="done"} 1' \
		'periodic_model_failed{model="p.m"} 0' 'periodic_source_rows_24h{relation="staging.s"} 1'
	assert_equal "newest load, newest taken" 1 "$(awk '/^periodic_model_(source_last_load|loaded_through).*p.m/ { print $2 }' here.prom | uniq | wc -l)"
	success=$(grep '^periodic_last_success' here.prom)
	echo '{"k": "bad"}' | handle-streams --stream s
	run periodic --metrics-file here.prom
	assert_status 3
	has 'periodic_last_run_exit_status 3' 'periodic_last_run_models{status="failed"} 1' \
		'periodic_model_failed{model="p.m"} 1' 'periodic_tests_failed{model="p.m"} 1' "$success"
	assert_equal "a load that was not taken" 2 "$(awk '/^periodic_model_(source_last_load|loaded_through).*p.m/ { print $2 }' here.prom | uniq | wc -l)"
	# a pass over other models does not hide that one's tests
	printf '%s\n' '-- config:' '--   materialized: table' '-- tests:' '--   - not_null: k' 'select k from staging.s' >sql/p/models/o.sql
	run periodic -s p.o --metrics-file here.prom
	assert_status 0
	has 'periodic_tests_failed{model="p.m"} 1' 'periodic_tests_failed{model="p.o"} 0'
	success=$(grep '^periodic_last_success' here.prom)
	# without a database: what was known of it is gone, when it last went well is not
	run env PGHOST=/nowhere periodic --retry-timeout 0 --metrics-file here.prom
	assert_status 4
	has 'periodic_last_run_exit_status 4' "$success"
	assert_equal "nothing of the database" 0 "$(grep -c p.m here.prom)"
	assert_equal "no parts left" here.prom "$(echo here.prom*)"
	rm here.prom
	echo '{"k": "good"}' | handle-streams --stream s
	sed -i 's/  - expression.*/  - not_null: k/' sql/p/models/m.sql
	periodic watch --metrics-file here.prom 2>log 3>&- &
	pid=$!
	wait_until 20 grep -q '^periodic_model_failed{model="p.m"} 0' here.prom
	kill -TERM "$pid"
	wait "$pid"
	run periodic --metrics-file /nowhere/x
	assert_says "cannot write the metrics to /nowhere/x"
}
has() {
	for line in "$@"; do grep -qxF "$line" here.prom || { echo "no $line in" && cat here.prom && return 1; }; done
}

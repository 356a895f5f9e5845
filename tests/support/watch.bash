# What the tests of periodic watch share.  After small_project:
#
#   begin_watch OPTION...    in the background, its pid in WATCH, what it says in
#                            ./log; nobody tells it of anything but with notify
#   watch OPTION...          and until all models are built and it waits
#   stop                     it ends well
#   feed_and_notify VALUES   as feed
#   total_is K TOTAL         waits until p.sums says so

teardown() {
	sed 's/^/watch: /' log || true # shown when the test fails
	[ -z "${WATCH:-}" ] || kill -KILL "$WATCH" 2>/dev/null || true
	drop_own_database
}

begin_watch() {
	periodic watch --poll 1h --threads 2 "$@" 2>log 3>&- &
	WATCH=$!
}
watch() {
	begin_watch "$@"
	wait_for_value 20 "select count(*) from pg_class where relnamespace = to_regnamespace('p') and relkind in ('r', 'v')" \
		"$(find sql/p/models -name '*.sql' | wc -l)"
	wait_for_value 20 "select count(*) filter (where query !~ '^set ') > 0 and bool_and(state = 'idle')
		from pg_stat_activity where application_name = 'periodic' and datname = current_database()" t
}
stop() {
	local status=0
	kill -TERM "$WATCH"
	wait "$WATCH" || status=$?
	WATCH=
	assert_equal "exit status" 0 "$status"
}
feed_and_notify() {
	feed "$1"
	sql "notify millrace"
}
total_is() { wait_for_value 20 "select total from p.sums where k = '$1'" "$2"; }

# What the tests of periodic watch share.  After small_project:
#
#   begin_watch OPTION...    in the background, its pid in WATCH, what it says in
#                            ./log; nobody tells it of anything but with notify
#   watch OPTION...          and until it listens
#   stop                     it ends well
#   feed_and_notify VALUES   as feed
#   total_is K TOTAL         waits until p.sums says so
#   hold TABLE, let_go TABLE nobody can write to it, for as long

teardown() {
	[ -z "${WATCH:-}" ] || kill -KILL "$WATCH" 2>/dev/null || true
	drop_own_database
}

begin_watch() {
	periodic watch --poll 1h --threads 2 "$@" 2>log 3>&- &
	WATCH=$!
}
watch() {
	begin_watch "$@"
	wait_until 20 grep -q "watching" log
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

hold() {
	psql -XAtq >/dev/null 2>&1 <<-SQL 3>&- &
		begin;
		lock table $1 in exclusive mode;
		select pg_sleep(600);
	SQL
	wait_for_value 10 "select count(*) from pg_locks where relation = '$1'::regclass and mode = 'ExclusiveLock'" 1
}
let_go() {
	sql "select pg_terminate_backend(pid) from pg_locks
		where relation = '$1'::regclass and mode = 'ExclusiveLock' and granted" >/dev/null
}

# The set-up of most bats files of periodic: a database and the small project of
# periodic.bash for each test.  At the top of a file:
#
#   load ../support/small_project
#
#   sums       the rows of p.sums, in one line
#   load_of N  the load_id of the Nth load of staging.r

load ../support/common
load ../support/periodic

setup_file() { fresh_database; }
teardown_file() { drop_database; }
setup() {
	own_database
	cd "$BATS_TEST_TMPDIR" || return 1
	small_project
}
teardown() { drop_own_database; }

sums() { sql 'select k, n, total from p.sums order by k' | tr '\n' ' '; }
load_of() { sql "select load_id from millrace.load where relation = 'staging.r' order by load_id offset $1 - 1 limit 1"; }

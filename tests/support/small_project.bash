# The set-up of most bats files of periodic: a database and the small project of
# periodic.bash for each test.  At the top of a file:
#
#   load ../support/small_project

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

# The set-up of bats files about Kafka: a database, a broker and the project of
# kafka.bash for the whole file.  At its top:
#
#   load ../support/broker

load ../support/common
load ../support/kafka

setup_file() {
	fresh_database
	own_broker
}
teardown_file() {
	drop_broker
	drop_database
}
setup() { cd "$BATS_TEST_TMPDIR" || exit; }

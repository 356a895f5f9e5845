#!/usr/bin/env bats
# Kafka over TLS, with passwords and rights: what works, and what each refusal
# says.

setup_file() {
	load ../support/common
	load ../support/kafka
	fresh_database
	own_broker secure
	topic orders 2
	produce orders orders 0 100 2
	SECURE=$(cat "$KAFKA_DIR/secure")
	export SECURE TLS=$KAFKA_DIR/tls
	"$ROOT/tests/kafka/kafka.sh" user "$KAFKA_DIR" loader
}

teardown_file() {
	load ../support/common
	load ../support/kafka
	drop_broker
	drop_database
}

setup() {
	load ../support/common
	load ../support/kafka
	cd "$BATS_TEST_TMPDIR" || exit
}

# secured COMMAND... OPTIONS...: as user loader
login=(-G secret-group --connect-timeout 60s -X security.protocol=SASL_SSL
	-X sasl.username=loader)
secured() { handle-streams "$@" "${login[@]}"; }
known=(-X sasl.mechanism=SCRAM-SHA-512)
trusting() { known+=(-X "ssl.ca.location=$TLS/ca.pem"); }
knowing() { known+=(-X "sasl.password.file=$TLS/loader.password"); }

@test "a wrong password, a CA and a name that do not fit: a sentence, status 5, at once" {
	echo wrong-canary >wrong
	chmod 600 wrong
	trusting
	run secured -b "$SECURE" -t orders "${known[@]}" -X sasl.password.file=wrong
	assert_status 5
	assert_says "Kafka at $SECURE refuses user loader: "
	assert_says "sasl.password.file"
	[[ $output != *wrong-canary* ]]
	run secured doctor -b "$SECURE" -t orders "${known[@]}" -X sasl.password.file=wrong
	assert_status 5
	assert_says "refuses user loader"
	knowing
	run secured -b "$SECURE" -t orders "${known[@]}" -X "ssl.ca.location=$TLS/other-ca.pem"
	assert_status 5
	assert_says "no TLS connection to Kafka at $SECURE: "
	assert_says "see -X ssl.ca.location"
	run secured -b "127.0.0.1:${SECURE#*:}" -t orders "${known[@]}"
	assert_status 5
	assert_says "no TLS connection to Kafka at 127.0.0.1"
	assert_says "names the broker as its certificate does"
}

@test "a right that is missing is named, with how to grant it; then it loads" {
	trusting
	knowing
	run secured -b "$SECURE" -t orders -e "${known[@]}"
	assert_status 5
	assert_says "user loader may not read topic orders; an administrator grants it: kafka-acls --bootstrap-server $SECURE --add --allow-principal User:loader --operation Read --topic orders"
	run secured doctor -b "$SECURE" -t orders "${known[@]}"
	assert_status 2
	assert_says "FAULT topic orders can be read: Broker: Topic authorization failed"
	assert_says "--operation Read --topic orders"
	assert_says "FAULT group secret-group can be read"
	assert_says "--operation Read --group secret-group"
	admin allow topic orders loader Describe
	run secured doctor -b "$SECURE" -t orders "${known[@]}"
	assert_says "FAULT topic orders can be read"
	admin allow topic orders loader Read
	run secured -b "$SECURE" -t orders -e "${known[@]}"
	assert_status 5
	assert_says "user loader may not read group secret-group; an administrator grants it: "
	# enough to ask where the group stands, not to join it
	admin allow group secret-group loader Describe
	run secured doctor -b "$SECURE" -t orders "${known[@]}"
	assert_status 2
	assert_says "ok    topic orders can be read"
	assert_says "FAULT group secret-group can be read: Broker: Group authorization failed"
	assert_says "--operation Read --group secret-group"
	admin allow group secret-group loader Read
	run secured doctor -b "$SECURE" -t orders "${known[@]}"
	assert_says "ok    topic orders can be read"
	assert_says "ok    group secret-group can be read"
	admin create others 1
	run secured doctor -b "$SECURE" -t others "${known[@]}"
	assert_says "FAULT topic others can be read"
	assert_says "ok    group secret-group can be read"
	run secured -b "$SECURE" -t orders -e "${known[@]}"
	assert_status 0
	whole orders 100
}

@test "the password shows in no argument, environment, log or error" {
	trusting
	knowing
	local password
	password=$(cat "$TLS/loader.password")
	produce orders orders 100 110 2
	handle-streams -b "$SECURE" -t orders "${login[@]}" "${known[@]}" \
		-X sasl.mechanism=SCRAM-SHA-256 -X debug=all --verbose 2>log 3>&- &
	local pid=$!
	wait_for_value 20 "select count(*) from staging.events where run = 'orders'" 110
	tr '\0' '\n' <"/proc/$pid/cmdline" >shown
	tr '\0' '\n' <"/proc/$pid/environ" >>shown
	cat log >>shown
	grep -q loader shown
	run ! grep -qF "$password" shown
	halt "$pid"
}

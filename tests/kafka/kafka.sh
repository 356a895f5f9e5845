#!/bin/bash
# A real Apache Kafka (KRaft, one node) for the tests and the demo, on the
# loopback only.  Everything it keeps is in DIR; nothing outlives `stop`.
#
#   kafka.sh fetch             the jars, once, into build/kafka/lib (needs maven)
#   kafka.sh start DIR [PORT]  starts, or starts again on the same data; waits
#                              until it answers and prints HOST:PORT
#   kafka.sh secure DIR        before the first start: adds a SASL_SSL listener
#                              (SCRAM) with certificates in DIR/tls, and ACLs;
#                              its address is in DIR/secure
#   kafka.sh user DIR NAME     a user of that listener; the password is NAME's
#                              in DIR/tls/NAME.password
#   kafka.sh stop DIR          ends it in an orderly way
#   kafka.sh kill DIR          kill -9: the broker of a crash test
#   kafka.sh pid DIR           its process
set -eu

here=$(cd "$(dirname "$0")" && pwd)
lib=$here/../../build/kafka/lib
start_s=300

fail() {
	echo "kafka.sh: $1" >&2
	exit 1
}

fetch() {
	[ -e "$lib/complete" ] && return
	command -v mvn >/dev/null || fail "maven is missing: make deps-test"
	mkdir -p "$lib"
	(
		flock 9
		[ -e "$lib/complete" ] && exit 0
		mvn -q -f "$here/pom.xml" dependency:copy-dependencies \
			-DoutputDirectory="$lib" >"$lib/fetch.log" 2>&1 ||
			{ tail -5 "$lib/fetch.log" >&2; fail "cannot fetch Kafka"; }
		touch "$lib/complete"
	) 9>"$lib/lock"
}

free_port() { "$here/../support/free_port.py"; }

# Sixteen random bytes as Kafka writes its ids.
random_id() {
	head -c 16 /dev/urandom | base64 | tr '+/' 'AB' | tr -d '='
}

# What `kafka-storage format` would write, without a Java of its own.
configure() {
	local dir=$1 port=$2 controller
	controller=$(free_port)
	mkdir -p "$dir/data"
	cat >"$dir/data/meta.properties" <<-END
		version=1
		cluster.id=$(random_id)
		node.id=1
		directory.id=$(random_id)
	END
	cat >"$dir/server.properties" <<-END
		process.roles=broker,controller
		node.id=1
		controller.quorum.voters=1@127.0.0.1:$controller
		listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
		advertised.listeners=PLAINTEXT://127.0.0.1:$port
		controller.listener.names=CONTROLLER
		listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
		log.dirs=$dir/data
		broker.session.timeout.ms=1000
		broker.heartbeat.interval.ms=200
		auto.create.topics.enable=false
		offsets.topic.num.partitions=1
		offsets.topic.replication.factor=1
		transaction.state.log.num.partitions=1
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		group.initial.rebalance.delay.ms=0
		group.min.session.timeout.ms=1000
		message.max.bytes=20971520
		log.retention.check.interval.ms=1000
		log.segment.delete.delay.ms=0
		num.network.threads=2
		num.io.threads=4
		background.threads=2
		log.cleaner.threads=1
		log.cleaner.dedupe.buffer.size=4194304
		log.cleaner.backoff.ms=200
	END
	echo "$port" >"$dir/port"
}

# A CA, a certificate for localhost alone, and a CA that signed nothing here.
certify() {
	local tls=$1 name
	mkdir -p "$tls"
	for name in ca other-ca; do
		openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$name" \
			-keyout "$tls/$name.key" -out "$tls/$name.pem" 2>/dev/null
	done
	openssl req -newkey rsa:2048 -nodes -subj /CN=localhost \
		-keyout "$tls/broker.key" -out "$tls/broker.csr" 2>/dev/null
	openssl x509 -req -in "$tls/broker.csr" -CA "$tls/ca.pem" \
		-CAkey "$tls/ca.key" -CAcreateserial -days 2 -out "$tls/broker.crt" \
		-extfile <(echo subjectAltName=DNS:localhost) 2>/dev/null
	cat "$tls/broker.key" "$tls/broker.crt" "$tls/ca.pem" >"$tls/broker.pem"
}

# Who comes over the plain listener is ANONYMOUS and may do everything.
secure() {
	local dir=$1 port
	fetch
	[ -e "$dir/port" ] || configure "$dir" "$(free_port)"
	port=$(free_port)
	certify "$dir/tls"
	sed -i "s|^listeners=.*|&,SASL_SSL://127.0.0.1:$port|
		s|^advertised.listeners=.*|&,SASL_SSL://localhost:$port|
		s|^listener.security.protocol.map=.*|&,SASL_SSL:SASL_SSL|" \
		"$dir/server.properties"
	cat >>"$dir/server.properties" <<-END
		ssl.keystore.type=PEM
		ssl.keystore.location=$dir/tls/broker.pem
		sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512
		listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
		listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
		authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
		super.users=User:ANONYMOUS
	END
	echo "localhost:$port" >"$dir/secure"
}

user() {
	local dir=$1 name=$2 password bits pids=()
	password=$(random_id)
	(umask 077 && echo "$password" >"$dir/tls/$name.password")
	for bits in 256 512; do
		java -XX:TieredStopAtLevel=1 -cp "$lib/*" kafka.admin.ConfigCommand \
			--bootstrap-server "127.0.0.1:$(cat "$dir/port")" --alter \
			--entity-type users --entity-name "$name" --add-config \
			"SCRAM-SHA-$bits=[iterations=4096,password=$password]" \
			>>"$dir/user.log" 2>&1 3>&- &
		pids+=($!)
	done
	if ! wait "${pids[0]}" || ! wait "${pids[1]}"; then
		cat "$dir/user.log" >&2
		fail "no user $name"
	fi
}

running() {
	[ -s "$1/pid" ] && kill -0 "$(cat "$1/pid")" 2>/dev/null
}

# answers HOST:PORT SECONDS
answers() {
	timeout "$2" kcat -b "$1" -L -m "$2" -X socket.timeout.ms="${2}000" 2>/dev/null |
		grep -q 'broker 1 at'
}

start() {
	local dir=$1 port=${2:-} patience=4 deadline=$((SECONDS + start_s))
	fetch
	[ -e "$dir/port" ] || configure "$dir" "${port:-$(free_port)}"
	port=$(cat "$dir/port")
	running "$dir" && fail "already running in $dir"
	setsid java -Xms64m -Xmx320m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
		-Xshare:auto -Djava.awt.headless=true -cp "$lib/*" kafka.Kafka \
		"$dir/server.properties" >>"$dir/log" 2>&1 </dev/null 3>&- 4>&- 9>&- &
	echo $! >"$dir/pid"
	until answers "127.0.0.1:$port" $((patience++ / 2)); do
		running "$dir" ||
			{ tail -20 "$dir/log" >&2; fail "the broker ended"; }
		[ $SECONDS -lt $deadline ] ||
			{ end KILL "$dir"; fail "no answer within $start_s s"; }
		sleep 0.1
	done
	echo "127.0.0.1:$port"
}

# Ends the broker with a signal and waits until it is gone.
end() {
	local signal=$1 dir=$2 pid
	running "$dir" || { rm -f "$dir/pid"; return 0; }
	pid=$(cat "$dir/pid")
	kill -"$signal" "$pid"
	for _ in $(seq 600); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	kill -9 "$pid" 2>/dev/null || true
	rm -f "$dir/pid"
}

[ $# -ge 1 ] || { sed -n '2,17s/^# \{0,1\}//p' "$0"; exit 1; }
command=$1
[ "$command" = fetch ] || [ $# -ge 2 ] || fail "$command needs a DIR"
case $command in
fetch) fetch ;;
start) start "$2" "${3:-}" ;;
stop) end TERM "$2" ;;
kill) end KILL "$2" ;;
secure) secure "$2" ;;
user) user "$2" "$3" ;;
pid) cat "$2/pid" ;;
*) fail "unknown command $command" ;;
esac

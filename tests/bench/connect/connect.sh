#!/bin/bash
# Kafka Connect with Debezium's JDBC sink, from a topic into public.flat_text:
#   connect.sh fetch                     jars and the transformation, into build/
#   connect.sh run BROKERS TOPIC PORT    in the foreground; PostgreSQL is at PORT
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
lib=$here/../../../build/bench/connect

fetch() {
	[ -e "$lib/Flat.class" ] && return
	mvn -q -f "$here/pom.xml" dependency:copy-dependencies \
		-DoutputDirectory="$lib/lib" >&2
	javac -cp "$lib/lib/*" -d "$lib" "$here/Flat.java"
}

run() {
	local work
	work=$(mktemp -d)
	cat >"$work/worker.properties" <<-END
		bootstrap.servers=$1
		key.converter=org.apache.kafka.connect.storage.StringConverter
		value.converter=org.apache.kafka.connect.json.JsonConverter
		value.converter.schemas.enable=false
		offset.storage.file.filename=$work/offsets
		offset.flush.interval.ms=5000
		listeners=http://127.0.0.1:0
		plugin.discovery=hybrid_warn
		consumer.max.poll.records=10000
	END
	cat >"$work/sink.properties" <<-END
		name=bench
		connector.class=io.debezium.connector.jdbc.JdbcSinkConnector
		tasks.max=4
		topics=$2
		connection.url=jdbc:postgresql://127.0.0.1:$3/$PGDATABASE?reWriteBatchedInserts=true
		connection.username=$PGUSER
		connection.password=none
		insert.mode=insert
		primary.key.mode=none
		schema.evolution=none
		collection.name.format=flat_text
		batch.size=10000
		use.reduction.buffer=false
		transforms=flat
		transforms.flat.type=Flat
	END
	exec java -Xmx2g -cp "$lib:$lib/lib/*" \
		org.apache.kafka.connect.cli.ConnectStandalone \
		"$work/worker.properties" "$work/sink.properties"
}

"$@"

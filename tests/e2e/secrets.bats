#!/usr/bin/env bats
# TLS to PostgreSQL, and a planted password that must appear nowhere.
# shellcheck disable=SC2030,SC2031 # every test is its own shell

setup_file() {
	load ../support/common
	load ../support/ingest
	own_server
	TLS=$BATS_FILE_TMPDIR
	SECRET=Pl4nted-$RANDOM-S3cret
	TLS_PORT=$(free_port)
	export TLS SECRET TLS_PORT
	make_certificates
	serve_tls
	make_project "$BATS_FILE_TMPDIR/project"
	sql "set password_encryption = 'scram-sha-256'; create role loader login password '$SECRET' superuser"
	printf 'localhost:%s:*:loader:%s\n*:*:*:*:%s\n' "$TLS_PORT" "$SECRET" "$SECRET" >"$TLS/passwords"
	chmod 600 "$TLS/passwords"
	chmod -R go+rX "$BATS_FILE_TMPDIR/project"
	# bats' folders are for their owner alone; the loader is somebody else
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/file" "$BATS_FILE_TMPDIR" 2>/dev/null || true
}
teardown_file() { "$ROOT/tests/support/suite_pg.sh" remove "$OWN_PG"; }
setup() {
	load ../support/common
	load ../support/ingest
	cd "$BATS_TEST_TMPDIR" || exit
	export HANDLE_STREAMS_PROJECT=$BATS_FILE_TMPDIR/project PERIODIC_PROJECT=$BATS_FILE_TMPDIR/project
}

# A CA of our own, a certificate for localhost, and a CA nobody trusts.
make_certificates() {
	local name
	for name in ca other; do
		openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$name" \
			-keyout "$TLS/$name.key" -out "$TLS/$name.pem" 2>/dev/null
	done
	openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$TLS/server.key" -out "$TLS/server.csr" 2>/dev/null
	openssl x509 -req -in "$TLS/server.csr" -CA "$TLS/ca.pem" -CAkey "$TLS/ca.key" -CAcreateserial -days 2 \
		-extfile <(echo subjectAltName=DNS:localhost) -out "$TLS/server.pem" 2>/dev/null
}

serve_tls() {
	local data=$OWN_PG/data
	cp "$TLS/server.key" "$TLS/server.pem" "$data/"
	chown --reference="$data" "$data"/server.*
	chmod 600 "$data/server.key"
	cat >>"$data/postgresql.conf" <<-CONF
		ssl = on
		ssl_cert_file = 'server.pem'
		ssl_key_file = 'server.key'
		listen_addresses = '127.0.0.1'
		port = $TLS_PORT
		log_statement = all
	CONF
	echo "hostssl all all 127.0.0.1/32 scram-sha-256" >>"$data/pg_hba.conf"
	sed -i '/^host  *all/d' "$data/pg_hba.conf"
	restart_server
	export PGPORT=$TLS_PORT
}

tls() { # NAME=VALUE... : a connection string
	echo "host=localhost port=$TLS_PORT user=loader dbname=own passfile=$TLS/passwords" \
		"sslmode=verify-full sslrootcert=$TLS/ca.pem $*"
}
refused() { # WHY NAME=VALUE...
	local why=$1
	shift
	run env -u PGHOST -u PGPORT handle-streams --connect-timeout 60s -d "$(tls "$@")" <<<'{"n": 1}'
	assert_status 4
	assert_says "$why"
	[[ $output != *"$SECRET"* ]]
}

@test "over TLS the server must be the one that is meant" {
	echo '{"n": 1}' >one
	handle-streams /dev/null
	sql "create table seen (idle text);
	     create function see() returns trigger language plpgsql security definer as \$\$
	         begin insert into public.seen values (current_setting('tcp_keepalives_idle')); return null; end \$\$;
	     create trigger see after insert on millrace.load execute function see()"
	run env -u PGHOST -u PGPORT handle-streams -d "$(tls)" one
	assert_status 0
	assert_equal "seconds until the server asks for a client that is silent" 30 "$(sql 'select idle from seen')"
	run env -u PGHOST -u PGPORT periodic -d "$(tls)" plan
	assert_status 0
	refused 'server certificate for "localhost"' host=127.0.0.1
	refused "certificate verify failed" sslrootcert="$TLS/other.pem"
	refused "no encryption" sslmode=disable
	assert_equal loaded 1 "$(rows)"
}

@test "a password file that systemd hands over is read, another that others can read is not" {
	mkdir handed
	cp "$TLS/passwords" handed/pgpass
	chmod 440 handed/pgpass # as stat shows an access list
	echo '{"n": 2}' >two
	export PGPASSFILE=$PWD/handed/pgpass
	dsn="host=localhost port=$TLS_PORT user=loader dbname=own sslmode=verify-full sslrootcert=$TLS/ca.pem"
	for program in "handle-streams -d" "periodic plan -d"; do
		# shellcheck disable=SC2086 # a program and its words
		run env -u PGHOST -u PGPORT $program "$dsn" </dev/null
		assert_status 4
		assert_says "the password belongs in"
		# shellcheck disable=SC2086
		run env -u PGHOST -u PGPORT CREDENTIALS_DIRECTORY="$PWD/handed" $program "$dsn" </dev/null
		assert_status 0
	done
	chmod 444 handed/pgpass
	run env -u PGHOST -u PGPORT CREDENTIALS_DIRECTORY="$PWD/handed" handle-streams -d "$dsn" two
	assert_status 4
}

@test "a planted password appears nowhere: logs, arguments, metrics, server log" {
	local port seen
	port=$(free_port)
	mkfifo fifo
	env -u PGHOST -u PGPORT PGPASSWORD="$SECRET" handle-streams --verbose --metrics-listen "$port" --linger 20ms \
		-d "$(tls)" <fifo >out 2>log 3>&- &
	seen=$!
	exec 7>fifo
	echo '{"n": 7, "name": "R0w-c0ntent"}' >&7
	echo "{\"n\": \"$SECRET\"}" >&7
	wait_for_value 20 "select count(*) from millrace.reject" 1
	python3 -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())' \
		"http://127.0.0.1:$port/metrics" >metrics
	tr '\0' ' ' <"/proc/$seen/cmdline" >cmdline
	for pid in $(pgrep -f "$OWN_PG/data" -P 1) $(pgrep -u postgres 2>/dev/null); do
		tr '\0' ' ' <"/proc/$pid/cmdline" >>cmdline 2>/dev/null || true
	done
	crash_server
	echo '{"n": 8}' >&7
	wait_until 20 grep -q "trying again" log
	start_server 3>&- 7>&-
	exec 7>&-
	wait "$seen"
	env -u PGHOST -u PGPORT PGPASSWORD="wrong$SECRET" handle-streams -v -d "$(tls passfile=/dev/null)" </dev/null 2>>log && false
	env -u PGHOST -u PGPORT PGPASSWORD="$SECRET" periodic -v -d "$(tls)" plan >>out 2>>log
	handle-streams --sample-config >>out
	for file in out log metrics cmdline; do
		[ -s "$file" ]
		run grep -cE "$SECRET|R0w-c0ntent" "$file"
		assert_equal "the secret in $file" 0 "$output"
	done
	# in the server's log the statements of this test itself aside
	run grep -c "wrong$SECRET" "$OWN_PG/log"
	assert_equal "the secret in the server's log" 0 "$output"
}

@test "its own user can read neither its environment nor its memory, and no core is left" {
	[ "$(id -u)" = 0 ] || skip "needs root, to be somebody else"
	as() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }
	as test -r "$HANDLE_STREAMS_PROJECT/sql/shop/streams/items.sql" || skip "the folder of this test is private"
	mkdir cores
	chmod 777 cores
	cp "$BUILD/handle-streams" cores/hs
	cp "$TLS/ca.pem" cores/
	mkfifo fifo
	wait_for_value 20 "select count(*) from pg_stat_activity where usename = 'loader'" 0
	cd cores
	(
		ulimit -c unlimited
		exec setpriv --reuid=nobody --regid=nogroup --clear-groups env -u PGHOST -u PGPORT HOME="$PWD" PGPASSWORD="$SECRET" \
			./hs -d "$(tls passfile=/dev/null "sslrootcert=$PWD/ca.pem")"
	) <../fifo >/dev/null 2>../log 3>&- &
	pid=$!
	exec 7>../fifo
	wait_for_value 20 "select count(*) > 0 from pg_stat_activity where usename = 'loader'" t
	run as cat "/proc/$pid/environ"
	assert_says "Permission denied"
	run as head -c 1 "/proc/$pid/mem"
	assert_says "Permission denied"
	if command -v gdb >/dev/null; then
		run as gdb -p "$pid" --batch -ex quit
		assert_says "Operation not permitted"
	fi
	assert_equal "core limit" 0 "$(awk '/Max core file size/ { print $5 }' "/proc/$pid/limits")"
	kill -ABRT "$pid"
	wait_until 10 is_gone "$pid"
	assert_equal "what is left" "ca.pem hs" "$(echo *)"
	exec 7>&-
	cp "$BUILD/periodic" mine
	(
		ulimit -c unlimited
		exec setpriv --reuid=nobody --regid=nogroup --clear-groups env -u PGHOST -u PGPORT HOME="$PWD" PGPASSWORD="$SECRET" \
			./mine watch -d "$(tls passfile=/dev/null "sslrootcert=$PWD/ca.pem")"
	) </dev/null >/dev/null 2>../log 3>&- &
	pid=$!
	wait_for_value 20 "select count(*) > 0 from pg_stat_activity where application_name ~ '^periodic'" t
	run as cat "/proc/$pid/environ"
	assert_says "Permission denied"
	kill -ABRT "$pid"
	wait_until 10 is_gone "$pid"
	assert_equal "what is left" "ca.pem hs mine" "$(echo *)"
}

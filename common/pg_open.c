/* pg_open.c - connects, and pins what a session is like */
#include "common/pg.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/pg_internal.h"
#include "common/pg_refusal.h"
#include "common/stop.h"

static void quiet(void *unused, const PGresult *notice)
{
	(void)unused;
	(void)notice;
}

/* Where libpq is knocking: one address of one host. */
struct place {
	char host[256];
	char address[64];
	char port[16];
};

/* Notes where libpq is; true if that is elsewhere than before. */
static bool has_moved(const PGconn *conn, struct place *place)
{
	const struct place before = *place;

	snprintf(place->host, sizeof place->host, "%s", PQhost(conn));
	snprintf(place->address, sizeof place->address, "%s", PQhostaddr(conn));
	snprintf(place->port, sizeof place->port, "%s", PQport(conn));
	return strcmp(before.host, place->host) != 0 ||
	       strcmp(before.address, place->address) != 0 ||
	       strcmp(before.port, place->port) != 0;
}

/* Gives up an address that has not even taken the connection: libpq sees it
 * fail and goes on to the next. */
static bool abandon(struct pg *pg)
{
	if ((pg->leaves_at_stop && stop_requested()) ||
	    PQstatus(pg->conn) != CONNECTION_STARTED ||
	    shutdown(PQsocket(pg->conn), SHUT_RDWR) != 0)
		return false;
	pg->lost = false;
	return true;
}

static bool handshake(struct pg *pg, int64_t timeout_ms, struct error *err)
{
	struct error late = ERROR_INIT;
	struct place place = {0};
	int64_t deadline = 0;

	while (pg->polling != PGRES_POLLING_OK) {
		if (has_moved(pg->conn, &place)) {
			deadline = clock_ms() + timeout_ms;
			late = ERROR_INIT;
		}
		if (pg->polling == PGRES_POLLING_FAILED && !late.lost)
			return pg_refusal_explain(pg->conn, err);
		if (pg->polling == PGRES_POLLING_FAILED ||
		    (!pg_wait(pg,
			      pg->polling == PGRES_POLLING_READING ? POLLIN
								   : POLLOUT,
			      deadline, &late) &&
		     !abandon(pg))) {
			*err = late;
			return error_context(
				err,
				"connecting to database \"%s\" at %s port %s",
				PQdb(pg->conn), place.host, place.port);
		}
		pg->polling = PQconnectPoll(pg->conn);
	}
	return true;
}

const char pg_pinning[] =
	"set transaction isolation level read committed; "
	"set client_encoding = 'UTF8'; set timezone = 'UTC'; "
	"set datestyle = 'ISO, YMD'; set intervalstyle = 'iso_8601'; "
	"set standard_conforming_strings = on; "
	"set bytea_output = 'hex'; set extra_float_digits = 1; "
	"set search_path = pg_catalog, pg_temp; "
	"set client_min_messages = warning; "
	"set quote_all_identifiers = off; set transform_null_equals = off; "
	/* each statement sees what was committed before it, where nothing else
	 * is said; rows are never left out in silence; every wait has a limit
	 * of its own */
	"set default_transaction_isolation = 'read committed'; "
	"set row_security = off; "
	"set statement_timeout = 0; set lock_timeout = 0; "
	"set idle_in_transaction_session_timeout = 0; "
	"set idle_session_timeout = 0; "
	/* a session whose client's machine is gone holds its locks until the
	 * server asks for it, by default after two hours */
	"set tcp_keepalives_idle = 30; set tcp_keepalives_interval = 10; "
	"set tcp_keepalives_count = 3;\n";

/* A unix socket holds 200 KB unless asked for more (TCP's grows by itself):
 * who sends a COPY would wait for the server every few hundred rows. */
static void widen(PGconn *conn)
{
	const int bytes = 1024 * 1024;
	int domain = 0;
	socklen_t len = sizeof domain;

	if (getsockopt(PQsocket(conn), SOL_SOCKET, SO_DOMAIN, &domain, &len) ==
		    0 &&
	    domain == AF_UNIX)
		setsockopt(PQsocket(conn), SOL_SOCKET, SO_SNDBUF, &bytes,
			   sizeof bytes); /* what the kernel grants is enough */
}

static bool reads_backslashes(PGconn *conn)
{
	const char *on = PQparameterStatus(conn, "standard_conforming_strings");

	return !on || strcmp(on, "on") != 0;
}

/* Goes on as long as nothing has to be waited for: to a server of this machine,
 * until it has all that it needs to make a session. */
static void push(struct pg *pg)
{
	struct pollfd fd = {.events = POLLOUT};

	while (pg->polling == PGRES_POLLING_WRITING) {
		fd.fd = PQsocket(pg->conn);
		if (fd.fd < 0 || poll(&fd, 1, 0) != 1)
			return;
		pg->polling = PQconnectPoll(pg->conn);
	}
}

static struct pg *start(const char *dsn, const char *application)
{
	/* What dsn says itself comes later and wins, but for the last two. */
	const char *const keys[] = {"keepalives_idle", "tcp_user_timeout",
				    "dbname",          "application_name",
				    "client_encoding", NULL};
	const char *const values[] = {"30",        "10000", dsn,
				      application, "UTF8",  NULL};
	struct pg *pg = mem_zalloc(1, sizeof *pg);

	pg->conn = PQconnectStartParams(keys, values, 1);
	if (!pg->conn)
		abort();
	PQsetNoticeReceiver(pg->conn, quiet, NULL);
	pg_refusal_expect(pg->conn);
	pg->polling = PQstatus(pg->conn) == CONNECTION_BAD
			      ? PGRES_POLLING_FAILED
			      : PGRES_POLLING_WRITING;
	return pg;
}

static bool finish(struct pg **out, struct pg *pg, int64_t timeout_ms,
		   bool leave, struct error *err)
{
	pg->leaves_at_stop = leave;
	if (!handshake(pg, timeout_ms, err))
		goto failed;
	PQsetErrorVerbosity(pg->conn, PQERRORS_DEFAULT);
	PQsetnonblocking(pg->conn, 1);
	widen(pg->conn);
	/* how a message is read is settled before it is looked at */
	if (reads_backslashes(pg->conn) && !pg_run(pg, timeout_ms, err, ""))
		goto failed;
	pg->leaves_at_stop = false;
	*out = pg;
	return true;
failed:
	pg_close(pg);
	return false;
}

bool pg_open(struct pg **out, const char *dsn, const char *application,
	     int64_t timeout_ms, struct error *err)
{
	return finish(out, start(dsn, application), timeout_ms, false, err);
}

bool pg_open_unless_stopped(struct pg **out, const char *dsn,
			    const char *application, int64_t timeout_ms,
			    struct error *err)
{
	return finish(out, start(dsn, application), timeout_ms, true, err);
}

struct pg *pg_begin(const char *dsn, const char *application)
{
	struct pg *pg = start(dsn, application);

	push(pg);
	return pg;
}

bool pg_open_begun(struct pg **out, struct pg *begun, int64_t timeout_ms,
		   struct error *err)
{
	return finish(out, begun, timeout_ms, true, err);
}

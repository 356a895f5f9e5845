#include "common/pg.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/pg_internal.h"
#include "common/stop.h"

enum { ROLLBACK_MS = 10000 };

/* --- errors --------------------------------------------------------------- */

static const char *field(const PGresult *res, int code)
{
	const char *value = PQresultErrorField(res, code);

	return value ? value : "";
}

/* libpq's own message in one line. */
static void add_message(struct error *err, enum error_kind kind,
			const char *message)
{
	char line[512];
	size_t len = 0;

	for (; *message && len < sizeof line - 1; message++) {
		if (*message == '\n' && (!message[1] || !len))
			continue;
		line[len++] = *message == '\n' ? ' ' : *message;
	}
	line[len] = '\0';
	error_set(err, kind, STATUS_DATABASE, "%s", len ? line : "no answer");
}

bool pg_lose(struct pg *pg, struct error *err, const char *why)
{
	if (why)
		error_set(err, ERROR_TRANSIENT, STATUS_DATABASE, "%s", why);
	else
		add_message(err, ERROR_TRANSIENT, PQerrorMessage(pg->conn));
	err->lost = true;
	pg->lost = true;
	return false;
}

static const char *const no_answer =
	"PostgreSQL has not answered within the time allowed";
static const char *const no_answer_yet = "no answer so far";

/* What the server's words about writing leave out, or nothing. */
static const char *why_read_only(const struct pg *pg, const char *state)
{
	const char *standby = PQparameterStatus(pg->conn, "in_hot_standby");

	if ((strcmp(state, "25006") != 0 && strcmp(state, "0A000") != 0) ||
	    !standby || strcmp(standby, "on") != 0)
		return "";
	return "; this server is a standby: connect to the primary, or name "
	       "all hosts with target_session_attrs=read-write";
}

bool pg_fail(struct pg *pg, PGresult *res, struct error *err)
{
	const char *state = field(res, PG_DIAG_SQLSTATE);
	const char *severity = field(res, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *hint = field(res, PG_DIAG_MESSAGE_HINT);
	long position =
		strtol(field(res, PG_DIAG_STATEMENT_POSITION), NULL, 10);

	PQclear(pg->failed);
	pg->failed = res;
	pg->failure = (struct pg_failure){
		.sqlstate = state,
		.message = field(res, PG_DIAG_MESSAGE_PRIMARY),
		.detail = field(res, PG_DIAG_MESSAGE_DETAIL),
		.context = field(res, PG_DIAG_CONTEXT),
		.column = field(res, PG_DIAG_COLUMN_NAME),
		.constraint = field(res, PG_DIAG_CONSTRAINT_NAME),
		.position = position > (long)pg->pinning_len
				    ? position - (long)pg->pinning_len
				    : 0,
	};
	if (!*state) /* libpq's own words: the connection broke */
		return pg_lose(pg, err, NULL);
	error_set(err, pg_kind(state), STATUS_DATABASE,
		  "%s (SQLSTATE %s)%s%s%s", pg->failure.message, state,
		  *hint ? "; " : "", hint, why_read_only(pg, state));
	memcpy(err->sqlstate, state, sizeof err->sqlstate - 1);
	err->sqlstate[sizeof err->sqlstate - 1] = '\0';
	if (strcmp(severity, "ERROR") != 0) { /* FATAL, PANIC */
		err->kind = ERROR_TRANSIENT;
		err->lost = true;
		pg->lost = true;
	}
	return false;
}

/* --- waiting -------------------------------------------------------------- */

/* How often other threads' wishes are looked at, and how long a cancelled
 * statement may take to end. */
enum { LOOK_MS = 200, CANCEL_MS = 10000 };

static _Atomic int64_t give_up_ms = INT64_MAX;

void pg_give_up_at(int64_t at_ms)
{
	give_up_ms = at_ms;
}

bool pg_has_given_up(void)
{
	return clock_ms() >= give_up_ms;
}

void pg_heed_stop(struct pg *pg, bool heed)
{
	pg->heeds_stop = heed;
	pg->cancelled_ms = pg->next_cancel_ms = 0;
}

bool pg_was_stopped(const struct error *err)
{
	return !strcmp(err->sqlstate, "57014") && stop_requested();
}

void pg_excuse(struct error *err)
{
	if (pg_was_stopped(err))
		error_set(err, ERROR_STOPPED, STATUS_DONE,
			  "asked to stop: the statement that ran then is "
			  "cancelled");
}

bool pg_is_over(const struct error *err)
{
	return err->lost || pg_was_stopped(err);
}

void pg_leave_at_stop(struct pg *pg, bool leave)
{
	pg->leaves_at_stop = leave;
}

/* Asks the server to end what it is doing for this connection: again and again,
 * since a request that is faster than the statement goes by. */
static void cancel(struct pg *pg)
{
	PGcancel *request;
	char unused[256];

	if (clock_ms() < pg->next_cancel_ms)
		return;
	request = PQgetCancel(pg->conn);
	if (request)
		PQcancel(request, unused, sizeof unused);
	PQfreeCancel(request);
	if (!pg->cancelled_ms)
		pg->cancelled_ms = clock_ms();
	pg->next_cancel_ms = clock_ms() + LOOK_MS;
}

static int64_t wait_until(const struct pg *pg, int64_t deadline)
{
	int64_t until = deadline < give_up_ms ? deadline : give_up_ms;

	if (pg->cancelled_ms && pg->cancelled_ms + CANCEL_MS < until)
		until = pg->cancelled_ms + CANCEL_MS;
	return until;
}

bool pg_wait(struct pg *pg, short events, int64_t deadline, struct error *err)
{
	for (;;) {
		/* a descriptor of -1 is ignored */
		struct pollfd fd[] = {
			{.fd = PQsocket(pg->conn), .events = events},
			{.fd = pg->leaves_at_stop ? stop_fd() : -1,
			 .events = POLLIN}};
		int64_t left;
		int n;

		if (pg->leaves_at_stop && stop_requested())
			return pg_lose(pg, err, no_answer_yet);
		if (pg->heeds_stop && stop_requested())
			cancel(pg);
		left = wait_until(pg, deadline) - clock_ms();
		if (fd[0].fd < 0)
			return pg_lose(pg, err, NULL);
		if (left <= 0)
			return pg_lose(pg, err, no_answer);
		n = poll(fd, 2, left > LOOK_MS ? LOOK_MS : (int)left);
		if (fd[0].revents)
			return true;
		if (n < 0 && errno != EINTR)
			return pg_lose(pg, err, strerror(errno));
	}
}

bool pg_flush(struct pg *pg, int64_t deadline, struct error *err)
{
	int left;

	while ((left = PQflush(pg->conn)) > 0) {
		if (!pg_wait(pg, POLLIN | POLLOUT, deadline, err))
			return false;
		if (!PQconsumeInput(pg->conn))
			return pg_lose(pg, err, NULL);
	}
	return left == 0 || pg_lose(pg, err, NULL);
}

bool pg_next_result(struct pg *pg, int64_t deadline, PGresult **out,
		    struct error *err)
{
	while (PQisBusy(pg->conn)) {
		if (!pg_wait(pg, POLLIN, deadline, err))
			return false;
		if (!PQconsumeInput(pg->conn))
			return pg_lose(pg, err, NULL);
	}
	*out = PQgetResult(pg->conn);
	return true;
}

void pg_close(struct pg *pg)
{
	if (!pg)
		return;
	PQclear(pg->failed);
	PQfinish(pg->conn);
	free(pg);
}

bool pg_is_usable(const struct pg *pg)
{
	return !pg->lost && PQstatus(pg->conn) == CONNECTION_OK;
}

bool pg_is_alive(struct pg *pg)
{
	return pg_is_usable(pg) && PQconsumeInput(pg->conn) && pg_is_usable(pg);
}

PGconn *pg_raw(struct pg *pg)
{
	return pg->conn;
}

const struct pg_failure *pg_failure(const struct pg *pg)
{
	static const struct pg_failure none = {"", "", "", "", "", "", 0};

	return pg->failed ? &pg->failure : &none;
}

/* --- statements ----------------------------------------------------------- */

/* The settings ride with the first message, which may undo them: they are in
 * force once a message has ended well and the server says so of one. */
static void note_pinning(struct pg *pg)
{
	const char *style = PQparameterStatus(pg->conn, "IntervalStyle");

	pg->is_pinned = PQtransactionStatus(pg->conn) == PQTRANS_IDLE &&
			style && !strcmp(style, "iso_8601");
}

bool pg_send(struct pg *pg, int64_t timeout_ms, struct error *err,
	     const char *sql)
{
	struct buf pinned = BUF_INIT;
	int sent;

	pg->pinning_len = 0;
	if (!pg->is_pinned && PQtransactionStatus(pg->conn) == PQTRANS_IDLE) {
		buf_format(&pinned, "%s%s", pg_pinning, sql);
		pg->pinning_len = strlen(pg_pinning);
		sql = buf_text(&pinned);
	}
	sent = PQsendQuery(pg->conn, sql);
	buf_release(&pinned);
	if (!sent)
		return pg_lose(pg, err, NULL);
	return pg_flush(pg, clock_ms() + timeout_ms, err);
}

bool pg_collect(struct pg *pg, int64_t deadline, PGresult **rows, char tag[64],
		bool *copying, struct error *err)
{
	PGresult *res = NULL;
	bool ok = true;

	for (;;) {
		if (!pg_next_result(pg, deadline, &res, err))
			return false;
		if (!res && ok && pg->pinning_len)
			note_pinning(pg);
		if (!res)
			return ok;
		switch (PQresultStatus(res)) {
		case PGRES_FATAL_ERROR:
		case PGRES_BAD_RESPONSE:
			if (ok)
				ok = pg_fail(pg, res, err);
			else
				PQclear(res);
			if (pg->lost)
				return false;
			continue;
		case PGRES_COPY_IN:
			PQclear(res);
			*copying = true;
			return ok;
		default:
			break;
		}
		if (tag)
			strncpy(tag, PQcmdStatus(res), 63);
		if (rows && PQresultStatus(res) == PGRES_TUPLES_OK) {
			PQclear(*rows);
			*rows = res;
		} else {
			PQclear(res);
		}
	}
}

bool pg_receive(struct pg *pg, int64_t timeout_ms, struct error *err,
		PGresult **out, char tag[64])
{
	PGresult *rows = NULL;
	bool copying = false;

	if (tag)
		memset(tag, 0, 64);
	if (!pg_collect(pg, clock_ms() + timeout_ms, &rows, tag, &copying,
			err)) {
		PQclear(rows);
		return false;
	}
	if (out)
		*out = rows;
	else
		PQclear(rows);
	return true;
}

bool pg_fetch(struct pg *pg, int64_t timeout_ms, struct error *err,
	      PGresult **out, char tag[64], const char *sql)
{
	return pg_send(pg, timeout_ms, err, sql) &&
	       pg_receive(pg, timeout_ms, err, out, tag);
}

bool pg_run(struct pg *pg, int64_t timeout_ms, struct error *err,
	    const char *sql)
{
	return pg_fetch(pg, timeout_ms, err, NULL, NULL, sql);
}

bool pg_runf(struct pg *pg, int64_t timeout_ms, struct error *err,
	     const char *fmt, ...)
{
	char *sql = NULL;
	va_list args;
	bool ok;

	va_start(args, fmt);
	if (vasprintf(&sql, fmt, args) < 0)
		abort();
	va_end(args);
	ok = pg_run(pg, timeout_ms, err, sql);
	free(sql);
	return ok;
}

void pg_rollback(struct pg *pg)
{
	struct error ignored = ERROR_INIT;

	if (pg_is_usable(pg) && !pg_run(pg, ROLLBACK_MS, &ignored, "rollback"))
		pg->lost = true;
}

bool pg_fetch_params(struct pg *pg, int64_t timeout_ms, struct error *err,
		     PGresult **out, const char *sql, int count,
		     const char *const *values)
{
	if (!pg->is_pinned && PQtransactionStatus(pg->conn) == PQTRANS_IDLE &&
	    !pg_run(pg, timeout_ms, err, ""))
		return false;
	pg->pinning_len = 0;
	if (!PQsendQueryParams(pg->conn, sql, count, NULL, values, NULL, NULL,
			       0))
		return pg_lose(pg, err, NULL);
	return pg_flush(pg, clock_ms() + timeout_ms, err) &&
	       pg_receive(pg, timeout_ms, err, out, NULL);
}

/* --- fields --------------------------------------------------------------- */

int64_t pg_number(const PGresult *res, int row, int column)
{
	return strtoll(PQgetvalue(res, row, column), NULL, 10);
}

unsigned char *pg_bytes(const PGresult *res, int row, int column, size_t *len)
{
	const char *text = PQgetvalue(res, row, column);
	unsigned char *bytes;

	*len = 0;
	if (PQgetisnull(res, row, column))
		return NULL;
	bytes = PQunescapeBytea((const unsigned char *)text, len);
	if (!bytes)
		abort(); /* out of memory */
	return bytes;
}

/* --- quoting -------------------------------------------------------------- */

void pg_identifier(struct pg *pg, struct buf *out, const char *name)
{
	char *quoted = PQescapeIdentifier(pg->conn, name, strlen(name));

	/* NULL: not valid UTF-8, which every caller has refused before */
	if (!quoted)
		abort();
	buf_add_text(out, quoted);
	PQfreemem(quoted);
}

void pg_literal(struct pg *pg, struct buf *out, const char *value)
{
	char *quoted = PQescapeLiteral(pg->conn, value, strlen(value));

	if (!quoted)
		abort();
	buf_add_text(out, quoted);
	PQfreemem(quoted);
}

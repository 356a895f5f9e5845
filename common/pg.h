/*
 * pg.h - a connection to PostgreSQL on which nothing waits for ever
 *
 * Every call has a deadline.  When it passes, or the connection breaks, or the
 * server ends it (FATAL, PANIC), the error is TRANSIENT with `lost` set: the
 * connection is unusable and the server may or may not have acted.  An ERROR
 * from the server leaves the connection usable, carries its SQLSTATE and the
 * kind that the policy table in pg_kind.c gives to its class.
 *
 * Sessions are pinned by their first message, whatever it is: UTF8, UTC, ISO
 * dates, a search_path of PostgreSQL's own; and the server asks for us where we
 * are silent for long, so that no lock outlives our machine.  A role's settings
 * and anything a pooler could lose are set with SET LOCAL by whoever begins a
 * transaction.
 */
#ifndef COMMON_PG_H
#define COMMON_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/libpq.h"

struct pg;

/* The last ERROR of a connection, for those who must look closer.  Strings are
 * borrowed until the next call on the connection; "" where PostgreSQL said
 * nothing. */
struct pg_failure {
	const char *sqlstate;
	const char *message; /* may quote row content: not for logs */
	const char *detail;
	const char *context;
	const char *column;
	const char *constraint;
	long position; /* character in the statement, from 1; 0: none */
};

/* Connects.  dsn: a libpq string or URI; "" takes PG* and the services.
 * application names the session in pg_stat_activity.  Of several hosts each has
 * timeout_ms, and one that does not take the connection is passed over; one
 * that takes it and is silent is not.  A server that cannot be
 * reached is TRANSIENT, a refusal of password, user or database FATAL. */
bool pg_open(struct pg **out, const char *dsn, const char *application,
	     int64_t timeout_ms, struct error *err) MUST_CHECK;

/* The same, but being asked to stop (stop.h) ends it at once: TRANSIENT. */
bool pg_open_unless_stopped(struct pg **out, const char *dsn,
			    const char *application, int64_t timeout_ms,
			    struct error *err) MUST_CHECK;

/* pg_open_unless_stopped in two halves, for whoever has something else to do
 * while the server makes the session.  The first never fails, and waits for
 * nothing but the names of hosts; the second takes what the first has begun.
 * pg_close gives it up. */
struct pg *pg_begin(const char *dsn, const char *application) MUST_CHECK;
bool pg_open_begun(struct pg **out, struct pg *begun, int64_t timeout_ms,
		   struct error *err) MUST_CHECK;

/* Ends the session.  NULL is allowed. */
void pg_close(struct pg *pg);

/* False once a call has failed with `lost`. */
bool pg_is_usable(const struct pg *pg);

/* Between calls: takes in what has come.  False: the server has ended the
 * session. */
bool pg_is_alive(struct pg *pg);

/* From at_ms (clock_ms) on nothing is waited for any more, in any thread: every
 * call that would have to is lost. */
void pg_give_up_at(int64_t at_ms);

/* Whether that time has come. */
bool pg_has_given_up(void);

/* Whether being asked to stop (stop.h) cancels what the connection waits for:
 * the server then ends it with SQLSTATE 57014, and one that does not say so
 * soon is lost.  Off at first, since ends have to be tidied up. */
void pg_heed_stop(struct pg *pg, bool heed);

/* Whether that is what an error came of; makes such a one ERROR_STOPPED; and
 * whether an error ends all use of the connection: such a one, or it is lost.
 */
bool pg_was_stopped(const struct error *err);
void pg_excuse(struct error *err);
bool pg_is_over(const struct error *err);

/* Whether being asked to stop ends at once whatever the connection waits for:
 * it is lost then.  For what nothing depends on yet.  Off at first. */
void pg_leave_at_stop(struct pg *pg, bool leave);

/* libpq's own handle, for escaping and notifications. */
PGconn *pg_raw(struct pg *pg);

/* What the last ERROR said.  Never NULL. */
const struct pg_failure *pg_failure(const struct pg *pg);

/* Runs one or more statements in one message and discards their rows. */
bool pg_run(struct pg *pg, int64_t timeout_ms, struct error *err,
	    const char *sql) MUST_CHECK;

/* The same with a printf format.  Values must be escaped: pg_literal. */
bool pg_runf(struct pg *pg, int64_t timeout_ms, struct error *err,
	     const char *fmt, ...) MUST_CHECK
	__attribute__((format(printf, 4, 5)));

/* Runs one or more statements in one message.  *out is the result of the last
 * statement that returned rows; the caller PQclears it.  tag, if not NULL,
 * receives the command tag of the last statement (`COMMIT`, `INSERT 0 3`). */
bool pg_fetch(struct pg *pg, int64_t timeout_ms, struct error *err,
	      PGresult **out, char tag[64], const char *sql) MUST_CHECK;

/* What one value, a boolean or a number, is: the first of the last statement
 * that returned rows. */
bool pg_ask(struct pg *pg, int64_t timeout_ms, struct error *err, bool *answer,
	    const char *sql) MUST_CHECK;
bool pg_count(struct pg *pg, int64_t timeout_ms, struct error *err,
	      int64_t *count, const char *sql) MUST_CHECK;

/* Ends a transaction that has failed.  A session that cannot even do that is
 * no longer usable; the error that led here stands. */
void pg_rollback(struct pg *pg);

/* One statement with bound text values ($1 ...; NULL is null). */
bool pg_fetch_params(struct pg *pg, int64_t timeout_ms, struct error *err,
		     PGresult **out, const char *sql, int count,
		     const char *const *values) MUST_CHECK;

/* pg_fetch in two halves, for whoever must know that a message has left. */
bool pg_send(struct pg *pg, int64_t timeout_ms, struct error *err,
	     const char *sql) MUST_CHECK;
bool pg_receive(struct pg *pg, int64_t timeout_ms, struct error *err,
		PGresult **out, char tag[64]) MUST_CHECK;

/* COPY ... FROM STDIN in three steps.  sql may hold statements before the
 * COPY.  pg_copy_end checks nothing but success; *rows is the command tag's
 * count, which the caller compares with what was sent. */
bool pg_copy_begin(struct pg *pg, int64_t timeout_ms, struct error *err,
		   const char *sql) MUST_CHECK;
bool pg_copy_send(struct pg *pg, int64_t timeout_ms, struct error *err,
		  const void *bytes, size_t len) MUST_CHECK;
bool pg_copy_end(struct pg *pg, int64_t timeout_ms, struct error *err,
		 uint64_t *rows) MUST_CHECK;

/* COPY ... TO STDOUT: hands every piece to take(), which may refuse with an
 * error; the rest is then read and dropped.  sql may hold statements before
 * the COPY.  The deadline is that of every single wait. */
bool pg_copy_out(struct pg *pg, int64_t timeout_ms, struct error *err,
		 const char *sql,
		 bool (*take)(void *arg, const char *bytes, size_t len,
			      struct error *err),
		 void *arg) MUST_CHECK;

/* The integer in a field; 0 where it is null. */
int64_t pg_number(const PGresult *res, int row, int column);

/* The bytes of a bytea field, for PQfreemem; NULL where it is null. */
unsigned char *pg_bytes(const PGresult *res, int row, int column, size_t *len);

/* Quoted identifier / literal, appended to a buf. */
struct buf;
void pg_identifier(struct pg *pg, struct buf *out, const char *name);
void pg_literal(struct pg *pg, struct buf *out, const char *value);

/* How a SQLSTATE is treated: by longest prefix in the policy table. */
enum error_kind pg_kind(const char *sqlstate);

#endif

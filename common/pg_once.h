/*
 * pg_once.h - one question to a server of this machine, without libpq
 *
 * Answers, or is not sure; then libpq (pg.h) is asked, and has the last word on
 * everything: who may connect, what an error means, when to try again.  So this
 * knows as little as it can of PostgreSQL's protocol 3.0: a unix socket, a user
 * who is let in without a password (peer, trust), one simple query, rows as
 * text.  What makes it worth its lines is that nothing has to be loaded for it
 * (libpq.h).
 *
 *   pg_once_begin: startup packet ->
 *   pg_once_ask:                     <- R (0: no password), S ..., K, Z
 *                  Q              ->
 *                                    <- T, D ..., C, Z
 *   pg_once_close: X              ->
 */
#ifndef COMMON_PG_ONCE_H
#define COMMON_PG_ONCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct pg_once;
struct pg_rows;

/* Begins to connect, without waiting.  dsn as for pg_open.  NULL: this is for
 * libpq.  Ends with pg_once_close. */
struct pg_once *pg_once_begin(const char *dsn,
			      const char *application) MUST_CHECK;

/* Whether the one statement was answered within the time; its names must be
 * qualified.  It reads committed data, with settings that neither role nor
 * database changes, and waits for a lock a second at most.  False: whatever it
 * was, or being asked to stop (stop.h).  Can be called once. */
bool pg_once_ask(struct pg_once *once, int64_t timeout_ms, const char *sql,
		 struct pg_rows *rows) MUST_CHECK;

/* NULL is allowed. */
void pg_once_close(struct pg_once *once);

#endif

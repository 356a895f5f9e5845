/*
 * pg_internal.h - what pg*.c know of a connection
 */
#ifndef COMMON_PG_INTERNAL_H
#define COMMON_PG_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/libpq.h"
#include "common/pg.h"

struct pg {
	PGconn *conn;
	PostgresPollingStatusType polling; /* until it is open */
	PGresult *failed;                  /* holds the strings of `failure` */
	struct pg_failure failure;
	bool lost;
	bool is_pinned;     /* the session's settings are in force */
	size_t pinning_len; /* of those that lead the message on its way */
	bool heeds_stop;
	bool leaves_at_stop;
	int64_t cancelled_ms; /* clock_ms of the first request; 0: none */
	int64_t next_cancel_ms;
};

/* What pins a session; it leads the first message. */
extern const char pg_pinning[];

/* The connection is gone, or must be taken for gone; why: NULL takes libpq's
 * words.  Always returns false. */
bool pg_lose(struct pg *pg, struct error *err, const char *why);

/* Takes res: keeps it for pg_failure and words the error.  Always returns
 * false. */
bool pg_fail(struct pg *pg, PGresult *res, struct error *err);

/* Waits until the socket is ready or the deadline (clock_ms) has passed. */
bool pg_wait(struct pg *pg, short events, int64_t deadline, struct error *err);

/* Sends what libpq has buffered, reading what comes meanwhile. */
bool pg_flush(struct pg *pg, int64_t deadline, struct error *err);

/* The next result; NULL at the end of the answer. */
bool pg_next_result(struct pg *pg, int64_t deadline, PGresult **out,
		    struct error *err);

/* Reads one answer to its end.  Rows of the last statement that had any stay
 * in *rows; the first error wins.  Stops at COPY IN, which *copying reports. */
bool pg_collect(struct pg *pg, int64_t deadline, PGresult **rows, char tag[64],
		bool *copying, struct error *err);

#endif

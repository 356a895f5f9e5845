#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/pg.h"
#include "common/pg_internal.h"

enum { COPY_CHUNK = 256 * 1024 }; /* libpq counts bytes in an int */

bool pg_copy_begin(struct pg *pg, int64_t timeout_ms, struct error *err,
		   const char *sql)
{
	bool copying = false;

	if (!pg_send(pg, timeout_ms, err, sql) ||
	    !pg_collect(pg, clock_ms() + timeout_ms, NULL, NULL, &copying, err))
		return false;
	if (!copying)
		return error_set(err, ERROR_FATAL, STATUS_DATABASE,
				 "COPY has not begun");
	return true;
}

bool pg_copy_send(struct pg *pg, int64_t timeout_ms, struct error *err,
		  const void *bytes, size_t len)
{
	int64_t deadline = clock_ms() + timeout_ms;
	const char *from = bytes;

	while (len) {
		int chunk = len > COPY_CHUNK ? COPY_CHUNK : (int)len;
		int taken = PQputCopyData(pg->conn, from, chunk);

		if (taken < 0)
			return pg_lose(pg, err, NULL);
		if (!pg_flush(pg, deadline, err))
			return false;
		if (taken == 0)
			continue;
		from += chunk;
		len -= (size_t)chunk;
	}
	return true;
}

bool pg_copy_end(struct pg *pg, int64_t timeout_ms, struct error *err,
		 uint64_t *rows)
{
	int64_t deadline = clock_ms() + timeout_ms;
	bool copying = false;
	char tag[64] = "";
	int ended;

	while ((ended = PQputCopyEnd(pg->conn, NULL)) == 0)
		if (!pg_flush(pg, deadline, err))
			return false;
	if (ended < 0)
		return pg_lose(pg, err, NULL);
	if (!pg_flush(pg, deadline, err) ||
	    !pg_collect(pg, deadline, NULL, tag, &copying, err))
		return false;
	*rows = strncmp(tag, "COPY ", 5) ? 0 : strtoull(tag + 5, NULL, 10);
	return true;
}

/* Reads the pieces of a COPY OUT to their end. */
static bool drain(struct pg *pg, int64_t timeout_ms, struct error *err,
		  bool (*take)(void *arg, const char *bytes, size_t len,
			       struct error *err),
		  void *arg, bool *refused)
{
	char *piece = NULL;
	int len;

	while ((len = PQgetCopyData(pg->conn, &piece, 1)) >= 0) {
		if (len > 0) {
			*refused =
				*refused || !take(arg, piece, (size_t)len, err);
			PQfreemem(piece);
			continue;
		}
		if (!pg_wait(pg, POLLIN, clock_ms() + timeout_ms, err))
			return false;
		if (!PQconsumeInput(pg->conn))
			return pg_lose(pg, err, NULL);
	}
	return true; /* an error of the server is the next result */
}

bool pg_copy_out(struct pg *pg, int64_t timeout_ms, struct error *err,
		 const char *sql,
		 bool (*take)(void *arg, const char *bytes, size_t len,
			      struct error *err),
		 void *arg)
{
	int64_t deadline = clock_ms() + timeout_ms;
	bool refused = false;
	bool ok = true;
	PGresult *res;

	if (!pg_send(pg, timeout_ms, err, sql))
		return false;
	while (pg_next_result(pg, deadline, &res, err)) {
		ExecStatusType status = PQresultStatus(res);

		if (!res)
			return ok && !refused;
		if (status == PGRES_FATAL_ERROR) {
			/* take() may have set *err before: it stays */
			struct error later = ERROR_INIT;

			pg_fail(pg, res, ok && !refused ? err : &later);
			ok = false;
			if (pg->lost)
				return false;
			continue;
		}
		PQclear(res);
		if (status == PGRES_COPY_OUT &&
		    !drain(pg, timeout_ms, err, take, arg, &refused))
			return false;
		deadline = clock_ms() + timeout_ms;
	}
	return false;
}

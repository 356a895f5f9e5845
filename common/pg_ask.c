#include "common/pg.h"

bool pg_ask(struct pg *pg, int64_t timeout_ms, struct error *err, bool *answer,
	    const char *sql)
{
	PGresult *res = NULL;
	bool ok = pg_fetch(pg, timeout_ms, err, &res, NULL, sql);

	if (ok)
		*answer = PQgetvalue(res, 0, 0)[0] == 't';
	PQclear(res);
	return ok;
}

bool pg_count(struct pg *pg, int64_t timeout_ms, struct error *err,
	      int64_t *count, const char *sql)
{
	PGresult *res = NULL;
	bool ok = pg_fetch(pg, timeout_ms, err, &res, NULL, sql);

	if (ok)
		*count = pg_number(res, 0, 0);
	PQclear(res);
	return ok;
}

#include "aggregate/fate.h"

#include <inttypes.h>
#include <string.h>

#include "aggregate/quote.h"
#include "aggregate/run.h"
#include "common/backoff.h"
#include "common/buf.h"
#include "common/pg.h"

enum { FIRST_WAIT_MS = 20, MOST_WAIT_MS = 500 };

/* A number that the server has not come to belongs to one that it replaces. */
static const char INVALID_PARAMETER[] = "22023";

static bool ask(const struct attempt *attempt, enum fate *fate,
		struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	buf_format(&sql,
		   "begin; set local role millrace_aggregate; "
		   "select pg_xact_status('%s') = 'in progress', "
		   "exists (select from millrace.run_model where "
		   "run_id = %" PRId64 " and xmin = '%s'::xid8::xid "
		   "and model = ",
		   attempt->xid, attempt->run->run_id, attempt->xid);
	quote_literal(&sql, attempt->task->name);
	buf_add_text(&sql, "); commit");
	ok = pg_fetch(attempt->pg, attempt->run->timeout_ms, err, &res, NULL,
		      buf_text(&sql));
	if (ok)
		*fate = PQgetvalue(res, 0, 0)[0] == 't'   ? FATE_UNKNOWN
			: PQgetvalue(res, 0, 1)[0] == 't' ? FATE_COMMITTED
							  : FATE_ROLLED_BACK;
	else if (!strcmp(err->sqlstate, INVALID_PARAMETER)) {
		pg_rollback(attempt->pg);
		*err = ERROR_INIT;
		*fate = FATE_ROLLED_BACK;
		ok = true;
	}
	PQclear(res);
	buf_release(&sql);
	return ok;
}

/* It may be too late, or not ours to end: the next answer tells. */
static bool end(const struct attempt *attempt, struct error *err)
{
	struct error refused = ERROR_INIT;

	if (pg_runf(attempt->pg, attempt->run->timeout_ms, &refused,
		    "select pg_terminate_backend(pid) "
		    "from pg_stat_get_activity(null) "
		    "where backend_xid = '%s'::xid8::xid",
		    attempt->xid) ||
	    !refused.lost)
		return true;
	*err = refused;
	return false;
}

bool fate_find(const struct attempt *attempt, enum fate *fate,
	       struct error *err)
{
	struct backoff backoff = BACKOFF_INIT(FIRST_WAIT_MS, MOST_WAIT_MS,
					      attempt->run->lock_ms);

	*fate = FATE_ROLLED_BACK;
	if (!*attempt->xid)
		return true;
	while (ask(attempt, fate, err)) {
		if (*fate != FATE_UNKNOWN)
			return true;
		if (!end(attempt, err))
			return false;
		if (!backoff_wait(&backoff))
			return true;
	}
	return false;
}

#include "common/staging.h"

#include <libpq-fe.h>

#include "common/buf.h"
#include "common/pg.h"

enum { QUICK_MS = 10000, CREATE_MS = 60000 };

static bool is_there(struct pg *pg, const char *name, bool *there,
		     struct error *err)
{
	const char *const values[] = {name};
	PGresult *res = NULL;

	if (!pg_fetch_params(pg, QUICK_MS, err, &res,
			     "select exists (select from pg_class where "
			     "relname = $1 and relnamespace = "
			     "to_regnamespace('staging') and relkind in "
			     "('r', 'p'))",
			     1, values))
		return false;
	*there = PQgetvalue(res, 0, 0)[0] == 't';
	PQclear(res);
	return true;
}

static bool create(struct pg *pg, const char *name, const char *sql,
		   struct error *err)
{
	struct error ignored = ERROR_INIT;
	struct buf text = BUF_INIT;
	bool there = false;
	bool ok;

	/* Lock first, look again, then create: the other program may have
	 * been faster. */
	if (!pg_run(pg, CREATE_MS, err,
		    "begin; set local role millrace_owner; "
		    "set local search_path = pg_catalog, pg_temp; "
		    "select pg_advisory_xact_lock("
		    "hashtext('millrace.staging'))"))
		return false;
	ok = is_there(pg, name, &there, err);
	if (ok && !there) {
		buf_add_text(&text, sql);
		buf_add_text(&text, "\n; select millrace.adopt_staging(");
		pg_literal(pg, &text, name);
		buf_add_text(&text, ")");
		ok = pg_run(pg, CREATE_MS, err, buf_text(&text));
	}
	buf_release(&text);
	if (ok)
		return pg_run(pg, QUICK_MS, err, "commit");
	if (pg_is_usable(pg) && !pg_run(pg, QUICK_MS, &ignored, "rollback"))
		return false;
	return false;
}

bool staging_ensure(struct pg *pg, const char *name, const char *file,
		    const char *sql, struct error *err)
{
	bool there = false;

	if (!is_there(pg, name, &there, err))
		return false;
	if (there || create(pg, name, sql, err))
		return true;
	return error_context(err, "%s: creating staging.%s", file, name);
}

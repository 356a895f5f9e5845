#include "common/rights.h"

#include <string.h>

#include "common/error.h"
#include "common/pg.h"

enum { ANSWER_MS = 5000 };

bool rights_explain(struct pg *pg, const char *role, struct error *err)
{
	struct error said = *err;
	struct error second = ERROR_INIT;
	PGresult *res = NULL;
	bool is_none;

	if (strcmp(err->sqlstate, "42501") != 0 || !pg || !pg_is_usable(pg))
		return false;
	pg_rollback(pg);
	if (!pg_fetch_params(pg, ANSWER_MS, &second, &res,
			     "select current_user from pg_roles where rolname "
			     "= $1 and not pg_has_role(oid, 'member')",
			     1, &role))
		return false;
	is_none = PQntuples(res) > 0;
	if (is_none)
		error_set(err, said.kind, said.status,
			  "%.700s; \"%.100s\" is no member of %s: let a "
			  "superuser grant %s to \"%.100s\"",
			  said.text, PQgetvalue(res, 0, 0), role, role,
			  PQgetvalue(res, 0, 0));
	PQclear(res);
	return is_none;
}

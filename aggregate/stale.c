#include "aggregate/stale.h"

#include "common/log.h"
#include "common/pg.h"

/* The function behind pg_stat_activity, which costs the planner little.
 * Sessions that load carry their owner's token in hexadecimal; verify and the
 * like may take as long as they need. */
#define FROM_STALE                                                             \
	"from pg_stat_get_activity(null) where datid = (select oid "           \
	"from pg_database where datname = current_database()) "                \
	"and application_name ~ '^handle-streams [0-9a-f]+$' "                 \
	"and xact_start < now() - interval '10 minutes'"

static const char find[] =
	"select pid, application_name, "
	"floor(extract(epoch from now() - xact_start) / 60) " FROM_STALE;

const char stale_question[] = "select exists (select " FROM_STALE ")";

static bool end(struct pg *pg, int64_t timeout_ms, const PGresult *res, int row,
		struct error *err)
{
	const char *const pid[] = {PQgetvalue(res, row, 0)};
	const char *name = PQgetvalue(res, row, 1);
	const char *minutes = PQgetvalue(res, row, 2);
	struct error refused = ERROR_INIT;
	PGresult *ended = NULL;

	if (pg_fetch_params(pg, timeout_ms, &refused, &ended,
			    "select pg_terminate_backend($1)", 1, pid)) {
		log_line(LOG_WARNING,
			 "%s (pid %s) was in one transaction for %s minutes; "
			 "ended it",
			 name, pid[0], minutes);
		PQclear(ended);
		return true;
	}
	if (refused.kind == ERROR_TRANSIENT) {
		*err = refused;
		return false;
	}
	log_line(LOG_WARNING,
		 "%s (pid %s) is in one transaction for %s minutes and cannot "
		 "be ended: %s",
		 name, pid[0], minutes, refused.text);
	return true;
}

bool stale_end(struct pg *pg, int64_t timeout_ms, struct error *err)
{
	PGresult *res = NULL;
	bool ok = pg_fetch(pg, timeout_ms, err, &res, NULL, find);

	for (int row = 0; ok && row < PQntuples(res); row++)
		ok = end(pg, timeout_ms, res, row, err);
	PQclear(res);
	return ok;
}

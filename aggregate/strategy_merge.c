#include <stdlib.h>

#include "aggregate/strategy.h"
#include "common/fault.h"

/* Of incoming rows and those that are there under the same keys, the first of
 * each key wins.  Most incoming rows have no rival, and are not looked at. */
static bool settle(struct refresh *refresh, struct error *err)
{
	struct buf both = BUF_INIT;
	struct buf sql = BUF_INIT;
	int64_t retired;
	bool ok;

	buf_format(
		&both,
		"select %s, null::tid as millrace_row from pg_temp.incoming\n"
		"where ctid = any(array("
		"select millrace_from from pg_temp.present))\n"
		"union all\nselect %s, millrace_row from pg_temp.present",
		refresh->list, refresh->list);
	refresh_first(&sql, refresh, buf_text(&both), true);
	ok = refresh_temp(refresh, "winner", buf_text(&sql), NULL, err) &&
	     refresh_temp(refresh, "retired",
			  "select millrace_row from pg_temp.present p\n"
			  "where not exists (select from pg_temp.winner w "
			  "where w.millrace_row = p.millrace_row)",
			  &retired, err) &&
	     refresh_run(refresh,
			 "delete from pg_temp.incoming where ctid = any(array("
			 "\nselect p.millrace_from from pg_temp.present p "
			 "join pg_temp.winner w using (millrace_row)))",
			 NULL, err);
	buf_release(&both);
	buf_release(&sql);
	return ok && refresh_apply(refresh, retired ? "retired" : NULL,
				   "incoming", err);
}

bool strategy_merge(struct refresh *refresh, struct error *err)
{
	char *query = strategy_query(refresh, STRATEGY_NEW);
	struct buf sql = BUF_INIT;
	int64_t incoming;
	int64_t present = 0;
	bool ok;

	if (mutant("no-dedupe"))
		buf_add_text(&sql, query);
	else
		refresh_first(&sql, refresh, query, false);
	ok = refresh_temp(refresh, "incoming", buf_text(&sql), &incoming, err);
	if (ok && incoming)
		ok = refresh_present(refresh, "incoming", incoming, "present",
				     &present, err);
	if (ok)
		ok = present ? settle(refresh, err)
			     : refresh_apply(refresh, NULL, "incoming", err);
	buf_release(&sql);
	free(query);
	return ok;
}

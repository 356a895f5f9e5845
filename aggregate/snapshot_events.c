#include <stdlib.h>

#include "aggregate/snapshot_sql.h"
#include "common/fault.h"

/* pg_temp.event: one row per key and time. Of several, the first by content
 * wins, whichever came first. */
static bool find_events(struct refresh *refresh,
			const struct snapshot_step *step, int64_t *rows,
			struct error *err)
{
	char *query = snapshot_query(refresh, step, false);
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_text(&sql, "select x.*, ");
	snapshot_updated(&sql, refresh, "x.");
	buf_format(&sql, " as millrace_from from (\n%s\n) x", query);
	ok = refresh_temp_analyzed(refresh, "event", buf_text(&sql), rows,
				   err) &&
	     snapshot_refuse_keys(refresh,
				  "select from pg_temp.event "
				  "where millrace_from is null",
				  "without a time in updated_at", err);
	buf_release(&sql);
	free(query);
	return ok;
}

/* All versions of the keys, old and new, each until the next begins. */
static void wanted_sql(struct buf *out, const struct refresh *refresh)
{
	buf_add_text(out, "select ");
	snapshot_columns(out, refresh, "v.");
	buf_add_text(out, ", ");
	snapshot_id(out, refresh, "v.", "v.millrace_from");
	buf_add_text(out, " as dbt_scd_id, v.millrace_from as dbt_updated_at, "
			  "v.millrace_from as dbt_valid_from,\n"
			  "    lead(v.millrace_from) over (partition by ");
	snapshot_keys(out, refresh, "v.");
	buf_add_text(out, " order by v.millrace_from) as dbt_valid_to\n"
			  "from (select distinct on (");
	snapshot_keys(out, refresh, "b.");
	buf_add_text(out, ", b.millrace_from) b.* from (\nselect ");
	snapshot_columns(out, refresh, "e.");
	buf_add_text(out, ", e.millrace_from from pg_temp.event e\n");
	if (!mutant("events-forget")) {
		buf_add_text(out, "union all select ");
		snapshot_columns(out, refresh, "p.");
		buf_add_text(out, ", p.dbt_valid_from from pg_temp.version p");
	}
	buf_add_text(out, "\n) b order by ");
	snapshot_keys(out, refresh, "b.");
	buf_add_text(out, ", b.millrace_from, row(");
	snapshot_columns(out, refresh, "b.");
	buf_add_text(out, ")::text collate \"C\") v");
}

bool snapshot_events(struct refresh *refresh, const struct snapshot_step *step,
		     struct error *err)
{
	struct buf wanted = BUF_INIT;
	struct buf present = BUF_INIT;
	int64_t rows;
	bool ok;

	wanted_sql(&wanted, refresh);
	buf_format(&present,
		   "select distinct millrace_row, %s from pg_temp.version",
		   refresh->list);
	ok = find_events(refresh, step, &rows, err) &&
	     refresh_present(refresh, "event", rows, "version", NULL, err) &&
	     refresh_diff(refresh, buf_text(&wanted), buf_text(&present), err);
	buf_release(&wanted);
	buf_release(&present);
	return ok;
}

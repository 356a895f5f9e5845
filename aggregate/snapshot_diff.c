#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/snapshot_sql.h"
#include "common/fault.h"
#include "common/pg.h"

/* pg_temp.change holds what differs: the columns of the query, and
 *   millrace_here   false: the row has gone
 *   millrace_row    the open version that ends, if there is one
 *   millrace_from   when the new version begins, or the last one ends
 */

static bool is_check(const struct refresh *refresh)
{
	return refresh->task->model->strategy == STRATEGY_CHECK;
}

/* Versions follow each other: one never begins before the one before it.  What
 * a row says about itself comes first, then the load. */
static void add_from(struct buf *out, const struct refresh *refresh,
		     const char *effective, const char *last)
{
	struct buf wanted = BUF_INIT;

	if (is_check(refresh)) {
		buf_format(&wanted, "'%s'::timestamp", effective);
	} else {
		buf_add_text(&wanted, "coalesce(case when q.millrace_here "
				      "then ");
		snapshot_updated(&wanted, refresh, "q.");
		buf_format(&wanted, " end, '%s'::timestamp)", effective);
	}
	buf_format(out,
		   "case when %s is null or %s >= %s then %s\n"
		   "    when '%s'::timestamp >= %s then '%s'::timestamp\n"
		   "    else %s + interval '1 microsecond' end",
		   last, buf_text(&wanted), last, buf_text(&wanted), effective,
		   last, effective, last);
	buf_release(&wanted);
}

/* --- extracts ------------------------------------------------------------- */

/* The extract beside the open versions: one pass, and only what differs is
 * kept. */
static void extract_sql(struct buf *out, const struct refresh *refresh,
			const struct snapshot_step *step, const char *query,
			bool nulls)
{
	const struct model *model = refresh->task->model;
	struct buf differs = BUF_INIT;

	snapshot_differs(&differs, refresh, "q.", "c.");
	buf_add_text(out, "select ");
	snapshot_joined_columns(out, refresh);
	buf_add_text(out, ", q.millrace_here is not null as millrace_here, "
			  "c.millrace_row,\n    ");
	add_from(out, refresh, step->effective, "c.dbt_valid_from");
	buf_format(out,
		   " as millrace_from\nfrom (select x.*, true as millrace_here "
		   "from (\n%s\n) x) q\nfull join (select o.*, "
		   "o.ctid as millrace_row from %s o "
		   "where o.dbt_valid_to is null) c on ",
		   query, refresh->task->table);
	snapshot_match(out, refresh, "q", "c", nulls);
	buf_format(out,
		   "\nwhere c.millrace_row is null%s\n"
		   "    or q.millrace_here and (%s)",
		   model->keeps_deleted || mutant("keep-missing")
			   ? ""
			   : " or q.millrace_here is null",
		   buf_text(&differs));
	buf_release(&differs);
}

/* Keys of which the select has rows that differ. */
static bool refuse_doubled(struct refresh *refresh, const char *select,
			   struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_text(&sql, "select ");
	snapshot_keys(&sql, refresh, "y.");
	buf_format(&sql, " from (\n%s\n) y group by ", select);
	snapshot_keys(&sql, refresh, "y.");
	buf_add_text(&sql, " having count(distinct row(");
	snapshot_columns(&sql, refresh, "y.");
	buf_add_text(&sql, ")::text) > 1");
	ok = snapshot_refuse_keys(refresh, buf_text(&sql),
				  "in one load with rows that differ: a "
				  "snapshot takes one row per unique_key, so "
				  "let the query choose",
				  err);
	buf_release(&sql);
	return ok;
}

/* Leaves one row of each key: they are equal. */
static bool fold(struct refresh *refresh, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_text(&sql,
		     "delete from pg_temp.change a using pg_temp.change b "
		     "where a.ctid > b.ctid and ");
	snapshot_match(&sql, refresh, "a", "b", true);
	ok = refresh_run(refresh, buf_text(&sql), NULL, err);
	buf_release(&sql);
	return ok;
}

/* Whether rows of the extract share a key, seen from numbers alone: those that
 * are not new have met one open version each. */
static bool has_doubles(struct refresh *refresh, const char *query,
			bool *doubles, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	if (refresh->task->model->keeps_deleted) {
		*doubles = true; /* open versions that met none are unknown */
		return true;
	}
	buf_add_text(&sql, "select exists (select from pg_temp.change "
			   "where millrace_row is null group by ");
	snapshot_keys(&sql, refresh, "");
	buf_format(&sql,
		   " having count(*) > 1)\n"
		   "or (select count(*) from (\n%s\n) q) <> "
		   "(select count(*) from %s where dbt_valid_to is null)\n"
		   "+ (select count(*) filter (where millrace_row is null) "
		   "- count(*) filter (where not millrace_here) "
		   "from pg_temp.change)",
		   query, refresh->task->table);
	ok = pg_ask(refresh->pg, refresh->timeout_ms, err, doubles,
		    buf_text(&sql));
	buf_release(&sql);
	return ok;
}

/* Rows without a key never meet their version by `=`. */
static bool has_null_keys(struct refresh *refresh, bool *nulls,
			  struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_text(&sql, "select exists (select from pg_temp.change "
			   "where num_nulls(");
	snapshot_keys(&sql, refresh, "");
	buf_add_text(&sql, ") > 0)");
	ok = pg_ask(refresh->pg, refresh->timeout_ms, err, nulls,
		    buf_text(&sql));
	buf_release(&sql);
	return ok;
}

/* Who comes back with a time from before leaving is there since the load. */
static bool settle_returned(struct refresh *refresh,
			    const struct snapshot_step *step, bool nulls,
			    struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	if (is_check(refresh))
		return true;
	buf_format(&sql,
		   "update pg_temp.change q set millrace_from = '%s'\n"
		   "where millrace_here and millrace_row is null and exists "
		   "(select from %s t where t.dbt_valid_to > q.millrace_from "
		   "and ",
		   step->effective, refresh->task->table);
	snapshot_match(&sql, refresh, "t", "q", nulls);
	buf_add_byte(&sql, ')');
	ok = refresh_run(refresh, buf_text(&sql), NULL, err);
	buf_release(&sql);
	return ok;
}

static bool find_in_extract(struct refresh *refresh,
			    const struct snapshot_step *step, const char *query,
			    struct error *err)
{
	struct buf sql = BUF_INIT;
	bool nulls = false;
	bool doubles = false;
	bool ok;

	extract_sql(&sql, refresh, step, query, false);
	ok = refresh_temp_analyzed(refresh, "change", buf_text(&sql), NULL,
				   err) &&
	     has_null_keys(refresh, &nulls, err);
	if (ok && nulls) {
		buf_reset(&sql);
		extract_sql(&sql, refresh, step, query, true);
		ok = refresh_run(refresh, "drop table pg_temp.change", NULL,
				 err) &&
		     refresh_temp_analyzed(refresh, "change", buf_text(&sql),
					   NULL, err);
	}
	ok = ok && has_doubles(refresh, query, &doubles, err);
	if (ok && doubles)
		ok = refuse_doubled(refresh, query, err) && fold(refresh, err);
	buf_release(&sql);
	return ok && settle_returned(refresh, step, nulls, err);
}

/* --- changes -------------------------------------------------------------- */

/* pg_temp.incoming: rows as they now are, and keys whose rows have gone and
 * have not come back. */
static bool find_incoming(struct refresh *refresh,
			  const struct snapshot_step *step, const char *query,
			  int64_t *rows, struct error *err)
{
	char *gone = snapshot_query(refresh, step, true);
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_text(&sql,
		     "with arrived as materialized (select distinct on (");
	snapshot_keys(&sql, refresh, "x.");
	buf_format(&sql, ") x.* from (\n%s\n) x)\nselect ", query);
	snapshot_columns(&sql, refresh, "");
	buf_add_text(&sql, ", true as millrace_here from arrived\nunion all "
			   "(select distinct on (");
	snapshot_keys(&sql, refresh, "g.");
	buf_add_text(&sql, ") ");
	snapshot_columns(&sql, refresh, "g.");
	buf_format(&sql,
		   ", false from (\n%s\n) g where %s not exists "
		   "(select from arrived a where ",
		   gone,
		   refresh->task->model->keeps_deleted ? "false and" : "");
	snapshot_match(&sql, refresh, "a", "g", true);
	buf_add_text(&sql, "))");
	ok = refuse_doubled(refresh, query, err) &&
	     refresh_temp_analyzed(refresh, "incoming", buf_text(&sql), rows,
				   err);
	buf_release(&sql);
	free(gone);
	return ok;
}

/* The newest version of each key decides: open or closed. */
static void changes_sql(struct buf *out, const struct refresh *refresh,
			const struct snapshot_step *step)
{
	struct buf differs = BUF_INIT;

	snapshot_differs(&differs, refresh, "q.", "c.");
	buf_add_text(out, "select ");
	snapshot_columns(out, refresh, "q.");
	buf_add_text(out, ", q.millrace_here, case when c.dbt_valid_to is null "
			  "then c.millrace_row end as millrace_row,\n    ");
	add_from(out, refresh, step->effective, "c.millrace_last");
	buf_add_text(out, " as millrace_from\nfrom pg_temp.incoming q\n"
			  "left join (select distinct on (");
	snapshot_keys(out, refresh, "p.");
	buf_add_text(out, ") p.*, greatest(p.dbt_valid_from, p.dbt_valid_to) "
			  "as millrace_last from pg_temp.present p\n"
			  "    order by ");
	snapshot_keys(out, refresh, "p.");
	buf_add_text(out, ", p.dbt_valid_from desc) c on ");
	snapshot_match(out, refresh, "q", "c", true);
	buf_format(out,
		   "\nwhere case when q.millrace_here\n"
		   "    then c.millrace_row is null or c.dbt_valid_to is not "
		   "null or %s\n"
		   "    else c.millrace_row is not null and c.dbt_valid_to is "
		   "null end",
		   buf_text(&differs));
	buf_release(&differs);
}

static bool find_in_changes(struct refresh *refresh,
			    const struct snapshot_step *step, const char *query,
			    struct error *err)
{
	struct buf sql = BUF_INIT;
	int64_t rows;
	bool ok;

	if (!find_incoming(refresh, step, query, &rows, err) ||
	    !refresh_present(refresh, "incoming", rows, "present", NULL, err))
		return false;
	changes_sql(&sql, refresh, step);
	ok = refresh_temp_analyzed(refresh, "change", buf_text(&sql), NULL,
				   err);
	buf_release(&sql);
	return ok;
}

/* --- versions ------------------------------------------------------------- */

/* An end for each version that ends, unless nothing lies between; a beginning
 * for each row that is new or other than it was.  In the order of the key,
 * whose index then sees each of its pages once; a first build makes its indexes
 * afterwards. */
static void added_sql(struct buf *out, const struct refresh *refresh)
{
	buf_add_text(out, "select ");
	snapshot_columns(out, refresh, "t.");
	buf_format(
		out,
		", t.dbt_scd_id, t.dbt_updated_at, t.dbt_valid_from, "
		"c.millrace_from as dbt_valid_to\n"
		"from pg_temp.change c join %s t on t.ctid = c.millrace_row\n"
		"where t.dbt_valid_from < c.millrace_from\nunion all "
		"select ",
		refresh->task->table);
	snapshot_columns(out, refresh, "c.");
	buf_add_text(out, ", ");
	snapshot_id(out, refresh, "c.", "c.millrace_from");
	buf_add_text(out, ", ");
	if (is_check(refresh))
		buf_add_text(out, "c.millrace_from");
	else
		snapshot_updated(out, refresh, "c.");
	buf_add_text(out, ", c.millrace_from, null::timestamp\n"
			  "from pg_temp.change c where c.millrace_here");
}

/* A row that says no time cannot be put anywhere. */
static bool refuse_timeless(struct refresh *refresh, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	if (is_check(refresh))
		return true;
	buf_add_text(&sql, "select from pg_temp.change c where c.millrace_here "
			   "and ");
	snapshot_updated(&sql, refresh, "c.");
	buf_add_text(&sql, " is null");
	ok = snapshot_refuse_keys(refresh, buf_text(&sql),
				  "without a time in updated_at", err);
	buf_release(&sql);
	return ok;
}

bool snapshot_diff(struct refresh *refresh, const struct snapshot_step *step,
		   struct error *err)
{
	char *query = snapshot_query(refresh, step, false);
	struct buf sql = BUF_INIT;
	bool ok;

	ok = (step->mode == SNAPSHOT_EXTRACT
		      ? find_in_extract(refresh, step, query, err)
		      : find_in_changes(refresh, step, query, err)) &&
	     refuse_timeless(refresh, err) &&
	     refresh_temp_analyzed(refresh, "retired",
				   "select millrace_row from pg_temp.change "
				   "where millrace_row is not null",
				   NULL, err);
	added_sql(&sql, refresh);
	ok = ok &&
	     refresh_temp_analyzed(refresh, "added", buf_text(&sql), NULL,
				   err) &&
	     refresh_apply(refresh, "retired", "added", err) &&
	     refresh_run(refresh, "drop table pg_temp.change, pg_temp.retired",
			 NULL, err);
	if (ok && step->mode == SNAPSHOT_CHANGES)
		ok = refresh_run(refresh,
				 "drop table pg_temp.incoming, pg_temp.present",
				 NULL, err);
	buf_release(&sql);
	free(query);
	return ok;
}

/* Rows that have a key in common: the first of them, and those that are there.
 */
#include "aggregate/refresh.h"

#include <inttypes.h>
#include <stdlib.h>

#include "aggregate/excluded.h"
#include "aggregate/quote.h"
#include "common/fault.h"
#include "common/pg.h"

/* --- the first of a key --------------------------------------------------- */

/* By bytes, as collate "C" has it: that would be another expression than the
 * column, and have the sort carry every text twice. */
#define BY_BYTES " using ~<~"

static void add_sort_key(struct buf *out, const struct column *column)
{
	static const char *const suffix[] = {
		[ORDER_EXACT] = "",
		[ORDER_TEXT] = BY_BYTES,
		[ORDER_LETTERS] = " collate \"C\"",
		[ORDER_AS_TEXT] = "::text" BY_BYTES,
	};

	buf_format(out, "%s%s", column->quoted, suffix[column->order]);
}

const struct column *refresh_key(const struct refresh *refresh, size_t i)
{
	return columns_find(&refresh->columns,
			    refresh->task->model->unique_key[i]);
}

void refresh_keys(struct buf *out, const struct refresh *refresh,
		  const char *order)
{
	for (size_t i = 0; i < refresh->task->model->unique_key_count; i++) {
		const struct column *column = refresh_key(refresh, i);

		buf_format(out, "%s%s%s", i ? ", " : "", column->quoted,
			   column->order == ORDER_TEXT ? order : "");
	}
}

void refresh_first(struct buf *out, const struct refresh *refresh,
		   const char *select, bool with_row)
{
	const struct model *model = refresh->task->model;

	buf_add_text(out, "select distinct on (");
	refresh_keys(out, refresh, "");
	buf_format(out, ") %s%s\nfrom (\n%s\n) q\norder by ", refresh->list,
		   with_row ? ", millrace_row" : "", select);
	refresh_keys(out, refresh, BY_BYTES);
	if (with_row && mutant("merge-last-wins"))
		buf_add_text(out, ", millrace_row nulls first");
	for (size_t i = 0; i < model->order_by_count; i++) {
		const struct column *column =
			columns_find(&refresh->columns, model->order_by[i]);

		buf_add_text(out, ", ");
		if (column && column->order == ORDER_TEXT)
			add_sort_key(out, column);
		else
			buf_add_text(out, model->order_by[i]);
	}
	buf_add_text(out, "\n    -- and by content, so that the order is total"
			  "\n    ");
	for (size_t i = 0; i < refresh->columns.count; i++) {
		buf_add_text(out, ", ");
		add_sort_key(out, &refresh->columns.at[i]);
	}
	if (with_row)
		buf_add_text(out, ", millrace_row");
}

void refresh_query(struct buf *out, const struct refresh *refresh)
{
	const struct model *model = refresh->task->model;
	char *without = excluded_any(refresh->task)
				? excluded_rewrite(refresh->task, NULL)
				: NULL;
	const char *sql = without ? without : model->sql;

	if ((model->strategy == STRATEGY_MERGE ||
	     model->strategy == STRATEGY_APPEND) &&
	    model->unique_key_count)
		refresh_first(out, refresh, sql, false);
	else
		buf_add_text(out, sql);
	free(without);
}

/* --- rows of the same key ------------------------------------------------- */

/* Looking up rows one by one pays while they are fewer than the pages that a
 * scan of the whole table would read, times this. */
enum { LOOKUPS_PER_PAGE = 4 };

/* One branch for each combination of NULLs in the key: `is null` and `=` find
 * their way through an index, `is not distinct from` does not.  Behind `offset
 * 0` the planner has no choice but to look each row up: it would rather scan
 * all of a large table. */
static void same_branch(struct buf *out, const struct refresh *refresh,
			const char *name, const PGresult *nulls, int row)
{
	const struct model *model = refresh->task->model;
	bool one_by_one =
		PQgetvalue(nulls, row, (int)model->unique_key_count)[0] == 't';
	const char *separator = "\nwhere ";
	struct buf where = BUF_INIT;

	buf_format(out,
		   "select n.ctid as millrace_from, t.* "
		   "from pg_temp.%s n cross join lateral (\n"
		   "    select t.ctid as millrace_row, ",
		   name);
	columns_list(out, &refresh->columns, "t.");
	buf_format(out, " from %s t\n    where ", refresh->task->table);
	for (size_t i = 0; i < model->unique_key_count; i++) {
		const char *key = refresh_key(refresh, i)->quoted;

		buf_add_text(out, i ? " and " : "");
		if (PQgetvalue(nulls, row, (int)i)[0] != 't') {
			buf_format(out, "t.%s = n.%s", key, key);
			continue;
		}
		buf_format(out, "t.%s is null", key);
		buf_format(&where, "%sn.%s is null", separator, key);
		separator = " and ";
	}
	buf_format(out, "%s) t%s", one_by_one ? "\n    offset 0" : "",
		   buf_text(&where));
	buf_release(&where);
}

bool refresh_present(struct refresh *refresh, const char *name, int64_t rows,
		     const char *into, int64_t *present, struct error *err)
{
	const struct model *model = refresh->task->model;
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	buf_add_text(&sql, "select distinct ");
	for (size_t i = 0; i < model->unique_key_count; i++) {
		quote_identifier(&sql, model->unique_key[i]);
		buf_add_text(&sql, " is null, ");
	}
	/* asked once, not for every row */
	buf_add_text(&sql, "(select pg_relation_size(");
	quote_literal(&sql, refresh->task->table);
	buf_format(&sql,
		   ") / current_setting('block_size')::int * %d > %" PRId64
		   ") from pg_temp.%s",
		   LOOKUPS_PER_PAGE, rows, name);
	ok = pg_fetch(refresh->pg, refresh->timeout_ms, err, &res, NULL,
		      buf_text(&sql));
	buf_reset(&sql);
	if (ok && !PQntuples(res)) /* no row, no branch */
		buf_format(&sql,
			   "select null::tid as millrace_from, "
			   "ctid as millrace_row, t.* from %s t where false",
			   refresh->task->table);
	for (int row = 0; ok && row < PQntuples(res); row++) {
		buf_add_text(&sql, row ? "\nunion all " : "");
		same_branch(&sql, refresh, name, res, row);
	}
	ok = ok && refresh_temp(refresh, into, buf_text(&sql), present, err);
	PQclear(res);
	buf_release(&sql);
	return ok;
}

#include "aggregate/refresh_settle.h"

#include <string.h>

#include "aggregate/index.h"
#include "aggregate/quote.h"
#include "aggregate/test.h"
#include "aggregate/unread.h"
#include "common/log.h"
#include "common/pg.h"

/* More combinations of NULLs than these are not worth asking about blindly. */
enum { KEYS_MAX = 4 };

bool refresh_settle_fits(const struct refresh *refresh)
{
	return refresh->task->model->unique_key_count <= KEYS_MAX;
}

static bool is_unique(const struct model *model, const char *name)
{
	for (size_t i = 0; i < model->test_count; i++) {
		const struct model_test *test = &model->test[i];

		for (size_t k = 0;
		     index_backs_test(test) && k < test->column_count; k++)
			if (!strcmp(test->column[k], name))
				return true;
	}
	return false;
}

bool refresh_settles_column(const struct refresh *refresh, const char *name)
{
	const struct task *task = refresh->task;

	return !model_has_key(task->model, name) &&
	       !is_unique(task->model, name) && unread_column(task, name);
}

bool refresh_settles_in_place(const struct refresh *refresh)
{
	if (refresh->task->model->strategy != STRATEGY_DELTA ||
	    !refresh_settle_fits(refresh))
		return false;
	for (size_t i = 0; i < refresh->columns.count; i++)
		if (refresh_settles_column(refresh,
					   refresh->columns.at[i].name))
			return true;
	return false;
}

/* --- rows of the same key ------------------------------------------------- */

static const char *key_of(const struct refresh *refresh, size_t i)
{
	return refresh_key(refresh, i)->quoted;
}

/* The keys of the combination that are NULL are asked for with `is null`, the
 * others with `=`: both find their way through an index.  Behind `offset 0`
 * each row is looked up by itself, whatever the planner thinks of a table that
 * has just grown. */
static void add_same(struct buf *out, const struct refresh *refresh,
		     const char *name, const char *list, unsigned nulls)
{
	size_t count = refresh->task->model->unique_key_count;

	buf_format(out,
		   "select %s, t.millrace_row\n"
		   "from %s n left join lateral (select ctid as millrace_row, "
		   "* from %s t where ",
		   list, name, refresh->task->table);
	for (size_t i = 0; i < count; i++)
		buf_format(out,
			   nulls >> i & 1 ? "%st.%s is null" : "%st.%s = n.%s",
			   i ? " and " : "", key_of(refresh, i),
			   key_of(refresh, i));
	buf_add_text(out, " offset 0) t on true\nwhere ");
	for (size_t i = 0; i < count; i++)
		buf_format(out, "%sn.%s is %s", i ? " and " : "",
			   key_of(refresh, i),
			   nulls >> i & 1 ? "null" : "not null");
}

void refresh_settle_beside(struct buf *out, const struct refresh *refresh,
			   const char *name, const char *list)
{
	unsigned combinations = 1U << refresh->task->model->unique_key_count;

	for (unsigned nulls = 0; nulls < combinations; nulls++) {
		buf_add_text(out, nulls ? "\nunion all\n" : "");
		add_same(out, refresh, name, list, nulls);
	}
}

/* --- the step ------------------------------------------------------------- */

/* Rows that stay are found by their ctid, and by nothing else: a hash or a
 * merge would read the whole table.  Only where nobody reads the changes does
 * loaded_at say when they did. */
static void stay_sql(struct buf *out, const struct refresh *refresh,
		     const char *alive)
{
	const char *separator = "";

	buf_add_text(out, "set local enable_hashjoin = off;\n"
			  "set local enable_mergejoin = off;\n");
	buf_format(out, "with stayed as (update %s t set ",
		   refresh->task->table);
	for (size_t i = 0; i < refresh->columns.count; i++) {
		const struct column *column = &refresh->columns.at[i];

		if (!refresh_settles_column(refresh, column->name))
			continue;
		buf_format(out, "%s%s = s.%s", separator, column->quoted,
			   column->quoted);
		separator = ", ";
	}
	buf_format(out,
		   "%s\nfrom (select * from pg_temp.added "
		   "where millrace_stays and %s) s "
		   "where t.ctid = s.millrace_row returning 1),\n",
		   task_is_consumed(refresh->task) ? "" : ", loaded_at = now()",
		   alive);
}

/* The insert waits for the count of what the delete has done, so that no key is
 * there twice. */
static void settle_sql(struct buf *out, const struct refresh *refresh,
		       const char *from, const char *goes, const char *comes)
{
	const struct task *task = refresh->task;
	bool is_kept = task_is_consumed(task) && !refresh->is_building;

	buf_format(out,
		   "retired as (delete from %s t where t.ctid = any(array("
		   "select millrace_row from %s where millrace_row is not null"
		   "%s)) returning %s),\n",
		   task->table, from, goes, is_kept ? "t.*" : "1");
	if (is_kept)
		buf_format(out,
			   "kept as (insert into %s (%s, loaded_at) "
			   "select %s, loaded_at from retired),\n",
			   task->old, refresh->list, refresh->list);
	buf_format(out,
		   "inserted as (insert into %s (%s) select %s from %s "
		   "where %s and (select count(*) from retired) >= 0 "
		   "returning 1)\n",
		   task->table, refresh->list, refresh->list, from, comes);
}

static void in_place_sql(struct buf *out, const struct refresh *refresh,
			 const char *alive)
{
	struct buf goes = BUF_INIT;
	struct buf comes = BUF_INIT;

	buf_format(&goes, " and not (millrace_stays and %s)", alive);
	buf_format(&comes, "not millrace_stays and %s", alive);
	stay_sql(out, refresh, alive);
	settle_sql(out, refresh, "pg_temp.added", buf_text(&goes),
		   buf_text(&comes));
	buf_add_text(out, "select s.n + r.n, s.n + i.n, s.n "
			  "from (select count(*) n from stayed) s, "
			  "(select count(*) n from retired) r, "
			  "(select count(*) n from inserted) i;\n"
			  "set local enable_hashjoin to default;\n"
			  "set local enable_mergejoin to default");
	buf_release(&goes);
	buf_release(&comes);
}

static void replace_sql(struct buf *out, const struct refresh *refresh,
			const char *from, const char *alive)
{
	settle_sql(out, refresh, from, "", alive);
	buf_add_text(out, "select (select count(*) from retired), "
			  "(select count(*) from inserted)");
}

static const char *settled_columns(struct refresh *refresh)
{
	struct buf array = BUF_INIT;
	const char *kept;

	buf_add_text(&array, "array[");
	for (size_t i = 0; i < refresh->columns.count; i++) {
		const char *name = refresh->columns.at[i].name;

		if (!refresh_settles_column(refresh, name))
			continue;
		buf_add_text(&array, array.len > 6 ? ", " : "");
		quote_literal(&array, name);
	}
	buf_add_text(&array, "]::text[]");
	kept = arena_strdup(&refresh->arena, buf_text(&array));
	buf_release(&array);
	return kept;
}

static bool run_counted(struct refresh *refresh, const char *sql,
			struct error *err)
{
	PGresult *res = NULL;

	if (refresh->record)
		return refresh_run(refresh, sql, NULL, err);
	log_line(LOG_DEBUG, "%s", sql);
	if (!pg_fetch(refresh->pg, refresh->timeout_ms, err, &res, NULL, sql))
		return false;
	refresh->deleted += pg_number(res, 0, 0);
	refresh->inserted += pg_number(res, 0, 1);
	if (PQnfields(res) > 2 && pg_number(res, 0, 2) > 0 &&
	    task_is_consumed(refresh->task))
		refresh->settled = settled_columns(refresh);
	PQclear(res);
	return true;
}

bool refresh_settle(struct refresh *refresh, const char *select,
		    const char *alive, struct error *err)
{
	bool in_place = refresh_settles_in_place(refresh);
	int64_t before = refresh->inserted;
	struct buf sql = BUF_INIT;
	bool ok;

	if (in_place || test_wants_added(refresh->task->model)) {
		buf_format(&sql,
			   "create temp table added on commit drop as\n%s;\n",
			   select);
		if (in_place) {
			in_place_sql(&sql, refresh, alive);
		} else {
			buf_add_text(&sql, "with ");
			replace_sql(&sql, refresh, "pg_temp.added", alive);
		}
		buf_format(&sql, ";\ndelete from pg_temp.added where not (%s)",
			   alive);
		refresh->added = "added";
	} else {
		buf_format(&sql, "with settled as materialized (\n%s\n),\n",
			   select);
		replace_sql(&sql, refresh, "settled", alive);
	}
	ok = run_counted(refresh, buf_text(&sql), err);
	buf_release(&sql);
	return ok &&
	       refresh_statistics(refresh, refresh->inserted - before, err);
}

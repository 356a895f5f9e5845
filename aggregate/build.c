#include "aggregate/build.h"

#include <inttypes.h>
#include <string.h>

#include "aggregate/index.h"
#include "aggregate/quote.h"
#include "aggregate/refresh_settle.h"
#include "aggregate/snapshot.h"
#include "common/fault.h"
#include "common/pg.h"

/* Beside the tables until it takes a name; only the holder of the swap lock
 * makes one. */
static const char next_table[] = "\"millrace_old\".\"next\"";

/* From now on no partition goes. */
static bool lock_staging(struct refresh *refresh, struct error *err)
{
	const struct task *task = refresh->task;
	struct buf sql = BUF_INIT;
	bool ok;

	for (size_t i = 0; i < task->input_count; i++)
		if (task->input[i].is_staging)
			buf_format(&sql, "lock table %s in access share mode;",
				   task->input[i].table);
	ok = !sql.len ||
	     pg_run(refresh->pg, refresh->timeout_ms, err, buf_text(&sql));
	buf_release(&sql);
	return ok;
}

/* Staging may have dropped what the model has once consumed, also since this
 * snapshot was taken: pg_partition_tree shows what there is now. */
bool build_is_possible(struct refresh *refresh, struct error *err)
{
	static const char sql[] =
		"select l.relation, min(p.since)::date from millrace.load l "
		"join (select r.relation, "
		"min((regexp_match(pg_get_expr(x.relpartbound, x.oid), "
		"$r$FROM \\('([^']+)'\\)$r$))[1]::timestamptz) as since "
		"from unnest($1::text[]) r (relation) "
		"cross join pg_partition_tree(case when r.relation "
		"like 'staging.%' then to_regclass(r.relation) end) t "
		"join pg_class x on x.oid = t.relid and t.level = 1 "
		"group by 1) p on p.relation = l.relation "
		"where l.row_count > 0 and l.loaded_at < p.since group by 1";
	const struct task *task = refresh->task;
	struct buf names = BUF_INIT;
	const char *values[1];
	PGresult *res = NULL;
	bool ok;

	if (!lock_staging(refresh, err))
		return false;
	buf_add_byte(&names, '{');
	for (size_t i = 0; i < task->input_count; i++) {
		buf_add_text(&names, i ? "," : "");
		quote_identifier(&names, task->input[i].relation);
	}
	buf_add_byte(&names, '}');
	values[0] = buf_text(&names);
	ok = pg_fetch_params(refresh->pg, refresh->timeout_ms, err, &res, sql,
			     1, values);
	if (ok && PQntuples(res))
		ok = error_config(err,
				  "%s: %s only holds what was loaded since "
				  "%s, and the model has consumed more: a "
				  "rebuild would lose it; keep the old code, "
				  "or give the new one another name",
				  task->model->file, PQgetvalue(res, 0, 0),
				  PQgetvalue(res, 0, 1));
	PQclear(res);
	buf_release(&names);
	return ok;
}

/* --- views over it ---------------------------------------------------------
 */

static void drop_views(struct buf *sql, const struct task *task)
{
	for (size_t i = task->view_count; i-- > 0;)
		buf_format(sql, "drop view if exists %s;\n",
			   task->view[i]->table);
}

/* Views that were there come back as their files now say. */
static void create_views(struct buf *sql, const struct task *task)
{
	for (size_t i = 0; i < task->view_count; i++) {
		const struct task *view = task->view[i];

		if (view->state.is_there)
			buf_format(sql,
				   "create view %s as\n%s\n;\n"
				   "grant select on %s to millrace_read;\n",
				   view->table, view->model->sql, view->table);
		if (view->state.is_there)
			build_comment_sql(sql, view, view->table);
	}
}

static void restore_rights(struct buf *sql, const struct refresh *refresh)
{
	if (refresh->rights)
		buf_add_text(sql, refresh->rights);
}

/* What has the name and is of the other kind goes, views over it come back. */
static bool make_room(struct refresh *refresh, struct error *err)
{
	const struct task *task = refresh->task;
	struct buf sql = BUF_INIT;
	bool ok;

	if (!task->state.is_other)
		return true;
	if (!build_keep_rights(refresh, err))
		return false;
	drop_views(&sql, task);
	buf_format(&sql, "drop %s %s;\n", task_is_view(task) ? "table" : "view",
		   task->table);
	ok = refresh_run(refresh, buf_text(&sql), NULL, err);
	buf_release(&sql);
	return ok;
}

static bool bring_back(struct refresh *refresh, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	if (!refresh->task->state.is_other)
		return true;
	create_views(&sql, refresh->task);
	restore_rights(&sql, refresh);
	ok = !sql.len || refresh_run(refresh, buf_text(&sql), NULL, err);
	buf_release(&sql);
	return ok;
}

/* --- tables --------------------------------------------------------------- */

static bool create(struct refresh *refresh, const char *table,
		   struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	/* room beside every row for its next version */
	buf_format(&sql,
		   "create table %s (like pg_temp.shape)%s;\n"
		   "alter table %s add column loaded_at timestamptz not null "
		   "default now()",
		   table,
		   refresh_settles_in_place(refresh) ? " with (fillfactor = 70)"
						     : "",
		   table);
	ok = refresh_run(refresh, buf_text(&sql), NULL, err);
	if (!ok && !strcmp(err->sqlstate, "42701"))
		error_config(err,
			     "the query returns a column loaded_at, a name "
			     "that is taken: every model gets one");
	buf_release(&sql);
	return ok || error_context(err, "%s", refresh->task->model->file);
}

static bool insert(struct refresh *refresh, const char *table,
		   struct error *err)
{
	struct buf sql = BUF_INIT;
	int64_t rows = 0;
	bool ok;

	buf_format(&sql, "insert into %s (%s)\n", table, refresh->list);
	refresh_query(&sql, refresh);
	ok = refresh_run(refresh, buf_text(&sql), &rows, err);
	if (ok)
		refresh->inserted += rows;
	buf_release(&sql);
	return ok;
}

bool build_old(struct refresh *refresh, struct error *err)
{
	const struct task *task = refresh->task;
	struct buf sql = BUF_INIT;
	bool ok;

	if (!task_is_consumed(task) || task->state.has_old)
		return true;
	relation_old_sql(&sql, task, task->table);
	ok = refresh_run(refresh, buf_text(&sql), NULL, err);
	buf_release(&sql);
	return ok;
}

static bool fill(struct refresh *refresh, const char *table, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	ok = create(refresh, table, err);
	/* a snapshot retires rows while it is built: extract by extract */
	if (model_is_snapshot(refresh->task->model))
		ok = ok && build_old(refresh, err) &&
		     snapshot_take(refresh, true, err);
	else
		ok = ok && insert(refresh, table, err);
	index_create_sql(&sql, refresh, table);
	build_comment_sql(&sql, refresh->task, table);
	buf_format(&sql, "analyze %s; grant select on %s to millrace_read",
		   table, table);
	ok = ok && refresh_run(refresh, buf_text(&sql), NULL, err);
	buf_release(&sql);
	return ok;
}

bool build_table(struct refresh *refresh, struct error *err)
{
	const struct task *task = refresh->task;
	struct buf sql = BUF_INIT;
	bool ok;

	/* what an earlier table of that name left behind */
	buf_format(&sql, "drop table if exists %s;\n", task->old);
	ok = refresh_run(refresh, buf_text(&sql), NULL, err);
	refresh->task->state.has_old = false;
	ok = ok && make_room(refresh, err) && fill(refresh, task->table, err);
	if (!model_is_snapshot(task->model))
		ok = ok && build_old(refresh, err);
	ok = ok && bring_back(refresh, err);
	buf_release(&sql);
	return ok;
}

/* --- views ---------------------------------------------------------------- */

/* Objects that no model file knows stand in the way. */
static bool explain_drop(const struct refresh *refresh, struct error *err)
{
	const char *detail = pg_failure(refresh->pg)->detail;

	if (!strcmp(err->sqlstate, "2BP01"))
		error_context(err,
			      "%s has new columns, and something that is no "
			      "model depends on the old ones (%.*s): drop it "
			      "first",
			      refresh->task->name, (int)strcspn(detail, "\n"),
			      detail);
	return error_context(err, "%s", refresh->task->model->file);
}

bool build_swap(struct refresh *refresh, struct error *err)
{
	const struct task *task = refresh->task;
	struct buf sql = BUF_INIT;
	bool ok;

	ok = build_keep_rights(refresh, err) && fill(refresh, next_table, err);
	drop_views(&sql, task);
	buf_format(&sql,
		   "drop table %s;\ndrop table if exists %s;\n"
		   "alter table %s set schema ",
		   task->table, task->old, next_table);
	quote_identifier(&sql, task->model->pack);
	buf_add_text(&sql, ";\nalter table ");
	quote_identifier(&sql, task->model->pack);
	buf_add_text(&sql, ".\"next\" rename to ");
	quote_identifier(&sql, task->model->base);
	buf_add_text(&sql, ";\n");
	create_views(&sql, task);
	if (task_is_consumed(task))
		relation_old_sql(&sql, task, task->table);
	restore_rights(&sql, refresh);
	ok = ok && (refresh_run(refresh, buf_text(&sql), NULL, err) ||
		    explain_drop(refresh, err));
	buf_release(&sql);
	return ok;
}

static bool recreate_view(struct refresh *refresh, struct error *err)
{
	const struct task *task = refresh->task;
	struct buf sql = BUF_INIT;
	bool ok;

	if (!refresh_run(refresh, "rollback to savepoint view", NULL, err) ||
	    !build_keep_rights(refresh, err))
		return false;
	drop_views(&sql, task);
	buf_format(&sql,
		   "drop view %s;\ncreate view %s as\n%s\n;\n"
		   "grant select on %s to millrace_read;\n",
		   task->table, task->table, task->model->sql, task->table);
	build_comment_sql(&sql, task, task->table);
	create_views(&sql, task);
	restore_rights(&sql, refresh);
	ok = refresh_run(refresh, buf_text(&sql), NULL, err) ||
	     explain_drop(refresh, err);
	buf_release(&sql);
	return ok;
}

bool build_view(struct refresh *refresh, struct error *err)
{
	const struct task *task = refresh->task;
	const char *head = arena_format(
		&refresh->arena, "create or replace view %s as\n", task->table);
	struct buf sql = BUF_INIT;
	struct error first = ERROR_INIT;
	bool ok;

	if ((!make_room(refresh, err) && !explain_drop(refresh, err)) ||
	    !refresh_run(refresh, "savepoint view", NULL, err))
		return false;
	buf_format(&sql, "%s%s", head, task->model->sql);
	ok = refresh_run(refresh, buf_text(&sql), NULL, &first);
	buf_reset(&sql);
	buf_format(&sql, "grant select on %s to millrace_read", task->table);
	if (ok)
		ok = refresh_run(refresh, buf_text(&sql), NULL, err) &&
		     bring_back(refresh, err);
	else if (!strcmp(first.sqlstate, "42P16") && !first.lost)
		/* other columns than those of the view that is there */
		ok = recreate_view(refresh, err);
	else {
		*err = first;
		build_point(refresh, strlen(head), err);
	}
	buf_release(&sql);
	return ok;
}

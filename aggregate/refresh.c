#include "aggregate/refresh.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/quote.h"
#include "common/log.h"
#include "common/pg.h"

/* Fewer new rows than these are left to autovacuum. */
enum { WORTH_ANALYZING = 1000 };

/* A small sample says how many rows there are and how they lie; autovacuum
 * takes its own time for a better one. */
static void analyze_sql(struct buf *out, const char *schema, const char *table)
{
	buf_format(out,
		   "set local default_statistics_target = 10; analyze %s%s; "
		   "set local default_statistics_target to default",
		   schema, table);
}

/* --- steps ---------------------------------------------------------------- */

/* What a recompute looks for must be there to be found. */
static bool check_markers(const struct refresh *refresh,
			  const struct task_input *input, struct error *err)
{
	const struct model *model = refresh->task->model;

	for (size_t i = 0; i < model->marker_count; i++) {
		const struct marker *marker = &model->marker[i];

		if (model->strategy != STRATEGY_RECOMPUTE ||
		    strcmp(marker->relation, input->relation) != 0)
			continue;
		for (size_t k = 0; k < marker->column_count; k++)
			if (marker->column[k] &&
			    !columns_find(&input->columns, marker->column[k]))
				return error_config(
					err,
					"%s:%d: the marker names %s.%s, and %s "
					"has no such column",
					model->file, marker->line,
					marker->alias, marker->column[k],
					input->relation);
	}
	return true;
}

bool refresh_inputs(struct refresh *refresh, struct error *err)
{
	struct task *task = refresh->task;

	for (size_t i = 0; i < task->input_count; i++) {
		struct task_input *input = &task->input[i];

		if (input->is_marked &&
		    (!relation_columns(refresh->pg, refresh->timeout_ms,
				       input->table, &refresh->arena,
				       &input->columns, err) ||
		     !check_markers(refresh, input, err)))
			return false;
	}
	return true;
}

bool refresh_columns(struct refresh *refresh, const char *relation,
		     struct error *err)
{
	struct buf list = BUF_INIT;

	if (!relation_columns(refresh->pg, refresh->timeout_ms, relation,
			      &refresh->arena, &refresh->columns, err))
		return false;
	columns_list(&list, &refresh->columns, "");
	refresh->list = arena_strdup(&refresh->arena, buf_text(&list));
	buf_release(&list);
	return true;
}

/* The count in a command tag: INSERT 0 3, DELETE 3, SELECT 3. */
static int64_t tag_rows(const char *tag)
{
	const char *last = strrchr(tag, ' ');

	return last ? strtoll(last, NULL, 10) : 0;
}

bool refresh_run(struct refresh *refresh, const char *sql, int64_t *rows,
		 struct error *err)
{
	char tag[64];

	if (refresh->record) {
		buf_format(refresh->record, "%s;\n\n", sql);
		if (rows)
			*rows = 1;
		return true;
	}
	log_line(LOG_DEBUG, "%s", sql);
	if (!pg_fetch(refresh->pg, refresh->timeout_ms, err, NULL, tag, sql))
		return false;
	if (rows)
		*rows = tag_rows(tag);
	return true;
}

/* What is written down, but must be there for what comes next. */
static bool run_recorded(struct refresh *refresh, const char *sql,
			 int64_t *rows, struct error *err)
{
	struct buf *record = refresh->record;
	bool ok;

	refresh->record = NULL;
	ok = refresh_run(refresh, sql, rows, err);
	refresh->record = record;
	return ok;
}

bool refresh_temp(struct refresh *refresh, const char *name, const char *select,
		  int64_t *rows, struct error *err)
{
	struct buf sql = BUF_INIT;
	int64_t count = 0;
	bool ok;

	buf_format(&sql, "create temp table %s on commit drop as\n%s", name,
		   select);
	ok = refresh_run(refresh, buf_text(&sql), &count, err);
	if (ok && refresh->record && !refresh->is_dry)
		ok = run_recorded(refresh, buf_text(&sql), &count, err);
	if (rows)
		*rows = count;
	buf_release(&sql);
	return ok;
}

bool refresh_temp_analyzed(struct refresh *refresh, const char *name,
			   const char *select, int64_t *rows, struct error *err)
{
	struct buf sql = BUF_INIT;
	int64_t count = 0;
	bool ok = refresh_temp(refresh, name, select, &count, err);

	if (ok && count) {
		analyze_sql(&sql, "pg_temp.", name);
		ok = refresh_run(refresh, buf_text(&sql), NULL, err);
	}
	if (rows)
		*rows = count;
	buf_release(&sql);
	return ok;
}

static bool retire(struct refresh *refresh, const char *retired,
		   struct error *err)
{
	const struct task *task = refresh->task;
	bool is_kept = task_is_consumed(task) && !refresh->is_building;
	struct buf sql = BUF_INIT;
	int64_t rows;
	bool ok;

	if (is_kept)
		buf_add_text(&sql, "with moved as (");
	buf_format(&sql,
		   "delete from %s t where t.ctid = any(array("
		   "select millrace_row from pg_temp.%s))",
		   task->table, retired);
	if (is_kept)
		buf_format(&sql,
			   " returning t.*)\ninsert into %s (%s, loaded_at)\n"
			   "select %s, loaded_at from moved",
			   task->old, refresh->list, refresh->list);
	ok = refresh_run(refresh, buf_text(&sql), &rows, err);
	if (ok)
		refresh->deleted += rows;
	buf_release(&sql);
	return ok;
}

bool refresh_statistics(struct refresh *refresh, int64_t rows,
			struct error *err)
{
	struct buf sql = BUF_INIT;
	bool outgrown = false;
	bool ok;

	if (rows < WORTH_ANALYZING)
		return true;
	buf_add_text(&sql, "select pg_relation_size(oid) > "
			   "current_setting('block_size')::bigint * "
			   "(2 * relpages + 8) from pg_class where oid = ");
	quote_literal(&sql, refresh->task->table);
	buf_add_text(&sql, "::regclass");
	ok = pg_ask(refresh->pg, refresh->timeout_ms, err, &outgrown,
		    buf_text(&sql));
	if (ok && outgrown) {
		buf_reset(&sql);
		analyze_sql(&sql, "", refresh->task->table);
		ok = refresh_run(refresh, buf_text(&sql), NULL, err);
	}
	buf_release(&sql);
	return ok;
}

bool refresh_insert(struct refresh *refresh, const char *added,
		    const char *unless, struct error *err)
{
	struct buf sql = BUF_INIT;
	int64_t rows = 0;
	bool ok;

	buf_format(&sql, "insert into %s (%s)\nselect %s from pg_temp.%s%s",
		   refresh->task->table, refresh->list, refresh->list, added,
		   unless);
	ok = refresh_run(refresh, buf_text(&sql), &rows, err);
	if (ok)
		refresh->inserted += rows;
	refresh->added = added;
	buf_release(&sql);
	return ok && refresh_statistics(refresh, rows, err);
}

bool refresh_apply(struct refresh *refresh, const char *retired,
		   const char *added, struct error *err)
{
	return (!retired || retire(refresh, retired, err)) &&
	       refresh_insert(refresh, added, "", err);
}

/* --- diff ----------------------------------------------------------------- */

/* Every row with its text, and its number among rows of the same text. */
static bool diff_side(struct refresh *refresh, const char *name,
		      const char *select, const char *more, int64_t *rows,
		      struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_format(&sql,
		   "select %s%s, row(%s)::text as millrace_text,\n"
		   "    row_number() over (partition by row(%s)::text) "
		   "as millrace_copy\nfrom (\n%s\n) q",
		   more, refresh->list, refresh->list, refresh->list, select);
	ok = refresh_temp(refresh, name, buf_text(&sql), rows, err);
	buf_release(&sql);
	return ok;
}

static bool diff_missing(struct refresh *refresh, const char *name,
			 const char *columns, const char *from,
			 const char *other, int64_t *rows, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_format(&sql,
		   "select %s from pg_temp.%s a\n"
		   "where not exists (select from pg_temp.%s b "
		   "where b.millrace_text = a.millrace_text "
		   "and b.millrace_copy = a.millrace_copy)",
		   columns, from, other);
	ok = refresh_temp(refresh, name, buf_text(&sql), rows, err);
	buf_release(&sql);
	return ok;
}

bool refresh_diff(struct refresh *refresh, const char *wanted,
		  const char *present, struct error *err)
{
	int64_t retired;

	return diff_side(refresh, "wanted", wanted, "", NULL, err) &&
	       diff_side(refresh, "present", present, "millrace_row, ", NULL,
			 err) &&
	       diff_missing(refresh, "retired", "millrace_row", "present",
			    "wanted", &retired, err) &&
	       diff_missing(refresh, "added", refresh->list, "wanted",
			    "present", NULL, err) &&
	       refresh_apply(refresh, retired ? "retired" : NULL, "added", err);
}

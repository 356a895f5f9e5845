#include <stdlib.h>
#include <string.h>

#include "aggregate/changes.h"
#include "aggregate/refresh_settle.h"
#include "aggregate/strategy.h"
#include "common/fault.h"

/* The columns, measures with a sign or summed up into their own type. */
enum measure { MEASURE_PLUS, MEASURE_MINUS, MEASURE_SUM };

/* No sum goes back to what it was before a NaN or an infinity came in: SQL
 * cannot say so but by a cast that fails. */
static const char no_number[] = "goes and cannot be subtracted";

static void add_minus(struct buf *out, const struct column *column)
{
	const char *name = column->quoted;

	if (strcmp(column->type, "numeric") != 0)
		buf_format(out, "-%s as %s", name, name);
	else
		buf_format(out,
			   "-case when %s in ('NaN', 'Infinity', '-Infinity') "
			   "then (%s::text || ' %s')::numeric else %s end "
			   "as %s",
			   name, name, no_number, name, name);
}

static bool explain(const struct refresh *refresh, struct error *err)
{
	const struct model *model = refresh->task->model;
	enum error_kind kind = err->kind;
	enum exit_status status = err->status;

	if (!strcmp(err->sqlstate, "22P02") && strstr(err->text, no_number))
		error_set(err, kind, status,
			  "%s: a NaN or an infinity goes from a measure, and "
			  "no sum can be without it again: `periodic "
			  "--full-refresh -s %s`, or leave such values out",
			  model->file, refresh->task->name);
	return false;
}

static void add_columns(struct buf *out, const struct refresh *refresh,
			enum measure how)
{
	for (size_t i = 0; i < refresh->columns.count; i++) {
		const struct column *column = &refresh->columns.at[i];
		const char *name = column->quoted;

		buf_add_text(out, i ? ", " : "");
		if (model_has_key(refresh->task->model, column->name) ||
		    how == MEASURE_PLUS)
			buf_add_text(out, name);
		else if (how == MEASURE_MINUS)
			add_minus(out, column);
		else
			buf_format(out, "sum(%s)::%s as %s", name, column->type,
				   name);
	}
}

/* Groups whose sums are all 0 have not changed.  Where nothing is ever
 * subtracted they may be new groups of zeros, and stay. */
static void add_having_change(struct buf *out, const struct refresh *refresh)
{
	const char *separator = "\nhaving ";

	for (size_t i = 0; i < refresh->columns.count; i++) {
		const struct column *column = &refresh->columns.at[i];

		if (model_has_key(refresh->task->model, column->name))
			continue;
		buf_format(out, "%ssum(%s) <> 0", separator, column->quoted);
		separator = " or ";
	}
}

/* The query over new rows less the query over gone rows. */
static void change_sql(struct buf *out, const struct refresh *refresh)
{
	const struct task *task = refresh->task;
	const struct task_input *input =
		task_input_of(task, task->model->marker[0].relation);
	char *plus = strategy_query(refresh, STRATEGY_NEW);
	char *minus = strategy_query(refresh, STRATEGY_GONE);

	buf_add_text(out, "select ");
	add_columns(out, refresh, MEASURE_SUM);
	buf_add_text(out, "\nfrom (\nselect ");
	add_columns(out, refresh, MEASURE_PLUS);
	buf_format(out, " from (\n%s\n) plus", plus);
	if (changes_any_gone(task, input)) {
		buf_add_text(out, "\nunion all select ");
		add_columns(out, refresh, MEASURE_MINUS);
		buf_format(out, " from (\n%s\n) minus", minus);
	}
	buf_add_text(out, "\n) change\ngroup by ");
	refresh_keys(out, refresh, "");
	if (task->model->rows)
		add_having_change(out, refresh);
	free(plus);
	free(minus);
}

/* The groups as they will be. */
static void sum_sql(struct buf *out, const struct refresh *refresh)
{
	const struct model *model = refresh->task->model;

	buf_add_text(out, "select ");
	add_columns(out, refresh, MEASURE_SUM);
	buf_format(out,
		   "\nfrom (\nselect %s from pg_temp.change\n"
		   "union all select %s from pg_temp.present\n) both_sides\n"
		   "group by ",
		   refresh->list, refresh->list);
	refresh_keys(out, refresh, "");
	if (model->rows)
		buf_format(
			out, "\nhaving sum(%s) <> 0",
			columns_find(&refresh->columns, model->rows)->quoted);
}

/* In steps: which keys can be NULL is asked first. */
static bool delta_in_steps(struct refresh *refresh, struct error *err)
{
	struct buf sql = BUF_INIT;
	int64_t changed;
	int64_t present = 0;
	bool ok;

	change_sql(&sql, refresh);
	ok = refresh_temp(refresh, "change", buf_text(&sql), &changed, err);
	if (!ok || !changed)
		goto out;
	ok = refresh_present(refresh, "change", changed, "present", &present,
			     err);
	if (!ok)
		goto out;
	buf_reset(&sql);
	sum_sql(&sql, refresh);
	ok = refresh_temp(refresh, "added", buf_text(&sql), NULL, err) &&
	     refresh_apply(refresh, present ? "present" : NULL, "added", err);
out:
	buf_release(&sql);
	return ok || explain(refresh, err);
}

/* Whether nothing changes but what may change in place: the other measures of
 * row are what they were. */
static void add_stays(struct buf *list, const struct refresh *refresh)
{
	if (!refresh_settles_in_place(refresh))
		return;
	buf_add_text(list, ", t.millrace_row is not null");
	for (size_t i = 0; i < refresh->columns.count; i++) {
		const struct column *column = &refresh->columns.at[i];

		if (!model_has_key(refresh->task->model, column->name) &&
		    !refresh_settles_column(refresh, column->name))
			buf_format(list,
				   " and coalesce(n.%s + t.%s, n.%s, t.%s)::%s "
				   "is not distinct from t.%s",
				   column->quoted, column->quoted,
				   column->quoted, column->quoted, column->type,
				   column->quoted);
	}
	buf_add_text(list, " as millrace_stays");
}

/* The groups as they will be, each beside the row that has been its sum. */
static void settled_sql(struct buf *out, const struct refresh *refresh)
{
	struct buf list = BUF_INIT;

	for (size_t i = 0; i < refresh->columns.count; i++) {
		const struct column *column = &refresh->columns.at[i];
		const char *name = column->quoted;

		buf_add_text(&list, i ? ", " : "");
		if (model_has_key(refresh->task->model, column->name))
			buf_format(&list, "n.%s", name);
		else /* as sum() does it */
			buf_format(&list,
				   "coalesce(n.%s + t.%s, n.%s, t.%s)::%s as "
				   "%s",
				   name, name, name, name, column->type, name);
	}
	add_stays(&list, refresh);
	buf_add_text(out, "with change as materialized (\n");
	change_sql(out, refresh);
	buf_add_text(out, "\n)\n");
	refresh_settle_beside(out, refresh, "change", buf_text(&list));
	buf_release(&list);
}

bool strategy_delta(struct refresh *refresh, struct error *err)
{
	const struct model *model = refresh->task->model;
	struct buf select = BUF_INIT;
	struct buf alive = BUF_INIT;
	bool ok;

	if (!refresh_settle_fits(refresh))
		return delta_in_steps(refresh, err);
	settled_sql(&select, refresh);
	if (model->rows)
		buf_format(
			&alive, "%s <> 0",
			columns_find(&refresh->columns, model->rows)->quoted);
	ok = refresh_settle(refresh, buf_text(&select),
			    model->rows ? buf_text(&alive) : "true", err);
	buf_release(&select);
	buf_release(&alive);
	return ok || explain(refresh, err);
}

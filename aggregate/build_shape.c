#include <string.h>

#include "aggregate/build.h"
#include "aggregate/quote.h"
#include "common/pg.h"

/* --- errors in the file --------------------------------------------------- */

int build_line(const struct model *model, long position)
{
	int line = model->sql_line;
	const char *at = model->sql;

	for (; *at && position > 1; at++) {
		line += *at == '\n';
		position -= ((unsigned char)at[1] & 0xc0) != 0x80;
	}
	return line;
}

bool build_point(struct refresh *refresh, size_t before, struct error *err)
{
	const struct model *model = refresh->task->model;
	const struct pg_failure *failure = pg_failure(refresh->pg);
	long at = failure->position - (long)before;

	if (err->lost || at < 1 || at > (long)strlen(model->sql))
		return error_context(err, "%s", model->file);
	return error_context(err, "%s:%d", model->file, build_line(model, at));
}

/* --- shape ---------------------------------------------------------------- */

static bool want_column(const struct refresh *refresh, const char *what,
			const char *name, struct error *err)
{
	if (columns_find(&refresh->columns, name))
		return true;
	return error_config(err,
			    "%s: %s names %s, which is not a column of the "
			    "query (%s)",
			    refresh->task->model->file, what, name,
			    refresh->list);
}

/* The same of a column that tells rows or parts apart. */
static bool want_key(const struct refresh *refresh, const char *what,
		     const char *name, struct error *err)
{
	const char *file = refresh->task->model->file;
	const struct column *column;

	if (!want_column(refresh, what, name, err))
		return false;
	column = columns_find(&refresh->columns, name);
	if (column->is_row)
		return error_config(err,
				    "%s: %s names %s, which is %s, a row: "
				    "select its fields instead",
				    file, what, name, column->type);
	if (column->is_foreign)
		return error_config(err,
				    "%s: %s names %s, which is %s: only values "
				    "of PostgreSQL's own types are compared "
				    "alike everywhere; cast it, as in "
				    "lower(%s::text)",
				    file, what, name, column->type, name);
	return true;
}

static bool is_measure(const char *type)
{
	return !strcmp(type, "bigint") || !strcmp(type, "integer") ||
	       !strcmp(type, "smallint") || !strcmp(type, "numeric");
}

/* Everything that is not in the key is added and subtracted. */
static bool check_measures(const struct refresh *refresh, struct error *err)
{
	const struct model *model = refresh->task->model;

	for (size_t i = 0; i < refresh->columns.count; i++) {
		const struct column *column = &refresh->columns.at[i];

		if (!model_has_key(model, column->name) &&
		    !is_measure(column->type))
			return error_config(
				err,
				"%s: delta adds up every column that is not in "
				"unique_key, and %s is %s; make it bigint or "
				"numeric, or use recompute",
				model->file, column->name, column->type);
	}
	return true;
}

static bool check_names(const struct refresh *refresh, struct error *err)
{
	const struct model *model = refresh->task->model;

	for (size_t i = 0; i < model->unique_key_count; i++)
		if (!want_key(refresh, "unique_key", model->unique_key[i], err))
			return false;
	for (size_t i = 0; i < model->by_count; i++)
		if (!want_key(refresh, "by", model->by[i].name, err))
			return false;
	for (size_t i = 0; i < model->test_count; i++)
		for (size_t k = 0; k < model->test[i].column_count; k++)
			if (!want_column(refresh, model->test[i].name,
					 model->test[i].column[k], err))
				return false;
	for (size_t i = 0; i < model->check_column_count; i++)
		if (!want_column(refresh, "check_cols", model->check_column[i],
				 err))
			return false;
	if (model->updated_at &&
	    !want_column(refresh, "updated_at", model->updated_at, err))
		return false;
	if (model->rows && !want_column(refresh, "rows", model->rows, err))
		return false;
	return model->strategy != STRATEGY_DELTA ||
	       check_measures(refresh, err);
}

/* What a snapshot adds to its query. */
static bool add_snapshot_columns(struct refresh *refresh, struct error *err)
{
	bool ok;

	if (!model_is_snapshot(refresh->task->model))
		return true;
	ok = refresh_run(refresh,
			 "alter table pg_temp.shape "
			 "add column dbt_scd_id text not null, "
			 "add column dbt_updated_at timestamp not null, "
			 "add column dbt_valid_from timestamp not null, "
			 "add column dbt_valid_to timestamp",
			 NULL, err);
	if (!ok && !strcmp(err->sqlstate, "42701"))
		error_config(err, "the query returns a column of a name that "
				  "snapshots add: dbt_scd_id, dbt_updated_at, "
				  "dbt_valid_from, dbt_valid_to");
	return ok || error_context(err, "%s", refresh->task->model->file);
}

bool build_shape(struct refresh *refresh, struct error *err)
{
	static const char create[] =
		"create temp table shape on commit drop as\n";
	struct buf sql = BUF_INIT;
	bool ok;

	buf_format(&sql, "%s%s\nwith no data", create,
		   refresh->task->model->sql);
	ok = refresh_run(refresh, buf_text(&sql), NULL, err);
	if (!ok)
		build_point(refresh, sizeof create - 1, err);
	buf_release(&sql);
	return ok && add_snapshot_columns(refresh, err) &&
	       refresh_columns(refresh, "pg_temp.shape", err) &&
	       check_names(refresh, err) && refresh_inputs(refresh, err);
}

static bool find_columns_there(struct refresh *refresh, struct columns *there,
			       struct error *err)
{
	return relation_columns(refresh->pg, refresh->timeout_ms,
				refresh->task->table, &refresh->arena, there,
				err);
}

/* Whether the wanted are among them, by name and type. */
static bool has_all(const struct columns *columns, const struct columns *wanted)
{
	for (size_t i = 0; i < wanted->count; i++) {
		const struct column *found =
			columns_find(columns, wanted->at[i].name);

		if (!found || strcmp(found->type, wanted->at[i].type) != 0)
			return false;
	}
	return true;
}

bool build_fits(struct refresh *refresh, bool *fits, struct error *err)
{
	struct columns there;

	if (!find_columns_there(refresh, &there, err))
		return false;
	*fits = columns_equal(&there, &refresh->columns);
	/* columns that were added stand last, wherever the query has them */
	if (!*fits && there.count == refresh->columns.count &&
	    refresh->task->model->on_schema_change == ON_SCHEMA_APPEND)
		*fits = has_all(&refresh->columns, &there);
	return true;
}

bool build_grows(struct refresh *refresh, bool *grows, struct error *err)
{
	struct columns there;

	if (!find_columns_there(refresh, &there, err))
		return false;
	*grows = there.count < refresh->columns.count &&
		 has_all(&refresh->columns, &there);
	return true;
}

bool build_extend(struct refresh *refresh, struct error *err)
{
	const struct task *task = refresh->task;
	struct buf sql = BUF_INIT;
	struct columns there;
	bool ok = find_columns_there(refresh, &there, err);

	for (size_t i = 0; ok && i < there.count; i++) {
		const struct column *new =
			columns_find(&refresh->columns, there.at[i].name);

		if (!new)
			ok = error_config(err,
					  "%s: the query has lost the column "
					  "%s: keep it, as null if need be",
					  task->model->file, there.at[i].name);
		else if (strcmp(new->type, there.at[i].type) != 0)
			ok = error_config(err,
					  "%s: the column %s has become %s and "
					  "is %s in the table: cast it back",
					  task->model->file, there.at[i].name,
					  new->type, there.at[i].type);
	}
	for (size_t i = 0; ok && i < refresh->columns.count; i++) {
		const struct column *new = &refresh->columns.at[i];

		if (columns_find(&there, new->name))
			continue;
		buf_format(&sql, "alter table %s add column %s %s;\n",
			   task->table, new->quoted, new->type);
		if (task->state.has_old)
			buf_format(&sql, "alter table %s add column %s %s;\n",
				   task->old, new->quoted, new->type);
	}
	if (ok && sql.len)
		ok = refresh_run(refresh, buf_text(&sql), NULL, err);
	buf_release(&sql);
	return ok;
}

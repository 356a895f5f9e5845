#include "aggregate/snapshot_sql.h"

#include <inttypes.h>
#include <string.h>

#include "aggregate/changes.h"
#include "aggregate/strategy.h"
#include "common/pg.h"

static bool is_added(const struct column *column)
{
	for (size_t i = 0; i < SNAPSHOT_COLUMNS; i++)
		if (!strcmp(column->name, model_snapshot_columns[i]))
			return true;
	return false;
}

void snapshot_columns(struct buf *out, const struct refresh *refresh,
		      const char *prefix)
{
	const char *separator = "";

	for (size_t i = 0; i < refresh->columns.count; i++) {
		const struct column *column = &refresh->columns.at[i];

		if (is_added(column))
			continue;
		buf_format(out, "%s%s%s", separator, prefix, column->quoted);
		separator = ", ";
	}
}

void snapshot_joined_columns(struct buf *out, const struct refresh *refresh)
{
	const char *separator = "";

	for (size_t i = 0; i < refresh->columns.count; i++) {
		const struct column *column = &refresh->columns.at[i];
		const char *name = column->quoted;

		if (is_added(column))
			continue;
		buf_add_text(out, separator);
		separator = ", ";
		if (model_has_key(refresh->task->model, column->name))
			buf_format(out, "coalesce(q.%s, c.%s) as %s", name,
				   name, name);
		else
			buf_format(out, "q.%s", name);
	}
}

void snapshot_keys(struct buf *out, const struct refresh *refresh,
		   const char *prefix)
{
	for (size_t i = 0; i < refresh->task->model->unique_key_count; i++)
		buf_format(out, "%s%s%s", i ? ", " : "", prefix,
			   refresh_key(refresh, i)->quoted);
}

void snapshot_match(struct buf *out, const struct refresh *refresh,
		    const char *a, const char *b, bool nulls)
{
	for (size_t i = 0; i < refresh->task->model->unique_key_count; i++) {
		const char *name = refresh_key(refresh, i)->quoted;

		buf_add_text(out, i ? " and " : "");
		if (nulls)
			buf_format(out, "array[%s.%s] = array[%s.%s]", a, name,
				   b, name);
		else
			buf_format(out, "%s.%s = %s.%s", a, name, b, name);
	}
}

void snapshot_updated(struct buf *out, const struct refresh *refresh,
		      const char *prefix)
{
	const struct column *column = columns_find(
		&refresh->columns, refresh->task->model->updated_at);

	buf_format(out,
		   column->is_timestamptz ? "(%s%s at time zone 'UTC')"
					  : "%s%s::timestamp",
		   prefix, column->quoted);
}

static bool is_checked(const struct model *model, const struct column *column)
{
	if (is_added(column) || model_has_key(model, column->name))
		return false;
	for (size_t i = 0; i < model->check_column_count; i++)
		if (!strcmp(column->name, model->check_column[i]))
			return true;
	return !model->check_column_count;
}

void snapshot_differs(struct buf *out, const struct refresh *refresh,
		      const char *row, const char *open)
{
	const struct model *model = refresh->task->model;
	const char *separator = "";

	if (model->strategy == STRATEGY_TIMESTAMP) {
		snapshot_updated(out, refresh, row);
		buf_format(out, " > %sdbt_updated_at or ", open);
		snapshot_updated(out, refresh, row);
		buf_add_text(out, " is null");
		return;
	}
	for (size_t i = 0; i < refresh->columns.count; i++) {
		const struct column *column = &refresh->columns.at[i];
		/* json has no equality of its own */
		const char *as = strcmp(column->type, "json") ? "" : "::text";

		if (!is_checked(model, column))
			continue;
		buf_format(out, "%s%s%s%s is distinct from %s%s%s", separator,
			   row, column->quoted, as, open, column->quoted, as);
		separator = " or ";
	}
	if (!*separator)
		buf_add_text(out, "false");
}

void snapshot_id(struct buf *out, const struct refresh *refresh,
		 const char *prefix, const char *from)
{
	buf_add_text(out, "md5(jsonb_build_array(");
	snapshot_keys(out, refresh, prefix);
	buf_format(out, ", %s)::text)", from);
}

static void add_extract(struct buf *out, const struct refresh *refresh,
			const struct marker *marker, const void *step)
{
	const struct task_input *input =
		task_input_of(refresh->task, marker->relation);
	const struct snapshot_step *extract = step;

	buf_format(out, "select * from %s where loaded_at = '%s'::timestamptz",
		   input->table, extract->loaded_at);
}

char *snapshot_query(struct refresh *refresh, const struct snapshot_step *step,
		     bool gone)
{
	struct task_state *state = &refresh->task->state;
	struct load *load = state->load;
	size_t count = state->load_count;
	char *query;

	if (step->loaded_at)
		return strategy_rewrite(refresh, add_extract, step);
	if (!step->load)
		return model_rewrite(refresh->task->model, NULL);
	/* change sets are those of the pending loads: for now, of these */
	state->load = step->load;
	state->load_count = step->load_count;
	query = strategy_query(refresh, gone ? STRATEGY_GONE : STRATEGY_NEW);
	state->load = load;
	state->load_count = count;
	return query;
}

bool snapshot_refuse_keys(struct refresh *refresh, const char *select,
			  const char *what, struct error *err)
{
	struct buf sql = BUF_INIT;
	int64_t count;
	bool ok;

	buf_format(&sql, "select count(*) from (\n%s\n) found", select);
	ok = pg_count(refresh->pg, refresh->timeout_ms, err, &count,
		      buf_text(&sql));
	if (ok && count)
		ok = error_set(err, ERROR_FATAL, STATUS_DATA,
			       "%s: %" PRId64 " %s %s",
			       refresh->task->model->file, count,
			       count == 1 ? "key" : "keys", what);
	buf_release(&sql);
	return ok;
}

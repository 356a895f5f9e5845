#include "aggregate/ledger.h"
#include "aggregate/ledger_parts.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/joint.h"
#include "aggregate/quote.h"
#include "aggregate/source.h"
#include "common/buf.h"
#include "common/pg.h"
#include "common/pg_once.h"
#include "common/pg_rows.h"
#include "common/schema.h"

/* A backend that has just started reads the catalog for each table, operator
 * and function that it meets, and plans joins by statistics that it has not
 * read yet.  So the statements here name few of them and join nothing: what
 * looks like a join is a subquery in an expression. */

enum {
	COL_MODEL,
	COL_KIND,
	COL_HASH,
	COL_CHANGED,
	COL_EXPORTED,
	COL_INDEXES,
	COL_QUEUED,
	/* the same in all rows */
	COL_SUSPECT,
	COL_TICK,
	COL_SCHEMA,
	COLUMNS,
};

/* Whether a selected task has something pending, or excluded: a condition.  In
 * the order of load_id, so that the index is read from the floor on. */
static void add_pending(struct buf *sql, const struct tasks *tasks)
{
	const char *separator = "exists (select from (values ";

	for (size_t i = 0; i < tasks->count; i++) {
		const struct task *task = tasks->order[i];

		for (size_t k = 0; task->is_selected && k < task->input_count;
		     k++) {
			buf_format(sql, "%s(", separator);
			separator = ", ";
			quote_literal(sql, task->name);
			buf_add_text(sql, ", ");
			quote_literal(sql, task->input[k].relation);
			buf_add_byte(sql, ')');
		}
	}
	if (*separator == 'e')
		buf_add_text(sql, "false");
	else
		buf_add_text(
			sql,
			") i (model, relation) where (select l.load_id"
			" from millrace.load l where l.relation = i.relation"
			" and l.load_id > (select k.floor_load"
			" from millrace.model k where k.model = i.model)"
			" and " LEDGER_SAYS_SOMETHING
			" and (select x.load_id from millrace.model_load x"
			" where x.model = i.model and x.load_id = l.load_id)"
			" is null order by l.load_id limit 1) is not null)");
}

/* Or a table of others tells of no loads any more. */
static void add_unwatched(struct buf *sql, const struct tasks *tasks)
{
	for (size_t i = 0; i < tasks->count; i++) {
		const struct task *task = tasks->order[i];

		for (size_t k = 0; ledger_concerns(tasks, task, NULL) &&
				   k < task->input_count;
		     k++) {
			struct buf name = BUF_INIT;

			if (task->input[k].task || task->input[k].is_staging)
				continue;
			quote_literal(&name, task->input[k].relation);
			buf_add_text(sql, " or not ");
			source_watched_sql(sql, buf_text(&name));
			buf_release(&name);
		}
	}
}

static void add_question(struct buf *sql, const struct tasks *tasks)
{
	/* the kind: to name pg_class here costs more than all of its rows.
	 * to_regclass stumbles over a schema that is somebody else's; a close
	 * look does not */
	buf_add_text(sql, "select m.model, (pg_identify_object("
			  "'pg_class'::regclass, to_regclass(m.model), 0)).type"
			  ", m.code_hash, m.changed_load, m.exported_load,"
			  " m.indexes, m.queued is not null, ");
	add_pending(sql, tasks);
	buf_format(sql, " or (%s)", joint_question);
	add_unwatched(sql, tasks);
	buf_format(sql, ", (%s), ", ledger_tick_question);
	schema_fits_sql(sql);
	buf_add_text(sql, "\nfrom millrace.model m");
}

static struct task *find(const struct tasks *tasks, const char *name)
{
	const struct relation *relation = project_find(tasks->project, name);

	return relation ? tasks->at[relation - tasks->project->relation] : NULL;
}

static void read_model(struct task *task, const char *const *column)
{
	struct task_state *state = &task->state;
	const char *kind = column[COL_KIND];

	state->is_known = true;
	state->is_there =
		*kind && (strcmp(kind, "view") == 0) == task_is_view(task);
	state->is_other = *kind && !state->is_there;
	if (!strncmp(column[COL_HASH], "\\x", 2)) /* as a bytea begins */
		strncpy(state->code_hash, column[COL_HASH] + 2,
			sizeof state->code_hash - 1);
	state->changed_load = strtoll(column[COL_CHANGED], NULL, 10);
	state->exported_load = strtoll(column[COL_EXPORTED], NULL, 10);
	state->has_indexes = !strcmp(column[COL_INDEXES], task->indexes);
	state->is_queued = column[COL_QUEUED][0] == 't';
}

static bool read_answer(struct tasks *tasks, const struct pg_rows *rows)
{
	for (size_t i = 0; i < tasks->count; i++) {
		struct task_state *state = &tasks->order[i]->state;

		arena_reset(&state->arena);
		*state = (struct task_state){.arena = state->arena};
	}
	for (size_t i = 0; i < rows->count; i++) {
		struct task *task = find(tasks, pg_rows_at(rows, i)[COL_MODEL]);

		if (task)
			read_model(task, pg_rows_at(rows, i));
	}
	tasks->fits_schema = false;
	if (!rows->count)
		return false;
	tasks->fits_schema = pg_rows_at(rows, 0)[COL_SCHEMA][0] == 't';
	tasks->is_tick_due = pg_rows_at(rows, 0)[COL_TICK][0] == 't';
	/* who holds up the seal is looked for when it is to move */
	tasks->has_stale = tasks->is_tick_due;
	return pg_rows_at(rows, 0)[COL_SUSPECT][0] == 'f';
}

bool ledger_glance(struct pg *pg, int64_t timeout_ms, struct tasks *tasks,
		   bool *is_clear, struct error *err)
{
	struct pg_rows rows = PG_ROWS_INIT;
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	add_question(&sql, tasks);
	ok = pg_fetch(pg, timeout_ms, err, &res, NULL, buf_text(&sql));
	if (ok) {
		pg_rows_copy(&rows, res);
		*is_clear = read_answer(tasks, &rows);
	}
	PQclear(res);
	pg_rows_release(&rows);
	buf_release(&sql);
	return ok;
}

bool ledger_glance_once(struct pg_once *once, int64_t timeout_ms,
			struct tasks *tasks)
{
	struct pg_rows rows = PG_ROWS_INIT;
	struct buf sql = BUF_INIT;
	bool is_clear;

	add_question(&sql, tasks);
	is_clear = pg_once_ask(once, timeout_ms, buf_text(&sql), &rows) &&
		   rows.columns == COLUMNS && /* whoever it is that answers */
		   read_answer(tasks, &rows) && tasks->fits_schema &&
		   !tasks->is_tick_due;
	pg_rows_release(&rows);
	buf_release(&sql);
	return is_clear;
}

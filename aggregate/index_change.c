#include <stdlib.h>
#include <string.h>

#include "aggregate/build.h"
#include "aggregate/index.h"
#include "aggregate/index_parts.h"
#include "aggregate/quote.h"
#include "aggregate/refresh.h"
#include "common/pg.h"

static void add_key(struct buf *out, const struct index *index,
		    const struct columns *columns)
{
	buf_add_byte(out, '(');
	for (size_t i = 0; i < index->column_count; i++) {
		const struct column *column =
			columns_find(columns, index->column[i]);

		buf_add_text(out, i ? ", " : "");
		quote_identifier(out, index->column[i]);
		if (column && column->order == ORDER_TEXT)
			buf_add_text(out, " text_pattern_ops");
	}
	buf_add_text(out, ") nulls not distinct");
}

static void create_sql(struct buf *out, const struct index *index,
		       const struct columns *columns, const char *table)
{
	buf_format(out, "create %sindex ", index->is_unique ? "unique " : "");
	quote_identifier(out, index->name);
	buf_format(out, " on %s ", table);
	if (index->is_key)
		add_key(out, index, columns);
	else
		buf_add_text(out, index->body);
	buf_add_text(out, ";\n");
}

void index_create_sql(struct buf *out, const struct refresh *refresh,
		      const char *table)
{
	struct arena arena = ARENA_INIT;
	struct indexes indexes = index_find(refresh->task, &arena);

	for (size_t i = 0; i < indexes.count; i++)
		create_sql(out, &indexes.at[i], &refresh->columns, table);
	free(indexes.at);
	arena_release(&arena);
}

/* Ours: the table's name and eight hexadecimal digits. */
static bool is_ours(const struct task *task, const char *name)
{
	size_t base = strlen(task->model->base);

	return !strncmp(name, task->model->base, base) && name[base] == '_' &&
	       strspn(name + base + 1, "0123456789abcdef") == 8 &&
	       strlen(name) == base + 9;
}

static void drop_sql(struct buf *out, const struct indexes *indexes,
		     const char *name)
{
	const struct task *task = indexes->task;

	for (size_t i = 0; i < indexes->count; i++)
		if (!strcmp(indexes->at[i].name, name))
			return;
	if (!is_ours(task, name))
		return;
	buf_add_text(out, "drop index ");
	quote_identifier(out, task->model->pack);
	buf_add_byte(out, '.');
	quote_identifier(out, name);
	buf_add_text(out, ";\n");
}

static void missing_sql(struct buf *out, const struct indexes *indexes,
			const struct columns *columns, const PGresult *there)
{
	for (size_t i = 0; i < indexes->count; i++) {
		bool found = false;

		for (int row = 0; row < PQntuples(there); row++)
			found |= !strcmp(indexes->at[i].name,
					 PQgetvalue(there, row, 0));
		if (!found)
			create_sql(out, &indexes->at[i], columns,
				   indexes->task->table);
	}
}

enum change { CHANGE_DROP, CHANGE_CREATE };

static bool change(struct refresh *refresh, enum change what, struct error *err)
{
	const struct task *task = refresh->task;
	struct indexes indexes = index_find(task, &refresh->arena);
	struct buf sql = BUF_INIT;
	PGresult *there = NULL;
	bool ok;

	buf_add_text(&sql, "select c.relname from pg_index i join pg_class c "
			   "on c.oid = i.indexrelid where i.indrelid = ");
	quote_literal(&sql, task->table);
	buf_add_text(&sql, "::regclass");
	ok = pg_fetch(refresh->pg, refresh->timeout_ms, err, &there, NULL,
		      buf_text(&sql));
	buf_reset(&sql);
	if (ok && what == CHANGE_CREATE) {
		missing_sql(&sql, &indexes, &refresh->columns, there);
		build_comment_sql(&sql, task, task->table);
	}
	for (int row = 0; ok && what == CHANGE_DROP && row < PQntuples(there);
	     row++)
		drop_sql(&sql, &indexes, PQgetvalue(there, row, 0));
	if (ok && sql.len)
		ok = refresh_run(refresh, buf_text(&sql), NULL, err);
	PQclear(there);
	free(indexes.at);
	buf_release(&sql);
	return ok;
}

bool index_drop(struct refresh *refresh, struct error *err)
{
	return refresh->task->state.has_indexes ||
	       change(refresh, CHANGE_DROP, err);
}

bool index_create(struct refresh *refresh, struct error *err)
{
	return refresh->task->state.has_indexes ||
	       change(refresh, CHANGE_CREATE, err);
}

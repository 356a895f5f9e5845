#include "aggregate/audit_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/changes.h"
#include "aggregate/quote.h"
#include "common/clock.h"
#include "common/pg.h"

enum {
	SMALL_ROWS = 100000, /* fewer are compared all */
	BUCKET_ROWS = 1000,
	SAMPLED_PER_PART = 50, /* rows looked at to find one value */
};

/* How many rows the planner thinks there are; more than it has seen, if the
 * table has grown since. */
static bool count_rows(struct refresh *refresh, int64_t *rows,
		       struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_text(&sql, "select case when relpages > 0 and reltuples > 0 "
			   "then (reltuples / relpages * (pg_relation_size(oid)"
			   " / current_setting('block_size')::int))::bigint "
			   "else pg_relation_size(oid) / 40 end "
			   "from pg_class where oid = ");
	quote_literal(&sql, refresh->task->table);
	buf_add_text(&sql, "::regclass");
	ok = pg_count(refresh->pg, refresh->timeout_ms, err, rows,
		      buf_text(&sql));
	buf_release(&sql);
	return ok;
}

/* --- buckets -------------------------------------------------------------- */

static void choose_buckets(struct audit_parts *parts, struct refresh *refresh,
			   int64_t wanted, int64_t rows)
{
	const struct model *model = refresh->task->model;
	int64_t buckets = rows / BUCKET_ROWS + 1;
	struct buf key = BUF_INIT;

	if (model->unique_key_count)
		quote_identifiers(&key, model->unique_key,
				  model->unique_key_count);
	else
		buf_add_text(&key, refresh->list);
	parts->condition =
		arena_format(&refresh->arena,
			     "(hashtextextended(row(%s)::text, %" PRId64
			     ") & 1073741823) %% %" PRId64 " < %" PRId64,
			     buf_text(&key), clock_ms(), buckets, wanted);
	parts->description =
		arena_format(&refresh->arena, "%" PRId64 " of %" PRId64,
			     wanted < buckets ? wanted : buckets, buckets);
	buf_release(&key);
}

/* --- values --------------------------------------------------------------- */

/* A select of some values of a column, rows chosen by chance. */
static void add_sample(struct buf *sql, const char *column, const char *table,
		       int64_t wanted, int64_t rows)
{
	double percent =
		100.0 * SAMPLED_PER_PART * (double)wanted / (double)(rows + 1);

	buf_format(sql,
		   "(select %s as v from (select %s from %s tablesample system "
		   "(%f)) s where %s is not null order by random() "
		   "limit %" PRId64 ")",
		   column, column, table, percent < 100 ? percent : 100.0,
		   column, wanted);
}

/* The column of what the model reads that stands for by column i. */
static const char *marked_column(struct refresh *refresh, size_t i,
				 const struct task_input **input)
{
	const struct model *model = refresh->task->model;

	for (size_t k = 0; k < model->marker_count; k++) {
		const struct marker *marker = &model->marker[k];

		if (i >= marker->column_count || !marker->column[i])
			continue;
		*input = task_input_of(refresh->task, marker->relation);
		return marker->column[i];
	}
	return NULL;
}

static bool choose_values(struct audit_parts *parts, struct refresh *refresh,
			  size_t by, int64_t wanted, int64_t rows,
			  struct error *err)
{
	const struct column *column = columns_find(
		&refresh->columns, refresh->task->model->by[by].name);
	const struct task_input *input = NULL;
	const char *marked = marked_column(refresh, by, &input);
	struct buf sql = BUF_INIT, quoted = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	buf_add_text(&sql, "select array_agg(distinct v)::text, "
			   "count(distinct v) from (");
	add_sample(&sql, column->quoted, refresh->task->table, wanted, rows);
	if (marked) {
		quote_identifier(&quoted, marked);
		buf_add_text(&sql, " union all ");
		add_sample(&sql, buf_text(&quoted), input->table, wanted, rows);
	}
	buf_add_text(&sql, ") chosen");
	ok = pg_fetch(refresh->pg, refresh->timeout_ms, err, &res, NULL,
		      buf_text(&sql));
	if (ok && !PQgetisnull(res, 0, 0)) {
		buf_reset(&quoted);
		quote_literal(&quoted, PQgetvalue(res, 0, 0));
		parts->condition = arena_format(
			&refresh->arena, "x.%s = any(%s::%s[])", column->quoted,
			buf_text(&quoted), column->type);
		parts->description =
			arena_format(&refresh->arena, "%s of %s",
				     PQgetvalue(res, 0, 1), column->name);
	}
	PQclear(res);
	buf_release(&quoted);
	buf_release(&sql);
	return ok;
}

bool audit_parts_choose(struct audit_parts *parts, struct refresh *refresh,
			int64_t wanted, struct error *err)
{
	const struct model *model = refresh->task->model;
	int64_t rows = 0;

	*parts = (struct audit_parts){"true", "all"};
	if (!count_rows(refresh, &rows, err))
		return false;
	if (rows <= SMALL_ROWS)
		return true;
	choose_buckets(parts, refresh, wanted, rows);
	for (size_t i = 0; i < model->by_count; i++)
		if (model->by[i].grain == GRAIN_NONE)
			return choose_values(parts, refresh, i, wanted, rows,
					     err);
	return true;
}

#include "ingest/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/pg.h"
#include "common/rights.h"
#include "ingest/sink.h"
#include "ingest/stream.h"

enum { ANSWER_MS = 10000 };

enum { COL_NAME, COL_TYPE, COL_NOT_NULL, COL_FILLED };

static bool fetch(struct pg *pg, const struct stream *stream, PGresult **out,
		  struct error *err)
{
	const char *const values[] = {stream->name};

	return pg_fetch_params(
		pg, ANSWER_MS, err, out,
		"select a.attname, format_type(a.atttypid, a.atttypmod), "
		"a.attnotnull, a.atthasdef or a.attidentity <> '' "
		"from pg_attribute a join pg_class c on c.oid = a.attrelid "
		"where c.relname = $1 "
		"and c.relnamespace = to_regnamespace('staging') "
		"and a.attnum > 0 and not a.attisdropped order by a.attnum",
		1, values);
}

static int find(const PGresult *res, const char *name)
{
	for (int i = 0; i < PQntuples(res); i++)
		if (!strcmp(PQgetvalue(res, i, COL_NAME), name))
			return i;
	return -1;
}

static bool is_true(const PGresult *res, int row, int column)
{
	return PQgetvalue(res, row, column)[0] == 't';
}

/* As format_type spells it. */
static void type_text(const struct column *column, struct buf *out)
{
	buf_add_text(out, column_type_name(column->type));
	if (column->length)
		buf_format(out, "(%d)", column->length);
	else if (column->precision)
		buf_format(out, "(%d,%d)", column->precision, column->scale);
}

static void compare_column(struct pg *pg, const struct stream *stream,
			   const struct column *column, const PGresult *res,
			   struct buf *out)
{
	int row = find(res, column->name);
	struct buf type = BUF_INIT, name = BUF_INIT;

	pg_identifier(pg, &name, column->name);
	type_text(column, &type);
	if (row < 0)
		buf_format(out,
			   "; column %s of %s:%d is missing (alter table %s "
			   "add column %s %s)",
			   column->name, stream->file, column->line,
			   stream->relation, buf_text(&name), buf_text(&type));
	else if (strcmp(PQgetvalue(res, row, COL_TYPE), buf_text(&type)) != 0)
		buf_format(out, "; column %s is %s, but %s:%d says %s",
			   column->name, PQgetvalue(res, row, COL_TYPE),
			   stream->file, column->line, buf_text(&type));
	else if (is_true(res, row, COL_NOT_NULL) != column->not_null)
		buf_format(out, "; column %s is %s, but %s:%d says %s",
			   column->name,
			   column->not_null ? "nullable" : "not null",
			   stream->file, column->line,
			   column->not_null ? "not null" : "nullable");
	buf_release(&type);
	buf_release(&name);
}

/* Columns of the table that the stream does not fill. */
static void compare_rest(const struct stream *stream, const PGresult *res,
			 struct buf *out)
{
	int loaded_at = find(res, "loaded_at");

	if (loaded_at < 0 || !is_true(res, loaded_at, COL_FILLED) ||
	    strcmp(PQgetvalue(res, loaded_at, COL_TYPE),
		   column_type_name(COLUMN_TIMESTAMPTZ)) != 0)
		buf_add_text(out, "; it needs a column loaded_at timestamptz "
				  "not null default now()");
	for (int i = 0; i < PQntuples(res); i++) {
		const char *name = PQgetvalue(res, i, COL_NAME);
		bool known = !strcmp(name, "loaded_at");

		for (size_t c = 0; c < stream->column_count; c++)
			known |= !strcmp(name, stream->column[c].name);
		if (!known && is_true(res, i, COL_NOT_NULL) &&
		    !is_true(res, i, COL_FILLED))
			buf_format(out,
				   "; column %s is not null without a default "
				   "and %s does not fill it",
				   name, stream->file);
	}
}

bool catalog_check(struct pg *pg, const struct stream *stream,
		   struct error *err)
{
	struct buf differences = BUF_INIT;
	PGresult *res = NULL;
	bool ok = true;

	if (!fetch(pg, stream, &res, err))
		return false;
	if (PQntuples(res) == 0) {
		ok = error_config(err, "table %s does not exist",
				  stream->relation);
	} else {
		for (size_t c = 0; c < stream->column_count; c++)
			compare_column(pg, stream, &stream->column[c], res,
				       &differences);
		compare_rest(stream, res, &differences);
	}
	if (differences.len)
		ok = error_config(err, "table %s differs from %s: %s",
				  stream->relation, stream->file,
				  buf_text(&differences) + 2);
	PQclear(res);
	buf_release(&differences);
	return ok;
}

void catalog_explain(const struct sink_plan *plan, struct pg **control,
		     struct error *err)
{
	const char *state = err->sqlstate;
	bool about_columns = !strcmp(state, "42703") ||
			     !strcmp(state, "42804") || !strcmp(state, "42P01");

	if (!strcmp(state, "42501")) {
		struct buf hint = BUF_INIT;

		if (rights_explain(*control, "millrace_ingest", err))
			return;
		buf_format(&hint,
			   "%s; the role millrace_ingest has lost a right that "
			   "loading needs: grant it again, or let "
			   "`select millrace.adopt_staging('TABLE')` do it",
			   err->text);
		error_set(err, ERROR_FATAL, STATUS_DATABASE, "%s",
			  buf_text(&hint));
		buf_release(&hint);
		return;
	}
	for (size_t i = 0; about_columns && i < plan->stream_count; i++) {
		struct error found = ERROR_INIT;

		if (!*control || !pg_is_usable(*control))
			return;
		if (!catalog_check(*control, plan->stream[i], &found) &&
		    found.status == STATUS_CONFIG) {
			*err = found;
			return;
		}
	}
}

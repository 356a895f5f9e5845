#include "aggregate/relation.h"

#include <string.h>

#include "aggregate/quote.h"
#include "aggregate/task.h"
#include "common/pg.h"

/* --- columns -------------------------------------------------------------- */

static enum column_order order_of(const char *kind)
{
	if (!strcmp(kind, "exact"))
		return ORDER_EXACT;
	if (!strcmp(kind, "letters"))
		return ORDER_LETTERS;
	return strcmp(kind, "text") ? ORDER_AS_TEXT : ORDER_TEXT;
}

static const char *quoted(struct arena *arena, const char *name)
{
	struct buf text = BUF_INIT;
	const char *copy;

	quote_identifier(&text, name);
	copy = arena_strdup(arena, buf_text(&text));
	buf_release(&text);
	return copy;
}

bool relation_columns(struct pg *pg, int64_t timeout_ms, const char *relation,
		      struct arena *arena, struct columns *out,
		      struct error *err)
{
	static const char sql[] =
		"select a.attname, format_type(a.atttypid, a.atttypmod),"
		" case when b.typtype = 'e' or b.oid in ('bool'::regtype,"
		" 'int2'::regtype, 'int4'::regtype, 'int8'::regtype,"
		" 'oid'::regtype, 'date'::regtype, 'time'::regtype,"
		" 'timestamp'::regtype, 'timestamptz'::regtype,"
		" 'uuid'::regtype, 'bytea'::regtype) then 'exact'"
		" when b.oid not in ('text'::regtype, 'varchar'::regtype)"
		" then 'as text' when exists (select from pg_collation c"
		" where c.oid = a.attcollation and not c.collisdeterministic)"
		" then 'letters' else 'text' end,"
		" b.oid = 'timestamptz'::regtype, b.typtype = 'c',"
		" b.typtype = 'b' and b.typcategory <> 'A'"
		" and b.typnamespace <> 'pg_catalog'::regnamespace "
		"from pg_attribute a join pg_type t on t.oid = a.atttypid "
		"join pg_type b on b.oid = coalesce(nullif(t.typbasetype, 0),"
		" t.oid) "
		"where a.attrelid = $1::regclass and a.attnum > 0 "
		"and not a.attisdropped and a.attname <> 'loaded_at' "
		"order by a.attnum";
	const char *const values[] = {relation};
	PGresult *res = NULL;

	if (!pg_fetch_params(pg, timeout_ms, err, &res, sql, 1, values))
		return error_context(err, "looking at %s", relation);
	out->count = (size_t)PQntuples(res);
	out->at = arena_zalloc(arena, (out->count + 1) * sizeof *out->at);
	for (size_t i = 0; i < out->count; i++) {
		struct column *column = &out->at[i];
		int row = (int)i;

		column->name = arena_strdup(arena, PQgetvalue(res, row, 0));
		column->quoted = quoted(arena, column->name);
		column->type = arena_strdup(arena, PQgetvalue(res, row, 1));
		column->order = order_of(PQgetvalue(res, row, 2));
		column->is_timestamptz = PQgetvalue(res, row, 3)[0] == 't';
		column->is_row = PQgetvalue(res, row, 4)[0] == 't';
		column->is_foreign = PQgetvalue(res, row, 5)[0] == 't';
	}
	PQclear(res);
	return true;
}

const struct column *columns_find(const struct columns *columns,
				  const char *name)
{
	for (size_t i = 0; i < columns->count; i++)
		if (!strcmp(columns->at[i].name, name))
			return &columns->at[i];
	return NULL;
}

bool columns_equal(const struct columns *a, const struct columns *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->at[i].name, b->at[i].name) != 0 ||
		    strcmp(a->at[i].type, b->at[i].type) != 0)
			return false;
	return true;
}

void columns_values(struct buf *out, const struct columns *columns)
{
	for (size_t i = 0; i < columns->count; i++) {
		const struct column *column = &columns->at[i];

		buf_format(out,
			   strcmp(column->type, "numeric") ? "%s%s"
							   : "%strim_scale(%s)",
			   i ? ", " : "", column->quoted);
		buf_format(out, " as %s", column->quoted);
	}
}

void columns_list(struct buf *out, const struct columns *columns,
		  const char *prefix)
{
	for (size_t i = 0; i < columns->count; i++)
		buf_format(out, "%s%s%s", i ? ", " : "", prefix,
			   columns->at[i].quoted);
}

/* --- creating ------------------------------------------------------------- */

/* Of the lock that two periodic take which need the same schema: `mpac`. */
enum { LOCK_PACK = 0x6d706163 };

static bool pack_is_there(struct pg *pg, int64_t timeout_ms, const char *quoted,
			  bool *there, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_text(&sql, "select has_schema_privilege('millrace_read', "
			   "to_regnamespace(");
	quote_literal(&sql, quoted);
	buf_add_text(&sql, "), 'usage')");
	ok = pg_ask(pg, timeout_ms, err, there, buf_text(&sql));
	buf_release(&sql);
	return ok;
}

bool relation_ensure_pack(struct pg *pg, int64_t timeout_ms, const char *pack,
			  struct error *err)
{
	struct buf name = BUF_INIT;
	bool there = false;
	bool ok;

	quote_identifier(&name, pack);
	ok = pack_is_there(pg, timeout_ms, buf_text(&name), &there, err);
	/* the wait for the lock keeps what was known before it, which is that
	 * there is no such schema, until a relation is locked */
	if (ok && !there)
		ok = pg_runf(pg, timeout_ms, err,
			     "begin; set local role millrace_aggregate; "
			     "select pg_advisory_xact_lock(%d, 0); "
			     "select from pg_namespace limit 0; "
			     "create schema if not exists %s; "
			     "grant usage on schema %s to millrace_read; "
			     "alter default privileges in schema %s "
			     "grant select on tables to millrace_read; commit",
			     LOCK_PACK, buf_text(&name), buf_text(&name),
			     buf_text(&name));
	buf_release(&name);
	return ok || error_context(err, "creating schema %s", pack);
}

void relation_old_sql(struct buf *out, const struct task *task,
		      const char *table)
{
	buf_format(out,
		   "create table %s (like %s, retired_at timestamptz not null "
		   "default now());\n"
		   "create index on %s (loaded_at);\n"
		   "create index on %s (retired_at);\n",
		   task->old, table, task->old, task->old);
}

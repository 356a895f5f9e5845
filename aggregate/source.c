#include "aggregate/source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/quote.h"
#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/nearest.h"
#include "common/pg.h"

/* --- the file ------------------------------------------------------------- */

static const char *const keys[] = {"source",     "description", "owner",
				   "event_time", "freshness",   "tests"};

enum { KEY_COUNT = sizeof keys / sizeof *keys };

static bool is_name(const char *name, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_0123456789";

	return len > 0 && len <= 63 && !strchr("0123456789", name[0]) &&
	       strspn(name, letters) >= len;
}

/* Whether models can read it. */
static bool check_name(const char *name, struct error *err)
{
	const char *dot = strchr(name, '.');

	if (!dot || !is_name(name, (size_t)(dot - name)) ||
	    !is_name(dot + 1, strlen(dot + 1)))
		return error_config(err,
				    "\"%s\" is no table: write schema, "
				    "a dot and its name, in small letters",
				    name);
	if (!strncmp(name, "millrace.", 9) || !strncmp(name, "millrace_", 9) ||
	    !strncmp(name, "pg_", 3))
		return error_config(err, "%s is PostgreSQL's or Millrace's own",
				    name);
	return true;
}

/* One comment: `key: value`, or prose that goes on. */
static bool read_line(const char *file, int number, char *line,
		      struct arena *arena, const char **name, struct error *err)
{
	size_t word;
	const char *meant;

	if (line[2] != ' ')
		return true;
	line += 3;
	word = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
	if (line[word] != ':')
		return true;
	line[word] = '\0';
	for (size_t i = 0; i < KEY_COUNT; i++) {
		const char *value = line + word + 1;

		if (strcmp(line, keys[i]) != 0)
			continue;
		value += strspn(value, " \t");
		if (i > 0)
			return true;
		if (*name)
			return error_config(err, "%s:%d: a second source", file,
					    number);
		*name = arena_strdup(arena, value);
		return check_name(*name, err) ||
		       error_context(err, "%s:%d", file, number);
	}
	meant = nearest(line, keys, KEY_COUNT);
	if (!meant)
		return true;
	return error_config(err,
			    "%s:%d: unknown key \"%s\": did you mean \"%s\"?",
			    file, number, line, meant);
}

bool source_parse(const char *file, const char *text, struct arena *arena,
		  const char **name, struct error *err)
{
	char *rest = arena_strdup(arena, text);
	int number = 0;

	*name = NULL;
	while (rest) {
		char *line = strsep(&rest, "\n");

		number++;
		line[strcspn(line, "\r")] = '\0';
		if (!line[strspn(line, " \t")])
			continue;
		if (strncmp(line, "--", 2) != 0)
			return error_config(
				err,
				"%s:%d: a source holds comments alone: the "
				"table is somebody else's",
				file, number);
		if (!read_line(file, number, line, arena, name, err))
			return false;
	}
	if (*name)
		return true;
	return error_config(err,
			    "%s: no table is named: write `-- source: "
			    "schema.table`",
			    file);
}

/* --- the table ------------------------------------------------------------ */

/* Of pg_class's row c: whether it and every partition have the triggers, and
 * these fire. */
#define SOURCE_IS_WATCHED                                                      \
	"not exists (select from (select c.oid as part union "                 \
	"select relid from pg_partition_tree(c.oid)) tree "                    \
	"where (select count(*) from pg_trigger t where t.tgrelid = part "     \
	"and t.tgname in ('millrace_insert', 'millrace_update', "              \
	"'millrace_delete', 'millrace_truncate') "                             \
	"and t.tgenabled in ('O', 'A')) < 4)"

void source_watched_sql(struct buf *out, const char *relation)
{
	buf_format(out,
		   "exists (select from pg_class c join pg_namespace n "
		   "on n.oid = c.relnamespace "
		   "where n.nspname = split_part(%s, '.', 1) "
		   "and c.relname = split_part(%s, '.', 2) "
		   "and " SOURCE_IS_WATCHED ")",
		   relation, relation);
}

/* What the catalog says of a table that is to be a source. */
enum {
	COL_KIND,
	COL_PARENT,
	COL_TYPE,
	COL_NOT_NULL,
	COL_DEFAULT,
	COL_INDEXED,
	COL_REPLICATED,
	COL_WATCHED,
	COL_PERSISTENCE,
};

static bool look(struct pg *pg, int64_t timeout_ms, const char *relation,
		 PGresult **res, struct error *err)
{
	static const char sql[] =
		"select c.relkind, i.inhparent::regclass, "
		"format_type(a.atttypid, a.atttypmod), a.attnotnull, "
		"lower(pg_get_expr(d.adbin, d.adrelid)), "
		"exists (select from pg_index x where x.indrelid = c.oid and "
		"x.indkey[0] = a.attnum), "
		"exists (select from pg_subscription_rel s "
		"where s.srrelid = c.oid), " SOURCE_IS_WATCHED
		", c.relpersistence"
		" from pg_class c join pg_namespace n on n.oid = "
		"c.relnamespace "
		"left join pg_inherits i on i.inhrelid = c.oid "
		"left join pg_attribute a on a.attrelid = c.oid "
		"and a.attname = 'loaded_at' and not a.attisdropped "
		"left join pg_attrdef d on d.adrelid = c.oid "
		"and d.adnum = a.attnum "
		"where format('%s.%s', n.nspname, c.relname) = $1 limit 1";
	const char *const values[] = {relation};

	return pg_fetch_params(pg, timeout_ms, err, res, sql, 1, values);
}

static bool is_now(const char *expression)
{
	return !strcmp(expression, "now()") ||
	       !strcmp(expression, "current_timestamp") ||
	       !strcmp(expression, "transaction_timestamp()");
}

/* loaded_at is what tells loads apart. */
static bool check_loaded_at(const char *relation, const PGresult *res,
			    struct error *err)
{
	const char *type = PQgetvalue(res, 0, COL_TYPE);

	if (!*type)
		return error_config(
			err,
			"%s has no column loaded_at, which tells its loads "
			"apart: `alter table %s add column loaded_at "
			"timestamptz not null default now()` (rewrites no row)",
			relation, relation);
	if (strcmp(type, "timestamp with time zone") != 0)
		return error_config(err,
				    "loaded_at of %s is %s: it must be "
				    "timestamptz, to the microsecond",
				    relation, type);
	if (PQgetvalue(res, 0, COL_NOT_NULL)[0] != 't' ||
	    !is_now(PQgetvalue(res, 0, COL_DEFAULT)))
		return error_config(
			err,
			"loaded_at of %s must be the time of the transaction: "
			"`alter table %s alter column loaded_at set default "
			"now(), alter column loaded_at set not null`",
			relation, relation);
	return true;
}

static bool check_table(const char *relation, const PGresult *res,
			struct error *err)
{
	char kind;

	if (!PQntuples(res))
		return error_config(err,
				    "there is no table %s (write schema and "
				    "name, as in shop.orders)",
				    relation);
	kind = PQgetvalue(res, 0, COL_KIND)[0];
	if (kind != 'r' && kind != 'p')
		return error_config(err,
				    "%s is no table: only a table's writers "
				    "can be watched",
				    relation);
	if (!PQgetisnull(res, 0, COL_PARENT))
		return error_config(err, "%s is a part of %s: name that one",
				    relation, PQgetvalue(res, 0, COL_PARENT));
	if (PQgetvalue(res, 0, COL_REPLICATED)[0] == 't')
		return error_config(
			err,
			"%s is filled by a subscription, which fires no "
			"statement triggers: its loads cannot be watched; load "
			"it with INSERT or COPY, or read it with materialized: "
			"table",
			relation);
	if (PQgetvalue(res, 0, COL_PERSISTENCE)[0] == 'u')
		return error_config(err,
				    "%s is unlogged: a crash would empty it, "
				    "and nobody would tell; `alter table %s "
				    "set logged`",
				    relation, relation);
	return check_loaded_at(relation, res, err);
}

bool source_check(struct pg *pg, int64_t timeout_ms, const char *file,
		  const char *relation, struct error *err)
{
	PGresult *res = NULL;
	bool ok = look(pg, timeout_ms, relation, &res, err);

	if (ok)
		ok = check_table(relation, res, err) ||
		     error_context(err, "%s", file);
	if (ok && PQgetvalue(res, 0, COL_WATCHED)[0] != 't')
		ok = error_config(err,
				  "%s: nobody tells of what is loaded into %s, "
				  "or into one of its partitions: run "
				  "`periodic install-source %s` once",
				  file, relation, relation);
	PQclear(res);
	return ok;
}

/* --- installing ----------------------------------------------------------- */

/* The table and its partitions, as rows of one column. */
static void add_tree(struct buf *sql, const char *table)
{
	buf_add_text(sql, "(select ");
	quote_literal(sql, table);
	buf_add_text(sql, "::regclass as part union select relid from "
			  "pg_partition_tree(");
	quote_literal(sql, table);
	buf_add_text(sql, ")) tree");
}

static void install_sql(struct buf *sql, const char *relation,
			const char *table, int64_t guard_ms)
{
	buf_add_text(sql, "begin; set local lock_timeout = '60s'; "
			  "select millrace.watch_table(part, ");
	quote_literal(sql, relation);
	buf_add_text(sql, ") from ");
	add_tree(sql, table);
	buf_format(sql, "; grant select on %s to millrace_aggregate; ", table);
	if (strncmp(relation, "staging.", 8) != 0) {
		char *schema = mem_format("%.*s", (int)strcspn(relation, "."),
					  relation);

		buf_add_text(sql, "grant usage on schema ");
		quote_identifier(sql, schema);
		buf_add_text(sql, " to millrace_aggregate; ");
		free(schema);
	}
	buf_add_text(sql, "set local role millrace_aggregate; "
			  "insert into millrace.source (relation, guard) "
			  "values (");
	quote_literal(sql, relation);
	if (guard_ms)
		buf_format(sql, ", interval '%" PRId64 " ms')", guard_ms);
	else
		buf_add_text(sql, ", null)");
	buf_add_text(sql, " on conflict (relation) do update set guard = "
			  "excluded.guard; "
			  "insert into millrace.load (relation, loaded_at, op, "
			  "row_count) values (");
	quote_literal(sql, relation);
	buf_add_text(sql, ", now(), 't', 0); commit");
}

static void report(const PGresult *res, const char *relation)
{
	log_line(LOG_INFO, "%s: every load is told to the ledger", relation);
	if (PQgetvalue(res, 0, COL_INDEXED)[0] != 't')
		log_line(LOG_WARNING,
			 "%s has no index on loaded_at, so that finding a load "
			 "reads all of it: `create index on %s using brin "
			 "(loaded_at) with (autosummarize = on)`",
			 relation, relation);
}

/* A run writes its own ledger row, once. */
static bool check_maker(struct pg *pg, int64_t timeout_ms, const char *relation,
			struct error *err)
{
	struct buf sql = BUF_INIT;
	bool is_model = false;
	bool ok;

	buf_add_text(&sql, "begin; set local role millrace_aggregate; "
			   "select exists (select from millrace.model "
			   "where model = ");
	quote_literal(&sql, relation);
	buf_add_text(&sql, "); commit");
	ok = pg_ask(pg, timeout_ms, err, &is_model, buf_text(&sql));
	buf_release(&sql);
	if (ok && is_model)
		ok = error_config(err,
				  "%s is a model's table: other models read it "
				  "as it is, nothing is to be installed",
				  relation);
	return ok;
}

bool source_install(struct pg *pg, int64_t timeout_ms, const char *relation,
		    int64_t guard_ms, struct error *err)
{
	struct buf table = BUF_INIT;
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok = check_name(relation, err) &&
		  check_maker(pg, timeout_ms, relation, err) &&
		  look(pg, timeout_ms, relation, &res, err) &&
		  check_table(relation, res, err);

	if (ok) {
		quote_relation(&table, relation);
		install_sql(&sql, relation, buf_text(&table), guard_ms);
		ok = pg_run(pg, timeout_ms, err, buf_text(&sql));
		if (!ok)
			error_context(err, "watching %s", relation);
	}
	if (ok)
		report(res, relation);
	PQclear(res);
	buf_release(&table);
	buf_release(&sql);
	return ok;
}

bool source_remove(struct pg *pg, int64_t timeout_ms, const char *relation,
		   struct error *err)
{
	static const char *const event[] = {"begin", "insert", "update",
					    "delete", "truncate"};
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok = look(pg, timeout_ms, relation, &res, err);

	if (ok && !PQntuples(res))
		ok = check_table(relation, res, err);
	if (ok) {
		struct buf table = BUF_INIT;

		quote_relation(&table, relation);
		buf_add_text(&sql,
			     "begin; set local lock_timeout = '60s'; "
			     "do $do$ declare part regclass; begin for part in "
			     "select * from ");
		add_tree(&sql, buf_text(&table));
		buf_add_text(&sql, " loop ");
		for (size_t i = 0; i < sizeof event / sizeof *event; i++)
			buf_format(&sql,
				   "execute format('drop trigger if exists "
				   "millrace_%s on %%s', part); ",
				   event[i]);
		buf_add_text(&sql, "end loop; end $do$; "
				   "set local role millrace_aggregate; "
				   "update millrace.source set guard = null "
				   "where relation = ");
		quote_literal(&sql, relation);
		buf_add_text(&sql, "; commit");
		ok = pg_run(pg, timeout_ms, err, buf_text(&sql));
		buf_release(&table);
	}
	if (ok)
		log_line(LOG_INFO, "%s: nobody tells of its loads any more",
			 relation);
	PQclear(res);
	buf_release(&sql);
	return ok;
}

#include "common/staging.h"

#include <string.h>

#include "common/buf.h"
#include "common/libpq.h"
#include "common/pg.h"
#include "common/rights.h"

enum { QUICK_MS = 10000, MAKE_MS = 60000 };

/* How much of a staging table is there. */
enum found {
	ABSENT,
	FOREIGN, /* made with psql, say: millrace_owner may not act for it */
	BARE, /* a writer or a reader lacks rights, of a new column perhaps */
	ADOPTED,
};

static bool look(struct pg *pg, const char *name, enum found *found,
		 struct error *err)
{
	static const char query[] =
		"select case when not pg_has_role('millrace_owner', "
		"c.relowner, 'usage') then 1 when exists (select from "
		"pg_attribute a where a.attrelid = c.oid and a.attnum > 0 "
		"and not a.attisdropped and a.attname <> 'loaded_at' and not "
		"has_column_privilege('millrace_ingest', c.oid, a.attnum, "
		"'insert')) or exists (select from (values "
		"('millrace_ingest'), ('millrace_aggregate')) r (name) where "
		"not has_table_privilege(r.name, c.oid, 'select')) then 2 "
		"else 3 end from pg_class c where c.relname = $1 and "
		"c.relnamespace = to_regnamespace('staging') and c.relkind "
		"in ('r', 'p')";
	const char *const values[] = {name};
	PGresult *res = NULL;

	if (!pg_fetch_params(pg, QUICK_MS, err, &res, query, 1, values))
		return false;
	*found = ABSENT;
	if (PQntuples(res))
		*found = (enum found)(PQgetvalue(res, 0, 0)[0] - '0');
	PQclear(res);
	return true;
}

/* Gives a table that another user has made, and its partitions, to
 * millrace_owner.  Only who may act for that user can. */
static void add_give(struct pg *pg, struct buf *sql, const char *name)
{
	struct buf table = BUF_INIT;

	buf_add_text(&table, "staging.");
	pg_identifier(pg, &table, name);
	buf_add_text(sql, "reset role; do $do$ declare part regclass; begin "
			  "for part in select ");
	pg_literal(pg, sql, buf_text(&table));
	buf_add_text(sql, "::regclass union all select inhrelid from "
			  "pg_inherits where inhparent = ");
	pg_literal(pg, sql, buf_text(&table));
	buf_add_text(sql,
		     "::regclass loop execute format('alter table %s owner "
		     "to millrace_owner', part); end loop; end $do$; "
		     "set local role millrace_owner; ");
	buf_release(&table);
}

/* What the table lacks, as SQL. */
static void add_missing(struct pg *pg, struct buf *out, const char *name,
			const char *sql, enum found found)
{
	if (found == ABSENT)
		buf_format(out, "%s\n; ", sql);
	if (found == FOREIGN)
		add_give(pg, out, name);
	buf_add_text(out, "select millrace.adopt_staging(");
	pg_literal(pg, out, name);
	buf_add_text(out, ")");
}

/* Keeps *err's words and adds the remedy. */
static bool refuse_foreign(struct error *err)
{
	struct error said = *err;

	return error_set(err, ERROR_FATAL, STATUS_DATABASE,
			 "%.800s; another user has made the table: let that "
			 "user `alter table ... owner to millrace_owner`",
			 said.text);
}

static bool make(struct pg *pg, const char *name, const char *sql,
		 struct error *err)
{
	enum found found = ABSENT;
	struct buf text = BUF_INIT;
	bool ok;

	/* Lock first, look again, then make: the other program may have been
	 * faster. */
	if (!pg_run(pg, MAKE_MS, err,
		    "begin; set local role millrace_owner; "
		    "set local search_path = pg_catalog, pg_temp; "
		    "select pg_advisory_xact_lock("
		    "hashtext('millrace.staging'))"))
		return false;
	ok = look(pg, name, &found, err);
	if (ok && found != ADOPTED) {
		add_missing(pg, &text, name, sql, found);
		ok = pg_run(pg, MAKE_MS, err, buf_text(&text));
	}
	buf_release(&text);
	if (ok)
		return pg_run(pg, QUICK_MS, err, "commit");
	pg_rollback(pg);
	if (found == FOREIGN && !strcmp(err->sqlstate, "42501"))
		return refuse_foreign(err);
	return false;
}

/* Whether the comments before the statement say `load: full`; what else they
 * may say is the business of those who load. */
static bool is_full(const char *sql)
{
	while (!strncmp(sql, "--", 2)) {
		const char *value = sql + 2 + strspn(sql + 2, " \t");

		if (!strncmp(value, "load:", 5) &&
		    !strncmp(value + 5 + strspn(value + 5, " \t"), "full", 4))
			return true;
		sql = strchr(sql, '\n');
		if (!sql)
			return false;
		sql++;
	}
	return false;
}

/* The view of the newest extract, with the columns of the table. */
static bool ensure_current(struct pg *pg, const char *name, struct error *err)
{
	static const char query[] =
		"select array_agg(attname order by attname) filter (where "
		"attrelid = to_regclass(format('staging.%I', $1 || "
		"'_current'))) is distinct from array_agg(attname order by "
		"attname) filter (where attrelid = "
		"to_regclass(format('staging.%I', $1))) from pg_attribute "
		"where attnum > 0 and not attisdropped and attrelid in "
		"(to_regclass(format('staging.%I', $1)), "
		"to_regclass(format('staging.%I', $1 || '_current')))";
	const char *const values[] = {name};
	PGresult *res = NULL;
	bool lacking;

	if (!pg_fetch_params(pg, QUICK_MS, err, &res, query, 1, values))
		return false;
	lacking = PQgetvalue(res, 0, 0)[0] == 't';
	PQclear(res);
	if (!lacking)
		return true;
	if (!pg_run(pg, MAKE_MS, err,
		    "begin; set local role millrace_owner; "
		    "select pg_advisory_xact_lock("
		    "hashtext('millrace.staging'))"))
		return false;
	if (pg_fetch_params(pg, MAKE_MS, err, &res,
			    "select millrace.show_current($1)", 1, values)) {
		PQclear(res);
		return pg_run(pg, QUICK_MS, err, "commit");
	}
	pg_rollback(pg);
	return false;
}

bool staging_ensure(struct pg *pg, const char *name, const char *file,
		    const char *sql, struct error *err)
{
	enum found found = ABSENT;

	if (!look(pg, name, &found, err))
		return false;
	if (found != ADOPTED && !make(pg, name, sql, err)) {
		rights_explain(pg, "millrace_owner", err);
		return error_context(err, "%s: %s staging.%s", file,
				     found == ABSENT ? "creating" : "adopting",
				     name);
	}
	if (is_full(sql) && !ensure_current(pg, name, err)) {
		rights_explain(pg, "millrace_owner", err);
		return error_context(err, "%s: making staging.%s_current", file,
				     name);
	}
	return true;
}

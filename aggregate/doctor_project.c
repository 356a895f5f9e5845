/* doctor_project.c - whether project and database agree */

#include <stdlib.h>
#include <string.h>

#include "aggregate/doctor.h"
#include "aggregate/lexer.h"
#include "aggregate/project_files.h"
#include "aggregate/quote.h"
#include "aggregate/source.h"
#include "common/buf.h"
#include "common/pg.h"

/* --- streams -------------------------------------------------------------- */

/* The stream's own `create table`, for a temporary table: it is PostgreSQL that
 * knows what its types are called. */
static bool as_temporary(struct buf *out, const char *sql, const char *file,
			 struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct token *token;
	size_t count, at = 0;
	bool ok = lexer_scan(sql, file, 1, &arena, &token, &count, err);

	for (size_t i = 0; ok && i + 1 < count; i++) {
		if (!lexer_is(sql, &token[i], "staging") ||
		    !lexer_is_mark(sql, &token[i + 1], '.'))
			continue;
		buf_add(out, sql + at, token[i].start - at);
		buf_add_text(out, "pg_temp");
		at = token[i].end;
	}
	buf_add_text(out, sql + at);
	arena_release(&arena);
	return ok;
}

static void differences_sql(struct buf *out, const char *name)
{
	static const char columns[] =
		"select attname, format_type(atttypid, atttypmod) as type, "
		"attnotnull from pg_attribute where attnum > 0 "
		"and not attisdropped and attrelid = ";

	buf_format(out,
		   "with wanted as (%sto_regclass('pg_temp.' || "
		   "quote_ident(",
		   columns);
	quote_literal(out, name);
	buf_format(out,
		   "))), present as (%sto_regclass('staging.' || "
		   "quote_ident(",
		   columns);
	quote_literal(out, name);
	buf_add_text(
		out,
		")))\nselect case when p.attname is null then format("
		"'the table has no column %1$s: alter table staging.%2$I add "
		"column %1$I %3$s', w.attname, t.name, w.type) when w.attname "
		"is null then format("
		"'the column %s of the table is not in the stream file, "
		"and is never filled', p.attname) else format('%s is %s "
		"in the file and %s in the table', w.attname, w.type, "
		"p.type) end from wanted w full join present p "
		"using (attname), (select ");
	quote_literal(out, name);
	buf_add_text(out, " as name) t where (w.attname is null or p.attname "
			  "is null or w.type <> p.type) and "
			  "exists (select from present)");
}

static bool compare(struct doctor *doctor, const char *name,
		    const struct buf *create, PGresult **res, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	differences_sql(&sql, name);
	ok = pg_run(doctor->pg, doctor->timeout_ms, err, "begin") &&
	     pg_run(doctor->pg, doctor->timeout_ms, err, buf_text(create)) &&
	     pg_fetch(doctor->pg, doctor->timeout_ms, err, res, NULL,
		      buf_text(&sql));
	if (pg_is_usable(doctor->pg))
		pg_rollback(doctor->pg);
	buf_release(&sql);
	return ok;
}

static bool check_stream(struct doctor *doctor, const struct relation *stream,
			 struct error *err)
{
	struct buf create = BUF_INIT, title = BUF_INIT;
	struct error failure = ERROR_INIT;
	PGresult *res = NULL;
	char *sql = NULL;
	bool ok;

	buf_format(&title, "%s is as its stream file says", stream->name);
	ok = project_files_read(stream->file, &sql, &failure) &&
	     as_temporary(&create, sql, stream->file, &failure) &&
	     compare(doctor, strchr(stream->name, '.') + 1, &create, &res,
		     &failure);
	if (ok)
		doctor_report(doctor, buf_text(&title), VERDICT_WARN, res,
			      NULL);
	else if (!pg_is_over(&failure))
		doctor_report(doctor, buf_text(&title), VERDICT_ERROR, NULL,
			      failure.text);
	else
		*err = failure;
	PQclear(res);
	free(sql);
	buf_release(&create);
	buf_release(&title);
	return ok || !pg_is_over(&failure);
}

static bool check_source(struct doctor *doctor, const struct relation *source,
			 struct error *err)
{
	struct error failure = ERROR_INIT;
	struct buf title = BUF_INIT;
	bool ok;

	buf_format(&title, "%s tells of its loads", source->name);
	ok = source_check(doctor->pg, doctor->timeout_ms, source->file,
			  source->name, &failure);
	if (pg_is_over(&failure))
		*err = failure;
	else
		doctor_report(doctor, buf_text(&title), VERDICT_ERROR, NULL,
			      ok ? NULL : failure.text);
	buf_release(&title);
	return !pg_is_over(&failure);
}

/* --- models --------------------------------------------------------------- */

/* `'a', 'b'`: every name that a file makes. */
static void add_names(struct buf *sql, const struct project *project)
{
	for (size_t i = 0; i < project->relation_count; i++) {
		buf_add_text(sql, i ? ", " : "");
		quote_literal(sql, project->relation[i].name);
	}
}

/* Each row that it gives is worth a warning; releases it. */
static bool warn_of(struct doctor *doctor, const char *title, struct buf *sql,
		    struct error *err)
{
	PGresult *res = NULL;
	bool ok = pg_fetch(doctor->pg, doctor->timeout_ms, err, &res, NULL,
			   buf_text(sql));

	if (ok)
		doctor_report(doctor, title, VERDICT_WARN, res, NULL);
	PQclear(res);
	buf_release(sql);
	return ok;
}

/* Of those that were built, the questions to the server speak. */
static bool check_unbuilt(struct doctor *doctor, struct error *err)
{
	struct buf sql = BUF_INIT;

	buf_add_text(&sql, "select format('%s: %s: %s', m.model, r.status, "
			   "coalesce(left(r.message, 300), 'see "
			   "millrace.run_model')) from unnest(array[");
	add_names(&sql, doctor->tasks->project);
	buf_add_text(&sql, "]::text[]) m (model) cross join lateral (select "
			   "status, message from millrace.run_model r "
			   "where r.model = m.model order by run_id desc "
			   "limit 1) r where r.status in ('error', 'fail') "
			   "and not exists (select from millrace.model x "
			   "where x.model = m.model) order by m.model");
	return warn_of(doctor, "every new model could be built", &sql, err);
}

/* What the database was told to keep, and no file here speaks of. */
static bool check_orphans(struct doctor *doctor, struct error *err)
{
	struct buf sql = BUF_INIT;

	buf_add_text(&sql,
		     "select format('%s was built by a file that is gone, or "
		     "by another project; to drop it: drop %s if exists %I.%I; "
		     "drop table if exists "
		     "millrace_old.%I; delete from millrace.model_load where "
		     "model = %L; delete from millrace.model where model = "
		     "%6$L', model, case materialized when 'view' then 'view' "
		     "else 'table' end, split_part(model, '.', 1), "
		     "split_part(model, '.', 2), replace(model, '.', '__'), "
		     "model) from millrace.model where model <> all (array[");
	add_names(&sql, doctor->tasks->project);
	buf_add_text(&sql, "]::text[]) order by model");
	return warn_of(doctor, "every model in the database has a file", &sql,
		       err);
}

bool doctor_project(struct doctor *doctor, struct error *err)
{
	const struct project *project = doctor->tasks->project;
	bool ok = check_unbuilt(doctor, err) && check_orphans(doctor, err);

	for (size_t i = 0; ok && i < project->relation_count; i++)
		if (project->relation[i].kind == RELATION_STREAM)
			ok = check_stream(doctor, &project->relation[i], err);
		else if (project->relation[i].kind == RELATION_SOURCE)
			ok = check_source(doctor, &project->relation[i], err);
	return ok;
}

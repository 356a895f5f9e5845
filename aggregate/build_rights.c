#include <string.h>

#include "aggregate/build.h"
#include "aggregate/quote.h"
#include "common/pg.h"

/* A column may be missing in what takes the place. */
static const char rights_sql[] =
	"with r as (select c.oid, c.relacl, c.relowner, "
	"format('%I.%I', n.nspname, c.relname) as name "
	"from unnest($1::text[]) t (name) "
	"join pg_class c on c.oid = to_regclass(t.name) "
	"join pg_namespace n on n.oid = c.relnamespace),\n"
	"held as (select r.name, null as col, x.* "
	"from r cross join aclexplode(r.relacl) x "
	"where x.grantee <> r.relowner union all "
	"select r.name, a.attname, x.* from r join pg_attribute a "
	"on a.attrelid = r.oid and not a.attisdropped "
	"cross join aclexplode(a.attacl) x)\n"
	"select string_agg(case when h.col is null then g.sql || ';' else "
	"format('do $millrace$ begin %s; exception when undefined_column "
	"then null; end $millrace$;', g.sql) end, E'\\n') from held h "
	"left join pg_roles p on p.oid = h.grantee cross join lateral ("
	"select format('grant %s%s on %s to %s%s', h.privilege_type, "
	"' (' || quote_ident(h.col) || ')', h.name, "
	"coalesce(quote_ident(p.rolname), "
	"'public'), case when h.is_grantable then ' with grant option' end) "
	"as sql) g where h.grantee = 0 or p.oid is not null";

static void add_name(struct buf *names, const char *quoted)
{
	buf_add_text(names, names->len ? ",\"" : "{\"");
	for (const char *p = quoted; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_add_byte(names, '\\');
		buf_add_byte(names, *p);
	}
	buf_add_byte(names, '"');
}

bool build_keep_rights(struct refresh *refresh, struct error *err)
{
	const struct task *task = refresh->task;
	struct buf names = BUF_INIT;
	const char *values[1];
	PGresult *res = NULL;
	bool ok;

	add_name(&names, task->table);
	for (size_t i = 0; i < task->view_count; i++)
		add_name(&names, task->view[i]->table);
	buf_add_byte(&names, '}');
	values[0] = buf_text(&names);
	ok = pg_fetch_params(refresh->pg, refresh->timeout_ms, err, &res,
			     rights_sql, 1, values);
	if (ok)
		refresh->rights =
			arena_strdup(&refresh->arena, PQgetvalue(res, 0, 0));
	PQclear(res);
	buf_release(&names);
	return ok;
}

void build_comment_sql(struct buf *out, const struct task *task,
		       const char *relation)
{
	const struct model *model = task->model;
	struct buf text = BUF_INIT;

	if (model->description)
		buf_add_text(&text, model->description);
	if (model->owner && *model->owner)
		buf_format(&text, "%s(owner: %s)", text.len ? " " : "",
			   model->owner);
	if (text.len) {
		buf_format(out, "comment on %s %s is ",
			   task_is_view(task) ? "view" : "table", relation);
		quote_literal(out, buf_text(&text));
		buf_add_text(out, ";\n");
	}
	buf_release(&text);
}

bool build_comment(struct refresh *refresh, struct error *err)
{
	const struct task *task = refresh->task;
	struct buf sql = BUF_INIT;
	bool ok;

	if (!task->state.has_indexes)
		build_comment_sql(&sql, task, task->table);
	ok = !sql.len || refresh_run(refresh, buf_text(&sql), NULL, err);
	buf_release(&sql);
	return ok;
}

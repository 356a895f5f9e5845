#include "ingest/drift_store.h"

#include "common/buf.h"
#include "common/pg.h"
#include "ingest/drift.h"

enum { ANSWER_MS = 5000 };

static void add_row(struct pg *pg, struct buf *sql,
		    const struct drift_entry *entry)
{
	buf_add_text(sql, "(");
	pg_literal(pg, sql, entry->relation);
	buf_add_text(sql, ", ");
	pg_literal(pg, sql, entry->path);
	buf_add_text(sql, ", ");
	pg_literal(pg, sql, entry->kind);
	buf_format(sql, ", %llu, ", (unsigned long long)entry->count);
	pg_literal(pg, sql, entry->sample ? entry->sample : "");
	buf_add_text(sql, ")");
}

bool drift_store_write(struct pg *pg, struct drift *drift, struct error *err)
{
	size_t count = 0;
	const struct drift_entry *const *entry = drift_sorted(drift, &count);
	struct buf sql = BUF_INIT;
	bool ok;

	if (count == 0)
		return true;
	buf_add_text(&sql,
		     "begin; set local role millrace_ingest; "
		     "set local lock_timeout = '2s'; "
		     "set local statement_timeout = '4s'; "
		     "insert into millrace.drift as d (relation, path, kind, "
		     "sampled_count, sample) select * from (values ");
	for (size_t i = 0; i < count; i++) {
		buf_add_text(&sql, i ? ", " : "");
		add_row(pg, &sql, entry[i]);
	}
	buf_format(&sql,
		   ") as n (relation, path, kind, sampled_count, sample) "
		   "where exists (select from millrace.drift o "
		   "where (o.relation, o.path, o.kind) = "
		   "(n.relation, n.path, n.kind)) or "
		   "(select count(*) from millrace.drift o "
		   "where o.relation = n.relation) < %d",
		   DRIFT_PATHS);
	buf_add_text(&sql,
		     " on conflict (relation, path, kind) do update set "
		     "last_seen = now(), sampled_count = d.sampled_count + "
		     "excluded.sampled_count; commit");
	ok = pg_run(pg, ANSWER_MS, err, buf_text(&sql));
	if (!ok)
		pg_rollback(pg);
	buf_release(&sql);
	return ok;
}

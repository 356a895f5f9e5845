#include "ingest/verify.h"

#include <inttypes.h>

#include "common/buf.h"
#include "common/pg.h"

enum { ANSWER_MS = 3600 * 1000, SHOWN = 10 };

/* The ranges that batches took, from the first ledger row of each.  later: how
 * often the source has begun again since. */
#define RANGES                                                                 \
	"with range as (select l.load_id, r->>0 as source, "                   \
	"(r->>1)::int as part, (r->>2)::bigint as start, "                     \
	"(r->>3)::bigint as stop, (select count(*) "                           \
	"from millrace.begun_again b where b.source = r->>0 "                  \
	"and b.part = (r->>1)::int and b.after_load >= l.load_id) as later "   \
	"from millrace.load l, jsonb_array_elements(l.origin->'ranges') r), "  \
	"chained as (select *, lag(stop) over w as before, "                   \
	"lead(start) over w as after from range "                              \
	"window w as (partition by source, part, later order by start, "       \
	"stop)) "

/* A check finds nothing when all is well.  Its first query counts what was
 * looked at; the second returns one sentence for each fault. */
static const struct check {
	const char *title;
	const char *counted; /* "5 ranges" */
	const char *count;
	const char *faults;
} checks[] = {
	{"ranges leave no hole", "ranges", RANGES "select count(*) from range",
	 RANGES "select format('%s part %s: nothing loaded %s to %s (before "
		"load %s)', source, part, coalesce(before, 0), start, load_id) "
		"from chained where start > coalesce(before, 0) "
		/* a topic begins where -o and its retention say */
		"and (before is not null or source not like 'kafka:%') "
		"and not exists "
		"(select from millrace.gap g where g.source = chained.source "
		"and g.part = chained.part "
		"and g.from_offset <= coalesce(before, 0) "
		"and g.to_offset >= start) order by source, part, start"},
	{"ranges never overlap", "ranges", RANGES "select count(*) from range",
	 RANGES "select format('%s part %s: %s to %s loaded twice (load %s)', "
		"source, part, start, before, load_id) from chained "
		"where start < before order by source, part, start"},
	{"positions stand at the end of the ranges", "positions",
	 "select count(*) from millrace.position",
	 RANGES
	 ", ends as (select source, part, max(stop) as stop from range "
	 "where later = 0 group by source, part) select format('%s part %s: "
	 "the "
	 "position is %s, the ranges end at %s', source, part, "
	 "p.next_offset, coalesce(e.stop, 0)) "
	 "from millrace.position p left join ends e using (source, part) "
	 "where p.next_offset <> coalesce(e.stop, 0) "
	 "and (e.stop is not null or p.source not like 'kafka:%') "
	 "and not exists (select from millrace.gap g where "
	 "g.source = p.source and g.part = p.part "
	 "and g.to_offset = p.next_offset) order by source, part"},
	{"rejects are as many as the ledger says", "loads",
	 "select count(*) from millrace.load where op in ('i', 't', 'd')",
	 "with found as (select load_id, count(*) as n from millrace.reject "
	 "group by load_id) select format('load %s of %s: %s rejects, the "
	 "ledger says %s', coalesce(l.load_id, f.load_id), l.relation, "
	 "coalesce(f.n, 0), coalesce(l.reject_count, 0)) "
	 "from millrace.load l full join found f using (load_id) "
	 "where coalesce(l.reject_count, 0) <> coalesce(f.n, 0) "
	 "order by load_id"},
};

static bool print_faults(struct pg *pg, FILE *out, const char *sql, int *found,
			 struct error *err)
{
	PGresult *res = NULL;

	if (!pg_fetch(pg, ANSWER_MS, err, &res, NULL, sql))
		return false;
	*found = PQntuples(res);
	for (int i = 0; i < *found && i < SHOWN; i++)
		fprintf(out, "  %s\n", PQgetvalue(res, i, 0));
	if (*found > SHOWN)
		fprintf(out, "  and %d more\n", *found - SHOWN);
	PQclear(res);
	return true;
}

static bool run_check(struct pg *pg, FILE *out, const struct check *check,
		      size_t *total, struct error *err)
{
	int64_t count;
	int found = 0;

	if (!pg_count(pg, ANSWER_MS, err, &count, check->count))
		return error_context(err, "checking that %s", check->title);
	fprintf(out, "%s: %" PRId64 " %s\n", check->title, count,
		check->counted);
	if (!print_faults(pg, out, check->faults, &found, err))
		return error_context(err, "checking that %s", check->title);
	*total += (size_t)found;
	return true;
}

/* Rows that were replaced and that no reader needs any more are deleted; which
 * loads they were of, only the ranges replaced since say. */
static void add_pruned(struct pg *pg, struct buf *sql, const char *relation)
{
	buf_add_text(sql, "pruned as (select a.loaded_at from millrace.load a "
			  "join millrace.load d using (relation) "
			  "join millrace.source s using (relation) "
			  "where d.op = 'd' and d.load_id > a.load_id "
			  "and s.gone_from_load > 0 and a.event_max >= "
			  "(d.parts->>'from')::timestamptz and a.event_min < "
			  "(d.parts->>'to')::timestamptz and relation = ");
	pg_literal(pg, sql, relation);
	buf_add_text(sql, ") ");
}

/* One staging table, and what was replaced of it (old, "": nothing), against
 * its ledger rows.  Loads whose partition has been dropped by retention are
 * older than everything that is left. */
static bool check_relation(struct pg *pg, FILE *out, const char *relation,
			   const char *old, size_t *total, struct error *err)
{
	struct buf count = BUF_INIT;
	struct buf faults = BUF_INIT;
	struct buf title = BUF_INIT;
	bool ok;

	buf_format(&count, "select count(*) from %s", relation);
	buf_format(&title, "%s holds the rows that the ledger says", relation);
	buf_format(&faults,
		   "with held as (select loaded_at, count(*) as n from %s "
		   "group by loaded_at), replaced as (select loaded_at, "
		   "count(*) as n from %s group by loaded_at), "
		   "found as (select loaded_at, sum(n) as n from (select * "
		   "from held union all select * from replaced) t "
		   "group by loaded_at), ",
		   relation,
		   *old ? old : "(select now() as loaded_at where false) t");
	add_pruned(pg, &faults, relation);
	buf_add_text(&faults,
		     ", listed as (select loaded_at, "
		     /* the ledger also lists marts, in schemas closed to us */
		     "sum(row_count) as n from millrace.load where "
		     "case when relation like 'staging.%' then "
		     "to_regclass(relation) = ");
	pg_literal(pg, &faults, relation);
	buf_add_text(
		&faults,
		"::regclass end and op in ('i', 't', 'd') group by loaded_at) "
		"select format('loaded at %s: %s rows, the ledger says "
		"%s', loaded_at, coalesce(f.n, 0), coalesce(l.n, 0)) "
		"from listed l full join found f using (loaded_at) "
		"where coalesce(f.n, 0) <> coalesce(l.n, 0) "
		"and (coalesce(f.n, 0) > coalesce(l.n, 0) or "
		"loaded_at not in (select p.loaded_at from pruned p)) "
		"and loaded_at >= (select coalesce(min(h.loaded_at), "
		"'-infinity') from held h) order by loaded_at");
	ok = run_check(pg, out,
		       &(struct check){buf_text(&title), "rows",
				       buf_text(&count), buf_text(&faults)},
		       total, err);
	buf_release(&count);
	buf_release(&faults);
	buf_release(&title);
	return ok;
}

static bool check_relations(struct pg *pg, FILE *out, size_t *total,
			    struct error *err)
{
	PGresult *res = NULL;
	bool ok = true;

	if (!pg_fetch(pg, ANSWER_MS, err, &res, NULL,
		      "select format('%I.%I', n.nspname, c.relname), "
		      "coalesce(to_regclass(format('millrace_old.%I', "
		      "'staging__' || c.relname))::text, '') "
		      "from pg_class c join pg_namespace n "
		      "on n.oid = c.relnamespace where n.nspname = 'staging' "
		      "and c.relkind in ('r', 'p') and not c.relispartition "
		      "order by 1"))
		return false;
	for (int i = 0; ok && i < PQntuples(res); i++)
		ok = check_relation(pg, out, PQgetvalue(res, i, 0),
				    PQgetvalue(res, i, 1), total, err);
	PQclear(res);
	return ok;
}

bool verify_all(struct pg *pg, FILE *out, size_t *faults, struct error *err)
{
	bool ok = pg_run(pg, ANSWER_MS, err,
			 "begin isolation level repeatable read read only; "
			 "set local statement_timeout = 0; "
			 "set local role millrace_ingest");

	*faults = 0;
	for (size_t i = 0; ok && i < sizeof checks / sizeof *checks; i++)
		ok = run_check(pg, out, &checks[i], faults, err);
	ok = ok && check_relations(pg, out, faults, err);
	pg_rollback(pg);
	return ok;
}

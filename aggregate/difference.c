#include "aggregate/difference.h"

#include <inttypes.h>

#include "aggregate/relation.h"
#include "aggregate/rows_print.h"
#include "common/buf.h"
#include "common/log.h"
#include "common/pg.h"

static void add_sample(struct buf *sql, const char *side)
{
	buf_format(sql,
		   "(select count(*) from %s), (select json_agg((select "
		   "json_object_agg(key, case when length(value::text) > 200 "
		   "then to_json(left(value #>> '{}', 200) || '…') "
		   "else value end) from json_each(few.r::json))) "
		   "from (select r from %s order by r limit 5) few)",
		   side, side);
}

static const char *text_at(const PGresult *res, int col, struct arena *arena)
{
	return PQgetisnull(res, 0, col)
		       ? NULL
		       : arena_strdup(arena, PQgetvalue(res, 0, col));
}

bool difference_find(struct difference *difference, struct pg *pg,
		     int64_t timeout_ms, const struct columns *columns,
		     const char *wanted, const char *present,
		     struct arena *arena, struct error *err)
{
	struct buf sql = BUF_INIT, values = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	columns_values(&values, columns);
	buf_format(&sql,
		   "with wanted as (select to_json(y)::text as r "
		   "from (select %s from (%s\n) x) y), "
		   "present as (select to_json(y)::text as r "
		   "from (select %s from (%s\n) x) y), "
		   "missing as (select r from wanted except all select r "
		   "from present), unexpected as (select r from present except "
		   "all select r from wanted)\n"
		   "select (select count(*) from present), ",
		   buf_text(&values), wanted, buf_text(&values), present);
	add_sample(&sql, "missing");
	buf_add_text(&sql, ", ");
	add_sample(&sql, "unexpected");
	log_line(LOG_DEBUG, "%s", buf_text(&sql));
	ok = pg_fetch(pg, timeout_ms, err, &res, NULL, buf_text(&sql));
	if (ok)
		*difference = (struct difference){
			.rows = pg_number(res, 0, 0),
			.missing = pg_number(res, 0, 1),
			.missing_sample = text_at(res, 2, arena),
			.unexpected = pg_number(res, 0, 3),
			.unexpected_sample = text_at(res, 4, arena),
		};
	PQclear(res);
	buf_release(&sql);
	buf_release(&values);
	return ok;
}

bool difference_any(const struct difference *difference)
{
	return difference->missing || difference->unexpected;
}

static void print_side(FILE *out, const char *what, const char *words,
		       const char *sample, int64_t count)
{
	if (!count)
		return;
	fprintf(out, "  %s%s: %" PRId64 " %s\n", what, words, count,
		count == 1 ? "row" : "rows");
	rows_print(out, sample, count);
}

void difference_print(FILE *out, const struct difference *difference,
		      const char *missing, const char *unexpected)
{
	print_side(out, "missing", missing, difference->missing_sample,
		   difference->missing);
	print_side(out, "unexpected", unexpected, difference->unexpected_sample,
		   difference->unexpected);
}

#include "aggregate/parts.h"

#include <inttypes.h>
#include <string.h>

#include "aggregate/changes.h"
#include "aggregate/quote.h"
#include "common/pg.h"

static bool has(uint32_t columns, size_t i)
{
	return columns >> i & 1;
}

/* k0, k2: the keys of a pattern, each after prefix, one left out (-1: none) */
static const char *add_key_list(struct buf *out, uint32_t columns,
				const char *prefix, int but)
{
	const char *separator = "";

	for (size_t i = 0; i < BY_MAX; i++) {
		if (!has(columns, i) || (int)i == but)
			continue;
		buf_format(out, "%s%sk%zu", separator, prefix, i);
		separator = ", ";
	}
	return separator;
}

/* --- finding -------------------------------------------------------------- */

static uint32_t marker_columns(const struct marker *marker)
{
	uint32_t columns = 0;

	for (size_t i = 0; i < marker->column_count; i++)
		if (marker->column[i])
			columns |= UINT32_C(1) << i;
	return columns;
}

/* The parts of the rows that `rows` selects. */
static void add_branch(struct buf *out, const struct refresh *refresh,
		       const struct marker *marker,
		       const struct task_input *input, const char *rows)
{
	const struct model *model = refresh->task->model;
	const char *separator = "";
	bool filtered = false;

	buf_add_text(out, out->len ? "\nunion all\nselect " : "select ");
	for (size_t i = 0; i < marker->column_count; i++) {
		const struct column *column;

		if (!marker->column[i])
			continue;
		column = columns_find(&input->columns, marker->column[i]);
		buf_add_text(out, separator);
		separator = ", ";
		if (model->by[i].grain == GRAIN_NONE)
			buf_format(out, "x.%s as k%zu", column->quoted, i);
		else
			buf_format(out, "date_trunc('%s', x.%s%s) as k%zu",
				   model_grains[model->by[i].grain],
				   column->quoted,
				   column->is_timestamptz
					   ? " at time zone 'UTC'"
					   : "::timestamp",
				   i);
	}
	buf_format(out, " from (\n%s\n) x", rows);
	for (size_t i = 0; i < marker->filter_count; i++) {
		const struct column *column =
			columns_find(&input->columns, marker->filter[i].column);

		if (!column)
			continue;
		buf_format(out, "%sx.%s = %s", filtered ? " and " : "\nwhere ",
			   column->quoted, marker->filter[i].literal);
		filtered = true;
	}
}

static void add_marker(struct buf *out, const struct refresh *refresh,
		       const struct marker *marker,
		       const struct task_input *input)
{
	struct buf rows = BUF_INIT;

	changes_new(&rows, refresh->task, input);
	add_branch(out, refresh, marker, input, buf_text(&rows));
	if (changes_any_gone(refresh->task, input)) {
		buf_reset(&rows);
		changes_gone(&rows, refresh->task, input);
		add_branch(out, refresh, marker, input, buf_text(&rows));
	}
	buf_release(&rows);
}

/* One select for all markers of a pattern. */
static void touched_sql(struct buf *out, const struct refresh *refresh,
			uint32_t columns)
{
	const struct model *model = refresh->task->model;
	struct buf all = BUF_INIT;

	for (size_t i = 0; i < model->marker_count; i++) {
		const struct marker *marker = &model->marker[i];
		const struct task_input *input =
			task_input_of(refresh->task, marker->relation);

		if (marker_columns(marker) == columns &&
		    changes_any(refresh->task, input))
			add_marker(&all, refresh, marker, input);
	}
	buf_format(out, "select distinct * from (\n%s\n) touched",
		   buf_text(&all));
	buf_release(&all);
}

/* Times widened to the grain that holds them; by nothing, they are its edges.
 */
static const char *earlier(struct refresh *refresh, const char *grain,
			   const char *time, int64_t us)
{
	if (!us)
		return time;
	return arena_format(&refresh->arena,
			    "date_trunc('%s', %s - interval '%" PRId64
			    " microseconds')",
			    grain, time, us);
}

static const char *later(struct refresh *refresh, const char *grain,
			 const char *time, int64_t us)
{
	if (!us)
		return time;
	return arena_format(&refresh->arena,
			    "date_trunc('%s', %s + interval '%" PRId64
			    " microseconds') + interval '1 %s'",
			    grain, time, us - 1, grain);
}

/* The time column of parts becomes a range: what is shown, since k<i>_shown
 * until k<i>_shown_end, and what is rebuilt from it, since k<i> until k<i>_end.
 * Where a row changes only what lies before it, that is rebuilt, and made of
 * what lies behind it.  Ranges that meet become one, so that no row is shown
 * twice: what lies between is rebuilt with them.  A part without a time stays
 * alone. */
static void ranges_sql(struct buf *out, struct refresh *refresh,
		       const struct pattern *pattern, const char *touched)
{
	const struct model *model = refresh->task->model;
	const char *grain = model_grains[model->by[pattern->time].grain];
	int64_t touch = model->touch_us;
	int64_t other = model->touch_before ? 0 : touch;
	int k = pattern->time;
	const char *since = arena_format(&refresh->arena, "k%d", k);
	const char *until = arena_format(&refresh->arena,
					 "k%d + interval '1 %s'", k, grain);
	struct buf others = BUF_INIT;
	const char *keys;

	since = earlier(refresh, grain, since, touch);
	since = earlier(refresh, grain, since, other);
	until = later(refresh, grain, until, other);
	until = later(refresh, grain, until, touch);
	buf_add_text(&others, add_key_list(&others, pattern->columns, "", k));
	keys = buf_text(&others);
	buf_format(out,
		   "select %s%s as k%d, %s as k%d_end,\n"
		   "    min(since) as k%d_shown, max(until) as k%d_shown_end\n",
		   keys, later(refresh, grain, "min(since)", other), k,
		   earlier(refresh, grain, "max(until)", touch), k, k, k);
	buf_format(out,
		   "from (select *, count(*) filter (where since > reached "
		   "or since is null)\n"
		   "    over (partition by %strue order by k%d) as island\n"
		   "from (select *, lag(until)\n"
		   "    over (partition by %strue order by k%d) as reached\n"
		   "from (select *, %s as since,\n    %s as until\n"
		   "from (\n%s\n) t) wide) seen) islands\n"
		   "group by %sisland",
		   keys, k, keys, k, since, until, touched, keys);
	buf_release(&others);
}

static bool find_nulls(struct pattern *pattern, struct refresh *refresh,
		       struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	int col = 0;
	bool ok;

	buf_add_text(&sql, "select ");
	for (size_t i = 0; i < BY_MAX; i++)
		if (has(pattern->columns, i))
			buf_format(&sql,
				   "%scoalesce(bool_or(k%zu is null), "
				   "false)",
				   col++ ? ", " : "", i);
	buf_format(&sql, " from pg_temp.%s", pattern->table);
	ok = pg_fetch(refresh->pg, refresh->timeout_ms, err, &res, NULL,
		      buf_text(&sql));
	col = 0;
	for (size_t i = 0; ok && i < BY_MAX; i++)
		if (has(pattern->columns, i) &&
		    PQgetvalue(res, 0, col++)[0] == 't')
			pattern->nulls |= UINT32_C(1) << i;
	PQclear(res);
	buf_release(&sql);
	return ok;
}

/* A table of parts, with an index on its keys. */
static bool store(struct refresh *refresh, const char *name, uint32_t columns,
		  const char *select, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_format(&sql, "create index on pg_temp.%s (", name);
	add_key_list(&sql, columns, "", -1);
	buf_add_byte(&sql, ')');
	ok = refresh_temp_analyzed(refresh, name, select, NULL, err) &&
	     refresh_run(refresh, buf_text(&sql), NULL, err);
	buf_release(&sql);
	return ok;
}

/* The planner takes new loads, which its statistics do not know, for a row or
 * none, and would sort them to find their parts.  Where they become ranges they
 * are sorted anyway. */
static bool fill_pattern(struct parts *parts, struct refresh *refresh,
			 struct pattern *pattern, struct error *err)
{
	size_t n = (size_t)(pattern - parts->pattern);
	struct buf touched = BUF_INIT;
	struct buf sql = BUF_INIT;
	bool ok = true;

	pattern->time =
		parts->time >= 0 && has(pattern->columns, (size_t)parts->time)
			? parts->time
			: -1;
	pattern->table = arena_format(&refresh->arena, "touched_%zu", n);
	touched_sql(&touched, refresh, pattern->columns);
	if (pattern->time >= 0)
		ranges_sql(&sql, refresh, pattern, buf_text(&touched));
	else
		ok = refresh_run(refresh, "set local enable_sort = off", NULL,
				 err);
	ok = ok && store(refresh, pattern->table, pattern->columns,
			 buf_text(sql.len ? &sql : &touched), err);
	if (ok && pattern->time < 0)
		ok = refresh_run(refresh, "set local enable_sort to default",
				 NULL, err);
	buf_release(&touched);
	buf_release(&sql);
	return ok && find_nulls(pattern, refresh, err);
}

/* Patterns with fewer columns first: they cover more. */
static void add_pattern(struct parts *parts, uint32_t columns)
{
	size_t at = 0;

	for (size_t i = 0; i < parts->count; i++)
		if (parts->pattern[i].columns == columns)
			return;
	while (at < parts->count &&
	       __builtin_popcount(parts->pattern[at].columns) <=
		       __builtin_popcount(columns))
		at++;
	memmove(&parts->pattern[at + 1], &parts->pattern[at],
		(parts->count - at) * sizeof *parts->pattern);
	parts->pattern[at] = (struct pattern){.columns = columns};
	parts->count++;
}

bool parts_find(struct parts *parts, struct refresh *refresh, struct error *err)
{
	const struct model *model = refresh->task->model;

	*parts = (struct parts){.time = -1};
	for (size_t i = model->by_count; i-- > 0;)
		if (model->by[i].grain != GRAIN_NONE)
			parts->time = (int)i;
	for (size_t i = 0; i < model->marker_count; i++) {
		const struct marker *marker = &model->marker[i];

		if (changes_any(refresh->task,
				task_input_of(refresh->task, marker->relation)))
			add_pattern(parts, marker_columns(marker));
	}
	for (size_t i = 0; i < parts->count; i++)
		if (!fill_pattern(parts, refresh, &parts->pattern[i], err))
			return false;
	return true;
}

/* --- using ---------------------------------------------------------------- */

/* The by columns of a pattern that the relation has. */
static uint32_t shared(const struct parts_relation *relation, uint32_t columns)
{
	uint32_t both = 0;

	for (size_t i = 0; i < BY_MAX; i++)
		if (has(columns, i) && relation->column[i])
			both |= UINT32_C(1) << i;
	return both;
}

/* Row x lies in part p: half-open ranges for times, so that indexes serve. */
static void add_match(struct buf *out, const struct refresh *refresh,
		      const struct parts_relation *relation,
		      const struct pattern *pattern, enum parts_set set)
{
	const struct model *model = refresh->task->model;
	uint32_t columns = shared(relation, pattern->columns);
	const char *shown = set == PARTS_SHOWN ? "_shown" : "";
	const char *separator = "";

	for (size_t i = 0; i < BY_MAX; i++) {
		const struct column *column;
		const char *zone;

		if (!has(columns, i))
			continue;
		column = columns_find(relation->columns, relation->column[i]);
		zone = column->is_timestamptz ? " at time zone 'UTC'" : "";
		buf_add_text(out, separator);
		separator = " and ";
		buf_add_text(out, has(pattern->nulls, i) ? "(" : "");
		if (model->by[i].grain == GRAIN_NONE)
			buf_format(out, "x.%s = p.k%zu", column->quoted, i);
		else if ((int)i == pattern->time)
			buf_format(out,
				   "x.%s >= p.k%zu%s%s and "
				   "x.%s < p.k%zu%s_end%s",
				   column->quoted, i, shown, zone,
				   column->quoted, i, shown, zone);
		else
			buf_format(out,
				   "x.%s >= p.k%zu%s and "
				   "x.%s < (p.k%zu + interval '1 %s')%s",
				   column->quoted, i, zone, column->quoted, i,
				   model_grains[model->by[i].grain], zone);
		if (has(pattern->nulls, i))
			buf_format(out, " or x.%s is null and p.k%zu is null)",
				   column->quoted, i);
	}
	if (!*separator)
		buf_add_text(out, "true");
}

static void add_exists(struct buf *out, const struct refresh *refresh,
		       const struct parts_relation *relation,
		       const struct pattern *pattern, enum parts_set set)
{
	buf_format(out, "exists (select from pg_temp.%s p where ",
		   pattern->table);
	add_match(out, refresh, relation, pattern, set);
	buf_add_byte(out, ')');
}

void parts_inside(struct buf *out, const struct parts *parts,
		  const struct refresh *refresh,
		  const struct parts_relation *relation, enum parts_set set)
{
	for (size_t i = 0; i < parts->count; i++) {
		buf_add_text(out, i ? "\n    or " : "");
		add_exists(out, refresh, relation, &parts->pattern[i], set);
	}
}

/* Rows in parts of one pattern that no earlier pattern has shown. */
static void add_pattern_rows(struct buf *out, const struct parts *parts,
			     const struct refresh *refresh,
			     const struct parts_relation *relation, size_t n,
			     enum parts_set set, const char *list)
{
	const struct pattern *pattern = &parts->pattern[n];
	uint32_t both = shared(relation, pattern->columns);

	if (both == pattern->columns) {
		buf_format(out, "select %s from pg_temp.%s p join %s x on ",
			   list, pattern->table, relation->table);
		add_match(out, refresh, relation, pattern, set);
		buf_add_text(out, "\nwhere true");
	} else if (pattern->time < 0 || !has(both, (size_t)pattern->time)) {
		buf_format(out, "select %s from (select distinct ", list);
		add_key_list(out, both, "", -1);
		buf_format(out, " from pg_temp.%s) p join %s x on ",
			   pattern->table, relation->table);
		add_match(out, refresh, relation, pattern, set);
		buf_add_text(out, "\nwhere true");
	} else { /* ranges of different parts may overlap here */
		buf_format(out, "select %s from %s x where ", list,
			   relation->table);
		add_exists(out, refresh, relation, pattern, set);
	}
	for (size_t i = 0; i < n; i++) {
		buf_add_text(out, "\n    and not ");
		add_exists(out, refresh, relation, &parts->pattern[i], set);
	}
}

void parts_select(struct buf *out, const struct parts *parts,
		  const struct refresh *refresh,
		  const struct parts_relation *relation, enum parts_set set,
		  const char *list)
{
	for (size_t i = 0; i < parts->count; i++) {
		if (shared(relation, parts->pattern[i].columns))
			continue;
		/* nothing of the pattern restricts it: any part, all rows */
		buf_format(out, "select %s from %s x where ", list,
			   relation->table);
		parts_inside(out, parts, refresh, relation, set);
		return;
	}
	for (size_t i = 0; i < parts->count; i++) {
		buf_add_text(out, i ? "\nunion all " : "");
		add_pattern_rows(out, parts, refresh, relation, i, set, list);
	}
}

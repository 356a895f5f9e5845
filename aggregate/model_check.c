#include "aggregate/model_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "aggregate/model_delta.h"
#include "aggregate/model_purity.h"
#include "aggregate/model_rows.h"
#include "common/nearest.h"

#define BIT(strategy) (1U << (strategy))

enum {
	STORED = BIT(STRATEGY_APPEND) | BIT(STRATEGY_MERGE) |
		 BIT(STRATEGY_DELTA) | BIT(STRATEGY_RECOMPUTE) |
		 BIT(STRATEGY_FULL),
	INCREMENTAL = STORED & ~BIT(STRATEGY_FULL),
	SNAPSHOT = BIT(STRATEGY_CHECK) | BIT(STRATEGY_TIMESTAMP),
	FOLLOWING = INCREMENTAL | SNAPSHOT, /* reads what is new */
};

/* Which strategies take a key, and which cannot do without it. */
static const struct rule {
	enum model_key key;
	unsigned takes, needs;
	const char *whose; /* who takes it */
	const char *why;   /* who needs it is told */
} rules[] = {
	{KEY_BY, BIT(STRATEGY_DELTA) | BIT(STRATEGY_RECOMPUTE),
	 BIT(STRATEGY_RECOMPUTE), "delta and recompute",
	 "the columns that name a part"},
	{KEY_ROWS, BIT(STRATEGY_DELTA), 0, "delta", ""},
	{KEY_TOUCH, BIT(STRATEGY_RECOMPUTE), 0, "recompute", ""},
	{KEY_UNIQUE_KEY, STORED | SNAPSHOT,
	 BIT(STRATEGY_MERGE) | BIT(STRATEGY_DELTA) | SNAPSHOT, "stored models",
	 "the columns that name a row"},
	{KEY_ORDER_BY, BIT(STRATEGY_MERGE), BIT(STRATEGY_MERGE), "merge",
	 "a total order over content, by which the first row of a key wins"},
	{KEY_LOOKUPS, FOLLOWING, 0,
	 "append, merge, delta, recompute and snapshots", ""},
	{KEY_INDEX, STORED | SNAPSHOT, 0, "stored models", ""},
	{KEY_CHECK_COLS, BIT(STRATEGY_CHECK), BIT(STRATEGY_CHECK), "check",
	 "the columns that make a new version when they change, or all"},
	{KEY_UPDATED_AT, BIT(STRATEGY_TIMESTAMP), BIT(STRATEGY_TIMESTAMP),
	 "timestamp", "the column that says since when a row is as it is"},
	{KEY_HARD_DELETES, SNAPSHOT, 0, "snapshots", ""},
	{KEY_ON_SCHEMA_CHANGE, INCREMENTAL, 0,
	 "append, merge, delta and recompute", ""},
};

/* What is being checked. */
struct check {
	const struct model *model;
	const struct model_config *config;
	const struct query *query;
	struct error *err;
};

static bool refuse(const struct check *c, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static bool refuse(const struct check *c, int line, const char *fmt, ...)
{
	char what[800];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	return error_config(c->err, "%s:%d: %s", c->model->file, line, what);
}

/* The line that chose the strategy. */
static int strategy_line(const struct check *c)
{
	const int *line = c->config->line;

	return line[KEY_STRATEGY]       ? line[KEY_STRATEGY]
	       : line[KEY_MATERIALIZED] ? line[KEY_MATERIALIZED]
					: 1;
}

static bool check_materialized(const struct check *c)
{
	const struct model *model = c->model;
	int line = strategy_line(c);

	switch (model->materialized) {
	case MATERIALIZED_VIEW:
		return model->strategy == STRATEGY_NONE ||
		       refuse(c, line,
			      "a view has no strategy: write materialized: "
			      "incremental, or leave the strategy out");
	case MATERIALIZED_TABLE:
		return model->strategy == STRATEGY_FULL ||
		       refuse(c, line,
			      "a table is always built in full: write "
			      "materialized: incremental for %s",
			      model_strategies[model->strategy]);
	case MATERIALIZED_SNAPSHOT:
		return (SNAPSHOT & BIT(model->strategy)) ||
		       refuse(c, line,
			      "a snapshot wants strategy: check or strategy: "
			      "timestamp");
	default:
		if (SNAPSHOT & BIT(model->strategy))
			return refuse(c, line,
				      "%s is a strategy of snapshots: write "
				      "materialized: snapshot",
				      model_strategies[model->strategy]);
		return model->strategy != STRATEGY_NONE ||
		       refuse(c, line,
			      "an incremental model wants a strategy: append, "
			      "merge, delta, recompute or full");
	}
}

static bool check_keys(const struct check *c)
{
	enum strategy strategy = c->model->strategy;

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		const struct rule *rule = &rules[i];
		int line = c->config->line[rule->key];

		if (line > 0 && !(rule->takes & BIT(strategy)))
			return refuse(c, line,
				      "\"%s\" belongs to %s, not to %s",
				      model_key_name(rule->key), rule->whose,
				      strategy == STRATEGY_NONE
					      ? "a view"
					      : model_strategies[strategy]);
		if (line == 0 && (rule->needs & BIT(strategy)))
			return refuse(c, strategy_line(c),
				      "%s wants \"%s\": %s",
				      model_strategies[strategy],
				      model_key_name(rule->key), rule->why);
	}
	return true;
}

/* Fills known with the names of the query's columns.  0: only PostgreSQL knows
 * them all. */
static size_t output_columns(const struct query *query, const char **known)
{
	for (size_t i = 0; i < query->item_count; i++) {
		if (query->item[i].is_star || !query->item[i].column)
			return 0;
		known[i] = query->item[i].column;
	}
	return query->item_count;
}

static bool check_column(const struct check *c, int line, const char *key,
			 const char *column, const char *const *known,
			 size_t count)
{
	const char *meant;

	for (size_t i = 0; i < count; i++)
		if (strcmp(column, known[i]) == 0)
			return true;
	if (count == 0)
		return true;
	meant = nearest(column, known, count);
	return refuse(c, line, "%s: the query has no column \"%s\"%s%s%s", key,
		      column, meant ? ": did you mean \"" : "",
		      meant ? meant : "", meant ? "\"?" : "");
}

/* Whether a snapshot adds the column to those of its query. */
static bool is_added(const struct model *model, const char *column)
{
	for (size_t i = 0; model_is_snapshot(model) && i < SNAPSHOT_COLUMNS;
	     i++)
		if (!strcmp(column, model_snapshot_columns[i]))
			return true;
	return false;
}

static bool check_columns(const struct check *c, const char *const *known,
			  size_t count)
{
	const struct model *model = c->model;
	const int *line = c->config->line;

	for (size_t i = 0; i < model->check_column_count; i++)
		if (!check_column(c, line[KEY_CHECK_COLS], "check_cols",
				  model->check_column[i], known, count))
			return false;
	for (size_t i = 0; i < model->unique_key_count; i++)
		if (!check_column(c, line[KEY_UNIQUE_KEY], "unique_key",
				  model->unique_key[i], known, count))
			return false;
	for (size_t i = 0; i < model->by_count; i++)
		if (!check_column(c, line[KEY_BY], "by", model->by[i].name,
				  known, count))
			return false;
	for (size_t i = 0; i < model->test_count; i++) {
		const struct model_test *test = &model->test[i];

		for (size_t j = 0; j < test->column_count; j++)
			if (!is_added(model, test->column[j]) &&
			    !check_column(c, test->line, test->name,
					  test->column[j], known, count))
				return false;
	}
	return (!model->updated_at ||
		check_column(c, line[KEY_UPDATED_AT], "updated_at",
			     model->updated_at, known, count)) &&
	       (!model->rows || check_column(c, line[KEY_ROWS], "rows",
					     model->rows, known, count));
}

/* The operand that what marker i marks is read in. */
static const struct query_branch *branch(const struct check *c, size_t i)
{
	return c->query->reference[c->model->marker[i].reference].core->branch;
}

/* Whether rows of the two markers can only meet as rows of a UNION ALL. */
static bool are_apart(const struct query_branch *a,
		      const struct query_branch *b)
{
	for (const struct query_branch *x = a; x; x = x->parent)
		for (const struct query_branch *y = b; y; y = y->parent)
			if (x != y && x->body == y->body)
				return x->body->only_union_all;
	return false;
}

static bool check_markers(const struct check *c)
{
	const struct model *model = c->model;
	const char *strategy = model_strategies[model->strategy];
	const struct marker *marker = model->marker;

	if (!(FOLLOWING & BIT(model->strategy)))
		return model->marker_count == 0 ||
		       refuse(c, marker->line,
			      "a %s model reads everything: it takes no marker",
			      strategy);
	if (model->marker_count == 0)
		return refuse(c, model->sql_line,
			      "%s wants a marker at what it follows: where "
			      "/*+ incremental(e.column) */ true",
			      strategy);
	for (size_t i = 0; i < model->marker_count; i++)
		if (model->strategy == STRATEGY_RECOMPUTE &&
		    marker[i].column_count != model->by_count)
			return refuse(c, marker[i].line,
				      "this marker has %zu column%s and \"by\" "
				      "has %zu: one for each, in order, * for "
				      "any",
				      marker[i].column_count,
				      marker[i].column_count == 1 ? "" : "s",
				      model->by_count);
	if (model->strategy == STRATEGY_RECOMPUTE || model->marker_count == 1)
		return true;
	if (model_is_snapshot(model))
		return refuse(c, marker[1].line,
			      "a snapshot follows one relation: put a model in "
			      "between");
	if (model->strategy == STRATEGY_DELTA)
		return refuse(c, marker[1].line,
			      "delta takes one marker: use recompute, or a "
			      "model in between");
	for (size_t i = 1; i < model->marker_count; i++)
		for (size_t j = 0; j < i; j++)
			if (!are_apart(branch(c, i), branch(c, j)))
				return refuse(c, marker[i].line,
					      "%s takes one marker, or one per "
					      "branch of a union all: two in a "
					      "join would lose pairs of a new "
					      "and an old row; use recompute",
					      strategy);
	return true;
}

/* What indexes and parts have no room for. */
static bool check_sizes(const struct check *c)
{
	const struct model *model = c->model;
	const int *line = c->config->line;
	bool is_snapshot = model_is_snapshot(model);

	if (model->unique_key_count + is_snapshot > INDEX_MAX)
		return refuse(c, line[KEY_UNIQUE_KEY],
			      "\"unique_key\" has %zu columns, and an index of "
			      "PostgreSQL holds %d%s",
			      model->unique_key_count, INDEX_MAX,
			      is_snapshot ? ", one of them dbt_valid_from"
					  : "");
	if (model->by_count > BY_MAX)
		return refuse(c, line[KEY_BY],
			      "\"by\" has %zu columns: %d is the limit",
			      model->by_count, BY_MAX);
	if (model->strategy == STRATEGY_RECOMPUTE &&
	    model->marker_count > BY_MAX)
		return refuse(c, model->marker[BY_MAX].line,
			      "a model has at most %d markers: put a model in "
			      "between",
			      BY_MAX);
	return true;
}

static bool check_touch(const struct check *c)
{
	if (c->model->touch_us == 0)
		return true;
	for (size_t i = 0; i < c->model->by_count; i++)
		if (c->model->by[i].grain != GRAIN_NONE)
			return true;
	return refuse(c, c->config->line[KEY_TOUCH],
		      "\"touch\" widens parts of time: \"by\" needs a column "
		      "with a grain, as in [user_id, time minute]");
}

bool model_check(struct model *model, const struct model_config *config,
		 const struct query *query, struct error *err)
{
	struct check c = {model, config, query, err};
	const char **known = arena_alloc(
		&model->arena, (query->item_count + 1) * sizeof *known);

	if (!check_materialized(&c) || !check_keys(&c) ||
	    !check_columns(&c, known, output_columns(query, known)) ||
	    !check_markers(&c) || !check_sizes(&c) || !check_touch(&c))
		return false;
	if (model->strategy == STRATEGY_DELTA &&
	    !model_delta_check(model, config, query, err))
		return false;
	if (model->strategy == STRATEGY_RECOMPUTE && query->body->is_limited)
		return refuse(&c, model->sql_line,
			      "\"limit\" and \"offset\" would count the rows "
			      "of the touched parts alone: put them into a "
			      "view");
	if ((INCREMENTAL & BIT(model->strategy)) &&
	    model->strategy != STRATEGY_RECOMPUTE &&
	    !model_rows_check(model, query, err))
		return false;
	return model->strategy == STRATEGY_NONE ||
	       model_purity_check(model, query, err);
}

static bool is_marked(const struct model *model, const char *relation)
{
	for (size_t i = 0; i < model->marker_count; i++)
		if (strcmp(model->marker[i].relation, relation) == 0)
			return true;
	return false;
}

static bool is_lookup(const struct model *model, const char *relation)
{
	for (size_t i = 0; i < model->lookup_count; i++)
		if (strcmp(model->lookup[i].relation, relation) == 0)
			return true;
	return false;
}

bool model_check_reads(const struct model *model, struct error *err)
{
	if (!(FOLLOWING & BIT(model->strategy)))
		return true;
	for (size_t i = 0; i < model->reference_count; i++) {
		const struct reference *r = &model->reference[i];

		if (is_marked(model, r->relation) ||
		    is_lookup(model, r->relation))
			continue;
		return error_config(err,
				    "%s:%d: %s is read but not followed: give "
				    "it a marker, or a place in lookups: [%s "
				    "on_change=recompute]",
				    model->file, r->line, r->relation,
				    r->relation);
	}
	for (size_t i = 0; i < model->lookup_count; i++) {
		const struct lookup *lookup = &model->lookup[i];
		bool is_read = false;

		if (model_is_snapshot(model) &&
		    lookup->on_change == ON_CHANGE_RECOMPUTE)
			return error_config(err,
					    "%s:%d: a snapshot is never "
					    "rebuilt, so %s can only be looked "
					    "up on_change=as_of or "
					    "on_change=ignore",
					    model->file, lookup->line,
					    lookup->relation);
		for (size_t j = 0; j < model->reference_count; j++)
			if (strcmp(model->reference[j].relation,
				   lookup->relation) == 0)
				is_read = true;
		if (is_marked(model, lookup->relation))
			return error_config(err,
					    "%s:%d: %s is marked, so it needs "
					    "no place in \"lookups\"",
					    model->file, lookup->line,
					    lookup->relation);
		if (!is_read)
			return error_config(err,
					    "%s:%d: %s stands in \"lookups\" "
					    "but the query does not read it",
					    model->file, lookup->line,
					    lookup->relation);
	}
	return true;
}

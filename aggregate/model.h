/*
 * model.h - a model file: a query, and how its relation is kept up to date
 *
 * `sql/<pack>/models/.../<name>.sql` becomes the relation <pack>.<name>.  The
 * text is plain SQL; leading `--` lines configure it.  model_parse reads
 * one text and knows nothing of other files or of databases; every error names
 * file, line and the nearest word that is allowed.  References and markers are
 * found by the lexer, as spans of `sql`, so that rewriting is cutting.
 */
#ifndef AGGREGATE_MODEL_H
#define AGGREGATE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"

enum {
	INDEX_MAX = 32, /* columns of an index: PostgreSQL's own limit */
	BY_MAX = 32,    /* columns of `by`, and markers: parts.h has bits */
};

enum materialized {
	MATERIALIZED_VIEW,
	MATERIALIZED_TABLE,
	MATERIALIZED_INCREMENTAL,
	MATERIALIZED_SNAPSHOT
};

enum strategy {
	STRATEGY_NONE, /* a view */
	STRATEGY_APPEND,
	STRATEGY_MERGE,
	STRATEGY_DELTA,
	STRATEGY_RECOMPUTE,
	STRATEGY_FULL,
	STRATEGY_CHECK,     /* of a snapshot: some columns have changed */
	STRATEGY_TIMESTAMP, /* of a snapshot: a column says when */
};

/* Grains and weeks are UTC; weeks begin on Monday. */
enum grain {
	GRAIN_NONE, /* the column itself */
	GRAIN_SECOND,
	GRAIN_MINUTE,
	GRAIN_HOUR,
	GRAIN_DAY,
	GRAIN_WEEK,
	GRAIN_MONTH,
};

/* As headers spell them, and date_trunc: "" for none, "view" for none. */
extern const char *const model_grains[GRAIN_MONTH + 1];
extern const char *const model_strategies[STRATEGY_TIMESTAMP + 1];

struct by_column {
	const char *name; /* a column of the model */
	enum grain grain;
};

/* A name of another relation in the query: sql[start, end) is `pack.name`,
 * alias follows it ("" if none). */
struct reference {
	const char *relation; /* pack.name, unquoted */
	const char *alias;
	size_t start, end;
	int line;
};

/* alias.column = literal, as written. */
struct comparison {
	const char *column;
	const char *literal;
};

/* A marker, `incremental(e.did, e.event_at)` in a hint comment followed by
 * `true`: sql[start, end) spans comment and `true`. */
struct marker {
	const char *alias;
	const char *relation; /* behind the alias */
	size_t reference;     /* index of that reference */
	const char **column;  /* one per `by` column; NULL for `*` */
	size_t column_count;
	struct comparison *filter; /* what a row must meet to matter at all */
	size_t filter_count;
	size_t start, end;
	int line;
};

/* What the columns of a query that has new ones mean for the table that is
 * there. */
enum on_schema_change {
	ON_SCHEMA_REBUILD, /* a new table in its place */
	ON_SCHEMA_FAIL,
	ON_SCHEMA_APPEND, /* new columns are added, NULL in rows that are there
			   */
};

enum on_change { ON_CHANGE_RECOMPUTE, ON_CHANGE_AS_OF, ON_CHANGE_IGNORE };

/* A relation that is read but not marked. */
struct lookup {
	const char *relation;
	enum on_change on_change;
	int line;
};

enum test_kind {
	TEST_UNIQUE,
	TEST_NOT_NULL,
	TEST_ACCEPTED_VALUES,
	TEST_RELATIONSHIPS,
	TEST_EXPRESSION,
	TEST_ROW_COUNT,
	TEST_QUERY, /* a file of tests/: every row it returns fails */
};

enum severity { SEVERITY_ERROR, SEVERITY_WARN };

struct model_test {
	enum test_kind kind;
	const char *name;    /* `unique(time)`: shown and logged */
	const char **column; /* unique, not_null, accepted_values */
	size_t column_count;
	const char **value; /* accepted_values */
	size_t value_count;
	const char *expression; /* expression; query: the SQL */
	const char *to;         /* relationships: pack.name of the parent */
	const char *to_column;
	int64_t at_least, at_most; /* row_count */
	const char *where; /* only rows of which this is true; or NULL */
	enum severity severity;
	int64_t warn_above;  /* more failing rows than this: warn */
	int64_t error_above; /* more than this: fail; INT64_MAX: never */
	int line;
};

struct model {
	const char *name; /* bluesky.events */
	const char *pack;
	const char *base; /* events */
	const char *file;
	const char *text; /* the file */
	const char *sql;  /* the query: text without header and final ; */
	int sql_line;     /* line of the file where sql begins */
	const char *description;
	const char *owner;
	enum materialized materialized;
	enum strategy strategy;
	const char **unique_key;
	size_t unique_key_count;
	const char **order_by; /* merge: expressions as written */
	size_t order_by_count;
	struct by_column *by;
	size_t by_count;
	const char **check_column; /* check: compared; none: all of them */
	size_t check_column_count;
	const char *updated_at; /* timestamp: since when a row is as it is */
	bool keeps_deleted;     /* a snapshot: a missing row is not closed */
	enum on_schema_change on_schema_change;
	const char *rows;   /* delta: the measure that is 0 when empty */
	int64_t touch_us;   /* recompute: widening; 0: none */
	bool touch_before;  /* a row changes what lies before it, no more */
	int64_t lag_us;     /* watch: it may be that stale; 0: not said */
	const char **index; /* `(did, event_at)`: further indexes wanted */
	size_t index_count;
	struct lookup *lookup;
	size_t lookup_count;
	const char **tag;
	size_t tag_count;
	struct model_test *test;
	size_t test_count;
	const char *export_path;  /* NULL: not exported */
	const char *export_order; /* expressions after `order by`; NULL: none */
	struct reference *reference; /* all of them, in order of appearance */
	size_t reference_count;
	struct marker *marker;
	size_t marker_count;
	uint8_t code_hash[16]; /* of the normalised text */
	struct arena arena;    /* owns everything above */
};

/* What a snapshot adds to the columns of its query, as dbt calls it, in this
 * order: scd_id (of key and valid_from), updated_at, valid_from, valid_to. */
enum { SNAPSHOT_COLUMNS = 4 };
extern const char *const model_snapshot_columns[SNAPSHOT_COLUMNS];

/* Whether it keeps every version that a row has had. */
bool model_is_snapshot(const struct model *model);

/* Whether a column is of its unique_key. */
bool model_has_key(const struct model *model, const char *column);

/* Parses the text of a model file.  Which of its references are real is for
 * the project to say, which knows the other files. */
bool model_parse(struct model **out, const char *file, const char *pack,
		 const char *base, const char *text,
		 struct error *err) MUST_CHECK;
void model_close(struct model *model);

/* The query with relations replaced: where subquery[i] is not NULL, the
 * reference that marker i marks becomes `(subquery[i]) alias`; every marker
 * becomes `true`.  subquery has marker_count entries.  The caller frees it. */
char *model_rewrite(const struct model *model, const char *const *subquery);

/* The same; other references become `(plain[i]) alias` where plain[i], one for
 * each reference, is not NULL. */
char *model_rewrite_all(const struct model *model, const char *const *subquery,
			const char *const *plain);

#endif

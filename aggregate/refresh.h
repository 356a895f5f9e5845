/*
 * refresh.h - one model being brought up to date, inside its transaction
 *
 * Strategies work in named steps on temporary tables and end with two of them:
 * `retired` (the ctid of every version that goes) and `added` (the rows that
 * come).  refresh_apply makes the two true, keeping retired versions for those
 * who read the model incrementally; tests then look at `added`.
 */
#ifndef AGGREGATE_REFRESH_H
#define AGGREGATE_REFRESH_H

#include <stdbool.h>
#include <stdint.h>

#include "aggregate/relation.h"
#include "aggregate/task.h"
#include "common/arena.h"
#include "common/buf.h"
#include "common/error.h"

struct pg;

struct refresh {
	struct pg *pg;
	int64_t timeout_ms;
	struct task *task;
	struct columns columns; /* of the model, loaded_at left out */
	const char *list;       /* them, quoted, separated by commas */
	const char *added;      /* temporary table with the new rows */
	int64_t inserted, deleted;
	/* NULL, or where statements are written down instead of being run, but
	 * for temporary tables; with is_dry those are not made either */
	struct buf *record;
	bool is_dry;
	const char *effective; /* a snapshot: since when the last load taken
				  holds; NULL: none was taken */
	const char *settled;   /* SQL, an array: columns that have changed in
				  rows that are where they were, of which no
				  reader is told; NULL: none has */
	bool is_building;      /* versions that go were never read by anybody */
	const char *rights; /* SQL that grants anew what was granted on tables
			       and views that were replaced; NULL: none were */
	struct arena arena;
};

/* Reads the columns of the model from a relation (quoted) that has them. */
bool refresh_columns(struct refresh *refresh, const char *relation,
		     struct error *err) MUST_CHECK;

/* Reads the columns of the relations whose changes the model reads. */
bool refresh_inputs(struct refresh *refresh, struct error *err) MUST_CHECK;

/* Runs statements; *rows (may be NULL) is what the last one counted. */
bool refresh_run(struct refresh *refresh, const char *sql, int64_t *rows,
		 struct error *err) MUST_CHECK;

/* Creates pg_temp.<name> from a select; *rows may be NULL. */
bool refresh_temp(struct refresh *refresh, const char *name, const char *select,
		  int64_t *rows, struct error *err) MUST_CHECK;

/* The same, analyzed: for parts that are looked up in large tables, where a
 * plan for a few thousand of them would read everything. */
bool refresh_temp_analyzed(struct refresh *refresh, const char *name,
			   const char *select, int64_t *rows,
			   struct error *err) MUST_CHECK;

/* Inserts what pg_temp.<added> holds, `unless` at the end of the statement. */
bool refresh_insert(struct refresh *refresh, const char *added,
		    const char *unless, struct error *err) MUST_CHECK;

/* After rows have come: a table that has outgrown what the planner knows of it
 * is analyzed.  A join planned for an empty table visits every row for every
 * row of a full one, and autovacuum comes a minute late. */
bool refresh_statistics(struct refresh *refresh, int64_t rows,
			struct error *err) MUST_CHECK;

/* Deletes what `retired` lists, unless it is NULL, and inserts what `added`
 * holds.  Adds to inserted and deleted. */
bool refresh_apply(struct refresh *refresh, const char *retired,
		   const char *added, struct error *err) MUST_CHECK;

/* Makes the rows that `present` selects (millrace_row: the ctid, and the
 * columns) equal to those that `wanted` selects; rows that are in both stay as
 * they are. */
bool refresh_diff(struct refresh *refresh, const char *wanted,
		  const char *present, struct error *err) MUST_CHECK;

/* --- refresh_key.c -------------------------------------------------------- */

/* The whole query: the file's, followed by the strategy's deduplication. */
void refresh_query(struct buf *out, const struct refresh *refresh);

/* `distinct on` of unique_key over (select), the first by order_by wins; what
 * follows the key in the order is total over content.  Rows of the table
 * (millrace_row not null), if any, come before equal ones. */
void refresh_first(struct buf *out, const struct refresh *refresh,
		   const char *select, bool with_row);

/* Column i of the unique_key. */
const struct column *refresh_key(const struct refresh *refresh, size_t i);

/* The unique_key, separated by commas; text followed by its order. */
void refresh_keys(struct buf *out, const struct refresh *refresh,
		  const char *order);

/* Creates pg_temp.<into>: millrace_row and the columns of those rows of the
 * table that have the key of one of the `rows` in pg_temp.<name>, NULLs equal,
 * and millrace_from, the ctid of the latter.
 * What it costs depends on those, not on what the table holds. */
bool refresh_present(struct refresh *refresh, const char *name, int64_t rows,
		     const char *into, int64_t *present,
		     struct error *err) MUST_CHECK;

#endif

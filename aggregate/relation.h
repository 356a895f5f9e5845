/*
 * relation.h - stored relations as the catalog sees them
 *
 * Columns with what SQL building must know about their types, the schema of a
 * pack, and the table of old versions that incremental readers need.
 */
#ifndef AGGREGATE_RELATION_H
#define AGGREGATE_RELATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/error.h"

struct pg;
struct task;

/* What makes an order over a column total: values that compare equal must be
 * the same value, whatever the database's collation. */
enum column_order {
	ORDER_EXACT,   /* as it is: integers, times, uuid */
	ORDER_TEXT,    /* by its bytes */
	ORDER_LETTERS, /* text whose collation has others be equal, too */
	ORDER_AS_TEXT, /* cast to text first: numeric, jsonb, json */
};

struct column {
	const char *name;
	const char *quoted;
	const char *type; /* bigint, numeric(12,2) */
	enum column_order order;
	bool is_timestamptz;
	bool is_row;     /* a composite type: `is null` asks its fields */
	bool is_foreign; /* an extension's type: operators of its own, which the
			  * search_path does not show */
};

struct columns {
	struct column *at;
	size_t count;
};

/* The columns of a relation (quoted, as to_regclass takes it), loaded_at left
 * out.  An error if there is no such relation. */
bool relation_columns(struct pg *pg, int64_t timeout_ms, const char *relation,
		      struct arena *arena, struct columns *out,
		      struct error *err) MUST_CHECK;

/* The column of that name, NULL if there is none. */
const struct column *columns_find(const struct columns *columns,
				  const char *name);

/* Same names, types and order. */
bool columns_equal(const struct columns *a, const struct columns *b);

/* "a", "b" - each with prefix (`t.`) before it. */
void columns_list(struct buf *out, const struct columns *columns,
		  const char *prefix);

/* The same for comparing texts: where equal values may look different, numeric
 * with and without zeros at its end, they look alike. */
void columns_values(struct buf *out, const struct columns *columns);

/* Creates the pack's schema if it is missing, readable for millrace_read, in a
 * transaction of its own: another periodic may be about to do the same. */
bool relation_ensure_pack(struct pg *pg, int64_t timeout_ms, const char *pack,
			  struct error *err) MUST_CHECK;

/* SQL that creates the table of old versions, empty, with its indexes. */
void relation_old_sql(struct buf *out, const struct task *task,
		      const char *table);

#endif

/*
 * parts.h - the parts of a model that its pending loads touch
 *
 * A part is one combination of `by` values: a user, a user's minute.  Markers
 * that name the same `by` columns fill one pattern together; `*` leaves a
 * column open, so that a pattern may hold whole families of parts.  Each
 * pattern has a temporary table.  Key k<i> stands for by column i; times are
 * truncated to the grain, in UTC, and parts that follow each other in time are
 * kept as one range, until k<i>_end, with the wider one (by `touch`) whose rows
 * the query gets to see, from k<i>_shown until k<i>_shown_end.  NULL is a value
 * like any other.
 */
#ifndef AGGREGATE_PARTS_H
#define AGGREGATE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate/refresh.h"

struct pattern {
	uint32_t columns; /* bit i: by column i is in it */
	uint32_t nulls;   /* bit i: some of its parts have NULL there */
	int time;         /* the by column that is a range; -1: none */
	const char *table;
};

struct parts {
	struct pattern pattern[BY_MAX];
	size_t count;
	int time; /* the by column that touch widens; -1: none */
};

/* Finds the touched parts; none if nothing marked has pending loads. */
bool parts_find(struct parts *parts, struct refresh *refresh,
		struct error *err) MUST_CHECK;

/* A relation and what stands for each by column in it; NULL: any (`*`). */
struct parts_relation {
	const char *table;
	const struct columns *columns;
	const char *column[BY_MAX];
};

enum parts_set { PARTS_REBUILT, PARTS_SHOWN };

/* A select of `list` over the rows x of the relation that lie in the parts,
 * each once. */
void parts_select(struct buf *out, const struct parts *parts,
		  const struct refresh *refresh,
		  const struct parts_relation *relation, enum parts_set set,
		  const char *list);

/* A condition: row x of the relation lies in the parts. */
void parts_inside(struct buf *out, const struct parts *parts,
		  const struct refresh *refresh,
		  const struct parts_relation *relation, enum parts_set set);

#endif

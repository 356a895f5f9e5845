/*
 * pg_rows.h - the rows of an answer, wherever it came from
 */
#ifndef COMMON_PG_ROWS_H
#define COMMON_PG_ROWS_H

#include <stddef.h>

#include "common/arena.h"
#include "common/libpq.h"

/* As text; "" where a value is null. */
struct pg_rows {
	size_t count, capacity;
	size_t columns;
	const char **value; /* row by row */
	struct arena arena; /* holds them */
};

#define PG_ROWS_INIT ((struct pg_rows){.arena = ARENA_INIT})

/* The values of a row, by column. */
static inline const char *const *pg_rows_at(const struct pg_rows *rows,
					    size_t row)
{
	return rows->value + row * rows->columns;
}

/* A row more, whose values the caller stores.  columns is settled before. */
const char **pg_rows_add(struct pg_rows *rows);

void pg_rows_copy(struct pg_rows *rows, const PGresult *res);

void pg_rows_release(struct pg_rows *rows);

#endif

/*
 * table.h - rows of text in columns that line up
 *
 * For people: a heading, then rows; a column of numbers stands to the right.
 * Widths count characters, not bytes.  Cells are copied.
 */
#ifndef AGGREGATE_TABLE_H
#define AGGREGATE_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include "common/arena.h"

struct table {
	size_t columns;
	const char **cell; /* row by row, the heading first */
	size_t count, capacity;
	struct arena arena;
};

#define TABLE_INIT(n) ((struct table){.columns = (n)})

/* Adds the next cell; NULL: an empty one.  Control characters become
 * blanks. */
void table_add(struct table *table, const char *text);
void table_format(struct table *table, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* How many rows there are below the heading. */
size_t table_rows(const struct table *table);

void table_print(const struct table *table, FILE *out);
void table_release(struct table *table);

#endif

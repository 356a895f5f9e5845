/*
 * unit_csv.h - rows written as CSV, as a query
 */
#ifndef AGGREGATE_UNIT_CSV_H
#define AGGREGATE_UNIT_CSV_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/error.h"

/* Writes `select * from (values ...) rows (names)`, every value text or NULL.
 * The first line of text has the names; line is its number in the file. */
bool unit_csv_query(struct buf *out, const char *text, const char *file,
		    int line, struct error *err) MUST_CHECK;

#endif

/*
 * column.h - the column types a stream file may use
 *
 * How SQL spells each, and how PostgreSQL prints it (column_type_name of
 * stream.h).
 */
#ifndef INGEST_COLUMN_H
#define INGEST_COLUMN_H

#include <stdbool.h>

#include "ingest/stream.h"

/* What a person is told when a type is not one of these. */
#define COLUMN_TYPES                                                           \
	"text, varchar(n), smallint, integer, bigint, double precision, "      \
	"numeric, boolean, timestamptz, timestamp, date, uuid, jsonb, text[]"

/* Finds a type by any of its SQL spellings: lower case, words parted by one
 * space, without a length. */
bool column_type_find(const char *spelling, enum column_type *out);

/* Whether a spelling begins with these words, in any case. */
bool column_type_begins(const char *words);

/* The spelling nearest to a misspelt one, or NULL. */
const char *column_type_nearest(const char *spelling);

#endif

/*
 * column.h - the column types a stream file may use
 *
 * One table holds for each type how SQL spells it, how PostgreSQL prints it
 * and its OID; column_type_name and column_type_oid of stream.h read it too.
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

/*
 * explain.h - a stored field, read back for people
 *
 * Turns a field in binary COPY form into the text that psql would show, so
 * that `explain` shows what is stored and not what was meant.
 */
#ifndef INGEST_EXPLAIN_H
#define INGEST_EXPLAIN_H

#include <stddef.h>

#include "common/buf.h"
#include "ingest/stream.h"

/* Appends the text of a field that is not null. */
void explain_field(const struct column *column, const char *bytes, size_t len,
		   struct buf *out);

#endif

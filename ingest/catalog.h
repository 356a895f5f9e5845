/*
 * catalog.h - the stream files agree with the tables they describe
 *
 * Binary COPY is checked against the column's type by nobody but us: a bigint
 * takes any eight bytes.  So at the start, and again when PostgreSQL stumbles
 * over a column, each stream is compared with the catalog: every column there,
 * of the same type, with the same NOT NULL; loaded_at there and filled by its
 * default; nothing else in the way.
 */
#ifndef INGEST_CATALOG_H
#define INGEST_CATALOG_H

#include <stdbool.h>

#include "common/error.h"

struct pg;
struct sink_plan;
struct stream;

/* Compares one stream with its table.  The error names every difference, a
 * sentence each, and has STATUS_CONFIG. */
bool catalog_check(struct pg *pg, const struct stream *stream,
		   struct error *err) MUST_CHECK;

/* Replaces an error about a missing or mistyped column or table by what
 * catalog_check finds now, if it finds anything; says what to do about a
 * missing right.  Any other error stays. */
void catalog_explain(const struct sink_plan *plan, struct pg **control,
		     struct error *err);

#endif

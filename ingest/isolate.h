/*
 * isolate.h - find the rows that PostgreSQL refuses
 *
 * The converter passes only what PostgreSQL takes, so this is the cold second
 * line: a constraint or a trigger of the user's own, or a mistake of ours.  The
 * batch has been rolled back; its rows are tried again under savepoints in a
 * transaction that is never committed, and each row at fault becomes a reject
 * of the batch, which can then be sent as any other.
 *
 * Only errors about data (pg_kind: ERROR_DATA) are laid at a row's door;
 * anything else ends the search and is reported as what it is.
 */
#ifndef INGEST_ISOLATE_H
#define INGEST_ISOLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "ingest/batch.h"

struct pg;
struct sink_plan;

enum { ISOLATE_MAX = 100 }; /* bad rows in one batch; more is a broken table */

/* Moves every row that PostgreSQL refuses from the batch's tables to its
 * rejects; *moved is their number, `before` that of earlier rounds.  Together
 * more than ISOLATE_MAX: STATUS_DATA. */
bool isolate_rows(struct pg *pg, const struct sink_plan *plan,
		  struct batch *batch, size_t before, size_t *moved,
		  struct error *err) MUST_CHECK;

/* The line that a COPY error's CONTEXT names, from 1; 0: none.  The text is
 * translated, so only its shape is used. */
size_t isolate_line(const char *context);

#endif

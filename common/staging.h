/*
 * staging.h - the staging table of a stream file is there
 *
 * A stream file is SQL that creates staging.<name>.  Both programs may be the
 * first to need the table, so both can make it: owned by millrace_owner, with
 * its BRIN index, its rights and its daily partitions.  One that was made with
 * psql, or has been given a column, gets what it lacks.  Of a stream that is
 * `load: full` the view staging.<name>_current is made too.
 */
#ifndef COMMON_STAGING_H
#define COMMON_STAGING_H

#include <stdbool.h>

#include "common/error.h"

struct pg;

/* Creates staging.<name> by running sql, unless it is there already, and adopts
 * it.  Two programs may ask at once.  file names the stream file in errors. */
bool staging_ensure(struct pg *pg, const char *name, const char *file,
		    const char *sql, struct error *err) MUST_CHECK;

#endif

/*
 * source.h - a table that others write, and models read
 *
 * `sql/<pack>/sources/<name>.sql` holds comments alone, of which one says which
 * table is meant: `-- source: shop.orders`.  The table belongs to somebody
 * else; `periodic install-source shop.orders` gives it the triggers that write
 * the ledger row of every load in the load's own transaction.
 */
#ifndef AGGREGATE_SOURCE_H
#define AGGREGATE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"

struct buf;
struct pg;

/* *name is what the file declares: schema.table, from the arena. */
bool source_parse(const char *file, const char *text, struct arena *arena,
		  const char **name, struct error *err) MUST_CHECK;

/* Whether the table tells the ledger of its loads; an error if it does not. */
bool source_check(struct pg *pg, int64_t timeout_ms, const char *file,
		  const char *relation, struct error *err) MUST_CHECK;

/* A condition: the table of that name, an expression, does so. */
void source_watched_sql(struct buf *out, const char *relation);

/* Installs the triggers on the table and every partition.  Models that know the
 * table start over, since nobody has told of what came in between.  guard_ms:
 * the most that writers may take from begin to their first row; 0: no limit,
 * and no complete_through. */
bool source_install(struct pg *pg, int64_t timeout_ms, const char *relation,
		    int64_t guard_ms, struct error *err) MUST_CHECK;

/* Removes them. */
bool source_remove(struct pg *pg, int64_t timeout_ms, const char *relation,
		   struct error *err) MUST_CHECK;

#endif

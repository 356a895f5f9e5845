/*
 * snapshot_sql.h - the words that the SQL of snapshots is made of
 */
#ifndef AGGREGATE_SNAPSHOT_SQL_H
#define AGGREGATE_SNAPSHOT_SQL_H

#include "aggregate/snapshot.h"

/* The columns of the query, each with prefix (`t.`) before it. */
void snapshot_columns(struct buf *out, const struct refresh *refresh,
		      const char *prefix);

/* The same from rows q beside open versions c; the key from whichever is there.
 */
void snapshot_joined_columns(struct buf *out, const struct refresh *refresh);

/* The columns of unique_key. */
void snapshot_keys(struct buf *out, const struct refresh *refresh,
		   const char *prefix);

/* `a.k = b.k and ...`; with nulls, NULLs are equal too, and joins by hash still
 * possible. */
void snapshot_match(struct buf *out, const struct refresh *refresh,
		    const char *a, const char *b, bool nulls);

/* Whether a row says something else than the open version; both prefixes. */
void snapshot_differs(struct buf *out, const struct refresh *refresh,
		      const char *row, const char *open);

/* The time that a row itself names: timestamp, UTC. */
void snapshot_updated(struct buf *out, const struct refresh *refresh,
		      const char *prefix);

/* dbt_scd_id: of key and time, so that a rebuild finds the same. */
void snapshot_id(struct buf *out, const struct refresh *refresh,
		 const char *prefix, const char *from);

/* The query over new (or gone) rows of a step, or its extract.  The caller
 * frees it. */
char *snapshot_query(struct refresh *refresh, const struct snapshot_step *step,
		     bool gone);

/* Fails if the select returns keys: how many, and `what` is wrong with them. */
bool snapshot_refuse_keys(struct refresh *refresh, const char *select,
			  const char *what, struct error *err) MUST_CHECK;

#endif

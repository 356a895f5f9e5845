/*
 * build.h - relations made for the first time, or made anew
 *
 * A table is built in place when there is none; when its columns change it is
 * built beside the old one and takes its place at the end, under the exclusive
 * swap lock, because a transaction with an older snapshot would find the new
 * table empty.  Everything happens inside the caller's transaction.
 */
#ifndef AGGREGATE_BUILD_H
#define AGGREGATE_BUILD_H

#include <stdbool.h>

#include "aggregate/refresh.h"

/* Puts file and line before an error about a statement in which the query
 * begins after `before` characters; always false. */
bool build_point(struct refresh *refresh, size_t before, struct error *err);

/* The line of the file that holds a character of the query, from 1. */
int build_line(const struct model *model, long position);

/* Has PostgreSQL read the query and keeps its columns in refresh->columns.
 * Errors point into the model file.  Whether names in the header fit the
 * columns is checked here. */
bool build_shape(struct refresh *refresh, struct error *err) MUST_CHECK;

/* Whether everything that the model has consumed is still there to build it
 * from; an error otherwise. */
bool build_is_possible(struct refresh *refresh, struct error *err) MUST_CHECK;

/* Whether the table that is there has these columns: in the same order, unless
 * some were added to it. */
bool build_fits(struct refresh *refresh, bool *fits,
		struct error *err) MUST_CHECK;

/* Whether the query has all the columns of the table, and more. */
bool build_grows(struct refresh *refresh, bool *grows,
		 struct error *err) MUST_CHECK;

/* After build_shape: gives the table that is there the columns it lacks, NULL
 * in its rows.  Columns that are no longer there or have another type are an
 * error. */
bool build_extend(struct refresh *refresh, struct error *err) MUST_CHECK;

/* After build_shape: a new table, filled, indexed, analyzed. */
bool build_table(struct refresh *refresh, struct error *err) MUST_CHECK;

/* The same, in the place of the table that is there; views over it are made
 * anew. */
bool build_swap(struct refresh *refresh, struct error *err) MUST_CHECK;

/* Notes in refresh->rights what others have been granted on the relation and on
 * the views over it, before they are dropped. */
bool build_keep_rights(struct refresh *refresh, struct error *err) MUST_CHECK;

/* Puts them there if they are not there yet. */
bool build_comment(struct refresh *refresh, struct error *err) MUST_CHECK;

/* SQL that puts description and owner where \d+ shows them; nothing if the file
 * says neither. */
void build_comment_sql(struct buf *out, const struct task *task,
		       const char *relation);

/* The table of old versions, if readers need one and it is missing. */
bool build_old(struct refresh *refresh, struct error *err) MUST_CHECK;

/* Creates or replaces a view; views over it are made anew where that is
 * needed. */
bool build_view(struct refresh *refresh, struct error *err) MUST_CHECK;

#endif

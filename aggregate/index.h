/*
 * index.h - the indexes of a model's table
 *
 * They follow from the model file and from those who read the model: its
 * unique_key and unique tests, `by` of recompute, `index`, the columns that
 * readers' markers look for, loaded_at where changes are read.  Names are made
 * of the table's and a hash of the definition, so that a name says whether the
 * index is the one wanted; indexes of other names are left alone.
 *
 * That of unique_key is there to find equal values, and orders text by its
 * bytes: to compare those takes a fraction of what a collation's rules do.
 */
#ifndef AGGREGATE_INDEX_H
#define AGGREGATE_INDEX_H

#include <stdbool.h>
#include <stddef.h>

#include "aggregate/task.h"
#include "common/arena.h"
#include "common/buf.h"
#include "common/error.h"

struct refresh;

/* SQL that creates all of them on `table` (quoted): the model's own, or the one
 * that will replace it. */
void index_create_sql(struct buf *out, const struct refresh *refresh,
		      const char *table);

/* Their names, one after the other, and what stands for the comment: changes
 * when they do. */
const char *index_signature(const struct task *task, struct arena *arena);

/* Drops those of ours that are no longer wanted: before rows change that they
 * would refuse.  Creates those that are missing, and the comment: when the rows
 * are there. */
bool index_drop(struct refresh *refresh, struct error *err) MUST_CHECK;
bool index_create(struct refresh *refresh, struct error *err) MUST_CHECK;

/* Whether a test of a table is a unique index: a unique test that no row may
 * fail; and its name, that of unique_key's if the columns are the same. */
bool index_backs_test(const struct model_test *test);
const char *index_of_test(const struct task *task, size_t number,
			  struct arena *arena);

#endif

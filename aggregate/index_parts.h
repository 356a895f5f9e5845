/*
 * index_parts.h - the indexes that a table should have, one by one
 *
 * For the files that index.h speaks for: what they are (index.c), and making
 * them so (index_change.c).
 */
#ifndef AGGREGATE_INDEX_PARTS_H
#define AGGREGATE_INDEX_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "aggregate/task.h"
#include "common/arena.h"

struct index {
	const char *name;
	bool is_unique;
	bool is_key;      /* the unique_key's */
	const char *body; /* ("a", "b") nulls not distinct */
	const char *column[INDEX_MAX];
	size_t column_count; /* 0: not plain columns */
};

struct indexes {
	struct index *at;
	size_t count, capacity;
	const struct task *task;
	struct arena *arena;
};

/* Of a view: none.  The caller frees `at`; the rest lives in the arena. */
struct indexes index_find(const struct task *task, struct arena *arena);

#endif

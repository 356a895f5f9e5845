/*
 * export.h - a mart as a CSV file
 *
 * The file is written beside its place, synced and renamed, and only when its
 * content differs from what is there: a reader sees the old file or the new
 * one, whole.  The path is relative to the working directory; it may not leave
 * it, nor pass through symbolic links.  Directories are made.
 */
#ifndef AGGREGATE_EXPORT_H
#define AGGREGATE_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "aggregate/relation.h"
#include "aggregate/task.h"
#include "common/error.h"

struct pg;

enum export_outcome { EXPORT_WRITTEN, EXPORT_UNCHANGED };

/* Inside a transaction: writes the relation, in the declared order. */
bool export_write(struct pg *pg, int64_t timeout_ms, const struct task *task,
		  enum export_outcome *outcome, struct error *err) MUST_CHECK;

/* Whether the task has an export whose file is missing. */
bool export_is_missing(const struct task *task);

/* Whether the path may be written at all. */
bool export_check(const struct task *task, struct error *err) MUST_CHECK;

#endif

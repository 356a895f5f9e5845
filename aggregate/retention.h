/*
 * retention.h - staging that every reader has used, and nobody needs any more
 *
 * A stream file may say `-- retention: 90d`; without that everything is kept.
 * Whole daily partitions go, oldest first, once they are that old and every
 * reader is complete beyond them, also those of other projects: the database
 * knows what each model reads.  Readers that would want the rows again
 * (recompute, full, views, lookups) do not go with retention.
 */
#ifndef AGGREGATE_RETENTION_H
#define AGGREGATE_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "aggregate/task.h"
#include "common/error.h"

struct pg;

/* Whether every reader of a stream with retention can do without what it has
 * consumed; names the one that cannot. */
bool retention_check(const struct tasks *tasks, struct error *err) MUST_CHECK;

/* Sets task->reads. */
void retention_note(struct tasks *tasks, struct task *task);

/* Drops what may go, and logs it.  What stands in the way is a warning, and
 * then, or when the table was in use, it rests for some minutes: false is a
 * lost connection. */
bool retention_apply(struct pg *pg, int64_t timeout_ms, struct tasks *tasks,
		     struct error *err) MUST_CHECK;

#endif

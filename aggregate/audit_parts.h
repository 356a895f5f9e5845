/*
 * audit_parts.h - which rows of a model an audit looks at
 */
#ifndef AGGREGATE_AUDIT_PARTS_H
#define AGGREGATE_AUDIT_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "aggregate/refresh.h"

struct audit_parts {
	const char *condition;   /* on row x, of table and query alike */
	const char *description; /* `all`, `20 of user_id`, `10 of 512` */
};

/* Chooses by chance: some values of the first `by` column, taken from the table
 * and from what the model reads; without one, some buckets of the key. */
bool audit_parts_choose(struct audit_parts *parts, struct refresh *refresh,
			int64_t wanted, struct error *err) MUST_CHECK;

#endif

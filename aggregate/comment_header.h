/*
 * comment_header.h - leading comment lines of a file, one by one
 *
 *   -- key: value
 *   --   an entry below it
 *
 * Models have a reader of their own (model_header.h); this one serves the files
 * with few keys: streams as periodic sees them, tests, units.
 */
#ifndef AGGREGATE_COMMENT_HEADER_H
#define AGGREGATE_COMMENT_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"

struct comment_header {
	const char *rest; /* what has not been read; at the end: the body */
	int line;         /* of rest */
};

struct comment_line {
	char *text; /* trimmed, in the arena */
	int line;
	bool is_entry; /* indented: it belongs to the key above */
};

/* The next comment line; false where the body begins. */
bool comment_header_next(struct comment_header *header, struct arena *arena,
			 struct comment_line *out);

/* Whether text is `key: value`; *value is then what follows. */
bool comment_line_is(const char *text, const char *key, const char **value);

#endif

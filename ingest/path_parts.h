/*
 * path_parts.h - what the parsers of paths share
 *
 * Private to path.c (keys and matches) and path_from.c (where a column's value
 * comes from).
 */
#ifndef INGEST_PATH_PARTS_H
#define INGEST_PATH_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "ingest/path.h"

/* Where the parser stands in the text, which ends with a NUL. */
struct path_cursor {
	const char *at;
	struct arena *arena;
	struct error *err;
};

void path_skip_blanks(struct path_cursor *cursor);

/* Takes c, and the blanks around it, if it is next. */
bool path_accept(struct path_cursor *cursor, char c);

/* Keys with dots between them. */
bool path_parse_keys(struct path_cursor *cursor, struct path *path) MUST_CHECK;

/* Room for one more element; arenas do not shrink, stream files are small. */
void *path_grown(struct arena *arena, const void *old, size_t count,
		 size_t size);

#endif

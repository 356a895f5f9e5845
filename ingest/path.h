/*
 * path.h - what stands in `match:` and `from:`
 *
 *	match:  commit.collection | path + repo | type = 'page' + !payload.name
 *	from:   time_us as epoch_us | path before '/' | a."$type" | @offset | *
 *
 * The parsers know one line of text; whoever calls them knows the file and the
 * line and adds it to the error.
 */
#ifndef INGEST_PATH_H
#define INGEST_PATH_H

#include <stddef.h>

#include "ingest/stream.h"

/* Parses alternatives of paths joined by `+`, each with what must stand there
 * (= 'text') or a ! before it.  The result lives in arena. */
bool path_parse_match(struct arena *arena, const char *text, struct match **out,
		      size_t *count, struct error *err) MUST_CHECK;

/* Parses the alternatives of a `from:` for a column, which has its type, and
 * adds them to the column's.  The result lives in arena. */
bool path_parse_from(struct arena *arena, const char *text,
		     struct column *column, struct error *err) MUST_CHECK;

/* The name of a metadata source, with its @. */
const char *path_metadata_name(enum metadata metadata);

/* Writes a key as a path spells it: quoted where it must be. */
struct buf;
void path_add_key(struct buf *out, const char *key, size_t len);

#endif

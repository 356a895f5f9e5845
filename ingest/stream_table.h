/*
 * stream_table.h - the `create table` of a stream file
 *
 * Reads the one statement a stream file holds and the `-- from:` comments
 * inside it.  A `from:` belongs to the column that was begun last; a comment
 * that starts with `|` goes on with it.
 */
#ifndef INGEST_STREAM_TABLE_H
#define INGEST_STREAM_TABLE_H

#include "ingest/stream.h"
#include "ingest/stream_lexer.h"

/* Parses from `create`, the token given, to the end of the text, and sets the
 * stream's columns.  Errors begin with the line: "12: ...". */
bool stream_table_parse(struct stream *stream, struct stream_lexer *lexer,
			struct token create, struct error *err) MUST_CHECK;

#endif

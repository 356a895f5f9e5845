/*
 * stream_parser.h - reading a stream file's SQL token by token
 *
 * What the grammar in stream_table.c stands on: one token of look-ahead,
 * errors with their line, and the comments of the columns, which are taken in
 * on the way.  Every function returns false with an error that begins with the
 * line ("12: ...").
 */
#ifndef INGEST_STREAM_PARSER_H
#define INGEST_STREAM_PARSER_H

#include "ingest/stream.h"
#include "ingest/stream_lexer.h"

struct stream_parser {
	struct stream *stream;
	struct stream_lexer *lexer;
	struct token token; /* the one being looked at, never a comment */
	struct error *err;
	struct column *column; /* as far as they were read */
	size_t count;
	size_t capacity;
	bool in_columns; /* comments are mappings only there */
	bool has_loaded_at;
};

/* Puts the line before the error. */
bool stream_parser_at(struct stream_parser *parser, int line);

/* Says that something else was expected than the token. */
bool stream_parser_expected(struct stream_parser *parser, const char *what);

/* On to the next token. */
bool stream_parser_advance(struct stream_parser *parser) MUST_CHECK;

/* Past the token, which must be that keyword or symbol. */
bool stream_parser_expect(struct stream_parser *parser,
			  const char *text) MUST_CHECK;

/* An identifier, and past it: bare ones fold to lower case as in PostgreSQL.
 * what names it in errors. */
bool stream_parser_identifier(struct stream_parser *parser, const char *what,
			      const char **out) MUST_CHECK;

#endif

/*
 * stream_lexer.h - the words of a stream file's SQL
 *
 * Tokens point into the text.  Comments are tokens too, because they carry the
 * mapping; block comments are skipped.
 */
#ifndef INGEST_STREAM_LEXER_H
#define INGEST_STREAM_LEXER_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,    /* a bare identifier or keyword */
	TOKEN_QUOTED,  /* "an identifier", without its quotes */
	TOKEN_NUMBER,  /* digits */
	TOKEN_STRING,  /* 'a string', with its quotes */
	TOKEN_COMMENT, /* after the two dashes, without the line end */
	TOKEN_SYMBOL,  /* any other character */
	TOKEN_BROKEN,  /* a quote or block comment that is never closed */
};

struct token {
	enum token_kind kind;
	const char *text;
	size_t len;
	int line; /* from 1 */
};

struct stream_lexer {
	const char *at; /* NUL-terminated */
	int line;
};

struct token stream_lexer_next(struct stream_lexer *lexer);

/* Whether a token is that keyword (any case) or symbol. */
bool token_is(const struct token *token, const char *text);

#endif

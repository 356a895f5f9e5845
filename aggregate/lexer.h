/*
 * lexer.h - PostgreSQL's SQL cut into tokens
 *
 * Knows what must be known to find names safely: strings in all spellings,
 * dollar quotes, quoted identifiers, nested comments, numbers, operators.  It
 * assumes standard_conforming_strings = on, as every session of ours has.
 * Tokens are spans of the text; nothing is copied.
 */
#ifndef AGGREGATE_LEXER_H
#define AGGREGATE_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/error.h"

enum token_kind {
	TOKEN_WORD,        /* a keyword or an unquoted name */
	TOKEN_QUOTED,      /* "a name", U&"a name" */
	TOKEN_STRING,      /* 'text', E'text', $$text$$, B'01' */
	TOKEN_NUMBER,      /* 1, 1.5e-3 */
	TOKEN_PARAMETER,   /* $1 */
	TOKEN_OPERATOR,    /* a run of operator characters, and :: */
	TOKEN_PUNCTUATION, /* one of ( ) [ ] , ; . : */
	TOKEN_COMMENT,     /* -- to the end of the line; a block comment */
	TOKEN_HINT,        /* a block comment that begins with a plus sign */
	TOKEN_END,         /* behind the last one */
};

struct token {
	enum token_kind kind;
	size_t start, end; /* text[start, end) */
	int line;          /* of start */
};

/* Cuts text into tokens, comments included, TOKEN_END last; they live in the
 * arena.  line is that of text's first character; the error's text begins with
 * `file:line: `. */
bool lexer_scan(const char *text, const char *file, int line,
		struct arena *arena, struct token **out, size_t *count,
		struct error *err) MUST_CHECK;

/* Whether the token is that keyword (lower case), unquoted, in any case. */
bool lexer_is(const char *text, const struct token *token, const char *word);

/* Whether the token is that one punctuation character. */
bool lexer_is_mark(const char *text, const struct token *token, char mark);

/* The name that a word or quoted token means: folded to lower case, or
 * unquoted. */
const char *lexer_name(const char *text, const struct token *token,
		       struct arena *arena);

#endif

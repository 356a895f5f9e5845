#include "aggregate/lexer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"

/* What is being read: everything below `at` has become tokens. */
struct lexer {
	const char *text;
	const char *file;
	size_t at;
	int line;
	struct error *err;
};

static const char digits[] = "0123456789";

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static bool is_name_part(char c)
{
	return is_name_start(c) || is_digit(c) || c == '$';
}

static bool is_operator(char c)
{
	return c != '\0' && strchr("+-*/<>=~!@#%^&|`?", c) != NULL;
}

static bool is_punctuation(char c)
{
	return c != '\0' && strchr("()[],;.:", c) != NULL;
}

static bool begins_comment(const char *p)
{
	return (p[0] == '-' && p[1] == '-') || (p[0] == '/' && p[1] == '*');
}

static bool refuse(const struct lexer *lexer, const char *what)
{
	return error_config(lexer->err, "%s:%d: %s", lexer->file, lexer->line,
			    what);
}

/* The scan_ functions below return where the token that begins at `at` ends; 0
 * means an error has been set. */

static size_t scan_line_comment(const struct lexer *lexer)
{
	return lexer->at + strcspn(lexer->text + lexer->at, "\r\n");
}

static size_t scan_block_comment(const struct lexer *lexer)
{
	const char *text = lexer->text;
	size_t at = lexer->at + 2, depth = 1;

	while (depth > 0 && text[at] != '\0') {
		if (text[at] == '*' && text[at + 1] == '/') {
			depth--;
			at += 2;
		} else if (text[at] == '/' && text[at + 1] == '*') {
			depth++;
			at += 2;
		} else {
			at++;
		}
	}
	if (depth == 0)
		return at;
	refuse(lexer, "this comment is never closed: it wants another */");
	return 0;
}

enum escape { ESCAPE_DOUBLED, ESCAPE_BACKSLASH };

/* open is the index of the opening quote. */
static size_t scan_quoted(const struct lexer *lexer, size_t open,
			  enum escape escape)
{
	const char *text = lexer->text;
	char quote = text[open];
	size_t at = open + 1;

	for (; text[at] != '\0'; at++) {
		bool is_escape = (escape == ESCAPE_BACKSLASH &&
				  text[at] == '\\' && text[at + 1] != '\0') ||
				 (text[at] == quote && text[at + 1] == quote);

		if (is_escape)
			at++;
		else if (text[at] == quote)
			return at + 1;
	}
	refuse(lexer, quote == '\'' ? "this string is never closed"
				    : "this quoted name is never closed");
	return 0;
}

/* $tag$ ... $tag$, or 0 without an error if no such quote begins here. */
static size_t dollar_tag_length(const char *p)
{
	size_t len = 1;

	if (is_name_start(p[len]))
		while (is_name_part(p[len]) && p[len] != '$')
			len++;
	return p[len] == '$' ? len + 1 : 0;
}

static size_t scan_dollar(const struct lexer *lexer, enum token_kind *kind)
{
	const char *p = lexer->text + lexer->at;
	size_t tag = dollar_tag_length(p), at;

	if (tag > 0) {
		*kind = TOKEN_STRING;
		for (at = tag; p[at] != '\0'; at++)
			if (strncmp(p + at, p, tag) == 0)
				return lexer->at + at + tag;
		refuse(lexer, "this dollar-quoted string is never closed");
		return 0;
	}
	*kind = TOKEN_PARAMETER;
	at = 1 + strspn(p + 1, digits);
	if (at > 1)
		return lexer->at + at;
	refuse(lexer, "a lone $ means nothing in SQL");
	return 0;
}

static size_t scan_number(const struct lexer *lexer)
{
	const char *text = lexer->text;
	size_t at = lexer->at, sign;

	at += strspn(text + at, digits);
	if (text[at] == '.' && text[at + 1] != '.')
		at += 1 + strspn(text + at + 1, digits);
	if (text[at] != 'e' && text[at] != 'E')
		return at;
	sign = text[at + 1] == '+' || text[at + 1] == '-';
	if (is_digit(text[at + 1 + sign]))
		at += 1 + sign + strspn(text + at + 1 + sign, digits);
	return at;
}

static size_t scan_operator(const struct lexer *lexer)
{
	const char *text = lexer->text;
	size_t at = lexer->at + 1;

	while (is_operator(text[at]) && !begins_comment(text + at))
		at++;
	return at;
}

/* A name, or the prefix of a string: E'', B'', X'', N'', U&'', U&"". */
static size_t scan_word(const struct lexer *lexer, enum token_kind *kind)
{
	const char *text = lexer->text;
	size_t at = lexer->at;
	char first = (char)(text[at] | 0x20);

	if (strchr("bexn", first) && text[at + 1] == '\'') {
		*kind = TOKEN_STRING;
		return scan_quoted(lexer, at + 1,
				   first == 'e' ? ESCAPE_BACKSLASH
						: ESCAPE_DOUBLED);
	}
	if (first == 'u' && text[at + 1] == '&' &&
	    (text[at + 2] == '\'' || text[at + 2] == '"')) {
		*kind = text[at + 2] == '"' ? TOKEN_QUOTED : TOKEN_STRING;
		return scan_quoted(lexer, at + 2, ESCAPE_DOUBLED);
	}
	*kind = TOKEN_WORD;
	while (is_name_part(text[at]))
		at++;
	return at;
}

static size_t scan_mark(const struct lexer *lexer, enum token_kind *kind)
{
	const char *p = lexer->text + lexer->at;

	*kind = TOKEN_PUNCTUATION;
	if (p[0] != ':' || (p[1] != ':' && p[1] != '='))
		return lexer->at + 1;
	*kind = TOKEN_OPERATOR;
	return lexer->at + 2;
}

static size_t scan_token(const struct lexer *lexer, enum token_kind *kind)
{
	const char *p = lexer->text + lexer->at;

	if (p[0] == '-' && p[1] == '-') {
		*kind = TOKEN_COMMENT;
		return scan_line_comment(lexer);
	}
	if (p[0] == '/' && p[1] == '*') {
		*kind = p[2] == '+' ? TOKEN_HINT : TOKEN_COMMENT;
		return scan_block_comment(lexer);
	}
	if (p[0] == '\'' || p[0] == '"') {
		*kind = p[0] == '"' ? TOKEN_QUOTED : TOKEN_STRING;
		return scan_quoted(lexer, lexer->at, ESCAPE_DOUBLED);
	}
	if (is_name_start(p[0]))
		return scan_word(lexer, kind);
	if (p[0] == '$')
		return scan_dollar(lexer, kind);
	if (is_digit(p[0]) || (p[0] == '.' && is_digit(p[1]))) {
		*kind = TOKEN_NUMBER;
		return scan_number(lexer);
	}
	if (is_punctuation(p[0]))
		return scan_mark(lexer, kind);
	*kind = TOKEN_OPERATOR;
	if (is_operator(p[0]))
		return scan_operator(lexer);
	refuse(lexer, p[0] == '\\'
			      ? "a psql command (\\) is not SQL"
			      : "a control character does not belong in SQL");
	return 0;
}

static void skip_to(struct lexer *lexer, size_t end)
{
	for (; lexer->at < end; lexer->at++)
		lexer->line += lexer->text[lexer->at] == '\n';
}

bool lexer_scan(const char *text, const char *file, int line,
		struct arena *arena, struct token **out, size_t *count,
		struct error *err)
{
	struct lexer lexer = {
		.text = text, .file = file, .line = line, .err = err};
	struct token *token = NULL;
	size_t n = 0, capacity = 0;
	bool ok = false;

	for (;;) {
		struct token next = {.kind = TOKEN_END};

		while (is_space(text[lexer.at]))
			skip_to(&lexer, lexer.at + 1);
		next.line = lexer.line;
		next.start = next.end = lexer.at;
		if (text[lexer.at] != '\0') {
			next.end = scan_token(&lexer, &next.kind);
			if (next.end == 0)
				goto out;
		}
		MEM_GROW(token, n, capacity);
		token[n++] = next;
		if (next.kind == TOKEN_END)
			break;
		skip_to(&lexer, next.end);
	}
	*out = arena_alloc(arena, n * sizeof *token);
	memcpy(*out, token, n * sizeof *token);
	*count = n;
	ok = true;
out:
	free(token);
	return ok;
}

bool lexer_is(const char *text, const struct token *token, const char *word)
{
	const char *at = text + token->start;
	size_t len = token->end - token->start;

	/* most differ in the first letter, and there are lists of words */
	return token->kind == TOKEN_WORD && (*at | 0x20) == (*word | 0x20) &&
	       strncasecmp(at, word, len) == 0 && word[len] == '\0';
}

bool lexer_is_mark(const char *text, const struct token *token, char mark)
{
	return token->kind == TOKEN_PUNCTUATION && text[token->start] == mark;
}

const char *lexer_name(const char *text, const struct token *token,
		       struct arena *arena)
{
	const char *from = text + token->start;
	char *name = arena_strndup(arena, from, token->end - token->start);
	size_t at, len = 0;

	if (token->kind != TOKEN_QUOTED) {
		for (at = 0; name[at] != '\0'; at++)
			if (name[at] >= 'A' && name[at] <= 'Z')
				name[at] = (char)(name[at] | 0x20);
		return name;
	}
	/* between the quotes, a doubled one is one */
	at = strcspn(name, "\"") + 1;
	for (; name[at] != '\0' && name[at + 1] != '\0'; at++) {
		if (name[at] == '"')
			at++;
		name[len++] = name[at];
	}
	name[len] = '\0';
	return name;
}

#include "aggregate/query_reader.h"

#include <stdarg.h>
#include <stdio.h>

enum { DEPTH_MAX = 100 };

bool reader_refuse(const struct reader *r, const struct token *token,
		   const char *fmt, ...)
{
	va_list args;
	char what[800];

	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	return error_config(r->err, "%s:%d: %s", r->query->file, token->line,
			    what);
}

/* "expected ..., found ..." at the current word. */
bool reader_expected(const struct reader *r, const char *what)
{
	const struct token *token = reader_word(r);
	size_t len = token->end - token->start;

	if (token->kind == TOKEN_END)
		return reader_refuse(
			r, token, "the query ends where %s is expected", what);
	return reader_refuse(r, token, "expected %s, found \"%.*s\"", what,
			     len > 40 ? 40 : (int)len,
			     r->query->text + token->start);
}

const struct token *reader_word(const struct reader *r)
{
	return &r->query->word[r->at];
}

bool reader_is(const struct reader *r, const char *word)
{
	return lexer_is(r->query->text, reader_word(r), word);
}

bool reader_is_any(const struct reader *r, const char *const *words)
{
	for (; *words; words++)
		if (reader_is(r, *words))
			return true;
	return false;
}

bool reader_is_mark(const struct reader *r, char mark)
{
	return lexer_is_mark(r->query->text, reader_word(r), mark);
}

bool reader_is_name(const struct reader *r)
{
	enum token_kind kind = reader_word(r)->kind;

	return kind == TOKEN_WORD || kind == TOKEN_QUOTED;
}

/* Goes to the next word; hints on the way belong to the current SELECT. */
void reader_advance(struct reader *r)
{
	struct query *q = r->query;

	for (;
	     r->hint < q->hint_count && q->hint[r->hint].next == reader_word(r);
	     r->hint++)
		q->hint[r->hint].core = r->core;
	if (reader_word(r)->kind != TOKEN_END)
		r->at++;
}

bool reader_accept(struct reader *r, const char *word)
{
	if (!reader_is(r, word))
		return false;
	reader_advance(r);
	return true;
}

bool reader_close(struct reader *r, char mark)
{
	if (!reader_is_mark(r, mark))
		return reader_expected(r, mark == ')' ? "\")\"" : "\"]\"");
	reader_advance(r);
	r->depth--;
	return true;
}

bool reader_open(struct reader *r)
{
	if (++r->depth > DEPTH_MAX)
		return reader_refuse(r, reader_word(r),
				     "parentheses nest deeper than %d levels",
				     DEPTH_MAX);
	reader_advance(r);
	return true;
}

bool reader_begins_query(const struct reader *r)
{
	static const char *const words[] = {"select", "with", "values", "table",
					    NULL};

	return reader_is_any(r, words);
}

bool reader_at_operation(const struct reader *r)
{
	static const char *const words[] = {"union", "intersect", "except",
					    NULL};

	return reader_is_any(r, words);
}

static bool follows(const struct reader *r, size_t back, const char *word)
{
	return r->at >= back &&
	       lexer_is(r->query->text, &r->query->word[r->at - back], word);
}

/* `from` begins a clause unless it is that of `is [not] distinct from`. */
static bool is_from_clause(const struct reader *r)
{
	return !(follows(r, 1, "distinct") &&
		 (follows(r, 2, "is") ||
		  (follows(r, 2, "not") && follows(r, 3, "is"))));
}

/* Whether the current word ends an expression of this kind. */
static bool stops(const struct reader *r, unsigned until)
{
	static const char *const clause[] = {
		"into",  "where",  "having", "window", "order",
		"limit", "offset", "fetch",  "for",    NULL};
	static const char *const join[] = {"join", "on", "using", NULL};

	if (reader_word(r)->kind != TOKEN_WORD)
		return false;
	if (reader_at_operation(r))
		return true;
	if ((until & UNTIL_FROM) && reader_is(r, "from"))
		return is_from_clause(r);
	if ((until & UNTIL_JOIN) && reader_is_any(r, join))
		return true;
	if (!(until & UNTIL_CLAUSE))
		return false;
	if (reader_is(r, "group")) /* not: within group (...) */
		return lexer_is(r->query->text, reader_word(r) + 1, "by");
	return reader_is_any(r, clause);
}

/* Whether the expression ends at the current word. */
static bool ends(const struct reader *r, unsigned until)
{
	const struct token *token = reader_word(r);

	if (token->kind == TOKEN_END)
		return true;
	if (token->kind == TOKEN_PUNCTUATION)
		switch (r->query->text[token->start]) {
		case ')':
		case ']':
		case ';':
			return true;
		case ',':
			return until & UNTIL_COMMA;
		default:
			return false;
		}
	/* behind a dot, even a reserved word is a name */
	if (r->at > 0 && lexer_is_mark(r->query->text, token - 1, '.'))
		return false;
	return stops(r, until);
}

/* Passes ( ... ) or [ ... ]: a subquery, arguments, an index. */
bool reader_group(struct reader *r)
{
	char closing = reader_is_mark(r, '[') ? ']' : ')';

	if (!reader_open(r))
		return false;
	if (closing == ')' && reader_begins_query(r))
		return reader_query(r) && reader_close(r, closing);
	if (!reader_expression(r, 0))
		return false;
	if (reader_at_operation(r) && !reader_operation(r))
		return false;
	return reader_close(r, closing);
}

/* `) over (` or `) over name`, in a SELECT */
static bool is_window(const struct reader *r)
{
	return r->core && r->at > 0 && reader_is(r, "over") &&
	       lexer_is_mark(r->query->text, reader_word(r) - 1, ')');
}

bool reader_expression(struct reader *r, unsigned until)
{
	while (!ends(r, until)) {
		if (reader_is_mark(r, '(') || reader_is_mark(r, '[')) {
			if (!reader_group(r))
				return false;
		} else if (reader_accept(r, "as")) {
			if (reader_is_name(r)) /* a label, even if reserved */
				reader_advance(r);
		} else {
			if (is_window(r))
				r->core->has_window = true;
			reader_advance(r);
		}
	}
	return true;
}

#include "aggregate/query_reader.h"

static bool is_name(const struct token *token)
{
	return token->kind == TOKEN_WORD || token->kind == TOKEN_QUOTED;
}

/* How many words from `first` on are a column, `a.b.c`. */
static size_t column_length(const struct query *q, size_t first, size_t end)
{
	size_t at = first;

	while (at < end && is_name(&q->word[at])) {
		at++;
		if (at + 1 >= end ||
		    !lexer_is_mark(q->text, &q->word[at], '.') ||
		    !is_name(&q->word[at + 1]))
			break;
		at++;
	}
	return at - first;
}

/* Words that end an expression and are no alias: `... is null`, `case ... end`,
 * `time with time zone`. */
static bool is_no_alias(const struct query *q, const struct token *token)
{
	static const char *const words[] = {
		"null",    "true",   "false",    "unknown",   "isnull",
		"notnull", "end",    "zone",     "precision", "varying",
		"array",   "year",   "month",    "day",       "hour",
		"minute",  "second", "document", "normalized"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (lexer_is(q->text, token, words[i]))
			return true;
	return false;
}

/* `e.did user_id`, `count(*) likes`: the name, where it cannot be anything
 * else. */
static bool has_bare_alias(const struct query *q, size_t first, size_t end)
{
	const struct token *last = &q->word[end - 1];

	if (end - first < 2 || !is_name(last) || is_no_alias(q, last))
		return false;
	if (column_length(q, first, end) == end - first - 1)
		return !lexer_is(q->text, &q->word[first], "not");
	return lexer_is_mark(q->text, last - 1, ')') ||
	       lexer_is_mark(q->text, last - 1, ']') ||
	       lexer_is(q->text, last - 1, "end");
}

static bool is_constant(const struct query *q, const struct token *token)
{
	return lexer_is(q->text, token, "null") ||
	       lexer_is(q->text, token, "true") ||
	       lexer_is(q->text, token, "false");
}

/* Whether words [at, end) are casts of what stands before, and no more. */
static bool is_cast(const struct query *q, size_t at, size_t end)
{
	const struct token *word = q->word;

	while (at + 1 < end && word[at].end - word[at].start == 2 &&
	       q->text[word[at].start] == ':' && is_name(&word[at + 1]))
		at += 2;
	return at == end;
}

void query_item_name(const struct query *query, struct query_item *item,
		     size_t first, size_t end, struct arena *arena)
{
	const struct token *last = &query->word[end - 1];
	size_t column = column_length(query, first, end);
	const struct token *name = NULL;

	item->is_star =
		last->kind == TOKEN_OPERATOR && query->text[last->start] == '*';
	if ((is_name(last) && end - first >= 2 &&
	     lexer_is(query->text, last - 1, "as")) ||
	    has_bare_alias(query, first, end))
		name = last;
	else if (column > 0 && !is_constant(query, &query->word[first]) &&
		 is_cast(query, first + column, end))
		name = &query->word[first + column - 1];
	if (name)
		item->column = lexer_name(query->text, name, arena);
}

#include "aggregate/model_purity.h"

#include <string.h>
#include <strings.h>

/* Functions, and the words that PostgreSQL treats like functions. */
static const struct {
	const char *name;
	bool is_word; /* without parentheses */
	const char *asks;
} impure[] = {
	{"now", false, "the clock"},
	{"clock_timestamp", false, "the clock"},
	{"statement_timestamp", false, "the clock"},
	{"transaction_timestamp", false, "the clock"},
	{"timeofday", false, "the clock"},
	{"current_date", true, "the clock"},
	{"current_time", true, "the clock"},
	{"current_timestamp", true, "the clock"},
	{"localtime", true, "the clock"},
	{"localtimestamp", true, "the clock"},
	{"random", false, "chance"},
	{"gen_random_uuid", false, "chance"},
	{"gen_random_bytes", false, "chance"},
	{"random_normal", false, "chance"},
	{"uuid_generate_v1", false, "chance"},
	{"uuid_generate_v4", false, "chance"},
	{"uuidv4", false, "chance"},
	{"uuidv7", false, "chance"},
	{"nextval", false, "a sequence"},
	{"currval", false, "a sequence"},
	{"lastval", false, "a sequence"},
	{"setval", false, "a sequence"},
	{"user", true, "the session"},
	{"current_role", true, "the session"},
	{"current_catalog", true, "the session"},
	{"current_schema", true, "the session"},
	{"pg_current_snapshot", false, "the session"},
	{"txid_current_snapshot", false, "the session"},
	{"pg_backend_pid", false, "the session"},
	{"current_user", true, "the session"},
	{"session_user", true, "the session"},
	{"current_setting", false, "the session"},
	{"pg_current_xact_id", false, "the session"},
	{"txid_current", false, "the session"},
};

/* `'now'::timestamp`, `date 'today'` */
static bool is_clock_literal(const struct query *query,
			     const struct token *token)
{
	static const char *const names[] = {"'now'", "'today'", "'tomorrow'",
					    "'yesterday'"};
	static const char *const types[] = {"date", "timestamp", "timestamptz",
					    "time", "zone"};
	const char *text = query->text + token->start;
	size_t len = token->end - token->start;
	bool is_typed = token[1].end - token[1].start == 2 &&
			query->text[token[1].start] == ':';

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (token > query->word &&
		    lexer_is(query->text, token - 1, types[i]))
			is_typed = true;
	for (size_t i = 0; is_typed && i < sizeof names / sizeof *names; i++)
		if (len == strlen(names[i]) &&
		    strncasecmp(text, names[i], len) == 0)
			return true;
	return false;
}

/* age(x) is since today, age(x, y) is not: whether what follows, which begins
 * with the parenthesis, is one argument. */
static bool is_single(const struct query *query, const struct token *open)
{
	const struct token *end = query->word + query->word_count;
	int depth = 0;

	for (const struct token *t = open; t < end; t++) {
		depth += lexer_is_mark(query->text, t, '(');
		depth -= lexer_is_mark(query->text, t, ')');
		if (depth == 0)
			return true;
		if (depth == 1 && lexer_is_mark(query->text, t, ','))
			return false;
	}
	return true;
}

/* What the word at token asks; NULL: nothing but its arguments. */
static const char *asks(const struct query *query, const struct token *token)
{
	const char *text = query->text;
	bool is_call = lexer_is_mark(text, &token[1], '(');

	if (token->kind == TOKEN_STRING)
		return is_clock_literal(query, token) ? "the clock" : NULL;
	if (token->kind != TOKEN_WORD)
		return NULL;
	/* a column, or the function of some schema other than PostgreSQL's */
	if (token > query->word && lexer_is_mark(text, token - 1, '.') &&
	    (token - 1 == query->word ||
	     !lexer_is(text, token - 2, "pg_catalog")))
		return NULL;
	/* the name of a column: `as user` */
	if (token > query->word && !is_call && lexer_is(text, token - 1, "as"))
		return NULL;
	if (is_call && lexer_is(text, token, "age"))
		return is_single(query, token + 1) ? "the clock" : NULL;
	for (size_t i = 0; i < sizeof impure / sizeof *impure; i++)
		if ((impure[i].is_word || is_call) &&
		    lexer_is(text, token, impure[i].name))
			return impure[i].asks;
	return NULL;
}

bool model_purity_check(const struct model *model, const struct query *query,
			struct error *err)
{
	for (size_t i = 0; i + 1 < query->word_count; i++) {
		const struct token *token = &query->word[i];
		const char *what = asks(query, token);

		if (what)
			return error_config(err,
					    "%s:%d: \"%.*s\" asks %s: a stored "
					    "model's rows "
					    "must follow from what it reads",
					    model->file, token->line,
					    (int)(token->end - token->start),
					    query->text + token->start, what);
	}
	return true;
}

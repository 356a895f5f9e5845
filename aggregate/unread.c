#include "aggregate/unread.h"

#include <string.h>

#include "aggregate/lexer.h"
#include "common/fault.h"

struct words {
	const char *text;
	const struct token *token;
	size_t count;
	struct arena *arena;
};

static bool is_name(const struct token *token)
{
	return token->kind == TOKEN_WORD || token->kind == TOKEN_QUOTED;
}

static bool means(const struct words *words, size_t i, const char *name)
{
	const struct token *token = &words->token[i];

	return is_name(token) &&
	       !strcmp(lexer_name(words->text, token, words->arena), name);
}

static bool is_mark(const struct words *words, size_t i, char mark)
{
	return lexer_is_mark(words->text, &words->token[i], mark);
}

/* A star is every column, but for that of count(*). */
static bool is_star(const struct words *words, size_t i)
{
	const struct token *token = &words->token[i];

	if (token->kind != TOKEN_OPERATOR ||
	    !memchr(words->text + token->start, '*', token->end - token->start))
		return false;
	return i < 2 || !is_mark(words, i - 1, '(') ||
	       !lexer_is(words->text, &words->token[i - 2], "count") ||
	       !is_mark(words, i + 1, ')');
}

enum { NAME_MAX_BYTES = 63 };

/* A name with escapes, U&"\0061", or that PostgreSQL cuts, could be any. */
static bool is_obscure(const struct words *words, size_t i)
{
	const struct token *token = &words->token[i];

	return is_name(token) && ((token->kind == TOKEN_QUOTED &&
				   words->text[token->start] != '"') ||
				  token->end - token->start > NAME_MAX_BYTES);
}

/* An alias that no dot follows is the whole row, but for where it is given. */
static bool is_row(const struct words *words, size_t i, const char *alias,
		   const char *base)
{
	if (!means(words, i, alias) || is_mark(words, i + 1, '.'))
		return false;
	return i == 0 || is_mark(words, i + 1, '(') ||
	       !(is_mark(words, i - 1, '.') ||
		 lexer_is(words->text, &words->token[i - 1], "as") ||
		 means(words, i - 1, base));
}

/* What is no comment, and the end. */
static void leave_comments_out(struct words *words, struct token *token)
{
	size_t count = 0;

	for (size_t i = 0; i < words->count; i++)
		if (token[i].kind != TOKEN_COMMENT &&
		    token[i].kind != TOKEN_HINT)
			token[count++] = token[i];
	words->count = count;
	words->token = token;
}

static bool looks_at(const struct words *words, const struct task *task,
		     const struct marker *marker, const char *column)
{
	for (size_t i = 0; i < marker->column_count; i++)
		if (marker->column[i] && !strcmp(marker->column[i], column))
			return true;
	for (size_t i = 0; i + 1 < words->count; i++)
		if (means(words, i, column) || is_star(words, i) ||
		    is_obscure(words, i) ||
		    is_row(words, i, marker->alias, task->model->base) ||
		    lexer_is(words->text, &words->token[i], "natural"))
			return true;
	return false;
}

/* One that it reads unmarked as well could have any alias. */
static const struct marker *only_marker(const struct model *reader,
					const struct task *task)
{
	const struct marker *only = NULL;
	size_t references = 0;

	for (size_t i = 0; i < reader->reference_count; i++)
		references +=
			!strcmp(reader->reference[i].relation, task->name);
	for (size_t i = 0; i < reader->marker_count; i++)
		if (!strcmp(reader->marker[i].relation, task->name))
			only = &reader->marker[i];
	return references == 1 ? only : NULL;
}

bool unread_by(const struct task *reader, const struct task *task,
	       const char *column)
{
	const struct model *model = reader->model;
	const struct marker *marker = only_marker(model, task);
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct words words = {.text = model->sql, .arena = &arena};
	struct token *token;
	bool unread = false;

	if (mutant("all-unread"))
		return true;
	if (marker && !model_is_snapshot(model) &&
	    lexer_scan(model->sql, model->file, model->sql_line, &arena, &token,
		       &words.count, &err)) {
		leave_comments_out(&words, token);
		unread = !looks_at(&words, task, marker, column);
	}
	arena_release(&arena);
	return unread;
}

bool unread_column(const struct task *task, const char *column)
{
	for (size_t i = 0; i < task->consumer_count; i++)
		if (!unread_by(task->consumer[i], task, column))
			return false;
	return true;
}

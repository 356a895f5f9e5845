#include "ingest/stream_table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/nearest.h"
#include "ingest/column.h"
#include "ingest/path.h"

enum { MAX_NAME = 63, MAX_PRECISION = 1000, MAX_LENGTH = 10485760 };

struct parser {
	struct stream *stream;
	struct stream_lexer *lexer;
	struct token token; /* the one being looked at, never a comment */
	struct error *err;
	struct column *column;
	size_t count;
	size_t capacity;
	bool in_columns; /* comments are mappings only there */
	bool has_loaded_at;
};

/* `12: ` before the sentence; always false. */
static bool at_line(struct parser *parser, int line)
{
	return error_context(parser->err, "%d", line);
}

static bool expected(struct parser *parser, const char *what)
{
	const struct token *token = &parser->token;

	if (token->kind == TOKEN_BROKEN)
		error_config(parser->err,
			     "a quote or comment that begins here is never "
			     "closed");
	else if (token->kind == TOKEN_END)
		error_config(parser->err, "the file ends before %s", what);
	else
		error_config(parser->err, "expected %s before `%.*s`", what,
			     (int)(token->len > 40 ? 40 : token->len),
			     token->text);
	return at_line(parser, token->line);
}

/* Takes in a comment: a mapping, the rest of one, or prose. */
static bool read_comment(struct parser *parser, const struct token *comment)
{
	static const char *const keys[] = {"from"};
	char *text = arena_strndup(&parser->stream->arena, comment->text,
				   comment->len);
	size_t word;

	text += strspn(text, " \t");
	word = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
	if (text[0] == '|') {
		text++;
	} else if (text[word] == ':') {
		text[word] = '\0';
		if (strcmp(text, "from") != 0) {
			if (!nearest(text, keys, 1))
				return true;
			error_config(parser->err,
				     "there is no `%s:`, did you mean `from:`?",
				     text);
			return at_line(parser, comment->line);
		}
		text += word + 1;
	} else {
		return true;
	}
	if (parser->count == 0) {
		error_config(parser->err, "a `from:` stands before any column");
		return at_line(parser, comment->line);
	}
	return path_parse_from(&parser->stream->arena, text,
			       &parser->column[parser->count - 1],
			       parser->err) ||
	       at_line(parser, comment->line);
}

/* On to the next token; comments are taken in on the way. */
static bool advance(struct parser *parser)
{
	for (;;) {
		parser->token = stream_lexer_next(parser->lexer);
		if (parser->token.kind != TOKEN_COMMENT)
			return true;
		if (parser->in_columns && !read_comment(parser, &parser->token))
			return false;
	}
}

static bool expect(struct parser *parser, const char *text)
{
	char what[32];

	if (token_is(&parser->token, text))
		return advance(parser);
	what[0] = '`';
	what[1] = '\0';
	strncat(what, text, sizeof what - 3);
	strncat(what, "`", 2);
	return expected(parser, what);
}

/* An identifier: bare ones fold to lower case as in PostgreSQL. */
static bool identifier(struct parser *parser, const char *what,
		       const char **out)
{
	const struct token *token = &parser->token;
	size_t used = 0;
	char *name;

	if (token->kind != TOKEN_WORD && token->kind != TOKEN_QUOTED)
		return expected(parser, what);
	name = arena_strndup(&parser->stream->arena, token->text, token->len);
	for (size_t i = 0; i < token->len; i++) {
		if (token->kind == TOKEN_WORD)
			name[used++] = (char)tolower((unsigned char)name[i]);
		else if (name[used++] = name[i], name[i] == '"')
			i++;
	}
	name[used] = '\0';
	if (used == 0 || used > MAX_NAME) {
		error_config(parser->err, "%s must have 1 to %d bytes", what,
			     MAX_NAME);
		return at_line(parser, token->line);
	}
	*out = name;
	return advance(parser);
}

/* (n) or (n,m) after a type; count says how many were there. */
static bool type_arguments(struct parser *parser, int value[2], int *count)
{
	*count = 0;
	if (!token_is(&parser->token, "("))
		return true;
	do {
		if (!advance(parser))
			return false;
		if (parser->token.kind != TOKEN_NUMBER || *count == 2 ||
		    parser->token.len > 8)
			return expected(parser, "a number or `)`");
		value[(*count)++] = (int)strtol(parser->token.text, NULL, 10);
		if (!advance(parser))
			return false;
	} while (token_is(&parser->token, ","));
	return expect(parser, ")");
}

static bool check_arguments(struct parser *parser, struct column *column,
			    const int value[2], int count)
{
	struct error *err = parser->err;

	if (column->type == COLUMN_VARCHAR) {
		if (count != 1 || value[0] < 1 || value[0] > MAX_LENGTH)
			return error_config(err,
					    "varchar needs a length from 1 to "
					    "%d, as in varchar(20); text has "
					    "none",
					    MAX_LENGTH);
		column->length = value[0];
	} else if (column->type == COLUMN_NUMERIC && count > 0) {
		column->precision = value[0];
		column->scale = count == 2 ? value[1] : 0;
		if (value[0] < 1 || value[0] > MAX_PRECISION ||
		    column->scale > column->precision)
			return error_config(err,
					    "numeric(p,s) needs p from 1 to %d "
					    "and s from 0 to p",
					    MAX_PRECISION);
	} else if (count > 0) {
		return error_config(err, "%s takes no length or precision here",
				    column_type_name(column->type));
	}
	return true;
}

static bool unknown_type(struct parser *parser, const char *spelling, int line)
{
	const char *near = column_type_nearest(spelling);

	error_config(parser->err,
		     "column %s: there is no type `%s` for streams%s%s%s; the "
		     "types are " COLUMN_TYPES,
		     parser->column[parser->count - 1].name, spelling,
		     near ? ", did you mean `" : "", near ? near : "",
		     near ? "`?" : "");
	return at_line(parser, line);
}

/* Appends the token to a type's spelling, in lower case. */
static bool add_word(struct parser *parser, char *spelling, size_t size)
{
	const struct token *token = &parser->token;
	size_t used = strlen(spelling);

	if (token->kind != TOKEN_WORD || used + token->len + 4 > size)
		return expected(parser, "a type");
	if (used > 0)
		spelling[used++] = ' ';
	for (size_t i = 0; i < token->len; i++)
		spelling[used++] = (char)tolower((unsigned char)token->text[i]);
	spelling[used] = '\0';
	return true;
}

/* Whether a type of several words goes on with the token. */
static bool continues_type(const char *spelling, const struct token *token)
{
	char longer[128];

	snprintf(longer, sizeof longer, "%s %.*s", spelling,
		 (int)(token->len < 40 ? token->len : 40), token->text);
	return token->kind == TOKEN_WORD && column_type_begins(longer);
}

static bool read_type(struct parser *parser)
{
	struct column *column = &parser->column[parser->count - 1];
	int line = parser->token.line;
	char spelling[128] = "";
	int value[2] = {0, 0};
	int count;

	do {
		if (!add_word(parser, spelling, sizeof spelling) ||
		    !advance(parser))
			return false;
	} while (continues_type(spelling, &parser->token));
	if (!type_arguments(parser, value, &count))
		return false;
	if (token_is(&parser->token, "[")) {
		strncat(spelling, "[]", 3);
		if (!advance(parser) || !expect(parser, "]"))
			return false;
	}
	if (!column_type_find(spelling, &column->type))
		return unknown_type(parser, spelling, line);
	return check_arguments(parser, column, value, count) ||
	       (error_context(parser->err, "column %s", column->name),
		at_line(parser, line));
}

/* Whether the tokens from here on read `now ( )`. */
static bool read_default(struct parser *parser, bool *now)
{
	*now = token_is(&parser->token, "now");
	return expect(parser, "now") && expect(parser, "(") &&
	       expect(parser, ")");
}

static bool read_constraints(struct parser *parser, bool *now)
{
	struct column *column = &parser->column[parser->count - 1];
	bool is_loaded_at = strcmp(column->name, "loaded_at") == 0;

	for (;;) {
		bool ok;

		if (token_is(&parser->token, "not")) {
			column->not_null = true;
			ok = advance(parser) && expect(parser, "null");
		} else if (token_is(&parser->token, "null")) {
			ok = advance(parser);
		} else if (is_loaded_at &&
			   token_is(&parser->token, "default")) {
			ok = advance(parser) && read_default(parser, now);
		} else if (token_is(&parser->token, ",") ||
			   token_is(&parser->token, ")")) {
			return true;
		} else {
			return expected(parser, is_loaded_at
							? "`not null default "
							  "now()`, `,` or `)`"
							: "`not null`, `,` or "
							  "`)`: a stream's "
							  "column takes "
							  "nothing else");
		}
		if (!ok)
			return false;
	}
}

static bool check_loaded_at(struct parser *parser, bool now)
{
	struct column *column = &parser->column[parser->count - 1];

	if (column->type != COLUMN_TIMESTAMPTZ || !column->not_null || !now) {
		error_config(parser->err,
			     "loaded_at must be `loaded_at timestamptz not "
			     "null default now()`: all rows of a load share "
			     "it");
		return at_line(parser, column->line);
	}
	parser->has_loaded_at = true;
	return true;
}

static bool read_column(struct parser *parser)
{
	struct column *column;
	bool now = false;
	int line = parser->token.line;
	const char *name = "";

	if (!identifier(parser, "a column's name", &name))
		return false;
	for (size_t i = 0; i < parser->count; i++) {
		if (strcmp(parser->column[i].name, name) != 0)
			continue;
		error_config(parser->err, "column %s is there twice", name);
		return at_line(parser, line);
	}
	MEM_GROW(parser->column, parser->count, parser->capacity);
	column = &parser->column[parser->count++];
	*column = (struct column){.name = name, .line = line};
	if (!read_type(parser) || !read_constraints(parser, &now))
		return false;
	if (strcmp(name, "loaded_at") == 0)
		return check_loaded_at(parser, now);
	return true;
}

static bool read_columns(struct parser *parser)
{
	parser->in_columns = true;
	if (!expect(parser, "("))
		return false;
	for (;;) {
		if (!read_column(parser))
			return false;
		if (!token_is(&parser->token, ","))
			break;
		if (!advance(parser))
			return false;
	}
	if (!token_is(&parser->token, ")"))
		return expected(parser, "`,` or `)`");
	parser->in_columns = false;
	return advance(parser);
}

/* create table [if not exists] staging.<stream> */
static bool read_name(struct parser *parser)
{
	const struct stream *stream = parser->stream;
	int line = parser->token.line;
	const char *schema = "", *table = "";

	if (!expect(parser, "create") || !expect(parser, "table"))
		return false;
	if (token_is(&parser->token, "if") &&
	    !(advance(parser) && expect(parser, "not") &&
	      expect(parser, "exists")))
		return false;
	if (!identifier(parser, "the table's schema, staging", &schema) ||
	    !expect(parser, ".") ||
	    !identifier(parser, "the table's name", &table))
		return false;
	if (strcmp(schema, "staging") == 0 && strcmp(table, stream->name) == 0)
		return true;
	error_config(parser->err,
		     "the table is %s.%s but must be staging.%s: stream, table "
		     "and file have one name",
		     schema, table, stream->name);
	return at_line(parser, line);
}

static bool read_partitioning(struct parser *parser)
{
	static const char *const words[] = {"partition", "by",        "range",
					    "(",         "loaded_at", ")"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!token_is(&parser->token, words[i]))
			return expected(parser,
					"`partition by range (loaded_at)`");
		if (!advance(parser))
			return false;
	}
	if (!expect(parser, ";"))
		return false;
	if (parser->token.kind != TOKEN_END)
		return expected(parser, "the end of the file: a stream file "
					"holds one statement");
	return true;
}

/* Every column has its source; loaded_at has none and is not kept. */
static bool finish_columns(struct parser *parser)
{
	struct stream *stream = parser->stream;
	size_t kept = 0;

	for (size_t i = 0; i < parser->count; i++) {
		struct column *column = &parser->column[i];
		bool is_loaded_at = strcmp(column->name, "loaded_at") == 0;

		if (is_loaded_at == (column->alternative_count > 0)) {
			error_config(parser->err,
				     is_loaded_at
					     ? "column %s is filled by its "
					       "default and takes no `from:`"
					     : "column %s has no `-- from:` "
					       "that says where it comes from",
				     column->name);
			return at_line(parser, column->line);
		}
		if (!is_loaded_at)
			parser->column[kept++] = *column;
	}
	if (!parser->has_loaded_at || kept == 0) {
		error_config(parser->err,
			     parser->has_loaded_at
				     ? "the table has no column but loaded_at"
				     : "the table needs `loaded_at timestamptz "
				       "not null default now()`");
		return at_line(parser, parser->lexer->line);
	}
	stream->column =
		arena_alloc(&stream->arena, kept * sizeof *stream->column);
	memcpy(stream->column, parser->column, kept * sizeof *stream->column);
	stream->column_count = kept;
	return true;
}

bool stream_table_parse(struct stream *stream, struct stream_lexer *lexer,
			struct token create, struct error *err)
{
	struct parser parser = {
		.stream = stream, .lexer = lexer, .token = create, .err = err};
	bool ok = read_name(&parser) && read_columns(&parser) &&
		  read_partitioning(&parser) && finish_columns(&parser);

	free(parser.column);
	return ok;
}

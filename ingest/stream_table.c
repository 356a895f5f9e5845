#include "ingest/stream_table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "ingest/column.h"
#include "ingest/stream_parser.h"

enum { MAX_PRECISION = 1000, MAX_LENGTH = 10485760 };

/* (n) or (n,m) after a type; count says how many were there. */
static bool type_arguments(struct stream_parser *parser, int value[2],
			   int *count)
{
	*count = 0;
	if (!token_is(&parser->token, "("))
		return true;
	do {
		if (!stream_parser_advance(parser))
			return false;
		if (parser->token.kind != TOKEN_NUMBER || *count == 2 ||
		    parser->token.len > 8)
			return stream_parser_expected(parser,
						      "a number or `)`");
		value[(*count)++] = (int)strtol(parser->token.text, NULL, 10);
		if (!stream_parser_advance(parser))
			return false;
	} while (token_is(&parser->token, ","));
	return stream_parser_expect(parser, ")");
}

static bool check_arguments(struct stream_parser *parser, struct column *column,
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

static bool unknown_type(struct stream_parser *parser, const char *spelling,
			 int line)
{
	const char *near = column_type_nearest(spelling);

	error_config(parser->err,
		     "column %s: there is no type `%s` for streams%s%s%s; the "
		     "types are " COLUMN_TYPES,
		     parser->column[parser->count - 1].name, spelling,
		     near ? ", did you mean `" : "", near ? near : "",
		     near ? "`?" : "");
	return stream_parser_at(parser, line);
}

/* Appends the token to a type's spelling, in lower case. */
static bool add_word(struct stream_parser *parser, char *spelling, size_t size)
{
	const struct token *token = &parser->token;
	size_t used = strlen(spelling);

	if (token->kind != TOKEN_WORD || used + token->len + 4 > size)
		return stream_parser_expected(parser, "a type");
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

static bool read_type(struct stream_parser *parser)
{
	struct column *column = &parser->column[parser->count - 1];
	int line = parser->token.line;
	char spelling[128] = "";
	int value[2] = {0, 0};
	int count;

	do {
		if (!add_word(parser, spelling, sizeof spelling) ||
		    !stream_parser_advance(parser))
			return false;
	} while (continues_type(spelling, &parser->token));
	if (!type_arguments(parser, value, &count))
		return false;
	if (token_is(&parser->token, "[")) {
		strncat(spelling, "[]", 3);
		if (!stream_parser_advance(parser) ||
		    !stream_parser_expect(parser, "]"))
			return false;
	}
	if (!column_type_find(spelling, &column->type))
		return unknown_type(parser, spelling, line);
	return check_arguments(parser, column, value, count) ||
	       (error_context(parser->err, "column %s", column->name),
		stream_parser_at(parser, line));
}

/* Whether the tokens from here on read `now ( )`. */
static bool read_default(struct stream_parser *parser, bool *now)
{
	*now = token_is(&parser->token, "now");
	return stream_parser_expect(parser, "now") &&
	       stream_parser_expect(parser, "(") &&
	       stream_parser_expect(parser, ")");
}

static bool read_constraints(struct stream_parser *parser, bool *now)
{
	struct column *column = &parser->column[parser->count - 1];
	bool is_loaded_at = strcmp(column->name, "loaded_at") == 0;

	for (;;) {
		bool ok;

		if (token_is(&parser->token, "not")) {
			column->not_null = true;
			ok = stream_parser_advance(parser) &&
			     stream_parser_expect(parser, "null");
		} else if (token_is(&parser->token, "null")) {
			ok = stream_parser_advance(parser);
		} else if (is_loaded_at &&
			   token_is(&parser->token, "default")) {
			ok = stream_parser_advance(parser) &&
			     read_default(parser, now);
		} else if (token_is(&parser->token, ",") ||
			   token_is(&parser->token, ")")) {
			return true;
		} else {
			return stream_parser_expected(
				parser, is_loaded_at ? "`not null default "
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

static bool check_loaded_at(struct stream_parser *parser, bool now)
{
	struct column *column = &parser->column[parser->count - 1];

	if (column->type != COLUMN_TIMESTAMPTZ || !column->not_null || !now) {
		error_config(parser->err,
			     "loaded_at must be `loaded_at timestamptz not "
			     "null default now()`: all rows of a load share "
			     "it");
		return stream_parser_at(parser, column->line);
	}
	parser->has_loaded_at = true;
	return true;
}

static bool read_column(struct stream_parser *parser)
{
	struct column *column;
	bool now = false;
	int line = parser->token.line;
	const char *name = "";

	if (!stream_parser_identifier(parser, "a column's name", &name))
		return false;
	for (size_t i = 0; i < parser->count; i++) {
		if (strcmp(parser->column[i].name, name) != 0)
			continue;
		error_config(parser->err, "column %s is there twice", name);
		return stream_parser_at(parser, line);
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

static bool read_columns(struct stream_parser *parser)
{
	parser->in_columns = true;
	if (!stream_parser_expect(parser, "("))
		return false;
	for (;;) {
		if (!read_column(parser))
			return false;
		if (!token_is(&parser->token, ","))
			break;
		if (!stream_parser_advance(parser))
			return false;
	}
	if (!token_is(&parser->token, ")"))
		return stream_parser_expected(parser, "`,` or `)`");
	parser->in_columns = false;
	return stream_parser_advance(parser);
}

/* create table [if not exists] staging.<stream> */
static bool read_name(struct stream_parser *parser)
{
	const struct stream *stream = parser->stream;
	int line = parser->token.line;
	const char *schema = "", *table = "";

	if (!stream_parser_expect(parser, "create") ||
	    !stream_parser_expect(parser, "table"))
		return false;
	if (token_is(&parser->token, "if") &&
	    !(stream_parser_advance(parser) &&
	      stream_parser_expect(parser, "not") &&
	      stream_parser_expect(parser, "exists")))
		return false;
	if (!stream_parser_identifier(parser, "the table's schema, staging",
				      &schema) ||
	    !stream_parser_expect(parser, ".") ||
	    !stream_parser_identifier(parser, "the table's name", &table))
		return false;
	if (strcmp(schema, "staging") == 0 && strcmp(table, stream->name) == 0)
		return true;
	error_config(parser->err,
		     "the table is %s.%s but must be staging.%s: stream, table "
		     "and file have one name",
		     schema, table, stream->name);
	return stream_parser_at(parser, line);
}

static bool read_partitioning(struct stream_parser *parser)
{
	static const char *const words[] = {"partition", "by",        "range",
					    "(",         "loaded_at", ")"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!token_is(&parser->token, words[i]))
			return stream_parser_expected(
				parser, "`partition by range (loaded_at)`");
		if (!stream_parser_advance(parser))
			return false;
	}
	if (!stream_parser_expect(parser, ";"))
		return false;
	if (parser->token.kind != TOKEN_END)
		return stream_parser_expected(
			parser, "the end of the file: a stream file "
				"holds one statement");
	return true;
}

/* Every column has its source; loaded_at has none and is not kept. */
static bool finish_columns(struct stream_parser *parser)
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
			return stream_parser_at(parser, column->line);
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
		return stream_parser_at(parser, parser->lexer->line);
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
	struct stream_parser parser = {
		.stream = stream, .lexer = lexer, .token = create, .err = err};
	bool ok = read_name(&parser) && read_columns(&parser) &&
		  read_partitioning(&parser) && finish_columns(&parser);

	free(parser.column);
	return ok;
}

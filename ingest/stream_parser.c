#include "ingest/stream_parser.h"

#include <ctype.h>
#include <string.h>

#include "common/nearest.h"
#include "ingest/path.h"

enum { MAX_NAME = 63 };

bool stream_parser_at(struct stream_parser *parser, int line)
{
	return error_context(parser->err, "%d", line);
}

bool stream_parser_expected(struct stream_parser *parser, const char *what)
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
	return stream_parser_at(parser, token->line);
}

/* Takes in a comment: a mapping, the rest of one, or prose. */
static bool read_comment(struct stream_parser *parser,
			 const struct token *comment)
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
			return stream_parser_at(parser, comment->line);
		}
		text += word + 1;
	} else {
		return true;
	}
	if (parser->count == 0) {
		error_config(parser->err, "a `from:` stands before any column");
		return stream_parser_at(parser, comment->line);
	}
	return path_parse_from(&parser->stream->arena, text,
			       &parser->column[parser->count - 1],
			       parser->err) ||
	       stream_parser_at(parser, comment->line);
}

bool stream_parser_advance(struct stream_parser *parser)
{
	for (;;) {
		parser->token = stream_lexer_next(parser->lexer);
		if (parser->token.kind != TOKEN_COMMENT)
			return true;
		if (parser->in_columns && !read_comment(parser, &parser->token))
			return false;
	}
}

bool stream_parser_expect(struct stream_parser *parser, const char *text)
{
	char what[32];

	if (token_is(&parser->token, text))
		return stream_parser_advance(parser);
	what[0] = '`';
	what[1] = '\0';
	strncat(what, text, sizeof what - 3);
	strncat(what, "`", 2);
	return stream_parser_expected(parser, what);
}

bool stream_parser_identifier(struct stream_parser *parser, const char *what,
			      const char **out)
{
	const struct token *token = &parser->token;
	size_t used = 0;
	char *name;

	if (token->kind != TOKEN_WORD && token->kind != TOKEN_QUOTED)
		return stream_parser_expected(parser, what);
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
		return stream_parser_at(parser, token->line);
	}
	*out = name;
	return stream_parser_advance(parser);
}

#include "ingest/stream_lexer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool starts_word(char c)
{
	return isalpha((unsigned char)c) || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static bool continues_word(char c)
{
	return starts_word(c) || isdigit((unsigned char)c) || c == '$';
}

/* Skips blanks and block comments.  False: a comment is not closed. */
static bool skip_blanks(struct stream_lexer *lexer)
{
	for (;;) {
		if (isspace((unsigned char)*lexer->at)) {
			lexer->line += *lexer->at++ == '\n';
		} else if (lexer->at[0] == '/' && lexer->at[1] == '*') {
			const char *end = strstr(lexer->at + 2, "*/");

			if (!end)
				return false;
			for (; lexer->at < end; lexer->at++)
				lexer->line += *lexer->at == '\n';
			lexer->at += 2;
		} else {
			return true;
		}
	}
}

/* From a quote to the same quote; a doubled one stands for itself. */
static const char *quoted_end(struct stream_lexer *lexer)
{
	char quote = *lexer->at;
	const char *end = lexer->at + 1;

	while (*end && (*end != quote || end[1] == quote)) {
		lexer->line += *end == '\n';
		end += *end == quote ? 2 : 1;
	}
	return end;
}

static struct token scan_quoted(struct stream_lexer *lexer, struct token token)
{
	const char *end = quoted_end(lexer);

	if (*end == '\0') {
		token.kind = TOKEN_BROKEN;
		lexer->at = end;
		return token;
	}
	if (*lexer->at == '"') {
		token.kind = TOKEN_QUOTED;
		token.text = lexer->at + 1;
		token.len = (size_t)(end - lexer->at - 1);
	} else {
		token.kind = TOKEN_STRING;
		token.len = (size_t)(end + 1 - lexer->at);
	}
	lexer->at = end + 1;
	return token;
}

struct token stream_lexer_next(struct stream_lexer *lexer)
{
	struct token token = {.kind = TOKEN_SYMBOL, .len = 1};
	const char *end;

	if (!skip_blanks(lexer)) {
		token.kind = TOKEN_BROKEN;
		token.line = lexer->line;
		token.text = lexer->at;
		lexer->at += strlen(lexer->at);
		return token;
	}
	token.line = lexer->line;
	token.text = end = lexer->at;
	if (*end == '\0') {
		token.kind = TOKEN_END;
		token.len = 0;
		return token;
	}
	if (*end == '"' || *end == '\'')
		return scan_quoted(lexer, token);
	if (end[0] == '-' && end[1] == '-') {
		token.kind = TOKEN_COMMENT;
		token.text += 2;
		end += strcspn(end, "\r\n");
	} else if (starts_word(*end)) {
		token.kind = TOKEN_WORD;
		while (continues_word(*end))
			end++;
	} else if (isdigit((unsigned char)*end)) {
		token.kind = TOKEN_NUMBER;
		while (isdigit((unsigned char)*end))
			end++;
	} else {
		end++;
	}
	token.len = (size_t)(end - token.text);
	lexer->at = end;
	return token;
}

bool token_is(const struct token *token, const char *text)
{
	return (token->kind == TOKEN_WORD || token->kind == TOKEN_SYMBOL) &&
	       token->len == strlen(text) &&
	       strncasecmp(token->text, text, token->len) == 0;
}

#include "aggregate/model_filter.h"

#include <string.h>

#include "aggregate/model_value.h"

/* Whether the marker stands directly behind WHERE, and nothing up to where the
 * SELECT's parentheses close is an OR: then what is joined by AND must hold. */
static bool is_conjunction(const struct query *query,
			   const struct query_hint *hint)
{
	const struct token *word = hint->next;
	int depth = 0;

	if (word == query->word || !lexer_is(query->text, word - 1, "where"))
		return false;
	for (; word->kind != TOKEN_END && depth >= 0; word++) {
		if (lexer_is_mark(query->text, word, '('))
			depth++;
		else if (lexer_is_mark(query->text, word, ')'))
			depth--;
		else if (depth == 0 && lexer_is(query->text, word, "or"))
			return false;
	}
	return true;
}

/* `and alias.column = 'text'`, at word, and nothing that goes on with it. */
static bool is_comparison(const struct query *query, const struct token *word,
			  const char *alias, struct arena *arena)
{
	const char *text = query->text;

	if (!lexer_is(text, word, "and") || word[1].kind != TOKEN_WORD ||
	    strcmp(lexer_name(text, &word[1], arena), alias) != 0 ||
	    !lexer_is_mark(text, &word[2], '.') ||
	    (word[3].kind != TOKEN_WORD && word[3].kind != TOKEN_QUOTED) ||
	    word[4].kind != TOKEN_OPERATOR ||
	    word[4].end - word[4].start != 1 || text[word[4].start] != '=' ||
	    word[5].kind != TOKEN_STRING)
		return false;
	return word[6].kind == TOKEN_END ||
	       lexer_is_mark(text, &word[6], ';') ||
	       lexer_is_mark(text, &word[6], ')') ||
	       lexer_is(text, &word[6], "and") ||
	       lexer_is(text, &word[6], "group");
}

void model_filter_read(struct model *model, const struct query *query,
		       const struct query_hint *hint, struct marker *marker)
{
	size_t most = query->word_count;
	const char *column;

	if (query->reference[marker->reference].core != hint->core ||
	    !is_conjunction(query, hint))
		return;
	for (const struct token *word = hint->next + 1;
	     word + 6 < query->word + most &&
	     is_comparison(query, word, marker->alias, &model->arena);
	     word += 6) {
		column = lexer_name(query->text, &word[3], &model->arena);
		marker->filter =
			model_grow(model, marker->filter, marker->filter_count,
				   sizeof *marker->filter);
		marker->filter[marker->filter_count++] = (struct comparison){
			.column = column,
			.literal = arena_strndup(&model->arena,
						 query->text + word[5].start,
						 word[5].end - word[5].start),
		};
	}
}

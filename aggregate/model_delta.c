#include "aggregate/model_delta.h"

#include <stdlib.h>
#include <string.h>

static bool check_shape(const struct model_at *at, const struct query *query)
{
	const struct query_core *outer = query->outer;

	if (query->body->operand_count > 1)
		return model_refuse(at, "delta adds and subtracts one select's "
					"groups: put the union into a "
					"subquery");
	if (!outer || !outer->is_grouped)
		return model_refuse(at, "delta wants a \"group by\" of the "
					"unique_key in the outer select");
	if (outer->has_having)
		return model_refuse(at, "delta takes no \"having\": it would "
					"judge the new rows alone; filter in "
					"a view");
	if (outer->is_distinct)
		return model_refuse(at, "delta takes no \"distinct\": it would "
					"judge the new rows alone");
	return true;
}

/* Whether the entry stands for more columns than one: (a, b), rollup (...). */
static bool is_compound(const struct query *query,
			const struct query_group *group)
{
	static const char *const words[] = {"rollup", "cube", "grouping", "all",
					    "distinct"};

	if (lexer_is_mark(query->text, group->first, '('))
		return true;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (lexer_is(query->text, group->first, words[i]))
			return true;
	return false;
}

/* The column that `2` stands for; NULL: the entry is written otherwise, or only
 * PostgreSQL knows. */
static const char *column_of(const struct query *query,
			     const struct query_group *group)
{
	unsigned long ordinal;

	if (group->end - group->first != 1 ||
	    group->first->kind != TOKEN_NUMBER)
		return NULL;
	for (size_t i = 0; i < query->item_count; i++)
		if (query->item[i].is_star)
			return NULL;
	ordinal = strtoul(query->text + group->first->start, NULL, 10);
	return ordinal >= 1 && ordinal <= query->item_count
		       ? query->item[ordinal - 1].column
		       : NULL;
}

static bool check_groups(const struct model_at *at, const struct query *query)
{
	const struct model *model = at->model;

	for (size_t i = 0; i < query->group_count; i++)
		if (is_compound(query, &query->group[i]))
			return true;
	for (size_t i = 0; i < query->group_count; i++) {
		const char *column = column_of(query, &query->group[i]);

		if (column && model_find(column, model->unique_key,
					 model->unique_key_count) == SIZE_MAX)
			return model_refuse(at,
					    "delta groups by \"%s\", which is "
					    "not in the unique_key: it would "
					    "be summed",
					    column);
	}
	return query->group_count == model->unique_key_count ||
	       model_refuse(at,
			    "delta groups by %zu column%s and the unique_key "
			    "has %zu: they must be the same",
			    query->group_count,
			    query->group_count == 1 ? "" : "s",
			    model->unique_key_count);
}

/* --- measures ------------------------------------------------------------- */

/* The words of an item that are still to be read. */
struct words {
	const char *text;
	const struct token *at, *end;
};

static bool accept(struct words *words, const char *word)
{
	if (words->at == words->end || !lexer_is(words->text, words->at, word))
		return false;
	words->at++;
	return true;
}

static bool is_text(const struct words *words, const char *text)
{
	return words->at < words->end &&
	       words->at->end - words->at->start == strlen(text) &&
	       !strncmp(words->text + words->at->start, text, strlen(text));
}

static bool accept_text(struct words *words, const char *text)
{
	if (!is_text(words, text))
		return false;
	words->at++;
	return true;
}

/* ( ... ) */
static bool accept_group(struct words *words)
{
	int depth = 0;

	if (!is_text(words, "("))
		return false;
	do {
		if (lexer_is_mark(words->text, words->at, '('))
			depth++;
		else if (lexer_is_mark(words->text, words->at, ')'))
			depth--;
		words->at++;
	} while (depth && words->at < words->end);
	return !depth;
}

/* Casts that change no value. */
static bool accept_casts(struct words *words)
{
	static const char *const types[] = {"bigint", "int8", "numeric",
					    "decimal"};

	while (accept_text(words, "::")) {
		bool is_wide = false;

		for (size_t i = 0; i < sizeof types / sizeof *types; i++)
			is_wide = is_wide || accept(words, types[i]);
		if (!is_wide || is_text(words, "("))
			return false;
	}
	return true;
}

/* count(...), sum(...), of some of the rows or all, but not of distinct ones */
static bool accept_sum(struct words *words)
{
	if ((!accept(words, "count") && !accept(words, "sum")) ||
	    !is_text(words, "(") ||
	    lexer_is(words->text, words->at + 1, "distinct") ||
	    !accept_group(words))
		return false;
	return (!accept(words, "filter") || accept_group(words)) &&
	       accept_casts(words);
}

static bool is_sum(const struct query *query, const struct query_item *item)
{
	struct words words = {query->text, item->first, item->last + 1};
	bool ok;

	if (accept(&words, "coalesce"))
		ok = accept_text(&words, "(") && accept_sum(&words) &&
		     accept_text(&words, ",") && accept_text(&words, "0") &&
		     accept_text(&words, ")") && accept_casts(&words);
	else
		ok = accept_sum(&words);
	if (!ok)
		return false;
	if (words.at < words.end && !accept(&words, "as"))
		return words.at == item->last && item->column;
	return words.at == words.end || words.at == item->last;
}

static bool check_measures(const struct model_at *at, const struct query *query)
{
	const struct model *model = at->model;

	for (size_t i = 0; i < query->item_count; i++) {
		const struct query_item *item = &query->item[i];
		struct model_at here = {at->model, item->first->line, at->err};

		if (item->column &&
		    model_find(item->column, model->unique_key,
			       model->unique_key_count) != SIZE_MAX)
			continue;
		if (is_sum(query, item))
			continue;
		if (!item->column)
			return model_refuse(
				&here, "delta wants a name for each "
				       "column: write it out, with \"as\"");
		return model_refuse(&here,
				    "delta adds up every column that is not in "
				    "the unique_key, so write \"%s\" as "
				    "count(...), sum(...) or coalesce(sum(...)"
				    ", 0), cast to bigint or numeric if at "
				    "all; for anything else use recompute",
				    item->column);
	}
	return true;
}

bool model_delta_check(struct model *model, const struct model_config *config,
		       const struct query *query, struct error *err)
{
	struct model_at select = {model, model->sql_line, err};
	struct model_at rows = {model, config->line[KEY_ROWS], err};

	if (!check_shape(&select, query))
		return false;
	if (model->rows && model_find(model->rows, model->unique_key,
				      model->unique_key_count) != SIZE_MAX)
		return model_refuse(&rows,
				    "rows: \"%s\" is part of the unique_key, "
				    "not a measure",
				    model->rows);
	return check_groups(&select, query) && check_measures(&select, query);
}

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
	return check_groups(&select, query);
}

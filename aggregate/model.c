#include "aggregate/model.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/model_check.h"
#include "aggregate/model_hash.h"
#include "aggregate/model_header.h"
#include "aggregate/model_markers.h"
#include "aggregate/model_tests.h"
#include "aggregate/query.h"
#include "common/mem.h"

const char *const model_grains[] = {"",    "second", "minute", "hour",
				    "day", "week",   "month"};

const char *const model_strategies[] = {"view",  "append",    "merge",
					"delta", "recompute", "full",
					"check", "timestamp"};

const char *const model_snapshot_columns[] = {"dbt_scd_id", "dbt_updated_at",
					      "dbt_valid_from", "dbt_valid_to"};

bool model_is_snapshot(const struct model *model)
{
	return model->materialized == MATERIALIZED_SNAPSHOT;
}

bool model_has_key(const struct model *model, const char *column)
{
	for (size_t i = 0; i < model->unique_key_count; i++)
		if (!strcmp(model->unique_key[i], column))
			return true;
	return false;
}

/* What a header leaves unsaid. */
static void set_defaults(struct model *model, const struct model_config *config)
{
	static const enum materialized implied[] = {
		[STRATEGY_NONE] = MATERIALIZED_VIEW,
		[STRATEGY_APPEND] = MATERIALIZED_INCREMENTAL,
		[STRATEGY_MERGE] = MATERIALIZED_INCREMENTAL,
		[STRATEGY_DELTA] = MATERIALIZED_INCREMENTAL,
		[STRATEGY_RECOMPUTE] = MATERIALIZED_INCREMENTAL,
		[STRATEGY_FULL] = MATERIALIZED_TABLE,
		[STRATEGY_CHECK] = MATERIALIZED_SNAPSHOT,
		[STRATEGY_TIMESTAMP] = MATERIALIZED_SNAPSHOT,
	};

	if (config->line[KEY_MATERIALIZED] == 0)
		model->materialized = implied[model->strategy];
	else if (model->materialized == MATERIALIZED_TABLE &&
		 config->line[KEY_STRATEGY] == 0)
		model->strategy = STRATEGY_FULL;
}

/* Cuts sql where the query ends: before a semicolon or the blanks at the end.
 */
static void cut_query(struct model *model, const struct query *query)
{
	size_t end = query->end;

	while (end > 0 && strchr(" \t\r\n\f\v", model->sql[end - 1]))
		end--;
	model->sql = arena_strndup(&model->arena, model->sql, end);
}

static bool read_model(struct model *model, struct error *err)
{
	struct model_config config = {0};
	struct arena shape = ARENA_INIT;
	struct query query;
	bool ok;

	if (!model_header_read(model, &config, err))
		return false;
	set_defaults(model, &config);
	ok = query_read(&query, model->sql, model->file, model->sql_line,
			model->pack, &shape, &model->arena, err) &&
	     model_markers_read(model, &query, err) &&
	     model_tests_inline(model, &query, err) &&
	     model_check(model, &config, &query, err);
	if (ok) {
		model_hash(model, &query);
		cut_query(model, &query);
	}
	arena_release(&shape);
	return ok;
}

bool model_parse(struct model **out, const char *file, const char *pack,
		 const char *base, const char *text, struct error *err)
{
	struct model *model = mem_zalloc(1, sizeof *model);
	struct arena *arena = &model->arena;

	model->pack = arena_strdup(arena, pack);
	model->base = arena_strdup(arena, base);
	model->name = arena_format(arena, "%s.%s", pack, base);
	model->file = arena_strdup(arena, file);
	model->text = arena_strdup(arena, text);
	model->description = "";
	model->owner = "";
	if (read_model(model, err)) {
		*out = model;
		return true;
	}
	model_close(model);
	return false;
}

void model_close(struct model *model)
{
	if (!model)
		return;
	arena_release(&model->arena);
	free(model);
}

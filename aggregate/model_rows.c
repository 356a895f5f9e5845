#include "aggregate/model_rows.h"

#include "aggregate/model_check.h"

/* What is being checked; follows[i] says whether marked rows go through core
 * i. */
struct flow {
	struct model *model;
	const struct query *query;
	bool *follows;
	struct error *err;
};

static bool *follows(const struct flow *flow, const struct query_core *core)
{
	size_t i = 0;

	while (flow->query->core[i] != core)
		i++;
	return &flow->follows[i];
}

/* Marks a core and those around it. */
static bool follow(const struct flow *flow, const struct query_core *core)
{
	bool is_new = false;

	for (; core; core = core->parent) {
		bool *mark = follows(flow, core);

		is_new = is_new || !*mark;
		*mark = true;
	}
	return is_new;
}

/* Whether marked rows go through the WITH query. */
static bool is_followed(const struct flow *flow, const struct query_cte *cte)
{
	for (size_t i = 0; i < flow->query->core_count; i++)
		if (flow->follows[i] && flow->query->core[i]->within == cte)
			return true;
	return false;
}

/* From what is marked, through WITH queries, to the outer query. */
static void find_way(const struct flow *flow)
{
	const struct query *q = flow->query;
	bool is_new = true;

	for (size_t i = 0; i < flow->model->marker_count; i++)
		follow(flow,
		       q->reference[flow->model->marker[i].reference].core);
	while (is_new) {
		is_new = false;
		for (size_t i = 0; i < q->use_count; i++)
			if (is_followed(flow, q->use[i].cte) &&
			    follow(flow, q->use[i].core))
				is_new = true;
	}
}

static bool refuse(const struct flow *flow, const struct query_core *core,
		   const char *what, const char *instead)
{
	struct model_at at = {flow->model, core->line, flow->err};

	return model_refuse(&at, "%s shows the query new rows alone, so %s: %s",
			    model_strategies[flow->model->strategy], what,
			    instead);
}

static bool check_core(const struct flow *flow, const struct query_core *core)
{
	enum strategy strategy = flow->model->strategy;
	bool is_outer = core == flow->query->outer;

	if (core->is_grouped && strategy != STRATEGY_DELTA)
		return refuse(flow, core, "\"group by\" would sum up each load",
			      "use delta or recompute");
	if (core->is_grouped && !is_outer)
		return refuse(flow, core,
			      "an inner \"group by\" would sum up each load",
			      "use recompute, or a model in between");
	if (core->is_distinct && (strategy == STRATEGY_DELTA ||
				  (strategy == STRATEGY_APPEND &&
				   flow->model->unique_key_count == 0)))
		return refuse(flow, core,
			      "\"distinct\" would not see the rows before",
			      strategy == STRATEGY_DELTA
				      ? "use recompute, or a model in between"
				      : "give it a unique_key");
	if (core->has_window && strategy != STRATEGY_MERGE)
		return refuse(flow, core,
			      "\"over\" would not see the rows before",
			      "use recompute");
	return true;
}

static bool check_body(const struct flow *flow, const struct query_core *core,
		       const struct query_body *body)
{
	if (body->is_limited)
		return refuse(flow, core,
			      "\"limit\" and \"offset\" would count each load",
			      "put them into a view");
	if (body->operand_count > 1 && !body->only_union_all)
		return refuse(flow, core,
			      "\"union\", \"except\" and \"intersect\" would "
			      "compare each load",
			      "use union all, or recompute");
	return true;
}

bool model_rows_check(struct model *model, const struct query *query,
		      struct error *err)
{
	struct flow flow = {model, query, NULL, err};

	flow.follows = arena_zalloc(&model->arena, query->core_count + 1);
	find_way(&flow);
	for (size_t i = 0; i < query->core_count; i++) {
		const struct query_core *core = query->core[i];

		if (!flow.follows[i])
			continue;
		if (!check_core(&flow, core))
			return false;
		for (const struct query_branch *b = core->branch; b;
		     b = b->parent)
			if (!check_body(&flow, core, b->body))
				return false;
	}
	return true;
}

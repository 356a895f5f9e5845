#include "aggregate/strategy.h"

#include <stdlib.h>

#include "aggregate/changes.h"
#include "common/fault.h"
#include "common/mem.h"

bool strategy_apply(struct refresh *refresh, struct error *err)
{
	switch (refresh->task->model->strategy) {
	case STRATEGY_APPEND:
		return strategy_append(refresh, err);
	case STRATEGY_MERGE:
		return strategy_merge(refresh, err);
	case STRATEGY_DELTA:
		return strategy_delta(refresh, err);
	case STRATEGY_RECOMPUTE:
		return strategy_recompute(refresh, err);
	case STRATEGY_FULL:
	case STRATEGY_NONE:
		break;
	}
	return strategy_full(refresh, err);
}

char *strategy_query(const struct refresh *refresh, enum strategy_side side)
{
	const struct task *task = refresh->task;
	const struct model *model = task->model;
	size_t count = model->marker_count;
	const char **subquery = mem_zalloc(count + 1, sizeof *subquery);
	struct buf *text = mem_zalloc(count + 1, sizeof *text);
	char *query;

	for (size_t i = 0; i < count; i++) {
		const struct marker *marker = &model->marker[i];
		const struct task_input *input =
			changes_input(task, marker->relation);

		if (side == STRATEGY_NEW)
			changes_new(&text[i], task, input);
		else
			changes_gone(&text[i], task, input);
		subquery[i] = buf_text(&text[i]);
	}
	query = model_rewrite(model, subquery);
	for (size_t i = 0; i < count; i++)
		buf_release(&text[i]);
	free(text);
	free(subquery);
	return query;
}

bool strategy_full(struct refresh *refresh, struct error *err)
{
	struct buf wanted = BUF_INIT;
	struct buf present = BUF_INIT;
	bool ok;

	refresh_query(&wanted, refresh);
	buf_format(&present, "select ctid as millrace_row, %s from %s",
		   refresh->list, refresh->task->table);
	ok = refresh_diff(refresh, buf_text(&wanted), buf_text(&present), err);
	buf_release(&wanted);
	buf_release(&present);
	return ok;
}

bool strategy_append(struct refresh *refresh, struct error *err)
{
	bool has_key = refresh->task->model->unique_key_count > 0;
	char *query = strategy_query(refresh, STRATEGY_NEW);
	bool ok;

	ok = refresh_temp(refresh, "added", query, NULL, err) &&
	     refresh_insert(refresh, "added",
			    has_key ? "\non conflict do nothing" : "", err);
	free(query);
	return ok;
}

#include "aggregate/strategy.h"

#include <stdlib.h>

#include "aggregate/changes.h"
#include "aggregate/excluded.h"
#include "aggregate/snapshot.h"
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
	case STRATEGY_CHECK:
	case STRATEGY_TIMESTAMP:
		return snapshot_take(refresh, false, err);
	case STRATEGY_FULL:
	case STRATEGY_NONE:
		break;
	}
	return strategy_full(refresh, err);
}

char *strategy_rewrite(const struct refresh *refresh,
		       void (*add_rows)(struct buf *, const struct refresh *,
					const struct marker *, const void *),
		       const void *context)
{
	const struct model *model = refresh->task->model;
	size_t count = model->marker_count;
	const char **subquery = mem_zalloc(count + 1, sizeof *subquery);
	struct buf *text = mem_zalloc(count + 1, sizeof *text);
	char *query;

	for (size_t i = 0; i < count; i++) {
		add_rows(&text[i], refresh, &model->marker[i], context);
		subquery[i] = buf_text(&text[i]);
	}
	query = excluded_rewrite(refresh->task, subquery);
	for (size_t i = 0; i < count; i++)
		buf_release(&text[i]);
	free(text);
	free(subquery);
	return query;
}

static void add_changes(struct buf *out, const struct refresh *refresh,
			const struct marker *marker, const void *side)
{
	const struct task_input *input =
		task_input_of(refresh->task, marker->relation);

	if (*(const enum strategy_side *)side == STRATEGY_NEW)
		changes_new(out, refresh->task, input);
	else
		changes_gone(out, refresh->task, input);
}

char *strategy_query(const struct refresh *refresh, enum strategy_side side)
{
	return strategy_rewrite(refresh, add_changes, &side);
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

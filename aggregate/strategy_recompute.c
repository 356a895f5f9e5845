#include <stdlib.h>

#include "aggregate/changes.h"
#include "aggregate/excluded.h"
#include "aggregate/parts.h"
#include "aggregate/strategy.h"

/* The rows of what is marked that lie in the parts shown. */
static void add_shown(struct buf *out, const struct refresh *refresh,
		      const struct marker *marker, const void *parts)
{
	const struct task_input *input =
		task_input_of(refresh->task, marker->relation);
	struct parts_relation relation = {.columns = &input->columns};
	struct buf table = BUF_INIT;

	excluded_table(&table, input);
	relation.table = buf_text(&table);
	for (size_t i = 0; i < marker->column_count; i++)
		relation.column[i] = marker->column[i];
	parts_select(out, parts, refresh, &relation, PARTS_SHOWN, "x.*");
	buf_release(&table);
}

bool strategy_recompute(struct refresh *refresh, struct error *err)
{
	const struct model *model = refresh->task->model;
	struct parts_relation target = {.table = refresh->task->table,
					.columns = &refresh->columns};
	struct buf wanted = BUF_INIT;
	struct buf present = BUF_INIT;
	struct buf list = BUF_INIT;
	struct parts parts;
	char *query;
	bool ok;

	if (!parts_find(&parts, refresh, err))
		return false;
	if (!parts.count)
		return true;
	for (size_t i = 0; i < model->by_count; i++)
		target.column[i] = model->by[i].name;
	query = strategy_rewrite(refresh, add_shown, &parts);
	/* what the query says about other parts is half the truth */
	buf_format(&wanted, "select %s from (\n%s\n) x\nwhere ", refresh->list,
		   query);
	parts_inside(&wanted, &parts, refresh, &target, PARTS_REBUILT);
	buf_add_text(&list, "x.ctid as millrace_row, ");
	columns_list(&list, &refresh->columns, "x.");
	parts_select(&present, &parts, refresh, &target, PARTS_REBUILT,
		     buf_text(&list));
	ok = refresh_diff(refresh, buf_text(&wanted), buf_text(&present), err);
	buf_release(&wanted);
	buf_release(&present);
	buf_release(&list);
	free(query);
	return ok;
}

/* Reading without them: the query and its inputs less the loads that the model
 * is to do without. */
#include "aggregate/excluded.h"

#include <stdlib.h>

#include "common/fault.h"
#include "common/mem.h"

bool excluded_any(const struct task *task)
{
	for (size_t i = 0; i < task->input_count; i++)
		if (task->input[i].unread && !mutant("excluded-in-full"))
			return true;
	return false;
}

static char *without(const struct task_input *input)
{
	return mem_format("select * from %s where loaded_at <> "
			  "all('{%s}'::timestamptz[])",
			  input->table, input->unread);
}

char *excluded_rewrite(const struct task *task, const char *const *subquery)
{
	const struct model *model = task->model;
	size_t count = model->reference_count;
	char **plain = mem_zalloc(count + 1, sizeof *plain);
	char *query;

	for (size_t i = 0; excluded_any(task) && i < count; i++) {
		const struct task_input *input =
			task_input_of(task, model->reference[i].relation);

		if (input && input->unread)
			plain[i] = without(input);
	}
	query = model_rewrite_all(model, subquery, (const char *const *)plain);
	for (size_t i = 0; i < count; i++)
		free(plain[i]);
	free(plain);
	return query;
}

void excluded_table(struct buf *out, const struct task_input *input)
{
	char *select;

	if (!input->unread) {
		buf_add_text(out, input->table);
		return;
	}
	select = without(input);
	buf_format(out, "(%s)", select);
	free(select);
}

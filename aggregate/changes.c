#include "aggregate/changes.h"

#include <string.h>

#include "aggregate/quote.h"
#include "common/fault.h"

bool changes_any(const struct task *task, const struct task_input *input)
{
	for (size_t i = 0; i < task->state.load_count; i++)
		if (task->state.load[i].input == input)
			return true;
	return false;
}

bool changes_any_gone(const struct task *task, const struct task_input *input)
{
	if (mutant("no-gone"))
		return false;
	for (size_t i = 0; i < task->state.load_count; i++)
		if (task->state.load[i].input == input &&
		    task->state.load[i].op != 'i')
			return true;
	return false;
}

/* column = any('{...}'): constants, so that indexes and partitions serve. */
static void add_loads(struct buf *out, const struct task *task,
		      const struct task_input *input, const char *column)
{
	const char *separator = "";

	buf_format(out, "%s = any('{", column);
	for (size_t i = 0; i < task->state.load_count; i++) {
		const struct load *load = &task->state.load[i];

		if (load->input != input)
			continue;
		buf_format(out, "%s\"%s\"", separator, load->loaded_at);
		separator = ",";
	}
	buf_add_text(out, "}'::timestamptz[])");
}

static void add_select(struct buf *out, const struct task_input *input,
		       const char *table)
{
	if (input->columns.count) {
		buf_add_text(out, "select ");
		columns_list(out, &input->columns, "");
		buf_format(out, ", loaded_at from %s where ", table);
		return;
	}
	buf_format(out, "select * from %s where ", table);
}

/* Whether rows of these loads may be among old versions by now: the loads that
 * retired them may be left to a later step. */
static bool may_be_old(const struct task *task, const struct task_input *input)
{
	if (mutant("live-only"))
		return false;
	return changes_any_gone(task, input) ||
	       (input->is_retiring && (!input->task || input->has_old) &&
		!mutant("step-alone"));
}

void changes_new(struct buf *out, const struct task *task,
		 const struct task_input *input)
{
	add_select(out, input, input->table);
	if (!changes_any(task, input)) {
		buf_add_text(out, "false");
		return;
	}
	add_loads(out, task, input, "loaded_at");
	if (!may_be_old(task, input))
		return;
	buf_add_text(out, "\nunion all ");
	add_select(out, input, input->old);
	add_loads(out, task, input, "loaded_at");
}

void changes_gone(struct buf *out, const struct task *task,
		  const struct task_input *input)
{
	if (!changes_any_gone(task, input)) {
		add_select(out, input, input->table);
		buf_add_text(out, "false");
		return;
	}
	add_select(out, input, input->old);
	add_loads(out, task, input, "retired_at");
	if (input->unread) /* they were never taken in */
		buf_format(out, " and loaded_at <> all('{%s}'::timestamptz[])",
			   input->unread);
}

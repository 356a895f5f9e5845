#include "aggregate/ls.h"

#include <jansson.h>

#include "aggregate/table.h"
#include "common/buf.h"

const char *ls_materialized(const struct task *task)
{
	if (task->seed)
		return "seed";
	switch (task->model->materialized) {
	case MATERIALIZED_VIEW:
		return "view";
	case MATERIALIZED_TABLE:
		return "table";
	case MATERIALIZED_SNAPSHOT:
		return "snapshot";
	case MATERIALIZED_INCREMENTAL:
		break;
	}
	return "incremental";
}

json_t *ls_strings(const char *const *text, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(text[i]));
	return array;
}

static const struct graph_node *node_of(const struct tasks *tasks,
					const struct task *task)
{
	size_t number = (size_t)(task->relation - tasks->project->relation);

	return &tasks->project->graph->node[number];
}

static void print_json(const struct tasks *tasks, const struct task *task,
		       FILE *out)
{
	const struct graph_node *node = node_of(tasks, task);
	const struct model *model = task->model;
	json_t *inputs = json_array();
	json_t *object;

	for (size_t i = 0; i < node->input_count; i++)
		json_array_append_new(
			inputs,
			json_string(
				tasks->project->relation[node->input[i]].name));
	object = json_pack(
		"{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s?, s:s?, s:s?}", "name",
		task->name, "resource_type", task->seed ? "seed" : "model",
		"materialized", ls_materialized(task), "strategy",
		task_strategy(task), "tags",
		ls_strings((const char *const *)model->tag, model->tag_count),
		"unique_key",
		ls_strings((const char *const *)model->unique_key,
			   model->unique_key_count),
		"depends_on", inputs, "original_file_path", model->file,
		"export", model->export_path, "description",
		model->description);
	json_dumpf(object, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(object);
}

static void add_row(struct table *table, const struct tasks *tasks,
		    const struct task *task)
{
	const struct graph_node *node = node_of(tasks, task);
	struct buf list = BUF_INIT;

	table_add(table, task->name);
	table_add(table, ls_materialized(task));
	table_add(table, task_strategy(task));
	for (size_t i = 0; i < task->model->tag_count; i++)
		buf_format(&list, "%s%s", i ? "," : "", task->model->tag[i]);
	table_add(table, buf_text(&list));
	buf_reset(&list);
	for (size_t i = 0; i < node->input_count; i++)
		buf_format(&list, "%s%s", i ? ", " : "",
			   tasks->project->relation[node->input[i]].name);
	table_add(table, buf_text(&list));
	buf_release(&list);
}

void ls_print(const struct tasks *tasks, enum output output, FILE *out)
{
	static const char *const heading[] = {"MODEL", "KIND", "STRATEGY",
					      "TAGS", "READS"};
	struct table table = TABLE_INIT(5);

	for (size_t i = 0; i < table.columns; i++)
		table_add(&table, heading[i]);
	for (size_t i = 0; i < tasks->count; i++) {
		const struct task *task = tasks->order[i];

		if (!task->is_selected)
			continue;
		if (output == OUTPUT_JSON)
			print_json(tasks, task, out);
		else if (output == OUTPUT_NAME)
			fprintf(out, "%s\n", task->name);
		else
			add_row(&table, tasks, task);
	}
	if (table_rows(&table))
		table_print(&table, out);
	table_release(&table);
}

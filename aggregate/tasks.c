/* The tasks of a project: what each reads, who reads it, what it is called. */
#include "aggregate/task.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "aggregate/index.h"
#include "aggregate/joint.h"
#include "aggregate/quote.h"
#include "aggregate/retention.h"
#include "aggregate/seed.h"
#include "common/buf.h"
#include "common/mem.h"

enum { NAME_MAX_BYTES = 63, SUFFIX_BYTES = 9 }; /* of an index: _0123abcd */

static const char *quoted_relation(struct arena *arena, const char *name)
{
	struct buf text = BUF_INIT;
	const char *copy;

	quote_relation(&text, name);
	copy = arena_strdup(arena, buf_text(&text));
	buf_release(&text);
	return copy;
}

/* millrace_old.pack__base of pack.base */
static const char *old_of(struct arena *arena, const char *relation)
{
	const char *base = strchr(relation, '.') + 1;

	return quoted_relation(arena,
			       arena_format(arena, "millrace_old.%.*s__%s",
					    (int)(base - 1 - relation),
					    relation, base));
}

static bool name_it(struct arena *arena, struct task *task, struct error *err)
{
	const struct model *model = task->model;
	size_t old = strlen(model->pack) + strlen("__") + strlen(model->base);

	if (old > NAME_MAX_BYTES ||
	    strlen(model->base) + SUFFIX_BYTES > NAME_MAX_BYTES)
		return error_config(err,
				    "%s: the name %s is too long: pack and "
				    "model together at most 61 bytes, the "
				    "model at most 54",
				    model->file, task->name);
	task->table = quoted_relation(arena, task->name);
	task->old = old_of(arena, task->name);
	return true;
}

/* The code of a stored model includes that of the views it reads through. */
static void hash_it(const struct tasks *tasks, struct task *task, size_t number)
{
	static const char digits[] = "0123456789abcdef";
	const struct graph *graph = tasks->project->graph;
	bool *reached = mem_zalloc(tasks->project->relation_count, 1);
	uint8_t hash[16];
	struct buf all = BUF_INIT;
	XXH128_canonical_t digest;

	memcpy(hash, task->model->code_hash, sizeof hash);
	if (!task_is_view(task) && !task->seed) {
		buf_add(&all, hash, sizeof hash);
		graph_reach(graph, number, GRAPH_UPSTREAM, SIZE_MAX, reached);
		for (size_t i = 0; i < graph->count; i++) {
			const struct task *other = tasks->at[i];

			if (reached[i] && other && task_is_view(other))
				buf_add(&all, other->model->code_hash,
					sizeof other->model->code_hash);
		}
		if (all.len > sizeof hash) {
			XXH128_canonicalFromHash(
				&digest, XXH3_128bits(all.data, all.len));
			memcpy(hash, digest.digest, sizeof hash);
		}
	}
	for (size_t i = 0; i < sizeof hash; i++) {
		task->code_hash[2 * i] = digits[hash[i] >> 4];
		task->code_hash[2 * i + 1] = digits[hash[i] & 15];
	}
	buf_release(&all);
	free(reached);
}

/* Lookups that do not react are not waited for. */
static void find_inputs(struct tasks *tasks, struct task *task)
{
	const struct relation *relation = task->relation;

	/* a view without tests and file has nothing to do about loads */
	if (task_is_view(task) && !task->model->test_count &&
	    !task->model->export_path)
		return;
	task->input = arena_zalloc(&tasks->arena, (relation->input_count + 1) *
							  sizeof *task->input);
	for (size_t i = 0; i < relation->input_count; i++) {
		const struct input *from = &relation->input[i];
		struct task_input *to = &task->input[task->input_count];

		if (!from->is_marked && from->on_change != ON_CHANGE_RECOMPUTE)
			continue;
		to->relation = tasks->project->relation[from->relation].name;
		to->is_staging =
			tasks->project->relation[from->relation].kind ==
			RELATION_STREAM;
		to->task = tasks->at[from->relation];
		to->table = quoted_relation(&tasks->arena, to->relation);
		to->old = old_of(&tasks->arena, to->relation);
		to->is_marked = from->is_marked &&
				!(from->is_looked_up &&
				  from->on_change == ON_CHANGE_RECOMPUTE);
		task->input_count++;
	}
}

static void find_consumers(struct tasks *tasks, struct task *task)
{
	task->consumer = arena_zalloc(&tasks->arena,
				      (tasks->count + 1) * sizeof(void *));
	for (size_t i = 0; i < tasks->count; i++) {
		struct task *other = tasks->order[i];

		for (size_t k = 0; k < other->input_count; k++)
			if (other->input[k].task == task &&
			    other->input[k].is_marked)
				task->consumer[task->consumer_count++] = other;
	}
}

/* Its markers are found through indexes; staging has none. */
static bool check_recompute(const struct tasks *tasks, const struct task *task,
			    struct error *err)
{
	const struct model *model = task->model;

	for (size_t i = 0; i < model->marker_count; i++) {
		const struct marker *marker = &model->marker[i];

		if (model->strategy == STRATEGY_RECOMPUTE &&
		    project_find(tasks->project, marker->relation)->kind ==
			    RELATION_STREAM)
			return error_config(
				err,
				"%s:%d: recompute looks for its rows through "
				"an index, and %s has none: put a merge or "
				"append model in between",
				model->file, marker->line, marker->relation);
	}
	return true;
}

/* Views that read the task, or read such a view. */
static void find_views(struct tasks *tasks, struct task *task, size_t number)
{
	const struct graph *graph = tasks->project->graph;
	bool *shows = mem_zalloc(graph->count + 1, sizeof *shows);

	task->view = arena_zalloc(&tasks->arena,
				  (tasks->count + 1) * sizeof(void *));
	shows[number] = true;
	for (size_t i = 0; i < graph->count; i++) {
		size_t node = graph->order[i];
		struct task *other = tasks->at[node];

		if (!other || !task_is_view(other) || node == number)
			continue;
		for (size_t k = 0; k < graph->node[node].input_count; k++)
			shows[node] |= shows[graph->node[node].input[k]];
		if (shows[node])
			task->view[task->view_count++] = other;
	}
	free(shows);
}

static bool fill(struct tasks *tasks, const struct relation *relation,
		 struct task *task, struct error *err)
{
	task->relation = relation;
	task->name = relation->name;
	if (relation->kind == RELATION_SEED) {
		if (!seed_open(&task->seed, relation->file, relation->pack,
			       relation->name, err))
			return false;
		task->model = seed_model(task->seed);
	} else {
		task->model = relation->model;
	}
	return name_it(&tasks->arena, task, err);
}

bool tasks_open(struct tasks **out, const struct project *project,
		struct error *err)
{
	struct tasks *tasks = mem_zalloc(1, sizeof *tasks);
	size_t count = project->relation_count;

	tasks->project = project;
	tasks->at = arena_zalloc(&tasks->arena, (count + 1) * sizeof(void *));
	tasks->order =
		arena_zalloc(&tasks->arena, (count + 1) * sizeof(void *));
	for (size_t i = 0; i < count; i++) {
		size_t node = project->graph->order[i];
		const struct relation *relation = &project->relation[node];

		if (relation_is_raw(relation))
			continue;
		tasks->at[node] =
			arena_zalloc(&tasks->arena, sizeof **tasks->at);
		tasks->order[tasks->count++] = tasks->at[node];
		if (!fill(tasks, relation, tasks->at[node], err)) {
			tasks_close(tasks);
			return false;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (!tasks->at[i])
			continue;
		find_inputs(tasks, tasks->at[i]);
		if (!check_recompute(tasks, tasks->at[i], err)) {
			tasks_close(tasks);
			return false;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (!tasks->at[i])
			continue;
		find_consumers(tasks, tasks->at[i]);
		find_views(tasks, tasks->at[i], i);
		hash_it(tasks, tasks->at[i], i);
		tasks->at[i]->indexes =
			index_signature(tasks->at[i], &tasks->arena);
		retention_note(tasks, tasks->at[i]);
	}
	if (!joints_open(tasks, err) || !retention_check(tasks, err)) {
		tasks_close(tasks);
		return false;
	}
	joints_group(tasks);
	*out = tasks;
	return true;
}

void tasks_close(struct tasks *tasks)
{
	if (!tasks)
		return;
	for (size_t i = 0; i < tasks->count; i++) {
		seed_close(tasks->order[i]->seed);
		free(tasks->order[i]->seen);
		arena_release(&tasks->order[i]->state.arena);
	}
	joints_close(tasks);
	arena_release(&tasks->arena);
	free(tasks);
}

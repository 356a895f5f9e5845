#include "aggregate/joint.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/pack_files.h"
#include "aggregate/quote.h"
#include "aggregate/singular.h"
#include "common/buf.h"
#include "common/mem.h"

/* --- opening -------------------------------------------------------------- */

/* Marks the task of a relation, and those that a view shows. */
static void mark(const struct tasks *tasks, size_t number, bool *named)
{
	const struct relation *relation = &tasks->project->relation[number];

	named[number] = true;
	if (!relation_is_view(relation))
		return;
	for (size_t i = 0; i < relation->input_count; i++)
		named[relation->input[i].relation] = true;
}

static struct joint *add_joint(struct tasks *tasks, const bool *named)
{
	struct joint *joint;

	MEM_GROW(tasks->joint, tasks->joint_count, tasks->joint_capacity);
	joint = &tasks->joint[tasks->joint_count++];
	*joint = (struct joint){.is_due = false};
	joint->named = arena_alloc(&tasks->arena,
				   (tasks->count + 1) * sizeof *joint->named);
	for (size_t i = 0; i < tasks->project->relation_count; i++)
		joint->sees_raw |=
			named[i] &&
			relation_is_raw(&tasks->project->relation[i]);
	for (size_t i = 0; i < tasks->count; i++) {
		struct task *task = tasks->order[i];

		if (named[task->relation - tasks->project->relation])
			joint->named[joint->named_count++] = task;
	}
	return joint;
}

static void add_relationships(struct tasks *tasks, const struct task *task,
			      bool *named)
{
	const struct project *project = tasks->project;

	for (size_t i = 0; i < task->model->test_count; i++) {
		const struct model_test *test = &task->model->test[i];
		struct joint *joint;

		if (!test_is_joint(test))
			continue;
		memset(named, 0, project->relation_count);
		mark(tasks, (size_t)(task->relation - project->relation),
		     named);
		mark(tasks,
		     (size_t)(project_find(project, test->to) -
			      project->relation),
		     named);
		joint = add_joint(tasks, named);
		joint->test = test;
		joint->child = task;
		joint->name = arena_format(&tasks->arena, "%s %s", task->name,
					   test->name);
	}
}

static bool add_file(struct tasks *tasks, const struct pack_file *file,
		     bool *named, struct error *err)
{
	struct singular *singular;
	struct joint *joint;

	if (!singular_parse(&singular, tasks->project, file, err))
		return false;
	memset(named, 0, tasks->project->relation_count);
	for (size_t i = 0; i < singular->relation_count; i++)
		mark(tasks, singular->relation[i], named);
	joint = add_joint(tasks, named);
	joint->singular = singular;
	joint->test = &singular->test;
	joint->name = joint->test->name;
	return true;
}

bool joints_open(struct tasks *tasks, struct error *err)
{
	bool *named = mem_zalloc(tasks->project->relation_count + 1, 1);
	struct pack_file *file;
	size_t count = 0;
	bool ok;

	ok = pack_files_read(tasks->project, "tests", &tasks->arena, &file,
			     &count, err);
	for (size_t i = 0; ok && i < tasks->count; i++)
		add_relationships(tasks, tasks->order[i], named);
	for (size_t i = 0; ok && i < count; i++)
		ok = add_file(tasks, &file[i], named, err);
	free(named);
	return ok;
}

void joints_close(struct tasks *tasks)
{
	for (size_t i = 0; i < tasks->joint_count; i++)
		singular_close(tasks->joint[i].singular);
	free(tasks->joint);
}

/* --- when ----------------------------------------------------------------- */

bool joint_concerns(const struct joint *joint, const struct task *task)
{
	for (size_t i = 0; i < joint->named_count; i++)
		if (joint->named[i] == task)
			return true;
	return false;
}

/* A view as its file says: it shows what the stored ones hold. */
static bool is_current_view(const struct task *task)
{
	return task_is_view(task) && task->state.is_there &&
	       !strcmp(task->state.code_hash, task->code_hash);
}

static bool is_readable(const struct task *task)
{
	return task_is_view(task) ? is_current_view(task)
				  : task->state.is_there;
}

static bool is_due(const struct task *task)
{
	return task->is_selected && task->status == TASK_IDLE &&
	       task->turn != TURN_OVER && (task->is_due || task->is_touched);
}

/* Whether a task's turn is to come, or that of something it reads. */
static bool will_run(const struct run *run, const struct task *task)
{
	const struct tasks *tasks = run->tasks;
	const struct project *project = tasks->project;
	bool *reached;
	bool will = false;

	if (!task->is_selected || task->status != TASK_IDLE)
		return false;
	if (is_due(task))
		return true;
	reached = mem_zalloc(project->relation_count + 1, 1);
	graph_reach(project->graph,
		    (size_t)(task->relation - project->relation),
		    GRAPH_UPSTREAM, SIZE_MAX, reached);
	for (size_t i = 0; i < project->relation_count && !will; i++)
		will = reached[i] && tasks->at[i] &&
		       !task_is_view(tasks->at[i]) && is_due(tasks->at[i]);
	free(reached);
	return will;
}

/* Whether one that is named will change after the task. */
static bool must_wait(struct run *run, const struct joint *joint,
		      const struct task *task)
{
	bool wait = false;

	run_lock(run);
	for (size_t i = joint->named_count; i-- > 0 && !wait;) {
		const struct task *other = joint->named[i];

		wait = other != task && !is_current_view(other) &&
		       will_run(run, other);
	}
	run_unlock(run);
	return wait;
}

bool joint_is_busy(const struct tasks *tasks, const struct task *task)
{
	for (size_t i = 0; i < tasks->joint_count; i++) {
		const struct joint *joint = &tasks->joint[i];

		if (!joint_concerns(joint, task))
			continue;
		for (size_t k = 0; k < joint->named_count; k++)
			if (joint->named[k]->turn == TURN_TAKEN)
				return true;
	}
	return false;
}

void joint_names(struct buf *out, const struct tasks *tasks,
		 const struct task *task)
{
	for (size_t i = 0; i < tasks->joint_count; i++) {
		if (!joint_concerns(&tasks->joint[i], task))
			continue;
		buf_add_text(out, out->len ? ", " : "");
		quote_literal(out, tasks->joint[i].name);
	}
}

static bool is_there(const struct joint *joint, const struct task *but)
{
	for (size_t i = 0; i < joint->named_count; i++)
		if (joint->named[i] != but && !is_readable(joint->named[i]))
			return false;
	return true;
}

/* Whether the change could break the test at all: parents that come break no
 * relationship. */
static bool can_break(const struct joint *joint, const struct task *task,
		      const struct joint_change *change)
{
	if (joint->is_due || change->is_new_code)
		return true;
	if (!change->changed)
		return false;
	return joint->singular || joint->child == task ||
	       task_is_view(joint->child) || change->deleted;
}

bool joint_is_left(const struct joint *joint)
{
	for (size_t i = 0; i < joint->named_count; i++) {
		enum task_status status = joint->named[i]->status;

		if (status != TASK_IDLE && status != TASK_DONE)
			return false;
	}
	return joint->is_due && is_there(joint, NULL);
}

bool joint_is_selected(const struct joint *joint)
{
	bool selected = joint->named_count == 0; /* it names streams alone */

	for (size_t i = 0; i < joint->named_count; i++)
		selected |= joint->named[i]->is_selected;
	return selected && is_there(joint, NULL);
}

/* --- running -------------------------------------------------------------- */

struct test_case joint_case(const struct joint *joint, struct arena *arena)
{
	const struct model *model;

	if (joint->child)
		return test_case_of(joint->child, joint->test, NULL, arena);
	model = &joint->singular->model;
	return (struct test_case){
		.test = joint->test,
		.model = joint->named_count
				 ? joint->named[joint->named_count - 1]->name
				 : model->name,
		.file = model->file,
		.table = "",
	};
}

bool joint_run(struct test_report *report, struct run *run, struct pg *pg,
	       const struct task *task, const struct joint_change *change,
	       bool *ran, struct arena *arena, struct error *err)
{
	const struct tasks *tasks = run->tasks;

	if (task->state.next_load) /* it changes once more, in the next step */
		return true;
	for (size_t i = 0; i < tasks->joint_count; i++) {
		const struct joint *joint = &tasks->joint[i];
		struct test_case one;

		if (!joint_concerns(joint, task) ||
		    !can_break(joint, task, change) || !is_there(joint, task) ||
		    must_wait(run, joint, task))
			continue;
		one = joint->child == task && !joint->is_due &&
				      !change->is_new_code
			      ? test_case_of(task, joint->test, change->added,
					     arena)
			      : joint_case(joint, arena);
		if (!test_cases_run(report, pg, run->timeout_ms, &one, 1, arena,
				    err))
			return false;
		ran[i] = true;
	}
	return true;
}

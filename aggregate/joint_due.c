#include <stdlib.h>
#include <string.h>

#include "aggregate/joint.h"
#include "aggregate/quote.h"
#include "common/buf.h"
#include "common/mem.h"
#include "common/pg.h"

const char joint_question[] = "select exists (select from millrace.due_test)";

/* A pass that was told to leave its models alone leaves the test alone too:
 * another may be between them. */
static bool is_asked_for(const struct joint *joint)
{
	for (size_t i = 0; i < joint->named_count; i++)
		if (joint->named[i]->is_selected)
			return true;
	return false;
}

void joints_ask(struct tasks *tasks)
{
	for (size_t i = 0; i < tasks->joint_count; i++) {
		const struct joint *joint = &tasks->joint[i];

		for (size_t k = 0;
		     k < joint->named_count && is_asked_for(joint); k++)
			joint->named[k]->is_asked = true;
	}
}

void joint_reach(const struct tasks *tasks, const struct joint *joint,
		 bool *reached)
{
	const struct project *project = tasks->project;

	for (size_t i = 0; i < joint->named_count; i++)
		graph_reach(
			project->graph,
			(size_t)(joint->named[i]->relation - project->relation),
			GRAPH_UPSTREAM, SIZE_MAX, reached);
}

void joints_group(struct tasks *tasks)
{
	size_t count = tasks->project->relation_count;
	bool *reached = mem_zalloc(count + 1, sizeof *reached);

	for (size_t i = 0; i < tasks->joint_count; i++)
		joint_reach(tasks, &tasks->joint[i], reached);
	for (size_t i = 0; i < count; i++)
		if (reached[i] && tasks->at[i])
			tasks->at[i]->is_grouped = true;
	free(reached);
}

static void forget_sql(struct buf *out, const char *name)
{
	buf_add_text(out, "delete from millrace.due_test where test = ");
	quote_literal(out, name);
	buf_add_text(out, ";\n");
}

/* Marks the test of that name.  False: the project has none. */
static bool recall(struct tasks *tasks, const char *name)
{
	bool found = false;

	for (size_t i = 0; i < tasks->joint_count; i++) {
		struct joint *joint = &tasks->joint[i];

		if (strcmp(name, joint->name) != 0)
			continue;
		found = true;
		joint->is_due |= is_asked_for(joint);
	}
	return found;
}

/* Of a pack of ours: `pack.model test` or `pack/tests/file.sql`. */
static bool is_of_pack(const struct tasks *tasks, const char *name)
{
	size_t len = strcspn(name, "./");

	for (size_t i = 0; i < tasks->count; i++) {
		const char *pack = tasks->order[i]->model->pack;

		if (strlen(pack) == len && !strncmp(pack, name, len))
			return true;
	}
	return false;
}

bool joints_recall(struct tasks *tasks, struct pg *pg, int64_t timeout_ms,
		   struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	tasks->knows_due |= !tasks->has_due_test;
	if (tasks->knows_due)
		return true;
	if (!pg_fetch(pg, timeout_ms, err, &res, NULL,
		      "begin; set local role millrace_aggregate; "
		      "select test from millrace.due_test; commit"))
		return false;
	tasks->knows_due = true;
	for (int row = 0; row < PQntuples(res); row++)
		if (!recall(tasks, PQgetvalue(res, row, 0)) &&
		    is_of_pack(tasks, PQgetvalue(res, row, 0)))
			forget_sql(&sql, PQgetvalue(res, row, 0));
	ok = !sql.len || pg_runf(pg, timeout_ms, err,
				 "begin; set local role millrace_aggregate; "
				 "%s commit",
				 buf_text(&sql));
	PQclear(res);
	buf_release(&sql);
	return ok;
}

void joint_forget_sql(struct buf *out, const struct joint *joint)
{
	forget_sql(out, joint->name);
}

void joint_due_sql(struct buf *out, const struct tasks *tasks,
		   const struct task *task, bool changed, const bool *ran)
{
	for (size_t i = 0; i < tasks->joint_count; i++) {
		const struct joint *joint = &tasks->joint[i];

		if (ran[i] && joint->is_due)
			joint_forget_sql(out, joint);
		if (ran[i] || joint->is_due || !changed ||
		    !joint_concerns(joint, task))
			continue;
		buf_add_text(out, "insert into millrace.due_test values (");
		quote_literal(out, joint->name);
		buf_add_text(out, ") on conflict do nothing;\n");
	}
}

void joint_committed(struct tasks *tasks, const struct task *task, bool changed,
		     const bool *ran)
{
	for (size_t i = 0; i < tasks->joint_count; i++)
		if (ran[i])
			tasks->joint[i].is_due = false;
		else if (changed && joint_concerns(&tasks->joint[i], task))
			tasks->joint[i].is_due = true;
}

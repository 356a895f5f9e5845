/*
 * joint.h - tests that several models can break
 *
 * A file of tests/ looks at what it names, a relationships test at a child and
 * a parent.  Such a test runs in the transaction of that one of the named that
 * is the last to change in the pass, so that it sees all of them as they will
 * be, and holds that publication.  Where it turned out later that nobody would
 * run it (the last one had nothing to do after all), the pass ends with it:
 * then it can only say what is wrong.
 */
#ifndef AGGREGATE_JOINT_H
#define AGGREGATE_JOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "aggregate/run.h"
#include "aggregate/test.h"

struct singular;

struct joint {
	struct singular *singular; /* NULL: a relationships test */
	const struct model_test *test;
	const char *name;         /* of all of them, in millrace.due_test */
	const struct task *child; /* of a relationships test */
	struct task **named;      /* views, and what they read; inputs first */
	size_t named_count;
	bool sees_raw; /* a stream or source itself, or by a view */
	bool is_due;   /* one of them has changed since the test last ran */
};

/* Reads the files, and gathers the relationships: tasks->joint. */
bool joints_open(struct tasks *tasks, struct error *err) MUST_CHECK;
void joints_close(struct tasks *tasks);

/* Whether it names the task. */
bool joint_concerns(const struct joint *joint, const struct task *task);

/* Sets reached[i] for every relation that it names, or that is behind one. */
void joint_reach(const struct tasks *tasks, const struct joint *joint,
		 bool *reached);

/* What a transaction has done to its task. */
struct joint_change {
	bool is_new_code, changed, deleted;
	const char *added; /* temporary table; NULL: anything may be new */
};

/* In the transaction of a task: runs the tests that it is the last for.
 * ran[i] becomes true for joint i. */
bool joint_run(struct test_report *report, struct run *run, struct pg *pg,
	       const struct task *task, const struct joint_change *change,
	       bool *ran, struct arena *arena, struct error *err) MUST_CHECK;

/* Marks, as is_grouped, what is named by such tests and what that is made from:
 * they have their turns together, in a pass of their own, since a test makes
 * sense where all of them have seen the same. */
void joints_group(struct tasks *tasks);

/* Marks, as is_asked, what has a test in common with something selected. */
void joints_ask(struct tasks *tasks);

/* Reads from the database which tests earlier runs have left due, and forgets
 * those that are not in the files any more. */
extern const char joint_question[]; /* a select: whether there is any */
bool joints_recall(struct tasks *tasks, struct pg *pg, int64_t timeout_ms,
		   struct error *err) MUST_CHECK;

/* SQL that remembers, in the task's transaction, what joint_committed will; and
 * that forgets a test that has run. */
void joint_due_sql(struct buf *out, const struct tasks *tasks,
		   const struct task *task, bool changed, const bool *ran);
void joint_forget_sql(struct buf *out, const struct joint *joint);

/* After its commit; with the run's mutex held. */
void joint_committed(struct tasks *tasks, const struct task *task, bool changed,
		     const bool *ran);

/* Whether a task that is being worked on has a test in common with this one:
 * neither would see what the other does. */
bool joint_is_busy(const struct tasks *tasks, const struct task *task);

/* Adds the names of those tests, as literals after commas: who works on the
 * task holds a lock on each, since other programs may be at work too. */
void joint_names(struct buf *out, const struct tasks *tasks,
		 const struct task *task);

/* Whether a test that is still due can run at the end of the pass. */
bool joint_is_left(const struct joint *joint);

/* Whether it can run on what is there, and one of the named is selected. */
bool joint_is_selected(const struct joint *joint);

struct test_case joint_case(const struct joint *joint, struct arena *arena);

#endif

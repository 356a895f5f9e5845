/*
 * task.h - a model, view or seed as a run sees it
 *
 * The project says what there is; a task adds what the database says about it
 * (its state) and what became of it in this run.  Tasks have the numbers of
 * the project's relations; streams have none.
 */
#ifndef AGGREGATE_TASK_H
#define AGGREGATE_TASK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate/project.h"
#include "aggregate/relation.h"

struct joint;
struct seed;

/* A ledger row that a task has not consumed. */
struct load {
	int64_t id;
	const struct task_input *input;
	const char *loaded_at; /* text, UTC */
	char op;               /* i, u, d, t, r */
	bool has_gone; /* d: the rows it replaced are there to be read */
	int64_t rows;
};

/* What the database knew when it was last looked at. */
struct task_state {
	bool is_known;    /* millrace.model has a row: it was built once */
	bool is_there;    /* the relation exists, as table or view as meant */
	bool is_other;    /* a view has the table's name, or vice versa */
	bool has_old;     /* so does its table of old versions */
	bool has_indexes; /* as task->indexes says */
	bool is_queued;   /* for a rebuild: what is excluded has changed */
	char code_hash[33];
	int64_t gone_from_load; /* gone rows of later loads are complete */
	int64_t changed_load;   /* its newest own ledger row */
	int64_t exported_load;  /* the one its CSV shows */
	struct load *load;      /* pending, by id; none before it is known */
	size_t load_count;
	int64_t next_load;  /* the first that this step leaves; 0: none */
	int64_t held_load;  /* the first that is left to wait: attempt_leave; 0:
			       none */
	struct arena arena; /* of the loads */
};

/* A relation whose loads matter to a task. */
struct task_input {
	const char *relation;
	struct task *task; /* NULL: a stream or source */
	bool is_staging;   /* a stream: its BRIN index is ours to summarize */
	bool is_marked;    /* read as change sets; else any load rebuilds */
	const char *table; /* quoted */
	const char *old;   /* quoted: where its replaced rows are, if any */
	const char *excluded; /* loaded_at of loads to do without, as the body
				 of an array; NULL: none.  Lives until the
				 next look */
	const char *unread; /* the same, and of loads that wait for their tests:
			       whose rows this transaction does not read */
	struct columns columns; /* read when its changes are */
	/* of a task, as its reader's snapshot shows it */
	bool has_old;
	int64_t gone_from_load;
	bool is_retiring; /* a pending load, taken now or in a later step, may
			     have retired rows of others */
};

enum task_status {
	TASK_IDLE,
	TASK_DONE,
	TASK_LOCKED, /* another periodic works on it, or builds what it reads */
	TASK_SKIPPED, /* something it reads has failed */
	TASK_TESTS,   /* its tests have failed */
	TASK_FAILED,  /* its SQL or the database has */
	TASK_STOPPED, /* rolled back, since the program was asked to stop */
};

/* Where those who work stand with a task (crew.h). */
enum task_turn { TURN_WAITING, TURN_TAKEN, TURN_OVER };

struct task {
	const struct relation *relation;
	const struct model *model; /* a seed has one too: made from its file */
	struct seed *seed;         /* NULL unless it is one */
	const char *name;          /* pack.base */
	const char *table;         /* quoted */
	const char *old;           /* quoted: millrace_old.pack__base */
	char code_hash[33];        /* of the text and of the views it reads */
	const char *indexes;       /* the signature of those it should have */
	const char *reads;         /* SQL: the streams it reads, and those of
				      which it needs every row for good */
	struct task_input *input;
	size_t input_count;
	struct task **consumer; /* who reads it behind a marker */
	size_t consumer_count;
	struct task **view; /* views that show it, inputs first */
	size_t view_count;
	bool is_selected;
	bool is_awaited; /* it will be selected in time: pace.h */
	bool is_asked;   /* what is selected needs to know its state */
	bool is_grouped; /* it, or what is made from it, is looked at by a test
			    of several: joint.h */
	bool is_loose;   /* but does not keep abreast of them: abreast.h */
	bool is_abreast; /* takes, in this turn, what was seen before it */
	int64_t *seen;   /* loads of streams and sources, ascending */
	size_t seen_count, seen_capacity;
	bool is_working; /* handed to those who work: a look leaves it out */
	bool is_missed;  /* a look has left it out since */
	bool is_kept;    /* old versions stayed, since it was worked on */
	struct task_state state;
	/* guarded by the run's mutex */
	bool is_due;      /* for a reason known when its turn came */
	bool is_touched;  /* an input has changed */
	bool needs_prune; /* a reader has consumed since old versions were
			     dropped */
	bool needs_swap;  /* its table must be replaced, while nothing else runs
			   */
	enum task_turn turn;
	int64_t since_ms; /* when its turn came, clock_ms */
	int64_t over_ms;  /* when it was last worked on */
	int64_t took_ms;  /* the last time that it was worked on */
	int64_t used_ms;  /* the shorter of the last two */
	enum task_status status;
};

struct tasks {
	const struct project *project;
	struct task **order; /* inputs first */
	size_t count;
	bool is_narrow; /* a look is at those that is_asked, not at all */
	/* of the run: what a task shows to others while they work is written
	 * and read with it; NULL: one works alone */
	pthread_mutex_t *mutex;
	/* what the last look has told besides */
	bool is_tick_due;     /* the seal is old: ledger_tick */
	bool has_stale;       /* stale_end may have something to do */
	bool fits_schema;     /* ledger_glance has seen that it does */
	bool has_due_test;    /* joints_recall has something to read */
	char unwatched[256];  /* tables of others that tell of no loads */
	char warned[256];     /* the same, when it was last said */
	int64_t retention_ms; /* clock_ms: retention rests until then */
	struct task *
		*at; /* by number of the relation; NULL: a stream or source */
	struct joint *joint; /* tests that several models can break */
	size_t joint_count, joint_capacity;
	bool knows_due;   /* joints_recall */
	bool knows_loose; /* task->is_loose */
	bool *chosen; /* by number of the relation, streams too; NULL: all */
	struct arena arena;
};

/* First keys of advisory locks, `mrun`, `mtst` and `mswp`: of a model and of a
 * test of several (the second key is hashtext of its name), and of those who
 * put tables in others' places. */
enum {
	LOCK_MODEL = 0x6d72756e,
	LOCK_TEST = 0x6d747374,
	LOCK_SWAP = 0x6d737770
};

/* What tasks show to each other. */
void tasks_lock(const struct tasks *tasks);
void tasks_unlock(const struct tasks *tasks);

/* The input of that name, NULL: it reads none.  What the model marks is one:
 * the project has checked it. */
struct task_input *task_input_of(const struct task *task, const char *relation);

/* Whether it is computed at reading; all else has a table. */
bool task_is_view(const struct task *task);

/* Whether somebody reads its changes, so that old versions must be kept. */
bool task_is_consumed(const struct task *task);

/* How the log and `ls` call what it does: merge, view, seed. */
const char *task_strategy(const struct task *task);

/* Takes everything that reads it, directly or not, out of this pass, as
 * TASK_SKIPPED or TASK_LOCKED. */
void task_leave_descendants(const struct tasks *tasks, const struct task *task,
			    enum task_status status);

/* Marks those that its new ledger row makes due. */
void task_touch_consumers(const struct tasks *tasks, const struct task *task);

/* --- tasks.c -------------------------------------------------------------- */

/* Borrows the project, which must outlive the tasks. */
bool tasks_open(struct tasks **out, const struct project *project,
		struct error *err) MUST_CHECK;
void tasks_close(struct tasks *tasks);

#endif

#include "aggregate/job_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/job_state.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"
#include "common/spawn.h"
#include "common/stop.h"

enum { HOOK_MS = 60000 };

/* A job on its way. */
struct running {
	const struct job *job;
	struct run *run;
	const struct job_host *host;
	struct pg *pg; /* holds the job's lock, writes its row */
	int64_t started_ms;
	int64_t deadline_ms; /* INT64_MAX: none */
	int attempts;
	bool is_busy; /* elsewhere */
	struct error failure;
};

static bool is_late(const struct running *job)
{
	return clock_ms() >= job->deadline_ms;
}

/* --- before --------------------------------------------------------------- */

static bool begin(struct running *job, struct error *err)
{
	bool mine = false;

	if (!job->host->open(job->host->arg, &job->pg, err) ||
	    !job_state_lock(job->pg, job->job->name, &mine, err))
		return false;
	job->is_busy = !mine;
	if (job->is_busy) {
		log_line(LOG_INFO, "job %s: is already running elsewhere",
			 job->job->name);
		return true;
	}
	return job_state_begin(job->pg, job->job->name, err);
}

/* --- attempts ------------------------------------------------------------- */

static bool has_failed(const struct task *task)
{
	return task->status == TASK_FAILED || task->status == TASK_TESTS ||
	       task->status == TASK_SKIPPED;
}

/* Chooses what the attempt before has not brought about; of one that was cut
 * short nobody knows, nor where no model is to blame: loads that are held, a
 * test of several models. */
static void choose_again(struct running *job)
{
	struct run *run = job->run;
	bool narrows = false;

	for (size_t i = 0; i < run->tasks->count; i++)
		narrows |= job->failure.kind == ERROR_NONE &&
			   run->tasks->order[i]->is_selected &&
			   has_failed(run->tasks->order[i]);
	for (size_t i = 0; i < run->tasks->count; i++) {
		struct task *task = run->tasks->order[i];

		if (narrows)
			task->is_selected =
				task->is_selected && has_failed(task);
		task->status = TASK_IDLE;
	}
	run->run_id = 0;
	run->status = STATUS_DONE;
	run->done = run->failed = run->skipped = run->locked = 0;
	run->exported = 0;
	run->inserted = run->deleted = 0;
	job->failure = ERROR_INIT;
}

/* True: nothing is left to do. */
static bool attempt(struct running *job)
{
	struct run *run = job->run;
	bool ok = true;

	job->attempts++;
	if (!job->pg || !pg_is_usable(job->pg)) {
		pg_close(job->pg);
		job->pg = NULL;
		ok = begin(job, &job->failure);
	}
	if (job->is_busy)
		return true;
	if (ok && (!run->pg || !pg_is_usable(run->pg))) {
		pg_close(run->pg);
		run->pg = NULL;
		ok = job->host->open(job->host->arg, &run->pg, &job->failure);
		run_use(run, run->pg);
	}
	ok = ok && job->host->pass(job->host->arg, run, &job->failure);
	return ok && run->status == STATUS_DONE;
}

static bool wait_to_retry(const struct running *job)
{
	int64_t until = clock_ms() + job->job->retry_delay_ms;

	if (until >= job->deadline_ms)
		return false;
	log_line(LOG_INFO,
		 "job %s: what failed is tried again in %" PRId64
		 " s, %d of %" PRId64,
		 job->job->name, job->job->retry_delay_ms / 1000, job->attempts,
		 job->job->retries);
	while (clock_ms() < until && !stop_requested())
		clock_sleep_ms(until - clock_ms());
	return !stop_requested();
}

/* A mistake in a file or on the command line stays one. */
static bool may_help(const struct running *job)
{
	return job->failure.kind != ERROR_FATAL ||
	       job->failure.status == STATUS_DATABASE;
}

static void work(struct running *job)
{
	pg_give_up_at(job->deadline_ms);
	while (!attempt(job) && job->attempts <= job->job->retries &&
	       may_help(job) && !is_late(job) && !stop_requested() &&
	       wait_to_retry(job))
		choose_again(job);
	pg_give_up_at(INT64_MAX);
}

/* --- after ---------------------------------------------------------------- */

static void name_them(struct buf *out, const struct run *run, const char *what,
		      bool skipped)
{
	const char *separator = "";

	for (size_t i = 0; i < run->tasks->count; i++) {
		const struct task *task = run->tasks->order[i];

		if (!has_failed(task) ||
		    (task->status == TASK_SKIPPED) != skipped)
			continue;
		if (!*separator)
			buf_format(out, "%s%s: ", out->len ? "; " : "", what);
		buf_format(out, "%s%s", separator, task->name);
		separator = ", ";
	}
}

static const char *status_of(struct running *job, struct buf *message)
{
	if (job->deadline_ms != INT64_MAX && is_late(job) &&
	    (job->failure.kind != ERROR_NONE ||
	     job->run->status != STATUS_DONE)) {
		buf_format(message, "not done after %" PRId64 " s",
			   job->job->timeout_ms / 1000);
		return "timeout";
	}
	if (job->failure.kind != ERROR_NONE) {
		buf_add_text(message, job->failure.text);
		return job->failure.kind == ERROR_STOPPED ? "stopped" : "error";
	}
	name_them(message, job->run, "failed", false);
	name_them(message, job->run, "skipped", true);
	if (job->run->status != STATUS_DONE)
		return "error";
	return stop_requested() ? "stopped" : "success";
}

static void tell(const struct running *job, const char *status,
		 const char *message)
{
	bool good = strcmp(status, "success") == 0;
	const char *command =
		good ? job->job->on_success : job->job->on_failure;
	const char *const argv[] = {"/bin/sh", "-c", command, NULL};
	char *const made[] = {
		mem_format("MILLRACE_JOB=%s", job->job->name),
		mem_format("MILLRACE_STATUS=%s", status),
		mem_format("MILLRACE_MESSAGE=%s", message),
	};
	const char *const variable[] = {made[0], made[1], made[2], NULL};
	const struct spawn spawn = {
		.argv = argv, .variable = variable, .timeout_ms = HOOK_MS};
	struct error err = ERROR_INIT;
	int left = 0;

	if (*command && !spawn_run(&spawn, &left, &err))
		log_line(LOG_WARNING, "job %s: %s: %s", job->job->name,
			 good ? "on_success" : "on_failure", err.text);
	else if (left)
		log_line(LOG_WARNING, "job %s: %s ended with status %d",
			 job->job->name, good ? "on_success" : "on_failure",
			 left);
	for (size_t i = 0; i < sizeof made / sizeof *made; i++)
		free(made[i]);
}

/* The row is written where the database can be reached at all. */
static void write_down(struct running *job, const struct job_outcome *outcome)
{
	struct error err = ERROR_INIT;

	if (!job->pg || !pg_is_usable(job->pg))
		return;
	if (!job_state_end(job->pg, job->job->name, outcome, &err))
		log_line(LOG_WARNING, "job %s: %s", job->job->name, err.text);
}

static bool finish(struct running *job, struct error *err)
{
	struct buf message = BUF_INIT;
	struct job_outcome outcome = {
		.duration_ms = clock_ms() - job->started_ms,
		.attempts = job->attempts,
		.run_id = job->run->run_id,
	};
	bool ok = true;

	outcome.status = status_of(job, &message);
	outcome.message = buf_text(&message);
	write_down(job, &outcome);
	if (job->job->sla_ms && outcome.duration_ms > job->job->sla_ms)
		log_line(LOG_WARNING,
			 "job %s: took %" PRId64 " s, its sla is %" PRId64 " s",
			 job->job->name, outcome.duration_ms / 1000,
			 job->job->sla_ms / 1000);
	if (strcmp(outcome.status, "stopped") != 0)
		tell(job, outcome.status, outcome.message);
	if (strcmp(outcome.status, "timeout") == 0)
		ok = error_set(err, ERROR_FATAL, STATUS_DATA, "job %s: %s",
			       job->job->name, outcome.message);
	else if (job->failure.kind != ERROR_NONE)
		*err = job->failure, ok = false;
	buf_release(&message);
	return ok;
}

/* At once: the server may hear late that we have gone. */
static void leave(struct running *job)
{
	struct error err = ERROR_INIT;

	if (!job->is_busy && job->pg && pg_is_usable(job->pg) &&
	    !job_state_unlock(job->pg, job->job->name, &err))
		log_line(LOG_DEBUG, "job %s: %s", job->job->name, err.text);
	pg_close(job->pg);
}

static struct running start(const struct job *job, struct run *run,
			    const struct job_host *host)
{
	return (struct running){
		.job = job,
		.run = run,
		.host = host,
		.started_ms = clock_ms(),
		.deadline_ms = job->timeout_ms ? clock_ms() + job->timeout_ms
					       : INT64_MAX,
	};
}

bool job_run(const struct job *job, struct run *run,
	     const struct job_host *host, struct error *err)
{
	struct running running = start(job, run, host);
	bool ok;

	work(&running);
	ok = running.is_busy || finish(&running, err);
	leave(&running);
	return ok;
}

bool job_refuse(const struct job *job, struct run *run,
		const struct job_host *host, struct error *err)
{
	struct running running = start(job, run, host);
	struct error ignored = ERROR_INIT;

	running.failure = *err;
	running.deadline_ms = INT64_MAX;
	if (!begin(&running, &ignored))
		log_line(LOG_DEBUG, "job %s: %s", job->name, ignored.text);
	if (!running.is_busy)
		finish(&running, err);
	leave(&running);
	return false;
}

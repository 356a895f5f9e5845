#include "aggregate/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/artifacts.h"
#include "aggregate/audit.h"
#include "aggregate/choose.h"
#include "aggregate/command_job.h"
#include "aggregate/command_open.h"
#include "aggregate/command_tools.h"
#include "aggregate/crew.h"
#include "aggregate/excluded.h"
#include "aggregate/freshness.h"
#include "aggregate/job_run.h"
#include "aggregate/metrics.h"
#include "aggregate/project.h"
#include "aggregate/replay_load.h"
#include "aggregate/run.h"
#include "aggregate/source.h"
#include "aggregate/unit.h"
#include "aggregate/watch.h"
#include "common/clock.h"
#include "common/database.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"
#include "common/rights.h"
#include "common/schema.h"
#include "common/stop.h"

/* What the network may add to the server's own time. */
enum { ANSWER_MS = 60000 };

/* --- each of them --------------------------------------------------------- */

/* For others to read: without them, the run is no worse. */
static void leave_artifacts(const struct options *options,
			    const struct run *run)
{
	struct error err = ERROR_INIT;

	if (options->artifacts && run->run_id &&
	    !artifacts_write(run, buf_text(&options->home),
			     options_output(options), &err))
		log_line(LOG_WARNING, "artifacts: %s", err.text);
}

static void say_nothing_new(const struct run *run)
{
	log_line(LOG_INFO, "%s, %" PRId64 " ms",
		 stop_requested() ? "asked to stop" : "nothing new",
		 clock_ms() - run->started_ms);
}

static bool do_run(const struct options *options, struct run *run,
		   struct error *err)
{
	bool ok = run_pass(run, err);

	if (!ok && err->kind != ERROR_STOPPED)
		return false;
	leave_artifacts(options, run);
	if (!run->run_id) {
		if (ok)
			say_nothing_new(run);
		return ok;
	}
	log_line(LOG_INFO,
		 "%zu done, %zu failed, %zu skipped, %zu busy elsewhere; "
		 "+%" PRId64 " -%" PRId64 " rows, %zu %s written, %" PRId64
		 " ms",
		 run->done, run->failed, run->skipped, run->locked,
		 run->inserted, run->deleted, run->exported,
		 run->exported == 1 ? "file" : "files",
		 clock_ms() - run->started_ms);
	return ok;
}

static bool do_test(const struct options *options, struct run *run,
		    struct error *err)
{
	size_t cases;

	if (!unit_run(run, stdout, &cases, err) || !run_tests(run, err))
		return false;
	leave_artifacts(options, run);
	if (cases)
		log_line(LOG_INFO, "%zu tests, %zu cases, %zu failed",
			 run->done, cases, run->failed);
	else
		log_line(LOG_INFO, "%zu tests, %zu failed", run->done,
			 run->failed);
	return true;
}

static bool do_migrate(const struct options *options, struct run *run,
		       struct error *err)
{
	int applied = 0;

	(void)options;
	if (!schema_migrate(run->pg, &applied, err))
		return false;
	log_line(LOG_INFO, "%d %s applied, the schema is at %d", applied,
		 applied == 1 ? "migration" : "migrations", schema_newest());
	return true;
}

static bool open_for_job(void *arg, struct pg **pg, struct error *err)
{
	return command_open_database(arg, DATABASE_READY, NULL, pg, err);
}

static bool pass_for_job(void *arg, struct run *run, struct error *err)
{
	return do_run(arg, run, err);
}

/* is_ready: else err says why it cannot begin. */
static bool do_job(struct options *options, const struct job *job,
		   bool is_ready, struct run *run, struct error *err)
{
	const struct job_host host = {
		.open = open_for_job, .pass = pass_for_job, .arg = options};

	if (is_ready)
		return job_run(job, run, &host, err);
	if (err->status == STATUS_USAGE) { /* its selection, not the user's */
		err->status = STATUS_CONFIG;
		error_context(err, "%s:%d: job %s", job->file, job->line,
			      job->name);
	}
	return job_refuse(job, run, &host, err);
}

static bool do_jobs(const struct options *options, struct run *run,
		    struct error *err)
{
	bool needs_database;

	return command_jobs_check(options, &needs_database, err) &&
	       (!needs_database ||
		command_open_database(options, DATABASE_READY, NULL, &run->pg,
				      err)) &&
	       command_jobs(options, run->pg, stdout, err);
}

static bool do_freshness(const struct options *options, struct run *run,
			 struct error *err)
{
	(void)options;
	return freshness_print(run, run->tasks->chosen, stdout, err);
}

/* MODEL LOAD */
static bool read_operands(const struct options *options, struct run *run,
			  struct task **task, int64_t *load_id,
			  struct error *err)
{
	const struct project *project = run->tasks->project;
	const struct relation *relation =
		project_find(project, options->operand[0]);
	char *end;

	*task = NULL;
	*load_id = strtoll(options->operand[1], &end, 10);
	if (*end || *load_id < 1) {
		error_set(err, ERROR_FATAL, STATUS_USAGE,
			  "\"%s\" is no number of a load: millrace.load "
			  "lists them",
			  options->operand[1]);
		return false;
	}
	if (relation)
		*task = run->tasks->at[relation - project->relation];
	if (!*task)
		error_set(err, ERROR_FATAL, STATUS_USAGE,
			  "%s is no model: write pack and name, as `periodic "
			  "ls` shows them",
			  options->operand[0]);
	return *task != NULL;
}

static bool do_replay(const struct options *options, struct run *run,
		      struct error *err)
{
	struct task *task = NULL;

	if (!read_operands(options, run, &task, &run->replay_load, err) ||
	    !replay_load_check(task, err))
		return false;
	for (size_t i = 0; i < run->tasks->count; i++)
		run->tasks->order[i]->is_selected = false;
	task->is_selected = true;
	return do_run(options, run, err);
}

static bool do_exclude(const struct options *options, struct run *run,
		       struct error *err)
{
	int64_t load_id;
	struct task *task = NULL;

	if (!read_operands(options, run, &task, &load_id, err))
		return false;
	return options->command == COMMAND_EXCLUDE
		       ? excluded_add(run, task, load_id, err)
		       : excluded_remove(run, task, load_id, err);
}

static bool do_install_source(const struct options *options, struct run *run,
			      struct error *err)
{
	if (options->remove)
		return source_remove(run->pg, run->timeout_ms,
				     options->operand[0], err);
	return source_install(run->pg, run->timeout_ms, options->operand[0],
			      options->guard_ms, err);
}

/* --- watching ------------------------------------------------------------- */

static bool reload(void *arg, struct run *run, struct error *err)
{
	const struct options *options = arg;
	struct run next = {.pg = run->pg, .timeout_ms = run->timeout_ms};

	if (!command_open_project(options, &next, err) ||
	    !choose_tasks(options, &next, err)) {
		command_close_project(&next);
		return false;
	}
	command_close_project(run);
	run->project = next.project;
	run->tasks = next.tasks;
	return true;
}

static bool do_watch(const struct options *options, struct run *run,
		     struct error *err)
{
	char *folder = mem_format("%s/sql", buf_text(&options->home));
	struct options copy = *options;
	const struct watch_settings settings = {
		.lag_ms = options->lag_ms,
		.poll_ms = options->poll_ms,
		.folder = folder,
		.metrics_file = options->metrics_file,
		.reload = reload,
		.arg = &copy,
	};
	bool ok = watch_run(run, &settings, err);

	free(folder);
	return ok;
}

static bool do_audit(const struct options *options, struct run *run,
		     struct error *err)
{
	const struct audit_options audit = {
		.parts = options->audit_parts,
		.repair = options->repair,
		.out = stdout,
	};

	if (!audit_run(run, &audit, err))
		return false;
	log_line(LOG_INFO, "%zu audited, %zu differ or failed", run->done,
		 run->failed);
	return true;
}

static bool do_unit(const struct options *options, struct run *run,
		    struct error *err)
{
	size_t count;

	(void)options;
	if (!unit_run(run, stdout, &count, err))
		return false;
	log_line(LOG_INFO, "%zu cases, %zu failed", count, run->failed);
	return true;
}

static const struct {
	unsigned needs;
	bool (*work)(const struct options *options, struct run *run,
		     struct error *err);
} commands[COMMAND_COUNT] = {
	[COMMAND_RUN] = {NEED_PROJECT | NEED_DATABASE, do_run},
	[COMMAND_TEST] = {NEED_PROJECT | NEED_DATABASE, do_test},
	[COMMAND_LS] = {NEED_PROJECT, command_ls},
	[COMMAND_PLAN] = {NEED_PROJECT | NEED_DATABASE, command_plan},
	[COMMAND_SEED] = {NEED_PROJECT | NEED_DATABASE, do_run},
	[COMMAND_MIGRATE] = {NEED_BARE, do_migrate},
	[COMMAND_COMPILE] = {NEED_PROJECT | NEED_DATABASE, command_compile},
	[COMMAND_JOBS] = {0, do_jobs},
	[COMMAND_FRESHNESS] = {NEED_PROJECT | NEED_DATABASE, do_freshness},
	[COMMAND_AUDIT] = {NEED_PROJECT | NEED_DATABASE, do_audit},
	[COMMAND_UNIT] = {NEED_PROJECT | NEED_DATABASE, do_unit},
	[COMMAND_WATCH] = {NEED_PROJECT | NEED_DATABASE, do_watch},
	[COMMAND_INIT] = {0, command_init},
	[COMMAND_DOCTOR] = {NEED_PROJECT | NEED_BARE, command_doctor},
	[COMMAND_SNAPSHOT] = {NEED_PROJECT | NEED_DATABASE, do_run},
	[COMMAND_INSTALL_SOURCE] = {NEED_DATABASE, do_install_source},
	[COMMAND_REPLAY] = {NEED_PROJECT | NEED_DATABASE, do_replay},
	[COMMAND_EXCLUDE] = {NEED_PROJECT | NEED_DATABASE, do_exclude},
	[COMMAND_INCLUDE] = {NEED_PROJECT | NEED_DATABASE, do_exclude},
};

/* --- around them ---------------------------------------------------------- */

static bool run_command(struct options *options, const struct job *job,
			enum exit_status *status, struct error *err)
{
	struct run run = {
		.database = command_database(options),
		.crew = crew_open((size_t)options->threads),
		/* messages hold several statements */
		.timeout_ms = 2 * options->statement_ms + ANSWER_MS,
		.statement_ms = options->statement_ms,
		.lock_ms = options->lock_ms,
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.keep_runs_ms = options->keep_runs_ms,
		.max_loads = options->max_loads,
		.full_refresh = options->full_refresh,
		.command = options_command(options),
		.started_ms = clock_ms(),
	};
	unsigned needs = commands[options->command].needs;
	bool late = needs & NEED_PROJECT && choose_asks_database(options);
	bool ok;

	/* a pass asks about the schema together with what is new */
	run.is_bare =
		commands[options->command].work == do_run && !late && !job;
	if (run.is_bare)
		needs = (needs & ~(unsigned)NEED_DATABASE) | NEED_BARE;
	if (job) /* it opens its own, and tells somebody when that fails */
		needs &= ~(unsigned)NEED_DATABASE;
	if (late)
		needs |= NEED_DATABASE;
	ok = command_open(options, needs, late, &run, err);
	run_use(&run, run.pg);
	if (job)
		ok = do_job(options, job, ok, &run, err);
	else if (run.is_idle)
		say_nothing_new(&run);
	else if (ok)
		ok = commands[options->command].work(options, &run, err);
	if (!ok) {
		rights_explain(run.pg, "millrace_aggregate", err);
		pg_excuse(err);
	}
	if (run.pg)
		pg_heed_stop(run.pg, false);
	*status = run.status;
	crew_close(run.crew);
	if (*options->metrics_file && options->command == COMMAND_RUN &&
	    (ok || err->kind != ERROR_STOPPED))
		metrics_write(options->metrics_file, &run,
			      clock_ms() - run.started_ms,
			      ok ? run.status : err->status);
	pg_close(run.pg);
	command_close_project(&run);
	return ok;
}

bool commands_run(const struct options *options, enum exit_status *status,
		  struct error *err)
{
	struct options chosen = *options;
	struct jobs jobs = JOBS_INIT;
	const struct job *job = NULL;
	bool ok;

	*status = STATUS_DONE;
	ok = (!*options->job ||
	      command_job_choose(&chosen, &jobs, &job, err)) &&
	     run_command(&chosen, job, status, err);
	jobs_release(&jobs);
	return ok;
}

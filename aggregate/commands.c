#include "aggregate/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregate/plan.h"
#include "aggregate/project.h"
#include "aggregate/run.h"
#include "aggregate/select.h"
#include "common/clock.h"
#include "common/database.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"
#include "common/schema.h"

static bool open_database(const struct options *options,
			  enum database_schema schema, struct pg **pg,
			  struct error *err)
{
	const struct database_options database = {
		.dsn = options->dsn,
		.application = "periodic",
		.home = buf_text(&options->home),
		.timeout_ms = options->connect_ms,
		.patience_ms = options->retry_ms,
	};

	return database_open(pg, &database, schema, NULL, err);
}

static bool choose(const struct options *options, struct tasks *tasks,
		   struct error *err)
{
	const struct project *project = tasks->project;
	bool *selected = mem_zalloc(project->relation_count + 1, 1);
	bool ok;

	ok = select_relations(project, options->select.item,
			      options->select.count, options->exclude.item,
			      options->exclude.count, selected, err);
	if (!ok && err->status == STATUS_CONFIG)
		err->status = STATUS_USAGE;
	for (size_t i = 0; ok && i < project->relation_count; i++)
		if (tasks->at[i])
			tasks->at[i]->is_selected =
				selected[i] &&
				(options->command != COMMAND_SEED ||
				 tasks->at[i]->seed);
	free(selected);
	return ok;
}

/* --- run, test, seed, plan ------------------------------------------------ */

static void summarize(const struct run *run, int64_t ms)
{
	if (!run->run_id) {
		log_line(LOG_INFO, "nothing new, %" PRId64 " ms", ms);
		return;
	}
	log_line(LOG_INFO,
		 "%zu done, %zu failed, %zu skipped, %zu busy elsewhere; "
		 "+%" PRId64 " -%" PRId64 " rows, %zu %s written, %" PRId64
		 " ms",
		 run->done, run->failed, run->skipped, run->locked,
		 run->inserted, run->deleted, run->exported,
		 run->exported == 1 ? "file" : "files", ms);
}

static bool with_database(const struct options *options, struct tasks *tasks,
			  enum exit_status *status, struct error *err)
{
	int64_t started_ms = clock_ms();
	struct run run = {
		.tasks = tasks,
		.timeout_ms = options->statement_ms,
		.keep_runs_ms = options->keep_runs_ms,
		.full_refresh = options->full_refresh,
		.command = options_command(options),
	};
	bool ok;

	if (!open_database(options, DATABASE_READY, &run.pg, err))
		return false;
	switch (options->command) {
	case COMMAND_PLAN:
		ok = plan_print(&run, stdout, err);
		break;
	case COMMAND_TEST:
		ok = run_tests(&run, err);
		if (ok)
			log_line(LOG_INFO, "%zu tests, %zu failed", run.done,
				 run.failed);
		break;
	default:
		ok = run_pass(&run, err);
		if (ok)
			summarize(&run, clock_ms() - started_ms);
		break;
	}
	*status = run.status;
	pg_close(run.pg);
	return ok;
}

static bool with_project(const struct options *options,
			 enum exit_status *status, struct error *err)
{
	char *folder = mem_format("%s/sql", buf_text(&options->home));
	struct project *project = NULL;
	struct tasks *tasks = NULL;
	bool ok;

	ok = project_open(&project, folder, err) &&
	     tasks_open(&tasks, project, err) && choose(options, tasks, err);
	if (ok && options->command == COMMAND_LS)
		plan_list(tasks, stdout);
	else if (ok)
		ok = with_database(options, tasks, status, err);
	tasks_close(tasks);
	project_close(project);
	free(folder);
	return ok;
}

/* --- migrate -------------------------------------------------------------- */

static bool migrate(const struct options *options, struct error *err)
{
	struct pg *pg = NULL;
	int applied = 0;
	bool ok;

	ok = open_database(options, DATABASE_BARE, &pg, err) &&
	     schema_migrate(pg, &applied, err);
	if (ok)
		log_line(LOG_INFO, "%d %s applied, the schema is at %d",
			 applied, applied == 1 ? "migration" : "migrations",
			 schema_newest());
	pg_close(pg);
	return ok;
}

bool commands_run(const struct options *options, enum exit_status *status,
		  struct error *err)
{
	*status = STATUS_DONE;
	if (options->command == COMMAND_MIGRATE)
		return migrate(options, err);
	return with_project(options, status, err);
}

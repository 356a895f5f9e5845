#include "aggregate/command_open.h"

#include <stdlib.h>

#include "aggregate/choose.h"
#include "aggregate/project.h"
#include "common/mem.h"
#include "common/pg.h"
#include "common/pg_once.h"

struct database_options command_database(const struct options *options)
{
	return (struct database_options){
		.dsn = options->dsn,
		.application = "periodic",
		.home = buf_text(&options->home),
		.timeout_ms = options->connect_ms,
		.patience_ms = options->retry_ms,
	};
}

bool command_open_database(const struct options *options,
			   enum database_schema schema, struct pg *begun,
			   struct pg **pg, struct error *err)
{
	struct database_options database = command_database(options);

	database.begun = begun;
	return database_open(pg, &database, schema, NULL, err);
}

bool command_open_project(const struct options *options, struct run *run,
			  struct error *err)
{
	char *folder = mem_format("%s/sql", buf_text(&options->home));
	bool ok = project_open(&run->project, folder, err) &&
		  tasks_open(&run->tasks, run->project, err);

	free(folder);
	return ok;
}

void command_close_project(struct run *run)
{
	tasks_close(run->tasks);
	project_close(run->project);
}

/* Whether a pass can begin with a question that needs no libpq. */
static bool asks_once(const struct options *options, const struct run *run)
{
	return run->is_bare && !run->full_refresh && !*options->metrics_file;
}

static bool find_idle(struct run *run, struct pg_once *once)
{
	if (!once)
		once = database_once(&run->database, true);
	run->is_idle = once && run_is_idle(run, once);
	pg_once_close(once);
	return run->is_idle;
}

/* The server makes the session while the project is read; but a wrong file is
 * told before anything about the database is. */
bool command_open(const struct options *options, unsigned needs, bool late,
		  struct run *run, struct error *err)
{
	bool asks = asks_once(options, run);
	struct pg_once *once = NULL;
	struct pg *begun = NULL;

	if (asks)
		once = database_once(&run->database, false);
	if (!once && needs & (NEED_DATABASE | NEED_BARE))
		begun = database_begin(&run->database);
	if (needs & NEED_PROJECT &&
	    !(command_open_project(options, run, err) &&
	      (late || choose_tasks(options, run, err)))) {
		pg_once_close(once);
		pg_close(begun);
		return false;
	}
	if (!(needs & (NEED_DATABASE | NEED_BARE)) ||
	    (asks && !begun && find_idle(run, once)))
		return true;
	return command_open_database(options,
				     needs & NEED_BARE ? DATABASE_BARE
						       : DATABASE_READY,
				     begun, &run->pg, err) &&
	       (!late || choose_tasks(options, run, err));
}

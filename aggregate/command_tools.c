#include "aggregate/command_tools.h"

#include <stdio.h>
#include <stdlib.h>

#include "aggregate/compile.h"
#include "aggregate/doctor.h"
#include "aggregate/init.h"
#include "aggregate/ls.h"
#include "aggregate/plan.h"
#include "common/database.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"

bool command_plan(const struct options *options, struct run *run,
		  struct error *err)
{
	return plan_print(run, (enum output)options->output, stdout, err);
}

bool command_ls(const struct options *options, struct run *run,
		struct error *err)
{
	(void)err;
	ls_print(run->tasks, (enum output)options->output, stdout);
	return true;
}

/* A selection is printed, the whole project put into files. */
bool command_compile(const struct options *options, struct run *run,
		     struct error *err)
{
	char *folder =
		mem_format("%s/target/compiled", options_output(options));
	bool ok = compile_models(run, options->select.count ? NULL : folder,
				 stdout, err);

	free(folder);
	return ok;
}

bool command_init(const struct options *options, struct run *run,
		  struct error *err)
{
	(void)run;
	return init_project(options->operand[0], stdout, err);
}

bool command_doctor(const struct options *options, struct run *run,
		    struct error *err)
{
	struct doctor doctor = {
		.pg = run->pg,
		.timeout_ms = run->timeout_ms,
		.tasks = run->tasks,
		.out = stdout,
	};
	bool ok;

	(void)options;
	ok = database_open(&doctor.second, &run->database, DATABASE_BARE, NULL,
			   err) &&
	     doctor_examine(&doctor, err);
	pg_close(doctor.second);
	if (!ok)
		return false;
	log_line(LOG_INFO, "%zu errors, %zu warnings", doctor.errors,
		 doctor.warnings);
	run->status = doctor.errors ? STATUS_CONFIG : STATUS_DONE;
	return true;
}

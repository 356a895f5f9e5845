#include "aggregate/command_job.h"

#include "aggregate/job_list.h"
#include "aggregate/job_units.h"

bool command_job_choose(struct options *options, struct jobs *jobs,
			const struct job **job, struct error *err)
{
	if (options->command != COMMAND_RUN)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "--job goes with run, not with %s",
				 options_command(options));
	if (options->select.count || options->exclude.count)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "--job brings its own selection; -s and "
				 "--exclude do not go with it");
	if (!jobs_read(jobs, buf_text(&options->home), err))
		return false;
	*job = jobs_find(jobs, options->job, err);
	if (!*job)
		return false;
	options->select = (*job)->select;
	options->exclude = (*job)->exclude;
	options->full_refresh = options->full_refresh || (*job)->full;
	return true;
}

bool command_jobs_check(const struct options *options, bool *needs_database,
			struct error *err)
{
	*needs_database = !options->systemd;
	if (options->systemd)
		return true;
	if (options->user || options->operand_count)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "%s goes with jobs --systemd",
				 options->user ? "--user" : "a folder");
	return true;
}

bool command_jobs(const struct options *options, struct pg *pg, FILE *out,
		  struct error *err)
{
	const struct units units = {
		.home = buf_text(&options->home),
		.folder = options->operand_count ? options->operand[0] : NULL,
		.for_user = options->user,
	};
	struct jobs jobs = JOBS_INIT;
	bool ok = jobs_read(&jobs, buf_text(&options->home), err);

	if (ok && options->systemd)
		ok = job_units_write(&jobs, &units, out, err);
	else if (ok)
		ok = job_list_print(&jobs, pg, (enum output)options->output,
				    out, err);
	jobs_release(&jobs);
	return ok;
}

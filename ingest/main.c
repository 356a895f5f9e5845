/*
 * handle-streams: JSON events in, rows of staging tables out, each exactly once
 */
#include <stdio.h>

#include "common/program.h"
#include "ingest/commands.h"
#include "ingest/options.h"

static bool (*const commands[COMMAND_COUNT])(const struct options *,
					     struct error *) = {
	[COMMAND_RUN] = command_load,
	[COMMAND_EXPLAIN] = command_explain,
	[COMMAND_REJECTS] = command_rejects,
	[COMMAND_VERIFY] = command_verify,
	[COMMAND_DOCTOR] = command_doctor,
	[COMMAND_HEALTH] = command_health,
};

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct options options;
	int status = STATUS_DONE;

	if (!program_begin("handle-streams"))
		return STATUS_USAGE;
	if (!options_read(&options, argc, argv, &err)) {
		status = program_fail(&err);
	} else if (options.settings.request == SETTINGS_ANSWER) {
		settings_answer(&options.settings, &options_program, stdout);
	} else {
		program_log("handle-streams", options.quiet, options.verbose,
			    options.log_format);
		if (!commands[options.command](&options, &err))
			status = program_fail(&err);
	}
	options_release(&options);
	return program_end(status);
}

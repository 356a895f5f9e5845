/*
 * periodic: runs incremental SQL models over exactly the loads that are new
 */
#include <stdio.h>

#include "aggregate/commands.h"
#include "aggregate/options.h"
#include "common/program.h"

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	enum exit_status failed = STATUS_DONE;
	struct options options;
	int status = STATUS_DONE;

	if (!program_begin("periodic"))
		return STATUS_USAGE;
	if (!options_read(&options, argc, argv, &err)) {
		status = program_fail(&err);
	} else if (options.settings.request == SETTINGS_ANSWER) {
		settings_answer(&options.settings, &options_program, stdout);
	} else {
		program_log("periodic", options.quiet, options.verbose,
			    options.log_format);
		status = commands_run(&options, &failed, &err)
				 ? (int)failed
				 : program_fail(&err);
	}
	options_release(&options);
	return program_end(status);
}

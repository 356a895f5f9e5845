/*
 * periodic: runs incremental SQL models over exactly the loads that are new
 */
#include <stdio.h>
#include <stdlib.h>

#include "aggregate/commands.h"
#include "aggregate/options.h"
#include "common/credential.h"
#include "common/descriptor.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/secrecy.h"
#include "common/stop.h"

static int report(const struct error *err)
{
	if (err->kind == ERROR_STOPPED) {
		log_line(LOG_INFO, "%s", err->text);
		return STATUS_DONE;
	}
	log_line(LOG_ERROR, "%s", err->text);
	return err->status ? (int)err->status : STATUS_CONFIG;
}

static enum log_level level(const struct options *options)
{
	if (options->quiet)
		return LOG_WARNING;
	return options->verbose ? LOG_DEBUG : LOG_INFO;
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	enum exit_status failed = STATUS_DONE;
	struct options options;
	int status = STATUS_DONE;

	secrecy_begin();
	descriptor_keep_standard();
	credential_begin();
	log_init("periodic", LOG_INFO);
	stop_install();
	if (!fault_init()) {
		log_line(LOG_ERROR, "MILLRACE_FAULT names no fault point");
		return STATUS_USAGE;
	}
	if (!options_read(&options, argc, argv, &err)) {
		status = report(&err);
	} else if (options.settings.request == SETTINGS_ANSWER) {
		settings_answer(&options.settings, &options_program, stdout);
	} else {
		log_init("periodic", level(&options));
		log_set_format((enum log_format)options.log_format);
		status = commands_run(&options, &failed, &err) ? (int)failed
							       : report(&err);
	}
	options_release(&options);
	log_end();
	if (fflush(stdout) != 0 && status == STATUS_DONE)
		status = STATUS_SOURCE;
	return status;
}

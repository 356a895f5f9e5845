#include "common/program.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/credential.h"
#include "common/descriptor.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/secrecy.h"
#include "common/stop.h"

bool program_begin(const char *name)
{
	secrecy_begin();
	descriptor_keep_standard();
	credential_begin();
	log_init(name, LOG_INFO);
	stop_install();
	if (fault_init())
		return true;
	log_line(LOG_ERROR, "MILLRACE_FAULT names no fault point");
	return false;
}

void program_log(const char *name, bool quiet, bool verbose, int format)
{
	log_init(name, quiet ? LOG_WARNING : verbose ? LOG_DEBUG : LOG_INFO);
	log_set_format((enum log_format)format);
}

int program_fail(const struct error *err)
{
	if (err->kind == ERROR_STOPPED) {
		log_line(LOG_INFO, "%s", err->text);
		return STATUS_DONE;
	}
	log_line(LOG_ERROR, "%s", err->text);
	return err->status ? (int)err->status : STATUS_CONFIG;
}

/* Who has read enough, as `head` has, need not be told. */
int program_end(int status)
{
	bool is_lost = ferror(stdout) != 0; /* and so is why */
	int why = 0;

	if (fflush(stdout) != 0) {
		is_lost = true;
		why = errno;
	}
	if (is_lost && why && why != EPIPE)
		log_line(LOG_ERROR, "cannot write to standard output: %s",
			 strerror(why));
	log_end();
	return is_lost && status == STATUS_DONE ? STATUS_SOURCE : status;
}

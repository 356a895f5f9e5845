/*
 * probe_database.c - how tests see common/database.h from outside
 *
 * probe_database [DSN]: prints the connection string of a ready database, as
 * both programs would use it from this folder; exits as they would.
 */
#include <stdio.h>

#include "common/buf.h"
#include "common/database.h"
#include "common/home.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/stop.h"

int main(int argc, char **argv)
{
	struct buf home = BUF_INIT, dsn = BUF_INIT;
	struct error err = ERROR_INIT;
	struct database_options options = {
		.dsn = argc > 1 ? argv[1] : "",
		.application = "probe",
		.timeout_ms = 10000,
	};
	struct pg *pg = NULL;
	bool ready;

	stop_install();
	log_init("probe", LOG_INFO);
	home_find(&home, "PROBE_PROJECT");
	options.home = buf_text(&home);
	ready = database_open(&pg, &options, DATABASE_READY, &dsn, &err);
	if (ready)
		puts(buf_text(&dsn));
	else
		log_line(LOG_ERROR, "%s", err.text);
	pg_close(pg);
	buf_release(&dsn);
	buf_release(&home);
	return ready ? STATUS_DONE : err.status;
}

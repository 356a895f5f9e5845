/* `handle-streams verify` */
#include <stdio.h>

#include "common/buf.h"
#include "common/pg.h"
#include "ingest/commands.h"
#include "ingest/verify.h"

bool command_verify(const struct options *options, struct error *err)
{
	struct buf dsn = BUF_INIT;
	struct pg *pg = NULL;
	size_t faults = 0;
	bool ok = command_database(options, NULL, "handle-streams verify", &dsn,
				   &pg, err) &&
		  verify_all(pg, stdout, &faults, err);

	if (ok && faults)
		ok = error_set(err, ERROR_FATAL, STATUS_DATA,
			       "%zu faults found: what is loaded and what the "
			       "ledger says differ",
			       faults);
	else if (ok)
		puts("all is well");
	pg_close(pg);
	buf_release(&dsn);
	return ok;
}

/* `handle-streams verify` */
#include <stdio.h>

#include "ingest/commands.h"
#include "ingest/kafka_reader.h"
#include "ingest/options.h"
#include "ingest/verify.h"

/* With -b: the positions against the brokers, too. */
static bool verify_topics(const struct options *options, struct pg *pg,
			  size_t *faults, struct error *err)
{
	struct kafka_reader *reader = NULL;
	bool ok;

	if (!*options->kafka.brokers)
		return true;
	ok = kafka_reader_open(&reader, &options->kafka, options->connect_ms,
			       err) &&
	     kafka_reader_verify(reader, pg, stdout, faults, err);
	kafka_reader_close(reader);
	return ok;
}

bool command_verify(const struct options *options, struct error *err)
{
	struct pg *pg = NULL;
	size_t faults = 0;
	bool ok = command_begin(options, NULL, "handle-streams verify", &pg,
				err) &&
		  verify_all(pg, stdout, &faults, err) &&
		  verify_topics(options, pg, &faults, err);

	if (ok && faults)
		ok = error_set(err, ERROR_FATAL, STATUS_DATA,
			       "%zu %s found: what is loaded and what the "
			       "ledger says differ",
			       faults, faults == 1 ? "fault" : "faults");
	else if (ok)
		puts("all is well");
	return command_end(pg, ok, err);
}

/* The database as every command needs it. */
#include "common/buf.h"
#include "common/database.h"
#include "common/pg.h"
#include "common/rights.h"
#include "common/staging.h"
#include "ingest/catalog.h"
#include "ingest/commands.h"
#include "ingest/options.h"
#include "ingest/stream.h"

enum { PARTITIONS_MS = 60000, PATIENCE_MS = 3000 };

/* The table of each stream, as the stream says, with today's partition. */
static bool prepare_tables(struct pg *pg, const struct stream_set *set,
			   struct error *err)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct stream *stream = set->stream[i];

		if (!staging_ensure(pg, stream->name, stream->file, stream->sql,
				    err) ||
		    !catalog_check(pg, stream, err))
			return false;
	}
	return pg_run(pg, PARTITIONS_MS, err,
		      "begin; set local role millrace_ingest; "
		      "select millrace.ensure_partitions(); commit") ||
	       error_context(err, "making today's partitions");
}

bool command_database(const struct options *options,
		      const struct stream_set *set, const char *application,
		      struct buf *dsn, struct pg **out, struct error *err)
{
	const struct database_options wanted = {
		.dsn = options->dsn,
		.application = application,
		.home = buf_text(&options->home),
		.timeout_ms = options->connect_ms,
		.patience_ms = PATIENCE_MS,
	};

	if (!database_open(out, &wanted, DATABASE_READY, dsn, err))
		return false;
	return !set || prepare_tables(*out, set, err);
}

bool command_begin(const struct options *options, const struct stream_set *set,
		   const char *application, struct pg **out, struct error *err)
{
	struct buf dsn = BUF_INIT;
	bool ok = command_database(options, set, application, &dsn, out, err);

	buf_release(&dsn);
	if (ok)
		pg_heed_stop(*out, true);
	return ok;
}

bool command_end(struct pg *pg, bool ok, struct error *err)
{
	if (!ok) {
		rights_explain(pg, "millrace_ingest", err);
		pg_excuse(err);
	}
	pg_close(pg);
	return ok;
}

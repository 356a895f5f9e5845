#include "common/database.h"

#include <string.h>

#include "common/backoff.h"
#include "common/buf.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/pg_once.h"
#include "common/private_pg.h"
#include "common/schema.h"
#include "common/stop.h"

enum {
	OLDEST_SERVER = 150000,
	FIRST_WAIT_MS = 100,
	MOST_WAIT_MS = 2000,
	/* a private server that has just been killed may still seem to run */
	PRIVATE_PATIENCE_MS = 5000,
};

static bool check_server(struct pg *pg, struct error *err)
{
	const char *encoding = PQparameterStatus(pg_raw(pg), "server_encoding");
	int version = PQserverVersion(pg_raw(pg));
	const char *name = PQdb(pg_raw(pg));

	if (version < OLDEST_SERVER)
		return error_set(err, ERROR_FATAL, STATUS_DATABASE,
				 "the server is PostgreSQL %d.%d; %d or newer "
				 "is needed",
				 version / 10000, version % 10000,
				 OLDEST_SERVER / 10000);
	if (!encoding || strcmp(encoding, "UTF8") != 0)
		return error_set(err, ERROR_FATAL, STATUS_DATABASE,
				 "database \"%s\" is encoded in %s and must be "
				 "in UTF8: createdb -E UTF8 -T template0 "
				 "--locale=C.UTF-8 NAME makes one that will do",
				 name, encoding ? encoding : "nothing known");
	return true;
}

bool database_prepare(struct pg *pg, struct error *err)
{
	const char *user = PQuser(pg_raw(pg));
	char text[sizeof err->text];

	if (schema_prepare(pg, err))
		return true;
	/* a migration has its own words for a right that is missing */
	if (strcmp(err->sqlstate, "42501") != 0 ||
	    strncmp(err->text, "schema migration", 16) == 0)
		return error_context(err, "database \"%s\"", PQdb(pg_raw(pg)));
	memcpy(text, err->text, sizeof text);
	error_set(err, ERROR_FATAL, STATUS_DATABASE,
		  "user \"%s\" lacks a right in database \"%s\": %.400s; let a "
		  "superuser run `periodic migrate` there once, and then "
		  "grant it millrace_ingest for handle-streams, "
		  "millrace_aggregate for periodic, and millrace_owner for "
		  "tables of new streams",
		  user, PQdb(pg_raw(pg)), text);
	return false;
}

struct pg *database_begin(const struct database_options *options)
{
	if (private_pg_is_wanted(options->dsn))
		return NULL;
	return pg_begin(options->dsn ? options->dsn : "", options->application);
}

struct pg_once *database_once(const struct database_options *options,
			      bool may_start)
{
	struct error ignored = ERROR_INIT; /* database_open finds it again */
	struct pg_once *once = NULL;
	struct buf dsn = BUF_INIT;

	if (!private_pg_is_wanted(options->dsn))
		return pg_once_begin(options->dsn ? options->dsn : "",
				     options->application);
	if (may_start && private_pg_start(options->home, &dsn, &ignored))
		once = pg_once_begin(buf_text(&dsn), options->application);
	buf_release(&dsn);
	return once;
}

static bool connect(struct pg **out, const struct database_options *options,
		    struct buf *dsn, struct error *err)
{
	bool is_private = private_pg_is_wanted(options->dsn);
	struct backoff backoff =
		BACKOFF_INIT(FIRST_WAIT_MS, MOST_WAIT_MS, options->patience_ms);
	bool patient = options->patience_ms > 0 || is_private;
	struct pg *begun = options->begun;

	if (is_private && options->patience_ms < PRIVATE_PATIENCE_MS)
		backoff.within_ms = PRIVATE_PATIENCE_MS;
	for (;;) {
		*err = ERROR_INIT;
		buf_reset(dsn);
		if (!is_private)
			buf_add_text(dsn, options->dsn ? options->dsn : "");
		else if (!private_pg_start(options->home, dsn, err))
			return false;
		if (begun ? pg_open_begun(out, begun, options->timeout_ms, err)
			  : pg_open_unless_stopped(out, buf_text(dsn),
						   options->application,
						   options->timeout_ms, err))
			return true;
		begun = NULL;
		if (err->kind != ERROR_TRANSIENT || !patient ||
		    pg_has_given_up())
			return false;
		log_line(LOG_DEBUG, "%s; trying again", err->text);
		if (!backoff_wait(&backoff))
			return false;
	}
}

/* Who is asked to stop need not have reached anything. */
static void excuse(struct error *err)
{
	if (err->kind != ERROR_TRANSIENT || !stop_requested())
		return;
	error_context(err, "asked to stop before the database could be used");
	err->kind = ERROR_STOPPED;
	err->status = STATUS_DONE;
}

static bool prepare(struct pg *pg, enum database_schema schema,
		    struct error *err)
{
	bool ok;

	if (schema != DATABASE_READY)
		return true;
	pg_leave_at_stop(pg, true);
	ok = database_prepare(pg, err);
	pg_leave_at_stop(pg, false);
	return ok;
}

bool database_open(struct pg **out, const struct database_options *options,
		   enum database_schema schema, struct buf *dsn,
		   struct error *err)
{
	struct buf resolved = BUF_INIT;
	struct pg *pg = NULL;
	bool ok = false;

	if (!connect(&pg, options, &resolved, err) || !check_server(pg, err) ||
	    !prepare(pg, schema, err)) {
		excuse(err);
		goto out;
	}
	if (dsn)
		buf_add(dsn, resolved.data, resolved.len);
	*out = pg;
	pg = NULL;
	ok = true;
out:
	pg_close(pg);
	buf_release(&resolved);
	return ok;
}

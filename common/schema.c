#include "common/schema.h"

#include <stdlib.h>
#include <string.h>

#include "common/backoff.h"
#include "common/buf.h"
#include "common/pg.h"
#include "common/version.h"

enum { QUICK_MS = 10000, MIGRATE_MS = 600000 };

static const struct migration {
	const char *name; /* 001_init: its number leads */
	const char *sql;
} migrations[] = {
#include "migrations.inc"
};

enum { MIGRATION_COUNT = sizeof migrations / sizeof *migrations };

static int number(const struct migration *migration)
{
	return (int)strtol(migration->name, NULL, 10);
}

/* A migration's first line says which programs may still work with it. */
static int min_program(const struct migration *migration)
{
	static const char key[] = "-- min_program: ";

	if (strncmp(migration->sql, key, sizeof key - 1) != 0)
		abort();
	return (int)strtol(migration->sql + sizeof key - 1, NULL, 10);
}

int schema_newest(void)
{
	return number(&migrations[MIGRATION_COUNT - 1]);
}

/* *version: the newest migration applied, 0 if none; *min: what it asks of
 * programs.  One question: a database without the table says so. */
static bool look(struct pg *pg, int *version, int *min, struct error *err)
{
	static const char no_table[] = "42P01";
	PGresult *res = NULL;

	*version = *min = 0;
	if (!pg_fetch(pg, QUICK_MS, err, &res, NULL,
		      "select max(version), max(min_program) "
		      "from millrace.schema_version")) {
		if (strcmp(err->sqlstate, no_table) != 0)
			return false;
		*err = ERROR_INIT;
		return true;
	}
	*version = (int)pg_number(res, 0, 0);
	*min = (int)pg_number(res, 0, 1);
	PQclear(res);
	return true;
}

static void add_migration(struct buf *sql, struct pg *pg,
			  const struct migration *migration)
{
	buf_add_text(sql, "reset role; "
			  "set local client_min_messages = warning; "
			  "set local search_path = pg_catalog, pg_temp; "
			  "set local lock_timeout = '2s'; ");
	buf_add_text(sql, migration->sql);
	buf_format(sql,
		   "; insert into millrace.schema_version "
		   "(version, name, min_program, program) values (%d, ",
		   number(migration));
	pg_literal(pg, sql, migration->name);
	buf_format(sql, ", %d, ", min_program(migration));
	pg_literal(pg, sql, version_string());
	buf_add_text(sql, "); ");
}

/* Some migrations in one transaction. */
static bool apply(struct pg *pg, const struct migration *first, size_t count,
		  struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_text(&sql, "begin; ");
	for (size_t i = 0; i < count; i++)
		add_migration(&sql, pg, &first[i]);
	buf_add_text(&sql, "commit");
	ok = pg_run(pg, MIGRATE_MS, err, buf_text(&sql));
	buf_release(&sql);
	if (!ok) {
		pg_rollback(pg);
		error_context(err, "schema migration %s%s", first->name,
			      count > 1 ? " and on" : "");
	}
	return ok;
}

/* Loaders stand behind a migration that waits for a lock: it lets them pass,
 * and tries again. */
static bool apply_patiently(struct pg *pg, const struct migration *first,
			    size_t count, int *applied, struct error *err)
{
	static const char no_lock[] = "55P03";
	struct backoff backoff = BACKOFF_INIT(500, 5000, MIGRATE_MS);

	while (!apply(pg, first, count, err)) {
		if (strcmp(err->sqlstate, no_lock) != 0 ||
		    !backoff_wait(&backoff))
			return false;
		*err = ERROR_INIT;
	}
	*applied += (int)count;
	return true;
}

/* The first time, all of them or none: a start that is killed leaves nothing
 * that another would have to migrate. */
static bool migrate_locked(struct pg *pg, int *applied, struct error *err)
{
	int version, min;

	if (!look(pg, &version, &min, err))
		return false;
	if (version == 0)
		return apply_patiently(pg, migrations, MIGRATION_COUNT, applied,
				       err);
	for (size_t i = 0; i < MIGRATION_COUNT; i++)
		if (number(&migrations[i]) > version &&
		    !apply_patiently(pg, &migrations[i], 1, applied, err))
			return false;
	return true;
}

bool schema_migrate(struct pg *pg, int *applied, struct error *err)
{
	struct error ignored = ERROR_INIT;
	bool ok;

	*applied = 0;
	if (!pg_run(pg, MIGRATE_MS, err,
		    "select pg_advisory_lock(hashtext('millrace.schema'))"))
		return false;
	ok = migrate_locked(pg, applied, err);
	if (pg_is_usable(pg) &&
	    !pg_run(pg, QUICK_MS, ok ? err : &ignored,
		    "select pg_advisory_unlock(hashtext('millrace.schema'))"))
		ok = false;
	return ok;
}

/* Another program may be in the middle of its migrations: each is committed by
 * itself.  Looks again once that is over. */
static bool look_after_others(struct pg *pg, int *version, int *min,
			      struct error *err)
{
	return pg_run(pg, MIGRATE_MS, err,
		      "select pg_advisory_lock_shared("
		      "hashtext('millrace.schema')); "
		      "select pg_advisory_unlock_shared("
		      "hashtext('millrace.schema'))") &&
	       look(pg, version, min, err);
}

void schema_fits_sql(struct buf *out)
{
	buf_format(out,
		   "exists (select from millrace.schema_version "
		   "where version >= %d) "
		   "and not exists (select from millrace.schema_version "
		   "where min_program > %d)",
		   schema_newest(), schema_newest());
}

bool schema_prepare(struct pg *pg, struct error *err)
{
	int version, min, applied;

	if (!look(pg, &version, &min, err))
		return false;
	if (version == 0)
		return schema_migrate(pg, &applied, err);
	if (min > schema_newest())
		return error_config(err,
				    "the database's schema is version %d, too "
				    "new for this program (%s, schema %d): "
				    "install a newer one",
				    version, version_string(), schema_newest());
	if (version < schema_newest() &&
	    !look_after_others(pg, &version, &min, err))
		return false;
	if (version < schema_newest())
		return error_config(err,
				    "the database's schema is version %d and "
				    "this program needs %d: run `periodic "
				    "migrate`",
				    version, schema_newest());
	return true;
}

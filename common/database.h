/*
 * database.h - a database that is ready for the program
 *
 * The one way both programs get at PostgreSQL: where it is (a dsn, PG*, or the
 * private server of the checkout), whether it will do (version, encoding), and
 * the schema `millrace` in it.  Every error is one sentence that names the
 * remedy, with STATUS_DATABASE; being asked to stop before the database could
 * be reached is ERROR_STOPPED, at once.
 */
#ifndef COMMON_DATABASE_H
#define COMMON_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct buf;
struct pg;
struct pg_once;

struct database_options {
	const char *dsn;         /* NULL or "": PG*, or the private server */
	const char *application; /* shown in pg_stat_activity */
	const char *home;        /* the project, for the private server */
	int64_t timeout_ms;      /* for connecting */
	struct pg *begun;        /* database_begin's; taken */
	int64_t patience_ms; /* how long to try again while PostgreSQL cannot
			      * be reached or is starting; 0: one try */
};

enum database_schema {
	DATABASE_READY, /* the schema is there and fits, made if need be */
	DATABASE_BARE,  /* whatever schema there is: for migrate and doctor, or
			   for who asks about it together with something else */
};

/* Begins to connect to where the options say, without waiting, for whoever has
 * something else to do first: database_open goes on, with options that say so,
 * and tells what went wrong.  NULL: the private server may have to be started.
 * pg_close gives it up. */
struct pg *database_begin(const struct database_options *options) MUST_CHECK;

/* Begins to connect for one question that needs no libpq (pg_once.h).  NULL:
 * it takes libpq to reach the database; or, unless may_start, the private
 * server may have to be started. */
struct pg_once *database_once(const struct database_options *options,
			      bool may_start) MUST_CHECK;

/* What makes a bare database a ready one. */
bool database_prepare(struct pg *pg, struct error *err) MUST_CHECK;

/* Connects and sees to it that the database will do.  Adds to dsn, if it is
 * not NULL, the string that opens further connections to the same database. */
bool database_open(struct pg **out, const struct database_options *options,
		   enum database_schema schema, struct buf *dsn,
		   struct error *err) MUST_CHECK;

#endif

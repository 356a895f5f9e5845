/*
 * private_pg.h - a PostgreSQL of this checkout's own, started on first use
 *
 * Whoever names no server gets one: made with initdb in .millrace/pg of the
 * checkout, on a unix socket only, and left running when the program ends
 * (`make stop` ends it).  Starting is safe at any moment: a half-made or
 * crashed server is repaired, and of two programs that start it at once one
 * waits for the other.  When it is already running a start costs one
 * connect().
 *
 * In .millrace/pg (0700): `lock`, held while starting; `data`, the cluster;
 * server.log and setup.log.  Root cannot run PostgreSQL: for root the server
 * runs as the user postgres under that user's home, and `data` is a link to
 * the place.  A cluster made by another user is run as that user.
 *
 * Only the server's user and root can connect (peer), as user millrace to
 * database millrace.  MILLRACE_PG_BIN names the folder of initdb and postgres
 * where they are in none of the usual places.
 */
#ifndef COMMON_PRIVATE_PG_H
#define COMMON_PRIVATE_PG_H

#include <stdbool.h>

#include "common/error.h"

struct buf;

/* Whether nobody says where PostgreSQL is: the dsn is empty or NULL, and none
 * of PGHOST, PGHOSTADDR, PGPORT, PGDATABASE, PGUSER, PGPASSWORD and PGSERVICE
 * is set to anything. */
bool private_pg_is_wanted(const char *dsn);

/* Sees to it that the private server of the checkout runs, and adds its
 * connection string to dsn.  Says on stderr that it is used, once. */
bool private_pg_start(const char *checkout, struct buf *dsn,
		      struct error *err) MUST_CHECK;

#endif

/*
 * pg_place.h - where a server of this machine is, read as libpq reads it
 *
 * For who asks it without libpq (pg_once.h), and for strings so plain that
 * libpq need not be loaded to check them.
 */
#ifndef COMMON_PG_PLACE_H
#define COMMON_PG_PLACE_H

#include <stdbool.h>
#include <sys/un.h>

struct pg_place {
	struct sockaddr_un address;
	char user[128];
	char database[128];
};

/* Whether the string is one that libpq takes and that says nothing but host,
 * port, user and dbname, each at most once, where host is the folder of a
 * socket. */
bool pg_place_is_plain(const char *dsn);

/* Reads a plain string, or, where that is "", PGHOST, PGPORT, PGUSER and
 * PGDATABASE.  False: libpq would look further, as at a variable PG* of another
 * name; or there is no folder, and libpq knows which it takes then. */
bool pg_place_read(struct pg_place *place, const char *dsn);

#endif

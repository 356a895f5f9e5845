/*
 * pg_refusal.h - why a connection did not come about
 *
 * libpq tells the SQLSTATE of a refusal only inside its message, and only when
 * asked for verbose ones before the refusal arrives.
 */
#ifndef COMMON_PG_REFUSAL_H
#define COMMON_PG_REFUSAL_H

#include "common/error.h"
#include "common/libpq.h"

/* Before the handshake: makes refusals tell their SQLSTATE. */
void pg_refusal_expect(PGconn *conn);

/* After a failed handshake: what was refused and what to do about it.  A
 * server that is not there is TRANSIENT, and so is every refusal that pg_kind
 * calls so (it is starting, or full); a wrong password or name is FATAL.
 * Always returns false. */
bool pg_refusal_explain(PGconn *conn, struct error *err);

/* The same from the parts, for tests: libpq's message, whether it wanted a
 * password, and who asked for what. */
struct pg_request {
	const char *host; /* or the folder of the socket */
	const char *port;
	const char *user;
	const char *database;
	bool wants_password;
};
bool pg_refusal_word(const struct pg_request *request, const char *message,
		     struct error *err);

#endif

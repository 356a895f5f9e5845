/*
 * commands.h - what handle-streams can be asked to do
 *
 * Each command is one function that takes the options and returns false with
 * the reason; main prints it and exits with its status.
 */
#ifndef INGEST_COMMANDS_H
#define INGEST_COMMANDS_H

#include <stdbool.h>

#include "common/error.h"
#include "ingest/stream_set.h"

struct options;
struct pg;
struct buf;

/* Loads standard input or files. */
bool command_load(const struct options *options, struct error *err) MUST_CHECK;

/* Shows what becomes of the records on standard input or in a file. */
bool command_explain(const struct options *options,
		     struct error *err) MUST_CHECK;

/* rejects list | show ID | replay [-n] [ID...] */
bool command_rejects(const struct options *options,
		     struct error *err) MUST_CHECK;

/* Proves from the ledger that nothing is missing and nothing is there twice. */
bool command_verify(const struct options *options,
		    struct error *err) MUST_CHECK;

/* Checks all that a load needs and says what to do about the rest. */
bool command_doctor(const struct options *options,
		    struct error *err) MUST_CHECK;

/* Asks a running handle-streams whether it is ready. */
bool command_health(const struct options *options,
		    struct error *err) MUST_CHECK;

/* --- what they share ------------------------------------------------------ */

/* A database that is ready: reached, UTF-8, with the schema, and for each
 * stream (NULL: none) its table, checked.  dsn: what later connections of this
 * process use. */
bool command_database(const struct options *options,
		      const struct stream_set *set, const char *application,
		      struct buf *dsn, struct pg **out,
		      struct error *err) MUST_CHECK;

/* The same for a command with this one connection, where being asked to stop
 * cancels what it waits for and is no failure; and the end of it. */
bool command_begin(const struct options *options, const struct stream_set *set,
		   const char *application, struct pg **out,
		   struct error *err) MUST_CHECK;
bool command_end(struct pg *pg, bool ok, struct error *err) MUST_CHECK;

#endif

/*
 * command_open.h - what a command works with: the project, the database
 */
#ifndef AGGREGATE_COMMAND_OPEN_H
#define AGGREGATE_COMMAND_OPEN_H

#include <stdbool.h>

#include "aggregate/options.h"
#include "aggregate/run.h"
#include "common/database.h"
#include "common/error.h"

struct pg;

/* What is opened for a command: run->tasks, run->pg. */
enum need {
	NEED_PROJECT = 1,
	NEED_DATABASE = 2, /* with the newest schema */
	NEED_BARE = 4,     /* a database with any schema, or none */
};

/* Where the options say that the database is; borrows them. */
struct database_options command_database(const struct options *options);

/* Opens it; begun: database_begin's, or NULL. */
bool command_open_database(const struct options *options,
			   enum database_schema schema, struct pg *begun,
			   struct pg **pg, struct error *err) MUST_CHECK;

/* Reads the project into run->project and run->tasks.  What was opened until an
 * error is closed by command_close_project too. */
bool command_open_project(const struct options *options, struct run *run,
			  struct error *err) MUST_CHECK;
void command_close_project(struct run *run);

/* Opens what a command needs; late: what is chosen depends on the database.  A
 * pass that turns out to have nothing to do gets no connection: run->is_idle.
 */
bool command_open(const struct options *options, unsigned needs, bool late,
		  struct run *run, struct error *err) MUST_CHECK;

#endif

/*
 * compile.h - the SQL that really runs, to read and to explain
 *
 * A model's statements, in their transaction, as a pass sends them for one
 * load: the first that is pending, else the newest there is.  Temporary tables
 * are made, since what follows depends on what is in them, and rolled back; the
 * model's own table is not touched.  What comes out can be fed to psql, and
 * ends with a rollback.
 */
#ifndef AGGREGATE_COMPILE_H
#define AGGREGATE_COMPILE_H

#include <stdio.h>

#include "aggregate/run.h"

/* With a folder: one file a model, `<folder>/<pack>/<name>.sql`, and how many
 * of them to the log.  Without: everything to out. */
bool compile_models(struct run *run, const char *folder, FILE *out,
		    struct error *err) MUST_CHECK;

#endif

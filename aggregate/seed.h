/*
 * seed.h - a CSV file as a table
 *
 * <pack>/seeds/<name>.csv becomes <pack>.<name>.  The first line names the
 * columns; a type may follow a name after a colon (`weight:numeric`), text
 * otherwise.  A seed is a model whose query reads the file: it is loaded when
 * its content has changed, as a diff, and its readers react to that as to any
 * other model's run.
 */
#ifndef AGGREGATE_SEED_H
#define AGGREGATE_SEED_H

#include <stdbool.h>

#include "aggregate/model.h"
#include "common/error.h"

struct pg;
struct seed;

/* Reads the file and its header. */
bool seed_open(struct seed **out, const char *file, const char *pack,
	       const char *name, struct error *err) MUST_CHECK;
void seed_close(struct seed *seed);

/* The seed as a model: strategy full, a query over pg_temp.seed_rows. */
const struct model *seed_model(const struct seed *seed);

/* Inside a transaction: puts the file into the temporary table seed_rows. */
bool seed_load(const struct seed *seed, struct pg *pg, int64_t timeout_ms,
	       struct error *err) MUST_CHECK;

#endif

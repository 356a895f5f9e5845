/*
 * unit_world.h - a scratch database inside a transaction
 *
 * The schemas that a model touches are set aside by renaming them, and made
 * anew, empty, under their own names: with the streams, seeds, models and views
 * that the model is made from, the model itself, and a ledger.  So the real
 * strategy runs on real names.  Nobody else sees any of it, and the rollback
 * puts everything back.
 */
#ifndef AGGREGATE_UNIT_WORLD_H
#define AGGREGATE_UNIT_WORLD_H

#include <stdbool.h>

#include "aggregate/relation.h"
#include "aggregate/run.h"
#include "common/arena.h"

struct unit_world {
	struct run *run;
	struct task *task; /* the model */
	int loads;         /* so far */
	struct arena arena;
};

bool unit_world_open(struct unit_world *world, struct run *run,
		     struct task *task, struct error *err) MUST_CHECK;
void unit_world_close(struct unit_world *world);

/* The rows of a query come into a relation that the model reads, or go from it;
 * a load of the ledger. */
bool unit_world_given(struct unit_world *world, const char *relation,
		      const char *query, struct error *err) MUST_CHECK;
bool unit_world_gone(struct unit_world *world, const char *relation,
		     const char *query, struct error *err) MUST_CHECK;

/* A pass over the model. */
bool unit_world_pass(struct unit_world *world, struct error *err) MUST_CHECK;

/* Columns of a relation: `"a"::text, "b"::int`, and `"a", "b"`. */
struct unit_rows {
	const char *casts, *names;
	struct columns columns;
};

/* Puts the rows of a query into pg_temp.unit_rows, and says as which columns of
 * the relation. */
bool unit_world_rows(struct unit_world *world, const char *table,
		     const char *relation, const char *query,
		     struct unit_rows *rows, struct error *err) MUST_CHECK;

#endif

/*
 * artifacts.h - target/manifest.json and target/run_results.json
 *
 * In the field names of dbt (manifest v12, run results v6), for the tools that
 * read those: catalogs, lineage, alerts.  Written after a run that did
 * something; an idle pass leaves them alone.
 */
#ifndef AGGREGATE_ARTIFACTS_H
#define AGGREGATE_ARTIFACTS_H

#include <jansson.h>
#include <stdbool.h>

#include "aggregate/run.h"

/* Writes both into <folder>/target; home: the project, for paths in them. */
bool artifacts_write(const struct run *run, const char *home,
		     const char *folder, struct error *err) MUST_CHECK;

/* What an artifact begins with: versions, when, which invocation. */
struct artifact {
	const char *home;
	const char *database;
	char invocation[37]; /* a random UUID */
	char now[32];        /* ISO 8601, UTC */
};
json_t *artifacts_metadata(const struct artifact *artifact, const char *schema);

/* The manifest of the project, every relation and test of it. */
json_t *artifacts_manifest(const struct artifact *artifact,
			   const struct tasks *tasks);

/* `model.p.sums`, `seed.`, `source.` and `test.p.sums.unique(k)`. */
json_t *artifacts_relation_id(const struct relation *relation);
json_t *artifacts_test_id(const char *model, const char *test);

#endif

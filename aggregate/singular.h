/*
 * singular.h - a test that is a file: every row that its query returns fails
 *
 *   -- severity: warn
 *   -- warn_if: >10
 *   -- description: No reader without a user.
 *   select ...
 *
 * sql/<pack>/tests/<name>.sql, plain SQL over relations of the project.
 */
#ifndef AGGREGATE_SINGULAR_H
#define AGGREGATE_SINGULAR_H

#include "aggregate/pack_files.h"
#include "aggregate/project.h"

struct singular {
	struct model model; /* file, description and tags; its one test */
	struct model_test test;
	size_t *relation; /* which the query reads, by number, each once */
	size_t relation_count;
};

/* Reads a test.  Names of relations are looked up in the project. */
bool singular_parse(struct singular **out, const struct project *project,
		    const struct pack_file *file, struct error *err) MUST_CHECK;
void singular_close(struct singular *singular);

#endif

/*
 * model_hash.h - when a model has become another
 *
 * The hash covers the words of the query, the markers and every key that
 * changes rows or the table; it does not see comments, blanks, letter case of
 * keywords, the description, the owner, tags, tests and the export.
 */
#ifndef AGGREGATE_MODEL_HASH_H
#define AGGREGATE_MODEL_HASH_H

#include "aggregate/model.h"
#include "aggregate/query.h"

/* Sets model->code_hash. */
void model_hash(struct model *model, const struct query *query);

#endif

/*
 * model_purity.h - what a stored model may not ask
 *
 * A model's rows must follow from what it reads and nothing else: the clock,
 * chance, sequences and the session would make a refresh differ from what was
 * kept up to date.
 */
#ifndef AGGREGATE_MODEL_PURITY_H
#define AGGREGATE_MODEL_PURITY_H

#include "aggregate/model_value.h"
#include "aggregate/query.h"

bool model_purity_check(const struct model *model, const struct query *query,
			struct error *err) MUST_CHECK;

#endif

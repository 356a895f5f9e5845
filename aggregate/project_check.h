/*
 * project_check.h - whether the relations of a project suit each other
 */
#ifndef AGGREGATE_PROJECT_CHECK_H
#define AGGREGATE_PROJECT_CHECK_H

#include "aggregate/project.h"

/* Whether every reference names a relation of the project. */
bool project_check_references(const struct project *project,
			      struct error *err) MUST_CHECK;

/* Whether every model's strategy suits what it reads. */
bool project_check_strategies(const struct project *project,
			      struct error *err) MUST_CHECK;

/* Whether every exported file has one model. */
bool project_check_exports(const struct project *project,
			   struct error *err) MUST_CHECK;

/* Says that no relation has the name of the reference, and which one was
 * meant.  Always false. */
bool project_refuse_unknown(const struct project *project,
			    const struct model *model,
			    const struct reference *reference,
			    struct error *err);

#endif

/*
 * model_header.h - the leading comment lines of a model file
 *
 *   -- config:
 *   --   key: value            # remark
 *   -- description: text
 *   -- tests:
 *   --   - unique: [a, b]
 *
 * Keys and values are dbt's.  The header ends at the first line that is neither
 * blank nor a `--` comment; there the query begins.
 */
#ifndef AGGREGATE_MODEL_HEADER_H
#define AGGREGATE_MODEL_HEADER_H

#include "aggregate/model_config.h"

/* Reads model->text: sets what its header says, and sql and sql_line. */
bool model_header_read(struct model *model, struct model_config *config,
		       struct error *err) MUST_CHECK;

#endif

/*
 * model_config.h - the keys below `-- config:`
 *
 * One table says what a key is called and what it sets.  Whether the keys suit
 * each other is for model_check.h to say, once the whole file is read.
 */
#ifndef AGGREGATE_MODEL_CONFIG_H
#define AGGREGATE_MODEL_CONFIG_H

#include "aggregate/model_value.h"

enum model_key {
	KEY_MATERIALIZED,
	KEY_STRATEGY,
	KEY_BY,
	KEY_ROWS,
	KEY_TOUCH,
	KEY_UNIQUE_KEY,
	KEY_ORDER_BY,
	KEY_LOOKUPS,
	KEY_TAGS,
	KEY_EXPORT,
	KEY_OWNER,
	KEY_INDEX,
	KEY_CHECK_COLS,
	KEY_UPDATED_AT,
	KEY_HARD_DELETES,
	KEY_ON_SCHEMA_CHANGE,
	KEY_LAG,
	MODEL_KEY_COUNT,
};

struct model_config {
	int line[MODEL_KEY_COUNT]; /* where a key is set; 0: it is not */
};

const char *model_key_name(enum model_key key);
bool model_key_is_known(const char *name);

/* How much of text is the key of `key: value`; 0: it is written otherwise. */
size_t model_key_length(const char *text);

/* Reads one line, `key: value   # remark`. */
bool model_config_read(const struct model_at *at, struct model_config *config,
		       const char *text) MUST_CHECK;

#endif

/*
 * unit_file.h - cases for models: given rows, expected rows
 *
 *   -- unit: bluesky.likes_per_minute
 *   -- description: A late like is counted in its own minute.
 *
 *   -- given bluesky.events:
 *   select timestamptz '2025-03-10 17:54:00Z' as event_at, ...;
 *
 *   -- expect:
 *   --   time,likes
 *   --   2025-03-10 17:54:00,1
 *
 * sql/<pack>/unit/<name>.sql.  Rows are a query, or CSV in comments (nothing
 * between commas is NULL, "" is empty text).  A file may hold several cases.
 */
#ifndef AGGREGATE_UNIT_FILE_H
#define AGGREGATE_UNIT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "aggregate/pack_files.h"
#include "common/arena.h"
#include "common/error.h"

enum unit_word {
	UNIT_CASE,   /* unit */
	UNIT_GIVEN,  /* rows that come, as a load */
	UNIT_GONE,   /* rows of a model that go, as a load */
	UNIT_EXPECT, /* what the model then holds */
};

struct unit_block {
	enum unit_word word;
	const char *relation; /* of given and gone */
	const char *rows;     /* a query; CSV has become one */
	int line;
};

struct unit_case {
	const char *model;
	const char *file;
	const char *description;
	int line;
	struct unit_block *block; /* in order; the last one expects */
	size_t block_count;
};

/* Reads the cases of a file and adds them to an array in the arena. */
bool unit_file_read(const struct pack_file *file, struct arena *arena,
		    struct unit_case **cases, size_t *count,
		    struct error *err) MUST_CHECK;

#endif

/*
 * table_parts.h - what the files of a table's export share
 */
#ifndef INGEST_TABLE_PARTS_H
#define INGEST_TABLE_PARTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/error.h"
#include "ingest/table_export.h"

struct pg;

enum { TABLE_COPY_MS = 6 * 3600 * 1000 };

/* Rows with one value of the cursor; more make the column unfit. */
enum { TABLE_TIES_MAX = 1000000, TABLE_HASH_BYTES = 8 };

struct table_column {
	char *name, *type;
	bool taken; /* by the stream */
};

struct table_export {
	struct table_wanted wanted;
	struct pg *pg;
	struct table_column *column;
	size_t column_count, column_capacity;
	bool nullable, temporal, numeric; /* the cursor */
	struct buf key;
	struct buf header;
	struct buf columns; /* what is selected */
	struct buf from;    /* quoted: schema.table */
	struct buf cursor;  /* quoted */
	const struct table_cursor *before;
	struct table_cursor after;
	uint64_t *seen; /* hashes of before->rows, sorted */
	size_t seen_count;
	bool *used; /* by seen: a row that is there again */
	int fd;     /* writing end */
	bool started, joined;
	pthread_t thread;
	struct error error; /* kind ERROR_NONE: all well */
};

typedef bool take_row(void *context, const char *bytes, size_t len,
		      struct error *err);

/* COPYs the rows for which the condition holds: comparisons of the cursor with
 * a value (NULL: none of them). */
bool table_copy(struct table_export *export, const char *above, const char *low,
		const char *below, const char *high, take_row *take,
		struct error *err) MUST_CHECK;

/* Writes a row into the pipe.  context: the export. */
bool table_write(void *context, const char *bytes, size_t len,
		 struct error *err) MUST_CHECK;

/* Everything new up to the largest value of the cursor, and the hashes of the
 * rows that have it. */
bool table_copy_new(struct table_export *export, struct error *err) MUST_CHECK;

#endif

/*
 * table_export.h - a table of another PostgreSQL, as CSV through a pipe
 *
 * A thread COPYs the table out, in one snapshot, and writes it as the CSV that
 * a stream reads; the reading end is a pipe like any other.  The end of the
 * pipe may be a broken connection: only table_export_finish says that all of
 * it came.
 *
 * With a cursor column only rows are read whose value is not smaller than the
 * one read last, and of those that have just that value only the ones that
 * were not read yet, told by their hashes: ties that appear later are not lost
 * and nothing is doubled.  A row that becomes visible with a smaller value
 * than that (its transaction committed late) is never seen: `lag` leaves the
 * newest rows of a time cursor to the next run.
 */
#ifndef INGEST_TABLE_EXPORT_H
#define INGEST_TABLE_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/error.h"

struct stream;
struct table_export;

struct table_wanted {
	const char *dsn; /* of the other PostgreSQL */
	const char *schema;
	const char *table;
	const char *cursor; /* its column; "": all rows */
	int64_t lag_ms;
	const struct stream *stream; /* whose CSV it is */
	int64_t connect_ms;
};

/* How far the cursor has come. */
struct table_cursor {
	bool known;
	struct buf value;
	struct buf rows; /* hashes, of 8 bytes: the header, rows that have it */
};

void table_cursor_release(struct table_cursor *cursor);

/* Connects and looks at the table; waits for nobody. */
bool table_export_open(struct table_export **out,
		       const struct table_wanted *wanted,
		       struct error *err) MUST_CHECK;

/* What names the table for good: cluster, database, table, cursor column. */
const char *table_export_key(const struct table_export *export);

/* By column of the table: whether to take it.  Before, all are taken. */
void table_export_take(struct table_export *export, const bool *taken);

/* The header of the CSV, which is not in the pipe. */
const char *table_export_header(const struct table_export *export);

/* Begins to write, going on behind `from`.  *fd is the reading end, the
 * caller's to close. */
bool table_export_start(struct table_export *export,
			const struct table_cursor *from, int *fd,
			struct error *err) MUST_CHECK;

/* After the end of the pipe: whether it was the end of the table; `to` is then
 * how far the cursor has come. */
bool table_export_finish(struct table_export *export, struct table_cursor *to,
			 struct error *err) MUST_CHECK;

/* The reading end must be closed by then. */
void table_export_close(struct table_export *export);

#endif

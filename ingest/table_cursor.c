#include "ingest/table_parts.h"

#include <string.h>
#include <xxhash.h>

#include "common/log.h"
#include "common/pg.h"

/* Whether the row was read before: each hash stands for one row. */
static bool was_read(struct table_export *export, uint64_t hash)
{
	size_t low = 0, high = export->seen_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (export->seen[middle] < hash)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < export->seen_count && export->seen[low] == hash; low++) {
		if (export->used[low])
			continue;
		export->used[low] = true;
		return true;
	}
	return false;
}

static bool write_new(void *context, const char *bytes, size_t len,
		      struct error *err)
{
	struct table_export *export = context;

	return was_read(export, XXH3_64bits(bytes, len)) ||
	       table_write(export, bytes, len, err);
}

static bool remember(void *context, const char *bytes, size_t len,
		     struct error *err)
{
	struct table_export *export = context;
	uint64_t hash = XXH3_64bits(bytes, len);

	if (export->after.rows.len > (size_t)TABLE_TIES_MAX * TABLE_HASH_BYTES)
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "more than %d rows have the same %s: no "
				 "cursor can tell them apart",
				 TABLE_TIES_MAX, export->wanted.cursor);
	buf_add(&export->after.rows, &hash, TABLE_HASH_BYTES);
	return true;
}

/* A row without a value is never greater than another. */
static bool warn_of_nulls(struct table_export *export, struct error *err)
{
	struct buf sql = BUF_INIT;
	int64_t count = 0;
	bool ok;

	if (!export->nullable)
		return true;
	buf_format(&sql, "select count(*) from %s where %s is null",
		   buf_text(&export->from), buf_text(&export->cursor));
	ok = pg_count(export->pg, TABLE_COPY_MS, err, &count, buf_text(&sql));
	buf_release(&sql);
	if (count)
		log_line(LOG_WARNING,
			 "%lld rows of %s.%s have no %s and are not loaded: "
			 "fill it, or take another cursor",
			 (long long)count, export->wanted.schema,
			 export->wanted.table, export->wanted.cursor);
	return ok;
}

/* Nothing is ever greater than infinity, nor before its time than a time to
 * come. */
static bool check_high(const struct table_export *export, bool ahead,
		       struct error *err)
{
	const char *high = buf_text(&export->after.value);
	const struct table_wanted *wanted = &export->wanted;

	if ((export->temporal && !strcmp(high, "infinity")) ||
	    (export->numeric &&
	     (!strcmp(high, "Infinity") || !strcmp(high, "NaN"))))
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "the greatest %s is %s, behind which nothing "
				 "new can come: correct that row, or take "
				 "another cursor",
				 wanted->cursor, high);
	if (ahead)
		log_line(LOG_WARNING,
			 "the greatest %s of %s.%s, %s, is more than a day "
			 "ahead: new rows before it will not be loaded",
			 wanted->cursor, wanted->schema, wanted->table, high);
	return true;
}

/* The largest value there is now. */
static bool find_high(struct table_export *export, struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	buf_format(&sql, "select max(%s)::text", buf_text(&export->cursor));
	if (export->temporal)
		buf_format(&sql, ", max(%s) > now() + interval '1 day'",
			   buf_text(&export->cursor));
	buf_format(&sql, " from %s", buf_text(&export->from));
	if (export->wanted.lag_ms)
		buf_format(&sql,
			   " where %s < now() - interval '%lld milliseconds'",
			   buf_text(&export->cursor),
			   (long long)export->wanted.lag_ms);
	ok = pg_fetch(export->pg, TABLE_COPY_MS, err, &res, NULL,
		      buf_text(&sql));
	buf_release(&sql);
	if (!ok)
		return false;
	export->after.known = !PQgetisnull(res, 0, 0);
	if (export->after.known)
		buf_add_text(&export->after.value, PQgetvalue(res, 0, 0));
	ok = !export->after.known ||
	     check_high(export,
			export->temporal && PQgetvalue(res, 0, 1)[0] == 't',
			err);
	PQclear(res);
	return ok;
}

/* The columns taken, as one more hash: rows that are hashed otherwise do not
 * look like those that were read. */
static void remember_columns(struct table_export *export)
{
	uint64_t hash = XXH3_64bits(export->header.data, export->header.len);

	if (export->seen_count && !was_read(export, hash))
		log_line(LOG_WARNING,
			 "the columns taken of %s.%s are no longer those of "
			 "the run before: its rows with %s = %s come again",
			 export->wanted.schema, export->wanted.table,
			 export->wanted.cursor,
			 buf_text(&export->before->value));
	buf_add(&export->after.rows, &hash, TABLE_HASH_BYTES);
}

bool table_copy_new(struct table_export *export, struct error *err)
{
	const struct table_cursor *before = export->before;
	const char *low = buf_text(&before->value);
	const char *high;

	if (!warn_of_nulls(export, err) || !find_high(export, err))
		return false;
	if (!export->after.known)
		return true;
	remember_columns(export);
	high = buf_text(&export->after.value);
	if (before->known &&
	    (!table_copy(export, "=", low, "<=", high, write_new, err) ||
	     !table_copy(export, ">", low, "<=", high, table_write, err)))
		return false;
	return (before->known ||
		table_copy(export, NULL, NULL, "<=", high, table_write, err)) &&
	       table_copy(export, "=", high, NULL, NULL, remember, err);
}

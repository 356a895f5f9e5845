#include "ingest/table_export.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"
#include "ingest/stream.h"

enum { QUICK_MS = 60000, COPY_MS = 6 * 3600 * 1000 };

/* Rows with one value of the cursor; more make the column unfit. */
enum { TIES_MAX = 1000000, HASH_BYTES = 8 };

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

void table_cursor_release(struct table_cursor *cursor)
{
	buf_release(&cursor->value);
	buf_release(&cursor->rows);
}

/* --- the table ------------------------------------------------------------ */

/* Times with a zone are written as RFC 3339 has them, all else as PostgreSQL
 * does. */
static void add_column(struct table_export *export,
		       const struct table_column *column)
{
	const char *name = column->name, *type = column->type;
	bool first = export->columns.len == 0;
	char delimiter = export->wanted.stream->delimiter;
	struct buf quoted = BUF_INIT;

	pg_identifier(export->pg, &quoted, name);
	buf_add_text(&export->columns, first ? "" : ", ");
	if (!strcmp(type, "timestamp with time zone"))
		buf_format(&export->columns,
			   "replace(%s::text, ' ', 'T') || ':00'",
			   buf_text(&quoted));
	else
		buf_add_text(&export->columns, buf_text(&quoted));
	if (!first)
		buf_add_byte(&export->header, delimiter);
	buf_add_byte(&export->header, '"');
	for (; *name; name++) {
		if (*name == '"')
			buf_add_byte(&export->header, '"');
		buf_add_byte(&export->header, *name);
	}
	buf_add_byte(&export->header, '"');
	buf_release(&quoted);
}

static void add_columns(struct table_export *export)
{
	buf_reset(&export->columns);
	buf_reset(&export->header);
	for (size_t i = 0; i < export->column_count; i++)
		if (export->column[i].taken)
			add_column(export, &export->column[i]);
}

void table_export_take(struct table_export *export, const bool *taken)
{
	for (size_t i = 0; i < export->column_count; i++)
		export->column[i].taken = taken[i];
	add_columns(export);
}

static void learn_column(struct table_export *export, const PGresult *res,
			 int row)
{
	MEM_GROW(export->column, export->column_count, export->column_capacity);
	export->column[export->column_count++] = (struct table_column){
		.name = mem_strdup(PQgetvalue(res, row, 0)),
		.type = mem_strdup(PQgetvalue(res, row, 1)),
		.taken = true,
	};
	if (PQgetvalue(res, row, 2)[0] != 't')
		return;
	export->nullable = PQgetvalue(res, row, 4)[0] == 'f';
	export->temporal = PQgetvalue(res, row, 5)[0] == 'D' &&
			   strncmp(PQgetvalue(res, row, 1), "time ", 5) != 0;
	export->numeric = PQgetvalue(res, row, 5)[0] == 'N';
}

static bool look_at_table(struct table_export *export, struct error *err)
{
	static const char query[] =
		"select a.attname, format_type(a.atttypid, null), "
		"a.attname = $3, s.system_identifier || '/' || "
		"current_database(), a.attnotnull, t.typcategory "
		"from pg_attribute a join pg_type t on t.oid = a.atttypid join "
		"pg_class c on "
		"c.oid = a.attrelid join pg_namespace n on n.oid = "
		"c.relnamespace, pg_control_system() s where n.nspname = $1 "
		"and c.relname = $2 and a.attnum > 0 and not a.attisdropped "
		"order by a.attnum";
	const struct table_wanted *wanted = &export->wanted;
	const char *const values[] = {wanted->schema, wanted->table,
				      wanted->cursor};
	bool has_cursor = *wanted->cursor == '\0';
	PGresult *res = NULL;

	if (!pg_fetch_params(export->pg, QUICK_MS, err, &res, query, 3, values))
		return false;
	for (int i = 0; i < PQntuples(res); i++) {
		learn_column(export, res, i);
		has_cursor = has_cursor || PQgetvalue(res, i, 2)[0] == 't';
	}
	if (PQntuples(res))
		buf_format(&export->key, "table:%s/%s.%s/%s",
			   PQgetvalue(res, 0, 3), wanted->schema, wanted->table,
			   wanted->cursor);
	PQclear(res);
	add_columns(export);
	if (export->key.len && has_cursor)
		return true;
	return error_set(err, ERROR_FATAL, STATUS_SOURCE,
			 export->key.len ? "%s.%s has no column %s"
					 : "there is no table %s.%s%s",
			 wanted->schema, wanted->table,
			 export->key.len ? wanted->cursor : "");
}

bool table_export_open(struct table_export **out,
		       const struct table_wanted *wanted, struct error *err)
{
	struct table_export *export = mem_zalloc(1, sizeof *export);

	export->wanted = *wanted;
	export->fd = -1;
	if (pg_open(&export->pg, wanted->dsn, "handle-streams --from-table",
		    wanted->connect_ms, err) &&
	    pg_run(export->pg, QUICK_MS, err,
		   "begin isolation level repeatable read read only; "
		   "set local statement_timeout = 0; "
		   "set local synchronize_seqscans = off; "
		   "set local timezone = 'UTC'; "
		   "set local datestyle = 'ISO'") &&
	    look_at_table(export, err)) {
		pg_identifier(export->pg, &export->from, wanted->schema);
		buf_add_byte(&export->from, '.');
		pg_identifier(export->pg, &export->from, wanted->table);
		pg_identifier(export->pg, &export->cursor, wanted->cursor);
		*out = export;
		return true;
	}
	table_export_close(export);
	err->status = STATUS_SOURCE;
	return error_context(err, "reading %s.%s", wanted->schema,
			     wanted->table);
}

const char *table_export_key(const struct table_export *export)
{
	return buf_text(&export->key);
}

const char *table_export_header(const struct table_export *export)
{
	return buf_text(&export->header);
}

/* --- rows ----------------------------------------------------------------- */

static int by_hash(const void *a, const void *b)
{
	uint64_t left, right;

	memcpy(&left, a, sizeof left);
	memcpy(&right, b, sizeof right);
	return (left > right) - (left < right);
}

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

static bool write_all(void *context, const char *bytes, size_t len,
		      struct error *err)
{
	struct table_export *export = context;

	while (len > 0) {
		ssize_t n = write(export->fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, ERROR_FATAL, STATUS_SOURCE,
					 "not read to its end");
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static bool write_new(void *context, const char *bytes, size_t len,
		      struct error *err)
{
	struct table_export *export = context;

	return was_read(export, XXH3_64bits(bytes, len)) ||
	       write_all(export, bytes, len, err);
}

static bool remember(void *context, const char *bytes, size_t len,
		     struct error *err)
{
	struct table_export *export = context;
	uint64_t hash = XXH3_64bits(bytes, len);

	if (export->after.rows.len > (size_t)TIES_MAX * HASH_BYTES)
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "more than %d rows have the same %s: no "
				 "cursor can tell them apart",
				 TIES_MAX, export->wanted.cursor);
	buf_add(&export->after.rows, &hash, HASH_BYTES);
	return true;
}

typedef bool take_row(void *context, const char *bytes, size_t len,
		      struct error *err);

/* COPYs the rows for which the condition holds: comparisons of the cursor with
 * a value (NULL: none of them). */
static bool copy(struct table_export *export, const char *above,
		 const char *low, const char *below, const char *high,
		 take_row *take, struct error *err)
{
	const struct stream *stream = export->wanted.stream;
	char delimiter[2] = {stream->delimiter, '\0'};
	struct buf sql = BUF_INIT;
	bool ok;

	buf_format(&sql, "copy (select %s from %s where true",
		   buf_text(&export->columns), buf_text(&export->from));
	if (above) {
		buf_format(&sql, " and %s %s ", buf_text(&export->cursor),
			   above);
		pg_literal(export->pg, &sql, low);
	}
	if (below) {
		buf_format(&sql, " and %s %s ", buf_text(&export->cursor),
			   below);
		pg_literal(export->pg, &sql, high);
	}
	buf_add_text(&sql, ") to stdout (format csv, delimiter ");
	pg_literal(export->pg, &sql, delimiter);
	buf_add_text(&sql, ", null ");
	pg_literal(export->pg, &sql, stream->null);
	buf_add_text(&sql, ")");
	ok = pg_copy_out(export->pg, COPY_MS, err, buf_text(&sql), take,
			 export);
	buf_release(&sql);
	return ok;
}

/* A row without a value is never greater than another. */
static bool warn_of_nulls(struct table_export *export, struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	if (!export->nullable)
		return true;
	buf_format(&sql, "select count(*) from %s where %s is null",
		   buf_text(&export->from), buf_text(&export->cursor));
	ok = pg_fetch(export->pg, COPY_MS, err, &res, NULL, buf_text(&sql));
	buf_release(&sql);
	if (!ok)
		return false;
	if (pg_number(res, 0, 0))
		log_line(LOG_WARNING,
			 "%lld rows of %s.%s have no %s and are not loaded: "
			 "fill it, or take another cursor",
			 (long long)pg_number(res, 0, 0), export->wanted.schema,
			 export->wanted.table, export->wanted.cursor);
	PQclear(res);
	return true;
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
	ok = pg_fetch(export->pg, COPY_MS, err, &res, NULL, buf_text(&sql));
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
	buf_add(&export->after.rows, &hash, HASH_BYTES);
}

/* Everything new up to the largest value, and the hashes of the rows that have
 * it. */
static bool copy_new(struct table_export *export, struct error *err)
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
	    (!copy(export, "=", low, "<=", high, write_new, err) ||
	     !copy(export, ">", low, "<=", high, write_all, err)))
		return false;
	return (before->known ||
		copy(export, NULL, NULL, "<=", high, write_all, err)) &&
	       copy(export, "=", high, NULL, NULL, remember, err);
}

static void *run(void *context)
{
	struct table_export *export = context;
	bool ok = *export->wanted.cursor ? copy_new(export, &export->error)
					 : copy(export, NULL, NULL, NULL, NULL,
						write_all, &export->error);

	if (ok)
		export->error = ERROR_INIT;
	close(export->fd);
	export->fd = -1;
	return NULL;
}

bool table_export_start(struct table_export *export,
			const struct table_cursor *from, int *fd,
			struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "cannot make a pipe: %s", strerror(errno));
	export->before = from;
	export->seen_count = from->rows.len / HASH_BYTES;
	export->seen = mem_zalloc(export->seen_count + 1, sizeof(uint64_t));
	export->used = mem_zalloc(export->seen_count + 1, sizeof(bool));
	if (export->seen_count)
		memcpy(export->seen, from->rows.data,
		       export->seen_count * HASH_BYTES);
	qsort(export->seen, export->seen_count, sizeof(uint64_t), by_hash);
	*fd = ends[0];
	export->fd = ends[1];
	export->started = true;
	pg_heed_stop(export->pg, true);
	if (pthread_create(&export->thread, NULL, run, export) != 0)
		abort(); /* like memory: without it nothing can go on */
	return true;
}

bool table_export_finish(struct table_export *export, struct table_cursor *to,
			 struct error *err)
{
	if (!export->joined)
		pthread_join(export->thread, NULL);
	export->joined = true;
	if (export->error.kind != ERROR_NONE) {
		*err = export->error;
		err->status = STATUS_SOURCE;
		err->kind = ERROR_FATAL;
		return error_context(err, "reading %s.%s",
				     export->wanted.schema,
				     export->wanted.table);
	}
	*to = export->after;
	export->after = (struct table_cursor){.known = false};
	return true;
}

void table_export_close(struct table_export *export)
{
	if (!export)
		return;
	if (export->started && !export->joined)
		pthread_join(export->thread, NULL);
	pg_close(export->pg);
	for (size_t i = 0; i < export->column_count; i++) {
		free(export->column[i].name);
		free(export->column[i].type);
	}
	free(export->column);
	buf_release(&export->key);
	buf_release(&export->header);
	buf_release(&export->columns);
	buf_release(&export->from);
	buf_release(&export->cursor);
	table_cursor_release(&export->after);
	free(export->seen);
	free(export->used);
	free(export);
}

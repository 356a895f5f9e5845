#include "ingest/table_parts.h"

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

enum { QUICK_MS = 60000 };

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
	if (pg_open_unless_stopped(&export->pg, wanted->dsn,
				   "handle-streams --from-table",
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

bool table_write(void *context, const char *bytes, size_t len,
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

bool table_copy(struct table_export *export, const char *above, const char *low,
		const char *below, const char *high, take_row *take,
		struct error *err)
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
	ok = pg_copy_out(export->pg, TABLE_COPY_MS, err, buf_text(&sql), take,
			 export);
	buf_release(&sql);
	return ok;
}

static void *run(void *context)
{
	struct table_export *export = context;
	bool ok = *export->wanted.cursor
			  ? table_copy_new(export, &export->error)
			  : table_copy(export, NULL, NULL, NULL, NULL,
				       table_write, &export->error);

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
	export->seen_count = from->rows.len / TABLE_HASH_BYTES;
	export->seen = mem_zalloc(export->seen_count + 1, sizeof(uint64_t));
	export->used = mem_zalloc(export->seen_count + 1, sizeof(bool));
	if (export->seen_count)
		memcpy(export->seen, from->rows.data,
		       export->seen_count * TABLE_HASH_BYTES);
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

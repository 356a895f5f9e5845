#include "ingest/csv_layout.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/nearest.h"
#include "common/utf8.h"
#include "ingest/csv_scan.h"
#include "ingest/stream.h"

static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
	return *a == *b;
}

/* The field that a path asks for: its keys with dots between them. */
static const char *field_name(struct arena *arena, const struct path *path)
{
	const char *name = path->key[0];

	for (size_t i = 1; i < path->depth; i++)
		name = arena_format(arena, "%s.%s", name, path->key[i]);
	return name;
}

static int find_field(const struct csv_layout *layout, const char *name)
{
	for (size_t i = 0; i < layout->field_count; i++)
		if (same_name(layout->name[i], name))
			return (int)i;
	return -1;
}

static void trim_blanks(const char **text, size_t *len)
{
	while (*len && isspace((unsigned char)**text)) {
		(*text)++;
		(*len)--;
	}
	while (*len && isspace((unsigned char)(*text)[*len - 1]))
		(*len)--;
}

static bool read_names(struct csv_layout *layout, const char *header,
		       size_t len, struct error *err)
{
	struct csv_record record = {.limit = CSV_FIELDS_MAX};
	bool ok;

	if (utf8_flaw(header, len))
		return error_set(err, ERROR_FATAL, STATUS_DATA,
				 "its header is not UTF-8 text: convert the "
				 "file, as with iconv -t UTF-8");
	ok = csv_record_split(&record, layout->stream->delimiter, header, len,
			      err);
	if (ok && record.count > CSV_FIELDS_MAX)
		ok = error_set(err, ERROR_FATAL, STATUS_DATA,
			       "its header has %zu fields, at most %d make "
			       "sense",
			       record.count, CSV_FIELDS_MAX);
	if (!ok) {
		error_context(err, "its header cannot be read");
		err->kind = ERROR_FATAL;
	} else {
		layout->field_count = record.count;
		layout->name = arena_alloc(&layout->arena,
					   record.count * sizeof(char *));
		for (size_t i = 0; i < record.count; i++) {
			struct csv_field field = record.field[i];

			trim_blanks(&field.text, &field.len);
			layout->name[i] = arena_strndup(&layout->arena,
							field.text, field.len);
		}
	}
	csv_record_release(&record);
	return ok;
}

/* Whether something else than a field can fill the column: what only a record
 * of Kafka has (which has no header) fills none that must not be null. */
static bool has_other_source(const struct column *column)
{
	for (size_t i = 0; i < column->alternative_count; i++) {
		const struct alternative *from = &column->alternative[i];

		if (from->kind != FROM_PATH &&
		    (!column->not_null || from->kind != FROM_METADATA ||
		     from->metadata == META_FILE ||
		     from->metadata == META_LINE))
			return true;
	}
	return false;
}

static void map_columns(struct csv_layout *layout)
{
	const struct stream *stream = layout->stream;

	layout->mapped = arena_zalloc(&layout->arena,
				      layout->field_count * sizeof(bool) + 1);
	layout->source = arena_alloc(&layout->arena,
				     stream->column_count * sizeof(int *));
	for (size_t i = 0; i < stream->column_count; i++) {
		const struct column *column = &stream->column[i];
		int *source =
			arena_alloc(&layout->arena,
				    column->alternative_count * sizeof(int));

		layout->source[i] = source;
		for (size_t j = 0; j < column->alternative_count; j++) {
			const struct alternative *from =
				&column->alternative[j];

			source[j] = -1;
			if (from->kind != FROM_PATH)
				continue;
			source[j] =
				find_field(layout, field_name(&layout->arena,
							      &from->path));
			if (source[j] < 0 || layout->mapped[source[j]])
				continue;
			layout->mapped[source[j]] = true;
			layout->mapped_count++;
		}
	}
}

/* What the header offers, for errors. */
static void list_names(const struct csv_layout *layout, struct buf *out)
{
	for (size_t i = 0; i < layout->field_count && out->len < 300; i++)
		buf_format(out, "%s%.60s", i ? ", " : "", layout->name[i]);
	if (out->len >= 300)
		buf_add_text(out, ", ...");
}

static bool lacks(struct csv_layout *layout, const struct column *column,
		  struct error *err)
{
	struct buf names = BUF_INIT;
	struct buf wanted = BUF_INIT;
	const char *near = NULL;

	for (size_t i = 0; i < column->alternative_count; i++) {
		const char *name;

		if (column->alternative[i].kind != FROM_PATH)
			continue;
		name = field_name(&layout->arena, &column->alternative[i].path);
		if (!strstr(buf_text(&wanted), name))
			buf_format(&wanted, "%s%s", wanted.len ? " or " : "",
				   name);
		if (!near)
			near = nearest(name, layout->name, layout->field_count);
	}
	list_names(layout, &names);
	error_set(err, ERROR_FATAL, STATUS_DATA,
		  "its header lacks %s, which stream %s needs for its column "
		  "%s: it has %s%s%s%s",
		  buf_text(&wanted), layout->stream->name, column->name,
		  buf_text(&names), near ? "; is it " : "", near ? near : "",
		  near ? "?" : "");
	buf_release(&names);
	buf_release(&wanted);
	return false;
}

/* Every column has its field, and no field that one takes is there twice. */
static bool check_columns(struct csv_layout *layout, struct error *err)
{
	const struct stream *stream = layout->stream;

	for (size_t i = 0; i < stream->column_count; i++) {
		const struct column *column = &stream->column[i];
		bool found = has_other_source(column) ||
			     (stream->missing_null && !column->not_null);

		for (size_t j = 0; j < column->alternative_count; j++)
			found = found || layout->source[i][j] >= 0;
		if (!found)
			return lacks(layout, column, err);
	}
	for (size_t i = 0; i < layout->field_count; i++) {
		int first = find_field(layout, layout->name[i]);

		if ((size_t)first < i && layout->mapped[first])
			return error_set(err, ERROR_FATAL, STATUS_DATA,
					 "its header has %s twice",
					 layout->name[i]);
	}
	if (layout->mapped_count == 0)
		return error_set(err, ERROR_FATAL, STATUS_DATA,
				 "its header has no field that stream %s knows",
				 stream->name);
	return true;
}

static struct csv_layout *new_layout(const struct stream *stream,
				     int stream_index)
{
	struct csv_layout *layout = mem_zalloc(1, sizeof *layout);

	layout->stream = stream;
	layout->stream_index = stream_index;
	layout->header = "";
	return layout;
}

bool csv_layout_read(struct csv_layout **out, const struct stream *stream,
		     int stream_index, const char *header, size_t len,
		     struct error *err)
{
	struct csv_layout *layout = new_layout(stream, stream_index);

	layout->header = arena_strndup(&layout->arena, header, len);
	layout->header_len = len;
	if (read_names(layout, header, len, err)) {
		map_columns(layout);
		if (check_columns(layout, err)) {
			*out = layout;
			return true;
		}
	}
	csv_layout_close(layout);
	return false;
}

struct csv_layout *csv_layout_positional(const struct stream *stream,
					 int stream_index)
{
	struct csv_layout *layout = new_layout(stream, stream_index);

	layout->name = arena_alloc(&layout->arena,
				   stream->column_count * sizeof(char *));
	for (size_t i = 0; i < stream->column_count; i++) {
		const struct alternative *from = stream->column[i].alternative;

		if (from->kind == FROM_PATH)
			layout->name[layout->field_count++] =
				field_name(&layout->arena, &from->path);
	}
	map_columns(layout);
	return layout;
}

void csv_layout_close(struct csv_layout *layout)
{
	if (!layout)
		return;
	arena_release(&layout->arena);
	free(layout);
}

bool csv_layout_is_header(const struct csv_layout *layout, const char *bytes,
			  size_t len)
{
	size_t mark = utf8_mark(bytes, len);

	if (layout->header_len == 0)
		return false;
	bytes += mark;
	len -= mark;
	return len == layout->header_len && !memcmp(bytes, layout->header, len);
}

size_t csv_layout_known(const struct stream *stream, char delimiter,
			const char *header, size_t len, size_t *fields)
{
	struct stream other = *stream;
	struct csv_layout *layout = new_layout(&other, 0);
	struct error ignored = ERROR_INIT;
	size_t known = 0;

	*fields = 0;
	other.delimiter = delimiter;
	if (read_names(layout, header, len, &ignored)) {
		map_columns(layout);
		known = layout->mapped_count;
		*fields = layout->field_count;
	}
	csv_layout_close(layout);
	return known;
}

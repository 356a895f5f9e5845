#include "ingest/batch.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "ingest/csv_layout.h"
#include "ingest/stream.h"

/* Signature, flags, length of the header extension: PostgreSQL's COPY page,
 * "Binary Format". */
const char batch_copy_header[19] = {'P',    'G',  'C',  'O',  'P', 'Y', '\n',
				    '\377', '\r', '\n', '\0', 0,   0,   0,
				    0,      0,    0,    0,    0};
const char batch_copy_trailer[2] = {'\377', '\377'};

void batch_init(struct batch *batch, const struct stream *const *streams,
		size_t count)
{
	*batch = (struct batch){.table_count = count};
	batch->table = mem_zalloc(count, sizeof *batch->table);
	for (size_t i = 0; i < count; i++)
		batch->table[i].stream = streams[i];
}

void batch_reset(struct batch *batch)
{
	for (size_t i = 0; i < batch->table_count; i++) {
		struct batch_table *table = &batch->table[i];

		buf_reset(&table->rows);
		table->row_count = 0;
		table->has_events = false;
	}
	for (size_t i = 0; i < batch->range_count; i++)
		batch->range_of_part[batch->range[i].part] = 0;
	batch->reject_count = 0;
	batch->range_count = 0;
	buf_reset(&batch->raw);
	arena_reset(&batch->arena);
	batch->text_bytes = 0;
	batch->record_count = 0;
	batch->byte_count = 0;
	batch->opened_ms = 0;
	batch->open_table = NULL;
}

void batch_release(struct batch *batch)
{
	for (size_t i = 0; i < batch->table_count; i++) {
		buf_release(&batch->table[i].rows);
		free(batch->table[i].row);
	}
	free(batch->table);
	free(batch->reject);
	free(batch->range);
	free(batch->range_of_part);
	buf_release(&batch->raw);
	arena_release(&batch->arena);
	*batch = (struct batch){0};
}

size_t batch_bytes(const struct batch *batch)
{
	size_t bytes = batch->raw.len + batch->text_bytes +
		       batch->reject_count * sizeof *batch->reject;

	for (size_t i = 0; i < batch->table_count; i++) {
		const struct batch_table *table = &batch->table[i];

		bytes +=
			table->rows.len + table->row_count * sizeof *table->row;
	}
	return bytes;
}

bool batch_is_empty(const struct batch *batch)
{
	return batch->range_count == 0;
}

static struct batch_range *find_range(struct batch *batch, int part)
{
	size_t index = (size_t)part;

	assert(part >= 0);
	if (index >= batch->part_capacity) {
		size_t wanted = index + 8;
		size_t added = wanted - batch->part_capacity;

		batch->range_of_part =
			mem_realloc(batch->range_of_part,
				    wanted * sizeof *batch->range_of_part);
		memset(batch->range_of_part + batch->part_capacity, 0,
		       added * sizeof *batch->range_of_part);
		batch->part_capacity = wanted;
	}
	if (batch->range_of_part[index] == 0)
		return NULL;
	return &batch->range[batch->range_of_part[index] - 1];
}

void batch_cover(struct batch *batch, int part, int64_t from, int64_t to)
{
	struct batch_range *range = find_range(batch, part);

	if (range) {
		assert(from >= range->to);
		range->to = to;
		return;
	}
	if (batch->opened_ms == 0)
		batch->opened_ms = clock_ms();
	MEM_GROW(batch->range, batch->range_count, batch->range_capacity);
	batch->range[batch->range_count++] =
		(struct batch_range){.part = part, .from = from, .to = to};
	batch->range_of_part[part] = batch->range_count;
}

static int by_part(const void *a, const void *b)
{
	const struct batch_range *left = a;
	const struct batch_range *right = b;

	return (left->part > right->part) - (left->part < right->part);
}

void batch_seal(struct batch *batch)
{
	if (batch->range_count > 1)
		qsort(batch->range, batch->range_count, sizeof *batch->range,
		      by_part);
	for (size_t i = 0; i < batch->range_count; i++)
		batch->range_of_part[batch->range[i].part] = i + 1;
}

static void add_padded(struct buf *raw, const char *bytes, size_t len)
{
	char *to = buf_reserve(raw, len + BATCH_PADDING);

	if (len)
		memcpy(to, bytes, len);
	memset(to + len, 0, BATCH_PADDING);
	raw->len += len;
}

void batch_record(struct batch *batch, const struct record *record,
		  struct batch_origin *origin)
{
	size_t full_len =
		record->full_len > record->len ? record->full_len : record->len;
	size_t headers_len = record->headers ? strlen(record->headers) : 0;

	buf_add(&batch->raw, record->headers ? record->headers : "",
		headers_len);
	buf_add(&batch->raw, record->key ? record->key : "",
		record->key ? record->key_len : 0);
	*origin = (struct batch_origin){
		.part = record->part,
		.position = record->position,
		.timestamp_ms = record->timestamp_ms,
		.key_len = record->key ? (int32_t)record->key_len : -1,
		.headers_len = record->headers ? (int32_t)headers_len : -1,
		.raw_start = batch->raw.len,
		.raw_len = record->len,
		.raw_full_len = full_len,
		.csv_header = record->csv ? record->csv->header : NULL,
	};
	add_padded(&batch->raw, record->bytes, record->len);
	batch_cover(batch, record->part, record->position, record->next);
	batch->record_count++;
	batch->byte_count += full_len;
}

void batch_restore(struct batch *batch, struct batch_origin *origin,
		   const char *bytes)
{
	origin->raw_start = batch->raw.len;
	add_padded(&batch->raw, bytes, origin->raw_len);
}

void batch_row_begin(struct batch *batch, size_t stream_index,
		     const struct batch_origin *origin)
{
	struct batch_table *table = &batch->table[stream_index];
	uint16_t fields = htobe16((uint16_t)table->stream->column_count);

	assert(!batch->open_table);
	MEM_GROW(table->row, table->row_count, table->row_capacity);
	table->row[table->row_count].start = table->rows.len;
	table->row[table->row_count].origin = *origin;
	batch->open_table = table;
	buf_add(&table->rows, &fields, sizeof fields);
}

void batch_row_end(struct batch *batch)
{
	struct batch_table *table = batch->open_table;

	if (batch->light)
		batch->raw.len = table->row[table->row_count].origin.raw_start;
	table->row_count++;
	batch->open_table = NULL;
}

void batch_row_cancel(struct batch *batch)
{
	struct batch_table *table = batch->open_table;

	table->rows.len = table->row[table->row_count].start;
	batch->open_table = NULL;
}

/* One reserve a field: length and value together. */
static char *add_length(struct batch *batch, size_t len)
{
	struct buf *rows = &batch->open_table->rows;
	uint32_t prefix = htobe32((uint32_t)len);
	char *to = buf_reserve(rows, sizeof prefix + len);

	assert(len <= INT32_MAX);
	memcpy(to, &prefix, sizeof prefix);
	rows->len += sizeof prefix + len;
	return to + sizeof prefix;
}

void batch_field_null(struct batch *batch)
{
	struct buf *rows = &batch->open_table->rows;

	memset(buf_reserve(rows, 4), 0xff, 4);
	rows->len += 4;
}

void batch_field(struct batch *batch, const void *bytes, size_t len)
{
	char *to = add_length(batch, len);

	if (len)
		memcpy(to, bytes, len);
}

void batch_field_int16(struct batch *batch, int16_t value)
{
	uint16_t wire = htobe16((uint16_t)value);

	memcpy(add_length(batch, sizeof wire), &wire, sizeof wire);
}

void batch_field_int32(struct batch *batch, int32_t value)
{
	uint32_t wire = htobe32((uint32_t)value);

	memcpy(add_length(batch, sizeof wire), &wire, sizeof wire);
}

void batch_field_int64(struct batch *batch, int64_t value)
{
	uint64_t wire = htobe64((uint64_t)value);

	memcpy(add_length(batch, sizeof wire), &wire, sizeof wire);
}

void batch_field_double(struct batch *batch, double value)
{
	int64_t bits;

	memcpy(&bits, &value, sizeof bits);
	batch_field_int64(batch, bits);
}

struct buf *batch_field_begin(struct batch *batch, size_t *mark)
{
	add_length(batch, 0);
	*mark = batch->open_table->rows.len;
	return &batch->open_table->rows;
}

void batch_field_end(struct batch *batch, size_t mark)
{
	struct buf *rows = &batch->open_table->rows;
	size_t len = rows->len - mark;
	uint32_t prefix = htobe32((uint32_t)len);

	assert(len <= INT32_MAX);
	memcpy(rows->data + mark - sizeof prefix, &prefix, sizeof prefix);
}

void batch_event_time(struct batch *batch, size_t stream_index, int64_t us)
{
	struct batch_table *table = &batch->table[stream_index];

	if (!table->has_events || us < table->event_min)
		table->event_min = us;
	if (!table->has_events || us > table->event_max)
		table->event_max = us;
	table->has_events = true;
}

/* A copy; NULL for NULL. */
static char *keep_text(struct batch *batch, const char *text)
{
	if (!text)
		return NULL;
	batch->text_bytes += strlen(text) + 1;
	return arena_strdup(&batch->arena, text);
}

/* Reasons may quote what was cut between two bytes of a character; they must
 * never be what PostgreSQL refuses.  A million records with one fault share
 * one copy. */
static const char *keep_reason(struct batch *batch, const char *reason)
{
	size_t count = batch->reject_count;
	char *copy;

	if (count && !strcmp(batch->reject[count - 1].reason, reason))
		return batch->reject[count - 1].reason;
	copy = keep_text(batch, reason);
	utf8_mend(copy, strlen(copy));
	return copy;
}

void batch_reject(struct batch *batch, const struct stream *stream,
		  const struct batch_origin *origin, const char *reason,
		  const char *sqlstate, const char *column_name)
{
	assert(!batch->open_table);
	MEM_GROW(batch->reject, batch->reject_count, batch->reject_capacity);
	batch->reject[batch->reject_count] = (struct batch_reject){
		.stream = stream,
		.origin = *origin,
		.reason = keep_reason(batch, reason),
		.sqlstate = keep_text(batch, sqlstate),
		.column_name = keep_text(batch, column_name),
	};
	batch->reject_count++;
}

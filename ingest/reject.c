#include "ingest/reject.h"

#include <endian.h>
#include <string.h>

#include "common/buf.h"
#include "common/pg.h"
#include "ingest/sink.h"
#include "ingest/stream.h"

enum { CHUNK_BYTES = 256 * 1024, SLACK_MS = 5000, FIELD_COUNT = 14 };

static const char copy_sql[] =
	"copy millrace.reject (load_id, relation, source, part, position, "
	"reason, sqlstate, column_name, raw, raw_length, csv_header, "
	"key, headers, timestamp_ms) "
	"from stdin (format binary)";

static void add_int32(struct buf *out, int32_t value)
{
	uint32_t wire = htobe32((uint32_t)value);

	buf_add(out, &wire, sizeof wire);
}

static void add_bytes(struct buf *out, const void *bytes, size_t len)
{
	add_int32(out, (int32_t)len);
	buf_add(out, bytes, len);
}

static void add_text(struct buf *out, const char *text)
{
	if (text)
		add_bytes(out, text, strlen(text));
	else
		add_int32(out, -1);
}

static void add_int64_field(struct buf *out, int64_t value)
{
	uint64_t wire = htobe64((uint64_t)value);

	add_bytes(out, &wire, sizeof wire);
}

static void add_part(struct buf *out, const char *bytes, int32_t len)
{
	if (len >= 0)
		add_bytes(out, bytes, (size_t)len);
	else
		add_int32(out, -1);
}

static void encode(struct buf *out, const struct load *load,
		   const struct batch_reject *reject,
		   const struct positions *positions)
{
	const struct batch_origin *origin = &reject->origin;
	const struct position *position = &positions->item[origin->part];
	const char *raw = load->batch.raw.data + origin->raw_start;
	const char *key = raw - (origin->key_len > 0 ? origin->key_len : 0);
	const char *headers =
		key - (origin->headers_len > 0 ? origin->headers_len : 0);
	uint16_t fields = htobe16(FIELD_COUNT);

	buf_add(out, &fields, sizeof fields);
	add_int64_field(out, load->load_id);
	add_text(out, reject->stream ? reject->stream->relation : NULL);
	add_text(out, position->source);
	add_int32(out, 4);
	add_int32(out, position->part);
	add_int64_field(out, origin->position);
	add_text(out, reject->reason);
	add_text(out, reject->sqlstate);
	add_text(out, reject->column_name);
	add_bytes(out, raw, origin->raw_len);
	add_int64_field(out, (int64_t)origin->raw_full_len);
	add_text(out, origin->csv_header);
	add_part(out, key, origin->key_len);
	add_part(out, headers, origin->headers_len);
	if (origin->timestamp_ms >= 0)
		add_int64_field(out, origin->timestamp_ms);
	else
		add_int32(out, -1);
}

/* Sends them in pieces, so that a million of them need no second copy. */
static bool send_all(struct pg *pg, int64_t answer_ms, const struct load *load,
		     const struct positions *positions, struct error *err)
{
	const struct batch *batch = &load->batch;
	struct buf out = BUF_INIT;
	bool ok = true;

	buf_add(&out, batch_copy_header, sizeof batch_copy_header);
	for (size_t i = 0; ok && i < batch->reject_count; i++) {
		encode(&out, load, &batch->reject[i], positions);
		if (out.len >= CHUNK_BYTES) {
			ok = pg_copy_send(pg, answer_ms, err, out.data,
					  out.len);
			buf_reset(&out);
		}
	}
	buf_add(&out, batch_copy_trailer, sizeof batch_copy_trailer);
	ok = ok && pg_copy_send(pg, answer_ms, err, out.data, out.len);
	buf_release(&out);
	return ok;
}

bool reject_copy(struct pg *pg, const struct sink_plan *plan,
		 const struct load *load, const struct positions *positions,
		 struct error *err)
{
	int64_t answer_ms = plan->statement_ms + SLACK_MS;
	uint64_t rows = 0;

	if (load->batch.reject_count == 0)
		return true;
	if (!pg_copy_begin(pg, answer_ms, err, copy_sql) ||
	    !send_all(pg, answer_ms, load, positions, err) ||
	    !pg_copy_end(pg, answer_ms, err, &rows)) {
		if (err->kind == ERROR_DATA) /* no record is at fault here */
			err->kind = ERROR_FATAL;
		return error_context(err, "writing millrace.reject");
	}
	if (rows != load->batch.reject_count)
		return error_set(err, ERROR_FATAL, STATUS_DATABASE,
				 "PostgreSQL counted %llu of %zu rejects; "
				 "nothing was committed",
				 (unsigned long long)rows,
				 load->batch.reject_count);
	return true;
}

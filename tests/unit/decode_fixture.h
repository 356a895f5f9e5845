/*
 * decode_fixture.h - a decoder over streams written in a test
 *
 * fixture_add takes the columns of a stream file (with their `-- from:`) and
 * wraps them into one; fixture_decode turns a line into a row or a reject of
 * fixture.batch, which is emptied before.
 */
#ifndef DECODE_FIXTURE_H
#define DECODE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/buf.h"
#include "ingest/batch.h"
#include "ingest/decode.h"
#include "ingest/record.h"
#include "ingest/stream.h"

struct fixture {
	struct stream *stream[16];
	size_t count;
	int forced;
	struct decode_limits limits;
	struct decoder *decoder;
	struct batch batch;
};

#define FIXTURE_INIT ((struct fixture){.forced = -1, .limits = {200, 1000000}})

static inline void fixture_add_text(struct fixture *fixture, const char *name,
				    const char *text)
{
	struct error err = ERROR_INIT;

	if (!stream_parse(&fixture->stream[fixture->count], "test.sql", name,
			  text, &err))
		fail_msg("%s", err.text);
	fixture->count++;
}

static inline void fixture_add(struct fixture *fixture, const char *name,
			       const char *header, const char *columns)
{
	struct buf text = BUF_INIT;

	buf_format(&text,
		   "-- stream: %s\n%s\ncreate table staging.%s (\n%s\n"
		   "loaded_at timestamptz not null default now()\n"
		   ") partition by range (loaded_at);\n",
		   name, header, name, columns);
	fixture_add_text(fixture, name, buf_text(&text));
	buf_release(&text);
}

static inline void fixture_add_file(struct fixture *fixture, const char *name,
				    const char *file)
{
	struct buf text = BUF_INIT;
	FILE *in = fopen(file, "r");
	size_t got;

	assert_non_null(in);
	do {
		got = fread(buf_reserve(&text, 4096), 1, 4096, in);
		text.len += got;
	} while (got > 0);
	fclose(in);
	text.data[text.len] = '\0';
	fixture_add_text(fixture, name, text.data);
	buf_release(&text);
}

static inline void fixture_open(struct fixture *fixture)
{
	const struct stream *const *streams =
		(const struct stream *const *)fixture->stream;

	fixture->decoder = decoder_open(streams, fixture->count,
					fixture->forced, &fixture->limits);
	batch_init(&fixture->batch, streams, fixture->count);
}

static inline void fixture_close(struct fixture *fixture)
{
	decoder_close(fixture->decoder);
	batch_release(&fixture->batch);
	for (size_t i = 0; i < fixture->count; i++)
		stream_close(fixture->stream[i]);
	*fixture = FIXTURE_INIT;
}

static inline struct record fixture_record(const char *bytes, size_t len)
{
	return (struct record){.bytes = bytes,
			       .len = len,
			       .full_len = len,
			       .next = (int64_t)len + 1,
			       .partition = -1,
			       .timestamp_ms = -1};
}

/* Decodes one record and checks that it became one row or one reject.
 * Returns whether it is a row. */
static inline bool fixture_decode_record(struct fixture *fixture,
					 const struct record *record)
{
	size_t rows = 0;

	batch_reset(&fixture->batch);
	decoder_decode(fixture->decoder, record, &fixture->batch);
	for (size_t i = 0; i < fixture->count; i++)
		rows += fixture->batch.table[i].row_count;
	assert_int_equal(rows + fixture->batch.reject_count, 1);
	assert_int_equal(fixture->batch.record_count, 1);
	return rows == 1;
}

static inline bool fixture_decode(struct fixture *fixture, const char *line)
{
	struct record record = fixture_record(line, strlen(line));

	return fixture_decode_record(fixture, &record);
}

static inline const char *fixture_reason(const struct fixture *fixture)
{
	return fixture->batch.reject_count > 0 ? fixture->batch.reject[0].reason
					       : "(a row)";
}

/* The bytes of a field of the only row; NULL: null. */
static inline const char *fixture_field(const struct fixture *fixture,
					size_t stream_index, size_t column,
					size_t *len)
{
	const char *at = fixture->batch.table[stream_index].rows.data + 2;

	assert_int_equal(fixture->batch.table[stream_index].row_count, 1);
	for (;; column--) {
		const unsigned char *p = (const unsigned char *)at;
		uint32_t size = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
				(uint32_t)p[2] << 8 | p[3];

		if (column == 0) {
			*len = size == UINT32_MAX ? 0 : size;
			return size == UINT32_MAX ? NULL : at + 4;
		}
		at += 4 + (size == UINT32_MAX ? 0 : size);
	}
}

/* A text field of the only row; NULL: null.  Static storage. */
static inline const char *fixture_text(const struct fixture *fixture,
				       size_t stream_index, size_t column)
{
	static char text[4096];
	size_t len;
	const char *field = fixture_field(fixture, stream_index, column, &len);

	if (!field)
		return NULL;
	assert_in_range(len, 0, sizeof text - 1);
	memcpy(text, field, len);
	text[len] = '\0';
	return text;
}

/* An integer as binary COPY writes it. */
static inline int64_t big_endian(const char *bytes, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | (unsigned char)bytes[i];
	return (int64_t)value;
}

/* One dimension from 1, elements of type text (25). */

#endif

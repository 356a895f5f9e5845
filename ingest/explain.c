#include "ingest/explain.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "ingest/batch.h"
#include "ingest/decode_choose.h"
#include "ingest/record.h"
#include "ingest/timestamp.h"

enum { SHOWN = 100 }; /* bytes of a value; names are padded to 16 */

static int16_t get16(const char *bytes)
{
	uint16_t wire;

	memcpy(&wire, bytes, sizeof wire);
	return (int16_t)be16toh(wire);
}

static int32_t get32(const char *bytes)
{
	uint32_t wire;

	memcpy(&wire, bytes, sizeof wire);
	return (int32_t)be32toh(wire);
}

static int64_t get64(const char *bytes)
{
	uint64_t wire;

	memcpy(&wire, bytes, sizeof wire);
	return (int64_t)be64toh(wire);
}

/* Cut to one short line, control characters escaped. */
static void explain_text(const char *text, size_t len, struct buf *out)
{
	size_t shown = utf8_cut(text, len, SHOWN);

	for (size_t i = 0; i < shown; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			buf_format(out, "\\x%02x", (unsigned char)text[i]);
		else
			buf_add_byte(out, text[i]);
	}
	if (shown < len)
		buf_format(out, "... (%zu bytes)", len);
}

static void explain_double(double number, struct buf *out)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	buf_add_text(out, text);
}

/* convert_number.c's add_numeric, backwards. */
static void explain_numeric(const char *bytes, struct buf *out)
{
	int count = get16(bytes);
	int weight = get16(bytes + 2);
	int scale = (uint16_t)get16(bytes + 6);
	int fractions = (scale + 3) / 4;

	if ((uint16_t)get16(bytes + 4) == 0x4000)
		buf_add_byte(out, '-');
	if (weight < 0)
		buf_add_byte(out, '0');
	for (int group = 0; group <= weight; group++)
		buf_format(out, group ? "%04d" : "%d",
			   group < count ? get16(bytes + 8 + 2 * group) : 0);
	if (scale == 0)
		return;
	buf_add_byte(out, '.');
	for (int i = 0; i < fractions; i++) {
		int group = weight + 1 + i;

		buf_format(out, "%04d",
			   group >= 0 && group < count
				   ? get16(bytes + 8 + 2 * group)
				   : 0);
	}
	out->len -= (size_t)(fractions * 4 - scale);
	out->data[out->len] = '\0';
}

static void explain_array(const char *bytes, struct buf *out)
{
	int32_t count = get32(bytes) ? get32(bytes + 12) : 0;
	const char *at = bytes + 20;

	buf_add_byte(out, '{');
	for (int32_t i = 0; i < count; i++) {
		int32_t len = get32(at);

		buf_add_text(out, i ? "," : "");
		at += 4;
		if (len < 0) {
			buf_add_text(out, "NULL");
			continue;
		}
		explain_text(at, (size_t)len, out);
		at += len;
	}
	buf_add_byte(out, '}');
}

static void explain_uuid(const char *bytes, struct buf *out)
{
	for (int i = 0; i < 16; i++)
		buf_format(out, "%s%02x",
			   i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			   (unsigned char)bytes[i]);
}

static void explain_time(const struct column *column, const char *bytes,
			 struct buf *out)
{
	char text[40];

	if (column->type == COLUMN_DATE)
		timestamp_format_date(get32(bytes), text, sizeof text);
	else
		timestamp_format(get64(bytes), text, sizeof text);
	buf_add_text(out, text);
	if (column->type == COLUMN_TIMESTAMPTZ)
		buf_add_text(out, "+00");
}

void explain_field(const struct column *column, const char *bytes, size_t len,
		   struct buf *out)
{
	double number;
	int64_t bits;

	switch (column->type) {
	case COLUMN_SMALLINT:
		buf_format(out, "%d", get16(bytes));
		break;
	case COLUMN_INTEGER:
		buf_format(out, "%" PRId32, get32(bytes));
		break;
	case COLUMN_BIGINT:
		buf_format(out, "%" PRId64, get64(bytes));
		break;
	case COLUMN_DOUBLE:
		bits = get64(bytes);
		memcpy(&number, &bits, sizeof number);
		explain_double(number, out);
		break;
	case COLUMN_NUMERIC:
		explain_numeric(bytes, out);
		break;
	case COLUMN_BOOLEAN:
		buf_add_text(out, *bytes ? "true" : "false");
		break;
	case COLUMN_TIMESTAMPTZ:
	case COLUMN_TIMESTAMP:
	case COLUMN_DATE:
		explain_time(column, bytes, out);
		break;
	case COLUMN_UUID:
		explain_uuid(bytes, out);
		break;
	case COLUMN_JSONB:
		explain_text(bytes + 1, len - 1, out);
		break;
	case COLUMN_TEXT_ARRAY:
		explain_array(bytes, out);
		break;
	default:
		explain_text(bytes, len, out);
	}
}

/* `path = raw -> conversion -> stored` for a column that a value fills. */
static void explain_value(const struct column *column,
			  const struct choice *choice, const char *field,
			  struct buf *line)
{
	const struct alternative *from =
		&column->alternative[choice->alternative];
	const struct value *value = &choice->value;

	buf_add_text(line, decoder_source_name(from));
	if (from->split != SPLIT_NONE)
		buf_format(line, " %s '%c'",
			   from->split == SPLIT_BEFORE ? "before" : "after",
			   from->separator);
	buf_add_text(line, " = ");
	if (value->json)
		explain_text(value->json, value->json_len, line);
	else if (value->text)
		explain_text(value->text, value->len, line);
	else
		buf_format(line, "%s of %zu", convert_kind_name(value->kind),
			   value->element_count);
	buf_format(line, "  ->  %s  ->  ",
		   convert_name(from->conversion, column->type));
	explain_field(column, field + 4, (size_t)get32(field), line);
}

static void explain_row(struct decoder *decoder, size_t stream_index,
			const struct buf *row, FILE *out)
{
	const struct stream *stream = decoder->streams[stream_index];
	const char *field = row->data + 2;
	struct buf line = BUF_INIT;

	for (size_t i = 0; i < stream->column_count; i++) {
		const struct column *column = &stream->column[i];
		int32_t len = get32(field);
		struct choice choice;

		buf_reset(&line);
		if (!decoder_choose(decoder, stream_index, i, &choice) ||
		    choice.alternative < 0) {
			char why[600];

			decoder_why_null(decoder, stream_index, i, why,
					 sizeof why);
			buf_format(&line, "null  (%s)", why);
		} else {
			explain_value(column, &choice, field, &line);
		}
		fprintf(out, "  %-16s %s\n", column->name, buf_text(&line));
		field += 4 + (len > 0 ? len : 0);
	}
	buf_release(&line);
}

bool decoder_explain(struct decoder *decoder, const struct record *record,
		     FILE *out)
{
	struct batch batch;
	bool is_row = false;

	/* what it says of a row is asked of jansson's tree */
	decoder_set_tier(decoder, DECODER_JANSSON);
	batch_init(&batch, decoder->streams, decoder->count);
	decoder_decode(decoder, record, &batch);
	for (size_t i = 0; i < batch.table_count; i++) {
		if (batch.table[i].row_count == 0)
			continue;
		is_row = true;
		fprintf(out, "stream %s, a row of %s\n",
			decoder->streams[i]->name,
			decoder->streams[i]->relation);
		explain_row(decoder, i, &batch.table[i].rows, out);
	}
	if (batch.reject_count > 0) {
		const struct stream *stream = batch.reject[0].stream;

		fprintf(out, "rejected%s%s: %s\n", stream ? ", stream " : "",
			stream ? stream->name : "", batch.reject[0].reason);
	}
	batch_release(&batch);
	return is_row;
}

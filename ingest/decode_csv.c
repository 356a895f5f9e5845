#include "ingest/decode_csv.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "common/json_text.h"
#include "common/utf8.h"
#include "ingest/convert_number.h"
#include "ingest/csv_layout.h"
#include "ingest/json_scan.h"

void decode_csv_release(struct decode_csv *csv)
{
	csv_record_release(&csv->record);
	buf_release(&csv->tagged);
}

static bool check_text(const char *bytes, size_t len, struct error *err)
{
	const char *flaw = utf8_flaw(bytes, len);

	if (!flaw)
		return true;
	if (*flaw == '\0')
		return error_set(err, ERROR_DATA, STATUS_DATA,
				 "byte %zu of the record is NUL",
				 (size_t)(flaw - bytes) + 1);
	return error_set(err, ERROR_DATA, STATUS_DATA,
			 "byte %zu of the record, 0x%02x, is not UTF-8: if the "
			 "file is in Latin-1 or Windows-1252, convert it with "
			 "iconv -f WINDOWS-1252 -t UTF-8",
			 (size_t)(flaw - bytes) + 1, (unsigned char)*flaw);
}

bool decode_csv_load(struct decode_csv *csv, const struct csv_layout *layout,
		     const char *bytes, size_t len, struct error *err)
{
	csv->layout = layout;
	csv->record.limit = layout->field_count;
	if (!check_text(bytes, len, err) ||
	    !csv_record_split(&csv->record, layout->stream->delimiter, bytes,
			      len, err))
		return false;
	if (csv->record.count == layout->field_count)
		return true;
	return error_set(err, ERROR_DATA, STATUS_DATA,
			 "the record has %zu field%s, %s %zu",
			 csv->record.count, csv->record.count == 1 ? "" : "s",
			 layout->header_len ? "its header" : "its stream",
			 layout->field_count);
}

/* --- what a field is ------------------------------------------------------ */

static bool is_text(const struct column *column)
{
	return column->type == COLUMN_TEXT || column->type == COLUMN_VARCHAR ||
	       column->type == COLUMN_TEXT_ARRAY;
}

static bool is_null(const struct decode_csv *csv, const struct column *column,
		    const struct csv_field *field)
{
	const char *null = csv->layout->stream->null;

	if (field->quoted)
		return field->len == 0 && *null == '\0' && !is_text(column);
	return field->len == strlen(null) &&
	       !memcmp(field->text, null, field->len);
}

static bool is_number_column(const struct column *column)
{
	return column->type == COLUMN_SMALLINT ||
	       column->type == COLUMN_INTEGER ||
	       column->type == COLUMN_BIGINT ||
	       column->type == COLUMN_NUMERIC || column->type == COLUMN_DOUBLE;
}

/* The number that PostgreSQL would read: without blanks around it, a plus and
 * leading zeros, none of which JSON has.  A minus before leading zeros has no
 * such part of the text and stays as it is. */
static void trim_number(struct value *value)
{
	while (value->len && isspace((unsigned char)*value->text)) {
		value->text++;
		value->len--;
	}
	while (value->len &&
	       isspace((unsigned char)value->text[value->len - 1]))
		value->len--;
	if (value->len > 1 && *value->text == '+' &&
	    isdigit((unsigned char)value->text[1])) {
		value->text++;
		value->len--;
	}
	while (value->len > 1 && *value->text == '0' &&
	       isdigit((unsigned char)value->text[1])) {
		value->text++;
		value->len--;
	}
}

/* The words of PostgreSQL's boolean. */
static bool read_boolean(struct value *value)
{
	static const char *const words[] = {"true", "false", "t",  "f",
					    "yes",  "no",    "y",  "n",
					    "1",    "0",     "on", "off"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (value->len != strlen(words[i]) ||
		    strncasecmp(value->text, words[i], value->len) != 0)
			continue;
		value->kind = VALUE_BOOLEAN;
		value->text = i % 2 ? "false" : "true";
		value->len = strlen(value->text);
		return true;
	}
	return false;
}

static bool read_json(struct decode_csv *csv, struct value *value)
{
	struct error ignored = ERROR_INIT;

	if (!json_scan(value->text, value->len, &csv->limits, &csv->tagged,
		       &ignored))
		return false;
	value->kind = VALUE_OBJECT;
	value->json = value->text;
	value->json_len = value->len;
	return true;
}

static bool is_number(const struct value *value)
{
	return value->len &&
	       convert_number_length(value->text, value->len) == value->len;
}

/* In JSON a number is no written time, so that a later alternative may take it
 * as one since an epoch; the same here. */
static bool is_written(const struct column *column, const struct value *value)
{
	return (column->type != COLUMN_TIMESTAMPTZ &&
		column->type != COLUMN_TIMESTAMP &&
		column->type != COLUMN_DATE) ||
	       !is_number(value);
}

enum csv_suits decode_csv_value(struct decode_csv *csv,
				const struct column *column,
				const struct alternative *alternative,
				int field, struct value *value)
{
	const struct csv_field *from = &csv->record.field[field];
	int as = alternative->conversion;

	if (is_null(csv, column, from))
		return CSV_NULL;
	*value = (struct value){
		.kind = VALUE_STRING, .text = from->text, .len = from->len};
	if (convert_needs(as, column->type) == NEEDS_JSON)
		return read_json(csv, value) ? CSV_SUITS : CSV_UNLIKE;
	if (convert_takes(as, column->type, VALUE_STRING)) {
		if (as < 0 && is_number_column(column))
			trim_number(value);
		return is_written(column, value) ? CSV_SUITS : CSV_UNLIKE;
	}
	if (convert_takes(as, column->type, VALUE_BOOLEAN))
		return read_boolean(value) ? CSV_SUITS : CSV_UNLIKE;
	if (column->type != COLUMN_TEXT && column->type != COLUMN_VARCHAR)
		trim_number(value);
	value->kind = VALUE_NUMBER;
	return is_number(value) ? CSV_SUITS : CSV_UNLIKE;
}

/* --- the rest ------------------------------------------------------------- */

void decode_csv_rest(const struct decode_csv *csv, const bool *taken,
		     struct buf *out)
{
	static const struct column text = {.type = COLUMN_TEXT};
	const struct csv_layout *layout = csv->layout;
	bool first = true;

	buf_add_byte(out, '{');
	for (size_t i = 0; i < layout->field_count; i++) {
		const struct csv_field *field = &csv->record.field[i];

		if (taken[i] || is_null(csv, &text, field))
			continue;
		if (!first)
			buf_add_byte(out, ',');
		first = false;
		json_text(out, layout->name[i], strlen(layout->name[i]));
		buf_add_byte(out, ':');
		json_text(out, field->text, field->len);
	}
	buf_add_byte(out, '}');
}

#include "ingest/convert_value.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/batch.h"
#include "ingest/convert_number.h"
#include "ingest/json_span.h"
#include "ingest/timestamp.h"

/* jsonb_recv's and array_recv's: PostgreSQL's jsonb version, the OID of
 * text. */
enum { JSONB_VERSION = 1, TEXT_OID = 25 };

/* jsonb holds at most 256 MB in an array or object; a value takes up to six
 * times the bytes of its text (`0,`), and PostgreSQL's parser more. */
enum { JSONB_MAX = 16 * 1024 * 1024 };

static bool refuse(struct error *err, const char *why)
{
	error_set(err, ERROR_DATA, STATUS_DATA, "%s", why);
	return false;
}

static size_t code_points(const char *text, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += ((unsigned char)text[i] & 0xC0) != 0x80;
	return count;
}

static bool check_length(const struct column *column, const char *text,
			 size_t len, struct error *err)
{
	if (column->length > 0 && len > (size_t)column->length &&
	    code_points(text, len) > (size_t)column->length)
		return error_set(err, ERROR_DATA, STATUS_DATA,
				 "the text has %zu characters, varchar(%d) "
				 "holds fewer",
				 code_points(text, len), column->length);
	return true;
}

bool convert_text(const struct column *column, const struct value *value,
		  struct batch *batch, struct error *err)
{
	if (!check_length(column, value->text, value->len, err))
		return false;
	batch_field(batch, value->text, value->len);
	return true;
}

bool convert_lower(const struct column *column, const struct value *value,
		   struct batch *batch, struct error *err)
{
	struct buf *rows;
	size_t mark;
	char *to;

	if (!check_length(column, value->text, value->len, err))
		return false;
	rows = batch_field_begin(batch, &mark);
	to = buf_reserve(rows, value->len);
	for (size_t i = 0; i < value->len; i++) {
		char c = value->text[i];

		to[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	rows->len += value->len;
	batch_field_end(batch, mark);
	return true;
}

bool convert_json_text(const struct column *column, const struct value *value,
		       struct batch *batch, struct error *err)
{
	if (!check_length(column, value->json, value->json_len, err))
		return false;
	batch_field(batch, value->json, value->json_len);
	return true;
}

/* A number as JSON writes it, also when it stands in a string. */
static bool parse_number(const struct value *value, struct decimal *decimal,
			 struct error *err)
{
	if (value->len > NUMBER_MAX ||
	    value->len != convert_number_length(value->text, value->len) ||
	    value->len == 0)
		return refuse(err, "the string does not hold a number");
	decimal_parse(decimal, value->text, value->len);
	return true;
}

bool convert_integer(const struct column *column, const struct value *value,
		     struct batch *batch, struct error *err)
{
	struct decimal decimal;
	enum decimal_fit fit;
	int64_t number = 0;

	if (!parse_number(value, &decimal, err))
		return false;
	fit = decimal_to_int64(&decimal, 0, DECIMAL_EXACT, &number);
	if (fit == DECIMAL_HAS_FRACTION)
		return error_set(err, ERROR_DATA, STATUS_DATA,
				 "the number has a fraction, %s holds whole "
				 "numbers",
				 column_type_name(column->type));
	if (fit == DECIMAL_TOO_LARGE ||
	    (column->type == COLUMN_SMALLINT && number != (int16_t)number) ||
	    (column->type == COLUMN_INTEGER && number != (int32_t)number))
		return error_set(err, ERROR_DATA, STATUS_DATA,
				 "the number is out of range for %s",
				 column_type_name(column->type));
	if (column->type == COLUMN_SMALLINT)
		batch_field_int16(batch, (int16_t)number);
	else if (column->type == COLUMN_INTEGER)
		batch_field_int32(batch, (int32_t)number);
	else
		batch_field_int64(batch, number);
	return true;
}

bool convert_double(const struct column *column, const struct value *value,
		    struct batch *batch, struct error *err)
{
	struct decimal decimal;
	char text[NUMBER_MAX + 1];
	double number;

	(void)column;
	if (!parse_number(value, &decimal, err))
		return false;
	memcpy(text, value->text, value->len);
	text[value->len] = '\0';
	errno = 0;
	number = strtod(text, NULL);
	if (errno == ERANGE && (number > 1 || number < -1))
		return refuse(err, "the number is too large for double "
				   "precision");
	if (number == 0 && decimal.count > 0)
		return refuse(err, "the number is too near zero for double "
				   "precision");
	batch_field_double(batch, number);
	return true;
}

bool convert_numeric(const struct column *column, const struct value *value,
		     struct batch *batch, struct error *err)
{
	struct decimal decimal;

	return parse_number(value, &decimal, err) &&
	       convert_number_field(&decimal, column->precision, column->scale,
				    batch, err);
}

bool convert_boolean(const struct column *column, const struct value *value,
		     struct batch *batch, struct error *err)
{
	(void)column;
	(void)err;
	batch_field(batch, *value->text == 't' ? "\1" : "\0", 1);
	return true;
}

static bool convert_written_time(const struct value *value,
				 enum timestamp_zone zone, struct batch *batch,
				 struct error *err)
{
	int64_t us;

	if (!timestamp_parse(value->text, value->len, zone, &us, err))
		return false;
	batch_field_int64(batch, us);
	return true;
}

bool convert_rfc3339(const struct column *column, const struct value *value,
		     struct batch *batch, struct error *err)
{
	(void)column;
	return convert_written_time(value, ZONE_REQUIRED, batch, err);
}

bool convert_naive_utc(const struct column *column, const struct value *value,
		       struct batch *batch, struct error *err)
{
	(void)column;
	return convert_written_time(value, ZONE_OPTIONAL, batch, err);
}

bool convert_iso_date(const struct column *column, const struct value *value,
		      struct batch *batch, struct error *err)
{
	int32_t days;

	(void)column;
	if (!timestamp_parse_date(value->text, value->len, &days, err))
		return false;
	batch_field_int32(batch, days);
	return true;
}

/* shift: what makes microseconds of the unit, as a power of ten. */
static bool convert_epoch(const struct value *value, int shift,
			  struct batch *batch, struct error *err)
{
	struct decimal decimal;
	int64_t unix_us, us;

	if (!parse_number(value, &decimal, err))
		return false;
	if (decimal_to_int64(&decimal, shift, DECIMAL_ROUND, &unix_us) ==
		    DECIMAL_FITS &&
	    timestamp_from_unix(unix_us, &us)) {
		batch_field_int64(batch, us);
		return true;
	}
	for (int finer = shift - 3; finer >= 0; finer -= 3) {
		if (decimal_to_int64(&decimal, finer, DECIMAL_ROUND,
				     &unix_us) == DECIMAL_FITS &&
		    timestamp_from_unix(unix_us, &us))
			return error_set(err, ERROR_DATA, STATUS_DATA,
					 "the number lies outside the years 1 "
					 "to 9999; as %s it would not",
					 finer == 3 ? "epoch_ms" : "epoch_us");
	}
	return refuse(err, "the number lies outside the years 1 to 9999");
}

bool convert_epoch_s(const struct column *column, const struct value *value,
		     struct batch *batch, struct error *err)
{
	(void)column;
	return convert_epoch(value, 6, batch, err);
}

bool convert_epoch_ms(const struct column *column, const struct value *value,
		      struct batch *batch, struct error *err)
{
	(void)column;
	return convert_epoch(value, 3, batch, err);
}

bool convert_epoch_us(const struct column *column, const struct value *value,
		      struct batch *batch, struct error *err)
{
	(void)column;
	return convert_epoch(value, 0, batch, err);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool convert_uuid(const struct column *column, const struct value *value,
		  struct batch *batch, struct error *err)
{
	unsigned char bytes[16] = {0};
	size_t count = 0;

	(void)column;
	for (size_t i = 0; i < value->len; i++) {
		int digit = hex_digit(value->text[i]);

		if (value->len == 36 &&
		    (i == 8 || i == 13 || i == 18 || i == 23)) {
			if (value->text[i] == '-')
				continue;
			digit = -1;
		}
		if (digit < 0 || count == 32)
			return refuse(err, "the string is not a uuid of 32 hex "
					   "digits");
		bytes[count / 2] |=
			(unsigned char)(count % 2 ? digit : digit << 4);
		count++;
	}
	if (count != 32)
		return refuse(err, "the string is not a uuid of 32 hex digits");
	batch_field(batch, bytes, sizeof bytes);
	return true;
}

/* Whether jsonb's numeric holds every number of a valid JSON text. */
static bool numbers_fit(const char *json, size_t len)
{
	size_t at = 0;

	while (at < len) {
		size_t number = 0;

		if (json[at] == '"') {
			at = (size_t)(json_span_string_end(json + at) - json);
			continue;
		}
		if (json[at] == '-' || (json[at] >= '0' && json[at] <= '9'))
			number = convert_number_length(json + at, len - at);
		if (number > 0 && !convert_number_is_numeric(json + at, number))
			return false;
		at += number > 0 ? number : 1;
	}
	return true;
}

bool convert_jsonb(const struct column *column, const struct value *value,
		   struct batch *batch, struct error *err)
{
	struct buf *rows;
	size_t mark;

	(void)column;
	if (value->json_len > JSONB_MAX)
		return error_set(err, ERROR_DATA, STATUS_DATA,
				 "the value has %zu bytes, jsonb takes %d",
				 value->json_len, JSONB_MAX);
	if (!numbers_fit(value->json, value->json_len))
		return refuse(err, "it holds a number whose exponent or digits "
				   "are beyond what jsonb can store");
	rows = batch_field_begin(batch, &mark);
	buf_add_byte(rows, JSONB_VERSION);
	buf_add(rows, value->json, value->json_len);
	batch_field_end(batch, mark);
	return true;
}

static void add_int32(struct buf *rows, int32_t value)
{
	uint32_t wire = htobe32((uint32_t)value);

	buf_add(rows, &wire, sizeof wire);
}

/* array_recv's form: dimensions, whether there are nulls, element type, then
 * length and lower bound of the dimension, then the elements. */
static void add_text_array(const struct value *element, size_t count,
			   struct batch *batch)
{
	struct buf *rows;
	bool has_null = false;
	size_t mark;

	for (size_t i = 0; i < count; i++)
		has_null = has_null || element[i].kind == VALUE_NULL;
	rows = batch_field_begin(batch, &mark);
	add_int32(rows, count > 0);
	add_int32(rows, has_null);
	add_int32(rows, TEXT_OID);
	if (count > 0) {
		add_int32(rows, (int32_t)count);
		add_int32(rows, 1);
	}
	for (size_t i = 0; i < count; i++) {
		if (element[i].kind == VALUE_NULL) {
			add_int32(rows, -1);
			continue;
		}
		add_int32(rows, (int32_t)element[i].len);
		buf_add(rows, element[i].text, element[i].len);
	}
	batch_field_end(batch, mark);
}

bool convert_text_array(const struct column *column, const struct value *value,
			struct batch *batch, struct error *err)
{
	(void)column;
	if (value->kind == VALUE_STRING) {
		add_text_array(value, 1, batch);
		return true;
	}
	for (size_t i = 0; i < value->element_count; i++) {
		enum value_kind kind = value->element[i].kind;

		if (kind != VALUE_STRING && kind != VALUE_NULL)
			return error_set(err, ERROR_DATA, STATUS_DATA,
					 "element %zu of the array is %s, not "
					 "a string",
					 i + 1, convert_kind_name(kind));
	}
	add_text_array(value->element, value->element_count, batch);
	return true;
}

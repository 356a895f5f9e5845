#include "ingest/convert_number.h"

#include <endian.h>
#include <string.h>

#include "ingest/batch.h"

/* PostgreSQL's numeric.c: 131072 digits before the point, 16383 after it, an
 * exponent below INT_MAX / 2. */
enum {
	NUMERIC_MAX_POINT = 131072,
	NUMERIC_MAX_SCALE = 16383,
	NUMERIC_MAX_EXPONENT = 1073741823,
	DIGITS_PER_GROUP = 4,
};

static size_t skip_digits(const char *text, size_t len, size_t at)
{
	while (at < len && text[at] >= '0' && text[at] <= '9')
		at++;
	return at;
}

size_t convert_number_length(const char *text, size_t len)
{
	size_t at = len > 0 && text[0] == '-';
	size_t from = at;

	at = skip_digits(text, len, at);
	if (at == from || (text[from] == '0' && at > from + 1))
		return 0;
	if (at < len && text[at] == '.') {
		from = ++at;
		at = skip_digits(text, len, at);
		if (at == from)
			return 0;
	}
	if (at < len && (text[at] == 'e' || text[at] == 'E')) {
		at++;
		if (at < len && (text[at] == '+' || text[at] == '-'))
			at++;
		from = at;
		at = skip_digits(text, len, at);
		if (at == from)
			return 0;
	}
	return at;
}

/* The exponent, which stops growing far beyond what anything can hold. */
static int64_t parse_exponent(const char *text, size_t len)
{
	size_t at = text[0] == '+' || text[0] == '-';
	int64_t value = 0;

	for (; at < len; at++)
		if (value < INT64_C(1) << 40)
			value = value * 10 + (text[at] - '0');
	return text[0] == '-' ? -value : value;
}

void decimal_parse(struct decimal *decimal, const char *text, size_t len)
{
	bool after_point = false;
	int64_t exponent = 0;
	size_t at;

	decimal->negative = text[0] == '-';
	decimal->point = decimal->scale = 0;
	decimal->count = 0;
	for (at = decimal->negative; at < len; at++) {
		if (text[at] == '.') {
			after_point = true;
			continue;
		}
		if (text[at] == 'e' || text[at] == 'E') {
			exponent = parse_exponent(text + at + 1, len - at - 1);
			break;
		}
		decimal->scale += after_point;
		if (decimal->count > 0 || text[at] != '0')
			decimal->digit[decimal->count++] =
				(char)(text[at] - '0');
		decimal->point +=
			decimal->count > 0 ? !after_point : -(int)after_point;
	}
	while (decimal->count > 0 && decimal->digit[decimal->count - 1] == 0)
		decimal->count--;
	decimal->point = decimal->count > 0 ? decimal->point + exponent : 0;
	decimal->scale -= exponent;
	if (decimal->scale < 0)
		decimal->scale = 0;
}

enum decimal_fit decimal_to_int64(const struct decimal *decimal, int shift,
				  enum decimal_rounding rounding, int64_t *out)
{
	const uint64_t limit = (uint64_t)INT64_MAX + decimal->negative;
	int64_t whole = decimal->point + shift;
	uint64_t value = 0;

	if (decimal->count > 0 && whole > 19)
		return DECIMAL_TOO_LARGE;
	for (int64_t i = 0; i < whole; i++)
		value = value * 10 + (i < (int64_t)decimal->count
					      ? (uint64_t)decimal->digit[i]
					      : 0);
	if (whole < (int64_t)decimal->count) {
		if (rounding == DECIMAL_EXACT)
			return DECIMAL_HAS_FRACTION;
		value += whole >= 0 && decimal->digit[whole] >= 5;
	}
	if (value > limit)
		return DECIMAL_TOO_LARGE;
	*out = decimal->negative ? (int64_t)(0 - value) : (int64_t)value;
	return DECIMAL_FITS;
}

bool convert_number_is_numeric(const char *text, size_t len)
{
	struct decimal decimal;
	const char *e = memchr(text, 'e', len);

	if (!e)
		e = memchr(text, 'E', len);
	if (!e && len <= NUMERIC_MAX_SCALE)
		return true;
	if (e) {
		int64_t exponent =
			parse_exponent(e + 1, len - (size_t)(e + 1 - text));

		if (exponent >= NUMERIC_MAX_EXPONENT ||
		    exponent <= -NUMERIC_MAX_EXPONENT)
			return false;
	}
	decimal_parse(&decimal, text, len);
	return decimal.point <= NUMERIC_MAX_POINT &&
	       decimal.scale <= NUMERIC_MAX_SCALE;
}

/* Rounds halves away from zero to `scale` digits after the point. */
static void round_to(struct decimal *decimal, int scale)
{
	int64_t kept = decimal->point + scale;
	bool up;

	decimal->scale = scale;
	if (kept >= (int64_t)decimal->count)
		return;
	up = kept >= 0 && decimal->digit[kept] >= 5;
	decimal->count = kept > 0 ? (size_t)kept : 0;
	while (up && decimal->count > 0 &&
	       decimal->digit[decimal->count - 1] == 9)
		decimal->count--;
	if (up && decimal->count > 0) {
		decimal->digit[decimal->count - 1]++;
	} else if (up) {
		decimal->digit[decimal->count++] = 1;
		decimal->point++;
	}
	while (decimal->count > 0 && decimal->digit[decimal->count - 1] == 0)
		decimal->count--;
}

/* Rounds towards minus infinity. */
static int64_t group_of(int64_t exponent)
{
	return exponent >= 0 ? exponent / DIGITS_PER_GROUP
			     : -((-exponent + DIGITS_PER_GROUP - 1) /
				 DIGITS_PER_GROUP);
}

static void put16(char **to, int64_t value)
{
	uint16_t wire = htobe16((uint16_t)value);

	memcpy(*to, &wire, sizeof wire);
	*to += sizeof wire;
}

/* The four digits of a group, zeros where there are none. */
static int group_value(const struct decimal *decimal, int64_t group)
{
	int64_t at = decimal->point - (group + 1) * DIGITS_PER_GROUP;
	int value = 0;

	for (int64_t end = at + DIGITS_PER_GROUP; at < end; at++)
		value = value * 10 + (at >= 0 && at < (int64_t)decimal->count
					      ? decimal->digit[at]
					      : 0);
	return value;
}

/* numeric_recv's form: count, weight, sign, scale, digits in base 10000. */
static void add_numeric(const struct decimal *decimal, struct batch *batch)
{
	int64_t first = 0, last = -1;
	struct buf *rows;
	size_t mark;
	char *to;

	if (decimal->count > 0) {
		first = group_of(decimal->point - 1);
		last = group_of(decimal->point - (int64_t)decimal->count);
	}
	if (decimal->count == 0)
		first = 0, last = 1;
	rows = batch_field_begin(batch, &mark);
	to = buf_reserve(rows, 8 + 2 * (size_t)(first - last + 1));
	rows->len += 8 + 2 * (size_t)(first - last + 1);
	put16(&to, first - last + 1);
	put16(&to, first);
	put16(&to, decimal->negative && decimal->count > 0 ? 0x4000 : 0);
	put16(&to, decimal->scale);
	for (int64_t group = first; group >= last; group--)
		put16(&to, group_value(decimal, group));
	batch_field_end(batch, mark);
}

bool convert_number_field(struct decimal *decimal, int precision, int scale,
			  struct batch *batch, struct error *err)
{
	if (precision > 0) {
		round_to(decimal, scale);
		if (decimal->count > 0 && decimal->point > precision - scale)
			return error_set(err, ERROR_DATA, STATUS_DATA,
					 "the number has more than %d digits "
					 "before the point, which is all that "
					 "numeric(%d,%d) holds",
					 precision - scale, precision, scale);
	}
	if (decimal->count > 0 && decimal->point > NUMERIC_MAX_POINT)
		return error_set(err, ERROR_DATA, STATUS_DATA,
				 "the number has more than %d digits before "
				 "the point, which is all that numeric holds",
				 NUMERIC_MAX_POINT);
	if (decimal->scale > NUMERIC_MAX_SCALE)
		return error_set(err, ERROR_DATA, STATUS_DATA,
				 "the number has more than %d digits after "
				 "the point, which is all that numeric holds",
				 NUMERIC_MAX_SCALE);
	add_numeric(decimal, batch);
	return true;
}

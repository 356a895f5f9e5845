#include "ingest/convert.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "common/nearest.h"
#include "ingest/convert_value.h"

#define BIT(n) (1U << (n))

enum {
	STRING = BIT(VALUE_STRING),
	NUMBER = BIT(VALUE_NUMBER),
	BOOLEAN = BIT(VALUE_BOOLEAN),
	ARRAY = BIT(VALUE_ARRAY),
	ANY = STRING | NUMBER | BOOLEAN | ARRAY | BIT(VALUE_OBJECT),
	TEXTS = BIT(COLUMN_TEXT) | BIT(COLUMN_VARCHAR),
	TIMES = BIT(COLUMN_TIMESTAMPTZ) | BIT(COLUMN_TIMESTAMP),
};

/* What a column type takes when no conversion is named.  Strings fit numbers
 * because many producers quote large ones; what they hold must be a number. */
static const struct {
	const char *name;
	unsigned kinds;
	enum convert_needs needs;
	convert_value *convert;
} defaults[COLUMN_TYPE_COUNT] = {
	[COLUMN_TEXT] = {"text", STRING, NEEDS_TEXT, convert_text},
	[COLUMN_VARCHAR] = {"text", STRING, NEEDS_TEXT, convert_text},
	[COLUMN_SMALLINT] = {"integer", NUMBER | STRING, NEEDS_TEXT,
			     convert_integer},
	[COLUMN_INTEGER] = {"integer", NUMBER | STRING, NEEDS_TEXT,
			    convert_integer},
	[COLUMN_BIGINT] = {"integer", NUMBER | STRING, NEEDS_TEXT,
			   convert_integer},
	[COLUMN_DOUBLE] = {"double", NUMBER | STRING, NEEDS_TEXT,
			   convert_double},
	[COLUMN_NUMERIC] = {"numeric", NUMBER | STRING, NEEDS_TEXT,
			    convert_numeric},
	[COLUMN_BOOLEAN] = {"boolean", BOOLEAN, NEEDS_TEXT, convert_boolean},
	[COLUMN_TIMESTAMPTZ] = {"rfc3339", STRING, NEEDS_TEXT, convert_rfc3339},
	[COLUMN_TIMESTAMP] = {"naive_utc", STRING, NEEDS_TEXT,
			      convert_naive_utc},
	[COLUMN_DATE] = {"iso_date", STRING, NEEDS_TEXT, convert_iso_date},
	[COLUMN_UUID] = {"uuid", STRING, NEEDS_TEXT, convert_uuid},
	[COLUMN_JSONB] = {"jsonb", ANY, NEEDS_JSON, convert_jsonb},
	[COLUMN_TEXT_ARRAY] = {"text[]", ARRAY | STRING, NEEDS_ELEMENTS,
			       convert_text_array},
};

/* What `as` names.  The epochs take numbers only, so that one `from:` can tell
 * a number from a written time. */
static const struct {
	const char *name;
	unsigned kinds;
	unsigned types;
	enum convert_needs needs;
	convert_value *convert;
} conversions[] = {
	{"epoch_s", NUMBER, TIMES, NEEDS_TEXT, convert_epoch_s},
	{"epoch_ms", NUMBER, TIMES, NEEDS_TEXT, convert_epoch_ms},
	{"epoch_us", NUMBER, TIMES, NEEDS_TEXT, convert_epoch_us},
	{"rfc3339", STRING, TIMES, NEEDS_TEXT, convert_rfc3339},
	{"naive_utc", STRING, TIMES, NEEDS_TEXT, convert_naive_utc},
	{"iso_date", STRING, BIT(COLUMN_DATE), NEEDS_TEXT, convert_iso_date},
	{"json_text", ANY, TEXTS, NEEDS_JSON, convert_json_text},
	{"lower", STRING, TEXTS, NEEDS_TEXT, convert_lower},
	{"number_text", NUMBER, TEXTS, NEEDS_TEXT, convert_text},
};

enum { CONVERSION_COUNT = sizeof conversions / sizeof *conversions };

static const char *const kind_names[VALUE_KIND_COUNT] = {
	[VALUE_NULL] = "null",       [VALUE_BOOLEAN] = "a boolean",
	[VALUE_NUMBER] = "a number", [VALUE_STRING] = "a string",
	[VALUE_ARRAY] = "an array",  [VALUE_OBJECT] = "an object",
};

int convert_find(const char *name)
{
	for (int i = 0; i < CONVERSION_COUNT; i++)
		if (strcmp(name, conversions[i].name) == 0)
			return i;
	return -1;
}

const char *convert_nearest(const char *name)
{
	const char *names[CONVERSION_COUNT];

	for (size_t i = 0; i < CONVERSION_COUNT; i++)
		names[i] = conversions[i].name;
	return nearest(name, names, CONVERSION_COUNT);
}

const char *convert_list(void)
{
	return "epoch_s, epoch_ms, epoch_us, rfc3339, naive_utc, iso_date, "
	       "json_text, lower, number_text";
}

const char *convert_name(int conversion, enum column_type type)
{
	return conversion < 0 ? defaults[type].name
			      : conversions[conversion].name;
}

bool convert_gives(int conversion, enum column_type type)
{
	return conversion < 0 || (conversions[conversion].types & BIT(type));
}

static unsigned kinds_of(int conversion, enum column_type type)
{
	return conversion < 0 ? defaults[type].kinds
			      : conversions[conversion].kinds;
}

bool convert_takes(int conversion, enum column_type type, enum value_kind kind)
{
	return kinds_of(conversion, type) & BIT(kind);
}

enum convert_needs convert_needs(int conversion, enum column_type type)
{
	return conversion < 0 ? defaults[type].needs
			      : conversions[conversion].needs;
}

const char *convert_kind_name(enum value_kind kind)
{
	return kind_names[kind];
}

void convert_kinds(int conversion, enum column_type type, char *text,
		   size_t size)
{
	unsigned kinds = kinds_of(conversion, type);
	size_t used = 0;

	*text = '\0';
	for (int kind = 0; kind < VALUE_KIND_COUNT && used < size; kind++) {
		if (!(kinds & BIT(kind)))
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s%s",
					 used ? " or " : "", kind_names[kind]);
	}
}

bool convert_field(const struct column *column, int conversion,
		   const struct value *value, struct batch *batch,
		   struct error *err)
{
	convert_value *convert = conversion < 0
					 ? defaults[column->type].convert
					 : conversions[conversion].convert;

	return convert(column, value, batch, err);
}

bool convert_split(const struct alternative *alternative, struct value *value)
{
	const char *cut;

	if (alternative->split == SPLIT_NONE)
		return true;
	cut = memchr(value->text, alternative->separator, value->len);
	if (alternative->split == SPLIT_BEFORE) {
		if (cut)
			value->len = (size_t)(cut - value->text);
		return true;
	}
	if (!cut)
		return false;
	value->len -= (size_t)(cut + 1 - value->text);
	value->text = cut + 1;
	return true;
}

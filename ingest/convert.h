/*
 * convert.h - a JSON value becomes a column's value
 *
 * Two tables are the whole truth: which JSON kinds a column type takes, and
 * which kinds and types each named conversion (`as epoch_us`) joins.  A value
 * of a kind that does not fit is not chosen (the next alternative of the
 * `from:` is tried); a value of a fitting kind that cannot be stored is an
 * error that says why.  What convert_field has written, PostgreSQL accepts:
 * COPY never fails because of it.
 */
#ifndef INGEST_CONVERT_H
#define INGEST_CONVERT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "ingest/stream.h"

struct batch;

enum value_kind {
	VALUE_NULL,
	VALUE_BOOLEAN,
	VALUE_NUMBER,
	VALUE_STRING,
	VALUE_ARRAY,
	VALUE_OBJECT,
	VALUE_KIND_COUNT
};

/* A value found in a record.  Everything is borrowed from the record or the
 * decoder. */
struct value {
	enum value_kind kind;
	/* string: unescaped, valid UTF-8 without NUL; number: its digits as
	 * they stand in the source; boolean: true or false */
	const char *text;
	size_t len;
	/* its JSON text in the source; NULL: not asked for (convert_needs) */
	const char *json;
	size_t json_len;
	/* array: its elements; NULL: not asked for (convert_needs) */
	const struct value *element;
	size_t element_count;
};

/* What a conversion reads of a value beyond kind and text. */
enum convert_needs { NEEDS_TEXT, NEEDS_JSON, NEEDS_ELEMENTS };

/* The row of a conversion in the table; -1: no such name. */
int convert_find(const char *name);

/* The conversion nearest to a misspelt name, or NULL. */
const char *convert_nearest(const char *name);

/* A conversion's name; for -1 the name of the type's default. */
const char *convert_name(int conversion, enum column_type type);

/* All names, separated by commas, for errors. */
const char *convert_list(void);

/* Whether a conversion (-1: the default) gives columns of that type. */
bool convert_gives(int conversion, enum column_type type);

/* Whether it takes values of that kind for a column of that type. */
bool convert_takes(int conversion, enum column_type type, enum value_kind kind);

enum convert_needs convert_needs(int conversion, enum column_type type);

/* "a string", "a number", ... */
const char *convert_kind_name(enum value_kind kind);

/* The kinds it takes, in words: "a number or a string". */
void convert_kinds(int conversion, enum column_type type, char *text,
		   size_t size);

/* Writes the value, of a kind that fits, as the next field of the batch's open
 * row.  False: nothing was written, *err says what is wrong with it. */
bool convert_field(const struct column *column, int conversion,
		   const struct value *value, struct batch *batch,
		   struct error *err) MUST_CHECK;

/* Cuts a string at the first separator: what stands before or after it.
 * False: there is nothing after it.  Without a separator all of the text
 * stands before it. */
bool convert_split(const struct alternative *alternative, struct value *value);

#endif

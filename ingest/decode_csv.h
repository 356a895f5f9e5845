/*
 * decode_csv.h - a CSV record as a decoder reads it
 *
 * What decode_jansson is for JSON: decode_csv_load reads the record, the other
 * functions answer about the one loaded last.  A field is a string unless the
 * conversion wants something else of it: a number for epoch_ms, a boolean, the
 * JSON text that a jsonb column holds.
 *
 * Null is the text that `null=` names, unquoted: by default nothing at all.
 * For a column that is no text, two quotes with nothing between them are null
 * as well.
 */
#ifndef INGEST_DECODE_CSV_H
#define INGEST_DECODE_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/error.h"
#include "ingest/convert.h"
#include "ingest/csv_scan.h"
#include "ingest/decode.h"
#include "ingest/stream.h"

struct csv_layout;

struct decode_csv {
	struct decode_limits limits;
	const struct csv_layout *layout; /* of the record; borrowed */
	struct csv_record record;
	struct buf tagged; /* scratch of json_scan */
};

void decode_csv_release(struct decode_csv *csv);

/* Splits a record, whose bytes must stay until the next one is loaded. */
bool decode_csv_load(struct decode_csv *csv, const struct csv_layout *layout,
		     const char *bytes, size_t len,
		     struct error *err) MUST_CHECK;

enum csv_suits {
	CSV_NULL,   /* the field is null */
	CSV_SUITS,  /* *value is it */
	CSV_UNLIKE, /* it holds something else than the conversion takes */
};

/* What a field is to an alternative of a column. */
enum csv_suits decode_csv_value(struct decode_csv *csv,
				const struct column *column,
				const struct alternative *alternative,
				int field, struct value *value);

/* Writes the object of all fields that are not null and not taken. */
void decode_csv_rest(const struct decode_csv *csv, const bool *taken,
		     struct buf *out);

#endif

/*
 * convert_value.h - the functions that convert.c's tables name
 *
 * Each takes a value of a kind its row allows and writes one field of the open
 * row in binary COPY form, or says why the value cannot be stored and writes
 * nothing.
 */
#ifndef INGEST_CONVERT_VALUE_H
#define INGEST_CONVERT_VALUE_H

#include "ingest/convert.h"

typedef bool convert_value(const struct column *column,
			   const struct value *value, struct batch *batch,
			   struct error *err);

convert_value convert_text;      /* as it is; varchar(n): n code points */
convert_value convert_lower;     /* ASCII letters, whatever the locale */
convert_value convert_json_text; /* the value's JSON as it stands */
convert_value convert_integer;   /* 1e3 and 1.0 are integers, 1.5 is not */
convert_value convert_double;    /* finite; not zero unless written so */
convert_value convert_numeric;   /* exact; numeric(p,s) rounds */
convert_value convert_boolean;   /* true and false only */
convert_value convert_rfc3339;   /* timestamp.h; a zone is required */
convert_value convert_naive_utc; /* timestamp.h; without a zone: UTC */
convert_value convert_iso_date;  /* YYYY-MM-DD */
convert_value convert_epoch_s;   /* since 1970; beyond microseconds rounded */
convert_value convert_epoch_ms;
convert_value convert_epoch_us;
convert_value convert_uuid;       /* 32 hex digits, with or without hyphens */
convert_value convert_jsonb;      /* the value's JSON, if jsonb can hold it */
convert_value convert_text_array; /* strings and nulls; a string: one */

#endif

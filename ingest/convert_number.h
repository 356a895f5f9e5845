/*
 * convert_number.h - numbers by their digits
 *
 * JSON numbers are decimal; a double would change them.  A decimal keeps the
 * digits of the source and becomes an integer or PostgreSQL's numeric exactly,
 * or says that it cannot.
 */
#ifndef INGEST_CONVERT_NUMBER_H
#define INGEST_CONVERT_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct batch;

/* The longest number a record may hold, in bytes. */
enum { NUMBER_MAX = 4096 };

/* 0.d1d2d3... * 10^point.  Neither d1 nor the last digit is zero; zero has no
 * digits. */
struct decimal {
	bool negative;
	int64_t point;
	int64_t scale; /* digits after the point as written; not below 0 */
	size_t count;
	char digit[NUMBER_MAX + 1]; /* 0 to 9; one to carry into */
};

enum decimal_fit { DECIMAL_FITS, DECIMAL_HAS_FRACTION, DECIMAL_TOO_LARGE };
enum decimal_rounding { DECIMAL_EXACT, DECIMAL_ROUND };

/* Length of the JSON number that the text begins with; 0: none. */
size_t convert_number_length(const char *text, size_t len);

/* From a whole JSON number of at most NUMBER_MAX bytes. */
void decimal_parse(struct decimal *decimal, const char *text, size_t len);

/* value * 10^shift as an integer; DECIMAL_ROUND rounds halves away from
 * zero. */
enum decimal_fit decimal_to_int64(const struct decimal *decimal, int shift,
				  enum decimal_rounding rounding, int64_t *out);

/* Whether PostgreSQL's numeric can hold the number at all, as written: jsonb
 * keeps numbers so. */
bool convert_number_is_numeric(const char *text, size_t len);

/* Writes the number as a numeric field of the open row; precision 0: as
 * written, else numeric(precision,scale), rounded as PostgreSQL does. */
bool convert_number_field(struct decimal *decimal, int precision, int scale,
			  struct batch *batch, struct error *err) MUST_CHECK;

#endif

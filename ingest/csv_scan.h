/*
 * csv_scan.h - where a CSV record ends, and what its fields hold
 *
 * RFC 4180: a field that begins with a quote goes on to the quote that closes
 * it and may hold delimiters, line ends and doubled quotes.  A quote anywhere
 * else means nothing to the search for the record's end, so that a stray one
 * costs its own record and no other; csv_record_split refuses it.
 */
#ifndef INGEST_CSV_SCAN_H
#define INGEST_CSV_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/error.h"

/* A search for the end of one record, which may arrive in pieces. */
struct csv_scan {
	char delimiter;
	enum {
		CSV_FIELD, /* a field begins here */
		CSV_PLAIN,
		CSV_QUOTED,
		CSV_QUOTE, /* behind a quote that closes or is doubled */
	} state;
	size_t done; /* bytes looked at */
};

/* Begins with the first byte of a record. */
void csv_scan_begin(struct csv_scan *scan);

/* Looks on in the record's first len bytes, of which those looked at before are
 * the same.  True: *end is the line end that ends it.  False: there is none
 * yet. */
bool csv_scan_end(struct csv_scan *scan, const char *bytes, size_t len,
		  size_t *end);

/* One field, without its quotes. */
struct csv_field {
	const char *text; /* borrowed from the record or csv_record.text */
	size_t len;
	bool quoted;
};

/* The fields of one record; kept from record to record for its memory. */
struct csv_record {
	struct csv_field *field;
	size_t count; /* of the record; beyond `limit` they are only counted */
	size_t limit;
	size_t capacity;
	struct buf text; /* fields that held doubled quotes */
};

/* Splits a record without its line end.  False: *err says which field is
 * broken, counted from 1. */
bool csv_record_split(struct csv_record *record, char delimiter,
		      const char *bytes, size_t len,
		      struct error *err) MUST_CHECK;
void csv_record_release(struct csv_record *record);

#endif

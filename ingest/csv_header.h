/*
 * csv_header.h - whether an input is CSV, and whose
 *
 * A CSV file with a header is recognised by it: the one stream whose fields it
 * has.  What begins like JSON, or like nothing that any stream knows, is left
 * to the JSON decoder.  A header that belongs to a stream but for a missing
 * column or another delimiter is an error before anything is loaded.
 */
#ifndef INGEST_CSV_HEADER_H
#define INGEST_CSV_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "ingest/csv_layout.h"

/* A header must fit into this much of an input's beginning. */
enum { CSV_SAMPLE_BYTES = 1024 * 1024 };

struct csv_input {
	const struct stream *const *streams;
	size_t count;
	int forced;        /* --stream, or -1 */
	const char *name;  /* for people; may end in .csv */
	const char *bytes; /* how it begins */
	size_t len;
};

/* Whether the first len bytes are enough to tell: a line that is not blank and
 * closes its quotes. */
bool csv_header_is_whole(const char *bytes, size_t len);

/* *out is NULL where the input is JSON. */
bool csv_header_find(const struct csv_input *input, struct csv_layout **out,
		     struct error *err) MUST_CHECK;

#endif

/*
 * record.h - one record as a source hands it out
 *
 * Bytes are borrowed: valid until the next call on the source.  A record's
 * place is (part, position): the part indexes the source's parts (a file or a
 * pipe has one; Kafka has one per assigned partition) and the position is a
 * byte offset or a Kafka offset.  `next` is the position after it: what the
 * part's position becomes once this record is committed.
 */
#ifndef INGEST_RECORD_H
#define INGEST_RECORD_H

#include <stddef.h>
#include <stdint.h>

struct csv_layout;

struct record {
	const char *bytes; /* not NUL-terminated; no line end */
	size_t len;        /* bytes; at most max-line */
	size_t full_len;   /* > len: longer than max-line, cut to the start */
	int part;          /* index into the source's parts */
	int64_t position;  /* where it begins */
	int64_t next;      /* where the next one begins */
	int stream;        /* it belongs to this one, plus 1; 0: not said */
	const struct csv_layout *csv; /* it is of a CSV file; NULL: JSON */
	const char *unterminated; /* NULL, or why the last line may be cut */

	/* Metadata, for `@name` in a stream file; NULL or -1 where none. */
	const char *topic;
	int32_t partition;
	int64_t timestamp_ms;
	const char *key;
	size_t key_len;
	const char *headers; /* JSON text */
	const char *file;
	int64_t line; /* from 1 */
};

#endif

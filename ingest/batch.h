/*
 * batch.h - what one transaction will load
 *
 * A batch holds, for each stream, rows already in PostgreSQL's binary COPY
 * format; the records that became rejects, with their raw bytes; and the range
 * of each source part that it covers.  It keeps the raw bytes of the rows too,
 * so that one PostgreSQL refuses can still become a reject with its bytes,
 * unless it is light: then they can be had from the source again.
 *
 * Filling is the decoder's: batch_row_begin, one batch_field_* per column in
 * the stream's column order, then batch_row_end; or batch_reject.  A row begun
 * may be abandoned with batch_row_cancel.  Not thread-safe: one thread fills a
 * batch, then hands it over.
 */
#ifndef INGEST_BATCH_H
#define INGEST_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "ingest/record.h"

struct stream;

/* Behind the newest record in raw stand a NUL and more bytes that may be read:
 * what a decoder needs that reads many at a time. */
enum { BATCH_PADDING = 64 };

/* Where a row or a reject came from.  Before the record's bytes in batch.raw
 * stand those of its key, and before them its headers. */
struct batch_origin {
	int part;             /* index into the source's parts */
	int64_t position;     /* of the record */
	int64_t timestamp_ms; /* -1: none */
	int32_t key_len;      /* -1: none */
	int32_t headers_len;  /* -1: none */
	size_t raw_start;     /* into batch.raw */
	size_t raw_len;
	size_t raw_full_len;    /* > raw_len: the record was cut at max-line */
	const char *csv_header; /* "": it is CSV without one; NULL: JSON */
};

/* The rows of one stream. */
struct batch_table {
	const struct stream *stream;
	struct buf rows; /* binary COPY tuples, no header, no trailer */
	struct batch_row {
		size_t start; /* into rows */
		struct batch_origin origin;
	} * row;
	size_t row_count;
	size_t row_capacity;
	bool has_events;              /* whether any event time was seen */
	int64_t event_min, event_max; /* microseconds since 2000-01-01 UTC */
};

/* A record that could not become a row. */
struct batch_reject {
	const struct stream *stream; /* NULL: no stream took it */
	struct batch_origin origin;
	const char *reason;      /* in batch.arena */
	const char *sqlstate;    /* NULL, or what PostgreSQL said */
	const char *column_name; /* NULL, or the column at fault */
};

/* The part of a source that the batch covers: [from, to). */
struct batch_range {
	int part;
	int64_t from;
	int64_t to;
};

struct batch {
	struct batch_table *table; /* one per stream, in the set's order */
	size_t table_count;
	struct batch_reject *reject;
	size_t reject_count;
	size_t reject_capacity;
	struct batch_range *range; /* sorted by part once batch_seal ran */
	size_t range_count;
	size_t range_capacity;
	bool light;          /* keeps no bytes of rows; set after batch_init */
	struct buf raw;      /* records' bytes, one after the other */
	struct arena arena;  /* reasons */
	size_t record_count; /* rows + rejects */
	size_t byte_count;   /* source bytes covered */
	int64_t opened_ms;   /* clock_ms of the first record; 0: empty */
	uint64_t sequence;   /* order of filling; set by the pipeline */
	/* private to batch.c */
	size_t text_bytes;              /* of strings in arena */
	struct batch_table *open_table; /* the row being written */
	size_t *range_of_part;          /* index into range, plus 1; 0: none */
	size_t part_capacity;
};

/* One table per stream; the streams outlive the batch. */
void batch_init(struct batch *batch, const struct stream *const *streams,
		size_t count);

/* Empties it for the next round and keeps the memory. */
void batch_reset(struct batch *batch);
void batch_release(struct batch *batch);

/* Bytes it holds in memory: encoded rows, kept records, reasons, and the lists
 * of rows and rejects.  What the setting batch-bytes limits. */
size_t batch_bytes(const struct batch *batch);
bool batch_is_empty(const struct batch *batch);

/* Notes the record that is about to become a row or a reject: keeps its bytes
 * and extends the range of its part.  Call once per record, first. */
void batch_record(struct batch *batch, const struct record *record,
		  struct batch_origin *origin);

/* Extends a part's range over positions that hold no record (blank lines,
 * control records), or opens it. */
void batch_cover(struct batch *batch, int part, int64_t from, int64_t to);

/* Sorts the ranges by part: the order in which positions are locked.  Call
 * once, when the batch is full. */
void batch_seal(struct batch *batch);

/* A row of the stream with that index in the set. */
void batch_row_begin(struct batch *batch, size_t stream_index,
		     const struct batch_origin *origin);
void batch_field_null(struct batch *batch);
void batch_field(struct batch *batch, const void *bytes, size_t len);
void batch_field_int16(struct batch *batch, int16_t value);
void batch_field_int32(struct batch *batch, int32_t value);
void batch_field_int64(struct batch *batch, int64_t value);
void batch_field_double(struct batch *batch, double value);
/* Room for a field of a length not known yet: write into the row's buf, then
 * close it with the mark that begin returned. */
struct buf *batch_field_begin(struct batch *batch, size_t *mark);
void batch_field_end(struct batch *batch, size_t mark);
void batch_row_end(struct batch *batch);
void batch_row_cancel(struct batch *batch);

/* Notes the event time of the row last ended (microseconds since 2000). */
void batch_event_time(struct batch *batch, size_t stream_index, int64_t us);

/* Gives the reject that a light batch's row became its bytes back,
 * origin->raw_len of them. */
void batch_restore(struct batch *batch, struct batch_origin *origin,
		   const char *bytes);

/* Adds a reject; the strings are copied, the reason with ? for what is no UTF-8
 * in it.  stream, sqlstate, column_name may be NULL.  No row may be open. */
void batch_reject(struct batch *batch, const struct stream *stream,
		  const struct batch_origin *origin, const char *reason,
		  const char *sqlstate, const char *column_name);

/* The file header that precedes binary tuples, and the trailer after them. */
extern const char batch_copy_header[19];
extern const char batch_copy_trailer[2];

#endif

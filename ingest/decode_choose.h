/*
 * decode_choose.h - which stream takes a record, which alternative a column
 *
 * The inside of a decoder, shared by the files that decode, explain and
 * observe.  decoder_load reads a record; the other functions answer about the
 * record loaded last.
 */
#ifndef INGEST_DECODE_CHOOSE_H
#define INGEST_DECODE_CHOOSE_H

#include "ingest/convert.h"
#include "ingest/decode.h"
#include "ingest/decode_csv.h"
#include "ingest/decode_jansson.h"
#include "ingest/path_trie.h"
#include "ingest/record.h"
#include "ingest/stream.h"

/* Where in the trie a stream's paths are. */
struct stream_plan {
	int **source; /* by column, by alternative; -1: not a path */
	int **match;  /* by match, by path */
	bool *mapped; /* by node: some alternative of the stream names it */
	bool has_rest;
};

struct decoder {
	const struct stream *const *streams; /* borrowed */
	size_t count;
	int always; /* every record belongs to this stream; -1: match */
	int forced; /* the one being decoded does; -1: match */
	int whole;  /* of the streams that are full this one is loaded now */
	struct path_trie trie;
	struct stream_plan *plan; /* by stream */
	struct arena arena;       /* the plans */
	struct decode_jansson json;
	struct decode_fast *fast; /* NULL: jansson alone */
	struct decode_csv csv;
	struct csv_layout **positional;  /* by stream; NULL: has a header */
	uint64_t unsure;                 /* records it left to jansson */
	const struct record *record;     /* the one loaded last */
	struct record positional_record; /* it, where its stream made it CSV */
	bool *taken; /* by node or field: a column other than `*` takes it */
	struct buf rest;
	struct buf headers; /* scratch of json_scan */
	char digits[24];    /* of a metadata number */
	struct error err;   /* why a record was rejected */
};

/* What fills a column. */
struct choice {
	int alternative; /* -1: none, the column is null */
	int node;        /* or field; -1: not a path */
	struct value value;
};

/* The record as its stream has it: CSV too, if it has no header and the stream
 * takes none.  Valid until the next call. */
const struct record *decoder_record(struct decoder *decoder,
				    const struct record *record);

/* Reads the record; on false decoder->err says why it cannot be. */
bool decoder_load(struct decoder *decoder, const struct record *record);

/* The index of the stream that takes the record; -1: none, or more than one,
 * and decoder->err says so. */
int decoder_stream(struct decoder *decoder);

/* Whether the stream may take a single record: it is not `load: full`, or is
 * loaded as a whole now. */
bool decoder_allows(const struct decoder *decoder, int stream);

/* Chooses what fills a column.  False: a chosen value cannot be read at all,
 * decoder->err says why. */
bool decoder_choose(struct decoder *decoder, size_t stream_index,
		    size_t column_index, struct choice *choice);

/* The value of a metadata source, null where the record has none.  False: it
 * cannot be read, decoder->err says why. */
bool decoder_metadata(struct decoder *decoder, enum metadata metadata,
		      struct value *value);

/* The event time, read back from the field that begins at `before` and ends
 * the rows.  False: it is null. */
bool decoder_event_time(const struct buf *rows, size_t before, int64_t *out);

/* Writes why nothing fills a column: what each alternative found. */
void decoder_why_null(struct decoder *decoder, size_t stream_index,
		      size_t column_index, char *text, size_t size);

/* An alternative's source as the stream file spells it. */
const char *decoder_source_name(const struct alternative *alternative);

#endif

/*
 * decode_pair.h - one record through both tiers, and whether they agree
 *
 * Agreement is to the byte: the same rows in the same tables with the same
 * event times, or the same rejects with the same reasons.
 */
#ifndef DECODE_PAIR_H
#define DECODE_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/batch.h"
#include "ingest/decode.h"
#include "ingest/record.h"
#include "ingest/stream.h"

enum { PAIR_STREAMS = 4 };

struct decode_pair {
	struct stream *stream[PAIR_STREAMS];
	size_t count;
	struct decoder *fast, *slow;
	struct batch by_fast, by_slow;
};

#define DECODE_PAIR_INIT ((struct decode_pair){0})

/* Streams to decode into, by the text of their files; ends the program if it
 * makes no sense.  Then open; forced as in decode.h. */
void decode_pair_add(struct decode_pair *pair, const char *name,
		     const char *text);
void decode_pair_add_file(struct decode_pair *pair, const char *name,
			  const char *file);
void decode_pair_open(struct decode_pair *pair, int forced,
		      const struct decode_limits *limits);
void decode_pair_close(struct decode_pair *pair);

/* Adds the record to both batches, which are emptied before. */
void decode_pair_decode(struct decode_pair *pair, const struct record *record);

/* What differs between the batches, for people; NULL: nothing. */
const char *decode_pair_difference(const struct decode_pair *pair);

/* A record of a line, as a file's third. */
struct record decode_pair_record(const char *bytes, size_t len);

/* A stream with every column type and conversion. */
extern const char decode_pair_types[];

/* A stream with jsonb and text[] columns and `*`. */
extern const char decode_pair_rest[];

#endif

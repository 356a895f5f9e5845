/*
 * decode_fast.h - the fast tier: a row, or not sure
 *
 * Turns a record into the row that the authority (decode_jansson.h) would make
 * of it, byte for byte, in a fraction of the time; or leaves it to the
 * authority.  It never rejects, and it never guesses.
 */
#ifndef INGEST_DECODE_FAST_H
#define INGEST_DECODE_FAST_H

#include <stdbool.h>

struct batch;
struct batch_origin;
struct decode_fast;
struct decoder;

/* The decoder is borrowed; its trie must not grow any more. */
struct decode_fast *decode_fast_open(struct decoder *decoder);
void decode_fast_close(struct decode_fast *fast);

/* Adds the row of decoder->record, which batch_record has noted.  False: not
 * sure, the batch holds no row of it. */
bool decode_fast(struct decode_fast *fast, const struct batch_origin *origin,
		 struct batch *batch);

#endif

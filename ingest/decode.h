/*
 * decode.h - one record in, one row or one reject out
 *
 * A decoder knows a set of streams.  decoder_decode finds the stream a record
 * belongs to, extracts and converts its columns, and adds exactly one row or
 * one reject to the batch: it cannot fail.  It does no I/O.  One decoder
 * belongs to one thread.
 */
#ifndef INGEST_DECODE_H
#define INGEST_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"

struct batch;
struct decoder;
struct drift;
struct record;
struct stream;

/* What a hostile line may cost; source: jansson needs up to 100 bytes of
 * memory per byte of nested brackets. */
struct decode_limits {
	size_t max_depth;  /* nested arrays and objects */
	size_t max_tokens; /* values and keys in one record */
};

/* streams: borrowed, outlive the decoder; forced: index of the stream every
 * record belongs to (--stream), or -1 to match. */
struct decoder *decoder_open(const struct stream *const *streams, size_t count,
			     int forced, const struct decode_limits *limits);
void decoder_close(struct decoder *decoder);

/* From here on this stream takes a whole input, as `load: full` wants it; -1:
 * none.  Elsewhere records of a full stream are rejects. */
void decoder_set_whole(struct decoder *decoder, int stream);

/* The index of the stream that takes the record, -1: none does. */
int decoder_find(struct decoder *decoder, const struct record *record);

/* Adds the record to the batch, as a row or as a reject. */
void decoder_decode(struct decoder *decoder, const struct record *record,
		    struct batch *batch);

/* Who reads a record first.  Both make the same rows; jansson alone says why a
 * record is none. */
enum decoder_tier { DECODER_FAST, DECODER_JANSSON };

/* A decoder opens with DECODER_FAST. */
void decoder_set_tier(struct decoder *decoder, enum decoder_tier tier);

/* How many records the fast tier has left to jansson, not being sure. */
uint64_t decoder_unsure(const struct decoder *decoder);

/* Samples paths of this record that no column takes into drift.  Slow: call
 * for one record in a thousand. */
void decoder_observe(struct decoder *decoder, const struct record *record,
		     struct drift *drift);

/* Writes, for people, which stream takes the record and for each column the
 * path that won, its raw value, the conversion, and the stored value, or why
 * the record is rejected.  Returns whether it became a row. */
bool decoder_explain(struct decoder *decoder, const struct record *record,
		     FILE *out);

#endif

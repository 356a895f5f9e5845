/*
 * source.h - where records come from
 *
 * A source has parts: a file or a pipe has one, Kafka one per assigned
 * partition.  Each part has a key under which its position is stored, and
 * hands out records in the order of their positions.
 *
 * The promise that everything else rests on: records between two positions of
 * a part are the same however often they are read, as long as the source is
 * replayable.  A source that is not (a pipe) is read once; what has been read
 * lives in memory until it is committed.
 *
 * Parts are claimed (position.h) before they are read.  A file and a pipe are
 * claimed before the pipeline starts; a source whose parts come and go claims
 * them itself, inside source_next, when no batch is in flight.
 */
#ifndef INGEST_SOURCE_H
#define INGEST_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "ingest/position.h"
#include "ingest/record.h"

enum source_result {
	SOURCE_RECORD, /* *record is filled */
	SOURCE_WAIT,   /* nothing within the time given */
	SOURCE_ENDED,  /* there will be nothing more */
	SOURCE_FAILED, /* *err says why */
};

struct source;

struct source_class {
	enum source_result (*next)(struct source *source, int64_t deadline_ms,
				   struct record *record, struct error *err);
	int64_t (*offset)(const struct source *source, int part);
	bool (*anchor)(struct source *source, int part, struct anchor *anchor);
	bool (*rewind)(struct source *source, int part, int64_t offset,
		       struct error *err);
	void (*close)(struct source *source);
};

/* What every source shows; the first member of each kind's own struct. */
struct source {
	const struct source_class *class;
	const char *name;            /* for people: a path, "stdin" */
	struct positions *positions; /* one per part, same index */
	bool replayable;             /* rewind works */
	int64_t size;                /* bytes, for an ETA; -1: not known */
};

/* The next record; its bytes live until the next call.  Waits for more input
 * until clock_ms() reaches deadline_ms. */
enum source_result source_next(struct source *source, int64_t deadline_ms,
			       struct record *record, struct error *err);

/* The position after everything handed out and passed over so far. */
int64_t source_offset(const struct source *source, int part);

/* What proves, at the next start, that the part is still the same one, for the
 * position source_offset() gives now.  False: this source has no proof. */
bool source_anchor(struct source *source, int part, struct anchor *anchor);

/* Reads a part again from `offset`, after the database has gone back to it. */
bool source_rewind(struct source *source, int part, int64_t offset,
		   struct error *err) MUST_CHECK;

/* NULL is allowed. */
void source_close(struct source *source);

#endif

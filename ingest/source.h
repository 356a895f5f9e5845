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
 * Parts are claimed (position.h) before they are read, a new file at the latest
 * before anything of it is sent.  A file and a pipe are claimed before the
 * pipeline starts, or by it (pipeline.h).  A source whose parts come and go
 * (its class has `settle`) claims them when source_next has returned
 * SOURCE_SETTLE: then nothing is in flight, nobody reads, and for every part
 * source_offset equals the position's next_offset afterwards.
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
	SOURCE_SETTLE, /* source_settle must run before the next record */
};

/* What became of everything that was taken out of a source and did not become
 * a record of a batch; `read` counts that and the records. */
struct source_counts {
	uint64_t read;
	uint64_t blank;      /* lines of white space, headers */
	uint64_t tombstones; /* Kafka records without a value */
	uint64_t skipped;    /* before our position, or of another's part */
	uint64_t rebalances;
};

/* How far a part reaches, as far as is known without asking. */
struct source_marks {
	const char *topic; /* borrowed */
	int32_t partition;
	int64_t low;  /* of the oldest record that is kept; -1: not known */
	int64_t high; /* after the newest; -1: not known */
};

struct pg;
struct source;

struct source_class {
	enum source_result (*next)(struct source *source, int64_t deadline_ms,
				   struct record *record, struct error *err);
	int64_t (*offset)(const struct source *source, int part);
	bool (*anchor)(struct source *source, int part, struct anchor *anchor);
	bool (*rewind)(struct source *source, int part, int64_t offset,
		       struct error *err);
	/* NULL: only by rewinding */
	bool (*reread)(const struct source *source, int64_t position,
		       char *bytes, size_t len, struct error *err);
	void (*close)(struct source *source);
	/* of a source whose parts come and go; NULL elsewhere */
	bool (*settle)(struct source *source, struct pg *pg, struct error *err);
	void (*leave)(struct source *source);
	bool (*rejoin)(struct source *source, struct error *err);
	void (*committed)(struct source *source);
	bool (*marks)(const struct source *source, int part,
		      struct source_marks *marks);
};

/* What every source shows; the first member of each kind's own struct. */
struct source {
	const struct source_class *class;
	const char *name;            /* for people: a path, "stdin" */
	struct positions *positions; /* one per part, same index */
	bool replayable;             /* rewind works */
	int64_t size;                /* bytes at opening; -1: not known */
	bool grouped;                /* others of a group may take parts over */
	bool needs_database;         /* the settling that is wanted now does */
	bool lost;    /* parts are gone already: drop what is open */
	bool patient; /* settles when all is committed, however long that takes;
		       * else it goes before what does not commit soon */
	struct source_counts counts; /* the reader's */
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

/* Whether source_reread works; no record has a key or headers then. */
bool source_rereads(const struct source *source);

/* The first `len` bytes of the record at `position`, which was handed out
 * before.  May run beside source_next. */
bool source_reread(const struct source *source, int64_t position, char *bytes,
		   size_t len, struct error *err) MUST_CHECK;

/* Whether parts come and go. */
bool source_changes(const struct source *source);

/* What SOURCE_SETTLE asked for; may be repeated after a transient error.  pg:
 * NULL unless needs_database. */
bool source_settle(struct source *source, struct pg *pg,
		   struct error *err) MUST_CHECK;

/* Gives all parts up, so that others can take them: the database is out of
 * reach.  source_rejoin must follow. */
void source_leave(struct source *source);

/* Gives all parts up and comes back for those it is given then. */
bool source_rejoin(struct source *source, struct error *err) MUST_CHECK;

/* Positions have moved; for the source's own monitors. */
void source_committed(struct source *source);

/* How far a part of ours reaches.  False: it is not ours, or no such thing is
 * known of this kind of source.  For the thread that settles. */
bool source_marks(const struct source *source, int part,
		  struct source_marks *marks);

/* NULL is allowed. */
void source_close(struct source *source);

#endif

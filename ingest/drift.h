/*
 * drift.h - paths that no column takes, as sampled
 *
 * The decoder adds what it sees in a sampled record; whoever flushes walks the
 * sorted entries, upserts them into millrace.drift and resets.  For each
 * stream at most DRIFT_PATHS paths are kept between two resets, so that a
 * producer who makes up keys cannot fill memory.  Not thread-safe: give each
 * decoding thread its own, or lock around it.
 */
#ifndef INGEST_DRIFT_H
#define INGEST_DRIFT_H

#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/strmap.h"

enum { DRIFT_PATHS = 1000, DRIFT_PATH_MAX = 500, DRIFT_SAMPLE_MAX = 200 };

/* The key of millrace.drift is (relation, path, kind). */
struct drift_entry {
	const char *relation;
	const char *path;     /* a."b c".d[].e; cut to DRIFT_PATH_MAX bytes */
	const char *kind;     /* object, array, string, number, boolean */
	const char *sample;   /* the first value seen, cut */
	uint64_t count;       /* sampled records that had it */
	uint64_t last_record; /* private: counted once a record */
};

struct drift {
	struct strmap entry;    /* by relation, path and kind together */
	struct strmap relation; /* to how many paths it has */
	uint64_t record;
	struct arena arena;
};

#define DRIFT_INIT ((struct drift){0})

/* Forgets everything. */
void drift_reset(struct drift *drift);
void drift_release(struct drift *drift);

/* Begins a sampled record: a path is counted once in it. */
void drift_record(struct drift *drift);

/* Notes a path of the record; all strings are copied. */
void drift_add(struct drift *drift, const char *relation, const char *path,
	       const char *kind, const char *sample, size_t sample_len);

/* The entries sorted by relation, path and kind: the order in which rows are
 * locked.  Valid until the next drift_add or drift_reset. */
const struct drift_entry *const *drift_sorted(struct drift *drift,
					      size_t *count);

#endif

/*
 * position.h - how far each part of a source has been loaded, and by whom
 *
 * A row of millrace.position is moved only by millrace.advance, inside the
 * transaction that loads the rows.  Its epoch is a fencing token: claiming a
 * part and resolving a COMMIT in doubt each raise it, so that whatever an
 * earlier owner, or our own lost connection, still has under way can no longer
 * pass.
 *
 * The owner is a random token per process, which also names its sessions
 * (application_name `handle-streams <token>`): that is how another process sees
 * whether the owner still lives.
 *
 * All of these run on a connection of the caller's, one transaction each, with
 * synchronous_commit on.  They never run while a batch of ours is in flight.
 */
#ifndef INGEST_POSITION_H
#define INGEST_POSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/libpq.h"

struct buf;
struct pg;

enum { OWNER_LEN = 32, ANCHOR_BYTES = 16 };

/* The bytes (or the record) before `offset` have this hash. */
struct anchor {
	int64_t offset;
	unsigned char hash[ANCHOR_BYTES];
};

bool anchor_is_same(const struct anchor *a, const struct anchor *b);

struct position {
	char *source; /* 'file:<hash>+<size>', 'pipe:<run id>', 'kafka:...' */
	int part;
	int64_t next_offset;
	int64_t epoch;
	bool mine; /* claimed, and not lost since */
};

/* The parts of one source, by index. */
struct positions {
	struct position *item;
	size_t count;
	size_t capacity;
	bool durable; /* batches wait for the disk: the source cannot replay */
	char owner[OWNER_LEN + 1];
};

/* A random token for this process. */
void position_owner(char owner[OWNER_LEN + 1]);

/* Adds a part that is not claimed yet and returns its index. */
int positions_add(struct positions *positions, const char *source, int part);
void positions_release(struct positions *positions);

/* Another part, not claimed yet, in the place of one. */
void positions_replace(struct positions *positions, int index,
		       const char *source, int part);

/* Makes the part ours and learns where it stands: a compare-and-set on the
 * epoch it read.  A part never seen before begins at its next_offset and is
 * stored with `first` (NULL: nothing), what is known of it at first sight.
 * Waits up to wait_ms for an owner's session to end; a process that is still
 * there then keeps it: STATUS_FENCED, saying so. */
bool position_claim(struct pg *pg, struct positions *positions, int index,
		    const struct anchor *first, int64_t wait_ms,
		    struct error *err) MUST_CHECK;

/* The claim itself, for a part whose row says `epoch`: `mine` tells whether
 * nobody was faster.  group: NULL, or the Kafka group that loads it now. */
bool position_take(struct pg *pg, const struct positions *positions, int index,
		   int64_t epoch, const char *group,
		   struct error *err) MUST_CHECK;

/* After a COMMIT in doubt: waits for the old backend, raises the epoch so that
 * it cannot pass any more, and learns where the part stands.  Clears `mine` if
 * another owner has it.  Repeat until answered. */
bool position_resolve(struct pg *pg, struct positions *positions, int index,
		      struct error *err) MUST_CHECK;

/* Reads where the part stands now; clears `mine` if another owner has it or
 * the row is gone. */
bool position_read(struct pg *pg, struct positions *positions, int index,
		   struct error *err) MUST_CHECK;

/* What the part's row says of the bytes before; *known: it says something. */
bool position_anchor(struct pg *pg, const struct positions *positions,
		     int index, bool *known, struct anchor *anchor,
		     struct error *err) MUST_CHECK;

/* `where source = ... and part = ...` */
void position_add_key(struct pg *pg, struct buf *sql,
		      const struct position *position);

/* The statement that moves a part of ours from where it stands to `to`.
 * anchor: NULL, or the proof of what is before. */
void position_add_advance(struct pg *pg, struct buf *sql,
			  const struct position *position, int64_t to,
			  const struct anchor *anchor);

/* Runs statements as the ingest role in one transaction of their own; *out is
 * the result of the one that returned rows.  After an ERROR the session is
 * usable again. */
bool position_transact(struct pg *pg, const struct buf *statements,
		       PGresult **out, struct error *err) MUST_CHECK;

/* Deletes a part of ours: a pipe that has ended. */
bool position_delete(struct pg *pg, struct positions *positions, int index,
		     struct error *err) MUST_CHECK;

/* Deletes rows of pipes whose process is certainly gone. */
bool position_sweep(struct pg *pg, int *swept, struct error *err) MUST_CHECK;

#endif

/*
 * whole_parts.h - what the two threads of a whole load share
 *
 * Private to whole*.c.  Two slots go round: the reader fills one that is free
 * and marks it filled, the sender empties it in the same order.
 */
#ifndef INGEST_WHOLE_PARTS_H
#define INGEST_WHOLE_PARTS_H

#include <pthread.h>

#include "ingest/load.h"
#include "ingest/source.h"
#include "ingest/whole.h"

enum { WHOLE_SLOTS = 2 };

struct whole_slot {
	struct load load;
	bool filled;
	bool last; /* nothing follows */
};

struct whole {
	const struct pipeline_parts *parts;
	const struct whole_load *load;
	struct pg *pg;    /* of the transaction */
	int64_t load_id;  /* of its ledger row */
	bool is_doubtful; /* nobody could say whether the COMMIT has happened */
	bool reading;     /* something of the input has been read */
	uint64_t rows, rejects, bytes;
	bool has_events;
	int64_t event_min, event_max;
	struct stats stats; /* of this try */

	pthread_t reader;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct whole_slot slot[WHOLE_SLOTS];
	bool quit;               /* the reader leaves */
	bool stopped;            /* it has left because it was asked to */
	struct error read_error; /* of the source; kind ERROR_NONE: none */
};

/* Starts reading from where the source stands; ends and joins the thread. */
void whole_reader_start(struct whole *whole);
void whole_reader_stop(struct whole *whole);

/* The filled slot whose turn it is (0, 1, 2, ...); give it back with
 * whole_reader_free. */
struct whole_slot *whole_reader_take(struct whole *whole, size_t turn);
void whole_reader_free(struct whole *whole, struct whole_slot *slot);

/* --- the transaction ------------------------------------------------------ */

/* Opens it: begin, ledger row, prepare.  False leaves none open. */
bool whole_begin(struct whole *whole, struct error *err) MUST_CHECK;

/* COPYs one batch, rows and rejects. */
bool whole_copy(struct whole *whole, struct load *load,
		struct error *err) MUST_CHECK;

/* Counts, position, COMMIT.  *doubtful: no answer came. */
bool whole_commit(struct whole *whole, const struct anchor *content,
		  bool *doubtful, struct error *err) MUST_CHECK;

#endif

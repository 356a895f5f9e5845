/*
 * load.h - a batch on its way into the database
 *
 * A load is what one transaction commits: the batch, the proof of each range's
 * end, and what is known of its fate.  Loads are numbered in the order in which
 * they were filled, and only that order is ever committed.
 */
#ifndef INGEST_LOAD_H
#define INGEST_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "ingest/batch.h"
#include "ingest/position.h"

enum load_state {
	LOAD_FREE,     /* being filled, or waiting to be */
	LOAD_READY,    /* sealed, not sent or rolled back */
	LOAD_SENDING,  /* a sender works on it */
	LOAD_IN_DOUBT, /* the last message left, no answer came */
};

struct load {
	struct batch batch;
	struct anchor *anchor; /* one per range of the batch, same order */
	bool *anchored;        /* whether the source had a proof */
	size_t anchor_capacity;
	enum load_state state;
	size_t records;
	size_t rejects;  /* of the batch, for whoever does not own it */
	size_t isolated; /* of them, rows that PostgreSQL refused */
	int isolations;  /* times such rows have been looked for */
	int64_t load_id; /* of its first ledger row, once begun */
	struct load *next;
};

#endif

/*
 * snapshot.h - every version that a row has had
 *
 * A snapshot keeps one row per version, with dbt's columns: valid from, valid
 * to.  Its loads are taken one by one, by the time from which they hold: a full
 * extract or a model's whole content is compared with the versions that are
 * open, changes with those of the keys they name, and rows of a stream that
 * carry their own times are put where they belong.  Versions that stay as they
 * are keep their rows, so the cost of writing is that of what has changed.
 * Nothing is ever rebuilt: the past is not in the source any more.
 */
#ifndef AGGREGATE_SNAPSHOT_H
#define AGGREGATE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

#include "aggregate/refresh.h"

/* How a load is to be read. */
enum snapshot_mode {
	SNAPSHOT_EXTRACT, /* all rows there are: who is missing has left */
	SNAPSHOT_CHANGES, /* rows as they now are, and rows that have gone */
	SNAPSHOT_EVENTS,  /* versions with their own times, in any order */
};

/* What one load, or several together, have to say. */
struct snapshot_step {
	enum snapshot_mode mode;
	int64_t load_id;       /* the last of them */
	const char *effective; /* since when it holds: timestamp, UTC */
	const char *loaded_at; /* of an extract in staging; NULL: a model's
				  rows as they stand */
	struct load *load;     /* read as change sets; none: all there is */
	size_t load_count;
};

/* Takes everything that is pending, or for a new table all there is.  An
 * extract older than one already taken is an error. */
bool snapshot_take(struct refresh *refresh, bool is_new,
		   struct error *err) MUST_CHECK;

/* Brings the open versions to what an extract or changes say. */
bool snapshot_diff(struct refresh *refresh, const struct snapshot_step *step,
		   struct error *err) MUST_CHECK;

/* Puts versions with their own times between those that are there. */
bool snapshot_events(struct refresh *refresh, const struct snapshot_step *step,
		     struct error *err) MUST_CHECK;

#endif

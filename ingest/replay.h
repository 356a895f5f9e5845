/*
 * replay.h - rejects once more, with the streams as they are today
 *
 * After a stream file was corrected, its rejects may be good.  Each is decoded
 * again; those that become rows are loaded, announced in the ledger and marked
 * as replayed in one transaction, so that each is replayed once even if two
 * replays run at the same time.  The others stay as they are.
 */
#ifndef INGEST_REPLAY_H
#define INGEST_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct decoder;
struct pg;
struct sink_plan;

struct replay_result {
	size_t looked_at;
	size_t replayed; /* with dry_run: would have been */
	size_t cut;      /* over-long: their bytes are not all there */
};

/* ids: `reject_id` numbers separated by commas, or "" for all that were not
 * replayed yet. */
bool replay_run(struct pg *pg, const struct sink_plan *plan,
		struct decoder *decoder, const char *ids, bool dry_run,
		struct replay_result *result, struct error *err) MUST_CHECK;

#endif

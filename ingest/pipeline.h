/*
 * pipeline.h - from a source into the database, overlapped and in order
 *
 * One thread reads and decodes, some send, the caller's watches:
 *
 *   source -> reader --filled loads--> sender -+
 *               ^                      sender -+-> PostgreSQL
 *               +------ empty loads <----------+
 *
 * Loads commit in the order in which they were filled.  There are one more of
 * them than senders, so memory is bounded and reading stops when the database
 * is slow.  When a load fails or its COMMIT is in doubt, every other rolls
 * back; then, with nothing in flight, the caller's thread finds out where the
 * positions stand, and everything that is not committed goes again, in order.
 */
#ifndef INGEST_PIPELINE_H
#define INGEST_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "ingest/sink.h"
#include "ingest/stats.h"

struct decoder;
struct load_watch;
struct monitor;
struct observer;
struct pg;
struct source;

struct pipeline_settings {
	int64_t connections;
	int64_t batch_rows;
	int64_t batch_bytes;
	int64_t linger_ms;
	int64_t shutdown_ms; /* to finish in, once asked to stop */
	int64_t retry_ms;    /* how long to try without a commit; 0: for ever */
	int64_t leave_ms;    /* without the database: others may take over */
	int64_t progress_ms;
	int64_t max_rejects;        /* -1: any number */
	double max_rejects_percent; /* of the records read; < 0: any */
};

/* What the pipeline works with; everything is borrowed. */
struct pipeline_parts {
	const struct pipeline_settings *settings;
	const struct sink_plan *plan;
	struct source *source; /* its parts are claimed, unless: */
	/* Claims its one part, in the caller's thread.  The reader is ahead
	 * meanwhile, from the start on; nothing is sent.  A part that is not
	 * `mine` afterwards is not loaded.  NULL: all are claimed. */
	bool (*claim)(const void *context, struct error *err);
	const void *claim_context;
	struct decoder *decoder;
	struct observer *observer; /* samples paths no column takes; or NULL */
	struct stats *stats;
	struct monitor *monitor;  /* NULL: nobody looks */
	struct load_watch *watch; /* of a whole load */
	struct pg **control; /* a connection of the caller's thread, reopened
			      * when it broke */
};

/* Loads the source to its end, or until the program is asked to stop: then
 * true as well, if what had been read is committed or can be read again. */
bool pipeline_run(const struct pipeline_parts *parts,
		  struct error *err) MUST_CHECK;

/* Whether so many rejects are within --max-rejects.  ended: there will be no
 * more records, so that a share of few counts too. */
bool pipeline_rejects_within(const struct pipeline_settings *settings,
			     uint64_t records, uint64_t rejects, bool ended);

#endif

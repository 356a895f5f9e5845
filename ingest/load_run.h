/*
 * load_run.h - what the inputs of one run share
 *
 * Private to command_load.c and load_*.c: one process, any number of inputs one
 * after the other, all through one decoder and one set of streams.
 */
#ifndef INGEST_LOAD_RUN_H
#define INGEST_LOAD_RUN_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/error.h"
#include "ingest/load_watch.h"
#include "ingest/pipeline.h"
#include "ingest/position.h"
#include "ingest/sink.h"
#include "ingest/stats.h"
#include "ingest/stream_set.h"
#include "ingest/whole.h"

struct decoder;
struct file_identity;
struct monitor;
struct observer;
struct options;
struct source;
struct upkeep;

struct load_run {
	const struct options *options;
	struct stream_set set;
	struct buf dsn;
	struct pg *control;
	struct sink_plan plan;
	struct decoder *decoder;
	struct observer *observer;
	struct upkeep *upkeep;
	struct monitor *monitor;
	struct stats stats;
	struct load_watch watch; /* while a whole load runs */
	char owner[OWNER_LEN + 1];
	int forced; /* --stream, or -1 */
	int inputs; /* pipes so far, to tell them apart */
};

/* An input on its way to being claimed. */
struct load_claim {
	struct load_run *run;
	struct source *source;
	int fd;
	struct file_identity *identity; /* NULL: a pipe */
	void *context;                  /* the step's own */
};

typedef bool load_step(const struct load_claim *claim, struct error *err);

/* Repeats a step, which uses run->control, through restarts of the server and
 * broken connections. */
bool load_insist(const struct load_claim *claim, load_step *step,
		 struct error *err) MUST_CHECK;

/* Whether the claim failed only because the program is asked to stop: then
 * nothing is wrong, unless source (NULL: it can be read again) is a pipe that
 * has given something already. */
bool load_stopped_before(const struct source *source, const char *name,
			 struct error *err);

struct pipeline_parts load_parts(struct load_run *run, struct source *source);

/* False where a file holds gzip and the like: its bytes are no lines, and where
 * they end changes with every packing. */
bool load_refuse_packed(int fd, const char *name, struct error *err) MUST_CHECK;

/* load_recognise.c: how the input is to be read, as CSV or JSON, and by its
 * beginning which stream it is for, -1 if that cannot be said. */
bool load_recognise(struct load_run *run, struct source *source, int *stream,
		    struct error *err) MUST_CHECK;

/* load_full.c: the input is a complete extract of a stream that is `load:
 * full`. */
bool load_full(struct load_run *run, struct source *source, int fd, int stream,
	       struct error *err) MUST_CHECK;

/* load_range.c: the input replaces a range of event time. */
bool load_range(struct load_run *run, struct source *source, int fd, int stream,
		struct error *err) MUST_CHECK;

/* load_table.c: a table of another PostgreSQL. */
bool load_table(struct load_run *run, struct error *err) MUST_CHECK;

/* --- of whole loads ------------------------------------------------------- */

/* A pipe, or a file whose last line has no end, must be said to hold
 * everything. */
bool load_check_whole(const struct load_run *run, const struct source *source,
		      int fd, struct error *err) MUST_CHECK;

/* Loads the input in one transaction; its position is claimed. */
bool load_whole(struct load_run *run, struct source *source,
		const struct whole_load *load, enum whole_result *result,
		struct error *err) MUST_CHECK;

#endif

/*
 * stream_file.h - a stream as those see it who read what it has loaded
 *
 * The stream file says, beside what handle-streams needs of it, which tests a
 * load must pass before anybody consumes it, and how old its news may be:
 *
 *   -- freshness: warn 12h error 24h on event_at
 *   -- tests:
 *   --   - not_null: [id]
 */
#ifndef AGGREGATE_STREAM_FILE_H
#define AGGREGATE_STREAM_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "aggregate/model.h"
#include "common/error.h"

struct freshness {
	int64_t warn_us, error_us; /* 0: never */
	const char *column;        /* loaded_at, or the stream's event_time */
	bool by_event;
	int line; /* 0: nothing is said */
};

struct stream_file {
	struct model model; /* its name and tests; no query */
	struct freshness freshness;
	const char *event_time; /* NULL: the stream names none */
	bool is_full;           /* every load is a complete extract */
	int64_t retention_us;   /* 0: everything is kept */
	int retention_line;
};

/* Reads the header of a stream file.  name: staging.<stream>. */
bool stream_file_parse(struct stream_file **out, const char *file,
		       const char *pack, const char *name, const char *text,
		       struct error *err) MUST_CHECK;
void stream_file_close(struct stream_file *stream);

#endif

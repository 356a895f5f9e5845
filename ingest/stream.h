/*
 * stream.h - a stream file: one staging table and the mapping into it
 *
 * `sql/<pack>/streams/<name>.sql` is valid SQL that creates staging.<name>;
 * its comments say where each column comes from.  stream_parse reads the text
 * and knows nothing of files or databases; every error names file, line and,
 * for a misspelt word, the nearest one that is allowed.
 */
#ifndef INGEST_STREAM_H
#define INGEST_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"

enum column_type {
	COLUMN_TEXT,
	COLUMN_VARCHAR,
	COLUMN_SMALLINT,
	COLUMN_INTEGER,
	COLUMN_BIGINT,
	COLUMN_DOUBLE,
	COLUMN_NUMERIC,
	COLUMN_BOOLEAN,
	COLUMN_TIMESTAMPTZ,
	COLUMN_TIMESTAMP,
	COLUMN_DATE,
	COLUMN_UUID,
	COLUMN_JSONB,
	COLUMN_TEXT_ARRAY,
	COLUMN_TYPE_COUNT
};

/* Bits: a stream may take both. */
enum stream_format { STREAM_JSON = 1, STREAM_CSV = 2, STREAM_JSON_OR_CSV = 3 };
enum stream_load { LOAD_APPEND, LOAD_FULL };

/* `a.b."$type"`: the keys from the root down. */
struct path {
	const char **key;
	size_t *key_len;
	size_t depth;
	const char *text; /* as written */
	/* in a match: what must stand there, or that nothing does */
	const char *equals; /* NULL: anything */
	bool is_absent;     /* null counts as absent */
};

enum source_kind {
	FROM_PATH,     /* a JSON path */
	FROM_METADATA, /* @topic, @offset, ... */
	FROM_REST,     /* * : everything no other column took */
};

enum metadata {
	META_TOPIC,
	META_PARTITION,
	META_OFFSET,
	META_TIMESTAMP,
	META_KEY,
	META_HEADERS,
	META_FILE,
	META_LINE
};

/* One alternative of a `from:`. */
struct alternative {
	enum source_kind kind;
	struct path path;       /* FROM_PATH */
	enum metadata metadata; /* FROM_METADATA */
	int conversion;         /* row of the table in convert.c; -1: default */
	enum { SPLIT_NONE, SPLIT_BEFORE, SPLIT_AFTER } split;
	char separator; /* of the split */
};

struct column {
	const char *name;
	enum column_type type;
	int length;    /* varchar(n): n code points; 0 otherwise */
	int precision; /* numeric(p,s): p; 0: unlimited */
	int scale;
	bool not_null;
	struct alternative *alternative;
	size_t alternative_count;
	int line; /* in the file */
};

/* Paths that must all be there, or hold a text, or not be there, for a record
 * to be of this stream. */
struct match {
	struct path *path;
	size_t path_count;
};

struct stream {
	const char *name;     /* bluesky_events */
	const char *relation; /* staging.bluesky_events */
	const char *file;
	const char *sql; /* the whole text: creates the table */
	enum stream_format format;
	enum stream_load load;
	int64_t effective_step_us; /* full: extracts are of such times; 0: of
				      any, and the load's own by default */
	char delimiter;            /* csv */
	bool header;               /* csv */
	const char *null;          /* csv: the text that means null */
	bool missing_null;         /* csv: columns not in the header are null */
	struct column *column;     /* without loaded_at, in the table's order */
	size_t column_count;
	int event_time; /* index of the event_time column; -1: none */
	struct match *match;
	size_t match_count;
	struct arena arena; /* owns everything above */
};

/* Parses the text of a stream file. name: the file's name without .sql. */
bool stream_parse(struct stream **out, const char *file, const char *name,
		  const char *text, struct error *err) MUST_CHECK;
void stream_close(struct stream *stream);

/* SQL text of a type, `timestamp with time zone` as format_type spells it. */
const char *column_type_name(enum column_type type);

#endif

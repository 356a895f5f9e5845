/*
 * project.h - the folder of packs, read and checked as a whole
 *
 * <folder>/<pack>/ holds streams/, sources/, models/, snapshots/ and seeds/.  A
 * project that opened is sound as far as files can tell: every reference names
 * a relation of the project, nothing depends on itself, and every model's
 * strategy suits what it reads.  No database is asked.
 */
#ifndef AGGREGATE_PROJECT_H
#define AGGREGATE_PROJECT_H

#include <stdbool.h>
#include <stddef.h>

#include "aggregate/graph.h"
#include "aggregate/model.h"
#include "common/arena.h"
#include "common/error.h"

struct stream_file;

enum relation_kind {
	RELATION_STREAM, /* streams/<name>.sql: staging.<name>, only grows */
	RELATION_MODEL,  /* models/.../<name>.sql: <pack>.<name>; snapshots
			    lie there too, or in snapshots/ */
	RELATION_SEED,   /* seeds/<name>.csv: <pack>.<name>, replaced at will */
	RELATION_SOURCE, /* sources/<name>.sql: the table it names */
};

/* A stored relation whose loads a model consumes.  Views in between are looked
 * through: what a view reads counts as read by whoever reads the view. */
struct input {
	size_t relation;          /* index in the project; never a view */
	bool is_marked;           /* behind at least one marker */
	bool is_looked_up;        /* a lookup, or read through one */
	enum on_change on_change; /* if is_looked_up: recompute before as_of
				     before ignore, when reached twice */
};

struct relation {
	const char *name; /* staging.bluesky_events, bluesky.events */
	const char *pack; /* of the file, also for streams */
	const char *file; /* as opened: <folder>/<pack>/... */
	enum relation_kind kind;
	struct model *model;        /* RELATION_MODEL, else NULL */
	struct stream_file *stream; /* of a stream or source, else NULL */
	struct input *input; /* by name; none for streams and seeds.  Of a view
				or a full model: all looked up, recompute */
	size_t input_count;
	bool is_consumed; /* a stored model reads it behind a marker */
};

struct project {
	const char *folder;
	struct relation *relation; /* by name */
	size_t relation_count;
	struct graph *graph; /* nodes are indexes of relation; direct reads */
	struct arena arena;
};

/* Reads <folder>.  Errors name file, line and the nearest word. */
bool project_open(struct project **out, const char *folder,
		  struct error *err) MUST_CHECK;
void project_close(struct project *project);

/* The relation of that name; NULL: none.  staging.<name>_current, the newest
 * extract of a stream that is `load: full`, is that stream. */
const struct relation *project_find(const struct project *project,
				    const char *name);

/* Whether rows are only ever added to it: streams, sources
 * and append models.  Seeds,
 * views and all other models change or lose rows. */
bool relation_is_insert_only(const struct relation *relation);

/* Whether nothing here makes it: a stream or a source. */
bool relation_is_raw(const struct relation *relation);

/* Whether it is a model that PostgreSQL computes at reading. */
bool relation_is_view(const struct relation *relation);

#endif

/*
 * whole.h - an input in one transaction: all of it or nothing
 *
 * What the pipeline does for streams that append, for what must not be seen in
 * parts: a complete extract (`load: full`), a corrected range.  One thread
 * reads and decodes into one of two batches while the other copies the one
 * before; memory is bounded by batch-bytes however long the input is.  The
 * ledger row comes first, as in every load, and gets its counts at the end.
 *
 * Nothing of a failed try remains.  A file is tried again from its start, a
 * pipe is not: it must be sent again.
 */
#ifndef INGEST_WHOLE_H
#define INGEST_WHOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "ingest/pipeline.h"
#include "ingest/position.h"

struct pg;
struct time_range;

/* What the transaction is, besides its rows. */
struct whole_load {
	size_t stream;         /* index: every row is of it */
	char op;               /* of the ledger row */
	bool repeatable;       /* one snapshot for all of it */
	const char *parts;     /* JSON for the ledger, or NULL */
	const char *effective; /* ISO time for the ledger's origin, or NULL */
	bool allow_empty;      /* without a single row too */
	const struct time_range *range; /* of all event times; NULL: any */
	/* a second range of the ledger's origin: a file that is loaded with
	 * this, so that it is not loaded again by itself; "": none */
	const char *file_key;
	int64_t file_from, file_size;
	bool has_latest;      /* whether `latest` is known */
	struct anchor latest; /* an input of that content changes nothing */
	/* runs in the transaction before any row; or NULL */
	bool (*prepare)(struct pg *pg, const struct whole_load *load,
			struct error *err);
	/* runs in it after the last row: whether that was all; or NULL */
	bool (*finish)(struct pg *pg, const struct whole_load *load,
		       struct error *err);
	const void *context; /* theirs */
	bool skip_empty;     /* no record: WHOLE_SAME */
	bool can_repeat;     /* a pipe, but of what can be read again */
};

enum whole_result {
	WHOLE_LOADED,
	WHOLE_SAME,    /* the content is the latest one: rolled back */
	WHOLE_STOPPED, /* asked to stop before the end: rolled back */
};

/* parts->source is lines from its first byte on, with one position, claimed; it
 * moves by one. */
bool whole_run(const struct pipeline_parts *parts,
	       const struct whole_load *load, enum whole_result *result,
	       struct error *err) MUST_CHECK;

#endif

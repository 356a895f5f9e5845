/*
 * fast_find.h - where in a record the mapped paths stand, in one pass
 *
 * Checks all of the record and notes, for each node of the path trie, what
 * kind of value stands there and from where to where.  It refuses whatever it
 * is not sure of: anything that is no JSON object within the limits, a node
 * that is there twice, an escaped key beside mapped ones.
 */
#ifndef INGEST_FAST_FIND_H
#define INGEST_FAST_FIND_H

#include <stdbool.h>
#include <stddef.h>

#include "ingest/convert.h"
#include "ingest/decode.h"
#include "ingest/fast_keys.h"
#include "ingest/fast_skip.h"

enum { FAST_ABSENT = VALUE_KIND_COUNT };

/* The bytes of a value in the source; a string's with its quotes. */
struct fast_span {
	const char *from;
	const char *end;
	bool odd; /* a string that may hold escapes */
};

struct fast_find {
	const struct path_trie *trie; /* borrowed */
	const struct decode_limits *limits;
	struct fast_keys keys;
	unsigned char *kind;    /* by node: enum value_kind, or FAST_ABSENT */
	struct fast_span *span; /* by node; of those that are there */
	struct fast_scan scan;
};

void fast_find_init(struct fast_find *find, const struct path_trie *trie,
		    const struct decode_limits *limits);
void fast_find_release(struct fast_find *find);

/* Reads a record, behind which stands what fast_text.h asks for.  False: not
 * sure, and what was noted means nothing. */
bool fast_find(struct fast_find *find, const char *bytes, size_t len);

#endif

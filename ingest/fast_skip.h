/*
 * fast_skip.h - over a JSON value that nobody asks for, checking all of it
 *
 * Without recursion and without memory: which of the open brackets are objects
 * is one bit each.  Limits are those of the authority, and a value nested more
 * than FAST_DEPTH deep is not sure.
 */
#ifndef INGEST_FAST_SKIP_H
#define INGEST_FAST_SKIP_H

#include <stddef.h>

enum { FAST_DEPTH = 64 };

/* What a record may still hold, and what it has used. */
struct fast_scan {
	size_t max_depth;
	size_t depth;  /* brackets open around the value */
	size_t tokens; /* keys and values so far */
};

/* At the first byte of a value; returns where it ends.  NULL: not sure.  What
 * fast_text.h asks of the text holds here too. */
const char *fast_skip_value(struct fast_scan *scan, const char *at);

#endif

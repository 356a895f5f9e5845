/*
 * json_span.h - where in the source a value stands
 *
 * jsonb columns take the source text itself, so that no digit and no escape
 * changes on the way.  Everything here reads text that json_scan has passed
 * and does not check it again.  Of two equal keys the last one counts, as in
 * jsonb, also when it stands further up.
 */
#ifndef INGEST_JSON_SPAN_H
#define INGEST_JSON_SPAN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "ingest/path_trie.h"

struct json_span {
	const char *from;
	size_t len;
};

/* From the opening quote of a string to after its closing one. */
const char *json_span_string_end(const char *quote);

/* Finds the value of every node of the trie that is there in an object.  span
 * has one element a node and span[0] is the object; the elements of nodes that
 * are not there mean nothing. */
void json_span_locate(const struct path_trie *trie, const char *json,
		      size_t len, struct json_span *span);

/* Writes the object without the values of the nodes that are taken: as jsonb
 * would hold it.  An object that had only taken members is left out. */
void json_span_rest(const struct path_trie *trie, const struct json_span *span,
		    const bool *taken, struct buf *out);

#endif

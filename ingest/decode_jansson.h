/*
 * decode_jansson.h - a record as jansson reads it: the authority
 *
 * Loads a record (json_scan first, so that errors are ours and numbers keep
 * their digits) and answers for every node of a path trie what stands there.
 * Jansson runs on an allocator that aborts: on failed allocations it has been
 * seen to drop bytes and succeed.
 */
#ifndef INGEST_DECODE_JANSSON_H
#define INGEST_DECODE_JANSSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/error.h"
#include "ingest/convert.h"
#include "ingest/decode.h"
#include "ingest/json_span.h"
#include "ingest/path_trie.h"

struct decode_jansson {
	const struct path_trie *trie;
	struct decode_limits limits;
	const char *bytes; /* the record: borrowed */
	size_t len;
	struct buf tagged;
	json_t *root;
	json_t **found;         /* by node; NULL: absent.  Of root */
	struct json_span *span; /* by node, once located */
	bool located;
	struct arena arena; /* elements; of this record */
};

/* The trie is borrowed and must not grow any more. */
void decode_jansson_init(struct decode_jansson *json,
			 const struct path_trie *trie,
			 const struct decode_limits *limits);
void decode_jansson_release(struct decode_jansson *json);

/* Reads a record, whose bytes must stay until the next one is loaded. */
bool decode_jansson_load(struct decode_jansson *json, const char *bytes,
			 size_t len, struct error *err) MUST_CHECK;

/* Whether the node is there, be it null. */
bool decode_jansson_has(const struct decode_jansson *json, int node);

/* What kind of value stands at a node that is there. */
enum value_kind decode_jansson_kind(const struct decode_jansson *json,
				    int node);

/* The value of a node that is there, as far as the conversion needs it. */
void decode_jansson_value(struct decode_jansson *json, int node,
			  enum convert_needs needs, struct value *out);

/* Writes the record without the taken nodes (json_span_rest). */
void decode_jansson_rest(struct decode_jansson *json, const bool *taken,
			 struct buf *out);

/* The kind of any value of the loaded tree, whose numbers are tagged. */
enum value_kind decode_jansson_kind_of(const json_t *value);

#endif

/*
 * bluesky_op.h - one operation on a repository, and how it is written
 *
 * Like the real thing, content is addressed by what it is: `content` decides
 * the record and its CID, so writing an operation again, at whatever time,
 * gives the same event again.
 */
#ifndef SUPPORT_BLUESKY_OP_H
#define SUPPORT_BLUESKY_OP_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/bluesky_random.h"

enum action { ACTION_CREATE, ACTION_UPDATE, ACTION_DELETE };

enum collection {
	COLLECTION_LIKE,
	COLLECTION_FOLLOW,
	COLLECTION_POST,
	COLLECTION_REPOST,
	COLLECTION_BLOCK,
	COLLECTION_PROFILE,
	COLLECTION_LISTITEM,
	COLLECTION_LISTBLOCK,
	COLLECTION_THREADGATE,
	COLLECTION_LIST,
	COLLECTION_COUNT,
};

struct op {
	int64_t at_us;      /* when the network saw it */
	int64_t created_us; /* when its client says it was made */
	uint64_t user;
	uint64_t tid; /* the record's key, unless that is `self` */
	uint64_t content;
	uint64_t previous; /* update, delete: the content before */
	enum action action;
	enum collection collection;
	bool is_null; /* the record did not come along */
};

/* How many of a million events are of this collection. */
uint32_t collection_share(enum collection collection);

/* Writes the line, at most EVENT_MAX bytes; returns where it stopped. */
char *op_put(char *to, const struct op *op);

#endif

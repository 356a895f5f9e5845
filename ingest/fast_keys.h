/*
 * fast_keys.h - which child of a trie node has this key, in one look
 *
 * The children of every node in one hash table, compiled from a path trie that
 * does not grow any more.  A key's first eight bytes and its length are both
 * hash and comparison, so that a key nobody asks for, and a short one that is
 * mapped, cost one multiplication and one look.
 */
#ifndef INGEST_FAST_KEYS_H
#define INGEST_FAST_KEYS_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ingest/path_trie.h"

struct fast_key {
	uint64_t head;   /* the first eight bytes, zeros behind a short key */
	const char *key; /* borrowed from the trie */
	size_t len;
	int child; /* -1: a free place */
};

struct fast_keys {
	struct fast_key *place;
	struct fast_keys_node {
		size_t first; /* of its places */
		size_t mask;  /* their number, a power of two, less one */
	} * node;
};

void fast_keys_init(struct fast_keys *keys, const struct path_trie *trie);
void fast_keys_release(struct fast_keys *keys);

/* Eight bytes must be readable at the key, however short it is. */
static inline uint64_t fast_keys_head(const char *key, size_t len)
{
	uint64_t head;

	memcpy(&head, key, sizeof head);
	head = le64toh(head);
	return len < 8 ? head & (((uint64_t)1 << 8 * len) - 1) : head;
}

static inline size_t fast_keys_hash(uint64_t head, size_t len)
{
	return (size_t)((head + len) * UINT64_C(0x9E3779B97F4A7C15) >> 32);
}

/* The child of a node with that key; -1: none. */
static inline int fast_keys_find(const struct fast_keys *keys, int node,
				 const char *key, size_t len)
{
	const struct fast_keys_node *at = &keys->node[node];
	uint64_t head = fast_keys_head(key, len);
	size_t i = fast_keys_hash(head, len);

	for (;; i++) {
		const struct fast_key *place =
			&keys->place[at->first + (i & at->mask)];

		if (place->child < 0)
			return -1;
		if (place->head == head && place->len == len &&
		    (len <= 8 || memcmp(place->key, key, len) == 0))
			return place->child;
	}
}

#endif

/*
 * path_trie.h - every path that any stream asks for, in one tree
 *
 * Compiled once from all streams of a set and then only read.  Node 0 is the
 * record itself; a node's parent always stands before it, so that one loop
 * over the nodes visits the tree from the root down.
 */
#ifndef INGEST_PATH_TRIE_H
#define INGEST_PATH_TRIE_H

#include <stddef.h>

#include "ingest/stream.h"

struct path_node {
	const char *key; /* borrowed from the stream */
	size_t key_len;
	int parent;       /* -1: the root */
	int first_child;  /* -1: none */
	int next_sibling; /* -1: none */
};

struct path_trie {
	struct path_node *node;
	size_t count;
	size_t capacity;
};

void path_trie_init(struct path_trie *trie);
void path_trie_release(struct path_trie *trie);

/* The node of a path, which is added where it is not there yet. */
int path_trie_add(struct path_trie *trie, const struct path *path);

/* The child of a node with that key; -1: none. */
int path_trie_child(const struct path_trie *trie, int node, const char *key,
		    size_t len);

#endif

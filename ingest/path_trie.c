#include "ingest/path_trie.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

static int add_node(struct path_trie *trie, int parent, const char *key,
		    size_t len)
{
	int index = (int)trie->count;

	MEM_GROW(trie->node, trie->count, trie->capacity);
	trie->node[trie->count++] = (struct path_node){
		.key = key,
		.key_len = len,
		.parent = parent,
		.first_child = -1,
		.next_sibling =
			parent < 0 ? -1 : trie->node[parent].first_child,
	};
	if (parent >= 0)
		trie->node[parent].first_child = index;
	return index;
}

void path_trie_init(struct path_trie *trie)
{
	*trie = (struct path_trie){0};
	add_node(trie, -1, "", 0);
}

void path_trie_release(struct path_trie *trie)
{
	free(trie->node);
	*trie = (struct path_trie){0};
}

int path_trie_child(const struct path_trie *trie, int node, const char *key,
		    size_t len)
{
	int child = trie->node[node].first_child;

	while (child >= 0 && (trie->node[child].key_len != len ||
			      memcmp(trie->node[child].key, key, len) != 0))
		child = trie->node[child].next_sibling;
	return child;
}

int path_trie_add(struct path_trie *trie, const struct path *path)
{
	int node = 0;

	for (size_t i = 0; i < path->depth; i++) {
		int child = path_trie_child(trie, node, path->key[i],
					    path->key_len[i]);

		node = child >= 0 ? child
				  : add_node(trie, node, path->key[i],
					     path->key_len[i]);
	}
	return node;
}

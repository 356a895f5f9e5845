#include "ingest/fast_keys.h"

#include <stdlib.h>

#include "common/mem.h"

enum { PLACES_PER_CHILD = 4 };

/* A power of two: four places a child keep it likely that one look is enough,
 * and one is always free, which ends a search. */
static size_t places_for(const struct path_trie *trie, size_t node)
{
	size_t places = 1;
	int child = trie->node[node].first_child;
	size_t children = 0;

	for (; child >= 0; child = trie->node[child].next_sibling)
		children++;
	while (places < children * PLACES_PER_CHILD)
		places *= 2;
	return places;
}

static uint64_t head_of(const char *key, size_t len)
{
	char padded[8] = "";

	memcpy(padded, key, len < 8 ? len : 8);
	return fast_keys_head(padded, len);
}

static void add(struct fast_keys *keys, int parent, int child,
		const struct path_node *node)
{
	const struct fast_keys_node *at = &keys->node[parent];
	uint64_t head = head_of(node->key, node->key_len);
	size_t i = fast_keys_hash(head, node->key_len);

	while (keys->place[at->first + (i & at->mask)].child >= 0)
		i++;
	keys->place[at->first + (i & at->mask)] = (struct fast_key){
		.head = head,
		.key = node->key,
		.len = node->key_len,
		.child = child,
	};
}

void fast_keys_init(struct fast_keys *keys, const struct path_trie *trie)
{
	size_t count = 0;

	keys->node = mem_zalloc(trie->count, sizeof *keys->node);
	for (size_t i = 0; i < trie->count; i++) {
		size_t places = places_for(trie, i);

		keys->node[i].first = count;
		keys->node[i].mask = places - 1;
		count += places;
	}
	keys->place = mem_zalloc(count, sizeof *keys->place);
	for (size_t i = 0; i < count; i++)
		keys->place[i].child = -1;
	for (size_t i = 1; i < trie->count; i++)
		add(keys, trie->node[i].parent, (int)i, &trie->node[i]);
}

void fast_keys_release(struct fast_keys *keys)
{
	free(keys->place);
	free(keys->node);
	*keys = (struct fast_keys){0};
}

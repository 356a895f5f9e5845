#include "ingest/fast_find.h"

#include <stdlib.h>

#include "common/mem.h"
#include "ingest/fast_text.h"

void fast_find_init(struct fast_find *find, const struct path_trie *trie,
		    const struct decode_limits *limits)
{
	*find = (struct fast_find){.trie = trie, .limits = limits};
	fast_keys_init(&find->keys, trie);
	find->kind = mem_alloc(trie->count);
	find->span = mem_zalloc(trie->count, sizeof *find->span);
}

void fast_find_release(struct fast_find *find)
{
	fast_keys_release(&find->keys);
	free(find->kind);
	free(find->span);
	*find = (struct fast_find){0};
}

static const char *find_members(struct fast_find *find, const char *at,
				int node);

/* What a value is, by its first byte; other bytes begin none. */
static enum value_kind kind_of(char first)
{
	switch (first) {
	case '"':
		return VALUE_STRING;
	case '{':
		return VALUE_OBJECT;
	case '[':
		return VALUE_ARRAY;
	case 't':
	case 'f':
		return VALUE_BOOLEAN;
	case 'n':
		return VALUE_NULL;
	default:
		return VALUE_NUMBER;
	}
}

/* At the value of a node.  Only objects with mapped members are entered, so
 * the recursion is no deeper than the longest path. */
static const char *find_value(struct fast_find *find, const char *at, int node)
{
	struct fast_span *span = &find->span[node];
	enum value_kind kind = kind_of(*at);

	if (find->kind[node] != FAST_ABSENT)
		return NULL;
	find->kind[node] = (unsigned char)kind;
	span->from = at;
	if (kind == VALUE_OBJECT && find->trie->node[node].first_child >= 0) {
		if (find->scan.depth == find->scan.max_depth)
			return NULL;
		find->scan.tokens++;
		find->scan.depth++;
		at = find_members(find, at + 1, node);
		find->scan.depth--;
	} else if (kind == VALUE_STRING) {
		find->scan.tokens++;
		at = fast_text_string(at + 1, &span->odd);
		at = at ? at + 1 : NULL;
	} else {
		at = fast_skip_value(&find->scan, at);
	}
	span->end = at;
	return at;
}

/* At a key: reads it and its value. */
static const char *find_member(struct fast_find *find, const char *at, int node)
{
	const char *key = at + 1;
	bool odd;
	int child;

	if (*at != '"')
		return NULL;
	at = fast_text_string(key, &odd);
	if (!at || (odd && memchr(key, '\\', (size_t)(at - key))))
		return NULL;
	find->scan.tokens++;
	child = fast_keys_find(&find->keys, node, key, (size_t)(at - key));
	at = fast_text_blanks(at + 1);
	if (*at != ':')
		return NULL;
	at = fast_text_blanks(at + 1);
	return child < 0 ? fast_skip_value(&find->scan, at)
			 : find_value(find, at, child);
}

/* After the { of an object with mapped members; ends after its }. */
static const char *find_members(struct fast_find *find, const char *at,
				int node)
{
	at = fast_text_blanks(at);
	if (*at == '}')
		return at + 1;
	for (;;) {
		at = find_member(find, at, node);
		if (!at)
			return NULL;
		at = fast_text_blanks(at);
		if (*at == '}')
			return at + 1;
		if (*at != ',')
			return NULL;
		at = fast_text_blanks(at + 1);
	}
}

bool fast_find(struct fast_find *find, const char *bytes, size_t len)
{
	const char *at = fast_text_blanks(bytes);

	memset(find->kind, FAST_ABSENT, find->trie->count);
	find->scan = (struct fast_scan){.max_depth = find->limits->max_depth};
	if (*at != '{')
		return false;
	at = find_value(find, at, 0);
	return at && fast_text_blanks(at) == bytes + len &&
	       find->scan.tokens <= find->limits->max_tokens;
}

/*
 * strmap.h - from names to things
 *
 * A hash map with string keys.  STRMAP_INIT is a valid empty map.  Keys are
 * borrowed and must outlive the map; values are the caller's pointers.  Entries
 * are kept in the order they were added: walk `entry[0 .. count)`.
 */
#ifndef COMMON_STRMAP_H
#define COMMON_STRMAP_H

#include <stddef.h>
#include <stdint.h>

struct strmap {
	struct strmap_entry {
		const char *key;
		void *value;
	} * entry;
	size_t count;
	size_t capacity;
	uint32_t *slot; /* open addressing: index into entry, plus one */
	size_t slot_count;
};

#define STRMAP_INIT ((struct strmap){0})

/* The value of a key; NULL if there is none. */
void *strmap_get(const struct strmap *map, const char *key);

/* Sets a key's value (not NULL) and returns the one it had, or NULL. */
void *strmap_put(struct strmap *map, const char *key, void *value);

/* Frees the map, not its keys and values. */
void strmap_release(struct strmap *map);

#endif

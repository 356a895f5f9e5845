#include "common/strmap.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/mem.h"

/* The slot that holds the key, or the free one where it belongs. */
static uint32_t *find(const struct strmap *map, const char *key)
{
	size_t mask = map->slot_count - 1;
	size_t i = (size_t)XXH3_64bits(key, strlen(key)) & mask;

	while (map->slot[i] && strcmp(map->entry[map->slot[i] - 1].key, key))
		i = (i + 1) & mask;
	return &map->slot[i];
}

static void widen(struct strmap *map)
{
	map->slot_count = map->slot_count ? map->slot_count * 2 : 16;
	free(map->slot);
	map->slot = mem_zalloc(map->slot_count, sizeof *map->slot);
	for (size_t i = 0; i < map->count; i++)
		*find(map, map->entry[i].key) = (uint32_t)i + 1;
}

void *strmap_get(const struct strmap *map, const char *key)
{
	uint32_t *slot;

	if (!map->count)
		return NULL;
	slot = find(map, key);
	return *slot ? map->entry[*slot - 1].value : NULL;
}

void *strmap_put(struct strmap *map, const char *key, void *value)
{
	uint32_t *slot;
	void *old;

	if ((map->count + 1) * 2 > map->slot_count)
		widen(map);
	slot = find(map, key);
	if (*slot) {
		old = map->entry[*slot - 1].value;
		map->entry[*slot - 1].value = value;
		return old;
	}
	MEM_GROW(map->entry, map->count, map->capacity);
	map->entry[map->count].key = key;
	map->entry[map->count].value = value;
	*slot = (uint32_t)++map->count;
	return NULL;
}

void strmap_release(struct strmap *map)
{
	free(map->entry);
	free(map->slot);
	*map = STRMAP_INIT;
}

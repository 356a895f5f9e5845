/*
 * arena.h - memory that lives and dies together
 *
 * Allocations from an arena are never freed one by one: arena_reset makes all
 * of it reusable, arena_release gives it back.  One arena belongs to one thing
 * with a name: a stream definition, a batch, a record.
 */
#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *block; /* the one being filled, newest first */
	size_t used;               /* bytes of it taken */
};

#define ARENA_INIT ((struct arena){0})

/* Memory aligned for any type, not zeroed / zeroed. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_zalloc(struct arena *arena, size_t size);

char *arena_strndup(struct arena *arena, const char *s, size_t len);
char *arena_strdup(struct arena *arena, const char *s);
char *arena_format(struct arena *arena, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Forgets every allocation and keeps one block for the next round. */
void arena_reset(struct arena *arena);

/* Frees everything and leaves a valid empty arena. */
void arena_release(struct arena *arena);

#endif
